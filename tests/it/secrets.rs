use std::fmt::Write as _;
use std::path::Path;

use askbook::contract::Fault;
use askbook_server::Config;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::app::Reply;
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, COLLECTION, QUESTION, harbour};
use crate::support::process::{Process, own_address, printed};
use crate::support::qdrant_server::QdrantServer;
use crate::support::scripted_gemini::{Act, Call, ScriptedGemini};

/// A key that Gemini refuses.
const WRONG_KEY: &str = "AIzaSyWRONG-marked_key-0123456789abcdefg";
const QDRANT_KEY: &str = "marked-qdrant-key-0123456789-abcdefghij";
/// By which another server asks.
const API_KEY: &str = "marked-key-of-another-server-6789012345";
const REDIS_PASSWORD: &str = "marked-password-of-redis-1357924680";
/// What a reader sends where nobody asked for it.
const READERS: &str = "marked-credentials-of-a-reader-54321";

/// A question that is written down: the book does not answer it. It may be in the journal, and
/// nowhere else.
const UNANSWERED: &str = "Who bakes marked-sourdough-0987654321 in Antarctica?";

/// All that must never be seen.
const SECRETS: [&str; 6] = [KEY, WRONG_KEY, QDRANT_KEY, API_KEY, REDIS_PASSWORD, READERS];

/// The settings that hold them.
const SETTINGS: [&str; 4] =
    ["ASKBOOK_API_KEYS", "ASKBOOK_SESSIONS", "GEMINI_API_KEY", "QDRANT_API_KEY"];

/// Everything of every target.
const EVERYTHING: &str = "trace,askbook=trace";

/// The shapes in which something may come to light: as it is, cut, in another alphabet.
fn shapes(secret: &str) -> Vec<String> {
    let bytes: Vec<_> = secret.bytes().map(|byte| byte.to_string()).collect();
    let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let escaped: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    vec![
        secret[..16].to_owned(),
        secret[secret.len() - 16..].to_owned(),
        base64(secret.as_bytes()),
        bytes[..12].join(", "),
        bytes[..12].join(","),
        hex[..24].to_owned(),
        escaped,
    ]
}

/// The alphabet of RFC 4648, section 4, without what a rest of fewer than three bytes makes.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = bytes.chunks_exact(3).flat_map(|three| {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift) as usize % 64]))
    });
    letters.collect()
}

/// Texts by where they were seen.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn note(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    fn reply(&mut self, place: &str, reply: &Reply) {
        self.note(place, format!("{} {:?}\n{}", reply.status, reply.headers, reply.text));
    }

    /// Every file below this folder.
    fn folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                let name = path.display().to_string();
                self.note(format!("name of {name}"), &*name);
                self.note(format!("file {name}"), String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// Where this is seen in one of its shapes, with what is around it.
    fn places(&self, secret: &str) -> Vec<String> {
        let shapes = shapes(secret).into_iter().map(|shape| shape.to_lowercase());
        let shapes: Vec<_> = shapes.collect();
        let found = self.0.iter().filter_map(|(place, text)| {
            let text = text.to_lowercase();
            let at = shapes.iter().find_map(|shape| text.find(shape.as_str()))?;
            let start = text.floor_char_boundary(at.saturating_sub(200));
            let end = text.ceil_char_boundary((at + 100).min(text.len()));
            Some(format!("{place}: {}", &text[start..end]))
        });
        found.collect()
    }

    #[track_caller]
    fn hold_no_secret(&self) {
        for secret in SECRETS {
            let places = self.places(secret);
            assert!(places.is_empty(), "{secret} is seen {} times: {places:#?}", places.len());
        }
    }

    fn of(&self, place: &str) -> &str {
        &self.0.iter().find(|(name, _)| name == place).unwrap().1
    }
}

/// Where the upstreams are, and with which keys they are called.
struct Upstreams<'a> {
    gemini: &'a str,
    gemini_key: &'a str,
    qdrant: &'a str,
}

/// Uses all of askbook over these upstreams, in processes that log everything, and collects all
/// that is to be seen from outside.
async fn seen_over(upstreams: Upstreams<'_>) -> Seen {
    let (folder, metrics) = (tempfile::tempdir().unwrap(), own_address());
    let path = folder.path();
    std::fs::write(path.join("qdrant.key"), QDRANT_KEY).unwrap();
    let address = metrics.to_string();
    // A Redis that is out of reach, whose stand-in the conversations are kept in.
    let redis = format!("redis://:{REDIS_PASSWORD}@127.0.0.1:1/0");
    let settings = [
        ("ASKBOOK_API_KEYS", API_KEY),
        ("ASKBOOK_SESSIONS", &redis),
        ("GEMINI_API_KEY", upstreams.gemini_key),
        ("GEMINI_BASE_URL", upstreams.gemini),
        ("QDRANT_URL", upstreams.qdrant),
        ("QDRANT_API_KEY_FILE", "qdrant.key"),
        ("QDRANT_COLLECTION_NAME", COLLECTION),
        ("ASKBOOK_UPSTREAM_TIMEOUT_MS", "500"),
        ("ASKBOOK_DATA_DIR", "data"),
        ("ASKBOOK_METRICS", &address),
        ("LOG_LEVEL", EVERYTHING),
    ];
    let mut seen = Seen::default();
    let app = Process::start(path, &settings).await;
    for path in ["/", "/health", "/ready", "/openapi.json", "/docs", "/nowhere"] {
        seen.reply(path, &app.get(path).await);
    }
    let history = json!([{"role": "user", "content": "Is there a harbour?"}]);
    for (path, body) in [
        ("/chat", json!({ "message": QUESTION })),
        ("/chat", json!({ "message": UNANSWERED })),
        ("/chat", json!({ "message": "And when is it open?", "history": history })),
        ("/chat", json!({ "query": QUESTION })),
        ("/chat", json!({ "message": 1 })),
        ("/chat/stream", json!({ "message": QUESTION })),
        ("/search", json!({ "query": QUESTION, "debug": true })),
        ("/feedback", json!({ "message_id": "m", "query": QUESTION, "rating": "bad" })),
    ] {
        for key in [None, Some(API_KEY)] {
            let request = app.request(Method::POST, &format!("{path}?token={READERS}"));
            let request = request.json(&body).header("cookie", format!("session={READERS}"));
            let request = key.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
            let reply = Reply::read(request.send().await.unwrap()).await;
            seen.reply(&format!("POST {path} {body}"), &reply);
        }
    }
    let request = app.request(Method::POST, "/chat").json(&json!({ "message": QUESTION }));
    let refused = Reply::read(request.bearer_auth(READERS).send().await.unwrap()).await;
    refused.is_problem(401, "unauthorized");
    seen.reply("a wrong key", &refused);
    seen.reply("/ready again", &app.get("/ready").await);
    seen.note("metrics", app.metrics(metrics).await.text);
    seen.note("log", app.stop().await);

    for arguments in [&["config"][..], &["check"], &["ask", QUESTION], &["index", "--dry-run"]] {
        seen.note(format!("{arguments:?}"), printed(path, arguments, &settings));
    }
    std::fs::remove_file(path.join("qdrant.key")).unwrap();
    seen.folder(path);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_works_is_seen_nowhere() {
    let gemini = ScriptedGemini::start(|call: &Call| call.done(QUESTION, ANSWER)).await;
    let qdrant = harbour().await;
    let (gemini, qdrant) = (gemini.url(), qdrant.url());
    let upstreams = Upstreams { gemini: &gemini, gemini_key: KEY, qdrant: &qdrant };
    let seen = seen_over(upstreams).await;
    seen.hold_no_secret();

    // What was searched is what there is: the libraries that hold the keys have told everything,
    // the settings are listed, and the journal is among the files.
    let log = seen.of("log");
    for target in ["hyper", "h2", "tonic", "reqwest", "askbook"] {
        let target = format!("\"target\":\"{target}");
        assert!(log.lines().any(|line| line.contains(&target)), "nothing of {target}");
    }
    assert!(log.contains("\"level\":\"TRACE\""));
    assert!(seen.of("[\"config\"]").contains("GEMINI_API_KEY=[redacted]"));
    assert!(seen.of("metrics").contains("askbook_requests_total"));
    let places = seen.places(UNANSWERED);
    let journals = places.iter().filter(|place| place.starts_with("file")).count();
    assert_eq!((journals, places.len()), (1, 1), "{places:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_seen_nowhere() {
    let gemini = ScriptedGemini::start(|call: &Call| call.done(QUESTION, ANSWER)).await;
    let qdrant = QdrantServer::with_fault(Fault::RefusesKey).await;
    let (gemini, qdrant) = (gemini.url(), qdrant.url());
    let upstreams = Upstreams { gemini: &gemini, gemini_key: WRONG_KEY, qdrant: &qdrant };
    let seen = seen_over(upstreams).await;
    seen.hold_no_secret();
    assert!(seen.of("log").contains("GEMINI_API_KEY"), "the owner is told which key it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_sent_to_nobody_who_answers_is_seen_nowhere() {
    let gemini = ScriptedGemini::start(|_: &Call| Act::Hang).await;
    let qdrant = QdrantServer::with_fault(Fault::Hangs).await;
    let (hanging, silent) = (gemini.url(), qdrant.url());
    let gone = QdrantServer::with_fault(Fault::Unreachable).await.url();
    for (gemini, qdrant) in [(&hanging, &silent), (&gone, &gone)] {
        let upstreams = Upstreams { gemini, gemini_key: WRONG_KEY, qdrant };
        seen_over(upstreams).await.hold_no_secret();
    }
}

/// Says the key that it is called with wherever it says anything.
struct Echo {
    status: u16,
    html: bool,
}

impl Respond for Echo {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let key = request.headers.get("x-goog-api-key").map_or("", |key| key.to_str().unwrap());
        let response = ResponseTemplate::new(self.status)
            .insert_header("x-goog-api-key", key)
            .insert_header("retry-after", key)
            .insert_header("location", format!("/?key={key}"));
        if self.html {
            return response.set_body_raw(format!("<html>{key}</html>"), "text/html");
        }
        let named =
            |field: &str| json!([{ "reason": field, "quotaMetric": field, "quotaId": field }]);
        let violations = json!([{"field": key, "description": key}]);
        response.set_body_json(json!({"error": {
            "code": self.status, "status": key, "message": key,
            "details": [named(key)[0], {"fieldViolations": violations}, {"violations": named(key)}],
        }}))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_an_upstream_repeats_is_seen_nowhere() {
    let qdrant = QdrantServer::with_fault(Fault::Garbage).await.url();
    for (status, html) in [(200, true), (400, false), (403, false), (429, false), (503, true)] {
        let gemini = MockServer::start().await;
        let echo = Mock::given(wiremock::matchers::any()).respond_with(Echo { status, html });
        echo.mount(&gemini).await;
        let gemini = gemini.uri();
        let upstreams = Upstreams { gemini: &gemini, gemini_key: WRONG_KEY, qdrant: &qdrant };
        seen_over(upstreams).await.hold_no_secret();
    }
}

#[test]
fn a_key_in_the_wrong_place_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let with_spaces = format!("{WRONG_KEY} {QDRANT_KEY}");
    let in_url = format!("http://user:{WRONG_KEY}@127.0.0.1:1");
    let in_query = format!("http://127.0.0.1:1/?key={WRONG_KEY}");
    let mut seen = Seen::default();
    for (name, value) in [
        ("GEMINI_API_KEY", &with_spaces),
        ("QDRANT_API_KEY", &with_spaces),
        ("QDRANT_URL", &in_url),
        ("ASKBOOK_GEMINI_PROXY", &in_url),
        ("GEMINI_BASE_URL", &in_url),
        ("GEMINI_BASE_URL", &in_query),
        ("ASKBOOK_SITE_URL", &in_url),
        ("ALLOWED_ORIGINS", &in_url),
        ("ASKBOOK_METRICS", &in_url),
        ("ASKBOOK_GENERATOR", &with_spaces),
        ("ASKBOOK_SESSIONS", &in_url),
        ("GEMINI_MODEL", &with_spaces),
        ("PORT", &with_spaces),
        ("LOG_LEVEL", &with_spaces),
        ("ASKBOOK_GEMINI_API_KEYS", &with_spaces),
    ] {
        for command in ["serve", "config"] {
            let text = printed(folder.path(), &[command], &[(name, value)]);
            assert!(text.contains(name), "{name} is not said to be wrong: {text}");
            seen.note(format!("{command} with {name}"), text);
        }
    }
    seen.hold_no_secret();
}

#[test]
fn settings_do_not_show_their_keys_to_who_prints_them_for_a_look() {
    let config = Config::from_values([
        ("GEMINI_API_KEY", KEY),
        ("QDRANT_URL", "http://127.0.0.1:1"),
        ("QDRANT_COLLECTION_NAME", "book"),
        ("QDRANT_API_KEY", QDRANT_KEY),
        ("ASKBOOK_API_KEYS", API_KEY),
        ("ASKBOOK_SESSIONS", &format!("redis://:{REDIS_PASSWORD}@127.0.0.1:1/0")),
    ]);
    let mut seen = Seen::default();
    seen.note("debug", format!("{config:?} {config:#?}"));
    seen.hold_no_secret();
    assert!(seen.of("debug").contains("qdrant_api_key"));
}

#[test]
fn every_setting_that_is_a_secret_is_tried_here() {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/server/src/config/setting.rs");
    let table = std::fs::read_to_string(table).unwrap();
    let secret = |line: &str| {
        let name = line.trim().strip_prefix("@secret ")?.split(' ').next()?;
        Some(name.to_owned())
    };
    let mut secrets: Vec<String> = table.lines().filter_map(secret).collect();
    secrets.sort();
    assert_eq!(secrets, SETTINGS);
}

#[test]
fn a_secret_is_found_in_each_of_its_shapes() {
    let bytes = KEY.as_bytes();
    for text in [
        format!("key: {KEY}."),
        format!("key: {}…", &KEY[..20]),
        format!("key: …{}", &KEY[KEY.len() - 20..]),
        KEY.to_uppercase(),
        base64(bytes),
        format!("{bytes:?}"),
        serde_json::to_string(bytes).unwrap(),
        bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        bytes.iter().map(|byte| format!("%{byte:02X}")).collect(),
        Value::from(KEY).to_string(),
    ] {
        let mut seen = Seen::default();
        seen.note("somewhere", &*text);
        assert_eq!(seen.places(KEY).len(), 1, "{text}");
        assert_eq!(seen.places(QDRANT_KEY).len(), 0, "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::write(folder.path().join("below/file"), KEY).unwrap();
    let mut seen = Seen::default();
    seen.folder(folder.path());
    assert_eq!(seen.places(KEY).len(), 1);
}
