//! The operations of the API.

use askbook::chat::{self, Chat};
use askbook::question::QuestionLimits;
use futures_util::TryStreamExt;
use poem_openapi::{ApiResponse, OpenApi, Tags};

use crate::json::{BodyLimits, Json, JsonBody};
use crate::problem::{Failure, Listed, Problem};
use crate::progress::Progress;
use crate::readiness::Probe;
use crate::settings::HttpSettings;
use crate::wire::{ChatReply, ChatRequest, Health, Readiness, SearchReply, SearchRequest};

pub(crate) struct Api {
    chat: Chat,
    question_limits: QuestionLimits,
    body_limits: BodyLimits,
    probe: Probe,
}

impl Api {
    pub(crate) fn new(chat: Chat, settings: &HttpSettings) -> Self {
        Self {
            question_limits: settings.question,
            body_limits: BodyLimits { length: settings.body_limit, time: settings.body_timeout },
            probe: Probe::new(chat.ports().clone(), settings.readiness),
            chat,
        }
    }

    async fn answer(&self, body: JsonBody<ChatRequest>) -> Result<ChatReply, Problem> {
        let request = body.read(self.body_limits).await?;
        let mut progress = Progress::new(request.wants_explanation());
        let (question, session) = request.into_question(self.question_limits)?;
        let events = self.chat.ask(question, session);
        let answer = chat::collect(events.inspect_ok(|event| progress.see(event))).await?;
        Ok(ChatReply::new(answer, progress.restarted, progress.explanation))
    }

    async fn find(&self, body: JsonBody<SearchRequest>) -> Result<SearchReply, Problem> {
        let request = body.read(self.body_limits).await?;
        let mut progress = Progress::new(request.wants_explanation());
        let (question, limit) = request.into_question(self.question_limits)?;
        let search = self.chat.search();
        let near = search.embed(&question).await?;
        progress.embedded();
        let found = search.near(&question, &near, limit).await?;
        progress.retrieved(&found);
        Ok(SearchReply::new(found, progress.explanation))
    }
}

/// What operations are about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
enum Tag {
    /// Questions and answers.
    Chat,
    /// Passages of the book.
    Search,
    /// The state of the server.
    Operation,
}

#[OpenApi]
impl Api {
    /// Ask a question
    ///
    /// Answers from the book, with sources, or says that the book does not hold the answer.
    #[oai(path = "/chat", method = "post", operation_id = "chat", tag = "Tag::Chat")]
    async fn chat(&self, body: JsonBody<ChatRequest>) -> Result<ChatResponse, Failure<Asking>> {
        Ok(ChatResponse::Answered(Json(self.answer(body).await?)))
    }

    /// Find passages
    ///
    /// Finds the passages that a question is answered from, without asking a model for an answer.
    #[oai(path = "/search", method = "post", operation_id = "search", tag = "Tag::Search")]
    async fn search(
        &self,
        body: JsonBody<SearchRequest>,
    ) -> Result<SearchResponse, Failure<Asking>> {
        Ok(SearchResponse::Found(Json(self.find(body).await?)))
    }

    /// Whether the server runs
    ///
    /// Asks nobody else: for liveness probes.
    #[expect(clippy::unused_async, reason = "poem-openapi takes nothing else")]
    #[oai(path = "/health", method = "get", operation_id = "health", tag = "Tag::Operation")]
    async fn health(&self) -> Result<HealthResponse, Failure<Looking>> {
        Ok(HealthResponse::Runs(Json(Health::ok())))
    }

    /// Whether questions can be answered
    ///
    /// Asks everything that an answer depends on, at most once in a few seconds.
    #[oai(path = "/ready", method = "get", operation_id = "ready", tag = "Tag::Operation")]
    async fn ready(&self) -> Result<ReadyResponse, Failure<Looking>> {
        let readiness = self.probe.readiness().await;
        Ok(if readiness.ready {
            ReadyResponse::Ready(Json(readiness))
        } else {
            ReadyResponse::NotReady(Json(readiness))
        })
    }
}

#[derive(ApiResponse)]
enum ChatResponse {
    /// The answer, or that the book does not hold one.
    #[oai(status = 200)]
    Answered(Json<ChatReply>),
}

#[derive(ApiResponse)]
enum SearchResponse {
    /// The passages, and whether they can answer the question.
    #[oai(status = 200)]
    Found(Json<SearchReply>),
}

#[derive(ApiResponse)]
enum HealthResponse {
    /// The server runs.
    #[oai(status = 200)]
    Runs(Json<Health>),
}

#[derive(ApiResponse)]
enum ReadyResponse {
    /// Questions can be answered.
    #[oai(status = 200)]
    Ready(Json<Readiness>),
    /// Questions cannot be answered now.
    #[oai(status = 503)]
    NotReady(Json<Readiness>),
}

/// How asking fails.
struct Asking;

impl Listed for Asking {
    const REPLIES: &'static [(u16, &'static str)] = &[
        (400, "The body is no JSON, a field does not fit, or the question cannot be asked."),
        (403, "The page that asks is of an origin that is not allowed."),
        (408, "The body took too long to arrive."),
        (413, "The body is too large."),
        (415, "The body is not declared as application/json."),
        (500, "This server has a fault."),
        (502, "An upstream declined the question or gave no usable reply."),
        (503, "An upstream cannot be reached, takes no more for now, or is not set up."),
        (504, "An upstream, or the answer as a whole, took too long."),
    ];
}

/// How looking at the state of the server fails.
struct Looking;

impl Listed for Looking {
    const REPLIES: &'static [(u16, &'static str)] = &[
        (405, "Only GET and HEAD are allowed."),
        (500, "This server has a fault."),
        (504, "The reply took too long."),
    ];
}
