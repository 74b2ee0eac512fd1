use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};

use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::fusion::reciprocal_rank;
use askbook::passage::{Hit, Scores};
use askbook::ports::{Entry, Index, Retriever, check_entries};
use async_trait::async_trait;

/// An index in memory, searched by comparing with every entry.
#[derive(Debug, Default)]
pub struct MemoryStore {
    index: RwLock<Option<Arc<Stored>>>,
}

#[derive(Debug)]
struct Stored {
    fingerprint: String,
    shape: VectorShape,
    entries: Vec<Entry>,
    /// How many entries have a component.
    frequencies: HashMap<u32, usize>,
}

impl MemoryStore {
    /// A store without an index.
    pub fn new() -> Self {
        Self::default()
    }

    fn stored(&self) -> Option<Arc<Stored>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn index(&self) -> Result<Arc<Stored>, PortError> {
        self.stored().ok_or_else(|| {
            PortError::new(ErrorKind::Misconfigured, "nothing is indexed: set ASKBOOK_BOOK")
        })
    }
}

#[async_trait]
impl Retriever for MemoryStore {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(self.index()?.shape)
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Vec<Hit>, PortError> {
        let index = self.index()?;
        if near.shape() != index.shape {
            let message = format!("searched with {}, indexed with {}", near.shape(), index.shape);
            return Err(PortError::new(ErrorKind::Misconfigured, message));
        }
        let dense = near.dense.as_ref().map(|near| index.by_dense(near));
        let lexical = near.sparse.as_ref().map(|near| index.by_terms(near));
        let mut hits = reciprocal_rank(dense.into_iter().chain(lexical));
        hits.truncate(limit.get());
        Ok(hits)
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.index().map(drop)
    }
}

#[async_trait]
impl Index for MemoryStore {
    async fn fingerprint(&self) -> Result<Option<String>, PortError> {
        Ok(self.stored().map(|index| index.fingerprint.clone()))
    }

    async fn replace(
        &self,
        fingerprint: &str,
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> Result<(), PortError> {
        check_entries(shape, &entries)?;
        let mut frequencies = HashMap::new();
        for sparse in entries.iter().filter_map(|entry| entry.embedding.sparse.as_ref()) {
            for &component in &sparse.indices {
                *frequencies.entry(component).or_default() += 1;
            }
        }
        let fingerprint = fingerprint.to_owned();
        let index = Arc::new(Stored { fingerprint, shape, entries, frequencies });
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(index);
        Ok(())
    }
}

impl Stored {
    /// Every entry by the cosine of its dense vector.
    fn by_dense(&self, near: &[f32]) -> Vec<Hit> {
        let score = |entry: &Entry| {
            let dense = entry.embedding.dense.as_ref()?;
            Some(Scores { dense: Some(cosine(near, dense)), lexical: None })
        };
        self.ranked(score, |scores| scores.dense)
    }

    /// The entries that share a term, by the product of their sparse vectors with the inverse
    /// document frequency (as Qdrant's `Modifier::Idf`).
    fn by_terms(&self, near: &SparseVector) -> Vec<Hit> {
        let weights: HashMap<u32, f32> = near
            .indices
            .iter()
            .zip(&near.values)
            .map(|(&component, value)| (component, value * self.idf(component)))
            .collect();
        let score = |entry: &Entry| {
            let sparse = entry.embedding.sparse.as_ref()?;
            let score: f32 = sparse
                .indices
                .iter()
                .zip(&sparse.values)
                .filter_map(|(component, value)| Some(value * weights.get(component)?))
                .sum();
            (score > 0.0).then_some(Scores { dense: None, lexical: Some(score) })
        };
        self.ranked(score, |scores| scores.lexical)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of passages are small")]
    fn idf(&self, component: u32) -> f32 {
        let all = self.entries.len() as f32;
        let with = self.frequencies.get(&component).copied().unwrap_or_default() as f32;
        ((all - with + 0.5) / (with + 0.5) + 1.0).ln()
    }

    fn ranked(
        &self,
        score: impl Fn(&Entry) -> Option<Scores>,
        by: impl Fn(&Scores) -> Option<f32>,
    ) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self
            .entries
            .iter()
            .filter_map(|entry| Some(Hit { scores: score(entry)?, passage: entry.passage.clone() }))
            .collect();
        let key = |hit: &Hit| by(&hit.scores).unwrap_or(f32::NEG_INFINITY);
        hits.sort_by(|a, b| {
            key(b).total_cmp(&key(a)).then_with(|| a.passage.id.cmp(&b.passage.id))
        });
        hits
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (product(a, a) * product(b, b)).sqrt();
    if lengths > 0.0 { product(a, b) / lengths } else { 0.0 }
}
