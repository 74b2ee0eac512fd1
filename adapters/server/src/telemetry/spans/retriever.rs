use std::num::NonZeroUsize;
use std::sync::Arc;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::PortError;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Rankings, Retriever};
use async_trait::async_trait;
use opentelemetry::KeyValue;

use super::call::Outline;

/// A retriever over Qdrant, with a span for each of its calls that read passages.
pub(crate) struct SpannedRetriever {
    retriever: Arc<dyn Retriever>,
    query: Outline,
    get: Outline,
}

impl SpannedRetriever {
    /// This retriever, over this collection at this URL.
    pub(crate) fn remote(retriever: impl Retriever, collection: &str, url: &str) -> Self {
        let outline = |operation: &'static str| {
            let mut attributes = attributes(operation);
            attributes.push(KeyValue::new("db.collection.name", collection.to_owned()));
            Outline::remote(format!("{operation} {collection}"), url, attributes)
        };
        let (query, get) = (outline("query"), outline("get"));
        Self { retriever: Arc::new(retriever), query, get }
    }

    /// This retriever, over Qdrant's engine in this process.
    pub(crate) fn embedded(retriever: impl Retriever) -> Self {
        let outline = |operation| Outline::local(String::from(operation), attributes(operation));
        let (query, get) = (outline("query"), outline("get"));
        Self { retriever: Arc::new(retriever), query, get }
    }
}

fn attributes(operation: &'static str) -> Vec<KeyValue> {
    vec![KeyValue::new("db.system.name", "qdrant"), KeyValue::new("db.operation.name", operation)]
}

#[async_trait]
impl Retriever for SpannedRetriever {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        self.retriever.shape().await
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let call = self.query.begin();
        let found = call.work(self.retriever.retrieve(near, limit)).await;
        call.end(&found);
        found
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        let call = self.get.begin();
        let found = call.work(self.retriever.passages(ids)).await;
        call.end(&found);
        found
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.retriever.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.retriever.serves().await
    }
}
