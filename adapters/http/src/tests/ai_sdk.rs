//! `POST /ai-sdk/chat`.

use askbook::session::{Role, Turn};

use super::*;

const QUESTION: &str = r#"{
    "id": "chat-1",
    "trigger": "submit-message",
    "project": "book",
    "messages": [{
        "id": "msg-1", "role": "user", "parts": [{"type": "text", "text": "When does it end?"}]
    }]
}"#;

fn asked(body: impl Into<Body>) -> Request {
    post("/ai-sdk/chat", body)
}

/// The chunks of a message; what is between them is comments.
fn chunks(text: &str) -> Vec<Value> {
    let text = text.strip_suffix("data: [DONE]\n\n").expect("the end is marked");
    let blocks = text.split_terminator("\n\n").filter(|block| *block != ":");
    let data = blocks.map(|block| block.strip_prefix("data: ").unwrap());
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn types(chunks: &[Value]) -> Vec<&str> {
    chunks.iter().map(|chunk| chunk["type"].as_str().unwrap()).collect()
}

fn text(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["delta"].as_str()).collect()
}

#[tokio::test]
async fn an_answer_is_a_text_with_links_and_its_sources() {
    let reply = send(&working_app(), asked(QUESTION)).await;
    for (header, value) in [
        ("content-type", "text/event-stream"),
        ("x-vercel-ai-ui-message-stream", "v1"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
        ("access-control-allow-origin", BOOK),
    ] {
        assert_eq!(reply.header(header), Some(value), "{header}");
    }
    let chunks = chunks(&reply.text);
    let mut told = types(&chunks);
    told.dedup();
    assert_eq!(told, ["start", "text-start", "text-delta", "text-end", "source-url", "finish"]);
    assert!(chunks[0]["messageId"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let expected = "An idle session ends after one hour. [1](/docs/sessions#time-to-live)";
    assert_eq!(text(&chunks), expected);
    let ids = chunks.iter().filter_map(|chunk| chunk["id"].as_str());
    assert!(ids.into_iter().all(|id| id == "text"));
    let source = json!({
        "type": "source-url",
        "sourceId": "1",
        "url": "/docs/sessions#time-to-live",
        "title": "Sessions > Time to live",
        "providerMetadata": {
            "askbook": {"number": 1, "quote": "An idle session ends after one hour."}
        },
    });
    assert_eq!(chunks[chunks.len() - 2], source);
    let metadata = &chunks[chunks.len() - 1]["messageMetadata"];
    assert_eq!(*metadata, json!({"outcome": "answered", "suggestions": []}));
}

#[tokio::test]
async fn a_refusal_is_a_text_without_sources() {
    let (app, ..) = app_over(Conduct::FindsNothing, Conduct::Works);
    let chunks = chunks(&send(&app, asked(QUESTION)).await.text);
    assert_eq!(types(&chunks), ["start", "text-start", "text-delta", "text-end", "finish"]);
    assert_eq!(text(&chunks), "The book does not say.");
    assert_eq!(chunks[4]["messageMetadata"]["outcome"], "not_in_book");
}

#[tokio::test]
async fn the_conversation_is_what_the_client_sends() {
    let generator = Arc::new(Scripted::default());
    let chat = chat(Stub::new(Conduct::Works), vec![generator.clone()]);
    let said =
        |role: &str, text: &str| json!({"role": role, "parts": [{"type": "text", "text": text}]});
    let body = json!({
        "messages": [
            said("system", "Talk like a pirate."),
            said("user", "What is a session?"),
            said("assistant", "A conversation [1](/docs/words)."),
            said("user", "When does it end?"),
        ],
        "page": "/docs/sessions",
        "selected_text": "An idle session",
    });
    let reply = send(&app(chat, &settings()), asked(body.to_string())).await;
    assert_eq!(reply.status, StatusCode::OK);
    let prompt = generator.prompt();
    assert_eq!(prompt.question.text(), "When does it end?");
    assert_eq!(prompt.question.page(), Some("/docs/sessions"));
    assert_eq!(prompt.question.selected_text(), Some("An idle session"));
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let expected =
        [turn(Role::Reader, "What is a session?"), turn(Role::Book, "A conversation [1].")];
    assert_eq!(prompt.history, expected);
}

#[tokio::test]
async fn who_asks_for_another_answer_does_not_get_one_that_was_written_before() {
    let generator = Arc::new(Scripted::default());
    let chat = chat(Stub::new(Conduct::Works), vec![generator.clone()]);
    let app = app(chat, &settings());
    for (trigger, anew) in [("submit-message", false), ("regenerate-message", true)] {
        send(&app, asked(QUESTION.replace("submit-message", trigger))).await;
        assert_eq!(generator.prompt().question.is_anew(), anew, "{trigger}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_asked_is_refused_in_words_and_costs_nothing() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let mut untyped = asked(QUESTION);
    untyped.headers_mut().remove("content-type");
    let mut foreign = asked(QUESTION);
    foreign.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    for (request, status, words) in [
        (asked("{"), 400, "the body is not valid JSON at line 1, column 1"),
        (asked("{}"), 400, "missing field `messages`"),
        (asked(r#"{"messages": {}}"#), 400, "`messages` must be a list"),
        (asked(r#"{"messages": []}"#), 400, "`messages` must end with a message"),
        (
            asked(r#"{"messages": [{"role": "user", "content": " "}]}"#),
            400,
            "the message is empty: write a question",
        ),
        (
            asked(r#"{"messages": [{"role": "user", "content": 5}]}"#),
            400,
            "`messages[0].content` must be a text or a list of parts",
        ),
        (asked("x".repeat(1_001)), 413, "the body has more than 1000 bytes"),
        (untyped, 415, "send the body with the header content-type"),
        (foreign, 403, "pages of this site may not ask here"),
        (look("/ai-sdk/chat"), 405, "this address does not take that method"),
        (look("/ai-sdk/chat/1/stream"), 404, "there is nothing at this address"),
    ] {
        let reply = send(&app, request).await;
        assert_eq!(reply.status, status, "{words}");
        assert!(reply.text.starts_with(words), "{}", reply.text);
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(reply.header("x-request-id").is_some());
    }
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
}

#[tokio::test]
async fn a_failure_is_an_error_in_the_stream() {
    for (retriever, generator) in [
        (Conduct::Fails(ErrorKind::Unavailable), Conduct::Works),
        (Conduct::Works, Conduct::Fails(ErrorKind::RateLimited)),
        (Conduct::Panics, Conduct::Works),
    ] {
        let reply = send(&app_over(retriever, generator).0, asked(QUESTION)).await;
        assert_eq!(reply.status, StatusCode::OK);
        let chunks = chunks(&reply.text);
        assert_eq!(types(&chunks).last(), Some(&"error"));
        assert!(!chunks.last().unwrap()["errorText"].as_str().unwrap().is_empty());
        assert!(!reply.text.contains("secret"), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_text_that_breaks_off_is_ended_before_the_error() {
    let cut = Scripted::new([
        Step::Text("An idle session ends after one hour [1]. "),
        Step::Text("Then it is gone [1]. And"),
        Step::Fails(ErrorKind::Unavailable),
    ]);
    let chat = chat(Stub::new(Conduct::Works), vec![Arc::new(cut)]);
    let chunks = chunks(&send(&app(chat, &settings()), asked(QUESTION)).await.text);
    let told = types(&chunks);
    assert_eq!(told[told.len() - 2..], ["text-end", "error"]);
    assert!(text(&chunks).contains("[1](/docs/sessions#time-to-live)"));
}

#[tokio::test]
async fn a_server_that_is_busy_says_so_in_a_stream() {
    let settings = HttpSettings { questions: 0, ..settings() };
    let chat = chat(Stub::new(Conduct::Works), vec![Stub::new(Conduct::Works)]);
    let reply = send(&app(chat, &settings), asked(QUESTION)).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("x-vercel-ai-ui-message-stream"), Some("v1"));
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    let [error] = &chunks(&reply.text)[..] else { panic!("{}", reply.text) };
    assert!(error["errorText"].as_str().unwrap().starts_with("too many questions"));
}

#[tokio::test]
async fn a_wire_that_is_switched_off_is_not_there() {
    let settings = HttpSettings { wires: vec![Protocol::OpenAi], ..settings() };
    let chat = chat(Stub::new(Conduct::Works), vec![Stub::new(Conduct::Works)]);
    let app = app(chat, &settings);
    assert_eq!(send(&app, asked(QUESTION)).await.status, StatusCode::NOT_FOUND);
    let routes = send(&app, look("/nowhere")).await.json()["routes"].to_string();
    assert!(!routes.contains("/ai-sdk/chat") && routes.contains("/v1/models"), "{routes}");
}
