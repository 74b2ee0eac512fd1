//! What is where.

use std::sync::{Arc, LazyLock};

use askbook::chat::Chat;
use bytes::Bytes;
use poem::endpoint::make_sync;
use poem::http::header::CONTENT_SECURITY_POLICY;
use poem::middleware::SetHeader;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route as Router, get, post};
use poem_openapi::OpenApi;

use crate::api::Api;
use crate::intake::Intake;
use crate::openapi::{self, Operations};
use crate::settings::{HttpSettings, ThreadStore};
use crate::widget;
use crate::wires::{AiSdk, ChatKit, OpenAi, Protocol};

/// An address.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// As in `Allow`.
    pub(crate) methods: &'static str,
}

/// All of them. `endpoint` serves the same ones; a test compares the two.
pub(crate) const ROUTES: [Route; 16] = [
    Route { path: "/", methods: "GET, HEAD" },
    Route { path: "/chat", methods: "POST" },
    Route { path: "/chat/stream", methods: "POST" },
    Route { path: "/feedback", methods: "POST" },
    Route { path: "/search", methods: "POST" },
    Route { path: "/health", methods: "GET, HEAD" },
    Route { path: "/ready", methods: "GET, HEAD" },
    Route { path: "/openapi.json", methods: "GET, HEAD" },
    Route { path: "/docs", methods: "GET, HEAD" },
    Route { path: "/widget.js", methods: "GET, HEAD" },
    Route { path: "/widget/panel.js", methods: "GET, HEAD" },
    Route { path: "/ai-sdk/chat", methods: "POST" },
    Route { path: "/v1/chat/completions", methods: "POST" },
    Route { path: "/v1/models", methods: "GET, HEAD" },
    Route { path: "/v1/models/{model}", methods: "GET, HEAD" },
    Route { path: "/chatkit", methods: "POST" },
];

impl Route {
    /// Whether it is what a path means, whose last step may stand for a parameter.
    fn is(&self, path: &str) -> bool {
        match self.path.split_once('{') {
            Some((parent, _)) => path
                .strip_prefix(parent)
                .is_some_and(|step| !step.is_empty() && !step.contains('/')),
            None => self.path == path,
        }
    }
}

pub(crate) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.is(path))
}

/// For people who took a wrong turn: what there is where these protocols of others are spoken.
pub(crate) fn list(wires: &[Protocol]) -> Vec<String> {
    let served = ROUTES.iter().filter(|route| is_served(route.path, wires));
    served.map(|route| format!("{} {}", route.methods, route.path)).collect()
}

fn is_served(path: &str, wires: &[Protocol]) -> bool {
    Protocol::at(path).is_none_or(|protocol| wires.contains(&protocol))
}

pub(crate) fn endpoint(chat: Chat, settings: &HttpSettings) -> impl Endpoint + use<> {
    let pages = Router::new()
        .at("/", get(page(|| include_str!("index.html"), START_PAGE)))
        .at("/openapi.json", get(text("application/json", openapi::document)))
        .at("/docs", get(page(openapi::documentation, SWAGGER_UI)))
        .at("/widget.js", get(widget::serve(&widget::WIDGET)))
        .at("/widget/panel.js", get(widget::serve(&widget::PANEL)));
    let intake = Intake::new(chat, settings);
    let pages = if is_served("/chatkit", &settings.wires) {
        let ThreadStore(threads) = settings.threads.clone();
        pages.at("/chatkit", post(ChatKit::new(intake.clone(), threads)))
    } else {
        pages
    };
    // One by one: nested under "/" they would take the pages' addresses, too.
    let operations: Operations =
        (Api::new(intake.clone(), settings), AiSdk::new(intake.clone()), OpenAi::new(intake));
    let api = Arc::new(openapi::service(operations).into_endpoint());
    let paths = Operations::meta().into_iter().flat_map(|api| api.paths).map(|path| path.path);
    // The router marks a parameter in another way than the document does.
    paths.filter(|path| is_served(path, &settings.wires)).fold(pages, |routes, path| {
        routes.at(path.replace('{', ":").replace('}', ""), Arc::clone(&api))
    })
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
fn page<C: Into<Bytes> + 'static>(content: fn() -> C, policy: &'static str) -> impl Endpoint {
    let page = text("text/html; charset=utf-8", content);
    page.map_to_response().with(SetHeader::new().overriding(CONTENT_SECURITY_POLICY, policy))
}

/// A text that is made when it is first asked for: the documents take most of a start, and few
/// read them.
fn text<C: Into<Bytes> + 'static>(media_type: &'static str, content: fn() -> C) -> impl Endpoint {
    let content = LazyLock::new(move || content().into());
    make_sync(move |_| Response::builder().content_type(media_type).body(Bytes::clone(&content)))
}
