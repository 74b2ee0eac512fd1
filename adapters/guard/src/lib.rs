//! Guards over the ports [`Embedder`](askbook::ports::Embedder),
//! [`Retriever`](askbook::ports::Retriever) and [`Generator`](askbook::ports::Generator): whoever
//! calls an upstream that is down, or that has more to do than it manages, is refused at once and
//! for nothing, in place of waiting in a queue that grows.
//!
//! * One [`Guard`] for each upstream, shared by all that call it: a circuit breaker, and a limit
//!   of concurrency that follows what the upstream answers in time.
//! * Nothing waits and nothing runs in the background: a call is let through or refused, and says
//!   how it went when it is over. One that is dropped says nothing, and takes nothing with it.
//! * What passages are embedded for is guarded by nobody: their owner can wait.
//! * A call gets a part of the time that is left to its request, which it is told; for one whose
//!   time is over nobody is asked. (`span`.)
//! * A search, or a question that is embedded, may be asked for once more when that takes long.
//!   (`hedge`.)
//! * The rules are plain values that are told the time (`breaker`, `limit`); `state/tests.rs`
//!   walks through every order in which calls can begin and end, which one lock around them makes
//!   the only orders that there are.
//!
//! Metrics, all with the label `upstream`: `askbook_upstream_open` (1 while the breaker is open),
//! `askbook_upstream_limit` and `askbook_upstream_in_flight` (calls),
//! `askbook_upstream_refusals_total` with `reason` (`open`, `full`, or `late` when nobody waited any
//! more), `askbook_upstream_hedges_total` with `won` (`yes` or `no`).

mod breaker;
mod embedder;
mod generator;
mod guard;
mod hedge;
mod limit;
mod retriever;
mod span;
mod state;

pub use embedder::GuardedEmbedder;
pub use generator::GuardedGenerator;
pub use guard::{Guard, GuardSettings, Permit};
pub use limit::Concurrency;
pub use retriever::GuardedRetriever;
