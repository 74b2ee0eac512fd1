//! Who may ask, and how much.

use std::num::NonZeroU32;
use std::task::Poll;

use askbook::client::{Allowance, Quota};
use askbook::ports::Limiter;
use askbook_memory::MemoryLimiter;
use poem::Response;
use tokio::time::advance;

use super::*;
use crate::client::Peer;

const KEYS: [&str; 2] = ["first-key-0123456789", "second-key-0123456789"];
const SESSION: &str = "0123456789abcdef0123456789abcdef";

/// So many requests, which come back in a minute.
fn limit(requests: u32) -> Limit {
    let quota = Quota::per_minute(NonZeroU32::new(requests).unwrap());
    let clients = NonZeroUsize::new(100).unwrap();
    Limit { quota, limiter: Arc::new(MemoryLimiter::new(quota, clients)) }
}

/// 4 of an address, 2 of a conversation, 6 of a key, behind a proxy.
fn client_settings() -> ClientSettings {
    ClientSettings {
        proxies: Proxies::parse(["10.0.0.1"]).unwrap(),
        keys: ApiKeys::new(KEYS).unwrap(),
        key_required: false,
        limits: Limits { address: Some(limit(4)), session: Some(limit(2)), key: Some(limit(6)) },
    }
}

/// An app with these settings, and the ports that cost.
fn limited(clients: ClientSettings) -> (impl Endpoint<Output = Response>, Arc<Stub>, Arc<Stub>) {
    let (retriever, generator) = (Stub::new(Conduct::Works), Stub::new(Conduct::Works));
    let chat = chat(retriever.clone(), vec![generator.clone()]);
    (app(chat, &HttpSettings { clients, ..settings() }), retriever, generator)
}

/// The request as it comes from this address.
fn by(address: &str, mut request: Request) -> Request {
    request.set_data(Peer(address.parse().unwrap()));
    request
}

fn with(name: &'static str, value: &str, mut request: Request) -> Request {
    request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    request
}

fn with_key(key: &str, request: Request) -> Request {
    with("authorization", &format!("Bearer {key}"), request)
}

#[tokio::test(start_paused = true)]
async fn an_address_gets_as_much_as_it_may_and_is_told_so() {
    let (app, retriever, generator) = limited(client_settings());
    for remaining in (0..4).rev() {
        let reply = send(&app, by("203.0.113.7", question())).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("ratelimit-policy"), Some(r#""address";q=4;w=60"#));
        let limit = format!(r#""address";r={remaining};t=15"#);
        assert_eq!(reply.header("ratelimit"), Some(limit.as_str()));
        assert_eq!(reply.header("retry-after"), None);
    }
    let calls = (retriever.calls(), generator.calls());

    let reply = send(&app, by("203.0.113.7", question())).await;
    reply.assert_problem(429, "rate_limited");
    assert_eq!(reply.json()["retry_after"], 15);
    assert_eq!(reply.header("retry-after"), Some("15"));
    assert_eq!(reply.header("ratelimit"), Some(r#""address";r=0;t=15"#));
    assert_eq!(reply.header("ratelimit-policy"), Some(r#""address";q=4;w=60"#));
    let exposed = reply.header("access-control-expose-headers").unwrap();
    for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}");
    }
    assert_eq!((retriever.calls(), generator.calls()), calls);

    advance(Duration::from_secs(14)).await;
    let reply = send(&app, by("203.0.113.7", question())).await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    advance(Duration::from_secs(1)).await;
    let reply = send(&app, by("203.0.113.7", question())).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn all_that_asks_counts_together_and_before_its_body_is_read() {
    let (app, ..) = limited(client_settings());
    for (path, status) in [("/chat", 400), ("/chat/stream/", 400), ("/api/search", 400)] {
        let reply = send(&app, by("203.0.113.7", post(path, "nonsense"))).await;
        assert_eq!(reply.status.as_u16(), status, "{path}");
        assert!(reply.header("ratelimit").is_some(), "{path}");
    }
    send(&app, by("203.0.113.7", post("/feedback", "nonsense"))).await;
    for path in ["/chat", "/chat/stream", "/search", "/feedback"] {
        let untouched = futures_util::stream::poll_fn(|_| -> Poll<Option<io::Result<Vec<u8>>>> {
            panic!("the body is read")
        });
        let request = post(path, Body::from_bytes_stream(untouched));
        send(&app, by("203.0.113.7", request)).await.assert_problem(429, "rate_limited");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_at_is_free() {
    let (app, ..) = limited(client_settings());
    let preflight = || {
        let request = with("access-control-request-method", "POST", look("/chat"));
        let mut request = by("203.0.113.7", request);
        request.set_method(Method::OPTIONS);
        request
    };
    for _ in 0..10 {
        for path in ["/", "/docs", "/openapi.json", "/health", "/ready", "/nowhere"] {
            let reply = send(&app, by("203.0.113.7", look(path))).await;
            assert_eq!(reply.header("ratelimit"), None, "{path}");
        }
        assert_eq!(send(&app, preflight()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(send(&app, by("203.0.113.7", post("/nowhere", ""))).await.status, 404);
    }
    let reply = send(&app, by("203.0.113.7", question())).await;
    assert_eq!(reply.header("ratelimit"), Some(r#""address";r=3;t=15"#));
}

#[tokio::test(start_paused = true)]
async fn a_household_is_one_client_however_it_is_written() {
    let (app, ..) = limited(client_settings());
    let mut left = Vec::new();
    for address in [
        "2001:db8::1",
        "2001:db8::ffff:ffff:ffff:ffff",
        "2001:db8:0:1::1",
        "203.0.113.7",
        "::ffff:203.0.113.7",
        "203.0.113.8",
    ] {
        let reply = send(&app, by(address, question())).await;
        left.push(reply.header("ratelimit").unwrap().to_owned());
    }
    let left: Vec<_> = left.iter().map(|left| &left[10..13]).collect();
    assert_eq!(left, ["r=3", "r=2", "r=3", "r=3", "r=2", "r=3"]);
}

#[tokio::test(start_paused = true)]
async fn the_word_of_a_proxy_counts_and_nobody_elses() {
    let (app, ..) = limited(client_settings());
    let forwarded = |peer, client| by(peer, with("x-forwarded-for", client, question()));
    for _ in 0..4 {
        send(&app, forwarded("10.0.0.1", "1.1.1.1, 203.0.113.7")).await;
        send(&app, forwarded("10.0.0.2", "203.0.113.8")).await;
    }
    let refused = async |request| send(&app, request).await.status == 429;
    assert!(refused(by("203.0.113.7", question())).await);
    assert!(!refused(forwarded("10.0.0.1", "203.0.113.8")).await);
    assert!(refused(forwarded("10.0.0.2", "203.0.113.9")).await);
    assert!(!refused(forwarded("10.0.0.1", "garbage")).await);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_has_its_own_limit_beside_that_of_its_client() {
    let (app, retriever, _) = limited(client_settings());
    let body = json!({ "message": "When does a session end?", "session_id": SESSION }).to_string();
    for path in ["/chat", "/chat/stream"] {
        let reply = send(&app, by("203.0.113.7", post(path, body.clone()))).await;
        assert_eq!(reply.status, StatusCode::OK);
        let policies = reply.header("ratelimit-policy").unwrap();
        assert_eq!(policies, r#""address";q=4;w=60, "session";q=2;w=60"#);
    }
    let calls = retriever.calls();
    let reply = send(&app, by("203.0.113.8", ask(body))).await;
    reply.assert_problem(429, "rate_limited");
    assert_eq!(reply.header("ratelimit"), Some(r#""address";r=3;t=15, "session";r=0;t=30"#));
    assert_eq!(reply.header("retry-after"), Some("30"));
    assert_eq!(retriever.calls(), calls);
    let other = json!({ "message": "When?", "session_id": "made up" }).to_string();
    let reply = send(&app, by("203.0.113.8", ask(other))).await;
    assert_eq!(reply.header("ratelimit"), Some(r#""address";r=2;t=15"#));
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_key_needs_no_origin_and_has_its_own_limit() {
    let (app, ..) = limited(client_settings());
    let request = |key| by("203.0.113.7", with_key(key, question()));
    for remaining in (0..6).rev() {
        let mut request = request(KEYS[1]);
        request.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
        let reply = send(&app, request).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("access-control-allow-origin"), None);
        let limit = format!(r#""key";r={remaining};t=10"#);
        assert_eq!(reply.header("ratelimit"), Some(limit.as_str()));
    }
    send(&app, request(KEYS[1])).await.assert_problem(429, "rate_limited");
    assert_eq!(send(&app, request(KEYS[0])).await.status, StatusCode::OK);
    let reply = send(&app, by("203.0.113.7", question())).await;
    assert_eq!(reply.header("ratelimit"), Some(r#""address";r=3;t=15"#));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_refused_and_counts() {
    let (app, retriever, _) = limited(client_settings());
    for request in [question(), look("/docs"), look("/ready"), look("/nowhere")] {
        let reply = send(&app, by("203.0.113.7", with_key("wrong-key-0123456789", request))).await;
        reply.assert_problem(401, "unauthorized");
        let challenge = r#"Bearer realm="askbook", error="invalid_token""#;
        assert_eq!(reply.header("www-authenticate"), Some(challenge));
        assert!(!reply.text.contains("0123456789"));
    }
    let foreign = with("origin", "https://evil.example", question());
    let request = by("203.0.113.8", with_key("wrong-key-0123456789", foreign));
    let reply = send(&app, request).await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (401, None));
    assert_eq!(reply.header("ratelimit"), Some(r#""address";r=3;t=15"#));

    let request = by("203.0.113.7", with_key("wrong-key-0123456789", look("/docs")));
    send(&app, request).await.assert_problem(429, "rate_limited");
    send(&app, by("203.0.113.7", question())).await.assert_problem(429, "rate_limited");
    let health = with_key("wrong-key-0123456789", look("/health"));
    assert_eq!(send(&app, by("203.0.113.7", health)).await.status, StatusCode::OK);
    assert_eq!(retriever.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_it_takes_a_key_only_health_does_without() {
    let (app, ..) = limited(ClientSettings { key_required: true, ..client_settings() });
    for request in [question(), look("/"), look("/ready"), look("/openapi.json")] {
        let reply = send(&app, by("203.0.113.7", request)).await;
        reply.assert_problem(401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), Some(r#"Bearer realm="askbook""#));
    }
    assert_eq!(send(&app, by("203.0.113.7", look("/health"))).await.status, StatusCode::OK);
    for request in [question(), look("/"), look("/ready")] {
        let reply = send(&app, by("203.0.113.7", with_key(KEYS[0], request))).await;
        assert_eq!(reply.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn who_cannot_be_counted_gets_through() {
    struct Away;

    #[async_trait]
    impl Limiter for Away {
        async fn take(&self, _: &str) -> Result<Allowance, PortError> {
            Err(PortError::new(ErrorKind::Unavailable, SECRET))
        }
    }

    let quota = Quota::per_minute(NonZeroU32::MIN);
    let limits =
        Limits { address: Some(Limit { quota, limiter: Arc::new(Away) }), ..Limits::default() };
    let (app, ..) = limited(ClientSettings { limits, ..client_settings() });
    for _ in 0..3 {
        let reply = send(&app, by("203.0.113.7", question())).await;
        assert_eq!((reply.status, reply.header("ratelimit")), (StatusCode::OK, None));
    }
}

#[tokio::test]
async fn no_byte_in_a_header_upsets_the_server() {
    let (app, ..) = limited(ClientSettings { limits: Limits::default(), ..client_settings() });
    let names = ["origin", "x-forwarded-for", "forwarded", "authorization", "host", "x-request-id"];
    let mut sent = 0;
    for byte in 0..=255_u8 {
        for shape in
            [&[byte][..], &[b'a', byte], &[byte; 9], b"Bearer \0", b"for=\"\0", b"http://\0"]
        {
            let value = shape.iter().map(|&shaped| if shaped == 0 { byte } else { shaped });
            // The others do not get past hyper.
            let Ok(value) = HeaderValue::from_bytes(&value.collect::<Vec<_>>()) else { continue };
            for name in names {
                let mut request = by("10.0.0.1", post("/search", "{}"));
                request.headers_mut().insert(name, value.clone());
                let status = send(&app, request).await.status;
                assert!(matches!(status.as_u16(), 400 | 401 | 403), "{name}: {value:?}: {status}");
                sent += 1;
            }
        }
    }
    assert!(sent > 6_000, "{sent}");
}

#[tokio::test]
async fn every_reply_tells_browsers_to_take_it_for_what_it_is() {
    let (app, ..) = limited(ClientSettings { key_required: true, ..client_settings() });
    let open = working_app();
    for reply in [
        send(&open, question()).await,
        send(&open, post("/chat/stream", r#"{"message": "When?"}"#)).await,
        send(&open, look("/")).await,
        send(&open, look("/docs")).await,
        send(&open, look("/openapi.json")).await,
        send(&open, look("/nowhere")).await,
        send(&app, by("203.0.113.7", question())).await,
        send(&app, with("origin", "https://evil.example", question())).await,
    ] {
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        let html = reply.header("content-type").is_some_and(|value| value.contains("html"));
        assert_eq!(policy.contains("'unsafe-inline'"), html, "{policy}");
    }
}

#[tokio::test]
async fn who_connects_is_who_asks() {
    let limits = Limits { address: Some(limit(1)), ..Limits::default() };
    let (app, ..) = limited(ClientSettings { limits, ..ClientSettings::default() });
    let bound = Server::bind(([127, 0, 0, 1], 0).into(), settings().connections).unwrap();
    let address = bound.local_addr();
    let serving = tokio::spawn(bound.serve(app, pending()));
    let ask = async |claim: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = "POST /search HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n";
        let request = format!("{head}x-forwarded-for: {claim}\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    };
    assert!(ask("203.0.113.7").await.contains("ratelimit: \"address\";r=0;t=60\r\n"));
    assert!(ask("203.0.113.8").await.starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
    serving.abort();
}
