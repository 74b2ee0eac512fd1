use std::num::NonZeroU32;
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::follow_up::FollowUp;
use askbook::ports::{Generated, Generation, Generator};
use askbook::prompt::{Prompt, Rendered};
use async_stream::try_stream;
use async_trait::async_trait;
use futures_core::Stream;
use futures_util::StreamExt;
use reqwest::Response;
use tokio::time::{Instant, sleep_until};

use crate::client::{Client, Model, broken, left_of, unreadable, within};
use crate::outage::LatestCall;
use crate::reply::Reply;
use crate::sse::Events;
use crate::wire::{Content, GenerateRequest, GenerateResponse, GenerationConfig, ThinkingConfig};

/// The longest condensed question, thoughts included, in tokens. The question itself is some
/// fifty; models that are told to think little have been seen to think 500.
pub const CONDENSED_TOKENS: u32 = 2048;

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
    /// How long an answer may take, from the call to its end, with all tries. The client's own
    /// limits are of the call until it begins, and of each silence.
    pub answer_timeout: Duration,
    /// How long it may take to condense a follow-up, which is tried once.
    pub condense_timeout: Duration,
}

/// Writes answers with a Gemini model.
#[derive(Clone, Debug)]
pub struct GeminiGenerator {
    client: Client,
    /// The client as it condenses.
    hurried: Client,
    pub(crate) model: Model,
    pub(crate) max_output_tokens: NonZeroU32,
    thinking_level: Option<String>,
    answer_timeout: Duration,
    latest: LatestCall,
}

impl GeminiGenerator {
    /// A generator over this client.
    pub fn new(client: Client, config: GeneratorConfig) -> Self {
        Self {
            hurried: client.hurried(config.condense_timeout),
            client,
            model: Model::new(config.model, "GEMINI_MODEL"),
            max_output_tokens: config.max_output_tokens,
            thinking_level: config.thinking_level.filter(|level| !level.trim().is_empty()),
            answer_timeout: config.answer_timeout,
            latest: LatestCall::default(),
        }
    }

    fn request(&self, Rendered { system, user }: Rendered, tokens: u32) -> GenerateRequest {
        let thinking_config =
            self.thinking_level.clone().map(|thinking_level| ThinkingConfig { thinking_level });
        GenerateRequest {
            system_instruction: Content::text(None, system),
            contents: [Content::text(Some("user"), user)],
            generation_config: GenerationConfig { max_output_tokens: tokens, thinking_config },
        }
    }

    async fn begin(&self, request: &GenerateRequest) -> Result<Response, PortError> {
        self.client.stream(&self.model, "streamGenerateContent", request).await
    }

    /// What the response says, and what the next one does when it says nothing.
    fn read(
        self,
        request: GenerateRequest,
        mut response: Response,
    ) -> impl Stream<Item = Result<Generated, PortError>> + Send {
        try_stream! {
            let mut reply = Reply::new(&self);
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
                        let event = serde_json::from_slice(&event);
                        let text = reply.read(event.map_err(|error| unreadable(&error))?)?;
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
                if !self.client.can_afford_a_try() {
                    Err(PortError::new(ErrorKind::Malformed, "gemini wrote nothing"))?;
                }
                tracing::warn!(model = self.model.id, "gemini wrote nothing and is asked again");
                response = self.begin(&request).await?;
            }
        }
    }
}

#[async_trait]
impl Generator for GeminiGenerator {
    fn model(&self) -> &str {
        &self.model.id
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let budget = Budget::new(self.answer_timeout);
        let request = self.request(prompt.render(), self.max_output_tokens.get());
        let beginning = within(self.answer_timeout).scope(self.begin(&request));
        let begun = budget.bound(beginning).await.flatten();
        self.latest.note(&begun);
        let mut pieces = Box::pin(self.clone().read(request, begun?));
        let latest = self.latest.clone();
        Ok(Box::pin(try_stream! {
            let late = loop {
                match budget.bound(pieces.next()).await {
                    Ok(Some(piece)) => {
                        latest.note(&piece);
                        yield piece?;
                    }
                    Ok(None) => return,
                    Err(late) => break Err(late),
                }
            };
            latest.note(&late);
            // Not when somebody polls again: what nobody reads costs as much.
            drop(pieces);
            late?;
        }))
    }

    async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
        let request = self.request(follow_up.render(), CONDENSED_TOKENS);
        let response: GenerateResponse =
            self.hurried.call(&self.model, "generateContent", &request).await?;
        let mut reply = Reply::new(self);
        let text = reply.read(response)?;
        reply.check_stopped_by_itself()?;
        let question = text.trim();
        if question.is_empty() {
            return Err(PortError::new(ErrorKind::Malformed, "gemini condensed to nothing"));
        }
        Ok(Some(question.to_owned()))
    }

    /// Tells how the latest answer failed, or looks the model up, which is free.
    async fn ready(&self) -> Result<(), PortError> {
        self.latest.check()?;
        self.client.look_up(&self.model).await
    }
}

async fn next_piece(response: &mut Response) -> Result<Option<impl AsRef<[u8]>>, PortError> {
    response.chunk().await.map_err(|error| broken(error, "gemini's answer broke off"))
}

/// The time that an answer may take.
#[derive(Clone, Copy)]
struct Budget {
    limit: Duration,
    end: Instant,
}

impl Budget {
    /// One that begins now and, at the latest, is over when the request is.
    fn new(limit: Duration) -> Self {
        let limit = left_of(limit);
        Self { limit, end: Instant::now() + limit }
    }

    /// What the future gives, unless the time is over, also when it is ready at once: a model
    /// that never pauses never waits.
    async fn bound<T>(self, future: impl Future<Output = T>) -> Result<T, PortError> {
        tokio::select! {
            biased;
            () = sleep_until(self.end) => {
                let message = format!("gemini's answer was not complete within {:?}", self.limit);
                Err(PortError::new(ErrorKind::Timeout, message))
            }
            value = future => Ok(value),
        }
    }
}
