use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use askbook::embedding::{Embedding, Purpose, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::Embedder;
use askbook::text::terms;
use async_trait::async_trait;

/// Embeds by the hashing trick (Weinberger et al., ICML 2009): every term is added to one
/// component, with a sign, both from its hash. Texts that share terms are close.
#[derive(Clone, Debug)]
pub struct MemoryEmbedder {
    preferred: VectorShape,
}

impl MemoryEmbedder {
    /// An embedder that makes any shape and prefers this one.
    pub fn new(preferred: VectorShape) -> Self {
        Self { preferred }
    }
}

#[async_trait]
impl Embedder for MemoryEmbedder {
    fn space(&self) -> &'static str {
        "memory: hashed terms"
    }

    fn preferred_shape(&self) -> VectorShape {
        self.preferred
    }

    async fn embed(
        &self,
        texts: &[String],
        _: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        if shape.dense.is_none() && !shape.sparse {
            return Err(PortError::new(
                ErrorKind::Misconfigured,
                format!("an embedding of {shape} is wanted; dense and sparse ones can be made"),
            ));
        }
        Ok(texts.iter().map(|text| embedding(text, shape)).collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn embedding(text: &str, shape: VectorShape) -> Embedding {
    let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
    for term in terms(text) {
        *counts.entry(hash(&term)).or_default() += 1.0;
    }
    Embedding {
        dense: shape.dense.map(|dimension| dense(&counts, dimension)),
        sparse: shape.sparse.then(|| SparseVector {
            indices: counts.keys().copied().collect(),
            values: counts.values().copied().collect(),
        }),
    }
}

fn dense(counts: &BTreeMap<u32, f32>, dimension: NonZeroUsize) -> Vec<f32> {
    let mut dense = vec![0.0; dimension.get()];
    for (&hash, &count) in counts {
        let sign = if hash >> 31 == 0 { 1.0 } else { -1.0 };
        dense[hash as usize % dimension] += sign * count;
    }
    let length = dense.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        for component in &mut dense {
            *component /= length;
        }
    }
    dense
}

/// The 32-bit FNV-1a hash (RFC 9923): the same on every machine and in every version, as the
/// standard library's is not.
fn hash(term: &str) -> u32 {
    term.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
