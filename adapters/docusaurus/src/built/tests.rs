use std::collections::HashSet;
use std::fs;

use super::*;

const SITE: &str = "https://a.example/base";

/// A page of docs as Docusaurus writes it; not listed when its body begins with `noindex`.
struct Html<'a> {
    file: &'a str,
    locale: &'a str,
    tag: &'a str,
    id: &'a str,
    url: &'a str,
    original: &'a str,
    title: &'a str,
    body: &'a str,
}

const PAGE: Html<'_> = Html {
    file: "docs/a/index.html",
    locale: "en",
    tag: "docs-default-current",
    id: "a",
    url: "/docs/a",
    original: "/docs/a",
    title: "A | Site",
    body: "<h1>A</h1><p>Top.</p><h2 id=b>B</h2><p>Text.</p>",
};

impl Html<'_> {
    fn write(&self, build: &Path) {
        let version = self.tag.rsplit('-').next().unwrap_or_default();
        let (robots, body) = match self.body.strip_prefix("noindex") {
            Some(body) => ("<meta name=robots content='noindex, nofollow'>", body),
            None => ("", self.body),
        };
        let html = format!(
            "<!doctype html><html class='docs-wrapper docs-doc-page docs-doc-id-{}'><head>
            <title>{}</title><meta name=docusaurus_locale content={}>
            <meta name=docusaurus_version content={version}>
            <meta name=docusaurus_tag content={}>{robots}
            <link rel=canonical href='{SITE}{}'>
            <link rel=alternate href='{SITE}{}' hreflang=x-default></head>
            <body><nav>Menu</nav><main><article><nav>Crumbs</nav>
            <div class='theme-doc-markdown markdown'>{body}</div>
            <footer>Edit</footer></article></main></body></html>",
            self.id, self.title, self.locale, self.tag, self.url, self.original,
        );
        write(build, self.file, html.as_bytes());
    }
}

fn write(build: &Path, file: &str, content: &[u8]) {
    let path = build.join(file);
    fs::create_dir_all(path.parent().unwrap_or(build)).unwrap();
    fs::write(path, content).unwrap();
}

fn built(pages: &[Html<'_>]) -> tempfile::TempDir {
    let build = tempfile::tempdir().unwrap();
    for page in pages {
        page.write(build.path());
    }
    build
}

fn urls(reading: &Reading) -> Vec<&str> {
    reading.pages.iter().filter_map(|page| page.url.strip_prefix(SITE)).collect()
}

#[test]
fn a_page_has_its_title_url_anchors_and_passages() {
    let build = built(&[PAGE]);
    let reading = read(build.path(), None).unwrap();
    let page = Page {
        file: "docs/a/index.html".to_owned(),
        title: "A".to_owned(),
        url: format!("{SITE}/docs/a"),
        anchors: vec!["b".to_owned()],
        edition: None,
    };
    assert_eq!(
        (reading.pages.as_slice(), reading.findings.as_slice()),
        ([page].as_slice(), [].as_slice())
    );
    let passages: Vec<_> = reading
        .passages
        .iter()
        .map(|passage| (passage.id.0.as_str(), passage.breadcrumb(), passage.text.as_str()))
        .collect();
    let expected = [
        ("docs/a/index.html#/0", "A".to_owned(), "Top."),
        ("docs/a/index.html#b/0", "A > B".to_owned(), "Text."),
    ];
    assert_eq!(passages, expected);
    assert_eq!(reading.passages[1].url, Some(format!("{SITE}/docs/a#b")));
}

#[test]
fn only_listed_pages_of_docs_are_read() {
    let build = built(&[
        PAGE,
        Html { file: "blog/index.html", tag: "default", url: "/blog", ..PAGE },
        Html { file: "docs/list/index.html", id: "", url: "/docs/list", ..PAGE },
        Html { file: "docs/u/index.html", id: "u", url: "/docs/u", body: "noindex<p>x", ..PAGE },
    ]);
    write(build.path(), "404.html", b"<html><title>Not found</title>");
    write(build.path(), "assets/a.js", b"<html>");
    assert_eq!(urls(&read(build.path(), None).unwrap()), ["/docs/a"]);
}

#[test]
fn a_title_is_what_the_window_shows_without_the_name_of_the_site() {
    let page = |file, title, body| Html { file, title, body, ..PAGE };
    let build = built(&[
        page("a.html", "A | B | Site", "<h1>A | B</h1>"),
        page("b.html", "Own | Site", "<h1>Other</h1>"),
        page("c.html", "C | Site", "<h1>C</h1>"),
        page("d.html", "Site", "<h1>Empty front matter</h1>"),
    ]);
    let reading = read(build.path(), None).unwrap();
    let titles: Vec<_> = reading.pages.iter().map(|page| page.title.as_str()).collect();
    assert_eq!(titles, ["A | B", "Own", "C", "Empty front matter"]);
}

#[test]
fn pages_that_are_not_translated_are_left_out() {
    let note = |title: &str| {
        format!(
            "<div class='theme-admonition theme-admonition-note'><div class=admonitionHeading_x>{title}</div>\
                 <div class=admonitionContent_x>Text.</div></div>"
        )
    };
    let (note, hinweis) = (note("note"), note("Hinweis"));
    let german = |file, id, url, original, body| Html {
        file,
        locale: "de",
        id,
        url,
        original,
        title: "A | Seite",
        body,
        ..PAGE
    };
    let build = built(&[
        PAGE,
        Html { file: "n.html", id: "n", url: "/n", original: "/n", body: &note, ..PAGE },
        Html { file: "t.html", id: "t", url: "/t", original: "/t", ..PAGE },
        german("de/a.html", "a", "/de/docs/a", "/docs/a", PAGE.body),
        german("de/n.html", "n", "/de/n", "/n", &hinweis),
        german("de/t.html", "t", "/de/eigen", "/eigen", "<h1>Eigen</h1>"),
    ]);
    assert_eq!(urls(&read(build.path(), None).unwrap()), ["/de/eigen", "/docs/a", "/n", "/t"]);
}

#[test]
fn each_edition_begins_where_all_its_pages_do() {
    let page = |file, tag, url| Html { file, tag, url, original: url, ..PAGE };
    let build = built(&[
        page("a.html", "docs-default-2.0", "/docs/a"),
        page("b.html", "docs-default-2.0", "/docs/"),
        page("c.html", "docs-default-current", "/docs/next/c"),
        Html { id: "", ..page("d.html", "docs-default-current", "/docs/next/d/e") },
        page("e.html", "docs-api-current", "/api"),
    ]);
    let reading = read(build.path(), None).unwrap();
    let editions: Vec<_> = reading
        .passages
        .iter()
        .filter_map(|passage| passage.edition.as_ref())
        .map(|edition| (edition.version.as_str(), edition.url.strip_prefix(SITE).unwrap()))
        .collect();
    let expected = [("2.0", "/docs"), ("current", "/docs/next"), ("current", "/api")];
    assert_eq!(
        editions.chunks(2).map(|two| two[0]).collect::<HashSet<_>>(),
        HashSet::from(expected)
    );
}

#[test]
fn urls_are_encoded_and_can_be_moved_to_another_site() {
    let page = |file, url| Html { file, url, ..PAGE };
    let build = built(&[
        page("index.html", "/"),
        page("a b.html", "/a b"),
        page("c/index.html", "/c"),
        page("d/index.html", "/d/"),
    ]);
    assert_eq!(urls(&read(build.path(), None).unwrap()), ["/a%20b", "/c", "/d/", "/"]);
    let moved = read(build.path(), Some("https://b.example/x/")).unwrap();
    let urls: Vec<_> = moved.pages.iter().map(|page| page.url.as_str()).collect();
    let expected = ["/a%20b", "/c", "/d/", "/"].map(|path| format!("https://b.example/x{path}"));
    assert_eq!(urls, expected);
}

#[test]
fn a_page_that_is_broken_is_a_finding() {
    let build = built(&[PAGE]);
    write(build.path(), "b.html", b"<p>\xFF</p>");
    let reading = read(build.path(), None).unwrap();
    assert_eq!(urls(&reading), ["/docs/a"]);
    let findings: Vec<_> = reading.findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings, ["b.html: not UTF-8: left out"]);
}

#[test]
fn a_folder_that_is_no_built_site_is_refused_with_what_to_give() {
    let refusal = |build: &Path| read(build, None).unwrap_err().to_string();
    let build = built(&[]);
    write(build.path(), "404.html", b"<html>");
    assert!(refusal(build.path()).contains("docusaurus build"), "{}", refusal(build.path()));
    assert!(matches!(read(&build.path().join("x"), None), Err(BookError::NotFound(_))));
    assert!(matches!(read(&build.path().join("404.html"), None), Err(BookError::NotAFolder(_))));
}
