//! What a request's deadline means to its calls.

use std::time::Duration;

use askbook::embedding::Purpose;
use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Embedder, Generator};
use askbook::request::Context;
use askbook_gemini::{Client, EmbedderConfig, GeminiEmbedder, QueryTask};
use serde_json::json;
use tokio::time::Instant;
use wiremock::{MockServer, ResponseTemplate};

use crate::support::gemini;

/// Embeds for a request that has so much time left, by a client that pauses for so long before it
/// tries again, and for as long as it is asked to.
async fn embed(
    server: &MockServer,
    left: Option<Duration>,
    pause: Duration,
) -> Result<(), PortError> {
    let mut config = gemini::config(&server.uri());
    config.retries.pause = pause;
    config.retries.patience = Duration::from_mins(1);
    let config_of_embedder = EmbedderConfig {
        model: "gemini-embedding-001".to_owned(),
        dimension: None,
        query_task: QueryTask::default(),
    };
    let client = Client::new(config).unwrap();
    let embedder = GeminiEmbedder::new(client, config_of_embedder).unwrap();
    let (texts, shape) = (["text".to_owned()], embedder.preferred_shape());
    within(left, async { embedder.embed(&texts, Purpose::Query, shape).await.map(drop) }).await
}

async fn within<T>(left: Option<Duration>, work: impl Future<Output = T>) -> T {
    let deadline = left.map(|left| (Instant::now() + left).into_std());
    Context { deadline, ..Context::default() }.scope(work).await
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_pause_that_would_end_after_the_deadline_is_not_begun() {
    let asks = |delay: &str| json!([{ "retryDelay": delay }]);
    for (response, pause, kind) in [
        (gemini::error(503, "UNAVAILABLE", &json!([])), 6 * SECOND, ErrorKind::Unavailable),
        (
            gemini::error(429, "RESOURCE_EXHAUSTED", &asks("6s")),
            Duration::ZERO,
            ErrorKind::RateLimited,
        ),
    ] {
        let server = gemini::always(response).await;
        let error = embed(&server, Some(5 * SECOND), pause).await.unwrap_err();
        assert_eq!(error.kind(), kind, "its own error, and not that time is over");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn no_call_outlasts_its_request() {
    let late = ResponseTemplate::new(200).set_delay(Duration::from_hours(1));
    let server = gemini::always(late).await;
    let left = Some(Duration::from_millis(50));
    let error = embed(&server, left, SECOND).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let generator = gemini::generator(&server.uri());
    let begun = within(left, generator.generate(gemini::prompt())).await;
    assert_eq!(begun.err().expect("too late").kind(), ErrorKind::Timeout);
    let condensed = within(left, generator.condense(&gemini::follow_up())).await;
    assert_eq!(condensed.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn gemini_is_told_by_when_it_may_give_up_unless_that_is_too_soon_for_it() {
    let told = async |left: Option<Duration>| {
        let server = gemini::server().await;
        embed(&server, left, SECOND).await.unwrap();
        let generator = gemini::generator(&server.uri());
        within(left, generator.generate(gemini::prompt())).await.map(drop).unwrap();
        let requests = server.received_requests().await.unwrap();
        let header = |request: &wiremock::Request| {
            let told = request.headers.get("x-server-timeout")?;
            Some(told.to_str().unwrap().to_owned())
        };
        requests.iter().map(header).collect::<Vec<_>>()
    };
    let both =
        |embedding: &str, answer: &str| [Some(embedding.to_owned()), Some(answer.to_owned())];
    // No longer than anybody waits for it.
    assert_eq!(told(Some(3600 * SECOND)).await, both("20", "20"));
    assert_eq!(told(None).await, both("20", "20"));
    assert_eq!(told(Some(12 * SECOND)).await, both("12", "12"));
    assert_eq!(told(Some(9 * SECOND)).await, [None, None]);
}
