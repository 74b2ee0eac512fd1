use super::End::{Answered, Problem, Status};
use super::{Request, abandoned, chat, chunk, chunked, framed, request, sane, with};

/// Bodies whose end is not clear, and what servers in a row may read differently.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn all() -> Vec<Request> {
    let sane = sane();
    let length = |length: &str| framed(&format!("content-length: {length}\r\n"), &sane);
    let own = sane.len();
    vec![
        request(
            "the same length twice",
            framed(&format!("content-length: {own}\r\ncontent-length: {own}\r\n"), &sane),
            Answered,
        ),
        request(
            "two lengths",
            framed(&format!("content-length: {own}\r\ncontent-length: 5\r\n"), &sane),
            Status(400),
        ),
        request("two lengths in one", length(&format!("{own}, 5")), Status(400)),
        request("a length below nothing", length("-5"), Status(400)),
        request("a length with a sign", length(&format!("+{own}")), Status(400)),
        request("a length in hexadecimal", length("0x20"), Status(400)),
        request("a length of all", length("18446744073709551615"), Status(431)),
        request("a length beyond all", length("99999999999999999999999"), Status(400)),
        request(
            "a length and chunks",
            framed("content-length: 5\r\ntransfer-encoding: chunked\r\n", chunk(&sane)),
            Answered,
        ),
        request(
            "chunks and a length",
            framed("transfer-encoding: chunked\r\ncontent-length: 5\r\n", chunk(&sane)),
            Answered,
        ),
        request(
            "chunks twice",
            framed("transfer-encoding: chunked, chunked\r\n", chunk(&sane)),
            Answered,
        ),
        request(
            "chunks that are not last",
            framed("transfer-encoding: chunked, identity\r\n", chunk(&sane)),
            Status(400),
        ),
        request("another coding", framed("transfer-encoding: gzip\r\n", &sane), Status(400)),
        request(
            "chunks in a disguise",
            framed("transfer-encoding: \x0bchunked\r\n", chunk(&sane)),
            Status(400),
        ),
        request(
            "chunks of HTTP/1.0",
            String::from_utf8(chunked(chunk(&sane))).unwrap().replace("HTTP/1.1", "HTTP/1.0"),
            Status(400),
        ),
        request("neither a length nor chunks", framed("", &sane), Problem("invalid_json")),
        request("chunks", chunked(chunk(&sane)), Answered),
        request(
            "chunks with notes and trailers",
            chunked(format!("{own:x};a=b\r\n{sane}\r\n0\r\nx: y\r\n\r\n")),
            Answered,
        ),
        request(
            "a size that is none",
            chunked(format!("xyz\r\n{sane}\r\n0\r\n\r\n")),
            Problem("invalid_request"),
        ),
        request(
            "a size below nothing",
            chunked(format!("-5\r\n{sane}\r\n0\r\n\r\n")),
            Problem("invalid_request"),
        ),
        request(
            "a size beyond all",
            chunked(format!("fffffffffffffffff\r\n{sane}\r\n0\r\n\r\n")),
            Problem("invalid_request"),
        ),
        request(
            "a chunk that is longer than its size",
            chunked(format!("5\r\n{sane}\r\n0\r\n\r\n")),
            Problem("invalid_request"),
        ),
        request(
            "a note of 100 kB",
            chunked(format!("5;{}\r\n", "a".repeat(100_000))),
            Problem("invalid_request"),
        ),
        request(
            "trailers of 100 kB",
            chunked(format!("{:x}\r\n{sane}\r\n0\r\n{}\r\n", own, "x: y\r\n".repeat(20_000))),
            Problem("invalid_request"),
        ),
        request(
            "chunks without end",
            chunked("400\r\n".to_owned() + &("a".repeat(1_024) + "\r\n400\r\n").repeat(100)),
            Problem("body_too_large"),
        ),
        request(
            "another request behind a length",
            [with(""), b"GET /admin HTTP/1.1\r\n\r\n".to_vec()].concat(),
            Answered,
        ),
        abandoned("nothing, and gone", ""),
        abandoned("half a line, and gone", "POST /ch"),
        abandoned("half a head, and gone", &chat("")[..40]),
        abandoned("half a body, and gone", &with("")[..with("").len() - 5]),
        abandoned("half a chunk, and gone", chunked("40\r\n{\"message\"")),
        abandoned("no last chunk, and gone", chunked(format!("{own:x}\r\n{sane}\r\n"))),
    ]
}
