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
    let candidates = select(reciprocal_rank(rankings), &question, settings);
    judge(&mut Reader::new(&question), &candidates)
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
    let coverage = |question| by_terms(question).coverage;
    assert!(coverage("port") > coverage("session keeps account"));
    let text = |text: &str| Some(vec![ranked("Heading", text, 1.0)]);
    let of = |lexical| judged("lantern", Rankings { dense: None, lexical }).coverage;
    let in_heading = Some(vec![ranked("Lantern", "Text.", 1.0)]);
    assert!((of(in_heading) - 1.0).abs() < 1e-9);
    assert!((of(text("A lantern. The lantern.")) - REPEATED).abs() < 1e-9);
    assert!((of(text("A lantern. Text.")) - MENTIONED).abs() < 1e-9);
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
