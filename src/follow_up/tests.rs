use uuid::Uuid;

use super::*;
use crate::question::QuestionLimits;
use crate::session::Exchange;

fn question(text: &str, selected: Option<&str>) -> Question {
    Question::new(text, selected, None, QuestionLimits::default()).unwrap()
}

/// The follow-up after these questions, each of which got an answer.
fn follow_up(before: &[&str], question: &Question) -> Option<FollowUp> {
    let exchange = |asked: &&str| {
        let (question, answer) = ((*asked).to_owned(), "Answer. [1]".to_owned());
        Exchange { question, answer }.into_turns()
    };
    let history: Vec<Turn> = before.iter().flat_map(exchange).collect();
    FollowUp::of(MessageId(Uuid::nil()), question, &history)
}

#[test]
fn only_what_leans_on_a_conversation_is_a_follow_up() {
    let port = ["How do I change the port?"];
    for (before, asked, selected, expected) in [
        (&port[..], "and the host?", None, true),
        (&port[..], "How do I delete the index?", None, false),
        (&[], "and the host?", None, false),
        (&port[..], "what does this mean?", None, true),
        (&port[..], "what does this mean?", Some("ALLOWED_ORIGINS"), false),
        (&port[..], "and with the other one?", Some("ALLOWED_ORIGINS"), true),
    ] {
        let found = follow_up(before, &question(asked, selected)).is_some();
        assert_eq!(found, expected, "{asked} beside {selected:?}");
    }
}

#[test]
fn what_a_generator_made_is_taken_if_it_can_be_a_question() {
    let follow_up = follow_up(&["How do I change the port?"], &question("and the host?", None));
    let follow_up = follow_up.unwrap();
    let by_hand = "How do I change the port? and the host?";
    for (condensed, expected) in [
        (Some(" How do I change\u{200B} the host? \n"), "How do I change the host?"),
        (None, by_hand),
        (Some(" "), by_hand),
        (Some("It is this:\nHow do I change the host?"), by_hand),
        (Some(&"host ".repeat(200)), by_hand),
    ] {
        assert_eq!(follow_up.standalone(condensed.map(str::to_owned)), expected, "{condensed:?}");
    }
}

#[test]
fn without_a_generator_the_questions_since_the_last_that_stands_alone_are_taken() {
    let before = ["What is BM25?", "How do I test a reducer?", "and components?"];
    let follow_up = follow_up(&before, &question("can it start with data", None)).unwrap();
    assert_eq!(
        follow_up.standalone(None),
        "How do I test a reducer? and components? can it start with data"
    );
}
