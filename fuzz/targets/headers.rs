//! The headers of requests, and the settings that they are compared with: whatever stands in them,
//! nobody is taken for someone else.
#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use askbook::trace::TraceParent;
use askbook_http::fuzzing::{client, is_origin, is_own, key, names, routed};
use askbook_http::{ApiKeys, Origin, Proxies};
use http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use libfuzzer_sys::fuzz_target;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

static PROXIES: LazyLock<Proxies> =
    LazyLock::new(|| Proxies::parse(["10.0.0.0/8", "2001:db8::/32"]).expect("proxies"));
static PROXY: LazyLock<IpAddr> = LazyLock::new(|| "10.0.0.1".parse().expect("an address"));
static STRANGER: LazyLock<IpAddr> = LazyLock::new(|| "203.0.113.7".parse().expect("an address"));

const KEYS: [&str; 2] = ["first-key-0123456789", "second-key-0123456789"];
static API_KEYS: LazyLock<ApiKeys> = LazyLock::new(|| ApiKeys::new(KEYS).expect("keys"));

fuzz_target!(|input: (&[u8], &[u8])| {
    let (one, other) = input;
    let (Ok(one), Ok(other)) = (HeaderValue::from_bytes(one), HeaderValue::from_bytes(other))
    else {
        return;
    };
    forwarded(&one, &other);
    authorization(&one, &other);
    origin(&one, &other);
    request_names(&one);
    for text in [&one, &other].into_iter().flat_map(|value| value.to_str()) {
        address(text);
    }
});

/// What a client made up stands on the left of what the proxy saw, and never counts.
fn forwarded(one: &HeaderValue, other: &HeaderValue) {
    let mut headers = HeaderMap::new();
    headers.append(X_FORWARDED_FOR, one.clone());
    headers.append(FORWARDED, other.clone());
    client(&PROXIES, *PROXY, &headers);
    assert_eq!(client(&PROXIES, *STRANGER, &headers).0, *STRANGER);

    for (name, seen) in [(X_FORWARDED_FOR, "203.0.113.7"), (FORWARDED, "for=203.0.113.7")] {
        let mut headers = HeaderMap::new();
        headers.append(&name, one.clone());
        headers.append(&name, after(other, seen));
        let (address, share) = client(&PROXIES, *PROXY, &headers);
        assert_eq!((address, share.as_str()), (*STRANGER, "203.0.113.7"), "{name}");
        // The header that this proxy lets pass may take it back to the proxy, and no further.
        let passed = if name == FORWARDED { X_FORWARDED_FOR } else { FORWARDED };
        headers.append(passed, one.clone());
        let (address, _) = client(&PROXIES, *PROXY, &headers);
        assert!(address == *STRANGER || address == *PROXY, "{address}");
    }
}

/// The value with another hop behind it.
fn after(value: &HeaderValue, hop: &str) -> HeaderValue {
    let line = [value.as_bytes(), b", ", hop.as_bytes()].concat();
    HeaderValue::from_bytes(&line).expect("a header")
}

fn authorization(one: &HeaderValue, other: &HeaderValue) {
    let mut headers = HeaderMap::new();
    headers.append(AUTHORIZATION, one.clone());
    if let Some(number) = key(&API_KEYS, &headers) {
        let line = one.to_str().expect("a key").trim_end();
        assert!(line.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer ")));
        assert_eq!(line[7..].trim_start(), KEYS[number - 1]);
    }
    headers.append(AUTHORIZATION, other.clone());
    assert_eq!(key(&API_KEYS, &headers), None, "two headers are none");
    let sent = HeaderValue::from_bytes(&[b"Bearer ", one.as_bytes()].concat()).expect("a header");
    headers.insert(AUTHORIZATION, sent);
    if let Some(number) = key(&API_KEYS, &headers) {
        assert_eq!(one.as_bytes().trim_ascii(), KEYS[number - 1].as_bytes());
    }
}

fn origin(one: &HeaderValue, other: &HeaderValue) {
    if let Ok(text) = std::str::from_utf8(one.as_bytes())
        && let Ok((origin, _)) = Origin::parse(1, text)
    {
        let shown = origin.to_string();
        assert_eq!(Origin::parse(1, &shown), Ok((origin.clone(), None)), "{shown}");
        assert!(is_origin(&origin, shown.as_bytes()));
        let is_any = shown == "*";
        assert_eq!(is_origin(&origin, other.as_bytes()), is_any || shown.as_bytes() == other);
    }
    let mut headers = HeaderMap::new();
    headers.append(ORIGIN, one.clone());
    assert!(!is_own(&headers), "no host, and no word of the browser");
    headers.append(HOST, other.clone());
    let is_host = !other.as_bytes().windows(3).any(|part| part == b"://");
    assert!(!is_own(&headers) || !is_host || one.as_bytes().ends_with(other.as_bytes()));
}

/// What names a request is fit for a log and for the next server.
fn request_names(value: &HeaderValue) {
    let mut headers = HeaderMap::new();
    for name in ["x-request-id", "traceparent"] {
        headers.append(name, value.clone());
    }
    let (id, trace) = names(&headers);
    assert!((1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic));
    if let Some(trace) = trace {
        let told = trace.to_string();
        assert_eq!(TraceParent::parse(&told), Some(trace));
        assert!(told[2..] == value.to_str().expect("a trace")[2..55]);
        assert_eq!(trace.trace_id(), told[3..35]);
    }
}

fn address(text: &str) {
    if let Ok(uri) = text.parse::<Uri>() {
        let once = routed(uri);
        assert_eq!(routed(once.clone()), once);
    }
    if let Ok(proxies) = Proxies::parse(text.split(',')) {
        client(&proxies, *PROXY, &HeaderMap::new());
    }
}
