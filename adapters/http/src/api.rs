//! The operations of the API.

use std::sync::Arc;

use askbook::chat::{self, Delivery};
use askbook::search::Query;
use askbook::session::Session;
use futures_util::StreamExt;
use poem::http::HeaderName;
use poem::{IntoResponse, Request, Response};
use poem_openapi::{ApiResponse, OpenApi, Tags};

use crate::intake::Intake;
use crate::json::{Json, JsonBody, Written};
use crate::problem::{Code, Failure, Listed, Problem, usual_meaning};
use crate::progress::Progress;
use crate::readiness::Probe;
use crate::request_log::RequestId;
use crate::server::Leaving;
use crate::settings::HttpSettings;
use crate::streaming;
use crate::wire::{
    Asked, ChatReply, ChatRequest, Events, FeedbackRequest, Health, Lines, OriginalReply,
    ProblemDocument, Readiness, Received, SearchReply, SearchRequest, Sought,
};

pub(crate) struct Api {
    intake: Intake,
    probe: Arc<Probe>,
}

/// With `true`, the reply to a question is wanted line by line.
const STREAM_RESPONSE: &str = "x-stream-response";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

impl Api {
    pub(crate) fn new(intake: Intake, settings: &HttpSettings) -> Self {
        let probe = Arc::new(Probe::new(intake.chat().ports().clone(), settings.readiness));
        Self { intake, probe }
    }

    /// What is asked, if the conversation that it belongs to may ask now.
    async fn read(&self, request: &Request, body: JsonBody<ChatRequest>) -> Result<Asked, Problem> {
        let received: Received = self.intake.read(body).await?;
        let asked = received.into_asked(self.intake.question_limits)?;
        if let Session::Resumed(session) = &asked.conversation.session {
            self.intake.take(request, session).await?;
        }
        Ok(asked)
    }

    /// Answers in the way that the request asks for.
    async fn answer(
        &self,
        request: &Request,
        body: JsonBody<ChatRequest>,
    ) -> Result<Response, Problem> {
        let bounds = self.intake.bounds(request);
        let Asked { question, conversation, explain, original } = self.read(request, body).await?;
        let mut progress = Progress::new(explain);
        let streams = request.header(STREAM_RESPONSE);
        if streams.is_some_and(|streams| streams.eq_ignore_ascii_case("true")) {
            let events = self.intake.ask(question, conversation, Delivery::Streamed)?;
            return Ok(streaming::reply(events, Lines, progress, bounds));
        }
        let events = self.intake.ask(question, conversation, Delivery::Whole)?;
        let answer = chat::collect(events.inspect(|event| progress.see(event))).await?;
        Ok(if original {
            Json(OriginalReply::from(answer)).into_response()
        } else {
            let Progress { restarted, explanation, .. } = progress;
            Json(ChatReply::new(answer, restarted, explanation)).into_response()
        })
    }

    async fn tell(
        &self,
        request: &Request,
        body: JsonBody<ChatRequest>,
    ) -> Result<Response, Problem> {
        let bounds = self.intake.bounds(request);
        if request.headers().get(LAST_EVENT_ID).is_some_and(|id| !id.is_empty()) {
            let detail = "a stream that broke off cannot be taken up again, and the question is \
                          not asked twice unseen: send it anew without the header Last-Event-ID";
            return Err(Problem::new(Code::NotResumable, detail));
        }
        let Asked { question, conversation, explain, .. } = self.read(request, body).await?;
        let request_id = request.data().map_or_else(String::new, RequestId::to_string);
        let events = self.intake.ask(question, conversation, Delivery::Streamed)?;
        Ok(streaming::reply(events, Events::new(request_id), Progress::new(explain), bounds))
    }

    async fn rate(&self, body: JsonBody<FeedbackRequest>) -> Result<(), Problem> {
        let request: FeedbackRequest = self.intake.read(body).await?;
        let feedback = request.into_feedback(self.intake.question_limits.text)?;
        self.intake.rate(feedback).await
    }

    async fn find(&self, body: JsonBody<SearchRequest>) -> Result<SearchReply, Problem> {
        let request: Sought = self.intake.read(body).await?;
        let mut progress = Progress::new(request.wants_explanation());
        let (question, limit) = request.into_question(self.intake.question_limits)?;
        let _place = self.intake.place()?;
        let search = self.intake.chat().search();
        let near = search.embed(Query::from(&question)).await?;
        progress.embedded();
        let found = search.near(Query::from(&question), &near, limit).await?;
        progress.retrieved(&found);
        Ok(SearchReply::new(found, progress.explanation))
    }
}

/// What operations are about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
pub(crate) enum Tag {
    /// Questions and answers.
    Chat,
    /// Questions and answers, as the clients of others speak.
    Wires,
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
    ///
    /// The widget of the original site works here unchanged. To a question that is called `query`
    /// the reply is `{response, sources: [{url, page_title}] or null, message_id}`. With the header
    /// `X-Stream-Response: true` it is application/x-ndjson, whatever the question is called: the
    /// lines `{type: "chunk", content: text}`, then `{type: "sources", content: [{url,
    /// page_title}]}` if there are any, or `{type: "error", content: text}` at the end.
    #[oai(path = "/chat", method = "post", operation_id = "chat", tag = "Tag::Chat")]
    async fn chat(
        &self,
        request: &Request,
        body: JsonBody<ChatRequest>,
    ) -> Result<ChatResponse, Failure<Asking>> {
        Ok(ChatResponse::Answered(Written::new(self.answer(request, body).await?)))
    }

    /// Ask a question and watch the answer being written
    ///
    /// Tells the answer step by step, as server-sent events whose data is one JSON object each.
    /// Lines that begin with a colon only keep the connection alive. The last event is `done`, which
    /// holds what `POST /chat` replies, or `error`. What is wrong with the request itself is an
    /// error reply before the stream begins.
    ///
    /// Events have ids that count from 1. A stream cannot be taken up again: a request with the
    /// header `Last-Event-ID`, as clients send it that connect anew by themselves, gets 409 and
    /// asks no model. Tell such a client not to.
    #[oai(path = "/chat/stream", method = "post", operation_id = "chat_stream", tag = "Tag::Chat")]
    async fn chat_stream(
        &self,
        request: &Request,
        body: JsonBody<ChatRequest>,
    ) -> Result<StreamResponse, Failure<Streaming>> {
        Ok(StreamResponse::Begun(Written::new(self.tell(request, body).await?)))
    }

    /// Say whether an answer helped
    ///
    /// For the owner of the book, who sees what was asked in vain. Of several ratings of a reply the
    /// last one counts. Where the owner keeps no journal, ratings are counted and nothing else.
    #[oai(path = "/feedback", method = "post", operation_id = "feedback", tag = "Tag::Chat")]
    async fn feedback(
        &self,
        body: JsonBody<FeedbackRequest>,
    ) -> Result<FeedbackResponse, Failure<Rated>> {
        self.rate(body).await?;
        Ok(FeedbackResponse::Taken)
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
    /// Asks everything that an answer depends on, at most once in a few seconds. While answers are
    /// merely worse than with everything in order, the server is ready, and `degraded`.
    #[oai(path = "/ready", method = "get", operation_id = "ready", tag = "Tag::Operation")]
    async fn ready(&self, request: &Request) -> Result<ReadyResponse, Failure<Looking>> {
        let mut readiness = self.probe.readiness().await;
        let leaves = request.data().is_some_and(|Leaving(told)| told.is_cancelled());
        readiness.ready &= !leaves;
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
    Answered(Written<Json<ChatReply>>),
}

#[derive(ApiResponse)]
enum StreamResponse {
    /// The steps of the answer. The schema is that of the data of one event.
    #[oai(status = 200)]
    Begun(Written<Events>),
}

#[derive(ApiResponse)]
enum FeedbackResponse {
    /// The rating was taken.
    #[oai(status = 204)]
    Taken,
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
    type Document = ProblemDocument;

    const STATUSES: &'static [u16] = &[400, 401, 403, 408, 413, 415, 429, 500, 502, 503, 504];
}

/// How asking for a stream fails, before it begins.
struct Streaming;

impl Listed for Streaming {
    type Document = ProblemDocument;

    const STATUSES: &'static [u16] = &[400, 401, 403, 408, 409, 413, 415, 429, 500];
}

/// How rating a reply fails.
struct Rated;

impl Listed for Rated {
    type Document = ProblemDocument;

    const STATUSES: &'static [u16] = &[400, 401, 403, 408, 413, 415, 429, 500, 503];

    fn meaning(status: u16) -> &'static str {
        match status {
            400 => "The body is no JSON, or a field does not fit.",
            503 => "The journal takes nothing for now.",
            _ => usual_meaning(status),
        }
    }
}

/// How looking at the state of the server fails.
struct Looking;

impl Listed for Looking {
    type Document = ProblemDocument;

    const STATUSES: &'static [u16] = &[401, 405, 500, 504];

    fn meaning(status: u16) -> &'static str {
        match status {
            504 => "The reply took too long.",
            _ => usual_meaning(status),
        }
    }
}
