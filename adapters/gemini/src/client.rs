use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::request::Context;
use backon::{ExponentialBuilder, Retryable};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Proxy, RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tower::retry::budget::{Budget, TpsBudget};

use crate::failure::Failure;

/// The largest answer that is read whole: 100 vectors of 3072, pretty-printed, are 6 MB.
const ANSWER_LIMIT: usize = 16 << 20;
/// The largest error that is read.
const ERROR_LIMIT: usize = 64 << 10;
/// Idle connections die silently on the way; a dead one hangs until the read timeout.
const POOL_IDLE: Duration = Duration::from_secs(25);
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// What may be tried again within so long: so many tries for each second, and such a part of the
/// calls. Under a failure that lasts, tries would otherwise be most of what is sent.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_PER_SECOND: u32 = 1;
const BUDGET_PART: f32 = 0.1;
/// By when a server may give up, in whole seconds from when it is asked: what Google's own clients
/// send (`SERVER_TIMEOUT_HEADER` in googleapis/js-genai, `_api_client.py` in python-genai)...
const SERVER_TIMEOUT: &str = "x-server-timeout";
/// ...where it is not less than this: Gemini refuses that with "Minimum allowed deadline is 10s".
const LEAST_SERVER_TIMEOUT: Duration = Duration::from_secs(10);

/// Where Gemini is and how it is called.
pub struct ClientConfig {
    /// `https://generativelanguage.googleapis.com`, or a stand-in, with or without a path; the
    /// API version at its end is not repeated.
    pub base_url: Url,
    /// `v1beta` is the one that knows all models and fields.
    pub api_version: String,
    /// Sent as the header `x-goog-api-key`.
    pub api_key: SecretString,
    /// The proxy for all calls. The environment's one is not used.
    pub proxy: Option<Url>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// When to try again.
    pub retries: Retries,
}

impl fmt::Debug for ClientConfig {
    /// Shows what cannot hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("api_version", &self.api_version)
            .field("timeouts", &self.timeouts)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// Between two pieces of a response, and before the first.
    pub read: Duration,
    /// For a whole call with all its tries and pauses; for a generation, until it begins. No call
    /// takes longer than the request has left that it is made for.
    pub call: Duration,
}

/// When a call is tried again: only before its first byte, only after a failure that may pass (no
/// connection; 408, 429, 500, 502, 503, 504), only within the limit of the call and the deadline of
/// its request, and only for one of ten calls and one more each second, of all that clones of a
/// client make. A pause that would end too late is not begun.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// How often at most.
    pub times: usize,
    /// The pause before the first one; the next is three times as long, and up to as much again
    /// is added at random to each.
    pub pause: Duration,
    /// The longest pause that Gemini may ask for; when it asks for more the call fails.
    pub patience: Duration,
}

impl Retries {
    fn schedule(self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.pause)
            .with_factor(3.0)
            .with_jitter()
            .with_max_times(self.times)
    }

    /// The pause after this failure, given the one that is due; `None` to give up.
    fn pause(self, failure: &Failure, due: Option<Duration>) -> Option<Duration> {
        match failure.error.retry_after() {
            Some(wait) if wait > self.patience => None,
            Some(wait) => due.map(|due| wait + due),
            None => due,
        }
    }
}

/// A model and the setting that names it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) setting: &'static str,
}

impl Model {
    /// Takes the id with and without its `models/`.
    pub(crate) fn new(id: String, setting: &'static str) -> Self {
        Self { id: id.strip_prefix("models/").map(str::to_owned).unwrap_or(id), setting }
    }
}

/// Calls Gemini. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    timeouts: Timeouts,
    retries: Retries,
    /// What is left to try again with.
    budget: Arc<TpsBudget>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("timeouts", &self.timeouts)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client; connects when it is first used. Installs ring as the process's provider of
    /// cryptography if there is none yet.
    ///
    /// # Errors
    /// `Misconfigured` when the address, the key or the proxy cannot be used as such, or the
    /// machine has no root certificates.
    pub fn new(config: ClientConfig) -> Result<Self, PortError> {
        // It fails when another crate installed one first, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();

        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("askbook/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static("x-goog-api-key"),
                key_header(&config.api_key)?,
            )]))
            // A redirect would take the key to another host.
            .redirect(redirect::Policy::none())
            .connect_timeout(config.timeouts.connect)
            .read_timeout(config.timeouts.read)
            .pool_idle_timeout(POOL_IDLE)
            .tcp_keepalive(2 * KEEP_ALIVE)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .no_proxy();
        if let Some(proxy) = config.proxy {
            let proxy = Proxy::all(proxy);
            builder = builder.proxy(proxy.map_err(|_| misconfigured("the proxy is no address"))?);
        }
        let http = builder.build().map_err(|error| {
            let message = "no https client can be made; does this machine have root certificates?";
            misconfigured(message).with_source(error)
        })?;
        Ok(Self {
            http,
            base_url: versioned(config.base_url, &config.api_version)?,
            timeouts: config.timeouts,
            retries: config.retries,
            budget: budget(),
        })
    }

    /// A client over the same connections, whose calls may take this long and are tried again by
    /// rules and a budget of their own.
    #[must_use]
    pub fn paced(&self, call: Duration, retries: Retries) -> Self {
        Self {
            timeouts: Timeouts { call, ..self.timeouts },
            retries,
            budget: budget(),
            ..self.clone()
        }
    }

    /// The same client, for calls that are tried once and may take this long.
    pub(crate) fn hurried(&self, limit: Duration) -> Self {
        Self {
            timeouts: Timeouts { call: limit, ..self.timeouts },
            retries: Retries { times: 0, ..self.retries },
            ..self.clone()
        }
    }

    /// Calls a model's method and reads the answer whole.
    pub(crate) async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        model: &Model,
        method: &str,
        request: &Q,
    ) -> Result<A, PortError> {
        let mut url = self.url(&format!("{}:{method}", model.id));
        // Half of a vector would be spaces (<https://docs.cloud.google.com/apis/docs/system-parameters>).
        url.set_query(Some("prettyPrint=false"));
        let answer = async {
            let request = || self.http.post(url.clone()).json(request);
            read_json(self.send(model, request, self.retries.times).await?).await
        };
        within(self.timeouts.call).scope(self.in_time(answer)).await
    }

    /// Calls a model's streaming method; the response has begun.
    pub(crate) async fn stream<Q: Serialize>(
        &self,
        model: &Model,
        method: &str,
        request: &Q,
    ) -> Result<Response, PortError> {
        let mut url = self.url(&format!("{}:{method}", model.id));
        url.set_query(Some("alt=sse"));
        // Compression would hold pieces back.
        let request = || {
            let post = self.http.post(url.clone()).json(request);
            post.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
        };
        self.in_time(self.send(model, request, self.retries.times)).await
    }

    /// Asks once whether the model is there and the key is good, which costs nothing.
    pub(crate) async fn look_up(&self, model: &Model) -> Result<(), PortError> {
        self.get::<serde::de::IgnoredAny>(model, self.url(&model.id)).await.map(drop)
    }

    /// Asks once for a page of the list of models, which costs nothing. The first page has the
    /// empty token.
    pub(crate) async fn list<A: DeserializeOwned>(&self, token: &str) -> Result<A, PortError> {
        // For the message about a peer that has none: "no model list".
        let list = Model::new("list".to_owned(), "ASKBOOK_GEMINI_API_VERSION");
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push("models");
        }
        url.query_pairs_mut().append_pair("pageSize", "1000");
        if !token.is_empty() {
            url.query_pairs_mut().append_pair("pageToken", token);
        }
        self.get(&list, url).await
    }

    async fn get<A: DeserializeOwned>(&self, model: &Model, url: Url) -> Result<A, PortError> {
        let answer =
            async { read_json(self.send(model, || self.http.get(url.clone()), 0).await?).await };
        self.in_time(answer).await
    }

    fn url(&self, model: &str) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["models", model]);
        }
        url
    }

    async fn send(
        &self,
        model: &Model,
        request: impl Fn() -> RequestBuilder,
        retries: usize,
    ) -> Result<Response, PortError> {
        let end = Instant::now() + left_of(self.timeouts.call);
        let retries = Retries { times: retries, ..self.retries };
        if retries.times > 0 {
            self.budget.deposit();
        }
        let response = (|| async { accepted(told(request()).send().await, model).await })
            .retry(retries.schedule())
            .when(|failure: &Failure| failure.transient)
            .adjust(|failure, due| {
                let pause = retries.pause(failure, due)?;
                (Instant::now() + pause < end && self.can_afford_a_try()).then_some(pause)
            })
            .notify(|failure, pause| {
                let error = &failure.error;
                tracing::warn!(%error, pause_ms = pause.as_millis(), "gemini is asked again");
                metrics::counter!("askbook_retries_total", "upstream" => "gemini").increment(1);
            })
            .await;
        response.map_err(|failure| failure.error)
    }

    /// Takes one more try out of the budget, if it is in there.
    pub(crate) fn can_afford_a_try(&self) -> bool {
        self.budget.withdraw()
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let limit = left_of(self.timeouts.call);
        tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
            let message = format!("gemini did not answer within {limit:?}");
            Err(PortError::new(ErrorKind::Timeout, message))
        })
    }
}

/// What the caller works for, when it waits so long for this.
pub(crate) fn within(limit: Duration) -> Context {
    Context::current().until((Instant::now() + limit).into_std())
}

/// As much of this time as the request has left that the caller works for.
pub(crate) fn left_of(limit: Duration) -> Duration {
    Context::current().at_most(limit, Instant::now().into_std())
}

/// The request with what Gemini should know of the one that it is made for.
fn told(request: RequestBuilder) -> RequestBuilder {
    let context = Context::current();
    let request = match context.trace {
        Some(trace) => request.header("traceparent", trace.to_string()),
        None => request,
    };
    let left = context.time_left(Instant::now().into_std());
    match left.filter(|left| *left >= LEAST_SERVER_TIMEOUT) {
        Some(left) => request.header(SERVER_TIMEOUT, left.as_secs_f64().ceil().to_string()),
        None => request,
    }
}

fn misconfigured(message: &'static str) -> PortError {
    PortError::new(ErrorKind::Misconfigured, message)
}

fn key_header(key: &SecretString) -> Result<HeaderValue, PortError> {
    let key = key.expose_secret();
    if key.is_empty() {
        return Err(misconfigured("GEMINI_API_KEY is empty"));
    }
    let mut header = HeaderValue::from_str(key)
        .map_err(|_| misconfigured("GEMINI_API_KEY holds characters that no key has"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The address that the methods are below.
fn versioned(mut base_url: Url, version: &str) -> Result<Url, PortError> {
    let plain = base_url.username().is_empty()
        && base_url.password().is_none()
        && base_url.query().is_none()
        && base_url.fragment().is_none();
    if !matches!(base_url.scheme(), "http" | "https") || !plain {
        let message = "GEMINI_BASE_URL must be http(s)://host, with at most a port and a path";
        return Err(misconfigured(message));
    }
    if let Ok(mut path) = base_url.path_segments_mut() {
        path.pop_if_empty();
    }
    let given =
        base_url.path_segments().and_then(Iterator::last).is_some_and(|last| last == version);
    if let (false, Ok(mut path)) = (given, base_url.path_segments_mut()) {
        path.push(version);
    }
    Ok(base_url)
}

/// The response, if it is one of success.
async fn accepted(
    response: Result<Response, reqwest::Error>,
    model: &Model,
) -> Result<Response, Failure> {
    let mut response = response.map_err(|error| {
        // The time to connect counts as "cannot be reached": another try may get through.
        let late = error.is_timeout() && !error.is_connect();
        Failure { error: broken(error, UNREACHABLE), transient: !late }
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = read(&mut response, ERROR_LIMIT).await.unwrap_or_default();
    Err(Failure::from_response(status.as_u16(), response.headers(), &body, model))
}

const UNREACHABLE: &str = "gemini cannot be reached: check the network, and GEMINI_BASE_URL and \
                           ASKBOOK_GEMINI_PROXY where they are set";

/// A connection that failed.
pub(crate) fn broken(error: reqwest::Error, message: &'static str) -> PortError {
    let error = error.without_url();
    if error.is_timeout() && !error.is_connect() {
        return PortError::new(ErrorKind::Timeout, "gemini did not answer in time")
            .with_source(error);
    }
    PortError::new(ErrorKind::Unavailable, message).with_source(error)
}

fn budget() -> Arc<TpsBudget> {
    Arc::new(TpsBudget::new(BUDGET_WINDOW, BUDGET_PER_SECOND, BUDGET_PART))
}

async fn read(response: &mut Response, limit: usize) -> Result<Vec<u8>, PortError> {
    let mut body = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| broken(error, "gemini's answer broke off"))?
    {
        if body.len() + piece.len() > limit {
            let message = format!("gemini's answer is larger than {limit} bytes");
            return Err(PortError::new(ErrorKind::Malformed, message));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

async fn read_json<A: DeserializeOwned>(mut response: Response) -> Result<A, PortError> {
    let body = read(&mut response, ANSWER_LIMIT).await?;
    serde_json::from_slice(&body).map_err(|error| unreadable(&error))
}

/// Says where JSON went wrong, and not how: that would quote it.
pub(crate) fn unreadable(error: &serde_json::Error) -> PortError {
    let message = format!(
        "gemini's answer is not what its interface promises (line {}, column {}); is \
         GEMINI_BASE_URL right?",
        error.line(),
        error.column()
    );
    PortError::new(ErrorKind::Malformed, message)
}

#[cfg(test)]
mod tests;
