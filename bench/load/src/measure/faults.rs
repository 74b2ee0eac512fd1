//! Upstreams that fail.
//!
//! Goal R2: an upstream that fails altogether is called at most 1.1 times for each call that a
//! question would make of it; a fault that occurs once is seen by nobody.

use std::sync::Arc;
use std::time::Duration;

use crate::Bench;
use crate::reader::{Ask, Outcome, Readers};
use crate::script::{Call, Fault, Trouble};
use crate::table::{Bound, Table, figure, goal};
use crate::tally::ratio;
use crate::timetable::{Span, open};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many questions are asked in a second
    #[arg(long, default_value_t = 40.0)]
    rate: f64,
    /// How long, in seconds
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

const ALL: &[Call] = &[Call::Embed, Call::Search, Call::Write];
/// Each on its own.
const EACH: [(&str, &[Call]); 4] = [
    ("embedding", &[Call::Embed]),
    ("search", &[Call::Search]),
    ("writing", &[Call::Write]),
    ("everything", ALL),
];
/// How many calls there are from one fault to the next. No factor of a round number, so that
/// the faults of the calls fall on different questions.
const ONCE: u64 = 97;

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    let faults = [Fault::Refused, Fault::Broken, Fault::Silent];
    let total = EACH.iter().flat_map(|(what, calls)| {
        faults.map(|fault| (format!("{what}: {fault:?}"), Trouble { calls, fault, every: 1 }))
    });
    let once = [Fault::Refused, Fault::Broken].map(|fault| {
        let trouble = Trouble { calls: ALL, fault, every: ONCE };
        (format!("each {ONCE}th call: {fault:?}"), trouble)
    });
    let mut table = Table::new(&[
        "fault",
        "asked",
        "embeds/chat",
        "searches/chat",
        "writes/chat",
        "written",
        "quoted",
        "refused",
        "late",
        "other",
        "p99 ms",
    ]);
    let (mut most, mut seen) = (0.0_f64, 0);
    for (name, trouble) in total.chain(once) {
        let patience = Duration::from_secs(20);
        // As much shorter than usual as this measurement is.
        let (program, upstreams) = bench
            .start(&[("ASKBOOK_UPSTREAM_TIMEOUT_MS", "1000"), ("ASKBOOK_DEADLINE_MS", "5000")])?;
        let readers = Arc::new(Readers::of(&program.address));
        let well = Span::seconds(0, 2);
        open(&readers, options.rate, well, |number| Ask { patience, ..Ask::of(number) }).await?;
        let before = upstreams.script.counts();
        upstreams.script.make(trouble);
        let ask = |number| Ask { patience, ..Ask::of(number + 1_000_000) };
        let tally = open(&readers, options.rate, Span::seconds(0, options.seconds), ask).await?;
        let made = upstreams.script.counts().since(&before);
        let asked = tally.questions();
        let each: Vec<f64> = ALL.iter().map(|&call| ratio(made.of(call), asked)).collect();
        if trouble.every == 1 {
            most = each.iter().copied().fold(most, f64::max);
        } else {
            seen += asked - tally.count(Outcome::Written);
        }
        let known = [Outcome::Written, Outcome::Quoted, Outcome::Refused, Outcome::Late];
        let known = known.map(|outcome| tally.count(outcome));
        let slowest = Outcome::ALL.into_iter().filter_map(|outcome| tally.quantile(outcome, 0.99));
        let mut row = vec![name, asked.to_string()];
        row.extend(each.iter().map(|&calls| figure(Some(calls), 3)));
        row.extend(known.map(|count| count.to_string()));
        let other = asked - known.iter().sum::<u64>();
        row.extend([other.to_string(), figure(slowest.reduce(f64::max), 0)]);
        table.row(row);
    }
    table.print();
    goal("R2", "calls per call offered, at most", Some(most), Bound::AtMost(1.1));
    let seen = crate::tally::float(seen);
    goal("R2", "questions that a single fault was seen by", Some(seen), Bound::AtMost(0.0));
    Ok(())
}
