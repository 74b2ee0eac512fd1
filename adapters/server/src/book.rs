//! Which book, and the memory of it: what was indexed last is the book from then on.

use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail};
use askbook::passage::Passage;
use serde::{Deserialize, Serialize};

use crate::jsonl;

/// The file of the data folder in which the last indexed book is remembered.
const FILE: &str = "book.json";

/// A book and how its site is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    // The name that it had when a book was always a folder.
    #[serde(rename = "folder")]
    pub(crate) source: Source,
    pub(crate) site_url: Option<String>,
    pub(crate) route_base_path: Option<String>,
    #[serde(default)]
    pub(crate) from_build: Option<PathBuf>,
}

/// What a book is read from. As text: the folder, or `jsonl:FILE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub(crate) enum Source {
    /// The folder of a Docusaurus site, or its docs folder.
    Site(PathBuf),
    /// A file of ready passages.
    Passages(PathBuf),
    /// Ready passages from the standard input, which can be read once.
    StandardInput,
}

/// What was read of a book.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// How many pages it has, where it is made of pages.
    pub(crate) pages: Option<usize>,
    /// Its passages; every id is there once.
    pub(crate) passages: Vec<Passage>,
    /// What could not be read, or only in part, by file and line.
    pub(crate) findings: Vec<String>,
}

impl Book {
    /// Reads it. Blocks while it does.
    pub(crate) fn read(&self) -> anyhow::Result<Reading> {
        let folder = match &self.source {
            Source::Site(folder) => folder.clone(),
            Source::Passages(file) => return jsonl::read_file(file),
            Source::StandardInput => {
                return jsonl::read(io::stdin().lock(), "the standard input");
            }
        };
        let (site_url, route_base_path) = (self.site_url.clone(), self.route_base_path.clone());
        let from_build = self.from_build.clone();
        let book = askbook_docusaurus::Book { folder, site_url, route_base_path, from_build };
        let reading = askbook_docusaurus::read(&book)?;
        Ok(Reading {
            pages: Some(reading.pages.len()),
            passages: reading.passages,
            findings: reading.findings.iter().map(ToString::to_string).collect(),
        })
    }

    /// Reads it without being asked to.
    pub(crate) fn read_again(&self) -> anyhow::Result<Reading> {
        if self.source == Source::StandardInput {
            bail!("it came from the standard input: `askbook index --jsonl -` reads another one");
        }
        self.read()
    }

    /// How its passages are cut.
    pub(crate) fn chunker(&self) -> &'static str {
        match self.source {
            Source::Site(_) => askbook_docusaurus::CHUNKER,
            Source::Passages(_) | Source::StandardInput => jsonl::CHUNKER,
        }
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
            let absolute = |path: &PathBuf| std::path::absolute(path);
            let book = Self {
                source: match &self.source {
                    Source::Site(folder) => Source::Site(absolute(folder)?),
                    Source::Passages(file) => Source::Passages(absolute(file)?),
                    Source::StandardInput => Source::StandardInput,
                },
                from_build: self.from_build.as_ref().map(absolute).transpose()?,
                ..self.clone()
            };
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
            ("ASKBOOK_BOOK", Some(self.source.into())),
            ("ASKBOOK_SITE_URL", self.site_url),
            ("ASKBOOK_ROUTE_BASE_PATH", self.route_base_path),
            ("ASKBOOK_FROM_BUILD", self.from_build.map(|folder| folder.display().to_string())),
        ];
        settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }
}

impl Source {
    /// How text names a file of passages that could be taken for a folder.
    const PREFIX: &str = "jsonl:";

    /// The passages in a file, or in the standard input for `-`.
    pub(crate) fn passages(file: &str) -> Self {
        if file == "-" { Self::StandardInput } else { Self::Passages(file.into()) }
    }
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        if let Some(file) = text.strip_prefix(Self::PREFIX) {
            return Self::passages(file);
        }
        let path = PathBuf::from(text);
        let is_file = path.extension().is_some_and(|end| end == "jsonl" || end == "ndjson");
        if is_file { Self::Passages(path) } else { Self::Site(path) }
    }
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        match source {
            Source::Site(folder) => folder.display().to_string(),
            Source::Passages(file) => format!("{}{}", Source::PREFIX, file.display()),
            Source::StandardInput => format!("{}-", Source::PREFIX),
        }
    }
}

/// For people.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(path) | Self::Passages(path) => path.display().fmt(f),
            Self::StandardInput => f.write_str("the standard input"),
        }
    }
}

fn forgotten(path: &Path) -> String {
    format!("{} cannot be read, so the last indexed book is forgotten", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(source: &str) -> Book {
        let site_url = Some("https://book.example.org".to_owned());
        let (route_base_path, from_build) = (Some("/".to_owned()), None);
        Book { source: source.to_owned().into(), site_url, route_base_path, from_build }
    }

    #[test]
    fn a_book_is_remembered_by_its_absolute_path() {
        let data = tempfile::tempdir().unwrap();
        let data_dir = data.path().join("new");
        assert_eq!(Book::remembered(&data_dir).unwrap(), None);
        book("some/docs").remember(&data_dir).unwrap();
        let remembered = Book::remembered(&data_dir).unwrap().unwrap();
        let Source::Site(folder) = &remembered.source else { panic!("{remembered:?}") };
        assert!(folder.is_absolute() && folder.ends_with("some/docs"));
        assert_eq!(Book { source: book("some/docs").source, ..remembered }, book("some/docs"));

        book("jsonl:some/texts").remember(&data_dir).unwrap();
        let remembered = Book::remembered(&data_dir).unwrap().unwrap();
        let Source::Passages(file) = &remembered.source else { panic!("{remembered:?}") };
        assert!(file.is_absolute() && file.ends_with("some/texts"));
    }

    #[test]
    fn a_memory_of_the_last_release_is_read() {
        let data = tempfile::tempdir().unwrap();
        let json = r#"{"folder": "/a/docs", "site_url": null, "route_base_path": "/docs"}"#;
        fs::write(data.path().join(FILE), json).unwrap();
        let remembered = Book::remembered(data.path()).unwrap().unwrap();
        assert_eq!(remembered.source, Source::Site("/a/docs".into()));
        assert_eq!(remembered.route_base_path.as_deref(), Some("/docs"));
    }

    #[test]
    fn a_source_is_the_one_that_its_text_names() {
        for (text, source) in [
            ("docs", Source::Site("docs".into())),
            ("a.jsonl", Source::Passages("a.jsonl".into())),
            ("jsonl:a", Source::Passages("a".into())),
            ("jsonl:-", Source::StandardInput),
        ] {
            assert_eq!(Source::from(text.to_owned()), source);
            assert_eq!(Source::from(String::from(source.clone())), source);
        }
    }

    #[test]
    fn the_standard_input_is_not_read_unasked() {
        let error = book("jsonl:-").read_again().unwrap_err();
        assert!(error.to_string().contains("standard input"), "{error}");
    }

    #[test]
    fn a_broken_memory_is_an_error_that_names_the_file() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE), "{").unwrap();
        let error = Book::remembered(data.path()).unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
