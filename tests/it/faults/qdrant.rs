//! What may become of a call to Qdrant, or of the connection to it.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use askbook::error::ErrorKind::{
    self, Malformed, Misconfigured, RateLimited, Rejected, Timeout, Unauthorized, Unavailable,
};
use prost::Message;
use qdrant_client::Payload;
use qdrant_client::qdrant::{
    CollectionConfig, CollectionInfo, CollectionParams, GetCollectionInfoResponse, PointId,
    QueryResponse, ScoredPoint, SparseVectorConfig, SparseVectorParams, VectorParams,
    VectorsConfig,
};
use serde_json::{Value, json};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::Case;
use super::subject::{End, Harbour, Subject, Wire};
use crate::support::harbour::QUESTION;
use crate::support::moody_wire::{Mood, MoodyWire};
use crate::support::qdrant_server::scripted::{Answer, Ending, Script};
use crate::support::scripted_gemini::{INTERNAL_WORDS, Verb};

const QUERY: &str = "/qdrant.Points/Query";
const INFO: &str = "/qdrant.Collections/Get";

/// What goes wrong.
enum Strike {
    /// Calls of this path are answered so.
    Call(&'static str, Answer),
    /// This becomes of connections.
    Wire(Mood),
}

struct Fault {
    name: String,
    strike: Strike,
    end: End,
    /// How often passages are searched for.
    queries: RangeInclusive<usize>,
    /// Whether it is there from the start, before anything is known about the collection.
    cold: bool,
    /// Whether it is noticed by the time that it takes.
    hangs: bool,
    /// Whether Qdrant is left alone then.
    closes: bool,
}

impl Fault {
    fn new(name: impl Into<String>, strike: Strike, end: End) -> Self {
        let name = name.into();
        Self { name, strike, end, queries: 1..=1, cold: false, hangs: false, closes: false }
    }

    /// One by which the search is lost, for this reason.
    fn lost(name: impl Into<String>, loss: ErrorKind, strike: Strike) -> Self {
        Self::new(name, strike, End::problem(format!("upstream_{loss}")))
    }

    fn searched(self, queries: usize) -> Self {
        Self { queries: queries..=queries, ..self }
    }

    /// One by which a call may be lost on its way, or on its way back.
    fn searched_perhaps(self) -> Self {
        Self { queries: 0..=2, ..self }
    }

    fn cold(self) -> Self {
        Self { cold: true, queries: 0..=0, ..self }
    }

    fn hanging(self) -> Self {
        Self { hangs: true, ..self }
    }

    fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Lets it happen, by each wire.
    async fn play(self, harbour: Arc<Harbour>) {
        let queries = Arc::new(AtomicUsize::new(0));
        let answer = Arc::<Mutex<Option<(&str, Answer)>>>::default();
        let script: Script = {
            let (queries, answer) = (Arc::clone(&queries), Arc::clone(&answer));
            Arc::new(move |path| {
                queries.fetch_add(usize::from(path == QUERY), Ordering::SeqCst);
                let answer = answer.lock().unwrap();
                answer.as_ref().filter(|answer| answer.0 == path).map(|answer| answer.1.clone())
            })
        };
        let server = harbour.scripted(script).await;
        let wire = MoodyWire::to(&server.url()).await;
        let strike = async || match &self.strike {
            Strike::Call(path, said) => *answer.lock().unwrap() = Some((path, said.clone())),
            Strike::Wire(mood) => wire.turn(mood.clone()).await,
        };
        let mend = async || match self.strike {
            Strike::Call(..) => *answer.lock().unwrap() = None,
            Strike::Wire(_) => wire.turn(Mood::Passes).await,
        };
        if self.cold {
            strike().await;
        }
        let short = [("ASKBOOK_UPSTREAM_TIMEOUT_MS", "3000")];
        let settings: &[_] = if self.hangs { &short } else { &[] };
        let subject = Subject::start(&wire.url(), settings).await;
        if !self.cold {
            subject.is_well().await;
        }
        for (asked, by) in Wire::ALL.into_iter().enumerate() {
            if !self.cold {
                strike().await;
            }
            let left_alone = self.closes && asked > 0;
            let paid_before = subject.gemini.paid_calls().len();
            let before = queries.load(Ordering::SeqCst);
            let end = subject.ask(by, &json!({ "message": QUESTION })).await;
            assert_eq!(end, self.end, "{by:?}");
            let searched = queries.load(Ordering::SeqCst) - before;
            let expected = if left_alone { 0..=0 } else { self.queries.clone() };
            assert!(expected.contains(&searched), "{by:?}: {searched} searches, not {expected:?}");
            let paid = subject.gemini.paid_calls().split_off(paid_before);
            let expected: &[_] = match &self.end {
                End::Answer { .. } => &[Verb::Embed, Verb::Write],
                _ if self.cold || left_alone => &[],
                _ => &[Verb::Embed],
            };
            assert_eq!(paid, expected, "{by:?}");
            if !self.cold && !self.closes {
                mend().await;
                subject.is_well().await;
            }
            subject.lives().await;
        }
        if self.cold {
            mend().await;
            // What was found out about a collection is looked at again by whoever asks for it.
            subject.process.get("/ready").await;
            subject.is_well().await;
        }
        subject.end().await;
    }
}

/// Messages as gRPC frames them: a byte that says whether they are compressed, and their length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat()
}

fn says(path: &'static str, message: &impl Message) -> Strike {
    Strike::Call(path, Answer::Messages(framed(&message.encode_to_vec()), Ending::Complete))
}

fn sends(bytes: impl Into<Vec<u8>>, ending: Ending) -> Strike {
    Strike::Call(QUERY, Answer::Messages(bytes.into(), ending))
}

/// The answer to a search that finds these.
fn finds(result: Vec<ScoredPoint>) -> Strike {
    says(QUERY, &QueryResponse { result, ..QueryResponse::default() })
}

/// A point with this payload and score.
fn point(id: u64, payload: &Value, score: f32) -> ScoredPoint {
    let payload: HashMap<_, _> = Payload::try_from(payload.clone()).unwrap().into();
    ScoredPoint { id: Some(PointId::from(id)), payload, score, ..ScoredPoint::default() }
}

/// What the book says about it.
fn tides() -> Value {
    json!({"text": "The harbour is open to ships at high tide.", "url": "/docs/tides"})
}

fn statuses() -> Vec<Fault> {
    let with = |code, loss, queries| {
        let strike = Strike::Call(QUERY, Answer::Status(Status::new(code, INTERNAL_WORDS)));
        Fault::lost(format!("{code:?}"), loss, strike).searched(queries)
    };
    let busy = |seconds: &str| {
        let metadata =
            [("retry-after", seconds)].map(|(name, value)| (name, value.parse().unwrap()));
        let mut wait = MetadataMap::new();
        for (name, value) in metadata {
            wait.insert(name, value);
        }
        let status = Status::with_metadata(Code::ResourceExhausted, INTERNAL_WORDS, wait);
        let strike = Strike::Call(QUERY, Answer::Status(status));
        Fault::lost(format!("busy for {seconds} s"), RateLimited, strike)
    };
    vec![
        // The client makes these calls again by itself.
        with(Code::Unavailable, Unavailable, 2),
        with(Code::Internal, Unavailable, 2),
        with(Code::Unknown, Unavailable, 2),
        with(Code::Cancelled, Unavailable, 2),
        with(Code::Aborted, Unavailable, 1),
        with(Code::DeadlineExceeded, Timeout, 1),
        with(Code::ResourceExhausted, RateLimited, 1),
        with(Code::Unauthenticated, Unauthorized, 1),
        with(Code::PermissionDenied, Unauthorized, 1),
        // The collection may be another one by now: it is looked at.
        with(Code::NotFound, Misconfigured, 2),
        with(Code::InvalidArgument, Rejected, 2),
        with(Code::FailedPrecondition, Rejected, 1),
        with(Code::AlreadyExists, Rejected, 1),
        with(Code::OutOfRange, Rejected, 1),
        with(Code::Unimplemented, Misconfigured, 1),
        with(Code::DataLoss, Malformed, 1),
        busy("1"),
        busy("600").closing(),
        busy("never"),
    ]
}

fn streams() -> Vec<Fault> {
    let whole = framed(&QueryResponse::default().encode_to_vec());
    let http =
        |status, media_type, body| Strike::Call(QUERY, Answer::Http(status, media_type, body));
    let lost = Fault::lost;
    vec![
        lost("silence", Timeout, Strike::Call(QUERY, Answer::Silence)).hanging(),
        lost("no message", Unavailable, sends("", Ending::Complete)).searched(2),
        lost("no message and no status", Unavailable, sends("", Ending::Stops)).searched(2),
        lost("silence behind the head", Timeout, sends("", Ending::Hangs)).hanging(),
        lost("half a frame", Unavailable, sends([0, 0, 0], Ending::Complete)).searched(2),
        lost("half a message", Unavailable, sends([0, 0, 0, 0, 9, 10, 5], Ending::Complete))
            .searched(2),
        lost("a reset in a message", Unavailable, sends([0, 0, 0, 0, 9, 10], Ending::Resets))
            .searched(2),
        lost("silence in a message", Timeout, sends([0, 0, 0, 0, 9, 10], Ending::Hangs)).hanging(),
        lost("silence behind a message", Timeout, sends(whole.clone(), Ending::Hangs)).hanging(),
        lost("no status behind a message", Unavailable, sends(whole.clone(), Ending::Stops))
            .searched(2),
        Fault::new(
            "two messages",
            sends([whole.clone(), whole].concat(), Ending::Complete),
            End::NotInBook,
        ),
        lost("a message of 4 GB", Unavailable, sends([0, 255, 255, 255, 255, 1], Ending::Complete))
            .searched(2),
        lost("false compression", Unavailable, sends([1, 0, 0, 0, 1, 0], Ending::Complete))
            .searched(2),
        lost("no protocol buffers", Unavailable, sends(framed(&[255; 64]), Ending::Complete))
            .searched(2),
        lost(
            "deep protocol buffers",
            Unavailable,
            sends(framed(&[0x1b; 10_000]), Ending::Complete),
        )
        .searched(2),
        lost(
            "text of no encoding",
            Unavailable,
            sends(framed(b"\x0a\x06\x12\x04\x0a\x02\xff\xfe"), Ending::Complete),
        )
        .searched(2),
        lost("404, a page", Unavailable, http(404, "text/html", "<h1>404</h1>")).searched(2),
        lost("401, a page", Unavailable, http(401, "text/html", "<h1>401</h1>")).searched(2),
        lost("502, a page", Unavailable, http(502, "text/html", "<h1>502</h1>")).searched(2),
        lost("200, a page", Misconfigured, http(200, "text/html", "<h1>It works!</h1>"))
            .searched(2),
    ]
}

fn findings() -> Vec<Fault> {
    let odd = |name: &str, payload: Value| {
        Fault::lost(name, Misconfigured, finds(vec![point(1, &payload, 0.9)]))
    };
    let fine = |name: &str, points| Fault::new(name, finds(points), End::answered());
    let nameless = ScoredPoint { id: None, ..point(1, &tides(), 0.9) };
    let long = "The harbour is open to ships at high tide. ".repeat(50_000);
    let many = (1..=5_000).map(|id| point(id, &tides(), 0.9)).collect();
    let huge = vec![point(1, &json!({"text": "a".repeat(16 << 20)}), 0.9)];
    vec![
        Fault::new("nothing is found", finds(Vec::new()), End::NotInBook),
        odd("no payload", json!({})),
        odd("no text", json!({"url": "/docs/tides"})),
        odd("a text that is a number", json!({"text": 5})),
        fine("a text that is a list", vec![point(1, &json!({"text": [tides()["text"]]}), 0.9)]),
        odd("a blank text", json!({"text": " \n"})),
        fine(
            "a point without text among others",
            vec![point(1, &json!({}), 0.9), point(2, &tides(), 0.8)],
        ),
        fine("the same point 50 times", vec![point(1, &tides(), 0.9); 50]),
        fine("5,000 points", many),
        fine("a point without a name", vec![nameless]),
        fine("a score beyond 1", vec![point(1, &tides(), 7.0)]),
        fine("a score beyond all", vec![point(1, &tides(), f32::INFINITY)]),
        fine("a score that is none", vec![point(1, &tides(), f32::NAN)]),
        fine(
            "scores below nothing",
            vec![point(1, &tides(), -1.0), point(2, &tides(), f32::NEG_INFINITY)],
        ),
        fine("a text of 2 MB", vec![point(1, &json!({"text": long}), 0.9)]),
        fine(
            "a link that runs",
            vec![point(1, &json!({"text": tides()["text"], "url": "javascript:alert(1)"}), 0.9)],
        ),
        fine("a deep payload", vec![point(1, &deep(20), 0.9)]),
        Fault::lost(
            "a payload that is too deep",
            Unavailable,
            finds(vec![point(1, &deep(60), 0.9)]),
        )
        .searched(2),
        fine("16 MB", huge),
    ]
}

/// A text beside a field of so many lists in each other.
fn deep(levels: usize) -> Value {
    let mut payload = tides();
    payload["x"] = (0..levels).fold(json!(1), |inner, _| json!([inner]));
    payload
}

fn collections() -> Vec<Fault> {
    let lost =
        |name: &str, loss, answer| Fault::lost(name, loss, Strike::Call(INFO, answer)).cold();
    let status = |code| Answer::Status(Status::new(code, INTERNAL_WORDS));
    let described = |name: &str, loss, result: Option<CollectionInfo>| {
        Fault::lost(name, loss, says(INFO, &GetCollectionInfoResponse { result, time: 0.0 })).cold()
    };
    let with = |params: Option<CollectionParams>| {
        let config = Some(CollectionConfig { params, ..CollectionConfig::default() });
        Some(CollectionInfo { config, ..CollectionInfo::default() })
    };
    let vectors = |size, distance| {
        let vectors = VectorParams { size, distance, ..VectorParams::default() };
        let vectors_config = Some(VectorsConfig::from(vectors));
        with(Some(CollectionParams { vectors_config, ..CollectionParams::default() }))
    };
    let terms = SparseVectorConfig {
        map: HashMap::from([("bm25".to_owned(), SparseVectorParams::default())]),
    };
    let terms =
        CollectionParams { sparse_vectors_config: Some(terms), ..CollectionParams::default() };
    vec![
        lost("no collection", Misconfigured, status(Code::NotFound)),
        lost("a collection that is not for us", Unauthorized, status(Code::PermissionDenied)),
        lost("a collection that is busy", Unavailable, status(Code::Unavailable)),
        lost("a collection in silence", Timeout, Answer::Silence).hanging(),
        described("a collection without a description", Malformed, None),
        described("a collection without settings", Malformed, Some(CollectionInfo::default())),
        described("a collection without parameters", Malformed, with(None)),
        described(
            "a collection without vectors",
            Misconfigured,
            with(Some(CollectionParams::default())),
        ),
        described("a collection of terms alone", Misconfigured, with(Some(terms))),
        described("vectors of no size", Misconfigured, vectors(0, 1)),
        described("vectors of 3", Misconfigured, vectors(3, 1)),
        described("vectors of all sizes", Misconfigured, vectors(u64::MAX, 1)),
        described("a distance of tomorrow", Misconfigured, vectors(768, 99)),
    ]
}

fn connections() -> Vec<Fault> {
    let lost = |name: &str, loss, mood| Fault::lost(name, loss, Strike::Wire(mood)).searched(0);
    let words = |name: &str, loss, words: &[u8]| lost(name, loss, Mood::Says(words.to_vec()));
    // Frames of HTTP/2 (RFC 9113, section 4.1): length, kind, flags, stream.
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let goaway = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b";
    let pings = b"\0\0\x08\x06\0\0\0\0\0pingping".repeat(10_000);
    vec![
        lost("reset when it connects", Unavailable, Mood::Resets),
        lost("silence on the connection", Timeout, Mood::Hangs).hanging(),
        words("closed without a word", Unavailable, b""),
        words("another protocol", Misconfigured, b"SSH-2.0-OpenSSH_9.9\r\n"),
        words("HTTP/1.1", Misconfigured, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
        words("TLS", Misconfigured, b"\x15\x03\x01\x00\x02\x02\x28"),
        words("a frame of 16 MB", Misconfigured, b"\xff\xff\xff\x04\0\0\0\0\0"),
        words("settings on a stream", Misconfigured, b"\0\0\0\x04\0\0\0\0\x01"),
        words("asked to go away", RateLimited, &[settings.as_slice(), goaway].concat()),
        words("10,000 pings", Unavailable, &[settings.as_slice(), &pings].concat()),
        lost("reset in the first frame", Unavailable, Mood::Breaks(5)).searched_perhaps(),
        lost("reset behind the settings", Unavailable, Mood::Breaks(40)).searched_perhaps(),
        lost("silence in the first frame", Timeout, Mood::Stops(5)).hanging().searched_perhaps(),
        lost("silence behind the settings", Timeout, Mood::Stops(40)).hanging().searched_perhaps(),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let harbour = Harbour::new();
    let all = [statuses(), streams(), findings(), collections(), connections()];
    let case = |fault: Fault| {
        Case::new(format!("Qdrant: {}", fault.name), fault.play(Arc::clone(&harbour)))
    };
    all.into_iter().flatten().map(case).collect()
}
