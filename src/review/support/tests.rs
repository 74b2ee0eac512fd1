use super::*;
use crate::passage::{Hit, Passage, PassageId, Scores};
use crate::review::Readings;

fn support(texts: &[&str]) -> Support {
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
    Support::new(Readings::new().of(&texts.iter().map(hit).collect::<Vec<_>>()))
}

#[test]
fn a_passage_supports_what_shares_rare_words_with_it() {
    let support = support(&[
        "The widget cache lives in memory.",
        "The widget index lives on the disk.",
        "The widget is green.",
    ]);
    let weights = support.weigh(&Said::by("The index of widgets is on disk"), &[]);
    assert!(weights.are_telling());
    assert_eq!(weights.supporting(vec![1, 2, 3], Kind::Statement), [1, 2, 3]);
    assert_eq!(weights.supporting(vec![2], Kind::Statement), [2]);
    assert!(weights.supporting(vec![1], Kind::Statement).is_empty());
    assert_eq!(weights.supporting(vec![1], Kind::Introduction), [1]);
}

#[test]
fn function_words_support_nothing() {
    let support = support(&["That is how it is in the end.", "What it was."]);
    let weights = support.weigh(&Said::by("This is what it was and will be"), &[]);
    assert!(weights.are_nothing(), "{weights:?}");
}

#[test]
fn a_passage_that_does_not_exist_supports_nothing() {
    let support = support(&["Green widgets."]);
    assert!(support.has(1) && !support.has(0) && !support.has(2));
    assert!(Weights::none().supporting(vec![1], Kind::Statement).is_empty());
}

#[test]
fn a_quote_is_the_sentence_of_the_passage_that_the_claim_rests_on() {
    let support =
        support(&["# Time\n\nThe port is fixed. Sessions expire after one hour. Logs go there."]);
    let shared = support.shared(1, &Said::by("A session lives for an hour"));
    assert_eq!(support.best_quote(1, &shared), "Sessions expire after one hour.");
}
