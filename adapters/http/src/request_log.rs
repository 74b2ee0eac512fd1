//! The outermost layer: what every request and every reply has in common.

use std::time::Duration;

use poem::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use poem::{Endpoint, Request, Response, Result};
use poem_openapi::payload::Payload;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, error, info, info_span};
use uuid::Uuid;

use crate::problem::{Code, Problem, chain};
use crate::routes::{self, Route};
use crate::wire::ProblemDocument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives each request an id and a span, logs one event when it ends, writes the body of problems,
/// and sets the headers that every reply has.
///
/// Handlers record what they find out in the span: the fields of `Entry::new`. Nothing in it
/// is text of a reader or of the book, nor an address as it was sent.
pub(crate) struct RequestLog<E> {
    inner: E,
}

impl<E> RequestLog<E> {
    pub(crate) fn new(inner: E) -> Self {
        Self { inner }
    }
}

impl<E: Endpoint> Endpoint for RequestLog<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        trim_slashes(request.uri_mut());
        let id = request_id(request.headers());
        let route = routes::find(request.uri().path());
        let entry = Entry::new(&id, request.method(), route);
        if request.method() == Method::HEAD {
            // hyper leaves the body out.
            request.set_method(Method::GET);
        }

        let handled = self.inner.get_response(request).instrument(entry.span.clone());
        let mut response = handled.await;
        let problem = response.extensions_mut().remove::<Problem>();
        if let Some(problem) = &problem {
            write_problem(&mut response, problem, &id, route);
        }
        entry.end(response.status(), problem.as_ref());

        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Makes `/chat/` the same as `/chat`.
fn trim_slashes(uri: &mut Uri) {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() == path.len() || trimmed.is_empty() {
        return;
    }
    let trimmed = match uri.query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    if let Ok(trimmed) = trimmed.parse() {
        *uri = trimmed;
    }
}

/// The id that the client or a proxy gave the request, if it is fit for a log, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fit = |id: &&HeaderValue| {
        (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    headers.get(&REQUEST_ID).filter(fit).cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::new_v4().to_string())
            .unwrap_or(HeaderValue::from_static("unknown"))
    })
}

fn write_problem(
    response: &mut Response,
    problem: &Problem,
    id: &HeaderValue,
    route: Option<&Route>,
) {
    let id = id.to_str().unwrap_or_default();
    let routes = (problem.code == Code::NotFound).then(routes::list);
    let document = ProblemDocument::new(problem, id, routes);
    // Strings and numbers always serialise.
    let body = serde_json::to_vec(&document).unwrap_or_default();
    response.set_body(body);
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_static(ProblemDocument::CONTENT_TYPE);
    headers.insert(CONTENT_TYPE, media_type);
    if let Some(wait) = problem.retry_after {
        headers.insert(RETRY_AFTER, whole_seconds(wait).into());
    }
    if let (Code::MethodNotAllowed, Some(route)) = (problem.code, route) {
        headers.insert(ALLOW, HeaderValue::from_static(route.methods));
    }
}

/// Rounded up: a client that comes back too early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// A request in the log.
struct Entry {
    span: Span,
    begun: Instant,
    ended: bool,
}

impl Entry {
    fn new(id: &HeaderValue, method: &Method, route: Option<&Route>) -> Self {
        let span = info_span!(
            "request",
            request.id = id.to_str().unwrap_or_default(),
            http.method = known(method),
            http.route = route.map_or("none", |route| route.path),
            http.status = Empty,
            duration_ms = Empty,
            session_ms = Empty,
            embed_ms = Empty,
            retrieve_ms = Empty,
            first_delta_ms = Empty,
            generate_ms = Empty,
            candidates = Empty,
            retrieved = Empty,
            sufficient = Empty,
            degraded = Empty,
            outcome = Empty,
            model = Empty,
            input_tokens = Empty,
            output_tokens = Empty,
            problem.code = Empty,
            problem.stage = Empty,
        );
        Self { span, begun: Instant::now(), ended: false }
    }

    fn end(mut self, status: StatusCode, problem: Option<&Problem>) {
        self.ended = true;
        let span = &self.span;
        span.record("http.status", status.as_u16());
        span.record("duration_ms", milliseconds(self.begun.elapsed()));
        if let Some(problem) = problem {
            span.record("problem.code", tracing::field::display(problem.code));
            if let Some(stage) = problem.stage {
                span.record("problem.stage", tracing::field::display(stage));
            }
            match &problem.cause {
                _ if !status.is_server_error() => {
                    debug!(parent: span, detail = %problem.detail, "request refused");
                }
                Some(cause) => error!(parent: span, error = chain(&**cause), "request failed"),
                None => error!(parent: span, error = %problem.detail, "request failed"),
            }
        }
        info!(parent: span, "request answered");
    }
}

impl Drop for Entry {
    /// The client left, so that the connection dropped the request.
    fn drop(&mut self) {
        if !self.ended {
            self.span.record("duration_ms", milliseconds(self.begun.elapsed()));
            self.span.record("outcome", "cancelled");
            info!(parent: &self.span, "request cancelled");
        }
    }
}

/// The methods that have a meaning here; others are whatever a client made up.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// As logs have it, to three decimal places.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
