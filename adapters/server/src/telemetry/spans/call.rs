use askbook::error::PortError;
use askbook::trace::{TraceParent, traced};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::Span;
use url::Url;

use super::request;

/// What the spans of one kind of call have in common.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    name: String,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
}

impl Outline {
    /// Of calls that go to the server at this URL.
    pub(super) fn remote(name: String, url: &str, mut attributes: Vec<KeyValue>) -> Self {
        if let Ok(url) = Url::parse(url)
            && let Some(host) = url.host_str()
        {
            attributes.push(KeyValue::new("server.address", host.to_owned()));
            let port = url.port_or_known_default();
            attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
        }
        Self { name, kind: SpanKind::Client, attributes }
    }

    /// Of calls within this one.
    pub(super) fn local(name: String, attributes: Vec<KeyValue>) -> Self {
        Self { name, kind: SpanKind::Internal, attributes }
    }

    /// Of calls to a model of Gemini's.
    pub(super) fn of_gemini(operation: &'static str, model: &str, url: &str) -> Self {
        let model = model.strip_prefix("models/").unwrap_or(model);
        let attributes = vec![
            KeyValue::new("gen_ai.operation.name", operation),
            KeyValue::new("gen_ai.provider.name", "gcp.gemini"),
            KeyValue::new("gen_ai.request.model", model.to_owned()),
        ];
        Self::remote(format!("{operation} {model}"), url, attributes)
    }

    /// A call begins. It has a span when it is made for a request that has one.
    pub(super) fn begin(&self) -> Call {
        let Some((tracer, request)) = request::current() else {
            return Call { span: None, place: TraceParent::current() };
        };
        let span = SpanBuilder::from_name(self.name.clone())
            .with_kind(self.kind.clone())
            .with_attributes(self.attributes.iter().cloned())
            .start_with_context(&tracer, &request);
        Call { place: place(span.span_context()), span: Some(span) }
    }
}

/// A call that is under way.
pub(super) struct Call {
    /// `None` when it has none, or has ended.
    span: Option<Span>,
    place: Option<TraceParent>,
}

impl Call {
    /// Where in which trace the work for it belongs.
    pub(super) fn place(&self) -> Option<TraceParent> {
        self.place
    }

    /// The work for it, which takes its place in the trace along.
    pub(super) async fn work<T>(&self, work: impl Future<Output = T>) -> T {
        traced(self.place, work).await
    }

    /// Something has become known of it.
    pub(super) fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.span {
            span.set_attribute(KeyValue::new(name, value));
        }
    }

    /// It has ended like this.
    pub(super) fn end<T>(mut self, result: &Result<T, PortError>) {
        match result {
            Ok(_) => drop(self.span.take()),
            Err(error) => self.fail(error.kind().to_string()),
        }
    }

    fn fail(&mut self, kind: String) {
        self.note("error.type", kind);
        if let Some(mut span) = self.span.take() {
            span.set_status(Status::error(""));
        }
    }
}

impl Drop for Call {
    /// Whoever made it has lost interest.
    fn drop(&mut self) {
        self.fail("cancelled".to_owned());
    }
}

/// The place of a span, for those who are called.
pub(super) fn place(span: &SpanContext) -> Option<TraceParent> {
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    TraceParent::parse(&format!("00-{trace}-{id}-{flags:02x}"))
}

/// The span at this place, which is somebody else's.
pub(super) fn span_at(place: TraceParent) -> Option<SpanContext> {
    let header = place.to_string();
    let mut parts = header.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let id = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    Some(SpanContext::new(trace, id, flags, true, TraceState::default()))
}
