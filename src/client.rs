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
