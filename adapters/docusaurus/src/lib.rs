//! Reads a Docusaurus docs folder into passages with their URLs and anchors.
//!
//! One rule, one place: [`files`] finds the pages, [`front_matter`] reads what a page says of
//! itself, [`route`] knows its URL, [`source`] takes out of its text what no Markdown parser
//! knows, [`markdown`] cuts the rest into clean blocks, [`heading`] gives headings their anchors
//! and [`passages`] makes sections and passages of the blocks.
//!
//! The rules are those of Docusaurus 3.10 (`plugin-content-docs` and `mdx-loader`) for one docs
//! folder with default settings; what a site's configuration changes comes in through [`Book`].

mod files;
mod front_matter;
mod heading;
mod markdown;
mod passages;
mod route;
mod source;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

use askbook::passage::Passage;

use crate::files::SourceFile;
use crate::front_matter::FrontMatter;
use crate::route::Routes;

/// Where a book lies and where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// The docs folder, or a site's folder (the one with `docusaurus.config.*`), whose `docs/` is
    /// then read.
    pub folder: PathBuf,
    /// The site's address with its base path (`https://a.example/project/`), or the base path
    /// alone (`/project/`); without it URLs begin at `/`.
    pub site_url: Option<String>,
    /// Where the docs begin below that, as in the site's configuration: `docs` unless it says
    /// otherwise, `/` when the site is nothing but docs.
    pub route_base_path: String,
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
    /// Its file below the docs folder, with `/` between folders.
    pub file: String,
    /// Its title.
    pub title: String,
    /// Where it is served, percent-encoded.
    pub url: String,
}

/// Something wrong with a file, for the owner of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file below the docs folder.
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
    /// A site's folder whose docs lie elsewhere.
    #[error("{0} is a Docusaurus site without a folder docs: give its docs folder itself")]
    NoDocs(PathBuf),
    /// No file that could be a page.
    #[error("no page in {0}: give a folder with *.md or *.mdx files")]
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
    let folder = files::docs_folder(&book.folder)?;
    let mut reading = Reading::default();
    let files = files::find(&folder, &mut reading.findings);
    let routes = Routes::new(book.site_url.as_deref(), &book.route_base_path);
    for file in &files {
        if let Err(finding) = read_page(file, &routes, &mut reading) {
            reading.findings.push(finding);
        }
    }
    if reading.pages.is_empty() {
        return Err(match reading.findings.into_iter().next() {
            Some(first) => BookError::AllBroken { folder, first },
            None if files.is_empty() => BookError::NoPages(folder),
            None => BookError::AllUnpublished(folder),
        });
    }
    reading.findings.extend(shared_urls(&reading.pages));
    Ok(reading)
}

/// Adds a page to the reading, unless it is not published.
fn read_page(file: &SourceFile, routes: &Routes, reading: &mut Reading) -> Result<(), Finding> {
    let text = files::load(file)?;
    let (front_matter, body) = FrontMatter::split(&text)
        .map_err(|(line, what)| Finding::new(&file.relative, line, what))?;
    if front_matter.draft || front_matter.unlisted {
        return Ok(());
    }
    let document = markdown::parse(&body, front_matter.dialect)
        .map_err(|(line, what)| Finding::new(&file.relative, line, format!("{what}: left out")))?;
    if let Some((line, what)) = document.warning {
        reading.findings.push(Finding::new(&file.relative, line, what));
    }
    let page = Page {
        file: file.relative.clone(),
        title: passages::page_title(&file.relative, &front_matter, &document.blocks),
        url: routes.url(&file.relative, &front_matter),
    };
    reading.passages.extend(passages::cut(&page, &document.blocks));
    reading.pages.push(page);
    Ok(())
}

/// Docusaurus serves only one of several pages with one URL.
fn shared_urls(pages: &[Page]) -> Vec<Finding> {
    let mut first_by_url: HashMap<&str, &Page> = HashMap::with_capacity(pages.len());
    let mut findings = Vec::new();
    for page in pages {
        if let Some(first) = first_by_url.get(page.url.as_str()) {
            let what =
                format!("has the URL {} of {}: give one of them a slug", page.url, first.file);
            findings.push(Finding::new(&page.file, None, what));
        } else {
            first_by_url.insert(&page.url, page);
        }
    }
    findings
}
