//! What is asked of upstreams once, and what again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use qdrant_client::qdrant::{PointStruct, UpsertPointsBuilder};
use qdrant_client::{Payload, Qdrant};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Reply, TestApp};
use crate::support::gemini::{KEY, letters};
use crate::support::harbour::{ANSWER, COLLECTION, QUESTION, harbour};
use crate::support::process::{Process, own_address};
use crate::support::qdrant_server::QdrantServer;
use crate::support::scripted_gemini::{Call, ScriptedGemini, Verb, error};
use crate::support::sse;

/// The memory as it is when nobody sets it.
const MINDFUL: [(&str, &str); 2] =
    [("ASKBOOK_EMBEDDING_CACHE_BYTES", "8388608"), ("ASKBOOK_ANSWER_CACHE_BYTES", "8388608")];

/// The book about the harbour, and a model that can be away.
struct Harbour {
    gemini: ScriptedGemini,
    qdrant: QdrantServer,
    is_away: Arc<AtomicBool>,
    /// The prompts that the model was given.
    prompts: Arc<Mutex<Vec<Value>>>,
}

impl Harbour {
    async fn new() -> Self {
        let is_away = Arc::<AtomicBool>::default();
        let prompts = Arc::<Mutex<Vec<Value>>>::default();
        let (away, given) = (Arc::clone(&is_away), Arc::clone(&prompts));
        let script = move |call: &Call| {
            if away.load(Ordering::SeqCst) {
                return error(503, "UNAVAILABLE", &json!([]));
            }
            if call.verb == Verb::Write {
                given.lock().unwrap().push(call.body.clone());
            }
            call.done(QUESTION, ANSWER)
        };
        Self {
            gemini: ScriptedGemini::start(script).await,
            qdrant: harbour().await,
            is_away,
            prompts,
        }
    }

    /// An askbook that answers from it by Gemini alone.
    async fn open(&self, settings: &[(&str, &str)]) -> TestApp {
        let (gemini, qdrant) = (self.gemini.url(), self.qdrant.url());
        let defaults = [
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", &gemini),
            ("QDRANT_URL", &qdrant),
            ("QDRANT_COLLECTION_NAME", COLLECTION),
            ("ASKBOOK_EMBEDDER", "gemini"),
        ];
        TestApp::start(&[&defaults, settings].concat()).await
    }

    /// How often it was asked to embed and to write.
    fn calls(&self) -> (usize, usize) {
        let calls = self.gemini.paid_calls();
        let count = |verb| calls.iter().filter(|call| **call == verb).count();
        (count(Verb::Embed), count(Verb::Write))
    }
}

/// What the reader is told, but for what names this one reply.
fn told(answer: &Value) -> [&Value; 6] {
    ["answer", "sources", "outcome", "mode", "model", "degraded"].map(|field| &answer[field])
}

#[tokio::test]
async fn a_question_that_was_asked_before_costs_nothing_also_while_gemini_is_away() {
    let harbour = Harbour::new().await;
    let app = harbour.open(&MINDFUL).await;
    let first = app.ask(QUESTION).await;
    assert_eq!(first["mode"], "generated");
    assert_eq!(first["usage"], json!({"input_tokens": 120, "output_tokens": 12}));
    harbour.is_away.store(true, Ordering::SeqCst);
    let again = app.ask(QUESTION).await;
    assert_eq!(told(&again), told(&first));
    assert_eq!(again["usage"], json!({"input_tokens": 0, "output_tokens": 0}));
    assert_ne!(again["message_id"], first["message_id"]);

    let request = app.request(Method::POST, "/chat/stream").json(&json!({ "message": QUESTION }));
    let streamed = Reply::read(request.send().await.unwrap()).await;
    let events = sse::events(&streamed.text);
    assert_eq!(told(events.last().unwrap()), told(&first));
    let deltas = events.iter().filter_map(|event| event["text"].as_str()).collect::<String>();
    assert_eq!(deltas, first["answer"]);
    assert_eq!(harbour.calls(), (1, 1));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_readers_who_ask_the_same_cost_one_embedding() {
    let harbour = Harbour::new().await;
    let app = harbour.open(&MINDFUL).await;
    for answer in join_all((0..100).map(|_| app.ask(QUESTION))).await {
        assert_eq!((&answer["outcome"], &answer["degraded"]), (&json!("answered"), &json!([])));
    }
    assert_eq!(harbour.calls().0, 1);
    app.stop().await;
}

#[tokio::test]
async fn without_memory_every_question_is_asked() {
    let harbour = Harbour::new().await;
    for (settings, calls) in [
        ([("ASKBOOK_EMBEDDING_CACHE_BYTES", "0"), MINDFUL[1]], (2, 1)),
        ([MINDFUL[0], ("ASKBOOK_ANSWER_CACHE_BYTES", "0")], (1, 2)),
    ] {
        let before = harbour.calls();
        let app = harbour.open(&settings).await;
        for _ in 0..2 {
            app.ask(QUESTION).await;
        }
        let after = harbour.calls();
        assert_eq!((after.0 - before.0, after.1 - before.1), calls, "{settings:?}");
        app.stop().await;
    }
}

#[tokio::test]
async fn a_conversation_is_answered_for_itself() {
    let harbour = Harbour::new().await;
    let app = harbour.open(&MINDFUL).await;
    for written in [2, 3] {
        let session = app.ask(QUESTION).await["session_id"].clone();
        let again = json!({"message": QUESTION, "session_id": session});
        assert_eq!(app.chat(&again).await.json()["outcome"], "answered");
        assert_eq!(harbour.calls(), (1, written));
    }
    app.stop().await;
}

#[tokio::test]
async fn a_passage_that_has_changed_needs_a_new_answer() {
    let harbour = Harbour::new().await;
    let app = harbour.open(&MINDFUL).await;
    app.ask(QUESTION).await;
    let text = "The harbour is open to ships at high tide, but on Sundays never.";
    let payload = Payload::try_from(json!({"text": text, "url": "/docs/tides"})).unwrap();
    let point = PointStruct::new(1, letters(text, 768), payload);
    let client = Qdrant::from_url(&harbour.qdrant.url()).timeout(Duration::from_mins(1));
    let client = client.skip_compatibility_check().build().unwrap();
    client.upsert_points(UpsertPointsBuilder::new(COLLECTION, [point]).wait(true)).await.unwrap();
    let answer = app.ask(QUESTION).await;
    assert_eq!(harbour.calls(), (1, 2));
    assert!(answer["sources"][0]["quote"].as_str().unwrap().contains("Sundays"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn what_is_kept_is_given_beyond_the_ceiling_of_spending() {
    let harbour = Harbour::new().await;
    let app = harbour.open(&[&MINDFUL[..], &[("ASKBOOK_SPEND_CALLS_PER_DAY", "3")]].concat()).await;
    for (question, mode) in [
        (QUESTION, "generated"),
        ("When is the lighthouse E4711 lit?", "extractive"),
        (QUESTION, "generated"),
    ] {
        assert_eq!(app.ask(question).await["mode"], mode, "{question}");
    }
    assert_eq!(harbour.calls(), (2, 1));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_the_memory_is_measured() {
    let harbour = Harbour::new().await;
    let (folder, address) = (tempfile::tempdir().unwrap(), own_address());
    let (gemini, qdrant, metrics) =
        (harbour.gemini.url(), harbour.qdrant.url(), address.to_string());
    let settings = [
        MINDFUL[0],
        MINDFUL[1],
        ("ASKBOOK_METRICS", &metrics),
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini),
        ("QDRANT_URL", &qdrant),
        ("QDRANT_COLLECTION_NAME", COLLECTION),
    ];
    let app = Process::start(folder.path(), &settings).await;
    let lookups = |cache: &str, result: &str, number: u32| {
        format!("askbook_cache_lookups_total{{cache=\"{cache}\",result=\"{result}\"}} {number}\n")
    };
    let text = app.metrics(address).await.text;
    for cache in ["embedding", "answer"] {
        for result in ["hit", "miss", "shared"] {
            let line = lookups(cache, result, 0);
            assert!(text.contains(&line), "known from the start: {line}{text}");
        }
    }
    for _ in 0..3 {
        let reply = app.post("/chat", &json!({ "message": QUESTION })).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    let text = app.metrics(address).await.text;
    for cache in ["embedding", "answer"] {
        for (result, number) in [("hit", 2), ("miss", 1), ("shared", 0)] {
            let line = lookups(cache, result, number);
            assert!(text.contains(&line), "{line}{text}");
        }
        let bytes = format!("askbook_cache_bytes{{cache=\"{cache}\"}} ");
        let bytes = text.split_once(&bytes).unwrap().1.lines().next().unwrap();
        assert!(bytes.parse::<u32>().unwrap() > 0, "{bytes}");
    }
    app.stop().await;
}

/// What providers keep for a while is the beginning that prompts have in common.
#[tokio::test]
async fn what_differs_between_questions_comes_last_in_a_prompt() {
    let harbour = Harbour::new().await;
    let app = harbour.open(&[]).await;
    let questions = [QUESTION, "When is the lighthouse E4711 lit?"];
    for question in questions {
        app.ask(question).await;
    }
    let prompts = harbour.prompts.lock().unwrap().clone();
    let [first, second] = &prompts[..] else { panic!("{prompts:?}") };
    let kept = |prompt: &Value| {
        let mut kept = prompt.clone();
        kept["contents"].take();
        kept
    };
    assert_eq!(kept(first), kept(second), "all but the reader's turn");
    assert!(kept(first)["systemInstruction"]["parts"][0]["text"].is_string(), "{first}");
    for (prompt, question) in prompts.iter().zip(questions) {
        let text = prompt["contents"][0]["parts"][0]["text"].as_str().unwrap();
        let (before, _) = text.split_once("passage [1] ===\n").unwrap();
        let mark = before.strip_prefix("=== ").unwrap();
        assert_eq!(mark.trim_end().len(), 32, "nothing but the mark comes before the passages");
        assert!(text.trim_end().ends_with(question), "{text}");
    }
    app.stop().await;
}
