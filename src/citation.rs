//! Citations: the numbers in square brackets by which an answer names its passages.

use std::collections::HashSet;

use crate::answer::Source;
use crate::passage::Hit;
use crate::text::{UnitKind, terms, units};

/// The longest quote of a source, in characters; a longer sentence is cut at a word.
const QUOTE_LIMIT: usize = 300;

/// Drops citations of passages that are not there, and gives the text that is left with its
/// sources, each once, in the order of first citation.
pub fn check(text: &str, passages: &[Hit]) -> (String, Vec<Source>) {
    let mut checked = String::with_capacity(text.len());
    let mut cited: Vec<usize> = Vec::new();
    let mut copied = 0;
    for marker in markers(text) {
        let known: Vec<usize> = marker
            .numbers
            .iter()
            .copied()
            .filter(|number| (1..=passages.len()).contains(number))
            .collect();
        if known.len() < marker.numbers.len() {
            checked.push_str(&text[copied..marker.start]);
            if known.is_empty() {
                checked.truncate(checked.trim_end_matches(' ').len());
            }
            for number in &known {
                checked.push_str(&format!("[{number}]"));
            }
            copied = marker.end;
        }
        for number in known {
            if !cited.contains(&number) {
                cited.push(number);
            }
        }
    }
    checked.push_str(&text[copied..]);
    let sources = cited
        .into_iter()
        .map(|number| {
            let hit = &passages[number - 1];
            Source {
                number,
                quote: best_quote(&hit.passage.text, &citing_words(text, number)),
                passage: hit.passage.clone(),
                scores: hit.scores,
            }
        })
        .collect();
    (checked, sources)
}

/// A citation in a text: `[2]` or `[1, 3]`, as byte range and numbers.
struct Marker {
    start: usize,
    end: usize,
    numbers: Vec<usize>,
}

/// The citations of a Markdown text. Code is skipped (`list[0]` cites nothing), and so are links.
fn markers(text: &str) -> Vec<Marker> {
    let bytes = text.as_bytes();
    let mut markers = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'`' => at = end_of_code(text, at),
            b'[' => match marker_at(text, at) {
                Some(marker) => {
                    at = marker.end;
                    markers.push(marker);
                }
                None => at += 1,
            },
            _ => at += 1,
        }
    }
    markers
}

/// Where the code ends that begins with the back-ticks at `start`: behind the next run of as
/// many; without one, behind the run itself, for it opens nothing (CommonMark 0.31, 6.1) unless
/// it is a fence, which then reaches to the end.
fn end_of_code(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let length = rest.len() - rest.trim_start_matches('`').len();
    let mut at = start + length;
    while let Some(found) = text[at..].find('`') {
        let run = &text[at + found..];
        let run_length = run.len() - run.trim_start_matches('`').len();
        at += found + run_length;
        if run_length == length {
            return at;
        }
    }
    if length >= 3 { text.len() } else { start + length }
}

fn marker_at(text: &str, start: usize) -> Option<Marker> {
    let inside = &text[start + 1..];
    let close = inside.find(']')?;
    let end = start + 1 + close + 1;
    if text[end..].starts_with('(') || text[end..].starts_with(':') {
        return None;
    }
    let numbers: Option<Vec<usize>> =
        inside[..close].split(',').map(|number| number.trim().parse().ok()).collect();
    Some(Marker { start, end, numbers: numbers? })
}

/// The words of the sentences and rows that cite this number.
fn citing_words(text: &str, number: usize) -> String {
    units(text)
        .into_iter()
        .map(|unit| unit.text)
        .filter(|unit| markers(unit).iter().any(|marker| marker.numbers.contains(&number)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The unit of the passage that shares the most with the claim, relative to the root of its own
/// length so that long units do not win by size alone.
fn best_quote(passage: &str, claim: &str) -> String {
    let claim: HashSet<String> = terms(claim).into_iter().collect();
    let mut best: Option<(f64, String)> = None;
    for unit in units(passage) {
        if unit.kind == UnitKind::Heading {
            continue;
        }
        let words: HashSet<String> = terms(&unit.text).into_iter().collect();
        #[expect(clippy::cast_precision_loss, reason = "numbers of words are small")]
        let score = words.intersection(&claim).count() as f64 / (words.len().max(1) as f64).sqrt();
        if best.as_ref().is_none_or(|(top, _)| score > *top) {
            best = Some((score, unit.text));
        }
    }
    shortened(best.map(|(_, text)| text).unwrap_or_default())
}

fn shortened(quote: String) -> String {
    let Some((limit, _)) = quote.char_indices().nth(QUOTE_LIMIT) else { return quote };
    let end = quote[..limit].rfind(char::is_whitespace).unwrap_or(limit);
    format!("{}…", quote[..end].trim_end())
}

#[cfg(test)]
mod tests;
