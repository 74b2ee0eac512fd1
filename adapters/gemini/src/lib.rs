//! Google's Gemini API over HTTP: [`GeminiEmbedder`] and [`GeminiGenerator`], over one
//! [`Client`].
//!
//! * The key travels as a header only, and to the configured address only: redirects are not
//!   followed.
//! * The environment is not read, not even `HTTPS_PROXY`: a proxy is a value of [`ClientConfig`].
//! * Nothing that Gemini says in prose reaches an error, for it may quote the request; the names
//!   of its statuses, reasons and quotas do.
//! * A call that failed before its first byte is tried again where that can help; see
//!   [`Retries`].
//! * No call outlasts the request that it is made for, whose deadline Gemini is told
//!   ([`Context`](askbook::request::Context)).

mod client;
mod embed;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod generate;
mod models;
mod outage;
mod reply;
mod sse;
mod wire;

pub use client::{Client, ClientConfig, Retries, Timeouts};
pub use embed::{EmbedderConfig, GeminiEmbedder, QueryTask, Task};
pub use generate::{CONDENSED_TOKENS, GeminiGenerator, GeneratorConfig};
pub use models::ListedModel;
pub use reqwest::Url;
