//! The contracts of the ports, run on the adapters in memory.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is meant to panic")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use askbook::embedding::VectorShape;
use askbook::ports::{ChatSession, Embedder, Entry, Generator, Journal, Retriever};
use askbook_memory::{
    MemoryEmbedder, MemoryGenerator, MemoryJournal, MemorySessions, MemoryStore, SessionLimits,
};

fn dense() -> VectorShape {
    VectorShape::dense(NonZeroUsize::new(64).unwrap())
}

fn both() -> VectorShape {
    VectorShape { sparse: true, ..dense() }
}

async fn filled(shape: VectorShape, entries: Vec<Entry>) -> (Arc<dyn Retriever>, ()) {
    let store = MemoryStore::new();
    askbook::contract::index::fill(&store, "contract", shape, entries).await;
    (Arc::new(store), ())
}

async fn empty() -> (Arc<MemoryStore>, ()) {
    (Arc::new(MemoryStore::new()), ())
}

mod embedder {
    use super::*;

    async fn fixture() -> (Arc<dyn Embedder>, ()) {
        (Arc::new(MemoryEmbedder::new(both())), ())
    }

    askbook::embedder_contract!(fixture);
}

mod retriever {
    mod dense {
        askbook::retriever_contract!(crate::filled, crate::dense());
    }

    mod sparse {
        askbook::retriever_contract!(crate::filled, askbook::embedding::VectorShape::sparse());
    }

    mod both {
        askbook::retriever_contract!(crate::filled, crate::both());
    }
}

mod index {
    mod dense {
        askbook::index_contract!(crate::empty, crate::dense());
    }

    mod sparse {
        askbook::index_contract!(crate::empty, askbook::embedding::VectorShape::sparse());
    }

    mod both {
        askbook::index_contract!(crate::empty, crate::both());
    }
}

mod generator {
    use super::*;

    async fn fixture() -> (Arc<dyn Generator>, ()) {
        (Arc::new(MemoryGenerator), ())
    }

    askbook::generator_contract!(fixture);
}

mod session {
    use super::*;

    async fn fixture() -> (Arc<dyn ChatSession>, ()) {
        let limits = SessionLimits {
            ttl: Duration::from_hours(1),
            exchanges: NonZeroUsize::new(100).unwrap(),
            bytes: 1 << 20,
        };
        (Arc::new(MemorySessions::new(limits)), ())
    }

    askbook::session_contract!(fixture);
}

mod journal {
    use super::*;

    async fn fixture() -> (Arc<dyn Journal>, ()) {
        (Arc::new(MemoryJournal::new(NonZeroUsize::new(100).unwrap())), ())
    }

    askbook::journal_contract!(fixture);
}
