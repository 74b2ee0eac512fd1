//! The UI message stream of the AI SDK (versions 5 and later), as `useChat` and the Ask AI drawer
//! of docusaurus-search-local read it.
//!
//! <https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol>: server-sent events whose data is one chunk
//! each, and `[DONE]` at the end. The client sends the whole conversation with each question, so
//! nothing of it is kept here.

use askbook::answer::{Answer, Source};
use askbook::chat::Delivery;
use askbook::event::ChatEvent;
use askbook::question::{Question, QuestionLimits};
use askbook::session::Conversation;
use poem::http::header::CONTENT_TYPE;
use poem::http::{HeaderName, HeaderValue, StatusCode};
use poem::{Request, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{Example, Type};
use poem_openapi::{ApiResponse, Object, OpenApi, Union};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::links::LinkedText;
use super::transcript::{self, Message, Place};
use crate::api::Tag;
use crate::intake::Intake;
use crate::json::{JsonBody, Written};
use crate::problem::{Failure, Listed, Problem};
use crate::progress::Progress;
use crate::streaming::{self, Wire, sse};
use crate::wire::{OutcomeName, SuggestionReply};

/// The operation of the AI SDK.
pub(crate) struct AiSdk {
    intake: Intake,
}

impl AiSdk {
    pub(crate) fn new(intake: Intake) -> Self {
        Self { intake }
    }

    async fn tell(
        &self,
        request: &Request,
        body: JsonBody<UiChatRequest>,
    ) -> Result<Response, Problem> {
        let bounds = self.intake.bounds(request);
        let received: Received = self.intake.read(body).await?;
        let (question, conversation) = received.into_asked(self.intake.question_limits)?;
        let events = self.intake.ask(question, conversation, Delivery::Streamed)?;
        let mut response =
            streaming::reply(events, Chunks::default(), Progress::new(false), bounds);
        response.headers_mut().insert(PROTOCOL, VERSION);
        Ok(response)
    }
}

const PROTOCOL: HeaderName = HeaderName::from_static("x-vercel-ai-ui-message-stream");
const VERSION: HeaderValue = HeaderValue::from_static("v1");

#[OpenApi]
impl AiSdk {
    /// Ask a question as the AI SDK does
    ///
    /// For `useChat` and other clients of the UI message stream protocol, version 1. The reply is
    /// server-sent events whose data is one chunk each; the last one is the word `[DONE]`. Citations
    /// are links in the text and `source-url` chunks. A question that is well-formed always gets a
    /// stream: what else is wrong, too many requests included, is its `error` chunk, because
    /// these clients do not show an error reply.
    #[oai(path = "/ai-sdk/chat", method = "post", operation_id = "ai_sdk_chat", tag = "Tag::Wires")]
    async fn chat(
        &self,
        request: &Request,
        body: JsonBody<UiChatRequest>,
    ) -> Result<UiChatResponse, Failure<Asking>> {
        Ok(UiChatResponse::Begun(Written::new(self.tell(request, body).await?)))
    }
}

#[derive(ApiResponse)]
enum UiChatResponse {
    /// The chunks of the answer. The schema is that of the data of one event.
    #[oai(status = 200)]
    Begun(Written<Chunks>),
}

/// How asking fails, before the stream begins.
struct Asking;

impl Listed for Asking {
    type Document = Words;

    const STATUSES: &'static [u16] = &[400, 401, 403, 408, 413, 415];
}

/// A conversation that ends with a question, as the AI SDK sends it. Other fields are ignored.
#[derive(Debug, Object)]
#[oai(example)]
pub(crate) struct UiChatRequest {
    /// All messages, oldest first; the last one is the question.
    #[oai(validator(min_items = 1))]
    messages: Vec<UiMessage>,
    /// The address of the page that the reader is on.
    #[oai(nullable, validator(max_length = 2000))]
    page: Option<String>,
    /// The text that the reader selected on the page.
    #[oai(nullable, validator(max_length = 10000))]
    selected_text: Option<String>,
}

impl Example for UiChatRequest {
    fn example() -> Self {
        let text = "How long is a conversation kept?".to_owned();
        let parts = vec![UiPart { kind: "text".to_owned(), text: Some(text) }];
        let messages = vec![UiMessage { role: "user".to_owned(), parts: Some(parts) }];
        Self { messages, page: None, selected_text: None }
    }
}

/// What somebody said.
#[derive(Debug, Object)]
struct UiMessage {
    /// `user` is the reader and `assistant` the book; messages of others, such as `system`, are
    /// left out.
    role: String,
    #[oai(nullable)]
    parts: Option<Vec<UiPart>>,
}

/// A part of a message. Of those that are no text, files are refused in the question, and others
/// ignored.
#[derive(Debug, Object)]
struct UiPart {
    /// What it is, such as `text`.
    #[oai(rename = "type")]
    kind: String,
    #[oai(nullable)]
    text: Option<String>,
}

/// A request as it may arrive.
#[derive(Debug, Deserialize)]
pub(crate) struct Received {
    messages: Vec<Message>,
    page: Option<String>,
    selected_text: Option<String>,
    /// Why the client asks, as `useChat` says it by itself.
    trigger: Option<String>,
}

impl Received {
    /// What is asked, if it can be.
    pub(crate) fn into_asked(
        self,
        limits: QuestionLimits,
    ) -> Result<(Question, Conversation), Problem> {
        let Self { messages, page, selected_text, trigger } = self;
        let place = Place { page, selected_text };
        let (question, conversation) = transcript::read(messages, &place, limits)?;
        let again = trigger.as_deref() == Some("regenerate-message");
        Ok((if again { question.anew() } else { question }, conversation))
    }
}

/// A chunk of a UI message.
#[derive(Debug, Serialize, Union)]
#[oai(rename = "UiMessageChunk", discriminator_name = "type", one_of, rename_all = "kebab-case")]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Chunk {
    Start(Start),
    TextStart(TextStart),
    TextDelta(TextDelta),
    TextEnd(TextEnd),
    SourceUrl(SourceUrl),
    Error(Failed),
    Finish(Finish),
}

/// The message begins.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiStart", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct Start {
    /// Names the reply, for feedback.
    message_id: Uuid,
}

/// The text begins.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiTextStart")]
struct TextStart {
    id: String,
}

/// The next piece of the text.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiTextDelta")]
struct TextDelta {
    id: String,
    /// Markdown, whose citations are links.
    delta: String,
}

/// The text is complete.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiTextEnd")]
struct TextEnd {
    id: String,
}

/// A passage that the text cites and that can be opened.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiSourceUrl", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct SourceUrl {
    /// The number by which the text cites it.
    source_id: String,
    url: String,
    /// The title of the page and the heading of the section.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    provider_metadata: SourceMetadata,
}

/// What only askbook says about a source.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiSourceMetadata")]
struct SourceMetadata {
    askbook: SourceDetails,
}

/// More about a source.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiSourceDetails")]
struct SourceDetails {
    /// The number by which the text cites it.
    number: usize,
    /// The words of the passage that support the answer best, verbatim.
    quote: String,
}

/// There will be no answer, or no more of it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiError", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct Failed {
    /// What happened and what to do.
    error_text: String,
}

/// The answer is complete.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiFinish", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct Finish {
    message_metadata: AnswerMetadata,
}

/// What only askbook says about an answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "UiAnswerMetadata")]
struct AnswerMetadata {
    outcome: OutcomeName,
    /// The nearest pages when the book does not say; they support nothing.
    suggestions: Vec<SuggestionReply>,
}

impl SourceUrl {
    fn new(Source { number, passage, quote, .. }: Source) -> Option<Self> {
        Some(Self {
            source_id: number.to_string(),
            url: passage.url.clone()?,
            title: Some(passage.breadcrumb()).filter(|title| !title.is_empty()),
            provider_metadata: SourceMetadata { askbook: SourceDetails { number, quote } },
        })
    }
}

/// Writes the chunks of one message.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    text: LinkedText,
    writing: bool,
}

/// There is one text in a message.
const TEXT: &str = "text";

impl Chunks {
    fn text(&mut self, event: &ChatEvent) -> String {
        let delta = self.text.see(event);
        let mut told = String::new();
        if !delta.is_empty() {
            if !self.writing {
                self.writing = true;
                told += &sse::event(&Chunk::TextStart(TextStart { id: TEXT.to_owned() }));
            }
            told += &sse::event(&Chunk::TextDelta(TextDelta { id: TEXT.to_owned(), delta }));
        }
        told
    }

    fn end_text(&mut self) -> String {
        if !std::mem::take(&mut self.writing) {
            return String::new();
        }
        sse::event(&Chunk::TextEnd(TextEnd { id: TEXT.to_owned() }))
    }
}

impl Wire for Chunks {
    const MEDIA_TYPE: &'static str = sse::MEDIA_TYPE;
    const HEARTBEAT: Option<&'static str> = sse::HEARTBEAT;

    fn event(&mut self, event: ChatEvent, _: &mut Progress) -> Option<String> {
        let mut told = self.text(&event);
        match event {
            ChatEvent::Accepted { message, .. } => {
                told += &sse::event(&Chunk::Start(Start { message_id: message.0 }));
            }
            ChatEvent::Sources(sources) => {
                told += &self.end_text();
                for source in sources.into_iter().filter_map(SourceUrl::new) {
                    told += &sse::event(&Chunk::SourceUrl(source));
                }
            }
            ChatEvent::Done(answer) => {
                told += &self.end_text();
                let Answer { outcome, suggestions, .. } = *answer;
                let message_metadata = AnswerMetadata {
                    outcome: outcome.into(),
                    suggestions: suggestions.into_iter().map(SuggestionReply::from).collect(),
                };
                told += &sse::event(&Chunk::Finish(Finish { message_metadata }));
                told += sse::DONE;
            }
            _ => {}
        }
        (!told.is_empty()).then_some(told)
    }

    fn failure(&mut self, problem: &Problem, _incomplete: bool) -> String {
        self.end_text() + &failure(problem)
    }
}

/// The end of a message without an answer.
fn failure(problem: &Problem) -> String {
    let error_text = problem.detail.to_string();
    sse::event(&Chunk::Error(Failed { error_text })) + sse::DONE
}

/// In the document, the schema is that of one event's data.
impl Payload for Chunks {
    const CONTENT_TYPE: &'static str = sse::MEDIA_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        Chunk::schema_ref()
    }

    fn register(registry: &mut Registry) {
        Chunk::register(registry);
    }
}

/// In the document, a refusal.
struct Words;

impl Payload for Words {
    const CONTENT_TYPE: &'static str = "text/plain";

    fn schema_ref() -> MetaSchemaRef {
        String::schema_ref()
    }
}

/// A refusal: its words alone, which is what `useChat` takes the body for.
///
/// What the client did nothing wrong about is told in a stream, like a failure after its
/// beginning: the drawer of docusaurus-search-local shows of any other status no more than its name,
/// and over HTTP/2 nothing at all.
pub(super) fn refuse(problem: &Problem, response: &mut Response) {
    let status = problem.code.status();
    let is_told = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    let (status, media_type, body) = if is_told {
        response.headers_mut().insert(PROTOCOL, VERSION);
        (StatusCode::OK, sse::MEDIA_TYPE, failure(problem))
    } else {
        (status, "text/plain; charset=utf-8", problem.detail.to_string())
    };
    response.set_status(status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.set_body(body);
}
