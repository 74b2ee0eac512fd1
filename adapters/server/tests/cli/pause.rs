//! The switch for all calls that cost money.

use std::fs;

use crate::place::Place;

#[test]
fn a_pause_is_made_and_ended_and_each_says_what_it_did() {
    let place = Place::empty();
    let paused = || place.path().join("kept/paused");
    let run =
        |arguments: &[&str]| place.run(&[arguments, &["--data-dir", "kept"]].concat()).ended(0).out;
    assert!(run(&["resume"]).starts_with("nothing was paused: "));
    let told = run(&["pause", "--reason", "the bill is high"]);
    assert!(told.contains("`askbook resume`") && told.contains("paused"), "{told}");
    assert_eq!(fs::read_to_string(paused()).unwrap(), "the bill is high\n");
    run(&["pause"]);
    assert_eq!(fs::read_to_string(paused()).unwrap(), "\n");
    assert!(run(&["resume"]).starts_with("resumed: "));
    assert!(!paused().exists());
}

#[test]
fn a_pause_needs_no_key_and_says_what_to_do_when_it_cannot_be_made() {
    let place = Place::empty();
    place.write("file", "");
    let failed = place.run(&["pause", "--data-dir", "file", "--set", "ASKBOOK_EMBEDDER=gemini"]);
    let failed = failed.ended(1);
    assert!(failed.err.contains("ASKBOOK_DATA_DIR"), "{}", failed.err);
}
