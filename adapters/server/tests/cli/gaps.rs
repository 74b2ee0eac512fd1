//! What readers asked in vain, from the server to its owner.

use serde_json::Value;

use crate::place::{Place, Serving};

/// Asks, and gives the name of the reply.
fn ask(serving: &Serving, question: &str) -> String {
    let body =
        serde_json::json!({ "message": question, "page": "https://book.example/docs/intro" });
    let response = serving.request("POST /chat", &body.to_string());
    let reply = response.split_once("\r\n\r\n").unwrap().1;
    let reply: Value = serde_json::from_str(reply).unwrap_or_else(|_| panic!("{response}"));
    reply["message_id"].as_str().unwrap().to_owned()
}

fn rate(serving: &Serving, message: &str, rating: &str, comment: &str) {
    let body = serde_json::json!({ "message_id": message, "rating": rating, "comment": comment });
    let response = serving.request("POST /feedback", &body.to_string());
    assert!(response.starts_with("HTTP/1.1 204"), "{response}");
}

#[test]
fn what_readers_asked_in_vain_is_listed_while_the_server_runs_and_after() {
    let place = Place::with_book();
    let serving = Serving::start(&place, &[]);
    for question in ["Who painted the ceiling?", "who painted the  ceiling", "Zeppelin?"] {
        ask(&serving, question);
    }
    let liked = ask(&serving, "What does a sandbox cost?");
    rate(&serving, &liked, "good", "");
    let disliked = ask(&serving, "Where does the collector write to?");
    rate(&serving, &disliked, "bad", "which \u{1b}[31mfile?");
    // The last of these lines is written when the one before it can be read.
    let listed = loop {
        let listed = place.run(&["gaps"]).ended(0).out;
        if listed.contains("rated bad") {
            break listed;
        }
    };
    assert_eq!(serving.terminate("-TERM").0, Some(0));
    assert_eq!(place.run(&["gaps"]).ended(0).out, listed);

    assert!(listed.starts_with("Who painted the ceiling?\n    2 times, last on 20"), "{listed}");
    assert!(listed.contains("on: /docs/intro\n"), "{listed}");
    assert!(!listed.contains("sandbox"), "{listed}");
    assert!(listed.contains("once, answered and rated bad, last on 20"), "{listed}");
    assert!(listed.contains("readers say: which [31mfile?\n"), "{listed}");
    assert!(listed.ends_with("questions in vain: 4, about different things: 3\n"), "{listed}");

    let one = place.run(&["gaps", "--limit", "1"]).ended(0).out;
    assert!(!one.contains("Zeppelin") && one.contains("--limit 3 shows them all"), "{one}");
    let json = place.run(&["gaps", "--json", "--since", "1"]).ended(0).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["questions"], &json["all_gaps"]), (&4.into(), &3.into()));
    assert_eq!(json["gaps"][0]["question"], "Who painted the ceiling?");
    assert_eq!(json["gaps"][0]["count"], 2);
    assert_eq!(json["gaps"][0]["pages"][0], "/docs/intro");
}

#[test]
fn a_server_that_was_killed_has_lost_nothing_that_was_listed() {
    let place = Place::with_book();
    let serving = Serving::start(&place, &[]);
    ask(&serving, "Who painted the ceiling?");
    while !place.run(&["gaps"]).ended(0).out.contains("ceiling") {}
    assert_ne!(serving.terminate("-KILL").0, Some(0));
    let serving = Serving::start(&place, &[]);
    ask(&serving, "Zeppelin?");
    assert_eq!(serving.terminate("-TERM").0, Some(0));
    let listed = place.run(&["gaps"]).ended(0).out;
    assert!(listed.contains("ceiling") && listed.contains("Zeppelin"), "{listed}");
}

#[test]
fn without_a_miss_it_says_what_to_do() {
    let place = Place::with_book();
    // The owner's own questions are not those of readers.
    place.run(&["ask", "Who painted the ceiling?"]).ended(0);
    let nothing = place.run(&["gaps"]).ended(0).out;
    assert!(nothing.contains("no gaps") && nothing.contains("POST /feedback"), "{nothing}");
    let off = place.run(&["gaps", "--set", "ASKBOOK_JOURNAL=off"]).ended(0).out;
    assert!(off.contains("ASKBOOK_JOURNAL is off"), "{off}");
}

#[test]
fn what_is_older_than_asked_for_is_left_out() {
    let place = Place::with_book();
    let line = r#"{"at":"2020-01-01T00:00:00Z","message":"00000000-0000-0000-0000-000000000001","kind":"not_in_book","question":"old?"}"#;
    place.write(".askbook/journal/journal.jsonl", &format!("{line}\n"));
    assert!(place.run(&["gaps"]).ended(0).out.contains("last on 2020-01-01"));
    let recent = place.run(&["gaps", "--since", "30"]).ended(0).out;
    assert!(recent.contains("there are 1 older questions"), "{recent}");
}

#[test]
fn switched_off_nothing_is_kept() {
    let place = Place::with_book();
    let serving = Serving::start(&place, &["--set", "ASKBOOK_JOURNAL=off"]);
    let reply = ask(&serving, "Who painted the ceiling?");
    rate(&serving, &reply, "bad", "a pity");
    assert_eq!(serving.terminate("-TERM").0, Some(0));
    assert!(!place.path().join(".askbook/journal").exists());
}
