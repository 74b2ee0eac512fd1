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
mod tests;
