//! A stand-in for Gemini that is as strict as it is.

use std::any::Any;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;
use std::time::Duration;

use askbook::contract::{Fault, KEY};
use askbook::follow_up::FollowUp;
use askbook::passage::{Hit, Passage, PassageId, Scores};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::session::{MessageId, Role, Turn};
use askbook_gemini::{
    Client, ClientConfig, EmbedderConfig, GeminiEmbedder, GeminiGenerator, GeneratorConfig,
    QueryTask, Retries, Timeouts,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{any, header, method, path, path_regex, query_param};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const GENERATE: &str = "/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent";
pub(crate) const CONDENSE: &str = "/v1beta/models/gemini-3.5-flash-lite:generateContent";
pub(crate) const EMBED: &str = "/v1beta/models/gemini-embedding-001:batchEmbedContents";

pub(crate) fn config(base_url: &str) -> ClientConfig {
    let patient = Duration::from_secs(20);
    ClientConfig {
        base_url: base_url.parse().unwrap(),
        api_version: "v1beta".to_owned(),
        api_key: KEY.into(),
        proxy: None,
        timeouts: Timeouts { connect: patient, read: patient, call: patient },
        retries: Retries { times: 2, pause: Duration::ZERO, patience: Duration::ZERO },
    }
}

pub(crate) fn client(base_url: &str) -> Client {
    Client::new(config(base_url)).unwrap()
}

pub(crate) fn embedder(base_url: &str, model: &str) -> GeminiEmbedder {
    let config = EmbedderConfig {
        model: model.to_owned(),
        dimension: None,
        query_task: QueryTask::default(),
    };
    GeminiEmbedder::new(hasty(base_url), config).unwrap()
}

pub(crate) fn generator(base_url: &str) -> GeminiGenerator {
    GeminiGenerator::new(hasty(base_url), generator_config())
}

pub(crate) fn generator_config() -> GeneratorConfig {
    GeneratorConfig {
        model: "gemini-3.5-flash-lite".to_owned(),
        max_output_tokens: NonZeroU32::new(4096).unwrap(),
        thinking_level: Some("MINIMAL".to_owned()),
        answer_timeout: Duration::from_secs(20),
        condense_timeout: Duration::from_secs(20),
    }
}

/// A client that waits for a peer that hangs only briefly; the address tells which one does.
fn hasty(base_url: &str) -> Client {
    let mut config = config(base_url);
    if let Some(base_url) = base_url.strip_suffix("/hangs") {
        config.base_url = base_url.parse().unwrap();
        config.timeouts.read = Duration::from_millis(50);
    }
    Client::new(config).unwrap()
}

/// Embeds, generates, condenses and knows its models.
pub(crate) async fn server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path_regex(r"^/v1beta/models/gemini-embedding-[^/]+:batchEmbedContents$"))
        .and(header("x-goog-api-key", KEY))
        .respond_with(Embeds)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(GENERATE))
        .and(query_param("alt", "sse"))
        .and(header("x-goog-api-key", KEY))
        .respond_with(sse(ANSWER))
        .mount(&server)
        .await;
    let condensed = json!({
        "candidates": [{
            "content": {"role": "model", "parts": [{"text": format!("{CONDENSED}\n")}]},
            "finishReason": "STOP",
        }],
    });
    Mock::given(method("POST"))
        .and(path(CONDENSE))
        .and(header("x-goog-api-key", KEY))
        .respond_with(ResponseTemplate::new(200).set_body_json(condensed))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path_regex(r"^/v1beta/models/(gemini-3.5-flash-lite|gemini-embedding-[^/:]+)$"))
        .and(header("x-goog-api-key", KEY))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"name": "models/x"})))
        .mount(&server)
        .await;
    server
}

/// An answer in the forms that events take: thoughts, text over several parts, an end without
/// content, growing usage.
pub(crate) const ANSWER: &str = concat!(
    r#"data: {"candidates":[{"content":{"role":"model","parts":[{"text":"hm","thought":true}]},"index":0}],"usageMetadata":{"promptTokenCount":90,"thoughtsTokenCount":4},"modelVersion":"gemini-3.5-flash-lite-001","responseId":"r"}"#,
    "\r\n\r\n",
    r#"data: {"candidates":[{"content":{"role":"model","parts":[{"text":"At hïgh "},{"text":"tide"}]},"index":0}],"usageMetadata":{"promptTokenCount":91,"candidatesTokenCount":3,"thoughtsTokenCount":5}}"#,
    "\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\" 🌊\u{2028}\\n[1].\"}]}}]}\n\n",
    r#"data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":91,"candidatesTokenCount":8,"thoughtsTokenCount":5,"totalTokenCount":104}}"#,
    "\r\n\r\n",
);

/// The texts of [`ANSWER`].
pub(crate) const PIECES: [&str; 2] = ["At hïgh tide", " 🌊\u{2028}\n[1]."];

/// What every follow-up is condensed to.
pub(crate) const CONDENSED: &str = "When is the harbour open to ships?";

pub(crate) fn sse(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "text/event-stream")
}

/// A server that says one thing to everyone.
pub(crate) async fn always(response: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&server).await;
    server
}

/// The address of a peer that misbehaves so.
pub(crate) async fn faulty(fault: Fault) -> (String, Box<dyn Any + Send>) {
    if matches!(fault, Fault::Unreachable | Fault::Hangs) {
        // Connections are accepted by the system, and nobody answers.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        return match fault {
            Fault::Hangs => (format!("{url}/hangs"), Box::new(listener)),
            _ => (url, Box::new(())),
        };
    }
    let server = always(match fault {
        Fault::Overloaded => error(503, "UNAVAILABLE", &json!([])),
        Fault::RateLimited => {
            let retry_info = "type.googleapis.com/google.rpc.RetryInfo";
            let details = json!([{"@type": retry_info, "retryDelay": "7.2s"}]);
            error(429, "RESOURCE_EXHAUSTED", &details)
        }
        Fault::RefusesKey => {
            let details = json!([{"reason": "API_KEY_INVALID", "metadata": {"key": KEY}}]);
            error(400, "INVALID_ARGUMENT", &details)
        }
        _ => ResponseTemplate::new(200).set_body_raw("<html>It works!</html>", "text/html"),
    });
    let server = server.await;
    (server.uri(), Box::new(server))
}

pub(crate) fn error(code: u16, status: &str, details: &Value) -> ResponseTemplate {
    let message = format!("something about {KEY}");
    let error = json!({"code": code, "status": status, "message": message, "details": details});
    ResponseTemplate::new(code).set_body_json(json!({ "error": error }))
}

/// Makes a vector of each text, not of unit length.
struct Embeds;

impl Respond for Embeds {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let requests = body["requests"].as_array().unwrap();
        let model = request.url.path().strip_prefix("/v1beta/").unwrap();
        let fits = |request: &Value| {
            let parts = request["content"]["parts"].as_array().unwrap();
            let by_task = request["taskType"].is_string();
            request["model"] == model.strip_suffix(":batchEmbedContents").unwrap()
                && parts.len() == 1
                && !parts[0]["text"].as_str().unwrap().is_empty()
                && by_task != model.contains("embedding-2")
        };
        if requests.is_empty() || requests.len() > 100 || !requests.iter().all(fits) {
            return error(400, "INVALID_ARGUMENT", &json!([]));
        }
        let embedding = |request: &Value| {
            let dimension = request["outputDimensionality"].as_u64().unwrap();
            let text = request["content"]["parts"][0]["text"].as_str().unwrap();
            let values: Vec<f64> = (0..dimension).map(|at| component(text, at)).collect();
            json!({ "values": values })
        };
        let embeddings: Vec<Value> = requests.iter().map(embedding).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "embeddings": embeddings }))
    }
}

fn component(text: &str, at: u64) -> f64 {
    let mut hasher = DefaultHasher::new();
    (text, at).hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap()) / f64::from(u32::MAX) - 0.5
}

pub(crate) fn prompt() -> Prompt {
    let passage = Passage {
        id: PassageId("tides".to_owned()),
        title: "Tides".to_owned(),
        headings: Vec::new(),
        url: None,
        text: "The harbour is open at high tide.".to_owned(),
        edition: None,
    };
    let FollowUp { mark, question, history } = follow_up();
    let passages = vec![Hit { passage, scores: Scores::default() }];
    Prompt { mark, question, standalone: None, passages, history }
}

pub(crate) fn follow_up() -> FollowUp {
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    FollowUp {
        mark: MessageId(Uuid::from_u128(7)),
        question: Question::new("When is it open?", None, None, QuestionLimits::default()).unwrap(),
        history: vec![turn(Role::Reader, "Is there a harbour?"), turn(Role::Book, "Yes [1].")],
    }
}
