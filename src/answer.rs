//! What a question gets.

use crate::passage::{Passage, Scores};
use crate::ports::Usage;
use crate::session::SessionId;

/// How a question ended. A failure is neither of these: it is a
/// [`ChatError`](crate::error::ChatError).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The book holds an answer, and here it is.
    Answered,
    /// The book does not say, or nothing of what was written cites it.
    NotInBook,
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
    /// How it was found.
    pub scores: Scores,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How the question ended.
    pub outcome: Outcome,
    /// Markdown; cites [`Source`]s by number.
    pub text: String,
    /// The cited passages, each once, in the order in which they are first cited; none when the
    /// book does not say.
    pub sources: Vec<Source>,
    /// The conversation that this belongs to.
    pub session: SessionId,
    /// What wrote the text; `None` when nothing had to be asked.
    pub model: Option<String>,
    /// What it cost.
    pub usage: Usage,
    /// Whether the conversation holds it; when that failed, the next question cannot refer to
    /// it, but the answer is still good.
    pub recorded: bool,
}
