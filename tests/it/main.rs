//! End-to-end tests: the real composition root over real HTTP, one binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what the tests stand on may fail loudly")]

/// Questions and what they get, from a fresh askbook with embedded defaults.
mod answer;
/// The direction of dependencies.
mod architecture;
/// What is refused, and that it costs nothing.
mod bad_input;
/// What is asked of upstreams once, and what again.
mod cache;
/// What becomes of a question whose client leaves.
mod cancel;
/// Conversations by the protocol of `ChatKit`, and where they are kept.
mod chatkit;
/// What `askbook check` says of a collection that somebody else made.
mod check;
/// Which pages of other sites get in.
mod cors;
/// What becomes of questions when a part answers in every wrong way, and of wrong questions.
mod faults;
/// An upstream that is down or busy, and the calls that it is spared.
mod guard;
/// Text that tries to speak for somebody else, and what a model makes of it.
mod hostile;
/// Dense vectors and terms together, and what is left when one of them is gone.
mod hybrid;
/// How a process starts, stops and dies.
mod lifecycle;
/// What is left of an answer when a part is gone.
mod losses;
/// What Prometheus reads.
mod metrics;
/// The committed document, Swagger UI and the other pages for developers.
mod openapi;
/// The Qdrant adapter against a Qdrant in process, or a real one.
mod qdrant;
/// Two processes that share a Redis.
mod replicas;
/// Where keys may come to light, and do not.
mod secrets;
/// The core in virtual time, whatever its ports do.
mod simulation;
/// What readers' questions cost, and that it stays below its ceiling.
mod spend;
/// Answers arrive as the model wrote them, however they come.
mod streams;
/// Gemini over the collection of an existing site.
mod takeover;
/// What leads from a question to the call of a model.
mod trace;
/// Gemini over the embedded index, working and failing.
mod upstream;
/// The protocols of other clients.
mod wires;

/// What the tests stand on.
mod support {
    pub(crate) mod app;
    pub(crate) mod gemini;
    pub(crate) mod harbour;
    pub(crate) mod moody_wire;
    pub(crate) mod process;
    pub(crate) mod qdrant_server;
    #[path = "../../../adapters/redis/tests/it/server.rs"]
    pub(crate) mod redis;
    pub(crate) mod scripted_gemini;
    pub(crate) mod sse;
    pub(crate) mod stalling_wire;
    pub(crate) mod wire;
}
