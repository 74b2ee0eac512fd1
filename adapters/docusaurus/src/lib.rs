//! Reads a Docusaurus docs folder into passages with their URLs and anchors.
//!
//! One rule, one place: [`files`] finds the pages, [`front_matter`] reads what a page says of
//! itself, [`route`] knows its URL, [`source`] takes out of its text what no Markdown parser
//! knows, [`markdown`] cuts the rest into clean blocks, [`heading`] gives headings their anchors
//! and [`passages`] makes sections and passages of the blocks.
//!
//! The rules are those of Docusaurus 3.10 (`plugin-content-docs` and `mdx-loader`). What a site's
//! configuration changes is found by [`site`] without running it, and what the code of a site
//! decides in what its last build left behind; what cannot be found that way is a [`Finding`] that
//! names the setting which says it. [`built`] reads the built HTML instead.

mod built;
mod files;
mod front_matter;
#[cfg(fuzzing)]
pub mod fuzzing;
mod heading;
mod markdown;
mod partial;
mod passages;
mod route;
mod site;
mod source;
mod workers;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io;
use std::path::PathBuf;

use askbook::passage::{Edition, Passage};

pub use crate::passages::CHUNKER;

use crate::files::SourceFile;
use crate::front_matter::FrontMatter;
use crate::partial::Importer;
use crate::site::{Collection, Site};

/// Where a book lies and where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// A site's folder (the one with `docusaurus.config.*`), all of whose docs are then read by
    /// its configuration, or a docs folder alone.
    pub folder: PathBuf,
    /// The site's address with its base path (`https://a.example/project/`), or the base path
    /// alone (`/project/`), when it is not what the site's configuration says; without either,
    /// URLs begin at `/`.
    pub site_url: Option<String>,
    /// Where the main docs begin below that, when it is not what the site's configuration says:
    /// `docs` by default, `/` when the site is nothing but docs.
    pub route_base_path: Option<String>,
    /// The folder of the built site, whose HTML is then read instead of the sources.
    pub from_build: Option<PathBuf>,
}

/// What was read of a book.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The published pages, by file name. Drafts and unlisted pages are not among them.
    pub pages: Vec<Page>,
    /// Their passages, in the order of the pages and of the text; every id is there once.
    pub passages: Vec<Passage>,
    /// What could not be read, or only in part; the rest is not affected.
    pub findings: Vec<Finding>,
}

/// A page of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its file, with `/` between folders: below the docs folder for the main docs of a site,
    /// below the site's for other ones, for versions and translations. No two pages share one.
    pub file: String,
    /// Its title.
    pub title: String,
    /// Where it is served, percent-encoded.
    pub url: String,
    /// The `id`s of all its headings, in their order and not encoded. Two headings may share one.
    pub anchors: Vec<String>,
    /// The edition that it belongs to, when the site has several.
    pub edition: Option<Edition>,
}

/// Something wrong with a file, for the owner of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, as in [`Page::file`], or the part of the configuration.
    pub file: String,
    /// The line, from 1, when it is known.
    pub line: Option<usize>,
    /// What is wrong and what came of it.
    pub what: String,
}

impl Finding {
    fn new(file: impl Into<String>, line: Option<usize>, what: impl Into<String>) -> Self {
        Self { file: file.into(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The path leads nowhere.
    #[error("there is no folder {0}: check the path of the book")]
    NotFound(PathBuf),
    /// The path leads to something else.
    #[error("{0} is not a folder: give the docs folder of the book, not a file")]
    NotAFolder(PathBuf),
    /// The file system refuses.
    #[error("the folder {0} cannot be opened: check its permissions")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A site without docs, or with docs that are not there.
    #[error("{site} is a Docusaurus site without docs ({reason}): give its docs folder itself")]
    NoDocs {
        /// The site's folder.
        site: PathBuf,
        /// Why there are none.
        reason: String,
    },
    /// A folder without built pages.
    #[error("no docs page in {0}: give the folder that `docusaurus build` writes")]
    NotBuilt(PathBuf),
    /// No file that could be a page.
    #[error(
        "no page in {0}: give the folder of a Docusaurus site (with docusaurus.config.*) or one with *.md or *.mdx files"
    )]
    NoPages(PathBuf),
    /// Files, but no page came of any.
    #[error("no page in {folder} can be read; the first problem is {first}")]
    AllBroken {
        /// The docs folder.
        folder: PathBuf,
        /// What is wrong with the first file.
        first: Finding,
    },
    /// Pages, all of them drafts or unlisted.
    #[error("all pages in {0} are drafts or unlisted: publish one")]
    AllUnpublished(PathBuf),
}

/// Reads a book: its pages and their passages, the same for the same files. It blocks while it
/// reads the files.
///
/// # Errors
/// There is no such folder, or no page in it. A file that is broken is no error but a finding.
pub fn read(book: &Book) -> Result<Reading, BookError> {
    if let Some(build) = &book.from_build {
        return built::read(build, book.site_url.as_deref());
    }
    let mut reading = Reading::default();
    let site = Site::open(book, &mut reading.findings)?;
    let mut file_by_url = HashMap::new();
    let mut are_files = false;
    let mut first_broken = None;
    for collection in &site.collections {
        let files = files::find(collection, &site.roots, &mut reading.findings);
        are_files |= !files.is_empty();
        for result in workers::in_order(&files, |file| read_page(file, collection, &site)) {
            match result {
                Ok(None) => {}
                Ok(Some(read)) => reading.publish(read, &mut file_by_url),
                Err(finding) => {
                    first_broken.get_or_insert_with(|| finding.clone());
                    reading.findings.push(finding);
                }
            }
        }
    }
    if reading.pages.is_empty() {
        let folder = book.folder.clone();
        return Err(match first_broken {
            _ if !are_files => BookError::NoPages(folder),
            Some(first) => BookError::AllBroken { folder, first },
            None => BookError::AllUnpublished(folder),
        });
    }
    reading.forget_a_single_edition();
    Ok(reading)
}

/// A page that was read.
struct ReadPage {
    page: Page,
    passages: Vec<Passage>,
    findings: Vec<Finding>,
}

/// Reads a page; `None` when it is not published.
fn read_page(
    file: &SourceFile,
    collection: &Collection,
    site: &Site,
) -> Result<Option<ReadPage>, Finding> {
    let SourceFile { path, relative, is_translated } = file;
    let name = format!("{}{relative}", collection.prefix);
    let text = files::load(path, &name)?;
    let (front_matter, body) =
        FrontMatter::split(&text).map_err(|(line, what)| Finding::new(&name, line, what))?;
    if front_matter.draft || front_matter.unlisted {
        return Ok(None);
    }
    let importer = Importer::new(site, collection);
    let dialect = front_matter.format.unwrap_or(collection.format).dialect(relative);
    let document = importer
        .document(path, &body, dialect)
        .map_err(|(line, what)| Finding::new(&name, line, format!("{what}: left out")))?;
    let problems = document.problems.into_iter();
    let mut findings: Vec<_> =
        problems.map(|(line, what)| Finding::new(&name, line, what)).collect();
    findings.extend(importer.into_findings());
    let routes = &collection.routes;
    let permalinks: Vec<_> = collection
        .permalinks(relative, *is_translated)
        .filter(|permalink| permalink.is_of(&text, &front_matter))
        .collect();
    if permalinks.is_empty() {
        findings.extend(collection.assumption.clone());
    }
    let title = permalinks.iter().find_map(|permalink| permalink.title.clone());
    let page = Page {
        title: title.unwrap_or_else(|| {
            passages::page_title(&front_matter, &body, &document.blocks, || {
                route::base_name(relative, routes.cuts_number_prefixes).to_owned()
            })
        }),
        url: match permalinks.first() {
            Some(permalink) => routes.url_of(&permalink.path),
            None => routes.url(relative, &front_matter),
        },
        anchors: markdown::anchors(&document.blocks),
        edition: Some(collection.edition.clone()),
        file: name,
    };
    let passages = passages::cut(&page, &document.blocks);
    Ok(Some(ReadPage { page, passages, findings }))
}

impl Reading {
    /// Adds a page, unless its URL is taken: Docusaurus serves only one of several.
    fn publish(&mut self, read: ReadPage, taken: &mut HashMap<String, String>) {
        let ReadPage { page, passages, findings } = read;
        for finding in findings {
            // What is imported by many pages is wrong in all of them, and so is an assumption.
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        match taken.entry(page.url.clone()) {
            Entry::Occupied(first) => {
                let (url, first) = (first.key(), first.get());
                let what =
                    format!("has the URL {url} of {first}: left out; give one of them a slug");
                self.findings.push(Finding::new(page.file, None, what));
            }
            Entry::Vacant(place) => {
                place.insert(page.file.clone());
                self.passages.extend(passages);
                self.pages.push(page);
            }
        }
    }

    /// An edition is only worth telling when there is another one.
    fn forget_a_single_edition(&mut self) {
        let edition = |page: &Page| {
            page.edition.as_ref().map(|edition| (edition.locale.clone(), edition.version.clone()))
        };
        let first = self.pages.first().and_then(edition);
        if self.pages.iter().all(|page| edition(page) == first) {
            self.pages.iter_mut().for_each(|page| page.edition = None);
            self.passages.iter_mut().for_each(|passage| passage.edition = None);
        }
    }
}
