//! Who may ask, and how much: before a body is read or anyone is called.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use askbook::client::{Allowance, Quota};
use askbook::ports::Limiter;
use askbook::session::SessionId;
use metrics::counter;
use poem::http::header::WWW_AUTHENTICATE;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method};
use poem::{Endpoint, IntoResponse, Request, Response, Result};
use tracing::warn;

use crate::client::Client;
use crate::forwarded::household;
use crate::key::Credentials;
use crate::problem::{Code, Problem, chain, whole_seconds};
use crate::routes;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How much each client may ask for; `None` is as much as it likes.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// An address: all of IPv4, a network (/64) of IPv6.
    pub address: Option<Limit>,
    /// A conversation, beside what its client may.
    pub session: Option<Limit>,
    /// A key, in place of the address.
    pub key: Option<Limit>,
}

/// How much one kind of client may ask for.
#[derive(Clone)]
pub struct Limit {
    /// What `limiter` allows, for the headers that tell it.
    pub quota: Quota,
    /// What counts.
    pub limiter: Arc<dyn Limiter>,
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").field("quota", &self.quota).finish_non_exhaustive()
    }
}

/// What a limit is on.
#[derive(Clone, Copy, Debug)]
enum Policy {
    Address,
    Session,
    Key,
}

impl Policy {
    /// In headers and metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Session => "session",
            Self::Key => "key",
        }
    }

    fn refusal(self) -> &'static str {
        match self {
            Self::Address => "too many requests come from this address; try again a little later",
            Self::Session => "this conversation goes too fast; try again a little later",
            Self::Key => "too many requests come with this key; try again a little later",
        }
    }
}

/// What was taken of whose allowance for a request, to be told in the headers of its reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account(Arc<Mutex<Vec<(Policy, Quota, Allowance)>>>);

impl Limits {
    /// Takes one request of what a conversation may.
    pub(crate) async fn take_session(
        &self,
        request: &Request,
        session: &SessionId,
    ) -> Result<(), Problem> {
        let account = request.data().cloned().unwrap_or_default();
        take(self.session.as_ref(), Policy::Session, session.as_str(), &account).await
    }

    async fn take_client(&self, client: Client, account: &Account) -> Result<(), Problem> {
        match client.credentials {
            Credentials::Valid(number) => {
                take(self.key.as_ref(), Policy::Key, &number.to_string(), account).await
            }
            Credentials::Absent | Credentials::Wrong => {
                let address = household(client.address);
                take(self.address.as_ref(), Policy::Address, &address, account).await
            }
        }
    }
}

/// Takes one request of what a client may. Where nobody can count, it gets through: readers have
/// their answers, and what these may cost has its own ceiling.
async fn take(
    limit: Option<&Limit>,
    policy: Policy,
    client: &str,
    Account(account): &Account,
) -> Result<(), Problem> {
    let Some(Limit { quota, limiter }) = limit else { return Ok(()) };
    // One limiter may count for all of them.
    let left = match limiter.take(&format!("{}:{client}", policy.name())).await {
        Ok(left) => left,
        Err(error) => {
            warn!(error = chain(&error), policy = policy.name(), "requests are not counted");
            return Ok(());
        }
    };
    account.lock().unwrap_or_else(PoisonError::into_inner).push((policy, *quota, left));
    match left.retry_after {
        None => Ok(()),
        Some(wait) => {
            counter!("askbook_refused_total", "reason" => policy.name()).increment(1);
            Err(Problem::new(Code::RateLimited, policy.refusal()).after(wait))
        }
    }
}

/// Lets those in who may ask.
///
/// What is looked at is free, and what is asked counts: requests with a body. A wrong key counts in
/// any case, so that keys cannot be tried out.
pub(crate) struct Guarded<E> {
    inner: E,
    limits: Limits,
    key_required: bool,
}

/// Where everyone may look: probes have no key.
const OPEN: &str = "/health";

impl<E> Guarded<E> {
    pub(crate) fn new(inner: E, limits: Limits, key_required: bool) -> Self {
        Self { inner, limits, key_required }
    }

    async fn admit(&self, request: &Request, account: &Account) -> Result<(), Response> {
        let (client, path) = (Client::of(request), request.uri().path());
        if path == OPEN {
            return Ok(());
        }
        let wrong = client.credentials == Credentials::Wrong;
        let asks = request.method() == Method::POST
            && routes::find(path).is_some_and(|route| route.methods == "POST");
        if asks || wrong {
            let taken = self.limits.take_client(client, account).await;
            taken.map_err(IntoResponse::into_response)?;
        }
        let missing = self.key_required && client.credentials == Credentials::Absent;
        // RFC 6750, 3: who sent no key is told no more than that it takes one.
        let challenge = match (wrong, missing) {
            (true, _) => r#"Bearer realm="askbook", error="invalid_token""#,
            (_, true) => r#"Bearer realm="askbook""#,
            _ => return Ok(()),
        };
        let detail = if wrong {
            "the key in the header Authorization is not one of this server's"
        } else {
            "send a key of this server's with the header Authorization: Bearer KEY"
        };
        counter!("askbook_refused_total", "reason" => "unauthorized").increment(1);
        let mut response = Problem::new(Code::Unauthorized, detail).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        Err(response)
    }
}

impl<E: Endpoint> Endpoint for Guarded<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let account = Account::default();
        let mut response = match self.admit(&request, &account).await {
            Ok(()) => {
                request.set_data(account.clone());
                self.inner.get_response(request).await
            }
            Err(refusal) => refusal,
        };
        account.tell(response.headers_mut());
        Ok(response)
    }
}

impl Account {
    /// Writes the headers of draft-ietf-httpapi-ratelimit-headers-11: lists of structured fields
    /// (RFC 9651), one item for each limit.
    fn tell(&self, headers: &mut HeaderMap) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut policies, mut limits) = (String::new(), String::new());
        for (policy, quota, left) in &*taken {
            let separator = if policies.is_empty() { "" } else { ", " };
            let name = policy.name();
            let Allowance { limit, remaining, .. } = left;
            let window = whole_seconds(quota.window());
            let more = whole_seconds(quota.until_more(left));
            // Writing to a string never fails.
            let _ = write!(policies, r#"{separator}"{name}";q={limit};w={window}"#);
            let _ = write!(limits, r#"{separator}"{name}";r={remaining};t={more}"#);
        }
        for (name, value) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, limits)] {
            if let Ok(value) = HeaderValue::try_from(value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
    }
}
