//! What can go wrong beyond a port, and what a question can fail with.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::question::QuestionError;

/// What a caller can do about a failed port call.
///
/// Deliberately exhaustive: whoever translates kinds must decide about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The peer cannot be reached or says that it is overloaded; a later try may succeed.
    Unavailable,
    /// The peer did not answer in time.
    Timeout,
    /// The peer refuses more calls for now; see [`PortError::retry_after`].
    RateLimited,
    /// The owner's ceiling for spending is reached or cannot be watched, or they have paused all
    /// calls: none was made; see [`PortError::retry_after`].
    Exhausted,
    /// The peer refused our key. The reader cannot help it; the owner can.
    Unauthorized,
    /// The settings and the peer do not fit: no such collection or model, sizes that differ.
    Misconfigured,
    /// The peer says that this one request is wrong, for example too long.
    Rejected,
    /// The peer declined for reasons of content, for example a safety filter.
    Blocked,
    /// The peer broke its own protocol.
    Malformed,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::RateLimited => "rate_limited",
            Self::Exhausted => "exhausted",
            Self::Unauthorized => "unauthorized",
            Self::Misconfigured => "misconfigured",
            Self::Rejected => "rejected",
            Self::Blocked => "blocked",
            Self::Malformed => "malformed",
        })
    }
}

/// The one error of every port.
///
/// Its message is for the owner: it says what happened and, where they can help it, what to do.
/// It MUST hold neither a key nor anything a reader wrote.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PortError {
    /// An error of this kind; the message is lowercase and without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// Adds the cause. Its text reaches the owner's log, so it MUST hold no key.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds how long the peer asked us to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// How long the peer asked us to wait, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// The step of a chat at which a port failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Reading or writing the turns of the conversation.
    Session,
    /// Turning the question into a vector.
    Embed,
    /// Finding passages.
    Retrieve,
    /// Writing the answer.
    Generate,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "session",
            Self::Embed => "embed",
            Self::Retrieve => "retrieve",
            Self::Generate => "generate",
        })
    }
}

/// Why a question got no answer. "Not in the book" is an answer, not an error.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The question itself cannot be asked.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// A port failed.
    #[error("{stage} failed ({kind})", kind = source.kind())]
    Port {
        /// At which step.
        stage: Stage,
        /// How.
        source: PortError,
    },
}

impl ChatError {
    pub(crate) fn at(stage: Stage) -> impl FnOnce(PortError) -> Self {
        move |source| Self::Port { stage, source }
    }
}
