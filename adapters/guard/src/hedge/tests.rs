use std::future::pending;
use std::io::Write as _;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use askbook::error::ErrorKind;
use fastrand::Rng;
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::*;
use crate::{Concurrency, GuardSettings};

/// An upstream whose tries take as long as is said, behind its guard.
struct Upstream {
    guard: Guard,
    /// How many calls there were, and how many tries...
    calls: AtomicUsize,
    tries: AtomicUsize,
    /// ...of which so many ended and so many were dropped.
    ended: AtomicUsize,
    dropped: AtomicUsize,
}

fn add(count: &AtomicUsize) -> usize {
    count.fetch_add(1, Ordering::SeqCst) + 1
}

fn read(count: &AtomicUsize) -> usize {
    count.load(Ordering::SeqCst)
}

type Try = Result<Duration, ErrorKind>;

impl Upstream {
    fn new(calls: usize) -> Arc<Self> {
        let calls = NonZeroUsize::new(calls).unwrap();
        let settings = GuardSettings {
            failures: NonZeroU32::new(5).unwrap(),
            patience: Duration::from_secs(2),
            concurrency: Concurrency { least: calls, first: calls, most: calls },
        };
        let (calls, tries) = <_>::default();
        let (ended, dropped) = <_>::default();
        Arc::new(Self { guard: Guard::new("peer", settings), calls, tries, ended, dropped })
    }

    /// One try: takes as long as this and answers, or fails so.
    fn attempt(self: &Arc<Self>, outcome: Try) -> BoxFuture<'static, Result<(), PortError>> {
        struct UnderWay {
            upstream: Arc<Upstream>,
            ended: bool,
        }

        impl Drop for UnderWay {
            fn drop(&mut self) {
                let Self { upstream, ended } = self;
                add(if *ended { &upstream.ended } else { &upstream.dropped });
            }
        }

        add(&self.tries);
        let under_way = UnderWay { upstream: Arc::clone(self), ended: false };
        let guard = self.guard.clone();
        let work = async move {
            let mut under_way = under_way;
            let result = match outcome {
                Ok(Duration::MAX) => pending().await,
                Ok(time) => {
                    sleep(time).await;
                    Ok(())
                }
                Err(kind) => Err(PortError::new(kind, "scripted")),
            };
            under_way.ended = true;
            result
        };
        async move { guard.timed_call(work).await }.boxed()
    }

    /// One call, whose first try goes like this, and whose second one like that.
    async fn call(
        self: &Arc<Self>,
        hedge: &Hedge,
        first: Try,
        second: Try,
    ) -> Result<(), PortError> {
        add(&self.calls);
        let tries = AtomicUsize::new(0);
        let attempt = || {
            let outcome = if add(&tries) == 1 { first } else { second };
            self.attempt(outcome)
        };
        let answer = hedge.call(attempt).await;
        let more = read(&self.tries) - read(&self.calls);
        assert!(more * 100 <= read(&self.calls) * 3, "{more} more tries");
        answer
    }
}

const QUICK: Try = Ok(Duration::from_millis(100));
const NEVER: Try = Ok(Duration::MAX);
/// For what never comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A hedge that knows that calls take a tenth of a second, and that has something saved up.
async fn learned(upstream: &Arc<Upstream>) -> Hedge {
    let hedge = Hedge::new(upstream.guard.clone());
    for _ in 0..RECENT {
        upstream.call(&hedge, QUICK, NEVER).await.unwrap();
    }
    assert_eq!(read(&upstream.tries), RECENT);
    hedge
}

/// Most tries take a tenth of a second or two; of a hundred, two take some seconds.
fn time(rng: &mut Rng) -> Duration {
    Duration::from_millis(if rng.u8(..100) < 2 { rng.u64(2_000..5_000) } else { rng.u64(80..200) })
}

/// How long 10,000 calls took of which 25 are begun in a second, shortest first; and how many
/// tries they were.
async fn play(seed: u64, hedged: bool) -> (Vec<Duration>, usize) {
    let upstream = Upstream::new(64);
    let hedge = Arc::new(Hedge::new(upstream.guard.clone()));
    let mut rng = Rng::with_seed(seed);
    let mut calls = JoinSet::new();
    let mut due = Instant::now();
    for _ in 0..10_000 {
        due += Duration::from_millis(rng.u64(..80));
        let (first, second) = (Ok(time(&mut rng)), Ok(time(&mut rng)));
        let (upstream, hedge) = (Arc::clone(&upstream), Arc::clone(&hedge));
        calls.spawn(async move {
            sleep_until(due).await;
            let began = Instant::now();
            if hedged {
                upstream.call(&hedge, first, second).await.unwrap();
            } else {
                upstream.attempt(first).await.unwrap();
            }
            began.elapsed()
        });
    }
    let mut times = calls.join_all().await;
    times.sort();
    let tries = read(&upstream.tries);
    assert_eq!(tries, read(&upstream.ended) + read(&upstream.dropped), "none goes on");
    (times, tries)
}

#[tokio::test(start_paused = true)]
async fn the_slowest_calls_become_quick_for_three_more_of_a_hundred_at_most() {
    let ((before, _), (after, tries)) = (play(1, false).await, play(1, true).await);
    let [p99_before, p99_after] = [before, after].map(|times| times[9_900]);
    let _ = writeln!(
        std::io::stderr(),
        "p99 {} ms, hedged {} ms by {tries} tries for 10,000 calls",
        p99_before.as_millis(),
        p99_after.as_millis()
    );
    assert!((10_001..=10_300).contains(&tries), "{tries}");
    assert!(p99_before >= Duration::from_secs(2) && p99_after <= Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_counts_and_the_other_try_is_dropped() {
    let upstream = Upstream::new(64);
    let hedge = learned(&upstream).await;
    upstream.call(&hedge, NEVER, QUICK).await.unwrap();
    assert_eq!((read(&upstream.tries), read(&upstream.dropped)), (RECENT + 2, 1));
    let slow = Ok(Duration::from_millis(150));
    upstream.call(&hedge, slow, NEVER).await.unwrap();
    assert_eq!((read(&upstream.tries), read(&upstream.dropped)), (RECENT + 4, 2));

    let call = upstream.call(&hedge, NEVER, NEVER);
    assert!(timeout(PATIENCE, call).await.is_err());
    assert_eq!(
        (read(&upstream.tries), read(&upstream.dropped)),
        (RECENT + 6, 4),
        "its reader left"
    );
    assert!(upstream.guard.is_at_ease());
}

#[tokio::test(start_paused = true)]
async fn a_second_try_that_fails_changes_nothing() {
    let upstream = Upstream::new(64);
    let hedge = learned(&upstream).await;
    let slow = Ok(Duration::from_millis(150));
    upstream.call(&hedge, slow, Err(ErrorKind::Rejected)).await.unwrap();
    assert_eq!(read(&upstream.tries), RECENT + 2);
    let error = upstream.call(&hedge, Err(ErrorKind::Blocked), QUICK).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Blocked);
    assert_eq!(read(&upstream.tries), RECENT + 3, "what fails is not made again");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_again_before_enough_is_known() {
    let upstream = Upstream::new(64);
    let hedge = Hedge::new(upstream.guard.clone());
    for _ in 0..LEAST - 1 {
        upstream.call(&hedge, QUICK, NEVER).await.unwrap();
    }
    let call = upstream.call(&hedge, NEVER, QUICK);
    assert!(timeout(PATIENCE, call).await.is_err());
    assert_eq!(read(&upstream.tries), LEAST);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_again_where_the_upstream_has_enough_to_do_or_fails() {
    let upstream = Upstream::new(4);
    let hedge = learned(&upstream).await;
    let patient = async || {
        let call = upstream.call(&hedge, NEVER, QUICK);
        timeout(PATIENCE, call).await.is_err()
    };
    let busy = upstream.guard.admit().unwrap();
    assert!(patient().await);
    drop(busy);
    assert!(!patient().await);

    let failing = upstream.call(&hedge, Err(ErrorKind::Unavailable), QUICK);
    failing.await.unwrap_err();
    assert!(patient().await);
    upstream.call(&hedge, QUICK, QUICK).await.unwrap();
    assert!(!patient().await);
}

#[tokio::test(start_paused = true)]
async fn when_all_calls_become_slow_few_are_made_again() {
    let upstream = Upstream::new(64);
    let hedge = learned(&upstream).await;
    let slow = Ok(Duration::from_secs(5));
    let calls = (0..20).map(|_| upstream.call(&hedge, slow, slow));
    futures_util::future::join_all(calls).await;
    let more = u32::try_from(read(&upstream.tries) - read(&upstream.calls)).unwrap();
    assert_eq!(more, SAVED / COST, "what was saved up");
}
