//! Measures how well passages are found and questions refused, on a set of questions of which is
//! known what answers them.

mod conversation;
mod measure;
mod metrics;
mod report;
mod set;
mod stored;
mod table;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use askbook::manifest::Recipe;
use askbook::ports::Embedder;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use crate::cli::print;
use crate::config::Config;
use crate::store::Store;
use crate::wiring::{self, Models, Pace};
use conversation::Comparison;
use report::Report;
use set::{Asked, Half};
use stored::StoredRankings;
use target::Missing;

/// No ranking is deeper.
const DEEPEST: u64 = 50;

/// What to measure.
#[derive(Args, Debug)]
pub(crate) struct EvalArguments {
    #[arg(
        value_name = "SET",
        help = "The questions, one JSON object a line: {question, relevant: [URL or passage id]}, \
                or {question, answerable: false}"
    )]
    questions: PathBuf,
    /// The depths to measure at
    #[arg(long, value_delimiter = ',', default_value = "1,3,5", value_name = "K,...",
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=DEEPEST))]
    k: Vec<usize>,
    /// Only one half of the set
    #[arg(long)]
    half: Option<Half>,
    /// Measure again with these settings, and show what differs
    #[arg(long, value_delimiter = ',', value_name = "NAME=VALUE,...", value_parser = assignment)]
    compare: Vec<(String, String)>,
    #[arg(
        long,
        value_name = "FILE",
        requires = "dense_name",
        help = "Stored rankings in place of a search by dense vectors, one JSON object a line: \
                {question, rankings: {NAME: [passage id]}}"
    )]
    dense_rankings: Option<PathBuf>,
    /// Which of them
    #[arg(long, value_name = "NAME", requires = "dense_rankings")]
    dense_name: Option<String>,
    /// Write the answers too, by the configured generator, and measure which are refused
    #[arg(long)]
    answers: bool,
    #[arg(
        long,
        conflicts_with_all = ["answers", "compare", "dense_rankings"],
        help = "The set holds conversations, {turns: [{question, answer}, {question}], relevant, \
                condensed}: measure how well their last turn is found by its own words, condensed, \
                and as askbook searches for it with and without a model (which is not asked: what \
                it would say is in the set)"
    )]
    conversations: bool,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
///
/// # Errors
/// The set cannot be used; there is nothing to search, or it fails; nothing that the set calls
/// relevant is in the index.
pub(crate) async fn run(config: &Config, arguments: EvalArguments) -> anyhow::Result<ExitCode> {
    if arguments.conversations {
        return converse(config, &arguments).await;
    }
    let mut set = set::read(&arguments.questions)?;
    if let Some(half) = arguments.half {
        set.retain(|asked| asked.half == half);
    }
    let other = match arguments.compare.as_slice() {
        [] => None,
        settings => Some(Compared::new(config, settings)?),
    };
    let dense = match (&arguments.dense_rankings, &arguments.dense_name) {
        (Some(file), Some(name)) => Some(StoredRankings::read(file, name)?),
        _ => None,
    };
    let measure = |config, settings| measure(config, settings, &set, dense.as_ref(), &arguments);
    let first = measure(config, Vec::new()).await?;
    let second = match &other {
        Some(Compared { config, .. }) => {
            let settings = arguments.compare.iter().map(|(name, value)| format!("{name}={value}"));
            Some(measure(config, settings.collect()).await?)
        }
        None => None,
    };
    if arguments.json {
        let reports: Vec<&Report> = [Some(&first), second.as_ref()].into_iter().flatten().collect();
        print(format_args!("{}\n", serde_json::json!({ "reports": reports })))?;
    } else {
        print(&first)?;
        if let Some(second) = &second {
            print(format_args!("\n{second}\n{}", table::difference(&first, second)?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures conversations and prints.
async fn converse(config: &Config, arguments: &EvalArguments) -> anyhow::Result<ExitCode> {
    let mut talks = conversation::read(&arguments.questions)?;
    if let Some(half) = arguments.half {
        talks.retain(|talk| talk.asked.half == half);
    }
    let models = Models::of(config);
    let (embedder, store) = searchable(&models).await?;
    let set: Vec<Asked> = talks.iter().map(|talk| talk.asked.clone()).collect();
    let missing = missing(&set, &store, arguments).await?;
    let search = wiring::search(config, embedder, &store);
    let report = |askings| {
        let place = store.place().to_owned();
        Report::new(Vec::new(), place, missing.clone(), askings, &arguments.k)
    };
    let limits = wiring::question_limits(config);
    let comparison = Comparison::of(&talks, &search, limits, report).await?;
    if arguments.json {
        print(format_args!("{}\n", serde_json::json!({ "conversations": comparison })))?;
    } else {
        print(&comparison)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Another configuration to measure with.
struct Compared {
    config: Config,
    /// Where its index is when it cannot be the one in service.
    _folder: Option<TempDir>,
}

impl Compared {
    /// The configuration with these settings. If it indexes in another way and that costs
    /// nothing, it has an index of its own: the one in service stays as it is.
    fn new(config: &Config, settings: &[(String, String)]) -> anyhow::Result<Self> {
        let other = config.with(settings.iter().cloned())?;
        let recipe = |config: &Config| -> anyhow::Result<Recipe> {
            let embedder = Models::of(config).embedder(Pace::Owner)?;
            Ok(Recipe::of(embedder.as_ref(), config.book().chunker()))
        };
        let apart = other.settings.data_dir == config.settings.data_dir
            && other.embedder.is_local()
            && recipe(&other)? != recipe(config)?;
        if !apart {
            return Ok(Self { config: other, _folder: None });
        }
        let folder = tempfile::tempdir().context("cannot make a folder for another index")?;
        let data_dir = folder.path().to_string_lossy().into_owned();
        let settings = [("ASKBOOK_DATA_DIR".to_owned(), data_dir)];
        let config = other.with(other.book().into_settings().chain(settings))?;
        Ok(Self { config, _folder: Some(folder) })
    }
}

/// Asks all questions with one configuration.
async fn measure(
    config: &Config,
    settings: Vec<String>,
    set: &[Asked],
    dense: Option<&StoredRankings>,
    arguments: &EvalArguments,
) -> anyhow::Result<Report> {
    let models = Models::of(config);
    let (embedder, store) = searchable(&models).await?;
    let missing = missing(set, &store, arguments).await?;
    let chat = |store: &Store| wiring::chat(&models, Arc::clone(&embedder), store);
    let (limits, answers) = (wiring::question_limits(config), arguments.answers);
    let plain = chat(&store)?;
    // Draws on stderr, and on a terminal only.
    let bar = ProgressBar::new(set.len() as u64).with_style(
        ProgressStyle::with_template("{pos}/{len} questions {wide_bar} {eta}")
            .context("cannot draw progress")?,
    );
    let mut askings = Vec::with_capacity(set.len());
    for asked in set {
        let asking = match dense {
            None => measure::ask(&plain, asked, limits, answers).await?,
            Some(dense) => {
                let retriever = dense.over(Arc::clone(&store.retriever), &asked.text);
                let retriever = retriever.with_context(|| format!("line {}", asked.line))?;
                let chat = chat(&Store { retriever, ..store.clone() })?;
                measure::ask(&chat, asked, limits, answers).await?
            }
        };
        askings.push(asking);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Report::new(settings, store.place().to_owned(), missing, askings, &arguments.k))
}

/// What questions are asked of, with an index in it.
async fn searchable(models: &Models<'_>) -> anyhow::Result<(Arc<dyn Embedder>, Store)> {
    let embedder = models.embedder(Pace::Owner)?;
    let store = wiring::store(models.config, embedder.as_ref()).await?;
    let indexer = wiring::indexer(models, &store)?;
    if indexer.ensure().await?.is_none() {
        indexer.renew().await?;
    }
    store.ensure_mirror().await;
    Ok((embedder, store))
}

/// What the set calls relevant and the index does not hold.
///
/// # Errors
/// It holds nothing of it.
async fn missing(
    set: &[Asked],
    store: &Store,
    arguments: &EvalArguments,
) -> anyhow::Result<Vec<Missing>> {
    let missing = target::missing(set, store.corpus.as_ref()).await?;
    let relevant: usize = set.iter().map(|asked| asked.relevant.len()).sum();
    if relevant > 0 && missing.len() == relevant {
        bail!(
            "nothing that {} calls relevant is in {}: is it the index of the set's book, with its \
             --site-url and --route-base-path?",
            arguments.questions.display(),
            store.place()
        );
    }
    Ok(missing)
}

/// A setting and its value.
fn assignment(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE,...")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
