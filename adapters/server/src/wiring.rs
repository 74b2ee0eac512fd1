//! The composition root: from the configuration to the parts that it asks for. What a port can
//! be, stands in one `match`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use askbook::chat::{Chat, ChatSettings, Ports};
use askbook::embedding::VectorShape;
#[cfg(feature = "edge")]
use askbook::hybrid::{HybridEmbedder, MirroredRetriever};
use askbook::manifest::Recipe;
#[cfg(feature = "edge")]
use askbook::ports::Index;
use askbook::ports::{ChatSession, Embedder, Generator, Journal};
use askbook::question::QuestionLimits;
use askbook::search::{Search, SearchSettings};
#[cfg(feature = "edge")]
use askbook_edge::{Bm25Embedder, EdgeStore};
use askbook_gemini::{
    Client, ClientConfig, EmbedderConfig, GeminiEmbedder, GeminiGenerator, GeneratorConfig,
    Retries, Timeouts,
};
use askbook_http::{ConnectionSettings, HttpSettings, ReadinessSettings};
use askbook_journal::FileJournal;
use askbook_memory::{MemoryEmbedder, MemoryGenerator, MemorySessions, MemoryStore, SessionLimits};
use askbook_qdrant::{Address, Fields, QdrantSettings, QdrantStore};
use askbook_quote::QuoteGenerator;
use secrecy::SecretString;
use tracing::info;
#[cfg(feature = "edge")]
use tracing::warn;

use crate::config::{
    Config, EmbedderChoice, FallbackName, GeneratorChoice, QueryTask, RetrieverChoice,
    SessionsName, Switch,
};
use crate::indexer::{Indexer, Unasked};
#[cfg(feature = "edge")]
use crate::mirror::Mirror;
#[cfg(feature = "edge")]
use crate::outage::RestingRetriever;
use crate::recipe::{CheckedStore, WantedRecipe};
use crate::store::Store;

/// Who waits for the calls to upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A reader: rather a quick failure than a late answer.
    Reader,
    /// The owner, who indexes: rather late than not at all.
    Owner,
}

/// What turns text into vectors.
pub(crate) fn embedder(config: &Config, pace: Pace) -> anyhow::Result<Arc<dyn Embedder>> {
    Ok(match &config.embedder {
        EmbedderChoice::Gemini(key) => gemini_embedder(config, key, pace)?,
        #[cfg(feature = "edge")]
        EmbedderChoice::Bm25 => bm25(config)?,
        #[cfg(feature = "edge")]
        EmbedderChoice::Hybrid(key) => {
            Arc::new(HybridEmbedder::new(gemini_embedder(config, key, pace)?, bm25(config)?))
        }
        EmbedderChoice::Memory => Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
    })
}

fn gemini_embedder(
    config: &Config,
    key: &SecretString,
    pace: Pace,
) -> anyhow::Result<Arc<dyn Embedder>> {
    let settings = &config.settings;
    let embedder = EmbedderConfig {
        model: settings.embedding_model.clone(),
        dimension: settings.embedding_dimensions,
        query_task: match settings.query_task {
            QueryTask::RetrievalQuery => askbook_gemini::QueryTask::RetrievalQuery,
            QueryTask::QuestionAnswering => askbook_gemini::QueryTask::QuestionAnswering,
        },
    };
    Ok(Arc::new(GeminiEmbedder::new(gemini(config, key, pace)?, embedder)?))
}

#[cfg(feature = "edge")]
fn bm25(config: &Config) -> anyhow::Result<Arc<dyn Embedder>> {
    let bm25 = Bm25Embedder::new(&config.settings.language);
    let context = "ASKBOOK_LANGUAGE cannot be used";
    Ok(Arc::new(bm25.map_err(|error| anyhow::Error::new(error).context(context))?))
}

/// Where passages are found, by vectors of this embedder.
pub(crate) async fn store(config: &Config, embedder: &dyn Embedder) -> anyhow::Result<Store> {
    let settings = &config.settings;
    let wanted = |place| WantedRecipe {
        recipe: Recipe::of(embedder, config.book().chunker()),
        any_dimension: settings.embedding_dimensions.is_none(),
        place,
    };
    Ok(match &config.retriever {
        RetrieverChoice::Qdrant { address, collection } => {
            if let Some(note) = address.note() {
                info!("{note}");
            }
            let wanted = wanted(format!("collection {collection} at {address}"));
            let qdrant = Arc::new(qdrant(config, address, collection)?);
            let checked = CheckedStore::remote(Arc::clone(&qdrant), wanted.clone());
            let store = Store { retriever: Arc::new(checked), ..Store::new(qdrant, wanted) };
            mirrored(config, store).await?
        }
        #[cfg(feature = "edge")]
        RetrieverChoice::Edge => {
            let folder = settings.data_dir.join("index");
            let wanted = wanted(folder.display().to_string());
            let edge = Arc::new(EdgeStore::open(folder).await?);
            let checked = CheckedStore::local(Arc::clone(&edge), wanted.clone());
            Store {
                retriever: Arc::new(checked),
                embedded: vec![Arc::clone(&edge)],
                ..Store::new(edge, wanted)
            }
        }
        RetrieverChoice::Memory => {
            Store::new(Arc::new(MemoryStore::new()), wanted("memory".to_owned()))
        }
    })
}

/// A collection on a Qdrant server.
pub(crate) fn qdrant(
    config: &Config,
    address: &Address,
    collection: &str,
) -> anyhow::Result<QdrantStore> {
    let settings = &config.settings;
    Ok(QdrantStore::new(QdrantSettings {
        address: address.clone(),
        api_key: settings.qdrant_api_key.clone(),
        collection: collection.to_owned(),
        vector: settings.qdrant_vector.clone(),
        dimension: settings.embedding_dimensions,
        fields: Fields {
            text: settings.qdrant_text_field.clone(),
            url: settings.qdrant_url_field.clone(),
            title: settings.qdrant_title_field.clone(),
            section: settings.qdrant_section_field.clone(),
        },
        timeout: settings.upstream_timeout,
    })?)
}

/// The store with a copy beside it that is searched by terms, where questions have vectors for
/// both. A copy that cannot be had is no reason not to answer.
#[cfg(feature = "edge")]
async fn mirrored(config: &Config, store: Store) -> anyhow::Result<Store> {
    let settings = &config.settings;
    let (EmbedderChoice::Hybrid(_), Some(every)) = (&config.embedder, settings.mirror_refresh)
    else {
        return Ok(store);
    };
    let folder = settings.data_dir.join("mirror");
    let copy = match EdgeStore::open(folder.clone()).await {
        Ok(copy) => Arc::new(copy),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            warn!(error, "the collection is searched without a copy");
            return Ok(store);
        }
    };
    let (embedder, chunker) = (bm25(config)?, format!("copy of {}", store.place()));
    let wanted = WantedRecipe {
        recipe: Recipe::of(embedder.as_ref(), &chunker),
        any_dimension: true,
        place: folder.display().to_string(),
    };
    let checked = CheckedStore::local(Arc::clone(&copy), wanted);
    let primary = Arc::clone(&store.retriever);
    let mirror = Mirror {
        primary: Arc::clone(&primary),
        corpus: Arc::clone(&store.corpus),
        embedder,
        chunker,
        index: Arc::clone(&copy) as Arc<dyn Index>,
        stamp: settings.data_dir.join("mirror-refreshed"),
        every,
    };
    let primary = Arc::new(RestingRetriever::new(primary));
    Ok(Store {
        retriever: Arc::new(MirroredRetriever::new(primary, Arc::new(checked))),
        embedded: vec![copy],
        mirror: Some(Arc::new(mirror)),
        ..store
    })
}

/// The copy would be in the embedded engine.
#[cfg(not(feature = "edge"))]
#[expect(clippy::unused_async, reason = "as with the engine")]
async fn mirrored(_config: &Config, store: Store) -> anyhow::Result<Store> {
    Ok(store)
}

/// What writes the answers: the model of the settings, and what stands in for it, in order.
fn generators(config: &Config) -> anyhow::Result<Vec<Arc<dyn Generator>>> {
    let settings = &config.settings;
    Ok(match &config.generator {
        GeneratorChoice::Gemini(key) => {
            let client = gemini(config, key, Pace::Reader)?;
            let model = |model: &String| -> Arc<dyn Generator> {
                Arc::new(gemini_generator(config, client.clone(), model))
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

/// What remembers what readers asked in vain, if that is wanted.
pub(crate) fn journal(config: &Config) -> anyhow::Result<Option<Arc<FileJournal>>> {
    let settings = &config.settings;
    Ok(match settings.journal {
        Switch::On => {
            Some(Arc::new(FileJournal::open(journal_folder(config), settings.journal_bytes)?))
        }
        Switch::Off => None,
    })
}

/// Where that is kept.
pub(crate) fn journal_folder(config: &Config) -> PathBuf {
    config.settings.data_dir.join("journal")
}

fn sessions(config: &Config) -> Arc<dyn ChatSession> {
    let settings = &config.settings;
    match settings.sessions {
        SessionsName::Memory => Arc::new(MemorySessions::new(SessionLimits {
            ttl: settings.session_ttl,
            exchanges: settings.session_turns,
            bytes: settings.session_bytes.get(),
        })),
    }
}

/// The chat over this embedder and store, and the rest as configured. Nothing of what it is asked
/// is kept in a journal: for the owner's own questions.
pub(crate) fn chat(
    config: &Config,
    embedder: Arc<dyn Embedder>,
    store: &Store,
) -> anyhow::Result<Chat> {
    journalling_chat(config, embedder, store, None)
}

/// The same, with a journal.
pub(crate) fn journalling_chat(
    config: &Config,
    embedder: Arc<dyn Embedder>,
    store: &Store,
    journal: Option<Arc<dyn Journal>>,
) -> anyhow::Result<Chat> {
    let settings = &config.settings;
    let ports = Ports {
        embedder,
        retriever: Arc::clone(&store.retriever),
        generators: generators(config)?,
        sessions: sessions(config),
        journal,
    };
    let settings = ChatSettings {
        search: search_settings(config),
        history_tokens: settings.history_tokens,
        refusal: settings.refusal.clone(),
    };
    Ok(Chat::new(ports, settings))
}

/// The search over this embedder and store.
pub(crate) fn search(config: &Config, embedder: Arc<dyn Embedder>, store: &Store) -> Search {
    Search::new(embedder, Arc::clone(&store.retriever), search_settings(config))
}

fn search_settings(config: &Config) -> SearchSettings {
    let settings = &config.settings;
    SearchSettings {
        passages: settings.passages,
        per_page: settings.passages_per_page,
        tokens: settings.passage_tokens.get(),
    }
}

/// What keeps the index in this store in step with the book.
pub(crate) fn indexer(config: &Config, store: &Store) -> anyhow::Result<Indexer> {
    let unasked = match (&config.retriever, config.embedder.is_local()) {
        (RetrieverChoice::Qdrant { .. }, _) => Unasked::NotOurs,
        (_, true) => Unasked::AtOnce,
        (RetrieverChoice::Memory, false) => Unasked::Meanwhile,
        #[cfg(feature = "edge")]
        (RetrieverChoice::Edge, false) => Unasked::Never,
    };
    let embedder = embedder(config, Pace::Owner)?;
    let (index, wanted) = (Arc::clone(&store.index), store.wanted.clone());
    Ok(Indexer { book: config.book(), embedder, index, wanted, unasked })
}

pub(crate) fn question_limits(config: &Config) -> QuestionLimits {
    QuestionLimits {
        text: config.settings.message_chars.get(),
        selected_text: config.settings.selection_chars.get(),
    }
}

/// What is not a setting here is what suits any owner: no client needs longer to send what it may
/// send, and no proxy keeps an idle connection for longer.
pub(crate) fn http(config: &Config) -> HttpSettings {
    const SLOWEST: Duration = Duration::from_secs(10);
    let settings = &config.settings;
    let origins = settings.allowed_origins.as_ref();
    HttpSettings {
        origins: origins.map(|origins| origins.allowed.clone()).unwrap_or_default(),
        question: question_limits(config),
        body_limit: settings.body_bytes.get(),
        body_timeout: SLOWEST,
        deadline: settings.deadline,
        heartbeat: SLOWEST / 2,
        readiness: ReadinessSettings { ttl: SLOWEST, timeout: settings.upstream_timeout },
        connections: ConnectionSettings {
            limit: settings.max_connections.get(),
            head_timeout: SLOWEST,
            idle_timeout: Duration::from_secs(75),
            write_timeout: 2 * SLOWEST,
            shutdown_timeout: settings.shutdown,
        },
    }
}

pub(crate) fn gemini(config: &Config, key: &SecretString, pace: Pace) -> anyhow::Result<Client> {
    const CONNECT: Duration = Duration::from_secs(5);
    let settings = &config.settings;
    let limit = settings.upstream_timeout;
    let (call, retries) = match pace {
        Pace::Reader => {
            (limit, Retries { times: 2, pause: Duration::from_millis(250), patience: limit / 4 })
        }
        // A free key's quota is renewed every minute.
        Pace::Owner => (
            Duration::from_mins(5).max(limit),
            Retries { times: 5, pause: Duration::from_secs(1), patience: Duration::from_secs(70) },
        ),
    };
    let client = Client::new(ClientConfig {
        base_url: settings.gemini_base_url.clone(),
        api_version: settings.gemini_api_version.clone(),
        api_key: key.clone(),
        proxy: settings.gemini_proxy.clone(),
        timeouts: Timeouts { connect: CONNECT.min(limit), read: limit, call },
        retries,
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
            let generators = generators(&config).unwrap();
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
