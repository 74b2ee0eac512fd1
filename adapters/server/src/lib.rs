//! The binary `askbook`: command line, configuration, wiring.
//!
//! * `cli` reads the command line and does what it says;
//! * `config` reads every setting from every source, once;
//! * `wiring` makes the parts that the configuration asks for: the only place that knows all
//!   adapters;
//! * `store` is where an index is kept; `recipe` refuses one that was made in another way than the
//!   settings ask for; `mirror` keeps the copy of a collection that has no terms to search by, which
//!   stands in while the guard of Qdrant leaves the collection alone;
//! * `indexer` keeps the index in step with the `book`, which may be ready passages (`jsonl`);
//!   `cost` estimates what that takes;
//! * `check` finds what is wrong, `eval` measures;
//! * [`App`] serves; `start` is what it does while there is no index yet, `descriptors` how many
//!   connections it can have.
//!
//! Everything else in the workspace gets what it needs as values: this is the only crate that
//! reads the environment and the arguments, and the only one that knows `anyhow`.

mod app;
mod book;
mod check;
pub mod cli;
mod config;
mod cost;
mod descriptors;
mod eval;
mod indexer;
mod jsonl;
#[cfg(feature = "edge")]
mod mirror;
mod recipe;
mod start;
mod store;
mod telemetry;
mod wiring;

pub use app::App;
pub use config::{Config, ConfigError};
