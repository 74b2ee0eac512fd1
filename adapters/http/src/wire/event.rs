//! The steps of a chat over the wire, as server-sent events hold them.

use askbook::answer::Source;
use askbook::event::Citation;
use askbook::session::{MessageId, SessionId};
use poem_openapi::types::Example;
use poem_openapi::{Object, Union};
use serde::Serialize;
use uuid::Uuid;

use super::problem::ProblemDocument;
use super::reply::{
    ChatReply, EXAMPLE_MESSAGE, EXAMPLE_SESSION, SourceReply, SpanReply, session_id,
};

/// A step of a chat. They come in this order: `accepted`, `found`, any number of `delta` and
/// `citation`, `sources` when the answer cites any. The last one is `done` or `error`, and there
/// is exactly one of these. More types may come.
#[derive(Debug, Serialize, Union)]
#[oai(rename = "ChatEvent", discriminator_name = "type", one_of, rename_all = "snake_case")]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum EventReply {
    Accepted(Accepted),
    Found(Found),
    Delta(Delta),
    Citation(CitationReply),
    Sources(Sources),
    Done(ChatReply),
    Error(Failed),
}

/// The question is taken.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Accepted {
    /// Names the reply, for feedback.
    message_id: Uuid,
    /// The conversation. Send it with the next question to go on. Null when the client keeps the
    /// conversation itself: it sent a history and no session id.
    #[oai(nullable)]
    session_id: Option<String>,
    /// Whether the conversation that was asked for is not known (any more), so that this is the
    /// beginning of a new one.
    session_restarted: bool,
}

impl Accepted {
    pub(super) fn new(message: MessageId, session: Option<&SessionId>, restarted: bool) -> Self {
        let session_id = session.map(session_id);
        Self { message_id: message.0, session_id, session_restarted: restarted }
    }
}

impl Example for Accepted {
    fn example() -> Self {
        Self {
            message_id: EXAMPLE_MESSAGE,
            session_id: Some(EXAMPLE_SESSION.to_owned()),
            session_restarted: false,
        }
    }
}

/// The book has been searched.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Found {
    /// How many passages the answer is written from; with none, the book does not say.
    pub(super) passages: usize,
}

impl Example for Found {
    fn example() -> Self {
        Self { passages: 5 }
    }
}

/// The next piece of the answer: all of them, put together, are the `answer` of `done`. What was
/// sent is never taken back.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Delta {
    /// Never empty.
    pub(super) text: String,
}

impl Example for Delta {
    fn example() -> Self {
        Self { text: "A conversation is kept for an hour".to_owned() }
    }
}

/// A citation in the text so far has been checked: the passage supports the claim. `start` and
/// `end` say where the claim stands in the text, in UTF-16 code units, as JavaScript counts.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Citation", example)]
pub(crate) struct CitationReply {
    /// The number by which the text cites the passage.
    #[oai(validator(minimum(value = "1")))]
    number: usize,
    /// The title of the page; empty when unknown.
    title: String,
    /// The heading that the passage stands under; null before the first one of a page.
    #[oai(nullable)]
    section: Option<String>,
    /// Where the passage opens, heading included; null when unknown.
    #[oai(nullable)]
    url: Option<String>,
    /// The words of the passage that support the claim best, verbatim.
    quote: String,
    start: usize,
    end: usize,
}

impl CitationReply {
    /// A citation in this text.
    pub(super) fn new(citation: Citation, text: &str) -> Self {
        let Citation { number, passage, quote, supports } = citation;
        let SpanReply { start, end } = SpanReply::new(text, &supports);
        Self {
            number,
            section: passage.section().map(str::to_owned),
            title: passage.title,
            url: passage.url,
            quote,
            start,
            end,
        }
    }
}

impl Example for CitationReply {
    fn example() -> Self {
        Self {
            number: 1,
            title: "Sessions".to_owned(),
            section: Some("Time to live".to_owned()),
            url: Some("/docs/sessions#time-to-live".to_owned()),
            quote: "An idle conversation is forgotten after one hour.".to_owned(),
            start: 0,
            end: 63,
        }
    }
}

/// All that the complete text cites, each passage once.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Sources {
    /// In the order in which the text first cites them.
    sources: Vec<SourceReply>,
}

impl Sources {
    /// The sources of this text.
    pub(super) fn new(sources: Vec<Source>, text: &str) -> Self {
        let sources = sources.into_iter().map(|source| SourceReply::new(source, text));
        Self { sources: sources.collect() }
    }
}

impl Example for Sources {
    fn example() -> Self {
        Self { sources: vec![SourceReply::example()] }
    }
}

/// There will be no answer.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Failed {
    /// What the reply would have been before the stream began.
    pub(super) problem: ProblemDocument,
    /// Whether text was sent: it stays, and is no answer.
    pub(super) incomplete: bool,
}

impl Example for Failed {
    fn example() -> Self {
        Self { problem: ProblemDocument::example(), incomplete: false }
    }
}
