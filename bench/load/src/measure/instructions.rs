//! What a chat and a piece of an answer take, in instructions and allocations: figures that noise
//! cannot touch, so that they can be held to a baseline.
//!
//! Goals P2 and P6. askbook runs on one thread under callgrind, and once more with an allocator
//! that counts (the feature `dhat`). What a start takes falls out: a run of many chats is compared
//! with one of few.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use tokio::time::Instant;

use crate::Bench;
use crate::program::Program;
use crate::reader::{Ask, Outcome, Readers};
use crate::table::{Table, figure};
use crate::tally::ratio;
use crate::upstreams::Upstreams;

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
}

/// How much more than the baseline a figure may be.
const TOLERANCE: f64 = 0.01;

/// How many chats there are in a run, and how many more in another one.
const FEW: u64 = 50;
const MORE: u64 = 300;

/// The same of pieces in an answer.
const FEW_PIECES: u32 = 4;
const MORE_PIECES: u32 = 64;

/// How long a chat may take under callgrind, in seconds.
const PATIENCE: u64 = 60;

/// What is counted.
enum Counter<'a> {
    Instructions,
    /// By this program.
    Allocations(&'a Path),
}

/// What is asked.
#[derive(Clone, Copy)]
struct Run {
    chats: u64,
    streamed: bool,
    pieces: u32,
}

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    let mut figures = BTreeMap::new();
    let mut counters = vec![("instructions", Counter::Instructions)];
    counters.extend(options.dhat.as_deref().map(|at| ("allocations", Counter::Allocations(at))));
    for (what, counter) in counters {
        let few = Run { chats: FEW, streamed: false, pieces: FEW_PIECES };
        let more = Run { chats: FEW + MORE, ..few };
        let [few, more] = [count(bench, &counter, few).await?, count(bench, &counter, more).await?];
        figures.insert(format!("{what} per chat"), ratio(more - few, MORE));

        let few = Run { chats: FEW, streamed: true, pieces: FEW_PIECES };
        let more = Run { pieces: FEW_PIECES + MORE_PIECES, ..few };
        let [few, more] = [count(bench, &counter, few).await?, count(bench, &counter, more).await?];
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

/// How many there are in a whole run.
async fn count(bench: &Bench, counter: &Counter<'_>, run: Run) -> anyhow::Result<u64> {
    let pace = bench.pace.at_once().writing(0, run.pieces, 0);
    let upstreams = Upstreams::start(pace, None)?;
    let settings = [("ASKBOOK_THREADS", "1"), ("ASKBOOK_DEADLINE_MS", "60000")];
    let askbook = bench.measured.command(&upstreams, &settings)?;
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("report");
    let mut command = match counter {
        Counter::Instructions => {
            let mut valgrind = Command::new("valgrind");
            valgrind
                .args(["--tool=callgrind", "--quiet"])
                .arg(format!("--callgrind-out-file={}", report.display()))
                .arg(askbook.get_program());
            valgrind
        }
        Counter::Allocations(program) => {
            let mut program = Command::new(program.canonicalize()?);
            program.env("DHAT_FILE", &report);
            program
        }
    };
    command.args(askbook.get_args());
    command.envs(askbook.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let program = Program::launch(command)?;
    let readers = Readers::of(&program.address);
    for number in 0..run.chats {
        let patience = std::time::Duration::from_secs(PATIENCE);
        let ask = Ask { streamed: run.streamed, patience, ..Ask::of(number) };
        let outcome = readers.ask(&ask, Instant::now()).await;
        anyhow::ensure!(outcome == Outcome::Written, "chat {number} is {outcome:?}");
    }
    program.stop()?;
    let report = fs::read_to_string(&report).context("nothing was counted")?;
    counter.read(&report).context("the report does not say how many there were")
}

impl Counter<'_> {
    fn read(&self, report: &str) -> Option<u64> {
        match self {
            Self::Instructions => {
                report.lines().find_map(|line| line.strip_prefix("summary: "))?.trim().parse().ok()
            }
            // Of the program points ("pps"), the blocks ("tbk") that each allocated.
            Self::Allocations(_) => {
                let report: serde_json::Value = serde_json::from_str(report).ok()?;
                report["pps"].as_array()?.iter().map(|point| point["tbk"].as_u64()).sum()
            }
        }
    }
}
