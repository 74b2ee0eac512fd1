//! The outermost layer: what every request and every reply has in common.

use std::fmt;
use std::task::Poll;
use std::time::Duration;

use askbook::trace::{TraceParent, traced, within};
use futures_util::{Stream, stream};
use metrics::{counter, gauge, histogram};
use poem::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
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
use crate::wires::Protocol;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// What a reply that is no page may do in a browser that takes it for one: nothing.
const INERT: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Gives each request an id and a span, logs one event when its reply ends, writes the body of problems,
/// and sets the headers that every reply has.
///
/// Handlers record what they find out in the span: the fields of `Entry::new`. Nothing in it
/// is text of a reader or of the book, nor an address as it was sent.
pub(crate) struct RequestLog<E> {
    inner: E,
    wires: Vec<Protocol>,
}

impl<E> RequestLog<E> {
    /// `wires`: the protocols of others that are spoken.
    pub(crate) fn new(inner: E, wires: Vec<Protocol>) -> Self {
        Self { inner, wires }
    }
}

impl<E> RequestLog<E> {
    fn write_document(&self, response: &mut Response, problem: &Problem, id: &HeaderValue) {
        let id = id.to_str().unwrap_or_default();
        let routes = (problem.code == Code::NotFound).then(|| routes::list(&self.wires));
        let document = ProblemDocument::new(problem, id, routes);
        // Strings and numbers always serialise.
        response.set_body(serde_json::to_vec(&document).unwrap_or_default());
        let media_type = HeaderValue::from_static(ProblemDocument::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, media_type);
    }
}

impl<E: Endpoint> Endpoint for RequestLog<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        canonicalise(request.uri_mut());
        let id = request_id(request.headers());
        request.set_data(RequestId(id.clone()));
        let route = routes::find(request.uri().path());
        let protocol = Protocol::at(request.uri().path());
        let trace = trace(request.headers());
        let mut entry = within(trace, || Entry::new(&id, request.method(), route, trace));
        if request.method() == Method::HEAD {
            // hyper leaves the body out.
            request.set_method(Method::GET);
        }

        let handled = self.inner.get_response(request).instrument(entry.span.clone());
        let mut response = traced(trace, handled).await;
        let problem = response.extensions_mut().remove::<Problem>();
        if let Some(problem) = &problem {
            write_problem(&mut response, problem, route);
            match protocol {
                Some(protocol) => protocol.refuse(problem, &mut response),
                None => self.write_document(&mut response, problem, &id),
            }
        }
        if let Some(problem) = &problem {
            entry.span.in_scope(|| record_problem(problem));
        }
        entry.answer(response.status());
        if response.extensions_mut().remove::<Streamed>().is_some() {
            let body = response.take_body();
            response.set_body(entry.follow(body));
        } else {
            entry.end();
        }

        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(INERT);
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
pub(crate) fn canonicalise(uri: &mut Uri) {
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
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fit = |id: &&HeaderValue| {
        (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    headers.get(&REQUEST_ID).filter(fit).cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::new_v4().to_string())
            .unwrap_or(HeaderValue::from_static("unknown"))
    })
}

/// The trace that the request belongs to, if its caller says so, once and in the right form.
pub(crate) fn trace(headers: &HeaderMap) -> Option<TraceParent> {
    let mut given = headers.get_all(TRACE_PARENT).iter();
    let (given, None) = (given.next()?, given.next()) else {
        return None;
    };
    TraceParent::parse(given.to_str().ok()?)
}

/// Writes what a problem says outside of the body.
fn write_problem(response: &mut Response, problem: &Problem, route: Option<&Route>) {
    let headers = response.headers_mut();
    if let Some(seconds) = problem.retry_after() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let (Code::MethodNotAllowed, Some(route)) = (problem.code, route) {
        headers.insert(ALLOW, HeaderValue::from_static(route.methods));
    }
}

/// Tells the owner about a problem, in the span of its request, and counts it.
pub(crate) fn record_problem(problem: &Problem) {
    let span = Span::current();
    span.record("problem.code", tracing::field::display(problem.code));
    if let Some(stage) = problem.stage {
        span.record("problem.stage", tracing::field::display(stage));
    }
    let stage = problem.stage.map_or_else(|| "none".to_owned(), |stage| stage.to_string());
    counter!("askbook_problems_total", "code" => problem.code.to_string(), "stage" => stage)
        .increment(1);
    match &problem.cause {
        _ if !problem.code.status().is_server_error() => {
            debug!(detail = %problem.detail, "request refused");
        }
        Some(cause) => error!(error = chain(&**cause), "request failed"),
        None => error!(error = %problem.detail, "request failed"),
    }
}

/// A request in the log and in the metrics.
struct Entry {
    span: Span,
    /// One of the addresses that there are, or `none`.
    route: &'static str,
    /// Which its reply belongs to.
    trace: Option<TraceParent>,
    begun: Instant,
    /// Of the reply, once it was begun.
    status: Option<StatusCode>,
    ended: bool,
}

/// Stands in the metrics for the status of a reply that its client did not wait for, as in the
/// logs of nginx.
const LEFT: &str = "499";

impl Entry {
    fn new(
        id: &HeaderValue,
        method: &Method,
        route: Option<&Route>,
        trace: Option<TraceParent>,
    ) -> Self {
        let route = route.map_or("none", |route| route.path);
        let span = info_span!(
            "request",
            request.id = id.to_str().unwrap_or_default(),
            trace.id = trace.map(TraceParent::trace_id),
            http.method = known(method),
            http.route = route,
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
        gauge!("askbook_requests_in_flight").increment(1);
        Self { span, route, begun: Instant::now(), trace, status: None, ended: false }
    }

    /// The reply has begun.
    fn answer(&mut self, status: StatusCode) {
        self.span.record("http.status", status.as_u16());
        self.status = Some(status);
    }

    fn end(mut self) {
        self.ended = true;
        let duration = self.begun.elapsed();
        self.span.record("duration_ms", milliseconds(duration));
        histogram!("askbook_request_duration_seconds", "route" => self.route).record(duration);
        info!(parent: &self.span, "request answered");
    }

    /// A body that ends this entry where it ends itself, and that works in its span.
    fn follow(self, body: Body) -> Body {
        let (span, trace) = (self.span.clone(), self.trace);
        let mut chunks = Box::pin(body.into_bytes_stream());
        let mut entry = Some(self);
        Body::from_bytes_stream(stream::poll_fn(move |cx| {
            let polled = within(trace, || span.in_scope(|| chunks.as_mut().poll_next(cx)));
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
    /// When it was not ended, the client left, so that the connection dropped the request.
    fn drop(&mut self) {
        gauge!("askbook_requests_in_flight").decrement(1);
        let status = self.status.filter(|_| self.ended);
        let status = status.map_or_else(|| LEFT.to_owned(), |status| status.as_str().to_owned());
        counter!("askbook_requests_total", "route" => self.route, "status" => status).increment(1);
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
