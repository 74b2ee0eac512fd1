//! What became of many questions, and how long that took.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::reader::Outcome;

/// The longest time that is told apart, in microseconds.
const LONGEST: u64 = 120_000_000;

/// The questions of a measurement.
pub(crate) struct Tally {
    /// How long those that count were asked for.
    span: Duration,
    /// All of them, also those that were asked before and after.
    whole: [u64; Outcome::ALL.len()],
    /// Times, in microseconds, of those that count.
    times: Vec<Histogram<u64>>,
    /// How much later than planned they were asked, in microseconds.
    lag: Histogram<u64>,
}

impl Tally {
    /// Of questions that count when they are asked within so long.
    pub(crate) fn of(span: Duration) -> anyhow::Result<Self> {
        let empty = Histogram::new_with_bounds(1, LONGEST, 3)?;
        let times = vec![empty.clone(); Outcome::ALL.len()];
        Ok(Self { span, whole: [0; Outcome::ALL.len()], times, lag: empty })
    }

    /// Adds a question and the time that it took.
    pub(crate) fn add(&mut self, outcome: Outcome, took: Duration, counts: bool) {
        self.whole[outcome as usize] += 1;
        if counts {
            self.times[outcome as usize].saturating_record(microseconds(took));
        }
    }

    /// Adds by how much a question was late to be asked.
    pub(crate) fn asked(&mut self, late: Duration) {
        self.lag.saturating_record(microseconds(late));
    }

    /// How many of all questions ended so.
    pub(crate) fn all(&self, outcome: Outcome) -> u64 {
        self.whole[outcome as usize]
    }

    /// How many all questions are.
    pub(crate) fn total(&self) -> u64 {
        self.whole.iter().sum()
    }

    /// How many of those that count ended so.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.times[outcome as usize].len()
    }

    /// How many questions count.
    pub(crate) fn questions(&self) -> u64 {
        self.times.iter().map(Histogram::len).sum()
    }

    /// How many ended so, a second.
    pub(crate) fn rate(&self, outcome: Outcome) -> f64 {
        per(self.count(outcome), self.span)
    }

    /// The time within which this share of those that ended so had ended, in milliseconds; `None`
    /// when there were none.
    pub(crate) fn quantile(&self, outcome: Outcome, share: f64) -> Option<f64> {
        quantile(&self.times[outcome as usize], share)
    }

    /// The same of being late to be asked.
    pub(crate) fn lag(&self, share: f64) -> Option<f64> {
        quantile(&self.lag, share)
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST)
}

/// In milliseconds.
fn quantile(times: &Histogram<u64>, share: f64) -> Option<f64> {
    (!times.is_empty()).then(|| float(times.value_at_quantile(share)) / 1e3)
}

/// How many a second.
pub(crate) fn per(count: u64, span: Duration) -> f64 {
    float(count) / span.as_secs_f64()
}

/// One count divided by another; 0 without any.
pub(crate) fn ratio(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { float(count) / float(of) }
}

pub(crate) fn float(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nothing here is counted up to 2^52")]
    let float = count as f64;
    float
}

/// The one in the middle; of two, their mean.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = values.len() / 2;
    let upper = values.get(at)?;
    Some(if values.len() % 2 == 1 { *upper } else { f64::midpoint(values[at - 1], *upper) })
}
