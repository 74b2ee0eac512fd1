use async_trait::async_trait;

use crate::error::PortError;
use crate::feedback::{Asked, Feedback, Miss};

/// Remembers what the book did not answer well, for its owner.
///
/// It holds what readers wrote and nothing that says who they are: what
/// [`Asked::to_keep`] and [`Feedback::to_keep`] leave. MUST be bounded, whatever readers send; the
/// oldest goes first. A reader waits for each call, so it MUST NOT wait for a disk.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// A question was asked and ended so. What became of an answered one MAY be forgotten unless
    /// it is rated soon.
    async fn asked(&self, asked: Asked) -> Result<(), PortError>;

    /// A reader rated a reply. The last rating of a reply counts.
    async fn rated(&self, feedback: Feedback) -> Result<(), PortError>;

    /// The questions that the book did not answer, and those whose answer was rated bad, oldest
    /// first: each reply once, with what was said about it last. A rating of a reply whose
    /// question nobody knows is none.
    async fn misses(&self) -> Result<Vec<Miss>, PortError>;
}

const _: fn(&dyn Journal) = |_| ();
