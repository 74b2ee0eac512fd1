//! The JSON of Gemini's API, as far as it is used
//! (<https://ai.google.dev/api/generate-content>, <https://ai.google.dev/api/embeddings>).
//!
//! Google adds fields and enum values often: nothing is required of a response, and enums stay
//! text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(crate) struct BatchEmbedRequest<'a> {
    pub(crate) requests: Vec<EmbedRequest<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EmbedRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_type: Option<&'static str>,
    pub(crate) output_dimensionality: usize,
}

#[derive(Deserialize)]
pub(crate) struct BatchEmbedResponse {
    pub(crate) embeddings: Vec<EmbeddingValues>,
}

#[derive(Deserialize)]
pub(crate) struct EmbeddingValues {
    pub(crate) values: Vec<f32>,
}

/// A page of the list of models (<https://ai.google.dev/api/models>).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ModelsResponse {
    pub(crate) models: Vec<ModelEntry>,
    pub(crate) next_page_token: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ModelEntry {
    pub(crate) name: String,
    pub(crate) supported_generation_methods: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GenerateRequest {
    pub(crate) system_instruction: Content<'static>,
    pub(crate) contents: [Content<'static>; 1],
    pub(crate) generation_config: GenerationConfig,
}

/// No `temperature`, `topP` or `topK`: they are deprecated.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GenerationConfig {
    pub(crate) max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thinking_config: Option<ThinkingConfig>,
}

/// A level, never a budget: models take one or the other, and newer ones only the level.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThinkingConfig {
    pub(crate) thinking_level: String,
}

#[derive(Serialize)]
pub(crate) struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'static str>,
    pub(crate) parts: [Part<'a>; 1],
}

impl<'a> Content<'a> {
    /// One text. Gemini refuses an empty one.
    pub(crate) fn text(role: Option<&'static str>, text: impl Into<Cow<'a, str>>) -> Self {
        Self { role, parts: [Part { text: text.into() }] }
    }
}

#[derive(Serialize)]
pub(crate) struct Part<'a> {
    text: Cow<'a, str>,
}

/// One event of `streamGenerateContent`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GenerateResponse {
    pub(crate) error: Option<Status>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) prompt_feedback: PromptFeedback,
    pub(crate) usage_metadata: Option<UsageMetadata>,
    pub(crate) model_version: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Candidate {
    pub(crate) content: WrittenContent,
    pub(crate) finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct WrittenContent {
    pub(crate) parts: Vec<WrittenPart>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct WrittenPart {
    pub(crate) text: String,
    pub(crate) thought: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PromptFeedback {
    pub(crate) block_reason: Option<String>,
}

/// In tokens. Grows from event to event; the last one counts.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UsageMetadata {
    #[serde(rename = "promptTokenCount")]
    pub(crate) prompt: u64,
    #[serde(rename = "candidatesTokenCount")]
    pub(crate) candidates: u64,
    #[serde(rename = "thoughtsTokenCount")]
    pub(crate) thoughts: u64,
}

/// An error, alone or, from an endpoint that streams an array, in one.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum ErrorResponse {
    One { error: Status },
    Many([ErrorElement; 1]),
}

#[derive(Deserialize)]
pub(crate) struct ErrorElement {
    error: Status,
}

impl ErrorResponse {
    pub(crate) fn status(self) -> Status {
        match self {
            Self::One { error } | Self::Many([ErrorElement { error }]) => error,
        }
    }
}

/// `google.rpc.Status` (<https://google.aip.dev/193>).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    /// The HTTP status.
    pub(crate) code: u16,
    #[serde(rename = "status")]
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) details: Vec<Detail>,
}

/// The fields of `ErrorInfo`, `BadRequest`, `QuotaFailure` and `RetryInfo`; their names do not
/// collide, so `@type` need not be read.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Detail {
    pub(crate) reason: String,
    pub(crate) field_violations: Vec<FieldViolation>,
    pub(crate) violations: Vec<QuotaViolation>,
    pub(crate) retry_delay: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FieldViolation {
    pub(crate) field: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct QuotaViolation {
    pub(crate) quota_id: String,
    pub(crate) quota_value: String,
}
