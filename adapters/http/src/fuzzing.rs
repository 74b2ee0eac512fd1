//! What the fuzz targets reach of the parsers of this crate.

use std::net::IpAddr;
use std::num::NonZeroUsize;

use askbook::feedback::Feedback;
use askbook::question::{Question, QuestionLimits};
use askbook::session::Conversation;
use askbook::trace::TraceParent;
use poem::http::{HeaderMap, HeaderValue, Uri};
use serde::de::DeserializeOwned;

use crate::key::Credentials;
use crate::problem::Problem;
use crate::wire::{Asked, FeedbackRequest, Received, Sought};
use crate::wires::{ai_sdk, chatkit, openai};
use crate::{ApiKeys, Origin, Proxies, cors, forwarded, json, request_log};

/// What a client is told of a body that is refused: the detail, and which field it is about.
pub type Refusal = (String, Option<String>);

/// The question in the body of a chat, the conversation that it is asked in, and whether it came
/// under the name that the original site has for it.
///
/// # Errors
/// The body holds none.
pub fn chat(body: &[u8]) -> Result<(Question, Conversation, bool), Refusal> {
    read(body, |received: Received| received.into_asked(QuestionLimits::default()))
        .map(|Asked { question, conversation, original, .. }| (question, conversation, original))
}

/// The question in the body of a search, and how many passages are wanted.
///
/// # Errors
/// The body holds none.
pub fn search(body: &[u8]) -> Result<(Question, Option<NonZeroUsize>), Refusal> {
    read(body, |sought: Sought| sought.into_question(QuestionLimits::default()))
}

/// The feedback in a body.
///
/// # Errors
/// The body holds none.
pub fn feedback(body: &[u8]) -> Result<Feedback, Refusal> {
    let limit = QuestionLimits::default().text;
    read(body, |request: FeedbackRequest| request.into_feedback(limit))
}

/// The question in the body of a request of the AI SDK, and the conversation that it is asked in.
///
/// # Errors
/// The body holds none.
pub fn ai_sdk(body: &[u8]) -> Result<(Question, Conversation), Refusal> {
    read(body, |received: ai_sdk::Received| received.into_asked(QuestionLimits::default()))
}

/// The same of a request of OpenAI's clients.
///
/// # Errors
/// The body holds none.
pub fn openai(body: &[u8]) -> Result<(Question, Conversation), Refusal> {
    read(body, |received: openai::Received| received.into_asked(QuestionLimits::default()))
}

/// The question in the body of a request of `ChatKit`, if it is one that asks, the title of a
/// thread that begins with it, and what was typed, as it is kept.
///
/// # Errors
/// The body cannot be understood.
pub fn chatkit(body: &[u8]) -> Result<Option<(Question, String, String)>, Refusal> {
    chatkit::asked(body, QuestionLimits::default()).map_err(refusal)
}

fn read<R: DeserializeOwned, T>(
    body: &[u8],
    into: impl FnOnce(R) -> Result<T, Problem>,
) -> Result<T, Refusal> {
    json::parse(body).and_then(into).map_err(refusal)
}

fn refusal(Problem { detail, field, .. }: Problem) -> Refusal {
    (detail.into_owned(), field)
}

/// Whom a request counts for that this peer passed on, and that client's own share of the address.
pub fn client(proxies: &Proxies, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, String) {
    proxies.overlook(peer, headers);
    let address = proxies.client(peer, headers);
    (address, forwarded::household(address))
}

/// The number of the key that a request comes with, from 1.
pub fn key(keys: &ApiKeys, headers: &HeaderMap) -> Option<usize> {
    match keys.check(headers) {
        Credentials::Valid(number) => Some(number),
        Credentials::Absent | Credentials::Wrong => None,
    }
}

/// Whether a browser means this site by these bytes.
pub fn is_origin(origin: &Origin, sent: &[u8]) -> bool {
    origin.matches(sent)
}

/// Whether a request comes from a page of this server.
pub fn is_own(headers: &HeaderMap) -> bool {
    cors::is_own(headers)
}

/// The id that a request goes by, and the trace that it belongs to.
pub fn names(headers: &HeaderMap) -> (HeaderValue, Option<TraceParent>) {
    (request_log::request_id(headers), request_log::trace(headers))
}

/// The address by which a request is routed.
pub fn routed(mut uri: Uri) -> Uri {
    request_log::canonicalise(&mut uri);
    uri
}
