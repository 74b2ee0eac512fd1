//! Completions: an answer in one piece, or in chunks.

use askbook::answer::{Answer, Source};
use askbook::event::ChatEvent;
use askbook::ports::Usage;
use poem_openapi::Object;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;
use uuid::Uuid;

use super::{ErrorReply, MODEL};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::streaming::{Wire, sse};
use crate::wire::{OutcomeName, SuggestionReply};
use crate::wires::links::{Link, LinkedText};

/// An answer from the book, or the honest reply that the book does not say.
#[derive(Debug, Object, Serialize)]
pub(super) struct ChatCompletion {
    /// Names the reply, for feedback.
    id: Uuid,
    /// `chat.completion`
    object: String,
    /// When it was asked for, in seconds since 1970.
    created: u64,
    model: String,
    /// There is one.
    choices: Vec<Choice>,
    usage: CompletionUsage,
}

/// The answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatCompletionChoice")]
struct Choice {
    index: usize,
    message: CompletionMessage,
    /// `stop`
    finish_reason: String,
}

/// What the book says.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatCompletionMessage")]
struct CompletionMessage {
    /// `assistant`
    role: String,
    /// Markdown, whose citations are links.
    content: String,
    /// Always null: what the book does not say is a message like another one.
    #[oai(nullable)]
    refusal: Option<String>,
    annotations: Vec<Annotation>,
    outcome: OutcomeName,
    /// The passages that the text cites, in the order in which it first cites them.
    citations: Vec<CompletionCitation>,
    /// The nearest pages when the book does not say; they support nothing.
    suggestions: Vec<SuggestionReply>,
}

/// A citation in the text, as OpenAI's web search marks it.
#[derive(Debug, Object, Serialize)]
struct Annotation {
    /// `url_citation`
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    kind: String,
    url_citation: UrlCitation,
}

/// The link in the text, from `start_index` to before `end_index`, in characters (Unicode code
/// points).
#[derive(Debug, Object, Serialize)]
struct UrlCitation {
    start_index: usize,
    end_index: usize,
    /// The title of the page and the heading of the section.
    title: String,
    url: String,
}

/// A passage that the text cites.
#[derive(Debug, Object, Serialize)]
struct CompletionCitation {
    /// The number by which the text cites it.
    number: usize,
    /// The title of the page; empty when unknown.
    title: String,
    /// The heading that the passage stands under; null before the first one of a page.
    #[oai(nullable)]
    section: Option<String>,
    /// Where the passage opens, heading included; null when unknown.
    #[oai(nullable)]
    url: Option<String>,
    /// The words of the passage that support the answer best, verbatim.
    quote: String,
}

/// What an answer has cost, in tokens of the model; 0 for what no model worked on.
#[derive(Debug, Object, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are OpenAI's")]
struct CompletionUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl ChatCompletion {
    /// This answer, its text with links in it.
    pub(super) fn new(created: u64, content: String, links: &[Link], answer: Answer) -> Self {
        let sources = &answer.sources;
        let message = CompletionMessage {
            role: "assistant".to_owned(),
            refusal: None,
            annotations: annotations(links, sources),
            outcome: answer.outcome.into(),
            citations: sources.iter().map(CompletionCitation::from).collect(),
            suggestions: answer.suggestions.into_iter().map(SuggestionReply::from).collect(),
            // The fixed text of a refusal comes with the end alone.
            content: if content.is_empty() { answer.text } else { content },
        };
        Self {
            id: answer.message.0,
            object: "chat.completion".to_owned(),
            created,
            model: MODEL.to_owned(),
            choices: vec![Choice { index: 0, message, finish_reason: "stop".to_owned() }],
            usage: answer.usage.into(),
        }
    }
}

fn annotations(links: &[Link], sources: &[Source]) -> Vec<Annotation> {
    let annotation = |Link { number, at }: &Link| {
        let passage = &sources.iter().find(|source| source.number == *number)?.passage;
        let url_citation = UrlCitation {
            start_index: at.start,
            end_index: at.end,
            title: passage.breadcrumb(),
            url: passage.url.clone()?,
        };
        Some(Annotation { kind: "url_citation".to_owned(), url_citation })
    };
    links.iter().filter_map(annotation).collect()
}

impl From<&Source> for CompletionCitation {
    fn from(Source { number, passage, quote, .. }: &Source) -> Self {
        Self {
            number: *number,
            title: passage.title.clone(),
            section: passage.section().map(str::to_owned),
            url: passage.url.clone(),
            quote: quote.clone(),
        }
    }
}

impl From<Usage> for CompletionUsage {
    fn from(Usage { input_tokens, output_tokens, .. }: Usage) -> Self {
        Self {
            prompt_tokens: input_tokens,
            completion_tokens: output_tokens,
            total_tokens: input_tokens + output_tokens,
        }
    }
}

/// A piece of an answer.
#[derive(Debug, Object, Serialize)]
struct ChatCompletionChunk {
    /// Names the reply, for feedback.
    id: Uuid,
    /// `chat.completion.chunk`
    object: String,
    /// When it was asked for, in seconds since 1970.
    created: u64,
    model: String,
    /// There is one, but in the chunk that says what the answer has cost.
    choices: Vec<ChunkChoice>,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<CompletionUsage>,
}

/// What is new.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ChatCompletionChunkChoice")]
struct ChunkChoice {
    index: usize,
    delta: MessageDelta,
    /// `stop` in the last one.
    #[oai(nullable)]
    finish_reason: Option<String>,
}

/// What is new of a message: the role first, then the text piece by piece, then what stands beside
/// it.
#[derive(Debug, Default, Object, Serialize)]
#[oai(rename = "ChatCompletionDelta")]
struct MessageDelta {
    /// `assistant`
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Markdown, whose citations are links.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<Annotation>>,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeName>,
    /// The passages that the text cites, in the order in which it first cites them.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    citations: Option<Vec<CompletionCitation>>,
    /// The nearest pages when the book does not say; they support nothing.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestions: Option<Vec<SuggestionReply>>,
}

/// Writes the chunks of one completion.
#[derive(Debug)]
pub(super) struct Chunks {
    id: Uuid,
    created: u64,
    tells_usage: bool,
    text: LinkedText,
}

impl Chunks {
    /// `tells_usage`: whether it ends with what the answer has cost.
    pub(super) fn new(created: u64, tells_usage: bool) -> Self {
        Self { id: Uuid::nil(), created, tells_usage, text: LinkedText::default() }
    }

    fn write(&self, choices: Vec<ChunkChoice>, usage: Option<CompletionUsage>) -> String {
        let chunk = ChatCompletionChunk {
            id: self.id,
            object: "chat.completion.chunk".to_owned(),
            created: self.created,
            model: MODEL.to_owned(),
            choices,
            usage,
        };
        sse::event(&chunk)
    }

    fn delta(&self, delta: MessageDelta, finish_reason: Option<&str>) -> String {
        let finish_reason = finish_reason.map(str::to_owned);
        self.write(vec![ChunkChoice { index: 0, delta, finish_reason }], None)
    }

    fn end(&self, answer: Answer) -> String {
        let delta = MessageDelta {
            annotations: Some(annotations(self.text.links(), &answer.sources)),
            outcome: Some(answer.outcome.into()),
            citations: Some(answer.sources.iter().map(CompletionCitation::from).collect()),
            suggestions: Some(answer.suggestions.into_iter().map(SuggestionReply::from).collect()),
            ..MessageDelta::default()
        };
        let mut told = self.delta(delta, Some("stop"));
        if self.tells_usage {
            told += &self.write(Vec::new(), Some(answer.usage.into()));
        }
        told + sse::DONE
    }
}

impl Wire for Chunks {
    const MEDIA_TYPE: &'static str = sse::MEDIA_TYPE;
    const HEARTBEAT: Option<&'static str> = sse::HEARTBEAT;

    fn event(&mut self, event: ChatEvent, _: &mut Progress) -> Option<String> {
        let content = self.text.see(&event);
        let mut told = String::new();
        if !content.is_empty() {
            let delta = MessageDelta { content: Some(content), ..MessageDelta::default() };
            told += &self.delta(delta, None);
        }
        match event {
            ChatEvent::Accepted { message, .. } => {
                self.id = message.0;
                let (role, content) = (Some("assistant".to_owned()), Some(String::new()));
                told +=
                    &self.delta(MessageDelta { role, content, ..MessageDelta::default() }, None);
            }
            ChatEvent::Done(answer) => told += &self.end(*answer),
            _ => {}
        }
        (!told.is_empty()).then_some(told)
    }

    fn failure(&mut self, problem: &Problem, _incomplete: bool) -> String {
        sse::event(&ErrorReply::new(problem)) + sse::DONE
    }
}

/// In the document, the schema is that of one event's data.
impl Payload for Chunks {
    const CONTENT_TYPE: &'static str = sse::MEDIA_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        ChatCompletionChunk::schema_ref()
    }

    fn register(registry: &mut Registry) {
        ChatCompletionChunk::register(registry);
    }
}
