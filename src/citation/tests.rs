use super::*;
use crate::passage::{Passage, PassageId, Scores};

fn passages(texts: &[&str]) -> Vec<Hit> {
    let hit = |text: &&str| Hit {
        passage: Passage {
            id: PassageId((*text).to_owned()),
            title: String::new(),
            headings: Vec::new(),
            url: None,
            text: (*text).to_owned(),
            edition: None,
        },
        scores: Scores::default(),
    };
    texts.iter().map(hit).collect()
}

fn checked(text: &str) -> (String, Vec<usize>) {
    let (text, sources) = check(text, &passages(&["Alpha.", "Beta.", "Gamma."]));
    (text, sources.into_iter().map(|source| source.number).collect())
}

#[test]
fn sources_come_once_in_the_order_of_first_citation() {
    let text = "B [2][1]. A [1, 3]. B again [2].";
    assert_eq!(checked(text), (text.to_owned(), vec![2, 1, 3]));
}

#[test]
fn citations_of_nothing_are_dropped_from_the_text() {
    assert_eq!(checked("So [4]. And [0, 2]."), ("So. And [2].".to_owned(), vec![2]));
}

#[test]
fn code_and_links_cite_nothing() {
    for text in [
        "Use `list[1]`.",
        "```\nlist[1]\n```",
        "``a ` [1]``",
        "~ [1](https://a.example)",
        "```\nunclosed [1]",
    ] {
        assert_eq!(checked(text), (text.to_owned(), vec![]), "{text}");
    }
    assert_eq!(checked("A lone ` and [1].").1, [1]);
}

#[test]
fn a_quote_is_the_sentence_of_the_passage_that_the_claim_rests_on() {
    let passage = "The port is fixed. Sessions expire after one hour. Logs go to stderr.";
    let (_, sources) = check("A session lives for an hour [1].", &passages(&[passage]));
    assert_eq!(sources[0].quote, "Sessions expire after one hour.");
}

#[test]
fn a_long_quote_is_cut_at_a_word() {
    let passage = "word ".repeat(100);
    let (_, sources) = check("word [1]", &passages(&[&passage]));
    assert!(sources[0].quote.ends_with("word…"), "{}", sources[0].quote);
    assert!(sources[0].quote.chars().count() <= QUOTE_LIMIT);
}
