//! Tries, headers and limits of time, whatever is called.

use std::time::Duration;

use askbook::contract::KEY;
use askbook::embedding::Purpose;
use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Embedder, Generator};
use askbook_gemini::{Client, EmbedderConfig, GeminiEmbedder, GeminiGenerator, QueryTask};
use serde_json::json;
use wiremock::matchers::{any, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::gemini;

async fn embed(server: &MockServer) -> Result<(), PortError> {
    let embedder = gemini::embedder(&server.uri(), "gemini-embedding-001");
    let shape = embedder.preferred_shape();
    embedder.embed(&["text".to_owned()], Purpose::Query, shape).await.map(drop)
}

#[tokio::test]
async fn the_key_is_a_header_and_nowhere_else() {
    let server = gemini::server().await;
    embed(&server).await.unwrap();
    gemini::generator(&server.uri()).generate(gemini::prompt()).await.map(drop).unwrap();
    gemini::generator(&server.uri()).ready().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    for mut request in requests {
        assert_eq!(request.headers.remove("x-goog-api-key").unwrap(), KEY);
        let shown = format!("{:?} {:?}", request.url, request.headers);
        assert!(!shown.contains(KEY), "{shown}");
        assert!(!String::from_utf8_lossy(&request.body).contains(KEY));
        assert!(!request.headers.contains_key("authorization"), "two credentials are refused");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times_and_the_rest_once() {
    let retry_info = |delay| json!([{ "retryDelay": delay }]);
    let rows = [
        (gemini::error(500, "INTERNAL", &json!([])), 3),
        (ResponseTemplate::new(502), 3),
        (gemini::error(503, "UNAVAILABLE", &json!([])), 3),
        (gemini::error(504, "DEADLINE_EXCEEDED", &json!([])), 3),
        (ResponseTemplate::new(408), 3),
        (gemini::error(429, "RESOURCE_EXHAUSTED", &retry_info("0s")), 3),
        (gemini::error(429, "RESOURCE_EXHAUSTED", &retry_info("3s")), 1),
        (gemini::error(400, "INVALID_ARGUMENT", &json!([])), 1),
        (gemini::error(403, "PERMISSION_DENIED", &json!([])), 1),
        (gemini::error(404, "NOT_FOUND", &json!([])), 1),
        (ResponseTemplate::new(200).set_body_string("{"), 1),
    ];
    for (response, tries) in rows {
        let server = gemini::always(response.clone()).await;
        embed(&server).await.expect_err("the error");
        assert_eq!(server.received_requests().await.unwrap().len(), tries, "{response:?}");
    }
}

#[tokio::test]
async fn a_try_may_succeed_after_two_that_failed() {
    let server = gemini::server().await;
    Mock::given(any())
        .respond_with(gemini::error(503, "UNAVAILABLE", &json!([])))
        .up_to_n_times(2)
        .with_priority(1)
        .expect(2)
        .mount(&server)
        .await;
    embed(&server).await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = gemini::server().await;
    let redirect = ResponseTemplate::new(307)
        .insert_header("location", format!("{}{}", elsewhere.uri(), gemini::EMBED));
    let error = embed(&gemini::always(redirect).await).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("GEMINI_BASE_URL"));
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_takes_all_calls() {
    let proxy = gemini::always(ResponseTemplate::new(200).set_body_string("{}")).await;
    let mut config = gemini::config("http://gemini.invalid");
    config.proxy = Some(proxy.uri().parse().unwrap());
    let client = Client::new(config).unwrap();
    GeminiGenerator::new(client, gemini::generator_config()).ready().await.unwrap();
    let requests = proxy.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["host"], "gemini.invalid");
}

#[tokio::test]
async fn a_missing_model_names_its_setting() {
    let server = gemini::always(gemini::error(404, "NOT_FOUND", &json!([]))).await;
    let message = embed(&server).await.expect_err("no such model").to_string();
    assert!(message.contains("gemini-embedding-001") && message.contains("EMBEDDING_MODEL"));
    let generator = gemini::generator(&server.uri());
    for message in [
        generator.ready().await.expect_err("no such model").to_string(),
        generator.generate(gemini::prompt()).await.err().expect("no such model").to_string(),
    ] {
        assert!(message.contains("gemini-3.5-flash-lite") && message.contains("GEMINI_MODEL"));
    }
}

#[tokio::test]
async fn while_everything_fails_few_calls_are_tried_again() {
    let server = gemini::always(gemini::error(503, "UNAVAILABLE", &json!([]))).await;
    let embedder = gemini::embedder(&server.uri(), "gemini-embedding-001");
    let calls = 100;
    for _ in 0..calls {
        let (texts, shape) = (["text".to_owned()], embedder.preferred_shape());
        embedder.embed(&texts, Purpose::Query, shape).await.expect_err("the error");
    }
    let requests = server.received_requests().await.unwrap().len();
    // Ten for the ten seconds at most that this takes, and ten for the hundred calls.
    assert!((calls + 10..=calls + 20).contains(&requests), "{requests}");
}

#[tokio::test]
async fn a_pause_that_would_outlast_the_call_is_not_waited_for() {
    let server = gemini::always(gemini::error(503, "UNAVAILABLE", &json!([]))).await;
    let mut config = gemini::config(&server.uri());
    config.retries.pause = Duration::from_hours(1);
    let client = Client::new(config).unwrap();
    let generator = GeminiGenerator::new(client, gemini::generator_config());
    let result = generator.generate(gemini::prompt()).await;
    assert_eq!(result.err().expect("the failure itself").kind(), ErrorKind::Unavailable);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_whole_call_has_its_limit_of_time() {
    let late = ResponseTemplate::new(200).set_delay(Duration::from_hours(1));
    let server = gemini::always(late).await;
    let mut config = gemini::config(&server.uri());
    config.timeouts.call = Duration::from_millis(50);
    let client = Client::new(config).unwrap();
    let config = EmbedderConfig {
        model: "gemini-embedding-001".to_owned(),
        dimension: None,
        query_task: QueryTask::RetrievalQuery,
    };
    let embedder = GeminiEmbedder::new(client.clone(), config).unwrap();
    let shape = embedder.preferred_shape();
    let result = embedder.embed(&["text".to_owned()], Purpose::Query, shape).await;
    assert_eq!(result.expect_err("too late").kind(), ErrorKind::Timeout);
    let generator = GeminiGenerator::new(client, gemini::generator_config());
    let result = generator.generate(gemini::prompt()).await;
    assert_eq!(result.err().expect("too late").kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_model_that_can_be_looked_up_but_does_not_answer_is_not_ready() {
    let server = gemini::server().await;
    Mock::given(method("POST"))
        .respond_with(gemini::error(429, "RESOURCE_EXHAUSTED", &json!([])))
        .up_to_n_times(6)
        .with_priority(1)
        .mount(&server)
        .await;
    let generator = gemini::generator(&server.uri());
    let embedder = gemini::embedder(&server.uri(), "gemini-embedding-001");
    let embed = async || {
        let texts = ["text".to_owned()];
        embedder.embed(&texts, Purpose::Query, embedder.preferred_shape()).await.map(drop)
    };
    assert!(generator.ready().await.is_ok() && embedder.ready().await.is_ok());
    assert!(generator.generate(gemini::prompt()).await.is_err() && embed().await.is_err());
    for error in [generator.ready().await.expect_err("it"), embedder.ready().await.expect_err("it")]
    {
        assert_eq!(error.kind(), ErrorKind::RateLimited);
    }
    assert!(generator.generate(gemini::prompt()).await.is_ok() && embed().await.is_ok());
    assert!(generator.ready().await.is_ok() && embedder.ready().await.is_ok());
}
