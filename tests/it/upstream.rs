use askbook::contract::Fault;
use reqwest::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::app::{SMALL_BOOK, TestApp};
use crate::support::gemini::{KEY, broken, calls, gemini};
use crate::support::qdrant_server::QdrantServer;

const QUESTION: &str = "How long is a session kept?";

#[tokio::test]
async fn gemini_answers_over_the_embedded_index() {
    let gemini = gemini("A session is kept for one hour [1], or as you set it [99].").await;
    let app = TestApp::start(&[("GEMINI_API_KEY", KEY), ("GEMINI_BASE_URL", &gemini.uri())]).await;
    let answer = app.ask(QUESTION).await;
    assert_eq!(
        answer["answer"], "A session is kept for one hour [1], or as you set it.",
        "checked: there is no passage 99"
    );
    assert_eq!(answer["sources"].as_array().unwrap().len(), 1);
    assert_eq!(answer["model"], "gemini-e2e-001");
    assert_eq!(answer["usage"], json!({"input_tokens": 120, "output_tokens": 12}));
    assert_eq!(calls(&gemini).await, (0, 1), "BM25 embeds the question");
    let requests = gemini.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| !request.url.as_str().contains(KEY)));
}

#[tokio::test]
async fn gemini_says_that_the_book_does_not_say() {
    let gemini = gemini("[[not in the book]]").await;
    let app = TestApp::start(&[("GEMINI_API_KEY", KEY), ("GEMINI_BASE_URL", &gemini.uri())]).await;
    let answer = app.ask(QUESTION).await;
    assert_eq!(answer["outcome"], "not_in_book");
    assert_eq!(answer["sources"], json!([]));
}

#[tokio::test]
async fn what_gemini_fails_with_is_told_by_kind_and_stage_and_never_by_its_own_words() {
    let google = |status: &str, more: serde_json::Value| {
        json!({"error": {"code": 0, "status": status, "message": "INTERNAL WORDS", "details": more}})
            .to_string()
    };
    let wait =
        json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36.4s"}]);
    let bad_key =
        json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]);
    for (status, body, expected, code, retry_after) in [
        (429, google("RESOURCE_EXHAUSTED", wait), 503, "upstream_rate_limited", Some("37")),
        (400, google("INVALID_ARGUMENT", bad_key), 503, "upstream_unauthorized", None),
        (403, google("PERMISSION_DENIED", json!([])), 503, "upstream_unauthorized", None),
        (404, google("NOT_FOUND", json!([])), 503, "upstream_misconfigured", None),
        (400, google("INVALID_ARGUMENT", json!([])), 502, "upstream_rejected", None),
        (200, "<html>INTERNAL WORDS</html>".to_owned(), 502, "upstream_malformed", None),
    ] {
        let gemini = broken(status, &body).await;
        let app = TestApp::start(&[
            SMALL_BOOK,
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", &gemini.uri()),
            ("ASKBOOK_FALLBACK", "none"),
        ])
        .await;
        let reply = app.chat(&json!({ "message": QUESTION })).await;
        reply.is_problem(expected, code);
        assert_eq!(reply.json()["stage"], "generate");
        assert_eq!(reply.header("retry-after"), retry_after, "{code}");
        for leak in [KEY, "INTERNAL WORDS", &gemini.uri()] {
            assert!(!reply.text.contains(leak), "{}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_model_that_hangs_is_given_up_when_its_time_is_over() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let of_a_call = ("ASKBOOK_UPSTREAM_TIMEOUT_MS", "200");
    let of_an_answer = ("ASKBOOK_ANSWER_MS", "200");
    // What is left of the deadline is for the search.
    let of_all = ("ASKBOOK_DEADLINE_MS", "600");
    for limit in [of_a_call, of_an_answer, of_all] {
        let app = TestApp::start(&[
            SMALL_BOOK,
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", &url),
            ("ASKBOOK_FALLBACK", "none"),
            limit,
        ])
        .await;
        app.chat(&json!({ "message": QUESTION })).await.is_problem(504, "upstream_timeout");
    }
}

#[tokio::test]
async fn a_question_that_takes_too_long_altogether_is_given_up() {
    let (gemini, qdrant) = (gemini("").await, QdrantServer::with_fault(Fault::Hangs).await);
    let app = TestApp::start(&[
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.uri()),
        ("QDRANT_URL", &qdrant.url()),
        ("QDRANT_COLLECTION_NAME", "book"),
        ("ASKBOOK_MIRROR_REFRESH_S", "0"),
        ("ASKBOOK_DEADLINE_MS", "200"),
    ])
    .await;
    // A part of the time is for what could do without the search.
    app.chat(&json!({ "message": QUESTION })).await.is_problem(504, "upstream_timeout");
    assert_eq!(calls(&gemini).await.1, 0, "nothing is written for nobody");
}

#[tokio::test]
async fn health_asks_nobody_and_readiness_tells_which_part_is_gone() {
    for (fallback, status) in [("none", StatusCode::SERVICE_UNAVAILABLE), ("quote", StatusCode::OK)]
    {
        let gemini = broken(403, "{}").await;
        let app = TestApp::start(&[
            SMALL_BOOK,
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", &gemini.uri()),
            ("ASKBOOK_FALLBACK", fallback),
        ])
        .await;
        assert_eq!(app.get("/health").await.status, StatusCode::OK);
        assert_eq!(gemini.received_requests().await.unwrap().len(), 0);
        let ready = app.get("/ready").await;
        assert_eq!(ready.status, status, "{}", ready.text);
        assert_eq!(ready.json()["ready"], status == StatusCode::OK);
        assert_eq!(ready.json()["degraded"], true);
        let generator = &ready.json()["dependencies"][2];
        let expected = json!({"name": "generator", "ready": false, "error": "unauthorized"});
        assert_eq!(*generator, expected, "{}", ready.text);
        let asked = gemini.received_requests().await.unwrap().len();
        app.get("/ready").await;
        let asked_again = gemini.received_requests().await.unwrap().len();
        assert_eq!(asked_again, asked, "readiness is remembered");
    }
}
