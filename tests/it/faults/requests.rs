//! Requests that no client should make, byte by byte.
//!
//! They go to one process, one after the other, which is no worse for all of them; what is refused
//! costs no call to anyone.

/// To where, how and as what.
mod addresses;
/// Bodies that are no JSON, or no question.
mod bodies;
/// Where a body ends.
mod framings;
/// Headers that make no sense.
mod headers;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::Case;
use super::subject::{Harbour, Subject};
use crate::support::gemini::KEY;
use crate::support::harbour::QUESTION;

/// How a connection on which this was sent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With an answer from the book.
    Answered,
    /// With a reply of this status that is no problem.
    Reply(u16),
    /// With a problem of this code.
    Problem(&'static str),
    /// With a reply of this status, which HTTP itself asks for, without a word.
    Status(u16),
    /// Without a word.
    Nothing,
}

use End::{Answered, Nothing, Problem, Reply, Status};

struct Request {
    name: &'static str,
    bytes: Vec<u8>,
    /// Whether the client leaves when it has sent them.
    leaves: bool,
    end: End,
}

fn request(name: &'static str, bytes: impl Into<Vec<u8>>, end: End) -> Request {
    Request { name, bytes: bytes.into(), leaves: false, end }
}

/// A request of which no more comes.
fn abandoned(name: &'static str, bytes: impl Into<Vec<u8>>) -> Request {
    Request { name, bytes: bytes.into(), leaves: true, end: Nothing }
}

/// A request with this first line and these further headers.
fn message(start: &str, headers: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("{start}\r\nhost: book\r\nconnection: close\r\n");
    let length = format!("content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), headers.as_ref(), length.as_bytes(), body].concat()
}

/// The headers of a question.
const JSON: &str = "content-type: application/json\r\n";

/// A question with this body.
fn chat(body: impl AsRef<[u8]>) -> Vec<u8> {
    message("POST /chat HTTP/1.1", JSON, body)
}

/// A question that can be answered.
fn sane() -> String {
    json!({ "message": QUESTION }).to_string()
}

/// The same with these further headers.
fn with(headers: impl AsRef<[u8]>) -> Vec<u8> {
    message("POST /chat HTTP/1.1", [JSON.as_bytes(), headers.as_ref()].concat(), sane())
}

/// The same with these fields as well.
fn fields(more: &Value) -> Vec<u8> {
    let mut body = json!({ "message": QUESTION });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    chat(body.to_string())
}

/// A question whose body is told by these headers in place of a length.
fn framed(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!("POST /chat HTTP/1.1\r\nhost: book\r\nconnection: close\r\n{JSON}{headers}");
    [head.as_bytes(), b"\r\n", body.as_ref()].concat()
}

/// A question with such a body in chunks.
fn chunked(body: impl AsRef<[u8]>) -> Vec<u8> {
    framed("transfer-encoding: chunked\r\n", body)
}

/// One chunk, and the end.
fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

fn all() -> Vec<Request> {
    let all = [bodies::all(), addresses::all(), headers::all(), framings::all()];
    all.into_iter().flatten().collect()
}

/// Where all of them go.
#[derive(Clone)]
pub(super) struct Doorstep {
    harbour: Arc<Harbour>,
    /// One request at a time, so that it is known which one costs what.
    subject: Arc<Mutex<Option<Subject>>>,
}

impl Doorstep {
    pub(super) fn new() -> Self {
        Self { harbour: Harbour::new(), subject: Arc::default() }
    }

    pub(super) fn cases(&self) -> Vec<Case> {
        let case = |request: Request| {
            let name = format!("Request: {}", request.name);
            let door = self.clone();
            Case::new(name, async move { door.knock(request).await })
        };
        all().into_iter().map(case).collect()
    }

    async fn knock(&self, Request { bytes, leaves, end, .. }: Request) {
        let mut subject = self.subject.lock().await;
        if subject.is_none() {
            let settings = [
                ("ALLOWED_ORIGINS", "https://book.example.org"),
                ("ASKBOOK_API_KEYS", "a-key-of-another-server-0123456789"),
                ("ASKBOOK_TRUSTED_PROXIES", "127.0.0.1"),
                ("ASKBOOK_KEY_PER_MINUTE", "0"),
            ];
            *subject = Some(Subject::start(&self.harbour.url().await, &settings).await);
        }
        let subject = subject.as_ref().unwrap();
        let before = subject.gemini.paid_calls().len();
        let address = subject.process.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // It may be closed before all of it is sent.
        let _ = stream.write_all(&bytes).await;
        let mut reply = Vec::new();
        if !leaves {
            let _ = stream.read_to_end(&mut reply).await;
        }
        drop(stream);
        assert_eq!(read(&reply), end, "{}", String::from_utf8_lossy(&reply));
        let paid = subject.gemini.paid_calls().len() - before;
        assert_eq!(paid, if end == Answered { 2 } else { 0 });
        subject.lives().await;
    }

    /// It answers after all of them.
    pub(super) async fn end(self) {
        let subject = self.subject.lock().await.take().unwrap();
        subject.is_well().await;
        subject.end().await;
    }
}

/// What came back.
fn read(reply: &[u8]) -> End {
    let reply = String::from_utf8(reply.to_vec()).unwrap();
    assert!(!reply.contains(KEY), "{reply}");
    let reply = reply.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&reply);
    let Some((head, body)) = reply.split_once("\r\n\r\n") else { return Nothing };
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    if body.is_empty() {
        return Status(status);
    }
    let Ok(body) = serde_json::from_str::<Value>(body) else { return Reply(status) };
    if head.contains("application/problem+json") {
        assert_eq!(body["status"], status);
        let code = body["code"].as_str().unwrap().to_owned();
        return Problem(code.leak());
    }
    if body["outcome"] == "answered" { Answered } else { Reply(status) }
}
