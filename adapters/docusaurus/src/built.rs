//! A built site: the pages and passages of what `docusaurus build` wrote.
//!
//! The HTML is always right about URLs and anchors, and holds what no Markdown parser sees (the
//! text of components). [`document`] reads what a page says of itself, [`blocks`] makes the same
//! blocks of it that the sources give, [`inline`] the Markdown in them. What the HTML does not
//! say is inferred from all pages together: the name of the site behind each title, where an
//! edition begins, and which pages of a language are not translated.

mod blocks;
pub(crate) mod document;
mod inline;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use askbook::passage::Edition;
use walkdir::WalkDir;

use self::document::Document;
use crate::markdown::{self, Block};
use crate::{BookError, Finding, Page, Reading, passages};

/// The largest page that is read, in bytes.
const PAGE_LIMIT: u64 = 20 * 1024 * 1024;

/// Reads a built site: the pages of its docs that search engines may list. `site_url` replaces
/// the address and base path that the site was built for.
///
/// # Errors
/// There is no such folder, or no page of any docs in it. A page that is broken is no error but a
/// finding.
pub(crate) fn read(build: &Path, site_url: Option<&str>) -> Result<Reading, BookError> {
    let metadata = fs::metadata(build).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BookError::NotFound(build.to_owned()),
        _ => BookError::Unreadable(build.to_owned(), error),
    })?;
    if !metadata.is_dir() {
        return Err(BookError::NotAFolder(build.to_owned()));
    }
    let mut reading = Reading::default();
    let documents = documents(build, site_url, &mut reading.findings);
    let editions = Editions::of(&documents);
    let names = site_names(&documents);
    let originals = originals(&documents);
    for document in documents.iter().filter(|document| document.is_listed) {
        let original = originals.get(&document.identity()).copied();
        if original.is_some_and(|original| document.shows_the_same_as(original)) {
            continue;
        }
        let page = Page {
            file: document.file.clone(),
            title: title(document, names.get(document.locale.as_str()).copied()),
            url: document.url.clone(),
            anchors: markdown::anchors(&document.blocks),
            edition: editions.edition(document),
        };
        reading.passages.extend(passages::cut(&page, &document.blocks));
        reading.pages.push(page);
    }
    if reading.pages.is_empty() {
        return Err(BookError::NotBuilt(build.to_owned()));
    }
    Ok(reading)
}

/// The pages of docs below a folder, by file name.
fn documents(build: &Path, site_url: Option<&str>, findings: &mut Vec<Finding>) -> Vec<Document> {
    let mut documents = Vec::new();
    for entry in WalkDir::new(build).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let file = relative(build, error.path().unwrap_or(build));
                findings.push(Finding::new(file, None, "cannot be opened: left out"));
                continue;
            }
        };
        let is_html = entry.path().extension().is_some_and(|extension| extension == "html");
        if !entry.file_type().is_file() || !is_html {
            continue;
        }
        let file = relative(build, entry.path());
        match load(entry.path()) {
            Ok(html) => documents.extend(Document::read(file, &html, site_url)),
            Err(what) => findings.push(Finding::new(file, None, what)),
        }
    }
    documents
}

fn relative(build: &Path, path: &Path) -> String {
    let below = path.strip_prefix(build).unwrap_or(path);
    below.iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join("/")
}

/// The text of a page.
fn load(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => "not UTF-8: left out".to_owned(),
        kind => format!("cannot be read ({kind}): left out"),
    };
    if fs::metadata(path).map_err(unreadable)?.len() > PAGE_LIMIT {
        return Err(format!("larger than {} MiB: left out", PAGE_LIMIT / (1024 * 1024)));
    }
    fs::read_to_string(path).map_err(unreadable)
}

/// What a page is a translation of: its plugin, version and id are the same in each language.
type Identity<'a> = [&'a str; 3];

impl Document {
    fn identity(&self) -> Identity<'_> {
        [&self.plugin, &self.version, &self.id]
    }

    /// Whether this is the page of another language as it is, under a URL of its own.
    fn shows_the_same_as(&self, original: &Self) -> bool {
        self.locale != original.locale && self.text().eq(original.text())
    }

    /// The blocks that an author wrote. Titles of notes do not count: Docusaurus translates those
    /// that it gives itself.
    fn text(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| !matches!(block, Block::Title(_)))
    }
}

/// The pages of the site's own language that are listed.
fn originals(documents: &[Document]) -> HashMap<Identity<'_>, &Document> {
    documents
        .iter()
        .filter(|document| document.is_original && document.is_listed)
        .map(|document| (document.identity(), document))
        .collect()
}

/// What follows the title of a page in its window, by language: that which most pages have behind
/// their first heading.
fn site_names(documents: &[Document]) -> HashMap<&str, &str> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for document in documents {
        if let Some(heading) = document.first_heading()
            && let Some(name) = document.window_title.strip_prefix(heading)
        {
            *counts.entry((&document.locale, name)).or_default() += 1;
        }
    }
    let mut names: HashMap<&str, (&str, usize)> = HashMap::new();
    for ((locale, name), count) in counts {
        let most = names.entry(locale).or_insert((name, count));
        if count > most.1 {
            *most = (name, count);
        }
    }
    names.into_iter().map(|(locale, (name, _))| (locale, name)).collect()
}

/// The title of a page: its window's without the name of the site, or its first heading.
fn title(document: &Document, site_name: Option<&str>) -> String {
    document
        .window_title
        .strip_suffix(site_name.unwrap_or_default())
        .filter(|title| !title.is_empty())
        .or(document.first_heading())
        .unwrap_or(&document.window_title)
        .to_owned()
}

/// The editions of a site, by plugin, language and version.
struct Editions<'a> {
    /// The URL that all pages of an edition begin with, unlisted and untranslated ones included.
    roots: HashMap<[&'a str; 3], String>,
    /// Whether there is more than one language or version.
    are_several: bool,
}

impl<'a> Editions<'a> {
    fn of(documents: &'a [Document]) -> Self {
        let mut roots: HashMap<_, String> = HashMap::new();
        for document in documents {
            let root = roots
                .entry(Self::key(document))
                .or_insert_with(|| document.url.trim_end_matches('/').to_owned());
            root.truncate(common_folder(root, &document.url));
        }
        let first = documents.first();
        let are_several = documents.iter().any(|document| {
            first.is_some_and(|first| {
                (&document.locale, &document.version) != (&first.locale, &first.version)
            })
        });
        Self { roots, are_several }
    }

    fn key(document: &Document) -> [&str; 3] {
        [&document.plugin, &document.locale, &document.version]
    }

    fn edition(&self, document: &Document) -> Option<Edition> {
        let url = self.roots.get(&Self::key(document)).filter(|_| self.are_several)?;
        Some(Edition {
            locale: document.locale.clone(),
            version: document.version.clone(),
            url: url.clone(),
        })
    }
}

/// How much of a URL another one begins with, in whole steps of its path.
fn common_folder(root: &str, url: &str) -> usize {
    let mut end = 0;
    for (step, other) in root.split('/').zip(url.split('/')) {
        if step != other {
            break;
        }
        end += step.len() + 1;
    }
    end.saturating_sub(1).min(root.len())
}

#[cfg(test)]
mod tests;
