use super::*;

/// The sentences of a text in which `[1]` is a citation and back-ticks are code.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Sentences::default();
    let mut found = vec![String::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let last = found.last().unwrap().clone();
        let code = rest.strip_prefix('`').and_then(|inside| inside.find('`')).map(|at| at + 2);
        let (ends, length) = match code {
            Some(length) => (sentences.end_before_code(&rest[..length]), length),
            None if rest.starts_with("[1]") => (sentences.end_before_citation(&last), 3),
            None => (sentences.end_before(c, &last), c.len_utf8()),
        };
        if ends {
            found.push(String::new());
        }
        found.last_mut().unwrap().push_str(&rest[..length]);
        rest = &rest[length..];
    }
    let found = found.into_iter().map(|sentence| sentence.trim().to_owned());
    found.filter(|sentence| !sentence.is_empty()).collect()
}

#[test]
fn sentences_end_where_a_reader_sees_an_end() {
    for (text, expected) in [
        ("One. Two! Three? Four", vec!["One.", "Two!", "Three?", "Four"]),
        ("One [1]. Two [1].", vec!["One [1].", "Two [1]."]),
        ("One. [1][1] Two. [1]", vec!["One. [1][1]", "Two. [1]"]),
        ("One. [1], and more. [1]. Two", vec!["One. [1], and more. [1].", "Two"]),
        ("**One.** Two (three.) Four", vec!["**One.**", "Two (three.)", "Four"]),
        (
            "See e.g. `a. b` or v4.2. It is etc. fine",
            vec!["See e.g. `a. b` or v4.2.", "It is etc. fine"],
        ),
        ("z. B. das. `a` it", vec!["z. B. das.", "`a` it"]),
        ("1. One\n2. Two\n| a. | b |", vec!["1. One", "2. Two", "| a. | b |"]),
        ("One\ngoes on\n`here`.\n[1]\nTwo", vec!["One\ngoes on\n`here`.\n[1]", "Two"]),
        ("One\r\ngoes on\r\n\r\nnot here\nTwo", vec!["One\r\ngoes on", "not here", "Two"]),
        ("一。二！三", vec!["一。", "二！", "三"]),
        ("ایک ہے۔ دو؟ تین", vec!["ایک ہے۔", "دو؟", "تین"]),
        ("Node.js is a.b. fine", vec!["Node.js is a.b. fine"]),
    ] {
        assert_eq!(sentences(text), expected, "{text}");
    }
}

#[test]
fn what_is_too_long_for_a_sentence_is_cut() {
    let lengths = |text: &str| sentences(text).iter().map(String::len).collect::<Vec<_>>();
    assert!(lengths(&"word ".repeat(2_000)).iter().all(|length| *length <= LONGEST + 4));
    assert!(lengths(&"x".repeat(20_000)).iter().all(|length| *length <= 2 * LONGEST));
    assert!(lengths(&"[1]".repeat(5_000)).iter().all(|length| *length <= LONGEST + 3));
}

#[test]
fn a_claim_is_cut_free_of_the_marks_around_it() {
    for (text, claim) in [
        ("  - a list item ", "a list item"),
        ("2. another", "another"),
        ("| cell", "cell"),
        (", and so", "and so"),
        ("> - **bold** text.", "**bold** text."),
        ("4.2 is out", "4.2 is out"),
        ("--flag is set", "--flag is set"),
        (" . ", ""),
    ] {
        assert_eq!(&text[trimmed(text, 0..text.len())], claim, "{text}");
    }
}
