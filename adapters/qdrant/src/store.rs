//! The collection that is searched.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::fusion::reciprocal_rank;
use askbook::passage::{Hit, Scores};
use askbook::ports::Retriever;
use async_trait::async_trait;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::{
    PayloadIncludeSelector, PointId, PrefetchQuery, Query, QueryBatchPoints, QueryPoints,
    ScoredPoint, ScrollPointsBuilder, VectorInput, value::Kind,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Map;

use crate::address::Address;
use crate::failure::Failure;
use crate::payload::{self, Fields, MARK};
use crate::schema::{Closeness, Schema, Vectors, Wish};

/// How many more points are asked for than are wanted. The server breaks ties as it likes, so
/// the end of a list may miss the lowest ids of a tie; and points without a text are left out.
const SPARE: usize = 16;

/// How many points each vector contributes to a hybrid search, at least.
const CANDIDATES: usize = 40;

/// How many names are listed in a message.
const LISTED: usize = 20;

/// The longest wait for a call that writes. The client's own limit lies above it and above every
/// other, so that it is never the one that is hit.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_mins(1);

/// Which collection to search, where, and how.
#[derive(Clone, Debug)]
pub struct QdrantSettings {
    /// The server.
    pub address: Address,
    /// The key of the server, if it wants one.
    pub api_key: Option<SecretString>,
    /// The collection or alias to search, and the alias to put an index behind.
    pub collection: String,
    /// The name of the vector to search by, where it is not clear.
    pub vector: Option<String>,
    /// The components that the embedder is set to make: tells which of several vectors is meant.
    pub dimension: Option<NonZeroUsize>,
    /// Where payloads hold what.
    pub fields: Fields,
    /// The longest wait for an answer to a search, connecting and the client's one silent retry
    /// included.
    pub timeout: Duration,
}

/// Passages in a collection of a Qdrant server: [`Retriever`] of any collection, and
/// [`Index`](askbook::ports::Index) of collections in askbook's own layout.
pub struct QdrantStore {
    pub(crate) settings: QdrantSettings,
    pub(crate) client: Qdrant,
    /// What was found out about the collection.
    schema: Mutex<Option<Arc<Schema>>>,
    /// Held while an index is written: one at a time.
    pub(crate) writing: tokio::sync::Mutex<()>,
}

/// What a search found.
#[derive(Default)]
struct Found {
    /// The points by each vector that was searched.
    lists: Vec<Vec<(String, Scores)>>,
    payloads: HashMap<String, Map<String, serde_json::Value>>,
}

impl Found {
    fn add(&mut self, points: Vec<ScoredPoint>, scores: impl Fn(f32) -> Scores) {
        let list = points.into_iter().map(|point| {
            let name = point_name(point.id);
            let payload = self.payloads.entry(name.clone());
            payload.or_insert_with(|| Payload::from(point.payload).into());
            (name, scores(point.score))
        });
        let list = list.collect();
        self.lists.push(list);
    }
}

impl QdrantStore {
    /// A store over this collection. Does not connect: the first call does, and calls after a
    /// failure connect anew.
    ///
    /// # Errors
    /// `Misconfigured` for a key that cannot be sent.
    pub fn new(settings: QdrantSettings) -> Result<Self, PortError> {
        let misconfigured = |message| PortError::new(ErrorKind::Misconfigured, message);
        // The client's default check would block the runtime and print to stdout.
        let mut builder = Qdrant::from_url(&settings.address.to_string())
            .skip_compatibility_check()
            .connect_timeout(settings.timeout)
            .timeout(2 * settings.timeout.max(WRITE_TIMEOUT));
        if let Some(key) = &settings.api_key {
            let key = key.expose_secret();
            if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
                let message = "QDRANT_API_KEY holds characters that no key has: copy it again";
                return Err(misconfigured(message));
            }
            builder.set_api_key(key);
        }
        let client = builder
            .build()
            .map_err(|_| misconfigured("QDRANT_URL cannot be used as an address"))?;
        let schema = Mutex::default();
        Ok(Self { settings, client, schema, writing: tokio::sync::Mutex::default() })
    }

    /// Awaits a call to the server, but not for longer than `limit`.
    ///
    /// The client repeats a call on points once, on a new connection, when it fails with
    /// `Internal`, `Unavailable`, `Cancelled` or `Unknown`. That is harmless (writes are
    /// idempotent) and happens within the limit.
    pub(crate) fn call<'a, T: 'a>(
        limit: Duration,
        call: impl Future<Output = Result<T, QdrantError>> + Send + 'a,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'a {
        // The futures of the client take 10 to 30 KB.
        let call = Box::pin(call);
        async move {
            match tokio::time::timeout(limit, call).await {
                Ok(answer) => answer.map_err(|error| Failure::Client(Box::new(error))),
                Err(_) => Err(Failure::TimedOut(limit)),
            }
        }
    }

    /// A call that reads.
    pub(crate) fn read<'a, T: 'a>(
        &self,
        call: impl Future<Output = Result<T, QdrantError>> + Send + 'a,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'a {
        Self::call(self.settings.timeout, call)
    }

    /// The error for the owner.
    pub(crate) async fn report(&self, failure: Failure) -> PortError {
        if failure.is_missing() {
            return self.missing().await;
        }
        failure.report(&self.settings.address, self.settings.api_key.is_some())
    }

    /// Says that there is no such collection, and which there are.
    async fn missing(&self) -> PortError {
        let name = &self.settings.collection;
        let (collections, aliases) = tokio::join!(
            self.read(self.client.list_collections()),
            self.read(self.client.list_aliases())
        );
        let collections = collections.map(|all| all.collections).unwrap_or_default();
        let aliases = aliases.map(|all| all.aliases).unwrap_or_default();
        let mut there: Vec<String> = collections.into_iter().map(|each| each.name).collect();
        there.extend(aliases.into_iter().map(|alias| alias.alias_name));
        there.sort();
        let there = match there.len() {
            0 => "there is none that this key may see".to_owned(),
            all => {
                let more = if all > LISTED { ", ..." } else { "" };
                there.truncate(LISTED);
                format!("there are: {}{more}", there.join(", "))
            }
        };
        let message = format!(
            "qdrant has no collection {name:?} ({there}): set QDRANT_COLLECTION_NAME to the one \
             that holds the book, or make it with `askbook index`"
        );
        PortError::new(ErrorKind::Misconfigured, message)
    }

    /// What is known about the collection, or can be found out.
    async fn schema(&self) -> Result<Arc<Schema>, PortError> {
        let known = self.schema.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(schema) => Ok(schema),
            None => self.look().await,
        }
    }

    /// Finds out how the collection is laid out, and remembers it.
    async fn look(&self) -> Result<Arc<Schema>, PortError> {
        let QdrantSettings { collection, vector, dimension, .. } = &self.settings;
        let info = match self.read(self.client.collection_info(collection.as_str())).await {
            Ok(info) => info.result.and_then(|info| info.config).and_then(|config| config.params),
            Err(failure) => return Err(self.report(failure).await),
        };
        let Some(params) = info else { return Err(self.report(Failure::Incomplete).await) };
        let vectors = Vectors::read(&params);
        let own = vectors.may_be_own_hybrid() && self.mark().await?.is_some();
        let wish = Wish { vector: vector.as_deref(), dimension: *dimension };
        let schema = Arc::new(vectors.choose(own, wish, collection)?);
        tracing::debug!(
            qdrant.collection = %collection,
            qdrant.vectors = %schema.shape(),
            "collection looked at"
        );
        *self.schema.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&schema));
        Ok(schema)
    }

    /// Forgets what was found out: the collection is another one now.
    pub(crate) fn forget(&self) {
        *self.schema.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The fingerprint on the first point of the collection; `None` when there is no collection
    /// or askbook did not write it. Unlike metadata of the collection, points carry it on every
    /// version of the server, and switch together with the alias.
    pub(crate) async fn mark(&self) -> Result<Option<String>, PortError> {
        let first = ScrollPointsBuilder::new(&self.settings.collection)
            .limit(1)
            .with_payload(PayloadIncludeSelector { fields: vec![MARK.to_owned()] })
            .with_vectors(false);
        let mark = match self.read(self.client.scroll(first)).await {
            Ok(page) => page
                .result
                .into_iter()
                .next()
                .and_then(|mut point| point.payload.remove(MARK).and_then(|value| value.kind)),
            Err(failure) if failure.is_missing() => None,
            Err(failure) => return Err(self.report(failure).await),
        };
        Ok(match mark {
            Some(Kind::StringValue(fingerprint)) => Some(fingerprint),
            _ => None,
        })
    }

    fn fits(&self, schema: &Schema, near: &Embedding) -> Result<(), PortError> {
        let (wanted, given) = (schema.shape(), near.shape());
        if wanted == given {
            return Ok(());
        }
        let message = format!(
            "the collection {:?} has {wanted}, but the question was given {given}: set \
             EMBEDDING_MODEL and EMBEDDING_DIMENSIONS to what the collection was made with, or \
             make it anew with `askbook index`",
            self.settings.collection
        );
        Err(PortError::new(ErrorKind::Misconfigured, message))
    }

    async fn search(
        &self,
        schema: &Schema,
        near: &Embedding,
        limit: NonZeroUsize,
    ) -> Result<Found, Failure> {
        let limit = limit.get() + SPARE;
        let dense = schema.dense.as_ref().zip(near.dense.as_ref()).map(|(vector, values)| {
            let input = VectorInput::new_dense(values.clone());
            (vector.closeness, Leg::new(vector.name.clone(), input))
        });
        // A sparse query without terms is refused by the server and finds nothing.
        let terms = near.sparse.as_ref().filter(|sparse| !sparse.indices.is_empty());
        let lexical = schema.sparse.as_ref().zip(terms).map(|(name, terms)| {
            let input = VectorInput::new_sparse(terms.indices.clone(), terms.values.clone());
            Leg::new(Some(name.clone()), input)
        });
        let by_meaning = |closeness: Closeness| {
            move |score| Scores { dense: Some(closeness.cosine(score)), lexical: None }
        };
        let by_terms = |score| Scores { dense: None, lexical: Some(score) };
        let mut found = Found::default();
        match (dense, lexical) {
            (None, None) => {}
            (Some((closeness, leg)), None) => {
                found.add(self.query(leg, limit).await?, by_meaning(closeness));
            }
            (None, Some(leg)) => found.add(self.query(leg, limit).await?, by_terms),
            (Some((closeness, dense)), Some(lexical)) => {
                let limit = limit.max(CANDIDATES);
                let (dense, lexical) = self.query_both(dense, lexical, limit).await?;
                found.add(dense, by_meaning(closeness));
                found.add(lexical, by_terms);
            }
        }
        Ok(found)
    }

    async fn query(&self, leg: Leg, limit: usize) -> Result<Vec<ScoredPoint>, Failure> {
        let query = leg.rank(&self.settings.collection, Vec::new(), limit, true);
        Ok(self.read(self.client.query(query)).await?.result)
    }

    /// Searches by both vectors; the points of the second list come without payload, and are
    /// those of the first that share a term.
    ///
    /// Fused on the server (prefetch + RRF) a hit would come back with its fused score alone. So
    /// the server makes the same set of candidates, the best of each vector, and ranks the whole
    /// set once by each: one round trip, and every hit is scored by both.
    async fn query_both(
        &self,
        dense: Leg,
        lexical: Leg,
        limit: usize,
    ) -> Result<(Vec<ScoredPoint>, Vec<ScoredPoint>), Failure> {
        let collection = &self.settings.collection;
        let candidates = vec![dense.prefetch(limit), lexical.prefetch(limit)];
        let batch = QueryBatchPoints {
            collection_name: collection.clone(),
            query_points: vec![
                dense.rank(collection, candidates.clone(), 2 * limit, true),
                lexical.rank(collection, candidates, 2 * limit, false),
            ],
            ..QueryBatchPoints::default()
        };
        let mut answers = self.read(self.client.query_batch(batch)).await?.result.into_iter();
        match (answers.next(), answers.next()) {
            (Some(dense), Some(lexical)) => Ok((dense.result, lexical.result)),
            _ => Err(Failure::Incomplete),
        }
    }

    /// The passages that were found, best first.
    fn hits(&self, found: Found, limit: NonZeroUsize) -> Result<Vec<Hit>, PortError> {
        let Found { lists, payloads } = found;
        let mut passages = HashMap::with_capacity(payloads.len());
        for (point, payload) in &payloads {
            if let Some(passage) = payload::passage(point.clone(), payload, &self.settings.fields) {
                passages.insert(point.clone(), passage);
            }
        }
        let silent = payloads.len() - passages.len();
        if silent > 0 && passages.is_empty() {
            return Err(self.without_text(payloads.values()));
        }
        if silent > 0 {
            tracing::warn!(retrieval.without_text = silent, "points without a text are left out");
        }
        let lists = lists.into_iter().map(|list| {
            let hits = list.into_iter().filter_map(|(point, scores)| {
                passages.get(&point).map(|passage| Hit { passage: passage.clone(), scores })
            });
            let mut hits: Vec<Hit> = hits.collect();
            // In each list one of the two scores is there.
            let score = |hit: &Hit| hit.scores.dense.or(hit.scores.lexical).unwrap_or_default();
            hits.sort_by(|one, other| {
                let best_first = score(other).total_cmp(&score(one));
                best_first.then_with(|| one.passage.id.cmp(&other.passage.id))
            });
            hits
        });
        let mut hits = reciprocal_rank(lists);
        hits.truncate(limit.get());
        Ok(hits)
    }

    fn without_text<'a>(
        &self,
        payloads: impl Iterator<Item = &'a Map<String, serde_json::Value>>,
    ) -> PortError {
        let keys: Vec<String> = payload::keys(payloads).into_iter().take(2 * LISTED).collect();
        let keys = if keys.is_empty() { "no keys at all".to_owned() } else { keys.join(", ") };
        let message = format!(
            "no point of the collection {:?} has a text where one is looked for: set \
             ASKBOOK_QDRANT_TEXT_FIELD to the key of the text; there are: {keys}",
            self.settings.collection
        );
        PortError::new(ErrorKind::Misconfigured, message)
    }
}

#[async_trait]
impl Retriever for QdrantStore {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(self.schema().await?.shape())
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Vec<Hit>, PortError> {
        let schema = self.schema().await?;
        self.fits(&schema, near)?;
        let found = match self.search(&schema, near, limit).await {
            // Another process may have put another index behind the alias.
            Err(failure) if failure.may_be_stale() => {
                self.forget();
                let schema = self.look().await?;
                self.fits(&schema, near)?;
                self.search(&schema, near, limit).await
            }
            found => found,
        };
        match found {
            Ok(found) => self.hits(found, limit),
            Err(failure) => Err(self.report(failure).await),
        }
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

fn point_name(id: Option<PointId>) -> String {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Num(number)) => number.to_string(),
        Some(PointIdOptions::Uuid(uuid)) => uuid,
        None => String::new(),
    }
}
