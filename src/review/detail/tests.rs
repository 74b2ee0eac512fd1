use super::*;

/// The details of a text in which back-ticks are code.
fn found(text: &str) -> Vec<&str> {
    let ticks: Vec<usize> = text.match_indices('`').map(|(at, _)| at).collect();
    let code: Vec<Range<usize>> = ticks.chunks(2).map(|pair| pair[0]..pair[1] + 1).collect();
    let details = details(text, 0..text.len(), &code, &[]);
    details.into_iter().map(|detail| &text[detail.at]).collect()
}

fn has(passage: &str, text: &str) -> bool {
    let details = details(text, 0..text.len(), &[], &[]);
    assert_eq!(details.len(), 1, "{text}");
    Known::of(passage).has(&details[0].key)
}

#[test]
fn numbers_and_identifiers_are_details() {
    for (text, expected) in [
        (
            "Version 4.2.1 takes 10,000 bytes, 50% or 64KiB.",
            vec!["4.2.1", "10,000", "50%", "64KiB"],
        ),
        (
            "Use createSlice or parse_body and MAX_SIZE.",
            vec!["createSlice", "parse_body", "MAX_SIZE"],
        ),
        ("Pass --dry-run to run() in /etc/app.conf.", vec!["--dry-run", "run", "/etc/app.conf"]),
        ("A 12-hour day, 3-5 times", vec!["12", "3", "5"]),
        ("at 127.0.0.1:8000", vec!["127.0.0.1", "8000"]),
        ("the model gemini-3.5-flash", vec!["gemini-3.5-flash"]),
        ("`context` and `PORT=9000 serve`", vec!["context", "9000"]),
        ("`a.b.c()`, `@scope/pkg`, `font-size`", vec!["a.b.c", "@scope/pkg", "font-size"]),
        ("`const newStore = makeStore(x)`", vec!["newStore", "makeStore"]),
        ("1. One\n2) Two\n> 3. three", vec![]),
        ("JavaScript on macOS or gRPC, e.g. file(s), and/or time-travel", vec![]),
        ("two or three, [1](x) and _emphasis_", vec![]),
        ("https://a.example/x_y?z=12 and <https://b.example/1>.", vec![]),
        ("۳۶۰۰ سیکنڈ", vec!["۳۶۰۰"]),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn details_are_compared_without_regard_to_how_they_are_written() {
    for (passage, text) in [
        ("10,000 bytes", "10000"),
        ("10000 bytes", "10,000"),
        ("3,600 seconds", "3.600"),
        ("3600", "۳۶۰۰"),
        ("twelve passages", "12"),
        ("version 2.0", "2.0.0"),
        ("3.5 percent", "3,5"),
        ("64 KiB", "64KiB"),
        ("50 %", "50%"),
        ("in `createSlice()` calls", "createSlice"),
        ("CREATESLICE", "createSlice"),
        ("a userSelector is", "userSelectors"),
        ("the store and its dispatchAll", "store.dispatchAll()"),
        ("run `x --dry-run`", "--dry-run"),
        ("use gemini-3.5-flash.", "gemini-3.5-flash"),
    ] {
        assert!(has(passage, text), "{text} in {passage}");
    }
}

#[test]
fn details_that_a_passage_does_not_have_are_not_found() {
    for (passage, text) in [
        ("10,000 bytes", "1000"),
        ("version 4.2.1", "4.2.2"),
        ("version 1.10", "1.1"),
        ("30 seconds", "3"),
        ("createSlice", "createSlices_v2"),
        ("create a slice", "createSlice"),
        ("a dry run", "--dry-run"),
        ("the store", "store.dispatchAll()"),
        ("gemini-3.5-flash", "gemini-4-flash"),
    ] {
        assert!(!has(passage, text), "{text} in {passage}");
    }
}

#[test]
fn numbers_in_words_are_read_unless_they_are_articles() {
    let found: Vec<Key> = numbers_in_words("One of three, second to none, twelve").collect();
    let number = |value: &str| Key::Number(vec![value.to_owned()]);
    assert_eq!(found, [number("3"), number("12")]);
}
