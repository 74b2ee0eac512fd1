//! The outermost layer: what every request and every reply has in common.

use std::fmt;
use std::task::Poll;
use std::time::Duration;

use futures_util::{Stream, stream};
use poem::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use poem::{Body, Endpoint, Request, Response, Result};
use poem_openapi::payload::Payload;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, error, info, info_span};
use uuid::Uuid;

use crate::problem::{Code, Problem, chain};
use crate::routes::{self, Route};
use crate::streaming::Streamed;
use crate::wire::ProblemDocument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives each request an id and a span, logs one event when its reply ends, writes the body of problems,
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
        canonicalise(request.uri_mut());
        let id = request_id(request.headers());
        request.set_data(RequestId(id.clone()));
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
        if let Some(problem) = &problem {
            entry.span.in_scope(|| record_problem(problem));
        }
        entry.span.record("http.status", response.status().as_u16());
        if response.extensions_mut().remove::<Streamed>().is_some() {
            let body = response.take_body();
            response.set_body(entry.follow(body));
        } else {
            entry.end();
        }

        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Names a request: in the log, in the header of its reply, in problems.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// Makes `/chat/` and `/api/chat`, by which existing front ends ask, the same as `/chat`, and so
/// with every address.
fn canonicalise(uri: &mut Uri) {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    let below_api = trimmed.strip_prefix("/api").filter(|path| routes::find(path).is_some());
    let trimmed = below_api.unwrap_or(trimmed);
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
    if let Some(seconds) = problem.retry_after() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let (Code::MethodNotAllowed, Some(route)) = (problem.code, route) {
        headers.insert(ALLOW, HeaderValue::from_static(route.methods));
    }
}

/// Tells the owner about a problem, in the span of its request.
pub(crate) fn record_problem(problem: &Problem) {
    let span = Span::current();
    span.record("problem.code", tracing::field::display(problem.code));
    if let Some(stage) = problem.stage {
        span.record("problem.stage", tracing::field::display(stage));
    }
    match &problem.cause {
        _ if !problem.code.status().is_server_error() => {
            debug!(detail = %problem.detail, "request refused");
        }
        Some(cause) => error!(error = chain(&**cause), "request failed"),
        None => error!(error = %problem.detail, "request failed"),
    }
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
            condense_ms = Empty,
            embed_ms = Empty,
            retrieve_ms = Empty,
            first_delta_ms = Empty,
            generate_ms = Empty,
            candidates = Empty,
            retrieved = Empty,
            sufficient = Empty,
            degraded = Empty,
            condensed = Empty,
            outcome = Empty,
            mode = Empty,
            losses = Empty,
            rating = Empty,
            model = Empty,
            input_tokens = Empty,
            output_tokens = Empty,
            problem.code = Empty,
            problem.stage = Empty,
        );
        Self { span, begun: Instant::now(), ended: false }
    }

    fn end(mut self) {
        self.ended = true;
        self.span.record("duration_ms", milliseconds(self.begun.elapsed()));
        info!(parent: &self.span, "request answered");
    }

    /// A body that ends this entry where it ends itself, and that works in its span.
    fn follow(self, body: Body) -> Body {
        let span = self.span.clone();
        let mut chunks = Box::pin(body.into_bytes_stream());
        let mut entry = Some(self);
        Body::from_bytes_stream(stream::poll_fn(move |cx| {
            let polled = span.in_scope(|| chunks.as_mut().poll_next(cx));
            if matches!(polled, Poll::Ready(None))
                && let Some(entry) = entry.take()
            {
                entry.end();
            }
            polled
        }))
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
