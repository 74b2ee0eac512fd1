use super::End::{Answered, Problem, Status};
use super::{JSON, Request, message, request, sane, with};
use crate::support::gemini::KEY;

/// Headers that make no sense.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn all() -> Vec<Request> {
    let list = |name: &str, value: &str, times: usize| {
        with(format!("{name}: {}\r\n", vec![value; times].join(", ")))
    };
    vec![
        request("no colon", with("nonsense\r\n"), Status(400)),
        request("no name", with(": nonsense\r\n"), Status(400)),
        request("a blank in a name", with("x y: z\r\n"), Status(400)),
        request("a blank behind a name", with("transfer-encoding : chunked\r\n"), Status(400)),
        request("a NUL in a header", with("x: a\0b\r\n"), Status(400)),
        request("a bare return in a header", with("x: a\rb\r\n"), Status(400)),
        request("a header that goes on", with("x: a\r\n b\r\n"), Status(400)),
        request("a header of no encoding", with(b"x: \xFF\xFE\r\n"), Answered),
        request("a header of 20 kB", with(format!("x: {}\r\n", "a".repeat(20_000))), Answered),
        request("a header of 40 kB", with(format!("x: {}\r\n", "a".repeat(40_000))), Status(431)),
        request("200 headers", with("x: a\r\n".repeat(200)), Status(431)),
        request("two hosts", with("host: other\r\n"), Answered),
        request("a host that is none", with("x-forwarded-host: <script>\r\n"), Answered),
        request("an expectation", with("expect: 100-continue\r\n"), Answered),
        request("another expectation", with("expect: the unexpected\r\n"), Answered),
        request(
            "an upgrade to HTTP/2",
            with("upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"),
            Answered,
        ),
        request(
            "an upgrade to a socket",
            with("upgrade: websocket\r\nsec-websocket-key: a\r\n"),
            Answered,
        ),
        request("a range", with("range: bytes=0-18446744073709551615\r\n"), Answered),
        request(
            "a condition",
            with("if-match: \"a\"\r\nif-modified-since: yesterday\r\n"),
            Answered,
        ),
        request("what it accepts", with("accept: ;q=\r\naccept-encoding: \u{1F600}\r\n"), Answered),
        request(
            "a cookie of 8 kB",
            with(format!("cookie: {}\r\n", "a=b; ".repeat(1_600))),
            Answered,
        ),
        request(
            "a limit of the client's own",
            with("ratelimit: \"a\";r=99999\r\nratelimit-policy: x\r\nretry-after: -1\r\n"),
            Answered,
        ),
        request(
            "a trace that is none",
            with("traceparent: 00-0-0-zz\r\ntracestate: \u{1F600}\r\n"),
            Answered,
        ),
        request(
            "two traces",
            with(
                "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
                    .repeat(2),
            ),
            Answered,
        ),
        request(
            "a request id of 8 kB",
            with(format!("x-request-id: {}\r\n", "a".repeat(8_000))),
            Answered,
        ),
        request("a request id of no encoding", with(b"x-request-id: \xFF\r\n"), Answered),
        request(
            "an address that is none",
            with("x-forwarded-for: localhost; DROP TABLE\r\n"),
            Answered,
        ),
        request("1,000 addresses", list("x-forwarded-for", "10.0.0.1", 1_000), Answered),
        request(
            "an address of no encoding",
            with(b"x-forwarded-for: \xFF, 10.0.0.1\r\n"),
            Answered,
        ),
        request(
            "an address with a zone",
            with("x-forwarded-for: [fe80::1%25eth0]:99999\r\n"),
            Answered,
        ),
        request("no address", with("x-forwarded-for: , ,\r\nx-forwarded-for:\r\n"), Answered),
        request(
            "addresses of two kinds",
            with("forwarded: for=\"_x\";for=[::1\r\nx-forwarded-for: 1.2.3.4\r\n"),
            Answered,
        ),
        request("1,000 origins of a request", list("forwarded", "for=unknown", 1_000), Answered),
        request(
            "another origin",
            with("origin: https://evil.example\r\n"),
            Problem("origin_not_allowed"),
        ),
        request("no origin", with("origin: null\r\n"), Problem("origin_not_allowed")),
        request(
            "an origin of no encoding",
            with(b"origin: \xFF\xFE\r\n"),
            Problem("origin_not_allowed"),
        ),
        request(
            "an origin of 8 kB",
            with(format!("origin: https://{}\r\n", "a.".repeat(4_000))),
            Problem("origin_not_allowed"),
        ),
        request(
            "an origin that only begins so",
            with("origin: https://book.example.org.evil.example\r\n"),
            Problem("origin_not_allowed"),
        ),
        request(
            "two origins",
            with("origin: https://book.example.org\r\norigin: https://evil.example\r\n"),
            Answered,
        ),
        request(
            "a wrong key",
            with("authorization: Bearer wrong-key-0123456789\r\n"),
            Problem("unauthorized"),
        ),
        request(
            "Gemini's key",
            with(format!("authorization: Bearer {KEY}\r\n")),
            Problem("unauthorized"),
        ),
        request(
            "a key of no encoding",
            with(b"authorization: Bearer \xFF\xFE\r\n"),
            Problem("unauthorized"),
        ),
        request("an empty key", with("authorization: Bearer \r\n"), Problem("unauthorized")),
        request(
            "a key of 20 kB",
            with(format!("authorization: Bearer {}\r\n", "a".repeat(20_000))),
            Problem("unauthorized"),
        ),
        request(
            "two keys",
            with("authorization: Bearer a\r\nauthorization: Bearer b\r\n"),
            Problem("unauthorized"),
        ),
        request(
            "a stream that is to go on",
            message("POST /chat/stream HTTP/1.1", format!("{JSON}last-event-id: 5\r\n"), sane()),
            Problem("not_resumable"),
        ),
        request(
            "a stream of nothing",
            message("POST /chat/stream HTTP/1.1", JSON, "{}"),
            Problem("invalid_field"),
        ),
    ]
}
