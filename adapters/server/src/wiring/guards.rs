//! How long and how often upstreams are asked.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use askbook_guard::{Concurrency, Guard, GuardSettings};

use crate::config::Config;

/// After how many failures in a row an upstream is left alone for a while.
pub(super) const FAILURES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// A guard of this upstream.
pub(super) fn guard(config: &Config, upstream: &str, failures: NonZeroU32) -> Guard {
    const LEAST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
    let most = config.settings.upstream_calls;
    let first = NonZeroUsize::new(most.get() / 2).unwrap_or(most);
    let concurrency = Concurrency { least: LEAST.min(most), first, most };
    let patience = patience(config);
    Guard::new(upstream, GuardSettings { failures, patience, concurrency })
}

/// The longest wait that an upstream may ask a reader for.
pub(super) fn patience(config: &Config) -> Duration {
    config.settings.upstream_timeout / 4
}
