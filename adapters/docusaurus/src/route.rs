//! Routes: the URL of a page, by the rules of Docusaurus (`plugin-content-docs`, `docs.ts`,
//! `slug.ts`, `numberPrefix.ts`).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::front_matter::FrontMatter;

/// What stays as it is in a path or fragment: what RFC 3986 allows there, but for parentheses,
/// which would end a Markdown link.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// The URLs of the pages of one docs plugin, in one version and language.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// The site's origin, without a slash at its end; empty when it is not known.
    pub(crate) origin: String,
    /// The path below which the site is served; begins and ends with a slash.
    pub(crate) base_url: String,
    /// The path below which the pages are served; begins and ends with a slash.
    pub(crate) docs: String,
    /// Whether paths end in a slash; `None` leaves them as they are.
    pub(crate) trailing_slash: Option<bool>,
    /// Whether the numbers before names are cut off.
    pub(crate) cuts_number_prefixes: bool,
}

impl Routes {
    /// Where the page of a file is served. `relative` is its path below the docs folder.
    pub(crate) fn url(&self, relative: &str, front_matter: &FrontMatter) -> String {
        let cuts = self.cuts_number_prefixes && !front_matter.keeps_number_prefixes;
        self.served(&format!("{}{}", self.docs, slug(relative, front_matter, cuts)))
    }

    /// Where a path below the base URL is served.
    pub(crate) fn url_of(&self, path: &str) -> String {
        self.served(&format!("{}{path}", self.base_url))
    }

    /// The URL below which all pages are, without a slash at its end.
    pub(crate) fn edition(&self) -> String {
        format!("{}{}", self.origin, escaped(self.docs.trim_end_matches('/')))
    }

    fn served(&self, path: &str) -> String {
        let mut path = with_single_slashes(path);
        let is_root = path == "/" || path == self.base_url;
        match self.trailing_slash {
            Some(true) if !is_root && !path.ends_with('/') => path.push('/'),
            Some(false) if !is_root && path.ends_with('/') => _ = path.pop(),
            _ => {}
        }
        format!("{}{}", self.origin, escaped(&path))
    }
}

/// A path without repeated slashes.
pub(crate) fn with_single_slashes(path: &str) -> String {
    let mut result = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !result.ends_with('/') {
            result.push(c);
        }
    }
    result
}

/// The URL of a place on a page.
pub(crate) fn with_anchor(url: &str, anchor: Option<&str>) -> String {
    match anchor {
        Some(anchor) => format!("{url}#{}", escaped(anchor)),
        None => url.to_owned(),
    }
}

/// A path or fragment, percent-encoded.
pub(crate) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The path of a page below the docs; begins with a slash.
fn slug(relative: &str, front_matter: &FrontMatter, cuts_number_prefixes: bool) -> String {
    let (folders, name) = split(relative);
    let unnumbered = |name| if cuts_number_prefixes { without_number_prefix(name) } else { name };
    let folder: String = folders.iter().map(|folder| format!("/{}", unnumbered(folder))).collect();
    match &front_matter.slug {
        Some(slug) if slug.starts_with('/') => resolved("", slug),
        Some(slug) => resolved(&folder, slug),
        None if is_index(&folders, name) => format!("{folder}/"),
        None => resolved(&folder, front_matter.id.as_deref().unwrap_or_else(|| unnumbered(name))),
    }
}

/// The name of a page without its folders, number and extension: its title when it has no other.
pub(crate) fn base_name(relative: &str, cuts_number_prefixes: bool) -> &str {
    let name = split(relative).1;
    if cuts_number_prefixes { without_number_prefix(name) } else { name }
}

/// The folders and the name of a file, without its extension.
fn split(relative: &str) -> (Vec<&str>, &str) {
    let mut steps: Vec<&str> = relative.split('/').collect();
    let name = steps.pop().unwrap_or_default();
    (steps, name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

/// Whether a page stands for its folder. Names are compared with their numbers.
fn is_index(folders: &[&str], name: &str) -> bool {
    let name = name.to_lowercase();
    let parent = folders.last().map(|folder| folder.to_lowercase());
    name == "index" || name == "readme" || parent.as_deref() == Some(name.as_str())
}

/// `01-intro` without `01-`; dates (`2021-11-x`) and versions (`1.2-x`) stay.
fn without_number_prefix(name: &str) -> &str {
    let separators = ['-', '_', '.'];
    let after_digits = name.trim_start_matches(|c: char| c.is_ascii_digit());
    if after_digits.len() == name.len() {
        return name;
    }
    let is_date_or_version = after_digits
        .strip_prefix(separators)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let from_separator = after_digits.trim_start();
    let rest = from_separator.trim_start_matches(separators);
    let stem = rest.trim_start();
    let stands_alone = stem.is_empty() || stem.starts_with(separators);
    if is_date_or_version || rest.len() == from_separator.len() || stands_alone {
        return name;
    }
    stem
}

/// A relative URL path resolved against a folder; keeps a slash at its end.
fn resolved(folder: &str, path: &str) -> String {
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let ends_in_folder = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
    let end = if ends_in_folder && !steps.is_empty() { "/" } else { "" };
    format!("/{}{end}", steps.join("/"))
}

#[cfg(test)]
mod tests;
