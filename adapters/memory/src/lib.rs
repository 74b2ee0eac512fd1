//! Every port kept in memory: deterministic, bounded, usable from configuration.
//!
//! [`MemorySessions`], threads included, and [`MemoryLimiter`] are what a single askbook process runs with. The others
//! are for trying things out and for tests: real implementations of their ports' contracts, not mocks.

mod embedder;
mod generator;
mod journal;
mod ledger;
mod limiter;
mod sessions;
mod store;

pub use embedder::MemoryEmbedder;
pub use generator::MemoryGenerator;
pub use journal::MemoryJournal;
pub use ledger::MemoryLedger;
pub use limiter::MemoryLimiter;
pub use sessions::{MemorySessions, SessionLimits};
pub use store::MemoryStore;
