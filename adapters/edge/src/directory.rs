//! What lies in a store's directory, and who may touch it when.
//!
//! ```text
//! askbook-index.json     which generation is in service, and what it was made from
//! askbook-index.lock     locked by whoever changes that file or the set of generations or drafts
//! generation-UUID/       one index; never written to once it is in service
//! generation-UUID.lock   locked, shared, by everyone who builds or reads that generation
//! draft-UUID             what is to become the generation of that name, as changes to the one in
//!                        service; locked by whoever makes it
//! ```
//!
//! The locks are advisory locks of the operating system, so they end with the process that
//! holds them. A generation is removed by whoever finds it out of service and can lock it alone:
//! its last reader, or the next process that opens the directory. A draft that nobody holds is
//! kept for the run that goes on with it, until an index is published.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use askbook::error::{ErrorKind, PortError};
use askbook::manifest::Manifest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::stored::StoredRecipe;

/// Changes whenever older code could not read what newer code writes, or the reverse.
const FORMAT: u32 = 2;

const MANIFEST: &str = "askbook-index.json";
const LOCK: &str = "askbook-index.lock";
const GENERATION: &str = "generation-";
const DRAFT: &str = "draft-";

/// What is known about the generation in service.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Record {
    format: u32,
    pub(crate) generation: Uuid,
    recipe: StoredRecipe,
    corpus: String,
    passages: usize,
    pub(crate) wear: Wear,
}

/// What was done to a generation, and to those that it was copied from, since it was empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Wear {
    /// How many operations.
    pub(crate) operations: u64,
    /// How many points were removed: they still take room.
    pub(crate) removed: usize,
}

impl Record {
    pub(crate) fn new(generation: Uuid, manifest: Manifest, wear: Wear) -> Self {
        let Manifest { recipe, corpus, passages } = manifest;
        Self { format: FORMAT, generation, recipe: recipe.into(), corpus, passages, wear }
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let Self { recipe, corpus, passages, .. } = self.clone();
        Manifest { recipe: recipe.into(), corpus, passages }
    }

    fn parse(json: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } =
            serde_json::from_slice(json).map_err(|_| Unreadable::new("its manifest is damaged"))?;
        if format != FORMAT {
            return Err(Unreadable::new("it was made by another version of askbook"));
        }
        serde_json::from_slice(json).map_err(|_| Unreadable::new("its manifest is damaged"))
    }
}

/// Why an index that is there cannot be used; only a new one helps.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    pub(crate) fn why(&self) -> &str {
        &self.0
    }
}

/// The directory of a store.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Locks the directory against every other change, or gives `None` when no index was ever
    /// begun here. Nothing is written to a directory that has nothing of ours.
    pub(crate) fn lock_if_used(&self) -> Result<Option<File>, PortError> {
        let metadata = match fs::metadata(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| self.failure("read", error))?,
        };
        if !metadata.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(self.failure("read", error));
        }
        let used = [MANIFEST, LOCK].iter().any(|name| self.root.join(name).exists());
        if used { self.lock().map(Some) } else { Ok(None) }
    }

    /// Locks the directory, which is created where it is missing, against every other change.
    pub(crate) fn lock(&self) -> Result<File, PortError> {
        let lock = || {
            fs::create_dir_all(&self.root)?;
            let file = lock_file(&self.root.join(LOCK))?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error| self.failure("write", error))
    }

    /// The record of the generation in service.
    pub(crate) fn record(&self) -> Result<Option<Record>, Unreadable> {
        match fs::read(self.root.join(MANIFEST)) {
            Ok(json) => Record::parse(&json).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable::new(format!("its manifest cannot be read ({error})"))),
        }
    }

    /// Puts a generation into service: the manifest is the old one or this one, whenever the
    /// process or the machine stops. The directory must be locked.
    pub(crate) fn put_into_service(&self, record: &Record) -> Result<(), PortError> {
        let write = || {
            let new = self.root.join(format!("{MANIFEST}.new"));
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec_pretty(record)?)?;
            file.sync_all()?;
            #[cfg(test)]
            crate::crash::at("renaming");
            fs::rename(new, self.root.join(MANIFEST))?;
            #[cfg(test)]
            crate::crash::at("renamed");
            // Not everywhere can a directory be opened; where it can, the rename is made to last.
            File::open(&self.root).map_or(Ok(()), |root| root.sync_all())
        };
        write().map_err(|error| self.failure("write", error))
    }

    /// Begins a generation, whatever was left of an earlier one of that name. The directory must
    /// be locked.
    pub(crate) fn begin(&self, generation: Uuid) -> Result<Lease, PortError> {
        let lease = self.lease(generation)?;
        let begin = || {
            match fs::remove_dir_all(lease.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::create_dir(lease.path())
        };
        begin().map_err(|error| self.failure("write", error))?;
        Ok(lease)
    }

    /// Checks that publishing would overwrite no more than an index.
    pub(crate) fn check_overwritable(&self) -> Result<(), PortError> {
        match fs::metadata(self.root.join(MANIFEST)) {
            Ok(metadata) if !metadata.is_file() => {
                Err(self.failure("write", io::Error::from(io::ErrorKind::IsADirectory)))
            }
            _ => Ok(()),
        }
    }

    /// Checks that there is room for so many bytes. The engine writes to files that take their room
    /// as they are filled: when there is none, the system ends the process.
    pub(crate) fn check_room(&self, needed: u64) -> Result<(), PortError> {
        match fs4::available_space(&self.root) {
            Ok(available) if available < needed => {
                let (root, mebibytes) = (self.root.display(), needed.div_ceil(1 << 20));
                let message = format!(
                    "there is no room for an index in {root}, which can take {mebibytes} MiB \
                     while it is made: make some"
                );
                Err(PortError::new(ErrorKind::Unavailable, message))
            }
            // Where it cannot be told, it is tried.
            _ => Ok(()),
        }
    }

    /// Where a draft lies.
    pub(crate) fn draft(&self, draft: Uuid) -> PathBuf {
        self.root.join(format!("{DRAFT}{draft}"))
    }

    /// All drafts.
    pub(crate) fn drafts(&self) -> Vec<Uuid> {
        self.named(DRAFT, "")
    }

    /// Removes the drafts that nobody holds. The directory must be locked.
    pub(crate) fn clear_drafts(&self) {
        for draft in self.drafts() {
            let path = self.draft(draft);
            let remove = || match File::open(&path)?.try_lock() {
                Ok(()) => fs::remove_file(&path),
                Err(fs::TryLockError::WouldBlock) => Ok(()),
                Err(fs::TryLockError::Error(error)) => Err(error),
            };
            if let Err(error) = remove() {
                tracing::warn!(%draft, %error, "an old draft of an index could not be removed");
            }
        }
    }

    /// Keeps a generation from being removed. The directory must be locked.
    pub(crate) fn lease(&self, generation: Uuid) -> Result<Lease, PortError> {
        let hold = || {
            let file = lock_file(&self.root.join(lock_name(generation)))?;
            file.lock_shared()?;
            Ok(file)
        };
        let file = hold().map_err(|error| self.failure("write", error))?;
        Ok(Lease { directory: self.clone(), generation, file: Some(file) })
    }

    /// Removes the generations that are out of service and that nobody holds. The directory must
    /// be locked. While it cannot be told what is in service, nothing is removed.
    pub(crate) fn clear(&self) {
        let Ok(record) = self.record() else { return };
        let in_service = record.map(|record| record.generation);
        for generation in self.named(GENERATION, ".lock") {
            if Some(generation) == in_service {
                continue;
            }
            if let Err(error) = self.remove(generation) {
                tracing::warn!(%generation, %error, "an old index could not be removed");
            }
        }
        // Published, but the process died before it could remove it.
        if let Some(draft) = in_service {
            let _ = fs::remove_file(self.draft(draft));
        }
    }

    /// The names of the files between this prefix and this suffix, where they are ours.
    fn named(&self, prefix: &str, suffix: &str) -> Vec<Uuid> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Vec::new() };
        let name = |name: std::ffi::OsString| {
            let name = name.to_str()?.strip_prefix(prefix)?.strip_suffix(suffix)?;
            Uuid::parse_str(name).ok()
        };
        entries.flatten().filter_map(|entry| name(entry.file_name())).collect()
    }

    fn remove(&self, generation: Uuid) -> io::Result<()> {
        let lock = self.root.join(lock_name(generation));
        let held = match lock_file(&lock)?.try_lock() {
            Ok(()) => false,
            Err(fs::TryLockError::WouldBlock) => true,
            Err(fs::TryLockError::Error(error)) => return Err(error),
        };
        if held {
            return Ok(());
        }
        match fs::remove_dir_all(self.root.join(name(generation))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::remove_file(lock),
        }
    }

    pub(crate) fn failure(&self, verb: &str, error: io::Error) -> PortError {
        let root = self.root.display();
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => {
                let message = format!("there is no room for an index in {root}: make some");
                PortError::new(ErrorKind::Unavailable, message)
            }
            _ => {
                let message = format!(
                    "cannot {verb} the index in {root}: the data directory must be a directory \
                     that askbook can write to"
                );
                PortError::new(ErrorKind::Misconfigured, message)
            }
        }
        .with_source(error)
    }
}

/// Keeps a generation on disk for as long as it lives; the last one of a generation that is out
/// of service removes it.
#[derive(Debug)]
pub(crate) struct Lease {
    directory: Directory,
    generation: Uuid,
    file: Option<File>,
}

impl Lease {
    /// Where the generation lies.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.root.join(name(self.generation))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // Closing it would not do where a process that was just started has inherited it.
            let _ = file.unlock();
        }
        let Ok(lock) = lock_file(&self.directory.root.join(LOCK)) else { return };
        // Never waits: whoever holds the lock, or the next one, clears up.
        if lock.try_lock().is_ok() {
            self.directory.clear();
        }
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

fn name(generation: Uuid) -> String {
    format!("{GENERATION}{generation}")
}

fn lock_name(generation: Uuid) -> String {
    format!("{}.lock", name(generation))
}
