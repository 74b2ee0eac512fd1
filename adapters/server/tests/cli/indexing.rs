use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::place::{Place, Ran};

impl Place {
    fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.askbook(arguments);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Every file in it, in the order of their names.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        files
    }
}

#[test]
fn an_indexed_book_is_the_book_from_then_on() {
    let place = Place::with_book();
    place.write("other/whales.md", "# Whales\n\nA blue whale weighs 150 tonnes.\n");
    place.write("other/broken.md", "---\ntitle: [\n---\n\nLost.\n");
    let arguments = ["index", "other", "--site-url", "https://sea.example"];
    let ran = place.run(&[&arguments[..], &["--route-base-path", "/"]].concat()).ended(0);
    assert!(ran.out.starts_with("indexed 1 page, 1 passage of other into "), "{}", ran.out);
    assert!(ran.err.contains("broken.md:"), "{}", ran.err);

    let answer = place.run(&["ask", "How much does a blue whale weigh?"]).ended(0).out;
    assert!(answer.contains("150 tonnes"), "{answer}");
    assert!(answer.contains("https://sea.example/whales"), "{answer}");
}

#[test]
fn a_folder_that_is_no_book_leaves_the_index_as_it_was() {
    let place = Place::with_book();
    place.run(&["index", "docs"]).ended(0);
    fs::create_dir(place.path().join("empty")).unwrap();
    for (folder, word) in [("nowhere", "no folder"), ("empty", "no page")] {
        let ran = place.run(&["index", folder]).ended(1);
        assert!(ran.err.contains(word) && ran.out.is_empty(), "{}", ran.err);
    }
    let answer = place.run(&["ask", "What does a sandbox cost?"]).ended(0).out;
    assert!(answer.contains("seven euros"), "{answer}");
}

#[test]
fn a_book_that_changed_is_answered_from_once_it_is_indexed() {
    let place = Place::with_book();
    place.run(&["index"]).ended(0);
    place.write("docs/intro.md", "# Hosting\n\n## Price\n\nA sandbox costs nine euros.\n");
    for price in ["seven euros", "nine euros"] {
        let answer = place.run(&["ask", "What does a sandbox cost?"]).ended(0).out;
        assert!(answer.contains(price), "{answer}");
        place.run(&["index"]).ended(0);
    }
}

#[test]
fn an_index_outlives_its_book() {
    let place = Place::with_book();
    place.run(&["index"]).ended(0);
    fs::remove_dir_all(place.path().join("docs")).unwrap();
    let ran = place.run(&["ask", "What does a sandbox cost?"]).ended(0);
    assert!(ran.out.contains("seven euros"), "{}", ran.out);
}

#[test]
fn only_what_changed_is_indexed_again() {
    let place = Place::with_book();
    let summary = |arguments: &[&str]| -> Value {
        let out = place.run(&[&["index", "--json"], arguments].concat()).ended(0).out;
        serde_json::from_str(&out).unwrap()
    };
    let counts = |summary: &Value| {
        ["added", "changed", "removed", "unchanged", "embedded"].map(|name| summary[name].as_u64())
    };
    let first = summary(&[]);
    assert_eq!(counts(&first), [2, 0, 0, 0, 2].map(Some), "{first}");
    assert_eq!((&first["pages"], &first["passages"]), (&json!(2), &json!(2)));
    assert_eq!(counts(&summary(&[])), [0, 0, 0, 2, 0].map(Some));

    place.write("docs/intro.md", "# Hosting\n\n## Price\n\nA sandbox costs nine euros.\n");
    place.write("docs/new.md", "# Backups\n\nA backup is made at night.\n");
    fs::remove_file(place.path().join("docs/guide/logs.md")).unwrap();
    let second = summary(&[]);
    assert_eq!(counts(&second), [1, 1, 1, 0, 2].map(Some), "{second}");
}

#[test]
fn a_dry_run_says_what_would_change_and_writes_nothing() {
    let place = Place::with_book();
    let ran = place.run(&["index", "--dry-run"]).ended(0);
    assert!(ran.out.contains("2 added, 0 changed, 0 removed, 0 unchanged"), "{}", ran.out);
    assert!(ran.out.contains("2 to embed") && ran.out.contains("free"), "{}", ran.out);
    assert_eq!(place.files(), ["docs/guide/logs.md", "docs/intro.md"]);

    place.run(&["index"]).ended(0);
    place.write("docs/intro.md", "# Hosting\n\n## Price\n\nA sandbox costs nine euros.\n");
    fs::remove_file(place.path().join("docs/guide/logs.md")).unwrap();
    let ran = place.run(&["index", "--dry-run", "-v"]).ended(0);
    assert!(ran.out.contains("0 added, 1 changed, 1 removed, 0 unchanged"), "{}", ran.out);
    let sign = |sign: &str| ran.out.lines().filter(|line| line.starts_with(sign)).count();
    assert_eq!((sign("+ "), sign("~ "), sign("- ")), (0, 1, 1), "{}", ran.out);
    // The index is still the old one.
    let again = place.run(&["index", "--dry-run"]).ended(0);
    assert!(again.out.contains("0 added, 1 changed, 1 removed, 0 unchanged"), "{}", again.out);
}

#[test]
fn a_dry_run_prints_the_passages_as_lines_and_nothing_else() {
    let place = Place::with_book();
    place.write("docs/broken.md", "---\ntitle: [\n---\n\nLost.\n");
    let ran = place.run(&["index", "--dry-run", "--json"]).ended(0);
    let lines: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{}", ran.out);
    let price = lines.iter().find(|line| line["title"] == "Hosting").unwrap();
    assert!(price["url"].as_str().unwrap().starts_with("/docs/intro"), "{price}");
    assert!(price["text"].as_str().unwrap().contains("seven euros"), "{price}");
    assert!(!price["id"].as_str().unwrap().is_empty());
    assert!(ran.err.contains("broken.md:"), "{}", ran.err);

    // They can be indexed as they are.
    place.write("passages.jsonl", &ran.out);
    let ran = place.run(&["index", "--jsonl", "passages.jsonl"]).ended(0);
    assert!(ran.out.starts_with("indexed 2 passages of passages.jsonl into "), "{}", ran.out);
}

#[test]
fn a_dry_run_for_a_service_needs_no_key_and_estimates_its_price() {
    let place = Place::with_book();
    let arguments = ["index", "--dry-run", "--set", "ASKBOOK_EMBEDDER=hybrid"];
    let ran = place.run(&arguments).ended(0);
    assert!(ran.out.contains("with gemini-embedding-001"), "{}", ran.out);
    place.run(&["index", "--set", "ASKBOOK_EMBEDDER=hybrid"]).ended(2);
}

#[test]
fn ready_passages_are_the_book_and_are_not_replaced_unasked() {
    let place = Place::with_book();
    place.write(
        "sea.jsonl",
        concat!(
            "{\"id\": \"w\", \"text\": \"A blue whale weighs 150 tonnes.\", \"title\": \"Whales\", ",
            "\"url\": \"https://sea.example/whales\"}\n",
            "{\"id\": \"x\"}\n",
            "{\"id\": \"w\", \"text\": \"Twice.\"}\n",
        ),
    );
    let ran = place.run(&["index", "--jsonl", "sea.jsonl"]).ended(0);
    assert!(ran.out.starts_with("indexed 1 passage of sea.jsonl into "), "{}", ran.out);
    for line in ["sea.jsonl:2: ", "sea.jsonl:3: "] {
        assert!(ran.err.contains(line), "{}", ran.err);
    }
    let question = "How much does a blue whale weigh?";
    let ask = || place.run(&["ask", question]).ended(0).out;
    let answer = ask();
    assert!(answer.contains("150 tonnes") && answer.contains("https://sea.example"), "{answer}");

    fs::remove_file(place.path().join("sea.jsonl")).unwrap();
    assert!(ask().contains("150 tonnes"), "without its file the index stays");
}

#[test]
fn ready_passages_may_come_from_the_standard_input() {
    let place = Place::empty();
    let input = "{\"id\": \"w\", \"text\": \"A blue whale weighs 150 tonnes.\"}\n";
    let ran = place.run_with_input(&["index", "--jsonl", "-"], input).ended(0);
    assert!(ran.out.starts_with("indexed 1 passage of the standard input into "), "{}", ran.out);
    let ask = || place.run(&["ask", "How much does a blue whale weigh?"]).ended(0).out;
    assert!(ask().contains("150 tonnes"));
    fs::remove_file(place.path().join(".askbook/book.json")).unwrap();
    assert!(ask().contains("150 tonnes"), "an index that nobody knows the book of");
}

#[test]
fn a_file_without_passages_is_refused_by_its_first_problem() {
    let place = Place::with_book();
    place.write("bad.jsonl", "# Whales\n");
    for (file, word) in [("bad.jsonl", "bad.jsonl:1: "), ("none.jsonl", "cannot be opened")] {
        let ran = place.run(&["index", "--jsonl", file]).ended(1);
        assert!(ran.err.contains(word), "{}", ran.err);
    }
}

#[test]
fn an_index_of_another_language_is_left_alone_until_it_is_indexed_anew() {
    let place = Place::with_book();
    place.run(&["index"]).ended(0);
    let in_german =
        |command: &[&str]| place.run(&[command, &["--set", "ASKBOOK_LANGUAGE=german"]].concat());
    for command in [&["search", "sandbox"][..], &["ask", "sandbox"], &["serve"]] {
        let ran = in_german(command).ended(1);
        for side in ["the index has bm25/english", "the settings ask for bm25/german"] {
            assert!(ran.err.contains(side), "{}", ran.err);
        }
    }
    let ran = place.run(&["search", "sandbox"]).ended(0);
    assert!(ran.out.contains("seven euros"), "{}", ran.out);

    in_german(&["index"]).ended(0);
    let ran = in_german(&["search", "sandbox"]).ended(0);
    assert!(ran.out.contains("seven euros"), "{}", ran.out);
}
