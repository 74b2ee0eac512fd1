use std::sync::Arc;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::PortError;
use askbook::ports::Embedder;
use async_trait::async_trait;

use crate::guard::Guard;
use crate::hedge::Hedge;

/// An embedder whose queries are guarded. Passages are not: whoever embeds them can wait, and
/// their number says nothing about how long it should take.
pub struct GuardedEmbedder {
    embedder: Arc<dyn Embedder>,
    guard: Guard,
}

impl GuardedEmbedder {
    /// This embedder, with this guard of its upstream.
    pub fn new(embedder: Arc<dyn Embedder>, guard: Guard) -> Self {
        Self { embedder, guard }
    }
}

#[async_trait]
impl Embedder for GuardedEmbedder {
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
        let embedded = self.embedder.embed(texts, purpose, shape);
        if texts.is_empty() || purpose == Purpose::Passage {
            return embedded.await;
        }
        self.guard.timed_call(embedded).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.guard.check()?;
        self.embedder.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.guard.check()?;
        self.embedder.serves().await
    }
}

/// An embedder whose queries are made once more when that takes long.
pub struct HedgedEmbedder {
    embedder: Arc<dyn Embedder>,
    hedge: Hedge,
}

impl HedgedEmbedder {
    /// This embedder, which is guarded itself.
    pub fn new(embedder: Arc<dyn Embedder>, hedge: Hedge) -> Self {
        Self { embedder, hedge }
    }
}

#[async_trait]
impl Embedder for HedgedEmbedder {
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
        let embed = || self.embedder.embed(texts, purpose, shape);
        if texts.is_empty() || purpose == Purpose::Passage {
            return embed().await;
        }
        self.hedge.call(embed).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.embedder.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.embedder.serves().await
    }
}
