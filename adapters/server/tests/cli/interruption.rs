use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::{any, method, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::place::{Place, Ran};

/// How many texts are embedded at once.
const BATCH: usize = 100;

/// What the stand-in does with a call that it does not answer.
#[derive(Clone, Copy)]
enum Then {
    Hangs,
    IsSpent,
}

/// A Gemini that embeds so many batches; the call after that is announced, and then hangs or is
/// refused because the day's quota is spent.
struct Gemini {
    batches: usize,
    then: Then,
    calls: AtomicUsize,
    reached: Sender<()>,
}

impl Respond for Gemini {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if self.calls.fetch_add(1, Ordering::SeqCst) < self.batches {
            let body: Value = request.body_json().unwrap();
            let texts = body["requests"].as_array().unwrap();
            let size = texts[0]["outputDimensionality"].as_u64().unwrap();
            let vector: Vec<f32> =
                (1_u16..).map(f32::from).take(size.try_into().unwrap()).collect();
            let vectors: Vec<Value> = texts.iter().map(|_| json!({"values": vector})).collect();
            return ResponseTemplate::new(200).set_body_json(json!({"embeddings": vectors}));
        }
        let _ = self.reached.send(());
        match self.then {
            Then::Hangs => ResponseTemplate::new(200).set_delay(Duration::from_hours(1)),
            Then::IsSpent => ResponseTemplate::new(429).set_body_json(json!({"error": {
                "code": 429,
                "status": "RESOURCE_EXHAUSTED",
                "message": "quota",
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{"quotaId": "EmbedContentRequestsPerDayPerUser-FreeTier"}],
                }],
            }})),
        }
    }
}

/// A stand-in on loopback, with a runtime of its own.
struct Server {
    runtime: Runtime,
    gemini: MockServer,
    reached: Receiver<()>,
}

impl Server {
    fn start(batches: usize, then: Then) -> Self {
        let runtime = Runtime::new().unwrap();
        let (reached, receiver) = channel();
        let gemini = Gemini { batches, then, calls: AtomicUsize::new(0), reached };
        let gemini = runtime.block_on(async {
            let server = MockServer::start().await;
            let embed = Mock::given(method("POST")).and(path_regex(":batchEmbedContents$"));
            embed.respond_with(gemini).mount(&server).await;
            Mock::given(any()).respond_with(ResponseTemplate::new(404)).mount(&server).await;
            server
        });
        Self { runtime, gemini, reached: receiver }
    }

    /// How many texts it was asked to embed.
    fn texts(&self) -> usize {
        let requests = self.runtime.block_on(self.gemini.received_requests()).unwrap();
        let texts = |request: &Request| {
            request.body_json::<Value>().unwrap()["requests"].as_array().unwrap().len()
        };
        requests.iter().filter(|request| !request.body.is_empty()).map(texts).sum()
    }

    /// askbook with this stand-in, with both kinds of vectors.
    fn askbook(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.askbook(arguments);
        command.env("GEMINI_API_KEY", "k3y").env("GEMINI_BASE_URL", self.gemini.uri());
        command.env("ASKBOOK_EMBEDDER", "hybrid").env("ASKBOOK_GENERATOR", "quote");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, place: &Place, arguments: &[&str]) -> Ran {
        self.askbook(place, arguments).output().unwrap().into()
    }
}

/// Passages of the tides, from the first to this one; each names its own number.
fn tides(last: usize) -> String {
    (1..=last)
        .map(|n| format!("{{\"id\": \"t{n}\", \"text\": \"Tide number{n} is high.\"}}\n"))
        .collect()
}

fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

/// A place with an index of one passage, and a file of many more to index.
fn place_with_an_index() -> Place {
    let place = Place::empty();
    place.write("old.jsonl", "{\"id\": \"old\", \"text\": \"The harbour is old.\"}\n");
    place.write("tides.jsonl", &tides(2 * BATCH + 50));
    let gemini = Server::start(1, Then::Hangs);
    gemini.run(&place, &["index", "--jsonl", "old.jsonl"]).ended(0);
    place
}

/// Checks that the old index is in service, and that another run embeds only the rest.
#[track_caller]
fn goes_on(place: &Place, rest: usize) {
    let gemini = Server::start(usize::MAX, Then::Hangs);
    let found = gemini.run(place, &["search", "harbour", "--json"]).ended(0).out;
    let found: Value = serde_json::from_str(&found).unwrap();
    let ids: Vec<&str> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["old"]);

    let gemini = Server::start(usize::MAX, Then::Hangs);
    let ran = gemini.run(place, &["index", "--jsonl", "tides.jsonl", "--json"]).ended(0);
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(summary["passages"], 2 * BATCH + 50, "{summary}");
    assert_eq!(summary["embedded"], rest, "{summary}");
    assert_eq!(gemini.texts(), rest);
    let found = gemini.run(place, &["search", "number250"]).ended(0).out;
    assert!(found.contains("Tide number250"), "{found}");
}

#[test]
fn a_run_that_is_killed_leaves_the_old_index_and_the_next_one_goes_on() {
    for batches in [0, 1, 2] {
        let place = place_with_an_index();
        let gemini = Server::start(batches, Then::Hangs);
        let mut child =
            gemini.askbook(&place, &["index", "--jsonl", "tides.jsonl"]).spawn().unwrap();
        gemini.reached.recv().unwrap();
        signal(&child, "-KILL");
        child.wait().unwrap();
        goes_on(&place, (2 - batches) * BATCH + 50);
    }
}

#[test]
fn a_run_that_is_interrupted_says_what_is_kept() {
    let place = place_with_an_index();
    let gemini = Server::start(2, Then::Hangs);
    let child = gemini.askbook(&place, &["index", "--jsonl", "tides.jsonl"]).spawn().unwrap();
    gemini.reached.recv().unwrap();
    signal(&child, "-INT");
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.ended(1);
    assert!(ran.err.contains("200 of 250 passages are embedded and kept"), "{}", ran.err);
    goes_on(&place, 50);
}

#[test]
fn a_run_that_exhausts_the_quota_says_what_is_kept() {
    let place = place_with_an_index();
    let gemini = Server::start(1, Then::IsSpent);
    let ran = gemini.run(&place, &["index", "--jsonl", "tides.jsonl"]).ended(1);
    assert!(ran.err.contains("100 of 250 passages are embedded and kept"), "{}", ran.err);
    assert!(ran.err.contains("run the same command again"), "{}", ran.err);
    assert_eq!(gemini.texts(), 2 * BATCH, "the spent quota is not tried again");
    goes_on(&place, 150);
}

#[test]
fn vectors_that_were_paid_for_are_not_replaced_because_a_setting_is_missing() {
    let place = place_with_an_index();
    let ran = place.run(&["search", "harbour"]).ended(1);
    for side in ["the index has gemini-embedding-001", "the settings ask for bm25"] {
        assert!(ran.err.contains(side), "{side} is missing in {}", ran.err);
    }
    let gemini = Server::start(usize::MAX, Then::Hangs);
    let found = gemini.run(&place, &["search", "harbour"]).ended(0).out;
    assert!(found.contains("dense ") && found.contains("terms "), "{found}");
}
