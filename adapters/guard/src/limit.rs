//! The limit of concurrency: how many calls an upstream has at once.
//!
//! It follows the time that calls take, as Gradient2 of Netflix's concurrency-limits does
//! (<https://github.com/Netflix/concurrency-limits>, `Gradient2Limit.java`), with the headroom of
//! Envoy's gradient controller (the root of the limit), for the times of a model vary widely. Where
//! those look at times alone, a call that failed lowers it by a tenth, as their `AIMDLimit` does,
//! and once for all calls that were under way together, as TCP does (RFC 5681).

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::time::Instant;

/// How many calls are remembered in the usual time...
const WINDOW: f64 = 600.0;
/// ...and how much less those count that may have had to wait: were they the usual ones, waiting
/// would be usual. They count a little, for an upstream may become slower for good.
const DOUBT: f64 = 0.01;
/// How much longer than usual a call may take before it counts as one that had to wait...
const TOLERANCE: f64 = 2.0;
/// ...and how much longer, in seconds, in any case: half of what a reader takes for at once
/// (R. B. Miller, 1968: 0.1 s). Refusing somebody else would not be worth it; and of calls that
/// take a millisecond, another one is as easily our own, with more to do than one processor can.
const UNFELT: f64 = 0.05;
/// How much longer than usual one may take before it is not worth waiting for.
const PATIENCE: f64 = 5.0;
/// What is left of the limit after a failure.
const BACKOFF: f64 = 0.9;

/// How many calls an upstream may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// However slow it is.
    pub least: NonZeroUsize,
    /// Before anything is known about it.
    pub first: NonZeroUsize,
    /// However fast it is.
    pub most: NonZeroUsize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    bounds: Concurrency,
    /// How many calls there may be, more finely.
    allowed: f64,
    in_flight: usize,
    /// The time that a call takes, in seconds: the mean of those so far, later one that forgets...
    usual: f64,
    /// ...and how many those are.
    calls: f64,
    /// When it was last lowered for a failure.
    lowered: Option<Instant>,
}

impl Limit {
    pub(crate) fn new(bounds: Concurrency) -> Self {
        let allowed = float(bounds.first).clamp(float(bounds.least), float(bounds.most));
        Self { bounds, allowed, in_flight: 0, usual: 0.0, calls: 0.0, lowered: None }
    }

    /// How many calls there may be.
    pub(crate) fn calls(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between two counts, and rounded down"
        )]
        let calls = self.allowed as usize;
        calls
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn is_full(&self) -> bool {
        self.in_flight >= self.calls()
    }

    /// Whether at least half of the limit is made use of.
    pub(crate) fn is_used(&self) -> bool {
        self.in_flight * 2 >= self.calls()
    }

    /// Whether a call that has taken so long is far slower than usual. Where nothing has ever been
    /// answered, every call is.
    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        took.as_secs_f64() > PATIENCE * self.usual
    }

    pub(crate) fn begin(&mut self) {
        self.in_flight += 1;
    }

    /// Ends a call, after its [`answered`](Self::answered) or [`failed`](Self::failed).
    pub(crate) fn end(&mut self) {
        self.in_flight -= 1;
    }

    /// Learns from the time that a call took to be answered.
    pub(crate) fn answered(&mut self, took: Duration) {
        let took = took.as_secs_f64().max(1e-6);
        self.calls += 1.0;
        let is_used = self.is_used();
        let least = 2.0 / (WINDOW + 1.0);
        let is_doubtful = is_used && self.calls > 1.0;
        let weight = if is_doubtful { least * DOUBT } else { least.max(1.0 / self.calls) };
        self.usual += (took - self.usual) * weight;
        // After a long time of waiting all calls were slow; this is how fast it can be.
        if self.usual > 2.0 * took {
            self.usual *= 0.95;
        }
        // What is not used says nothing about how much could be.
        if !is_used {
            return;
        }
        let tolerated = (TOLERANCE * self.usual).max(self.usual + UNFELT);
        let gradient = (tolerated / took).clamp(0.5, 1.0);
        let aim = self.allowed * gradient + self.allowed.sqrt();
        // Each call has its share, so that those that were under way together move it once.
        self.set(self.allowed + (aim - self.allowed) / self.allowed);
    }

    /// Learns from a call that began then and failed.
    pub(crate) fn failed(&mut self, began: Instant, now: Instant) {
        if self.lowered.is_none_or(|lowered| began >= lowered) {
            self.lowered = Some(now);
            self.set(self.allowed * BACKOFF);
        }
    }

    fn set(&mut self, limit: f64) {
        self.allowed = limit.clamp(float(self.bounds.least), float(self.bounds.most));
    }
}

fn float(count: NonZeroUsize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no upstream has 2^52 calls at once")]
    let float = count.get() as f64;
    float
}

#[cfg(test)]
mod tests;
