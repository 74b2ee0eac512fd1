//! Gemini's stream of events: it gives the same events in whatever pieces it comes, and nothing
//! that was not in it.
#![no_main]

use askbook_gemini::fuzzing::events;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (sizes, body) = input;
    let whole = events([body]).expect("less than 4 MiB");

    let mut pieces = Vec::new();
    let mut rest = body;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(usize::from(*size).clamp(1, rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    assert_eq!(events(pieces).expect("less than 4 MiB"), whole, "cut by {sizes:?}");

    let (read, stray) = whole;
    assert!(read.iter().all(|event| !event.is_empty()));
    // Of the bytes, those of the events follow "data:", and each stray line gets an end.
    let bytes: usize = read.iter().map(Vec::len).sum();
    assert!(bytes + stray.len() <= body.len() + 1);

    let mut told = Vec::new();
    for event in &read {
        for line in event.split(|byte| *byte == b'\n') {
            told.extend_from_slice(&[b"data: ", line, b"\r\n"].concat());
        }
        told.extend_from_slice(b": beat\nevent: x\r\n\n");
    }
    assert_eq!(events([told.as_slice()]).expect("less than 4 MiB"), (read, Vec::new()));
});
