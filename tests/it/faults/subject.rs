//! The askbook under fire.

use std::sync::{Arc, Mutex};

use askbook::error::ErrorKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::NEVER;
use crate::support::app::Reply;
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, COLLECTION, QUESTION, harbour};
use crate::support::process::Process;
use crate::support::qdrant_server::QdrantServer;
use crate::support::qdrant_server::scripted::Script;
use crate::support::scripted_gemini::{Act, Call, INTERNAL_WORDS, ScriptedGemini};
use crate::support::sse;

/// How a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Whole,
    Streamed,
}

impl Wire {
    pub(super) const ALL: [Self; 2] = [Self::Whole, Self::Streamed];

    fn path(self) -> &'static str {
        match self {
            Self::Whole => "/chat",
            Self::Streamed => "/chat/stream",
        }
    }
}

/// How a call is answered, if it is not answered as it should be.
type Fault = Box<dyn FnMut(&Call) -> Option<Act> + Send>;

/// A process that answers from the book about the harbour, by a Gemini that can be told to fail.
pub(super) struct Subject {
    pub(super) process: Process,
    pub(super) gemini: ScriptedGemini,
    fault: Arc<Mutex<Option<Fault>>>,
    /// Where it keeps things; deleted when it has ended.
    _folder: tempfile::TempDir,
}

impl Subject {
    /// One over this Qdrant, with these settings beside those that make cases independent.
    pub(super) async fn start(qdrant: &str, settings: &[(&str, &str)]) -> Self {
        let fault = Arc::<Mutex<Option<Fault>>>::default();
        let script = {
            let fault = Arc::clone(&fault);
            move |call: &Call| {
                let act = fault.lock().unwrap().as_mut().and_then(|fault| fault(call));
                act.unwrap_or_else(|| call.done(QUESTION, ANSWER))
            }
        };
        let gemini = ScriptedGemini::start(script).await;
        let folder = tempfile::tempdir().unwrap();
        let url = gemini.url();
        let defaults = [
            ("GEMINI_API_KEY", KEY),
            ("GEMINI_BASE_URL", url.as_str()),
            ("QDRANT_URL", qdrant),
            ("QDRANT_COLLECTION_NAME", COLLECTION),
            // What is lost is to be seen, and not what stands in for it.
            ("ASKBOOK_EMBEDDER", "gemini"),
            // Long enough for a busy machine.
            ("ASKBOOK_DEADLINE_MS", "90000"),
            ("ASKBOOK_CONDENSE_MS", "10000"),
            ("ASKBOOK_UPSTREAM_TIMEOUT_MS", "30000"),
            ("ASKBOOK_ADDRESS_PER_MINUTE", "0"),
            ("ASKBOOK_SESSION_PER_MINUTE", "0"),
        ];
        let given = |name: &str| settings.iter().any(|setting| setting.0 == name);
        let defaults = defaults.into_iter().filter(|default| !given(default.0));
        let settings: Vec<_> = defaults.chain(settings.iter().copied()).collect();
        let process = Process::start(folder.path(), &settings).await;
        Self { process, gemini, fault, _folder: folder }
    }

    /// From now on calls are answered so, where it says how.
    pub(super) fn strike(&self, fault: impl FnMut(&Call) -> Option<Act> + Send + 'static) {
        *self.fault.lock().unwrap() = Some(Box::new(fault));
    }

    /// From now on Gemini is well.
    pub(super) fn mend(&self) {
        *self.fault.lock().unwrap() = None;
    }

    /// Asks, and reads how the reply ends: the answer, or a problem. It is of one of the forms that
    /// there are, and holds nothing that is for the owner alone.
    pub(super) async fn ask(&self, wire: Wire, question: &Value) -> End {
        let asked = self.process.request(Method::POST, wire.path()).json(question).send();
        let reply = timeout(NEVER, async { Reply::read(asked.await.unwrap()).await });
        End::of(wire, &reply.await.unwrap_or_else(|_| panic!("no reply")))
    }

    /// A question is answered as if nothing had been.
    pub(super) async fn is_well(&self) {
        self.lives().await;
        let end = self.ask(Wire::Whole, &json!({ "message": QUESTION })).await;
        assert_eq!(end, End::answered(), "the question after it");
    }

    /// It runs, whatever becomes of questions.
    pub(super) async fn lives(&self) {
        assert_eq!(self.process.get("/health").await.status, StatusCode::OK);
    }

    /// Stops it; looks at its log.
    pub(super) async fn end(self) {
        let log = self.process.stop().await;
        for leak in [KEY, INTERNAL_WORDS, "panicked"] {
            assert!(!log.contains(leak), "{log}");
        }
    }
}

/// How a reply ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// With an answer in this mode, for want of these.
    Answer { mode: String, degraded: Value },
    /// With the word that the book does not say.
    NotInBook,
    /// With a problem of this code, after a part of an answer or not.
    Problem { code: String, incomplete: bool },
}

impl End {
    /// With an answer that lacks nothing.
    pub(super) fn answered() -> Self {
        Self::Answer { mode: "generated".to_owned(), degraded: json!([]) }
    }

    /// With one in this mode, for want of the model, for this reason.
    pub(super) fn without_model(mode: &str, reason: ErrorKind) -> Self {
        let degraded = json!([{"leg": "generator", "reason": reason.to_string()}]);
        Self::Answer { mode: mode.to_owned(), degraded }
    }

    /// With a problem before there was anything to be read.
    pub(super) fn problem(code: impl Into<String>) -> Self {
        Self::Problem { code: code.into(), incomplete: false }
    }

    fn of(wire: Wire, reply: &Reply) -> Self {
        for leak in [KEY, INTERNAL_WORDS] {
            assert!(!reply.text.contains(leak), "{}", reply.text);
            assert!(!format!("{:?}", reply.headers).contains(leak), "{:?}", reply.headers);
        }
        if reply.status != StatusCode::OK {
            let code = reply.json()["code"].as_str().unwrap().to_owned();
            reply.is_problem(reply.status.as_u16(), &code);
            return Self::problem(code);
        }
        let end = match wire {
            Wire::Whole => reply.json(),
            Wire::Streamed => last_event(&reply.text),
        };
        if end["type"] == "error" {
            let code = end["problem"]["code"].as_str().unwrap().to_owned();
            return Self::Problem { code, incomplete: end["incomplete"] == true };
        }
        if end["outcome"] == "not_in_book" {
            return Self::NotInBook;
        }
        assert_eq!(end["outcome"], "answered", "{end}");
        let mode = end["mode"].as_str().unwrap().to_owned();
        Self::Answer { mode, degraded: end["degraded"].clone() }
    }
}

/// The event that ends a stream: there is one, and it is the last.
fn last_event(text: &str) -> Value {
    let mut events = sse::events(text);
    let is_end = |event: &Value| matches!(event["type"].as_str(), Some("done" | "error"));
    assert_eq!(events.iter().filter(|event| is_end(event)).count(), 1, "{text}");
    let end = events.pop().unwrap();
    assert!(is_end(&end), "{text}");
    end
}

/// The Qdrant of all cases of a family.
pub(super) struct Harbour(OnceCell<QdrantServer>);

impl Harbour {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(OnceCell::new()))
    }

    pub(super) async fn url(&self) -> String {
        self.server().await.url()
    }

    /// Another server with the same book, which follows this script.
    pub(super) async fn scripted(&self, script: Script) -> QdrantServer {
        self.server().await.scripted(script).await
    }

    async fn server(&self) -> &QdrantServer {
        self.0.get_or_init(harbour).await
    }
}
