//! Where the lines are kept: two files, of which the newer one is appended to until it is full and
//! then takes the place of the older one.
//!
//! Whoever writes or reads holds a lock on a third file, so that each sees whole lines in both.
//! Each line is one write at the end of the file. What a crash or a full disk has left of a line
//! is ended before the next one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

const NEWER: &str = "journal.jsonl";
const OLDER: &str = "journal.old.jsonl";
const LOCK: &str = "journal.lock";

#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// How long each may become, in bytes.
    limit: u64,
}

impl Files {
    /// The files in this folder, of at most so many bytes together.
    pub(crate) fn new(folder: &Path, bytes: u64) -> Self {
        Self { folder: folder.to_owned(), limit: bytes / 2 }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a line, which ends with its line end.
    pub(crate) fn append(&self, line: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let lock = private().write(true).open(self.folder.join(LOCK))?;
        lock.lock()?;
        let newer = self.folder.join(NEWER);
        let mut file = private().append(true).read(true).open(&newer)?;
        let mut length = file.metadata()?.len();
        // One more than the line, for the end of a torn one.
        if length > 0 && length + line.len() as u64 + 1 > self.limit {
            drop(file);
            fs::rename(&newer, self.folder.join(OLDER))?;
            (file, length) = (private().append(true).read(true).open(&newer)?, 0);
        }
        let bytes =
            if is_torn(&mut file, length)? { [b"\n", line].concat() } else { line.to_vec() };
        file.write_all(&bytes)
    }

    /// All lines, oldest first; the last one may be torn.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        // Where there is no lock nobody has written yet; whoever may only read needs none to write.
        let lock = File::open(self.folder.join(LOCK)).ok();
        if let Some(lock) = &lock {
            lock.lock_shared()?;
        }
        let mut lines = Vec::new();
        for name in [OLDER, NEWER] {
            match File::open(self.folder.join(name)) {
                Ok(mut file) => file.read_to_end(&mut lines)?,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            lines.push(b'\n');
        }
        Ok(lines)
    }
}

/// Makes a file that is not there yet, for this user alone: it holds what readers wrote.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether the last line of a file has no end.
fn is_torn(file: &mut File, length: u64) -> io::Result<bool> {
    if length == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(bytes: u64) -> (Files, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Files::new(&folder.path().join("made/when/needed"), bytes), folder)
    }

    fn lines(files: &Files) -> Vec<String> {
        let lines = String::from_utf8(files.read().unwrap()).unwrap();
        lines.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn lines_come_back_in_order_and_the_oldest_go() {
        let (files, _folder) = files(40);
        assert!(lines(&files).is_empty());
        for number in 0..50 {
            files.append(format!("line {number:02}\n").as_bytes()).unwrap();
            let sizes = [NEWER, OLDER].map(|name| fs::metadata(files.folder.join(name)));
            let bytes: u64 = sizes.into_iter().flatten().map(|file| file.len()).sum();
            assert!(bytes <= 40, "{bytes} bytes after line {number}");
            let kept = lines(&files);
            assert_eq!(kept.last(), Some(&format!("line {number:02}")));
            assert!(kept.len() > number.min(2) && kept.is_sorted(), "{kept:?}");
        }
    }

    #[test]
    fn a_torn_line_spoils_none() {
        let (files, _folder) = files(1 << 20);
        files.append(b"one\n").unwrap();
        let mut torn = OpenOptions::new().append(true).open(files.folder.join(NEWER)).unwrap();
        torn.write_all(b"tw").unwrap();
        assert_eq!(lines(&files), ["one", "tw"]);
        files.append(b"three\n").unwrap();
        files.append(b"four\n").unwrap();
        assert_eq!(lines(&files), ["one", "tw", "three", "four"]);
    }

    #[test]
    fn several_may_write_and_read_at_a_time() {
        let (files, _folder) = files(1 << 20);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let files = files.clone();
                scope.spawn(move || {
                    for number in 0..100 {
                        let line = format!("{writer} {number:03} {}\n", "x".repeat(200));
                        files.append(line.as_bytes()).unwrap();
                    }
                });
            }
            for _ in 0..20 {
                assert!(lines(&files).iter().all(|line| line.len() == 206));
            }
        });
        let mut kept = lines(&files);
        for writer in 0..4 {
            let own = kept.extract_if(.., |line| line.starts_with(&writer.to_string()));
            assert!(own.map(|line| line[2..5].parse::<u32>().unwrap()).eq(0..100));
        }
    }

    #[test]
    fn several_may_exchange_the_files_without_growing_or_tearing_them() {
        let (files, _folder) = files(4_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| files.append(&[b'x'; 99]).unwrap_or(())));
            }
        });
        files.append(b"\n").unwrap();
        let bytes = files.read().unwrap().len();
        assert!((2_000..=4_002).contains(&bytes), "{bytes} bytes");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let (files, _folder) = files(100);
        files.append(b"one\n").unwrap();
        let mode = fs::metadata(files.folder.join(NEWER)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}
