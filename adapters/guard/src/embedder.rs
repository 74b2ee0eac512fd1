use std::sync::Arc;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::PortError;
use askbook::ports::Embedder;
use async_trait::async_trait;
use futures_util::FutureExt;

use crate::guard::Guard;
use crate::hedge::Hedge;

/// An embedder whose queries are guarded. Passages are not: whoever embeds them can wait, and
/// their number says nothing about how long it should take.
pub struct GuardedEmbedder {
    embedder: Arc<dyn Embedder>,
    guard: Guard,
    hedge: Option<Hedge>,
}

impl GuardedEmbedder {
    /// This embedder, with this guard of its upstream.
    pub fn new(embedder: Arc<dyn Embedder>, guard: Guard) -> Self {
        Self { embedder, guard, hedge: None }
    }

    /// The same, with queries made once more that take long.
    #[must_use]
    pub fn hedged(self) -> Self {
        Self { hedge: Some(Hedge::new(self.guard.clone())), ..self }
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
        let embed = || self.embedder.embed(texts, purpose, shape);
        if texts.is_empty() || purpose == Purpose::Passage {
            return embed().await;
        }
        let call = || self.guard.timed_call(embed());
        match &self.hedge {
            Some(hedge) => hedge.call(|| call().boxed()).await,
            None => call().await,
        }
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
