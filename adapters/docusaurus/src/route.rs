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

/// The URLs of a site's pages.
#[derive(Debug)]
pub(crate) struct Routes {
    /// What comes before the slug, without a slash at its end.
    base: String,
}

impl Routes {
    pub(crate) fn new(site_url: Option<&str>, route_base_path: &str) -> Self {
        let site = site_url.unwrap_or_default().trim().trim_end_matches('/');
        let docs = escaped(route_base_path.trim().trim_matches('/'));
        Self { base: if docs.is_empty() { site.to_owned() } else { format!("{site}/{docs}") } }
    }

    /// Where the page of a file is served. `relative` is its path below the docs folder.
    pub(crate) fn url(&self, relative: &str, front_matter: &FrontMatter) -> String {
        format!("{}{}", self.base, escaped(&slug(relative, front_matter)))
    }
}

/// The URL of a place on a page.
pub(crate) fn with_anchor(url: &str, anchor: Option<&str>) -> String {
    match anchor {
        Some(anchor) => format!("{url}#{}", escaped(anchor)),
        None => url.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The path of a page below the docs; begins with a slash.
fn slug(relative: &str, front_matter: &FrontMatter) -> String {
    let (folders, name) = split(relative);
    let unnumbered = |name| {
        if front_matter.keeps_number_prefixes { name } else { without_number_prefix(name) }
    };
    let folder: String = folders.iter().map(|folder| format!("/{}", unnumbered(folder))).collect();
    match &front_matter.slug {
        Some(slug) if slug.starts_with('/') => resolved("", slug),
        Some(slug) => resolved(&folder, slug),
        None if is_index(&folders, name) => format!("{folder}/"),
        None => resolved(&folder, front_matter.id.as_deref().unwrap_or_else(|| unnumbered(name))),
    }
}

/// The name of a page without its folders, number and extension: its title when it has no other.
pub(crate) fn base_name(relative: &str) -> &str {
    without_number_prefix(split(relative).1)
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
