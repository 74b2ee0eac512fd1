use reqwest::StatusCode;
use serde_json::json;

use crate::support::app::{SMALL_BOOK, TestApp};

/// A question about askbook, and where its manual answers it.
const ANSWERABLE: &[(&str, &str)] = &[
    ("How do I connect my own Qdrant collection?", "/docs/guides/connect-qdrant#connect"),
    ("How long is a session kept?", "/docs/concepts/sessions"),
    ("Which environment variable holds the Gemini key?", "/docs/"),
    ("Why do I get a 403 from /chat?", "/docs/"),
];

#[tokio::test]
async fn a_fresh_askbook_answers_from_its_manual_and_cites_the_right_heading() {
    let app = TestApp::start(&[]).await;
    for (question, place) in ANSWERABLE {
        let answer = app.ask(question).await;
        assert_eq!(answer["outcome"], "answered", "{question}: {answer}");
        let source = &answer["sources"][0];
        let url = source["url"].as_str().unwrap();
        assert!(url.starts_with(place), "{question}: {url}");
        let text = answer["answer"].as_str().unwrap();
        assert!(text.contains(&format!("[{}]", source["number"])), "{question}: {text}");
        assert!(!source["quote"].as_str().unwrap().is_empty());
        assert!(source["scores"]["lexical"].as_f64().unwrap() > 0.0);
        assert_eq!(answer["model"], "quote");
    }
}

#[tokio::test]
async fn what_the_manual_does_not_hold_is_said_to_be_missing() {
    let app = TestApp::start(&[("ASKBOOK_REFUSAL", "No such page.")]).await;
    for question in [
        "How do I bake sourdough bread?",
        "What is the capital of France?",
        "Qwertzuiop asdfghjkl?",
        "¿Dónde está la biblioteca?",
    ] {
        let answer = app.ask(question).await;
        assert_eq!(answer["outcome"], "not_in_book", "{question}: {answer}");
        assert_eq!(answer["answer"], "No such page.");
        assert_eq!(answer["sources"], json!([]));
    }
}

#[tokio::test]
async fn a_conversation_goes_on_under_its_id_and_an_unknown_id_begins_a_new_one() {
    let app = TestApp::start(&[]).await;
    let first = app.ask("How long is a session kept?").await;
    let session = first["session_id"].as_str().unwrap();
    assert_eq!(first["session_restarted"], false);

    let body = json!({"message": "And how do I change that?", "session_id": session});
    let second = app.chat(&body).await.json();
    assert_eq!(second["session_id"], session);
    assert_eq!(second["session_restarted"], false);
    assert_ne!(second["message_id"], first["message_id"]);

    let unknown = "0123456789abcdef0123456789abcdef";
    let body = json!({"message": "How long is a session kept?", "session_id": unknown});
    let third = app.chat(&body).await.json();
    assert_ne!(third["session_id"], unknown);
    assert_eq!(third["session_restarted"], true);
}

#[tokio::test]
async fn the_selected_text_helps_to_find_the_passage() {
    let app = TestApp::start(&[]).await;
    let body = json!({
        "message": "What does this setting do?",
        "selected_text": "ASKBOOK_SESSION_TTL_S",
        "page": "/docs/reference/configuration",
    });
    let reply = app.chat(&body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let answer = reply.json();
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(answer["answer"].as_str().unwrap().contains("ASKBOOK_SESSION_TTL_S"), "{answer}");
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let app = TestApp::start(&[]).await;
    let question = json!({"message": "How long is a session kept?"});
    let reply = app.request(reqwest::Method::POST, "/chat/").json(&question).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(app.get("/health/").await.json(), json!({"status": "ok"}));
}

#[tokio::test]
async fn the_index_is_kept_and_made_anew_when_the_book_changed() {
    let data = tempfile::tempdir().unwrap();
    let book = tempfile::tempdir().unwrap();
    let page = book.path().join("tides.md");
    let settings = [
        ("ASKBOOK_DATA_DIR", data.path().to_str().unwrap()),
        ("ASKBOOK_BOOK", book.path().to_str().unwrap()),
    ];
    let question = "When is the harbour open?";

    std::fs::write(&page, "# Tides\n\n## Harbour\n\nThe harbour is open at high tide.\n").unwrap();
    let app = TestApp::start(&settings).await;
    let answer = app.ask(question).await;
    assert_eq!(answer["sources"][0]["url"], "/docs/tides#harbour");
    assert!(answer["answer"].as_str().unwrap().contains("high tide"), "{answer}");
    app.stop().await;

    std::fs::write(&page, "# Tides\n\n## Harbour\n\nThe harbour is open at low tide.\n").unwrap();
    // The old index serves until the new one is there.
    let app = TestApp::start(&settings).await;
    while !app.ask(question).await["answer"].as_str().unwrap().contains("low tide") {
        tokio::task::yield_now().await;
    }
    app.stop().await;

    // Without its folder the book is still known.
    std::fs::remove_file(&page).unwrap();
    let app = TestApp::start(&settings).await;
    assert_eq!(app.ask(question).await["outcome"], "answered");
}

#[tokio::test]
async fn each_part_can_be_chosen_on_its_own() {
    for (embedder, retriever, generator) in [
        ("memory", "memory", "memory"),
        ("memory", "edge", "quote"),
        ("bm25", "memory", "quote"),
        ("bm25", "edge", "memory"),
    ] {
        let app = TestApp::start(&[
            SMALL_BOOK,
            ("ASKBOOK_EMBEDDER", embedder),
            ("ASKBOOK_RETRIEVER", retriever),
            ("ASKBOOK_GENERATOR", generator),
            ("ASKBOOK_SESSIONS", "memory"),
        ])
        .await;
        let answer = app.ask("How long is a session kept?").await;
        assert_eq!(answer["outcome"], "answered", "{embedder} {retriever} {generator}");
        assert_eq!(answer["model"], generator);
    }
}
