//! Logs, metrics and traces: one subscriber and one recorder for the whole process.

mod fields;
mod measures;
#[cfg(feature = "otel")]
mod spans;

use std::io::{self, IsTerminal};
use std::panic;

use tracing::error;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::LogFormat;
#[cfg(feature = "otel")]
use crate::config::collector;

use fields::AppendedFields;
pub(crate) use measures::measure;
#[cfg(feature = "otel")]
pub(crate) use spans::{SpannedEmbedder, SpannedGenerator, SpannedRetriever};

/// Something that is told what happens.
type Watcher = Box<dyn Layer<Registry> + Send + Sync>;

/// Writes what passes the filter: for people, or one JSON object a line.
fn log<W>(filter: Targets, format: LogFormat, is_terminal: bool, sink: W) -> Watcher
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let pretty = match format {
        LogFormat::Auto => is_terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let layer = fmt::layer().with_writer(sink);
    let layer = if pretty {
        layer.with_ansi(is_terminal).boxed()
    } else {
        let layer = layer.json().flatten_event(true).with_current_span(true).with_span_list(false);
        layer.fmt_fields(AppendedFields::default()).boxed()
    };
    layer.with_filter(filter).boxed()
}

/// What is under way until the end of the process: it is dropped last.
#[derive(Default)]
pub(crate) struct Telemetry {
    #[cfg(feature = "otel")]
    _spans: Option<spans::Spans>,
}

impl Telemetry {
    /// Logs to stderr from now on, and sends spans where the environment names a collector. A
    /// process that logs already goes on as it does.
    ///
    /// A panic is logged by its place alone: its message may hold what a reader wrote.
    ///
    /// # Errors
    /// The environment says of the collector what cannot be.
    pub(crate) fn begin(filter: Targets, format: LogFormat) -> anyhow::Result<Self> {
        let log = log(filter, format, io::stderr().is_terminal(), io::stderr);
        let (telemetry, watchers) = Self::with(log)?;
        // The error says that another subscriber is there: a test's, which is to stay.
        if Registry::default().with(watchers).try_init().is_ok() {
            panic::set_hook(Box::new(|panic| {
                let place = panic.location().map(ToString::to_string);
                error!(place, "panicked");
            }));
        }
        Ok(telemetry)
    }

    #[cfg(feature = "otel")]
    fn with(log: Watcher) -> anyhow::Result<(Self, Vec<Watcher>)> {
        let spans = collector::is_named().then(spans::Spans::export).transpose()?;
        let watchers = std::iter::once(log).chain(spans.as_ref().map(spans::Spans::layer));
        let watchers = watchers.collect();
        Ok((Self { _spans: spans }, watchers))
    }

    #[cfg(not(feature = "otel"))]
    #[expect(clippy::unnecessary_wraps, reason = "as with spans")]
    fn with(log: Watcher) -> anyhow::Result<(Self, Vec<Watcher>)> {
        Ok((Self::default(), vec![log]))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, is_terminal: bool, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let filter: Targets = "info".parse().unwrap();
        let watcher = super::log(filter, format, is_terminal, move || writer.clone());
        tracing::subscriber::with_default(Registry::default().with(watcher), log);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn away_from_a_terminal_an_event_is_a_line_of_json() {
        let text = logged(LogFormat::Auto, false, || {
            tracing::info!(retrieval.count = 3, "passages retrieved");
            tracing::debug!("hidden");
        });
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["message"], "passages retrieved");
        assert_eq!(event["retrieval.count"], 3);
    }

    #[test]
    fn an_event_has_the_fields_of_its_span_as_they_were_recorded() {
        let text = logged(LogFormat::Json, false, || {
            let field = tracing::field::Empty;
            let (full, empty) = (
                tracing::info_span!("full", id = 1, found = field, text = field, end = field),
                tracing::info_span!("empty", found = field),
            );
            full.record("found", 2).record("text", "a \"}\n{").record("end", "left");
            full.record("end", "whole");
            tracing::info!(parent: &full, "answered");
            tracing::info!(parent: &empty, "answered");
            empty.record("found", 3);
            tracing::info!(parent: &empty, "answered");
        });
        let span = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["span"].take();
        let spans: Vec<_> = text.lines().map(span).collect();
        let fields = serde_json::json!(
            {"name": "full", "id": 1, "found": 2, "text": "a \"}\n{", "end": "whole"}
        );
        assert_eq!(spans[0], fields);
        assert_eq!(spans[1], serde_json::json!({"name": "empty"}));
        assert_eq!(spans[2], serde_json::json!({"name": "empty", "found": 3}));
    }

    #[test]
    fn on_a_terminal_and_on_request_an_event_is_written_for_people() {
        for (format, is_terminal) in [(LogFormat::Auto, true), (LogFormat::Pretty, false)] {
            let text = logged(format, is_terminal, || tracing::info!("passages retrieved"));
            assert!(text.contains("passages retrieved") && !text.starts_with('{'), "{text}");
            assert_eq!(text.contains('\u{1b}'), is_terminal, "colours are for terminals");
        }
    }
}
