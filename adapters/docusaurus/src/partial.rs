//! Imported pages: the text of `import Part from './_part.mdx'` belongs to the page that shows
//! `<Part />`, with anchors of its own.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::Finding;
use crate::files;
use crate::front_matter::FrontMatter;
use crate::markdown::{self, Block, Document, Problem};
use crate::site::{Collection, Site};
use crate::source::Dialect;

/// How much text may be imported into one page, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// How deep pages may be imported into one another.
const DEPTH: usize = 20;

/// Reads pages together with those that they import.
pub(crate) struct Importer<'a> {
    site: &'a Site,
    collection: &'a Collection,
    /// The files that are being read, each imported by the one before it.
    open: RefCell<Vec<PathBuf>>,
    imported: Cell<usize>,
    /// What is wrong with imported pages.
    findings: RefCell<Vec<Finding>>,
}

impl<'a> Importer<'a> {
    pub(crate) fn new(site: &'a Site, collection: &'a Collection) -> Self {
        Self {
            site,
            collection,
            open: RefCell::default(),
            imported: Cell::default(),
            findings: RefCell::default(),
        }
    }

    /// What is wrong with the pages that were imported.
    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }

    /// Takes the page in a file apart.
    ///
    /// # Errors
    /// Where and why it cannot be read.
    pub(crate) fn document(
        &self,
        path: &Path,
        body: &str,
        dialect: Dialect,
    ) -> Result<Document, Problem> {
        self.open.borrow_mut().push(path.to_owned());
        let imports = |file: &str| self.blocks(path, file);
        let document = markdown::parse(body, dialect, &self.collection.syntax, &imports);
        self.open.borrow_mut().pop();
        document
    }

    /// The blocks of a page that a file imports.
    fn blocks(&self, from: &Path, file: &str) -> Result<Vec<Block>, String> {
        let missing = |why: &str| format!("imports {file}, {why}: its text is missing");
        let path = match file.strip_prefix("@site/") {
            Some(below) => self.site.folder.join(below),
            None if file.starts_with('.') => from.parent().unwrap_or(from).join(file),
            None => return Err(missing("which is in a package")),
        };
        let path = path.canonicalize().map_err(|_| missing("which does not exist"))?;
        if !files::is_inside(&path, &self.site.roots) {
            return Err(missing("which lies outside the site"));
        }
        let is_open = |open: &PathBuf| open.canonicalize().is_ok_and(|open| open == path);
        if self.open.borrow().iter().any(is_open) {
            return Err(missing("which imports it in turn"));
        }
        let text = files::load(&path, file).map_err(|finding| missing(&finding.what))?;
        self.imported.set(self.imported.get() + text.len());
        if self.imported.get() > LIMIT || self.open.borrow().len() > DEPTH {
            return Err(missing("which is more than a page can hold"));
        }
        let (front_matter, body) = FrontMatter::split(&text).map_err(|(_, what)| missing(&what))?;
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let dialect = front_matter.format.unwrap_or(self.collection.format).dialect(name);
        let document = self.document(&path, &body, dialect).map_err(|(_, what)| missing(&what))?;
        let below = self.site.roots.iter().find_map(|root| path.strip_prefix(root).ok());
        let shown = below.unwrap_or(&path).to_string_lossy();
        let findings = document.problems.into_iter();
        let findings = findings.map(|(line, what)| Finding::new(shown.as_ref(), line, what));
        self.findings.borrow_mut().extend(findings);
        Ok(document.blocks)
    }
}
