//! The HTTP API: poem, poem-openapi, Swagger UI.
//!
//! [`app`] makes the API of a chat; [`Server`] serves it on a socket. This is the only crate that
//! knows poem, and poem is used for what it does well: routing and the document. What it lacks or
//! does differently than this service needs is done here, in layers around it, from the inside
//! out:
//!
//! * `problem`: every error becomes one form of reply, panics included;
//! * `deadline`: a request that takes too long is answered and its work dropped;
//! * `limits`: who asks too much, or without a key where it takes one, is refused before anything
//!   is read or done;
//! * `cors`: the book's site gets in, other sites do not; its headers are on every reply;
//! * `client`: whose address and key a request comes with;
//! * `request_log`: request id, one event a request, headers of every reply.
//!
//! Whatever wire a question comes on, its own (`wire`) or one of others (`wires`), goes through one
//! `intake`.
//!
//! A reply that is told while it is written (`streaming`) outlives its handler: what these layers
//! do for it is done again in its body, where an error is an event.

mod activity;
mod api;
mod client;
mod cors;
mod crowd;
mod deadline;
mod forwarded;
#[cfg(fuzzing)]
pub mod fuzzing;
mod intake;
mod json;
mod key;
mod limits;
mod openapi;
mod origin;
mod problem;
mod progress;
mod readiness;
mod request_log;
mod routes;
mod server;
mod settings;
mod streaming;
mod widget;
mod wire;
mod wires;

use askbook::answer::Answer;
use askbook::chat::Chat;
use askbook::search::Found;
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, Response};

pub use forwarded::{Proxies, ProxiesError};
pub use key::{ApiKeys, ApiKeysError};
pub use limits::{Limit, Limits};
pub use openapi::document;
pub use origin::{Origin, OriginError, OriginWarning};
pub use server::{Bound, Server};
pub use settings::{
    ClientSettings, ConnectionSettings, HttpSettings, ReadinessSettings, ThreadStore,
};
pub use wires::Protocol;

/// The API of a chat. Never fails: an error is a reply, too.
pub fn app(chat: Chat, settings: &HttpSettings) -> impl Endpoint<Output = Response> + use<> {
    let app = routes::endpoint(chat, settings)
        .catch_all_error(|error| async { problem::Problem::from_error(error) })
        .with(CatchPanic::new().with_handler(|_| problem::Problem::from_panic()));
    let app = deadline::Deadline::new(app, settings.deadline);
    let ClientSettings { proxies, keys, key_required, limits } = settings.clients.clone();
    let app = limits::Guarded::new(app, limits, key_required);
    let app = cors::Cors::new(app, settings.origins.clone());
    let app = client::Identify::new(app, proxies, keys, key_required);
    request_log::RequestLog::new(app, settings.wires.clone())
}

/// What `POST /chat` replies with this answer, as JSON.
///
/// # Errors
/// None in practice: every reply can be written as JSON.
pub fn answer_json(answer: Answer) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&wire::ChatReply::new(answer, false, None))
}

/// What `POST /search` replies when this was found, as JSON, with an explanation if wanted.
///
/// # Errors
/// None in practice: every reply can be written as JSON.
pub fn found_json(found: Found, debug: bool) -> serde_json::Result<String> {
    let explanation = debug.then(|| wire::Explanation::from(&found));
    serde_json::to_string_pretty(&wire::SearchReply::new(found, explanation))
}

#[cfg(test)]
mod tests;
