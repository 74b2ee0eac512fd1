//! Reading text: units that can be quoted, and the terms that two texts are compared by.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::num::NonZeroUsize;

use lru::LruCache;
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
    /// Its Markdown; white space of prose is collapsed, code is moved to the left margin.
    pub text: String,
    /// The indentation and mark (`  - `, `2. `) of a list item, at its first sentence; else empty.
    pub marker: String,
    /// Counts the blocks of the text: the units of one paragraph, list, table or code block
    /// have the same number.
    pub block: usize,
}

/// The units of a Markdown text, in order. Nothing but markers of structure is lost.
pub fn units(markdown: &str) -> Vec<Unit> {
    let mut reader = UnitReader::default();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let (quoted, line) = without_quote_marks(line);
        let trimmed = line.trim();
        if let Some(fence) = fence_of(trimmed) {
            let indent = line.len() - line.trim_start().len();
            let mut code = trimmed.to_owned();
            for inner in lines.by_ref() {
                let inner = if quoted { without_quote_marks(inner).1 } else { inner };
                let kept =
                    inner.trim_start_matches(' ').len().max(inner.len().saturating_sub(indent));
                code.push('\n');
                code.push_str(inner[inner.len() - kept..].trim_end());
                let inner = inner.trim();
                if inner.starts_with(fence)
                    && inner.trim_start_matches(fence_char(fence)).is_empty()
                {
                    break;
                }
            }
            reader.lone(UnitKind::Code, &code);
        } else if trimmed.is_empty() || is_entity(trimmed) {
            reader.gap();
        } else if is_heading(trimmed) {
            reader.lone(UnitKind::Heading, trimmed);
        } else if let Some(rest) = trimmed.strip_prefix(":::") {
            reader.lone(UnitKind::Heading, admonition_title(rest));
        } else if trimmed.chars().all(|c| "-=*_ ".contains(c)) {
            reader.lone(UnitKind::Heading, "");
        } else if trimmed.starts_with('|') {
            reader.row(trimmed);
        } else {
            reader.prose(line);
        }
    }
    reader.gap();
    reader.units
}

/// What of a Markdown text has been read.
#[derive(Default)]
struct UnitReader {
    units: Vec<Unit>,
    block: usize,
    within: Within,
    /// An empty line came last.
    after_gap: bool,
    prose: String,
    marker: String,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Within {
    #[default]
    Nothing,
    Paragraph,
    List,
    Table,
}

impl UnitReader {
    /// A block of one unit; without text it only ends what came before.
    fn lone(&mut self, kind: UnitKind, text: &str) {
        self.begin(Within::Nothing);
        if !text.is_empty() {
            self.push(kind, text.to_owned());
        }
    }

    fn gap(&mut self) {
        self.flush();
        self.after_gap = true;
    }

    fn row(&mut self, row: &str) {
        if self.within != Within::Table || self.after_gap {
            self.begin(Within::Table);
        }
        if row.chars().any(char::is_alphanumeric) {
            self.push(UnitKind::Row, row.to_owned());
        }
    }

    fn prose(&mut self, line: &str) {
        let (marker, body) = without_item_mark(line);
        if !marker.is_empty() {
            if self.within != Within::List {
                self.begin(Within::List);
            }
            self.flush();
            marker.clone_into(&mut self.marker);
        } else if self.within == Within::List {
            if self.after_gap && !line.starts_with([' ', '\t']) {
                self.begin(Within::Paragraph);
            }
        } else if self.within != Within::Paragraph || self.after_gap {
            self.begin(Within::Paragraph);
        }
        self.after_gap = false;
        self.prose.push_str(body.trim());
        self.prose.push(' ');
    }

    fn begin(&mut self, within: Within) {
        self.flush();
        self.block += 1;
        self.within = within;
        self.after_gap = false;
    }

    fn flush(&mut self) {
        for sentence in sentences(&std::mem::take(&mut self.prose)) {
            self.push(UnitKind::Sentence, sentence);
        }
        self.marker.clear();
    }

    fn push(&mut self, kind: UnitKind, text: String) {
        let marker = std::mem::take(&mut self.marker);
        self.units.push(Unit { kind, text, marker, block: self.block });
    }
}

/// The sentences of prose by the rules of Unicode (UAX #29), but none ends inside inline code,
/// the text of a link, an address (`a?b`) or a common abbreviation, closing marks of emphasis
/// belong to the sentence before them, and so does what has no letter or digit.
fn sentences(prose: &str) -> Vec<String> {
    const ABBREVIATIONS: [&str; 6] = ["e.g.", "i.e.", "etc.", "vs.", "cf.", "approx."];
    let mut sentences: Vec<String> = Vec::new();
    // Whether the last sentence has opened inline code or a bracket that it has not closed.
    let (mut in_code, mut brackets) = (false, 0_usize);
    for mut piece in prose.split_sentence_bounds() {
        let is_open = in_code || brackets > 0;
        for mark in piece.chars() {
            match mark {
                '`' => in_code = !in_code,
                '[' => brackets += 1,
                ']' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
        }
        let Some(last) = sentences.last_mut() else {
            sentences.push(piece.to_owned());
            continue;
        };
        let is_spaced = last.ends_with(char::is_whitespace);
        if !is_spaced {
            let rest = piece.trim_start_matches(['*', '_', ')', ']', '"', '\'']);
            last.push_str(&piece[..piece.len() - rest.len()]);
            piece = rest;
        }
        let end = last.trim_end();
        let goes_on = is_open
            || (!is_spaced && piece.starts_with(|c: char| c.is_ascii_graphic()))
            || ABBREVIATIONS.iter().any(|short| end.ends_with(short))
            || !piece.chars().any(char::is_alphanumeric);
        if goes_on {
            last.push_str(piece);
        } else {
            sentences.push(piece.to_owned());
        }
    }
    sentences
        .iter()
        .map(|sentence| sentence.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

/// The run of marks that opens a code block; one of back-ticks has none behind it on its line
/// (CommonMark 0.31, 4.5).
fn fence_of(line: &str) -> Option<&str> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(mark).len();
    let opens = length >= 3 && !(mark == '`' && line[length..].contains('`'));
    opens.then(|| &line[..length])
}

fn fence_char(fence: &str) -> char {
    if fence.starts_with('~') { '~' } else { '`' }
}

fn is_heading(line: &str) -> bool {
    let level = line.len() - line.trim_start_matches('#').len();
    (1..=6).contains(&level) && line[level..].starts_with(' ')
}

/// Whether a line is nothing but a space for the eye, such as `&nbsp;`.
fn is_entity(line: &str) -> bool {
    line.strip_prefix('&')
        .and_then(|rest| rest.strip_suffix(';'))
        .is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#'))
}

/// The title in what follows the colons of a Docusaurus admonition: `tip Title`, `tip[Title]`.
fn admonition_title(line: &str) -> &str {
    let title = line.trim_start_matches(':').trim_start_matches(char::is_alphabetic);
    title.trim().trim_start_matches('[').trim_end_matches(']')
}

/// Whether a line is part of a block quote, and the line without the marks of it.
fn without_quote_marks(mut line: &str) -> (bool, &str) {
    let mut quoted = false;
    while let Some(rest) = line.trim_start().strip_prefix('>') {
        quoted = true;
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    (quoted, line)
}

/// A line cut behind the mark of a list item; the first part is empty where none begins.
fn without_item_mark(line: &str) -> (&str, &str) {
    let body = line.trim_start();
    let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mark = match digits {
        0 => body.strip_prefix(['-', '*', '+']),
        1..=9 => body[digits..].strip_prefix(['.', ')']),
        _ => None,
    };
    match mark {
        Some(rest) if rest.starts_with(' ') => line.split_at(line.len() - rest.len() + 1),
        _ => ("", line),
    }
}

/// The parts of an identifier: `parseHTTPBody_v2` has `parse`, `HTTP`, `Body`, `v`, `2`.
pub fn identifier_parts(word: &str) -> Vec<&str> {
    parts(word).collect()
}

/// The same one after the other.
pub(crate) fn parts(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    let next = move || {
        let (part, behind) = rest.split_at_checked(end_of_part(rest))?;
        rest = behind;
        (!part.is_empty()).then_some(part)
    };
    std::iter::from_fn(next).filter(|part| part.chars().any(char::is_alphanumeric))
}

/// Where the first part of an identifier ends.
fn end_of_part(word: &str) -> usize {
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
    if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.len();
    }
    let mut classes = word.char_indices().map(|(at, c)| (at, class(c))).peekable();
    let mut before = None;
    while let Some((at, here)) = classes.next() {
        let next_is_lower = classes.peek().is_some_and(|next| next.1 == Class::Lower);
        let splits = match (before, here) {
            (None, _) | (Some(Class::Upper), Class::Lower) => false,
            (Some(Class::Upper), Class::Upper) => next_is_lower,
            (Some(before), here) => before != here,
        };
        if splits {
            return at;
        }
        before = Some(here);
    }
    word.len()
}

/// The terms of a text, in order, with repetitions: lower-case stems of its words without stop
/// words; an identifier gives itself and its parts, a contraction the word before it.
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in text.unicode_words() {
        let word = uncontracted(word);
        let (at, mut count) = (terms.len(), 0);
        for part in parts(word) {
            count += 1;
            let part = part.to_lowercase();
            if !is_stop_word(&part) {
                terms.push(stem(&part));
            }
        }
        if count > 1 {
            terms.insert(at, word.to_lowercase());
        }
    }
    terms
}

/// Of UTF-8 text a token takes about four bytes (Google's figure for English is four characters;
/// scripts of three bytes a character take about three quarters of a token a character, as here).
const BYTES_PER_TOKEN: usize = 4;

/// About how many tokens a text has.
pub fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

/// The beginning of a text, of at most about this many tokens.
pub(crate) fn beginning(text: &str, tokens: usize) -> &str {
    &text[..text.floor_char_boundary(tokens.saturating_mul(BYTES_PER_TOKEN))]
}

/// The terms of what a reader sees of a text, each once: addresses say little and hold much.
pub fn seen_terms(text: &str) -> HashSet<String> {
    let mut seen = String::with_capacity(text.len());
    for (at, piece) in text.split("](").enumerate() {
        let behind_address = piece.find(')').filter(|_| at > 0).unwrap_or(0);
        seen.push_str(&piece[behind_address..]);
        seen.push(' ');
    }
    seen.split_whitespace().filter(|word| !word.contains("://")).flat_map(terms).collect()
}

/// A word without what an apostrophe has joined to it: `it` for `it's`, `does` for `doesn't`.
fn uncontracted(word: &str) -> &str {
    match word.split_once(['\'', '’']) {
        Some(("can", "t")) => "can",
        Some((verb, "t")) => verb.strip_suffix('n').unwrap_or(verb),
        Some((word, _)) if !word.is_empty() => word,
        _ => word,
    }
}

/// The stem of a lower-case English word (Snowball); other words mostly pass unchanged.
pub(crate) fn stem(word: &str) -> String {
    thread_local! {
        static STEMS: RefCell<Stems> = RefCell::new(Stems::new());
    }
    STEMS.with_borrow_mut(|stems| stems.of(word).into_owned())
}

/// The stems of the words that came last: a book repeats its words, and a stem takes some twenty
/// times as long to find as to look up.
struct Stems {
    stemmer: Stemmer,
    known: LruCache<String, String>,
}

impl Stems {
    /// How many are kept.
    const COUNT: NonZeroUsize = NonZeroUsize::new(2_000).unwrap();

    /// Longer words, in bytes, are not kept: few are words.
    const LONGEST: usize = 32;

    fn new() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English), known: LruCache::new(Self::COUNT) }
    }

    fn of<'s>(&'s mut self, word: &'s str) -> Cow<'s, str> {
        if word.len() > Self::LONGEST {
            return self.stemmer.stem(word);
        }
        let Self { stemmer, known } = self;
        let stem = known.get_or_insert_ref(word, || stemmer.stem(word).into_owned());
        Cow::Borrowed(stem)
    }
}

/// Words that say nothing about what a question is after.
pub(crate) fn is_stop_word(word: &str) -> bool {
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
            | "wo"
            | "would"
            | "you"
            | "your"
    )
}

#[cfg(test)]
mod tests;
