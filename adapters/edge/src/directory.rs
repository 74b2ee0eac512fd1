//! What lies in a store's directory, and who may touch it when.
//!
//! ```text
//! askbook-index.json     which generation is in service, and what it was made from
//! askbook-index.lock     locked by whoever changes that file or the set of generations
//! generation-UUID/       one index; never written to once it is in service
//! generation-UUID.lock   locked, shared, by everyone who builds or reads that generation
//! ```
//!
//! The locks are advisory locks of the operating system, so they end with the process that
//! holds them. A generation is removed by whoever finds it out of service and can lock it alone:
//! its last reader, or the next process that opens the directory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use askbook::embedding::VectorShape;
use askbook::error::{ErrorKind, PortError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Changes whenever older code could not read what newer code writes, or the reverse.
const FORMAT: u32 = 1;

const MANIFEST: &str = "askbook-index.json";
const LOCK: &str = "askbook-index.lock";

/// What is known about the generation in service.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Manifest {
    format: u32,
    pub(crate) generation: Uuid,
    pub(crate) fingerprint: String,
    dense: Option<NonZeroUsize>,
    sparse: bool,
    pub(crate) passages: usize,
}

impl Manifest {
    pub(crate) fn new(
        generation: Uuid,
        fingerprint: &str,
        shape: VectorShape,
        passages: usize,
    ) -> Self {
        let VectorShape { dense, sparse } = shape;
        let fingerprint = fingerprint.to_owned();
        Self { format: FORMAT, generation, fingerprint, dense, sparse, passages }
    }

    pub(crate) fn shape(&self) -> VectorShape {
        VectorShape { dense: self.dense, sparse: self.sparse }
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

    /// The manifest of the generation in service.
    pub(crate) fn manifest(&self) -> Result<Option<Manifest>, Unreadable> {
        match fs::read(self.root.join(MANIFEST)) {
            Ok(json) => Manifest::parse(&json).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable::new(format!("its manifest cannot be read ({error})"))),
        }
    }

    /// Puts a generation into service: the manifest is the old one or this one, whenever the
    /// process or the machine stops. The directory must be locked.
    pub(crate) fn put_into_service(&self, manifest: &Manifest) -> Result<(), PortError> {
        let write = || {
            let new = self.root.join(format!("{MANIFEST}.new"));
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec_pretty(manifest)?)?;
            file.sync_all()?;
            fs::rename(new, self.root.join(MANIFEST))?;
            // Not everywhere can a directory be opened; where it can, the rename is made to last.
            File::open(&self.root).map_or(Ok(()), |root| root.sync_all())
        };
        write().map_err(|error| self.failure("write", error))
    }

    /// Begins a generation. The directory must be locked.
    pub(crate) fn begin(&self) -> Result<Lease, PortError> {
        let lease = self.lease(Uuid::new_v4())?;
        fs::create_dir(lease.path()).map_err(|error| self.failure("write", error))?;
        Ok(lease)
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
        let Ok(manifest) = self.manifest() else { return };
        let in_service = manifest.map(|manifest| manifest.generation);
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        let generations = entries.flatten().filter_map(|entry| generation_of(&entry.file_name()));
        for generation in generations.filter(|&generation| Some(generation) != in_service) {
            if let Err(error) = self.remove(generation) {
                tracing::warn!(%generation, %error, "an old index could not be removed");
            }
        }
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

    fn failure(&self, verb: &str, error: io::Error) -> PortError {
        let root = self.root.display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
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
    pub(crate) fn generation(&self) -> Uuid {
        self.generation
    }

    /// Where the generation lies.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.root.join(name(self.generation))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.file = None; // ends the lock
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
    format!("generation-{generation}")
}

fn lock_name(generation: Uuid) -> String {
    format!("{}.lock", name(generation))
}

/// The generation whose lock has this name.
fn generation_of(lock: &std::ffi::OsStr) -> Option<Uuid> {
    let name = lock.to_str()?.strip_prefix("generation-")?.strip_suffix(".lock")?;
    Uuid::parse_str(name).ok()
}
