use std::net::TcpListener;

use serde_json::{Value, json};

use crate::place::{Place, Ran};

impl Place {
    /// Writes a file of JSON, an object a line.
    fn write_lines(&self, file: &str, lines: &[Value]) {
        self.write(file, &lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

const PRICE: &str = "What does a sandbox cost?";

fn set() -> [Value; 3] {
    [
        json!({"question": PRICE, "relevant": ["https://a.example/docs/intro/#price"]}),
        json!({"question": "Who painted the ceiling?", "answerable": false}),
        json!({"question": "Where does the collector write?", "relevant": ["/docs/guide/logs"]}),
    ]
}

#[test]
fn a_set_is_measured_in_a_table() {
    let place = Place::with_book();
    place.write_lines("set.jsonl", &set());
    let table = place.run(&["eval", "set.jsonl"]).ended(0).out;
    let rows: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).collect();
    let hits = ["hit@1", "hit@3", "hit@5", "R@1", "R@3", "R@5", "MRR@1", "MRR@3", "MRR@5"];
    assert!(rows.contains(&hits.to_vec()), "{table}");
    let full: Vec<&str> = ["lexical", "all"].into_iter().chain(["1.000"; 9]).collect();
    assert!(rows.contains(&full), "{table}");
    assert!(rows.iter().any(|row| row.starts_with(&["evidence", "all", "1/1"])), "{table}");
    assert!(rows.iter().any(|row| row.starts_with(&["search"])), "{table}");
    assert!(!table.contains("dense"), "there are no dense vectors: {table}");
}

#[test]
fn a_measurement_is_printed_for_programs_with_each_question() {
    let place = Place::with_book();
    place.write_lines("set.jsonl", &set());
    let report = place.run(&["eval", "set.jsonl", "--json", "--k", "1", "--answers"]);
    let report = &report.ended(0).json()["reports"][0];
    let all = &report["slices"][0];
    assert_eq!((&all["answerable"], &all["unanswerable"]), (&json!(2), &json!(1)));
    assert_eq!(all["legs"][0]["at"], json!([{"k": 1, "recall": 1.0, "mrr": 1.0, "hit": 1.0}]));
    assert_eq!(all["answers"]["refused"], 1);
    let halves: Vec<&Value> =
        report["slices"].as_array().unwrap().iter().map(|slice| &slice["half"]).collect();
    assert_eq!(halves, [&Value::Null, &json!("a"), &json!("b")]);
    let first = &report["questions"][0];
    assert_eq!((&first["question"], &first["answered"]), (&json!(PRICE), &json!(true)));
    assert_eq!(first["legs"]["fused"]["found"], json!([1]));

    let half = place.run(&["eval", "set.jsonl", "--json", "--half", "b"]).ended(0).json();
    assert_eq!(half["reports"][0]["questions"].as_array().unwrap().len(), 1);
}

#[test]
fn two_configurations_are_measured_side_by_side() {
    let place = Place::with_book();
    let both = json!({"question": "Does the collector cost a sandbox euros?",
        "relevant": ["/docs/intro#price", "/docs/guide/logs"]});
    place.write_lines("set.jsonl", &[both]);
    let arguments = ["eval", "set.jsonl", "--k", "2", "--compare", "ASKBOOK_PASSAGES=1"];
    let out = place.run(&arguments).ended(0).out;
    assert!(out.contains("with ASKBOOK_PASSAGES=1"), "{out}");
    let difference = out.split_once("difference").unwrap().1;
    let selected = difference.lines().find(|line| line.starts_with("selected")).unwrap();
    let cells: Vec<&str> = selected.split_whitespace().collect();
    assert_eq!(cells, ["selected", "+0.000", "-0.500", "+0.000"], "{out}");

    // The index in service is not touched by a comparison that needs another one.
    let before = place.run(&["search", PRICE, "--json"]).ended(0).out;
    let other = ["eval", "set.jsonl", "--compare", "ASKBOOK_LANGUAGE=german"];
    assert!(place.run(&other).ended(0).out.contains("with ASKBOOK_LANGUAGE=german"));
    let recipe = place.run(&["check", "--json"]).ended(0).json();
    assert!(codes(&recipe, "ok").contains(&"recipe".to_owned()), "{recipe:#}");
    assert_eq!(place.run(&["search", PRICE, "--json"]).ended(0).out, before);

    let ran = place.run(&["eval", "set.jsonl", "--compare", "ASKBOOK_PASAGES=1"]).ended(2);
    assert!(ran.err.contains("did you mean ASKBOOK_PASSAGES?"), "{}", ran.err);
}

#[test]
fn a_stale_set_is_told_as_such() {
    let place = Place::with_book();
    let gone = json!({"question": PRICE, "relevant": ["/docs/gone"]});
    place.write_lines("set.jsonl", &[gone.clone(), set()[0].clone()]);
    let out = place.run(&["eval", "set.jsonl"]).ended(0).out;
    assert!(out.contains("The set is stale") && out.contains("line 1: /docs/gone"), "{out}");

    place.write_lines("set.jsonl", &[gone]);
    let ran = place.run(&["eval", "set.jsonl"]).ended(1);
    assert!(ran.err.contains("is it the index of the set's book"), "{}", ran.err);
}

#[test]
fn a_set_that_cannot_be_read_is_told_with_the_line() {
    let place = Place::with_book();
    place.write("set.jsonl", "{\"question\": \"a?\", \"answerable\": false}\n{\"question\": 1}\n");
    let ran = place.run(&["eval", "set.jsonl"]).ended(1);
    assert!(ran.err.contains("line 2") && ran.out.is_empty(), "{}", ran.err);
    assert!(place.run(&["eval", "nowhere"]).ended(1).err.contains("cannot read nowhere"));
    for wrong in [&["eval"][..], &["eval", "set.jsonl", "--k", "0"], &["eval", "x", "--k", "99"]] {
        place.run(wrong).ended(2);
    }
}

#[test]
fn stored_rankings_stand_in_for_dense_vectors() {
    let place = Place::empty();
    let passage = |id: &str, text: &str| json!({"id": id, "text": text});
    place.write_lines(
        "passages.jsonl",
        &[
            passage("whale", "Whales sing."),
            passage("seal", "Seals bark."),
            passage("fox", "Foxes run."),
        ],
    );
    place.write_lines("set.jsonl", &[json!({"question": "Who sings?", "relevant": ["fox"]})]);
    let rankings = json!({"question": "Who sings?", "rankings": {"perfect": ["fox", "seal"]}});
    place.write_lines("dense.jsonl", &[rankings]);
    place.run(&["index", "--jsonl", "passages.jsonl"]).ended(0);

    let eval = ["eval", "set.jsonl", "--json", "--k", "1"];
    let alone = place.run(&eval).ended(0).json();
    assert_eq!(alone["reports"][0]["questions"][0]["legs"]["fused"]["found"], json!([]));
    let with = |name| {
        let dense = ["--dense-rankings", "dense.jsonl", "--dense-name", name];
        place.run(&[&eval[..], &dense].concat())
    };
    let fused = with("perfect").ended(0).json();
    let legs = &fused["reports"][0]["questions"][0]["legs"];
    assert_eq!(legs["dense"]["found"], json!([1]));
    assert!(legs["fused"]["found"][0].is_u64(), "{legs}");
    assert!(with("other").ended(1).err.contains("there are: perfect"));
    place.run(&["eval", "set.jsonl", "--dense-rankings", "dense.jsonl"]).ended(2);
}

fn codes(findings: &Value, level: &str) -> Vec<String> {
    let findings = findings["findings"].as_array().unwrap().iter();
    let of_level = findings.filter(|finding| finding["level"] == level);
    of_level.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_sound_setup_has_no_errors() {
    let place = Place::with_book();
    place.run(&["index"]).ended(0);
    let ran = place.run(&["check"]).ended(0);
    assert!(ran.out.contains("errors: 0"), "{}", ran.out);
    let findings = place.run(&["check", "--json"]).ended(0).json();
    let ok = codes(&findings, "ok");
    for code in ["embedder", "data-folder", "book", "index", "recipe", "index-age", "terms"] {
        assert!(ok.iter().any(|found| found == code), "{code} is missing: {findings:#}");
    }
    assert_eq!(findings["errors"], 0);
}

#[test]
fn what_is_missing_is_an_error_and_each_one_says_what_to_do() {
    let place = Place::empty();
    let findings = place.run(&["check", "--json"]).ended(1).json();
    assert_eq!(codes(&findings, "error"), ["book", "index"], "{findings:#}");
    for finding in findings["findings"].as_array().unwrap() {
        assert_eq!(finding["level"] == "ok", finding["do"].is_null(), "{finding}");
    }
    let text = place.run(&["check"]).ended(1).out;
    assert!(text.contains("error    book") && text.contains("-> "), "{text}");
}

#[test]
fn a_service_that_is_down_does_not_hide_the_rest_and_no_key_is_shown() {
    // Connections are accepted by the system, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let place = Place::with_book();
    let settings = [
        "GEMINI_API_KEY=s3cret-k3y",
        &format!("GEMINI_BASE_URL={address}"),
        &format!("QDRANT_URL={address}"),
        "QDRANT_API_KEY=s3cret-t00",
        "QDRANT_COLLECTION_NAME=book",
        "ASKBOOK_UPSTREAM_TIMEOUT_MS=50",
        "ALLOWED_ORIGINS=*",
    ];
    let mut arguments = vec!["check", "--json"];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
    let ran = place.run(&arguments).ended(1);
    let findings = ran.json();
    assert_eq!(codes(&findings, "error"), ["gemini-key", "collection"], "{findings:#}");
    assert_eq!(codes(&findings, "warning"), ["origins"], "{findings:#}");
    assert!(!ran.out.contains("s3cret") && !ran.err.contains("s3cret"));
}

#[test]
fn wrong_settings_are_wrong_usage() {
    Place::empty().run(&["check", "--set", "PORT=x"]).ended(2);
}
