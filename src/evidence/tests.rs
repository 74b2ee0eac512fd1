use std::num::NonZeroUsize;

use super::*;
use crate::fusion::reciprocal_rank;
use crate::passage::{Passage, PassageId};
use crate::ports::{Ranked, Rankings};
use crate::question::{Question, QuestionLimits};
use crate::search::SearchSettings;
use crate::selection::select;

fn ranked(heading: &str, text: &str, score: f32) -> Ranked {
    let passage = Passage {
        id: PassageId(text.to_owned()),
        title: "Manual".to_owned(),
        headings: vec![heading.to_owned()],
        url: None,
        text: text.to_owned(),
        edition: None,
    };
    Ranked { passage, score }
}

fn judged(question: &str, rankings: Rankings) -> Evidence {
    let question = Question::new(question, None, None, QuestionLimits::default()).unwrap();
    let settings = SearchSettings {
        passages: NonZeroUsize::new(12).unwrap(),
        per_page: NonZeroUsize::new(4).unwrap(),
        tokens: 4_000,
    };
    let candidates = select(reciprocal_rank(vec![rankings], None), &question, settings);
    judge(&mut Reader::new(question.text(), None), &candidates)
}

fn book() -> Vec<Ranked> {
    vec![
        ranked("Change the port", "To change the port, set `PORT`. The default port is 8000.", 5.0),
        ranked("Sessions", "A session keeps a conversation. It expires. Sessions are small.", 4.0),
        ranked("Supported browsers", "The widget supports Firefox and Chrome.", 3.0),
        ranked("Names", "The widget likes names. Delete an account in the menu.", 2.0),
    ]
}

fn by_terms(question: &str) -> Evidence {
    judged(question, Rankings { dense: None, lexical: Some(book()) })
}

#[test]
fn a_question_is_answered_from_a_passage_that_is_about_its_words() {
    for question in [
        "How do I change the port?",
        "What is a session?",
        "which browsers are supported",
        "Could you please explain how I can best go about changing the port?",
        "does it work with firefox",
    ] {
        let evidence = by_terms(question);
        assert!(evidence.sufficient, "{question}: {evidence:?}");
        assert_eq!(evidence.missing, Vec::<String>::new(), "{question}");
    }
}

#[test]
fn a_question_whose_telling_words_are_missing_is_refused() {
    for (question, missing) in [
        ("What is the capital of France?", vec!["capit", "franc"]),
        ("How do I bake sourdough bread?", vec!["bake", "sourdough", "bread"]),
        ("How do I change the oil of my car?", vec!["oil", "car"]),
        ("Does the widget speak COBOL natively?", vec!["cobol", "nativ"]),
    ] {
        let evidence = by_terms(question);
        assert!(!evidence.sufficient, "{question}: {evidence:?}");
        for term in missing {
            assert!(evidence.missing.iter().any(|missing| missing == term), "{evidence:?}");
        }
    }
}

#[test]
fn nothing_found_is_no_evidence() {
    let evidence = judged("port", Rankings { dense: None, lexical: Some(Vec::new()) });
    assert!(!evidence.sufficient);
    assert_eq!((evidence.coverage, evidence.agreement, evidence.dense), (0.0, None, None));
}

#[test]
fn a_question_without_words_of_its_own_is_refused() {
    assert!(!by_terms("what is it?").sufficient);
}

#[test]
fn what_headings_say_counts_more_than_what_is_repeated_and_that_more_than_a_mention() {
    let of = |heading, text| {
        let lexical = Some(vec![ranked(heading, text, 1.0), ranked("Else", "Other.", 1.0)]);
        judged("lantern", Rankings { dense: None, lexical }).coverage
    };
    let in_heading = of("Lantern", "Text.");
    let repeated = of("Heading", "A lantern. The lantern.");
    let mentioned = of("Heading", "A lantern. Text.");
    assert!((in_heading - 1.0).abs() < 1e-9, "{in_heading}");
    assert!(in_heading > repeated && repeated > mentioned, "{repeated} {mentioned}");
}

/// Thirty passages, one of which holds this text; the others say "widget".
fn long_list(text: &str, best: f32) -> Vec<Ranked> {
    let others = (1..30).map(|number| ranked("Heading", &format!("A widget, {number}."), 1.0));
    std::iter::once(ranked("Heading", text, best)).chain(others).collect()
}

#[test]
fn a_word_that_is_everywhere_tells_less_than_a_rare_one() {
    let coverage = |question: &str| {
        let lexical = Some(long_list("A widget and a lantern.", 1.0));
        judged(question, Rankings { dense: None, lexical }).coverage
    };
    assert!((coverage("widget") - 1.0).abs() < 1e-9);
    assert!(coverage("lantern") < 0.5);
    assert!(coverage("zeppelin") < coverage("lantern"));
}

#[test]
fn passages_that_stand_out_need_to_cover_less() {
    let ranked = |best| {
        let lexical = Some(long_list("A widget. A lantern.", best));
        judged("lantern widget zeppelin", Rankings { dense: None, lexical })
    };
    let (flat, high) = (ranked(1.0), ranked(20.0));
    assert!(!flat.sufficient, "{flat:?}");
    assert!(high.sufficient, "{high:?}");
    let others = |evidence: &Evidence| evidence.coverage < 0.9;
    assert!(others(&flat) && others(&high));
}

#[test]
fn what_only_its_vector_found_is_covered_by_what_it_is_about() {
    let judged = |text| {
        let dense = Some(vec![ranked("Heading", text, 0.3), ranked("Else", "Other.", 0.3)]);
        judged("lantern", Rankings { dense, lexical: None })
    };
    let (held, missing) = (judged("A lantern."), judged("Text."));
    assert!(held.coverage > 0.2 && held.coverage < 0.4, "{held:?}");
    assert!(missing.coverage.abs() < 1e-9, "{missing:?}");
    assert!(held.sufficient && !missing.sufficient);
}

#[test]
fn a_paraphrase_is_answered_when_its_vector_is_close_or_both_rankings_agree() {
    let question = "modify socket endpoint numeral";
    let close = |score| {
        let dense = Some(vec![ranked("Change the port", "To change the port, set PORT.", score)]);
        judged(question, Rankings { dense, lexical: Some(Vec::new()) })
    };
    assert_eq!(close(0.9).dense, Some(0.9));
    assert!(close(0.9).sufficient);
    assert!(!close(0.3).sufficient);

    let with = |dense: Vec<Ranked>| {
        judged(question, Rankings { dense: Some(dense), lexical: Some(book()) })
    };
    let agreed = with(book().into_iter().map(|found| Ranked { score: 0.5, ..found }).collect());
    assert_eq!(agreed.agreement, Some(1.0));
    assert!(agreed.sufficient);
    let other = with(vec![ranked("Else", "Something else.", 0.5)]);
    assert_eq!(other.agreement, Some(0.0));
    assert!(!other.sufficient);
}

#[test]
fn a_selection_is_taken_from_the_passage_that_has_its_words_or_whose_words_it_has() {
    let passage = &book()[1].passage;
    let text = &passage.text;
    for (selected, expected) in [
        (text.clone(), true),
        ("a session keeps a conversation; it expires, small".to_owned(), true),
        (format!("{text} {}", "Other words of a longer page, one by one. ".repeat(50)), true),
        ("A session".to_owned(), false),
        ("To change the port, set `PORT`. The default port is 8000.".to_owned(), false),
    ] {
        assert_eq!(is_taken_from(&selected, passage), expected, "{selected}");
    }
}
