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
fn the_units_of_one_block_share_its_number_and_items_keep_their_marks() {
    let markdown = "\
One. Two.
- a
  1. b. B again.

  still b
- c

Three.
:::tip Mind this
Four.
:::
---
| h |
|---|
| x |

> - five
> ```
> six
> ```
";
    let units = units(markdown);
    let seen: Vec<_> =
        units.iter().map(|unit| (unit.block, unit.marker.as_str(), unit.text.as_str())).collect();
    let expected = [
        (1, "", "One."),
        (1, "", "Two."),
        (2, "- ", "a"),
        (2, "  1. ", "b."),
        (2, "", "B again."),
        (2, "", "still b"),
        (2, "- ", "c"),
        (3, "", "Three."),
        (4, "", "Mind this"),
        (5, "", "Four."),
        (8, "", "| h |"),
        (8, "", "| x |"),
        (9, "- ", "five"),
        (10, "", "```\nsix\n```"),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn code_of_an_item_is_moved_to_the_left_margin() {
    let texts = kinds_and_texts("- run\n  ```sh\n  a\n    b\n c\n  ```");
    assert_eq!(texts[1].1, "```sh\na\n  b\nc\n```");
}

#[test]
fn no_sentence_ends_in_inline_code_or_an_abbreviation() {
    let text = "Use `a. B` here. Pick one, e.g. This one. See [A. B.](../A) at a.b?C=d too.";
    let texts: Vec<_> = units(text).into_iter().map(|unit| unit.text).collect();
    assert_eq!(
        texts,
        ["Use `a. B` here.", "Pick one, e.g. This one.", "See [A. B.](../A) at a.b?C=d too."]
    );
}

#[test]
fn marks_that_close_a_sentence_stay_with_it() {
    let text = "**Do it.** _(Not that.)_ He said \"No.\" Then 次。続く";
    let texts: Vec<_> = units(text).into_iter().map(|unit| unit.text).collect();
    assert_eq!(texts, ["**Do it.**", "_(Not that.)_", "He said \"No.\"", "Then 次。", "続く"]);
}

#[test]
fn back_ticks_in_a_line_of_prose_open_no_code_block() {
    assert_eq!(kinds_and_texts("```a``` is code.")[0].0, UnitKind::Sentence);
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

#[test]
fn contractions_are_the_words_that_they_contract() {
    assert_eq!(terms("I can't, it doesn't, won’t; you've the store's state"), terms("store state"));
}
