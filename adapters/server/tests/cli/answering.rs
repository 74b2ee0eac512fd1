use serde_json::Value;

use crate::place::Place;

#[test]
fn a_question_is_answered_from_the_book_in_the_working_directory() {
    let answer = Place::with_book().run(&["ask", "What does a sandbox cost?"]).ended(0).out;
    assert!(answer.contains("seven euros") && answer.contains("Sources\n[1] "), "{answer}");
    assert!(answer.contains("/docs/intro"), "{answer}");
}

#[test]
fn what_the_book_does_not_say_is_not_made_up() {
    let answer = Place::with_book().run(&["ask", "Who painted the ceiling?"]).ended(0).out;
    assert_eq!(answer, "The book does not say.\n");
}

#[test]
fn a_question_without_a_book_fails_and_says_so() {
    let ran = Place::empty().run(&["ask", "Anything?"]).ended(1);
    assert!(ran.err.contains("no book to index") && ran.err.contains("docs"), "{}", ran.err);
}

#[test]
fn an_answer_can_be_had_as_json() {
    let out = Place::with_book().run(&["ask", "What does a sandbox cost?", "--json"]).ended(0).out;
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["outcome"], "answered");
    assert!(answer["answer"].as_str().unwrap().contains("[1]"), "{answer}");
    assert_eq!(answer["sources"][0]["title"], "Hosting");
}

#[test]
fn the_prompt_is_shown_and_no_model_is_asked() {
    let question = ["ask", "What does a sandbox cost?", "--show-prompt"];
    let more = ["--page", "/docs/intro", "--selected-text", "seven euros\u{200b}"];
    let prompt = Place::with_book().run(&[&question[..], &more].concat()).ended(0).out;
    let parts = [
        "--- system ---\n\nYou answer readers' questions",
        "--- user ---\n\n=== ",
        " passage [1] ===\n",
        "A sandbox costs seven euros.",
        " the page that the reader is on ===\n/docs/intro\n",
        " the text that the reader selected there ===\nseven euros\n",
        " the reader's question ===\nWhat does a sandbox cost?\n",
    ];
    let places: Vec<_> = parts.iter().map(|part| prompt.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in {prompt}");
}

#[test]
fn an_answer_tells_how_it_came_about_and_a_refusal_where_to_look() {
    let place = Place::with_book();
    let answer = place.run(&["ask", "What does a sandbox cost?"]).ended(0).out;
    assert!(answer.ends_with("\n(quoted from the book: no model wrote this)\n"), "{answer}");
    let refusal = place.run(&["ask", "Does the collector juggle?"]).ended(0).out;
    assert!(refusal.starts_with("The book does not say.\n"), "{refusal}");
    assert!(refusal.contains("The nearest pages\nLogs\n    /docs/guide/logs"), "{refusal}");
}

#[test]
fn passages_are_found_without_a_model() {
    let place = Place::with_book();
    let search = |more: &[&str]| {
        place.run(&[&["search", "What does a sandbox cost?"], more].concat()).ended(0).out
    };
    let text = search(&[]);
    assert!(text.contains("1. Hosting") && text.contains("/docs/intro"), "{text}");
    assert!(text.contains("seven euros") && text.contains("terms "), "{text}");
    assert!(!text.contains("verdict"), "{text}");

    let explained = search(&["--debug", "--limit", "1"]);
    assert!(explained.contains("verdict") && explained.contains("kept"), "{explained}");

    let found: Value = serde_json::from_str(&search(&["--json", "--debug"])).unwrap();
    assert_eq!(found["results"][0]["title"], "Hosting");
    assert_eq!(found["results"][0]["scores"]["fused_rank"], 1);
    assert!(found["results"][0]["scores"].get("dense").is_none(), "there are no dense vectors");
    assert_eq!(found["degraded"], serde_json::json!([]));
    assert_eq!(found["debug"]["candidates"][0]["verdict"], "kept");
    let plain: Value = serde_json::from_str(&search(&["--json"])).unwrap();
    assert!(plain.get("debug").is_none());
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let out = Place::with_book().run(&["search", "zeppelin"]).ended(0).out;
    assert!(out.contains("nothing is found"), "{out}");
}
