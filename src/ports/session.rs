use async_trait::async_trait;

use crate::error::PortError;
use crate::session::{Exchange, SessionId, Turn};

/// Keeps the turns of conversations, so that a follow-up can be understood.
#[async_trait]
pub trait ChatSession: Send + Sync + 'static {
    /// Begins a conversation. Its id MUST be new and hold 128 random bits.
    async fn open(&self) -> Result<SessionId, PortError>;

    /// The turns so far, oldest first, or `None` for an id that was never issued here or has
    /// expired: an id MUST NOT be adopted.
    async fn turns(&self, id: &SessionId) -> Result<Option<Vec<Turn>>, PortError>;

    /// Appends a finished exchange. MUST be atomic: a reader sees both its turns or neither.
    /// MUST do nothing for an id that is not known (any more). The oldest exchanges MAY go.
    async fn record(&self, id: &SessionId, exchange: Exchange) -> Result<(), PortError>;

    /// Whether conversations can be read and recorded now. Cheap: for readiness probes.
    async fn ready(&self) -> Result<(), PortError>;
}

const _: fn(&dyn ChatSession) = |_| ();
