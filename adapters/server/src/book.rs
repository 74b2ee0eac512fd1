//! Which book, and the memory of it: a folder that was indexed once is the book from then on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use askbook_docusaurus::{BookError, Reading};
use serde::{Deserialize, Serialize};

/// The file of the data folder in which the last indexed book is remembered.
const FILE: &str = "book.json";

/// A docs folder and how its site is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) folder: PathBuf,
    pub(crate) site_url: Option<String>,
    pub(crate) route_base_path: String,
}

impl Book {
    /// Reads its pages. Blocks while it does.
    pub(crate) fn read(self) -> Result<Reading, BookError> {
        let Self { folder, site_url, route_base_path } = self;
        askbook_docusaurus::read(&askbook_docusaurus::Book { folder, site_url, route_base_path })
    }

    /// The book that was last indexed with this data folder, if any.
    pub(crate) fn remembered(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = data_dir.join(FILE);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| forgotten(&path)),
        };
        serde_json::from_slice(&json).map(Some).with_context(|| forgotten(&path))
    }

    /// Remembers this book, by its absolute path.
    pub(crate) fn remember(&self, data_dir: &Path) -> anyhow::Result<()> {
        let path = data_dir.join(FILE);
        let remember = || -> anyhow::Result<()> {
            let book = Self { folder: std::path::absolute(&self.folder)?, ..self.clone() };
            fs::create_dir_all(data_dir)?;
            let draft = path.with_extension("json.new");
            fs::write(&draft, serde_json::to_vec_pretty(&book)?)?;
            Ok(fs::rename(&draft, &path)?)
        };
        remember().with_context(|| format!("cannot write {}", path.display()))
    }

    /// The settings that name this book.
    pub(crate) fn into_settings(self) -> impl Iterator<Item = (String, String)> {
        let settings = [
            ("ASKBOOK_BOOK", Some(self.folder.display().to_string())),
            ("ASKBOOK_SITE_URL", self.site_url),
            ("ASKBOOK_ROUTE_BASE_PATH", Some(self.route_base_path)),
        ];
        settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }
}

fn forgotten(path: &Path) -> String {
    format!("{} cannot be read, so the last indexed book is forgotten", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_is_remembered_by_its_absolute_path() {
        let data = tempfile::tempdir().unwrap();
        let data_dir = data.path().join("new");
        assert_eq!(Book::remembered(&data_dir).unwrap(), None);
        let book = Book {
            folder: PathBuf::from("some/docs"),
            site_url: Some("https://book.example.org".to_owned()),
            route_base_path: "/".to_owned(),
        };
        book.remember(&data_dir).unwrap();
        let remembered = Book::remembered(&data_dir).unwrap().unwrap();
        assert!(remembered.folder.is_absolute() && remembered.folder.ends_with("some/docs"));
        assert_eq!(Book { folder: book.folder.clone(), ..remembered }, book);
    }

    #[test]
    fn a_broken_memory_is_an_error_that_names_the_file() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE), "{").unwrap();
        let error = Book::remembered(data.path()).unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
