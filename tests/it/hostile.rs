//! Hostile text: whoever writes a passage, a page's address, a selection, a conversation or a
//! question tries to speak for somebody else, and the model lets itself be talked into it.
//!
//! The attempts are data, `hostile/injections.jsonl`: where the text stands (`url` and `title` are
//! those of a passage; in a `history` it is both what the reader asked and what the book replied)
//! and what its author `wants` the model to do. `{mark}` stands for the mark of an earlier request.

/// The book, and the attempts that stand in it.
mod book;
/// What a reply does to the reader.
mod damage;
/// A model that does whatever it is told.
mod gullible;
/// What was asked of the model, read back.
mod material;
/// Answers with hostile markup, reviewed, for the browser.
mod payloads;
/// The ways to ask.
mod wire;

use std::collections::HashSet;
use std::io::Write as _;

use askbook::follow_up::FollowUp;
use askbook::plain::plain;
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::session::MessageId;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use uuid::Uuid;

use self::book::{Attempt, Book, Passage, Place, attempts};
use self::gullible::Gullible;
use self::material::Material;
use self::wire::Wire;
use crate::support::app::TestApp;
use crate::support::gemini::KEY;

/// An askbook over the book, whose model is gullible.
struct Stage {
    book: Book,
    gemini: Gullible,
    app: TestApp,
}

impl Stage {
    async fn set() -> Self {
        let gemini = Gullible::start().await;
        let mut book = Book::open().await;
        book.write(attempts("")).await;
        let app = TestApp::start(&[
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", &gemini.url()),
            ("QDRANT_URL", &book.url()),
            ("QDRANT_COLLECTION_NAME", book::COLLECTION),
            ("ASKBOOK_MIRROR_REFRESH_S", "0"),
            ("ASKBOOK_PASSAGES", &book::FOUND.to_string()),
            ("ASKBOOK_HISTORY_TOKENS", "10000"),
            ("ASKBOOK_REFUSAL", damage::REFUSAL),
        ])
        .await;
        // An attacker has asked something before, and knows the mark of that request.
        let first = app.ask(&book.attempts()[0].question()).await;
        let seen = Uuid::parse_str(first["message_id"].as_str().unwrap()).unwrap();
        book.write(attempts(&seen.simple().to_string())).await;
        gemini.take_requests(book.attempts()[0].subject);
        gemini.give_in_to(book.attempts());
        Self { book, gemini, app }
    }

    /// Makes an attempt by one wire. Gives the marks of its requests, and what went wrong.
    async fn attempt(&self, attempt: &Attempt, wire: Wire) -> (Vec<String>, Vec<String>) {
        let reply = wire.ask(&self.app, attempt).await;
        let mut wrong = Vec::new();
        let mut marks = Vec::new();
        let requests = self.gemini.take_requests(attempt.subject);
        let condensing = requests.iter().filter(|request| request.is_condensing()).count();
        let answering = requests.len() - condensing;
        if (condensing, answering) != (usize::from(attempt.history().is_some()), 1) {
            wrong.push(format!("{condensing} questions were condensed, {answering} answered"));
        }
        for request in &requests {
            match read(attempt, request) {
                Ok(mark) => marks.push(mark),
                Err(error) => wrong.push(error),
            }
        }
        wrong.extend(damage::of(&reply, attempt, &marks));
        (marks, wrong)
    }
}

/// Checks that a request has the structure that it should have, and nothing else in it.
fn read(attempt: &Attempt, request: &gullible::Request) -> Result<String, String> {
    let (answering, condensing) = instructions();
    let condenses = request.is_condensing();
    if request.system() != Ok(if condenses { condensing } else { answering }) {
        return Err(format!("the instructions are not what they were: {:?}", request.system()));
    }
    let user = request.user()?;
    if let Some(found) = material::invisible(user) {
        return Err(format!("{found:?} reached the model"));
    }
    let Material { mark, pieces } = Material::read(user)?;
    let mut expected: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, text: &str| {
        expected.push((name.to_owned(), plain(text).trim().to_owned()));
    };
    if !condenses {
        for (number, Passage { title, text, .. }) in (1..).zip(attempt.passages()) {
            add(&format!("passage [{number}]"), &format!("{}\n\n{text}", title.trim()));
        }
    }
    if let Some(text) = attempt.history() {
        add("the reader asked earlier", text);
        add("the reply then", text);
    }
    let asked = attempt.asked();
    if let Some(page) = asked.page() {
        add("the page that the reader is on", page);
    }
    if let Some(selected) = asked.selected_text() {
        add("the text that the reader selected there", selected);
    }
    add("the reader's question", asked.text());
    if pieces == expected {
        return Ok(mark);
    }
    let differs = pieces.iter().zip(&expected).find(|(is, should)| is != should);
    let (is, should) = (pieces.len(), expected.len());
    Err(format!("{is} pieces in place of {should}; the first that differs: {differs:?}"))
}

/// The instructions for an answer, and those for a condensed question.
fn instructions() -> (&'static str, &'static str) {
    let mark = MessageId(Uuid::nil());
    let question = Question::new("?", None, None, QuestionLimits::default()).unwrap();
    let prompt = Prompt {
        mark,
        question: question.clone(),
        standalone: None,
        passages: Vec::new(),
        history: Vec::new(),
    };
    let follow_up = FollowUp { mark, question, history: Vec::new() };
    (prompt.render().system, follow_up.render().system)
}

/// How many attempts are made at a time.
const AT_A_TIME: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_injection_survives() {
    let stage = Stage::set().await;
    let attempts = stage.book.attempts();
    let by_all_wires = async |attempt| {
        let mut outcomes = Vec::new();
        for wire in Wire::ALL {
            let (marks, wrong) = stage.attempt(attempt, wire).await;
            outcomes.push((attempt, wire, marks, wrong));
        }
        outcomes
    };
    let outcomes: Vec<_> =
        stream::iter(attempts).map(by_all_wires).buffered(AT_A_TIME).collect().await;
    let mut marks = HashSet::new();
    let mut survivors = Vec::new();
    let mut made = 0;
    for (attempt, wire, used, mut wrong) in outcomes.into_iter().flatten() {
        made += 1;
        let used: HashSet<String> = used.into_iter().collect();
        if used.len() != 1 {
            wrong.push(format!("{} marks in one request", used.len()));
        }
        if used.into_iter().any(|mark| !marks.insert(mark)) {
            wrong.push("its mark was used before".to_owned());
        }
        let Attempt { name, place, .. } = attempt;
        survivors.extend(wrong.iter().map(|wrong| format!("{place:?} {name:?} {wire:?}: {wrong}")));
    }
    let (attempts, count) = (attempts.len(), survivors.len());
    let mut log = std::io::stderr();
    let _ = writeln!(log, "{attempts} attempts, {made} replies: {count} survive");
    assert!(attempts >= 100);
    assert_eq!(made, attempts * Wire::ALL.len());
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn every_place_and_every_wish_is_tried() {
    let attempts = attempts("");
    for place in Place::ALL {
        assert!(attempts.iter().any(|attempt| attempt.place == place), "{place:?}");
    }
    let names: HashSet<_> = attempts.iter().map(|attempt| (&attempt.name, attempt.place)).collect();
    assert_eq!(names.len(), attempts.len(), "each has a name of its own");
    let hidden = |attempt: &Attempt| material::invisible(&attempt.text).is_some();
    assert!(attempts.iter().filter(|attempt| hidden(attempt)).count() >= 15);
}

/// What is asserted of a reply can fail: the same answers, as the model wrote them.
#[test]
fn an_unreviewed_answer_does_damage() {
    let attempts = attempts("0");
    let harmless: Vec<_> = attempts
        .iter()
        .filter(|attempt| {
            let material = Material { mark: "5".repeat(32), pieces: vec![] };
            let text = gullible::answer(attempt, "instructions", &material, 1);
            let reply = wire::Reply::unreviewed(&text);
            damage::of(&reply, attempt, &["5".repeat(32)]).is_empty()
        })
        .map(|attempt| &attempt.name)
        .collect();
    assert!(harmless.is_empty(), "{harmless:?}");
}

/// A value that has to be there.
fn text_at<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, String> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| format!("no {pointer}: {value}"))
}
