//! Counting what askbook does, so that no noise is in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use crate::Bench;
use crate::program::{Program, Setting, environment, within};
use crate::reader::{Ask, Outcome, Readers};
use crate::upstreams::Upstreams;

/// How long a chat may take under callgrind.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is counted.
pub(crate) enum Counter<'a> {
    /// Under callgrind, whose reports are kept there.
    Instructions { reports: Option<&'a Path> },
    /// By this program.
    Allocations(&'a Path),
}

/// What is asked, one question after the other, of an askbook on one thread.
#[derive(Clone)]
pub(crate) struct Run<'a> {
    pub(crate) chats: u64,
    /// How, with a number of its own each time.
    pub(crate) ask: Ask,
    /// How many there are of each answer.
    pub(crate) pieces: u32,
    pub(crate) settings: &'a [Setting<'a>],
}

impl Counter<'_> {
    /// How many there are in a whole run, with start and end.
    pub(crate) async fn run(&self, bench: &Bench, run: &Run<'_>) -> anyhow::Result<u64> {
        let pace = bench.pace.at_once().writing(0, run.pieces, 0);
        let upstreams = Upstreams::start(pace, None)?;
        let mut settings = vec![("ASKBOOK_THREADS", "1"), ("ASKBOOK_DEADLINE_MS", "60000")];
        settings.extend(run.settings);
        let askbook = bench.measured.command(&upstreams, &settings)?;
        let folder = tempfile::tempdir()?;
        let report = folder.path().join("report");
        let outer = match self {
            Self::Instructions { .. } => {
                let mut valgrind = Command::new("valgrind");
                valgrind
                    .args(["--tool=callgrind", "--quiet"])
                    .arg(format!("--callgrind-out-file={}", report.display()));
                within(valgrind, &askbook)
            }
            Self::Allocations(program) => {
                let mut program = Command::new(program.canonicalize()?);
                program.args(askbook.get_args());
                program.envs(environment(&askbook));
                program.env("DHAT_FILE", &report);
                program
            }
        };
        let program = Program::launch(outer)?;
        let readers = Readers::of(&program.address);
        for number in 0..run.chats {
            let ask = Ask { number, patience: PATIENCE, ..run.ask.clone() };
            let outcome = readers.ask(&ask, Instant::now()).await;
            anyhow::ensure!(outcome == Outcome::Written, "chat {number} is {outcome:?}");
        }
        program.stop()?;
        if let Self::Instructions { reports: Some(reports) } = self {
            let kind = if run.ask.streamed { "streams" } else { "chats" };
            let Run { chats, pieces, .. } = run;
            let name = format!("callgrind.out.{chats}-{kind}-of-{pieces}-pieces");
            fs::create_dir_all(reports)?;
            fs::copy(&report, reports.join(name))?;
        }
        let report = fs::read_to_string(&report).context("nothing was counted")?;
        self.read(&report).context("the report does not say how many there were")
    }

    fn read(&self, report: &str) -> Option<u64> {
        match self {
            Self::Instructions { .. } => {
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

/// Whether instructions can be counted here.
pub(crate) fn has_valgrind() -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    valgrind.status().is_ok_and(|status| status.success())
}
