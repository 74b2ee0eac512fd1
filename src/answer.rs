//! What a question gets.

use std::ops::Range;

use crate::error::ErrorKind;
use crate::passage::{Passage, Scores};
use crate::ports::Usage;
use crate::session::{MessageId, SessionId};

/// How a question ended. A failure is neither of these: it is a
/// [`ChatError`](crate::error::ChatError).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The book holds an answer, and here it is.
    Answered,
    /// The book does not say, or nothing of what was written cites it.
    NotInBook,
}

/// How the text of an answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A model wrote it.
    Generated,
    /// It is quoted from the book.
    Extractive,
}

/// A part that an answer had to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Which.
    pub leg: Leg,
    /// Why, where it said so.
    pub reason: Option<ErrorKind>,
}

/// A part that an answer can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// What turns the question into a dense vector: the book was searched by terms alone.
    Embedder,
    /// The index, or one of its rankings: what is left of the search has found the passages.
    Retriever,
    /// The model that is asked first: another one wrote the answer, or it is quoted, or nobody
    /// said what a follow-up question means.
    Generator,
}

/// A passage that the answer cites.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The number by which the answer's text cites it, as in `[2]`.
    pub number: usize,
    /// What is cited.
    pub passage: Passage,
    /// The words of the passage that support the answer best, verbatim.
    pub quote: String,
    /// The claims of the answer that cite it, as byte ranges of its text, in order.
    pub supports: Vec<Range<usize>>,
    /// How it was found.
    pub scores: Scores,
}

/// Something that an answer says and no passage does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The number or identifier.
    pub text: String,
    /// Where the answer says it first, as a byte range of its text.
    pub at: Range<usize>,
}

/// A page that may help where the book does not answer. It supports nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The title of the page; empty when unknown.
    pub title: String,
    /// Where it opens.
    pub url: String,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Names this reply.
    pub message: MessageId,
    /// How the question ended.
    pub outcome: Outcome,
    /// How the text came about; `None` for the fixed one of a refusal.
    pub mode: Option<Mode>,
    /// Markdown; cites [`Source`]s by number. When the question is answered, the text deltas of
    /// the stream, put together.
    pub text: String,
    /// The cited passages, each once, in the order in which they are first cited; none when the
    /// book does not say.
    pub sources: Vec<Source>,
    /// The nearest pages when the book does not say; else none.
    pub suggestions: Vec<Suggestion>,
    /// The numbers and identifiers of the text that none of the passages has, each once.
    pub unsupported: Vec<Unsupported>,
    /// What the answer had to do without.
    pub losses: Vec<Loss>,
    /// The conversation that this belongs to; `None` when the client keeps it.
    pub session: Option<SessionId>,
    /// What wrote the text; `None` when nothing had to be asked.
    pub model: Option<String>,
    /// What it cost.
    pub usage: Usage,
    /// Whether the conversation holds it; when that failed, the next question cannot refer to
    /// it, but the answer is still good.
    pub recorded: bool,
}
