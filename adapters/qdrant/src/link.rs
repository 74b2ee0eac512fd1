//! Links to pages, from whatever a payload calls its source.
//!
//! Pages are taken to be served under `/docs`, the default of Docusaurus. What cannot be opened
//! by a reader (a path of the machine that wrote the collection, a PDF's name, prose) is no link.

/// Folders at the root of a file system, never of a site.
const SYSTEM_FOLDERS: [&str; 13] = [
    "home", "Users", "root", "tmp", "var", "mnt", "media", "opt", "usr", "srv", "private",
    "Volumes", "etc",
];

/// Folders that code is checked out to on hosting platforms; the first folder of a site as well.
const CHECKOUT_FOLDERS: [&str; 7] =
    ["app", "workspace", "workspaces", "content", "code", "src", "build"];

/// The characters that may not stand in a path as they are (RFC 3986, section 3.3), but those
/// beyond ASCII, which every browser writes as it should.
const TO_ENCODE: [char; 10] = [' ', '"', '<', '>', '`', '{', '}', '|', '^', '\''];

/// The link that a full address stands for: an http(s) URL as it is, or an absolute path of the
/// site, tidied up. `None` for anything that only looks like one.
pub(crate) fn from_address(value: &str) -> Option<String> {
    let value = tidy(value)?;
    if let Some((scheme, rest)) = value.split_once("://") {
        let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // User and password in a URL are somebody's credentials.
        let sound = !authority.is_empty() && !authority.contains('@');
        let whole = !value.contains(char::is_whitespace);
        return (web && sound && whole).then_some(value);
    }
    if !value.starts_with('/') || value.starts_with("//") {
        return None;
    }
    let (path, suffix) = split_suffix(&value);
    if is_of_a_file_system(path) || page_name(path) != Some(path) {
        return None;
    }
    let path = path.trim_end_matches("/_index").trim_end_matches("/index");
    Some(encode(if path.is_empty() { "/" } else { path }) + suffix)
}

/// The page that Docusaurus makes of a source file: a path relative to the docs folder or with
/// it, absolute or not, of any system, with or without extension. `None` for a file that does
/// not become a page, and for a path of a machine that does not show its docs folder.
///
/// Number prefixes, index files and files named like their folder follow Docusaurus
/// (`plugin-content-docs`, `numberPrefix.ts` and `slug.ts`).
pub(crate) fn from_file(value: &str) -> Option<String> {
    let value = tidy(value)?;
    let local = value.strip_prefix("file://");
    let path = local.unwrap_or(&value);
    if path.contains("://") || path.starts_with("//") {
        return None;
    }
    let (path, suffix) = split_suffix(path);
    let is_source = page_name(path)? != path;
    let page = page_name(path)?;
    let of_a_machine = local.is_some() || is_of_a_file_system(path);
    let segments: Vec<&str> = page.split('/').filter(|s| !matches!(*s, "" | ".")).collect();
    let docs = |segment: &&str| *segment == "docs";
    let inside =
        if of_a_machine { segments.iter().rposition(docs) } else { segments.iter().position(docs) };
    let (base, segments) = match inside {
        Some(at) => ("/docs", &segments[at + 1..]),
        None if of_a_machine => return None,
        None if path.starts_with('/') => ("", &segments[..]),
        None => {
            let up = segments.iter().take_while(|segment| **segment == "..").count();
            ("/docs", &segments[up..])
        }
    };
    let begins_with_host = !is_source && segments.first().is_some_and(|first| is_host(first));
    let odd = |segment: &&str| *segment == ".." || segment.contains(':');
    if segments.iter().any(odd) || (inside.is_none() && begins_with_host) {
        return None;
    }
    let (last, folders) = segments.split_last()?;
    let is_index = matches!(last.to_lowercase().as_str(), "index" | "_index" | "readme")
        || folders.last().is_some_and(|folder| folder.to_lowercase() == last.to_lowercase());
    let kept = if is_index { folders } else { segments };
    let path: String = kept.iter().map(|segment| format!("/{}", without_number(segment))).collect();
    let link = format!("{base}{path}");
    Some(encode(if link.is_empty() { "/" } else { &link }) + suffix)
}

/// [`from_address`] or [`from_file`] by the look of a value that may as well be a name in prose.
pub(crate) fn from_look(value: &str) -> Option<String> {
    from_address(value).or_else(|| {
        let (path, _) = split_suffix(value.trim());
        let is_source = page_name(path).is_some_and(|page| page != path);
        let is_slug = value.contains(['/', '\\', '-']) && !value.contains(char::is_whitespace);
        if is_source || is_slug { from_file(value) } else { None }
    })
}

/// The address of a page whose front matter holds this slug: absolute below `/docs`, otherwise
/// beside the page that the file would have been.
pub(crate) fn with_slug(page: &str, slug: &str) -> Option<String> {
    let slug = tidy(slug)?;
    if slug.contains("..") || slug.contains("://") || slug.contains(char::is_whitespace) {
        return None;
    }
    match slug.strip_prefix('/') {
        Some(below) => {
            let below = below.strip_prefix("docs/").unwrap_or(below);
            Some(encode(&format!("/docs/{below}")))
        }
        None => Some(format!("{}/{}", page.rsplit_once('/')?.0, encode(&slug))),
    }
}

/// A site path as Docusaurus would have written it had it come from a file.
pub(crate) fn without_numbers(link: &str) -> String {
    link.split('/').map(without_number).collect::<Vec<_>>().join("/")
}

/// The trimmed value with slashes for backslashes; `None` for nothing and for more than a line.
fn tidy(value: &str) -> Option<String> {
    let value = value.trim().replace('\\', "/");
    (!value.is_empty() && !value.contains(char::is_control)).then_some(value)
}

/// The path, and the query or fragment behind it.
fn split_suffix(link: &str) -> (&str, &str) {
    link.split_at(link.find(['?', '#']).unwrap_or(link.len()))
}

/// The path without an extension of a page's source; `None` for a file that is no page.
fn page_name(path: &str) -> Option<&str> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, extension)) = file.rsplit_once('.') else { return Some(path) };
    let is_extension = (1..=5).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric())
        && extension.bytes().any(|b| b.is_ascii_alphabetic());
    if stem.is_empty() || !is_extension {
        return Some(path);
    }
    let is_source = ["md", "mdx"].iter().any(|known| extension.eq_ignore_ascii_case(known));
    is_source.then(|| &path[..path.len() - extension.len() - 1])
}

/// Whether an absolute path leads through a machine's folders rather than a site's.
fn is_of_a_file_system(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let Some(below) = path.strip_prefix('/') else { return drive };
    let first = below.split('/').next().unwrap_or_default();
    let is_source = page_name(path).is_some_and(|page| page != path);
    let checked_out = CHECKOUT_FOLDERS.contains(&first) || below.contains("/docs/");
    SYSTEM_FOLDERS.contains(&first)
        || first.as_bytes().get(1) == Some(&b':')
        || (is_source && first != "docs" && checked_out)
}

/// Whether the first part of a path is the name of a host: `docs.example.com`, not `1.intro`.
fn is_host(segment: &str) -> bool {
    segment.rsplit_once('.').is_some_and(|(name, top)| {
        !name.is_empty()
            && name.bytes().any(|b| b.is_ascii_alphabetic())
            && top.len() >= 2
            && top.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

/// The segment without its number prefix: `02-setup` is `setup`; dates (`2021-11-notes`) and
/// versions (`1.2-release`) stay.
fn without_number(segment: &str) -> &str {
    let digits = segment.len() - segment.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = &segment[digits..];
    let separator = |c: char| matches!(c, '-' | '_' | '.');
    let rest = after.trim_start();
    let name = rest.trim_start_matches(separator);
    let is_date_or_version = after
        .strip_prefix(separator)
        .is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
    let name = if name.len() == rest.len() { "" } else { name.trim_start() };
    if digits == 0 || is_date_or_version || name.is_empty() || name.starts_with(separator) {
        return segment;
    }
    name
}

fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for c in path.chars() {
        if TO_ENCODE.contains(&c) {
            encoded.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            encoded.push(c);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_and_tidied() {
        for (given, link) in [
            ("https://book.example/docs/a#b", "https://book.example/docs/a#b"),
            (
                "https://github.com/o/r/blob/main/docs/a.md",
                "https://github.com/o/r/blob/main/docs/a.md",
            ),
            ("/docs/a", "/docs/a"),
            ("/docs/a/", "/docs/a/"),
            ("/docs/01-a", "/docs/01-a"),
            ("/docs/x/_index", "/docs/x"),
            ("/docs/x/index#top", "/docs/x#top"),
            ("\\docs\\x\\_index", "/docs/x"),
            ("/docs\\part-1\\intro", "/docs/part-1/intro"),
            ("/docs/space name", "/docs/space%20name"),
            ("/docs/release-1.2", "/docs/release-1.2"),
            ("/docs/中文", "/docs/中文"),
            ("/", "/"),
        ] {
            assert_eq!(from_address(given).as_deref(), Some(link), "{given}");
        }
    }

    #[test]
    fn what_a_reader_cannot_open_is_no_link() {
        for given in [
            "",
            "  ",
            "javascript:alert(1)",
            "javascript:a/b-c",
            "file:///home/me/x.html",
            "ftp://host/x",
            "https://",
            "https://me:secret@host/x",
            "https://host/a b",
            "//host/x",
            "\\\\server\\share\\x",
            "/home/me/book/intro",
            "/home/me/intro.md",
            "C:\\Users\\me\\intro.md",
            "/docs/book.pdf",
            "/docs/a\n/b",
        ] {
            assert_eq!(from_look(given), None, "{given:?}");
        }
        for given in ["Physical AI Textbook", "textbook", "manual upload", "book.pdf", "a/b.ipynb"]
        {
            assert_eq!(from_look(given), None, "{given:?}");
        }
    }

    #[test]
    fn files_become_the_pages_that_docusaurus_makes_of_them() {
        for (given, link) in [
            ("intro.md", "/docs/intro"),
            ("docs/intro.md", "/docs/intro"),
            ("./docs/intro.mdx", "/docs/intro"),
            ("../../docs/part/intro.MD", "/docs/part/intro"),
            ("01-part\\02-intro.md", "/docs/part/intro"),
            ("1.x-notes/2021-11-news.md", "/docs/x-notes/2021-11-news"),
            ("2021-journal/1.2-release.md", "/docs/journal/1.2-release"),
            ("part/index.md", "/docs/part"),
            ("part/README.md", "/docs/part"),
            ("part/part.md", "/docs/part"),
            ("01-part/01-part.md", "/docs/part"),
            ("part/01-index.md", "/docs/part/index"),
            ("part/_index.md", "/docs/part"),
            ("index.md", "/docs"),
            ("chapter-1", "/docs/chapter-1"),
            ("module-1/week-2", "/docs/module-1/week-2"),
            ("My File.md", "/docs/My%20File"),
            ("intro.md#setup", "/docs/intro#setup"),
            ("/docs/part/01-intro.md", "/docs/part/intro"),
            ("/guide/intro.md", "/guide/intro"),
            ("/home/me/docs/book/docs/part/intro.md", "/docs/part/intro"),
            ("/app/docs/intro.md", "/docs/intro"),
            ("C:\\Users\\me\\book\\docs\\01-part\\02-intro.md", "/docs/part/intro"),
            ("file:///home/me/book/docs/intro.md", "/docs/intro"),
        ] {
            assert_eq!(from_look(given).as_deref(), Some(link), "{given}");
        }
    }

    #[test]
    fn files_that_are_no_pages_have_no_link() {
        for given in [
            "/app/intro.md",
            "/content/drive/intro.md",
            "docs.example.com/intro",
            "part/../../secret.md",
            "notes.txt",
            "s3://bucket/docs/intro.md",
            "file:///x/intro.md",
        ] {
            assert_eq!(from_file(given), None, "{given}");
        }
    }

    #[test]
    fn a_slug_replaces_the_page_or_its_last_part() {
        assert_eq!(with_slug("/docs/a/b", "/start").as_deref(), Some("/docs/start"));
        assert_eq!(with_slug("/docs/a/b", "/docs/start").as_deref(), Some("/docs/start"));
        assert_eq!(with_slug("/docs/a/b", "c").as_deref(), Some("/docs/a/c"));
        assert_eq!(with_slug("/docs/a/b", "../up"), None);
    }
}
