/// What a collector of OpenTelemetry's is sent.
mod spans;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::app::{SMALL_BOOK, TestApp};
use crate::support::gemini::{KEY, gemini};
use crate::support::harbour::{COLLECTION, QUESTION, filled};
use crate::support::qdrant_server::QdrantServer;

/// The example of the specification.
const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The `traceparent` of each call that Gemini got when a question came with these.
async fn handed_on(path: &str, given: &[&str]) -> Vec<Option<String>> {
    let gemini = gemini("A session is kept for one hour [1].").await;
    let url = gemini.uri();
    let settings = [SMALL_BOOK, ("GEMINI_API_KEY", KEY), ("GEMINI_BASE_URL", &url)];
    let app = TestApp::start(&settings).await;
    let question = json!({"message": "How long is a session kept?"});
    let mut request = app.request(Method::POST, path).json(&question);
    for given in given {
        request = request.header("traceparent", *given);
    }
    let reply = request.header("x-request-id", "of-the-reader").send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    reply.text().await.unwrap();
    let requests = gemini.received_requests().await.unwrap();
    assert!(!requests.is_empty());
    let header = |request: &wiremock::Request| {
        assert!(!request.headers.contains_key("x-request-id"));
        let header = request.headers.get("traceparent")?;
        Some(header.to_str().unwrap().to_owned())
    };
    requests.iter().map(header).collect()
}

#[tokio::test]
async fn the_trace_of_a_question_leads_to_the_model_and_its_request_id_stays_here() {
    for path in ["/chat", "/chat/stream"] {
        assert_eq!(handed_on(path, &[GIVEN]).await, [Some(GIVEN.to_owned())], "{path}");
    }
}

#[tokio::test]
async fn the_trace_of_a_search_leads_to_qdrant_and_no_further_search_has_it() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let qdrant = filled(QdrantServer::tracing(tell).await).await;
    let (gemini, url) = (gemini("").await, qdrant.url());
    let settings = [
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.uri()),
        ("QDRANT_URL", &url),
        ("QDRANT_COLLECTION_NAME", COLLECTION),
        ("ASKBOOK_MIRROR_REFRESH_S", "0"),
    ];
    let app = TestApp::start(&settings).await;
    for (trace, handed_on) in [(GIVEN, Some(GIVEN.to_owned())), ("none", None)] {
        let question = app.request(Method::POST, "/search").json(&json!({ "query": QUESTION }));
        let reply = question.header("traceparent", trace).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
        let mut calls = Vec::new();
        while let Ok(call) = told.try_recv() {
            calls.push(call);
        }
        assert_eq!(calls.last(), Some(&handed_on));
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_trace_is_not_handed_on() {
    for given in [&[][..], &["00-none"], &[GIVEN, GIVEN]] {
        assert_eq!(handed_on("/chat", given).await, [None], "{given:?}");
    }
}
