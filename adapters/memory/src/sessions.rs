use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::ChatSession;
use askbook::session::{Exchange, SessionId, Turn};
use askbook::thread::{Owner, Thread};
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

/// Keeps conversations in this process, within limits of time, length and memory: those of
/// [`ChatSession`], and the [threads](askbook::ports::Threads) beside them, which count as the same
/// thing.
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
    /// The threads of each owner, oldest first.
    owners: HashMap<Owner, VecDeque<SessionId>>,
    /// The sum over the conversations.
    bytes: usize,
}

#[derive(Debug)]
struct Conversation {
    said: Said,
    bytes: usize,
    used: Instant,
}

/// What was said in a conversation.
#[derive(Debug)]
enum Said {
    /// As far as the next question may refer to it.
    Exchanges(VecDeque<Exchange>),
    /// As its reader sees it.
    Thread(Box<Thread>),
}

/// What a conversation takes beside its text: id, entry and links, rounded up.
const OVERHEAD: usize = 320;

impl MemorySessions {
    /// No conversation yet.
    pub fn new(limits: SessionLimits) -> Self {
        let conversations = LruCache::unbounded();
        let kept = Kept { conversations, owners: HashMap::new(), bytes: 0 };
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
        if let Some((id, oldest)) = self.conversations.pop_lru() {
            self.let_go(&id, &oldest);
        }
    }

    fn forget(&mut self, id: &SessionId) {
        if let Some(conversation) = self.conversations.pop(id) {
            self.let_go(id, &conversation);
        }
    }

    /// Forgets what else is known of a conversation that was just taken out.
    fn let_go(&mut self, id: &SessionId, conversation: &Conversation) {
        self.bytes -= conversation.bytes;
        if let Said::Thread(thread) = &conversation.said
            && let Some(own) = self.owners.get_mut(&thread.head.owner)
        {
            own.retain(|other| other != id);
            if own.is_empty() {
                self.owners.remove(&thread.head.owner);
            }
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
        let said = Said::Exchanges(VecDeque::new());
        let conversation = Conversation { said, bytes: OVERHEAD, used: Instant::now() };
        let mut kept = self.kept();
        kept.bytes += conversation.bytes;
        kept.conversations.put(id.clone(), conversation);
        kept.shrink_to(self.limits.bytes);
        Ok(id)
    }

    async fn turns(&self, id: &SessionId) -> Result<Option<Vec<Turn>>, PortError> {
        let mut kept = self.kept();
        let Some(Conversation { said: Said::Exchanges(exchanges), used, .. }) =
            kept.conversations.get_mut(id)
        else {
            return Ok(None);
        };
        *used = Instant::now();
        Ok(Some(exchanges.iter().cloned().flat_map(Exchange::into_turns).collect()))
    }

    async fn record(&self, id: &SessionId, exchange: Exchange) -> Result<(), PortError> {
        let mut kept = self.kept();
        let Some(Conversation { said: Said::Exchanges(exchanges), bytes, used }) =
            kept.conversations.get_mut(id)
        else {
            return Ok(());
        };
        *used = Instant::now();
        let before = *bytes;
        *bytes += text_bytes(&exchange);
        while exchanges.len() >= self.limits.exchanges.get() {
            if let Some(oldest) = exchanges.pop_front() {
                *bytes -= text_bytes(&oldest);
            }
        }
        // Most conversations have one exchange or two: no room is taken in advance.
        exchanges.reserve_exact(1);
        exchanges.push_back(exchange);
        let after = *bytes;
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

mod threads;

#[cfg(test)]
mod tests;
