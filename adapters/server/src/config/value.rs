//! The values of settings: each is read once, into a type that cannot be wrong any more.
//!
//! A parser's error completes the sentence "NAME …" and never repeats what was given.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;
use std::time::Duration;

use askbook_http::{ApiKeys, Origin, Protocol, Proxies};
use askbook_qdrant::{Address, AddressError};
use askbook_redis::RedisAddress;
use clap::ValueEnum;
use secrecy::SecretString;
use tracing_subscriber::filter::{LevelFilter, Targets};
use url::Url;

/// What turns text into vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EmbedderName {
    Gemini,
    Bm25,
    Hybrid,
    Memory,
}

/// Where passages are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RetrieverName {
    Qdrant,
    Edge,
    Memory,
}

/// What writes the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GeneratorName {
    Gemini,
    Quote,
    Memory,
}

/// What answers when no model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FallbackName {
    Quote,
    None,
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Where conversations are kept.
#[derive(Clone, Debug)]
pub(crate) enum SessionsPlace {
    Memory,
    Redis(Box<RedisAddress>),
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    Pretty,
    Json,
}

/// What Gemini embeds a question as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryTask {
    #[value(name = "RETRIEVAL_QUERY")]
    RetrievalQuery,
    #[value(name = "QUESTION_ANSWERING")]
    QuestionAnswering,
}

/// The sites whose pages may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origins {
    pub(crate) allowed: Vec<Origin>,
    /// What was left out of them.
    pub(super) warnings: Vec<String>,
}

type Parsed<T> = Result<T, String>;

pub(super) fn text<T: FromStr<Err = Infallible>>(given: &str) -> Parsed<T> {
    given.parse().map_err(|never| match never {})
}

/// One of a fixed set, in capitals or not.
pub(super) fn choice<T: ValueEnum>(given: &str) -> Parsed<T> {
    T::from_str(given, true).map_err(|_| {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|name| name.get_name().to_owned()).collect();
        format!("must be {}", names.join(" or "))
    })
}

pub(super) fn number<T: FromStr>(given: &str) -> Parsed<T> {
    given.parse().map_err(|_| "must be a whole number".to_owned())
}

/// For the `NonZero` numbers.
pub(super) fn positive<T: FromStr>(given: &str) -> Parsed<T> {
    number(given).map_err(|_| "must be a whole number above 0".to_owned())
}

/// A number, or 0 for none.
pub(super) fn ceiling(given: &str) -> Parsed<Option<u64>> {
    number(given).map(|ceiling| Some(ceiling).filter(|ceiling| *ceiling > 0))
}

/// As [`money`], or 0 for none.
pub(super) fn money_ceiling(given: &str) -> Parsed<Option<u64>> {
    money(given).map(|ceiling| Some(ceiling).filter(|ceiling| *ceiling > 0))
}

/// An amount of memory, or 0 for none.
pub(super) fn bytes_or_none(given: &str) -> Parsed<Option<NonZeroUsize>> {
    number(given).map(NonZeroUsize::new)
}

/// An amount of the owner's currency, in millionths.
pub(super) fn money(given: &str) -> Parsed<u64> {
    let refuse = || "must be an amount such as 2.50, of at most six decimals".to_owned();
    let (whole, decimals) = given.split_once('.').unwrap_or((given, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 6 {
        return Err(refuse());
    }
    format!("{whole}{decimals:0<6}").parse().map_err(|_| refuse())
}

pub(super) fn port(given: &str) -> Parsed<u16> {
    number(given).map_err(|_| "must be a port number from 0 to 65535".to_owned())
}

/// At least what the journal needs for one line in each of its files.
pub(super) fn journal_bytes(given: &str) -> Parsed<u64> {
    let least = askbook_journal::LEAST_BYTES;
    number(given)
        .ok()
        .filter(|bytes| *bytes >= least)
        .ok_or_else(|| format!("must be a whole number of at least {least}"))
}

/// What Gemini's models can make (documentation of `outputDimensionality`).
pub(super) fn dimensions(given: &str) -> Parsed<NonZeroUsize> {
    number(given)
        .ok()
        .filter(|size: &NonZeroUsize| (128..=3072).contains(&size.get()))
        .ok_or_else(|| "must be a whole number from 128 to 3072".to_owned())
}

pub(super) fn milliseconds(given: &str) -> Parsed<Duration> {
    duration(given, Duration::from_millis)
}

/// A duration, or 0 for none.
pub(super) fn milliseconds_or_none(given: &str) -> Parsed<Duration> {
    if given.parse() == Ok(0_u64) { Ok(Duration::ZERO) } else { milliseconds(given) }
}

pub(super) fn seconds(given: &str) -> Parsed<Duration> {
    duration(given, Duration::from_secs)
}

/// A duration, or 0 for never.
pub(super) fn seconds_or_never(given: &str) -> Parsed<Option<Duration>> {
    if given.parse() == Ok(0_u64) { Ok(None) } else { seconds(given).map(Some) }
}

/// At most a year: longer ones overflow the clocks that they are added to.
fn duration(given: &str, of: impl Fn(u64) -> Duration) -> Parsed<Duration> {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    number(given)
        .map(of)
        .ok()
        .filter(|duration| !duration.is_zero() && *duration <= YEAR)
        .ok_or_else(|| "must be a whole number above 0 and no longer than a year".to_owned())
}

pub(super) fn ip_address(given: &str) -> Parsed<IpAddr> {
    if given.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    given.parse().map_err(|_| "must be an IP address such as 127.0.0.1 or 0.0.0.0".to_owned())
}

pub(super) fn socket_address(given: &str) -> Parsed<SocketAddr> {
    let given = given.replace("localhost:", "127.0.0.1:");
    given.parse().map_err(|_| "must be an address with a port such as 127.0.0.1:9464".to_owned())
}

/// A secret goes into a header, so it is what a header can hold (RFC 9110, 5.5).
pub(super) fn secret(given: &str) -> Parsed<SecretString> {
    if given.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(SecretString::from(given))
    } else {
        Err("must be one line of visible ASCII characters without spaces".to_owned())
    }
}

/// A name that becomes a part of a URL, without the `models/` that some lists put before it.
pub(super) fn model(given: &str) -> Parsed<String> {
    let name = given.trim_start_matches("models/");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !name.is_empty() && name.chars().all(fits) {
        Ok(name.to_owned())
    } else {
        Err("must be made of letters, digits, dashes, dots and underscores".to_owned())
    }
}

/// A level as the API knows it, or `NONE` to send none.
pub(super) fn thinking_level(given: &str) -> Parsed<Option<String>> {
    let level = model(given)?.to_ascii_uppercase();
    Ok(Some(level).filter(|level| level != "NONE"))
}

/// An http address. A name or a password in it is refused, because addresses are shown.
pub(super) fn url(given: &str) -> Parsed<Url> {
    let url = Url::parse(given)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("must be an address such as https://book.example.org")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold a `?` or a `#`".to_owned());
    }
    Ok(url)
}

/// The address of a site, or the path that it lies at.
pub(super) fn site_url(given: &str) -> Parsed<String> {
    if given.starts_with('/') && !given.starts_with("//") && !given.contains(['?', '#']) {
        return Ok(given.to_owned());
    }
    url(given).map(|_| given.to_owned())
}

pub(super) fn qdrant_address(given: &str) -> Parsed<Address> {
    Address::parse(given).map_err(|error| {
        let expectation = match error {
            AddressError::Unreadable => "must be an address such as https://qdrant.example:6334",
            AddressError::Scheme => "must begin with http:// or https://",
            AddressError::Credentials => {
                "must not hold a user name or a password: the key belongs into QDRANT_API_KEY"
            }
            AddressError::Path => "must not hold a path: only scheme, host and port",
        };
        expectation.to_owned()
    })
}

pub(super) fn sessions(given: &str) -> Parsed<SessionsPlace> {
    if given.eq_ignore_ascii_case("memory") {
        return Ok(SessionsPlace::Memory);
    }
    RedisAddress::parse(given).map(Box::new).map(SessionsPlace::Redis).map_err(|_| {
        "must be memory or an address such as redis://:PASSWORD@redis.example:6379/0, \
         rediss://… or unix:///path"
            .to_owned()
    })
}

/// A number of requests, or 0 for any.
pub(super) fn limit(given: &str) -> Parsed<Option<NonZeroU32>> {
    number(given).map(NonZeroU32::new)
}

/// Addresses and networks in a list.
pub(super) fn proxies(given: &str) -> Parsed<Proxies> {
    Proxies::parse(entries(given)).map_err(|error| {
        format!("must be a list of addresses or networks such as 127.0.0.1, 10.0.0.0/8: {error}")
    })
}

/// Keys in a list.
pub(super) fn api_keys(given: &str) -> Parsed<ApiKeys> {
    ApiKeys::new(entries(given)).map_err(|error| format!("must be a list of keys: {error}"))
}

/// What stands in a list by commas, spaces, lines or JSON.
fn entries(given: &str) -> impl Iterator<Item = &str> {
    let given = given.trim();
    let list = given.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(given);
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | '"' | '\'');
    list.split(separators).filter(|entry| !entry.is_empty())
}

/// Origins in a list.
pub(super) fn origins(given: &str) -> Parsed<Origins> {
    let mut origins = Origins { allowed: Vec::new(), warnings: Vec::new() };
    for (position, entry) in (1..).zip(entries(given)) {
        let (origin, warning) = Origin::parse(position, entry).map_err(|error| {
            format!("must be a list of origins such as https://book.example.org: {error}")
        })?;
        origins.allowed.push(origin);
        origins.warnings.extend(warning.map(|warning| warning.to_string()));
    }
    Ok(origins)
}

/// Protocols in a list, or `none`.
pub(super) fn wires(given: &str) -> Parsed<Vec<Protocol>> {
    if given.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let known = |entry: &str| {
        Protocol::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(entry))
    };
    entries(given).map(known).collect::<Option<_>>().ok_or_else(|| {
        format!("must be none or a list of {}", Protocol::ALL.map(Protocol::name).join(", "))
    })
}

/// A level for askbook, or a list of levels and `target=level` pairs.
///
/// With a level alone, libraries log their warnings only: their `info` is not about the book. The
/// embedded engine logs errors only: it warns of its own everyday steps.
pub(super) fn log_level(given: &str) -> Parsed<Targets> {
    let refuse = || {
        let expectation = "must be error, warn, info, debug, trace or off, or a list of levels \
                           such as info,askbook_http=debug";
        expectation.to_owned()
    };
    if !given.contains([',', '=']) {
        let level = level(given).ok_or_else(refuse)?;
        let at_most = |most: LevelFilter| level.min(most);
        return Ok(Targets::new()
            .with_default(at_most(LevelFilter::WARN))
            .with_target("qdrant_edge", at_most(LevelFilter::ERROR))
            .with_target("askbook", level));
    }
    let mut targets = Targets::new();
    for entry in given.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        targets = match entry.split_once('=') {
            Some((target, name)) => {
                targets.with_target(target.trim(), level(name).ok_or_else(refuse)?)
            }
            None => targets.with_default(level(entry).ok_or_else(refuse)?),
        };
    }
    Ok(targets)
}

/// A level by its name, here or in Python.
fn level(name: &str) -> Option<LevelFilter> {
    match name.trim().to_ascii_lowercase().as_str() {
        "off" => Some(LevelFilter::OFF),
        "error" | "critical" => Some(LevelFilter::ERROR),
        "warn" | "warning" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
