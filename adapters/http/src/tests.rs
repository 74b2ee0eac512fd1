mod ai_sdk;
mod cancel;
mod chat;
mod chatkit;
mod clients;
mod cors;
mod deadline;
mod feedback;
mod log;
mod metrics;
mod names;
mod openai;
mod original;
mod overload;
mod readiness;
mod search;
mod stream;
mod widget;

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use askbook::chat::{ChatSettings, Ports};
use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{
    Generated, Generation, Generator, Journal, Ranked, Rankings, Retriever, Usage,
};
use askbook::prompt::Prompt;
use askbook::question::QuestionLimits;
use askbook::search::SearchSettings;
use askbook_memory::{MemoryEmbedder, MemoryGenerator, MemorySessions, SessionLimits};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::{join, pending};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Body, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::{Dispatch, Level};

use super::*;

const BOOK: &str = "https://book.example";
const SECRET: &str = "sk-secret at https://internal.example";

/// What a port does when it is called.
#[derive(Clone, Copy)]
enum Conduct {
    Works,
    FindsNothing,
    Fails(ErrorKind),
    Hangs,
    Panics,
}

/// A retriever and generator that behaves as told, and counts its calls.
struct Stub {
    conduct: Conduct,
    calls: AtomicUsize,
}

impl Stub {
    fn new(conduct: Conduct) -> Arc<Self> {
        Arc::new(Self { conduct, calls: AtomicUsize::new(0) })
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    async fn act(&self) -> Result<(), PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.conduct {
            Conduct::Works | Conduct::FindsNothing => Ok(()),
            Conduct::Fails(kind) => Err(PortError::new(kind, SECRET)
                .with_retry_after(Duration::from_millis(1_500))
                .with_source("the root of it")),
            Conduct::Hangs => pending().await,
            Conduct::Panics => panic!("{SECRET}"),
        }
    }
}

/// What a stub that works finds: a passage, the same one again, and another one.
fn ranking() -> Vec<Ranked> {
    let passage = Passage {
        id: PassageId("1".to_owned()),
        title: "Sessions".to_owned(),
        headings: vec!["Time to live".to_owned()],
        url: Some("/docs/sessions#time-to-live".to_owned()),
        text: "An idle session ends after one hour. Then it is gone.".to_owned(),
        edition: None,
    };
    let copy = Passage { id: PassageId("copy of 1".to_owned()), ..passage.clone() };
    let other = Passage {
        id: PassageId("2".to_owned()),
        title: "Words".to_owned(),
        headings: Vec::new(),
        url: None,
        text: "A session is one conversation.".to_owned(),
        edition: None,
    };
    let ranked = |(passage, score)| Ranked { passage, score };
    [(passage, 2.5), (copy, 2.25), (other, 1.5)].map(ranked).into()
}

#[async_trait]
impl Retriever for Stub {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        self.act().await?;
        let found = match self.conduct {
            Conduct::FindsNothing => Vec::new(),
            _ => ranking(),
        };
        Ok(Rankings { dense: None, lexical: Some(found) })
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.act().await
    }
}

#[async_trait]
impl Generator for Stub {
    fn model(&self) -> &'static str {
        "stub"
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        self.act().await?;
        MemoryGenerator.generate(prompt).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.act().await
    }
}

/// What a scripted generator does next.
#[derive(Clone, Copy)]
enum Step {
    Text(&'static str),
    Fails(ErrorKind),
}

/// A generator that does as it is told, and remembers the prompt.
struct Scripted {
    steps: Vec<Step>,
    prompt: Mutex<Option<Prompt>>,
}

impl Scripted {
    fn new(steps: impl Into<Vec<Step>>) -> Self {
        Self { steps: steps.into(), prompt: Mutex::new(None) }
    }

    fn prompt(&self) -> Prompt {
        self.prompt.lock().unwrap().clone().unwrap()
    }
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new([Step::Text("An idle session ends after one hour. [1]")])
    }
}

#[async_trait]
impl Generator for Scripted {
    fn model(&self) -> &'static str {
        "scripted"
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        *self.prompt.lock().unwrap() = Some(prompt);
        let steps = self.steps.clone().into_iter().map(|step| match step {
            Step::Text(text) => Ok(Generated::Text(text.to_owned())),
            Step::Fails(kind) => Err(PortError::new(kind, SECRET)),
        });
        let end = Generated::End { model: self.model().to_owned(), usage: Usage::default() };
        Ok(Box::pin(futures_util::stream::iter(steps.chain([Ok(end)]).collect::<Vec<_>>())))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn settings() -> HttpSettings {
    HttpSettings {
        origins: vec![Origin::parse(1, BOOK).unwrap().0],
        clients: ClientSettings::default(),
        question: QuestionLimits { text: 100, selected_text: 200 },
        questions: 1_000,
        body_limit: 1_000,
        body_timeout: Duration::from_secs(10),
        deadline: Duration::from_mins(1),
        heartbeat: Duration::from_secs(10),
        wires: Protocol::ALL.into(),
        threads: threads(),
        readiness: ReadinessSettings {
            ttl: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
        },
        connections: ConnectionSettings {
            limit: 10,
            proxies: Proxies::default(),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(15),
            drain: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(10),
        },
    }
}

/// Threads of nobody yet.
fn threads() -> ThreadStore {
    ThreadStore(Arc::new(sessions()))
}

fn sessions() -> MemorySessions {
    MemorySessions::new(SessionLimits {
        ttl: Duration::from_hours(1),
        exchanges: NonZeroUsize::new(10).unwrap(),
        bytes: 1 << 20,
    })
}

/// Subscribers of nobody, registered before the first app is made. With fewer than two, tracing
/// asks the thread that comes to an event first whether the event matters to anyone, and believes
/// it for all threads: tests that do not listen would silence it for those that do.
static REGISTERED: LazyLock<[Dispatch; 2]> = LazyLock::new(|| {
    let silent = || tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_writer(io::sink);
    [silent().finish().into(), silent().finish().into()]
});

/// A chat of an owner who keeps no journal.
fn chat(retriever: Arc<dyn Retriever>, generators: Vec<Arc<dyn Generator>>) -> Chat {
    chat_over(retriever, generators, None)
}

fn chat_over(
    retriever: Arc<dyn Retriever>,
    generators: Vec<Arc<dyn Generator>>,
    journal: Option<Arc<dyn Journal>>,
) -> Chat {
    LazyLock::force(&REGISTERED);
    let ports = Ports {
        embedder: Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
        retriever,
        generators,
        journal,
        sessions: Arc::new(sessions()),
    };
    Chat::new(ports, chat_settings())
}

fn chat_settings() -> ChatSettings {
    ChatSettings {
        search: SearchSettings {
            passages: NonZeroUsize::new(5).unwrap(),
            per_page: NonZeroUsize::new(2).unwrap(),
            tokens: 1_000,
        },
        history_tokens: 1_000,
        refusal: "The book does not say.".to_owned(),
    }
}

/// An app over ports that behave like this, and the ports.
fn app_over(
    retriever: Conduct,
    generator: Conduct,
) -> (impl Endpoint<Output = Response>, Arc<Stub>, Arc<Stub>) {
    let (retriever, generator) = (Stub::new(retriever), Stub::new(generator));
    let chat = chat(retriever.clone(), vec![generator.clone()]);
    (app(chat, &settings()), retriever, generator)
}

fn working_app() -> impl Endpoint<Output = Response> {
    app_over(Conduct::Works, Conduct::Works).0
}

fn ask(body: impl Into<Body>) -> Request {
    post("/chat", body)
}

fn post(path: &str, body: impl Into<Body>) -> Request {
    Request::builder()
        .method(Method::POST)
        .uri_str(path)
        .header("content-type", "application/json")
        .header("origin", BOOK)
        .body(body)
}

fn question() -> Request {
    ask(r#"{"message": "When does a session end?"}"#)
}

fn look(path: &str) -> Request {
    Request::builder().uri_str(path).header("origin", BOOK).finish()
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Checks everything that every problem must have, with a granted `Origin`.
    fn assert_problem(&self, status: u16, code: &str) {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:askbook:problem:{code}"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("access-control-allow-origin"), Some(BOOK), "{code}");
        assert_eq!(self.header("vary"), Some("origin"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        for inner in ["secret", "internal.example", "Request", "poem", "serde", "i64"] {
            assert!(!self.text.contains(inner), "{inner}: {}", self.text);
        }
    }
}

/// The events of a stream, in order. Their ids count from 1; comments are passed over.
pub(crate) fn events(text: &str) -> Vec<Value> {
    let blocks = text.strip_suffix("\n\n").expect("the last event is complete").split("\n\n");
    let events = blocks.filter(|block| *block != ":").enumerate().map(|(index, block)| {
        let (id, data) = block.split_once('\n').unwrap();
        assert_eq!(id, format!("id: {}", index + 1));
        let data = data.strip_prefix("data: ").unwrap();
        assert!(!data.contains(['\n', '\r']), "{data:?}");
        serde_json::from_str(data).unwrap()
    });
    events.collect()
}

async fn send(app: &impl Endpoint<Output = Response>, request: Request) -> Reply {
    let response = Box::pin(app.call(request)).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, text: response.into_body().into_string().await.unwrap() }
}
