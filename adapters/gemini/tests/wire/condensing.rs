//! What is asked of `generateContent` about a follow-up, and what is made of its answers.

use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::Generator;
use askbook::prompt::Rendered;
use askbook_gemini::{GeminiGenerator, GeneratorConfig};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::gemini;
use crate::support::script_server::{Step, start};

async fn condense(server: &MockServer) -> Result<Option<String>, PortError> {
    gemini::generator(&server.uri()).condense(&gemini::follow_up()).await
}

fn reply(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn written(text: &str, finish: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": finish}]})
}

#[tokio::test]
async fn the_request_holds_the_follow_up_and_room_for_thoughts() {
    let follow_up = gemini::follow_up();
    let Rendered { system, user } = follow_up.render();
    let body = json!({
        "systemInstruction": {"parts": [{"text": system}]},
        "contents": [{"role": "user", "parts": [{"text": user}]}],
        "generationConfig":
            {"maxOutputTokens": 2048, "thinkingConfig": {"thinkingLevel": "MINIMAL"}},
    });
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(gemini::CONDENSE))
        .and(body_json(body))
        .respond_with(reply(&written("When is the harbour open?", "STOP")))
        .expect(1)
        .mount(&server)
        .await;
    condense(&server).await.unwrap();
}

#[tokio::test]
async fn the_question_is_the_text_without_thoughts_and_white_space() {
    let parts = json!([
        {"text": "hm", "thought": true},
        {"text": "\n When is "},
        {"text": "the harbour open? \n"},
    ]);
    let body = json!({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]});
    let question = condense(&gemini::always(reply(&body)).await).await.unwrap();
    assert_eq!(question.as_deref(), Some("When is the harbour open?"));
}

#[tokio::test]
async fn a_question_that_is_blank_or_was_not_finished_is_none() {
    use ErrorKind::{Blocked, Malformed, Unavailable};
    let overloaded = json!({"error": {"code": 503, "message": "text-of-it"}});
    for (body, kind, says) in [
        (written(" \n", "STOP"), Malformed, "nothing"),
        (json!({"candidates": [{"finishReason": "STOP"}]}), Malformed, "nothing"),
        (written("When is", "MAX_TOKENS"), Malformed, "MAX_TOKENS"),
        (written("When is", "OTHER"), Malformed, "OTHER"),
        (written("When is", "SAFETY"), Blocked, "SAFETY"),
        (json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}), Malformed, "broke off"),
        (json!({}), Malformed, "broke off"),
        (json!({"promptFeedback": {"blockReason": "OTHER"}}), Blocked, "OTHER"),
        (overloaded, Unavailable, "503"),
    ] {
        let error = condense(&gemini::always(reply(&body)).await).await.expect_err("none");
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert!(error.to_string().contains(says), "{error} does not say {says}");
        assert!(!format!("{error:?}").contains("text-of-it"), "{error:?}");
    }
}

#[tokio::test]
async fn it_is_tried_once() {
    let server = gemini::always(gemini::error(503, "UNAVAILABLE", &json!([]))).await;
    let error = condense(&server).await.expect_err("the error");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_model_that_does_not_answer_soon_is_given_up_and_left() {
    let (url, server) = start(vec![vec![Step::AwaitEnd]]).await;
    let condense_timeout = Duration::from_millis(50);
    let config = GeneratorConfig { condense_timeout, ..gemini::generator_config() };
    let generator = GeminiGenerator::new(gemini::client(&url), config);
    let error = generator.condense(&gemini::follow_up()).await.expect_err("too late");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    server.await.unwrap().unwrap();
}
