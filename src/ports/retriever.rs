use std::num::NonZeroUsize;

use async_trait::async_trait;

use crate::embedding::{Embedding, VectorShape};
use crate::error::{ErrorKind, PortError};
use crate::passage::{Passage, PassageId};

/// A passage in a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// What was found.
    pub passage: Passage,
    /// How well it fits; comparable within one ranking only. Cosine for dense vectors (at most
    /// 1), BM25 for sparse ones (above 0, without an upper bound).
    pub score: f32,
}

/// What an index found: one ranking for each vector that it was searched with, best first, ties
/// in the order of their ids; `None` for one that it was not searched with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rankings {
    /// By closeness of the dense vectors.
    pub dense: Option<Vec<Ranked>>,
    /// By shared terms: what shares none is not in it.
    pub lexical: Option<Vec<Ranked>>,
}

/// Finds the passages that are closest to a vector.
#[async_trait]
pub trait Retriever: Send + Sync + 'static {
    /// The shape of embedding that the index is searched with. Cheap: MUST be remembered once
    /// it is known, and asked for anew after it could not be found out.
    ///
    /// # Errors
    /// MUST be `Misconfigured` when there is no index yet; the message says how to make one.
    async fn shape(&self) -> Result<VectorShape, PortError>;

    /// At most `limit` passages by each vector that is given.
    ///
    /// MUST search with a part of the index's shape as well; a dense vector of zeros and a
    /// sparse one without terms give an empty ranking.
    ///
    /// # Errors
    /// MUST be `Misconfigured` when the embedding has no vector, or one that the index has not;
    /// the message names both shapes.
    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError>;

    /// The passages of these ids, in their order; MUST leave out those that there are not.
    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError>;

    /// Whether passages can be retrieved now. Cheap: for readiness probes.
    async fn ready(&self) -> Result<(), PortError>;

    /// Whether it serves at all, if less well than [`ready`](Self::ready) asks: without a part
    /// that it can do without. Costs no more than that.
    async fn serves(&self) -> Result<(), PortError> {
        self.ready().await
    }
}

const _: fn(&dyn Retriever) = |_| ();

/// Checks what [`Retriever::retrieve`] must refuse. `index` is what is searched, for people.
///
/// # Errors
/// `Misconfigured`, naming both shapes.
pub fn check_query(index: &str, shape: VectorShape, near: &Embedding) -> Result<(), PortError> {
    let given = near.shape();
    let fits = given.dense.is_none_or(|_| given.dense == shape.dense)
        && (shape.sparse || !given.sparse)
        && (given.dense.is_some() || given.sparse);
    if fits {
        return Ok(());
    }
    let message = format!(
        "{index} has {shape}, but the question was given {given}: set ASKBOOK_EMBEDDER, \
         EMBEDDING_MODEL and EMBEDDING_DIMENSIONS to what it was made with, or make it anew with \
         `askbook index`"
    );
    Err(PortError::new(ErrorKind::Misconfigured, message))
}
