use super::*;

fn kinds_and_texts(markdown: &str) -> Vec<(UnitKind, String)> {
    units(markdown).into_iter().map(|unit| (unit.kind, unit.text)).collect()
}

#[test]
fn paragraphs_become_sentences_whatever_their_line_breaks() {
    let units = kinds_and_texts("One is\nhere. Two is\n  there!\n\nThree");
    let texts: Vec<_> = units.iter().map(|unit| unit.1.as_str()).collect();
    assert_eq!(texts, ["One is here.", "Two is there!", "Three"]);
}

#[test]
fn items_rows_headings_and_code_are_units_of_their_own() {
    use UnitKind::{Code, Heading, Row, Sentence};
    let markdown = "\
## Use
Intro:
- first
  item
2. second
> quoted
| a | b |
|---|---|
| 1 | 2 |
```sh
# not a heading

x
```
end";
    let expected = [
        (Heading, "## Use"),
        (Sentence, "Intro:"),
        (Sentence, "first item"),
        (Sentence, "second quoted"),
        (Row, "| a | b |"),
        (Row, "| 1 | 2 |"),
        (Code, "```sh\n# not a heading\n\nx\n```"),
        (Sentence, "end"),
    ];
    assert_eq!(kinds_and_texts(markdown), expected.map(|(kind, text)| (kind, text.to_owned())));
}

#[test]
fn an_unclosed_fence_and_a_longer_one_inside_stay_one_block() {
    assert_eq!(kinds_and_texts("```\na"), [(UnitKind::Code, "```\na".to_owned())]);
    let nested = "````\n```\na\n```\n````";
    assert_eq!(kinds_and_texts(nested), [(UnitKind::Code, nested.to_owned())]);
}

#[test]
fn no_sentence_ends_in_inline_code_or_an_abbreviation() {
    let text = "Use `a. B` here. Pick one, e.g. This one.";
    let texts: Vec<_> = units(text).into_iter().map(|unit| unit.text).collect();
    assert_eq!(texts, ["Use `a. B` here.", "Pick one, e.g. This one."]);
}

#[test]
fn identifiers_fall_into_their_parts() {
    let check = |word, parts: &[&str]| assert_eq!(identifier_parts(word), parts, "{word}");
    check("plain", &["plain"]);
    check("createSlice", &["create", "Slice"]);
    check("parseHTTPBody_v2", &["parse", "HTTP", "Body", "v", "2"]);
    check("GEMINI_API_KEY", &["GEMINI", "API", "KEY"]);
    check("", &[]);
    check("_", &[]);
}

#[test]
fn terms_are_stems_without_stop_words_and_identifiers_with_their_parts() {
    assert_eq!(
        terms("How do I connect the createSlice connections?"),
        ["connect", "createslice", "creat", "slice", "connect"]
    );
}
