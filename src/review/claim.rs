//! Claims: where the sentences of an answer end while it is written, and what of them a citation
//! is for.

use std::ops::Range;

/// What is longer is no sentence, in bytes: what is held while it is written has a bound.
const LONGEST: usize = 4_000;

/// Finds the ends of sentences, also rows, list items and lines, character by character. None ends
/// inside code; citations right behind a full stop or on the next line belong to the sentence
/// before them, and a line that goes on in lower case or with a span of code ends none.
#[derive(Clone, Debug, Default)]
pub(super) struct Sentences {
    stop: Option<Stop>,
}

/// A mark that may have ended a sentence; what follows tells.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    /// Nothing but closing marks came behind it.
    Bare,
    /// A space came behind it.
    Spaced,
    /// A citation came behind it.
    Cited,
    /// It is the end of a line...
    Line,
    /// ...behind one of the others.
    StoppedLine,
}

impl Sentences {
    /// Whether a sentence ends before this character of text. `sentence` is what was read of it.
    pub(super) fn end_before(&mut self, c: char, sentence: &str) -> bool {
        let is_long = sentence.len() >= LONGEST && c.is_whitespace();
        if is_long || sentence.len() >= 2 * LONGEST {
            self.stop = None;
            return true;
        }
        if c == '\n' && sentence.ends_with('\r') {
            return false;
        }
        if matches!(c, '\n' | '\r') {
            let ends = matches!(self.stop, Some(Stop::Line | Stop::StoppedLine | Stop::Cited));
            self.stop = Some(self.stop.map_or(Stop::Line, |_| Stop::StoppedLine));
            return ends;
        }
        if let Some(stop) = self.stop {
            let is_line = matches!(stop, Stop::Line | Stop::StoppedLine);
            if c.is_whitespace() && !is_line {
                if stop == Stop::Bare {
                    self.stop = Some(Stop::Spaced);
                }
                return false;
            }
            let closes = "*_)]\"'»”’.!?".contains(c) && matches!(stop, Stop::Bare | Stop::Cited);
            if closes {
                return false;
            }
            self.stop = None;
            let ends = match stop {
                Stop::Bare => false,
                Stop::Spaced | Stop::Line => !c.is_lowercase(),
                Stop::StoppedLine => true,
                Stop::Cited => !matches!(c, ',' | ';' | ':'),
            };
            if ends {
                return true;
            }
        }
        if matches!(c, '.' | '!' | '?' | '…' | '؟' | '۔' | '।') && !is_abbreviation(c, sentence)
        {
            self.stop = Some(Stop::Bare);
        } else if matches!(c, '。' | '！' | '？') {
            self.stop = Some(Stop::Spaced);
        }
        false
    }

    /// Whether a sentence ends before this code.
    pub(super) fn end_before_code(&mut self, code: &str) -> bool {
        let is_block = code.starts_with("```") || code.starts_with("~~~");
        self.stop.take().is_some_and(|stop| match stop {
            Stop::Bare => false,
            Stop::Line => is_block,
            Stop::Spaced | Stop::Cited | Stop::StoppedLine => true,
        })
    }

    /// Whether a sentence ends before a citation: no, or it is too long to be one.
    pub(super) fn end_before_citation(&mut self, sentence: &str) -> bool {
        if self.stop.is_some() {
            self.stop = Some(Stop::Cited);
        }
        sentence.len() >= LONGEST
    }
}

/// Whether a full stop behind this belongs to an abbreviation (`e.g.`, `z. B.`) or to the number of
/// a list item.
fn is_abbreviation(stop: char, sentence: &str) -> bool {
    const ABBREVIATIONS: [&str; 8] = ["e.g", "i.e", "etc", "vs", "cf", "approx", "bzw", "usw"];
    if stop != '.' {
        return false;
    }
    let mut last = sentence.chars().rev();
    let is_letter = last.next().is_some_and(char::is_alphabetic)
        && last.next().is_none_or(|c| !c.is_alphanumeric() && c != '`');
    let sentence = &sentence[sentence.floor_char_boundary(sentence.len().saturating_sub(20))..];
    let word = sentence.rsplit([' ', '(']).next().unwrap_or_default();
    is_letter
        || ABBREVIATIONS.contains(&word)
        || sentence.trim_start().bytes().all(|byte| byte.is_ascii_digit())
}

/// A claim without the marks around it: of a list item, a row, a sentence before.
pub(super) fn trimmed(text: &str, claim: Range<usize>) -> Range<usize> {
    let mut start = claim.start;
    let end = claim.start + text[claim].trim_end().len();
    loop {
        let rest = &text[start..end];
        let bare = rest.trim_start_matches(|c: char| c.is_whitespace() || ",;:.|>".contains(c));
        let digits = bare.trim_start_matches(|c: char| c.is_ascii_digit());
        let body = match digits.strip_prefix(['.', ')']) {
            Some(body) if digits.len() < bare.len() => body,
            _ => bare.trim_start_matches(['-', '*', '+', '–', '—', '#']),
        };
        let next = if body.starts_with(' ') { body } else { bare };
        if next.len() == rest.len() {
            return start..end;
        }
        start = end - next.len();
    }
}

/// Whether a text says anything.
pub(super) fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests;
