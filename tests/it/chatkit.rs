//! Conversations by the protocol of `ChatKit`: what is kept of them, and where.

use std::fs;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::{Reply, SMALL_BOOK, TestApp};
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, QUESTION};
use crate::support::redis::RedisServer;
use crate::support::scripted_gemini::{Act, Ending, ScriptedGemini, Verb, text_event};

const VISITOR: &str = "visitor-of-these-tests";

fn request(app: &TestApp, kind: &str, params: &Value) -> reqwest::RequestBuilder {
    app.request(Method::POST, "/chatkit")
        .header("askbook-visitor", VISITOR)
        .json(&json!({"type": kind, "params": params}))
}

async fn post(app: &TestApp, kind: &str, params: &Value) -> Reply {
    Reply::read(request(app, kind, params).send().await.unwrap()).await
}

fn input(text: &str) -> Value {
    json!({
        "content": [{"type": "input_text", "text": text}], "attachments": [],
        "inference_options": {},
    })
}

/// The events of a stream.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

async fn told(app: &TestApp, kind: &str, params: &Value) -> Vec<Value> {
    let reply = post(app, kind, params).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    events(&reply.text)
}

async fn items(app: &TestApp, thread: &Value) -> Vec<Value> {
    let reply = post(app, "items.list", &json!({"thread_id": thread, "order": "asc"})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["data"].as_array().unwrap().clone()
}

/// An askbook that answers from a page about a harbour, and remembers answers.
async fn harbour(gemini: &ScriptedGemini) -> (TempDir, TestApp) {
    let book = tempfile::tempdir().unwrap();
    let page = "# Tides\n\nThe harbour is open to ships at high tide.\n";
    fs::write(book.path().join("tides.md"), page).unwrap();
    let app = TestApp::start(&[
        ("ASKBOOK_BOOK", book.path().to_str().unwrap()),
        ("ASKBOOK_EMBEDDER", "bm25"),
        ("ASKBOOK_ANSWER_CACHE_BYTES", "8388608"),
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini.url()),
    ])
    .await;
    (book, app)
}

#[tokio::test]
async fn an_answer_is_that_of_every_other_wire_but_for_its_numbers() {
    let app = TestApp::start(&[]).await;
    let question = "How long is a session kept?";
    let answer = app.ask(question).await;
    let told = told(&app, "threads.create", &json!({"input": input(question)})).await;
    let content = &told.last().unwrap()["item"]["content"][0];
    let mut text = answer["answer"].as_str().unwrap().to_owned();
    for source in answer["sources"].as_array().unwrap() {
        text = text.replace(&format!(" [{}]", source["number"]), "");
    }
    assert_eq!(content["text"], text);
    let source = &content["annotations"][0]["source"];
    assert_eq!(source["url"], answer["sources"][0]["url"]);
    app.stop().await;
}

#[tokio::test]
async fn a_reader_who_stops_an_answer_stops_the_model_and_finds_what_there_is_of_it() {
    let gemini = ScriptedGemini::start(|call| match call.verb {
        Verb::Write => {
            let text = text_event(&format!("{ANSWER} And then, at low tide,"));
            Act::Stream(vec![text], Ending::Hangs)
        }
        _ => call.done(QUESTION, ANSWER),
    })
    .await;
    let (_book, app) = harbour(&gemini).await;
    let create = request(&app, "threads.create", &json!({"input": input(QUESTION)}));
    let mut stream = create.send().await.unwrap();
    let mut read = String::new();
    while !read.contains("annotation_added") {
        let chunk = stream.chunk().await.unwrap().expect("an annotation before the end");
        read += std::str::from_utf8(&chunk).unwrap();
    }
    drop(stream);
    assert_eq!(gemini.client_gone_mid_stream().await.verb, Verb::Write);

    let thread = events(&read[..read.rfind("\n\n").unwrap()])[0]["thread"]["id"].clone();
    let items = loop {
        let items = items(&app, &thread).await;
        if items.len() > 1 {
            break items;
        }
        tokio::task::yield_now().await;
    };
    let content = &items[1]["content"][0];
    let text = content["text"].as_str().unwrap();
    assert!(text.starts_with("Ships find the harbour open at high tide."), "{text}");
    assert_eq!(content["annotations"].as_array().unwrap().len(), 1);
    assert_eq!(items.len(), 2, "the note that it is not complete is shown to nobody");
    app.stop().await;
}

#[tokio::test]
async fn a_retry_is_written_anew_though_the_answer_is_remembered() {
    let answers = [ANSWER, "At high tide the harbour is open to ships [1]."];
    let written = AtomicUsize::new(0);
    let gemini = ScriptedGemini::start(move |call| {
        let number = if call.verb == Verb::Write { written.fetch_add(1, SeqCst) } else { 0 };
        call.done(QUESTION, answers[number.min(1)])
    })
    .await;
    let (_book, app) = harbour(&gemini).await;
    let text = |told: &[Value]| told.last().unwrap()["item"]["content"][0]["text"].clone();
    let create = json!({"input": input(QUESTION)});
    let begun = told(&app, "threads.create", &create).await;
    assert_eq!(text(&begun), "Ships find the harbour open at high tide.");
    let again = app.ask(QUESTION).await;
    assert_eq!((&again["answer"], gemini.paid_calls().len()), (&json!(ANSWER), 1));

    let question = &begun[1]["item"];
    let retry = json!({"thread_id": question["thread_id"], "item_id": question["id"]});
    let retried = told(&app, "threads.retry_after_item", &retry).await;
    assert_eq!(text(&retried), "At high tide the harbour is open to ships.");
    // And so it is kept.
    let again = app.ask(QUESTION).await;
    assert_eq!((&again["answer"], gemini.paid_calls().len()), (&json!(answers[1]), 2));
    app.stop().await;
}

#[tokio::test]
async fn a_thread_goes_on_at_another_server_that_shares_its_redis() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let url = redis.url(None);
    // A machine that runs all tests at once may stand still for a while.
    let patience = ("ASKBOOK_REDIS_TIMEOUT_MS", "20000");
    let settings = [SMALL_BOOK, ("ASKBOOK_SESSIONS", &url), patience];
    let (one, other) = (TestApp::start(&settings).await, TestApp::start(&settings).await);
    let create = json!({"input": input("How long is a session kept?")});
    let begun = told(&one, "threads.create", &create).await;
    let thread = &begun[0]["thread"]["id"];
    let more = json!({"thread_id": thread, "input": input("What is a passage?")});
    let added = told(&other, "threads.add_user_message", &more).await;
    one.stop().await;

    let kept = items(&other, thread).await;
    let said = [&begun[1]["item"], &begun.last().unwrap()["item"], &added[0]["item"]];
    assert_eq!(kept[..3].iter().collect::<Vec<_>>(), said);
    assert_eq!(kept[3], added.last().unwrap()["item"]);
    let list = post(&other, "threads.list", &json!({})).await.json();
    assert_eq!(list["data"][0]["id"], *thread);
    assert!(!redis.ask(&["KEYS", "*"]).contains(VISITOR), "the token is in Redis");
    other.stop().await;
}

#[tokio::test]
async fn a_server_whose_owner_does_not_want_it_does_not_speak_it() {
    let app = TestApp::start(&[SMALL_BOOK, ("ASKBOOK_WIRES", "ai-sdk, openai")]).await;
    let reply = post(&app, "threads.list", &json!({})).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    app.stop().await;
}
