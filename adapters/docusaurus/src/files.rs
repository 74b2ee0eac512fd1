//! The files of a book: which ones are pages, and their text.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

use crate::Finding;
use crate::site::Collection;

/// The largest page that is read, in bytes. Parsing time grows with the square of a page's
/// blocks (`markdown` 1.0, `util/edit_map.rs`): about three seconds at this size.
const PAGE_LIMIT: u64 = 2 * 1024 * 1024;

/// The deepest nesting of quotes and lists that is read; the parser recurses.
const NESTING_LIMIT: usize = 100;

/// How many links to folders are followed: enough for any book, and too few for folders that
/// link to each other in every way.
const LINK_LIMIT: usize = 1_000;

/// A file that is a page.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its path below the docs folder, with `/` between folders. A translation has that of its
    /// original.
    pub(crate) relative: String,
    pub(crate) is_translated: bool,
}

/// Which files are pages.
#[derive(Debug)]
pub(crate) struct Globs {
    include: GlobSet,
    exclude: GlobSet,
}

impl Globs {
    /// Patterns as in the configuration. What is no pattern becomes a finding.
    pub(crate) fn new(include: &[String], exclude: &[String], findings: &mut Vec<Finding>) -> Self {
        let negated = include.iter().filter_map(|pattern| pattern.strip_prefix('!'));
        let exclude = exclude.iter().map(String::as_str).chain(negated);
        let include = include.iter().map(String::as_str).filter(|glob| !glob.starts_with('!'));
        Self { include: glob_set(include, findings), exclude: glob_set(exclude, findings) }
    }

    fn are_pages(&self, relative: &str) -> bool {
        self.include.is_match(relative) && !self.exclude.is_match(relative)
    }
}

fn glob_set<'g>(globs: impl Iterator<Item = &'g str>, findings: &mut Vec<Finding>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let pattern =
            GlobBuilder::new(glob.trim_start_matches("./")).literal_separator(true).build();
        if let Ok(pattern) = pattern {
            set.add(pattern);
        } else {
            let what = "is no pattern for files that askbook knows: not applied";
            findings.push(Finding::new(glob, None, what));
        }
    }
    set.build().unwrap_or_default()
}

/// The pages of a collection, by name. `roots` are the folders that links may lead to. What
/// cannot be looked into becomes a finding.
pub(crate) fn find(
    collection: &Collection,
    roots: &[PathBuf],
    findings: &mut Vec<Finding>,
) -> Vec<SourceFile> {
    let folder = collection.folder.as_path();
    let mut entries = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry));
    let mut files = Vec::new();
    let mut links = 0;
    while let Some(entry) = entries.next() {
        let finding = |path: &Path, what: String| {
            Finding::new(format!("{}{}", collection.prefix, shown(folder, path)), None, what)
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let what = match error.loop_ancestor() {
                    Some(_) => "a link to a folder around it: left out".to_owned(),
                    None => format!("cannot be opened ({}): left out", reason(&error)),
                };
                findings.push(finding(error.path().unwrap_or(folder), what));
                continue;
            }
        };
        let is_folder = entry.file_type().is_dir();
        let relative = shown(folder, entry.path());
        let is_page = entry.file_type().is_file() && collection.globs.are_pages(&relative);
        if !is_folder && !is_page {
            continue;
        }
        if entry.depth() > 0 && entry.path_is_symlink() {
            links += usize::from(is_folder);
            let what = if !is_inside(entry.path(), roots) {
                "a link that leads out of the site: left out; copy what it leads to"
            } else if links > LINK_LIMIT {
                "one of too many links to folders: left out"
            } else {
                ""
            };
            if !what.is_empty() {
                findings.push(finding(entry.path(), what.to_owned()));
                if is_folder {
                    entries.skip_current_dir();
                }
                continue;
            }
        }
        if is_folder {
            continue;
        }
        if relative.contains(char::REPLACEMENT_CHARACTER) {
            let what = "the name is not UTF-8: left out".to_owned();
            findings.push(finding(entry.path(), what));
            continue;
        }
        let translation = collection.translations.as_ref().map(|folder| folder.join(&relative));
        let translation = translation.filter(|path| path.is_file() && is_inside(path, roots));
        let is_translated = translation.is_some();
        if is_translated || !collection.translated_only {
            let path = translation.unwrap_or_else(|| entry.into_path());
            files.push(SourceFile { path, relative, is_translated });
        }
    }
    files
}

/// What no pattern of Docusaurus matches.
fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Whether a path leads into one of these folders.
pub(crate) fn is_inside(path: &Path, roots: &[PathBuf]) -> bool {
    path.canonicalize().is_ok_and(|path| roots.iter().any(|root| path.starts_with(root)))
}

fn shown(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let steps: Vec<_> = below.iter().map(std::ffi::OsStr::to_string_lossy).collect();
    steps.join("/")
}

fn reason(error: &walkdir::Error) -> String {
    error.io_error().map_or_else(|| "unknown".to_owned(), |error| error.kind().to_string())
}

/// The text of a page, with `\n` for every line break and without a byte order mark. `name` is
/// what a finding calls it.
pub(crate) fn load(path: &Path, name: &str) -> Result<String, Finding> {
    let finding = |what: String| Finding::new(name, None, what);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|opened| opened.take(PAGE_LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|error| finding(format!("cannot be read ({}): left out", error.kind())))?;
    if bytes.len() as u64 > PAGE_LIMIT {
        let limit = PAGE_LIMIT / (1024 * 1024);
        return Err(finding(format!("larger than {limit} MiB: left out; split the page")));
    }
    text(bytes, name)
}

/// The text of a page that is in these bytes, with line feeds alone.
///
/// # Errors
/// It is not UTF-8, or one line nests more than a parser should follow.
pub(crate) fn text(bytes: Vec<u8>, name: &str) -> Result<String, Finding> {
    let finding = |line, what: String| Finding::new(name, line, what);
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
