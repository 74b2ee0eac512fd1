use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

use crate::answer::Mode;
use crate::error::PortError;
use crate::follow_up::FollowUp;
use crate::prompt::Prompt;

/// What a generation has cost, in tokens; 0 for what no model worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Tokens that were written, thoughts included.
    pub output_tokens: u64,
}

/// A piece of a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generated {
    /// The next piece of the text; never empty.
    Text(String),
    /// The text is complete. Nothing follows.
    End {
        /// The model that wrote it, as it names itself.
        model: String,
        /// What it cost.
        usage: Usage,
    },
}

/// The pieces of one generation, in order: `Text`s and then one `End`, or an error at any point,
/// after which nothing follows.
pub type Generation = Pin<Box<dyn Stream<Item = Result<Generated, PortError>> + Send>>;

/// Writes an answer from passages.
#[async_trait]
pub trait Generator: Send + Sync + 'static {
    /// Names what will write the answers.
    fn model(&self) -> &str;

    /// How its text comes about.
    fn mode(&self) -> Mode {
        Mode::Generated
    }

    /// Whether a call would be let through now. MUST ask nobody: it is for not paying in vain for
    /// what comes before an answer is written.
    fn admits(&self) -> Result<(), PortError> {
        Ok(())
    }

    /// Begins to write. Resolves when the prompt has been accepted.
    ///
    /// The text is Markdown that cites the prompt's passages by [`Citation`] marker, or
    /// [`NOT_IN_BOOK`] alone when they do not hold the answer. A generation MUST end in exactly
    /// one `End` or error; a text that broke off, is empty or was blocked is an error. Dropping
    /// the stream MUST stop the work at the peer.
    ///
    /// [`Citation`]: crate::review
    /// [`NOT_IN_BOOK`]: crate::prompt::NOT_IN_BOOK
    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError>;

    /// Says a question that needs its conversation in a way that needs none, for the search; `None`
    /// when this generator cannot. MUST give up, as `Timeout`, before the reader notices: the
    /// question is searched for as it is then.
    async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
        let _ = follow_up;
        Ok(None)
    }

    /// Whether answers can be written now. MUST cost nothing.
    async fn ready(&self) -> Result<(), PortError>;
}

const _: fn(&dyn Generator) = |_| ();
