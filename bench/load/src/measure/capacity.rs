//! How much askbook answers at most.

use std::sync::Arc;

use crate::Bench;
use crate::program::NO_CACHES;
use crate::reader::{Ask, Outcome, Readers};
use crate::table::{Table, figure};
use crate::timetable::{Span, closed};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long each number of readers asks, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    capacity(bench, options.seconds).await.map(drop)
}

/// Prints what ever more readers get; returns the most answers a second.
pub(crate) async fn capacity(bench: &Bench, seconds: u64) -> anyhow::Result<f64> {
    // Each number of readers asks the same questions.
    let (program, _upstreams) = bench.start(&NO_CACHES)?;
    let readers = Arc::new(Readers::of(&program.address));
    let mut table = Table::new(&[
        "readers",
        "written/s",
        "p50 ms",
        "p99 ms",
        "quoted/s",
        "refused/s",
        "other/s",
        "CPU",
    ]);
    let mut most = 0.0_f64;
    let calls = bench.measured.calls;
    for count in [1, calls / 2, calls, 3 * calls / 2, 2 * calls, 4 * calls] {
        let before = program.vitals()?.processor;
        let span = Span::seconds(seconds.div_ceil(3), seconds);
        let tally = closed(&readers, count, span, Ask::of).await?;
        let processor = program.vitals()?.processor.saturating_sub(before);
        let known = [Outcome::Written, Outcome::Quoted, Outcome::Refused];
        let other = Outcome::ALL.into_iter().filter(|outcome| !known.contains(outcome));
        let other: f64 = other.map(|outcome| tally.rate(outcome)).sum();
        most = most.max(tally.rate(Outcome::Written));
        table.row([
            count.to_string(),
            figure(Some(tally.rate(Outcome::Written)), 1),
            figure(tally.quantile(Outcome::Written, 0.5), 1),
            figure(tally.quantile(Outcome::Written, 0.99), 1),
            figure(Some(tally.rate(Outcome::Quoted)), 1),
            figure(Some(tally.rate(Outcome::Refused)), 1),
            figure(Some(other), 1),
            figure(Some(processor.div_duration_f64(span.warm_up + span.measured)), 2),
        ]);
    }
    table.print();
    Ok(most)
}
