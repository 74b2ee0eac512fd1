//! While there is no index yet.

use std::num::NonZeroUsize;
use std::sync::Arc;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Rankings, Retriever};
use async_trait::async_trait;
use tokio::sync::watch;

/// A retriever whose index is being made: it says that it is not ready, and searches wait.
pub(crate) struct AwaitedRetriever {
    retriever: Arc<dyn Retriever>,
    made: watch::Receiver<bool>,
}

impl AwaitedRetriever {
    /// The sender says when the index is there.
    pub(crate) fn new(retriever: Arc<dyn Retriever>) -> (Self, watch::Sender<bool>) {
        let (sender, made) = watch::channel(false);
        (Self { retriever, made }, sender)
    }

    async fn made(&self) -> &dyn Retriever {
        // It fails when nobody makes it any more; then it is as it is.
        let _ = self.made.clone().wait_for(|made| *made).await;
        self.retriever.as_ref()
    }

    fn check_made(&self) -> Result<(), PortError> {
        let being_made = PortError::new(ErrorKind::Unavailable, "the book is being indexed");
        if *self.made.borrow() { Ok(()) } else { Err(being_made) }
    }
}

#[async_trait]
impl Retriever for AwaitedRetriever {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        self.made().await.shape().await
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        self.made().await.retrieve(near, limit).await
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.made().await.passages(ids).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.check_made()?;
        self.retriever.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.check_made()?;
        self.retriever.serves().await
    }
}
