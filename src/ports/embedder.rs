use async_trait::async_trait;

use crate::embedding::{Embedding, Purpose, VectorShape};
use crate::error::PortError;

/// Turns text into vectors whose closeness means closeness of meaning.
#[async_trait]
pub trait Embedder: Send + Sync + 'static {
    /// Names the space of the vectors: model and whatever else makes two vectors incomparable.
    /// Vectors of different spaces MUST have different names; their shape need not be named.
    fn space(&self) -> &str;

    /// The shape to make a new index with. MUST be constant, and one that `embed` accepts.
    fn preferred_shape(&self) -> VectorShape;

    /// Makes one embedding of exactly this shape for each text, in the order given. Of a query
    /// a vector MAY be missing while what makes it is out of order, if another one is there.
    ///
    /// MUST return no embedding, without a call to any peer, for no texts; MUST give the same
    /// embedding for the same text and purpose; dense vectors MUST have unit length, or be all
    /// zero when the text holds nothing to embed; more texts than a peer takes at once MUST be
    /// split.
    ///
    /// # Errors
    /// MUST be `Misconfigured`, without a call, when it cannot make this shape; the message
    /// names the shape that is wanted and what can be made.
    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError>;

    /// Whether texts can be embedded now. MUST cost nothing.
    async fn ready(&self) -> Result<(), PortError>;

    /// Whether it serves at all, if less well than [`ready`](Self::ready) asks: without a part
    /// that it can do without. Costs no more than that.
    async fn serves(&self) -> Result<(), PortError> {
        self.ready().await
    }
}

const _: fn(&dyn Embedder) = |_| ();
