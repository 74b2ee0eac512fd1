//! What may become of a call to Gemini, whatever it is for.

use askbook::error::ErrorKind::{
    Malformed, Misconfigured, RateLimited, Rejected, Timeout, Unauthorized, Unavailable,
};
use serde_json::{Value, json};

use super::calls::Fault;
use crate::support::harbour::{ANSWER, QUESTION};
use crate::support::scripted_gemini::{Act, Call, Ending, Verb, error};

/// A response of these parts, whole.
pub(super) fn raw(head: &str, body: &[u8]) -> Act {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    Act::Raw([head.as_bytes(), body].concat(), Ending::Complete)
}

/// Bytes, and then the connection ends so.
fn cut(bytes: impl AsRef<[u8]>, ending: Ending) -> Act {
    Act::Raw(bytes.as_ref().to_vec(), ending)
}

/// A body of JSON, in the form that this call wants.
pub(super) fn json_body(call: &Call, body: &str) -> Act {
    match call.verb {
        Verb::Write => {
            Act::Stream(vec![format!("data: {body}\r\n\r\n").into_bytes()], Ending::Complete)
        }
        _ => raw("200 OK\r\ncontent-type: application/json", body.as_bytes()),
    }
}

/// A head that announces more of a body than comes.
const LONG: &str = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// A connection that is lost.
pub(super) fn connections() -> Vec<Fault> {
    vec![
        Fault::new("nothing comes", Timeout, |_| Act::Hang).hanging(),
        Fault::new("closed before a byte", Unavailable, |_| cut("", Ending::BreaksOff)).tried(),
        Fault::new("reset before a byte", Unavailable, |_| cut("", Ending::Resets)).tried(),
        Fault::new("closed in the status line", Unavailable, |_| cut("HTTP/1.", Ending::BreaksOff))
            .tried(),
        Fault::new("reset in the status line", Unavailable, |_| cut("HTTP/1.1 2", Ending::Resets))
            .tried(),
        Fault::new("hangs in the status line", Timeout, |_| cut("HTTP/1.1 200", Ending::Hangs))
            .hanging(),
        Fault::new("closed in a header", Unavailable, |_| {
            cut("HTTP/1.1 200 OK\r\ncontent-ty", Ending::BreaksOff)
        })
        .tried(),
        Fault::new("reset between headers", Unavailable, |_| {
            cut("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n", Ending::Resets)
        })
        .tried(),
        Fault::new("hangs in a header", Timeout, |_| {
            cut("HTTP/1.1 200 OK\r\ncontent-le", Ending::Hangs)
        })
        .hanging(),
        Fault::new("closed behind the head", Unavailable, |_| cut(LONG, Ending::BreaksOff)),
        Fault::new("reset behind the head", Unavailable, |_| cut(LONG, Ending::Resets)),
        Fault::new("hangs behind the head", Timeout, |_| cut(LONG, Ending::Hangs)).hanging(),
        Fault::new("closed in the body", Unavailable, |_| {
            cut(LONG.to_owned() + "{\"a\":", Ending::BreaksOff)
        }),
        Fault::new("reset inside of a character", Unavailable, |_| {
            cut([LONG.as_bytes(), b"{\"a\": \"\xE6\x97"].concat(), Ending::Resets)
        }),
        Fault::new("hangs in the body", Timeout, |_| {
            cut(LONG.to_owned() + "{\"a\": ", Ending::Hangs)
        })
        .hanging(),
        Fault::new("closed in the size of a chunk", Unavailable, |_| {
            cut(CHUNKED.to_owned() + "1f", Ending::BreaksOff)
        }),
        Fault::new("closed before the last chunk", Unavailable, |_| {
            cut(CHUNKED.to_owned() + "2\r\n{}\r\n", Ending::BreaksOff)
        }),
    ]
}

/// A peer that does not speak HTTP as it should.
pub(super) fn protocols() -> Vec<Fault> {
    vec![
        Fault::new("another protocol", Unavailable, |_| {
            cut("SSH-2.0-OpenSSH_9.9\r\n", Ending::BreaksOff)
        })
        .tried(),
        Fault::new("TLS without being asked", Unavailable, |_| {
            cut(b"\x15\x03\x01\x00\x02\x02\x28", Ending::BreaksOff)
        })
        .tried(),
        Fault::new("HTTP/2 without being asked", Unavailable, |_| {
            cut("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Ending::BreaksOff)
        })
        .tried(),
        Fault::new("a status that is no number", Unavailable, |_| raw("two OK", b"{}")).tried(),
        Fault::new("a status that nobody has", Malformed, |_| raw("999 What", b"{}")),
        Fault::new("another protocol from here on", Malformed, |_| {
            cut(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
                Ending::BreaksOff,
            )
        }),
        Fault::new("a length that is no number", Unavailable, |_| {
            cut("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}", Ending::BreaksOff)
        })
        .tried(),
        Fault::new("two lengths", Unavailable, |_| {
            let lengths = "content-length: 2\r\ncontent-length: 3\r\n";
            cut(format!("HTTP/1.1 200 OK\r\n{lengths}\r\n{{}} "), Ending::BreaksOff)
        })
        .tried(),
        Fault::new("a chunk without a size", Unavailable, |_| {
            cut(CHUNKED.to_owned() + "zz\r\n{}", Ending::BreaksOff)
        }),
        Fault::new("a chunk of all sizes", Unavailable, |_| {
            cut(CHUNKED.to_owned() + "ffffffffffffffff\r\n{}", Ending::BreaksOff)
        }),
        Fault::new("a head without end", Unavailable, |_| {
            let head = format!("HTTP/1.1 200 OK\r\nx-a: {}", "a".repeat(2 << 20));
            cut(head, Ending::BreaksOff)
        })
        .tried(),
        Fault::new("too many headers", Unavailable, |_| {
            raw(&format!("200 OK\r\n{}x-a: a", "x-a: a\r\n".repeat(500)), b"{}")
        })
        .tried(),
        Fault::new("a NUL in a header", Unavailable, |_| raw("200 OK\r\nx-a: \0", b"{}")).tried(),
        Fault::harmless("a header of no encoding", |call| well(call, b"x-a: \xFF\r\n")),
        Fault::harmless("continue, and then the answer", |call| {
            let Act::Raw(answer, ending) = well(call, b"") else { unreachable!() };
            Act::Raw([b"HTTP/1.1 100 Continue\r\n\r\n", &*answer].concat(), ending)
        }),
        Fault::harmless("a connection that is closed behind the answer", |call| {
            let Act::Raw(answer, _) = well(call, b"connection: close\r\n") else { unreachable!() };
            Act::Raw(answer, Ending::BreaksOff)
        }),
        Fault::harmless("one byte of the body in each chunk", |call| {
            let Act::Stream(head, ending) = call.done(QUESTION, ANSWER) else {
                let Act::Raw(answer, ending) = well(call, b"") else { unreachable!() };
                return Act::Raw(answer, ending);
            };
            let bytes = head.concat().into_iter().map(|byte| vec![byte]);
            Act::Stream(bytes.collect(), ending)
        }),
    ]
}

/// What should be answered, with this header, and by a length.
fn well(call: &Call, header: &[u8]) -> Act {
    let body = match call.done(QUESTION, ANSWER) {
        Act::Say(_, body) => body.to_string().into_bytes(),
        Act::Stream(pieces, _) => pieces.concat(),
        Act::Raw(..) | Act::Hang => unreachable!(),
    };
    let length = format!("content-length: {}\r\n", body.len());
    let head = [b"HTTP/1.1 200 OK\r\n", header, length.as_bytes(), b"\r\n"].concat();
    Act::Raw([head, body].concat(), Ending::Complete)
}

/// A response of success that does not hold what was asked for.
pub(super) fn bodies() -> Vec<Fault> {
    vec![
        Fault::new("nothing to say", Malformed, |_| {
            Act::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), Ending::Complete)
        }),
        Fault::new("an empty body", Malformed, |_| {
            raw("200 OK\r\ncontent-type: application/json", b"")
        }),
        Fault::new("a page", Malformed, |_| {
            raw("200 OK\r\ncontent-type: text/html", b"<!doctype html><h1>It works!</h1>")
        }),
        Fault::new("bytes of no encoding", Malformed, |_| raw("200 OK", b"\xFF\xFE\xFD{\x80}")),
        Fault::new("NULs", Malformed, |_| raw("200 OK", &[0; 4_096])),
        Fault::new("false compression", Unavailable, |_| {
            raw("200 OK\r\ncontent-encoding: gzip", b"{\"embeddings\": []}")
        }),
        Fault::new("null", Malformed, |call| json_body(call, "null")),
        Fault::new("a number", Malformed, |call| json_body(call, "7")),
        Fault::new("a text", Malformed, |call| json_body(call, "\"OK\"")),
        Fault::new("an empty list", Malformed, |call| json_body(call, "[]")),
        Fault::new("JSON that breaks off", Malformed, |call| {
            json_body(call, "{\"candidates\": [{")
        }),
        Fault::new("deep lists", Malformed, |call| json_body(call, &"[".repeat(100_000))),
        Fault::new("deep lists where something is ignored", Malformed, |call| {
            json_body(call, &format!("{{\"x\": {}", "[".repeat(100_000)))
        }),
        Fault::new("deep objects", Malformed, |call| {
            json_body(call, &"{\"error\":".repeat(50_000))
        }),
        Fault::new("JSON of another service", Malformed, |call| {
            json_body(call, "{\"choices\": [{\"text\": \"hi\"}]}")
        }),
        Fault::new("20 MB of nothing", Malformed, |_| {
            raw("200 OK\r\ncontent-type: application/json", &b" ".repeat(20 << 20))
        }),
    ]
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const QUOTA: &str = "type.googleapis.com/google.rpc.QuotaFailure";

fn asks_for(delay: &Value) -> Value {
    json!([{"@type": RETRY_INFO, "retryDelay": delay}])
}

fn quota(id: &str) -> Value {
    json!({"@type": QUOTA, "violations": [{"quotaId": id}]})
}

/// A response that says that there is an error.
pub(super) fn errors() -> Vec<Fault> {
    vec![
        Fault::new("302, elsewhere", Misconfigured, |_| {
            raw("302 Found\r\nlocation: http://127.0.0.1:9/steal", b"")
        }),
        Fault::new("307, in a circle", Misconfigured, |_| {
            raw("307 Temporary Redirect\r\nlocation: /", b"")
        }),
        Fault::new("400, a bad key", Unauthorized, |_| {
            error(400, "INVALID_ARGUMENT", &json!([{"reason": "API_KEY_INVALID"}]))
        }),
        Fault::new("400, a bad request", Rejected, |_| error(400, "INVALID_ARGUMENT", &json!([]))),
        Fault::new("400, another country", Misconfigured, |_| {
            error(400, "FAILED_PRECONDITION", &json!([]))
        }),
        Fault::new("401", Unauthorized, |_| error(401, "UNAUTHENTICATED", &json!([]))),
        Fault::new("403", Unauthorized, |_| error(403, "PERMISSION_DENIED", &json!([]))),
        Fault::new("404", Misconfigured, |_| error(404, "NOT_FOUND", &json!([]))),
        Fault::new("408", Timeout, |_| error(408, "DEADLINE_EXCEEDED", &json!([]))).tried(),
        Fault::new("413, a page", Rejected, |_| raw("413 Too Large", b"<h1>413</h1>")),
        Fault::new("429 without details", RateLimited, |_| {
            error(429, "RESOURCE_EXHAUSTED", &json!([]))
        })
        .tried(),
        Fault::new("429, the quota of a minute", RateLimited, |_| {
            let details = json!([quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")]);
            error(429, "RESOURCE_EXHAUSTED", &details)
        })
        .tried(),
        Fault::new("429, the quota of a day", RateLimited, |_| {
            let day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
            let soon = json!({"@type": RETRY_INFO, "retryDelay": "0.01s"});
            error(429, "RESOURCE_EXHAUSTED", &json!([day, soon]))
        })
        .closing(),
        Fault::new("429, ask again soon", RateLimited, |_| {
            error(429, "RESOURCE_EXHAUSTED", &asks_for(&json!("0.01s")))
        })
        .tried(),
        Fault::new("429, ask again late", RateLimited, |_| {
            error(429, "RESOURCE_EXHAUSTED", &asks_for(&json!("40.5s")))
        })
        .closing(),
        Fault::new("429, ask again never", RateLimited, |_| {
            error(429, "RESOURCE_EXHAUSTED", &asks_for(&json!("99999999999999999999s")))
        })
        .tried(),
        Fault::new("429, a delay that is none", RateLimited, |_| {
            error(429, "RESOURCE_EXHAUSTED", &asks_for(&json!("soon")))
        })
        .tried(),
        Fault::new("429, details of another form", RateLimited, |_| {
            error(429, "RESOURCE_EXHAUSTED", &asks_for(&json!({"seconds": 3})))
        })
        .tried(),
        Fault::new("429, a header that asks for an hour", RateLimited, |_| {
            raw("429 Too Many Requests\r\nretry-after: 3600", b"")
        })
        .closing(),
        Fault::new("499", Unavailable, |_| error(499, "CANCELLED", &json!([]))),
        Fault::new("500", Unavailable, |_| error(500, "INTERNAL", &json!([]))).tried(),
        Fault::new("501", Unavailable, |_| error(501, "UNIMPLEMENTED", &json!([]))),
        Fault::new("502, a page", Unavailable, |_| {
            raw("502 Bad Gateway\r\ncontent-type: text/html", b"<h1>502</h1>")
        })
        .tried(),
        Fault::new("503", Unavailable, |_| error(503, "UNAVAILABLE", &json!([]))).tried(),
        Fault::new("503, ask again soon", Unavailable, |_| {
            error(503, "UNAVAILABLE", &asks_for(&json!("0.01s")))
        })
        .tried(),
        Fault::new("503, ask again late", Unavailable, |_| {
            error(503, "UNAVAILABLE", &asks_for(&json!("60s")))
        }),
        Fault::new("504", Timeout, |_| error(504, "DEADLINE_EXCEEDED", &json!([]))).tried(),
        Fault::new("an error that is large", Unavailable, |_| {
            raw("500 Oh\r\ncontent-type: application/json", &b"[".repeat(1 << 20))
        })
        .tried(),
        Fault::new("an error that breaks off", Unavailable, |_| {
            cut("HTTP/1.1 503 No\r\ncontent-length: 9\r\n\r\n{", Ending::BreaksOff)
        })
        .tried(),
    ]
}
