//! Sets of questions: one JSON object a line, `{question, relevant: [URL or passage id]}` for a
//! question that the book answers and `{question, answerable: false}` for one that it does not.
//! A `page` and a `selected_text` go with the question.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use askbook::question::{Question, QuestionError, QuestionLimits};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How many faulty lines are named.
const NAMED: usize = 10;

/// A question of which is known what answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Where it stands in the set, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
    /// The page that the reader is on, and what is selected there.
    pub(crate) page: Option<String>,
    pub(crate) selected_text: Option<String>,
    /// What answers it: passage ids or URLs of sections. Empty when the book does not.
    pub(crate) relevant: Vec<String>,
    pub(crate) half: Half,
}

/// A set is tuned on one half and reported for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Half {
    A,
    B,
}

/// A line. What else stands in it is for people.
#[derive(Deserialize)]
struct Line {
    question: String,
    page: Option<String>,
    selected_text: Option<String>,
    relevant: Option<Vec<String>>,
    answerable: Option<bool>,
    half: Option<Half>,
}

impl Asked {
    /// The question with all that goes with it.
    pub(crate) fn question(&self, limits: QuestionLimits) -> Result<Question, QuestionError> {
        let (page, selected_text) = (self.page.as_deref(), self.selected_text.as_deref());
        Question::new(&self.text, selected_text, page, limits)
    }

    /// Whether the book answers it.
    pub(crate) fn is_answerable(&self) -> bool {
        !self.relevant.is_empty()
    }
}

/// Reads a set of questions.
///
/// # Errors
/// As [`read_lines`].
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Asked>> {
    read_lines(path, asked)
}

/// Reads a set by its lines, each with its number and the half that it belongs to if it does not
/// say: the one that the line before does not, half a for the first.
///
/// # Errors
/// The file cannot be read, or holds nothing; lines that are wrong, with their numbers.
pub(super) fn read_lines<T>(
    path: &Path,
    parse: impl Fn(usize, &[u8], Half) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut set, mut faults) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let half = if set.len() % 2 == 0 { Half::A } else { Half::B };
        match parse(number, line, half) {
            Ok(parsed) => set.push(parsed),
            Err(fault) => faults.push(format!("line {number}: {fault:#}")),
        }
    }
    if !faults.is_empty() {
        let mut message = format!("{} has lines that are no questions:", path.display());
        for fault in faults.iter().take(NAMED) {
            let _ = write!(message, "\n  {fault}");
        }
        if let more @ 1.. = faults.len().saturating_sub(NAMED) {
            let _ = write!(message, "\n  and {more} more");
        }
        bail!(message);
    }
    ensure!(!set.is_empty(), "{} holds no question", path.display());
    Ok(set)
}

/// What is wrong with a line of JSON. That it is the first line of its own text is left out.
pub(super) fn told(error: &serde_json::Error) -> anyhow::Error {
    let error = error.to_string();
    anyhow!(error.split(" at line ").next().unwrap_or_default().to_owned())
}

fn asked(number: usize, line: &[u8], half: Half) -> anyhow::Result<Asked> {
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| told(&error))
        .context("not a JSON object {question, relevant} or {question, answerable: false}")?;
    ensure!(!line.question.trim().is_empty(), "the question is empty");
    let relevant = sorted(line.relevant.unwrap_or_default());
    match line.answerable {
        Some(false) if !relevant.is_empty() => {
            bail!("it is not answerable and has relevant passages: keep one of the two")
        }
        Some(false) => {}
        _ if relevant.is_empty() => {
            bail!("no relevant passage: list their URLs or ids, or say \"answerable\": false")
        }
        _ => {}
    }
    let half = line.half.unwrap_or(half);
    let Line { question: text, page, selected_text, .. } = line;
    Ok(Asked { line: number, text, page, selected_text, relevant, half })
}

/// Each once, in order.
pub(super) fn sorted(mut relevant: Vec<String>) -> Vec<String> {
    relevant.sort_unstable();
    relevant.dedup();
    relevant
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> anyhow::Result<Vec<Asked>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn a_set_is_read_line_by_line_and_halved_in_turn_where_it_does_not_say() {
        let set = read_text(
            "{\"question\": \"a?\", \"relevant\": [\"/y\", \"/x\", \"/y\"], \"answer\": \"yes\"}\r\n\
             \n\
             {\"question\": \"b?\", \"answerable\": false}\n\
             {\"question\": \"c?\", \"relevant\": [\"/z\"], \"answerable\": true, \"half\": \"b\", \
             \"page\": \"/p\", \"selected_text\": \"s\"}",
        );
        let asked = |line, text: &str, relevant: &[&str], half| Asked {
            line,
            text: text.to_owned(),
            page: (line == 4).then(|| "/p".to_owned()),
            selected_text: (line == 4).then(|| "s".to_owned()),
            relevant: relevant.iter().map(|&url| url.to_owned()).collect(),
            half,
        };
        let expected = [
            asked(1, "a?", &["/x", "/y"], Half::A),
            asked(3, "b?", &[], Half::B),
            asked(4, "c?", &["/z"], Half::B),
        ];
        assert_eq!(set.unwrap(), expected);
    }

    #[test]
    fn what_is_no_question_is_told_with_its_line() {
        for (line, says) in [
            ("[]", "not a JSON object"),
            ("{\"question\": 7, \"relevant\": [\"/x\"]}", "not a JSON object"),
            ("{\"relevant\": [\"/x\"]}", "missing field `question`"),
            ("{\"question\": \" \", \"answerable\": false}", "empty"),
            ("{\"question\": \"q\"}", "no relevant passage"),
            ("{\"question\": \"q\", \"relevant\": []}", "no relevant passage"),
            ("{\"question\": \"q\", \"relevant\": [\"/x\"], \"answerable\": false}", "keep one"),
            ("{\"question\": \"q\", \"relevant\": [\"/x\"], \"half\": \"c\"}", "not a JSON object"),
        ] {
            let error = read_text(&format!("\n{line}\n")).unwrap_err().to_string();
            assert!(error.contains("line 2: ") && error.contains(says), "{error}");
        }
    }

    #[test]
    fn many_faulty_lines_are_counted() {
        let error = read_text(&"?\n".repeat(NAMED + 3)).unwrap_err().to_string();
        assert_eq!(error.matches("\n  line ").count(), NAMED, "{error}");
        assert!(error.ends_with("and 3 more"), "{error}");
    }

    #[test]
    fn a_set_without_a_question_or_a_file_is_an_error_that_names_it() {
        assert!(read_text("\n\n").unwrap_err().to_string().contains("holds no question"));
        let error = read(Path::new("nowhere.jsonl")).unwrap_err().to_string();
        assert!(error.contains("nowhere.jsonl"), "{error}");
    }
}
