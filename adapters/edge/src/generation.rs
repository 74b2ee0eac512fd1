//! One index: a shard that is built once and from then on only searched.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::manifest::{Digest, Manifest};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Entry, Rankings};
use uuid::Uuid;

use crate::directory::{Directory, Lease, Record, Unreadable, Wear};
use crate::journal::{Change, Journal};
use crate::shard::{Query, Shard};

/// The file of a generation with the digest of each passage, as `MessagePack`.
const DIGESTS: &str = "digests";

/// How many entries are written to one segment of the engine. With each entry it goes through the
/// whole list of each term, so time would grow with the square of their number.
const PART: usize = if cfg!(test) { 16 } else { 8_192 };

/// How many entries are handed to the engine at once.
const BATCH: usize = 256;

/// How many times the bytes of a journal the engine takes on disk while it is applied: mostly for
/// its log, which is removed afterwards. (Measured: 1.8.)
const ROOM: u64 = 3;

/// How many bytes the engine takes for next to nothing.
const LEAST: u64 = 8 << 20;

/// What is held of each passage.
pub(crate) type Digests = HashMap<PassageId, Digest>;

/// One index, open for searches by any number of threads.
pub(crate) struct Generation {
    record: Record,
    manifest: Manifest,
    shard: Shard,
    // Dropped last: it keeps the shard's files.
    lease: Lease,
}

impl Generation {
    /// Opens what was built.
    pub(crate) fn open(lease: Lease, record: Record) -> Result<Self, Unreadable> {
        let manifest = record.manifest();
        let shard = Shard::open(lease.path())?;
        shard.seal();
        let (found, whole) = (shard.len(), manifest.passages);
        if found != whole {
            return Err(Unreadable::new(format!("it holds {found} passages instead of {whole}")));
        }
        Ok(Self { record, manifest, shard, lease })
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The passages nearest to each vector of an embedding: exact, best first, equal scores in the
    /// order of the passages' ids. A vector that says nothing finds nothing.
    pub(crate) fn search(
        &self,
        near: &Embedding,
        limit: NonZeroUsize,
    ) -> Result<Rankings, PortError> {
        let rank = |query: Option<Query>| {
            query.map_or(Ok(Vec::new()), |query| self.shard.rank(&query, limit.get()))
        };
        Ok(Rankings {
            dense: near.dense.as_deref().map(|dense| rank(Query::dense(dense))).transpose()?,
            lexical: near.sparse.as_ref().map(|sparse| rank(Query::sparse(sparse))).transpose()?,
        })
    }

    /// The passages of these ids, in their order, without those that there are not.
    pub(crate) fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.shard.passages(ids)
    }

    /// The entries from a point on, with their vectors or without, and the point after them.
    pub(crate) fn page(
        &self,
        from: Option<Uuid>,
        limit: NonZeroUsize,
        vectors: bool,
    ) -> Result<(Vec<Entry>, Option<Uuid>), PortError> {
        self.shard.page(from, limit.get(), vectors)
    }

    /// The digest of each passage.
    pub(crate) fn digests(&self) -> Result<Digests, PortError> {
        let read = || {
            let bytes = fs::read(self.lease.path().join(DIGESTS))?;
            let digests: HashMap<String, String> =
                rmp_serde::from_slice(&bytes).map_err(io::Error::other)?;
            Ok::<_, io::Error>(digests)
        };
        let digests = read().map_err(|error| {
            let message = "the index has lost its list of passages";
            PortError::new(ErrorKind::Unavailable, message).with_source(error)
        })?;
        Ok(digests.into_iter().map(|(id, digest)| (PassageId(id), Digest(digest))).collect())
    }
}

/// Builds the generation that holds what a draft does: what the journal changes, and all else as
/// in the `base`, which has the same recipe.
///
/// The base is copied, with its garbage, when at least two thirds of it stay as they are.
pub(crate) fn build(
    directory: &Directory,
    lease: &Lease,
    base: Option<&Generation>,
    journal: &mut Journal,
    manifest: &Manifest,
    held: &Digests,
) -> Result<Wear, PortError> {
    let room = base.map_or(0, |base| size(&base.lease.path())) + ROOM * journal.len() + LEAST;
    directory.check_room(room)?;
    let changes = last_changes(journal)?;
    let mut builder = match base {
        Some(base) => {
            let digests = base.digests()?;
            let staying = digests.keys().filter(|id| !changes.contains_key(&id.0)).count();
            let slots = digests.len() + base.record.wear.removed;
            if staying * 3 >= slots * 2 {
                let removed = |id: &PassageId| matches!(changes.get(&id.0), Some(None));
                let removed: Vec<PassageId> = digests.into_keys().filter(removed).collect();
                let mut builder = Builder::on(directory, base, lease)?;
                builder.remove(&removed)?;
                builder
            } else {
                let mut builder = Builder::new(lease, manifest)?;
                let mut from = None;
                loop {
                    let (mut entries, next) = base.shard.page(from, BATCH, true)?;
                    entries.retain(|entry| !changes.contains_key(&entry.passage.id.0));
                    builder.put(entries)?;
                    if next.is_none() {
                        break builder;
                    }
                    from = next;
                }
            }
        }
        None => Builder::new(lease, manifest)?,
    };
    let mut number = 0;
    journal.replay(|change| {
        let Change::Put(mut entries) = change else { return Ok(()) };
        entries.retain(|entry| {
            number += 1;
            changes.get(&entry.passage.id) == Some(&Some(number))
        });
        builder.put(entries.into_iter().map(Entry::from).collect())
    })?;
    let wear = builder.close()?;
    write_digests(lease, held).map_err(|error| directory.failure("write", error))?;
    Ok(wear)
}

/// What becomes of each passage that a journal changes: the number of the entry that counts, from
/// 1, or `None` when it is removed.
fn last_changes(journal: &mut Journal) -> Result<HashMap<String, Option<usize>>, PortError> {
    let (mut last, mut number) = (HashMap::new(), 0);
    journal.replay(|change| {
        match change {
            Change::Recipe(_) => {}
            Change::Put(entries) => last.extend(entries.into_iter().map(|entry| {
                number += 1;
                (entry.passage.id, Some(number))
            })),
            Change::Remove(ids) => last.extend(ids.into_iter().map(|id| (id, None))),
        }
        Ok(())
    })?;
    Ok(last)
}

/// A generation that is being built.
struct Builder<'a> {
    lease: &'a Lease,
    shape: VectorShape,
    /// What is written to: the generation's own shard or, after that, a part of it.
    shard: Shard,
    /// How many entries were put into it.
    filled: usize,
    /// Whether entries may be in the generation already.
    copied: bool,
    parts: Vec<PathBuf>,
    wear: Wear,
}

impl<'a> Builder<'a> {
    /// With nothing.
    fn new(lease: &'a Lease, manifest: &Manifest) -> Result<Self, PortError> {
        let shape = manifest.recipe.shape;
        let shard = Shard::create(lease.path(), shape)?;
        let (parts, wear) = (Vec::new(), Wear::default());
        Ok(Self { lease, shape, shard, filled: 0, copied: false, parts, wear })
    }

    /// With what another generation has.
    fn on(directory: &Directory, base: &Generation, lease: &'a Lease) -> Result<Self, PortError> {
        let wear = base.record.wear;
        let copied = {
            // The engine writes to a shard while it opens it, and that happens under this lock.
            let _lock = directory.lock()?;
            Shard::copy(&base.lease.path(), &lease.path())
        };
        copied.map_err(|error| directory.failure("write", error))?;
        let shard = Shard::open_copy(lease.path(), wear.operations)?;
        let shape = base.manifest.recipe.shape;
        Ok(Self { lease, shape, shard, filled: 0, copied: true, parts: Vec::new(), wear })
    }

    fn put(&mut self, entries: Vec<Entry>) -> Result<(), PortError> {
        if entries.is_empty() {
            return Ok(());
        }
        if self.filled >= PART && !self.copied {
            let path = self.lease.path().join(format!("part-{}", self.parts.len()));
            let full = mem::replace(&mut self.shard, Shard::create(path.clone(), self.shape)?);
            full.close()?;
            self.parts.push(path);
            self.filled = 0;
        }
        self.filled += entries.len();
        self.wear.operations += 1;
        self.shard.put(entries)
    }

    fn remove(&mut self, ids: &[PassageId]) -> Result<(), PortError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.wear.operations += 1;
        self.wear.removed += ids.len();
        self.shard.remove(ids)
    }

    fn close(self) -> Result<Wear, PortError> {
        self.shard.close()?;
        for part in &self.parts {
            Shard::join(part, &self.lease.path())?;
        }
        Ok(self.wear)
    }
}

/// The bytes of the files in a folder.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn write_digests(lease: &Lease, digests: &Digests) -> io::Result<()> {
    let plain: HashMap<&str, &str> =
        digests.iter().map(|(id, digest)| (id.0.as_str(), digest.0.as_str())).collect();
    let bytes = rmp_serde::to_vec(&plain).map_err(io::Error::other)?;
    fs::write(lease.path().join(DIGESTS), bytes)
}
