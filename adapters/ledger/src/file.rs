//! Where the lines are kept: a file that is only appended to, until a short one takes its place.
//!
//! Whoever keeps it holds a lock on a second file for as long. What a crash or a full disk has
//! left of a line is ended before the next one, and does not count: the call that it was written
//! for never began.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use crate::line::Line;

const KEPT: &str = "spend.jsonl";
const SHORT: &str = "spend.new.jsonl";
const LOCK: &str = "spend.lock";

/// The file, while this process keeps it.
pub(crate) struct File {
    folder: PathBuf,
    lines: fs::File,
    length: u64,
    /// Whether the last line may have no end.
    torn: bool,
    lock: fs::File,
}

impl Drop for File {
    fn drop(&mut self) {
        // Closing it would not do where a process that was just started has inherited it.
        let _ = self.lock.unlock();
    }
}

/// Why it is not kept.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Another process keeps it.
    Locked,
    Io(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl File {
    /// The file in this folder, which is made if need be.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(folder)?;
        let lock = OpenOptions::new().create(true).append(true).open(folder.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::Locked,
            TryLockError::Error(error) => OpenError::Io(error),
        })?;
        let lines = appended(&folder.join(KEPT))?;
        let length = lines.metadata()?.len();
        // Not known to be torn, but an empty line does no harm.
        let torn = length > 0;
        Ok(Self { folder: folder.to_owned(), lines, length, torn, lock })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Hands over every line in order; tells how many cannot be read.
    pub(crate) fn replay(&self, apply: impl FnMut(Line)) -> io::Result<usize> {
        replay(BufReader::new(fs::File::open(self.folder.join(KEPT))?), apply)
    }

    /// Adds a line, in one write: it outlives the process.
    pub(crate) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = if self.torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
        self.torn = true;
        self.lines.write_all(&bytes)?;
        self.torn = false;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Puts a file of this line alone in the place of the one there is, which stays if that fails.
    pub(crate) fn replace(&mut self, line: &Line) -> io::Result<()> {
        let path = self.folder.join(SHORT);
        // One that a crash has left is not to be appended to.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let mut file = appended(&path)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&path, self.folder.join(KEPT))?;
        (self.lines, self.length, self.torn) = (file, bytes.len() as u64, false);
        Ok(())
    }
}

/// Hands over every line that can be read; tells how many cannot.
pub(crate) fn replay(lines: impl BufRead, mut apply: impl FnMut(Line)) -> io::Result<usize> {
    let mut unreadable = 0;
    for line in lines.split(b'\n') {
        let line = line?;
        match serde_json::from_slice(&line) {
            Ok(line) => apply(line),
            Err(_) => unreadable += usize::from(!line.is_empty()),
        }
    }
    Ok(unreadable)
}

/// A file to append to, for this user alone.
fn appended(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use askbook::error::ErrorKind;
    use askbook::ports::Ledger as _;
    use askbook::spend::{Ceiling, Ceilings, Charge};

    use super::*;
    use crate::FileLedger;

    #[test]
    fn a_closed_file_can_be_opened_while_a_process_that_inherited_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(folder.path()).unwrap();
        let inherited = file.lock.try_clone().unwrap();
        assert!(matches!(File::open(folder.path()), Err(OpenError::Locked)));
        drop(file);
        File::open(folder.path()).unwrap();
        drop(inherited);
    }

    /// `/dev/full` takes nothing, as a full disk.
    #[tokio::test]
    async fn what_cannot_be_written_down_is_not_spent() {
        let folder = tempfile::tempdir().unwrap();
        let day = Ceiling { calls: Some(2), ..Ceiling::default() };
        let ceilings = Ceilings { day, ..Ceilings::default() };
        let open = || FileLedger::with_clock(folder.path(), ceilings, std::sync::Arc::new(|| 90));
        let call = Charge { calls: 1, ..Charge::default() };

        let ledger = open().unwrap();
        let full = appended(Path::new("/dev/full")).unwrap();
        let kept = std::mem::replace(&mut ledger.books().file.lines, full);
        for _ in 0..5 {
            let error = ledger.reserve(call).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("nothing is spent"), "{error}");
        }
        // There was room for the beginning of a line.
        (&kept).write_all(b"{\"reserved\":{\"id\"").unwrap();
        ledger.books().file.lines = kept;
        let reservation = ledger.reserve(call).await.unwrap();
        drop(ledger);

        let ledger = open().unwrap();
        ledger.settle(reservation, Charge::default()).await.unwrap();
        assert!(ledger.reserve(call).await.is_ok() && ledger.reserve(call).await.is_ok());
        assert!(ledger.reserve(call).await.is_err());
    }
}
