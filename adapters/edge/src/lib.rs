//! Qdrant's engine in process: no service, no network, no key.
//!
//! [`Bm25Embedder`] turns text into BM25 vectors; [`EdgeStore`] keeps an index on disk and
//! searches it, whichever embedder made its vectors.

mod bm25;
#[cfg(test)]
mod crash;
mod directory;
mod draft;
mod generation;
mod journal;
mod shard;
mod store;
mod stored;

pub use bm25::Bm25Embedder;
pub use store::EdgeStore;

use askbook::error::{ErrorKind, PortError};

/// Runs work of the engine, which blocks, where it holds up no other task.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PortError> + Send + 'static,
) -> Result<T, PortError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|broken| {
        Err(PortError::new(ErrorKind::Unavailable, "the embedded engine broke off its work")
            .with_source(broken))
    })
}
