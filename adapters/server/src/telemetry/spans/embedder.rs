use std::sync::Arc;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::PortError;
use askbook::ports::Embedder;
use async_trait::async_trait;

use super::call::Outline;

/// An embedder over a model of Gemini's, with a span for each of its calls.
pub(crate) struct SpannedEmbedder {
    embedder: Arc<dyn Embedder>,
    outline: Outline,
}

impl SpannedEmbedder {
    /// This embedder, over this model at this URL.
    pub(crate) fn new(embedder: impl Embedder, model: &str, url: &str) -> Self {
        let outline = Outline::of_gemini("embeddings", model, url);
        Self { embedder: Arc::new(embedder), outline }
    }
}

#[async_trait]
impl Embedder for SpannedEmbedder {
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
        let mut call = self.outline.begin();
        if let Some(length) = shape.dense.and_then(|length| i64::try_from(length.get()).ok()) {
            call.note("gen_ai.embeddings.dimension.count", length);
        }
        let embedded = call.work(self.embedder.embed(texts, purpose, shape)).await;
        call.end(&embedded);
        embedded
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.embedder.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.embedder.serves().await
    }
}
