//! What a chat and a piece of an answer take, in instructions and allocations: figures that noise
//! cannot touch, so that they can be held to a baseline.
//!
//! Goals P2 and P6. askbook runs on one thread under callgrind, and once more with an allocator
//! that counts (the feature `dhat`). What a start takes falls out: a run of many chats is compared
//! with one of few.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::Bench;
use crate::counter::{Counter, Run};
use crate::reader::Ask;
use crate::table::{Table, figure};
use crate::tally::ratio;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// An askbook of the feature `dhat`; without it allocations are not counted
    #[arg(long, value_name = "FILE")]
    dhat: Option<PathBuf>,
    /// What the figures are compared with
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    /// Writes the figures there instead
    #[arg(long)]
    write: bool,
    /// Where callgrind's reports are kept, for `callgrind_annotate`
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
}

/// How much more than the baseline a figure may be.
const TOLERANCE: f64 = 0.01;

/// How many chats there are in a run, and how many more in another one.
const FEW: u64 = 50;
const MORE: u64 = 300;

/// The same of pieces in an answer.
const FEW_PIECES: u32 = 4;
const MORE_PIECES: u32 = 64;

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    let mut figures = BTreeMap::new();
    let reports = options.reports.as_deref();
    let mut counters = vec![("instructions", Counter::Instructions { reports })];
    counters.extend(options.dhat.as_deref().map(|at| ("allocations", Counter::Allocations(at))));
    for (what, counter) in counters {
        let few = Run { chats: FEW, ask: Ask::of(0), pieces: FEW_PIECES, settings: &[] };
        let more = Run { chats: FEW + MORE, ..few.clone() };
        let [few, more] = [counter.run(bench, &few).await?, counter.run(bench, &more).await?];
        figures.insert(format!("{what} per chat"), ratio(more - few, MORE));

        let ask = Ask { streamed: true, ..Ask::of(0) };
        let few = Run { chats: FEW, ask, pieces: FEW_PIECES, settings: &[] };
        let more = Run { pieces: FEW_PIECES + MORE_PIECES, ..few.clone() };
        let [few, more] = [counter.run(bench, &few).await?, counter.run(bench, &more).await?];
        let pieces = FEW * u64::from(MORE_PIECES);
        figures.insert(format!("{what} per piece"), ratio(more - few, pieces));
    }
    if options.write {
        let rounded: BTreeMap<_, _> =
            figures.iter().map(|(name, figure)| (name, figure.round())).collect();
        fs::write(&options.baseline, serde_json::to_string_pretty(&rounded)? + "\n")?;
    }
    compare(&figures, &options.baseline)
}

/// Prints the figures beside the baseline.
///
/// # Errors
/// One is higher than it may be.
fn compare(figures: &BTreeMap<String, f64>, baseline: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(baseline).context("there is no baseline: make one by --write")?;
    let baseline: BTreeMap<String, f64> = serde_json::from_str(&text)?;
    let mut table = Table::new(&["figure", "now", "baseline", "change %"]);
    let mut worse = Vec::new();
    for (name, now) in figures {
        let before = baseline.get(name).copied();
        let change = before.map(|before| now / before - 1.0);
        if change.is_none_or(|change| change > TOLERANCE) {
            worse.push(name.as_str());
        }
        table.row([
            name.clone(),
            figure(Some(*now), 0),
            figure(before, 0),
            figure(change.map(|change| 100.0 * change), 2),
        ]);
    }
    table.print();
    anyhow::ensure!(
        worse.is_empty(),
        "more than {TOLERANCE} above the baseline: {}; if that is worth it, write a new one with \
         `bench/instructions --write`",
        worse.join(", ")
    );
    Ok(())
}
