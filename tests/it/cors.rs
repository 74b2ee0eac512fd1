use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Reply, SMALL_BOOK, TestApp};
use crate::support::gemini::{KEY, broken, calls, gemini};

const BOOK: &str = "https://book.example.org";

async fn from(app: &TestApp, origin: &str, method: Method, path: &str, body: &str) -> Reply {
    let request = app.request(method, path).header("origin", origin);
    let request = request.header("content-type", "application/json").body(body.to_owned());
    Reply::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn every_reply_to_the_book_can_be_read_by_its_page() {
    let gemini = broken(500, "{}").await;
    let app = TestApp::start(&[
        SMALL_BOOK,
        ("ALLOWED_ORIGINS", "https://book.example.org/docs/, http://localhost:3000"),
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.uri()),
        ("ASKBOOK_FALLBACK", "none"),
    ])
    .await;
    let question = "{\"message\": \"How long is a session kept?\"}";
    for (method, path, body, status) in [
        (Method::GET, "/health", "", 200),
        (Method::GET, "/openapi.json", "", 200),
        (Method::POST, "/chat", "{", 400),
        (Method::GET, "/nowhere", "", 404),
        (Method::DELETE, "/chat", "", 405),
        (Method::POST, "/chat", question, 503),
    ] {
        let reply = from(&app, BOOK, method, path, body).await;
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text);
        assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK), "{path}");
        assert_eq!(reply.header("vary"), Some("origin"), "{path}");
        assert_eq!(reply.header("access-control-allow-credentials"), None, "{path}");
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("x-request-id"), "{exposed}");
    }
}

#[tokio::test]
async fn a_preflight_of_the_book_is_granted() {
    let app = TestApp::start(&[SMALL_BOOK, ("ALLOWED_ORIGINS", BOOK)]).await;
    let request = app
        .request(Method::OPTIONS, "/chat")
        .header("origin", BOOK)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-stream-response");
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
    assert!(reply.header("access-control-allow-methods").unwrap().contains("POST"));
    for name in ["content-type", "x-stream-response"] {
        assert!(reply.header("access-control-allow-headers").unwrap().contains(name));
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_before_anything_is_spent() {
    let gemini = gemini("Because [1].").await;
    let app = TestApp::start(&[
        SMALL_BOOK,
        ("ALLOWED_ORIGINS", BOOK),
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.uri()),
    ])
    .await;
    let question = json!({"message": "How long is a session kept?"}).to_string();
    for origin in [
        "https://evil.example",
        "https://book.example.org.evil.example",
        "http://book.example.org",
        "https://book.example.org:444",
        "null",
        "\u{7f}x",
    ] {
        let Ok(value) = reqwest::header::HeaderValue::from_bytes(origin.as_bytes()) else {
            continue;
        };
        let request = app.request(Method::POST, "/chat").header("origin", value);
        let request = request.header("content-type", "application/json").body(question.clone());
        let reply = Reply::read(request.send().await.unwrap()).await;
        reply.is_problem(403, "origin_not_allowed");
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
        assert_eq!(reply.header("vary"), Some("origin"), "{origin}");
    }
    let bytes = reqwest::header::HeaderValue::from_bytes(b"https://\xff\xfe").unwrap();
    let request = app.request(Method::POST, "/chat").header("origin", bytes);
    let reply = request.json(&json!({"message": "Why?"})).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::FORBIDDEN);
    assert_eq!(calls(&gemini).await, (0, 0));
}

#[tokio::test]
async fn swagger_ui_may_ask_its_own_server() {
    let app = TestApp::start(&[SMALL_BOOK]).await;
    let url = app.url.clone();
    let question = "{\"message\": \"How long is a session kept?\"}";
    let reply = from(&app, &url, Method::POST, "/chat", question).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}
