use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::Embedder;
use askbook::request::Context;
use async_trait::async_trait;
use tokio::time::{Instant, timeout};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::store::{Lookup, Store, Weighty};

/// An embedder that remembers the vectors of questions.
///
/// Questions that differ in white space, or in how Unicode spells their letters, are the same
/// question, and the embedder is asked in one spelling, so that the vectors do not depend on who
/// asked first. Vectors do not age: an embedder makes the same ones of the same text.
///
/// Of those who ask the same at the same time one asks the embedder and the others wait, for half
/// of the time that each of them has left, as a call may take. When the one who asks gives up or
/// fails, the next of them asks in its own time: nobody inherits the deadline or the failure of
/// somebody else.
pub struct CachedEmbedder {
    embedder: Arc<dyn Embedder>,
    store: Store<Vectors>,
}

/// The vectors of the texts of one question.
struct Vectors(Vec<Embedding>);

impl Weighty for Vectors {
    /// Those of one text, of 768 numbers.
    const TYPICAL: usize = size_of::<Embedding>() + 768 * size_of::<f32>();

    fn bytes(&self) -> usize {
        let numbers = |embedding: &Embedding| {
            let dense = embedding.dense.as_ref().map_or(0, Vec::len);
            // An index and a value each.
            let sparse = embedding.sparse.as_ref().map_or(0, |sparse| 2 * sparse.indices.len());
            size_of::<Embedding>() + (dense + sparse) * size_of::<f32>()
        };
        self.0.iter().map(numbers).sum()
    }
}

impl CachedEmbedder {
    /// This embedder, with a memory of at most so many bytes.
    pub fn new(embedder: Arc<dyn Embedder>, bytes: NonZeroUsize) -> Self {
        Self { embedder, store: Store::new("embedding", bytes) }
    }

    /// How much is kept, in bytes.
    pub fn bytes(&self) -> u64 {
        self.store.bytes()
    }
}

#[async_trait]
impl Embedder for CachedEmbedder {
    fn space(&self) -> &str {
        self.embedder.space()
    }

    fn preferred_shape(&self) -> VectorShape {
        self.embedder.preferred_shape()
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        if purpose == Purpose::Passage || texts.is_empty() {
            return self.embedder.embed(texts, purpose, shape).await;
        }
        let texts: Vec<String> = texts.iter().map(|text| one_spelling(text)).collect();
        let key = self.store.key(&(shape, &texts));
        if let Some(vectors) = self.store.get(key) {
            self.store.count(Lookup::Hit, 1);
            return Ok(vectors.0.clone());
        }
        let turn = match in_half_of_what_is_left(self.store.get_or_turn(key)).await? {
            Ok(vectors) => {
                self.store.count(Lookup::Shared, 1);
                return Ok(vectors.0.clone());
            }
            Err(turn) => turn,
        };
        self.store.count(Lookup::Miss, 1);
        let vectors = self.embedder.embed(&texts, purpose, shape).await?;
        // One may be missing while what makes it is out of order.
        let is_whole = |embedding: &Embedding| embedding.shape() == shape;
        if vectors.len() == texts.len() && vectors.iter().all(is_whole) {
            turn.keep(Vectors(vectors.clone()));
        }
        Ok(vectors)
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.embedder.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.embedder.serves().await
    }
}

/// The text with its letters composed (NFC) and its white space reduced to single spaces. Capitals
/// stay: a model may read them.
fn one_spelling(text: &str) -> String {
    let composed =
        if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect::<String>()) };
    let mut spelt = String::with_capacity(composed.len());
    for word in composed.split_whitespace() {
        if !spelt.is_empty() {
            spelt.push(' ');
        }
        spelt.push_str(word);
    }
    spelt
}

/// What comes of waiting for somebody else's call.
async fn in_half_of_what_is_left<T>(wait: impl Future<Output = T>) -> Result<T, PortError> {
    let left = Context::current().time_left(Instant::now().into_std());
    match left {
        None => Ok(wait.await),
        Some(left) => timeout(left / 2, wait).await.map_err(|_| late(left / 2)),
    }
}

fn late(waited: Duration) -> PortError {
    let message = format!("the same question is being embedded and was not within {waited:?}");
    PortError::new(ErrorKind::Timeout, message)
}
