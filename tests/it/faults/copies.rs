//! What goes wrong where questions have vectors of both kinds and a copy of the collection stands
//! in for it.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tonic::{Code, Status};

use super::Case;
use super::subject::{End, Harbour, Subject, Wire};
use crate::support::harbour::QUESTION;
use crate::support::moody_wire::{Mood, MoodyWire};
use crate::support::qdrant_server::scripted::{Answer, Script};
use crate::support::scripted_gemini::{Act, Call, INTERNAL_WORDS, Verb, error};

/// What goes wrong.
enum Blow {
    Gemini(fn(&Call) -> Act),
    Call(Answer),
    Wire(Mood),
}

/// A name, what goes wrong, what is lost by it, and settings.
type Row = (&'static str, Blow, &'static str, &'static [(&'static str, &'static str)]);

pub(super) fn cases() -> Vec<Case> {
    let harbour = Harbour::new();
    let status = |code| Blow::Call(Answer::Status(Status::new(code, INTERNAL_WORDS)));
    let short: &[(&str, &str)] = &[("ASKBOOK_UPSTREAM_TIMEOUT_MS", "3000")];
    let rows: Vec<Row> = vec![
        (
            "an embedder that is down",
            Blow::Gemini(|_| error(503, "UNAVAILABLE", &json!([]))),
            "embedder",
            &[],
        ),
        ("an embedder that is silent", Blow::Gemini(|_| Act::Hang), "embedder", short),
        (
            "an embedder that makes no vectors",
            Blow::Gemini(|_| Act::Say(200, json!({}))),
            "embedder",
            &[],
        ),
        ("a Qdrant that is down", status(Code::Unavailable), "retriever", &[]),
        ("a Qdrant that refuses the key", status(Code::Unauthenticated), "retriever", &[]),
        ("a Qdrant that is busy", status(Code::ResourceExhausted), "retriever", &[]),
        ("a Qdrant that is silent", Blow::Call(Answer::Silence), "retriever", short),
        (
            "a proxy without a Qdrant",
            Blow::Call(Answer::Http(502, "text/html", "<h1>502</h1>")),
            "retriever",
            &[],
        ),
        ("a connection that is reset", Blow::Wire(Mood::Resets), "retriever", &[]),
        ("a connection that is closed", Blow::Wire(Mood::Says(Vec::new())), "retriever", &[]),
        ("a connection that hangs", Blow::Wire(Mood::Hangs), "retriever", short),
    ];
    let case = |(name, blow, leg, settings): Row| {
        Case::new(format!("Copy: {name}"), fall_back(Arc::clone(&harbour), blow, leg, settings))
    };
    rows.into_iter().map(case).collect()
}

async fn fall_back(harbour: Arc<Harbour>, blow: Blow, leg: &str, settings: &[(&str, &str)]) {
    let answer = Arc::<Mutex<Option<Answer>>>::default();
    let script: Script = {
        let answer = Arc::clone(&answer);
        Arc::new(move |path| {
            answer.lock().unwrap().clone().filter(|_| path == "/qdrant.Points/Query")
        })
    };
    let server = harbour.scripted(script).await;
    let wire = MoodyWire::to(&server.url()).await;
    let settings = [settings, &[("ASKBOOK_EMBEDDER", "hybrid")]].concat();
    let subject = Subject::start(&wire.url(), &settings).await;
    // The copy is made meanwhile.
    loop {
        let found = subject.process.post("/search", &json!({ "query": QUESTION })).await.json();
        if !found["results"][0]["scores"]["lexical"].is_null() {
            break;
        }
        tokio::task::yield_now().await;
    }
    match blow {
        Blow::Gemini(act) => subject.strike(move |call| call.on(Verb::Embed, || act(call))),
        Blow::Call(said) => *answer.lock().unwrap() = Some(said),
        Blow::Wire(mood) => wire.turn(mood).await,
    }
    for wire in Wire::ALL {
        let end = subject.ask(wire, &json!({ "message": QUESTION })).await;
        let degraded = json!([{ "leg": leg }]);
        assert_eq!(end, End::Answer { mode: "generated".to_owned(), degraded }, "{wire:?}");
    }
    subject.lives().await;
    subject.end().await;
}
