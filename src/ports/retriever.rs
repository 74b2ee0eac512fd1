use std::num::NonZeroUsize;

use async_trait::async_trait;

use crate::embedding::{Embedding, VectorShape};
use crate::error::PortError;
use crate::passage::Hit;

/// Finds the passages that are closest to a vector.
#[async_trait]
pub trait Retriever: Send + Sync + 'static {
    /// The shape of embedding that the index is searched with. Cheap: MUST be remembered once
    /// it is known, and asked for anew after it could not be found out.
    ///
    /// # Errors
    /// MUST be `Misconfigured` when there is no index yet; the message says how to make one.
    async fn shape(&self) -> Result<VectorShape, PortError>;

    /// At most `limit` passages, best first; ties in the order of their ids.
    ///
    /// MUST leave out passages that have nothing in common with a sparse embedding; each hit
    /// MUST have the score of every vector by which it was found. Two rankings are fused by
    /// [`reciprocal_rank`](crate::fusion::reciprocal_rank). An embedding without any term finds
    /// nothing by terms.
    ///
    /// # Errors
    /// MUST be `Misconfigured` when the embedding does not have the index's shape; the message
    /// names both.
    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Vec<Hit>, PortError>;

    /// Whether passages can be retrieved now. Cheap: for readiness probes.
    async fn ready(&self) -> Result<(), PortError>;
}

const _: fn(&dyn Retriever) = |_| ();
