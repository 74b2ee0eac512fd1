//! Clients: what each of them may ask for.

use std::num::NonZeroU32;
use std::time::Duration;

/// How much a client may ask for: a bucket that holds `burst` requests and is filled at a steady
/// rate (a token bucket).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests at once.
    pub burst: NonZeroU32,
    /// Requests that come back in a minute.
    pub per_minute: NonZeroU32,
}

/// What a client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What the bucket holds when it is full.
    pub limit: u32,
    /// What is left in it.
    pub remaining: u32,
    /// When it is full again.
    pub reset: Duration,
    /// The request is refused, and another one gets through after so long.
    pub retry_after: Option<Duration>,
}

impl Quota {
    /// As many at once as in a minute.
    #[must_use]
    pub fn per_minute(requests: NonZeroU32) -> Self {
        Self { burst: requests, per_minute: requests }
    }

    /// After how long one request more has come back.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_mins(1) / self.per_minute.get()
    }

    /// After how long an empty bucket is full again.
    #[must_use]
    pub fn window(self) -> Duration {
        self.interval() * self.burst.get()
    }

    /// Takes one request at the time `now` out of the bucket that is full at `full_at`, if one is
    /// left. Gives when it is full then, and what is left. Both times count from the same moment;
    /// a bucket that nothing was taken of is full at any time that has passed.
    ///
    /// This is the generic cell rate algorithm (ATM Forum, Traffic Management 4.0, 4.4.2, "virtual
    /// scheduling"): one time is all that a bucket needs to be remembered by.
    #[must_use]
    pub fn take(self, full_at: Duration, now: Duration) -> (Duration, Allowance) {
        let (interval, window) = (self.interval(), self.window());
        let before = full_at.saturating_sub(now);
        let taken = before.saturating_add(interval);
        let over = taken.saturating_sub(window);
        let (reset, retry_after) =
            if over.is_zero() { (taken, None) } else { (before, Some(over)) };
        let left = window.saturating_sub(reset).as_nanos() / interval.as_nanos();
        let remaining = match retry_after {
            Some(_) => 0,
            None => u32::try_from(left).unwrap_or(u32::MAX),
        };
        (
            now.saturating_add(reset),
            Allowance { limit: self.burst.get(), remaining, reset, retry_after },
        )
    }

    /// For how long no more than what is left can be asked for.
    #[must_use]
    pub fn until_more(self, left: &Allowance) -> Duration {
        let interval = self.interval().as_nanos();
        let part = left.reset.as_nanos() % interval;
        let nanos = if part == 0 { interval.min(left.reset.as_nanos()) } else { part };
        left.retry_after.unwrap_or(Duration::from_nanos_u128(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn quota(burst: u32, per_minute: u32) -> Quota {
        let [burst, per_minute] = [burst, per_minute].map(|number| number.try_into().unwrap());
        Quota { burst, per_minute }
    }

    /// What a client gets that asks at these seconds.
    fn asked(quota: Quota, seconds: &[u64]) -> Vec<Allowance> {
        let mut full_at = Duration::ZERO;
        let mut ask = |&second: &u64| {
            let (then, left) = quota.take(full_at, SECOND * u32::try_from(second).unwrap());
            full_at = then;
            left
        };
        seconds.iter().map(&mut ask).collect()
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_at_its_rate() {
        let left = asked(quota(3, 6), &[100, 100, 100, 100, 109, 110, 110, 130, 130, 130]);
        let remaining: Vec<_> = left.iter().map(|left| left.remaining).collect();
        assert_eq!(remaining, [2, 1, 0, 0, 0, 0, 0, 1, 0, 0]);
        let waits: Vec<_> = left.iter().map(|left| left.retry_after.map(|t| t.as_secs())).collect();
        let (no, wait) = (None, Some);
        assert_eq!(waits, [no, no, no, wait(10), wait(1), no, wait(10), no, no, wait(10)]);
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let left = asked(quota(1, 6), &[0, 1, 2, 3, 10]);
        assert_eq!(left[3].retry_after, Some(7 * SECOND));
        assert_eq!(left[4].retry_after, None);
    }

    #[test]
    fn a_client_that_waits_as_long_as_it_is_told_gets_through() {
        for (burst, per_minute) in [(1, 1), (3, 7), (20, 20), (5, 1_000_000_007), (1, u32::MAX)] {
            let quota = quota(burst, per_minute);
            let (mut full_at, now) = (Duration::ZERO, SECOND);
            for _ in 0..burst {
                let (then, left) = quota.take(full_at, now);
                assert_eq!(left.retry_after, None);
                full_at = then;
            }
            let wait = quota.take(full_at, now).1.retry_after.unwrap();
            let almost = wait.saturating_sub(Duration::from_nanos(1));
            assert!(quota.take(full_at, now + almost).1.retry_after.is_some());
            assert_eq!(quota.take(full_at, now + wait).1.retry_after, None);
        }
    }

    #[test]
    fn what_is_left_lasts_until_the_next_one_comes_back() {
        let quota = quota(3, 6);
        let waits: Vec<_> = asked(quota, &[0, 4, 4, 4, 60])
            .iter()
            .map(|left| (left.remaining, left.reset.as_secs(), quota.until_more(left).as_secs()))
            .collect();
        assert_eq!(waits, [(2, 10, 10), (1, 16, 6), (0, 26, 6), (0, 26, 6), (2, 10, 10)]);
    }

    #[test]
    fn the_largest_quota_overflows_nothing() {
        let quota = quota(u32::MAX, 1);
        let (_, left) = quota.take(Duration::ZERO, Duration::from_hours(24 * 365 * 500));
        assert_eq!(left.remaining, u32::MAX - 1);
        assert!(quota.take(Duration::MAX, Duration::ZERO).1.retry_after.is_some());
        assert_eq!(quota.take(Duration::ZERO, Duration::MAX).1.retry_after, None);
    }
}
