use std::num::NonZeroUsize;
use std::sync::Arc;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::PortError;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Rankings, Retriever};
use async_trait::async_trait;

use crate::guard::Guard;

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
        let shape = self.retriever.shape().await;
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
