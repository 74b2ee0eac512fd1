//! The steps of a chat as they happen.

use crate::answer::Answer;
use crate::search::Found;
use crate::session::SessionId;

/// One step of a chat. They come in this order; `Delta` any number of times, `Done` last unless
/// an error ends the stream before it.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent {
    /// The question belongs to this conversation.
    Accepted {
        /// Its id, to be sent with the next question.
        session: SessionId,
        /// Whether the id that the client sent is not known (any more), so that this is a new
        /// conversation.
        restarted: bool,
    },
    /// The question has been turned into a vector.
    Embedded,
    /// What was found. Of its passages, those are left that will be read, the first one cited as
    /// `[1]`. None: the book does not say.
    Retrieved(Found),
    /// The next piece of the answer; never empty.
    Delta(String),
    /// The answer is complete and its citations are checked.
    Done(Answer),
}
