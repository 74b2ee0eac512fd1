//! One index: a shard of the engine that is built once and from then on only searched.

use std::fs;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::fusion::reciprocal_rank;
use askbook::passage::{Hit, Passage, PassageId, Scores};
use askbook::ports::Entry;
use qdrant_edge::{
    Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams, Modifier,
    NamedQuery, NamedVectors, OperationError, PointId, PointInsertOperations, PointOperations,
    PointStruct, QueryEnum, QueryRequest, ScoredPoint, ScoringQuery, UpdateOperation, Vector,
    VectorInternal, WalOptions, WithPayloadInterface, WithVector,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::{Lease, Manifest, Unreadable};

/// The names of the vectors in the shard.
const DENSE: &str = "dense";
const SPARSE: &str = "sparse";

/// How many passages are handed to the engine at once.
const BATCH: usize = 256;

/// How many more points than wanted are asked for, because the order of ties is the engine's own.
const TIES: usize = 16;

/// How deep each of two rankings is read before they are fused.
const FUSED_DEPTH: usize = 50;

/// One index, open for searches by any number of threads.
pub(crate) struct Generation {
    manifest: Manifest,
    /// Absent only while it is being dropped.
    shard: Option<EdgeShard>,
    // Dropped last: it keeps the shard's files.
    _lease: Lease,
}

impl Drop for Generation {
    fn drop(&mut self) {
        let shard = self.shard.take();
        // The engine flushes what it drops and panics when that fails, as it does when somebody
        // removed the directory. An index in service has nothing to flush.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(shard)));
    }
}

impl Generation {
    /// Writes the passages to the lease's directory.
    pub(crate) fn build(
        lease: &Lease,
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> Result<(), PortError> {
        let failed = |error: OperationError| {
            let message = "the embedded engine failed to write the index: is the disk full?";
            PortError::new(ErrorKind::Unavailable, message).with_source(error)
        };
        let shard = EdgeShard::new(&lease.path(), config(shape)).map_err(failed)?;
        let mut entries = entries.into_iter();
        loop {
            let batch: Vec<Entry> = entries.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let points = batch.into_iter().map(|entry| Ok(point(entry)?.into()));
            let points = points.collect::<Result<Vec<_>, PortError>>()?;
            let upsert = PointOperations::UpsertPoints(PointInsertOperations::PointsList(points));
            shard.update(UpdateOperation::PointOperation(upsert)).map_err(failed)?;
        }
        // Dropping flushes. Not `flush`: it panics when it fails, and then again when dropped.
        drop(shard);
        Ok(())
    }

    /// Opens what was built. The directory must be locked.
    pub(crate) fn open(lease: Lease, manifest: Manifest) -> Result<Self, Unreadable> {
        let path = lease.path();
        // Damaged files can make the engine panic.
        let opened = catch_unwind(AssertUnwindSafe(|| EdgeShard::load(&path, None)));
        let shard = match opened {
            Ok(Ok(shard)) => shard,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the engine cannot open the index");
                return Err(Unreadable::new("it is damaged"));
            }
            Err(_) => return Err(Unreadable::new("it is damaged")),
        };
        // The engine locks its log, and nothing is ever logged again: without the log's name,
        // other processes can open the same generation. It fails on Windows, where they cannot.
        let _ = fs::remove_dir_all(path.join("wal"));
        let (found, whole) = (shard.info().points_count, manifest.passages);
        let generation = Self { manifest, shard: Some(shard), _lease: lease };
        if found != whole {
            return Err(Unreadable::new(format!("it holds {found} passages instead of {whole}")));
        }
        Ok(generation)
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The passages nearest to an embedding of the generation's shape: exact, best first, equal
    /// scores in the order of the passages' ids. A vector that says nothing is not searched with.
    ///
    /// Two vectors give two rankings, of which the best places are fused by reciprocal rank.
    pub(crate) fn search(
        &self,
        near: &Embedding,
        limit: NonZeroUsize,
    ) -> Result<Vec<Hit>, PortError> {
        let dense = near.dense.as_deref().and_then(Query::dense);
        let sparse = near.sparse.as_ref().and_then(Query::sparse);
        let queries: Vec<Query> = dense.into_iter().chain(sparse).collect();
        let depth = if queries.len() > 1 { limit.get().max(FUSED_DEPTH) } else { limit.get() };
        let rankings = queries.iter().map(|query| self.rank(query, depth));
        let mut hits = reciprocal_rank(rankings.collect::<Result<Vec<_>, _>>()?);
        hits.truncate(limit.get());
        Ok(hits)
    }

    /// The best passages for one vector, ties by id. The engine orders and cuts ties as it likes,
    /// so more is asked for until no tie can go on beyond what came.
    fn rank(&self, query: &Query, limit: usize) -> Result<Vec<Hit>, PortError> {
        let all = self.manifest.passages;
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
        let passage = |point: ScoredPoint| Ok((point.score, passage(point)?));
        let mut ranking = points.into_iter().map(passage).collect::<Result<Vec<_>, PortError>>()?;
        ranking.retain(|(score, _)| query.finds(*score));
        ranking.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.id.cmp(&other.id)));
        ranking.truncate(limit);
        let hit = |(score, passage)| Hit { passage, scores: query.scores(score) };
        Ok(ranking.into_iter().map(hit).collect())
    }

    fn ask(&self, query: &Query, limit: usize) -> Result<Vec<ScoredPoint>, PortError> {
        let request = QueryRequest {
            prefetches: Vec::new(),
            with_payload: WithPayloadInterface::Bool(true),
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
        let Some(shard) = &self.shard else { return Ok(Vec::new()) };
        let found = shard.query(request).map_err(|error| {
            let message = "the embedded engine failed to search: if it goes on, run `askbook \
                           index DIR` to make the index anew";
            PortError::new(ErrorKind::Unavailable, message).with_source(error)
        })?;
        let exact = |point: ScoredPoint| ScoredPoint { score: query.exact(point.score), ..point };
        Ok(found.into_iter().map(exact).collect())
    }
}

/// One vector to search with.
struct Query {
    name: &'static str,
    vector: VectorInternal,
}

impl Query {
    /// `None` for a vector of zeros, which is near to nothing.
    fn dense(vector: &[f32]) -> Option<Self> {
        if vector.iter().all(|&value| value == 0.0) {
            return None;
        }
        Some(Self { name: DENSE, vector: VectorInternal::Dense(vector.to_vec()) })
    }

    /// `None` for a vector without a term.
    fn sparse(vector: &SparseVector) -> Option<Self> {
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

    fn scores(&self, score: f32) -> Scores {
        let mut scores = Scores::default();
        let place = if self.name == DENSE { &mut scores.dense } else { &mut scores.lexical };
        *place = Some(score);
        scores
    }
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

fn point(entry: Entry) -> Result<PointStruct, PortError> {
    let Entry { passage, embedding: Embedding { dense, sparse } } = entry;
    let Passage { id, title, headings, url, text } = passage;
    let mut vectors = NamedVectors::default();
    if let Some(dense) = dense {
        vectors = vectors.add_vector(DENSE, Vector::new_dense(dense));
    }
    if let Some(SparseVector { indices, values }) = sparse {
        let vector = Vector::new_sparse(indices, values).map_err(|error| {
            let message = format!("passage {} has a sparse vector that is none", id.0);
            PortError::new(ErrorKind::Rejected, message).with_source(error)
        })?;
        vectors = vectors.add_vector(SPARSE, vector);
    }
    let point = PointId::Uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, id.0.as_bytes()));
    let payload =
        json!({ "id": id.0, "title": title, "headings": headings, "url": url, "text": text });
    Ok(PointStruct::new(point, vectors, payload))
}

fn passage(point: ScoredPoint) -> Result<Passage, PortError> {
    #[derive(Deserialize)]
    struct Stored {
        id: String,
        title: String,
        headings: Vec<String>,
        url: Option<String>,
        text: String,
    }
    let payload = Value::Object(point.payload.unwrap_or_default().0);
    let Stored { id, title, headings, url, text } =
        serde_json::from_value(payload).map_err(|_| {
            let message = "the index holds something that is no passage: run `askbook index DIR` \
                           to make it anew";
            PortError::new(ErrorKind::Misconfigured, message)
        })?;
    Ok(Passage { id: PassageId(id), title, headings, url, text })
}
