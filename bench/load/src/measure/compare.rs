//! askbook beside other servers of the same contract.
//!
//! Each round measures all servers, in a new order for each measurement, each as a new process
//! between stand-ins of its own. What is compared is the median of the ratios of the rounds: what
//! disturbs a round disturbs all of them.

mod contender;
mod result;
mod strace;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum as _;
use hyper::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::Bench;
use crate::book;
use crate::connections::Tls;
use crate::cost;
use crate::program::Program;
use crate::reader::{Ask, Outcome, Readers};
use crate::script::Pace;
use crate::tally::{Tally, float, ratio};
use crate::timetable::Span;
use crate::upstreams::Upstreams;

use contender::{Contender, Python};
use result::{Figures, Results, Row};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many rounds there are
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long readers ask each time, in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How long a server rests after load before its memory is read, in seconds
    #[arg(long, default_value_t = 5)]
    idle_seconds: u64,
    /// What is compared; all by default
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Contender>,
    /// Whether the upstreams speak TLS
    #[arg(long)]
    tls: bool,
    /// Prints all figures of all rounds as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    python: Python,
}

/// What is measured at once, of one process.
#[derive(Clone, Copy, Debug)]
enum Part {
    Chats,
    Memory,
    FirstPiece,
    Pieces,
    SystemCalls,
}

impl Part {
    const ALL: [Self; 5] =
        [Self::Chats, Self::Memory, Self::FirstPiece, Self::Pieces, Self::SystemCalls];
}

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    let mut servers = options.servers.clone();
    if servers.is_empty() {
        servers = Contender::value_variants().to_vec();
    }
    let tls = options.tls.then(Tls::new).transpose()?;
    let mut results = Results::of(&servers);
    for round in 1..=options.rounds {
        results.begin_round();
        for part in Part::ALL {
            let mut order = servers.clone();
            fastrand::shuffle(&mut order);
            for server in order {
                let to_go = format!("round {round} of {}: {part:?}, {server:?}", options.rounds);
                // Whoever does not want to see it is not kept from the figures.
                let _ = writeln!(io::stderr(), "{to_go}");
                let stand = Stand { bench, options, tls: tls.as_ref(), server };
                let figures = stand.measure(part).await.with_context(|| to_go)?;
                results.add(server, &figures);
            }
        }
    }
    if options.json {
        results.print_json()?;
    } else {
        results.print();
    }
    Ok(())
}

/// A server to be measured.
struct Stand<'a> {
    bench: &'a Bench,
    options: &'a Options,
    tls: Option<&'a Tls>,
    server: Contender,
}

/// A server between upstreams, and who asks it.
struct Measured {
    program: Program,
    upstreams: Upstreams,
    readers: Arc<Readers>,
    figures: Figures,
}

impl Stand<'_> {
    async fn measure(&self, part: Part) -> anyhow::Result<Figures> {
        match part {
            Part::Chats => self.chats().await,
            Part::Memory => self.memory().await,
            Part::FirstPiece => self.first_piece().await,
            Part::Pieces => self.pieces().await,
            Part::SystemCalls => self.system_calls().await,
        }
    }

    fn start(&self, pace: Pace) -> anyhow::Result<Measured> {
        let Self { bench, options, tls, server } = self;
        let (program, upstreams) = server.start(bench, &options.python, pace, *tls)?;
        let readers = Arc::new(Readers::of(&program.address));
        Ok(Measured { program, upstreams, readers, figures: Figures::default() })
    }

    /// Whole answers of upstreams that take no time.
    async fn chats(&self) -> anyhow::Result<Figures> {
        let pace = self.bench.pace.at_once();
        let mut measured = self.start(pace)?;
        let start = measured.program.start.as_secs_f64() * 1e3;
        measured.figures.add(Row::Start, start);
        measured.figures.add(Row::IdleMemory, measured.mib()?);
        measured.check(&book::answer(pace.pieces).concat()).await?;
        let mut chats = 2;
        for (readers, processor, rate) in [
            (1, Some(Row::CpuAt1), Row::RateAt1),
            (16, None, Row::RateAt16),
            (64, Some(Row::CpuAt64), Row::RateAt64),
        ] {
            let span = Span::seconds(1, self.options.seconds);
            let (tally, cpu) = measured.closed(readers, span, Ask::of).await?;
            chats += tally.all(Outcome::Written);
            measured.figures.add(rate, tally.rate(Outcome::Written));
            if let Some(row) = processor {
                measured.figures.add(row, cpu);
            }
            if readers == 1 {
                for (row, share) in [(Row::TimeP50, 0.5), (Row::TimeP99, 0.99)] {
                    measured.figures.add_some(row, tally.quantile(Outcome::Written, share));
                }
            }
        }
        let script = &measured.upstreams.script;
        let (calls, connections) = (script.counts().of_chats(), script.connections());
        measured.figures.add(Row::Calls, ratio(calls, chats));
        measured.figures.add(Row::Connections, float(connections));
        measured.figures.add(Row::Reuse, 100.0 * (1.0 - ratio(connections, calls)));
        sleep(Duration::from_secs(self.options.idle_seconds)).await;
        measured.figures.add(Row::MemoryAfter, measured.mib()?);
        Ok(measured.figures)
    }

    /// Chats that wait for the model, all at once.
    async fn memory(&self) -> anyhow::Result<Figures> {
        /// As many as all of the servers hold without further ado.
        const CHATS: u32 = 100;
        /// Longer than the slowest server takes until all of them wait.
        const HELD_MS: u64 = 4_000;
        const EVERY: Duration = Duration::from_millis(50);
        let mut measured = self.start(self.bench.pace.at_once().writing(HELD_MS, 1, 0))?;
        let patient = |number| Ask { patience: Duration::from_mins(1), ..Ask::of(number) };
        // What is made once is not of any chat.
        measured.readers.ask(&patient(0), Instant::now()).await;
        let before = measured.resident()?;
        let mut chats: JoinSet<Outcome> = (1..=u64::from(CHATS))
            .map(|number| {
                let readers = Arc::clone(&measured.readers);
                async move { readers.ask(&patient(number), Instant::now()).await }
            })
            .collect();
        let (mut most, mut written) = (before, 0);
        while !chats.is_empty() {
            tokio::select! {
                Some(outcome) = chats.join_next() => written += u32::from(outcome? == Outcome::Written),
                () = sleep(EVERY) => most = most.max(measured.resident()?),
            }
        }
        let kib = float(most - before) / 1024.0 / f64::from(written.max(1));
        measured.figures.add(Row::MemoryPerChat, kib);
        measured.figures.add(Row::Failed, f64::from(CHATS - written));
        Ok(measured.figures)
    }

    /// How much later the first piece of an answer arrives than upstreams make it: of one stream
    /// after the other, whose pieces come one by one.
    async fn first_piece(&self) -> anyhow::Result<Figures> {
        let pace = self.bench.pace.at_once().writing(20, 4, 5);
        let mut measured = self.start(pace)?;
        measured.check(&book::answer(pace.pieces).concat()).await?;
        let span = Duration::from_secs(self.options.seconds);
        let mut tally = Tally::of(span)?;
        let (end, mut failed) = (Instant::now() + span, 0.0);
        for number in 0.. {
            let (asked, held) = (Instant::now(), measured.upstreams.script.held());
            if asked >= end {
                break;
            }
            let seen = measured.readers.watch(&Ask { streamed: true, ..Ask::of(number) }).await?;
            let held = measured.upstreams.script.held().saturating_sub(held);
            match seen.begun {
                Some(begun) => {
                    tally.add(Outcome::Written, (begun - asked).saturating_sub(held), true);
                }
                None => failed += 1.0,
            }
        }
        for (row, share) in [(Row::FirstP50, 0.5), (Row::FirstP99, 0.99)] {
            measured.figures.add_some(row, tally.quantile(Outcome::Written, share));
        }
        measured.figures.add(Row::Failed, failed);
        Ok(measured.figures)
    }

    /// What a piece more costs: streams of many against streams of few, whose pieces come one by
    /// one.
    async fn pieces(&self) -> anyhow::Result<Figures> {
        const READERS: u32 = 8;
        const FEW: u32 = 4;
        const MANY: u32 = 200;
        const BETWEEN_MS: u64 = 5;
        let (mut costs, mut figures) = ([0.0; 2], Figures::default());
        for (cost, pieces) in costs.iter_mut().zip([FEW, MANY]) {
            let pace = self.bench.pace.at_once().writing(0, pieces, BETWEEN_MS);
            let mut measured = self.start(pace)?;
            measured.check(&book::answer(pieces).concat()).await?;
            let patience = Duration::from_mins(1);
            let ask = move |number| Ask { streamed: true, patience, ..Ask::of(number) };
            let span = Span::seconds(0, self.options.seconds);
            (_, *cost) = measured.closed(READERS, span, ask).await?;
            figures.extend(&measured.figures);
        }
        let [few, many] = costs;
        figures.add(Row::CpuPerPiece, (many - few) / f64::from(MANY - FEW));
        Ok(figures)
    }

    async fn system_calls(&self) -> anyhow::Result<Figures> {
        let mut measured = self.start(self.bench.pace.at_once())?;
        for (readers, row) in [(1, Row::SystemCallsAt1), (16, Row::SystemCallsAt16)] {
            measured.closed(readers, Span::seconds(0, 1), Ask::of).await?;
            let Some(strace) = strace::attach(measured.program.process()).await? else { break };
            // All that begin within the span end before the count does.
            let span = Span::seconds(0, self.options.seconds.div_ceil(2));
            let (tally, _) = measured.closed(readers, span, Ask::of).await?;
            let calls = strace.detach()?;
            measured.figures.add(row, ratio(calls, tally.all(Outcome::Written)));
        }
        Ok(measured.figures)
    }
}

impl Measured {
    /// Has so many readers ask. Also returns the time on a processor that each answer took, in
    /// microseconds.
    async fn closed(
        &mut self,
        readers: u32,
        span: Span,
        ask: impl Fn(u64) -> Ask + Copy + Send + 'static,
    ) -> anyhow::Result<(Tally, f64)> {
        let (tally, each) =
            cost::of_chats(&self.program, &self.readers, readers, span, ask).await?;
        self.figures.add(Row::Failed, float(tally.total() - tally.all(Outcome::Written)));
        Ok((tally, each))
    }

    /// Makes sure that it answers as agreed, whole and piece by piece.
    async fn check(&self, answer: &str) -> anyhow::Result<()> {
        for streamed in [false, true] {
            // Numbers that nobody else asks.
            let ask = Ask { streamed, ..Ask::of(u64::MAX - u64::from(streamed)) };
            let seen = self.readers.watch(&ask).await?;
            let body = str::from_utf8(&seen.body)?;
            anyhow::ensure!(seen.status == StatusCode::OK, "it replies {}: {body}", seen.status);
            let mut pieces = String::new();
            let mut reply = Value::Null;
            for line in body.lines() {
                let data = if streamed { line.strip_prefix("data:") } else { Some(line) };
                let Some(data) = data else { continue };
                reply = serde_json::from_str(data)?;
                if reply["type"] == "delta" {
                    pieces += reply["text"].as_str().unwrap_or_default();
                }
            }
            let sources = reply["sources"].as_array().is_some_and(|sources| !sources.is_empty());
            let whole = reply["answer"] == answer && (!streamed || pieces == answer);
            anyhow::ensure!(whole && sources, "it does not answer as agreed: {body}");
        }
        Ok(())
    }

    fn resident(&self) -> anyhow::Result<u64> {
        Ok(self.program.vitals()?.resident)
    }

    fn mib(&self) -> anyhow::Result<f64> {
        Ok(self.program.vitals()?.mib())
    }
}
