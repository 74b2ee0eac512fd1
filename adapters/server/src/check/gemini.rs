//! Gemini's embedder itself, which can do more than the port asks of it.

use askbook::error::PortError;
use askbook_gemini::{Client, EmbedderConfig, GeminiEmbedder, QueryTask};
use secrecy::SecretString;

use crate::config::{Config, EmbedderChoice};

/// The key of the embedder, if that calls Gemini.
pub(super) fn key(embedder: &EmbedderChoice) -> Option<&SecretString> {
    match embedder {
        EmbedderChoice::Gemini(key) => Some(key),
        #[cfg(feature = "edge")]
        EmbedderChoice::Hybrid(key) => Some(key),
        #[cfg(feature = "edge")]
        EmbedderChoice::Bm25 => None,
        EmbedderChoice::Memory => None,
    }
}

/// The embedder of the settings, over this client.
pub(super) fn embedder(config: &Config, client: Client) -> Result<GeminiEmbedder, PortError> {
    GeminiEmbedder::new(
        client,
        EmbedderConfig {
            model: config.settings.embedding_model.clone(),
            dimension: config.settings.embedding_dimensions,
            query_task: QueryTask::default(),
        },
    )
}
