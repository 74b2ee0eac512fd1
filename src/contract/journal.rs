use uuid::Uuid;

use crate::answer::Outcome;
use crate::feedback::{Asked, Feedback, Miss, Rating};
use crate::ports::Journal;
use crate::session::MessageId;

/// The contract of a [`Journal`]: `journal_contract!(fixture)` with
/// `async fn fixture() -> (Arc<dyn Journal>, impl Sized)`, each time an empty one.
#[macro_export]
macro_rules! journal_contract {
    ($fixture:path) => {
        $crate::__clauses!(journal, (fixture $fixture):
            an_empty_journal_has_no_misses,
            what_the_book_did_not_say_is_a_miss,
            what_was_answered_is_none,
            an_answer_that_is_rated_bad_is_a_miss,
            the_last_rating_of_a_reply_counts,
            what_the_book_did_not_say_is_a_miss_however_it_is_rated,
            a_rating_of_an_unknown_reply_is_about_what_the_client_says_was_asked,
            what_is_remembered_counts_more_than_what_the_client_says,
            a_rating_of_an_unknown_question_is_no_miss,
            misses_come_oldest_first,
            what_nobody_sees_and_who_asks_is_not_kept,
            what_is_kept_is_bounded,
        );
    };
}

fn asked(number: u128, outcome: Outcome) -> Asked {
    Asked {
        message: MessageId(Uuid::from_u128(number)),
        question: format!("question {number}\nand more"),
        page: Some(format!("/page/{number}")),
        outcome,
    }
}

fn rating(number: u128, rating: Rating) -> Feedback {
    let message = MessageId(Uuid::from_u128(number));
    Feedback { message, rating, reason: None, comment: None, question: None }
}

async fn ask(subject: &dyn Journal, number: u128, outcome: Outcome) {
    subject.asked(asked(number, outcome)).await.expect("it is taken");
}

async fn rate(subject: &dyn Journal, feedback: Feedback) {
    subject.rated(feedback).await.expect("it is taken");
}

async fn misses(subject: &dyn Journal) -> Vec<Miss> {
    subject.misses().await.expect("the misses")
}

async fn questions(subject: &dyn Journal) -> Vec<String> {
    misses(subject).await.into_iter().map(|miss| miss.question).collect()
}

async fn only_miss(subject: &dyn Journal) -> Miss {
    let mut misses = misses(subject).await;
    assert_eq!(misses.len(), 1, "{misses:?}");
    misses.remove(0)
}

pub async fn an_empty_journal_has_no_misses(subject: &dyn Journal) {
    assert_eq!(misses(subject).await, []);
}

pub async fn what_the_book_did_not_say_is_a_miss(subject: &dyn Journal) {
    ask(subject, 1, Outcome::NotInBook).await;
    let miss = only_miss(subject).await;
    assert_eq!(miss.question, "question 1\nand more");
    assert_eq!(miss.page.as_deref(), Some("/page/1"));
    assert!(!miss.rated_bad && miss.reason.is_none() && miss.comment.is_none(), "{miss:?}");
    assert!(miss.at > 0, "it does not say when");
}

pub async fn what_was_answered_is_none(subject: &dyn Journal) {
    ask(subject, 1, Outcome::Answered).await;
    ask(subject, 2, Outcome::Answered).await;
    rate(subject, rating(2, Rating::Good)).await;
    assert_eq!(misses(subject).await, []);
}

pub async fn an_answer_that_is_rated_bad_is_a_miss(subject: &dyn Journal) {
    ask(subject, 1, Outcome::Answered).await;
    let (reason, comment) = (Some("outdated".to_owned()), Some("since version 2".to_owned()));
    rate(subject, Feedback { reason, comment, ..rating(1, Rating::Bad) }).await;
    let miss = only_miss(subject).await;
    assert_eq!(miss.question, "question 1\nand more");
    assert_eq!(miss.page.as_deref(), Some("/page/1"));
    assert_eq!(miss.reason.as_deref(), Some("outdated"));
    assert_eq!(miss.comment.as_deref(), Some("since version 2"));
    assert!(miss.rated_bad);
}

pub async fn the_last_rating_of_a_reply_counts(subject: &dyn Journal) {
    for number in [1, 2] {
        ask(subject, number, Outcome::Answered).await;
        rate(subject, rating(number, Rating::Bad)).await;
    }
    rate(subject, rating(1, Rating::Good)).await;
    let comment = Some("see there".to_owned());
    rate(subject, Feedback { comment, ..rating(2, Rating::Bad) }).await;
    let miss = only_miss(subject).await;
    assert_eq!(miss.question, "question 2\nand more");
    assert_eq!(miss.comment.as_deref(), Some("see there"));
    rate(subject, rating(1, Rating::Bad)).await;
    assert_eq!(misses(subject).await.len(), 2);
}

pub async fn what_the_book_did_not_say_is_a_miss_however_it_is_rated(subject: &dyn Journal) {
    for (number, vote) in [(1, Rating::Good), (2, Rating::Bad)] {
        ask(subject, number, Outcome::NotInBook).await;
        let comment = Some(format!("comment {number}"));
        rate(subject, Feedback { comment, ..rating(number, vote) }).await;
    }
    let misses = misses(subject).await;
    assert_eq!(misses.len(), 2, "{misses:?}");
    for (miss, comment) in misses.iter().zip(["comment 1", "comment 2"]) {
        assert_eq!(miss.comment.as_deref(), Some(comment));
        assert!(!miss.rated_bad, "there was no answer to rate");
    }
}

pub async fn a_rating_of_an_unknown_reply_is_about_what_the_client_says_was_asked(
    subject: &dyn Journal,
) {
    let question = || Some("as the client says".to_owned());
    rate(subject, Feedback { question: question(), ..rating(7, Rating::Bad) }).await;
    rate(subject, Feedback { question: question(), ..rating(8, Rating::Good) }).await;
    let miss = only_miss(subject).await;
    assert_eq!(miss.question, "as the client says");
    assert!(miss.rated_bad && miss.page.is_none(), "{miss:?}");
    rate(subject, rating(7, Rating::Good)).await;
    assert_eq!(misses(subject).await, []);
}

pub async fn what_is_remembered_counts_more_than_what_the_client_says(subject: &dyn Journal) {
    ask(subject, 1, Outcome::Answered).await;
    ask(subject, 2, Outcome::NotInBook).await;
    for number in [1, 2] {
        let question = Some("as the client says".to_owned());
        rate(subject, Feedback { question, ..rating(number, Rating::Bad) }).await;
    }
    let questions = questions(subject).await;
    assert_eq!(questions.len(), 2);
    assert!(!questions.contains(&"as the client says".to_owned()), "{questions:?}");
}

pub async fn a_rating_of_an_unknown_question_is_no_miss(subject: &dyn Journal) {
    rate(subject, rating(7, Rating::Bad)).await;
    assert_eq!(misses(subject).await, []);
}

pub async fn misses_come_oldest_first(subject: &dyn Journal) {
    for number in 1..=20 {
        ask(subject, number, Outcome::NotInBook).await;
    }
    rate(subject, rating(3, Rating::Bad)).await;
    let misses = misses(subject).await;
    assert!(misses.is_sorted_by_key(|miss| miss.at), "{misses:?}");
    let expected: Vec<String> = (1..=20).map(|n| asked(n, Outcome::NotInBook).question).collect();
    let questions: Vec<String> = misses.into_iter().map(|miss| miss.question).collect();
    assert_eq!(questions, expected);
}

pub async fn what_nobody_sees_and_who_asks_is_not_kept(subject: &dyn Journal) {
    let asked = Asked {
        question: "  a\u{200B}b\0\r\nc\u{E0041}  ".to_owned(),
        page: Some("https://anna@book.example/docs/a?user=anna".to_owned()),
        ..asked(1, Outcome::Answered)
    };
    subject.asked(asked).await.expect("it is taken");
    let (reason, comment) = (Some("x\u{202E}".to_owned()), Some("\u{7}\u{2060}".to_owned()));
    rate(subject, Feedback { reason, comment, ..rating(1, Rating::Bad) }).await;
    let miss = only_miss(subject).await;
    assert_eq!(miss.question, "ab\nc");
    assert_eq!(miss.page.as_deref(), Some("/docs/a"));
    assert_eq!((miss.reason.as_deref(), miss.comment), (Some("x"), None));
}

pub async fn what_is_kept_is_bounded(subject: &dyn Journal) {
    let long = "ü".repeat(1 << 20);
    let question = long.clone();
    let asked = Asked { question, page: Some(long.clone()), ..asked(1, Outcome::NotInBook) };
    subject.asked(asked).await.expect("it is taken");
    let text = || Some(long.clone());
    let feedback =
        Feedback { reason: text(), comment: text(), question: text(), ..rating(1, Rating::Bad) };
    rate(subject, feedback).await;
    let Miss { question, page, reason, comment, .. } = only_miss(subject).await;
    let texts = [Some(question), page, reason, comment];
    let bytes: usize = texts.iter().flatten().map(String::len).sum();
    assert!(bytes < 16 << 10, "{bytes} bytes are kept");
    assert!(texts.iter().all(Option::is_some), "something is lost altogether");
}
