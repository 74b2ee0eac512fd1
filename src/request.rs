//! What a request takes along to the ports: the trace that it belongs to, and when its answer is
//! of no more use. Whatever is polled as part of the request finds it here, so that no port has a
//! parameter for it.

#![expect(
    clippy::disallowed_types,
    reason = "an instant is a value here that is handed on: nobody asks what time it is"
)]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::time::{Duration, Instant};

use crate::trace::TraceParent;

thread_local! {
    /// Of what this thread polls just now.
    static CURRENT: Cell<Context> = const { Cell::new(Context { trace: None, deadline: None }) };
}

/// What the work for a request knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Its place in a trace.
    pub trace: Option<TraceParent>,
    /// When nobody waits for what it is worked on any more. What would be over later need not be
    /// begun, and an upstream that is asked should be told. Without one there is no hurry.
    pub deadline: Option<Instant>,
}

impl Context {
    /// That of the work that calls this; nothing is known when it was handed to a task of its own.
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// The same with this deadline, unless its own is earlier.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Self {
        let deadline = self.deadline.map_or(deadline, |earlier| earlier.min(deadline));
        Self { deadline: Some(deadline), ..self }
    }

    /// How much time there is at this moment, if that is known.
    #[must_use]
    pub fn time_left(self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// This long, or as long as there is time.
    #[must_use]
    pub fn at_most(self, limit: Duration, now: Instant) -> Duration {
        self.time_left(now).map_or(limit, |left| left.min(limit))
    }

    /// Works as part of this.
    pub fn within<T>(self, work: impl FnOnce() -> T) -> T {
        /// Puts back what was there, even when the work panics.
        struct Before(Context);

        impl Drop for Before {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }

        let _before = Before(CURRENT.replace(self));
        work()
    }

    /// The future, as part of this.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        poll_fn(|cx| self.within(|| work.as_mut().poll(cx))).await
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::Poll;

    use futures_util::FutureExt;
    use futures_util::future::{join, poll_fn};

    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// Any instant will do.
    fn context(seconds: u64) -> Context {
        static FIRST: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        Context {
            trace: TraceParent::parse(GIVEN),
            deadline: Some(*FIRST + Duration::from_secs(seconds)),
        }
    }

    #[test]
    fn work_knows_its_request_whatever_is_done_beside_it() {
        let work = |context: Context| {
            let mut turns = 0;
            context.scope(poll_fn(move |cx| {
                assert_eq!(Context::current(), context);
                turns += 1;
                cx.waker().wake_by_ref();
                if turns == 3 { Poll::Ready(()) } else { Poll::Pending }
            }))
        };
        let others = join(work(context(2)), work(Context::default()));
        let mut all = Box::pin(join(work(context(1)), others));
        while all.as_mut().now_or_never().is_none() {
            assert_eq!(Context::current(), Context::default());
        }
    }

    #[test]
    fn a_deadline_moves_nearer_only() {
        let [sooner, later] = [context(1), context(2)];
        let deadline = |context: Context| context.deadline.unwrap();
        assert_eq!(later.until(deadline(sooner)), sooner);
        assert_eq!(sooner.until(deadline(later)), sooner);
        let unhurried = Context { deadline: None, ..later };
        assert_eq!(unhurried.until(deadline(later)), later);
    }

    #[test]
    fn nothing_takes_longer_than_there_is_time() {
        let (now, second) = (context(1).deadline.unwrap(), Duration::from_secs(1));
        for (context, left) in [
            (context(3), Some(2 * second)),
            (context(1), Some(Duration::ZERO)),
            (context(0), Some(Duration::ZERO)),
            (Context::default(), None),
        ] {
            assert_eq!(context.time_left(now), left);
            for limit in [second, 9 * second] {
                assert_eq!(context.at_most(limit, now), left.unwrap_or(limit).min(limit));
            }
        }
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let panics = || context(1).within(|| panic!("as the test wants"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(Context::current(), Context::default());
    }
}
