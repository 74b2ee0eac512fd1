//! The steps of a chat as they happen.

use crate::answer::{Answer, Source};
use crate::error::ChatError;
use crate::passage::Passage;
use crate::search::Found;
use crate::session::{MessageId, SessionId};

/// One step of a chat. They come in this order; `Delta` and `Citation` any number of times, each
/// citation after the text that makes the claim. The last one is `Done` or `Failed`, and there is
/// exactly one of these.
#[derive(Debug)]
pub enum ChatEvent {
    /// The question is taken.
    Accepted {
        /// Names the reply.
        message: MessageId,
        /// The conversation that it belongs to, to be sent with the next question; `None` when
        /// the client keeps it.
        session: Option<SessionId>,
        /// Whether the id that the client sent is not known (any more), so that this is a new
        /// conversation.
        restarted: bool,
    },
    /// What the question means by itself, when it needs the conversation to be understood.
    Condensed(String),
    /// The question has been turned into vectors.
    Embedded,
    /// What was found. Of its passages, those are left that will be read, the first one cited as
    /// `[1]`. None: the book does not say.
    Retrieved(Found),
    /// The next piece of the answer; never empty. It stands: nothing that was shown is taken back.
    Delta(String),
    /// A citation in the text so far has been checked.
    Citation(Citation),
    /// All that the complete text cites, each passage once; not sent when it cites nothing.
    Sources(Vec<Source>),
    /// The answer is complete.
    Done(Box<Answer>),
    /// There will be no answer.
    Failed {
        /// Why.
        error: ChatError,
        /// Whether text was shown: it stays, and is no answer.
        incomplete: bool,
    },
}

/// A checked citation: the passage exists, was read, and supports the claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Citation {
    /// The number by which the text cites the passage.
    pub number: usize,
    /// What is cited.
    pub passage: Passage,
    /// The words of the passage that support the claim best, verbatim.
    pub quote: String,
    /// The claim, as a byte range of the whole text.
    pub supports: std::ops::Range<usize>,
}
