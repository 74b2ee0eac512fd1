//! JSON bodies, read and written by serde without a detour over a tree of values, and strictly:
//! poem-openapi's own payload takes the number 5 for the text "5".

use std::marker::PhantomData;
use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, future};
use poem::http::header::{CONTENT_LENGTH, EXPECT};
use poem::{Body, IntoResponse, Request, RequestBody, Response, Result};
use poem_openapi::impl_apirequest_for_payload;
use poem_openapi::payload::{Json as PoemJson, ParsePayload, Payload};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use tokio::time::timeout;

use crate::problem::{Code, Problem};

const MEDIA_TYPE: &str = "application/json";

/// A reply.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Type> Payload for Json<T> {
    const CONTENT_TYPE: &'static str = MEDIA_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Serialize + Send> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => Response::builder().content_type(MEDIA_TYPE).body(body),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// A reply that was written already; the document describes it as `P`.
pub(crate) struct Written<P> {
    response: Response,
    described: PhantomData<fn() -> P>,
}

impl<P> Written<P> {
    pub(crate) fn new(response: Response) -> Self {
        Self { response, described: PhantomData }
    }
}

impl<P: Payload> Payload for Written<P> {
    const CONTENT_TYPE: &'static str = P::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        P::schema_ref()
    }

    fn register(registry: &mut Registry) {
        P::register(registry);
    }
}

impl<P: Send> IntoResponse for Written<P> {
    fn into_response(self) -> Response {
        self.response
    }
}

/// The body of a request, not read yet: how much of it may be read, the handler knows.
pub(crate) struct JsonBody<T> {
    body: Body,
    /// The length that the client announced, in bytes.
    length: Option<u64>,
    /// Whether the client waits for a sign before it sends the body.
    waits: bool,
    content: PhantomData<fn() -> T>,
}

/// How much of a body is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// In bytes.
    pub(crate) length: usize,
    pub(crate) time: Duration,
}

/// For how long the rest of a body that is too large is read and thrown away. A client that is
/// still sending when the connection closes may never see the reply.
const LINGER: Duration = Duration::from_secs(1);

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = MEDIA_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        PoemJson::<T>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        Self::begin(request, body)
    }
}

impl_apirequest_for_payload!(JsonBody<T>, T: Type);

impl JsonBody<()> {
    /// The body of a request that the document does not describe.
    pub(crate) fn of(request: &Request, body: &mut RequestBody) -> Result<Self> {
        if !request.content_type().is_some_and(PoemJson::<Value>::check_content_type) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "send the body with the header content-type: application/json",
            )
            .into());
        }
        Self::begin(request, body)
    }
}

impl<T> JsonBody<T> {
    fn begin(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let headers = request.headers();
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        Ok(Self {
            body: body.take()?,
            length: length.and_then(|length| length.parse().ok()),
            waits: headers.contains_key(EXPECT),
            content: PhantomData,
        })
    }

    /// The body, which may be read as another type than the one that is in the document.
    pub(crate) async fn read<R: DeserializeOwned>(self, limits: BodyLimits) -> Result<R, Problem> {
        let Self { body, length, waits, .. } = self;
        let mut chunks = pin!(body.into_bytes_stream());
        let fits = |length: usize| length <= limits.length;
        let mut bytes = Vec::new();
        let reading = async {
            if length.is_some_and(|length| !usize::try_from(length).is_ok_and(fits)) {
                return Ok(false);
            }
            while let Some(chunk) = chunks.try_next().await? {
                if !fits(bytes.len() + chunk.len()) {
                    return Ok(false);
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok::<_, std::io::Error>(true)
        };
        match timeout(limits.time, reading).await {
            Ok(Ok(true)) => parse(&bytes),
            Ok(Ok(false)) => {
                if !waits {
                    discard(chunks).await;
                }
                let detail = format!("the body has more than {} bytes", limits.length);
                Err(Problem::new(Code::BodyTooLarge, detail))
            }
            Ok(Err(_)) => Err(Problem::new(Code::InvalidRequest, "the body broke off")),
            Err(_) => Err(Problem::new(Code::BodyTimeout, "the body took too long to arrive")),
        }
    }
}

async fn discard(chunks: impl Stream) {
    // Either it is over or its time is.
    let _ = timeout(LINGER, chunks.for_each(|_| future::ready(()))).await;
}

/// Reads an object. Messages say where and what is wrong, and nothing that the client wrote.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(_) => return Err(Problem::new(Code::InvalidJson, "the body must be a JSON object")),
        None => {
            let detail = r#"the body is empty: send a JSON object like {"message": "..."}"#;
            return Err(Problem::new(Code::InvalidJson, detail));
        }
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            Category::Syntax | Category::Eof | Category::Io => syntax_error(&error),
            Category::Data => {
                // The words of serde without the place.
                let words = error.to_string();
                let what = words.rsplit_once(" at line ").map_or(words.as_str(), |(what, _)| what);
                if field == "." {
                    // Which field is missing or there twice.
                    return Problem::new(Code::InvalidField, what.to_owned());
                }
                misfit(&field, what)
            }
        }
    })?;
    json.end().map_err(|error| syntax_error(&error))?;
    Ok(value)
}

/// Reads what stands in the field `at` of an object that was read before.
pub(crate) fn read<T: DeserializeOwned>(value: Value, at: &str) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => at.to_owned(),
            path => format!("{at}.{path}"),
        };
        misfit(&field, &error.inner().to_string())
    })
}

/// What serde says is wrong with a field, without what the client wrote.
fn misfit(field: &str, what: &str) -> Problem {
    let detail = match what.rsplit_once(", expected ") {
        Some((_, "i64")) => format!("`{field}` must be a whole number"),
        Some((_, "a boolean")) => format!("`{field}` must be true or false"),
        Some((_, "a sequence")) => format!("`{field}` must be a list"),
        Some((_, "a map")) => format!("`{field}` must be an object"),
        Some((_, kind)) if kind.starts_with("struct ") || kind.contains("tagged enum") => {
            format!("`{field}` must be an object")
        }
        Some((_, names)) if names.starts_with(['`', 'o']) => format!("`{field}` must be {names}"),
        Some(_) => format!("`{field}` must be a string"),
        None if what.starts_with("missing field") => format!("`{field}`: {what}"),
        // Our own words, which begin with a verb.
        None => format!("`{field}` {what}"),
    };
    Problem::new(Code::InvalidField, detail).at(pointer(field))
}

/// The path of a field (`history[0]`) as a JSON pointer (`history/0`).
fn pointer(path: &str) -> String {
    path.replace('[', "/").replace(']', "").replace('.', "/")
}

fn syntax_error(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let detail = format!("the body is not valid JSON at line {line}, column {column}");
    Problem::new(Code::InvalidJson, detail)
}
