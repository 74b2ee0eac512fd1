//! The collection: how it is reached, and what is known about it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::manifest::Recipe;
use askbook::request::Context;
use qdrant_client::qdrant::{
    CollectionParams, CountPointsBuilder, PayloadIncludeSelector, ScrollPointsBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::address::Address;
use crate::failure::Failure;
use crate::payload::{self, Fields, MARK};
use crate::schema::{Schema, Vectors, Wish};

/// How many names are listed in a message.
const LISTED: usize = 20;

/// The longest wait for a call that writes, or that reads many points. The client's own limit
/// lies above it and above every other, so that it is never the one that is hit.
pub(crate) const BULK_TIMEOUT: Duration = Duration::from_mins(1);

/// How much longer than we wait a server is given: the client looks at the deadline too, and takes
/// its end for a failure that it repeats.
const GRACE: Duration = Duration::from_millis(100);

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
    /// included; less where the request has less time left that searches. The server is told it
    /// too, so that it need not search for longer.
    pub timeout: Duration,
}

/// Passages in a collection of a Qdrant server: a [`Retriever`](askbook::ports::Retriever) and a
/// [`Corpus`](askbook::ports::Corpus) of any collection, and an [`Index`](askbook::ports::Index)
/// of collections in askbook's own layout.
///
/// Clones are the same store.
#[derive(Clone)]
pub struct QdrantStore {
    pub(crate) settings: Arc<QdrantSettings>,
    /// For calls that write, or that read many points.
    pub(crate) client: Qdrant,
    /// For calls that read. It has the same connection and another deadline.
    pub(crate) reader: Qdrant,
    /// What was found out about the collection.
    schema: Arc<Mutex<Option<Arc<Schema>>>>,
}

/// What there is on a server.
pub(crate) struct Names {
    pub(crate) collections: Vec<String>,
    /// The collection that each alias stands for.
    pub(crate) aliases: HashMap<String, String>,
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
            .timeout(2 * settings.timeout.max(BULK_TIMEOUT));
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
        let until = |limit| client.with_header("grpc-timeout", grpc_timeout(limit + GRACE));
        let (reader, client) = (until(settings.timeout), until(BULK_TIMEOUT));
        Ok(Self { settings: Arc::new(settings), client, reader, schema: Arc::default() })
    }

    /// Awaits a call to the server, but not for longer than `limit`.
    ///
    /// The client repeats a call on points once, on a new connection, when it fails with
    /// `Internal`, `Unavailable`, `Cancelled` or `Unknown`, which no setting of it turns off. That
    /// is harmless (writes are idempotent) and happens within the limit; whoever counts calls under
    /// an outage must count two for one.
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

    /// The client for what a reader asks, which tells the server what it should know of the request.
    pub(crate) fn asking(&self) -> Cow<'_, Qdrant> {
        let mut client = Cow::Borrowed(&self.reader);
        // A clone shares the connection, and of two headers of one name the later one counts.
        let limit = self.time_to_read();
        if limit < self.settings.timeout {
            let timeout = grpc_timeout(limit + GRACE);
            client = Cow::Owned(client.with_header("grpc-timeout", timeout));
        }
        if let Some(trace) = Context::current().trace {
            client = Cow::Owned(client.with_header("traceparent", trace.to_string()));
        }
        client
    }

    /// The longest wait for a call that reads: no longer than the request waits that it is for.
    fn time_to_read(&self) -> Duration {
        Context::current().at_most(self.settings.timeout, Instant::now().into_std())
    }

    /// A call that reads.
    pub(crate) fn read<'a, T: 'a>(
        &self,
        call: impl Future<Output = Result<T, QdrantError>> + Send + 'a,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'a {
        Self::call(self.time_to_read(), call)
    }

    /// A call that writes, or that reads many points.
    pub(crate) fn bulk<'a, T: 'a>(
        call: impl Future<Output = Result<T, QdrantError>> + Send + 'a,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'a {
        Self::call(BULK_TIMEOUT, call)
    }

    /// What a call gave, or the error for the owner.
    pub(crate) async fn told<T>(&self, outcome: Result<T, Failure>) -> Result<T, PortError> {
        match outcome {
            Ok(answer) => Ok(answer),
            Err(failure) if failure.is_missing() => Err(self.missing().await),
            Err(failure) => Err(self.report(&failure)),
        }
    }

    /// The error for the owner, where it is not that the collection is missing.
    pub(crate) fn report(&self, failure: &Failure) -> PortError {
        failure.report(&self.settings.address, self.settings.api_key.is_some())
    }

    /// Says that there is no such collection, and which there are.
    async fn missing(&self) -> PortError {
        let name = &self.settings.collection;
        let mut there = self.names().await.map_or_else(
            |_| Vec::new(),
            |Names { collections, aliases }| {
                collections.into_iter().chain(aliases.into_keys()).collect()
            },
        );
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

    /// The names of all collections and aliases.
    pub(crate) async fn names(&self) -> Result<Names, Failure> {
        let (collections, aliases) = tokio::join!(
            self.read(self.reader.list_collections()),
            self.read(self.reader.list_aliases())
        );
        let collections = collections?.collections.into_iter().map(|each| each.name).collect();
        let aliases = aliases?.aliases.into_iter();
        let aliases = aliases.map(|each| (each.alias_name, each.collection_name)).collect();
        Ok(Names { collections, aliases })
    }

    /// What is known about the collection, or can be found out.
    pub(crate) async fn schema(&self) -> Result<Arc<Schema>, PortError> {
        let known = self.schema.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(schema) => Ok(schema),
            None => self.look().await,
        }
    }

    /// Finds out how the collection is laid out, and remembers it.
    pub(crate) async fn look(&self) -> Result<Arc<Schema>, PortError> {
        let vectors = Vectors::read(&self.params().await?);
        let own = vectors.may_be_own_hybrid() && self.mark().await?.is_some();
        let schema = Arc::new(self.choose(vectors, own)?);
        tracing::debug!(
            qdrant.collection = %self.settings.collection,
            qdrant.vectors = %schema.shape(),
            "collection looked at"
        );
        *self.schema.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&schema));
        Ok(schema)
    }

    /// The vectors to search by; `own` says that askbook wrote the collection.
    pub(crate) fn choose(&self, vectors: Vectors, own: bool) -> Result<Schema, PortError> {
        let QdrantSettings { collection, vector, dimension, .. } = &*self.settings;
        let wish = Wish { vector: vector.as_deref(), dimension: *dimension };
        vectors.choose(own, wish, collection)
    }

    /// How the collection is configured.
    pub(crate) async fn params(&self) -> Result<CollectionParams, PortError> {
        let info = self.reader.collection_info(&self.settings.collection);
        let info = self.told(self.read(info).await).await?.result;
        let params = info.and_then(|info| info.config).and_then(|config| config.params);
        params.ok_or_else(|| self.report(&Failure::Incomplete))
    }

    /// Forgets what was found out: the collection is another one now.
    pub(crate) fn forget(&self) {
        *self.schema.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What askbook wrote on the first point of the collection; `None` when there is no
    /// collection or askbook did not write it. Unlike metadata of the collection, points carry it
    /// on every version of the server, and switch together with the alias.
    pub(crate) async fn mark(&self) -> Result<Option<Value>, PortError> {
        self.mark_of(&self.settings.collection).await
    }

    async fn mark_of(&self, collection: &str) -> Result<Option<Value>, PortError> {
        let first = ScrollPointsBuilder::new(collection)
            .limit(1)
            .with_payload(PayloadIncludeSelector { fields: vec![MARK.to_owned()] })
            .with_vectors(false);
        let first = match self.read(self.reader.scroll(first)).await {
            Err(failure) if failure.is_missing() => return Ok(None),
            page => self.told(page).await?.result.into_iter().next(),
        };
        Ok(first.and_then(|point| object(point.payload).remove(MARK)))
    }

    /// How a collection that askbook wrote was made; `None` when it does not say.
    pub(crate) async fn recipe(&self, collection: &str) -> Result<Option<Recipe>, PortError> {
        Ok(self.mark_of(collection).await?.as_ref().and_then(payload::recipe))
    }

    /// How many points a collection has.
    pub(crate) async fn count(&self, collection: &str) -> Result<usize, Failure> {
        let count = CountPointsBuilder::new(collection).exact(true);
        let count = self.read(self.reader.count(count)).await?.result.ok_or(Failure::Incomplete)?;
        usize::try_from(count.count).map_err(|_| Failure::Incomplete)
    }

    /// The error of a collection without a passage, for the owner, who has to say where the texts
    /// are.
    pub(crate) fn without_text<'a>(
        &self,
        payloads: impl Iterator<Item = &'a Map<String, Value>>,
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

/// A deadline as the header of gRPC has it: at most eight digits and a unit
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
fn grpc_timeout(limit: Duration) -> String {
    match limit.as_millis() {
        milliseconds @ ..100_000_000 => format!("{milliseconds}m"),
        _ => format!("{}S", limit.as_secs().min(99_999_999)),
    }
}

/// A payload as the JSON that it is.
pub(crate) fn object(payload: HashMap<String, qdrant_client::qdrant::Value>) -> Map<String, Value> {
    Payload::from(payload).into()
}
