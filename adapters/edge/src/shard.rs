//! A shard of the engine, and its rough edges: it blocks, and panics where it might fail.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Entry, Ranked};
use qdrant_edge::{
    Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams, Modifier,
    NamedQuery, NamedVectors, OperationError, Payload, PointId, PointInsertOperations,
    PointOperations, PointStruct, QueryEnum, QueryRequest, Record, ScoredPoint, ScoringQuery,
    ScrollRequest, UpdateOperation, Vector, VectorInternal, VectorStructInternal, WalOptions,
    WithPayloadInterface, WithVector,
};
use serde_json::Value;
use uuid::Uuid;

use crate::directory::Unreadable;
use crate::stored::StoredPassage;

/// The names of the vectors.
const DENSE: &str = "dense";
const SPARSE: &str = "sparse";

/// The folder of the engine's log, in that of the shard.
const LOG: &str = "wal";

/// The folder of the engine's segments, in that of the shard. Each is complete in itself.
const SEGMENTS: &str = "segments";

/// How many more points than wanted are asked for, because the order of ties is the engine's own.
const TIES: usize = 16;

/// A shard, for any number of threads.
pub(crate) struct Shard {
    path: PathBuf,
    /// Absent only while it is being dropped.
    engine: Option<EdgeShard>,
}

impl Drop for Shard {
    fn drop(&mut self) {
        let engine = self.engine.take();
        // The engine flushes what it drops and panics when that fails, as it does when somebody
        // removed the directory.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(engine)));
    }
}

impl Shard {
    /// An empty shard in a directory that has none, and is created where it is missing.
    pub(crate) fn create(path: PathBuf, shape: VectorShape) -> Result<Self, PortError> {
        fs::create_dir_all(&path).map_err(|error| unwritable(error.into()))?;
        let engine = EdgeShard::new(&path, config(shape)).map_err(unwritable)?;
        Ok(Self { path, engine: Some(engine) })
    }

    /// The shard in a directory.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Unreadable> {
        // Damaged files can make the engine panic.
        match catch_unwind(AssertUnwindSafe(|| EdgeShard::load(&path, None))) {
            Ok(Ok(engine)) => Ok(Self { path, engine: Some(engine) }),
            Ok(Err(error)) => Err(Unreadable::new(format!("it is damaged ({error})"))),
            Err(_) => Err(Unreadable::new("it is damaged")),
        }
    }

    /// Opens the shard that was copied from one that had as many operations.
    ///
    /// The engine numbers operations by its log, which is not copied, and skips those on a point
    /// that have a lower number than the last one: so the log is filled up.
    pub(crate) fn open_copy(path: PathBuf, operations: u64) -> Result<Self, PortError> {
        let shard = Self::open(path).map_err(|unreadable| {
            let message = format!("the copy of the index cannot be opened, {}", unreadable.why());
            PortError::new(ErrorKind::Unavailable, message)
        })?;
        for _ in 0..operations {
            shard.update(PointOperations::DeletePoints { ids: Vec::new() })?;
        }
        Ok(shard)
    }

    /// Copies the files of a shard that is not written to into an empty directory.
    pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if entry.file_name() == LOG {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::create_dir(&to)?;
                Self::copy(&from, &to)?;
            } else {
                copy_file(&from, &to)?;
            }
        }
        Ok(())
    }

    /// Removes the log, so that other processes can open the same shard. Nothing may be written
    /// from then on.
    pub(crate) fn seal(&self) {
        // The engine locks its log as long as it lives. On Windows it cannot be removed, and the
        // shard stays this process's alone.
        let _ = fs::remove_dir_all(self.path.join(LOG));
    }

    /// Moves what a closed shard holds into another closed one, which has none of its points.
    pub(crate) fn join(part: &Path, whole: &Path) -> Result<(), PortError> {
        let join = || {
            for segment in fs::read_dir(part.join(SEGMENTS))? {
                let segment = segment?;
                fs::rename(segment.path(), whole.join(SEGMENTS).join(segment.file_name()))?;
            }
            fs::remove_dir_all(part)
        };
        join().map_err(|error: io::Error| {
            let message = "the parts of the index cannot be put together";
            PortError::new(ErrorKind::Unavailable, message).with_source(error)
        })
    }

    /// How many points there are.
    pub(crate) fn len(&self) -> usize {
        self.engine.as_ref().map_or(0, |engine| engine.info().points_count)
    }

    /// Adds entries, each in place of the one with its id, in one operation.
    pub(crate) fn put(&self, entries: Vec<Entry>) -> Result<(), PortError> {
        let points = entries.into_iter().map(|entry| Ok(point(entry)?.into()));
        let points = points.collect::<Result<Vec<_>, PortError>>()?;
        self.update(PointOperations::UpsertPoints(PointInsertOperations::PointsList(points)))
    }

    /// Removes the entries with these ids, in one operation.
    pub(crate) fn remove(&self, ids: &[PassageId]) -> Result<(), PortError> {
        self.update(PointOperations::DeletePoints { ids: ids.iter().map(point_id).collect() })
    }

    fn update(&self, operation: PointOperations) -> Result<(), PortError> {
        let Some(engine) = &self.engine else { return Ok(()) };
        engine.update(UpdateOperation::PointOperation(operation)).map_err(unwritable)
    }

    /// Writes everything to disk and closes the shard.
    pub(crate) fn close(mut self) -> Result<(), PortError> {
        let engine = self.engine.take();
        catch_unwind(AssertUnwindSafe(|| drop(engine))).map_err(|_| {
            let message = "the embedded engine failed to write the index: is the disk full?";
            PortError::new(ErrorKind::Unavailable, message)
        })?;
        // A process that was just started may have inherited the lock on the log.
        self.seal();
        Ok(())
    }

    /// The best passages for one vector, best first, ties by id.
    ///
    /// The engine orders and cuts ties as it likes, so more is asked for until no tie can go on
    /// beyond what came.
    pub(crate) fn rank(&self, query: &Query, limit: usize) -> Result<Vec<Ranked>, PortError> {
        let all = self.len();
        let limit = limit.min(all);
        let mut asked = limit.saturating_add(TIES).min(all);
        let points = loop {
            let points = self.ask(query, asked)?;
            let last_wanted = points.get(..limit).and_then(<[_]>::last).map(|point| point.score);
            let complete = points.len() < asked || asked == all;
            if complete || last_wanted != points.last().map(|point| point.score) {
                break points;
            }
            asked = asked.saturating_mul(2).min(all);
        };
        // Reading passages takes longer than finding them: those that tie with the last one that is
        // wanted are read as well, as their ids decide.
        let worst = points.get(..limit).and_then(<[_]>::last).map(|point| point.score);
        let wanted = |point: &&ScoredPoint| {
            query.finds(point.score) && worst.is_none_or(|worst| point.score >= worst)
        };
        let scores: HashMap<PointId, f32> =
            points.iter().filter(wanted).map(|point| (point.id, point.score)).collect();
        let ids: Vec<PointId> = scores.keys().copied().collect();
        let ranked = |record: Record| {
            let score = scores.get(&record.id).copied().unwrap_or_default();
            Ok(Ranked { score, passage: passage(record.payload)? })
        };
        let records = self.read(&ids)?.into_iter();
        let mut ranking = records.map(ranked).collect::<Result<Vec<_>, PortError>>()?;
        ranking.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then_with(|| a.passage.id.cmp(&b.passage.id))
        });
        ranking.truncate(limit);
        Ok(ranking)
    }

    fn ask(&self, query: &Query, limit: usize) -> Result<Vec<ScoredPoint>, PortError> {
        let request = QueryRequest {
            prefetches: Vec::new(),
            with_payload: WithPayloadInterface::Bool(false),
            query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(
                query.vector.clone(),
                query.name,
            )))),
            filter: None,
            score_threshold: None,
            limit,
            offset: 0,
            params: None,
            with_vector: WithVector::Bool(false),
        };
        let Some(engine) = &self.engine else { return Ok(Vec::new()) };
        let found = engine.query(request).map_err(unreadable)?;
        let exact = |point: ScoredPoint| ScoredPoint { score: query.exact(point.score), ..point };
        Ok(found.into_iter().map(exact).collect())
    }

    /// The passages of these ids, in their order, without those that there are not.
    pub(crate) fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        let ids: Vec<PointId> = ids.iter().map(point_id).collect();
        self.read(&ids)?.into_iter().map(|record| passage(record.payload)).collect()
    }

    fn read(&self, ids: &[PointId]) -> Result<Vec<Record>, PortError> {
        let Some(engine) = &self.engine else { return Ok(Vec::new()) };
        engine.retrieve(ids, None, None).map_err(unreadable)
    }

    /// The entries from a point on in the order of the points, with their vectors or without, and
    /// the point after them.
    pub(crate) fn page(
        &self,
        from: Option<Uuid>,
        limit: usize,
        vectors: bool,
    ) -> Result<(Vec<Entry>, Option<Uuid>), PortError> {
        let Some(engine) = &self.engine else { return Ok((Vec::new(), None)) };
        let request = ScrollRequest {
            offset: from.map(PointId::Uuid),
            limit: Some(limit.min(self.len())),
            with_vector: WithVector::Bool(vectors),
            ..ScrollRequest::default()
        };
        let (records, next) = engine.scroll(request).map_err(unreadable)?;
        let entries = records.into_iter().map(entry).collect::<Result<_, _>>()?;
        let next = next.and_then(|next| match next {
            PointId::Uuid(point) => Some(point),
            PointId::NumId(_) => None,
        });
        Ok((entries, next))
    }
}

/// Copies a file, with holes where it has nothing but zeros: the engine makes files of 32 MiB in
/// advance, of which a small index takes little.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create_new(to)?);
    let zeros = vec![0; 1 << 16];
    let mut block = zeros.clone();
    let mut length = 0;
    loop {
        let read = from.read(&mut block)?;
        let Some(read) = block.get(..read).filter(|read| !read.is_empty()) else { break };
        if !zeros.starts_with(read) {
            to.seek(SeekFrom::Start(length))?;
            to.write_all(read)?;
        }
        length += read.len() as u64;
    }
    to.set_len(length)
}

/// One vector to search with.
pub(crate) struct Query {
    name: &'static str,
    vector: VectorInternal,
}

impl Query {
    /// `None` for a vector of zeros, which is near to nothing.
    pub(crate) fn dense(vector: &[f32]) -> Option<Self> {
        if vector.iter().all(|&value| value == 0.0) {
            return None;
        }
        Some(Self { name: DENSE, vector: VectorInternal::Dense(vector.to_vec()) })
    }

    /// `None` for a vector without a term.
    pub(crate) fn sparse(vector: &SparseVector) -> Option<Self> {
        if vector.indices.is_empty() {
            return None;
        }
        let SparseVector { indices, values } = vector.clone();
        let vector = VectorInternal::Sparse(qdrant_edge::SparseVector { indices, values });
        Some(Self { name: SPARSE, vector })
    }

    /// Whether a passage of this score has anything to do with the query.
    fn finds(&self, score: f32) -> bool {
        self.name == DENSE || score > 0.0
    }

    /// A score without what rounding added: no cosine is greater than 1.
    fn exact(&self, score: f32) -> f32 {
        if self.name == DENSE { score.clamp(-1.0, 1.0) } else { score }
    }
}

/// Checks what the engine would refuse of entries that have the right shape.
///
/// # Errors
/// `Rejected`, naming the first entry at fault.
pub(crate) fn check_vectors(entries: &[Entry]) -> Result<(), PortError> {
    for Entry { passage, embedding } in entries {
        if let Some(SparseVector { indices, values }) = embedding.sparse.clone() {
            Vector::new_sparse(indices, values).map_err(|error| {
                let message = format!("passage {} has a sparse vector that is none", passage.id.0);
                PortError::new(ErrorKind::Rejected, message).with_source(error)
            })?;
        }
    }
    Ok(())
}

fn config(shape: VectorShape) -> EdgeConfig {
    // The log is of no use once the index is built, and the engine's own size for it is 32 MiB.
    let mut config = EdgeConfig::builder()
        .wal_options(WalOptions { segment_capacity: 1 << 20, ..WalOptions::default() });
    if let Some(dimension) = shape.dense {
        let params = EdgeVectorParams::builder(dimension.get(), Distance::Cosine).build();
        config = config.vector(DENSE, params);
    }
    if shape.sparse {
        let params = EdgeSparseVectorParams::builder().modifier(Modifier::Idf).build();
        config = config.sparse_vector(SPARSE, params);
    }
    config.build()
}

/// The name of a passage's point.
fn point_id(id: &PassageId) -> PointId {
    PointId::Uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, id.0.as_bytes()))
}

fn point(entry: Entry) -> Result<PointStruct, PortError> {
    let Entry { passage, embedding: Embedding { dense, sparse } } = entry;
    let mut vectors = NamedVectors::default();
    if let Some(dense) = dense {
        vectors = vectors.add_vector(DENSE, Vector::new_dense(dense));
    }
    if let Some(SparseVector { indices, values }) = sparse {
        let vector = Vector::new_sparse(indices, values).map_err(unwritable)?;
        vectors = vectors.add_vector(SPARSE, vector);
    }
    let point = point_id(&passage.id);
    let payload = serde_json::to_value(StoredPassage::from(passage)).map_err(|error| {
        let message = "a passage cannot be written as json";
        PortError::new(ErrorKind::Rejected, message).with_source(error)
    })?;
    Ok(PointStruct::new(point, vectors, payload))
}

fn passage(payload: Option<Payload>) -> Result<Passage, PortError> {
    let payload = Value::Object(payload.unwrap_or_default().0);
    let stored: StoredPassage = serde_json::from_value(payload).map_err(|_| {
        let message = "the index holds something that is no passage: run `askbook index DIR` to \
                       make it anew";
        PortError::new(ErrorKind::Misconfigured, message)
    })?;
    Ok(stored.into())
}

fn entry(record: Record) -> Result<Entry, PortError> {
    let mut embedding = Embedding::default();
    if let Some(VectorStructInternal::Named(vectors)) = record.vector {
        for vector in vectors.into_values() {
            match vector {
                VectorInternal::Dense(dense) => embedding.dense = Some(dense),
                VectorInternal::Sparse(qdrant_edge::SparseVector { indices, values }) => {
                    embedding.sparse = Some(SparseVector { indices, values });
                }
                VectorInternal::MultiDense(_) => {}
            }
        }
    }
    Ok(Entry { passage: passage(record.payload)?, embedding })
}

fn unreadable(error: OperationError) -> PortError {
    let message = "the embedded engine failed to read the index: if it goes on, run `askbook \
                   index DIR` to make it anew";
    PortError::new(ErrorKind::Unavailable, message).with_source(error)
}

fn unwritable(error: OperationError) -> PortError {
    let message = "the embedded engine failed to write the index: is the disk full?";
    PortError::new(ErrorKind::Unavailable, message).with_source(error)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// As by a process that was being started when the engine closed it.
    #[test]
    fn a_closed_shard_can_be_opened_while_its_log_is_still_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shard");
        let shard = Shard::create(path.clone(), VectorShape::sparse()).unwrap();
        let log = File::open(path.join(LOG)).unwrap();
        shard.close().unwrap();
        log.lock().unwrap();
        assert_eq!(Shard::open(path).map(|shard| shard.len()).ok(), Some(0));
    }
}
