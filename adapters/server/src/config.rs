//! Configuration: every setting from every source, checked once, into values that need no check
//! any more.
//!
//! Each layer hides those before it: defaults, the book that `askbook index` was last given,
//! the settings file, `.env`, the environment, flags. This is the only place that reads the
//! environment; `.env` is read, never put into the environment.

mod budget;
mod choice;
#[cfg(feature = "otel")]
pub(crate) mod collector;
mod example;
mod layer;
mod listing;
mod reader;
mod setting;
mod spending;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

use askbook_http::ApiKeys;
use figment::Figment;

use crate::book::Book;
use layer::{Given, Strangers};
use listing::Listing;
use reader::Reader;

pub(crate) use budget::Budget;
use choice::choose;
pub(crate) use choice::{EmbedderChoice, GeneratorChoice, RetrieverChoice};
pub(crate) use example::example;
pub(crate) use setting::Settings;
pub(crate) use spending::Spending;
pub(crate) use value::{FallbackName, LogFormat, QueryTask, SessionsPlace, Switch};

/// The settings file that is read when it is there and no other is named.
const FILE: &str = "askbook.toml";

/// What askbook is to do, complete and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) settings: Settings,
    pub(crate) embedder: EmbedderChoice,
    pub(crate) retriever: RetrieverChoice,
    pub(crate) generator: GeneratorChoice,
    pub(crate) budget: Budget,
    pub(crate) spending: Spending,
    /// What the owner should know before it hurts.
    pub(crate) warnings: Vec<String>,
    listing: Listing,
    given: Layers,
    keys: Keys,
}

/// The settings as they were given, one layer over the other.
#[derive(Clone)]
struct Layers(Figment);

/// They hold keys.
impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layers")
    }
}

/// Whether a part that calls a service can be had without its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// It cannot.
    Needed,
    /// It can, because nothing will be called.
    Spared,
}

/// Everything that is wrong with the settings, in one message. It names the settings and never
/// shows what they were set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = self.problems.as_slice() {
            return write!(f, "the settings have a problem: {problem}");
        }
        write!(f, "the settings have {} problems:", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// What has been found wrong so far.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }
}

impl Config {
    /// Reads the settings from every source: the working directory's files, the environment,
    /// and flags, as names and values.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(flags: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        Self::load_with(flags, Keys::Needed)
    }

    /// As [`Self::load`], for what may need no keys.
    pub(crate) fn load_with(
        flags: impl IntoIterator<Item = (String, String)>,
        keys: Keys,
    ) -> Result<Self, ConfigError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self::layered(Path::new(""), variables, flags, keys)
    }

    /// Reads the settings from these names and values alone, without files and environment. A
    /// name that is not a setting is an error.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_values<N: Into<String>, V: Into<String>>(
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let values = values.into_iter().map(|(name, value)| (name.into(), value.into()));
        let values = layer::layer("value", values, Strangers::Refused, &mut problems);
        layer::refuse_conflicts(&values, &mut problems);
        Self::resolve(merge(Figment::new(), values), Keys::Needed, problems)
    }

    /// These settings with some of them set otherwise.
    ///
    /// # Errors
    /// Everything that is wrong with them then.
    pub(crate) fn with(
        &self,
        values: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let values = layer::layer("override", values, Strangers::Refused, &mut problems);
        layer::refuse_conflicts(&values, &mut problems);
        Self::resolve(merge(self.given.0.clone(), values), self.keys, problems)
    }

    fn layered(
        folder: &Path,
        environment: impl Iterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (String, String)>,
        keys: Keys,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let environment =
            layer::layer("environment", environment, Strangers::Ignored, &mut problems);
        let dotenv = layer::dotenv(folder, &mut problems);
        let variables = layer::variables(environment, dotenv);
        let flags = layer::layer("flag", flags, Strangers::Refused, &mut problems);
        layer::refuse_conflicts(&variables, &mut problems);
        layer::refuse_conflicts(&flags, &mut problems);
        let merged = merge(merge(Figment::new(), variables), flags);

        let named = reader::text(&merged, "ASKBOOK_CONFIG").map(PathBuf::from);
        let path = named.or_else(|| Some(folder.join(FILE)).filter(|path| path.exists()));
        let file = path.map(|path| layer::file(&path, &mut problems)).unwrap_or_default();
        layer::refuse_conflicts(&file, &mut problems);
        Self::resolve(join(merged, file), keys, problems)
    }

    /// From what was given to what it means.
    fn resolve(given: Figment, keys: Keys, mut problems: Problems) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let complete = join(given.clone(), layer::defaults());
        let mut merged = given.clone();
        if let Some(data_dir) = reader::text(&complete, "ASKBOOK_DATA_DIR")
            && !merged.contains("ASKBOOK_BOOK")
        {
            match Book::remembered(Path::new(&data_dir)) {
                Ok(book) => {
                    let pairs = book.into_iter().flat_map(Book::into_settings);
                    let source = "askbook index";
                    merged = join(
                        merged,
                        layer::layer(source, pairs, Strangers::Refused, &mut problems),
                    );
                }
                Err(warning) => warnings.push(format!("{warning:#}")),
            }
        }
        let merged = join(merged, layer::defaults());

        let settings = Settings::read(&mut Reader { merged: &merged, problems: &mut problems });
        let choices = settings.as_ref().and_then(|settings| choose(settings, keys, &mut problems));
        let budget = settings.as_ref().map(|settings| Budget::of(settings, &mut problems));
        if let Some(settings) = &settings
            && settings.require_key == Switch::On
            && settings.api_keys.as_ref().is_none_or(ApiKeys::is_empty)
        {
            problems
                .add("ASKBOOK_REQUIRE_KEY lets nobody in without keys: set ASKBOOK_API_KEYS too");
        }
        let writes = choices.as_ref().is_some_and(|(_, _, generator)| generator.key().is_some());
        let spending =
            settings.as_ref().map(|settings| Spending::of(settings, writes, &mut problems));
        let (Some(settings), Some(choices), Some(budget), Some(spending), true) =
            (settings, choices, budget, spending, problems.0.is_empty())
        else {
            return Err(ConfigError { problems: problems.0 });
        };
        if let Some(origins) = &settings.allowed_origins {
            let (name, _) = reader::origin(&merged, "ALLOWED_ORIGINS");
            warnings.extend(origins.warnings.iter().map(|warning| format!("{name}: {warning}")));
        }
        if settings.qdrant_url.is_none() && settings.qdrant_api_key.is_some() {
            warnings.push("QDRANT_API_KEY is of no use without QDRANT_URL".to_owned());
        }
        let (embedder, retriever, generator) = choices;
        if settings.gemini_fallback_model.is_some() && generator.key().is_none() {
            let name = generator.name();
            warnings.push(format!("GEMINI_FALLBACK_MODEL is of no use while {name} writes"));
        }
        let mut listing = Listing::of(&merged);
        listing.choose("ASKBOOK_EMBEDDER", embedder.name());
        listing.choose("ASKBOOK_RETRIEVER", retriever.name());
        listing.choose("ASKBOOK_GENERATOR", generator.name());
        listing.choose("ASKBOOK_SESSIONS", "memory");
        let given = Layers(given);
        Ok(Self {
            settings,
            embedder,
            retriever,
            generator,
            budget,
            spending,
            warnings,
            listing,
            given,
            keys,
        })
    }

    /// The book, as the settings describe it.
    pub(crate) fn book(&self) -> Book {
        Book {
            source: self.settings.book.clone(),
            site_url: self.settings.site_url.clone(),
            route_base_path: self.settings.route_base_path.clone(),
            from_build: self.settings.from_build.clone(),
        }
    }

    /// Every setting with its value and where that comes from; secrets are not shown.
    pub(crate) fn listing(&self) -> &Listing {
        &self.listing
    }
}

fn merge(figment: Figment, layer: Vec<Given>) -> Figment {
    layer.into_iter().fold(figment, Figment::merge)
}

fn join(figment: Figment, layer: Vec<Given>) -> Figment {
    layer.into_iter().fold(figment, Figment::join)
}

#[cfg(test)]
mod tests;
