use async_trait::async_trait;

use crate::error::PortError;
use crate::session::{MessageId, SessionId};
use crate::thread::{Head, Item, Owner, Thread, Visitor};

/// Keeps threads: conversations that their readers see again.
///
/// A thread that is not known (any more) and one that the visitor may not see MUST look the same.
/// What an item holds MUST come back as it was put, whatever it is. Threads are bounded: the oldest
/// items of one MAY go, and a whole one that was not used for long; of an owner's threads at most
/// [`MOST_THREADS`](crate::thread::MOST_THREADS) are kept, the newest.
#[async_trait]
pub trait Threads: Send + Sync + 'static {
    /// Begins a thread.
    async fn begin(&self, head: Head) -> Result<(), PortError>;

    /// A thread; `None` when the visitor knows no such one.
    async fn get(&self, by: &Visitor, id: &SessionId) -> Result<Option<Thread>, PortError>;

    /// The threads of an owner, the one that was begun last first.
    async fn list(&self, owner: &Owner) -> Result<Vec<Head>, PortError>;

    /// Gives a thread another title. `false` when the visitor knows no such thread.
    async fn rename(&self, by: &Visitor, id: &SessionId, title: &str) -> Result<bool, PortError>;

    /// Forgets a thread. `false` when the visitor knows no such thread.
    async fn remove(&self, by: &Visitor, id: &SessionId) -> Result<bool, PortError>;

    /// Puts an item at the end of a thread, or in the place of the one that has its id. MUST be
    /// atomic. `false` when the visitor knows no such thread.
    async fn put(&self, by: &Visitor, id: &SessionId, item: Item) -> Result<bool, PortError>;

    /// Takes everything out of a thread that comes after this item. MUST be atomic. `false`, and
    /// nothing goes, when the visitor knows no such thread or it has no such item.
    async fn truncate(
        &self,
        by: &Visitor,
        id: &SessionId,
        after: MessageId,
    ) -> Result<bool, PortError>;
}

const _: fn(&dyn Threads) = |_| ();
