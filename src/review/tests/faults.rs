//! Answers with planted faults, and the same ones without: `tests/data/answers`.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::Value;

use super::*;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/answers/", $name))
    };
}
const CLEAN: &str = data!("clean.jsonl");
const FAULTY: &str = data!("faulty.jsonl");

struct Case {
    half: String,
    prompt: Prompt,
    answer: String,
    kind: String,
    fault: String,
}

fn cases(lines: &str) -> Vec<Case> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let passage = |value: &Value| Passage {
        id: PassageId(text(&value["url"])),
        title: text(&value["title"]),
        headings: value["headings"].as_array().unwrap().iter().map(text).collect(),
        url: value["url"].as_str().map(str::to_owned),
        text: text(&value["text"]),
        edition: None,
    };
    let case = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let passages = value["passages"].as_array().unwrap().iter().map(passage).collect();
        Case {
            half: text(&value["half"]),
            prompt: prompt(&text(&value["question"]), passages),
            answer: text(&value["answer"]),
            kind: text(&value["kind"]),
            fault: text(&value["fault"]),
        }
    };
    lines.lines().map(case).collect()
}

fn checked(case: &Case) -> Checked {
    review(&case.prompt, &[&case.answer]).checked.unwrap_or_default()
}

fn is_caught(case: &Case, checked: &Checked) -> bool {
    match case.kind.as_str() {
        "number" | "identifier" => {
            checked.unsupported.iter().any(|unsupported| unsupported.text.contains(&case.fault))
        }
        _ => !checked.text.contains(&case.fault),
    }
}

/// How many of how many.
type Count = (usize, usize);

/// Counts the cases of which this is true, by half and kind of fault.
fn count(cases: &[Case], is_true: impl Fn(&Case) -> bool) -> BTreeMap<(&str, &str), Count> {
    let mut counts: BTreeMap<(&str, &str), Count> = BTreeMap::new();
    for case in cases {
        let count = counts.entry((&case.half, &case.kind)).or_default();
        count.0 += usize::from(is_true(case));
        count.1 += 1;
    }
    counts
}

#[test]
fn the_check_catches_planted_faults() {
    let (faulty, clean) = (cases(FAULTY), cases(CLEAN));
    let caught = count(&faulty, |case| is_caught(case, &checked(case)));
    let alarms = count(&clean, |case| {
        let checked = checked(case);
        checked.text != case.answer || !checked.unsupported.is_empty()
    });
    for ((half, kind), (count, of)) in &caught {
        writeln!(std::io::stderr(), "half {half}: {count} of {of} caught: {kind}").unwrap();
    }
    for ((half, _), (count, of)) in &alarms {
        writeln!(std::io::stderr(), "half {half}: {count} false alarms on {of}").unwrap();
    }
    let all = |counts: &BTreeMap<(&str, &str), Count>| {
        counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    };
    let (caught, alarms) = (all(&caught), all(&alarms));
    assert_eq!((caught.1, alarms.1), (100, 100));
    assert!(caught.0 >= 95, "{} caught", caught.0);
    assert!(alarms.0 <= 3, "{} false alarms", alarms.0);
}

#[test]
fn what_is_shown_does_not_depend_on_how_the_text_is_cut() {
    for case in cases(FAULTY).iter().step_by(3) {
        let whole = review(&case.prompt, &[&case.answer]);
        let characters: Vec<String> = case.answer.chars().map(String::from).collect();
        let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
        let cut = review(&case.prompt, &characters);
        assert_eq!(cut.checked, whole.checked, "{}", case.answer);
        assert_eq!(cut.citations, whole.citations, "{}", case.answer);
        let text = whole.checked.map(|checked| checked.text).unwrap_or_default();
        assert_eq!((&cut.text, &whole.text), (&text, &text));
    }
}
