//! The composition root: from the configuration to the parts that it asks for. What a port can
//! be, stands in one `match`.

use std::sync::Arc;
use std::time::Duration;

use askbook::chat::{Chat, ChatSettings, Ports};
use askbook::embedding::VectorShape;
use askbook::ports::{ChatSession, Embedder, Generator, Index, Retriever};
use askbook::prompt::PromptBudget;
use askbook::question::QuestionLimits;
#[cfg(feature = "edge")]
use askbook_edge::{Bm25Embedder, EdgeStore};
use askbook_gemini::{
    Client, ClientConfig, EmbedderConfig, GeminiEmbedder, GeminiGenerator, GeneratorConfig,
    Retries, Timeouts,
};
use askbook_http::{ConnectionSettings, HttpSettings, ReadinessSettings};
use askbook_memory::{MemoryEmbedder, MemoryGenerator, MemorySessions, MemoryStore, SessionLimits};
use askbook_qdrant::{Fields, QdrantSettings, QdrantStore};
use askbook_quote::QuoteGenerator;
use secrecy::SecretString;
use tracing::info;

use crate::config::{
    Config, EmbedderChoice, GeneratorChoice, QueryTask, RetrieverChoice, SessionsName,
};
use crate::indexer::{Indexer, Unasked};

/// Who waits for the calls to upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A reader: rather a quick failure than a late answer.
    Reader,
    /// The owner, who indexes: rather late than not at all.
    Owner,
}

/// Where an index is kept: the two sides of one store.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) retriever: Arc<dyn Retriever>,
    pub(crate) index: Arc<dyn Index>,
    /// For people.
    pub(crate) place: String,
}

pub(crate) fn embedder(config: &Config, pace: Pace) -> anyhow::Result<Arc<dyn Embedder>> {
    let settings = &config.settings;
    Ok(match &config.embedder {
        EmbedderChoice::Gemini(key) => Arc::new(GeminiEmbedder::new(
            gemini(config, key, pace)?,
            EmbedderConfig {
                model: settings.embedding_model.clone(),
                dimension: settings.embedding_dimensions,
                query_task: match settings.query_task {
                    QueryTask::RetrievalQuery => askbook_gemini::QueryTask::RetrievalQuery,
                    QueryTask::QuestionAnswering => askbook_gemini::QueryTask::QuestionAnswering,
                },
            },
        )?),
        #[cfg(feature = "edge")]
        EmbedderChoice::Bm25 => {
            let bm25 = Bm25Embedder::new(&settings.language);
            let context = "ASKBOOK_LANGUAGE cannot be used";
            Arc::new(bm25.map_err(|error| anyhow::Error::new(error).context(context))?)
        }
        EmbedderChoice::Memory => Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
    })
}

#[cfg_attr(
    not(feature = "edge"),
    expect(clippy::unused_async, reason = "only the embedded engine has to be waited for")
)]
pub(crate) async fn store(config: &Config) -> anyhow::Result<Store> {
    let settings = &config.settings;
    Ok(match &config.retriever {
        RetrieverChoice::Qdrant { address, collection } => {
            if let Some(note) = address.note() {
                info!("{note}");
            }
            let place = format!("collection {collection} at {address}");
            let store = QdrantStore::new(QdrantSettings {
                address: address.clone(),
                api_key: settings.qdrant_api_key.clone(),
                collection: collection.clone(),
                vector: settings.qdrant_vector.clone(),
                dimension: settings.embedding_dimensions,
                fields: Fields {
                    text: settings.qdrant_text_field.clone(),
                    url: settings.qdrant_url_field.clone(),
                    title: settings.qdrant_title_field.clone(),
                    section: settings.qdrant_section_field.clone(),
                },
                timeout: settings.upstream_timeout,
            })?;
            Store::new(store, place)
        }
        #[cfg(feature = "edge")]
        RetrieverChoice::Edge => {
            let folder = settings.data_dir.join("index");
            let place = folder.display().to_string();
            Store::new(EdgeStore::open(folder).await?, place)
        }
        RetrieverChoice::Memory => Store::new(MemoryStore::new(), "memory".to_owned()),
    })
}

fn generator(config: &Config) -> anyhow::Result<Arc<dyn Generator>> {
    let settings = &config.settings;
    Ok(match &config.generator {
        GeneratorChoice::Gemini(key) => Arc::new(GeminiGenerator::new(
            gemini(config, key, Pace::Reader)?,
            GeneratorConfig {
                model: settings.gemini_model.clone(),
                max_output_tokens: settings.gemini_max_output_tokens,
                thinking_level: settings.gemini_thinking_level.clone(),
            },
        )),
        GeneratorChoice::Quote => Arc::new(QuoteGenerator::new()),
        GeneratorChoice::Memory => Arc::new(MemoryGenerator),
    })
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

/// The chat over this embedder and store, and the rest as configured.
pub(crate) fn chat(
    config: &Config,
    embedder: Arc<dyn Embedder>,
    store: &Store,
) -> anyhow::Result<Chat> {
    let settings = &config.settings;
    let ports = Ports {
        embedder,
        retriever: Arc::clone(&store.retriever),
        generator: generator(config)?,
        sessions: sessions(config),
    };
    let settings = ChatSettings {
        passages: settings.passages,
        budget: PromptBudget {
            passage_tokens: settings.passage_tokens.get(),
            history_tokens: settings.history_tokens,
        },
        refusal: settings.refusal.clone(),
    };
    Ok(Chat::new(ports, settings))
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
    Ok(Indexer { book: config.book(), embedder, index: Arc::clone(&store.index), unasked })
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

fn gemini(config: &Config, key: &SecretString, pace: Pace) -> anyhow::Result<Client> {
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

impl Store {
    fn new(store: impl Retriever + Index, place: String) -> Self {
        let store = Arc::new(store);
        Self { retriever: Arc::clone(&store) as Arc<dyn Retriever>, index: store, place }
    }
}
