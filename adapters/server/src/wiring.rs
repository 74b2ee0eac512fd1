//! The composition root: from the configuration to the parts that it asks for. What a port can
//! be, stands in one `match`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use askbook::chat::{Chat, ChatSettings, Ports};
use askbook::client::Quota;
use askbook::embedding::VectorShape;
use askbook::error::ErrorKind;
#[cfg(feature = "edge")]
use askbook::hybrid::{HybridEmbedder, MirroredRetriever};
use askbook::manifest::Recipe;
#[cfg(feature = "edge")]
use askbook::ports::Index;
use askbook::ports::{ChatSession, Embedder, Generator, Journal, Ledger, Limiter, Retriever};
use askbook::question::QuestionLimits;
use askbook::search::{Search, SearchSettings};
use askbook::spend::{MeteredEmbedder, MeteredGenerator};
#[cfg(feature = "edge")]
use askbook_edge::{Bm25Embedder, EdgeStore};
use askbook_gemini::{
    Client, ClientConfig, EmbedderConfig, GeminiEmbedder, GeminiGenerator, GeneratorConfig,
    Retries, Timeouts,
};
use askbook_guard::{
    Concurrency, Guard, GuardSettings, GuardedEmbedder, GuardedGenerator, GuardedRetriever, Hedge,
    HedgedEmbedder, HedgedRetriever,
};
use askbook_http::{
    ClientSettings, ConnectionSettings, HttpSettings, Limit, Limits, ReadinessSettings,
};
use askbook_journal::FileJournal;
use askbook_ledger::{FileLedger, PausableLedger, PauseSwitch};
use askbook_memory::{
    MemoryEmbedder, MemoryGenerator, MemoryLedger, MemoryLimiter, MemorySessions, MemoryStore,
    SessionLimits,
};
use askbook_qdrant::{Address, Fields, QdrantSettings, QdrantStore};
use askbook_quote::QuoteGenerator;
use askbook_redis::{
    RedisAddress, RedisLedger, RedisLimiter, RedisLink, RedisSessions, SessionBounds,
};
use secrecy::SecretString;
use tracing::{info, warn};

use crate::config::{
    Config, EmbedderChoice, FallbackName, GeneratorChoice, QueryTask, RetrieverChoice,
    SessionsPlace, Spending, Switch,
};
use crate::descriptors;
use crate::indexer::{Indexer, Unasked};
#[cfg(feature = "edge")]
use crate::mirror::Mirror;
use crate::recipe::{CheckedStore, WantedRecipe};
use crate::store::Store;
#[cfg(feature = "otel")]
use crate::telemetry::{Peer, SpannedEmbedder, SpannedGenerator, SpannedRetriever};

/// Who waits for the calls to upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A reader: rather a quick failure than a late answer.
    Reader,
    /// The owner, who indexes: rather late than not at all.
    Owner,
}

/// What turns text into vectors. Nothing is accounted for: for what the owner asks.
pub(crate) fn embedder(config: &Config, pace: Pace) -> anyhow::Result<Arc<dyn Embedder>> {
    metered_embedder(config, pace, None)
}

/// The same, with an account of what readers' questions cost.
pub(crate) fn metered_embedder(
    config: &Config,
    pace: Pace,
    ledger: Option<&Arc<dyn Ledger>>,
) -> anyhow::Result<Arc<dyn Embedder>> {
    Ok(match &config.embedder {
        EmbedderChoice::Gemini(key) => gemini_embedder(config, key, pace, ledger)?,
        #[cfg(feature = "edge")]
        EmbedderChoice::Bm25 => bm25(config)?,
        #[cfg(feature = "edge")]
        EmbedderChoice::Hybrid(key) => {
            let dense = gemini_embedder(config, key, pace, ledger)?;
            Arc::new(HybridEmbedder::new(dense, bm25(config)?))
        }
        EmbedderChoice::Memory => Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
    })
}

fn gemini_embedder(
    config: &Config,
    key: &SecretString,
    pace: Pace,
    ledger: Option<&Arc<dyn Ledger>>,
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
    let embedder = GeminiEmbedder::new(gemini(config, key, pace)?, embedder)?;
    #[cfg(feature = "otel")]
    let embedder = {
        let peer = Peer::of(settings.gemini_base_url.as_str());
        SpannedEmbedder::new(embedder, &settings.embedding_model, peer.as_ref())
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
            let guarded = Arc::new(GuardedEmbedder::new(embedder, guard.clone()));
            match settings.hedge {
                Switch::On => Arc::new(HedgedEmbedder::new(guarded, Hedge::new(guard))),
                Switch::Off => guarded,
            }
        }
        Pace::Owner => embedder,
    })
}

/// After how many failures in a row an upstream is left alone for a while.
const FAILURES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// A guard of this upstream.
fn guard(config: &Config, upstream: &str, failures: NonZeroU32) -> Guard {
    const LEAST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
    let most = config.settings.upstream_calls;
    let first = NonZeroUsize::new(most.get() / 2).unwrap_or(most);
    let concurrency = Concurrency { least: LEAST.min(most), first, most };
    let patience = patience(config);
    Guard::new(upstream, GuardSettings { failures, patience, concurrency })
}

/// The longest wait that an upstream may ask a reader for.
fn patience(config: &Config) -> Duration {
    config.settings.upstream_timeout / 4
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
            #[cfg(feature = "otel")]
            let checked = {
                let peer = Peer::of(&address.to_string());
                SpannedRetriever::remote(checked, collection, peer.as_ref())
            };
            let store = Store { retriever: Arc::new(checked), ..Store::new(qdrant, wanted) };
            match mirrored(config, &store).await? {
                Some(mirrored) => mirrored,
                None => Store { retriever: guarded(config, &store, FAILURES), ..store },
            }
        }
        #[cfg(feature = "edge")]
        RetrieverChoice::Edge => {
            let folder = settings.data_dir.join("index");
            let wanted = wanted(folder.display().to_string());
            let edge = Arc::new(EdgeStore::open(folder).await?);
            let checked = CheckedStore::local(Arc::clone(&edge), wanted.clone());
            #[cfg(feature = "otel")]
            let checked = SpannedRetriever::embedded(checked);
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
async fn mirrored(config: &Config, store: &Store) -> anyhow::Result<Option<Store>> {
    let settings = &config.settings;
    let (EmbedderChoice::Hybrid(_), Some(every)) = (&config.embedder, settings.mirror_refresh)
    else {
        return Ok(None);
    };
    let folder = settings.data_dir.join("mirror");
    let copy = match EdgeStore::open(folder.clone()).await {
        Ok(copy) => Arc::new(copy),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            warn!(error, "the collection is searched without a copy");
            return Ok(None);
        }
    };
    let (embedder, chunker) = (bm25(config)?, format!("copy of {}", store.place()));
    let wanted = WantedRecipe {
        recipe: Recipe::of(embedder.as_ref(), &chunker),
        any_dimension: true,
        place: folder.display().to_string(),
    };
    let checked = CheckedStore::local(Arc::clone(&copy), wanted);
    #[cfg(feature = "otel")]
    let checked = SpannedRetriever::embedded(checked);
    let mirror = Mirror {
        primary: Arc::clone(&store.retriever),
        corpus: Arc::clone(&store.corpus),
        embedder,
        chunker,
        index: Arc::clone(&copy) as Arc<dyn Index>,
        stamp: settings.data_dir.join("mirror-refreshed"),
        every,
    };
    // A question waits for it once at most, and not five times, while the copy stands in.
    let primary = guarded(config, store, NonZeroU32::MIN);
    Ok(Some(Store {
        retriever: Arc::new(MirroredRetriever::new(primary, Arc::new(checked))),
        embedded: vec![copy],
        mirror: Some(Arc::new(mirror)),
        ..store.clone()
    }))
}

/// The copy would be in the embedded engine.
#[cfg(not(feature = "edge"))]
#[expect(clippy::unused_async, reason = "as with the engine")]
async fn mirrored(_config: &Config, _store: &Store) -> anyhow::Result<Option<Store>> {
    Ok(None)
}

/// The retriever of this store on a server, guarded and hedged.
fn guarded(config: &Config, store: &Store, failures: NonZeroU32) -> Arc<dyn Retriever> {
    let guard = guard(config, "qdrant", failures);
    let guarded = Arc::new(GuardedRetriever::new(Arc::clone(&store.retriever), guard.clone()));
    match config.settings.hedge {
        Switch::On => Arc::new(HedgedRetriever::new(guarded, Hedge::new(guard))),
        Switch::Off => guarded,
    }
}

/// What writes the answers: the model of the settings, and what stands in for it, in order.
fn generators(
    config: &Config,
    ledger: Option<&Arc<dyn Ledger>>,
) -> anyhow::Result<Vec<Arc<dyn Generator>>> {
    let settings = &config.settings;
    Ok(match &config.generator {
        GeneratorChoice::Gemini(key) => {
            let client = gemini(config, key, Pace::Reader)?;
            let model = |model: &String| -> Arc<dyn Generator> {
                let generator = gemini_generator(config, client.clone(), model);
                #[cfg(feature = "otel")]
                let generator = {
                    let peer = Peer::of(settings.gemini_base_url.as_str());
                    SpannedGenerator::new(generator, peer.as_ref())
                };
                let generator = Arc::new(generator);
                let generator: Arc<dyn Generator> = match ledger {
                    Some(ledger) => {
                        let (ledger, spending) = (Arc::clone(ledger), config.spending);
                        let Spending { writing, most, .. } = spending;
                        Arc::new(MeteredGenerator::new(generator, ledger, writing, most))
                    }
                    None => generator,
                };
                Arc::new(GuardedGenerator::new(generator, guard(config, model, FAILURES)))
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

/// What keeps account of what readers' questions cost, where they cost anything. An account that
/// cannot be kept on disk is no reason not to answer; one that another process keeps is.
pub(crate) fn ledger(
    config: &Config,
    redis: Option<&RedisLink>,
) -> anyhow::Result<Option<Arc<dyn Ledger>>> {
    if config.embedder.is_local() && config.generator.key().is_none() {
        return Ok(None);
    }
    let ceilings = config.spending.ceilings;
    let in_memory = || Arc::new(MemoryLedger::new(ceilings));
    let ledger: Arc<dyn Ledger> = if ceilings.is_none() {
        in_memory()
    } else {
        match FileLedger::open(&config.settings.data_dir.join("spend"), ceilings) {
            Ok(ledger) => Arc::new(ledger),
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let error = format!("{:#}", anyhow::Error::new(error));
                warn!(error, "spending is counted from nothing at each start");
                in_memory()
            }
            Err(error) => return Err(error.into()),
        }
    };
    let ledger = match redis {
        Some(redis) if !ceilings.is_none() => {
            Arc::new(RedisLedger::new(redis.clone(), ceilings, ledger))
        }
        _ => ledger,
    };
    Ok(Some(Arc::new(PausableLedger::new(ledger, pause_switch(config)))))
}

/// What pauses all calls that cost money.
pub(crate) fn pause_switch(config: &Config) -> PauseSwitch {
    PauseSwitch::new(&config.settings.data_dir)
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

/// What several servers share, if they do. It is connected to in the background.
pub(crate) fn redis(config: &Config) -> anyhow::Result<Option<RedisLink>> {
    let settings = &config.settings;
    Ok(match &settings.sessions {
        Some(SessionsPlace::Redis(address)) => {
            Some(RedisLink::new(RedisAddress::clone(address), settings.redis_timeout)?)
        }
        None | Some(SessionsPlace::Memory) => None,
    })
}

fn sessions(config: &Config, redis: Option<&RedisLink>) -> Arc<dyn ChatSession> {
    /// Many times what is read of a conversation, and enough for the longest exchange.
    const CONVERSATION: NonZeroUsize = NonZeroUsize::new(128 << 10).unwrap();
    let settings = &config.settings;
    let (ttl, exchanges) = (settings.session_ttl, settings.session_turns);
    let bytes = settings.session_bytes;
    let memory = MemorySessions::new(SessionLimits { ttl, exchanges, bytes: bytes.get() });
    let memory: Arc<dyn ChatSession> = Arc::new(memory);
    match redis {
        Some(redis) => {
            let bounds = SessionBounds { ttl, exchanges, bytes: bytes.min(CONVERSATION) };
            Arc::new(RedisSessions::new(redis.clone(), bounds, memory))
        }
        None => memory,
    }
}

/// The chat over this embedder and store, and the rest as configured. Nothing of what it is asked
/// is kept in a journal: for the owner's own questions.
pub(crate) fn chat(
    config: &Config,
    embedder: Arc<dyn Embedder>,
    store: &Store,
) -> anyhow::Result<Chat> {
    journalling_chat(config, embedder, store, None, None, None)
}

/// The same, with a journal, an account of what the answers cost, and what other servers share.
pub(crate) fn journalling_chat(
    config: &Config,
    embedder: Arc<dyn Embedder>,
    store: &Store,
    journal: Option<Arc<dyn Journal>>,
    ledger: Option<&Arc<dyn Ledger>>,
    redis: Option<&RedisLink>,
) -> anyhow::Result<Chat> {
    let settings = &config.settings;
    let ports = Ports {
        embedder,
        retriever: Arc::clone(&store.retriever),
        generators: generators(config, ledger)?,
        sessions: sessions(config, redis),
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

/// Who may ask, and how much.
fn clients(config: &Config, redis: Option<&RedisLink>) -> ClientSettings {
    let settings = &config.settings;
    let limit = |requests: Option<NonZeroU32>| {
        let quota = Quota::per_minute(requests?);
        Some(Limit { quota, limiter: limiter(quota, redis) })
    };
    ClientSettings {
        proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        keys: settings.api_keys.clone().unwrap_or_default(),
        key_required: settings.require_key == Switch::On,
        limits: Limits {
            address: limit(settings.address_limit),
            session: limit(settings.session_limit),
            key: limit(settings.key_limit),
        },
    }
}

/// What counts the requests of each client.
fn limiter(quota: Quota, redis: Option<&RedisLink>) -> Arc<dyn Limiter> {
    /// As many as ask within a minute; they take 10 MB.
    const CLIENTS: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();
    let memory: Arc<dyn Limiter> = Arc::new(MemoryLimiter::new(quota, CLIENTS));
    match redis {
        Some(redis) => Arc::new(RedisLimiter::new(redis.clone(), quota, memory)),
        None => memory,
    }
}

/// What is not a setting here is what suits any owner: no client needs longer to send what it may
/// send, and no proxy keeps an idle connection for longer.
pub(crate) fn http(
    config: &Config,
    connections: ConnectionSettings,
    redis: Option<&RedisLink>,
) -> HttpSettings {
    let settings = &config.settings;
    let origins = settings.allowed_origins.as_ref();
    HttpSettings {
        origins: origins.map(|origins| origins.allowed.clone()).unwrap_or_default(),
        clients: clients(config, redis),
        question: question_limits(config),
        body_limit: settings.body_bytes.get(),
        body_timeout: SLOWEST,
        deadline: settings.deadline,
        heartbeat: SLOWEST / 2,
        readiness: ReadinessSettings { ttl: SLOWEST, timeout: settings.upstream_timeout },
        connections,
    }
}

/// How connections are kept.
pub(crate) fn connections(config: &Config) -> ConnectionSettings {
    let settings = &config.settings;
    ConnectionSettings {
        limit: descriptors::connections(settings.max_connections.get()),
        proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        head_timeout: SLOWEST,
        idle_timeout: Duration::from_secs(75),
        write_timeout: 2 * SLOWEST,
        drain: settings.drain,
        shutdown_timeout: settings.shutdown,
    }
}

/// How long a client may take for what it sends.
const SLOWEST: Duration = Duration::from_secs(10);

pub(crate) fn gemini(config: &Config, key: &SecretString, pace: Pace) -> anyhow::Result<Client> {
    const CONNECT: Duration = Duration::from_secs(5);
    let settings = &config.settings;
    let limit = settings.upstream_timeout;
    let (call, retries) = match pace {
        Pace::Reader => {
            let pause = Duration::from_millis(250);
            (limit, Retries { times: 2, pause, patience: patience(config) })
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
    fn clients_are_limited_unless_their_owner_sets_no_limit() {
        let quotas = |given: &[(&str, &str)]| {
            let nowhere = ("ASKBOOK_DATA_DIR", "/nonexistent/askbook");
            let config = Config::from_values([&[nowhere], given].concat()).unwrap();
            let Limits { address, session, key } = clients(&config, None).limits;
            [address, session, key].map(|limit| limit.map(|limit| limit.quota.burst.get()))
        };
        assert_eq!(quotas(&[]), [Some(30), Some(15), Some(600)]);
        let numbers = [("ASKBOOK_ADDRESS_PER_MINUTE", "5"), ("ASKBOOK_SESSION_PER_MINUTE", "0")];
        assert_eq!(quotas(&numbers), [Some(5), None, Some(600)]);
    }

    #[test]
    fn what_stands_in_for_the_model_comes_behind_it() {
        let models = |given: &[(&str, &str)]| -> Vec<String> {
            let nowhere = ("ASKBOOK_DATA_DIR", "/nonexistent/askbook");
            let config = Config::from_values([&[nowhere], given].concat()).unwrap();
            let generators = generators(&config, None).unwrap();
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
