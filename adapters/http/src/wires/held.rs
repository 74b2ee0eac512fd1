//! The text of an answer, taken apart at its citations while it is told.
//!
//! The core tells the sentence that a citation stands in, and then the citation; so what is held
//! back, from the first citation of a piece on, is held until the next event that is none.

use std::ops::Range;

use askbook::event::Citation;

/// What was told of an answer, and what of it is held back.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// What the core has told.
    text: String,
    /// Up to where it was handed on.
    told: usize,
    /// The citations in what was not: number and claim.
    citations: Vec<(usize, Range<usize>)>,
}

/// A part of the text that can be shown now.
#[derive(Debug)]
pub(super) enum Part {
    /// Never empty.
    Words(String),
    /// One that was checked, or several in one marker.
    Citation { written: String, numbers: Vec<usize> },
}

impl Held {
    /// All that was told.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes a citation in.
    pub(super) fn cite(&mut self, citation: &Citation) {
        self.citations.push((citation.number, citation.supports.clone()));
    }

    /// Takes a piece of the text in. Gives what was held back, and what stands before the first
    /// citation of the piece.
    pub(super) fn add(&mut self, text: &str) -> Vec<Part> {
        let mut parts = self.rest();
        let begun = self.text.len();
        self.text.push_str(text);
        let is_marker = |at: &usize| Marker::at(&self.text[*at..]).is_some();
        let mut brackets = text.match_indices('[').map(|(at, _)| begun + at);
        let end = brackets.find(is_marker).unwrap_or(self.text.len());
        self.words(end, &mut parts);
        parts
    }

    /// What was held back.
    pub(super) fn rest(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut from = self.told;
        while let Some(at) = self.text[from..].find('[').map(|at| from + at) {
            let marker = Marker::at(&self.text[at..]).filter(|marker| self.is_cited(at, marker));
            let Some(Marker { length, numbers }) = marker else {
                from = at + 1;
                continue;
            };
            self.words(at, &mut parts);
            from = at + length;
            self.told = from;
            parts.push(Part::Citation { written: self.text[at..from].to_owned(), numbers });
        }
        self.words(self.text.len(), &mut parts);
        self.citations.clear();
        parts
    }

    /// Hands on what stands before this place.
    fn words(&mut self, end: usize, parts: &mut Vec<Part>) {
        if self.told < end {
            parts.push(Part::Words(self.text[self.told..end].to_owned()));
            self.told = end;
        }
    }

    /// Whether a marker here is a citation, and not for example an index in code.
    fn is_cited(&self, at: usize, marker: &Marker) -> bool {
        marker.numbers.iter().all(|number| {
            self.citations.iter().any(|(cited, claim)| {
                cited == number && self.text.get(claim.end..at).is_some_and(is_gap)
            })
        })
    }
}

/// Whether this may stand between a claim and a citation of it: other citations, and what has no
/// words.
fn is_gap(text: &str) -> bool {
    !text.contains(|c: char| c.is_alphabetic() || c == '`')
}

/// `[2]` or `[1, 3]` at the beginning of a text.
pub(super) struct Marker {
    /// In bytes.
    pub(super) length: usize,
    numbers: Vec<usize>,
}

impl Marker {
    pub(super) fn at(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('[')?;
        let end = inside.find(|c: char| !c.is_ascii_digit() && !", ".contains(c))?;
        let inside = inside[end..].starts_with(']').then_some(&inside[..end])?;
        let number = |number: &str| number.trim().parse().ok();
        let numbers = inside.split(',').map(number).collect::<Option<_>>()?;
        Some(Self { length: inside.len() + 2, numbers })
    }
}
