//! The files of a book: which ones are pages, and their text.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::{BookError, Finding};

/// The largest page that is read, in bytes. Parsing time grows with the square of a page's
/// blocks (`markdown` 1.0, `util/edit_map.rs`): about three seconds at this size.
const PAGE_LIMIT: u64 = 2 * 1024 * 1024;

/// The deepest nesting of quotes and lists that is read; the parser recurses.
const NESTING_LIMIT: usize = 100;

/// A file that is a page.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its path below the docs folder, with `/` between folders.
    pub(crate) relative: String,
}

/// The docs folder of what the owner pointed at.
pub(crate) fn docs_folder(folder: &Path) -> Result<PathBuf, BookError> {
    let metadata = fs::metadata(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BookError::NotFound(folder.to_owned()),
        _ => BookError::Unreadable(folder.to_owned(), error),
    })?;
    if !metadata.is_dir() {
        return Err(BookError::NotAFolder(folder.to_owned()));
    }
    let is_site = ["js", "mjs", "cjs", "ts", "mts", "cts"]
        .iter()
        .any(|extension| folder.join(format!("docusaurus.config.{extension}")).is_file());
    if !is_site {
        return Ok(folder.to_owned());
    }
    let docs = folder.join("docs");
    if docs.is_dir() { Ok(docs) } else { Err(BookError::NoDocs(folder.to_owned())) }
}

/// The pages below a docs folder, by name. What cannot be looked into becomes a finding.
pub(crate) fn find(folder: &Path, findings: &mut Vec<Finding>) -> Vec<SourceFile> {
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_excluded(entry));
    let mut files = Vec::new();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(folder);
                let what = match error.loop_ancestor() {
                    Some(_) => "a link to a folder around it: left out".to_owned(),
                    None => format!("cannot be opened ({}): left out", reason(&error)),
                };
                findings.push(Finding::new(shown(folder, path), None, what));
                continue;
            }
        };
        if !entry.file_type().is_file() || !is_page(entry.path()) {
            continue;
        }
        let relative = shown(folder, entry.path());
        if relative.contains(char::REPLACEMENT_CHARACTER) {
            findings.push(Finding::new(relative, None, "the name is not UTF-8: left out"));
            continue;
        }
        files.push(SourceFile { path: entry.into_path(), relative });
    }
    files
}

/// What Docusaurus leaves out by default: `_` files and folders (which `__tests__` is one of) and
/// what begins with a dot.
fn is_excluded(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b"_")
        || entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Whether Docusaurus' pattern `**/*.{md,mdx}` matches; it knows no `.MD`.
fn is_page(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|ext| matches!(ext, "md" | "mdx"))
}

fn shown(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let steps: Vec<_> = below.iter().map(OsStr::to_string_lossy).collect();
    steps.join("/")
}

fn reason(error: &walkdir::Error) -> String {
    error.io_error().map_or_else(|| "unknown".to_owned(), |error| error.kind().to_string())
}

/// The text of a page, with `\n` for every line break and without a byte order mark.
pub(crate) fn load(file: &SourceFile) -> Result<String, Finding> {
    let finding = |line, what: String| Finding::new(&file.relative, line, what);
    let mut bytes = Vec::new();
    File::open(&file.path)
        .and_then(|opened| opened.take(PAGE_LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|error| finding(None, format!("cannot be read ({}): left out", error.kind())))?;
    if bytes.len() as u64 > PAGE_LIMIT {
        let limit = PAGE_LIMIT / (1024 * 1024);
        return Err(finding(None, format!("larger than {limit} MiB: left out; split the page")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        finding(Some(line_at(valid)), "not UTF-8: left out; save the file as UTF-8".to_owned())
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text).replace("\r\n", "\n");
    if let Some(line) = text.lines().position(|line| nesting(line) > NESTING_LIMIT) {
        let what = format!("nested deeper than {NESTING_LIMIT} levels: left out");
        return Err(finding(Some(line + 1), what));
    }
    Ok(text)
}

/// The number of the line that follows these bytes, from 1.
fn line_at(before: &[u8]) -> usize {
    before.split(|&byte| byte == b'\n').count()
}

/// How many quotes and list items a line opens at most.
fn nesting(line: &str) -> usize {
    let ends = |next: Option<&u8>| next.is_none_or(|next| *next == b' ');
    let bytes = line.as_bytes();
    let prefix = bytes.iter().take_while(|byte| b" >-+*.)0123456789".contains(byte)).count();
    (0..prefix)
        .filter(|&at| match bytes[at] {
            b'>' => true,
            b'-' | b'+' | b'*' | b'.' | b')' => ends(bytes.get(at + 1)),
            _ => false,
        })
        .count()
}

#[cfg(test)]
mod tests;
