mod cors;
mod log;
mod search;

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use askbook::chat::{ChatSettings, Ports};
use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Generation, Generator, Ranked, Rankings, Retriever};
use askbook::prompt::Prompt;
use askbook::question::QuestionLimits;
use askbook::search::SearchSettings;
use askbook_memory::{MemoryEmbedder, MemoryGenerator, MemorySessions, SessionLimits};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::{join, pending};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Body, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::{Dispatch, Level};

use super::*;

const BOOK: &str = "https://book.example";
const SECRET: &str = "sk-secret at https://internal.example";

/// What a port does when it is called.
#[derive(Clone, Copy)]
enum Conduct {
    Works,
    FindsNothing,
    Fails(ErrorKind),
    Hangs,
    Panics,
}

/// A retriever and generator that behaves as told, and counts its calls.
struct Stub {
    conduct: Conduct,
    calls: AtomicUsize,
}

impl Stub {
    fn new(conduct: Conduct) -> Arc<Self> {
        Arc::new(Self { conduct, calls: AtomicUsize::new(0) })
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    async fn act(&self) -> Result<(), PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.conduct {
            Conduct::Works | Conduct::FindsNothing => Ok(()),
            Conduct::Fails(kind) => Err(PortError::new(kind, SECRET)
                .with_retry_after(Duration::from_millis(1_500))
                .with_source("the root of it")),
            Conduct::Hangs => pending().await,
            Conduct::Panics => panic!("{SECRET}"),
        }
    }
}

/// What a stub that works finds: a passage, the same one again, and another one.
fn ranking() -> Vec<Ranked> {
    let passage = Passage {
        id: PassageId("1".to_owned()),
        title: "Sessions".to_owned(),
        headings: vec!["Time to live".to_owned()],
        url: Some("/docs/sessions#time-to-live".to_owned()),
        text: "An idle session ends after one hour. Then it is gone.".to_owned(),
        edition: None,
    };
    let copy = Passage { id: PassageId("copy of 1".to_owned()), ..passage.clone() };
    let other = Passage {
        id: PassageId("2".to_owned()),
        title: "Words".to_owned(),
        headings: Vec::new(),
        url: None,
        text: "A session is one conversation.".to_owned(),
        edition: None,
    };
    let ranked = |(passage, score)| Ranked { passage, score };
    [(passage, 2.5), (copy, 2.25), (other, 1.5)].map(ranked).into()
}

#[async_trait]
impl Retriever for Stub {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        self.act().await?;
        let found = match self.conduct {
            Conduct::FindsNothing => Vec::new(),
            _ => ranking(),
        };
        Ok(Rankings { dense: None, lexical: Some(found) })
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.act().await
    }
}

#[async_trait]
impl Generator for Stub {
    fn model(&self) -> &'static str {
        "stub"
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        self.act().await?;
        MemoryGenerator.generate(prompt).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.act().await
    }
}

fn settings() -> HttpSettings {
    HttpSettings {
        origins: vec![Origin::parse(1, BOOK).unwrap().0],
        question: QuestionLimits { text: 100, selected_text: 200 },
        body_limit: 1_000,
        body_timeout: Duration::from_secs(10),
        deadline: Duration::from_mins(1),
        readiness: ReadinessSettings {
            ttl: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
        },
        connections: ConnectionSettings {
            limit: 10,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(15),
            shutdown_timeout: Duration::from_secs(10),
        },
    }
}

/// Subscribers of nobody, registered before the first app is made. With fewer than two, tracing
/// asks the thread that comes to an event first whether the event matters to anyone, and believes
/// it for all threads: tests that do not listen would silence it for those that do.
static REGISTERED: LazyLock<[Dispatch; 2]> = LazyLock::new(|| {
    let silent = || tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_writer(io::sink);
    [silent().finish().into(), silent().finish().into()]
});

fn chat(retriever: Arc<Stub>, generator: Arc<Stub>) -> Chat {
    LazyLock::force(&REGISTERED);
    let sessions = SessionLimits {
        ttl: Duration::from_hours(1),
        exchanges: NonZeroUsize::new(10).unwrap(),
        bytes: 1 << 20,
    };
    let ports = Ports {
        embedder: Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
        retriever,
        generator,
        sessions: Arc::new(MemorySessions::new(sessions)),
    };
    let settings = ChatSettings {
        search: SearchSettings {
            passages: NonZeroUsize::new(5).unwrap(),
            per_page: NonZeroUsize::new(2).unwrap(),
            tokens: 1_000,
        },
        history_tokens: 1_000,
        refusal: "The book does not say.".to_owned(),
    };
    Chat::new(ports, settings)
}

/// An app over ports that behave like this, and the ports.
fn app_over(
    retriever: Conduct,
    generator: Conduct,
) -> (impl Endpoint<Output = Response>, Arc<Stub>, Arc<Stub>) {
    let (retriever, generator) = (Stub::new(retriever), Stub::new(generator));
    (app(chat(retriever.clone(), generator.clone()), &settings()), retriever, generator)
}

fn working_app() -> impl Endpoint<Output = Response> {
    app_over(Conduct::Works, Conduct::Works).0
}

fn ask(body: impl Into<Body>) -> Request {
    post("/chat", body)
}

fn post(path: &str, body: impl Into<Body>) -> Request {
    Request::builder()
        .method(Method::POST)
        .uri_str(path)
        .header("content-type", "application/json")
        .header("origin", BOOK)
        .body(body)
}

fn question() -> Request {
    ask(r#"{"message": "When does a session end?"}"#)
}

fn look(path: &str) -> Request {
    Request::builder().uri_str(path).header("origin", BOOK).finish()
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Checks everything that every problem must have, with a granted `Origin`.
    fn assert_problem(&self, status: u16, code: &str) {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:askbook:problem:{code}"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("access-control-allow-origin"), Some(BOOK), "{code}");
        assert_eq!(self.header("vary"), Some("origin"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        for inner in ["secret", "internal.example", "Request", "poem", "serde", "i64"] {
            assert!(!self.text.contains(inner), "{inner}: {}", self.text);
        }
    }
}

async fn send(app: &impl Endpoint<Output = Response>, request: Request) -> Reply {
    let response = app.call(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, text: response.into_body().into_string().await.unwrap() }
}

#[tokio::test]
async fn a_question_is_answered_with_its_sources() {
    let reply = send(&working_app(), question()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
    let mut answer = reply.json();
    for id in ["message_id", "session_id"] {
        assert!(answer[id].take().as_str().unwrap().len() >= 32, "{id}");
    }
    let expected = json!({
        "answer": "An idle session ends after one hour. [1]",
        "outcome": "answered",
        "sources": [{
            "number": 1,
            "title": "Sessions",
            "section": "Time to live",
            "url": "/docs/sessions#time-to-live",
            "quote": "An idle session ends after one hour.",
            "scores": {"lexical": 2.5, "fused_rank": 1},
        }],
        "session_id": null,
        "session_restarted": false,
        "message_id": null,
        "model": "memory",
        "usage": {"input_tokens": 0, "output_tokens": 0},
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn what_the_book_does_not_say_is_an_answer_without_sources_or_model() {
    let (app, _, generator) = app_over(Conduct::FindsNothing, Conduct::Works);
    let answer = send(&app, question()).await.json();
    assert_eq!(answer["outcome"], "not_in_book");
    assert_eq!(answer["answer"], "The book does not say.");
    assert_eq!((&answer["sources"], &answer["model"]), (&json!([]), &Value::Null));
    assert_eq!(generator.calls(), 0);
}

#[tokio::test]
async fn a_conversation_goes_on_under_its_id_and_an_unknown_one_is_restarted() {
    let app = working_app();
    let first = send(&app, question()).await.json();
    let follow_up = |id: &Value| ask(json!({"message": "And then?", "session_id": id}).to_string());
    let second = send(&app, follow_up(&first["session_id"])).await.json();
    assert_eq!(second["session_id"], first["session_id"]);
    assert_eq!(second["session_restarted"], false);
    assert_ne!(second["message_id"], first["message_id"]);
    let foreign = json!("0123456789abcdef0123456789abcdef");
    let third = send(&app, follow_up(&foreign)).await.json();
    assert_ne!(third["session_id"], foreign);
    assert_eq!(third["session_restarted"], true);
}

#[tokio::test]
async fn fields_that_are_unknown_or_null_are_no_obstacle() {
    let body = json!({
        "message": "When?", "session_id": null, "selected_text": null, "page": "/docs",
        "top_k": 5, "history": [{"sender": "You"}],
    });
    assert_eq!(send(&working_app(), ask(body.to_string())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_bad_request_gets_a_problem_and_costs_no_call() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let deep = format!("{{\"message\": {}", "[".repeat(900));
    let long = json!({"message": "x".repeat(101)}).to_string();
    let long_selection = json!({"message": "x", "selected_text": "y".repeat(201)}).to_string();
    let chunked = Body::from_bytes_stream(futures_util::stream::iter(
        (0..200).map(|_| Ok::<_, io::Error>("0123456789")),
    ));
    let broken = Body::from_bytes_stream(futures_util::stream::iter([
        Ok("{"),
        Err(io::Error::other("reset")),
    ]));
    let typed = |media_type: &str| {
        let mut request = question();
        request.headers_mut().insert("content-type", media_type.parse().unwrap());
        request
    };
    let mut untyped = question();
    untyped.headers_mut().remove("content-type");
    let mut announced = ask("{}");
    announced.headers_mut().insert("content-length", HeaderValue::from_static("64000000"));
    let mut put = question();
    put.set_method(Method::PUT);
    for (request, status, code) in vec![
        (ask(r#"{"message": ""}"#), 400, "empty_message"),
        (ask(r#"{"message": " \u200b\n"}"#), 400, "empty_message"),
        (ask(long), 400, "too_long"),
        (ask(long_selection), 400, "too_long"),
        (ask(r#"{"message": 5}"#), 400, "invalid_field"),
        (ask(r#"{"message": true}"#), 400, "invalid_field"),
        (ask(r#"{"message": null}"#), 400, "invalid_field"),
        (ask(r#"{"message": ["a"]}"#), 400, "invalid_field"),
        (ask(r#"{"message": "a", "page": {}}"#), 400, "invalid_field"),
        (ask(r#"{"message": "a", "message": "b"}"#), 400, "invalid_field"),
        (ask("{}"), 400, "invalid_field"),
        (ask(r#"{"message": "a", "session_id": "5"}"#), 400, "invalid_session_id"),
        (ask(r#"{"message": "a", "session_id": 5}"#), 400, "invalid_field"),
        (ask(r#"{"message": "\ud800"}"#), 400, "invalid_json"),
        (ask(&b"{\"message\": \"\xff\"}"[..]), 400, "invalid_json"),
        (ask(r#"{"message": "a"} x"#), 400, "invalid_json"),
        (ask(r#"{"message": "a""#), 400, "invalid_json"),
        (ask(r#"["When?"]"#), 400, "invalid_json"),
        (ask(r#""When?""#), 400, "invalid_json"),
        (ask(""), 400, "invalid_json"),
        (ask(deep), 400, "invalid_field"),
        (ask("[".repeat(900)), 400, "invalid_json"),
        (ask(broken), 400, "invalid_request"),
        (ask("x".repeat(1_001)), 413, "body_too_large"),
        (ask(chunked), 413, "body_too_large"),
        (announced, 413, "body_too_large"),
        (typed("text/plain"), 415, "unsupported_media_type"),
        (typed("application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
        (untyped, 415, "unsupported_media_type"),
        (look("/chat"), 405, "method_not_allowed"),
        (put, 405, "method_not_allowed"),
        (look("/nowhere"), 404, "not_found"),
        (look("/chat/more"), 404, "not_found"),
        (look("//"), 404, "not_found"),
    ] {
        send(&app, request).await.assert_problem(status, code);
    }
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_gets_to_see_the_reply() {
    let bound = Server::bind(([127, 0, 0, 1], 0).into(), settings().connections).unwrap();
    let address = bound.local_addr();
    tokio::spawn(bound.serve(working_app(), pending()));
    let (mut reply, mut body) = TcpStream::connect(address).await.unwrap().into_split();
    let head = "POST /chat HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 8000000\r\n\r\n";
    body.write_all(head.as_bytes()).await.unwrap();
    body.write_all(&vec![b' '; 8_000_000]).await.unwrap();
    let mut status = [0; 12];
    reply.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_problem_says_what_is_wrong_and_repeats_nothing() {
    let app = working_app();
    for (body, detail) in [
        (r#"{"message": 5117}"#, "`message` must be a string"),
        (r#"{"message": "a", "page": ["private"]}"#, "`page` must be a string"),
        (r#"{"message": "a", "debug": ", expected i64"}"#, "`debug` must be true or false"),
        (r#"{"query": "private"}"#, "missing field `message`"),
        ("{\n \"message\": \"private", "the body is not valid JSON at line 2, column 20"),
    ] {
        assert_eq!(send(&app, ask(body)).await.json()["detail"], detail);
    }
}

#[tokio::test]
async fn a_wrong_address_lists_the_right_ones_and_a_wrong_method_the_allowed_ones() {
    let app = working_app();
    let lost = send(&app, look("/api/chat")).await.json();
    assert!(lost["routes"].as_array().unwrap().contains(&json!("POST /chat")));
    assert_eq!(send(&app, look("/chat")).await.header("allow"), Some("POST"));
    let mut delete = look("/health");
    delete.set_method(Method::DELETE);
    assert_eq!(send(&app, delete).await.header("allow"), Some("GET, HEAD"));
}

#[tokio::test]
async fn each_failure_of_a_port_has_its_status_and_tells_nothing_inner() {
    for (kind, status, code) in [
        (ErrorKind::Unavailable, 503, "upstream_unavailable"),
        (ErrorKind::Timeout, 504, "upstream_timeout"),
        (ErrorKind::RateLimited, 503, "upstream_rate_limited"),
        (ErrorKind::Unauthorized, 503, "upstream_unauthorized"),
        (ErrorKind::Misconfigured, 503, "upstream_misconfigured"),
        (ErrorKind::Rejected, 502, "upstream_rejected"),
        (ErrorKind::Blocked, 502, "upstream_blocked"),
        (ErrorKind::Malformed, 502, "upstream_malformed"),
    ] {
        for (retriever, generator, stage) in [
            (Conduct::Fails(kind), Conduct::Works, "retrieve"),
            (Conduct::Works, Conduct::Fails(kind), "generate"),
        ] {
            let reply = send(&app_over(retriever, generator).0, question()).await;
            reply.assert_problem(status, code);
            assert_eq!(reply.json()["stage"], stage);
            assert_eq!(reply.header("retry-after"), Some("2"), "rounded up");
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_problem() {
    let (app, ..) = app_over(Conduct::Panics, Conduct::Works);
    send(&app, question()).await.assert_problem(500, "internal");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_up() {
    let (app, _, generator) = app_over(Conduct::Works, Conduct::Hangs);
    send(&app, question()).await.assert_problem(504, "deadline_exceeded");
    assert_eq!(generator.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_too_long_is_given_up() {
    let (app, retriever, _) = app_over(Conduct::Works, Conduct::Works);
    let begins = futures_util::stream::iter([Ok::<_, io::Error>("{\"message\":")]);
    let body = Body::from_bytes_stream(begins.chain(futures_util::stream::pending()));
    send(&app, ask(body)).await.assert_problem(408, "body_timeout");
    assert_eq!(retriever.calls(), 0);
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let app = working_app();
    let mut request = question();
    *request.uri_mut() = "/chat/?from=widget".parse().unwrap();
    assert_eq!(send(&app, request).await.status, StatusCode::OK);
    for path in ["/health/", "/ready//", "/docs/", "/openapi.json/"] {
        assert_eq!(send(&app, look(path)).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn head_works_where_get_does() {
    let app = working_app();
    for path in ["/", "/health", "/ready", "/openapi.json", "/docs"] {
        let mut request = look(path);
        request.set_method(Method::HEAD);
        assert_eq!(send(&app, request).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn pages_and_document_are_served() {
    let app = working_app();
    let document = send(&app, look("/openapi.json")).await;
    assert_eq!(document.header("content-type"), Some("application/json"));
    assert_eq!(document.text, super::document());
    for (path, holds) in [("/", "<h1>askbook</h1>"), ("/docs", "SwaggerUIBundle({")] {
        let page = send(&app, look(path)).await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.text.contains(holds), "{path}");
    }
}

#[tokio::test]
async fn health_asks_nobody() {
    let (app, retriever, generator) = app_over(Conduct::Panics, Conduct::Panics);
    let reply = send(&app, look("/health")).await;
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, json!({"status": "ok"})));
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn readiness_asks_once_for_everyone_and_again_when_its_time_is_over() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let (reply, _) = join(send(&app, look("/ready")), send(&app, look("/ready"))).await;
    let ready = json!({"ready": true, "dependencies": [
        {"name": "embedder", "ready": true},
        {"name": "retriever", "ready": true},
        {"name": "generator", "ready": true},
        {"name": "sessions", "ready": true},
    ]});
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, ready));
    assert_eq!((retriever.calls(), generator.calls()), (1, 1));
    tokio::time::advance(Duration::from_secs(5)).await;
    send(&app, look("/ready")).await;
    assert_eq!((retriever.calls(), generator.calls()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn readiness_names_what_is_missing_by_its_kind_alone() {
    let (app, ..) = app_over(Conduct::Fails(ErrorKind::Unauthorized), Conduct::Hangs);
    let reply = send(&app, look("/ready")).await;
    let missing = json!({"ready": false, "dependencies": [
        {"name": "embedder", "ready": true},
        {"name": "retriever", "ready": false, "error": "unauthorized"},
        {"name": "generator", "ready": false, "error": "timeout"},
        {"name": "sessions", "ready": true},
    ]});
    assert_eq!((reply.status, reply.json()), (StatusCode::SERVICE_UNAVAILABLE, missing));
}

#[tokio::test]
async fn a_fit_request_id_is_kept_and_any_other_replaced() {
    let app = working_app();
    let long = "x".repeat(65);
    for (sent, kept) in [
        (&b"abc-123"[..], true),
        (&b"x"[..], true),
        (&b""[..], false),
        (&b"two words"[..], false),
        (&b"\xc3\xa9"[..], false),
        (long.as_bytes(), false),
    ] {
        let mut request = look("/health");
        request.headers_mut().insert("x-request-id", HeaderValue::from_bytes(sent).unwrap());
        let reply = send(&app, request).await;
        let got = reply.header("x-request-id").unwrap();
        assert_eq!(got.as_bytes() == sent, kept, "{got}");
        assert!((1..=64).contains(&got.len()));
    }
}
