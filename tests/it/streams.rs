mod writing;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use askbook::chat::{Ask, Chat, ChatSettings, Delivery, Ports};
use askbook::contract::index::fill;
use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::PortError;
use askbook::event::ChatEvent;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Embedder, Entry, Generated, Generation, Generator, Usage};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::search::SearchSettings;
use askbook::session::MessageId;
use askbook_gemini::{Client, ClientConfig, GeminiGenerator, GeneratorConfig, Retries, Timeouts};
use askbook_http::{
    ClientSettings, ConnectionSettings, HttpSettings, Proxies, ReadinessSettings, ThreadStore,
};
use askbook_memory::{MemoryEmbedder, MemorySessions, MemoryStore, SessionLimits};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use self::writing::{answer, body, texts};
use crate::support::gemini::KEY;
use crate::support::scripted_gemini::{Act, Ending, ScriptedGemini};
use crate::support::sse;

/// How many answers are generated.
const STREAMS: u64 = 10_000;

/// How many of them are asked for at a time.
const ASKERS: usize = 8;

const LIMITS: SessionLimits =
    SessionLimits { ttl: LONG, exchanges: NonZeroUsize::MIN, bytes: 1 << 20 };

const QUESTION: &str = "The harbour?";

/// Longer than anything here takes.
const LONG: Duration = Duration::from_mins(5);

/// The page by which the stand-in tells which answer is meant.
fn page(number: u64) -> String {
    format!("/docs/tides/{number}")
}

/// Which answer is meant on this page.
fn number(page: &str) -> u64 {
    page.rsplit('/').next().unwrap().parse().unwrap()
}

/// A Gemini that writes the answer whose number the page tells.
async fn gemini() -> ScriptedGemini {
    ScriptedGemini::start(|call| {
        let (_, page) = call.text().split_once("/docs/tides/").unwrap();
        Act::Stream(body(number(page.lines().next().unwrap())), Ending::Complete)
    })
    .await
}

/// What writes by this Gemini.
fn gemini_generator(gemini: &ScriptedGemini) -> GeminiGenerator {
    let client = Client::new(ClientConfig {
        base_url: gemini.url().parse().unwrap(),
        api_version: "v1beta".to_owned(),
        api_key: KEY.into(),
        proxy: None,
        timeouts: Timeouts { connect: LONG, read: LONG, call: LONG },
        retries: Retries { times: 0, pause: Duration::ZERO, patience: Duration::ZERO },
    });
    let config = GeneratorConfig {
        model: "gemini-e2e".to_owned(),
        max_output_tokens: NonZeroU32::new(4096).unwrap(),
        thinking_level: None,
        answer_timeout: LONG,
        condense_timeout: LONG,
    };
    GeminiGenerator::new(client.unwrap(), config)
}

/// Writes the answer whose number the page tells, in the pieces in which it would arrive.
struct Writer;

#[async_trait]
impl Generator for Writer {
    fn model(&self) -> &'static str {
        "writer"
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let number = number(prompt.question.page().unwrap());
        let end = Generated::End { model: "writer".to_owned(), usage: Usage::default() };
        let pieces = texts(number).into_iter().map(Generated::Text).chain([end]);
        Ok(Box::pin(stream::iter(pieces.map(Ok))))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// A chat over one passage.
async fn chat(generator: Arc<dyn Generator>) -> Chat {
    let shape = VectorShape::sparse();
    let embedder = MemoryEmbedder::new(shape);
    let store = MemoryStore::new();
    let text = "The harbour is open to ships at high tide.".to_owned();
    let embeddings = embedder.embed(std::slice::from_ref(&text), Purpose::Passage, shape);
    let embedding: Embedding = embeddings.await.unwrap().remove(0);
    let passage = Passage {
        id: PassageId("tides".to_owned()),
        title: "Tides".to_owned(),
        headings: Vec::new(),
        url: Some("/docs/tides".to_owned()),
        text,
        edition: None,
    };
    fill(&store, embedder.space(), shape, vec![Entry { passage, embedding }]).await;
    let ports = Ports {
        embedder: Arc::new(embedder),
        retriever: Arc::new(store),
        generators: vec![generator],
        sessions: Arc::new(MemorySessions::new(LIMITS)),
        journal: None,
    };
    let one = NonZeroUsize::MIN;
    let search = SearchSettings { passages: one, per_page: one, tokens: 1000 };
    let refusal = "The book does not say.".to_owned();
    Chat::new(ports, ChatSettings { search, history_tokens: 0, refusal })
}

/// Checks what is shown of each answer by its number, which is the seed that it is generated from.
#[expect(clippy::print_stdout, reason = "the figure is a result")]
async fn each_is_the_models_text<F>(way: &str, show: impl Fn(u64) -> F + Send + Sync + 'static)
where
    F: Future<Output = String> + Send,
{
    let begun = Instant::now();
    let show = Arc::new(show);
    let mut askers = JoinSet::new();
    for first in 0..ASKERS as u64 {
        let show = Arc::clone(&show);
        askers.spawn(async move {
            for number in (first..STREAMS).step_by(ASKERS) {
                let shown = show(number).await;
                assert_eq!(shown, answer(number), "answer {number}, sent as {:?}", body(number));
            }
        });
    }
    askers.join_all().await;
    let took = begun.elapsed();
    println!("{way}: {STREAMS} answers (seeds 0 to {}) byte for byte in {took:.1?}", STREAMS - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deltas_are_the_models_text() {
    let gemini = gemini().await;
    let chat = chat(Arc::new(gemini_generator(&gemini))).await;
    each_is_the_models_text("Gemini adapter and core", move |number| deltas(chat.clone(), number))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_reply_holds_the_models_text() {
    let server = Server::start().await;
    each_is_the_models_text("JSON", move |number| {
        let request = server.request("/chat", "message", number);
        async move {
            let reply: Value = request.send().await.unwrap().json().await.unwrap();
            reply["answer"].as_str().unwrap_or_else(|| panic!("{number}: {reply}")).to_owned()
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_sent_events_hold_the_models_text() {
    let server = Server::start().await;
    each_is_the_models_text("Server-sent events", move |number| {
        let request = server.request("/chat/stream", "message", number);
        async move {
            let events = sse::events(&request.send().await.unwrap().text().await.unwrap());
            let of_kind = |kind| events.iter().filter(move |event| event["type"] == kind);
            let text: String =
                of_kind("delta").map(|event| event["text"].as_str().unwrap()).collect();
            let done = events.last().unwrap();
            assert_eq!((&done["type"], &done["answer"]), (&json!("done"), &json!(text)));
            text
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_of_the_original_hold_the_models_text() {
    let server = Server::start().await;
    each_is_the_models_text("NDJSON", move |number| {
        let request = server.request("/chat", "query", number).header("x-stream-response", "true");
        async move {
            let body = request.send().await.unwrap().text().await.unwrap();
            // At line feeds alone, as the original's widget does.
            let lines = body.strip_suffix('\n').unwrap().split('\n');
            let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
            let of_chunks = |line: Value| match line["type"].as_str().unwrap() {
                "chunk" => line["content"].as_str().unwrap().to_owned(),
                "sources" => String::new(),
                other => panic!("{number}: {other}"),
            };
            lines.map(of_chunks).collect()
        }
    })
    .await;
}

/// The API over a chat, on a port of its own.
struct Server {
    url: String,
    client: reqwest::Client,
    /// Aborted when dropped.
    _serving: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        let connections = ConnectionSettings {
            limit: 8 * ASKERS,
            proxies: Proxies::default(),
            head_timeout: LONG,
            idle_timeout: LONG,
            write_timeout: LONG,
            drain: Duration::ZERO,
            shutdown_timeout: LONG,
        };
        let settings = HttpSettings {
            origins: Vec::new(),
            clients: ClientSettings::default(),
            question: QuestionLimits::default(),
            questions: 1_000,
            body_limit: 1 << 16,
            body_timeout: LONG,
            deadline: LONG,
            heartbeat: LONG,
            wires: Vec::new(),
            threads: ThreadStore(Arc::new(MemorySessions::new(LIMITS))),
            readiness: ReadinessSettings { ttl: LONG, timeout: LONG },
            connections: connections.clone(),
        };
        let any_port = "127.0.0.1:0".parse().unwrap();
        let bound = askbook_http::Server::bind(any_port, connections).unwrap();
        let url = format!("http://{}", bound.local_addr());
        let app = askbook_http::app(chat(Arc::new(Writer)).await, &settings);
        let mut serving = JoinSet::new();
        serving.spawn(bound.serve(app, std::future::pending()));
        // Only to satisfy the client, which is built for TLS: everything here is on loopback.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, client, _serving: serving }
    }

    /// Asks for the answer of this number; the question goes by this name.
    fn request(&self, path: &str, name: &str, number: u64) -> reqwest::RequestBuilder {
        let question = json!({name: QUESTION, "page": page(number), "history": []});
        self.client.post(format!("{}{path}", self.url)).json(&question)
    }
}

/// The deltas of an answer, put together.
async fn deltas(chat: Chat, number: u64) -> String {
    let limits = QuestionLimits::default();
    let question = Question::new(QUESTION, None, Some(&page(number)), limits).unwrap();
    let message = MessageId(Uuid::from_u128(number.into()));
    let ask = Ask { delivery: Delivery::Streamed, ..Ask::once(message, question) };
    let mut events = Box::pin(chat.ask(ask));
    let mut text = String::new();
    while let Some(event) = events.next().await {
        match event {
            ChatEvent::Delta(delta) => {
                assert!(!delta.is_empty());
                text += &delta;
            }
            ChatEvent::Done(answer) => {
                assert_eq!(answer.text, text);
                assert!(events.next().await.is_none(), "something follows the end");
                return text;
            }
            ChatEvent::Failed { error, .. } => panic!("answer {number}: {error:?}"),
            _ => {}
        }
    }
    panic!("answer {number} has no end");
}
