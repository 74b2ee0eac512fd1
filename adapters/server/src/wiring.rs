//! The composition root: from the configuration to the parts that it asks for. What a port can
//! be, stands in one `match`.

mod guards;
mod http;
mod models;
mod shared;
mod stores;

use std::path::PathBuf;
use std::sync::Arc;

use askbook::chat::{Chat, ChatSettings, Ports};
use askbook::ports::{ChatSession, Embedder, Journal, Ledger};
use askbook::question::QuestionLimits;
use askbook::search::{Search, SearchSettings};
use askbook_journal::FileJournal;

use crate::config::{Config, RetrieverChoice, Switch};
use crate::indexer::{Indexer, Unasked};
use crate::store::Store;
pub(crate) use http::{connections, http};
pub(crate) use models::{Models, Pace, gemini, gemini_generator};
pub(crate) use shared::{Conversations, conversations, ledger, pause_switch, redis};
pub(crate) use stores::{qdrant, store};

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

/// The chat over this embedder and store, and the rest as configured. Nothing of what it is asked
/// is kept in a journal: for the owner's own questions.
pub(crate) fn chat(
    models: &Models<'_>,
    embedder: Arc<dyn Embedder>,
    store: &Store,
) -> anyhow::Result<Chat> {
    let sessions = conversations(models.config, None).sessions;
    journalling_chat(models, embedder, store, sessions, None, None)
}

/// The same, with what keeps its conversations, a journal, and an account of what the answers cost.
pub(crate) fn journalling_chat(
    models: &Models<'_>,
    embedder: Arc<dyn Embedder>,
    store: &Store,
    sessions: Arc<dyn ChatSession>,
    journal: Option<Arc<dyn Journal>>,
    ledger: Option<&Arc<dyn Ledger>>,
) -> anyhow::Result<Chat> {
    let config = models.config;
    let settings = &config.settings;
    let ports = Ports {
        embedder,
        retriever: Arc::clone(&store.retriever),
        generators: models.generators(ledger)?,
        sessions,
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
pub(crate) fn indexer(models: &Models<'_>, store: &Store) -> anyhow::Result<Indexer> {
    let config = models.config;
    let unasked = match (&config.retriever, config.embedder.is_local()) {
        (RetrieverChoice::Qdrant { .. }, _) => Unasked::NotOurs,
        (_, true) => Unasked::AtOnce,
        (RetrieverChoice::Memory, false) => Unasked::Meanwhile,
        #[cfg(feature = "edge")]
        (RetrieverChoice::Edge, false) => Unasked::Never,
    };
    let embedder = models.embedder(Pace::Owner)?;
    let (index, wanted) = (Arc::clone(&store.index), store.wanted.clone());
    Ok(Indexer { book: config.book(), embedder, index, wanted, unasked })
}

pub(crate) fn question_limits(config: &Config) -> QuestionLimits {
    QuestionLimits {
        text: config.settings.message_chars.get(),
        selected_text: config.settings.selection_chars.get(),
    }
}
