//! Caches over the ports [`Embedder`](askbook::ports::Embedder) and
//! [`Generator`](askbook::ports::Generator): what an upstream has said of a question it is not asked
//! again, so that a popular question costs neither time nor money, also while the upstream is down.
//!
//! * A [`CachedEmbedder`] keeps the vectors of questions, and never those of passages. Readers who
//!   ask the same at the same time share one call.
//! * A [`CachedGenerator`] keeps the answers to questions that have no conversation before them. An
//!   answer is found again by all that the model was told, the text of the passages included, so
//!   that a new edition of the book makes it unfindable; a time to live is for all that else may
//!   change. A reader who wants another answer gets one, which is kept in place of the first.
//! * What is kept takes at most so many bytes, and what is asked for often stays longest. Nothing
//!   runs in the background, and failures are never kept.
//! * Questions are not kept: they are known by their [`Key`](key::Key) alone.
//! * Caches stand before what guards and meters an upstream: what they know takes nothing from
//!   either.
//!
//! Metrics, both with the label `cache` (`embedding` or `answer`): `askbook_cache_lookups_total` with
//! `result` (`hit`, `miss`, or `shared` when another reader's call was waited for) and
//! `askbook_cache_bytes`.

mod embedder;
mod generator;
mod key;
mod store;

pub use embedder::CachedEmbedder;
pub use generator::{Answers, CachedGenerator};
