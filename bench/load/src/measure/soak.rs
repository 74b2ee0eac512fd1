//! The long run.
//!
//! Goal R5: memory grows by at most 1 MiB an hour.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Bench;
use crate::reader::{Ask, Outcome, Readers};
use crate::script::{Call, Fault, Trouble};
use crate::table::{Bound, Table, figure, goal};
use crate::tally::float;
use crate::timetable::{Span, open};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long, in minutes, beside the warm-up
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// What comes before it, in minutes: until caches, pools and the memory of conversations are
    /// full
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// How many questions are asked in a second
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
}

const EVERY: Duration = Duration::from_secs(2);

/// The calls of which each fiftieth fails.
const TROUBLE: Trouble = Trouble {
    calls: &[Call::Embed, Call::Search, Call::Write, Call::Condense],
    fault: Fault::Refused,
    every: 50,
};

/// All kinds of readers in turn: half want a whole answer, a third a stream, a tenth goes on with
/// a conversation, a tenth leaves too early.
fn reader(number: u64) -> Ask {
    let patience = Duration::from_millis(150);
    let ask = Ask { patience: Duration::from_secs(10), ..Ask::of(number) };
    match number % 20 {
        0..10 => ask,
        10..16 => Ask { streamed: true, ..ask },
        16 => Ask { goes_on: true, follow_up: true, ..ask },
        17 => Ask { goes_on: true, follow_up: true, streamed: true, ..ask },
        18 => Ask { patience, ..ask },
        _ => Ask { patience, streamed: true, ..ask },
    }
}

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    // So few that they are forgotten within the warm-up.
    let (program, upstreams) = bench.start(&[("ASKBOOK_SESSION_BYTES", "1048576")])?;
    upstreams.script.make(TROUBLE);
    let readers = Arc::new(Readers::of(&program.address));
    let span = Span::seconds(60 * options.warm_up, 60 * options.minutes);
    let begun = Instant::now();
    let mut samples = Vec::new();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let asking = open(&readers, options.rate, span, reader);
    tokio::pin!(asking);
    println!("minute  RSS MiB  open files  processors");
    let tally = loop {
        tokio::select! {
            tally = &mut asking => break tally?,
            _ = ticks.tick() => {
                let (vitals, now) = (program.vitals()?, begun.elapsed());
                let sample = Sample { hours: now.as_secs_f64() / 3600.0, mib: vitals.mib() };
                if now.as_secs() % 60 < EVERY.as_secs() {
                    let processors = vitals.processor.div_duration_f64(now.max(EVERY));
                    let (minute, mib, files) = (now.as_secs() / 60, sample.mib, vitals.files);
                    println!("{minute:6}  {mib:7.2}  {files:10}  {processors:10.2}");
                }
                if now >= span.warm_up {
                    samples.push(sample);
                }
            }
        }
    };
    let mut table = Table::new(&["outcome", "questions", "p50 ms", "p99 ms"]);
    for outcome in Outcome::ALL {
        table.row([
            format!("{outcome:?}"),
            tally.count(outcome).to_string(),
            figure(tally.quantile(outcome, 0.5), 1),
            figure(tally.quantile(outcome, 0.99), 1),
        ]);
    }
    table.print();
    if let Some(Slope { slope, error }) = Slope::of(&samples) {
        println!("slope of RSS: {slope:.2} ± {error:.2} MiB/h ({} samples)", samples.len());
        goal("R5", "slope of RSS, MiB/h", Some(slope), Bound::AtMost(1.0));
    }
    Ok(())
}

struct Sample {
    hours: f64,
    mib: f64,
}

/// A line through samples, by least squares.
struct Slope {
    /// In MiB an hour.
    slope: f64,
    /// The standard error, as if samples were independent; they are not, so it is more.
    error: f64,
}

impl Slope {
    /// `None` for fewer than three samples.
    fn of(samples: &[Sample]) -> Option<Self> {
        let count = float(samples.len().try_into().ok()?);
        let mean = |value: fn(&Sample) -> f64| samples.iter().map(value).sum::<f64>() / count;
        let (hours, mib) = (mean(|sample| sample.hours), mean(|sample| sample.mib));
        let spread: f64 = samples.iter().map(|sample| (sample.hours - hours).powi(2)).sum();
        let both = samples.iter().map(|sample| (sample.hours - hours) * (sample.mib - mib));
        let slope = both.sum::<f64>() / spread;
        let rest = |sample: &Sample| sample.mib - mib - slope * (sample.hours - hours);
        let rest: f64 = samples.iter().map(|sample| rest(sample).powi(2)).sum();
        (samples.len() > 2).then(|| Self { slope, error: (rest / (count - 2.0) / spread).sqrt() })
    }
}
