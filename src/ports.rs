//! The ports: what the core asks of the world outside.
//!
//! Each is a small, dyn-compatible trait, so that a line of configuration can choose its adapter.
//! Every guarantee that is written at a port with MUST is a clause of its contract
//! (`contract`, behind the feature of that name), which every adapter runs.

mod embedder;
mod generator;
mod index;
mod journal;
mod ledger;
mod limiter;
mod retriever;
mod session;
mod threads;

pub use embedder::Embedder;
pub use generator::{Generated, Generation, Generator, Usage};
pub use index::{Corpus, Draft, Entry, Index, Page, check_complete, check_shape};
pub use journal::Journal;
pub use ledger::Ledger;
pub use limiter::Limiter;
pub use retriever::{Ranked, Rankings, Retriever, check_query};
pub use session::ChatSession;
pub use threads::Threads;
