use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Reply, SMALL_BOOK, TestApp};
use crate::support::gemini::{KEY, calls, gemini};

/// A body of `/chat` and what is said to it.
struct Case {
    name: &'static str,
    body: String,
    status: u16,
    code: &'static str,
}

fn case(name: &'static str, body: impl Into<String>, status: u16, code: &'static str) -> Case {
    Case { name, body: body.into(), status, code }
}

fn bodies() -> Vec<Case> {
    let message = |text: &str| json!({ "message": text }).to_string();
    let session = |id: &str| json!({"message": "Why?", "session_id": id}).to_string();
    vec![
        case("no body", "", 400, "invalid_json"),
        case("no JSON", "message=Why%3F", 400, "invalid_json"),
        case("no object", "[\"Why?\"]", 400, "invalid_json"),
        case("half an object", "{\"message\": \"Why", 400, "invalid_json"),
        case("two objects", "{\"message\": \"a\"} {}", 400, "invalid_json"),
        case("no message", "{}", 400, "invalid_field"),
        case("a message twice", "{\"message\": \"a\", \"message\": \"b\"}", 400, "invalid_field"),
        case("null", "{\"message\": null}", 400, "invalid_field"),
        case("a number", "{\"message\": 5}", 400, "invalid_field"),
        case("a truth value", "{\"message\": true}", 400, "invalid_field"),
        case("a list", "{\"message\": [\"Why?\"]}", 400, "invalid_field"),
        case("a lone surrogate", "{\"message\": \"\\ud800\"}", 400, "invalid_json"),
        case(
            "a depth bomb",
            "{\"message\": ".to_owned() + &"[".repeat(30_000),
            400,
            "invalid_field",
        ),
        case(
            "a hidden depth bomb",
            "{\"x\": ".to_owned() + &"[".repeat(30_000),
            400,
            "invalid_json",
        ),
        case("an empty message", message(""), 400, "empty_message"),
        case("a blank message", message(" \t\n\u{3000}"), 400, "empty_message"),
        case("a zero-width message", message("\u{200b}\u{feff}\u{2060}"), 400, "empty_message"),
        case("an over-long message", message(&"é".repeat(4_001)), 400, "too_long"),
        case(
            "an over-long selection",
            json!({"message": "Why?", "selected_text": "é".repeat(10_001)}).to_string(),
            400,
            "too_long",
        ),
        case("an over-long session id", session(&"é".repeat(201)), 400, "too_long"),
        case(
            "an over-long thread id",
            json!({"message": "Why?", "threadId": "x".repeat(201)}).to_string(),
            400,
            "too_long",
        ),
        case("a body over the limit", message(&"x".repeat(70_000)), 413, "body_too_large"),
    ]
}

/// An askbook that would pay Gemini for every question, and its Gemini.
async fn paying() -> (TestApp, wiremock::MockServer) {
    let gemini = gemini("Because [1].").await;
    let app = TestApp::start(&[
        SMALL_BOOK,
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.uri()),
        ("ALLOWED_ORIGINS", "https://book.example.org"),
    ])
    .await;
    (app, gemini)
}

#[tokio::test]
async fn every_bad_body_gets_a_problem_that_says_why_and_costs_nothing() {
    let (app, gemini) = paying().await;
    for Case { name, body, status, code } in bodies() {
        let request = app.request(Method::POST, "/chat").header("content-type", "application/json");
        let reply = Reply::read(request.body(body).send().await.unwrap()).await;
        assert_eq!(reply.status.as_u16(), status, "{name}: {}", reply.text);
        reply.is_problem(status, code);
        for leak in ["serde", "poem", "ChatRequest", "::", "/src/"] {
            assert!(!reply.text.contains(leak), "{name}: {}", reply.text);
        }
    }
    assert_eq!(calls(&gemini).await, (0, 0));
    let sane = app.ask("How long is a session kept?").await;
    assert_eq!(sane["model"], "gemini-e2e-001", "it still works");
}

#[tokio::test]
async fn wrong_addresses_methods_and_media_types_are_told_what_is_right() {
    let (app, gemini) = paying().await;

    let reply = app.get("/caht?secret=1").await;
    reply.is_problem(404, "not_found");
    assert!(reply.text.contains("POST /chat"), "{}", reply.text);
    assert!(!reply.text.contains("secret"), "{}", reply.text);

    let reply = app.get("/chat").await;
    reply.is_problem(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), Some("POST"));

    for media_type in ["text/plain", "application/x-www-form-urlencoded", "nonsense"] {
        let request = app.request(Method::POST, "/chat").header("content-type", media_type);
        let request = request.body("{\"message\": \"Why?\"}");
        Reply::read(request.send().await.unwrap()).await.is_problem(415, "unsupported_media_type");
    }
    assert_eq!(calls(&gemini).await, (0, 0));
}

#[tokio::test]
async fn a_body_of_64_mb_is_refused_before_it_is_read() {
    let (app, gemini) = paying().await;
    let request = app.request(Method::POST, "/chat").header("content-type", "application/json");
    let body = vec![b' '; 64 << 20];
    // The reply, or a connection that the server closed on a client that keeps sending.
    if let Ok(response) = request.body(body).send().await {
        Reply::read(response).await.is_problem(413, "body_too_large");
    }
    assert_eq!(calls(&gemini).await, (0, 0));
    assert_eq!(app.get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_id_of_another_house_begins_a_new_conversation() {
    let (app, _gemini) = paying().await;
    let long = "é".repeat(200);
    for id in ["../../etc/passwd", "AB".repeat(16).as_str(), "thread-7", &long] {
        let body = json!({"message": "How long is a session kept?", "session_id": id});
        let reply = app.chat(&body).await;
        assert_eq!(reply.status, StatusCode::OK, "{id}: {}", reply.text);
        let answer = reply.json();
        assert_eq!(answer["session_restarted"], true, "{id}: {answer}");
        assert_eq!(answer["session_id"].as_str().map(str::len), Some(32), "{id}: {answer}");
        assert!(!reply.text.contains(id), "{answer}");
    }
}

#[tokio::test]
async fn unknown_fields_and_odd_but_valid_json_are_no_reason_to_refuse() {
    let (app, _gemini) = paying().await;
    for body in [
        "{\"message\": \"How long is a session kept?\", \"theme\": {\"dark\": true}}",
        "\n {\"message\": \"How long is a session \\u006bept?\", \"selected_text\": null}",
    ] {
        let request = app
            .request(Method::POST, "/chat")
            .header("content-type", "Application/JSON; charset=utf-8");
        let reply = Reply::read(request.body(body).send().await.unwrap()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
}
