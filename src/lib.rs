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
//!                                │                     │         │ ChatSession memory redis    │
//!                                │                     │         │ Threads     memory redis    │
//!                                │ spend::Metered…     │         │ Journal     journal         │
//!                                │ call → its cost     │         │ Ledger      ledger redis    │
//!                                │                     │         │ Limiter     memory redis    │
//!                                │ indexing::index     │         │ Index       qdrant edge     │
//!                                │ passages → index    │         │ Corpus      qdrant edge     │
//!                                └─────────────────────┘         └─────────────────────────────┘
//! ```
//!
//! [`chat::Chat::ask`] turns a [`question::Question`] into a stream of [`event::ChatEvent`]s:
//! the conversation is looked up and a [follow-up](follow_up) made to stand alone, passages are
//! found by [`search::Search`] and put into a [`prompt::Prompt`], the first generator that can
//! writes an answer, and the [`review`] lets through what the passages support. It ends in one of
//! three ways that are never merged: [answered](answer::Outcome::Answered), [not in the
//! book](answer::Outcome::NotInBook), or a [`error::ChatError`] that names the stage. Every wire
//! is made of these events; a whole answer is the same stream [collected](chat::collect).
//!
//! Before a chat begins, `adapters/http` asks a [`Limiter`](ports::Limiter) whether this client may
//! ask now. What a paid call may cost is set aside in a [`Ledger`](ports::Ledger) first ([`spend`]),
//! and `adapters/guard` stands before whatever is asked over a network; `adapters/cache`, before
//! both, asks nothing twice.
//!
//! A search embeds the question, ranks passages by each kind of vector, [fuses](fusion) the
//! rankings, [selects](selection) from the fused one and judges the [`evidence`]: where
//! that is missing, nobody is asked to write an answer.
//!
//! # Where things are
//!
//! * Values: [`question`], [`passage`], [`embedding`], [`manifest`] (how an index was made),
//!   [`session`], [`thread`] (a conversation to be seen again), [`answer`], [`event`], [`feedback`],
//!   [`client`], [`spend`], [`error`].
//! * Rules: [`follow_up`] (what needs its conversation), [`fusion`] (one ranking from several),
//!   [`selection`] (what is taken of it), [`evidence`] (whether that can answer), [`prompt`] (what
//!   a model reads), [`review`] (what it may say), [`concept`] and [`definition`] (what a question
//!   is after), [`text`] (sentences and terms), [`plain`] (what a reader sees of a text).
//! * Services: [`search`] and [`chat`] (the reader's side), [`indexing`] (the owner's side).
//! * [`ports`]: what the core asks of the world; [`hybrid`]: two of them combined; [`request`]: what
//!   a request takes along to them, of it its [`trace`]. `contract` (a feature): what each adapter
//!   must prove.
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
pub mod client;
pub mod concept;
#[cfg(feature = "contract")]
pub mod contract;
pub mod definition;
pub mod embedding;
pub mod error;
pub mod event;
pub mod evidence;
pub mod feedback;
pub mod follow_up;
pub mod fusion;
pub mod hybrid;
pub mod indexing;
pub mod manifest;
pub mod passage;
pub mod plain;
pub mod ports;
pub mod prompt;
pub mod question;
mod reading;
pub mod request;
pub mod review;
pub mod search;
pub mod selection;
pub mod session;
pub mod spend;
pub mod text;
pub mod thread;
pub mod trace;
