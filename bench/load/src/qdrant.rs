//! A stand-in for Qdrant: its messages over gRPC, which is HTTP/2 with a length before each
//! message and the status in the trailers
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response};
use prost::Message;
use qdrant_client::Payload;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CollectionConfig, CollectionInfo, CollectionParams, Distance, GetCollectionInfoResponse,
    ListAliasesResponse, ListCollectionsResponse, QueryResponse, ScoredPoint, VectorParams,
    VectorsConfig,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::book;
use crate::connections::{Tls, serve_each};
use crate::script::{Call, Fault, Pace, Script};

/// Any name is that of the one collection there is.
pub(crate) const COLLECTION: &str = "book";

/// How close all passages are to each question: close enough to be evidence.
const COSINE: f32 = 0.9;

const UNIMPLEMENTED: &str = "12";
const UNAVAILABLE: &str = "14";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What is said again and again, as it is sent.
struct Replies {
    collection: Bytes,
    collections: Bytes,
    aliases: Bytes,
    points: Bytes,
}

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, tls: Option<Tls>, script: Arc<Script>) {
    let replies = Arc::new(Replies::new(script.pace));
    let counting = Arc::clone(&script);
    let answer = move |request| {
        let (script, replies) = (Arc::clone(&script), Arc::clone(&replies));
        async move { answer(request, &script, &replies).await }
    };
    serve_each(listener, tls, &counting, answer).await;
}

/// An error breaks the stream.
async fn answer(
    request: Request<Incoming>,
    script: &Script,
    replies: &Replies,
) -> anyhow::Result<Response<Body>> {
    let (call, reply) = match request.uri().path() {
        "/qdrant.Points/Query" => (Call::Search, Some(&replies.points)),
        "/qdrant.Collections/Get" => (Call::Other, Some(&replies.collection)),
        "/qdrant.Collections/List" => (Call::Other, Some(&replies.collections)),
        "/qdrant.Collections/ListAliases" => (Call::Other, Some(&replies.aliases)),
        _ => (Call::Other, None),
    };
    request.into_body().collect().await?;
    match script.take(call) {
        Some(Fault::Refused) => return status(UNAVAILABLE),
        Some(Fault::Broken) => anyhow::bail!("as the script wants it"),
        Some(Fault::Silent) => pending().await,
        None => script.hold(call).await,
    }
    let Some(reply) = reply else { return status(UNIMPLEMENTED) };
    let trailers = HeaderMap::from_iter([("grpc-status".parse()?, HeaderValue::from_static("0"))]);
    let frames = [Frame::data(reply.clone()), Frame::trailers(trailers)];
    let body = StreamBody::new(stream::iter(frames.map(Ok))).boxed_unsync();
    Ok(head().body(body)?)
}

/// A status without a message.
fn status(code: &'static str) -> anyhow::Result<Response<Body>> {
    Ok(head().header("grpc-status", code).body(Empty::new().boxed_unsync())?)
}

fn head() -> hyper::http::response::Builder {
    Response::builder().header(CONTENT_TYPE, "application/grpc")
}

impl Replies {
    fn new(pace: Pace) -> Self {
        let size = pace.dimension as u64;
        let vector = VectorParams { size, distance: Distance::Cosine.into(), ..Default::default() };
        let vectors = VectorsConfig { config: Some(Config::Params(vector)) };
        let params = CollectionParams { vectors_config: Some(vectors), ..Default::default() };
        let config = CollectionConfig { params: Some(params), ..Default::default() };
        let info = CollectionInfo { config: Some(config), ..Default::default() };
        let result = (0..pace.passages).map(point).collect();
        Self {
            collection: framed(&GetCollectionInfoResponse { result: Some(info), time: 0.0 }),
            collections: framed(&ListCollectionsResponse::default()),
            aliases: framed(&ListAliasesResponse::default()),
            points: framed(&QueryResponse { result, ..Default::default() }),
        }
    }
}

/// A passage with the payload of an existing site.
fn point(number: usize) -> ScoredPoint {
    let payload = json!({
        "text": book::passage(number),
        "url": format!("/docs/chapter-{number}"),
        "page_title": format!("Chapter {number}"),
        "chunk_id": number,
    });
    let payload = Payload::try_from(payload).map(Into::into).unwrap_or_default();
    let id = Some((number as u64 + 1).into());
    ScoredPoint { id, payload, score: COSINE, ..Default::default() }
}

/// A message with its length before it, not compressed.
fn framed(message: &impl Message) -> Bytes {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap_or_default();
    [&[0], &length.to_be_bytes()[..], &message].concat().into()
}
