use std::num::NonZeroUsize;
use std::sync::Arc;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::PortError;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Rankings, Retriever};
use async_trait::async_trait;

use crate::guard::Guard;
use crate::hedge::Hedge;
use crate::span::{HALF, Span};

/// A retriever that is guarded.
pub struct GuardedRetriever {
    retriever: Arc<dyn Retriever>,
    guard: Guard,
}

impl GuardedRetriever {
    /// This retriever, with this guard of its upstream.
    pub fn new(retriever: Arc<dyn Retriever>, guard: Guard) -> Self {
        Self { retriever, guard }
    }
}

#[async_trait]
impl Retriever for GuardedRetriever {
    /// Fails while the upstream is left alone, also where the shape is known: a question is not
    /// worth embedding then.
    async fn shape(&self) -> Result<VectorShape, PortError> {
        let permit = self.guard.admit()?;
        let Some(shape) = Span::of_what_is_left(HALF).bound(self.retriever.shape()).await else {
            return Err(permit.give_up());
        };
        permit.end_of_what_may_be_known(&shape);
        shape
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        self.guard.timed_call(self.retriever.retrieve(near, limit)).await
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        if ids.is_empty() {
            return self.retriever.passages(ids).await;
        }
        self.guard.call(self.retriever.passages(ids)).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.guard.check()?;
        self.retriever.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.guard.check()?;
        self.retriever.serves().await
    }
}

/// A retriever whose searches are made once more when that takes long.
pub struct HedgedRetriever {
    retriever: Arc<dyn Retriever>,
    hedge: Hedge,
}

impl HedgedRetriever {
    /// This retriever, which is guarded itself.
    pub fn new(retriever: Arc<dyn Retriever>, hedge: Hedge) -> Self {
        Self { retriever, hedge }
    }
}

#[async_trait]
impl Retriever for HedgedRetriever {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        self.retriever.shape().await
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        self.hedge.call(|| self.retriever.retrieve(near, limit)).await
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.retriever.passages(ids).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.retriever.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.retriever.serves().await
    }
}
