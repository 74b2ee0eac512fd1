use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::GIVEN;
use crate::support::app::Reply;
use crate::support::gemini::{KEY, gemini};
use crate::support::harbour::{ANSWER, COLLECTION, QUESTION, filled};
use crate::support::process::Process;
use crate::support::qdrant_server::QdrantServer;

/// Lets askbook send spans to the collector.
const PASS: &str = "the-collector-wants-this";

/// A collector that takes spans in protobuf over HTTP.
async fn collector() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/traces"))
        .and(header("content-type", "application/x-protobuf"))
        .and(header("x-pass", PASS))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    server
}

/// What a collector was sent.
struct Sent {
    /// Whose the spans are.
    service: BTreeSet<String>,
    spans: Vec<Span>,
    bytes: Vec<u8>,
}

impl Sent {
    async fn to(collector: &MockServer) -> Self {
        let requests = collector.received_requests().await.unwrap();
        let bytes: Vec<u8> = requests.iter().flat_map(|request| request.body.clone()).collect();
        let of = |request: &wiremock::Request| {
            ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap().resource_spans
        };
        let (mut service, mut spans) = (BTreeSet::new(), Vec::new());
        for batch in requests.iter().flat_map(of) {
            let resource = batch.resource.unwrap();
            let resource = attributes(&resource.attributes);
            service.insert(resource["service.name"].as_str().unwrap().to_owned());
            spans.extend(batch.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
        Self { service, spans, bytes }
    }

    /// The one span of this name.
    fn span(&self, name: &str) -> &Span {
        let names: Vec<_> = self.spans.iter().map(|span| &span.name).collect();
        let mut found = self.spans.iter().filter(|span| span.name == name);
        let (Some(span), None) = (found.next(), found.next()) else { panic!("{name}: {names:?}") };
        span
    }
}

fn attributes(list: &[KeyValue]) -> BTreeMap<&str, Value> {
    let value = |value: &Option<AnyValue>| match value.as_ref().unwrap().value.as_ref().unwrap() {
        Any::StringValue(text) => json!(text),
        Any::IntValue(number) => json!(number),
        Any::DoubleValue(number) => json!(number),
        Any::BoolValue(is) => json!(is),
        Any::ArrayValue(array) => json!(array.values.len()),
        other => panic!("{other:?}"),
    };
    list.iter().map(|attribute| (attribute.key.as_str(), value(&attribute.value))).collect()
}

/// The attributes, but for what differs from time to time.
fn facts(span: &Span) -> Value {
    let mut attributes = attributes(&span.attributes);
    attributes.retain(|name, value| {
        let differs = name.ends_with("_ms")
            || matches!(*name, "server.port" | "gen_ai.response.time_to_first_chunk");
        assert!(!differs || value.is_number(), "{name}: {value}");
        !differs
    });
    json!(attributes)
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The `traceparent` that a span hands on.
fn handed_on(span: &Span) -> String {
    format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
}

/// What leads to this collector.
fn to(collector: &str) -> [(&'static str, String); 3] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.to_owned()),
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("x-pass={PASS}")),
        ("OTEL_SERVICE_NAME", "the-book".to_owned()),
    ]
}

/// Checks what the spans of a chat tell of it.
fn tell_what_happened(request: &Span, embed: &Span, query: &Span, write: &Span) {
    let facts_of_request = facts(request);
    for (name, value) in [
        ("http.request.method", json!("POST")),
        ("http.route", json!("/chat/stream")),
        ("http.response.status_code", json!(200)),
        ("url.path", json!("/chat/stream")),
        ("url.scheme", json!("http")),
        ("askbook.request.id", json!("the-request")),
        ("askbook.outcome", json!("answered")),
        ("askbook.mode", json!("generated")),
        ("askbook.output_tokens", json!(12)),
    ] {
        assert_eq!(facts_of_request[name], value, "{name}");
    }
    let expected = json!({
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "embeds",
        "gen_ai.embeddings.dimension.count": 768,
        "server.address": "127.0.0.1",
    });
    assert_eq!(facts(embed), expected);
    let expected = json!({
        "db.system.name": "qdrant",
        "db.operation.name": "query",
        "db.collection.name": COLLECTION,
        "server.address": "127.0.0.1",
    });
    assert_eq!(facts(query), expected);
    let expected = json!({
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "writes",
        "gen_ai.request.stream": true,
        "gen_ai.response.model": "gemini-e2e-001",
        "gen_ai.response.finish_reasons": 1,
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 12,
        "server.address": "127.0.0.1",
    });
    assert_eq!(facts(write), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_sent_a_chat_with_its_calls_and_nothing_of_what_was_said() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let qdrant = filled(QdrantServer::tracing(tell).await).await;
    let (gemini, collector) = (gemini(ANSWER).await, collector().await);
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("GEMINI_API_KEY", KEY.to_owned()),
        ("GEMINI_BASE_URL", gemini.uri()),
        ("GEMINI_MODEL", "writes".to_owned()),
        ("EMBEDDING_MODEL", "embeds".to_owned()),
        ("QDRANT_URL", qdrant.url()),
        ("QDRANT_COLLECTION_NAME", COLLECTION.to_owned()),
        ("ASKBOOK_MIRROR_REFRESH_S", "0".to_owned()),
        ("LOG_LEVEL", "trace".to_owned()),
    ];
    let settings: Vec<_> = settings.into_iter().chain(to(&collector.uri())).collect();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
    let app = Process::start(folder.path(), &settings).await;
    let question = json!({ "message": QUESTION });
    let chat = app.request(Method::POST, "/chat/stream").json(&question);
    let chat = chat.header("traceparent", GIVEN).header("x-request-id", "the-request");
    let reply = Reply::read(chat.send().await.unwrap()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.text.contains(r#""type":"done""#), "{}", reply.text);
    assert_eq!(app.get("/health").await.status, StatusCode::OK);
    let log = app.stop().await;

    let sent = Sent::to(&collector).await;
    assert_eq!(sent.service, BTreeSet::from(["the-book".to_owned()]));
    let request = sent.span("POST /chat/stream");
    let embed = sent.span("embeddings embeds");
    let query = sent.span("query harbour");
    let write = sent.span("generate_content writes");
    assert_eq!(sent.spans.len(), 4, "{:#?}", sent.spans);

    assert_eq!(hex(&request.trace_id), GIVEN[3..35]);
    assert_eq!(hex(&request.parent_span_id), GIVEN[36..52]);
    for (span, kind) in [
        (request, SpanKind::Server),
        (embed, SpanKind::Client),
        (query, SpanKind::Client),
        (write, SpanKind::Client),
    ] {
        assert_eq!(span.trace_id, request.trace_id);
        assert_eq!(span.kind(), kind, "{}", span.name);
        assert!(span.status.as_ref().is_none_or(|status| status.code == 0));
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        if span.name != request.name {
            assert_eq!(span.parent_span_id, request.span_id, "{}", span.name);
            assert!(span.start_time_unix_nano >= request.start_time_unix_nano);
            assert!(span.end_time_unix_nano <= request.end_time_unix_nano);
        }
    }
    let calls = gemini.received_requests().await.unwrap();
    let traces: Vec<_> =
        calls.iter().map(|call| call.headers["traceparent"].to_str().unwrap()).collect();
    assert_eq!(traces, [handed_on(embed), handed_on(write)]);
    let mut searches = Vec::new();
    while let Ok(trace) = told.try_recv() {
        searches.push(trace);
    }
    assert_eq!(searches.last(), Some(&Some(handed_on(query))));

    tell_what_happened(request, embed, query, write);
    let bytes = String::from_utf8_lossy(&sent.bytes);
    for said in [KEY, QUESTION, ANSWER, "high tide", "harbour open", PASS] {
        assert!(!bytes.contains(said), "{said}");
    }
    for secret in [KEY, PASS] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_readers_are_answered_and_the_log_says_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let small = crate::support::app::SMALL_BOOK;
    // Nobody listens on the port of discard; and nothing is tried again within a millisecond.
    let away = [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1".to_owned()),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1".to_owned()),
    ];
    let settings: Vec<_> = to("http://127.0.0.1:9").into_iter().chain(away).collect();
    let mut settings: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
    settings.push(small);
    let app = Process::start(folder.path(), &settings).await;
    for _ in 0..3 {
        let question = json!({"message": "How long is a session kept?"});
        let reply = app.post("/chat", &question).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    let log = app.stop().await;
    let losses = log.lines().filter(|line| line.contains("spans are lost")).count();
    assert_eq!(losses, 1, "{log}");
    assert!(!log.contains(PASS), "{log}");
}
