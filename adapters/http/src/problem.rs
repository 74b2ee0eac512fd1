//! Problems: the one form of every error reply (RFC 9457).
//!
//! A [`Problem`] travels as an error or as an extension of its reply; `request_log`, which knows
//! the request's id, writes the body. Every text is our own: a cause goes to the log, not to the
//! client.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use askbook::error::{ChatError, ErrorKind, PortError, Stage};
use askbook::question::QuestionError;
use poem::error::{MethodNotAllowedError, NotFoundError, ResponseError};
use poem::http::StatusCode;
use poem::{IntoResponse, Response};
use poem_openapi::error::ContentTypeError;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Enum};
use serde::Serialize;

use crate::wire::ProblemDocument;

/// What went wrong, for programs. More values may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "ProblemCode", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    InvalidRequest,
    InvalidJson,
    InvalidField,
    EmptyMessage,
    TooLong,
    ConflictingFields,
    Unauthorized,
    OriginNotAllowed,
    NotFound,
    MethodNotAllowed,
    BodyTimeout,
    NotResumable,
    BodyTooLarge,
    UnsupportedMediaType,
    RateLimited,
    Overloaded,
    Internal,
    ShuttingDown,
    UpstreamRejected,
    UpstreamBlocked,
    UpstreamMalformed,
    UpstreamUnavailable,
    UpstreamRateLimited,
    UpstreamUnauthorized,
    UpstreamMisconfigured,
    UpstreamTimeout,
    SpendCeiling,
    DeadlineExceeded,
}

impl Code {
    /// The status and the title that go with the code.
    ///
    /// A rate limit of an upstream is 503 and not 429: the client did nothing wrong, and 429 is
    /// kept for limits of this server. A refused key is 503 as well: the client's own
    /// credentials, which 401 and 403 are about, have no part in it.
    fn meaning(self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "Invalid request"),
            Self::InvalidJson => (StatusCode::BAD_REQUEST, "Invalid JSON"),
            Self::InvalidField => (StatusCode::BAD_REQUEST, "Invalid field"),
            Self::EmptyMessage => (StatusCode::BAD_REQUEST, "Empty message"),
            Self::TooLong => (StatusCode::BAD_REQUEST, "Text too long"),
            Self::ConflictingFields => (StatusCode::BAD_REQUEST, "Conflicting fields"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::OriginNotAllowed => (StatusCode::FORBIDDEN, "Origin not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "Body too slow"),
            Self::NotResumable => (StatusCode::CONFLICT, "Stream not resumable"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")
            }
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "Server busy"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
            Self::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "Server stopping"),
            Self::UpstreamRejected => (StatusCode::BAD_GATEWAY, "Upstream rejected the request"),
            Self::UpstreamBlocked => (StatusCode::BAD_GATEWAY, "Upstream declined to answer"),
            Self::UpstreamMalformed => (StatusCode::BAD_GATEWAY, "Upstream reply unusable"),
            Self::UpstreamUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "Upstream unavailable"),
            Self::UpstreamRateLimited => (StatusCode::SERVICE_UNAVAILABLE, "Upstream busy"),
            Self::UpstreamUnauthorized => {
                (StatusCode::SERVICE_UNAVAILABLE, "Upstream access not set up")
            }
            Self::UpstreamMisconfigured => (StatusCode::SERVICE_UNAVAILABLE, "Upstream not set up"),
            Self::UpstreamTimeout => (StatusCode::GATEWAY_TIMEOUT, "Upstream too slow"),
            Self::SpendCeiling => (StatusCode::SERVICE_UNAVAILABLE, "Spend ceiling reached"),
            Self::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "Deadline exceeded"),
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        self.meaning().0
    }

    pub(crate) fn title(self) -> &'static str {
        self.meaning().1
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// An error reply.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Problem {
    pub(crate) code: Code,
    /// What happened and what to do, for the person in front of the client.
    pub(crate) detail: Cow<'static, str>,
    /// The field of the body that is at fault.
    pub(crate) field: Option<String>,
    /// The step of a chat or a search that failed.
    pub(crate) stage: Option<Stage>,
    retry_after: Option<Duration>,
    /// For the log.
    pub(crate) cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self { code, detail, field: None, stage: None, retry_after: None, cause: None }
    }

    /// The problem is this field of the body.
    pub(crate) fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The client may try again after so long.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// A fault of this server.
    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let detail = "something went wrong in this server; its log says more";
        Self { cause: Some(Arc::from(cause.into())), ..Self::new(Code::Internal, detail) }
    }

    /// The answer as a whole took too long.
    pub(crate) fn deadline_exceeded() -> Self {
        Self::new(Code::DeadlineExceeded, "the answer took too long; try again in a moment")
    }

    /// The server ends before the answer.
    pub(crate) fn shutting_down() -> Self {
        let detail = "this server is being stopped; ask again in a moment";
        Self::new(Code::ShuttingDown, detail).after(Duration::from_secs(1))
    }

    /// The journal does not take what a reader thinks of a reply.
    pub(crate) fn from_journal(error: PortError) -> Self {
        let problem = Self::from_port("the journal of the book's owner", &error);
        Self { cause: Some(Arc::new(error)), ..problem }
    }

    /// In how many seconds to try again, rounded up: a client that comes back too early is
    /// refused again.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.retry_after.map(whole_seconds)
    }

    pub(crate) fn from_panic() -> Self {
        Self::internal("the request handler panicked")
    }

    /// Translates whatever an endpoint of poem failed with.
    pub(crate) fn from_error(error: poem::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(problem) => return problem,
            Err(error) => error,
        };
        if error.is::<NotFoundError>() {
            return Self::new(Code::NotFound, "there is nothing at this address");
        }
        if error.is::<MethodNotAllowedError>() {
            return Self::new(Code::MethodNotAllowed, "this address does not take that method");
        }
        if error.is::<ContentTypeError>() {
            let detail = "send the body with the header content-type: application/json";
            return Self::new(Code::UnsupportedMediaType, detail);
        }
        if error.status().is_client_error() {
            return Self::new(Code::InvalidRequest, "the request cannot be understood");
        }
        Self::internal(error.to_string())
    }

    /// `who` is the port in words.
    fn from_port(who: &str, error: &PortError) -> Self {
        let (code, what) = match error.kind() {
            ErrorKind::Unavailable => {
                (Code::UpstreamUnavailable, "cannot be reached; try again in a moment")
            }
            ErrorKind::Timeout => {
                (Code::UpstreamTimeout, "did not answer in time; try again in a moment")
            }
            ErrorKind::RateLimited => {
                (Code::UpstreamRateLimited, "takes no more questions for now; try again later")
            }
            ErrorKind::Exhausted => (
                Code::SpendCeiling,
                "has had as much as this server's owner spends on it for now; try again later",
            ),
            ErrorKind::Unauthorized => (
                Code::UpstreamUnauthorized,
                "does not let this server in; its owner has to set that right",
            ),
            ErrorKind::Misconfigured => {
                (Code::UpstreamMisconfigured, "is not set up; the server's owner has to do that")
            }
            ErrorKind::Rejected => {
                (Code::UpstreamRejected, "could not work on this question; ask differently")
            }
            ErrorKind::Blocked => {
                (Code::UpstreamBlocked, "declined to work on this question; ask differently")
            }
            ErrorKind::Malformed => {
                (Code::UpstreamMalformed, "gave no usable reply; try again in a moment")
            }
        };
        Self { retry_after: error.retry_after(), ..Self::new(code, format!("{who} {what}")) }
    }
}

impl From<QuestionError> for Problem {
    fn from(error: QuestionError) -> Self {
        let code = match error {
            QuestionError::Empty => Code::EmptyMessage,
            QuestionError::TooLong { .. } => Code::TooLong,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        match &error {
            ChatError::Question(error) => (*error).into(),
            ChatError::Port { stage, source } => {
                let who = match stage {
                    Stage::Session => "the memory of conversations",
                    Stage::Embed => "the service that reads questions",
                    Stage::Retrieve => "the search in the book",
                    Stage::Generate => "the service that writes answers",
                };
                let problem = Self { stage: Some(*stage), ..Self::from_port(who, source) };
                Self { cause: Some(Arc::new(error)), ..problem }
            }
        }
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.code.status()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Response::builder().status(self.code.status()).extension(self).finish()
    }
}

/// The error replies that the document lists for an operation.
pub(crate) trait Listed {
    /// What they hold.
    type Document: Payload;

    const STATUSES: &'static [u16];

    /// What a status means here.
    fn meaning(status: u16) -> &'static str {
        usual_meaning(status)
    }
}

/// What a status means when a question is asked, and mostly elsewhere.
pub(crate) fn usual_meaning(status: u16) -> &'static str {
    match status {
        400 => "The body is no JSON, a field does not fit, or the question cannot be asked.",
        401 => "The key is wrong, or there is none and it takes one.",
        403 => "The page that asks is of an origin that is not allowed.",
        405 => "Only GET and HEAD are allowed.",
        408 => "The body took too long to arrive.",
        409 => "The stream cannot be taken up again.",
        413 => "The body is too large.",
        415 => "The body is not declared as application/json.",
        429 => "This client asks too much.",
        502 => "An upstream declined the question or gave no usable reply.",
        503 => "An upstream cannot be reached, takes no more for now, or is not set up.",
        504 => "An upstream, or the answer as a whole, took too long.",
        _ => "This server has a fault.",
    }
}

/// How the operation `O` fails.
pub(crate) struct Failure<O>(Problem, PhantomData<O>);

impl<O> From<Problem> for Failure<O> {
    fn from(problem: Problem) -> Self {
        Self(problem, PhantomData)
    }
}

impl<O> From<Failure<O>> for poem::Error {
    fn from(failure: Failure<O>) -> Self {
        failure.0.into()
    }
}

impl<O: Listed> ApiResponse for Failure<O> {
    fn meta() -> MetaResponses {
        let responses = O::STATUSES.iter().map(|&status| MetaResponse {
            description: O::meaning(status),
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: O::Document::CONTENT_TYPE,
                schema: O::Document::schema_ref(),
            }],
            headers: match status {
                429 | 503 => vec![retry_after()],
                _ => Vec::new(),
            },
        });
        MetaResponses { responses: responses.collect() }
    }

    fn register(registry: &mut Registry) {
        O::Document::register(registry);
    }
}

fn retry_after() -> MetaHeader {
    MetaHeader {
        name: "Retry-After".to_owned(),
        description: Some("In how many seconds to try again, if that is known.".to_owned()),
        required: false,
        deprecated: false,
        schema: u64::schema_ref(),
    }
}

impl Payload for ProblemDocument {
    const CONTENT_TYPE: &'static str = "application/problem+json";

    fn schema_ref() -> MetaSchemaRef {
        <Self as Type>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        <Self as Type>::register(registry);
    }
}

/// Seconds, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// An error and what it came from, outermost first, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
