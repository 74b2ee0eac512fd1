//! Stores: where passages are found.

use std::num::NonZeroU32;
use std::sync::Arc;

#[cfg(feature = "edge")]
use askbook::hybrid::MirroredRetriever;
use askbook::manifest::Recipe;
#[cfg(feature = "edge")]
use askbook::ports::Index;
use askbook::ports::{Embedder, Retriever};
#[cfg(feature = "edge")]
use askbook_edge::EdgeStore;
use askbook_guard::GuardedRetriever;
use askbook_memory::MemoryStore;
use askbook_qdrant::{Address, Fields, QdrantSettings, QdrantStore};
use tracing::info;
#[cfg(feature = "edge")]
use tracing::warn;

use super::guards::{FAILURES, guard};
#[cfg(feature = "edge")]
use super::models::bm25;
#[cfg(feature = "edge")]
use crate::config::EmbedderChoice;
use crate::config::{Config, RetrieverChoice, Switch};
#[cfg(feature = "edge")]
use crate::mirror::Mirror;
use crate::recipe::{CheckedStore, WantedRecipe};
use crate::store::Store;
#[cfg(feature = "otel")]
use crate::telemetry::SpannedRetriever;

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
            let checked = SpannedRetriever::remote(checked, collection, &address.to_string());
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
    let guarded = GuardedRetriever::new(Arc::clone(&store.retriever), guard);
    Arc::new(match config.settings.hedge {
        Switch::On => guarded.hedged(),
        Switch::Off => guarded,
    })
}
