//! A real process of askbook's that starts, stops and dies.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tokio::time::timeout;

use crate::support::app::Reply;
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, QUESTION};
use crate::support::process::{Process, own_address};
use crate::support::scripted_gemini::{Act, Call, Ending, ScriptedGemini, Verb, text_event};
use crate::support::sse;

/// Far more than anything here takes; only a broken test waits for so long.
const NEVER: Duration = Duration::from_mins(1);

/// Lets through what is asked of a server, and what it answers only once it is opened.
struct Dam {
    address: SocketAddr,
    open: watch::Sender<bool>,
    _listening: JoinSet<()>,
}

impl Dam {
    /// Before the server at this address (`http://127.0.0.1:1`).
    async fn before(url: &str) -> Self {
        let peer: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = watch::Sender::new(false);
        let gate = open.subscribe();
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let mut gate = gate.clone();
                connections.spawn(async move {
                    let far = TcpStream::connect(peer).await.unwrap();
                    let (mut asked, mut to_near) = near.into_split();
                    let (mut answered, mut to_far) = far.into_split();
                    let forth = async {
                        let _ = copy(&mut asked, &mut to_far).await;
                        let _ = to_far.shutdown().await;
                    };
                    let back = async {
                        gate.wait_for(|open| *open).await.unwrap();
                        let _ = copy(&mut answered, &mut to_near).await;
                        let _ = to_near.shutdown().await;
                    };
                    tokio::join!(forth, back);
                });
            }
        });
        Self { address, open, _listening: listening }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn open(&self) {
        self.open.send_replace(true);
    }
}

/// A folder with a book, and with all that the process keeps.
fn house() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("book")).unwrap();
    let page = "# Tides\n\nThe harbour is open to ships at high tide.\n";
    fs::write(folder.path().join("book/tides.md"), page).unwrap();
    folder
}

/// A process that has Gemini at this address write its answers, with these settings beside.
async fn start(house: &Path, gemini: &str, settings: &[(&str, &str)]) -> Process {
    let own = [
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", gemini),
        ("ASKBOOK_EMBEDDER", "bm25"),
        ("ASKBOOK_BOOK", "book"),
        ("ASKBOOK_ADDRESS_PER_MINUTE", "0"),
        ("ASKBOOK_UPSTREAM_CALLS", "1000"),
    ];
    Process::start(house, &[&own, settings].concat()).await
}

/// A client without a connection.
fn client() -> Client {
    // Only to satisfy the client, which is built for TLS: everything here is on loopback.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// Asks at this path over a connection of its own.
async fn ask(url: &str, path: &str, session: Option<&Value>) -> Reply {
    let body = json!({ "message": QUESTION, "session_id": session });
    Reply::read(client().post(format!("{url}{path}")).json(&body).send().await.unwrap()).await
}

async fn get(url: &str, path: &str) -> Reply {
    Reply::read(client().get(format!("{url}{path}")).send().await.unwrap()).await
}

/// Waits until this is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            yield_now().await;
        }
    };
    timeout(NEVER, wait).await.unwrap_or_else(|_| panic!("never {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_chat_that_was_accepted_is_lost_when_the_server_stops() {
    const EACH: usize = 25;
    let gemini = ScriptedGemini::start(|call: &Call| call.done(QUESTION, ANSWER)).await;
    let dam = Dam::before(&gemini.url()).await;
    let house = house();
    let process = start(house.path(), &dam.url(), &[("ASKBOOK_SHUTDOWN_MS", "60000")]).await;
    let url = process.url.clone();
    let asked = |path: &'static str| {
        let url = url.clone();
        (0..EACH).map(move |_| {
            let url = url.clone();
            tokio::spawn(async move { ask(&url, path, None).await })
        })
    };
    let whole: Vec<_> = asked("/chat").collect();
    let streamed: Vec<_> = asked("/chat/stream").collect();
    until("are all under way", async || gemini.paid_calls().len() == 2 * EACH).await;

    let stopped = tokio::spawn(process.stop());
    let address = url.strip_prefix("http://").unwrap();
    until("refuses it others", async || TcpStream::connect(address).await.is_err()).await;
    assert!(!stopped.is_finished());
    dam.open();
    for reply in join_all(whole).await {
        let reply = reply.unwrap();
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        assert_eq!(reply.json()["mode"], "generated", "{}", reply.text);
    }
    for reply in join_all(streamed).await {
        let events = sse::events(&reply.unwrap().text);
        let last = events.last().unwrap();
        assert_eq!((&last["type"], &last["mode"]), (&json!("done"), &json!("generated")), "{last}");
    }
    let log = stopped.await.unwrap();
    assert!(!log.contains("cutting off"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_too_long_is_told_when_the_server_stops() {
    let gemini = ScriptedGemini::start(|call: &Call| match call.verb {
        Verb::Write => Act::Stream(vec![text_event(ANSWER)], Ending::Hangs),
        _ => call.done(QUESTION, ANSWER),
    })
    .await;
    let house = house();
    let process = start(house.path(), &gemini.url(), &[("ASKBOOK_SHUTDOWN_MS", "1000")]).await;
    let asking = ["/chat", "/chat/stream"].map(|path| {
        let url = process.url.clone();
        tokio::spawn(async move { ask(&url, path, None).await })
    });
    until("are both being written", async || gemini.paid_calls().len() == 2).await;
    let log = process.stop().await;
    let [whole, streamed] = asking;
    let whole = whole.await.unwrap();
    assert_eq!(whole.status, StatusCode::SERVICE_UNAVAILABLE, "{}", whole.text);
    assert_eq!(whole.json()["code"], "shutting_down", "{}", whole.text);
    let events = sse::events(&streamed.await.unwrap().text);
    let last = events.last().unwrap();
    let code = &last["problem"]["code"];
    assert_eq!((&last["type"], code), (&json!("error"), &json!("shutting_down")), "{last}");
    assert!(!log.contains("cutting off"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_fails_first_and_everything_else_goes_on_meanwhile() {
    let gemini = ScriptedGemini::start(|call: &Call| call.done(QUESTION, ANSWER)).await;
    let house = house();
    let process = start(house.path(), &gemini.url(), &[("ASKBOOK_DRAIN_MS", "3600000")]).await;
    let url = process.url.clone();
    assert_eq!(get(&url, "/ready").await.status, StatusCode::OK);
    let looked_at = async {
        until("is it not ready", async || !get(&url, "/ready").await.status.is_success()).await;
        assert_eq!(get(&url, "/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(get(&url, "/health").await.status, StatusCode::OK);
        let answer = ask(&url, "/chat", None).await;
        assert_eq!(answer.json()["mode"], "generated", "{}", answer.text);
    };
    // Not stopped any more when it was looked at, it is killed.
    tokio::select! {
        log = process.stop() => panic!("it is too early: {log}"),
        () = looked_at => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_serves_at_once_and_knows_what_it_has_spent() {
    let written = AtomicUsize::new(0);
    let gemini = ScriptedGemini::start(move |call: &Call| match call.verb {
        Verb::Write if written.fetch_add(1, Ordering::Relaxed) == 1 => Act::Hang,
        _ => call.done(QUESTION, ANSWER),
    })
    .await;
    let (house, ceiling) = (house(), [("ASKBOOK_SPEND_CALLS_PER_DAY", "2")]);
    let process = start(house.path(), &gemini.url(), &ceiling).await;
    let first = ask(&process.url, "/chat", None).await.json();
    assert_eq!(first["mode"], "generated", "{first}");
    let asking = tokio::spawn({
        let request = process.request(reqwest::Method::POST, "/chat");
        request.json(&json!({ "message": QUESTION })).send()
    });
    until("is the second one under way", async || gemini.paid_calls().len() == 2).await;
    drop(process);
    assert!(asking.await.unwrap().is_err());

    let process = start(house.path(), &gemini.url(), &ceiling).await;
    let ready = process.get("/ready").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text);
    let second = ask(&process.url, "/chat", Some(&first["session_id"])).await.json();
    assert_eq!(second["session_restarted"], true, "{second}");
    assert_eq!(second["mode"], "extractive", "{second}");
    assert!(second["answer"].as_str().unwrap().contains("high tide"), "{second}");
    assert_eq!(gemini.paid_calls().len(), 2, "the call that was under way counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_book_is_indexed_the_server_runs_is_not_ready_and_keeps_questions() {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("book.jsonl");
    // Reading it waits for somebody who writes.
    assert!(Command::new("mkfifo").arg(&book).status().unwrap().success());
    let (address, home) = (own_address(), folder.path().to_owned());
    let (url, host) = (format!("http://{address}"), address.ip().to_string());
    let starting = tokio::spawn(async move {
        let port = address.port().to_string();
        let settings = [("HOST", host.as_str()), ("PORT", &port), ("ASKBOOK_BOOK", "book.jsonl")];
        Process::start(&home, &settings).await
    });
    until("is it there", async || TcpStream::connect(address).await.is_ok()).await;
    assert_eq!(get(&url, "/health").await.status, StatusCode::OK);
    let ready = get(&url, "/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{}", ready.text);
    let asking = tokio::spawn({
        let url = url.clone();
        async move { ask(&url, "/chat", None).await }
    });
    let line = json!({"id": "1", "text": "The harbour is open to ships at high tide."});
    spawn_blocking(move || fs::write(book, line.to_string()).unwrap()).await.unwrap();
    let answer = asking.await.unwrap();
    assert_eq!(answer.json()["outcome"], "answered", "{}", answer.text);
    let _process = starting.await.unwrap();
    until("is it ready", async || get(&url, "/ready").await.status.is_success()).await;
}
