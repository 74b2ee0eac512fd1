//! What readers' questions cost, and that it stays below its ceiling.

use std::fs;

use futures_util::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::{Reply, TestApp};
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, QUESTION};
use crate::support::scripted_gemini::{Call, ScriptedGemini, Verb};
use crate::support::sse;

/// A book that is searched here, so that a question costs one call, and a place to keep things.
struct Owner {
    gemini: ScriptedGemini,
    folder: TempDir,
}

impl Owner {
    async fn new() -> Self {
        let gemini = ScriptedGemini::start(|call: &Call| call.done(QUESTION, ANSWER)).await;
        let folder = tempfile::tempdir().unwrap();
        let book = folder.path().join("book");
        fs::create_dir(&book).unwrap();
        let page = "# Tides\n\nThe harbour is open to ships at high tide.\n";
        fs::write(book.join("tides.md"), page).unwrap();
        Self { gemini, folder }
    }

    async fn start(&self, settings: &[(&str, &str)]) -> TestApp {
        let (url, folder) = (self.gemini.url(), self.folder.path());
        let [book, data] = ["book", "data"].map(|name| folder.join(name).display().to_string());
        let defaults = [
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", &url),
            ("ASKBOOK_EMBEDDER", "bm25"),
            ("ASKBOOK_BOOK", &book),
            ("ASKBOOK_DATA_DIR", &data),
            ("ASKBOOK_UPSTREAM_CALLS", "1000"),
        ];
        TestApp::start(&[&defaults, settings].concat()).await
    }

    /// How many answers Gemini has written.
    fn written(&self) -> usize {
        let calls = self.gemini.paid_calls();
        calls.into_iter().filter(|verb| *verb == Verb::Write).count()
    }
}

/// What an answer is, and what it lacks.
fn mode(answer: &Value) -> (&str, &Value) {
    (answer["mode"].as_str().unwrap(), &answer["degraded"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_get_as_many_written_answers_as_the_owner_pays_for() {
    let owner = Owner::new().await;
    // A busy machine is no reason for anything here.
    let patient = [("ASKBOOK_UPSTREAM_TIMEOUT_MS", "100000"), ("ASKBOOK_DEADLINE_MS", "300000")];
    let app = owner.start(&[&patient[..], &[("ASKBOOK_SPEND_CALLS_PER_DAY", "20")]].concat()).await;
    // More at once would be too slow to send what they ask, as they share this machine.
    let clients = stream::iter((0..1_000).map(|_| app.ask(QUESTION))).buffer_unordered(100);
    let answers: Vec<Value> = clients.collect().await;
    let written = answers.iter().filter(|answer| mode(answer).0 == "generated").count();
    for answer in answers.iter().filter(|answer| mode(answer).0 != "generated") {
        let (mode, lost) = (mode(answer).0, &mode(answer).1[0]);
        assert_eq!((mode, &lost["leg"]), ("extractive", &json!("generator")), "{answer}");
        // So many at once are too many for Gemini as well.
        assert!(["exhausted", "unavailable"].contains(&lost["reason"].as_str().unwrap()));
        assert!(answer["answer"].as_str().unwrap().contains("high tide"), "{answer}");
    }
    assert_eq!((written, owner.written()), (20, 20));
    let ready = app.get("/ready").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text);
    let ready = ready.json();
    assert_eq!((&ready["ready"], &ready["degraded"]), (&json!(true), &json!(true)));
    assert!(ready.to_string().contains("\"exhausted\""), "{ready}");
    app.stop().await;

    let app = owner.start(&[("ASKBOOK_SPEND_CALLS_PER_DAY", "21")]).await;
    let modes = [app.ask(QUESTION).await, app.ask(QUESTION).await];
    assert_eq!(modes.each_ref().map(|answer| mode(answer).0), ["generated", "extractive"]);
    assert_eq!(owner.written(), 21, "a restart renews nothing");
    app.stop().await;
}

#[tokio::test]
async fn without_a_stand_in_the_ceiling_is_a_problem_that_says_when_to_come_again() {
    let owner = Owner::new().await;
    let settings = [("ASKBOOK_SPEND_CALLS_PER_DAY", "1"), ("ASKBOOK_FALLBACK", "none")];
    let app = owner.start(&settings).await;
    assert_eq!(mode(&app.ask(QUESTION).await).0, "generated");
    let refused = app.chat(&json!({ "message": QUESTION })).await;
    refused.is_problem(503, "spend_ceiling");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&wait), "{wait} s");
    assert!(!refused.text.contains("ASKBOOK_"), "the settings are the owner's: {}", refused.text);
    assert_eq!(owner.written(), 1);
    app.stop().await;
}

#[tokio::test]
async fn money_is_reckoned_by_what_gemini_reports() {
    let owner = Owner::new().await;
    let settings = [
        ("ASKBOOK_SPEND_CALLS_PER_DAY", "0"),
        // One answer may cost 4,096 × 100 and is over 6 at its end, by the script's report.
        ("ASKBOOK_SPEND_MONEY_PER_DAY", "0.42"),
        ("ASKBOOK_PRICE_INPUT", "0.1"),
        ("ASKBOOK_PRICE_OUTPUT", "100"),
    ];
    let app = owner.start(&settings).await;
    for _ in 0..5 {
        assert_eq!(mode(&app.ask(QUESTION).await).0, "generated");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_pause_is_seen_by_the_next_question_and_so_is_its_end() {
    let owner = Owner::new().await;
    let app = owner.start(&[]).await;
    assert_eq!(mode(&app.ask(QUESTION).await).0, "generated");
    let switch = owner.folder.path().join("data/paused");
    fs::write(&switch, "the bill is high").unwrap();
    assert_eq!(mode(&app.ask(QUESTION).await).0, "extractive");
    let streamed = app.request(Method::POST, "/chat/stream").json(&json!({ "message": QUESTION }));
    let streamed = Reply::read(streamed.send().await.unwrap()).await;
    assert_eq!(mode(sse::events(&streamed.text).last().unwrap()).0, "extractive");
    assert!(app.get("/ready").await.text.contains("\"exhausted\""));
    fs::remove_file(&switch).unwrap();
    assert_eq!(mode(&app.ask(QUESTION).await).0, "generated");
    assert_eq!(owner.written(), 2);
    app.stop().await;
}
