//! Embedding and writing with Gemini: JSON, and server-sent events.

use std::borrow::Cow;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, Uri};
use serde::{Deserialize, Serialize};

use crate::Upstream;
use crate::book::Passage;

const INSTRUCTION: &str = "Answer the question from the passages alone, and cite them by their \
                           numbers, like [1]. Say so when they do not answer it.";

/// The models.
pub(crate) struct Gemini {
    upstream: Upstream,
    embed: Uri,
    write: Uri,
    key: HeaderValue,
    embedder: String,
    dimension: usize,
}

#[derive(Serialize)]
struct EmbedRequests<'a> {
    requests: [EmbedRequest<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmbedRequest<'a> {
    model: &'a str,
    content: Content<'a>,
    task_type: &'static str,
    output_dimensionality: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WriteRequest<'a> {
    system_instruction: Content<'a>,
    contents: [Content<'a>; 1],
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: [Part<'a>; 1],
}

#[derive(Serialize, Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Embeddings {
    embeddings: [Values; 1],
}

#[derive(Deserialize)]
struct Values {
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    candidates: [Candidate<'a>; 1],
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: WrittenContent<'a>,
}

#[derive(Deserialize)]
struct WrittenContent<'a> {
    #[serde(borrow)]
    parts: [Part<'a>; 1],
}

impl<'a> Content<'a> {
    fn new(role: Option<&'static str>, text: impl Into<Cow<'a, str>>) -> Self {
        Self { role, parts: [Part { text: text.into() }] }
    }
}

impl Gemini {
    pub(crate) fn new(upstream: Upstream) -> anyhow::Result<Self> {
        let set = |name| std::env::var(name).with_context(|| format!("{name} is not set"));
        let (url, embedder) = (set("GEMINI_BASE_URL")?, set("EMBEDDING_MODEL")?);
        let models = format!("{url}/v1beta/models");
        Ok(Self {
            upstream,
            embed: format!("{models}/{embedder}:batchEmbedContents").parse()?,
            write: format!("{models}/{}:streamGenerateContent?alt=sse", set("GEMINI_MODEL")?)
                .parse()?,
            key: set("GEMINI_API_KEY")?.parse()?,
            embedder: format!("models/{embedder}"),
            dimension: set("EMBEDDING_DIMENSIONS")?.parse()?,
        })
    }

    pub(crate) async fn embed(&self, question: &str) -> anyhow::Result<Vec<f32>> {
        let request = EmbedRequest {
            model: &self.embedder,
            content: Content::new(None, question),
            task_type: "RETRIEVAL_QUERY",
            output_dimensionality: self.dimension,
        };
        let response = self.call(&self.embed, &EmbedRequests { requests: [request] }).await?;
        let body = response.into_body().collect().await?.to_bytes();
        let Embeddings { embeddings: [Values { values }] } = serde_json::from_slice(&body)?;
        Ok(values)
    }

    pub(crate) async fn write(
        &self,
        question: &str,
        passages: &[Passage],
    ) -> anyhow::Result<Pieces> {
        let mut prompt = String::new();
        for (at, passage) in passages.iter().enumerate() {
            prompt += &format!("[{}] {}\n{}\n\n", at + 1, passage.title, passage.text);
        }
        prompt += question;
        let request = WriteRequest {
            system_instruction: Content::new(None, INSTRUCTION),
            contents: [Content::new(Some("user"), prompt)],
        };
        let body = self.call(&self.write, &request).await?.into_body();
        Ok(Pieces { body, read: Vec::new() })
    }

    async fn call(
        &self,
        uri: &Uri,
        request: &impl Serialize,
    ) -> anyhow::Result<Response<Incoming>> {
        let request = Request::post(uri.clone())
            .header("x-goog-api-key", self.key.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::new(Bytes::from(serde_json::to_vec(request)?)))?;
        let response = self.upstream.request(request).await?;
        anyhow::ensure!(response.status().is_success(), "gemini says {}", response.status());
        Ok(response)
    }
}

/// The pieces of an answer.
pub(crate) struct Pieces {
    body: Incoming,
    /// What is not said yet.
    read: Vec<u8>,
}

impl Pieces {
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                if let Some(event) = line.strip_prefix(b"data: ") {
                    let Written { candidates: [written] } = serde_json::from_slice(event)?;
                    let [Part { text }] = written.content.parts;
                    return Ok(Some(text.into_owned()));
                }
                continue;
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame?.into_data() {
                self.read.extend_from_slice(&data);
            }
        }
    }
}
