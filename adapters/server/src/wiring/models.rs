//! Models: what turns text into vectors, and what writes the answers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use askbook::embedding::VectorShape;
#[cfg(feature = "edge")]
use askbook::hybrid::HybridEmbedder;
use askbook::ports::{Embedder, Generator, Ledger};
use askbook::spend::{MeteredEmbedder, MeteredGenerator};
use askbook_cache::{Answers, CachedEmbedder, CachedGenerator};
#[cfg(feature = "edge")]
use askbook_edge::Bm25Embedder;
use askbook_gemini::{
    Client, ClientConfig, EmbedderConfig, GeminiEmbedder, GeminiGenerator, GeneratorConfig,
    Retries, Timeouts,
};
use askbook_guard::{GuardedEmbedder, GuardedGenerator};
use askbook_memory::{MemoryEmbedder, MemoryGenerator};
use askbook_quote::QuoteGenerator;
use secrecy::SecretString;

use super::guards::{FAILURES, guard, patience};
use crate::config::{
    Config, EmbedderChoice, FallbackName, GeneratorChoice, QueryTask, Spending, Switch,
};
#[cfg(feature = "otel")]
use crate::telemetry::{SpannedEmbedder, SpannedGenerator};

/// Who waits for the calls to upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A reader: rather a quick failure than a late answer.
    Reader,
    /// The owner, who indexes: rather late than not at all.
    Owner,
}

/// The models that the settings name. Those of Gemini's share their connections.
pub(crate) struct Models<'a> {
    pub(crate) config: &'a Config,
    gemini: OnceLock<Client>,
}

impl<'a> Models<'a> {
    pub(crate) fn of(config: &'a Config) -> Self {
        Self { config, gemini: OnceLock::new() }
    }

    /// What turns text into vectors. Nothing is accounted for: for what the owner asks.
    pub(crate) fn embedder(&self, pace: Pace) -> anyhow::Result<Arc<dyn Embedder>> {
        self.metered_embedder(pace, None)
    }

    /// The same, with an account of what readers' questions cost.
    pub(crate) fn metered_embedder(
        &self,
        pace: Pace,
        ledger: Option<&Arc<dyn Ledger>>,
    ) -> anyhow::Result<Arc<dyn Embedder>> {
        Ok(match &self.config.embedder {
            EmbedderChoice::Gemini(key) => self.gemini_embedder(key, pace, ledger)?,
            #[cfg(feature = "edge")]
            EmbedderChoice::Bm25 => bm25(self.config)?,
            #[cfg(feature = "edge")]
            EmbedderChoice::Hybrid(key) => {
                let dense = self.gemini_embedder(key, pace, ledger)?;
                Arc::new(HybridEmbedder::new(dense, bm25(self.config)?))
            }
            EmbedderChoice::Memory => Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
        })
    }

    fn gemini_embedder(
        &self,
        key: &SecretString,
        pace: Pace,
        ledger: Option<&Arc<dyn Ledger>>,
    ) -> anyhow::Result<Arc<dyn Embedder>> {
        let config = self.config;
        let settings = &config.settings;
        let embedder = EmbedderConfig {
            model: settings.embedding_model.clone(),
            dimension: settings.embedding_dimensions,
            query_task: match settings.query_task {
                QueryTask::RetrievalQuery => askbook_gemini::QueryTask::RetrievalQuery,
                QueryTask::QuestionAnswering => askbook_gemini::QueryTask::QuestionAnswering,
            },
        };
        let embedder = GeminiEmbedder::new(self.gemini(key, pace)?, embedder)?;
        #[cfg(feature = "otel")]
        let embedder = {
            let url = settings.gemini_base_url.as_str();
            SpannedEmbedder::new(embedder, &settings.embedding_model, url)
        };
        let embedder: Arc<dyn Embedder> = match ledger {
            Some(ledger) => {
                let (embedder, price) = (Arc::new(embedder), config.spending.embedding);
                let metered = MeteredEmbedder::new(embedder, Arc::clone(ledger), price);
                Arc::new(metered.named(&settings.embedding_model))
            }
            None => Arc::new(embedder),
        };
        Ok(match pace {
            Pace::Reader => {
                let guard = guard(config, &settings.embedding_model, FAILURES);
                let guarded = GuardedEmbedder::new(embedder, guard);
                let guarded = match settings.hedge {
                    Switch::On => guarded.hedged(),
                    Switch::Off => guarded,
                };
                match settings.embedding_cache {
                    Some(bytes) => Arc::new(CachedEmbedder::new(Arc::new(guarded), bytes)),
                    None => Arc::new(guarded),
                }
            }
            Pace::Owner => embedder,
        })
    }

    /// What writes the answers: the model of the settings, and what stands in for it, in order.
    pub(super) fn generators(
        &self,
        ledger: Option<&Arc<dyn Ledger>>,
    ) -> anyhow::Result<Vec<Arc<dyn Generator>>> {
        let settings = &self.config.settings;
        Ok(match &self.config.generator {
            GeneratorChoice::Gemini(key) => {
                let client = self.gemini(key, Pace::Reader)?;
                let answers = settings
                    .answer_cache
                    .map(|bytes| Answers::new(bytes, settings.answer_cache_ttl));
                let model = |model: &String| {
                    written_by(self.config, model, &client, answers.as_ref(), ledger)
                };
                let mut generators = vec![model(&settings.gemini_model)];
                generators.extend(settings.gemini_fallback_model.as_ref().map(model));
                if settings.fallback == FallbackName::Quote {
                    generators.push(Arc::new(QuoteGenerator::new()));
                }
                generators
            }
            GeneratorChoice::Quote => vec![Arc::new(QuoteGenerator::new())],
            GeneratorChoice::Memory => vec![Arc::new(MemoryGenerator)],
        })
    }

    fn gemini(&self, key: &SecretString, pace: Pace) -> anyhow::Result<Client> {
        let client = if let Some(client) = self.gemini.get() {
            client
        } else {
            let client = gemini(self.config, key)?;
            self.gemini.get_or_init(|| client)
        };
        Ok(match pace {
            Pace::Reader => client.clone(),
            // A free key's quota is renewed every minute.
            Pace::Owner => client.paced(
                Duration::from_mins(5).max(self.config.settings.upstream_timeout),
                Retries {
                    times: 5,
                    pause: Duration::from_secs(1),
                    patience: Duration::from_secs(70),
                },
            ),
        })
    }
}

/// A model of Gemini's that writes for readers.
fn written_by(
    config: &Config,
    model: &str,
    client: &Client,
    answers: Option<&Answers>,
    ledger: Option<&Arc<dyn Ledger>>,
) -> Arc<dyn Generator> {
    let generator = gemini_generator(config, client.clone(), model);
    #[cfg(feature = "otel")]
    let generator = SpannedGenerator::new(generator, config.settings.gemini_base_url.as_str());
    let generator = Arc::new(generator);
    let generator: Arc<dyn Generator> = match ledger {
        Some(ledger) => {
            let Spending { writing, most, .. } = config.spending;
            Arc::new(MeteredGenerator::new(generator, Arc::clone(ledger), writing, most))
        }
        None => generator,
    };
    let guarded = GuardedGenerator::new(generator, guard(config, model, FAILURES));
    match answers {
        Some(answers) => Arc::new(CachedGenerator::new(Arc::new(guarded), answers.clone())),
        None => Arc::new(guarded),
    }
}

#[cfg(feature = "edge")]
pub(super) fn bm25(config: &Config) -> anyhow::Result<Arc<dyn Embedder>> {
    let bm25 = Bm25Embedder::new(&config.settings.language);
    let context = "ASKBOOK_LANGUAGE cannot be used";
    Ok(Arc::new(bm25.map_err(|error| anyhow::Error::new(error).context(context))?))
}

/// A model of Gemini's that writes.
pub(crate) fn gemini_generator(config: &Config, client: Client, model: &str) -> GeminiGenerator {
    let settings = &config.settings;
    GeminiGenerator::new(
        client,
        GeneratorConfig {
            model: model.to_owned(),
            max_output_tokens: settings.gemini_max_output_tokens,
            thinking_level: settings.gemini_thinking_level.clone(),
            answer_timeout: config.budget.answer,
            condense_timeout: config.budget.condense,
        },
    )
}

/// Calls Gemini at the pace of readers.
pub(crate) fn gemini(config: &Config, key: &SecretString) -> anyhow::Result<Client> {
    const CONNECT: Duration = Duration::from_secs(5);
    let settings = &config.settings;
    let limit = settings.upstream_timeout;
    let client = Client::new(ClientConfig {
        base_url: settings.gemini_base_url.clone(),
        api_version: settings.gemini_api_version.clone(),
        api_key: key.clone(),
        proxy: settings.gemini_proxy.clone(),
        timeouts: Timeouts { connect: CONNECT.min(limit), read: limit, call: limit },
        retries: Retries {
            times: 2,
            pause: Duration::from_millis(250),
            patience: patience(config),
        },
    })?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_for_the_model_comes_behind_it() {
        let models = |given: &[(&str, &str)]| -> Vec<String> {
            let nowhere = ("ASKBOOK_DATA_DIR", "/nonexistent/askbook");
            let config = Config::from_values([&[nowhere], given].concat()).unwrap();
            let generators = Models::of(&config).generators(None).unwrap();
            generators.iter().map(|generator| generator.model().to_owned()).collect()
        };
        let key = ("GEMINI_API_KEY", "k3y");
        let named = [key, ("GEMINI_MODEL", "a"), ("GEMINI_FALLBACK_MODEL", "b")];
        assert_eq!(models(&named), ["a", "b", "quote"]);
        assert_eq!(models(&[key, ("GEMINI_MODEL", "a")]), ["a", "quote"]);
        assert_eq!(models(&[key, ("GEMINI_MODEL", "a"), ("ASKBOOK_FALLBACK", "none")]), ["a"]);
        assert_eq!(models(&[]), ["quote"]);
        assert_eq!(models(&[("ASKBOOK_GENERATOR", "memory")]), ["memory"]);
    }
}
