//! The caches pass the contracts of what they remember.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is meant to panic")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use askbook::embedding::VectorShape;
use askbook::ports::{Embedder, Generator};
use askbook_cache::{Answers, CachedEmbedder, CachedGenerator};
use askbook_memory::{MemoryEmbedder, MemoryGenerator};

fn bytes() -> NonZeroUsize {
    NonZeroUsize::new(1 << 20).unwrap()
}

mod embedder {
    use super::*;

    async fn fixture() -> (Arc<dyn Embedder>, ()) {
        let dense = VectorShape::dense(NonZeroUsize::new(64).unwrap());
        let embedder = MemoryEmbedder::new(VectorShape { sparse: true, ..dense });
        (Arc::new(CachedEmbedder::new(Arc::new(embedder), bytes())), ())
    }

    askbook::embedder_contract!(fixture);
}

mod generator {
    use super::*;

    async fn fixture() -> (Arc<dyn Generator>, ()) {
        let answers = Answers::new(bytes(), Duration::from_hours(1));
        (Arc::new(CachedGenerator::new(Arc::new(MemoryGenerator), answers)), ())
    }

    askbook::generator_contract!(fixture);
}
