use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::ChatSession;
use askbook::session::{Exchange, SessionId, Turn};
use async_trait::async_trait;
use lru::LruCache;
use tokio::time::Instant;

/// How much of conversations is kept.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// A conversation that nobody used for this long is forgotten.
    pub ttl: Duration,
    /// How many exchanges of a conversation are kept, the newest.
    pub exchanges: NonZeroUsize,
    /// How many bytes all conversations may take together; those that were used the longest
    /// time ago go first.
    pub bytes: usize,
}

/// Keeps conversations in this process, within limits of time, length and memory.
///
/// A call takes constant time whatever the number of conversations: they are kept in the order
/// of their last use, so that the one to forget next is always the last one.
#[derive(Debug)]
pub struct MemorySessions {
    limits: SessionLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    conversations: LruCache<SessionId, Conversation>,
    /// The sum over the conversations.
    bytes: usize,
}

#[derive(Debug)]
struct Conversation {
    exchanges: VecDeque<Exchange>,
    bytes: usize,
    used: Instant,
}

/// What a conversation takes beside its text: id, entry and links, rounded up.
const OVERHEAD: usize = 256;

impl MemorySessions {
    /// No conversation yet.
    pub fn new(limits: SessionLimits) -> Self {
        let kept = Kept { conversations: LruCache::unbounded(), bytes: 0 };
        Self { limits, kept: Mutex::new(kept) }
    }

    /// The conversations, without those whose time is over.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while kept
            .conversations
            .peek_lru()
            .is_some_and(|(_, oldest)| now.duration_since(oldest.used) >= self.limits.ttl)
        {
            kept.forget_oldest();
        }
        kept
    }
}

impl Kept {
    fn forget_oldest(&mut self) {
        if let Some((_, oldest)) = self.conversations.pop_lru() {
            self.bytes -= oldest.bytes;
        }
    }

    fn shrink_to(&mut self, bytes: usize) {
        while self.bytes > bytes && !self.conversations.is_empty() {
            self.forget_oldest();
        }
    }
}

#[async_trait]
impl ChatSession for MemorySessions {
    async fn open(&self) -> Result<SessionId, PortError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            PortError::new(ErrorKind::Unavailable, "the system gave no random bytes")
                .with_source(error)
        })?;
        let id = SessionId::from_random(random);
        let conversation =
            Conversation { exchanges: VecDeque::new(), bytes: OVERHEAD, used: Instant::now() };
        let mut kept = self.kept();
        kept.bytes += conversation.bytes;
        kept.conversations.put(id.clone(), conversation);
        kept.shrink_to(self.limits.bytes);
        Ok(id)
    }

    async fn turns(&self, id: &SessionId) -> Result<Option<Vec<Turn>>, PortError> {
        let mut kept = self.kept();
        let Some(conversation) = kept.conversations.get_mut(id) else { return Ok(None) };
        conversation.used = Instant::now();
        Ok(Some(conversation.exchanges.iter().cloned().flat_map(Exchange::into_turns).collect()))
    }

    async fn record(&self, id: &SessionId, exchange: Exchange) -> Result<(), PortError> {
        let mut kept = self.kept();
        let Some(conversation) = kept.conversations.get_mut(id) else { return Ok(()) };
        conversation.used = Instant::now();
        let before = conversation.bytes;
        conversation.bytes += text_bytes(&exchange);
        conversation.exchanges.push_back(exchange);
        while conversation.exchanges.len() > self.limits.exchanges.get() {
            if let Some(oldest) = conversation.exchanges.pop_front() {
                conversation.bytes -= text_bytes(&oldest);
            }
        }
        let after = conversation.bytes;
        kept.bytes = kept.bytes - before + after;
        kept.shrink_to(self.limits.bytes);
        Ok(())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn text_bytes(exchange: &Exchange) -> usize {
    exchange.question.len() + exchange.answer.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SessionLimits = SessionLimits {
        ttl: Duration::from_hours(1),
        exchanges: NonZeroUsize::new(2).unwrap(),
        bytes: 1 << 20,
    };

    fn exchange(text: &str) -> Exchange {
        Exchange { question: text.to_owned(), answer: text.to_owned() }
    }

    async fn texts(sessions: &MemorySessions, id: &SessionId) -> Option<Vec<String>> {
        let turns = sessions.turns(id).await.unwrap()?;
        Some(turns.into_iter().step_by(2).map(|turn| turn.text).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn a_conversation_is_forgotten_when_nobody_used_it_for_its_time() {
        let sessions = MemorySessions::new(LIMITS);
        let [used, unused] = [sessions.open().await.unwrap(), sessions.open().await.unwrap()];
        tokio::time::advance(Duration::from_mins(59)).await;
        assert!(sessions.turns(&used).await.unwrap().is_some());
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(sessions.turns(&used).await.unwrap().is_some());
        assert_eq!(sessions.turns(&unused).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_newest_exchanges_are_kept() {
        let sessions = MemorySessions::new(LIMITS);
        let id = sessions.open().await.unwrap();
        for text in ["a", "b", "c"] {
            sessions.record(&id, exchange(text)).await.unwrap();
        }
        assert_eq!(texts(&sessions, &id).await.unwrap(), ["b", "c"]);
    }

    #[tokio::test]
    async fn when_memory_is_full_the_longest_unused_conversation_goes() {
        let sessions = MemorySessions::new(SessionLimits { bytes: 2 * OVERHEAD + 20, ..LIMITS });
        let [first, second] = [sessions.open().await.unwrap(), sessions.open().await.unwrap()];
        sessions.record(&second, exchange("0123456789")).await.unwrap();
        assert!(texts(&sessions, &first).await.is_some());
        sessions.record(&first, exchange("x")).await.unwrap();
        assert_eq!(texts(&sessions, &second).await, None);
        assert_eq!(texts(&sessions, &first).await.unwrap(), ["x"]);
    }

    #[tokio::test]
    async fn the_bytes_are_counted_exactly() {
        let sessions = MemorySessions::new(LIMITS);
        let id = sessions.open().await.unwrap();
        for text in ["four", "five5", "sixsix"] {
            sessions.record(&id, exchange(text)).await.unwrap();
        }
        assert_eq!(sessions.kept().bytes, OVERHEAD + 2 * (5 + 6));
    }

    #[tokio::test]
    async fn an_exchange_that_is_larger_than_all_memory_is_not_kept() {
        let sessions = MemorySessions::new(SessionLimits { bytes: OVERHEAD + 10, ..LIMITS });
        let id = sessions.open().await.unwrap();
        sessions.record(&id, exchange("longer than that")).await.unwrap();
        assert_eq!(texts(&sessions, &id).await, None);
        assert_eq!(sessions.kept().bytes, 0);
    }
}
