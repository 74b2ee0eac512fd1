//! OpenAI's chat completions, as its official packages and what is built on them speak it.
//!
//! <https://platform.openai.com/docs/api-reference/chat>. The client sends the whole conversation
//! with each question, so nothing of it is kept here. Citations are what they are in an answer of
//! OpenAI's web search, links in the text with an annotation each, and come with their quotes in
//! fields of our own.

mod completion;
mod request;

use std::time::{Duration, SystemTime};

use askbook::chat::{self, Delivery};
use futures_util::StreamExt;
use poem::http::header::CONTENT_TYPE;
use poem::http::{HeaderName, HeaderValue};
use poem::{IntoResponse, Request, Response};
use poem_openapi::param::Path;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object, OpenApi, ResponseContent};
use serde::Serialize;

use self::completion::{ChatCompletion, Chunks};
use self::request::ChatCompletionRequest;
pub(crate) use self::request::Received;
use super::links::LinkedText;
use crate::api::Tag;
use crate::intake::Intake;
use crate::json::{Json, JsonBody, Written};
use crate::problem::{Code, Failure, Listed, Problem, usual_meaning};
use crate::progress::Progress;
use crate::streaming;

/// The only model there is; a question may name any other one, too.
const MODEL: &str = "askbook";

/// The operations of OpenAI.
pub(crate) struct OpenAi {
    intake: Intake,
}

impl OpenAi {
    pub(crate) fn new(intake: Intake) -> Self {
        Self { intake }
    }

    async fn answer(
        &self,
        request: &Request,
        body: JsonBody<ChatCompletionRequest>,
    ) -> Result<CompletionBody, Problem> {
        let bounds = self.intake.bounds(request);
        let received: Received = self.intake.read(body).await?;
        let (streams, tells_usage) = (received.streams(), received.tells_usage());
        let (question, conversation) = received.into_asked(self.intake.question_limits)?;
        let mut progress = Progress::new(false);
        let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let created = created.as_ref().map_or(0, Duration::as_secs);
        if streams {
            let events = self.intake.ask(question, conversation, Delivery::Streamed)?;
            let chunks = Chunks::new(created, tells_usage);
            let response = streaming::reply(events, chunks, progress, bounds);
            return Ok(CompletionBody::Chunks(Written::new(response)));
        }
        let events = self.intake.ask(question, conversation, Delivery::Whole)?;
        let (mut text, mut content) = (LinkedText::default(), String::new());
        let events = events.inspect(|event| {
            progress.see(event);
            content += &text.see(event);
        });
        let answer = chat::collect(events).await?;
        let completion = ChatCompletion::new(created, content, text.links(), answer);
        Ok(CompletionBody::Whole(Written::new(Json(completion).into_response())))
    }
}

#[OpenApi]
impl OpenAi {
    /// Ask a question as OpenAI's clients do
    ///
    /// For the packages `openai` and what is built on them. The last message is the question; it is
    /// answered from the book, whatever model is named. Instructions, tools and the parameters of
    /// models are ignored: the owner of the book decides about them. With `stream` the reply is
    /// server-sent events whose data is one chunk each; the last one is the word `[DONE]`.
    #[oai(
        path = "/v1/chat/completions",
        method = "post",
        operation_id = "create_chat_completion",
        tag = "Tag::Wires"
    )]
    async fn complete(
        &self,
        request: &Request,
        body: JsonBody<ChatCompletionRequest>,
    ) -> Result<CompletionResponse, Failure<Completing>> {
        Ok(CompletionResponse::Completed(self.answer(request, body).await?))
    }

    /// List the models
    ///
    /// There is one, called `askbook`: the book.
    #[expect(clippy::unused_async, reason = "poem-openapi takes nothing else")]
    #[oai(path = "/v1/models", method = "get", operation_id = "list_models", tag = "Tag::Wires")]
    async fn models(&self) -> Result<ModelsResponse, Failure<Looking>> {
        Ok(ModelsResponse::Listed(Json(Models::all())))
    }

    /// Look at a model
    ///
    /// There is one, called `askbook`: the book.
    #[expect(clippy::unused_async, reason = "poem-openapi takes nothing else")]
    #[oai(
        path = "/v1/models/:model",
        method = "get",
        operation_id = "retrieve_model",
        tag = "Tag::Wires"
    )]
    async fn model(
        &self,
        /// The name of the model.
        model: Path<String>,
    ) -> Result<ModelResponse, Failure<LookingUp>> {
        if model.0 == MODEL {
            return Ok(ModelResponse::Known(Json(Model::only())));
        }
        let detail = "there is no such model: the only one is `askbook`";
        Err(Problem::new(Code::NotFound, detail).at("model").into())
    }
}

#[derive(ApiResponse)]
enum CompletionResponse {
    /// The answer, or that the book does not hold one. The schema of the stream is that of the data
    /// of one event.
    #[oai(status = 200)]
    Completed(CompletionBody),
}

#[derive(ResponseContent)]
enum CompletionBody {
    Whole(Written<Json<ChatCompletion>>),
    Chunks(Written<Chunks>),
}

#[derive(ApiResponse)]
enum ModelsResponse {
    /// The models.
    #[oai(status = 200)]
    Listed(Json<Models>),
}

#[derive(ApiResponse)]
enum ModelResponse {
    /// The model.
    #[oai(status = 200)]
    Known(Json<Model>),
}

/// The models that there are.
#[derive(Debug, Object, Serialize)]
struct Models {
    /// `list`
    object: String,
    data: Vec<Model>,
}

impl Models {
    fn all() -> Self {
        Self { object: "list".to_owned(), data: vec![Model::only()] }
    }
}

/// A model.
#[derive(Debug, Object, Serialize)]
struct Model {
    id: String,
    /// `model`
    object: String,
    /// Always 0.
    created: u64,
    owned_by: String,
}

impl Model {
    fn only() -> Self {
        Self {
            id: MODEL.to_owned(),
            object: "model".to_owned(),
            created: 0,
            owned_by: "askbook".to_owned(),
        }
    }
}

/// How asking fails.
struct Completing;

impl Listed for Completing {
    type Document = ErrorReply;

    const STATUSES: &'static [u16] = &[400, 401, 403, 408, 413, 415, 429, 500, 502, 503, 504];
}

/// How looking at the models fails.
struct Looking;

impl Listed for Looking {
    type Document = ErrorReply;

    const STATUSES: &'static [u16] = &[401, 405, 500];
}

/// How looking at one model fails.
struct LookingUp;

impl Listed for LookingUp {
    type Document = ErrorReply;

    const STATUSES: &'static [u16] = &[401, 404, 405, 500];

    fn meaning(status: u16) -> &'static str {
        match status {
            404 => "There is no such model.",
            _ => usual_meaning(status),
        }
    }
}

/// An error, as OpenAI tells it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "OpenAiErrorReply")]
struct ErrorReply {
    error: ErrorDetails,
}

/// What went wrong.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "OpenAiError")]
struct ErrorDetails {
    /// What happened and what to do.
    message: String,
    /// `invalid_request_error`, `requests` (too many of them) or `server_error`.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    kind: String,
    /// The field of the body that is at fault, if it is one.
    #[oai(nullable)]
    param: Option<String>,
    /// `invalid_api_key`, `rate_limit_exceeded`, `model_not_found`, or a code of askbook.
    code: String,
}

impl ErrorReply {
    fn new(problem: &Problem) -> Self {
        let kind = match problem.code.status().as_u16() {
            429 => "requests",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        let (kind, param) = (kind.to_owned(), problem.field.as_deref().map(param));
        let code = match (problem.code, param.as_deref()) {
            (Code::Unauthorized, _) => "invalid_api_key".to_owned(),
            (Code::RateLimited, _) => "rate_limit_exceeded".to_owned(),
            (Code::NotFound, Some("model")) => "model_not_found".to_owned(),
            (code, _) => code.to_string(),
        };
        Self { error: ErrorDetails { message: problem.detail.to_string(), kind, param, code } }
    }
}

/// A JSON pointer (`messages/0`) as OpenAI names a field (`messages[0]`).
fn param(pointer: &str) -> String {
    let mut steps = pointer.split('/');
    let first = steps.next().unwrap_or_default().to_owned();
    steps.fold(first, |path, step| match step.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) => format!("{path}.{step}"),
    })
}

impl Payload for ErrorReply {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        <Self as Type>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        <Self as Type>::register(registry);
    }
}

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A refusal in OpenAI's form.
///
/// Its packages ask again by themselves, twice, whatever the server's fault. They are told not to
/// where the same would come of it, or where another answer would be paid for.
pub(super) fn refuse(problem: &Problem, response: &mut Response) {
    let json = HeaderValue::from_static(<ErrorReply as Payload>::CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, json);
    let helps = matches!(
        problem.code,
        Code::BodyTimeout
            | Code::RateLimited
            | Code::Overloaded
            | Code::ShuttingDown
            | Code::UpstreamUnavailable
            | Code::UpstreamRateLimited
    );
    if !helps {
        response.headers_mut().insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    // Strings always serialise.
    response.set_body(serde_json::to_vec(&ErrorReply::new(problem)).unwrap_or_default());
}
