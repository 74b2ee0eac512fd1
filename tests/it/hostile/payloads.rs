use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use askbook::passage::{Hit, Passage, PassageId, Scores};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::review::{Readings, Review, Reviewed};
use askbook::session::MessageId;
use serde_json::{Value, json};
use uuid::Uuid;

/// The only link that may come out.
const LINK: &str = "/docs/valves";

/// A host name without a scheme, which may as well be the name of a file: it is left alone. Only
/// renderers that guess make a link of it.
const BARE_HOST: &str = "Go on at evil.com/c?q=secret.";

/// What makes an answer one: without it, nothing is shown.
const SUPPORTED: &str = "The valve [opens](/docs/valves) at forty degrees [1].";

/// An answer that could do something to the page that shows it.
struct Payload {
    name: String,
    text: String,
}

/// Those that the review is tested with.
fn payloads() -> Vec<Payload> {
    let file = root().join("src/review/markup/payloads.jsonl");
    let lines =
        std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let payload = |line: &str| {
        let payload: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| payload[name].as_str().unwrap().to_owned();
        Payload { name: field("name"), text: field("text") }
    };
    lines.lines().map(payload).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn prompt() -> Prompt {
    let text = "The valve opens at forty degrees.".to_owned();
    let passage = Passage {
        id: PassageId("valves".to_owned()),
        title: "Valves".to_owned(),
        headings: Vec::new(),
        url: Some(LINK.to_owned()),
        text,
        edition: None,
    };
    let question = Question::new("At how many?", None, None, QuestionLimits::default()).unwrap();
    Prompt {
        mark: MessageId(Uuid::from_u128(0xA5)),
        question,
        standalone: None,
        passages: vec![Hit { passage, scores: Scores::default() }],
        history: Vec::new(),
    }
}

/// What a reader sees of a text that is written in pieces of so many characters.
fn reviewed(text: &str, size: usize) -> Option<String> {
    let mut review = Review::new(&prompt(), &Readings::new());
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(size).map(String::from_iter);
    let mut shown: Vec<Reviewed> = pieces.flat_map(|piece| review.add(&piece)).collect();
    let (rest, checked) = review.finish();
    shown.extend(rest);
    let text = |reviewed| match reviewed {
        Reviewed::Text(text) => Some(text),
        Reviewed::Citation(_) => None,
    };
    let text: String = shown.into_iter().filter_map(text).collect();
    assert!(checked.is_some() || text.is_empty(), "shown and taken back: {text:?}");
    checked.map(|_| text)
}

/// The answers for the browser: before the payload or behind it stands what supports it, and it is
/// written at once or in pieces.
fn answers(payloads: &[Payload]) -> Value {
    let answer = |Payload { name, text }: &Payload| {
        let before = format!("{SUPPORTED}\n\n{text}");
        let behind = format!("{text}\n\n{SUPPORTED}");
        let sizes = [usize::MAX, 7, 1];
        let reviewed: BTreeSet<String> = [&before, &behind]
            .into_iter()
            .flat_map(|text| sizes.into_iter().filter_map(|size| reviewed(text, size)))
            .collect();
        assert!(!reviewed.is_empty(), "{name}: nothing of it is shown");
        json!({"name": name, "written": before, "reviewed": reviewed})
    };
    let bare_host = reviewed(&format!("{SUPPORTED}\n\n{BARE_HOST}"), usize::MAX);
    let answers: Vec<_> = payloads.iter().map(answer).collect();
    json!({"links": [LINK], "bare_host": bare_host, "answers": answers})
}

/// What is missing to look at answers in a browser.
fn missing() -> Option<&'static str> {
    let chromium = std::env::var("CHROMIUM").unwrap_or("/usr/bin/chromium".to_owned());
    if !Path::new(&chromium).exists() {
        return Some("Chromium is not installed: apt-get install chromium, or set CHROMIUM");
    }
    if !root().join("tests/browser/node_modules/playwright-core").exists() {
        return Some("run `npm ci --ignore-scripts` in tests/browser");
    }
    None
}

#[test]
fn no_renderer_is_harmed_by_a_reviewed_answer() {
    let payloads = payloads();
    assert!(payloads.len() >= 150, "{}", payloads.len());
    let answers = answers(&payloads);
    let mut log = std::io::stderr();
    if let Some(missing) = missing() {
        let required = std::env::var("BROWSER").is_ok_and(|value| value == "required");
        assert!(!required, "{missing}");
        let _ = writeln!(log, "SKIPPED, nothing is rendered: {missing}");
        return;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("answers.json");
    std::fs::write(&file, answers.to_string()).unwrap();
    let script = root().join("tests/browser/check.mjs");
    let output = Command::new("node").arg(script).arg(&file).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |name: &str| -> Vec<String> {
        let list = seen[name].as_array().unwrap().iter();
        list.map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let (harm, control, guess) = (list("harm"), list("control"), list("guess"));
    let (count, rendered) = (payloads.len(), &seen["rendered"]);
    let (harmful, trips) = (harm.len(), control.len());
    let _ = writeln!(
        log,
        "{count} payloads; reviewed answers rendered: {rendered}, {harmful} do harm; \
         unreviewed: {trips} do; host names without a scheme are links for {guess:?}"
    );
    assert!(harm.is_empty(), "{}", harm.join("\n"));
    assert!(control.len() * 4 > payloads.len() * 3, "unreviewed, only {} do harm", control.len());
    // A known limit; version 15 of the same renderer has given it up.
    assert_eq!(guess, ["markdown-it 14"]);
}
