//! End-to-end tests: the real composition root over real HTTP, one binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what the tests stand on may fail loudly")]

/// Questions and what they get, from a fresh askbook with embedded defaults.
mod answer;
/// The direction of dependencies.
mod architecture;
/// What is refused, and that it costs nothing.
mod bad_input;
/// What becomes of a question whose client leaves.
mod cancel;
/// What `askbook check` says of a collection that somebody else made.
mod check;
/// Which pages of other sites get in.
mod cors;
/// Text that tries to speak for somebody else, and what a model makes of it.
mod hostile;
/// Dense vectors and terms together, and what is left when one of them is gone.
mod hybrid;
/// What is left of an answer when a part is gone.
mod losses;
/// The committed document, Swagger UI and the other pages for developers.
mod openapi;
/// The Qdrant adapter against a Qdrant in process, or a real one.
mod qdrant;
/// Answers arrive as the model wrote them, however they come.
mod streams;
/// Gemini over the collection of an existing site.
mod takeover;
/// Gemini over the embedded index, working and failing.
mod upstream;

/// What the tests stand on.
mod support {
    pub(crate) mod app;
    pub(crate) mod gemini;
    pub(crate) mod harbour;
    pub(crate) mod qdrant_server;
    pub(crate) mod scripted_gemini;
    pub(crate) mod sse;
    pub(crate) mod stalling_wire;
    pub(crate) mod wire;
}
