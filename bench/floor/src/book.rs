//! Searching Qdrant over gRPC, which is HTTP/2 with a length before each message
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::collections::HashMap;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue, TE};
use hyper::{Request, Uri};
use prost::Message;

use crate::Upstream;

/// How many passages an answer is written from.
const PASSAGES: u64 = 5;

/// A passage that was found.
pub(crate) struct Passage {
    pub(crate) text: String,
    pub(crate) url: String,
    pub(crate) title: String,
}

/// The collection.
pub(crate) struct Book {
    upstream: Upstream,
    query: Uri,
    collection: String,
}

impl Book {
    pub(crate) fn new(upstream: Upstream) -> anyhow::Result<Self> {
        let url = std::env::var("QDRANT_URL")?;
        let query = format!("{url}/qdrant.Points/Query").parse()?;
        Ok(Self { upstream, query, collection: std::env::var("QDRANT_COLLECTION_NAME")? })
    }

    pub(crate) async fn search(&self, vector: Vec<f32>) -> anyhow::Result<Vec<Passage>> {
        let query = QueryPoints {
            collection: self.collection.clone(),
            query: Some(Query { nearest: Some(Input { dense: Some(Dense { data: vector }) }) }),
            limit: Some(PASSAGES),
            with_payload: Some(WithPayload { enable: Some(true) }),
        };
        let length = query.encoded_len();
        let mut message = Vec::with_capacity(5 + length);
        message.push(0); // not compressed
        message.extend_from_slice(&u32::try_from(length)?.to_be_bytes());
        query.encode(&mut message)?;
        let request = Request::post(self.query.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
            .header(TE, HeaderValue::from_static("trailers"))
            .body(Full::new(Bytes::from(message)))?;
        let reply = self.upstream.request(request).await?.into_body().collect().await?.to_bytes();
        // Without a message there is a status that says why.
        let message = reply.get(5..).context("qdrant did not search")?;
        let found = QueryResponse::decode(message)?;
        Ok(found.result.into_iter().map(Passage::from).collect())
    }
}

impl From<Point> for Passage {
    fn from(Point { mut payload }: Point) -> Self {
        let mut take = |key| payload.remove(key).and_then(|value| value.text).unwrap_or_default();
        Self { text: take("text"), url: take("url"), title: take("page_title") }
    }
}

// The messages of Qdrant's `points.proto`, as far as they are used.

#[derive(PartialEq, Message)]
struct QueryPoints {
    #[prost(string, tag = "1")]
    collection: String,
    #[prost(message, optional, tag = "3")]
    query: Option<Query>,
    #[prost(uint64, optional, tag = "8")]
    limit: Option<u64>,
    #[prost(message, optional, tag = "11")]
    with_payload: Option<WithPayload>,
}

#[derive(PartialEq, Message)]
struct Query {
    #[prost(message, optional, tag = "1")]
    nearest: Option<Input>,
}

#[derive(PartialEq, Message)]
struct Input {
    #[prost(message, optional, tag = "2")]
    dense: Option<Dense>,
}

#[derive(PartialEq, Message)]
struct Dense {
    #[prost(float, repeated, tag = "1")]
    data: Vec<f32>,
}

#[derive(PartialEq, Message)]
struct WithPayload {
    #[prost(bool, optional, tag = "1")]
    enable: Option<bool>,
}

#[derive(PartialEq, Message)]
struct QueryResponse {
    #[prost(message, repeated, tag = "1")]
    result: Vec<Point>,
}

#[derive(PartialEq, Message)]
struct Point {
    #[prost(map = "string, message", tag = "2")]
    payload: HashMap<String, Value>,
}

#[derive(PartialEq, Message)]
struct Value {
    #[prost(string, optional, tag = "4")]
    text: Option<String>,
}
