//! The answered questions, in memory, until they are rated.

use std::num::NonZeroUsize;

use askbook::session::MessageId;
use lru::LruCache;

/// How many are remembered, at most: those of a busy day.
const COUNT: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// How many bytes their texts may have together.
const BYTES: usize = 4 << 20;

/// The newest answered questions, by the replies to them.
#[derive(Debug)]
pub(crate) struct Replies {
    kept: LruCache<MessageId, Reply>,
    /// The sum over the texts.
    bytes: usize,
}

/// An answered question.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) question: String,
    pub(crate) page: Option<String>,
    /// Whether its last rating was bad.
    pub(crate) rated_bad: bool,
}

impl Reply {
    fn bytes(&self) -> usize {
        self.question.len() + self.page.as_ref().map_or(0, String::len)
    }
}

impl Replies {
    pub(crate) fn new() -> Self {
        Self { kept: LruCache::new(COUNT), bytes: 0 }
    }

    /// Remembers one, and forgets those that are too much: the longest unused first.
    pub(crate) fn remember(&mut self, message: MessageId, reply: Reply) {
        self.bytes += reply.bytes();
        if let Some((_, gone)) = self.kept.push(message, reply) {
            self.bytes -= gone.bytes();
        }
        while self.bytes > BYTES {
            let Some((_, gone)) = self.kept.pop_lru() else { break };
            self.bytes -= gone.bytes();
        }
    }

    pub(crate) fn get(&mut self, message: MessageId) -> Option<&mut Reply> {
        self.kept.get_mut(&message)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn remember(replies: &mut Replies, number: usize, length: usize) {
        let question = "x".repeat(length);
        let message = MessageId(Uuid::from_u128(number as u128));
        replies.remember(message, Reply { question, page: None, rated_bad: false });
    }

    fn knows(replies: &mut Replies, number: usize) -> bool {
        replies.get(MessageId(Uuid::from_u128(number as u128))).is_some()
    }

    #[test]
    fn the_longest_unused_go_when_there_are_too_many() {
        let mut replies = Replies::new();
        for number in 0..COUNT.get() {
            remember(&mut replies, number, 1);
        }
        assert!(knows(&mut replies, 0));
        remember(&mut replies, COUNT.get(), 1);
        assert!(knows(&mut replies, 0) && !knows(&mut replies, 1));
        assert_eq!(replies.bytes, COUNT.get());
    }

    #[test]
    fn the_longest_unused_go_when_they_are_too_long() {
        let mut replies = Replies::new();
        for number in 0..5 {
            remember(&mut replies, number, BYTES / 4);
        }
        assert!(!knows(&mut replies, 0) && knows(&mut replies, 1));
        // The same one again counts once.
        remember(&mut replies, 1, 4);
        assert_eq!(replies.bytes, 3 * (BYTES / 4) + 4);
    }
}
