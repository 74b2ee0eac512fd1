//! Hybrid search out of parts that each know one kind of vector: decorators over the ports.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future;

use crate::embedding::{Embedding, Purpose, VectorShape};
use crate::error::{ErrorKind, PortError};
use crate::passage::{Passage, PassageId};
use crate::ports::{Embedder, Rankings, Retriever};

/// Makes dense vectors by one embedder and sparse ones by another.
///
/// While the first is out of order, queries get their sparse vector alone, so that search goes
/// on by terms.
pub struct HybridEmbedder {
    dense: Arc<dyn Embedder>,
    sparse: Arc<dyn Embedder>,
    space: String,
}

impl HybridEmbedder {
    /// An embedder of both kinds from one of each.
    pub fn new(dense: Arc<dyn Embedder>, sparse: Arc<dyn Embedder>) -> Self {
        let space = format!("{} + {}", dense.space(), sparse.space());
        Self { dense, sparse, space }
    }
}

#[async_trait]
impl Embedder for HybridEmbedder {
    fn space(&self) -> &str {
        &self.space
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape { sparse: true, ..self.dense.preferred_shape() }
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        let Some(dimension) = shape.dense else {
            return self.sparse.embed(texts, purpose, shape).await;
        };
        let dense = self.dense.embed(texts, purpose, VectorShape::dense(dimension));
        if !shape.sparse {
            return dense.await;
        }
        let sparse = self.sparse.embed(texts, purpose, VectorShape::sparse());
        let (dense, sparse) = future::join(dense, sparse).await;
        let sparse = sparse?;
        match dense {
            Ok(dense) => {
                let pairs = dense.into_iter().zip(sparse);
                Ok(pairs
                    .map(|(dense, sparse)| Embedding { dense: dense.dense, ..sparse })
                    .collect())
            }
            Err(error) if purpose == Purpose::Query && is_outage(&error) => {
                tracing::warn!(%error, "the question is not embedded: searching by terms alone");
                Ok(sparse)
            }
            Err(error) => Err(error),
        }
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.dense.ready().await?;
        self.sparse.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        match self.dense.ready().await {
            Err(error) if !is_outage(&error) => Err(error),
            _ => self.sparse.ready().await,
        }
    }
}

/// A retriever whose index has dense vectors alone, beside a copy of its passages that is
/// searched by terms: so a collection that somebody else made becomes hybrid as it is, and search
/// goes on while it cannot be reached.
///
/// A primary index that has sparse vectors itself is searched as if there were no mirror.
pub struct MirroredRetriever {
    primary: Arc<dyn Retriever>,
    mirror: Arc<dyn Retriever>,
}

impl MirroredRetriever {
    /// The primary index and its copy, which need not be there yet.
    pub fn new(primary: Arc<dyn Retriever>, mirror: Arc<dyn Retriever>) -> Self {
        Self { primary, mirror }
    }
}

#[async_trait]
impl Retriever for MirroredRetriever {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        match self.primary.shape().await {
            Ok(shape) if shape.sparse => Ok(shape),
            Ok(shape) => Ok(VectorShape { sparse: self.mirror.shape().await.is_ok(), ..shape }),
            Err(error) if is_outage(&error) => self.mirror.shape().await.map_err(|_| error),
            Err(error) => Err(error),
        }
    }

    async fn retrieve(
        &self,
        near: &Embedding,
        limit: std::num::NonZeroUsize,
    ) -> Result<Rankings, PortError> {
        let primary_shape = self.primary.shape().await;
        if near.sparse.is_none() || primary_shape.as_ref().is_ok_and(|shape| shape.sparse) {
            return self.primary.retrieve(near, limit).await;
        }
        let terms = Embedding { dense: None, sparse: near.sparse.clone() };
        if near.dense.is_none() {
            return self.mirror.retrieve(&terms, limit).await;
        }
        let meaning = Embedding { dense: near.dense.clone(), sparse: None };
        let (dense, lexical) = future::join(
            self.primary.retrieve(&meaning, limit),
            self.mirror.retrieve(&terms, limit),
        )
        .await;
        let lexical = lexical?.lexical;
        match dense {
            Ok(found) => Ok(Rankings { dense: found.dense, lexical }),
            Err(error) if is_outage(&error) => {
                tracing::warn!(%error, "the index is not reached: searching its copy by terms");
                Ok(Rankings { dense: None, lexical })
            }
            Err(error) => Err(error),
        }
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        match self.mirror.passages(ids).await {
            Ok(passages) => Ok(passages),
            Err(_) => self.primary.passages(ids).await,
        }
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.primary.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        match self.primary.ready().await {
            Err(error) if is_outage(&error) => self.mirror.ready().await.map_err(|_| error),
            ready => ready,
        }
    }
}

/// Whether it may pass by itself, or is at least no fault of how askbook is set up.
fn is_outage(error: &PortError) -> bool {
    match error.kind() {
        ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::RateLimited
        | ErrorKind::Exhausted
        | ErrorKind::Unauthorized
        | ErrorKind::Malformed => true,
        ErrorKind::Misconfigured | ErrorKind::Rejected | ErrorKind::Blocked => false,
    }
}

#[cfg(test)]
mod tests;
