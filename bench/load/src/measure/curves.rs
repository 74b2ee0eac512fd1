//! What a chat costs as everything grows, as curves.
//!
//! Goals P4, P8, P9 and P10. Each subject becomes a picture, with the command and the commit that
//! made it in its foot, and a part of one file of all figures. Upstreams take no time unless it
//! says otherwise, so that what is measured is askbook; every question is another one. Where
//! figures are compared with each other, they are measured in rounds, in a new order each, and the
//! median counts.

mod concurrency;
mod cores;
mod corpus;
mod history;
mod origin;
mod processors;
mod rates;
mod sessions;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::Bench;
use crate::cost;
use crate::picture::{Curve, Picture};
use crate::program::{Program, Setting};
use crate::reader::{Ask, Readers};
use crate::script::Pace;
use crate::tally::Tally;
use crate::timetable::Span;
use crate::upstreams::Upstreams;

use origin::Origin;
use processors::Apart;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What is measured; all by default
    #[arg(long, value_delimiter = ',')]
    only: Vec<Subject>,
    /// How long readers ask each time, in seconds
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// How often what is compared is measured; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many passages the books have
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    corpus: Vec<usize>,
    /// How many conversations are kept
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    sessions: Vec<u32>,
    /// The folder for pictures and figures
    #[arg(long, value_name = "FOLDER", default_value = "bench/results")]
    to: PathBuf,
}

/// What grows.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Subject {
    /// The conversation before a question
    History,
    /// The book
    Corpus,
    /// The conversations that are kept
    Sessions,
    /// The readers who wait for answers
    Concurrency,
    /// The questions a second
    Rates,
    /// The processors
    Cores,
}

/// The figures of all pictures, each with where they are from.
const FIGURES: &str = "curves.json";

pub(crate) async fn run(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    let subjects = if options.only.is_empty() { Subject::value_variants() } else { &options.only };
    let origin = Origin::find()?;
    fs::create_dir_all(&options.to)?;
    for subject in subjects {
        let name = subject.to_possible_value().context("it has a name")?.get_name().to_owned();
        told(&name);
        let stage = Stage { bench, options };
        let picture = match subject {
            Subject::History => history::measure(&stage).await,
            Subject::Corpus => corpus::measure(&stage).await,
            Subject::Sessions => sessions::measure(&stage).await,
            Subject::Concurrency => concurrency::measure(&stage).await,
            Subject::Rates => rates::measure(&stage).await,
            Subject::Cores => cores::measure(&stage).await,
        };
        let picture = picture.with_context(|| name.clone())?;
        let at = options.to.join(&name).with_extension("svg");
        picture.draw(&at, &origin.lines())?;
        keep(&options.to.join(FIGURES), &name, &picture, &origin)?;
        println!("{}", at.display());
    }
    Ok(())
}

/// Puts the figures of a picture in the place of those that were there.
fn keep(at: &Path, name: &str, picture: &Picture, origin: &Origin) -> anyhow::Result<()> {
    let mut all: Map<String, Value> = match fs::read_to_string(at) {
        Ok(text) => serde_json::from_str(&text)
            .with_context(|| format!("{} holds no figures: remove it", at.display()))?,
        Err(_) => Map::new(),
    };
    all.insert(name.to_owned(), json!({"origin": origin, "picture": picture}));
    Ok(fs::write(at, serde_json::to_string_pretty(&all)? + "\n")?)
}

/// Says what is under way.
fn told(what: &str) {
    // Whoever does not want to see it is not kept from the figures.
    let _ = writeln!(io::stderr(), "{what}");
}

/// What all subjects are measured with.
#[derive(Clone, Copy)]
struct Stage<'a> {
    bench: &'a Bench,
    options: &'a Options,
}

impl Stage<'_> {
    /// A new askbook between upstreams that take no time.
    fn start(&self, settings: &[Setting<'_>]) -> anyhow::Result<Stand> {
        Stand::start(self.bench, self.bench.pace.at_once(), settings, None)
    }

    fn span(&self) -> Span {
        Span::seconds(1, self.options.seconds)
    }

    /// So many cases by their places, in a new order each round, with the number of the round.
    fn rounds_of(&self, cases: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        (1..=self.options.rounds).flat_map(move |round| {
            let mut order: Vec<usize> = (0..cases).collect();
            fastrand::shuffle(&mut order);
            order.into_iter().map(move |case| (round, case))
        })
    }
}

/// askbook between upstreams, and who asks it.
struct Stand {
    program: Program,
    readers: Arc<Readers>,
    _upstreams: Upstreams,
}

impl Stand {
    fn start(
        bench: &Bench,
        pace: Pace,
        settings: &[Setting<'_>],
        apart: Option<&Apart>,
    ) -> anyhow::Result<Self> {
        let upstreams = Upstreams::start(pace, None)?;
        let askbook = bench.measured.command(&upstreams, settings)?;
        let program = Program::launch(match apart {
            Some(apart) => apart.of(&askbook),
            None => askbook,
        })?;
        let readers = Arc::new(Readers::of(&program.address));
        Ok(Self { program, readers, _upstreams: upstreams })
    }

    /// What becomes of the questions of so many readers, others than at any other time, and what an
    /// answer costs, in microseconds on a processor.
    async fn chats(
        &self,
        readers: u32,
        span: Span,
        ask: impl Fn(u64) -> Ask + Clone + Send + 'static,
    ) -> anyhow::Result<(Tally, f64)> {
        // Readers take the bits below.
        let others = fastrand::u64(..1 << 15) << 48;
        let ask = move |number| ask(others | number);
        cost::of_chats(&self.program, &self.readers, readers, span, ask).await
    }
}

/// What a goal lets a curve become, as often as it grows tenfold.
fn ever_tenfold(curve: &Curve, times: f64) -> Vec<(f64, f64)> {
    let Some(&(from, first)) = curve.points.first() else { return Vec::new() };
    let allowed = |at: f64| first * times.powf((at / from).log10());
    curve.points.iter().map(|&(at, _)| (at, allowed(at))).collect()
}
