//! Threads, among the other conversations.

use std::num::NonZeroUsize;

use askbook::error::PortError;
use askbook::ports::Threads;
use askbook::session::{MessageId, SessionId};
use askbook::thread::{Head, Item, MOST_THREADS, Owner, Thread, Visitor};
use async_trait::async_trait;
use tokio::time::Instant;

use super::{Conversation, Kept, MemorySessions, OVERHEAD, Said};

/// What an item takes beside its text: its name, and its place.
const ITEM_OVERHEAD: usize = 64;

fn item_bytes(item: &Item) -> usize {
    ITEM_OVERHEAD + item.content.len()
}

/// With what its owner is remembered by.
fn thread_bytes(thread: &Thread) -> usize {
    let items: usize = thread.items.iter().map(item_bytes).sum();
    2 * OVERHEAD + thread.head.title.len() + items
}

impl Kept {
    /// A thread, used just now.
    fn thread(&mut self, by: &Visitor, id: &SessionId) -> Option<&mut Thread> {
        let Conversation { said: Said::Thread(thread), .. } = self.conversations.peek(id)? else {
            return None;
        };
        if !thread.head.admits(by) {
            return None;
        }
        match self.conversations.get_mut(id)? {
            Conversation { said: Said::Thread(thread), used, .. } => {
                *used = Instant::now();
                Some(thread)
            }
            Conversation { .. } => None,
        }
    }

    /// Counts anew what a thread takes.
    fn weigh(&mut self, id: &SessionId) {
        if let Some(Conversation { said: Said::Thread(thread), bytes, .. }) =
            self.conversations.peek_mut(id)
        {
            let after = thread_bytes(thread);
            self.bytes = self.bytes - *bytes + after;
            *bytes = after;
        }
    }
}

impl MemorySessions {
    /// Changes a thread; what the change gives, or its default when the visitor knows no such
    /// thread.
    fn change<T: Default>(
        &self,
        by: &Visitor,
        id: &SessionId,
        change: impl FnOnce(&mut Thread) -> T,
    ) -> T {
        let mut kept = self.kept();
        let Some(thread) = kept.thread(by, id) else { return T::default() };
        let changed = change(thread);
        kept.weigh(id);
        kept.shrink_to(self.limits.bytes);
        changed
    }

    /// How many items of a thread are kept: those of as many exchanges.
    fn most_items(&self) -> usize {
        self.limits.exchanges.saturating_mul(const { NonZeroUsize::new(2).unwrap() }).get()
    }
}

#[async_trait]
impl Threads for MemorySessions {
    async fn begin(&self, head: Head) -> Result<(), PortError> {
        let (id, owner) = (head.id.clone(), head.owner.clone());
        let thread = Thread { head, items: Vec::new() };
        let bytes = thread_bytes(&thread);
        let said = Said::Thread(Box::new(thread));
        let mut kept = self.kept();
        kept.forget(&id);
        kept.conversations.put(id.clone(), Conversation { said, bytes, used: Instant::now() });
        kept.bytes += bytes;
        let own = kept.owners.entry(owner).or_default();
        own.push_back(id);
        let oldest = (own.len() > MOST_THREADS).then(|| own.front().cloned()).flatten();
        if let Some(oldest) = oldest {
            kept.forget(&oldest);
        }
        kept.shrink_to(self.limits.bytes);
        Ok(())
    }

    async fn get(&self, by: &Visitor, id: &SessionId) -> Result<Option<Thread>, PortError> {
        Ok(self.kept().thread(by, id).map(|thread| thread.clone()))
    }

    async fn list(&self, owner: &Owner) -> Result<Vec<Head>, PortError> {
        let kept = self.kept();
        let own = kept.owners.get(owner).into_iter().flatten().rev();
        let heads = own.filter_map(|id| match &kept.conversations.peek(id)?.said {
            Said::Thread(thread) => Some(thread.head.clone()),
            Said::Exchanges(_) => None,
        });
        Ok(heads.collect())
    }

    async fn rename(&self, by: &Visitor, id: &SessionId, title: &str) -> Result<bool, PortError> {
        let rename = |thread: &mut Thread| {
            title.clone_into(&mut thread.head.title);
            true
        };
        Ok(self.change(by, id, rename))
    }

    async fn remove(&self, by: &Visitor, id: &SessionId) -> Result<bool, PortError> {
        let mut kept = self.kept();
        let known = kept.thread(by, id).is_some();
        if known {
            kept.forget(id);
        }
        Ok(known)
    }

    async fn put(&self, by: &Visitor, id: &SessionId, item: Item) -> Result<bool, PortError> {
        let put = |thread: &mut Thread| {
            let items = &mut thread.items;
            match items.iter_mut().find(|other| other.id == item.id) {
                Some(other) => *other = item,
                None => items.push(item),
            }
            let over = items.len().saturating_sub(self.most_items());
            items.drain(..over);
            true
        };
        Ok(self.change(by, id, put))
    }

    async fn truncate(
        &self,
        by: &Visitor,
        id: &SessionId,
        after: MessageId,
    ) -> Result<bool, PortError> {
        let truncate = |thread: &mut Thread| {
            let at = thread.items.iter().position(|item| item.id == after);
            thread.items.truncate(at.map_or(usize::MAX, |at| at + 1));
            at.is_some()
        };
        Ok(self.change(by, id, truncate))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use askbook::ports::ChatSession;
    use uuid::Uuid;

    use super::super::SessionLimits;
    use super::*;

    const LIMITS: SessionLimits = SessionLimits {
        ttl: Duration::from_hours(1),
        exchanges: NonZeroUsize::new(2).unwrap(),
        bytes: 1 << 20,
    };

    fn head(number: u8) -> Head {
        Head {
            id: SessionId::from_random([number; 16]),
            owner: Owner::of("anna"),
            open: false,
            begun: u64::from(number),
            title: "four".to_owned(),
        }
    }

    fn item(number: u8) -> Item {
        Item { id: MessageId(Uuid::from_bytes([number; 16])), content: "0123456789".to_owned() }
    }

    fn anna() -> Visitor {
        Visitor::Known(Owner::of("anna"))
    }

    async fn listed(threads: &MemorySessions) -> Vec<u64> {
        let heads = threads.list(&Owner::of("anna")).await.unwrap();
        heads.into_iter().map(|head| head.begun).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_is_forgotten_when_nobody_used_it_for_its_time() {
        let threads = MemorySessions::new(LIMITS);
        for number in 1..=2 {
            threads.begin(head(number)).await.unwrap();
        }
        tokio::time::advance(Duration::from_mins(59)).await;
        assert!(threads.get(&anna(), &head(1).id).await.unwrap().is_some());
        // To be listed, or wanted by somebody else, is no use.
        assert_eq!(listed(&threads).await, [2, 1]);
        assert_eq!(threads.get(&Visitor::Unknown, &head(2).id).await.unwrap(), None);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(listed(&threads).await, [1]);
        tokio::time::advance(Duration::from_mins(59)).await;
        assert_eq!(listed(&threads).await, [0; 0]);
        assert!(threads.kept().owners.is_empty());
    }

    #[tokio::test]
    async fn of_a_thread_the_newest_items_are_kept() {
        let threads = MemorySessions::new(LIMITS);
        threads.begin(head(1)).await.unwrap();
        for number in 1..=6 {
            threads.put(&anna(), &head(1).id, item(number)).await.unwrap();
        }
        let thread = threads.get(&anna(), &head(1).id).await.unwrap().unwrap();
        assert_eq!(thread.items, [3, 4, 5, 6].map(item));
    }

    #[tokio::test]
    async fn the_bytes_of_threads_are_counted_exactly_and_bounded_with_the_others() {
        let item_bytes = ITEM_OVERHEAD + 10;
        let thread = 2 * OVERHEAD + 4;
        let room = 2 * thread + 2 * item_bytes + OVERHEAD;
        let threads = MemorySessions::new(SessionLimits { bytes: room, ..LIMITS });
        let session = threads.open().await.unwrap();
        for number in 1..=2 {
            threads.begin(head(number)).await.unwrap();
            threads.put(&anna(), &head(number).id, item(number)).await.unwrap();
        }
        assert_eq!(threads.kept().bytes, room);
        let shorter = Item { content: "x".to_owned(), ..item(2) };
        threads.put(&anna(), &head(2).id, shorter).await.unwrap();
        threads.rename(&anna(), &head(2).id, "thirteen char").await.unwrap();
        assert_eq!(threads.kept().bytes, room);
        assert!(threads.turns(&session).await.unwrap().is_some());
        // Now the first thread is the one that was not used for the longest time.
        threads.put(&anna(), &head(2).id, item(3)).await.unwrap();
        assert_eq!(listed(&threads).await, [2]);
        threads.truncate(&anna(), &head(2).id, item(2).id).await.unwrap();
        assert_eq!(threads.kept().bytes, OVERHEAD + thread + item_bytes);
        threads.remove(&anna(), &head(2).id).await.unwrap();
        assert_eq!(threads.kept().bytes, OVERHEAD);
    }

    #[tokio::test]
    async fn a_thread_and_a_conversation_are_not_taken_for_each_other() {
        let threads = MemorySessions::new(LIMITS);
        threads.begin(head(1)).await.unwrap();
        assert_eq!(threads.turns(&head(1).id).await.unwrap(), None);
        let exchange = askbook::session::Exchange { question: "?".into(), answer: "!".into() };
        threads.record(&head(1).id, exchange).await.unwrap();
        let thread = threads.get(&anna(), &head(1).id).await.unwrap().unwrap();
        assert_eq!(thread.items, []);
        let session = threads.open().await.unwrap();
        assert_eq!(threads.get(&Visitor::Unknown, &session).await.unwrap(), None);
    }
}
