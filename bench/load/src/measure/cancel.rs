//! Readers who leave.
//!
//! Goal R3: whoever leaves stops the call that is under way for him within 100 ms.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::Bench;
use crate::reader::{Ask, Outcome, Readers};
use crate::script::Call;
use crate::table::{Bound, Table, figure, goal};
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many readers leave in each way, one after the other
    #[arg(long, default_value_t = 100)]
    readers: u64,
}

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    /// Nobody stops a call so late that it would have ended.
    const NEVER: Duration = Duration::from_secs(5);
    let pace = bench.pace;
    let before_it = pace.before_answer().saturating_sub(pace.of(Call::Write) / 2);
    let within_it = pace.before_answer() + pace.rest_of_answer() / 2;
    let (program, mut upstreams) = bench.start(&[])?;
    let readers = Readers::of(&program.address);
    readers.ask(&Ask::of(0), Instant::now()).await;
    let mut table = Table::new(&["the reader leaves", "left", "stopped", "p50 ms", "max ms"]);
    let mut slowest = None;
    let mut missed = 0;
    for (when, streamed, patience) in [
        ("/chat, before the answer begins", false, before_it),
        ("/chat, while it is written", false, within_it),
        ("/chat/stream, before the answer begins", true, before_it),
        ("/chat/stream, while it is written", true, within_it),
    ] {
        let mut tally = Tally::of(NEVER)?;
        for number in 1..=options.readers {
            let ask = Ask { streamed, patience, ..Ask::of(number) };
            let outcome = readers.ask(&ask, Instant::now()).await;
            let gone = Instant::now();
            if outcome == Outcome::Left
                && let Ok(Some(stopped)) = timeout(NEVER, upstreams.left.recv()).await
            {
                tally.add(Outcome::Left, stopped.saturating_duration_since(gone), true);
            } else {
                missed += 1;
            }
        }
        let most = tally.quantile(Outcome::Left, 1.0);
        slowest = slowest.into_iter().chain(most).reduce(f64::max);
        table.row([
            when.to_owned(),
            options.readers.to_string(),
            tally.count(Outcome::Left).to_string(),
            figure(tally.quantile(Outcome::Left, 0.5), 2),
            figure(most, 2),
        ]);
    }
    table.print();
    goal("R3", "a call is stopped within, ms, at most", slowest, Bound::AtMost(100.0));
    println!("answers that nobody stopped: {missed}");
    Ok(())
}
