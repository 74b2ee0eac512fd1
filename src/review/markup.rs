//! Markup: what a text can do to the page that shows it, taken out while it is written.
//!
//! The page may render Markdown with any renderer and let HTML through. So outside of code no
//! `<` may begin a tag, nothing is an image, and a link leads where a passage does, verbatim, or
//! nowhere. Renderers differ in what they read, therefore
//!
//! * what is dangerous is broken up where it stands, whatever stands around it, and nothing is
//!   trusted to be harmless because of its place, but for code;
//! * code is what every renderer takes for code: fences by [`block`], and spans on one line of a
//!   paragraph in which nothing came before that could pair back-ticks in another way.
//!
//! What is shown does not depend on where the pieces are cut: each rule looks at the text that
//! follows, up to [`AHEAD`] bytes, and waits until it has seen enough of it.

mod address;
mod block;
mod construct;
mod leak;
mod link;

use std::sync::Arc;

use super::reading::Reading;
use crate::session::MessageId;
use address::Addresses;
pub(super) use address::addresses;
use block::{Blocks, Fence, Inside, Line};
use leak::Leaks;

/// How much of a text is held at most to judge its beginning, in bytes.
const AHEAD: usize = 2_000;
/// What of a longer word stays to be judged with what follows.
const OVERLAP: usize = 200;
/// Stands where an address was.
const GONE: &str = "…";

/// A stretch of a text that can be shown safely, as far as markup goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Markdown outside of code.
    Text(String),
    /// Code with its back-ticks or fences, or a part of it.
    Code(String),
    /// A citation: `[2]` or `[1, 3]`, as it stands in the text, and its numbers.
    Marker {
        /// The characters.
        text: String,
        /// The numbers in them, as written.
        numbers: Vec<usize>,
    },
}

/// Takes a text in piece by piece.
#[derive(Clone, Debug)]
pub(super) struct Markup {
    leaks: Leaks,
    addresses: Addresses,
    ahead: Ahead,
    place: Place,
    blocks: Blocks,
    paragraph: Paragraph,
    /// Links that are open on this line: `[` without `]`.
    open: usize,
    /// Whether the last `]` closed one of them.
    closed: bool,
    /// Whether a reference definition, or what would be an image by one, was let through: never
    /// both.
    has_definition: bool,
    has_image: bool,
    /// The last character that was shown.
    last: char,
    pieces: Vec<Piece>,
}

/// The text that is not judged yet.
#[derive(Clone, Debug, Default)]
struct Ahead {
    text: String,
    /// Whether there will be no more.
    is_all: bool,
    /// How much of it is known to hold no address.
    clean: usize,
    /// What has to be seen before it is worth looking again.
    waits_for: Option<fn(char) -> bool>,
}

#[derive(Clone, Debug)]
enum Place {
    LineStart,
    Text,
    CodeStart(Fence),
    Code(Fence),
}

/// What is known of a paragraph so far. It ends at an empty line at the latest; where it ends
/// before, more is doubted than need be.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
struct Paragraph {
    /// Whether a back-tick may pair with a later one in a way that is not known.
    stray: bool,
    tilde: bool,
    /// `[` without `]`.
    open: usize,
    /// Whether a line began with `[`.
    label: bool,
    table: bool,
    /// Whether the line so far could be the one below a table's head.
    delimiter: Option<bool>,
}

/// What a rule does with the text that follows.
enum Step {
    /// This many bytes of it are done with.
    Taken(usize),
    /// More has to be seen: at least a character like this.
    Wait(fn(char) -> bool),
}

impl Markup {
    pub(super) fn new(mark: MessageId, passages: Vec<Arc<Reading>>) -> Self {
        Self {
            leaks: Leaks::new(mark),
            addresses: Addresses::of(passages),
            ahead: Ahead::default(),
            place: Place::LineStart,
            blocks: Blocks::default(),
            paragraph: Paragraph::default(),
            open: 0,
            closed: false,
            has_definition: false,
            has_image: false,
            last: '\n',
            pieces: Vec::new(),
        }
    }

    /// Takes the next piece in. Gives what is safe and cannot change any more.
    pub(super) fn add(&mut self, piece: &str) -> Vec<Piece> {
        let before = self.ahead.text.len();
        self.leaks.pass(piece, &mut self.ahead.text);
        self.judge(before);
        std::mem::take(&mut self.pieces)
    }

    /// Ends the text. Gives the rest.
    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.leaks.finish(&mut self.ahead.text);
        self.ahead.is_all = true;
        self.judge(0);
        self.pieces
    }

    /// Applies the rules for as long as enough is seen; `news` is where the new text begins.
    fn judge(&mut self, news: usize) {
        let mut ahead = std::mem::take(&mut self.ahead);
        if let Some(waits_for) = ahead.waits_for {
            let enough = ahead.is_all || ahead.text.len() >= AHEAD;
            if !enough && !ahead.text[news..].contains(waits_for) {
                self.ahead = ahead;
                return;
            }
        }
        ahead.waits_for = None;
        let mut at = 0;
        while at < ahead.text.len() {
            let rest = &ahead.text[at..];
            let seen = &rest[..rest.floor_char_boundary(AHEAD)];
            let whole = ahead.is_all || rest.len() >= AHEAD;
            let last = ahead.is_all && seen.len() == rest.len();
            match self.step(seen, whole, last, &mut ahead.clean) {
                Step::Taken(length) => {
                    at += length;
                    ahead.clean = ahead.clean.saturating_sub(length);
                }
                Step::Wait(waits_for) => {
                    ahead.waits_for = Some(waits_for);
                    break;
                }
            }
        }
        ahead.text.drain(..at);
        self.ahead = ahead;
    }

    fn step(&mut self, seen: &str, whole: bool, last: bool, clean: &mut usize) -> Step {
        match &self.place {
            Place::LineStart => self.line_start(seen, whole, last),
            Place::CodeStart(fence) => match fence.line(seen, whole, last) {
                None => Step::Wait(|_| true),
                Some(Inside::Code) => {
                    self.enter_code();
                    Step::Taken(0)
                }
                Some(Inside::Close) => {
                    let end = seen.find(['\n', '\r']).unwrap_or(seen.len());
                    self.code(&seen[..end]);
                    self.place = Place::Text;
                    self.paragraph = Paragraph::default();
                    Step::Taken(end)
                }
                Some(Inside::Over) => {
                    self.doubt();
                    Step::Taken(0)
                }
            },
            Place::Code(_) => self.inside_code(seen, whole, clean),
            Place::Text => self.inside_text(seen, whole, last, clean),
        }
    }

    /// Takes nothing for code that is not sure to be: no fence any more, and no span in this
    /// paragraph.
    fn doubt(&mut self) {
        self.blocks.doubt();
        self.paragraph.stray = true;
        self.place = Place::LineStart;
    }

    fn enter_code(&mut self) {
        if let Place::CodeStart(fence) = std::mem::replace(&mut self.place, Place::Text) {
            self.place = Place::Code(fence);
        }
    }

    fn line_start(&mut self, seen: &str, whole: bool, last: bool) -> Step {
        self.open = 0;
        match self.blocks.line(seen, whole, last) {
            None => Step::Wait(|_| true),
            Some(Line::Blank) => {
                self.paragraph = Paragraph::default();
                self.place = Place::Text;
                Step::Taken(0)
            }
            Some(Line::Text(prefix)) => {
                self.text(&seen[..prefix]);
                self.paragraph.delimiter = None;
                self.delimits(&seen[..prefix]);
                self.paragraph.label |= seen[prefix..].starts_with('[');
                self.place = Place::Text;
                Step::Taken(prefix)
            }
            Some(Line::Fence(prefix, fence)) => {
                let end = prefix + seen[prefix..].find(['\n', '\r']).unwrap_or(seen.len() - prefix);
                self.text(&seen[..prefix]);
                let line = self.safe_code(&seen[prefix..end]);
                self.code(&line);
                self.place = Place::Code(fence);
                Step::Taken(end)
            }
        }
    }

    /// Inside of a fence, or of its line: words that may be addresses, line ends, everything else.
    fn inside_code(&mut self, seen: &str, whole: bool, clean: &mut usize) -> Step {
        let Some(first) = seen.chars().next() else { return Step::Wait(|_| true) };
        if matches!(first, '\n' | '\r') {
            let Some(end) = line_end(seen, whole) else { return Step::Wait(|_| true) };
            self.code(&seen[..end]);
            if is_return(&seen[..end]) {
                self.doubt();
                return Step::Taken(end);
            }
            if let Place::Code(fence) = std::mem::replace(&mut self.place, Place::Text) {
                self.place = Place::CodeStart(fence);
            }
            return Step::Taken(end);
        }
        if first.is_ascii_graphic() && *clean == 0 {
            let Some(word) = word(seen, whole, |c| !c.is_ascii_graphic()) else {
                return Step::Wait(|c| !c.is_ascii_graphic());
            };
            match address::find_in_code(word) {
                Some((0, end)) => {
                    let address = self.safe_code(&word[..end]);
                    self.code(&address);
                    return Step::Taken(end);
                }
                Some((start, _)) => *clean = start,
                None => *clean = clean_part(seen, word),
            }
        }
        let end = plain_end(seen, *clean, |c| matches!(c, '\n' | '\r'));
        self.code(&seen[..end]);
        Step::Taken(end)
    }

    /// Code with the addresses taken out that no passage has and that lead somewhere.
    fn safe_code(&self, code: &str) -> String {
        let mut safe = String::with_capacity(code.len());
        for word in code.split_inclusive(|c: char| !c.is_ascii_graphic()) {
            let mut rest = word;
            while let Some((start, end)) =
                address::find_in_code(rest.trim_end_matches(|c: char| !c.is_ascii_graphic()))
            {
                let address = &rest[start..end];
                safe += &rest[..start];
                let stays = address::leads_nowhere(address) || self.addresses.allows_bare(address);
                safe += if stays { address } else { GONE };
                rest = &rest[end..];
            }
            safe += rest;
        }
        safe
    }

    fn text(&mut self, shown: &str) {
        self.note(shown);
        match self.pieces.last_mut() {
            _ if shown.is_empty() => {}
            Some(Piece::Text(text)) => text.push_str(shown),
            _ => self.pieces.push(Piece::Text(shown.to_owned())),
        }
    }

    fn code(&mut self, shown: &str) {
        self.note(shown);
        match self.pieces.last_mut() {
            _ if shown.is_empty() => {}
            Some(Piece::Code(text)) => text.push_str(shown),
            _ => self.pieces.push(Piece::Code(shown.to_owned())),
        }
    }

    fn note(&mut self, shown: &str) {
        self.last = shown.chars().next_back().unwrap_or(self.last);
    }
}

/// Whether an address may have its telling characters in a word of such.
fn is_of_word(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '`' | '<')
}

/// The word that begins here. `None`: it may go on.
fn word(seen: &str, whole: bool, ends: fn(char) -> bool) -> Option<&str> {
    match seen.find(ends) {
        Some(end) => Some(&seen[..end]),
        None => whole.then_some(seen),
    }
}

/// How much of a word without an address has none whatever follows.
fn clean_part(seen: &str, word: &str) -> usize {
    if word.len() == seen.len() && word.len() > 2 * OVERLAP {
        word.len() - OVERLAP
    } else {
        word.len()
    }
}

/// Where this character and the plain ones after it end, before one that begins a word.
fn plain_end(seen: &str, clean: usize, is_special: fn(char) -> bool) -> usize {
    seen.char_indices()
        .skip(1)
        .find(|(at, c)| is_special(*c) || (*at >= clean && c.is_ascii_graphic()))
        .map_or(seen.len(), |(at, _)| at)
}

/// The length of the line end that is here. `None`: a line feed may follow.
fn line_end(text: &str, whole: bool) -> Option<usize> {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => Some(2),
        [b'\r'] if !whole => None,
        _ => Some(1),
    }
}

/// Whether this line end is a lone carriage return: not every renderer takes it for one.
fn is_return(line_end: &str) -> bool {
    line_end == "\r"
}

#[cfg(test)]
mod tests;
