use std::fs;
use std::path::Path;

use crate::place::{Place, Ran};

#[test]
fn help_shows_the_commands_the_settings_and_examples() {
    let help = Place::empty().run(&["--help"]).ended(0).out;
    for part in ["serve", "index", "ask", "config", "openapi", "--set", "Settings:", "Examples:"] {
        assert!(help.contains(part), "{part} is missing in {help}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [&["bake"][..], &["ask"], &["--set", "PORT"], &["ask", " \u{200b} "]] {
        let ran = Place::empty().run(arguments).ended(2);
        assert!(ran.err.contains("error: ") && ran.out.is_empty(), "{}", ran.err);
    }
}

#[test]
fn wrong_settings_end_with_2_and_are_told_at_once_without_their_values() {
    let place = Place::empty();
    place.write(".env", "ASKBOOK_PASAGES=v4lue-1\n");
    place.write("askbook.toml", "embedding_dimensions = 77777\n");
    let ran: Ran = place
        .askbook(&["--set", "ASKBOOK_EMBEDDER=v4lue-2"])
        .envs([("PORT", "v4lue-3"), ("GEMINI_API_KEY", "v4lue-4"), ("GOOGLE_API_KEY", "v4lue-5")])
        .output()
        .unwrap()
        .into();
    let err = ran.ended(2).err;
    for name in [
        "error: the settings have 5 problems",
        "ASKBOOK_PASAGES (.env) is not a setting; did you mean ASKBOOK_PASSAGES?",
        "embedding_dimensions (askbook.toml)",
        "ASKBOOK_EMBEDDER (flag)",
        "PORT (environment)",
        "GEMINI_API_KEY (environment) and GOOGLE_API_KEY (environment)",
    ] {
        assert!(err.contains(name), "{name} is missing in {err}");
    }
    assert!(!err.contains("v4lue") && !err.contains("77777"), "{err}");
    assert_eq!(err.matches("error: ").count(), 1, "{err}");
}

#[test]
fn config_shows_every_setting_and_no_secret() {
    let place = Place::empty();
    let ran = place.askbook(&["config", "--port", "9000"]).env("GEMINI_API_KEY", "s3cret").output();
    let ran = Ran::from(ran.unwrap()).ended(0);
    assert!(ran.out.contains("PORT=9000 ") && ran.out.contains("GEMINI_API_KEY=[redacted] "));
    assert!(!ran.out.contains("s3cret") && !ran.err.contains("s3cret"));
}

#[test]
fn the_example_of_the_repository_is_the_one_that_is_printed() {
    let printed = Place::empty().run(&["config", "--example"]).ended(0).out;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.env.example");
    let committed = fs::read_to_string(path).unwrap_or_default();
    let how = "run `cargo run -- config --example > .env.example` in the root of the repository";
    assert!(printed == committed, ".env.example is not up to date: {how}");
}

#[test]
fn the_example_can_be_taken_as_it_is_and_with_every_default_filled_in() {
    let place = Place::empty();
    let example = place.run(&["config", "--example"]).out;
    place.write(".env", &example);
    let untouched = place.run(&["config"]).ended(0).out;
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b"_0123456789".contains(&b));
    let filled: String = example
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.split_once('=').is_some_and(|(name, _)| is_name(name)))
        .map(|line| format!("{line}\n"))
        .collect();
    place.write(".env", &filled);
    let values = |listing: &str| -> Vec<String> {
        listing.lines().map(|line| line.split(" # ").next().unwrap().trim().to_owned()).collect()
    };
    let filled = place.run(&["config"]).ended(0).out;
    assert_eq!(values(&filled), values(&untouched));
    assert!(filled.contains("# .env"), "{filled}");
}

#[test]
fn the_document_is_printed_without_any_settings() {
    let place = Place::empty();
    place.write("askbook.toml", "nonsense");
    let document = place.run(&["openapi"]).ended(0).out;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert!(document["paths"]["/chat"]["post"].is_object());
}
