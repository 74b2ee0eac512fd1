use std::num::NonZeroU32;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Generated, Generation, Generator, Usage};
use askbook::prompt::Prompt;
use askbook::session::Role;
use async_stream::try_stream;
use async_trait::async_trait;
use reqwest::Response;

use crate::client::{Client, Model, broken, unreadable};
use crate::failure::{Failure, printable};
use crate::sse::Events;
use crate::wire::{
    Content, ErrorResponse, GenerateRequest, GenerateResponse, GenerationConfig, ThinkingConfig,
    UsageMetadata,
};

/// How answers are written.
#[derive(Clone, Debug)]
pub struct GeneratorConfig {
    /// The model's id, such as `gemini-3.5-flash-lite` (setting `GEMINI_MODEL`).
    pub model: String,
    /// The longest answer, thoughts included, in tokens; an answer that it cuts is an error.
    /// Below 2048 thoughts may leave no room for it.
    pub max_output_tokens: NonZeroU32,
    /// How much the model thinks first: `MINIMAL`, `LOW`, `MEDIUM`, … Not every model takes every
    /// level, and models before 3.5 take none; without one the model decides.
    pub thinking_level: Option<String>,
}

/// Writes answers with a Gemini model.
#[derive(Clone, Debug)]
pub struct GeminiGenerator {
    client: Client,
    model: Model,
    max_output_tokens: NonZeroU32,
    thinking_level: Option<String>,
}

impl GeminiGenerator {
    /// A generator over this client.
    pub fn new(client: Client, config: GeneratorConfig) -> Self {
        Self {
            client,
            model: Model::new(config.model, "GEMINI_MODEL"),
            max_output_tokens: config.max_output_tokens,
            thinking_level: config.thinking_level.filter(|level| !level.trim().is_empty()),
        }
    }

    fn request(&self, prompt: &Prompt) -> GenerateRequest {
        let rendered = prompt.render();
        let turns = rendered.turns.into_iter().filter(|turn| !turn.text.trim().is_empty());
        let content = turns.map(|turn| {
            let role = match turn.role {
                Role::Reader => "user",
                Role::Book => "model",
            };
            Content::text(Some(role), turn.text)
        });
        let thinking_config =
            self.thinking_level.clone().map(|thinking_level| ThinkingConfig { thinking_level });
        GenerateRequest {
            system_instruction: Content::text(None, rendered.system),
            contents: content.collect(),
            generation_config: GenerationConfig {
                max_output_tokens: self.max_output_tokens.get(),
                thinking_config,
            },
        }
    }

    async fn begin(&self, request: &GenerateRequest) -> Result<Response, PortError> {
        self.client.stream(&self.model, "streamGenerateContent", request).await
    }
}

#[async_trait]
impl Generator for GeminiGenerator {
    fn model(&self) -> &str {
        &self.model.id
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let request = self.request(&prompt);
        let mut response = self.begin(&request).await?;
        let generator = self.clone();
        Ok(Box::pin(try_stream! {
            let mut reply = Reply::new(&generator);
            loop {
                let mut events = Events::default();
                loop {
                    let piece = next_piece(&mut response).await?;
                    let ended = piece.is_none();
                    let complete = match piece {
                        Some(piece) => events.feed(piece.as_ref())?,
                        None => Vec::from_iter(events.end()),
                    };
                    for event in complete {
                        let text = reply.read(&event)?;
                        if !text.is_empty() {
                            yield Generated::Text(text);
                        }
                    }
                    if ended {
                        break;
                    }
                }
                if let Some(end) = reply.finish(events.stray())? {
                    yield end;
                    break;
                }
                tracing::warn!(model = generator.model.id, "gemini wrote nothing and is asked again");
                response = generator.begin(&request).await?;
            }
        }))
    }

    /// Looks the model up, which is free.
    async fn ready(&self) -> Result<(), PortError> {
        self.client.look_up(&self.model).await
    }
}

async fn next_piece(response: &mut Response) -> Result<Option<impl AsRef<[u8]>>, PortError> {
    response.chunk().await.map_err(|error| broken(error, "gemini's answer broke off"))
}

/// What has been read of an answer.
struct Reply<'a> {
    generator: &'a GeminiGenerator,
    /// Whether anything that can be seen was written.
    written: bool,
    /// Why the writing ended: the first reason other than `STOP`, which may come with any event.
    finish: Option<String>,
    version: String,
    usage: UsageMetadata,
    /// Of a try that wrote nothing.
    wasted: Option<Usage>,
}

impl<'a> Reply<'a> {
    fn new(generator: &'a GeminiGenerator) -> Self {
        Self {
            generator,
            written: false,
            finish: None,
            version: String::new(),
            usage: UsageMetadata::default(),
            wasted: None,
        }
    }

    /// The text of an event.
    fn read(&mut self, event: &[u8]) -> Result<String, PortError> {
        let event: GenerateResponse =
            serde_json::from_slice(event).map_err(|error| unreadable(&error))?;
        if let Some(status) = event.error {
            return Err(Failure::from_status(&status, None, &self.generator.model).error);
        }
        if let Some(reason) = event.prompt_feedback.block_reason {
            let reason = printable(&reason);
            let message = format!("gemini declined the prompt ({reason})");
            return Err(PortError::new(ErrorKind::Blocked, message));
        }
        self.usage = event.usage_metadata.unwrap_or(self.usage);
        if !event.model_version.is_empty() {
            self.version = event.model_version;
        }
        let Some(candidate) = event.candidates.into_iter().next() else {
            return Ok(String::new());
        };
        if self.finish.as_deref().is_none_or(|reason| reason == "STOP") {
            self.finish = candidate.finish_reason.or(self.finish.take());
        }
        let parts = candidate.content.parts.into_iter().filter(|part| !part.thought);
        let text: String = parts.map(|part| part.text).collect();
        self.written |= !text.trim().is_empty();
        Ok(text)
    }

    /// The end of the answer; `None` when nothing was written for no reason, which happens at
    /// random, so that it is worth one more try.
    fn finish(&mut self, stray: &[u8]) -> Result<Option<Generated>, PortError> {
        if let Ok(response) = serde_json::from_slice::<ErrorResponse>(stray) {
            let failure = Failure::from_status(&response.status(), None, &self.generator.model);
            return Err(failure.error);
        }
        let malformed = |message| PortError::new(ErrorKind::Malformed, message);
        let reason = self.finish.take();
        match reason.as_deref() {
            Some("STOP") => {}
            Some("MAX_TOKENS" | "CONTINUATION") => return Err(malformed(self.cut_short())),
            Some(reason) => return Err(stopped(reason)),
            None => return Err(malformed("gemini's answer broke off".to_owned())),
        }
        let usage = self.spent();
        if self.written {
            let configured = &self.generator.model.id;
            let model = if self.version.is_empty() { configured } else { &self.version };
            return Ok(Some(Generated::End { model: model.clone(), usage }));
        }
        if self.wasted.is_some() {
            return Err(malformed("gemini wrote nothing, twice".to_owned()));
        }
        self.wasted = Some(usage);
        self.usage = UsageMetadata::default();
        Ok(None)
    }

    fn cut_short(&self) -> String {
        let limit = self.generator.max_output_tokens;
        let thoughts = self.usage.thoughts;
        let what = if self.written { "cut gemini's answer" } else { "left gemini no answer" };
        format!(
            "ASKBOOK_GEMINI_MAX_OUTPUT_TOKENS, {limit}, {what} ({thoughts} tokens were thoughts): \
             raise it, or lower ASKBOOK_GEMINI_THINKING_LEVEL"
        )
    }

    /// What all tries have cost.
    fn spent(&self) -> Usage {
        let wasted = self.wasted.unwrap_or_default();
        let written = self.usage.candidates.saturating_add(self.usage.thoughts);
        Usage {
            input_tokens: wasted.input_tokens.saturating_add(self.usage.prompt),
            output_tokens: wasted.output_tokens.saturating_add(written),
        }
    }
}

/// What a reason to finish other than `STOP` and a limit means. Those that are new are taken for
/// faults.
fn stopped(reason: &str) -> PortError {
    let of_content = matches!(
        reason,
        "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "ESCALATION"
            | "MODEL_ARMOR"
    );
    let reason = printable(reason);
    if of_content {
        let message = format!("gemini stopped its answer for its content ({reason})");
        return PortError::new(ErrorKind::Blocked, message);
    }
    PortError::new(ErrorKind::Malformed, format!("gemini did not finish its answer ({reason})"))
}
