use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use askbook::chat::{ChatSettings, Ports};
use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Hit, Passage, PassageId, Scores};
use askbook::ports::{Generation, Generator, Retriever};
use askbook::prompt::{Prompt, PromptBudget};
use askbook::question::QuestionLimits;
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

#[async_trait]
impl Retriever for Stub {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Vec<Hit>, PortError> {
        self.act().await?;
        if matches!(self.conduct, Conduct::FindsNothing) {
            return Ok(Vec::new());
        }
        let passage = Passage {
            id: PassageId("1".to_owned()),
            title: "Sessions".to_owned(),
            headings: vec!["Time to live".to_owned()],
            url: Some("/docs/sessions#time-to-live".to_owned()),
            text: "An idle session ends after one hour. Then it is gone.".to_owned(),
        };
        Ok(vec![Hit { passage, scores: Scores { dense: None, lexical: Some(2.5) } }])
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
        passages: NonZeroUsize::new(5).unwrap(),
        budget: PromptBudget::default(),
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
    Request::builder()
        .method(Method::POST)
        .uri_str("/chat")
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
        for inner in ["secret", "internal.example", "ChatRequest", "poem", "serde"] {
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
            "scores": {"lexical": 2.5},
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

mod cors {
    use super::*;

    fn from(origin: &[u8], mut request: Request) -> Request {
        request.headers_mut().insert("origin", HeaderValue::from_bytes(origin).unwrap());
        request
    }

    fn preflight(origin: &str) -> Request {
        Request::builder()
            .method(Method::OPTIONS)
            .uri_str("/chat")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-stream-response")
            .finish()
    }

    #[tokio::test]
    async fn a_preflight_of_the_book_is_granted() {
        let reply = send(&working_app(), preflight(BOOK)).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
        assert_eq!(reply.header("access-control-allow-methods"), Some("GET, HEAD, POST, OPTIONS"));
        let headers = reply.header("access-control-allow-headers").unwrap();
        assert!(["content-type", "x-stream-response"].iter().all(|name| headers.contains(name)));
        assert!(reply.header("access-control-max-age").is_some());
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert_eq!(reply.header("vary"), Some("origin"));
    }

    #[tokio::test]
    async fn a_reply_to_the_book_exposes_what_clients_need() {
        let reply = send(&working_app(), question()).await;
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(["x-request-id", "retry-after"].iter().all(|name| exposed.contains(name)));
    }

    #[tokio::test]
    async fn a_foreign_page_may_not_ask_and_costs_no_call() {
        let (app, retriever, _) = app_over(Conduct::Works, Conduct::Works);
        for origin in [
            &b"https://evil.example"[..],
            b"null",
            b"https://book.example.evil.example",
            b"http://book.example",
            b"https://BOOK.example",
            b"\xff\xfe",
            b"",
            b"://",
        ] {
            let reply = send(&app, from(origin, question())).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{origin:?}");
            assert_eq!(reply.json()["code"], "origin_not_allowed");
            assert_eq!(reply.header("access-control-allow-origin"), None);
            assert_eq!(reply.header("vary"), Some("origin"));
        }
        let reply = send(&app, preflight("https://evil.example")).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert_eq!(reply.header("access-control-allow-methods"), None);
        assert_eq!(retriever.calls(), 0);
    }

    #[tokio::test]
    async fn a_foreign_page_may_load_but_not_read() {
        let reply = send(&working_app(), from(b"https://evil.example", look("/health"))).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }

    #[tokio::test]
    async fn pages_of_the_server_itself_may_ask() {
        let app = working_app();
        let mut direct = from(b"http://127.0.0.1:8000", question());
        direct.headers_mut().insert("host", HeaderValue::from_static("127.0.0.1:8000"));
        let mut behind_a_proxy = from(b"https://ask.example", question());
        behind_a_proxy.headers_mut().insert("host", HeaderValue::from_static("10.0.0.7:8000"));
        behind_a_proxy
            .headers_mut()
            .insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        for request in [direct, behind_a_proxy] {
            let reply = send(&app, request).await;
            assert_eq!(reply.status, StatusCode::OK);
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
    }

    #[tokio::test]
    async fn no_origin_is_no_page_and_passes() {
        let mut request = question();
        request.headers_mut().remove("origin");
        let reply = send(&working_app(), request).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("access-control-allow-origin"), None);
        assert_eq!(reply.header("vary"), Some("origin"));
    }

    #[tokio::test]
    async fn a_star_lets_every_site_in_without_credentials() {
        let origins = vec![Origin::parse(1, "*").unwrap().0];
        let (retriever, generator) = (Stub::new(Conduct::Works), Stub::new(Conduct::Works));
        let app = app(chat(retriever, generator), &HttpSettings { origins, ..settings() });
        for request in [from(b"https://any.example", question()), preflight("https://any.example")]
        {
            let reply = send(&app, request).await;
            assert!(reply.status.is_success());
            assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
    }
}

mod log {
    use std::pin::Pin;
    use std::sync::Mutex;

    use tracing::instrument::WithSubscriber;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while the future runs.
    async fn logged(work: Pin<Box<impl Future<Output = ()>>>) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        work.with_subscriber(subscriber).await;
        let bytes = lines.0.lock().unwrap().clone();
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn an_answered_question_is_one_event_with_its_stages_and_none_of_its_text() {
        let mut request = question();
        *request.uri_mut() = "/chat/?token=hidden".parse().unwrap();
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("r1"));
        let app = working_app();
        let events = logged(Box::pin(async {
            send(&app, request).await;
        }))
        .await;
        assert_eq!(events.len(), 1, "{events:?}");
        let span = &events[0]["span"];
        for (field, value) in [
            ("request.id", json!("r1")),
            ("http.method", json!("POST")),
            ("http.route", json!("/chat")),
            ("http.status", json!(200)),
            ("outcome", json!("answered")),
            ("retrieved", json!(1)),
            ("model", json!("memory")),
            ("input_tokens", json!(0)),
            ("output_tokens", json!(0)),
        ] {
            assert_eq!(span[field], value, "{field}");
        }
        for stage in ["session", "embed", "retrieve", "first_delta", "generate"] {
            assert!(span[format!("{stage}_ms")].as_f64().is_some_and(|ms| ms >= 0.0), "{stage}");
        }
        let line = events[0].to_string();
        for text in ["When does", "An idle", "hidden"] {
            assert!(!line.contains(text), "{text}: {line}");
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_to_the_owner_once_with_its_causes() {
        let (app, ..) = app_over(Conduct::Fails(ErrorKind::Unavailable), Conduct::Works);
        let events = logged(Box::pin(async {
            send(&app, question()).await;
        }))
        .await;
        let errors: Vec<_> = events.iter().filter(|event| event["level"] == "ERROR").collect();
        assert_eq!(errors.len(), 1);
        let error = errors[0]["fields"]["error"].as_str().unwrap();
        assert_eq!(error, format!("retrieve failed (unavailable): {SECRET}: the root of it"));
        assert_eq!(errors[0]["span"]["problem.code"], "upstream_unavailable");
        assert_eq!(errors[0]["span"]["problem.stage"], "retrieve");
    }

    #[tokio::test]
    async fn a_refused_request_is_no_error_and_a_made_up_method_or_path_is_not_logged() {
        let mut request = look("/secret/path?token=hidden");
        request.set_method(Method::from_bytes(b"MADEUP").unwrap());
        request.headers_mut().remove("origin");
        let app = working_app();
        let events = logged(Box::pin(async {
            send(&app, request).await;
        }))
        .await;
        let levels: Vec<_> = events.iter().map(|event| event["level"].as_str().unwrap()).collect();
        assert_eq!(levels, ["DEBUG", "INFO"]);
        assert_eq!(events[1]["span"]["http.route"], "none");
        assert_eq!(events[1]["span"]["http.method"], "other");
        assert!(!format!("{events:?}").contains("hidden"));
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_is_logged_as_cancelled() {
        let (app, ..) = app_over(Conduct::Hangs, Conduct::Works);
        let events = logged(Box::pin(async {
            let request = app.call(question());
            tokio::select! {
                biased;
                _ = request => {}
                () = tokio::task::yield_now() => {}
            }
        }))
        .await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["span"]["outcome"], "cancelled");
        assert!(events[0]["span"]["embed_ms"].is_f64());
    }
}
