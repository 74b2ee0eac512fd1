//! What Gemini's errors mean (<https://ai.google.dev/gemini-api/docs/troubleshooting>).

use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use crate::client::Model;
use crate::wire::{ErrorResponse, Status};

/// A try that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How.
    pub(crate) error: PortError,
    /// Whether the same try may succeed in a moment.
    pub(crate) transient: bool,
}

impl Failure {
    /// What a response other than 200 means. A body that is not Gemini's, such as the HTML of a
    /// proxy, leaves the HTTP status to judge by.
    pub(crate) fn from_response(
        code: u16,
        headers: &HeaderMap,
        body: &[u8],
        model: &Model,
    ) -> Self {
        let wait = headers.get(RETRY_AFTER).and_then(|value| seconds(value.to_str().ok()?));
        if let Ok(response) = serde_json::from_slice::<ErrorResponse>(body) {
            return Self::from_status(&Status { code, ..response.status() }, wait, model);
        }
        let html = headers
            .get(CONTENT_TYPE)
            .is_some_and(|content_type| content_type.as_bytes().starts_with(b"text/html"));
        let name = if html { "with a web page" } else { "" };
        let status = Status { code, name: name.to_owned(), ..Status::default() };
        Self::from_status(&status, wait, model)
    }

    /// What Gemini's error object means.
    pub(crate) fn from_status(status: &Status, wait: Option<Duration>, model: &Model) -> Self {
        let Model { id, setting } = model;
        let name = format!("{} {}", status.code, printable(&status.name));
        let name = name.trim_end();
        let fail = |kind, transient, message: String| {
            let error = PortError::new(kind, message);
            Self { error, transient }
        };
        let wait = retry_info(status).or(wait).or_else(|| wait_in_words(&status.message));
        let failure = match status.code {
            400 if refuses_key(status) => {
                let message = "gemini does not know GEMINI_API_KEY: set it to a valid key";
                fail(ErrorKind::Unauthorized, false, message.to_owned())
            }
            400 if status.name == "FAILED_PRECONDITION" => {
                let message = format!(
                    "gemini does not serve this project from here ({name}): the free tier is not \
                     offered in every country, so enable billing or run askbook elsewhere"
                );
                fail(ErrorKind::Misconfigured, false, message)
            }
            400 if status.message.to_ascii_lowercase().contains("thinking") => {
                let message = format!(
                    "gemini refuses the thinking level for {id} ({name}): set \
                     ASKBOOK_GEMINI_THINKING_LEVEL to one that it takes, or to NONE"
                );
                fail(ErrorKind::Misconfigured, false, message)
            }
            401 | 403 => {
                let message = format!(
                    "gemini refuses GEMINI_API_KEY ({name}{}): check the key and what it may do",
                    reason(status)
                );
                fail(ErrorKind::Unauthorized, false, message)
            }
            404 => {
                let message = format!(
                    "gemini has no model {id} ({name}): set {setting} to one that it has; where \
                     GEMINI_BASE_URL is set, check that too"
                );
                fail(ErrorKind::Misconfigured, false, message)
            }
            408 | 504 => fail(ErrorKind::Timeout, true, format!("gemini took too long ({name})")),
            429 => return Self::from_quota(status, wait, model),
            499 => fail(ErrorKind::Unavailable, false, format!("gemini gave up ({name})")),
            500 | 502 | 503 => {
                fail(ErrorKind::Unavailable, true, format!("gemini is overloaded or down ({name})"))
            }
            300..=399 => {
                let message =
                    format!("gemini is elsewhere ({name}): set GEMINI_BASE_URL to where it is");
                fail(ErrorKind::Misconfigured, false, message)
            }
            400..=499 => {
                let message = format!("gemini refuses the request ({name}{})", reason(status));
                fail(ErrorKind::Rejected, false, message)
            }
            500..=599 => fail(ErrorKind::Unavailable, false, format!("gemini failed ({name})")),
            _ => fail(ErrorKind::Malformed, false, format!("gemini answered {name}")),
        };
        match (failure.error.kind(), wait) {
            (ErrorKind::Unavailable, Some(wait)) => {
                Self { error: failure.error.with_retry_after(wait), ..failure }
            }
            _ => failure,
        }
    }

    /// A quota that is used up. The wait that comes with one per day is wrong: it is renewed at
    /// midnight; and where the quota is zero there is nothing to wait for.
    fn from_quota(status: &Status, wait: Option<Duration>, Model { id, setting }: &Model) -> Self {
        let fail = |message| PortError::new(ErrorKind::RateLimited, message);
        let mut quotas = status.details.iter().flat_map(|detail| &detail.violations);
        if quotas.clone().any(|quota| quota.quota_value == "0") || names_zero(&status.message) {
            let message = format!(
                "this project has no quota for {id}: enable billing, or set {setting} to a \
                 model that it may use"
            );
            return Self { error: fail(message), transient: false };
        }
        let daily = quotas.clone().find(|quota| quota.quota_id.contains("PerDay"));
        if daily.is_some() || status.message.contains("per_day") {
            let name = daily.map(|quota| format!(" ({})", printable(&quota.quota_id)));
            let message = format!(
                "the day's quota for {id} is used up{}; it is renewed at midnight, US Pacific time",
                name.unwrap_or_default()
            );
            let error = match until_midnight(Timestamp::now()) {
                Some(wait) => fail(message).with_retry_after(wait),
                None => fail(message),
            };
            return Self { error, transient: false };
        }
        let name = quotas.next().map(|quota| format!(" ({})", printable(&quota.quota_id)));
        let message = format!("gemini refuses more calls for now{}", name.unwrap_or_default());
        let error = fail(message);
        let error = match wait {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        };
        Self { error, transient: true }
    }
}

/// The time until midnight, US Pacific time, by the rules there since 2007: machines without a
/// database of time zones know it too.
fn until_midnight(now: Timestamp) -> Option<Duration> {
    let pacific = TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").ok()?;
    let midnight = now.to_zoned(pacific).tomorrow().ok()?.start_of_day().ok()?;
    Duration::try_from(midnight.timestamp().duration_since(now)).ok()
}

/// A name that Gemini gave, for a message; anything but a name is left out. Names hold no digits
/// but for an index in brackets, so that a key is none, in whatever place a peer repeats it.
pub(crate) fn printable(name: &str) -> &str {
    let is_word = |part: &str| part.chars().all(|c| c.is_ascii_alphabetic() || " _-.".contains(c));
    let is_index = |part: &str| part.parse::<u16>().is_ok();
    let is_name = name.split(['[', ']']).all(|part| is_word(part) || is_index(part));
    if name.len() <= 100 && is_name { name } else { "?" }
}

/// A bad key is an invalid argument; only the reason tells it from others.
fn refuses_key(status: &Status) -> bool {
    status.details.iter().any(|detail| detail.reason.starts_with("API_KEY_"))
        || status.message.starts_with("API key ")
}

/// The reason, or the field of the request, that is at fault.
fn reason(status: &Status) -> String {
    let reasons = status.details.iter().map(|detail| &detail.reason);
    let violations = status.details.iter().flat_map(|detail| &detail.field_violations);
    let mut named = reasons.chain(violations.map(|violation| &violation.field));
    let name = named.find(|name| !name.is_empty());
    name.map(|name| format!(", {}", printable(name))).unwrap_or_default()
}

fn retry_info(status: &Status) -> Option<Duration> {
    let mut delays = status.details.iter().filter_map(|detail| detail.retry_delay.as_deref());
    delays.find_map(|delay| seconds(delay.strip_suffix('s')?))
}

/// "Please retry in 12.3s." or "… 985.2ms."
fn wait_in_words(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("retry in ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = rest.split_at(end);
    if unit.starts_with("ms") {
        return seconds(number).map(|wait| wait / 1000);
    }
    unit.starts_with('s').then(|| seconds(number))?
}

/// "limit: 0", and not "limit: 05".
fn names_zero(message: &str) -> bool {
    message
        .split("limit: 0")
        .skip(1)
        .any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
}

/// Decimal seconds, up to a day: what says more is no wait that anyone waits for.
fn seconds(text: &str) -> Option<Duration> {
    let wait = Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()?;
    Some(wait.min(Duration::from_hours(24)))
}

#[cfg(test)]
mod tests;
