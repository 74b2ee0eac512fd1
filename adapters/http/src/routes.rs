//! What is where.

use std::sync::Arc;

use askbook::chat::Chat;
use bytes::Bytes;
use poem::endpoint::make_sync;
use poem::http::header::CONTENT_SECURITY_POLICY;
use poem::middleware::SetHeader;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route as Router, get};
use poem_openapi::OpenApi;

use crate::api::Api;
use crate::openapi;
use crate::settings::HttpSettings;

/// An address.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// As in `Allow`.
    pub(crate) methods: &'static str,
}

/// All of them. `endpoint` serves the same ones; a test compares the two.
pub(crate) const ROUTES: [Route; 9] = [
    Route { path: "/", methods: "GET, HEAD" },
    Route { path: "/chat", methods: "POST" },
    Route { path: "/chat/stream", methods: "POST" },
    Route { path: "/feedback", methods: "POST" },
    Route { path: "/search", methods: "POST" },
    Route { path: "/health", methods: "GET, HEAD" },
    Route { path: "/ready", methods: "GET, HEAD" },
    Route { path: "/openapi.json", methods: "GET, HEAD" },
    Route { path: "/docs", methods: "GET, HEAD" },
];

pub(crate) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path)
}

/// For people who took a wrong turn.
pub(crate) fn list() -> Vec<String> {
    ROUTES.iter().map(|route| format!("{} {}", route.methods, route.path)).collect()
}

pub(crate) fn endpoint(chat: Chat, settings: &HttpSettings) -> impl Endpoint + use<> {
    let pages = Router::new()
        .at("/", get(page(include_str!("index.html"), START_PAGE)))
        .at("/openapi.json", get(text("application/json", openapi::document())))
        .at("/docs", get(page(openapi::documentation(), SWAGGER_UI)));
    // One by one: nested under "/" they would take the pages' addresses, too.
    let api = Arc::new(openapi::service(Api::new(chat, settings)).into_endpoint());
    let operations = Api::meta().into_iter().flat_map(|api| api.paths);
    operations.fold(pages, |routes, operation| routes.at(operation.path, Arc::clone(&api)))
}

/// What the start page needs of a browser.
const START_PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                          form-action 'none'; frame-ancestors 'none'";

/// What Swagger UI needs: its script and style stand in the page, its pictures in the style, and it
/// asks this server. Nothing of a reader is in the page that could be taken for a script.
const SWAGGER_UI: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src \
                          'unsafe-inline'; img-src data:; font-src data:; connect-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page that the browser holds to this policy (Content Security Policy, level 3).
fn page(content: impl Into<Bytes>, policy: &'static str) -> impl Endpoint {
    let page = text("text/html; charset=utf-8", content);
    page.map_to_response().with(SetHeader::new().overriding(CONTENT_SECURITY_POLICY, policy))
}

fn text(media_type: &'static str, content: impl Into<Bytes>) -> impl Endpoint {
    let content = content.into();
    make_sync(move |_| Response::builder().content_type(media_type).body(content.clone()))
}
