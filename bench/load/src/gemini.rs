//! A stand-in for Gemini: JSON and server-sent events as the real one writes them, over HTTP/1.1
//! or, as with the real one, HTTP/2 where that is agreed on in TLS.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::book;
use crate::connections::{Tls, serve_each};
use crate::corpus;
use crate::script::{Call, Fault, Pace, Script};

/// The model that writes.
pub(crate) const WRITER: &str = "gemini-load";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What is said again and again.
struct Replies {
    /// The vector of all questions as JSON, pretty-printed: 14 KB, as they come...
    vector: String,
    /// ...and as they come to who asks for them without `prettyPrint`.
    compact: String,
    dimension: usize,
    condensed: Bytes,
    /// An answer as a whole.
    written: Bytes,
    /// The events of an answer.
    events: Vec<Bytes>,
}

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, tls: Option<Tls>, script: Arc<Script>) {
    let replies = Arc::new(Replies::new(script.pace));
    let counting = Arc::clone(&script);
    let answer = move |request| {
        let (script, replies) = (Arc::clone(&script), Arc::clone(&replies));
        async move { answer(request, script, &replies).await }
    };
    serve_each(listener, tls, &counting, answer).await;
}

/// An error breaks the connection.
async fn answer(
    request: Request<Incoming>,
    script: Arc<Script>,
    replies: &Replies,
) -> anyhow::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let method = head.uri.path().rsplit(':').next().unwrap_or_default();
    let call = match method {
        "batchEmbedContents" | "embedContent" => Call::Embed,
        "generateContent" if book::is_read_from(&body) => Call::Write,
        "generateContent" => Call::Condense,
        "streamGenerateContent" => Call::Write,
        _ => Call::Other,
    };
    let pretty = head.uri.query() != Some("prettyPrint=false");
    let fault = script.take(call);
    let mut writing = (call == Call::Write && fault.is_none()).then(|| script.writing());
    match fault {
        Some(Fault::Refused) => return whole(StatusCode::SERVICE_UNAVAILABLE, refusal()),
        Some(Fault::Broken) => anyhow::bail!("as the script wants it"),
        Some(Fault::Silent) => pending().await,
        None => script.hold(call).await,
    }
    match call {
        Call::Embed if method == "embedContent" => whole(StatusCode::OK, replies.embedding()),
        Call::Embed => whole(StatusCode::OK, replies.embeddings(&body, pretty)?),
        Call::Condense => whole(StatusCode::OK, replies.condensed.clone()),
        Call::Write if method == "generateContent" => {
            script.pace.wait(script.pace.rest_of_answer()).await;
            if let Some(writing) = &mut writing {
                writing.complete();
            }
            whole(StatusCode::OK, replies.written.clone())
        }
        Call::Write => {
            let events = replies.events.clone().into_iter();
            let pause = script.pace.between_pieces();
            let begun = (events, script, writing.take(), true);
            let body =
                stream::unfold(begun, move |(mut events, script, mut writing, first)| async move {
                    let event = events.next()?;
                    if !first {
                        script.pace.wait(pause).await;
                    }
                    if let (0, Some(writing)) = (events.len(), &mut writing) {
                        writing.complete();
                    }
                    Some((Ok(Frame::data(event)), (events, script, writing, false)))
                });
            let response = Response::builder().header(CONTENT_TYPE, "text/event-stream");
            Ok(response.body(StreamBody::new(body).boxed_unsync())?)
        }
        Call::Other | Call::Search => whole(StatusCode::OK, Bytes::from_static(b"{}")),
    }
}

fn whole(status: StatusCode, body: impl Into<Bytes>) -> anyhow::Result<Response<Body>> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    Ok(response.body(Full::new(body.into()).boxed_unsync())?)
}

fn refusal() -> String {
    json!({"error": {"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."}})
        .to_string()
}

impl Replies {
    fn new(pace: Pace) -> Self {
        let dimension = pace.dimension;
        let [vector, compact] = {
            let vector = vector(dimension, QUESTION);
            [written(&vector, true), written(&vector, false)]
        };
        let event = |(text, last): (String, bool)| {
            let mut event = said(&text);
            if last {
                event["candidates"][0]["finishReason"] = "STOP".into();
            }
            Bytes::from(format!("data: {event}\r\n\r\n"))
        };
        let pieces = book::answer(pace.pieces);
        let whole = |text: &str| {
            let mut whole = said(text);
            whole["candidates"][0]["finishReason"] = "STOP".into();
            Bytes::from(whole.to_string())
        };
        let answer = whole(&pieces.concat());
        let last = pieces.len() - 1;
        let pieces = pieces.into_iter().enumerate().map(|(at, text)| (text, at == last));
        let condensed = whole(book::CONDENSED);
        let events = pieces.map(event).collect();
        Self { vector, compact, dimension, condensed, written: answer, events }
    }

    /// A vector for one text.
    fn embedding(&self) -> String {
        format!("{{\n  \"embedding\": {}\n}}\n", self.vector)
    }

    /// A vector for each text.
    fn embeddings(&self, request: &[u8], pretty: bool) -> anyhow::Result<String> {
        let ready = if pretty { &self.vector } else { &self.compact };
        let Batch { requests } = serde_json::from_slice(request)?;
        let vector = |Requested { content }: &Requested<'_>| {
            let text = content.parts.first().map(|part| part.text.as_ref());
            match text.and_then(corpus::entry) {
                Some(entry) => {
                    Cow::Owned(written(&vector(self.dimension, ENTRIES + entry), pretty))
                }
                None => Cow::Borrowed(ready.as_str()),
            }
        };
        let vectors = requests.iter().map(vector).collect::<Vec<_>>().join(",\n");
        Ok(format!("{{\n  \"embeddings\": [\n{vectors}\n  ]\n}}\n"))
    }
}

/// What is to be embedded.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    requests: Vec<Requested<'a>>,
}

#[derive(Deserialize)]
struct Requested<'a> {
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// The seed of the vector that all questions have, and the passage that answers them.
const QUESTION: u64 = 7;
/// The first seed of those that other passages have.
const ENTRIES: u64 = 1_000;

/// A vector as JSON. Its numbers are `float` in the protocol (`ContentEmbedding`), and so are
/// written in as few digits as name one of 32 bits (`ProtoJSON`): eight to ten.
fn written(vector: &[f32], pretty: bool) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    if pretty {
        format!("{{\n    \"values\": [\n      {}\n    ]\n  }}", numbers.join(",\n      "))
    } else {
        format!("{{\"values\":[{}]}}", numbers.join(","))
    }
}

fn vector(dimension: usize, seed: u64) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..dimension).map(|_| (random.f32() - 0.5) / 10.0).collect()
}

fn said(text: &str) -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}],
        "usageMetadata": {"promptTokenCount": 1300, "candidatesTokenCount": 70},
        "modelVersion": WRITER,
    })
}
