//! The contracts of the ports, run on the adapters in memory.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is meant to panic")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use askbook::embedding::VectorShape;
use askbook::ports::{
    ChatSession, Embedder, Entry, Generator, Journal, Limiter, Retriever, Threads,
};
use askbook_memory::{
    MemoryEmbedder, MemoryGenerator, MemoryJournal, MemoryLimiter, MemorySessions, MemoryStore,
    SessionLimits,
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

mod threads {
    use super::*;

    async fn fixture() -> (Arc<dyn Threads>, ()) {
        let limits = SessionLimits {
            ttl: Duration::from_hours(1),
            exchanges: NonZeroUsize::new(100).unwrap(),
            bytes: 1 << 20,
        };
        (Arc::new(MemorySessions::new(limits)), ())
    }

    askbook::threads_contract!(fixture);
}

mod journal {
    use super::*;

    async fn fixture() -> (Arc<dyn Journal>, ()) {
        (Arc::new(MemoryJournal::new(NonZeroUsize::new(100).unwrap())), ())
    }

    askbook::journal_contract!(fixture);
}

mod limiter {
    use super::*;

    async fn fixture() -> (Arc<dyn Limiter>, ()) {
        let clients = NonZeroUsize::new(100).unwrap();
        (Arc::new(MemoryLimiter::new(askbook::contract::limiter::QUOTA, clients)), ())
    }

    askbook::limiter_contract!(fixture);
}

/// What is accounted for does what it did before.
mod metered {
    use askbook::answer::Mode;
    use askbook::error::PortError;
    use askbook::follow_up::FollowUp;
    use askbook::ports::{Generation, Ledger};
    use askbook::prompt::Prompt;
    use askbook::spend::{Ceilings, MeteredEmbedder, MeteredGenerator, Most, Price};
    use askbook_memory::MemoryLedger;
    use async_trait::async_trait;

    use super::*;

    const PRICE: Price = Price { input: 100_000, output: 400_000 };

    fn ledger() -> Arc<dyn Ledger> {
        Arc::new(MemoryLedger::new(Ceilings::default()))
    }

    /// As if a model wrote it, which has to be paid.
    struct Paid(MemoryGenerator);

    #[async_trait]
    impl Generator for Paid {
        fn model(&self) -> &str {
            self.0.model()
        }

        fn mode(&self) -> Mode {
            Mode::Generated
        }

        async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
            self.0.generate(prompt).await
        }

        async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
            Ok(Some(follow_up.question.text().to_owned()))
        }

        async fn ready(&self) -> Result<(), PortError> {
            self.0.ready().await
        }
    }

    mod generator {
        use super::*;

        async fn fixture() -> (Arc<dyn Generator>, ()) {
            let most = Most { answer: 1_000, condensed: 100 };
            let paid = Arc::new(Paid(MemoryGenerator));
            (Arc::new(MeteredGenerator::new(paid, ledger(), PRICE, most)), ())
        }

        askbook::generator_contract!(fixture);
    }

    mod embedder {
        use super::*;

        async fn fixture() -> (Arc<dyn Embedder>, ()) {
            let paid = Arc::new(MemoryEmbedder::new(both()));
            (Arc::new(MeteredEmbedder::new(paid, ledger(), PRICE)), ())
        }

        askbook::embedder_contract!(fixture);
    }
}

mod ledger {
    use askbook::ports::Ledger;
    use askbook::spend::Ceilings;
    use askbook_memory::MemoryLedger;

    use super::*;

    async fn fixture(ceilings: Ceilings) -> (Arc<dyn Ledger>, ()) {
        (Arc::new(MemoryLedger::with_clock(ceilings, Arc::new(|| 1_800_000_030))), ())
    }

    askbook::ledger_contract!(fixture);
}
