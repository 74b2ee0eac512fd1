//! The core of askbook: a reader's question, answered from the book.
//!
//! # The hexagon
//!
//! ```text
//!   HTTP, command line             core (this crate)              what it needs of the world
//!  ┌────────────────────┐  ask   ┌─────────────────────┐  ports  ┌─────────────────────────────┐
//!  │ adapters/http      │ ─────▶ │ chat::Chat          │ ──────▶ │ Embedder    gemini edge     │
//!  │ adapters/server    │ ◀───── │ search::Search      │         │ Retriever   qdrant edge     │
//!  └────────────────────┘ events │ question → answer   │         │ Generator   gemini quote    │
//!                                │                     │         │ ChatSession memory          │
//!                                │ indexing::index     │         │ Index       qdrant edge     │
//!                                │ passages → index    │         │ Corpus      qdrant edge     │
//!                                └─────────────────────┘         └─────────────────────────────┘
//! ```
//!
//! [`chat::Chat::ask`] turns a [`question::Question`] into a stream of [`event::ChatEvent`]s:
//! the conversation is looked up, passages are found by [`search::Search`] and put into a
//! [`prompt::Prompt`], an answer generated, its [citations](citation) checked. It ends in one of
//! three ways that are never merged: [answered](answer::Outcome::Answered), [not in the
//! book](answer::Outcome::NotInBook), or a [`error::ChatError`] that names the stage.
//!
//! A search embeds the question, ranks passages by each kind of vector, [fuses](fusion) the
//! rankings, [selects](selection) from the fused one and judges the [`evidence`]: where
//! that is missing, nobody is asked to write an answer.
//!
//! # Where things are
//!
//! * Values: [`question`], [`passage`], [`embedding`], [`manifest`] (how an index was made),
//!   [`session`], [`answer`], [`event`], [`error`].
//! * Rules: [`fusion`] (one ranking from two), [`selection`] (what is taken of it), [`evidence`]
//!   (whether that can answer), [`prompt`] (what a model reads), [`citation`] (what an answer may
//!   cite), [`concept`] and [`definition`] (what a question is after), [`text`] (sentences and
//!   terms).
//! * Services: [`search`] and [`chat`] (the reader's side), [`indexing`] (the owner's side).
//! * [`ports`]: what the core asks of the world; [`hybrid`]: two of them combined. `contract` (a
//!   feature): what each adapter must prove.
//!
//! # Invariants
//!
//! * The core does no I/O, knows no clock and starts no task: whoever polls does the work, and
//!   dropping stops it. (Clippy enforces it with the root's `.clippy.toml`.)
//! * No adapter knows another; `adapters/http` alone knows poem, `adapters/server` alone reads
//!   the environment and names the adapters. (`tests/it/architecture.rs`.)
//! * No value of the core derives a wire format.
//! * Nothing that a reader wrote and no key is in a [`error::PortError`].

pub mod answer;
pub mod chat;
pub mod citation;
pub mod concept;
#[cfg(feature = "contract")]
pub mod contract;
pub mod definition;
pub mod embedding;
pub mod error;
pub mod event;
pub mod evidence;
pub mod fusion;
pub mod hybrid;
pub mod indexing;
pub mod manifest;
pub mod passage;
pub mod ports;
pub mod prompt;
pub mod question;
mod reading;
pub mod search;
pub mod selection;
pub mod session;
pub mod text;
