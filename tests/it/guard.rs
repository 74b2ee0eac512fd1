use reqwest::StatusCode;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::app::{SMALL_BOOK, TestApp};
use crate::support::gemini::{KEY, broken, calls};

const QUESTION: &str = "How long is a session kept?";

/// A server whose model fails like this, with nothing that stands in for it; whoever asks it.
async fn failing(status: u16, detail: serde_json::Value) -> (wiremock::MockServer, TestApp) {
    let body = json!({"error": {"code": status, "message": "", "details": detail}}).to_string();
    let gemini = broken(status, &body).await;
    let app = TestApp::start(&[
        SMALL_BOOK,
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.uri()),
        ("ASKBOOK_FALLBACK", "none"),
    ])
    .await;
    (gemini, app)
}

#[tokio::test]
async fn a_model_that_stays_down_is_asked_five_times_and_then_left_alone() {
    // It asks for more patience than there is, so that each call is made once.
    let (gemini, app) = failing(503, json!([{"retryDelay": "60s"}])).await;
    for asked in 1..=8 {
        let reply = app.chat(&json!({ "message": QUESTION })).await;
        reply.is_problem(503, "upstream_unavailable");
        assert_eq!(calls(&gemini).await.1, asked.min(5), "after {asked} questions");
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!(if asked > 5 { wait <= 10 } else { wait == 60 }, "{wait}");
    }
    assert_eq!(app.get("/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_asked_for_once() {
    let quota = json!([{"violations": [{
        "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
    }]}]);
    let (gemini, app) = failing(429, quota).await;
    for _ in 0..4 {
        let reply = app.chat(&json!({ "message": QUESTION })).await;
        reply.is_problem(503, "upstream_rate_limited");
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(calls(&gemini).await.1, 1);
}

#[tokio::test]
async fn a_question_beyond_what_a_model_may_have_at_once_is_answered_without_it() {
    let model = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = TestApp::start(&[
        SMALL_BOOK,
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &format!("http://{}", model.local_addr().unwrap())),
        ("ASKBOOK_UPSTREAM_CALLS", "1"),
        ("ASKBOOK_UPSTREAM_TIMEOUT_MS", "20000"),
    ])
    .await;
    let body = json!({ "message": QUESTION });
    let first = app.chat(&body);
    let second = async {
        let (mut call, _) = model.accept().await.unwrap();
        let mut head = [0; 64];
        call.read_exact(&mut head).await.unwrap();
        assert!(String::from_utf8_lossy(&head).contains(":streamGenerateContent"));
        app.ask(QUESTION).await
    };
    tokio::select! {
        _ = first => panic!("nobody answers it"),
        answer = second => {
            assert_eq!(answer["mode"], "extractive", "{answer}");
            assert_eq!(answer["degraded"], json!([{"leg": "generator", "reason": "unavailable"}]));
        }
    }
}
