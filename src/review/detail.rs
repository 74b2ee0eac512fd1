//! Details: the numbers and identifiers of a text, which is what a reader acts on.

use std::collections::HashSet;
use std::ops::Range;

use super::citation::Marker;
use super::words::Words;

/// A number or identifier in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    /// Where it stands.
    pub(super) at: Range<usize>,
    /// What it is compared by.
    pub(super) key: Key,
}

/// What details are compared by: two are the same when they share a spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The ways to write a number, without signs of grouping.
    Number(Vec<String>),
    /// An identifier in lower case.
    Identifier(String),
}

/// What a text has of words and numbers, to look details up in.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    words: Words,
    numbers: Words,
}

impl Known {
    /// What this text has.
    pub(super) fn of(text: &str) -> Self {
        let mut numbers: Vec<String> = digit_groups(text).flat_map(spellings).collect();
        let mut words = HashSet::new();
        for at in runs(text) {
            let run = text[at].to_lowercase();
            if words.contains(&run) {
                continue;
            }
            numbers.extend(value_of(&run).map(str::to_owned));
            for part in run.split(COMPOUND) {
                words.extend(part.split('-').map(str::to_owned));
                words.insert(part.to_owned());
            }
            words.insert(run);
        }
        Self { words: words.into_iter().collect(), numbers: numbers.into_iter().collect() }
    }

    /// Whether the text has this detail.
    pub(super) fn has(&self, key: &Key) -> bool {
        Self::have(std::iter::once(self), key)
    }

    /// Whether texts have a detail, together. An identifier of several names (`a.b.c`, `a/b`) is
    /// there when each of them is: answers put them together anew.
    pub(super) fn have<'k>(mut texts: impl Iterator<Item = &'k Self> + Clone, key: &Key) -> bool {
        match key {
            Key::Number(spellings) => {
                texts.any(|text| spellings.iter().any(|number| text.numbers.contains(number)))
            }
            Key::Identifier(name) => {
                let is_there = |word: &str| texts.clone().any(|text| text.has_word(word));
                is_there(name) || (name.contains(COMPOUND) && name.split(COMPOUND).all(is_there))
            }
        }
    }

    /// How much memory it takes, about, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.words.bytes() + self.numbers.bytes()
    }

    /// A word, in singular or plural; no word is always there.
    fn has_word(&self, word: &str) -> bool {
        word.is_empty()
            || self.words.contains(word)
            || word.strip_suffix('s').is_some_and(|one| self.words.contains(one))
            || self.words.contains(&format!("{word}s"))
    }
}

/// What joins the names of an identifier.
const COMPOUND: [char; 5] = ['.', ':', '/', '#', '@'];

/// Where a run of characters stands.
#[derive(Clone, Copy, PartialEq)]
enum Setting {
    Prose,
    /// In a code span of several words, or a block.
    Code,
    /// It is all that a code span has.
    Alone,
}

/// The details of a part of a text, in order. Of what lies in it, `code` is code, and `markers` say
/// nothing.
pub(super) fn details(
    text: &str,
    part: Range<usize>,
    code: &[Range<usize>],
    markers: &[Marker],
) -> Vec<Detail> {
    let spans = code.iter().map(|span| (span, true));
    let mut spans: Vec<(&Range<usize>, bool)> =
        spans.chain(markers.iter().map(|marker| (&marker.at, false))).collect();
    spans.retain(|(span, _)| span.start >= part.start && span.end <= part.end);
    spans.sort_unstable_by_key(|(span, _)| span.start);
    let mut details = Vec::new();
    let mut at = part.start;
    for (span, is_code) in spans {
        add_details(text, at..span.start, Setting::Prose, &mut details);
        if is_code {
            let inside = text[span.clone()].trim_matches('`').trim();
            let is_alone = !inside.contains(char::is_whitespace);
            let setting = if is_alone { Setting::Alone } else { Setting::Code };
            add_details(text, span.clone(), setting, &mut details);
        }
        at = span.end;
    }
    add_details(text, at..part.end, Setting::Prose, &mut details);
    details
}

fn add_details(text: &str, part: Range<usize>, setting: Setting, details: &mut Vec<Detail>) {
    let whole = &text[part.clone()];
    let urls = urls(whole);
    for run in runs(whole) {
        let before = urls.partition_point(|url| url.end <= run.start);
        if urls.get(before).is_some_and(|url| url.start < run.end) {
            continue;
        }
        let at = |inner: Range<usize>| part.start + inner.start..part.start + inner.end;
        let word = &whole[run.clone()];
        let is_called = whole[run.end..].starts_with("()");
        if setting == Setting::Prose && (is_ordinal(whole, &run) || is_bracketed(whole, &run)) {
            continue;
        }
        if let Some(number) = number(word) {
            details.push(Detail { at: at(run), key: Key::Number(spellings(number)) });
        } else if is_identifier(word, is_called, setting) {
            let key = Key::Identifier(word.trim_start_matches('$').to_lowercase());
            details.push(Detail { at: at(run), key });
        } else {
            let mut start = run.start;
            for piece in word.split_inclusive(['-', '/', ':']) {
                let bare = piece.trim_end_matches(['-', '/', ':']);
                if let Some(number) = number(bare) {
                    let key = Key::Number(spellings(number));
                    details.push(Detail { at: at(start..start + bare.len()), key });
                }
                start += piece.len();
            }
        }
    }
}

/// Whether a run is the number of a list item: it begins its line, and a full stop or bracket and
/// a space follow.
fn is_ordinal(text: &str, run: &Range<usize>) -> bool {
    let before = text[..run.start].trim_end_matches([' ', '\t', '>', '*', '_']);
    let behind = &text[run.end..];
    text[run.clone()].bytes().all(|byte| byte.is_ascii_digit())
        && (before.is_empty() || before.ends_with('\n'))
        && (behind.starts_with(". ") || behind.starts_with(") "))
}

/// Whether a run is the number of something that only looks like a citation, such as a link `[1](…)`.
fn is_bracketed(text: &str, run: &Range<usize>) -> bool {
    text[..run.start].ends_with('[') && text[run.end..].starts_with(']')
}

/// Whether a word is written like an identifier. What may be common prose is one in code only.
fn is_identifier(word: &str, is_called: bool, setting: Setting) -> bool {
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    if letters < 2 {
        return false;
    }
    let in_code = setting != Setting::Prose;
    let is_flag = word.starts_with("--");
    let has_digit = word.chars().any(|c| c.is_ascii_digit());
    let is_kebab = word.contains('-')
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && (in_code || has_digit);
    let names: Vec<&str> = word.split(COMPOUND).filter(|name| !name.is_empty()).collect();
    let is_dotted = word.contains('.')
        && names.len() > 1
        && names.iter().all(|name| name.len() > 1)
        && (in_code || names[1..].iter().all(|n| n.starts_with(|c: char| c.is_lowercase())));
    let is_path = word.starts_with(['/', '@']) || (in_code && word.contains('/'));
    setting == Setting::Alone
        || is_flag
        || is_called
        || is_path
        || is_kebab
        || is_dotted
        || word.contains("::")
        || names.iter().any(|name| is_snake(name) || is_camel(name, in_code))
}

/// `snake_case` or `CONSTANT_CASE`.
fn is_snake(name: &str) -> bool {
    name.trim_matches('_').contains('_')
}

/// `camelCase`; in code `PascalCase` too. Names of products (`macOS`, `gRPC`, `JavaScript`) are not
/// identifiers in prose.
fn is_camel(name: &str, in_code: bool) -> bool {
    let lower = name.len() - name.trim_start_matches(|c: char| c.is_lowercase()).len();
    let behind = &name[lower..];
    let goes_on = behind.starts_with(|c: char| c.is_uppercase());
    if in_code && lower == 0 {
        let first = behind.trim_start_matches(|c: char| c.is_uppercase());
        let rest = first.trim_start_matches(|c: char| c.is_lowercase());
        return first.len() > rest.len() && rest.starts_with(|c: char| c.is_uppercase());
    }
    let hump = behind.trim_start_matches(|c: char| c.is_uppercase());
    goes_on && if in_code { lower > 0 } else { lower > 1 && hump.starts_with(char::is_lowercase) }
}

/// The digits of a number with its separators: of `v4.2.1`, `10,000`, `50%`, `64KiB`.
fn number(word: &str) -> Option<&str> {
    let word = word.trim_start_matches(['v', 'V', '$', '#']);
    let digits = digit_groups(word).next().filter(|digits| word.starts_with(digits))?;
    let unit = &word[digits.len()..];
    let is_unit = unit == "%" || (unit.len() <= 3 && unit.chars().all(char::is_alphabetic));
    is_unit.then_some(digits)
}

/// The numbers of a text: digits, with single separators between them.
fn digit_groups(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = &rest[rest.find(|c| digit(c).is_some())?..];
        let mut end = 0;
        let mut separated = false;
        for (at, c) in rest.char_indices() {
            if digit(c).is_some() {
                end = at + c.len_utf8();
                separated = false;
            } else if is_separator(c) && !separated {
                separated = true;
            } else {
                break;
            }
        }
        let (number, behind) = rest.split_at(end);
        rest = behind;
        Some(number)
    })
}

/// What groups the digits of a number or divides it: `10,000`, `4.2.1`, `10_000`, `10 000` with a
/// space that does not break.
fn is_separator(c: char) -> bool {
    matches!(c, '.' | ',' | '_' | '\u{a0}' | '\u{202f}' | '٫' | '٬')
}

/// The ways to write a number: `10,000` is 10000; `3.600` may be a version or 3600; `2.0` is 2.
fn spellings(number: &str) -> Vec<String> {
    let plain = |c: char| match c {
        '_' | '\u{a0}' | '\u{202f}' | '٬' => None,
        '٫' => Some('.'),
        c => Some(digit(c).map_or(c, |value| char::from_digit(value, 10).unwrap_or(c))),
    };
    let number: String = number.chars().filter_map(plain).collect();
    let groups = |separator: char| {
        let mut groups = number.split(separator);
        let first = groups.next().unwrap_or_default();
        let (mut count, mut are_thousands) = (0, (1..=3).contains(&first.len()));
        for group in groups {
            count += 1;
            let group = group.split('.').next().unwrap_or_default();
            are_thousands &= group.len() == 3;
        }
        count > 0 && are_thousands
    };
    let mut spellings = Vec::with_capacity(2);
    if groups(',') {
        spellings.push(number.replace(',', ""));
    } else {
        if groups('.') {
            spellings.push(number.replace('.', ""));
        }
        spellings.push(number.replace(',', "."));
    }
    for at in 0..spellings.len() {
        let mut short = spellings[at].as_str();
        while let Some(shorter) = short.strip_suffix(".0") {
            short = shorter;
        }
        if short != spellings[at] {
            spellings.push(short.to_owned());
        }
    }
    spellings
}

/// The value of a decimal digit, also of Arabic and Devanagari ones.
fn digit(c: char) -> Option<u32> {
    let of = |zero: char| u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10);
    c.to_digit(10).or_else(|| of('٠')).or_else(|| of('۰')).or_else(|| of('०'))
}

/// The number that an English word stands for.
fn value_of(word: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 24] = [
        ("zero", "0"),
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("ten", "10"),
        ("eleven", "11"),
        ("twelve", "12"),
        ("fifteen", "15"),
        ("twenty", "20"),
        ("thirty", "30"),
        ("forty", "40"),
        ("fifty", "50"),
        ("sixty", "60"),
        ("ninety", "90"),
        ("hundred", "100"),
        ("thousand", "1000"),
        ("first", "1"),
        ("second", "2"),
    ];
    let found = WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    found.map(|(_, value)| *value)
}

/// The numbers that a text says in English words; of the small ones those that are more than
/// articles.
pub(super) fn numbers_in_words(text: &str) -> impl Iterator<Item = Key> {
    let is_more = |word: &&str| {
        !["one", "first", "second"].iter().any(|article| article.eq_ignore_ascii_case(word))
    };
    let words = runs(text).into_iter().map(|run| &text[run]).filter(is_more);
    words.filter_map(|word| Some(Key::Number(vec![value_of(word)?.to_owned()])))
}

/// The longest stretches of characters that words, numbers and identifiers are made of.
fn runs(text: &str) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = None;
    let mut before = ' ';
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map_or(' ', |(_, next)| *next);
        let belongs = c.is_alphanumeric()
            || matches!(c, '_' | '$' | '-' | '.' | '/' | '@' | '%' | '#')
            || (is_separator(c) && digit(before).is_some() && digit(next).is_some())
            || (c == ':' && (before == ':' || next == ':'));
        match start {
            None if belongs => start = Some(at),
            Some(from) if !belongs => {
                runs.extend(trimmed(text, from..at));
                start = None;
            }
            _ => {}
        }
        before = c;
    }
    runs.extend(start.and_then(|from| trimmed(text, from..text.len())));
    runs
}

/// A run without what only stands at its ends; `None` when nothing is left.
fn trimmed(text: &str, run: Range<usize>) -> Option<Range<usize>> {
    let word = text[run.clone()].trim_end_matches(['.', ':', '-', '/', '#', '@', '$', '_']);
    let end = run.start + word.len();
    let mut rest = word.trim_start_matches(['.', ':', '%', '_']);
    if !rest.starts_with("--") || rest.starts_with("---") {
        rest = rest.trim_start_matches('-');
    }
    let has_any = rest.contains(|c: char| c.is_alphanumeric());
    has_any.then_some(end - rest.len()..end)
}

/// The addresses of a text, in order.
fn urls(text: &str) -> Vec<Range<usize>> {
    let mut urls: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let start = from + text[from..from + found].trim_end_matches(scheme).len();
        let ends = |c: char| c.is_whitespace() || "<>()[]\"'`|".contains(c);
        let behind = &text[from + found..];
        from += found + behind.find(ends).unwrap_or(behind.len());
        urls.push(start..from);
    }
    urls
}

#[cfg(test)]
mod tests;
