//! Spans for OpenTelemetry: each request, and below it the calls that it leads to.
//!
//! * `request`: the span that `askbook-http` has of each request becomes one of OpenTelemetry's;
//! * `call`: a call to a model or to a store becomes one below it, and the call takes its place in
//!   the trace along (`askbook::trace`);
//! * [`SpannedEmbedder`], [`SpannedGenerator`] and [`SpannedRetriever`] make such calls of those of
//!   the ports that they wrap.
//!
//! Names and attributes are those of OpenTelemetry's semantic conventions: HTTP and databases of
//! version 1.44, and those of generative AI, which are in development, as of November 2026
//! (<https://github.com/open-telemetry/semantic-conventions-genai>). What there is no name for
//! begins with `askbook.`. Nothing that a reader or the book says is in any.

mod call;
mod embedder;
mod generator;
mod request;
mod retriever;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, Key, KeyValue};
use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::{debug, info, warn};
use tracing_subscriber::{Layer, Registry};

pub(crate) use embedder::SpannedEmbedder;
pub(crate) use generator::SpannedGenerator;
pub(crate) use retriever::SpannedRetriever;

/// How long the end of the process waits for the collector.
const FLUSH: Duration = Duration::from_secs(3);

/// Sends spans to a collector until it is dropped, in the background: at most 2,048 wait for it,
/// and what comes on top of that is lost.
pub(crate) struct Spans {
    provider: SdkTracerProvider,
}

impl Spans {
    /// Begins, as OpenTelemetry's own variables say. Asks no collector whether it is there.
    ///
    /// # Errors
    /// The variables say something that cannot be.
    pub(crate) fn export() -> anyhow::Result<Self> {
        // For a collector behind TLS. It fails when there is a provider of cryptography already,
        // which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let exporter = Otlp::builder().with_http().build().context(
            "spans cannot be sent: check OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of \
             OpenTelemetry's",
        )?;
        let exporter = Watched { exporter, is_away: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder();
        Ok(Self {
            provider: provider.with_resource(resource()).with_batch_exporter(exporter).build(),
        })
    }

    /// What makes spans of requests.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let scope = InstrumentationScope::builder("askbook").with_version(VERSION).build();
        request::layer(self.provider.tracer_with_scope(scope))
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH) {
            debug!(%error, "the last spans are lost");
        }
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Who the spans are of: `askbook`, unless the environment gives it another name.
fn resource() -> Resource {
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", VERSION));
    let given = Resource::builder().build().get(&Key::new("service.name"));
    match given {
        Some(name) if !name.as_str().starts_with("unknown_service") => resource.build(),
        _ => resource.with_service_name("askbook").build(),
    }
}

/// Says in the log when the collector goes away and when it is back, and not at every try.
#[derive(Debug)]
struct Watched {
    exporter: Otlp,
    is_away: AtomicBool,
}

impl SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        let was_away = self.is_away.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !was_away => warn!(%error, "spans are lost: the collector takes none"),
            Ok(()) if was_away => info!("the collector takes spans again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.exporter.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests;
