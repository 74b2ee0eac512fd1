use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::Level;
use super::*;

/// A Gemini that lists an embedding model and a writing one, and knows one more.
async fn gemini() -> MockServer {
    let server = MockServer::start().await;
    let model = |name: &str, method: &str| json!({"name": format!("models/{name}"), "supportedGenerationMethods": [method]});
    let models = [
        model("gemini-embedding-001", "embedContent"),
        model("gemini-3.5-flash-lite", "generateContent"),
        model("gemini-3.8-flash", "generateContent"),
    ];
    for (at, body) in [
        ("/v1beta/models", json!({ "models": models })),
        ("/v1beta/models/gemini-hidden", json!({"name": "models/gemini-hidden"})),
    ] {
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    server
}

async fn checked(server: &MockServer, settings: &[(&str, &str)]) -> Vec<Finding> {
    let address = server.uri();
    let given = [
        ("GEMINI_API_KEY", "s3cret"),
        ("GEMINI_BASE_URL", address.as_str()),
        ("ASKBOOK_DATA_DIR", "/nonexistent/askbook"),
    ];
    let config = Config::from_values(given.into_iter().chain(settings.iter().copied())).unwrap();
    let findings = findings(&config).await;
    assert!(!format!("{findings:?}").contains("s3cret"));
    findings
}

const BOTH: (&str, &str) = ("ASKBOOK_EMBEDDER", "gemini");

fn levels(findings: &[Finding]) -> Vec<(&str, Level)> {
    findings.iter().map(|finding| (finding.code, finding.level)).collect()
}

#[tokio::test]
async fn models_that_are_there_and_can_do_their_part_are_in_order() {
    let findings = checked(&gemini().await, &[BOTH]).await;
    let ok = [KEY, "embedding-model", "gemini-model"].map(|code| (code, Level::Ok));
    assert_eq!(levels(&findings), ok, "{findings:#?}");
}

#[tokio::test]
async fn a_model_that_is_not_there_is_told_with_those_that_are() {
    let server = gemini().await;
    let findings = checked(&server, &[BOTH, ("GEMINI_MODEL", "gemini-1.0")]).await;
    assert_eq!(findings[2].level, Level::Error);
    assert_eq!(findings[2].what, "gemini has no model gemini-1.0 for this key");
    let advice = "set GEMINI_MODEL to one of: gemini-3.5-flash-lite, gemini-3.8-flash";
    assert_eq!(findings[2].advice.as_deref(), Some(advice));
    assert_eq!(findings[1].level, Level::Ok, "the other one is not concerned");
}

#[tokio::test]
async fn a_model_that_is_for_something_else_is_told() {
    let server = gemini().await;
    let settings = [BOTH, ("EMBEDDING_MODEL", "gemini-3.8-flash")];
    let findings = checked(&server, &settings).await;
    assert_eq!(findings[1].what, "gemini-3.8-flash cannot embed");
    let advice = "set EMBEDDING_MODEL to one of: gemini-embedding-001";
    assert_eq!(findings[1].advice.as_deref(), Some(advice));
}

#[tokio::test]
async fn a_model_that_is_there_without_being_listed_is_in_order() {
    let findings = checked(&gemini().await, &[("GEMINI_MODEL", "gemini-hidden")]).await;
    assert_eq!(levels(&findings)[1], ("gemini-model", Level::Ok), "{findings:#?}");
}

#[tokio::test]
async fn a_fallback_model_that_is_not_there_is_a_warning() {
    let server = gemini().await;
    let fallback = |model| [("GEMINI_FALLBACK_MODEL", model)];
    let findings = checked(&server, &fallback("gemini-3.8-flash")).await;
    assert_eq!(levels(&findings)[2], ("fallback-model", Level::Ok), "{findings:#?}");
    let findings = checked(&server, &fallback("gemini-1.0")).await;
    assert_eq!(levels(&findings)[2], ("fallback-model", Level::Warning), "{findings:#?}");
    assert!(findings[2].advice.as_ref().unwrap().contains("GEMINI_FALLBACK_MODEL"));
}

#[tokio::test]
async fn a_key_that_is_refused_is_one_error() {
    let server = MockServer::start().await;
    let error = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "s3cret", "details": [{"reason": "API_KEY_INVALID"}]}});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(400).set_body_json(error))
        .expect(1)
        .mount(&server)
        .await;
    let findings = checked(&server, &[BOTH]).await;
    assert_eq!(levels(&findings), [(KEY, Level::Error)]);
    assert!(findings[0].what.contains("GEMINI_API_KEY"), "{findings:#?}");
}

#[tokio::test]
async fn where_no_part_calls_gemini_neither_does_the_check() {
    let server = MockServer::start().await;
    let settings = [("ASKBOOK_EMBEDDER", "memory"), ("ASKBOOK_GENERATOR", "quote")];
    let findings = checked(&server, &settings).await;
    assert_eq!(levels(&findings), [(KEY, Level::Note)]);
    assert!(server.received_requests().await.unwrap().is_empty());
}
