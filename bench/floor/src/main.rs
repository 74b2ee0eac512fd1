//! The floor that askbook is compared with: a server of the same contract that makes the same
//! three upstream calls and does nothing else. No framework, no limits, no checks, no log, one
//! thread.
//!
//! It reads what it must, typed: the numbers of the embedding, the texts of the passages, the
//! pieces of the answer. See `bench/README.md`.

mod book;
mod gemini;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use book::{Book, Passage};
use gemini::{Gemini, Pieces};

/// Calls an upstream: HTTP/1.1, or HTTP/2 where that is agreed on in TLS.
type Upstream = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

type Body = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Deserialize)]
struct Question {
    message: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    Delta { text: &'a str },
    Done(Reply<'a>),
    Error { code: &'static str },
}

#[derive(Serialize)]
struct Reply<'a> {
    answer: &'a str,
    outcome: &'static str,
    mode: &'static str,
    sources: Vec<Source<'a>>,
    degraded: [(); 0],
}

#[derive(Serialize)]
struct Source<'a> {
    number: usize,
    title: &'a str,
    url: &'a str,
}

impl<'a> Reply<'a> {
    fn new(answer: &'a str, passages: &'a [Passage]) -> Self {
        let source = |(at, passage): (usize, &'a Passage)| Source {
            number: at + 1,
            title: &passage.title,
            url: &passage.url,
        };
        let sources = passages.iter().enumerate().map(source).collect();
        Self { answer, outcome: "answered", mode: "generated", sources, degraded: [] }
    }
}

/// What a chat needs.
struct Floor {
    gemini: Gemini,
    book: Book,
}

impl Floor {
    /// The passages, and the beginning of the answer that is written from them.
    async fn ask(&self, body: Incoming) -> anyhow::Result<(Vec<Passage>, Pieces)> {
        let body = body.collect().await?.to_bytes();
        let Question { message } = serde_json::from_slice(&body)?;
        let vector = self.gemini.embed(&message).await?;
        let passages = self.book.search(vector).await?;
        let pieces = self.gemini.write(&message, &passages).await?;
        Ok((passages, pieces))
    }

    async fn chat(&self, body: Incoming) -> anyhow::Result<Response<Body>> {
        let (passages, mut pieces) = self.ask(body).await?;
        let mut answer = String::new();
        while let Some(piece) = pieces.next().await? {
            answer += &piece;
        }
        let reply = serde_json::to_vec(&Reply::new(&answer, &passages))?;
        Ok(whole("application/json", reply))
    }

    async fn chat_stream(&self, body: Incoming) -> anyhow::Result<Response<Body>> {
        let (passages, pieces) = self.ask(body).await?;
        let begun = Some((pieces, String::new(), passages));
        let events = stream::unfold(begun, async |state| {
            let (mut pieces, mut answer, passages) = state?;
            let (event, state) = match pieces.next().await {
                Ok(Some(piece)) => {
                    answer += &piece;
                    (event(&Event::Delta { text: &piece }), Some((pieces, answer, passages)))
                }
                Ok(None) => (event(&Event::Done(Reply::new(&answer, &passages))), None),
                Err(_) => (event(&Event::Error { code: "upstream" }), None),
            };
            Some((Ok(Frame::data(event)), state))
        });
        let mut response = Response::new(StreamBody::new(events).boxed_unsync());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        Ok(response)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (head, body) = request.into_parts();
        let response = match (head.method, head.uri.path()) {
            (Method::POST, "/chat") => self.chat(body).await,
            (Method::POST, "/chat/stream") => self.chat_stream(body).await,
            (Method::GET, "/health") => Ok(whole("application/json", r#"{"status":"ok"}"#)),
            _ => Ok(failed(StatusCode::NOT_FOUND, "no such address")),
        };
        Ok(response.unwrap_or_else(|error| failed(StatusCode::BAD_GATEWAY, &error.to_string())))
    }
}

/// An event of a stream.
fn event(event: &Event<'_>) -> Bytes {
    let mut bytes = b"data: ".to_vec();
    // It goes into memory, and nothing of it fails to be JSON.
    let _ = serde_json::to_writer(&mut bytes, event);
    bytes.extend_from_slice(b"\n\n");
    bytes.into()
}

fn whole(kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn failed(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = whole("text/plain", why.to_owned());
    *response.status_mut() = status;
    response
}

/// Trusts whom `SSL_CERT_FILE` names.
fn connector() -> HttpsConnector<HttpConnector> {
    // There is none yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    if std::env::var_os("SSL_CERT_FILE").is_some() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    builder.enable_all_versions().wrap_connector(http)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let connector = connector();
    let upstream = || {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        builder
    };
    let floor = Arc::new(Floor {
        gemini: Gemini::new(upstream().build(connector.clone()))?,
        book: Book::new(upstream().http2_only(true).build(connector))?,
    });
    let port = std::env::var("PORT")?.parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        // Who connected may have left again.
        let Ok((connection, _)) = listener.accept().await else { continue };
        let _ = connection.set_nodelay(true);
        let floor = Arc::clone(&floor);
        let service = service_fn(move |request| {
            let floor = Arc::clone(&floor);
            async move { floor.answer(request).await }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}
