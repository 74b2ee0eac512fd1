//! Ready passages, one JSON object a line: a corpus that somebody else has cut into pieces.
//!
//! `{"id": "…", "text": "…", "url": "…", "title": "…", "heading": "…" or ["…", "…"]}`; id and text
//! must be there, other fields are ignored. A line that cannot be used is a finding and stops
//! nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use askbook::passage::{Passage, PassageId};
use serde::Deserialize;

use crate::book::Reading;

/// That such passages are taken as they are.
pub(crate) const CHUNKER: &str = "ready/1";

/// The longest line, in bytes: far more than any passage should have.
const LINE_LIMIT: usize = 1 << 20;

/// A line. Absent and `null` mean the same.
#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    heading: Option<Heading>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "heading must be a text or a list of texts")]
enum Heading {
    One(String),
    Trail(Vec<String>),
}

/// Reads the passages in a file.
pub(crate) fn read_file(path: &Path) -> anyhow::Result<Reading> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| {
        format!("{name} cannot be opened: give a file of passages, one JSON object a line")
    })?;
    read(BufReader::new(file), &name)
}

/// Reads passages; `name` is what they are read from, for people.
pub(crate) fn read(mut input: impl BufRead, name: &str) -> anyhow::Result<Reading> {
    let mut reading = Reading::default();
    let mut first_lines: HashMap<String, usize> = HashMap::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        let whole = next_line(&mut input, &mut bytes)
            .with_context(|| format!("{name} cannot be read beyond line {number}"))?;
        let mut find = |what: String| reading.findings.push(format!("{name}:{number}: {what}"));
        let Some(whole) = whole else { break };
        if !whole {
            find(format!("the line has more than {LINE_LIMIT} bytes: left out, cut its text"));
            continue;
        }
        let line = bytes.trim_ascii();
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let passage = match parse(line) {
            Ok(passage) => passage,
            Err(what) => {
                find(format!("{what}: left out"));
                continue;
            }
        };
        match first_lines.entry(passage.id.0.clone()) {
            Entry::Occupied(first) => {
                let (id, first) = (first.key(), first.get());
                find(format!("the id {id:?} is that of line {first}: left out"));
            }
            Entry::Vacant(free) => {
                free.insert(number);
                reading.passages.push(passage);
            }
        }
    }
    if reading.passages.is_empty() {
        let first = reading.findings.first().map(|first| format!("; the first problem is {first}"));
        bail!(
            "there is no passage in {name}: give one JSON object a line, \
             {{\"id\": \"…\", \"text\": \"…\"}}{}",
            first.unwrap_or_default()
        );
    }
    Ok(reading)
}

/// Reads the next line into `bytes`; `None` at the end of the input, `false` for a line that is
/// too long, which is passed over without being kept.
fn next_line(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<Option<bool>> {
    bytes.clear();
    let limit = LINE_LIMIT as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') || bytes.len() <= LINE_LIMIT {
        return Ok(Some(true));
    }
    input.skip_until(b'\n')?;
    Ok(Some(false))
}

/// The passage of a line, or what is wrong with it.
fn parse(line: &[u8]) -> Result<Passage, String> {
    let line = str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned())?;
    let line: Line = serde_json::from_str(line).map_err(|error| {
        // The rest is a place within the line.
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        format!("the line is not a passage ({what})")
    })?;
    for (field, value) in [("id", &line.id), ("text", &line.text)] {
        if value.trim().is_empty() {
            return Err(format!("the {field} is empty"));
        }
    }
    // A corpus of web pages often has no other name for a piece than its address.
    let url = line.url.or_else(|| Some(line.id.clone()).filter(|id| is_web_address(id)));
    if let Some(url) = &url
        && !is_web_address(url)
        && (!url.starts_with('/') || url.starts_with("//"))
    {
        return Err("the url is neither https://… nor a path that begins with one /".to_owned());
    }
    let headings = match line.heading {
        None => Vec::new(),
        Some(Heading::One(heading)) => vec![heading],
        Some(Heading::Trail(headings)) => headings,
    };
    Ok(Passage {
        id: PassageId(line.id),
        title: line.title.unwrap_or_default(),
        headings: headings.into_iter().filter(|heading| !heading.trim().is_empty()).collect(),
        url,
        text: line.text,
        edition: None,
    })
}

fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(input: &[u8]) -> Reading {
        read(input, "set.jsonl").unwrap()
    }

    #[test]
    fn a_line_is_a_passage() {
        let input = concat!(
            "\u{feff}{\"id\": \"a\", \"text\": \"One.\"}\r\n",
            "\n",
            "{\"id\": \"b\", \"text\": \"Two.\", \"url\": \"/b\", \"title\": \"B\", \"heading\": [\"X\", \"Y\"]}\n",
            "{\"id\": \"c\", \"text\": \"Three.\", \"url\": null, \"heading\": \"Z\", \"more\": [1]}",
        );
        let reading = reading(input.as_bytes());
        assert!(reading.findings.is_empty(), "{:?}", reading.findings);
        let [a, b, c] = reading.passages.as_slice() else { panic!("{:?}", reading.passages) };
        assert_eq!((a.id.0.as_str(), a.text.as_str(), &a.url), ("a", "One.", &None));
        assert_eq!((b.url.as_deref(), b.breadcrumb().as_str()), (Some("/b"), "B > X > Y"));
        assert_eq!((c.headings.as_slice(), &c.url), (["Z".to_owned()].as_slice(), &None));
    }

    #[test]
    fn an_id_that_is_an_address_is_the_url() {
        let passage = &reading(br#"{"id": "https://a.example/b#c", "text": "One."}"#).passages[0];
        assert_eq!(passage.url.as_deref(), Some("https://a.example/b#c"));
    }

    #[test]
    fn a_line_that_cannot_be_used_is_told_by_its_number_and_stops_nothing() {
        let long = format!("{{\"id\": \"l\", \"text\": \"{}\"}}", "x".repeat(LINE_LIMIT));
        let lines: &[(&[u8], &str)] = &[
            (br#"{"id": "a", "text": "One."}"#, ""),
            (b"nonsense", "set.jsonl:2: the line is not a passage (expected ident): left out"),
            (br#"{"id": "b"}"#, "set.jsonl:3: the line is not a passage (missing field `text`)"),
            (br#"{"id": 4, "text": "x"}"#, "set.jsonl:4: the line is not a passage (invalid type"),
            (br#"{"id": "a", "text": "x"}"#, "set.jsonl:5: the id \"a\" is that of line 1"),
            (br#"{"id": "b", "text": " \n"}"#, "set.jsonl:6: the text is empty"),
            (b"{\"id\": \"b\", \"text\": \"\xff\"}", "set.jsonl:7: the line is not UTF-8"),
            (long.as_bytes(), "set.jsonl:8: the line has more than 1048576 bytes"),
            (
                br#"{"id": "b", "text": "x", "heading": {}}"#,
                "set.jsonl:9: the line is not a passage (heading must be",
            ),
            (
                br#"{"id": "b", "text": "x", "url": "javascript:alert(1)"}"#,
                "set.jsonl:10: the url is neither",
            ),
            (br#"{"id": "z", "text": "Last."}"#, ""),
        ];
        let input: Vec<&[u8]> = lines.iter().map(|(line, _)| *line).collect();
        let reading = reading(&input.join(&b'\n'));
        assert_eq!(reading.passages.len(), 2, "{:?}", reading.passages);
        let expected: Vec<&str> =
            lines.iter().map(|line| line.1).filter(|finding| !finding.is_empty()).collect();
        assert_eq!(reading.findings.len(), expected.len(), "{:?}", reading.findings);
        for (finding, expected) in reading.findings.iter().zip(expected) {
            assert!(finding.starts_with(expected), "{finding} is not {expected}");
        }
    }

    #[test]
    fn without_a_passage_there_is_nothing_to_read() {
        for (input, word) in [("", "one JSON object a line"), ("[]\n", "set.jsonl:1")] {
            let error = read(input.as_bytes(), "set.jsonl").unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
