use std::num::NonZeroUsize;
use std::sync::Arc;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::PortError;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Rankings, Retriever};
use async_trait::async_trait;
use futures_util::FutureExt;

use crate::guard::Guard;
use crate::hedge::Hedge;

/// A retriever that is guarded.
pub struct GuardedRetriever {
    retriever: Arc<dyn Retriever>,
    guard: Guard,
    hedge: Option<Hedge>,
}

impl GuardedRetriever {
    /// This retriever, with this guard of its upstream.
    pub fn new(retriever: Arc<dyn Retriever>, guard: Guard) -> Self {
        Self { retriever, guard, hedge: None }
    }

    /// The same, with searches made once more that take long.
    #[must_use]
    pub fn hedged(self) -> Self {
        Self { hedge: Some(Hedge::new(self.guard.clone())), ..self }
    }
}

#[async_trait]
impl Retriever for GuardedRetriever {
    /// Fails while the upstream is left alone, also where the shape is known: a question is not
    /// worth embedding then.
    async fn shape(&self) -> Result<VectorShape, PortError> {
        let (permit, shape) = self.guard.bounded(self.retriever.shape()).await?;
        permit.end_of_what_may_be_known(&shape);
        shape
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let call = || self.guard.timed_call(self.retriever.retrieve(near, limit));
        match &self.hedge {
            Some(hedge) => hedge.call(|| call().boxed()).await,
            None => call().await,
        }
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
