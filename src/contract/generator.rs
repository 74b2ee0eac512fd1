use std::sync::Arc;

use futures_util::StreamExt;
use uuid::Uuid;

use super::{Fault, fault_clauses, is_reported};
use crate::error::PortError;
use crate::follow_up::FollowUp;
use crate::passage::{Hit, Passage, PassageId, Scores};
use crate::ports::{Generated, Generator};
use crate::prompt::Prompt;
use crate::question::{Question, QuestionLimits};
use crate::session::{MessageId, Role, Turn};

/// The contract of a [`Generator`]: `generator_contract!(fixture)` with
/// `async fn fixture() -> (Arc<dyn Generator>, impl Sized)`.
#[macro_export]
macro_rules! generator_contract {
    ($fixture:path) => {
        $crate::__clauses!(generator, (fixture $fixture):
            a_generation_is_pieces_of_text_and_one_end,
            nothing_follows_the_end,
            the_end_names_the_model,
            a_conversation_and_a_selection_are_read_too,
            a_follow_up_is_condensed_to_a_question_or_not_at_all,
            a_generation_may_be_dropped_at_any_piece,
            generations_may_run_side_by_side,
            a_ready_generator_is_ready,
        );
    };
}

/// The faults of a remote [`Generator`]: `remote_generator_contract!(fixture)` with
/// `async fn fixture(fault: Fault) -> (Arc<dyn Generator>, impl Sized)`.
#[macro_export]
macro_rules! remote_generator_contract {
    ($fixture:path) => {
        $crate::__faults!(generator, $fixture);
    };
}

fn prompt() -> Prompt {
    let passage = Passage {
        id: PassageId("tides".to_owned()),
        title: "Tides".to_owned(),
        headings: vec!["When the harbour is open".to_owned()],
        url: Some("/docs/tides#when-the-harbour-is-open".to_owned()),
        text: "The harbour is open to ships at high tide. Boats may enter always.".to_owned(),
        edition: None,
    };
    Prompt {
        mark: MessageId(Uuid::from_u128(7)),
        question: question("When is the harbour open to ships?", None),
        standalone: None,
        passages: vec![Hit {
            passage,
            scores: Scores { dense: Some(0.8), lexical: Some(5.0), fused_rank: 1 },
        }],
        history: Vec::new(),
    }
}

fn question(text: &str, selected_text: Option<&str>) -> Question {
    Question::new(text, selected_text, Some("/docs/tides"), QuestionLimits::default())
        .expect("a question")
}

async fn pieces(subject: &dyn Generator, prompt: Prompt) -> Vec<Result<Generated, PortError>> {
    subject.generate(prompt).await.expect("a generation").collect().await
}

fn check(pieces: Vec<Result<Generated, PortError>>) -> String {
    let mut text = String::new();
    let last = pieces.len() - 1;
    for (at, piece) in pieces.into_iter().enumerate() {
        match piece.expect("a piece") {
            Generated::Text(piece) => {
                assert!(!piece.is_empty(), "an empty piece");
                assert!(at < last, "no end");
                text += &piece;
            }
            Generated::End { .. } => assert_eq!(at, last, "something follows the end"),
        }
    }
    assert!(!text.trim().is_empty(), "an empty answer is an error");
    text
}

pub async fn a_generation_is_pieces_of_text_and_one_end(subject: &dyn Generator) {
    check(pieces(subject, prompt()).await);
}

pub async fn nothing_follows_the_end(subject: &dyn Generator) {
    let mut generation = subject.generate(prompt()).await.expect("a generation");
    while let Generated::Text(_) =
        generation.next().await.expect("a piece before the end").expect("a piece")
    {}
    assert!(generation.next().await.is_none());
}

pub async fn the_end_names_the_model(subject: &dyn Generator) {
    assert!(!subject.model().is_empty());
    match pieces(subject, prompt()).await.pop() {
        Some(Ok(Generated::End { model, .. })) => assert!(!model.is_empty()),
        other => panic!("the last piece is {other:?}"),
    }
}

pub async fn a_conversation_and_a_selection_are_read_too(subject: &dyn Generator) {
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let prompt = Prompt {
        question: question("And when is the harbour open?", Some("Boats may enter always.")),
        history: vec![turn(Role::Reader, "Is there a harbour?"), turn(Role::Book, "Yes [1].")],
        ..prompt()
    };
    check(pieces(subject, prompt).await);
}

pub async fn a_follow_up_is_condensed_to_a_question_or_not_at_all(subject: &dyn Generator) {
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let follow_up = FollowUp {
        mark: MessageId(Uuid::from_u128(7)),
        question: question("And when is it open?", None),
        history: vec![turn(Role::Reader, "Is there a harbour?"), turn(Role::Book, "Yes [1].")],
    };
    if let Some(condensed) = subject.condense(&follow_up).await.expect("a condensed question") {
        assert!(!condensed.trim().is_empty(), "nothing is no question");
    }
}

pub async fn a_generation_may_be_dropped_at_any_piece(subject: &dyn Generator) {
    let count = pieces(subject, prompt()).await.len();
    for taken in 0..count {
        let generation = subject.generate(prompt()).await.expect("a generation");
        assert_eq!(generation.take(taken).count().await, taken);
    }
    check(pieces(subject, prompt()).await);
}

pub async fn generations_may_run_side_by_side(subject: &dyn Generator) {
    let side_by_side = (0..8).map(|_| pieces(subject, prompt()));
    for pieces in futures_util::future::join_all(side_by_side).await {
        check(pieces);
    }
}

pub async fn a_ready_generator_is_ready(subject: &dyn Generator) {
    subject.ready().await.expect("readiness");
}

async fn reports<G>(fault: Fault, fixture: impl AsyncFnOnce(Fault) -> (Arc<dyn Generator>, G)) {
    let (subject, _guard) = fixture(fault).await;
    is_reported(fault, &subject.ready().await.expect_err("the fault"));
    let error = match subject.generate(prompt()).await {
        Err(error) => error,
        Ok(mut generation) => loop {
            match generation.next().await.expect("an error before the end") {
                Err(error) => {
                    assert!(generation.next().await.is_none(), "something follows the error");
                    break error;
                }
                Ok(Generated::Text(_)) => {}
                Ok(end @ Generated::End { .. }) => panic!("{fault:?} ended well: {end:?}"),
            }
        },
    };
    is_reported(fault, &error);
}

fault_clauses!(Generator);
