use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};

use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::manifest::{Digest, Manifest};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{
    Corpus, Draft, Entry, Index, Page, Ranked, Rankings, Retriever, check_complete, check_query,
    check_shape,
};
use async_trait::async_trait;

/// An index in memory, searched by comparing with every entry.
#[derive(Debug, Default)]
pub struct MemoryStore {
    index: InService,
}

type InService = Arc<RwLock<Option<Arc<Stored>>>>;

#[derive(Debug)]
struct Stored {
    manifest: Manifest,
    entries: BTreeMap<PassageId, Entry>,
    /// How many entries have a component.
    frequencies: HashMap<u32, usize>,
}

/// An index in the making.
struct MemoryDraft {
    manifest: Manifest,
    entries: BTreeMap<PassageId, Entry>,
    held: HashMap<PassageId, Digest>,
    index: InService,
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
        Ok(self.index()?.manifest.recipe.shape)
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let index = self.index()?;
        check_query("the index in memory", index.manifest.recipe.shape, near)?;
        Ok(Rankings {
            dense: near.dense.as_ref().map(|near| index.by_dense(near, limit)),
            lexical: near.sparse.as_ref().map(|near| index.by_terms(near, limit)),
        })
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        let index = self.index()?;
        let passage = |id| Some(index.entries.get(id)?.passage.clone());
        Ok(ids.iter().filter_map(passage).collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.index().map(drop)
    }
}

#[async_trait]
impl Index for MemoryStore {
    async fn manifest(&self) -> Result<Option<Manifest>, PortError> {
        Ok(self.stored().map(|index| index.manifest.clone()))
    }

    async fn begin(&self, manifest: &Manifest) -> Result<Box<dyn Draft>, PortError> {
        let of_recipe = self.stored().filter(|index| index.manifest.recipe == manifest.recipe);
        let entries = of_recipe.map(|index| index.entries.clone()).unwrap_or_default();
        let digest = |(id, entry): (&PassageId, &Entry)| (id.clone(), entry.passage.digest());
        let held = entries.iter().map(digest).collect();
        let (manifest, index) = (manifest.clone(), Arc::clone(&self.index));
        Ok(Box::new(MemoryDraft { manifest, entries, held, index }))
    }
}

#[async_trait]
impl Draft for MemoryDraft {
    fn held(&self) -> &HashMap<PassageId, Digest> {
        &self.held
    }

    async fn put(&mut self, entries: Vec<Entry>) -> Result<(), PortError> {
        check_shape(self.manifest.recipe.shape, &entries)?;
        for entry in entries {
            self.held.insert(entry.passage.id.clone(), entry.passage.digest());
            self.entries.insert(entry.passage.id.clone(), entry);
        }
        Ok(())
    }

    async fn remove(&mut self, ids: Vec<PassageId>) -> Result<(), PortError> {
        for id in ids {
            self.held.remove(&id);
            self.entries.remove(&id);
        }
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<(), PortError> {
        let Self { manifest, entries, index, .. } = *self;
        check_complete(&manifest, entries.len())?;
        let mut frequencies = HashMap::new();
        for sparse in entries.values().filter_map(|entry| entry.embedding.sparse.as_ref()) {
            for &component in &sparse.indices {
                *frequencies.entry(component).or_default() += 1;
            }
        }
        let stored = Arc::new(Stored { manifest, entries, frequencies });
        *index.write().unwrap_or_else(PoisonError::into_inner) = Some(stored);
        Ok(())
    }
}

#[async_trait]
impl Corpus for MemoryStore {
    async fn page(
        &self,
        after: Option<&str>,
        limit: NonZeroUsize,
        vectors: bool,
    ) -> Result<Page, PortError> {
        let index = self.index()?;
        let rest = index
            .entries
            .values()
            .filter(|entry| after.is_none_or(|after| entry.passage.id.0.as_str() > after));
        let mut entries: Vec<Entry> = rest.take(limit.get().saturating_add(1)).cloned().collect();
        let more = entries.len() > limit.get();
        entries.truncate(limit.get());
        if !vectors {
            for entry in &mut entries {
                entry.embedding = Embedding::default();
            }
        }
        let next = entries.last().filter(|_| more).map(|entry| entry.passage.id.0.clone());
        Ok(Page { entries, next })
    }
}

impl Stored {
    /// The best entries by the cosine of their dense vectors.
    fn by_dense(&self, near: &[f32], limit: NonZeroUsize) -> Vec<Ranked> {
        if near.iter().all(|&component| component == 0.0) {
            return Vec::new();
        }
        self.ranked(limit, |entry| Some(cosine(near, entry.embedding.dense.as_ref()?)))
    }

    /// The best of the entries that share a term, by the product of their sparse vectors with the
    /// inverse document frequency (as Qdrant's `Modifier::Idf`).
    fn by_terms(&self, near: &SparseVector, limit: NonZeroUsize) -> Vec<Ranked> {
        let weights: HashMap<u32, f32> = near
            .indices
            .iter()
            .zip(&near.values)
            .map(|(&component, value)| (component, value * self.idf(component)))
            .collect();
        self.ranked(limit, |entry| {
            let sparse = entry.embedding.sparse.as_ref()?;
            let score: f32 = sparse
                .indices
                .iter()
                .zip(&sparse.values)
                .filter_map(|(component, value)| Some(value * weights.get(component)?))
                .sum();
            (score > 0.0).then_some(score)
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of passages are small")]
    fn idf(&self, component: u32) -> f32 {
        let all = self.entries.len() as f32;
        let with = self.frequencies.get(&component).copied().unwrap_or_default() as f32;
        ((all - with + 0.5) / (with + 0.5) + 1.0).ln()
    }

    /// The entries that have a score, best first, ties by id.
    fn ranked(&self, limit: NonZeroUsize, score: impl Fn(&Entry) -> Option<f32>) -> Vec<Ranked> {
        let scored = |entry| Some((score(entry)?, entry));
        let mut scored: Vec<(f32, &Entry)> = self.entries.values().filter_map(scored).collect();
        // Stable, and the entries come in the order of their ids.
        scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        scored.truncate(limit.get());
        let ranked =
            |(score, entry): (f32, &Entry)| Ranked { passage: entry.passage.clone(), score };
        scored.into_iter().map(ranked).collect()
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (product(a, a) * product(b, b)).sqrt();
    if lengths > 0.0 { product(a, b) / lengths } else { 0.0 }
}
