use super::*;

fn miss(at: u64, question: &str) -> Miss {
    let question = question.to_owned();
    Miss { at, question, page: None, rated_bad: false, reason: None, comment: None }
}

fn asked(questions: &[&str]) -> Vec<Miss> {
    (1..).zip(questions).map(|(at, question)| miss(at, question)).collect()
}

/// The wordings of each gap.
fn grouped(questions: &[&str]) -> Vec<Vec<String>> {
    gaps(&asked(questions)).into_iter().map(|gap| gap.questions).collect()
}

#[test]
fn nothing_missed_leaves_no_gap() {
    assert_eq!(gaps(&[]), []);
}

#[test]
fn wordings_of_one_question_are_one_gap_named_by_the_most_frequent_one() {
    let found = grouped(&[
        "Is there a Docker image for ARM?",
        "docker image?",
        "Which licence has it?",
        "Docker  Image?",
        "where do I find the docker image",
    ]);
    let docker =
        ["Docker  Image?", "Is there a Docker image for ARM?", "where do I find the docker image"];
    assert_eq!(found, [&docker[..], &["Which licence has it?"]]);
}

#[test]
fn questions_that_share_a_subject_alone_are_two_gaps() {
    let found = grouped(&["How do I pay by invoice?", "How do I pay by card?"]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_group_does_not_drift_from_its_first_wording() {
    let found = grouped(&["red green", "red green", "red green blue", "green blue", "blue black"]);
    assert_eq!(found[0], ["red green", "red green blue"]);
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn questions_without_terms_are_alike_when_they_are_the_same() {
    assert_eq!(grouped(&["what is this?", "What is  this?", "???", "how do I?"]).len(), 3);
}

#[test]
fn a_gap_tells_how_often_where_when_and_what_was_said() {
    let rated = |at, comment: &str| Miss {
        rated_bad: true,
        page: Some("/b".to_owned()),
        reason: Some("wrong".to_owned()),
        comment: Some(comment.to_owned()),
        ..miss(at, "how to deploy")
    };
    let on_a = Miss { page: Some("/a".to_owned()), ..miss(9, "deploy?") };
    let found = gaps(&[rated(5, "older"), on_a, rated(7, "newer"), miss(1, "price?")]);
    let expected = Gap {
        questions: vec!["how to deploy".to_owned(), "deploy?".to_owned()],
        count: 3,
        rated_bad: 2,
        pages: vec!["/b".to_owned(), "/a".to_owned()],
        reasons: vec!["wrong".to_owned()],
        comments: vec!["newer".to_owned(), "older".to_owned()],
        last: 9,
    };
    assert_eq!(found[0], expected);
    assert_eq!((found[1].count, found[1].last), (1, 1));
}

#[test]
fn gaps_come_by_frequency_and_then_by_age() {
    let found = grouped(&["old", "twice", "new", "twice"]);
    assert_eq!(found, [["twice"], ["new"], ["old"]]);
}

#[test]
fn the_order_of_misses_of_the_same_age_does_not_matter() {
    let mut misses =
        asked(&["docker image", "image docker arm", "price", "the price of it", "arm image"]);
    for miss in &mut misses {
        miss.at = 1;
    }
    let expected = gaps(&misses);
    misses.reverse();
    assert_eq!(gaps(&misses), expected);
}

#[test]
fn each_miss_is_in_one_gap_however_many_there_are() {
    // A term that all share, one that many share and one of their own.
    let questions: Vec<String> =
        (0..20_000).map(|n| format!("askbook setting{} word{n} other{n}", n % 40)).collect();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let found = gaps(&asked(&questions));
    assert_eq!(found.iter().map(|gap| gap.count).sum::<usize>(), questions.len());
    assert!(found.len() > 1);
}
