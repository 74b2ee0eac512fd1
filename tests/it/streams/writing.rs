//! Generated answers, and the bytes by which Gemini may send them. Both follow from a number.

use fastrand::Rng;
use serde_json::{Value, json};

/// The first sentence of every answer: it is supported, so that what follows is shown.
const SUPPORTED: &str = "The harbour is open to ships at high tide [1].";

/// What answers are made of beside letters: what wires, decoders and line splitters stumble over.
const STUMBLING_BLOCKS: &[&str] = &[
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\r\r",
    "\t",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\0",
    "\u{1}",
    "\u{1b}",
    "\u{1f}",
    "\u{7f}",
    "\u{9f}",
    "\u{b}",
    "\u{c}",
    "\u{feff}",
    "\u{200d}",
    "\u{a0}",
    "é",
    "ß",
    "Ж",
    "日本",
    "€",
    "\u{fffd}",
    "\u{ffff}",
    "🌊",
    "𝄞",
    "👩\u{200d}👧",
    "e\u{301}",
    "\\",
    "\\n",
    "\\u0041",
    "\"",
    "'",
    "{}",
    "{\"type\": \"done\"}",
    "\nevent: done\nid: 7\n\n",
    "\n: beat\n\n",
    "0\r\n\r\n",
    "a < b > c",
    " & ",
    " * ",
    " - ",
    " + ",
    "# ",
    "| ",
    "~",
    "_",
    ". ",
    "! ",
    "? ",
    ", ",
    "; ",
    "$ ",
    "% ",
    "= ",
    SUPPORTED,
    "The harbour is open [1]: at high tide. ",
];

/// What answers begin and end with.
const WHITE_SPACE: &[&str] = &[
    "", "", " ", "  ", "\n", "\n\n", "\r\n", "\r", " \n", "\t", "\u{85}", "\u{a0}", "\u{2028}",
    "\u{3000}",
];

/// The answer of this number.
pub(crate) fn answer(number: u64) -> String {
    let mut rng = Rng::with_seed(number);
    let white_space = |rng: &mut Rng| *rng.choice(WHITE_SPACE).unwrap_or(&"");
    let mut text = white_space(&mut rng).to_owned() + SUPPORTED;
    for _ in 0..rng.usize(0..16) {
        match rng.u8(0..4) {
            0 => text.push(' '),
            1 => (0..rng.usize(1..9)).for_each(|_| text.push(rng.lowercase())),
            _ => text.push_str(rng.choice(STUMBLING_BLOCKS).unwrap_or(&"")),
        }
    }
    text.push('.');
    text + white_space(&mut rng)
}

/// The answer of this number in the pieces in which a generator hands it on.
pub(crate) fn texts(number: u64) -> Vec<String> {
    let mut rng = Rng::with_seed(!number);
    let answer = answer(number);
    let pieces = pieces(&mut rng, &answer).into_iter().filter(|piece| !piece.is_empty());
    pieces.map(str::to_owned).collect()
}

/// The body by which the answer of this number comes, cut into the pieces in which it arrives.
pub(crate) fn body(number: u64) -> Vec<Vec<u8>> {
    let mut rng = Rng::with_seed(!number);
    let bytes = framed(&mut rng, &answer(number));
    cut(&mut rng, &bytes)
}

/// The events of an answer, in the forms in which Gemini has been seen to send them.
fn framed(rng: &mut Rng, answer: &str) -> Vec<u8> {
    let mut body = Vec::new();
    if rng.bool() {
        let thought = json!([{"text": "hm", "thought": true}]);
        body.extend(frame(rng, &candidate(&thought)));
    }
    for text in pieces(rng, answer) {
        let parts: Vec<Value> =
            pieces(rng, text).into_iter().map(|part| json!({ "text": part })).collect();
        let mut event = candidate(&json!(parts));
        if rng.u8(0..4) == 0 {
            event["usageMetadata"] = json!({"promptTokenCount": 9, "candidatesTokenCount": 1});
        }
        body.extend(frame(rng, &event));
    }
    let mut last = match rng.u8(0..3) {
        0 => json!({"candidates": [{}]}),
        1 => candidate(&json!([{"text": "", "thoughtSignature": "x"}])),
        _ => candidate(&json!([])),
    };
    last["candidates"][0]["finishReason"] = json!("STOP");
    last["usageMetadata"] = json!({"promptTokenCount": 9, "candidatesTokenCount": 12});
    body.extend(frame(rng, &last));
    if rng.u8(0..4) == 0 {
        body.truncate(body.trim_ascii_end().len());
    }
    body
}

fn candidate(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]})
}

/// An event: on one line or several, with either line end, as UTF-8 or in ASCII.
fn frame(rng: &mut Rng, event: &Value) -> Vec<u8> {
    let end = if rng.bool() { "\r\n" } else { "\n" };
    let json = if rng.u8(0..8) == 0 { format!("{event:#}") } else { event.to_string() };
    let json = if rng.u8(0..4) == 0 { ascii(&json) } else { json };
    let space = if rng.bool() { " " } else { "" };
    let mut text = String::new();
    if rng.u8(0..8) == 0 {
        text += &format!(": beat{end}{end}");
    }
    if rng.u8(0..8) == 0 {
        text += &format!("event: x{end}id: 1{end}retry: 3{end}");
    }
    for line in json.split('\n') {
        text += &format!("data:{space}{line}{end}");
    }
    (text + end).into_bytes()
}

/// The JSON with everything beyond ASCII escaped.
fn ascii(json: &str) -> String {
    let mut escaped = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            c.encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| escaped += &format!("\\u{unit:04x}"));
        }
    }
    escaped
}

/// The text in up to four pieces.
fn pieces<'a>(rng: &mut Rng, text: &'a str) -> Vec<&'a str> {
    let mut rest = text;
    let mut pieces = Vec::new();
    for _ in 0..rng.usize(0..4) {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(rng.usize(0..=rest.len() / 2)));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// The bytes in pieces: whole, each byte alone, within each character of several bytes, around
/// each line end, or anywhere.
fn cut(rng: &mut Rng, bytes: &[u8]) -> Vec<Vec<u8>> {
    let all = 1..bytes.len();
    let is_continuation = |at: &usize| bytes[*at] & 0xC0 == 0x80;
    let is_line_end = |at: &usize| matches!(bytes[*at], b'\r' | b'\n');
    let mut cuts: Vec<usize> = match rng.u8(0..64) {
        0..4 => Vec::new(),
        4 => all.collect(),
        5..16 => all.filter(is_continuation).collect(),
        16..24 => all.filter(is_line_end).collect(),
        _ => (0..rng.usize(1..20)).map(|_| rng.usize(all.clone())).collect(),
    };
    cuts.sort_unstable();
    cuts.push(bytes.len());
    let mut start = 0;
    let piece = |end| bytes[std::mem::replace(&mut start, end)..end].to_vec();
    cuts.into_iter().map(piece).collect()
}
