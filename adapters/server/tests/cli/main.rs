//! The binary as its owner meets it: arguments, settings, messages, exit codes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

/// Questions, answered and searched for.
mod answering;
/// What readers asked in vain.
mod gaps;
/// What `askbook index` does and says.
#[cfg(feature = "edge")]
mod indexing;
/// Indexing that does not come to its end.
#[cfg(all(feature = "edge", unix))]
mod interruption;
/// The switch for all calls that cost money.
mod pause;
/// Where the binary runs, and what comes of it.
mod place;
/// What `askbook eval` and `askbook check` say and end with.
#[cfg(feature = "edge")]
mod quality;
/// The server, from start to stop.
mod serving;
/// Help, wrong usage, settings.
mod usage;
