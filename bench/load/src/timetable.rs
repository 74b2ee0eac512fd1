//! When questions are asked: by a timetable, or when the one before is answered.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::reader::{Ask, Outcome, Readers};
use crate::tally::Tally;

/// How long a measurement takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// What is not measured, at its beginning.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Span {
    pub(crate) fn seconds(warm_up: u64, measured: u64) -> Self {
        let [warm_up, measured] = [warm_up, measured].map(Duration::from_secs);
        Self { warm_up, measured }
    }
}

/// An open loop: so many questions a second, evenly, however the server fares. Times count from
/// when a question should have been asked, so that whatever makes it wait is measured (and not
/// left out, which is called coordinated omission). Ends when the last question has.
pub(crate) async fn open(
    readers: &Arc<Readers>,
    rate: f64,
    span: Span,
    ask: impl Fn(u64) -> Ask,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::of(span.measured)?;
    let mut due = departures(rate, span.warm_up + span.measured)?;
    let begun = Instant::now();
    let mut asked = JoinSet::new();
    loop {
        tokio::select! {
            next = due.recv() => {
                let Some((number, due)) = next else { break };
                let counts = due >= begun + span.warm_up;
                if counts {
                    tally.asked(due.elapsed());
                }
                let (readers, ask) = (Arc::clone(readers), ask(number));
                asked.spawn(async move {
                    let outcome = readers.ask(&ask, due).await;
                    (outcome, due.elapsed(), counts)
                });
            }
            Some(ended) = asked.join_next() => add(&mut tally, ended?),
        }
    }
    while let Some(ended) = asked.join_next().await {
        add(&mut tally, ended?);
    }
    Ok(tally)
}

fn add(tally: &mut Tally, (outcome, took, counts): (Outcome, Duration, bool)) {
    tally.add(outcome, took, counts);
}

/// The times of the questions, told when they come. A thread sleeps more exactly than a runtime
/// does, whose timers are good for a millisecond.
fn departures(
    rate: f64,
    length: Duration,
) -> anyhow::Result<mpsc::UnboundedReceiver<(u64, Instant)>> {
    let (tell, told) = mpsc::unbounded_channel();
    let begun = Instant::now();
    thread::Builder::new().name("timetable".to_owned()).spawn(move || {
        let between = Duration::from_secs_f64(1.0 / rate);
        let mut due = begun;
        for number in 0.. {
            if due - begun >= length || tell.send((number, due)).is_err() {
                return;
            }
            due += between;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    })?;
    Ok(told)
}

/// A closed loop: so many readers, each of whom asks when the last question is answered, or after
/// a pause when it was not.
pub(crate) async fn closed(
    readers: &Arc<Readers>,
    count: u32,
    span: Span,
    ask: impl Fn(u64) -> Ask + Clone + Send + 'static,
) -> anyhow::Result<Tally> {
    const PAUSE: Duration = Duration::from_millis(100);
    let (warm, end) = {
        let begun = Instant::now();
        (begun + span.warm_up, begun + span.warm_up + span.measured)
    };
    let mut asking = JoinSet::new();
    for reader in 0..u64::from(count) {
        let (readers, ask) = (Arc::clone(readers), ask.clone());
        asking.spawn(async move {
            let mut ended = Vec::new();
            for number in 0.. {
                let begun = Instant::now();
                if begun >= end {
                    break;
                }
                let outcome = readers.ask(&ask(reader << 32 | number), begun).await;
                let now = Instant::now();
                ended.push((outcome, now - begun, now >= warm && now < end));
                if outcome != Outcome::Written {
                    sleep(PAUSE).await;
                }
            }
            ended
        });
    }
    let mut tally = Tally::of(span.measured)?;
    for ended in asking.join_all().await.into_iter().flatten() {
        add(&mut tally, ended);
    }
    Ok(tally)
}
