use super::End::{Answered, Nothing, Problem, Reply, Status};
use super::{JSON, Request, message, request, sane, with};

/// What a body is said to be, and what is not asked in this way.
pub(super) fn all() -> Vec<Request> {
    let post = |headers: &str| message("POST /chat HTTP/1.1", headers, sane());
    let start = |start: &str| message(start, JSON, "");
    vec![
        request("no media type", post(""), Problem("unsupported_media_type")),
        request(
            "plain text",
            post("content-type: text/plain\r\n"),
            Problem("unsupported_media_type"),
        ),
        request(
            "a media type that is none",
            post("content-type: \u{1F600}\r\n"),
            Problem("unsupported_media_type"),
        ),
        request(
            "two media types",
            post("content-type: text/plain\r\ncontent-type: application/json\r\n"),
            Problem("unsupported_media_type"),
        ),
        request("compression", with("content-encoding: gzip\r\n"), Answered),
        request("GET", start("GET /chat HTTP/1.1"), Problem("method_not_allowed")),
        request("PUT", start("PUT /chat HTTP/1.1"), Problem("method_not_allowed")),
        request("TRACE", start("TRACE /chat HTTP/1.1"), Problem("method_not_allowed")),
        request(
            "a method of one's own",
            start("FIND /chat HTTP/1.1"),
            Problem("method_not_allowed"),
        ),
        request(
            "a method in small letters",
            start("post /chat HTTP/1.1"),
            Problem("method_not_allowed"),
        ),
        request(
            "a method of 20 kB",
            start(&format!("{} /chat HTTP/1.1", "A".repeat(20_000))),
            Problem("method_not_allowed"),
        ),
        request("a method that is none", start("P\u{1}ST /chat HTTP/1.1"), Status(400)),
        request("CONNECT", start("CONNECT book:443 HTTP/1.1"), Problem("not_found")),
        request("another path", start("GET /nowhere HTTP/1.1"), Problem("not_found")),
        request("a path to a file", start("GET /../../etc/passwd HTTP/1.1"), Problem("not_found")),
        request(
            "the same, encoded",
            start("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1"),
            Problem("not_found"),
        ),
        request("a path of no encoding", start("GET /%ff%fe%00 HTTP/1.1"), Problem("not_found")),
        request(
            "a path of 20 kB",
            start(&format!("GET /{} HTTP/1.1", "a".repeat(20_000))),
            Problem("not_found"),
        ),
        request(
            "a path of 40 kB",
            start(&format!("GET /{} HTTP/1.1", "a".repeat(40_000))),
            Status(431),
        ),
        request("a path of two words", start("GET /a b HTTP/1.1"), Status(400)),
        request("no path", start("GET  HTTP/1.1"), Status(400)),
        request("all paths", start("OPTIONS * HTTP/1.1"), Problem("not_found")),
        request(
            "a path of another host",
            start("GET http://127.0.0.1:9/health HTTP/1.1"),
            Reply(200),
        ),
        request(
            "a query of 10 kB",
            start(&format!("GET /health?{} HTTP/1.1", "a&".repeat(5_000))),
            Reply(200),
        ),
        request("HTTP/0.9", "GET /health\r\n", Status(400)),
        request("HTTP/1.0", "GET /health HTTP/1.0\r\n\r\n", Reply(200)),
        request("HTTP/1.2", start("GET /health HTTP/1.2"), Status(400)),
        request("HTTP/3.0", start("GET /health HTTP/3.0"), Status(400)),
        request("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Nothing),
        request("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), Status(400)),
        request("no HTTP", "EHLO book\r\n", Status(400)),
        request("bytes", (0..=255).collect::<Vec<u8>>(), Status(400)),
    ]
}
