//! Gemini's embedder itself, which can do more than the port asks of it.

use askbook::error::PortError;
use askbook_gemini::{Client, EmbedderConfig, GeminiEmbedder, QueryTask};

use crate::config::Config;

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
