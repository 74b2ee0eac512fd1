//! Searching a collection, whoever wrote it.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::PortError;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Ranked, Rankings, Retriever, check_query};
use async_trait::async_trait;
use qdrant_client::qdrant::{
    GetPointsBuilder, PrefetchQuery, Query, QueryBatchPoints, QueryPoints, ScoredPoint, VectorInput,
};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::payload;
use crate::point;
use crate::schema::{Closeness, Schema};
use crate::store::{QdrantStore, object};

/// How many more points are asked for than are wanted. The server breaks ties as it likes, so
/// the end of a list may miss the lowest ids of a tie; and points without a text are left out.
const SPARE: usize = 16;

/// What a search found: the names of the points with their scores, by each vector that was
/// searched with. Of two scores the greater one is the better.
#[derive(Default)]
struct Found {
    dense: Option<Vec<(String, f32)>>,
    lexical: Option<Vec<(String, f32)>>,
    payloads: HashMap<String, Map<String, Value>>,
}

impl Found {
    /// Keeps the payloads that were not known yet.
    fn list(&mut self, points: Vec<ScoredPoint>) -> Vec<(String, f32)> {
        let list = points.into_iter().map(|point| {
            let name = point::name(point.id);
            let payload = self.payloads.entry(name.clone());
            payload.or_insert_with(|| object(point.payload));
            (name, point.score)
        });
        list.collect()
    }

    fn by_meaning(&mut self, points: Vec<ScoredPoint>, closeness: Closeness) {
        let mut list = self.list(points);
        for (_, score) in &mut list {
            *score = closeness.cosine(*score);
        }
        self.dense = Some(list);
    }

    fn by_terms(&mut self, points: Vec<ScoredPoint>) {
        let mut list = self.list(points);
        list.retain(|(_, score)| *score > 0.0);
        self.lexical = Some(list);
    }
}

impl QdrantStore {
    fn check(&self, schema: &Schema, near: &Embedding) -> Result<(), PortError> {
        let collection = format!("the collection {:?}", self.settings.collection);
        check_query(&collection, schema.shape(), near)
    }

    async fn search(
        &self,
        schema: &Schema,
        near: &Embedding,
        limit: NonZeroUsize,
    ) -> Result<Found, Failure> {
        let limit = limit.get().saturating_add(SPARE);
        // What says nothing is near to nothing; the server would refuse a query without terms.
        let meaning = near.dense.as_ref().filter(|values| values.iter().any(|&value| value != 0.0));
        let dense = schema.dense.as_ref().zip(meaning).map(|(vector, values)| {
            let input = VectorInput::new_dense(values.clone());
            (vector.closeness, Leg::new(vector.name.clone(), input))
        });
        let terms = near.sparse.as_ref().filter(|sparse| !sparse.indices.is_empty());
        let lexical = schema.sparse.as_ref().zip(terms).map(|(name, terms)| {
            let input = VectorInput::new_sparse(terms.indices.clone(), terms.values.clone());
            Leg::new(Some(name.clone()), input)
        });
        let mut found = Found {
            dense: near.dense.is_some().then(Vec::new),
            lexical: near.sparse.is_some().then(Vec::new),
            payloads: HashMap::new(),
        };
        match (dense, lexical) {
            (None, None) => {}
            (Some((closeness, leg)), None) => {
                found.by_meaning(self.query(leg, limit).await?, closeness);
            }
            (None, Some(leg)) => found.by_terms(self.query(leg, limit).await?),
            (Some((closeness, dense)), Some(lexical)) => {
                let (dense, lexical) = self.query_both(dense, lexical, limit).await?;
                found.by_meaning(dense, closeness);
                found.by_terms(lexical);
            }
        }
        Ok(found)
    }

    async fn query(&self, leg: Leg, limit: usize) -> Result<Vec<ScoredPoint>, Failure> {
        let query = leg.rank(&self.settings.collection, Vec::new(), limit, true);
        Ok(self.read(self.asking().query(query)).await?.result)
    }

    /// Searches by both vectors in one round trip; the points of the second list come without
    /// payload, and are those of the first that share a term.
    ///
    /// Fused on the server (prefetch + RRF) a hit would come back with its fused score alone. So
    /// the server makes the same set of candidates, the best of each vector, and ranks the whole
    /// set once by each: the best `limit` of either list are those of its vector alone, and each
    /// payload travels once.
    async fn query_both(
        &self,
        dense: Leg,
        lexical: Leg,
        limit: usize,
    ) -> Result<(Vec<ScoredPoint>, Vec<ScoredPoint>), Failure> {
        let collection = &self.settings.collection;
        let candidates = vec![dense.prefetch(limit), lexical.prefetch(limit)];
        let all = limit.saturating_mul(2);
        let batch = QueryBatchPoints {
            collection_name: collection.clone(),
            query_points: vec![
                dense.rank(collection, candidates.clone(), all, true),
                lexical.rank(collection, candidates, limit, false),
            ],
            ..QueryBatchPoints::default()
        };
        let mut answers = self.read(self.asking().query_batch(batch)).await?.result.into_iter();
        match (answers.next(), answers.next()) {
            (Some(dense), Some(lexical)) => Ok((dense.result, lexical.result)),
            _ => Err(Failure::Incomplete),
        }
    }

    /// The passages that were found, best first.
    fn rankings(&self, found: Found, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let Found { dense, lexical, payloads } = found;
        let passage = |(point, payload): (&String, _)| {
            let passage = payload::passage(point.clone(), payload, &self.settings.fields)?;
            Some((point.clone(), passage))
        };
        let passages: HashMap<String, Passage> = payloads.iter().filter_map(passage).collect();
        let silent = payloads.len() - passages.len();
        if silent > 0 && passages.is_empty() {
            return Err(self.without_text(payloads.values()));
        }
        if silent > 0 {
            tracing::warn!(retrieval.without_text = silent, "points without a text are left out");
        }
        let ranking = |list: Vec<(String, f32)>| {
            let ranked =
                |(point, score)| Some(Ranked { passage: passages.get(&point)?.clone(), score });
            let mut ranking: Vec<Ranked> = list.into_iter().filter_map(ranked).collect();
            ranking.sort_by(|one, other| {
                let best_first = other.score.total_cmp(&one.score);
                best_first.then_with(|| one.passage.id.cmp(&other.passage.id))
            });
            ranking.truncate(limit.get());
            ranking
        };
        let mut dense = dense.map(ranking);
        // Rounding, and vectors that are not of unit length, take a cosine beyond 1.
        for ranked in dense.iter_mut().flatten() {
            ranked.score = ranked.score.clamp(-1.0, 1.0);
        }
        Ok(Rankings { dense, lexical: lexical.map(ranking) })
    }
}

#[async_trait]
impl Retriever for QdrantStore {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(self.schema().await?.shape())
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let schema = self.schema().await?;
        self.check(&schema, near)?;
        let found = match self.search(&schema, near, limit).await {
            // Another process may have put another index behind the alias.
            Err(failure) if failure.may_be_stale() => {
                self.forget();
                let schema = self.look().await?;
                self.check(&schema, near)?;
                self.search(&schema, near, limit).await
            }
            found => found,
        };
        self.rankings(self.told(found).await?, limit)
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        // Whose collection it is need not be known: a passage of askbook's own says its id
        // itself, and any other one is named by its point.
        let points: Vec<_> = ids
            .iter()
            .flat_map(|id| [Some(point::of(id)), point::parse(&id.0)])
            .flatten()
            .collect();
        if points.is_empty() {
            return Ok(Vec::new());
        }
        let points = GetPointsBuilder::new(&self.settings.collection, points)
            .with_payload(true)
            .with_vectors(false);
        let points = self.told(self.read(self.asking().get_points(points)).await).await?.result;
        let passage = |point: qdrant_client::qdrant::RetrievedPoint| {
            let name = point::name(point.id);
            let passage = payload::passage(name, &object(point.payload), &self.settings.fields)?;
            Some((passage.id.clone(), passage))
        };
        let passages: HashMap<PassageId, Passage> =
            points.into_iter().filter_map(passage).collect();
        Ok(ids.iter().filter_map(|id| passages.get(id).cloned()).collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.look().await.map(drop)
    }
}

/// A search by one vector.
struct Leg {
    using: Option<String>,
    query: Query,
}

impl Leg {
    fn new(using: Option<String>, input: VectorInput) -> Self {
        Self { using, query: Query::new_nearest(input) }
    }

    fn prefetch(&self, limit: usize) -> PrefetchQuery {
        PrefetchQuery {
            query: Some(self.query.clone()),
            using: self.using.clone(),
            limit: Some(limit as u64),
            ..PrefetchQuery::default()
        }
    }

    /// Ranks the candidates, or without any all points, by this vector.
    fn rank(
        self,
        collection: &str,
        candidates: Vec<PrefetchQuery>,
        limit: usize,
        with_payload: bool,
    ) -> QueryPoints {
        QueryPoints {
            collection_name: collection.to_owned(),
            prefetch: candidates,
            query: Some(self.query),
            using: self.using,
            limit: Some(limit as u64),
            with_payload: Some(with_payload.into()),
            ..QueryPoints::default()
        }
    }
}
