//! What is asked of `streamGenerateContent`, and what whole answers mean.

use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Generated, Generator, Usage};
use askbook::prompt::Rendered;
use askbook_gemini::{GeminiGenerator, GeneratorConfig};
use futures_util::StreamExt;
use serde_json::{Value, json};
use wiremock::matchers::{any, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer};

use crate::support::gemini;

type Pieces = Vec<Result<Generated, PortError>>;

async fn generate(server: &MockServer) -> Pieces {
    let generator = gemini::generator(&server.uri());
    generator.generate(gemini::prompt()).await.expect("a generation").collect().await
}

fn end(model: &str, input_tokens: u64, output_tokens: u64) -> Generated {
    Generated::End { model: model.to_owned(), usage: Usage { input_tokens, output_tokens } }
}

#[tokio::test]
async fn the_request_holds_prompt_and_settings_and_nothing_else() {
    let prompt = gemini::prompt();
    let Rendered { system, user } = prompt.render();
    let body = |config: Value| {
        json!({
            "systemInstruction": {"parts": [{"text": system}]},
            "contents": [{"role": "user", "parts": [{"text": user}]}],
            "generationConfig": config,
        })
    };
    let thinking = json!({"maxOutputTokens": 4096, "thinkingConfig": {"thinkingLevel": "LOW"}});
    let plain = json!({"maxOutputTokens": 4096});
    for (level, config) in [("LOW", thinking), ("", plain)] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path(gemini::GENERATE))
            .and(query_param("alt", "sse"))
            .and(header("accept-encoding", "identity"))
            .and(body_json(body(config)))
            .respond_with(gemini::sse(gemini::ANSWER))
            .expect(1)
            .mount(&server)
            .await;
        let config = GeneratorConfig {
            thinking_level: Some(level.to_owned()),
            ..gemini::generator_config()
        };
        let generator = GeminiGenerator::new(gemini::client(&server.uri()), config);
        generator.generate(prompt.clone()).await.map(drop).unwrap();
    }
}

#[tokio::test]
async fn an_answer_is_its_text_without_thoughts_and_the_last_usage() {
    let server = gemini::server().await;
    let pieces: Vec<_> = generate(&server).await.into_iter().map(Result::unwrap).collect();
    let [first, second] = gemini::PIECES.map(|text| Generated::Text(text.to_owned()));
    assert_eq!(pieces, [first, second, end("gemini-3.5-flash-lite-001", 91, 13)]);
}

fn event(candidate: &str, rest: &str) -> String {
    format!("data: {{\"candidates\":[{candidate}]{rest}}}\n\n")
}

fn text(text: &str, finish: &str) -> String {
    let finish = match finish {
        "" => String::new(),
        reason => format!(r#","finishReason":"{reason}""#),
    };
    event(&format!(r#"{{"content":{{"parts":[{{"text":"{text}"}}]}}{finish}}}"#), "")
}

/// The text that was written and how it ended.
async fn outcome(body: &str) -> (String, Result<Generated, PortError>) {
    let mut pieces = generate(&gemini::always(gemini::sse(body)).await).await;
    let end = pieces.pop().expect("an end");
    let text = |piece| match piece {
        Ok(Generated::Text(text)) => text,
        other => panic!("{other:?} before the end"),
    };
    (pieces.into_iter().map(text).collect(), end)
}

#[tokio::test]
async fn answers_that_end_well() {
    for (body, written) in [
        (text("a", "STOP"), "a"),
        (text("a", "STOP") + &text("b", "STOP"), "ab"),
        (text("a", "") + &text("", "STOP"), "a"),
        (text("a", "") + &event(r#"{"finishReason":"STOP"}"#, ""), "a"),
        (text("a", "STOP") + &event("", r#","usageMetadata":{}"#), "a"),
        (text("a", "STOP").trim_end().to_owned(), "a"),
        (format!(": beat\n\n{}retry: 3\n", text("a", "STOP")), "a"),
        (text("a", "STOP").replace("}]", r#","new":{"field":[]}}]"#), "a"),
    ] {
        let (text, ended) = outcome(&body).await;
        assert_eq!(text, written, "{body}");
        assert_eq!(ended.expect(&body), end("gemini-3.5-flash-lite", 0, 0));
    }
}

#[tokio::test]
async fn answers_that_do_not_end_well() {
    use ErrorKind::{Blocked, Malformed, RateLimited, Unavailable};
    let overloaded = r#"{"error":{"code":503,"message":"text-of-it","status":"UNAVAILABLE"}}"#;
    let limited = r#"{"error":{"code":429,"message":"Please retry in 7.5s."}}"#;
    let raw_tail = "{\n  \"error\": {\n    \"code\": 503,\n    \"status\": \"UNAVAILABLE\"\n  }\n}";
    let thought =
        r#"{"content":{"parts":[{"text":"hm","thought":true}]},"finishReason":"MAX_TOKENS"}"#;
    for (body, written, kind, says) in [
        (text("a", ""), "a", Malformed, "broke off"),
        (String::new(), "", Malformed, "broke off"),
        (text("a", "") + "data: {\"candidates\":[{\"con", "a", Malformed, "line 1"),
        (text("a", "") + "data: [DONE]\n\n", "a", Malformed, "line 1"),
        (text("a", "") + &format!("data: {overloaded}\n\n"), "a", Unavailable, "503 UNAVAILABLE"),
        (text("a", "STOP") + &format!("data: {overloaded}\n\n"), "a", Unavailable, "503"),
        (format!("data: {limited}\n\n"), "", RateLimited, "for now"),
        (text("a", "") + raw_tail, "a", Unavailable, "503 UNAVAILABLE"),
        (format!("[{raw_tail}]"), "", Unavailable, "503 UNAVAILABLE"),
        ("<html>busy</html>".to_owned(), "", Malformed, "broke off"),
        (
            text("a", "MAX_TOKENS"),
            "a",
            Malformed,
            "ASKBOOK_GEMINI_MAX_OUTPUT_TOKENS, 4096, cut gemini's answer",
        ),
        (
            event(thought, r#","usageMetadata":{"thoughtsTokenCount":4096}"#),
            "",
            Malformed,
            "4096 tokens were thoughts",
        ),
        (text("a", "CONTINUATION"), "a", Malformed, "ASKBOOK_GEMINI_MAX_OUTPUT_TOKENS"),
        (text("a", "SAFETY"), "a", Blocked, "SAFETY"),
        (
            text("a", "") + &event(r#"{"finishReason":"RECITATION"}"#, ""),
            "a",
            Blocked,
            "RECITATION",
        ),
        (text("a", "SPII") + &text("", "STOP"), "a", Blocked, "SPII"),
        (text("a", "PROHIBITED_CONTENT"), "a", Blocked, "PROHIBITED_CONTENT"),
        (text("a", "OTHER"), "a", Malformed, "OTHER"),
        (text("a", "MALFORMED_RESPONSE"), "a", Malformed, "MALFORMED_RESPONSE"),
        (text("a", "SOME_NEW_REASON"), "a", Malformed, "SOME_NEW_REASON"),
        (event("", r#","promptFeedback":{"blockReason":"BLOCKLIST"}"#), "", Blocked, "BLOCKLIST"),
    ] {
        let (text, ended) = outcome(&body).await;
        assert_eq!(text, written, "{body}");
        let error = ended.expect_err(&body);
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert!(error.to_string().contains(says), "{error} does not say {says}");
        assert!(!format!("{error:?}").contains("text-of-it"), "{error:?}");
        let wait = error.retry_after().map(|wait| wait.as_secs_f32());
        assert_eq!(wait, (kind == RateLimited).then_some(7.5));
    }
}

#[tokio::test]
async fn an_empty_answer_is_asked_for_once_more_and_both_are_paid() {
    let empty = event(
        r#"{"content":{"parts":[{"text":"","thoughtSignature":"x"}]},"finishReason":"STOP"}"#,
        r#","usageMetadata":{"promptTokenCount":91,"thoughtsTokenCount":2}"#,
    );
    let server = gemini::server().await;
    Mock::given(any())
        .respond_with(gemini::sse(&empty))
        .up_to_n_times(1)
        .with_priority(1)
        .expect(1)
        .mount(&server)
        .await;
    let last = generate(&server).await.pop().unwrap().unwrap();
    assert_eq!(last, end("gemini-3.5-flash-lite-001", 182, 15));

    let server = gemini::always(gemini::sse(&empty)).await;
    let mut pieces = generate(&server).await;
    let error = pieces.pop().unwrap().expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_event_of_more_than_4_mib_is_refused() {
    let body = format!("{}data: \"{}", text("a", ""), "x".repeat(5 << 20));
    let (text, ended) = outcome(&body).await;
    assert_eq!(text, "a");
    assert!(ended.expect_err("too long").to_string().contains("4 MiB"));
}
