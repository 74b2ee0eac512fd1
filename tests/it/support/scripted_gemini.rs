//! A Gemini that goes by a script: HTTP/1.1 by hand over TCP, so that a stream may be cut at any
//! byte, hang, break off or reset, and so that it is seen when a client leaves.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::gemini::{KEY, letters};

/// Far more than anything here takes; only a broken test waits for so long.
const NEVER: Duration = Duration::from_mins(1);

/// The server, until it is dropped.
pub(crate) struct ScriptedGemini {
    address: SocketAddr,
    calls: watch::Sender<Vec<Call>>,
    departures: tokio::sync::Mutex<mpsc::UnboundedReceiver<Departure>>,
    /// Aborted when dropped.
    _serving: JoinSet<()>,
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `batchEmbedContents`.
    Embed,
    /// `generateContent`: a follow-up is condensed.
    Condense,
    /// `streamGenerateContent`: an answer is written.
    Write,
    /// The model itself is looked up, which costs nothing.
    LookUp,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) verb: Verb,
    pub(crate) model: String,
    /// `null` when there is none.
    pub(crate) body: Value,
    /// Whether it came with the right key.
    admitted: bool,
}

/// How a call is answered.
pub(crate) enum Act {
    /// By a whole body.
    Say(u16, Value),
    /// By server-sent events: each piece is one chunk on the wire.
    Stream(Vec<Vec<u8>>, Ending),
    /// By these bytes and no others, whatever they are.
    Raw(Vec<u8>, Ending),
    /// Not at all; the connection stays open until the client leaves.
    Hang,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// As it should.
    Complete,
    /// It does not: nothing comes any more.
    Hangs,
    /// The connection is closed in the middle of the body.
    BreaksOff,
    /// The connection is reset.
    Resets,
}

/// A client that left before it had its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departure {
    pub(crate) verb: Verb,
    /// When it was noticed.
    pub(crate) at: Instant,
}

impl Call {
    /// The reader's turn of a prompt, or the first text to embed.
    pub(crate) fn text(&self) -> &str {
        let content = match self.verb {
            Verb::Embed => &self.body["requests"][0]["content"],
            _ => &self.body["contents"][0],
        };
        content["parts"][0]["text"].as_str().unwrap_or_default()
    }

    /// The act, if this is what is asked.
    pub(crate) fn on(&self, verb: Verb, act: impl FnOnce() -> Act) -> Option<Act> {
        (self.verb == verb).then(act)
    }

    /// As a well Gemini answers it: a vector for each text, `condensed` for a follow-up,
    /// `answer` as a stream of two events.
    pub(crate) fn done(&self, condensed: &str, answer: &str) -> Act {
        let candidate = |text| {
            json!({
                "candidates": [{
                    "content": {"role": "model", "parts": [{"text": text}]},
                    "finishReason": "STOP",
                }],
                "usageMetadata": {"promptTokenCount": 120, "candidatesTokenCount": 12},
                "modelVersion": format!("{}-001", self.model),
            })
        };
        match self.verb {
            Verb::LookUp => Act::Say(200, json!({"name": format!("models/{}", self.model)})),
            Verb::Embed => Act::Say(200, embeddings(&self.body)),
            Verb::Condense => Act::Say(200, candidate(condensed)),
            Verb::Write => {
                let middle = answer.floor_char_boundary(answer.len() / 2);
                let (first, second) = answer.split_at(middle);
                let mut beginning = candidate(first);
                beginning["candidates"][0]["finishReason"].take();
                Act::Stream(vec![event(&beginning), event(&candidate(second))], Ending::Complete)
            }
        }
    }
}

/// What the stand-in says in prose, which is for nobody else.
pub(crate) const INTERNAL_WORDS: &str = "INTERNAL WORDS";

/// An error in the form that Google's have.
pub(crate) fn error(code: u16, status: &str, details: &Value) -> Act {
    let error =
        json!({"code": code, "status": status, "message": INTERNAL_WORDS, "details": details});
    Act::Say(code, json!({ "error": error }))
}

/// An event as Gemini frames it.
pub(crate) fn event(data: &Value) -> Vec<u8> {
    format!("data: {data}\r\n\r\n").into_bytes()
}

/// The event of a piece of an answer that goes on.
pub(crate) fn text_event(text: &str) -> Vec<u8> {
    event(&json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}))
}

impl ScriptedGemini {
    /// A server that answers each call as the script says. A call with a wrong key is refused as
    /// Google does.
    pub(crate) async fn start(script: impl Fn(&Call) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = watch::Sender::new(Vec::new());
        let (leave, departures) = mpsc::unbounded_channel();
        let play = Arc::new(Play { script: Box::new(script), calls: calls.clone(), leave });
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let play = Arc::clone(&play);
                // Either end may break it off.
                connections.spawn(async move { drop(play.serve(stream).await) });
            }
        });
        let departures = tokio::sync::Mutex::new(departures);
        Self { address, calls, departures, _serving: serving }
    }

    /// The address to give to askbook.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has been asked so far, but for look-ups.
    pub(crate) fn paid_calls(&self) -> Vec<Verb> {
        let calls = self.calls.borrow();
        calls.iter().map(|call| call.verb).filter(|verb| *verb != Verb::LookUp).collect()
    }

    /// Waits for the first call of this kind.
    pub(crate) async fn called(&self, verb: Verb) -> Call {
        let of_verb = |calls: &Vec<Call>| calls.iter().any(|call| call.verb == verb);
        let mut calls = self.calls.subscribe();
        let seen = timeout(NEVER, calls.wait_for(of_verb)).await.unwrap().unwrap();
        seen.iter().find(|call| call.verb == verb).unwrap().clone()
    }

    /// Waits for the next client that leaves before it has its answer.
    pub(crate) async fn client_gone_mid_stream(&self) -> Departure {
        timeout(NEVER, self.departures.lock().await.recv()).await.unwrap().unwrap()
    }
}

/// What the connections share.
struct Play {
    script: Box<dyn Fn(&Call) -> Act + Send + Sync>,
    calls: watch::Sender<Vec<Call>>,
    leave: mpsc::UnboundedSender<Departure>,
}

impl Play {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut unread = Vec::new();
        while let Some(call) = next_call(&mut stream, &mut unread).await? {
            self.calls.send_modify(|calls| calls.push(call.clone()));
            let act = if call.admitted {
                (self.script)(&call)
            } else {
                error(400, "INVALID_ARGUMENT", &json!([{"reason": "API_KEY_INVALID"}]))
            };
            match act {
                Act::Say(code, body) => stream.write_all(&whole(code, &body)).await?,
                Act::Stream(pieces, ending) => {
                    let last: &[u8] =
                        if matches!(ending, Ending::Complete) { b"0\r\n\r\n" } else { b"" };
                    let bytes = [HEAD, &chunks(&pieces), last].concat();
                    let Some(kept) = self.send(stream, &bytes, ending, call.verb).await? else {
                        return Ok(());
                    };
                    stream = kept;
                }
                Act::Raw(bytes, ending) => {
                    let Some(kept) = self.send(stream, &bytes, ending, call.verb).await? else {
                        return Ok(());
                    };
                    stream = kept;
                }
                Act::Hang => return self.see_off(stream, call.verb).await,
            }
        }
        Ok(())
    }

    /// Sends this and ends so. Gives the connection back when it goes on.
    async fn send(
        &self,
        mut stream: TcpStream,
        bytes: &[u8],
        ending: Ending,
        verb: Verb,
    ) -> io::Result<Option<TcpStream>> {
        let sent = stream.write_all(bytes).await;
        match ending {
            Ending::Complete => sent.map(|()| Some(stream)),
            Ending::Hangs => self.see_off(stream, verb).await.map(|()| None),
            Ending::BreaksOff => stream.shutdown().await.map(|()| None),
            Ending::Resets => stream.set_zero_linger().map(|()| None),
        }
    }

    /// Waits until the client leaves.
    async fn see_off(&self, mut stream: TcpStream, verb: Verb) -> io::Result<()> {
        // One that closes with bytes unread resets the connection.
        while stream.read(&mut [0; 512]).await.is_ok_and(|read| read > 0) {}
        let _ = self.leave.send(Departure { verb, at: Instant::now() });
        Ok(())
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                      transfer-encoding: chunked\r\n\r\n";

/// A response with this body.
fn whole(code: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n\
         {body}"
    )
    .into_bytes()
}

/// The pieces as the client will read them, one by one. An empty one would end the body.
fn chunks(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The next request of a connection; `None` when the client has closed it.
async fn next_call(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Option<Call>> {
    loop {
        if let Some(end) = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&unread[..end]).to_ascii_lowercase();
            let header = |name: &str| {
                head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            let length: usize = header("content-length").map_or(0, |text| text.parse().unwrap());
            let body = end + 4..end + 4 + length;
            if unread.len() >= body.end {
                let admitted = header("x-goog-api-key") == Some(KEY);
                let target = head.split(' ').nth(1).unwrap_or_default();
                let call = call(target, &unread[body.clone()], admitted);
                unread.drain(..body.end);
                return Ok(Some(call));
            }
        }
        if stream.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
}

/// Reads the request for `/v1beta/models/ID:VERB`, in lower case.
fn call(target: &str, body: &[u8], admitted: bool) -> Call {
    let path = target.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let (model, verb) = name.split_once(':').unwrap_or((name, ""));
    let verb = match verb {
        "batchembedcontents" => Verb::Embed,
        "generatecontent" => Verb::Condense,
        "streamgeneratecontent" => Verb::Write,
        "" => Verb::LookUp,
        other => panic!("askbook does not know {other}"),
    };
    let body = serde_json::from_slice(body).unwrap_or_default();
    Call { verb, model: model.to_owned(), body, admitted }
}

/// A vector for each text of the request, by its letters.
fn embeddings(body: &Value) -> Value {
    let vector = |one: &Value| {
        let text = one["content"]["parts"][0]["text"].as_str().unwrap();
        let size = usize::try_from(one["outputDimensionality"].as_u64().unwrap()).unwrap();
        json!({ "values": letters(text, size) })
    };
    let requests = body["requests"].as_array().unwrap();
    json!({ "embeddings": requests.iter().map(vector).collect::<Vec<_>>() })
}
