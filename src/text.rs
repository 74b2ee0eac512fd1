//! Reading text: units that can be quoted, and the terms that two texts are compared by.

use std::cell::RefCell;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// What a piece of Markdown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// A sentence of a paragraph, a list item or a block quote.
    Sentence,
    /// A row of a table, without the row of dashes.
    Row,
    /// A fenced code block with its fences.
    Code,
    /// A heading line.
    Heading,
}

/// The smallest piece of Markdown that makes sense when it is quoted alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What it is.
    pub kind: UnitKind,
    /// Its Markdown; white space of prose is collapsed.
    pub text: String,
}

/// The units of a Markdown text, in order. Nothing but markers of structure is lost.
pub fn units(markdown: &str) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut prose = String::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if let Some(fence) = fence_of(trimmed) {
            flush_prose(&mut prose, &mut units);
            let mut code = vec![line];
            for inner in lines.by_ref() {
                code.push(inner);
                let inner = inner.trim();
                if inner.starts_with(fence)
                    && inner.trim_start_matches(fence_char(fence)).is_empty()
                {
                    break;
                }
            }
            units.push(Unit { kind: UnitKind::Code, text: code.join("\n") });
        } else if trimmed.is_empty() {
            flush_prose(&mut prose, &mut units);
        } else if is_heading(trimmed) {
            flush_prose(&mut prose, &mut units);
            units.push(Unit { kind: UnitKind::Heading, text: trimmed.to_owned() });
        } else if trimmed.starts_with('|') {
            flush_prose(&mut prose, &mut units);
            if trimmed.chars().any(char::is_alphanumeric) {
                units.push(Unit { kind: UnitKind::Row, text: trimmed.to_owned() });
            }
        } else {
            let (begins_item, body) = without_markers(trimmed);
            if begins_item {
                flush_prose(&mut prose, &mut units);
            }
            prose.push_str(body);
            prose.push(' ');
        }
    }
    flush_prose(&mut prose, &mut units);
    units
}

fn flush_prose(prose: &mut String, units: &mut Vec<Unit>) {
    for sentence in sentences(prose) {
        units.push(Unit { kind: UnitKind::Sentence, text: sentence });
    }
    prose.clear();
}

/// The sentences of prose by the rules of Unicode (UAX #29), but none ends inside inline code
/// or in a common abbreviation, and what has no letter or digit belongs to the one before.
fn sentences(prose: &str) -> Vec<String> {
    const ABBREVIATIONS: [&str; 6] = ["e.g.", "i.e.", "etc.", "vs.", "cf.", "approx."];
    let mut sentences: Vec<String> = Vec::new();
    for piece in prose.split_sentence_bounds() {
        let open = sentences.last().is_some_and(|last: &String| {
            let end = last.trim_end();
            last.matches('`').count() % 2 == 1
                || ABBREVIATIONS.iter().any(|short| end.ends_with(short))
                || !piece.chars().any(char::is_alphanumeric)
        });
        match sentences.last_mut() {
            Some(last) if open => last.push_str(piece),
            _ => sentences.push(piece.to_owned()),
        }
    }
    sentences
        .iter()
        .map(|sentence| sentence.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

fn fence_of(line: &str) -> Option<&str> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(mark).len();
    (length >= 3).then(|| &line[..length])
}

fn fence_char(fence: &str) -> char {
    if fence.starts_with('~') { '~' } else { '`' }
}

fn is_heading(line: &str) -> bool {
    let level = line.len() - line.trim_start_matches('#').len();
    (1..=6).contains(&level) && line[level..].starts_with(' ')
}

/// A line without the marks of quotes and lists, and whether it begins an item.
fn without_markers(line: &str) -> (bool, &str) {
    let line = line.trim_start_matches(['>', ' ']);
    if let Some(body) = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark)) {
        return (true, body.trim_start());
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = &line[digits..];
    match after.strip_prefix(". ").or_else(|| after.strip_prefix(") ")) {
        Some(body) if (1..=9).contains(&digits) => (true, body.trim_start()),
        _ => (false, line),
    }
}

/// The parts of an identifier: `parseHTTPBody_v2` has `parse`, `HTTP`, `Body`, `v`, `2`.
pub fn identifier_parts(word: &str) -> Vec<&str> {
    #[derive(Clone, Copy, PartialEq)]
    enum Class {
        Upper,
        Lower,
        Digit,
        Other,
    }
    let class = |c: char| match c {
        c if c.is_uppercase() => Class::Upper,
        c if c.is_numeric() => Class::Digit,
        c if c.is_alphabetic() => Class::Lower,
        _ => Class::Other,
    };
    let chars: Vec<(usize, Class)> = word.char_indices().map(|(at, c)| (at, class(c))).collect();
    let mut bounds = vec![0];
    for (i, pair) in chars.windows(2).enumerate() {
        let (before, (at, here)) = (pair[0].1, pair[1]);
        let next_is_lower = chars.get(i + 2).is_some_and(|next| next.1 == Class::Lower);
        let splits = match (before, here) {
            (Class::Upper, Class::Lower) => false,
            (Class::Upper, Class::Upper) => next_is_lower,
            _ => before != here,
        };
        if splits {
            bounds.push(at);
        }
    }
    bounds.push(word.len());
    bounds
        .windows(2)
        .map(|bound| &word[bound[0]..bound[1]])
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .collect()
}

/// The terms of a text, in order, with repetitions: lower-case stems of its words without stop
/// words; an identifier gives itself and its parts.
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in text.unicode_words() {
        let parts = identifier_parts(word);
        if parts.len() > 1 {
            terms.push(word.to_lowercase());
        }
        for part in parts {
            let part = part.to_lowercase();
            if !is_stop_word(&part) {
                terms.push(stem(&part));
            }
        }
    }
    terms
}

/// The stem of a lower-case English word (Snowball); other words mostly pass unchanged.
fn stem(word: &str) -> String {
    thread_local! {
        static STEMMER: RefCell<Stemmer> = RefCell::new(Stemmer::create(Algorithm::English));
    }
    STEMMER.with_borrow(|stemmer| stemmer.stem(word).into_owned())
}

/// Words that say nothing about what a question is after.
fn is_stop_word(word: &str) -> bool {
    matches!(
        word,
        "a" | "about"
            | "all"
            | "also"
            | "am"
            | "an"
            | "and"
            | "any"
            | "are"
            | "as"
            | "at"
            | "be"
            | "been"
            | "between"
            | "but"
            | "by"
            | "can"
            | "could"
            | "did"
            | "do"
            | "does"
            | "doing"
            | "for"
            | "from"
            | "had"
            | "has"
            | "have"
            | "how"
            | "i"
            | "if"
            | "in"
            | "into"
            | "is"
            | "it"
            | "its"
            | "just"
            | "me"
            | "my"
            | "no"
            | "not"
            | "of"
            | "on"
            | "or"
            | "our"
            | "please"
            | "s"
            | "should"
            | "so"
            | "some"
            | "t"
            | "tell"
            | "than"
            | "that"
            | "the"
            | "their"
            | "them"
            | "then"
            | "there"
            | "these"
            | "they"
            | "this"
            | "those"
            | "to"
            | "was"
            | "we"
            | "were"
            | "what"
            | "when"
            | "where"
            | "which"
            | "who"
            | "why"
            | "will"
            | "with"
            | "would"
            | "you"
            | "your"
    )
}

#[cfg(test)]
mod tests;
