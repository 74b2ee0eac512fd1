//! The breaker and the limit of one upstream together.

use std::time::Duration;

use tokio::time::Instant;

use crate::breaker::{Breaker, Outcome, Period, Turn};
use crate::limit::Limit;

/// What is known of an upstream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) breaker: Breaker,
    pub(crate) limit: Limit,
}

/// A call that has begun and has to [`end`](State::end) once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    period: Period,
    pub(crate) began: Instant,
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The breaker is open; when to ask again.
    Open(Duration),
    /// There are so many calls already.
    Full(usize),
}

impl State {
    /// Whether a call would be let through.
    pub(crate) fn check(&self, now: Instant) -> Result<(), Refusal> {
        self.breaker.check(now).map_err(Refusal::Open)?;
        let calls = self.limit.in_flight();
        if self.limit.is_full() { Err(Refusal::Full(calls)) } else { Ok(()) }
    }

    /// Lets a call through, or refuses it.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<Call, Refusal> {
        // A probe that the limit refused would be one that never ends.
        self.check(now)?;
        let period = self.breaker.begin(now).map_err(Refusal::Open)?;
        self.limit.begin();
        Ok(Call { period, began: now })
    }

    /// Ends a call that went like this and, where that is to be learnt from, took so long to be
    /// answered.
    pub(crate) fn end(
        &mut self,
        call: Call,
        outcome: Outcome,
        took: Option<Duration>,
        now: Instant,
    ) -> Option<Turn> {
        match outcome {
            Outcome::Answered => {
                if let Some(took) = took {
                    self.limit.answered(took);
                }
            }
            Outcome::Failed | Outcome::Busy | Outcome::Closed(_) => {
                self.limit.failed(call.began, now);
            }
            Outcome::Nothing => {}
        }
        self.limit.end();
        self.breaker.end(call.period, outcome, now)
    }
}

#[cfg(test)]
mod tests;
