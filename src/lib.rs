//! The core of askbook: a reader's question, answered from the book.
//!
//! # The hexagon
//!
//! ```text
//!   HTTP, command line             core (this crate)              what it needs of the world
//!  ┌────────────────────┐  ask   ┌─────────────────────┐  ports  ┌─────────────────────────────┐
//!  │ adapters/http      │ ─────▶ │ chat::Chat          │ ──────▶ │ Embedder    gemini edge     │
//!  │ adapters/server    │ ◀───── │ question → answer   │         │ Retriever   qdrant edge     │
//!  └────────────────────┘ events │                     │         │ Generator   gemini quote    │
//!                                │ indexing::index     │         │ ChatSession memory          │
//!                                │ passages → index    │         │ Index       qdrant edge     │
//!                                └─────────────────────┘         └─────────────────────────────┘
//! ```
//!
//! [`chat::Chat::ask`] turns a [`question::Question`] into a stream of [`event::ChatEvent`]s:
//! the conversation is looked up, the question embedded, passages retrieved and put into a
//! [`prompt::Prompt`], an answer generated, its [citations](citation) checked. It ends in one of
//! three ways that are never merged: [answered](answer::Outcome::Answered), [not in the
//! book](answer::Outcome::NotInBook), or a [`error::ChatError`] that names the stage.
//!
//! # Where things are
//!
//! * Values: [`question`], [`passage`], [`embedding`], [`session`], [`answer`], [`event`],
//!   [`error`].
//! * Rules: [`prompt`] (what a model reads), [`citation`] (what an answer may cite), [`fusion`]
//!   (one list from two), [`text`] (sentences and terms).
//! * Services: [`chat`] (the reader's side), [`indexing`] (the owner's side).
//! * [`ports`]: what the core asks of the world. `contract` (a feature): what each adapter must
//!   prove.
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
#[cfg(feature = "contract")]
pub mod contract;
pub mod embedding;
pub mod error;
pub mod event;
pub mod fusion;
pub mod indexing;
pub mod passage;
pub mod ports;
pub mod prompt;
pub mod question;
pub mod session;
pub mod text;
