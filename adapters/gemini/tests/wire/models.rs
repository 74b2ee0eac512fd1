//! The list of models.

use askbook::contract::KEY;
use askbook::error::{ErrorKind, PortError};
use askbook_gemini::ListedModel;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::gemini;

async fn mount(server: &MockServer, token: Option<&str>, page: Value) {
    let request = Mock::given(method("GET"))
        .and(path("/v1beta/models"))
        .and(query_param("pageSize", "1000"))
        .and(header("x-goog-api-key", KEY));
    let request = match token {
        Some(token) => request.and(query_param("pageToken", token)),
        None => request.and(query_param_is_missing("pageToken")),
    };
    let response = ResponseTemplate::new(200).set_body_json(page);
    request.respond_with(response).mount(server).await;
}

#[tokio::test]
async fn all_pages_are_read_and_say_what_each_model_can_do() {
    let server = MockServer::start().await;
    let model = |name: &str, methods: &[&str]| json!({"name": name, "supportedGenerationMethods": methods, "thinking": true});
    let first = [
        model("models/gemini-3.5-flash-lite", &["generateContent", "countTokens"]),
        model("models/gemini-embedding-001", &["embedContent", "countTextTokens"]),
    ];
    mount(&server, None, json!({"models": first, "nextPageToken": "2/ä"})).await;
    let last = [model("models/aqa", &["generateAnswer"]), json!({"name": "models/bare"})];
    mount(&server, Some("2/ä"), json!({"models": last})).await;

    let models = gemini::client(&server.uri()).models().await.unwrap();
    let listed = |id: &str, embeds, writes| ListedModel { id: id.to_owned(), embeds, writes };
    assert_eq!(
        models,
        [
            listed("aqa", false, false),
            listed("bare", false, false),
            listed("gemini-3.5-flash-lite", false, true),
            listed("gemini-embedding-001", true, false),
        ]
    );
}

async fn fails(response: ResponseTemplate) -> PortError {
    let server = gemini::always(response).await;
    gemini::client(&server.uri()).models().await.expect_err("no list")
}

#[tokio::test]
async fn a_list_that_cannot_be_had_says_why() {
    let refused = json!([{"reason": "API_KEY_INVALID"}]);
    for (response, kind, says) in [
        (
            gemini::error(400, "INVALID_ARGUMENT", &refused),
            ErrorKind::Unauthorized,
            "GEMINI_API_KEY",
        ),
        (gemini::error(404, "NOT_FOUND", &json!([])), ErrorKind::Misconfigured, "GEMINI_BASE_URL"),
        (ResponseTemplate::new(200).set_body_string("<html>"), ErrorKind::Malformed, "line 1"),
        (
            ResponseTemplate::new(200).set_body_json(json!({"nextPageToken": "again"})),
            ErrorKind::Malformed,
            "no end",
        ),
    ] {
        let error = fails(response).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
