//! What goes over the wire: the bodies of requests and replies, as the document describes them.

mod explanation;
mod search;

use askbook::answer::{Answer, Outcome, Source};
use askbook::error::{ErrorKind, Stage};
use askbook::passage::Scores;
use askbook::question::{Question, QuestionError, QuestionLimits};
use askbook::session::SessionId;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::explanation::Explanation;
pub(crate) use self::search::{SearchReply, SearchRequest};
use crate::problem::{Code, Problem};

/// A reader's question. Fields that are not listed here are ignored.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(crate) struct ChatRequest {
    /// The question, in any language. The owner of the server may set another limit.
    #[oai(validator(min_length = 1, max_length = 4000))]
    message: String,
    /// The conversation that this belongs to: the id of the reply before. Without one, a new
    /// conversation begins.
    #[oai(nullable, validator(pattern = "^[0-9a-f]{32}$"))]
    #[serde(default)]
    session_id: Option<String>,
    /// The text that the reader selected on the page. The owner of the server may set another
    /// limit.
    #[oai(nullable, validator(max_length = 10000))]
    #[serde(default)]
    selected_text: Option<String>,
    /// The address of the page that the reader is on.
    #[oai(nullable, validator(max_length = 2000))]
    #[serde(default)]
    page: Option<String>,
    /// Whether to explain what the search in the book considered.
    #[oai(nullable)]
    #[serde(default)]
    debug: Option<bool>,
}

impl ChatRequest {
    /// Whether the search in the book is to be explained.
    pub(crate) fn wants_explanation(&self) -> bool {
        self.debug == Some(true)
    }

    /// The question, and the conversation that it is asked in.
    pub(crate) fn into_question(
        self,
        limits: QuestionLimits,
    ) -> Result<(Question, Option<SessionId>), Problem> {
        let (selected_text, page) = (self.selected_text.as_deref(), self.page.as_deref());
        let question = Question::new(&self.message, selected_text, page, limits)
            .map_err(|error| refused(error, "message"))?;
        let session = self.session_id.as_deref().map(SessionId::parse).transpose();
        let session = session.map_err(|error| {
            Problem::new(Code::InvalidSessionId, error.to_string()).at("session_id")
        })?;
        Ok((question, session))
    }
}

/// Why a question whose text is in the field `text` cannot be asked.
fn refused(error: QuestionError, text: &str) -> Problem {
    match error {
        QuestionError::Empty => Problem::from(error).at(text),
        // Its message says which part it is about.
        QuestionError::TooLong { .. } => error.into(),
    }
}

impl Example for ChatRequest {
    fn example() -> Self {
        Self {
            message: "How long is a conversation kept?".to_owned(),
            session_id: Some(EXAMPLE_SESSION.to_owned()),
            selected_text: None,
            page: Some("/docs/sessions".to_owned()),
            debug: None,
        }
    }
}

const EXAMPLE_SESSION: &str = "6f0c4b1de2a94d7f8b3a5c9e7d1f2a30";

/// An answer from the book, or the honest reply that the book does not say.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct ChatReply {
    /// Markdown. It cites the sources by number, like `[1]`.
    answer: String,
    outcome: OutcomeName,
    /// The passages that the answer cites, in the order in which it first cites them.
    sources: Vec<SourceReply>,
    /// The conversation. Send it with the next question to go on.
    session_id: String,
    /// Whether the conversation that was asked for is not known (any more), so that this is the
    /// beginning of a new one.
    session_restarted: bool,
    /// Names this reply.
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
        Self {
            answer: answer.text,
            outcome: answer.outcome.into(),
            sources: answer.sources.into_iter().map(SourceReply::from).collect(),
            session_id: answer.session.as_str().to_owned(),
            session_restarted,
            message_id: Uuid::new_v4(),
            model: answer.model,
            usage: UsageReply {
                input_tokens: answer.usage.input_tokens,
                output_tokens: answer.usage.output_tokens,
            },
            debug,
        }
    }
}

impl Example for ChatReply {
    fn example() -> Self {
        Self {
            answer: "A conversation is kept for an hour after its last question [1].".to_owned(),
            outcome: OutcomeName::Answered,
            sources: vec![SourceReply::example()],
            session_id: EXAMPLE_SESSION.to_owned(),
            session_restarted: false,
            message_id: Uuid::from_u128(0x8d7e_5b0a_3c1f_4e92_a6d4_1b2c_3d4e_5f60),
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
enum OutcomeName {
    Answered,
    NotInBook,
}

/// A passage of the book that an answer cites.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Source", example)]
struct SourceReply {
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
    scores: ScoresReply,
}

impl From<Source> for SourceReply {
    fn from(Source { number, passage, quote, scores }: Source) -> Self {
        Self {
            number,
            section: passage.section().map(str::to_owned),
            title: passage.title,
            url: passage.url,
            quote,
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
            scores: ScoresReply::example(),
        }
    }
}

/// How well a passage fits, by each measure that was taken. Scores compare within one reply only.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Scores", example)]
struct ScoresReply {
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

/// The server runs.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Health {
    status: Running,
}

impl Health {
    pub(crate) fn ok() -> Self {
        Self { status: Running::Ok }
    }
}

impl Example for Health {
    fn example() -> Self {
        Self::ok()
    }
}

/// Always `ok`: a server that does not run does not reply.
#[derive(Debug, Enum, Serialize)]
#[oai(rename = "HealthStatus", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Running {
    Ok,
}

/// Whether questions can be answered, and what is missing if not.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Readiness {
    /// Whether every dependency is ready.
    pub(crate) ready: bool,
    /// Everything that an answer depends on.
    pub(crate) dependencies: Vec<Dependency>,
}

impl Example for Readiness {
    fn example() -> Self {
        let dependencies = [
            ("embedder", None),
            ("retriever", None),
            ("generator", Some(ErrorName::RateLimited)),
            ("sessions", None),
        ];
        let dependency = |(name, error): (&str, Option<ErrorName>)| Dependency {
            name: name.to_owned(),
            ready: error.is_none(),
            error,
        };
        Self { ready: false, dependencies: dependencies.map(dependency).into() }
    }
}

/// Something that an answer depends on.
#[derive(Clone, Debug, Object, Serialize)]
pub(crate) struct Dependency {
    /// What it is.
    pub(crate) name: String,
    /// Whether it is ready.
    pub(crate) ready: bool,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorName>,
}

/// Why a dependency is not ready; the server's log says more.
#[derive(Clone, Copy, Debug, Enum, Serialize)]
#[oai(rename = "DependencyError", rename_all = "snake_case", remote = "ErrorKind")]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorName {
    Unavailable,
    Timeout,
    RateLimited,
    Unauthorized,
    Misconfigured,
    Rejected,
    Blocked,
    Malformed,
}

/// An error reply (RFC 9457).
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Problem", example)]
pub(crate) struct ProblemDocument {
    /// Names the kind of problem: `urn:askbook:problem:` and the code.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    type_uri: String,
    /// The kind of problem, for people.
    title: String,
    /// The status of the reply.
    status: u16,
    /// What happened and what to do.
    detail: String,
    code: Code,
    /// Names the request in the server's log.
    request_id: String,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<StageName>,
    /// The field of the body that is at fault, if it is one: a JSON pointer (RFC 6901) as a
    /// fragment.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The addresses that there are, when the one that was asked for is none of them.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<String>>,
}

impl ProblemDocument {
    pub(crate) fn new(problem: &Problem, request_id: &str, routes: Option<Vec<String>>) -> Self {
        Self {
            type_uri: format!("urn:askbook:problem:{}", problem.code),
            title: problem.code.title().to_owned(),
            status: problem.code.status().as_u16(),
            detail: problem.detail.to_string(),
            code: problem.code,
            request_id: request_id.to_owned(),
            stage: problem.stage.map(StageName::from),
            pointer: problem.field.as_ref().map(|field| format!("#/{field}")),
            routes,
        }
    }
}

impl Example for ProblemDocument {
    fn example() -> Self {
        let detail = "the message is empty: write a question";
        let problem = Problem::new(Code::EmptyMessage, detail).at("message");
        Self::new(&problem, "5f2b7a90c4d1", None)
    }
}

/// The step of a chat or a search that failed.
#[derive(Debug, Enum, Serialize)]
#[oai(rename = "Stage", rename_all = "snake_case", remote = "Stage")]
#[serde(rename_all = "snake_case")]
enum StageName {
    Session,
    Embed,
    Retrieve,
    Generate,
}
