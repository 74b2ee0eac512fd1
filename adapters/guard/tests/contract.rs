//! The guards pass the contracts of what they guard.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is meant to panic")]

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use askbook::embedding::VectorShape;
use askbook::ports::{Embedder, Entry, Generator, Retriever};
use askbook_guard::{
    Concurrency, Guard, GuardSettings, GuardedEmbedder, GuardedGenerator, GuardedRetriever,
};
use askbook_memory::{MemoryEmbedder, MemoryGenerator, MemoryStore};

fn guard() -> Guard {
    let calls = NonZeroUsize::new(64).unwrap();
    let concurrency = Concurrency { least: NonZeroUsize::MIN, first: calls, most: calls };
    let patience = Duration::from_secs(2);
    Guard::new("peer", GuardSettings { failures: NonZeroU32::MIN, patience, concurrency })
}

fn shape() -> VectorShape {
    VectorShape { sparse: true, ..VectorShape::dense(NonZeroUsize::new(64).unwrap()) }
}

mod embedder {
    use super::*;

    async fn fixture() -> (Arc<dyn Embedder>, ()) {
        let embedder = Arc::new(MemoryEmbedder::new(shape()));
        (Arc::new(GuardedEmbedder::new(embedder, guard())), ())
    }

    askbook::embedder_contract!(fixture);
}

mod retriever {
    use super::*;

    async fn filled(shape: VectorShape, entries: Vec<Entry>) -> (Arc<dyn Retriever>, ()) {
        let store = MemoryStore::new();
        askbook::contract::index::fill(&store, "contract", shape, entries).await;
        (Arc::new(GuardedRetriever::new(Arc::new(store), guard())), ())
    }

    askbook::retriever_contract!(filled, shape());
}

mod generator {
    use super::*;

    async fn fixture() -> (Arc<dyn Generator>, ()) {
        (Arc::new(GuardedGenerator::new(Arc::new(MemoryGenerator), guard())), ())
    }

    askbook::generator_contract!(fixture);
}
