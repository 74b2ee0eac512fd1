//! Two processes of askbook's and one real `redis-server`.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::app::Reply;
use crate::support::gemini::KEY;
use crate::support::harbour::{ANSWER, QUESTION};
use crate::support::process::{Process, own_address};
use crate::support::redis::RedisServer;
use crate::support::scripted_gemini::{Call, ScriptedGemini, Verb};

const PASSWORD: &str = "p4ss-of-redis";

/// A book, and a folder for each process.
struct House {
    redis: RedisServer,
    folder: TempDir,
}

impl House {
    /// `None` where there is no Redis.
    fn new() -> Option<Self> {
        let redis = RedisServer::start(&["--requirepass", PASSWORD])?;
        let folder = tempfile::tempdir().unwrap();
        for name in ["book", "a", "b"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let page = "# Tides\n\nThe harbour is open to ships at high tide.\n";
        fs::write(folder.path().join("book/tides.md"), page).unwrap();
        Some(Self { redis, folder })
    }

    fn folder(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The process of this name, a or b.
    async fn start(&self, name: &str, settings: &[(&str, &str)]) -> Process {
        let (url, book) = (self.redis.url(Some(PASSWORD)), self.folder("book"));
        let own = [
            ("ASKBOOK_SESSIONS", url.as_str()),
            ("ASKBOOK_BOOK", &book),
            // A machine that runs all tests at once may stand still for a while.
            ("ASKBOOK_REDIS_TIMEOUT_MS", "20000"),
            ("LOG_LEVEL", "trace"),
        ];
        let folder = self.folder(name);
        Process::start(Path::new(&folder), &[&own, settings].concat()).await
    }
}

async fn ask(process: &Process, session: Option<&Value>) -> Reply {
    process.post("/chat", &json!({ "message": QUESTION, "session_id": session })).await
}

/// What a question of this conversation gets; whether the conversation was known.
async fn continued(process: &Process, session: &Value) -> bool {
    let reply = ask(process, Some(session)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let reply = reply.json();
    assert_eq!(reply["session_id"] == *session, reply["session_restarted"] == false, "{reply}");
    reply["session_restarted"] == false
}

async fn begun(process: &Process) -> Value {
    let reply = ask(process, None).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["session_id"].clone()
}

/// Waits until the metric of the process says so.
async fn until_redis_is(process: &Process, metrics: SocketAddr, up: bool) {
    let wanted = format!("askbook_redis_up {}", u8::from(up));
    let read = async {
        while !process.metrics(metrics).await.text.lines().any(|line| line == wanted) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(1), read).await.unwrap_or_else(|_| panic!("never {wanted}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_was_begun_at_one_process_is_continued_at_the_other() {
    let Some(house) = House::new() else { return };
    let (a, b) = (house.start("a", &[]).await, house.start("b", &[]).await);
    let session = begun(&a).await;
    assert!(continued(&b, &session).await);
    assert!(continued(&a, &session).await);
    let key = format!("askbook:session:{}", session.as_str().unwrap());
    let entries = house.redis.ask(&["-a", PASSWORD, "--no-auth-warning", "LLEN", &key]);
    assert_eq!(entries, "4", "three exchanges behind the empty entry");
    let log = a.stop().await;
    assert!(continued(&b, &session).await, "it outlives the process that began it");
    for log in [log, b.stop().await] {
        assert!(log.contains("askbook is listening"));
        assert!(!log.contains(PASSWORD), "{log}");
    }
}

/// A proxy that gives each connection to the next of these servers (`http://127.0.0.1:1`), until
/// the tasks are dropped. Its address, and how many each has got.
async fn round_robin<const N: usize>(
    servers: [&Process; N],
) -> (SocketAddr, Arc<[AtomicUsize; N]>, JoinSet<()>) {
    let peers = servers.map(|server| {
        let address = server.url.strip_prefix("http://").unwrap();
        address.parse::<SocketAddr>().unwrap()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let given = Arc::new([(); N].map(|()| AtomicUsize::new(0)));
    let counts = Arc::clone(&given);
    let mut proxy = JoinSet::new();
    proxy.spawn(async move {
        let mut connections = JoinSet::new();
        for next in (0..N).cycle() {
            let (mut near, _) = listener.accept().await.unwrap();
            counts[next].fetch_add(1, Ordering::Relaxed);
            connections.spawn(async move {
                let mut far = TcpStream::connect(peers[next]).await.unwrap();
                // Either end may break it off.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, given, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_one_proxy_a_conversation_goes_on_wherever_each_question_goes() {
    let Some(house) = House::new() else { return };
    let (a, b) = (house.start("a", &[]).await, house.start("b", &[]).await);
    let (proxy, given, _proxying) = round_robin([&a, &b]).await;
    let mut session = Value::Null;
    for turn in 0..6 {
        // With a connection of its own.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = json!({ "message": QUESTION, "session_id": session });
        let asked = client.post(format!("http://{proxy}/chat")).json(&body).send();
        let reply = Reply::read(asked.await.unwrap()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        let reply = reply.json();
        assert_eq!(reply["session_restarted"], false, "turn {turn}: {reply}");
        assert!(turn == 0 || reply["session_id"] == session, "turn {turn}: {reply}");
        session = reply["session_id"].clone();
    }
    assert_eq!(given.each_ref().map(|count| count.load(Ordering::Relaxed)), [3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_have_one_limit_and_one_ceiling() {
    let Some(house) = House::new() else { return };
    let gemini = ScriptedGemini::start(|call: &Call| call.done(QUESTION, ANSWER)).await;
    let url = gemini.url();
    let settings = [
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", url.as_str()),
        ("ASKBOOK_EMBEDDER", "bm25"),
        ("ASKBOOK_SPEND_CALLS_PER_DAY", "1"),
        ("ASKBOOK_ADDRESS_PER_MINUTE", "2"),
    ];
    let (a, b) = (house.start("a", &settings).await, house.start("b", &settings).await);
    for (process, mode) in [(&a, "generated"), (&b, "extractive")] {
        let reply = ask(process, None).await;
        assert_eq!(reply.json()["mode"], mode, "{}", reply.text);
    }
    let written = gemini.paid_calls().into_iter().filter(|verb| *verb == Verb::Write).count();
    assert_eq!(written, 1);
    let refused = ask(&a, None).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_readers_get_their_answers_and_the_owner_is_told_once() {
    let Some(mut house) = House::new() else { return };
    let metrics = own_address();
    let address = metrics.to_string();
    let a = house.start("a", &[("ASKBOOK_METRICS", &address)]).await;
    let b = house.start("b", &[]).await;
    let before = begun(&a).await;
    until_redis_is(&a, metrics, true).await;

    house.redis.kill();
    assert!(!continued(&a, &before).await, "it was in Redis");
    let meanwhile = begun(&a).await;
    assert!(continued(&a, &meanwhile).await);
    until_redis_is(&a, metrics, false).await;
    assert_eq!(a.get("/ready").await.status, StatusCode::OK);
    assert!(!continued(&b, &meanwhile).await, "it is kept where it was begun");

    house.redis.restart();
    until_redis_is(&a, metrics, true).await;
    assert!(continued(&a, &meanwhile).await);
    let log = a.stop().await;
    for message in ["Redis is out of reach", "Redis is back"] {
        assert_eq!(log.matches(message).count(), 1, "{log}");
    }
    assert!(!log.contains(PASSWORD), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_holds_nobody_up() {
    let Some(house) = House::new() else { return };
    let metrics = own_address();
    let settings =
        [("ASKBOOK_METRICS", metrics.to_string()), ("ASKBOOK_REDIS_TIMEOUT_MS", "100".to_owned())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let a = house.start("a", &settings).await;
    until_redis_is(&a, metrics, true).await;
    house.redis.freeze();
    begun(&a).await;
    until_redis_is(&a, metrics, false).await;
    let meanwhile = begun(&a).await;
    assert!(continued(&a, &meanwhile).await);
    house.redis.thaw();
    until_redis_is(&a, metrics, true).await;
    begun(&a).await;
}
