//! Cross-origin requests (Fetch standard, 3.2): the book's site gets in and nobody else.
//!
//! Not poem's layer: it answers errors in another form when there is an `Origin`, refuses the
//! server's own pages, leaves `Vary` out, and panics on an `Origin` that is not ASCII.

use poem::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN, VARY,
};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use crate::client::Client;
use crate::origin::Origin;
use crate::problem::{Code, Problem};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
/// `x-stream-response` is what existing widgets send with every question, `last-event-id` what
/// clients send that connect to a stream anew; the next four belong to `ChatKit`, and the rest is what
/// the package `openai` says about itself.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, authorization, idempotency-key, x-request-id, traceparent, x-stream-response, \
     last-event-id, accept-language, chatkit-frame-instance-id, askbook-visitor, askbook-page, \
     user-agent, x-stainless-arch, x-stainless-helper-method, x-stainless-lang, x-stainless-os, \
     x-stainless-package-version, x-stainless-retry-count, x-stainless-runtime, \
     x-stainless-runtime-version, x-stainless-timeout",
);
const REPLY_HEADERS: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, ratelimit, ratelimit-policy, askbook-visitor",
);
/// In seconds, how long a browser need not ask again: as long as Chromium allows.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Lets pages of these origins use an endpoint.
///
/// A page of another origin can change nothing and spend nothing: only GET and HEAD get through,
/// and without the headers that would let the page read the reply. Requests without an `Origin`
/// do not come from another site's page and pass, and so do those with a key: a page has none.
pub(crate) struct Cors<E> {
    inner: E,
    origins: Vec<Origin>,
}

impl<E> Cors<E> {
    pub(crate) fn new(inner: E, origins: Vec<Origin>) -> Self {
        Self { inner, origins }
    }

    /// What `Access-Control-Allow-Origin` says to a page of this origin.
    fn grant(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.origins.iter().any(Origin::is_any) {
            return Some(HeaderValue::from_static("*"));
        }
        let listed = self.origins.iter().any(|listed| listed.matches(origin.as_bytes()));
        listed.then(|| origin.clone())
    }
}

impl<E: Endpoint> Endpoint for Cors<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let origin = request.headers().get(ORIGIN);
        let grant = origin.and_then(|origin| self.grant(origin));
        let foreign = origin.is_some()
            && grant.is_none()
            && !is_own(request.headers())
            && !Client::of(&request).claims_a_key();
        let safe = matches!(*request.method(), Method::GET | Method::HEAD);
        let preflight = origin.is_some()
            && request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);

        let mut response = if foreign && !safe {
            let detail = "pages of this site may not ask here; \
                          the server's owner can add its origin to those allowed";
            Problem::new(Code::OriginNotAllowed, detail).into_response()
        } else if preflight {
            StatusCode::NO_CONTENT.into_response()
        } else {
            self.inner.get_response(request).await
        };

        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("origin"));
        if let Some(grant) = grant {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, grant);
            if preflight {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
                headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            } else {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, REPLY_HEADERS);
            }
        }
        Ok(response)
    }
}

/// Whether the request comes from a page of this server, such as Swagger UI: browsers send the
/// `Origin` with a POST from there, too. Behind a proxy that changes `Host`, the browser's own
/// word counts, which no page can forge.
pub(crate) fn is_own(headers: &HeaderMap) -> bool {
    let authority = |name| headers.get(name).map(HeaderValue::as_bytes).map(without_scheme);
    headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
        || (headers.contains_key(HOST) && authority(ORIGIN) == authority(HOST))
}

fn without_scheme(origin: &[u8]) -> &[u8] {
    let end = origin.windows(3).position(|part| part == b"://").map_or(0, |at| at + 3);
    &origin[end..]
}
