//! Answers over the wire, and the JSON that a chat is told in as a whole.

use std::borrow::Cow;
use std::ops::Range;

use askbook::answer::{Answer, Leg, Loss, Mode, Outcome, Source, Suggestion, Unsupported};
use askbook::passage::Scores;
use askbook::session::SessionId;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::explanation::Explanation;
use super::readiness::ErrorName;

pub(super) const EXAMPLE_SESSION: &str = "6f0c4b1de2a94d7f8b3a5c9e7d1f2a30";
pub(super) const EXAMPLE_MESSAGE: Uuid = Uuid::from_u128(0x8d7e_5b0a_3c1f_4e92_a6d4_1b2c_3d4e_5f60);

/// An answer from the book, or the honest reply that the book does not say.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct ChatReply {
    /// Markdown. It cites the sources by number, like `[1]`.
    answer: String,
    outcome: OutcomeName,
    /// How the answer came about; null when the book does not say.
    #[oai(nullable)]
    mode: Option<ModeName>,
    /// The passages that the answer cites, in the order in which it first cites them; none when
    /// the book does not say.
    sources: Vec<SourceReply>,
    /// The nearest pages when the book does not say; they support nothing.
    suggestions: Vec<SuggestionReply>,
    /// The numbers and identifiers of the answer that none of the passages has, each once.
    unsupported: Vec<UnsupportedReply>,
    /// What the answer had to do without; empty when everything was in order.
    degraded: Vec<LossReply>,
    /// The conversation. Send it with the next question to go on. Null when the client keeps the
    /// conversation itself: it sent a history and no session id.
    #[oai(nullable)]
    session_id: Option<String>,
    /// Whether the conversation that was asked for is not known (any more), so that this is the
    /// beginning of a new one.
    session_restarted: bool,
    /// Names this reply, for feedback.
    message_id: Uuid,
    /// What wrote the answer; null when nothing had to be asked.
    #[oai(nullable)]
    model: Option<String>,
    usage: UsageReply,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<Explanation>,
}

impl ChatReply {
    pub(crate) fn new(answer: Answer, session_restarted: bool, debug: Option<Explanation>) -> Self {
        let Answer { text, sources, suggestions, unsupported, losses, usage, .. } = answer;
        Self {
            outcome: answer.outcome.into(),
            mode: answer.mode.map(ModeName::from),
            sources: sources.into_iter().map(|source| SourceReply::new(source, &text)).collect(),
            suggestions: suggestions.into_iter().map(SuggestionReply::from).collect(),
            unsupported: unsupported
                .into_iter()
                .map(|unsupported| UnsupportedReply::new(unsupported, &text))
                .collect(),
            degraded: LossReply::list(&losses),
            session_id: answer.session.as_ref().map(session_id),
            session_restarted,
            message_id: answer.message.0,
            model: answer.model,
            usage: UsageReply {
                input_tokens: usage.input_tokens,
                output_tokens: usage.output_tokens,
            },
            debug,
            answer: text,
        }
    }
}

pub(super) fn session_id(id: &SessionId) -> String {
    id.as_str().to_owned()
}

impl Example for ChatReply {
    fn example() -> Self {
        Self {
            answer: "A conversation is kept for an hour after its last question [1].".to_owned(),
            outcome: OutcomeName::Answered,
            mode: Some(ModeName::Generated),
            sources: vec![SourceReply::example()],
            suggestions: Vec::new(),
            unsupported: Vec::new(),
            degraded: vec![LossReply::example()],
            session_id: Some(EXAMPLE_SESSION.to_owned()),
            session_restarted: false,
            message_id: EXAMPLE_MESSAGE,
            model: Some("gemini-3.5-flash-lite".to_owned()),
            usage: UsageReply::example(),
            debug: None,
        }
    }
}

/// How a question ended: the book holds an answer, or it does not.
#[derive(Debug, Enum, Serialize)]
#[oai(rename = "Outcome", rename_all = "snake_case", remote = "Outcome")]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeName {
    Answered,
    NotInBook,
}

/// How an answer came about: a model wrote it, or it is quoted from the book.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ModeName {
    Generated,
    Extractive,
}

impl From<Mode> for ModeName {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Generated => Self::Generated,
            Mode::Extractive => Self::Extractive,
        }
    }
}

/// Not derived: as a schema of its own it could not be null (`nullable` beside a reference has no
/// meaning in OpenAPI 3.0).
impl Type for ModeName {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string(mode)".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let words = [Self::Generated, Self::Extractive].iter().filter_map(ToJSON::to_json);
        let schema = MetaSchema { enum_items: words.collect(), ..MetaSchema::new("string") };
        MetaSchemaRef::Inline(Box::new(schema))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl ParseFromJSON for ModeName {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default()).map_err(ParseError::custom)
    }
}

impl ToJSON for ModeName {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

/// A part of the answer, from `start` to before `end`, in UTF-16 code units, as JavaScript counts:
/// `answer.slice(start, end)`.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Span", example)]
pub(super) struct SpanReply {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl SpanReply {
    /// The part of a text that has these bytes.
    pub(super) fn new(text: &str, bytes: &Range<usize>) -> Self {
        let units = |end| {
            let before = text.get(..end).unwrap_or(text);
            if before.is_ascii() { before.len() } else { before.encode_utf16().count() }
        };
        Self { start: units(bytes.start), end: units(bytes.end) }
    }
}

impl Example for SpanReply {
    fn example() -> Self {
        Self { start: 0, end: 63 }
    }
}

/// A passage of the book that an answer cites.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Source", example)]
pub(super) struct SourceReply {
    /// The number by which the answer cites it.
    #[oai(validator(minimum(value = "1")))]
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
    /// The claims of the answer that cite it, in order.
    supports: Vec<SpanReply>,
    scores: ScoresReply,
}

impl SourceReply {
    /// A source of this text.
    pub(super) fn new(source: Source, text: &str) -> Self {
        let Source { number, passage, quote, supports, scores } = source;
        Self {
            number,
            section: passage.section().map(str::to_owned),
            title: passage.title,
            url: passage.url,
            quote,
            supports: supports.iter().map(|bytes| SpanReply::new(text, bytes)).collect(),
            scores: scores.into(),
        }
    }
}

impl Example for SourceReply {
    fn example() -> Self {
        Self {
            number: 1,
            title: "Sessions".to_owned(),
            section: Some("Time to live".to_owned()),
            url: Some("/docs/sessions#time-to-live".to_owned()),
            quote: "An idle conversation is forgotten after one hour.".to_owned(),
            supports: vec![SpanReply::example()],
            scores: ScoresReply::example(),
        }
    }
}

/// A page that may help where the book does not answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Suggestion", example)]
pub(crate) struct SuggestionReply {
    /// The title of the page; empty when unknown.
    title: String,
    /// Where it opens.
    url: String,
}

impl From<Suggestion> for SuggestionReply {
    fn from(Suggestion { title, url }: Suggestion) -> Self {
        Self { title, url }
    }
}

impl Example for SuggestionReply {
    fn example() -> Self {
        Self { title: "Sessions".to_owned(), url: "/docs/sessions".to_owned() }
    }
}

/// A number or identifier of an answer that no passage has. `start` and `end` say where it stands
/// first, in UTF-16 code units.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Unsupported", example)]
struct UnsupportedReply {
    text: String,
    start: usize,
    end: usize,
}

impl UnsupportedReply {
    fn new(Unsupported { text, at }: Unsupported, answer: &str) -> Self {
        let SpanReply { start, end } = SpanReply::new(answer, &at);
        Self { text, start, end }
    }
}

impl Example for UnsupportedReply {
    fn example() -> Self {
        Self { text: "8080".to_owned(), start: 17, end: 21 }
    }
}

/// A part that an answer or a search had to do without.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Loss", example)]
pub(super) struct LossReply {
    leg: LegName,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ErrorName>,
}

impl LossReply {
    pub(super) fn list(losses: &[Loss]) -> Vec<Self> {
        let reply =
            |loss: &Loss| Self { leg: loss.leg.into(), reason: loss.reason.map(ErrorName::from) };
        losses.iter().map(reply).collect()
    }
}

impl Example for LossReply {
    fn example() -> Self {
        Self { leg: LegName::Embedder, reason: None }
    }
}

/// Which part: what turns the question into a dense vector (the book was searched by terms
/// alone), the index or one of its rankings, or the model that is asked first (another one wrote
/// the answer, or it is quoted, or nobody said what a follow-up question means).
#[derive(Debug, Enum, Serialize)]
#[oai(rename = "Leg", rename_all = "snake_case", remote = "Leg")]
#[serde(rename_all = "snake_case")]
enum LegName {
    Embedder,
    Retriever,
    Generator,
}

/// How well a passage fits, by each measure that was taken. Scores compare within one reply only.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Scores", example)]
pub(super) struct ScoresReply {
    /// Cosine of the dense vectors, at most 1.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dense: Option<f32>,
    /// BM25 score, at least 0.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    lexical: Option<f32>,
    /// The place when all rankings are taken together, from 1. It says which passage is better
    /// and nothing about how good it is.
    #[oai(validator(minimum(value = "1")))]
    fused_rank: usize,
}

impl From<Scores> for ScoresReply {
    fn from(Scores { dense, lexical, fused_rank }: Scores) -> Self {
        Self { dense, lexical, fused_rank }
    }
}

impl Example for ScoresReply {
    fn example() -> Self {
        Self { dense: Some(0.75), lexical: Some(12.5), fused_rank: 1 }
    }
}

/// What an answer has cost, in tokens of the model; 0 for what no model worked on.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Usage", example)]
struct UsageReply {
    /// Tokens of the prompt.
    input_tokens: u64,
    /// Tokens that were written, thoughts included.
    output_tokens: u64,
}

impl Example for UsageReply {
    fn example() -> Self {
        Self { input_tokens: 1840, output_tokens: 96 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_as_javascript_does() {
        let text = "a ß 日 😀 b";
        for (part, start, end) in
            [("a", 0, 1), ("ß", 2, 3), ("日", 4, 5), ("😀", 6, 8), ("b", 9, 10), (text, 0, 10)]
        {
            let at = text.find(part).unwrap();
            let SpanReply { start: from, end: to } = SpanReply::new(text, &(at..at + part.len()));
            assert_eq!((from, to), (start, end), "{part}");
        }
        let SpanReply { start, end } = SpanReply::new(text, &(99..100));
        assert_eq!((start, end), (10, 10), "beyond the end");
    }
}
