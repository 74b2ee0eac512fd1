//! The part of a request's time that one call may take.

use std::future::Future;
use std::time::Duration;

use askbook::request::Context;
use tokio::time::{Instant, sleep_until};

/// Of what is looked up: the rest is for what comes after it, or is done without it.
pub(crate) const HALF: f64 = 0.5;
/// Of an answer: nothing comes after it but what stands in for it, which is quick.
pub(crate) const MOST: f64 = 0.9;

/// Whether the request that this belongs to is over: nobody waits for it any more.
pub(crate) fn is_over() -> bool {
    Context::current().time_left(Instant::now().into_std()) == Some(Duration::ZERO)
}

/// When a call has to be done; without a deadline, any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(Option<Instant>);

impl Span {
    /// This part of the time that is left to the request.
    pub(crate) fn of_what_is_left(part: f64) -> Self {
        let now = Instant::now();
        let left = Context::current().time_left(now.into_std());
        Self(left.map(|left| now + left.mul_f64(part)))
    }

    /// What the work gives, which knows by when it has to be done; `None` when it is not.
    pub(crate) async fn bound<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let Some(end) = self.0 else { return Some(work.await) };
        let context = Context::current().until(end.into_std());
        tokio::select! {
            biased;
            () = sleep_until(end) => None,
            done = context.scope(work) => Some(done),
        }
    }
}
