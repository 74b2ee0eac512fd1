use serde_json::json;

use super::End::{Answered, Problem};
use super::{Request, chat, fields, request};
use crate::support::harbour::QUESTION;

/// Bodies that are no JSON, or no question.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn all() -> Vec<Request> {
    let deep = "[".repeat(30_000);
    vec![
        request("no body", chat(""), Problem("invalid_json")),
        request("white space", chat(" \r\n\t "), Problem("invalid_json")),
        request("a form", chat("message=Why%3F"), Problem("invalid_json")),
        request("a list", chat("[\"Why?\"]"), Problem("invalid_json")),
        request("a text", chat("\"Why?\""), Problem("invalid_json")),
        request("half an object", chat("{\"message\": \"Why"), Problem("invalid_json")),
        request("two objects", chat("{\"message\": \"a\"} {}"), Problem("invalid_json")),
        request("a comma too many", chat("{\"message\": \"a\",}"), Problem("invalid_json")),
        request("a comment", chat("{/**/\"message\": \"a\"}"), Problem("invalid_json")),
        request("single quotes", chat("{'message': 'a'}"), Problem("invalid_json")),
        request("NaN", chat("{\"message\": NaN}"), Problem("invalid_json")),
        request("a byte order mark", chat("\u{feff}{\"message\": \"a\"}"), Problem("invalid_json")),
        request("UTF-16", chat(b"{\0\"\0m\0\"\0:\x001\0}\0"), Problem("invalid_json")),
        request(
            "bytes of no encoding",
            chat(b"{\"message\": \"\xFF\xFE\"}"),
            Problem("invalid_json"),
        ),
        request("an overlong slash", chat(b"{\"message\": \"\xC0\xAF\"}"), Problem("invalid_json")),
        request("half a character", chat(b"{\"message\": \"\xE6\x97\"}"), Problem("invalid_json")),
        request("a lone surrogate", chat("{\"message\": \"\\ud800\"}"), Problem("invalid_json")),
        request("no escape", chat("{\"message\": \"\\x41\"}"), Problem("invalid_json")),
        request("a bare NUL", chat(b"{\"message\": \"a\0b\"}"), Problem("invalid_json")),
        request("a bare line end", chat("{\"message\": \"a\nb\"}"), Problem("invalid_json")),
        request("4,096 NULs", chat([0; 4_096]), Problem("invalid_json")),
        request("deep lists", chat(format!("{{\"message\": {deep}")), Problem("invalid_field")),
        request("deep lists unread", chat(format!("{{\"x\": {deep}")), Problem("invalid_json")),
        request("deep objects", chat("{\"x\": ".repeat(10_000)), Problem("invalid_json")),
        request("no message", chat("{}"), Problem("invalid_field")),
        request("null", chat("{\"message\": null}"), Problem("invalid_field")),
        request("a number", chat("{\"message\": 5}"), Problem("invalid_field")),
        request("a truth value", chat("{\"message\": true}"), Problem("invalid_field")),
        request("an object", chat("{\"message\": {\"text\": \"a\"}}"), Problem("invalid_field")),
        request(
            "a message twice",
            chat("{\"message\": \"a\", \"message\": \"b\"}"),
            Problem("invalid_field"),
        ),
        request(
            "two messages",
            chat("{\"message\": \"a\", \"question\": \"b\"}"),
            Problem("conflicting_fields"),
        ),
        request("an empty message", chat("{\"message\": \"\"}"), Problem("empty_message")),
        request("a blank message", chat("{\"message\": \" \u{3000}\"}"), Problem("empty_message")),
        request(
            "a message that nobody sees",
            chat("{\"message\": \"\u{200b}\u{feff}\\u0000\"}"),
            Problem("empty_message"),
        ),
        request(
            "a message of 4,001 characters",
            chat(json!({ "message": "é".repeat(4_001) }).to_string()),
            Problem("too_long"),
        ),
        request(
            "a selection of 10,001 characters",
            fields(&json!({"selected_text": "é".repeat(10_001)})),
            Problem("too_long"),
        ),
        request(
            "a page of 3,000 characters",
            fields(&json!({"page": "/".repeat(3_000)})),
            Problem("too_long"),
        ),
        request(
            "a selection that is none",
            fields(&json!({"selected_text": 7})),
            Problem("invalid_field"),
        ),
        request(
            "a session of 201 characters",
            fields(&json!({"session_id": "a".repeat(201)})),
            Problem("too_long"),
        ),
        request(
            "a session that is none",
            fields(&json!({"session_id": {}})),
            Problem("invalid_field"),
        ),
        request("a session of NULs", fields(&json!({"session_id": "\0\0"})), Answered),
        request(
            "a session of a file",
            fields(&json!({"session_id": "../../etc/passwd"})),
            Answered,
        ),
        request(
            "a session of Redis",
            fields(&json!({"session_id": "a\r\nFLUSHALL\r\n"})),
            Answered,
        ),
        request(
            "a history that is none",
            fields(&json!({"history": "Yes."})),
            Problem("invalid_field"),
        ),
        request("a history of numbers", fields(&json!({"history": [1]})), Problem("invalid_field")),
        request(
            "a history without words",
            fields(&json!({"history": [{"role": "user"}]})),
            Problem("invalid_field"),
        ),
        request("a wish that is none", fields(&json!({"debug": "yes"})), Problem("invalid_field")),
        request("unknown fields", fields(&json!({"model": "x", "temperature": 1e308})), Answered),
        request(
            "NULs in a message",
            fields(&json!({"message": format!("{QUESTION}\0")})),
            Answered,
        ),
        request(
            "a number of 10,000 digits",
            chat(format!("{{\"x\": {}, \"message\": {:?}}}", "9".repeat(10_000), QUESTION)),
            Answered,
        ),
        request("a body of 70 kB", chat("x".repeat(70_000)), Problem("body_too_large")),
        request("a body of 16 MB", chat(vec![b' '; 16 << 20]), Problem("body_too_large")),
    ]
}
