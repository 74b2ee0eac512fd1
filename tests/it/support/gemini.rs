//! A Gemini on wiremock, by the published wire format.

use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, header, method, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The key that the stand-in accepts.
pub(crate) const KEY: &str = "e2e-key-that-must-never-be-shown";

/// A stand-in that embeds any text and answers with `answer`.
pub(crate) async fn gemini(answer: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path_regex(":batchEmbedContents$"))
        .and(header("x-goog-api-key", KEY))
        .respond_with(Embeddings)
        .named("embed")
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path_regex(":streamGenerateContent$"))
        .and(header("x-goog-api-key", KEY))
        .and(body_string_contains("[1]"))
        .respond_with(stream(&[answer]))
        .named("generate")
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path_regex("/models/"))
        .and(header("x-goog-api-key", KEY))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"name": "models/m"})))
        .named("model")
        .mount(&server)
        .await;
    server
}

/// A stand-in that answers every call with this status and body.
pub(crate) async fn broken(status: u16, body: &str) -> MockServer {
    let server = MockServer::start().await;
    let response = ResponseTemplate::new(status).set_body_raw(body, "application/json");
    Mock::given(wiremock::matchers::any()).respond_with(response).mount(&server).await;
    server
}

/// A stream of these pieces, as `alt=sse` gives it.
fn stream(pieces: &[&str]) -> ResponseTemplate {
    let mut body = String::new();
    for piece in pieces {
        let event = json!({
            "candidates": [{"content": {"role": "model", "parts": [{"text": piece}]}}],
            "modelVersion": "gemini-e2e-001",
        });
        body += &format!("data: {event}\r\n\r\n");
    }
    let last = json!({
        "candidates": [{"finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 120, "candidatesTokenCount": 12, "totalTokenCount": 132},
        "modelVersion": "gemini-e2e-001",
    });
    body += &format!("data: {last}\r\n\r\n");
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

/// Embeds each text by its letters, so that equal texts are equal and alike ones alike.
struct Embeddings;

impl Respond for Embeddings {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let embeddings: Vec<Value> = body["requests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let text = one["content"]["parts"][0]["text"].as_str().unwrap();
                let size = one["outputDimensionality"].as_u64().unwrap();
                json!({"values": letters(text, usize::try_from(size).unwrap())})
            })
            .collect();
        ResponseTemplate::new(200).set_body_json(json!({ "embeddings": embeddings }))
    }
}

/// The vector that the stand-in gives a text, before it is brought to unit length.
pub(crate) fn letters(text: &str, size: usize) -> Vec<f32> {
    let mut vector = vec![0.0; size];
    for pair in text.to_lowercase().as_bytes().windows(3) {
        let at = pair.iter().fold(7, |hash: usize, &byte| hash * 31 + usize::from(byte)) % size;
        vector[at] += 1.0;
    }
    vector
}

/// How many calls of each kind the stand-in saw: (embed, generate).
pub(crate) async fn calls(server: &MockServer) -> (usize, usize) {
    let requests = server.received_requests().await.unwrap();
    let count = |verb: &str| requests.iter().filter(|r| r.url.path().ends_with(verb)).count();
    (count(":batchEmbedContents"), count(":streamGenerateContent"))
}
