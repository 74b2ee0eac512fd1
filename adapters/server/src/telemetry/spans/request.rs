use std::fmt;

use askbook::trace::TraceParent;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Span};
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::registry::LookupSpan as _;
use tracing_subscriber::{Layer, Registry, layer};

use super::call::span_at;

/// Makes a span of each request that has one in the log, below that of its caller; of none that
/// asks about the state of this server alone.
pub(super) fn layer(tracer: SdkTracer) -> Box<dyn Layer<Registry> + Send + Sync> {
    let is_request = |metadata: &Metadata<'_>| {
        metadata.is_span()
            && metadata.name() == "request"
            && metadata.target().starts_with("askbook_http::")
    };
    let filter = FilterFn::new(is_request).with_max_level_hint(LevelFilter::INFO);
    Requests { tracer }.with_filter(filter).boxed()
}

/// The span of the request that is worked on, and what makes further ones.
pub(super) fn current() -> Option<(SdkTracer, Context)> {
    let found = Span::current().with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        span.scope().find_map(|span| {
            let extensions = span.extensions();
            let request = extensions.get::<Request>()?;
            Some((request.tracer.clone(), request.context.clone()))
        })
    });
    found.flatten()
}

struct Requests {
    tracer: SdkTracer,
}

/// The span of a request, kept with the one that it has in the log.
struct Request {
    tracer: SdkTracer,
    context: Context,
    /// Of its reply.
    status: i64,
    /// Its code, and whether it came after the reply had begun.
    problem: Option<Value>,
    has_failed: bool,
}

impl Layer<Registry> for Requests {
    fn on_new_span(&self, fields: &Attributes<'_>, id: &Id, log: layer::Context<'_, Registry>) {
        let mut found = Fields::default();
        fields.record(&mut found);
        let text = |name| found.0.iter().find(|field| field.0 == name).map(|field| &field.1);
        let route = text("http.route").map(Value::as_str).filter(|route| *route != "none");
        if let Some("/health" | "/ready") = route.as_deref() {
            return;
        }
        let method = text("http.method").map_or("other".into(), Value::as_str);
        let method = if method == "other" { "HTTP".into() } else { method };
        let name = match &route {
            Some(route) => format!("{method} {route}"),
            None => method.into_owned(),
        };
        let mut attributes = vec![KeyValue::new("url.scheme", "http")];
        // The addresses that there are have no parts that vary.
        attributes.extend(route.map(|route| KeyValue::new("url.path", route.into_owned())));
        attributes.extend(found.0.into_iter().filter_map(attribute));
        let caller = TraceParent::current().and_then(span_at);
        let above = caller
            .map_or_else(Context::new, |caller| Context::new().with_remote_span_context(caller));
        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &above);
        let (tracer, context) = (self.tracer.clone(), Context::new().with_span(span));
        if let Some(span) = log.span(id) {
            let request = Request { tracer, context, status: 0, problem: None, has_failed: false };
            span.extensions_mut().insert(request);
        }
    }

    fn on_record(&self, id: &Id, fields: &Record<'_>, log: layer::Context<'_, Registry>) {
        let Some(span) = log.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(request) = extensions.get_mut::<Request>() else { return };
        let mut found = Fields::default();
        fields.record(&mut found);
        for field in &found.0 {
            match field {
                ("http.status", Value::I64(status)) => request.status = *status,
                ("problem.code", code) => request.problem = Some(code.clone()),
                ("outcome", outcome) => request.has_failed = outcome.as_str() == "failed",
                _ => {}
            }
        }
        request.context.span().set_attributes(found.0.into_iter().filter_map(attribute));
    }

    fn on_close(&self, id: Id, log: layer::Context<'_, Registry>) {
        let Some(span) = log.span(&id) else { return };
        let Some(request) = span.extensions_mut().remove::<Request>() else { return };
        let Request { context, status, problem, has_failed, .. } = request;
        if status >= 500 || has_failed {
            let kind = problem.unwrap_or_else(|| status.to_string().into());
            context.span().set_attribute(KeyValue::new("error.type", kind));
            context.span().set_status(Status::error(""));
        }
        context.span().end();
    }
}

/// What a field of the log is called in a trace.
fn attribute((name, value): (&'static str, Value)) -> Option<KeyValue> {
    match (name, &*value.as_str()) {
        // The span has it itself; and an address that there is not.
        ("trace.id", _) | ("http.route", "none") => None,
        ("http.method", "other") => Some(KeyValue::new("http.request.method", "_OTHER")),
        ("http.method", _) => Some(KeyValue::new("http.request.method", value)),
        ("http.route", _) => Some(KeyValue::new("http.route", value)),
        ("http.status", _) => Some(KeyValue::new("http.response.status_code", value)),
        _ => Some(KeyValue::new(format!("askbook.{name}"), value)),
    }
}

/// Fields of a span in the log.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), i64::try_from(value).unwrap_or(i64::MAX).into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), value.into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned().into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}").into()));
    }
}
