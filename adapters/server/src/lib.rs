//! The binary `askbook`: command line, configuration, wiring.
//!
//! * `cli` reads the command line and does what it says;
//! * `config` reads every setting from every source, once;
//! * `wiring` makes the parts that the configuration asks for: the only place that knows all
//!   adapters;
//! * `indexer` keeps the index in step with the `book`;
//! * [`App`] serves.
//!
//! Everything else in the workspace gets what it needs as values: this is the only crate that
//! reads the environment and the arguments, and the only one that knows `anyhow`.

mod app;
mod book;
pub mod cli;
mod config;
mod indexer;
mod telemetry;
mod wiring;

pub use app::App;
pub use config::{Config, ConfigError};
