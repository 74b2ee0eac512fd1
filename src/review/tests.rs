use std::ops::Range;

use uuid::Uuid;

use super::*;
use crate::passage::{Hit, Passage, PassageId, Scores};
use crate::prompt::NOT_IN_BOOK;
use crate::question::{Question, QuestionLimits};
use crate::session::MessageId;

mod faults;

fn prompt(question: &str, passages: Vec<Passage>) -> Prompt {
    let hit = |passage| Hit { passage, scores: Scores::default() };
    Prompt {
        mark: MessageId(Uuid::nil()),
        question: Question::new(question, None, None, QuestionLimits::default()).unwrap(),
        standalone: None,
        passages: passages.into_iter().map(hit).collect(),
        history: Vec::new(),
    }
}

/// Three passages about a server.
fn server() -> Prompt {
    let passage = |text: &str| Passage {
        id: PassageId(text.to_owned()),
        title: "Server".to_owned(),
        headings: Vec::new(),
        url: None,
        text: text.to_owned(),
        edition: None,
    };
    let texts = [
        "The server listens on port 8080. Set `SERVER_PORT` to change the port.",
        "A session expires after 3,600 seconds. Call `endSession()` to close the session early.",
        "Logs go to the standard error output of the process. The log level is `info`.",
    ];
    prompt("How do I run the server?", texts.map(passage).to_vec())
}

/// What a review gave.
#[derive(Debug)]
struct Outcome {
    text: String,
    /// Each citation as its number, the claim, and how much text was shown before it.
    citations: Vec<(usize, Range<usize>, usize)>,
    checked: Option<Checked>,
}

fn review(prompt: &Prompt, pieces: &[&str]) -> Outcome {
    let mut review = Review::new(prompt, &Readings::new());
    let mut reviewed: Vec<Reviewed> = Vec::new();
    for piece in pieces {
        reviewed.extend(review.add(piece));
    }
    let (rest, checked) = review.finish();
    let mut outcome = Outcome { text: String::new(), citations: Vec::new(), checked };
    for step in reviewed.into_iter().chain(rest) {
        match step {
            Reviewed::Text(text) => {
                assert!(!text.is_empty());
                outcome.text.push_str(&text);
            }
            Reviewed::Citation(Citation { number, supports, .. }) => {
                outcome.citations.push((number, supports, outcome.text.len()));
            }
        }
    }
    outcome
}

/// The text of an answer about the server when it was checked.
fn checked(answer: &str) -> String {
    review(&server(), &[answer]).checked.map(|checked| checked.text).unwrap_or_default()
}

/// What has been shown after each piece.
fn shown(pieces: &[&str]) -> Vec<String> {
    let mut review = Review::new(&server(), &Readings::new());
    let mut shown = String::new();
    let show = |piece: &&str| {
        for step in review.add(piece) {
            if let Reviewed::Text(text) = step {
                shown.push_str(&text);
            }
        }
        shown.clone()
    };
    pieces.iter().map(show).collect()
}

#[test]
fn nothing_is_shown_until_a_claim_has_proved_to_be_supported() {
    let shown = shown(&["It listens on port 8080. ", "That is the port [1]", ". Then some more "]);
    assert_eq!(shown[..2], ["", ""]);
    assert_eq!(shown[2], "It listens on port 8080. That is the port [1]. Then some more");
}

#[test]
fn from_a_citation_on_text_is_held_until_its_sentence_is_complete() {
    let pieces =
        ["Port 8080 [1].\nLogs go to", " standard error [2]", ", not here", ". Then more "];
    let shown = shown(&pieces);
    assert!(shown[0].starts_with("Port 8080 [1].\nLogs go"), "{shown:?}");
    assert_eq!(shown[1..3], ["Port 8080 [1].\nLogs go to standard error"; 2]);
    assert_eq!(shown[3], "Port 8080 [1].\nLogs go to standard error, not here. Then more");
}

#[test]
fn a_citation_behind_the_full_stop_belongs_to_the_sentence_before_it() {
    let answer = "The port is 8080. [1] A session expires after 3,600 seconds. [2] Logs are kept.";
    let outcome = review(&server(), &[answer]);
    let claims: Vec<(usize, &str)> =
        outcome.citations.iter().map(|(number, at, _)| (*number, &answer[at.clone()])).collect();
    assert_eq!(claims, [(1, "The port is 8080."), (2, "A session expires after 3,600 seconds.")]);
}

#[test]
fn a_citation_comes_after_the_text_that_makes_its_claim() {
    let answer = "- The port is 8080 [1], and a session expires after 3,600 seconds [2]\n- Fine";
    let characters: Vec<String> = answer.chars().map(String::from).collect();
    let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
    let outcome = review(&server(), &characters);
    let claims = outcome.citations.iter().map(|(_, at, _)| &answer[at.clone()]);
    let claims: Vec<&str> = claims.collect();
    assert_eq!(claims, ["The port is 8080", "and a session expires after 3,600 seconds"]);
    assert!(outcome.citations.iter().all(|(_, at, shown)| at.end <= *shown));
}

#[test]
fn an_answer_that_nothing_supports_is_a_refusal_and_never_shown() {
    for answer in [
        "",
        "The port is 8080.",
        "The port is 8080 [4].",
        "Cats sleep on warm sofas [1].",
        "The port is 8080 [2].",
        "Use `list[1]`.",
        NOT_IN_BOOK,
    ] {
        let outcome = review(&server(), &[answer]);
        assert_eq!((outcome.text.as_str(), outcome.checked), ("", None), "{answer}");
    }
    let pieces = [" [[not ", "in the book]", "]", "\n"];
    assert_eq!(review(&server(), &pieces).checked, None);
}

#[test]
fn the_refusal_inside_an_answer_is_dropped() {
    assert_eq!(checked("Port 8080 [1].\n\n[[not in the book]]"), "Port 8080 [1].\n\n");
}

#[test]
fn citations_of_nothing_are_dropped_with_the_space_before_them() {
    for (answer, text) in [
        ("Port 8080 [1][7]. The log level is info [0].", "Port 8080 [1]. The log level is info."),
        ("Port 8080 [1, 9].", "Port 8080 [1]."),
        ("Port 8080 [9][1].", "Port 8080 [1]."),
        ("Port 8080 [9] and `SERVER_PORT` [1].", "Port 8080 and `SERVER_PORT` [1]."),
        ("[9] Port 8080 [1].", "Port 8080 [1]."),
        ("[9]\nPort 8080 [1].", "\nPort 8080 [1]."),
        ("Port 8080 [1].\n\n[9]\n\nThe end. [8]", "Port 8080 [1].\n\n\n\nThe end."),
    ] {
        assert_eq!(checked(answer), text, "{answer}");
    }
}

#[test]
fn claims_stand_where_they_were_after_citations_are_dropped() {
    let answer =
        "[9]   Port 8080 [1], [7] which is set by `SERVER_PORT` [9, 1]. Sessions expire [2].";
    let checked = review(&server(), &[answer]).checked.unwrap();
    let claims = checked.sources.iter().flat_map(|source| &source.supports);
    let claims: Vec<&str> = claims.map(|at| &checked.text[at.clone()]).collect();
    assert_eq!(claims, ["Port 8080", "which is set by `SERVER_PORT`", "Sessions expire"]);
}

#[test]
fn a_citation_of_another_passage_than_the_one_that_says_it_is_dropped() {
    assert_eq!(
        checked("The port is 8080 [1]. A session expires after 3,600 seconds [3]."),
        "The port is 8080 [1]. A session expires after 3,600 seconds."
    );
    assert_eq!(
        checked("| Port | 8080 [1] |\n| Session | expires after 3,600 seconds [1] |"),
        "| Port | 8080 [1] |\n| Session | expires after 3,600 seconds |"
    );
}

#[test]
fn what_says_little_by_itself_is_judged_with_what_it_stands_in() {
    for answer in [
        "The port of the server can be changed with `SERVER_PORT`.\n\n[1]",
        "It expires after 3,600 seconds and so does the session. That is all [2].",
        "There are two ways [2]:\n\n- wait until the session expires [2]",
    ] {
        assert_eq!(checked(answer), answer);
    }
}

#[test]
fn the_question_bears_nothing_out_of_which_the_cited_passage_says_nothing() {
    let passage = |text: &str| Passage {
        id: PassageId(text.to_owned()),
        title: "Valves".to_owned(),
        headings: Vec::new(),
        url: None,
        text: text.to_owned(),
        edition: None,
    };
    let texts =
        ["A password is secret.", "Valve V110 opens at forty degrees.", "The door is shut."];
    let prompt = prompt("At how many degrees does valve V110 open?", texts.map(passage).to_vec());
    let checked = |answer| review(&prompt, &[answer]).checked.map(|checked| checked.text);
    assert_eq!(checked("The password is hunter2-9911 [2]."), None);
    assert_eq!(checked("At forty [2]."), Some("At forty [2].".to_owned()));
}

#[test]
fn in_another_language_only_numbers_and_identifiers_can_contradict() {
    let answer = "Der Dienst lauscht dort auf Anfragen von Lesern [1]. \
        Eine Sitzung endet nach 3.600 Sekunden [2]. Protokolle gehen nach draußen [3].";
    assert_eq!(checked(answer), answer);
    assert_eq!(
        checked(&answer.replace("Sekunden [2]", "Sekunden [3]")),
        answer.replace("Sekunden [2]", "Sekunden")
    );
}

#[test]
fn sources_come_once_in_the_order_of_first_citation_with_all_their_claims() {
    let answer = "Logs go to standard error [3]. The port is 8080 [1]. The log level is info [3].";
    let checked = review(&server(), &[answer]).checked.unwrap();
    let sources = checked.sources.iter().map(|source| {
        let claims = source.supports.iter().map(|at| &answer[at.clone()]);
        (source.number, claims.collect(), source.quote.as_str())
    });
    let sources: Vec<(usize, Vec<&str>, &str)> = sources.collect();
    assert_eq!(
        sources,
        [
            (
                3,
                vec!["Logs go to standard error", "The log level is info"],
                "The log level is `info`."
            ),
            (1, vec!["The port is 8080"], "The server listens on port 8080."),
        ]
    );
}

#[test]
fn numbers_and_identifiers_that_no_passage_has_are_reported_once_and_where() {
    let answer = "Set `SERVER_PORT` to 9090 or `HTTP_PORT` to 9090 [1]:\n\n\
        1. call endSessions()\n2. wait 3600 seconds [4][2]";
    let checked = review(&server(), &[answer]).checked.unwrap();
    let found: Vec<(&str, &str)> = checked
        .unsupported
        .iter()
        .map(|Unsupported { text, at }| (text.as_str(), &checked.text[at.clone()]))
        .collect();
    assert_eq!(found, [("9090", "9090"), ("HTTP_PORT", "HTTP_PORT")]);
}

#[test]
fn white_space_stays() {
    let answer = " \nPort\r\n\r\n 8080\u{2028}\0 [1]  \n\n\n  x \n ";
    assert_eq!(checked(answer), answer);
}

#[test]
fn a_sentence_without_end_is_not_held_for_ever() {
    let mut review = Review::new(&server(), &Readings::new());
    let mut text: String = "Port 8080 [1] ".to_owned();
    let mut held = 0;
    for piece in std::iter::once("Port 8080 [1] ").chain(std::iter::repeat_n("and a", 2_000)) {
        held += piece.len();
        text.push_str(piece);
        for step in review.add(piece) {
            if let Reviewed::Text(text) = step {
                held -= text.len();
            }
        }
        assert!(held < 10_000, "{held} bytes are held");
    }
}

#[test]
fn a_sentence_goes_on_behind_the_end_of_a_line() {
    for answer in [
        "The server listens on\nport 8080 [1].",
        "The server listens on\r\nport 8080.\n[1]",
        "To change the port, set\n`SERVER_PORT`. [1]",
        "The server listens on port 8080\n[1]",
    ] {
        let checked = review(&server(), &[answer]).checked.unwrap_or_else(|| panic!("{answer}"));
        let claim = &checked.sources[0].supports[0];
        assert_eq!(checked.text, answer);
        assert!(checked.text[claim.clone()].starts_with('T'), "{answer}: {claim:?}");
    }
    let list = "- Port 8080 [1]\n- bakes bread [1]";
    assert_eq!(checked(list), "- Port 8080 [1]\n- bakes bread");
}

#[test]
fn citations_of_nothing_are_no_answer() {
    for answer in ["[1]", "[1][2][3]", "... [1]", "\n\n[1]\n", "**[1]**"] {
        assert_eq!(checked(answer), "", "{answer}");
    }
}
