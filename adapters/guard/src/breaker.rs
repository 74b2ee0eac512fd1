//! The circuit breaker: when an upstream is left alone.
//!
//! The states are those of M. Nygard, "Release It!", chapter 5; the number of failures in a row
//! and the first pauses those of Envoy's outlier detection (5 and 30 s at most here, for a reader
//! is better served by an upstream that is back).

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// The first pause; each one after a probe that failed is twice as long...
pub(crate) const SHORTEST: Duration = Duration::from_secs(10);
/// ...up to this.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);
/// When to ask again while somebody finds out whether the upstream is back.
const SOON: Duration = Duration::from_secs(1);

/// What the end of a call says about the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It answers.
    Answered,
    /// It cannot be reached, is down, or is too slow.
    Failed,
    /// It takes no calls for so long.
    Closed(Duration),
    /// It has too much to do for now.
    Busy,
    /// Nothing.
    Nothing,
}

/// Lets calls through until too many in a row have failed; then none for a while, and then one
/// that finds out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Breaker {
    /// How many failures in a row are too many.
    failures: NonZeroU32,
    phase: Phase,
    /// Counts the changes of phase: what began in one phase says nothing about a later one.
    period: u64,
    /// The next pause.
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Calls get through; so many have failed in a row.
    Closed { failures: u32 },
    /// None gets through until then; the next one after that is a probe.
    Open { until: Instant },
    /// One call is under way, and none gets through beside it.
    Probing,
}

/// The phase that a call began in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Period(u64);

/// What became of the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It opened, for so long.
    Opened(Duration),
    /// It closed.
    Closed,
}

impl Breaker {
    pub(crate) fn new(failures: NonZeroU32) -> Self {
        Self { failures, phase: Phase::Closed { failures: 0 }, period: 0, pause: SHORTEST }
    }

    /// Whether a call would get through; if not, when to ask again.
    pub(crate) fn check(&self, now: Instant) -> Result<(), Duration> {
        match self.phase {
            Phase::Closed { .. } => Ok(()),
            Phase::Open { until } if now >= until => Ok(()),
            Phase::Open { until } => Err(until - now),
            Phase::Probing => Err(SOON),
        }
    }

    /// Whether the last call that said something went well.
    pub(crate) fn is_well(&self) -> bool {
        self.phase == Phase::Closed { failures: 0 }
    }

    /// Begins a call, which has to [`end`](Self::end).
    pub(crate) fn begin(&mut self, now: Instant) -> Result<Period, Duration> {
        self.check(now)?;
        if matches!(self.phase, Phase::Open { .. }) {
            self.turn(Phase::Probing);
        }
        Ok(Period(self.period))
    }

    /// Ends a call.
    pub(crate) fn end(&mut self, call: Period, outcome: Outcome, now: Instant) -> Option<Turn> {
        if call.0 != self.period {
            return None;
        }
        match (self.phase, outcome) {
            (_, Outcome::Closed(wait)) => {
                self.turn(Phase::Open { until: now + wait });
                Some(Turn::Opened(wait))
            }
            (Phase::Closed { .. }, Outcome::Answered) => {
                self.phase = Phase::Closed { failures: 0 };
                None
            }
            (Phase::Closed { failures }, Outcome::Failed) => {
                let failures = failures + 1;
                if failures < self.failures.get() {
                    self.phase = Phase::Closed { failures };
                    return None;
                }
                Some(self.open(now))
            }
            (Phase::Probing, Outcome::Failed) => Some(self.open(now)),
            (Phase::Probing, Outcome::Answered) => {
                self.pause = SHORTEST;
                self.turn(Phase::Closed { failures: 0 });
                Some(Turn::Closed)
            }
            // It found out nothing: the next call is the probe.
            (Phase::Probing, Outcome::Busy | Outcome::Nothing) => {
                self.turn(Phase::Open { until: now });
                None
            }
            (Phase::Closed { .. }, Outcome::Busy | Outcome::Nothing) | (Phase::Open { .. }, _) => {
                None
            }
        }
    }

    fn open(&mut self, now: Instant) -> Turn {
        let pause = self.pause;
        self.pause = LONGEST.min(pause * 2);
        self.turn(Phase::Open { until: now + pause });
        Turn::Opened(pause)
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.period += 1;
    }
}
