//! The fault battery: askbook as a process of its own, and one part of it, or its reader, that does
//! what it should not.
//!
//! Each case has a fresh process, so that no memory of it (the breaker, the budget of tries, the
//! connections) depends on the case before: how often each upstream is called is known exactly.
//! Cases mostly wait, so many are played at a time. Whatever happens, the reader gets one reply of
//! a known form, in which there is nothing that is for the owner alone, and the next question is
//! answered as if nothing had been.

/// The askbook under fire, and what holds for it in every case.
mod subject;

/// What may become of a call that embeds, condenses or writes.
mod calls;
/// What a copy of the collection stands in for.
mod copies;
/// What may become of a call to Gemini, whatever it is for.
mod gemini;
/// What may become of a call to Qdrant.
mod qdrant;
/// Requests that no client should make.
mod requests;
/// Faults that come and go, that many meet at once, or that something stands in for.
mod spells;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use tokio::time::{Duration, timeout};

use crate::support::scripted_gemini::Verb;

/// How many cases are played at a time.
const WIDTH: usize = 8;

/// Only a broken server takes so long for a case.
const NEVER: Duration = Duration::from_mins(2);

/// One wrong way, to be played.
struct Case {
    name: String,
    play: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Case {
    fn new(name: String, play: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { name, play: Box::pin(play) }
    }
}

/// Plays all of these; fails with the names of those that did not go as they should.
async fn fire(family: &str, cases: Vec<Case>) {
    static PLAYED: AtomicUsize = AtomicUsize::new(0);
    let count = cases.len();
    let failed = stream::iter(cases)
        .map(|Case { name, play }| async move {
            let failure = match timeout(NEVER, tokio::spawn(play)).await {
                Ok(Ok(())) => return None,
                Ok(Err(failed)) => {
                    let words = failed.into_panic();
                    words.downcast::<String>().map_or_else(|_| "it failed".to_owned(), |it| *it)
                }
                Err(_) => "it does not end".to_owned(),
            };
            Some(format!("{name}: {failure}"))
        })
        .buffer_unordered(WIDTH)
        .filter_map(std::future::ready);
    let failed: Vec<_> = failed.collect().await;
    assert!(failed.is_empty(), "{} of {count} cases of {family}: {failed:#?}", failed.len());
    let all = PLAYED.fetch_add(count, Ordering::SeqCst) + count;
    // Past the test harness, which keeps what a test prints to itself.
    let _ = writeln!(std::io::stderr(), "fault battery: {count} cases of {family}, {all} so far");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_of_embedding() {
    fire("embedding", calls::cases(Verb::Embed)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_of_condensing() {
    fire("condensing", calls::cases(Verb::Condense)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_of_writing() {
    fire("writing", calls::cases(Verb::Write)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_of_searching() {
    fire("searching", qdrant::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_passes_or_comes_to_many_at_once() {
    fire("spells", spells::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_copy_stands_in_for() {
    fire("copies", copies::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked() {
    let door = requests::Doorstep::new();
    fire("requests", door.cases()).await;
    door.end().await;
}

#[test]
fn the_battery_has_150_cases_and_each_has_a_name_of_its_own() {
    let calls = [Verb::Embed, Verb::Condense, Verb::Write].map(calls::cases);
    let calls = calls.into_iter().flatten().collect();
    let all = [
        calls,
        qdrant::cases(),
        spells::cases(),
        copies::cases(),
        requests::Doorstep::new().cases(),
    ];
    let names: Vec<_> = all.into_iter().flatten().map(|case| case.name).collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert!(names.len() >= 150, "{}", names.len());
}
