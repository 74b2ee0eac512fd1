use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use askbook::answer::Outcome;
use askbook::error::PortError;
use askbook::feedback::{Asked, Feedback, Miss, Rating};
use askbook::ports::Journal;
use askbook::session::MessageId;
use async_trait::async_trait;

/// Remembers the newest replies, whatever became of them, until the process ends.
#[derive(Debug)]
pub struct MemoryJournal {
    limit: NonZeroUsize,
    replies: Mutex<VecDeque<Reply>>,
}

#[derive(Debug)]
struct Reply {
    message: MessageId,
    at: u64,
    /// `None` when all that is known of it is a rating.
    outcome: Option<Outcome>,
    question: Option<String>,
    page: Option<String>,
    rated: Option<Feedback>,
}

impl MemoryJournal {
    /// An empty journal that remembers this many replies.
    pub fn new(limit: NonZeroUsize) -> Self {
        Self { limit, replies: Mutex::new(VecDeque::new()) }
    }

    fn replies(&self) -> MutexGuard<'_, VecDeque<Reply>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, replies: &mut VecDeque<Reply>, reply: Reply) {
        if replies.len() == self.limit.get() {
            replies.pop_front();
        }
        replies.push_back(reply);
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn asked(&self, asked: Asked) -> Result<(), PortError> {
        let Asked { message, question, page, outcome } = asked.to_keep();
        let (outcome, question) = (Some(outcome), Some(question));
        let reply = Reply { message, at: now(), outcome, question, page, rated: None };
        self.add(&mut self.replies(), reply);
        Ok(())
    }

    async fn rated(&self, feedback: Feedback) -> Result<(), PortError> {
        let feedback = feedback.to_keep();
        let message = feedback.message;
        let mut replies = self.replies();
        if let Some(reply) = replies.iter_mut().find(|reply| reply.message == message) {
            reply.rated = Some(feedback);
            return Ok(());
        }
        let (question, rated) = (feedback.question.clone(), Some(feedback));
        let reply = Reply { message, at: now(), outcome: None, question, page: None, rated };
        self.add(&mut replies, reply);
        Ok(())
    }

    async fn misses(&self) -> Result<Vec<Miss>, PortError> {
        Ok(self.replies().iter().filter_map(Reply::miss).collect())
    }
}

impl Reply {
    fn miss(&self) -> Option<Miss> {
        let rated = self.rated.as_ref();
        let refused = self.outcome == Some(Outcome::NotInBook);
        let rated_bad = !refused && rated.is_some_and(|rated| rated.rating == Rating::Bad);
        let miss = Miss {
            at: self.at,
            question: self.question.clone()?,
            page: self.page.clone(),
            rated_bad,
            reason: rated.and_then(|rated| rated.reason.clone()),
            comment: rated.and_then(|rated| rated.comment.clone()),
        };
        (refused || rated_bad).then_some(miss)
    }
}

/// In seconds since the beginning of 1970, UTC.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_replies_are_forgotten() {
        let journal = MemoryJournal::new(NonZeroUsize::new(2).unwrap());
        for number in 0..4 {
            let message = MessageId(uuid::Uuid::from_u128(number));
            let question = number.to_string();
            let asked = Asked { message, question, page: None, outcome: Outcome::NotInBook };
            journal.asked(asked).await.unwrap();
        }
        let misses = journal.misses().await.unwrap();
        let questions: Vec<&str> = misses.iter().map(|miss| miss.question.as_str()).collect();
        assert_eq!(questions, ["2", "3"]);
    }
}
