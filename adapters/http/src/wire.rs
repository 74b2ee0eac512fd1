//! What goes over the wire: the bodies of requests and replies, as the document describes them.
//!
//! A chat is asked with a [`ChatRequest`] and told in one of several ways, each a module of its
//! own: [`reply`] (JSON), [`sse`] (server-sent events), [`original`] (what the widgets of the
//! original site read, whole or line by line).

mod event;
mod explanation;
mod feedback;
mod names;
mod original;
mod problem;
mod readiness;
mod reply;
mod request;
mod search;
mod sse;

pub(crate) use self::explanation::Explanation;
pub(crate) use self::feedback::FeedbackRequest;
pub(crate) use self::names::refused;
pub(crate) use self::original::{Lines, OriginalReply};
pub(crate) use self::problem::ProblemDocument;
pub(crate) use self::readiness::{Dependency, Health, Readiness};
pub(crate) use self::reply::{ChatReply, OutcomeName, SuggestionReply};
pub(crate) use self::request::{Asked, ChatRequest, Received};
pub(crate) use self::search::{SearchReply, SearchRequest, Sought};
pub(crate) use self::sse::Events;
