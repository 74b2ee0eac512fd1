use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use askbook::answer::Mode;
use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Generated, Generation, Generator, Usage};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::session::MessageId;
use askbook::trace::{TraceParent, within};
use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Array, Value};
use tracing::field::Empty;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

/// Keeps spans.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// The spans of this work, in the order of their ends.
fn spans(work: impl FnOnce()) -> Vec<SpanData> {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    let layer = request::layer(provider.tracer("test"));
    tracing::subscriber::with_default(Registry::default().with(vec![layer]), work);
    kept.0.lock().unwrap().clone()
}

fn attributes(span: &SpanData) -> BTreeMap<&str, Value> {
    span.attributes.iter().map(|a| (a.key.as_str(), a.value.clone())).collect()
}

/// The span that a request has in the log.
fn request(method: &str, route: &str) -> tracing::Span {
    info_span!(
        target: "askbook_http::request_log",
        "request",
        request.id = "r",
        http.method = method,
        http.route = route,
        http.status = Empty,
        outcome = Empty,
        retrieved = Empty,
        problem.code = Empty,
    )
}

/// The example of the specification.
const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_request_is_named_by_its_route_and_tells_what_the_log_does() {
    let spans = spans(|| {
        let span = within(TraceParent::parse(GIVEN), || request("POST", "/chat"));
        span.record("retrieved", 3_usize);
        span.record("http.status", 200_u16);
    });
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((&*span.name, &span.span_kind), ("POST /chat", &SpanKind::Server));
    assert_eq!(span.span_context.trace_id().to_string(), GIVEN[3..35]);
    assert_eq!(span.parent_span_id.to_string(), GIVEN[36..52]);
    assert_eq!(span.status, Status::Unset);
    let expected = [
        ("askbook.request.id", Value::from("r")),
        ("askbook.retrieved", 3_i64.into()),
        ("http.request.method", "POST".into()),
        ("http.response.status_code", 200_i64.into()),
        ("http.route", "/chat".into()),
        ("url.path", "/chat".into()),
        ("url.scheme", "http".into()),
    ];
    assert_eq!(attributes(span), BTreeMap::from(expected));
}

#[test]
fn what_a_client_made_up_is_in_no_name() {
    let spans = spans(|| drop(request("other", "none")));
    assert_eq!(spans[0].name, "HTTP");
    let attributes = attributes(&spans[0]);
    assert_eq!(attributes["http.request.method"], "_OTHER".into());
    assert!(!attributes.contains_key("http.route") && !attributes.contains_key("url.path"));
}

#[test]
fn a_caller_that_takes_no_samples_and_a_probe_leave_nothing() {
    let unsampled = TraceParent::parse(&GIVEN.replace("-01", "-00"));
    let spans = spans(|| {
        drop(within(unsampled, || request("POST", "/chat")));
        drop(request("GET", "/ready"));
        drop(request("GET", "/health"));
        drop(info_span!("request"));
    });
    assert!(spans.is_empty(), "{spans:?}");
}

#[test]
fn a_request_fails_with_its_status_or_after_it_and_not_by_its_client() {
    let failed = |status: u16, outcome: Option<&str>, code: Option<&str>| {
        let spans = spans(|| {
            let span = request("POST", "/chat");
            code.map(|code| span.record("problem.code", tracing::field::display(code)));
            span.record("http.status", status);
            outcome.map(|outcome| span.record("outcome", outcome));
        });
        let kind = attributes(&spans[0]).remove("error.type");
        assert_eq!(spans[0].status == Status::error(""), kind.is_some());
        kind.map(|kind| kind.to_string())
    };
    assert_eq!(failed(200, Some("answered"), None), None);
    assert_eq!(failed(400, None, Some("invalid_field")), None);
    assert_eq!(failed(200, Some("cancelled"), None), None);
    assert_eq!(failed(503, None, Some("unavailable")).as_deref(), Some("unavailable"));
    assert_eq!(failed(500, None, None).as_deref(), Some("500"));
    assert_eq!(failed(200, Some("failed"), Some("timeout")).as_deref(), Some("timeout"));
}

/// A model that writes this, and notes where in a trace it is asked to.
#[derive(Clone)]
struct Model {
    pieces: fn() -> Vec<Result<Generated, PortError>>,
    places: Arc<Mutex<Vec<Option<TraceParent>>>>,
}

#[async_trait]
impl Generator for Model {
    fn model(&self) -> &'static str {
        "m"
    }

    fn mode(&self) -> Mode {
        Mode::Generated
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        let note = |model: &Model| model.places.lock().unwrap().push(TraceParent::current());
        note(self);
        let model = self.clone();
        Ok(Box::pin(stream::iter((self.pieces)()).inspect(move |_| note(&model))))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// The spans when so many pieces of these are taken, within a request or not; and where in a
/// trace each was.
fn written(
    pieces: fn() -> Vec<Result<Generated, PortError>>,
    taken: usize,
    request: impl FnOnce() -> tracing::Span,
) -> (Vec<SpanData>, Vec<Option<TraceParent>>) {
    let model = Model { pieces, places: Arc::default() };
    let generator = SpannedGenerator::new(model.clone(), "http://g:81/v1");
    let spans = spans(|| {
        let question = Question::new("Why?", None, None, QuestionLimits::default()).unwrap();
        let prompt = Prompt {
            mark: MessageId(uuid::Uuid::nil()),
            question,
            standalone: None,
            passages: Vec::new(),
            history: Vec::new(),
        };
        let request = request();
        let work = async {
            let pieces = generator.generate(prompt).await.unwrap();
            assert_eq!(pieces.take(taken).count().await, taken);
        };
        request.in_scope(|| work.now_or_never().unwrap());
    });
    let places = model.places.lock().unwrap().clone();
    (spans, places)
}

fn complete() -> Vec<Result<Generated, PortError>> {
    let usage = Usage { input_tokens: 7, output_tokens: 2 };
    let end = Generated::End { model: "m-1".to_owned(), usage };
    vec![Ok(Generated::Text("Because.".to_owned())), Ok(end)]
}

#[test]
fn an_answer_is_a_span_below_its_request_until_its_end() {
    let (spans, places) = written(complete, 2, || request("POST", "/chat"));
    let [call, request] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((&*call.name, &call.span_kind), ("generate_content m", &SpanKind::Client));
    assert_eq!(call.parent_span_id, request.span_context.span_id());
    assert_eq!(call.status, Status::Unset);
    let place = call::place(&call.span_context);
    assert!(place.is_some());
    assert_eq!(places, [place, place, place], "of the call and of its pieces");
    let mut attributes = attributes(call);
    assert!(attributes.remove("gen_ai.response.time_to_first_chunk").is_some());
    let expected = [
        ("gen_ai.operation.name", Value::from("generate_content")),
        ("gen_ai.provider.name", "gcp.gemini".into()),
        ("gen_ai.request.model", "m".into()),
        ("gen_ai.request.stream", true.into()),
        ("gen_ai.response.finish_reasons", Value::Array(Array::String(vec!["stop".into()]))),
        ("gen_ai.response.model", "m-1".into()),
        ("gen_ai.usage.input_tokens", 7_i64.into()),
        ("gen_ai.usage.output_tokens", 2_i64.into()),
        ("server.address", "g".into()),
        ("server.port", 81_i64.into()),
    ];
    assert_eq!(attributes, BTreeMap::from(expected));
}

#[test]
fn an_answer_that_breaks_off_or_is_left_says_why() {
    let kind = |spans: &[SpanData]| {
        assert_eq!(spans[0].status, Status::error(""));
        attributes(&spans[0])["error.type"].to_string()
    };
    let broken: fn() -> _ = || vec![Err(PortError::new(ErrorKind::Timeout, "secret"))];
    let (spans, _) = written(broken, 1, || request("POST", "/chat"));
    assert_eq!(kind(&spans), "timeout");
    assert!(!format!("{spans:?}").contains("secret"));
    let (spans, _) = written(complete, 1, || request("POST", "/chat"));
    assert_eq!(kind(&spans), "cancelled");
}

#[test]
fn what_no_request_asks_for_has_no_span_and_keeps_its_place() {
    let (spans, places) = written(complete, 2, tracing::Span::none);
    assert!(spans.is_empty(), "{spans:?}");
    assert_eq!(places, [None, None, None]);
}
