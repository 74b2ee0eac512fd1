//! Readers: what they ask, and what becomes of it.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::book;

/// How many conversations are remembered, unless more of them are wanted.
const CONVERSATIONS: usize = 256;

/// A question, and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// What is asked; each number another question.
    pub(crate) number: u64,
    /// Whether it goes on with a conversation that the server keeps: any of those remembered.
    pub(crate) goes_on: bool,
    /// How many turns of a conversation are sent along, which the reader keeps.
    pub(crate) turns: u32,
    /// Whether it means nothing without the conversation before it; it begins none then.
    pub(crate) follow_up: bool,
    /// Whether the answer is to come piece by piece.
    pub(crate) streamed: bool,
    /// How long the reader waits for the end of the answer, and then leaves.
    pub(crate) patience: Duration,
    /// The address that a proxy says the question comes from.
    pub(crate) from: Option<Ipv4Addr>,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer that the model wrote, with nothing missing.
    Written,
    /// Such an answer, but a part was lost on the way.
    Impaired,
    /// An answer in the book's own words.
    Quoted,
    /// The book does not say.
    NotInBook,
    /// 503: not now.
    Refused,
    /// 429: too many of this client.
    Limited,
    /// 504: not in time.
    Late,
    /// Anything else, such as a connection that broke.
    Failed,
    /// The reader lost patience.
    Left,
}

impl Outcome {
    pub(crate) const ALL: [Self; 9] = [
        Self::Written,
        Self::Impaired,
        Self::Quoted,
        Self::NotInBook,
        Self::Refused,
        Self::Limited,
        Self::Late,
        Self::Failed,
        Self::Left,
    ];
}

/// Asks one server. As many connections are opened as there are questions at a time.
pub(crate) struct Readers {
    client: Client<HttpConnector, Full<Bytes>>,
    server: String,
    /// The latest of them.
    conversations: Mutex<VecDeque<String>>,
    /// How many there are at most.
    remembered: usize,
}

/// A reply.
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// When the first piece of the answer had come, of a stream.
    pub(crate) begun: Option<Instant>,
}

/// What is in each event that is a piece of an answer.
pub(crate) const DELTA: &[u8] = br#""type":"delta""#;

/// What is read of a reply, and of the event that ends a stream.
#[derive(Deserialize)]
struct Reply {
    outcome: String,
    mode: Option<String>,
    degraded: Vec<serde::de::IgnoredAny>,
    session_id: Option<String>,
}

impl Ask {
    /// A question by itself, answered as a whole, of a reader who waits for 2 seconds: as long as
    /// the readers of the figures in `performance-and-reliability.md`.
    pub(crate) fn of(number: u64) -> Self {
        let patience = Duration::from_secs(2);
        let (goes_on, turns, follow_up, streamed) = Default::default();
        Self { number, goes_on, turns, follow_up, streamed, patience, from: None }
    }
}

impl Readers {
    /// Readers of the server at this address.
    pub(crate) fn of(server: &str) -> Self {
        Self::remembering(CONVERSATIONS, server)
    }

    /// The same, who remember so many conversations.
    pub(crate) fn remembering(remembered: usize, server: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, server: server.to_owned(), conversations: Mutex::default(), remembered }
    }

    /// Asks. The reader's patience begins at `begun`.
    pub(crate) async fn ask(&self, ask: &Ask, begun: Instant) -> Outcome {
        match timeout_at(begun + ask.patience, self.outcome(ask)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Failed,
            Err(_) => Outcome::Left,
        }
    }

    /// Asks, and waits for as long as it takes.
    pub(crate) async fn watch(&self, ask: &Ask) -> anyhow::Result<Seen> {
        let response = self.client.request(self.request(ask)?).await?;
        let status = response.status();
        if !ask.streamed {
            let body = response.into_body().collect().await?.to_bytes();
            return Ok(Seen { status, body, begun: None });
        }
        let (mut body, mut frames, mut begun) = (Vec::new(), response.into_body(), None);
        while let Some(frame) = frames.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            body.extend_from_slice(&data);
            if begun.is_none() && body.windows(DELTA.len()).any(|bytes| bytes == DELTA) {
                begun = Some(Instant::now());
            }
        }
        Ok(Seen { status, body: body.into(), begun })
    }

    async fn outcome(&self, ask: &Ask) -> anyhow::Result<Outcome> {
        let Seen { status, body, .. } = self.watch(ask).await?;
        Ok(match status {
            StatusCode::OK => self.read(&body, ask.streamed)?,
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Refused,
            StatusCode::TOO_MANY_REQUESTS => Outcome::Limited,
            StatusCode::GATEWAY_TIMEOUT => Outcome::Late,
            _ => Outcome::Failed,
        })
    }

    /// Has passages found for a question, and no answer written.
    pub(crate) async fn search(&self, number: u64) -> anyhow::Result<Seen> {
        let query = json!({"query": book::question(number)});
        let request = Request::post(format!("http://{}/search", self.server))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(query.to_string().into()))?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Seen { status, body, begun: None })
    }

    fn request(&self, ask: &Ask) -> anyhow::Result<Request<Full<Bytes>>> {
        let session = if ask.goes_on { self.any_conversation() } else { None };
        let begins = session.is_none() && ask.turns == 0;
        let mut body = if ask.follow_up && !begins {
            json!({"message": book::FOLLOW_UP})
        } else {
            json!({"message": book::question(ask.number)})
        };
        if let Some(session) = session {
            body["session_id"] = session.into();
        }
        if ask.turns > 0 {
            body["history"] = (0..ask.turns).map(turn).collect();
        }
        let path = if ask.streamed { "/chat/stream" } else { "/chat" };
        let mut request = Request::post(format!("http://{}{path}", self.server))
            .header(CONTENT_TYPE, "application/json");
        if let Some(from) = ask.from {
            request = request.header("x-forwarded-for", from.to_string());
        }
        Ok(request.body(Full::new(body.to_string().into()))?)
    }

    fn read(&self, body: &[u8], streamed: bool) -> anyhow::Result<Outcome> {
        let reply = if streamed {
            let text = str::from_utf8(body)?;
            let last = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
            match serde_json::from_str(last.unwrap_or_default()) {
                Ok(reply) => reply,
                // It ended in an error.
                Err(_) => return Ok(Outcome::Failed),
            }
        } else {
            serde_json::from_slice(body)?
        };
        let Reply { outcome, mode, degraded, session_id } = reply;
        if let Some(session) = session_id {
            let mut conversations = self.conversations();
            conversations.truncate(self.remembered - 1);
            conversations.push_front(session);
        }
        Ok(match (outcome.as_str(), mode.as_deref()) {
            ("answered", Some("generated")) if degraded.is_empty() => Outcome::Written,
            ("answered", Some("generated")) => Outcome::Impaired,
            ("answered", _) => Outcome::Quoted,
            _ => Outcome::NotInBook,
        })
    }

    /// Taken out until its reply is there, so that nobody else goes on with it meanwhile.
    fn any_conversation(&self) -> Option<String> {
        let mut conversations = self.conversations();
        let any = fastrand::usize(..conversations.len().max(1));
        conversations.swap_remove_front(any)
    }

    fn conversations(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.conversations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was said before, by the reader and the book by turns.
fn turn(number: u32) -> Value {
    if number.is_multiple_of(2) {
        json!({"role": "user", "content": book::question(u64::from(number))})
    } else {
        json!({"role": "assistant", "content": book::answer(1).concat()})
    }
}
