//! The text of an answer without the numbers by which it cites, made while it is told: `ChatKit`
//! puts marks of its own where annotations stand.

use std::ops::Range;

use askbook::event::{ChatEvent, Citation};

use super::super::held::{Held, Part};
use super::item::{Annotation, Source};

/// An answer as far as it was told.
#[derive(Debug)]
pub(super) struct Prose {
    /// The site that addresses are of.
    site: Option<String>,
    held: Held,
    /// The citations in what is held back: where their claims end, and of what they are.
    citations: Vec<(usize, Source)>,
    /// How much was taken over of what the core has told, in bytes.
    taken: usize,
    /// What was left out of it.
    cuts: Vec<Range<usize>>,
    /// How many spaces at its end are not shown yet: those before a citation go with it.
    spaces: usize,
    /// What is shown.
    shown: String,
}

/// What can be shown now.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) annotations: Vec<Annotation>,
}

impl Prose {
    pub(super) fn new(site: Option<String>) -> Self {
        Self {
            site,
            held: Held::default(),
            citations: Vec::new(),
            taken: 0,
            cuts: Vec::new(),
            spaces: 0,
            shown: String::new(),
        }
    }

    /// All that was shown.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The site that addresses are of.
    pub(super) fn site(&self) -> Option<&str> {
        self.site.as_deref()
    }

    /// Takes a step of the chat in.
    pub(super) fn see(&mut self, event: &ChatEvent) -> Piece {
        match event {
            ChatEvent::Citation(citation) => {
                let Citation { passage, quote, supports, .. } = citation;
                let source = Source::new(passage, quote, self.site());
                self.citations.push((supports.end, source));
                self.held.cite(citation);
                Piece::default()
            }
            ChatEvent::Delta(text) => {
                let mut piece = self.rest();
                let begun = self.shown.len();
                let parts = self.held.add(text);
                self.take(parts);
                piece.text += &self.shown[begun..];
                piece
            }
            _ => self.rest(),
        }
    }

    /// What was held back, and the annotations in it.
    fn rest(&mut self) -> Piece {
        let begun = self.shown.len();
        let parts = self.held.rest();
        self.take(parts);
        self.space();
        let mut annotations: Vec<Annotation> = Vec::new();
        for (end, source) in std::mem::take(&mut self.citations) {
            let annotation = Annotation { source, index: self.index(end) };
            if !annotations.contains(&annotation) {
                annotations.push(annotation);
            }
        }
        Piece { text: self.shown[begun..].to_owned(), annotations }
    }

    fn take(&mut self, parts: Vec<Part>) {
        for part in parts {
            match part {
                Part::Words(words) => {
                    self.space();
                    let seen = words.trim_end_matches(' ');
                    self.shown.push_str(seen);
                    self.spaces = words.len() - seen.len();
                    self.taken += words.len();
                }
                Part::Citation { written, .. } => {
                    let begin = self.taken - std::mem::take(&mut self.spaces);
                    self.taken += written.len();
                    self.cuts.push(begin..self.taken);
                }
            }
        }
    }

    /// Shows the spaces that were not shown yet.
    fn space(&mut self) {
        self.shown.extend(std::iter::repeat_n(' ', std::mem::take(&mut self.spaces)));
    }

    /// The place in what is shown that this end of a claim is, in UTF-16 code units.
    fn index(&self, place: usize) -> usize {
        let text = self.held.text();
        let (claim, behind) = text.split_at_checked(place).unwrap_or((text, ""));
        let is_block = ["```", "~~~"].iter().any(|fence| claim.ends_with(fence));
        // Anything in the line of a fence is a part of it.
        let lines = if is_block { behind.len() - behind.trim_start_matches('\n').len() } else { 0 };
        let place = place + lines;
        let before = |cut: &Range<usize>| cut.end.min(place).saturating_sub(cut.start);
        let cut: usize = self.cuts.iter().map(before).sum();
        let end = place.saturating_sub(cut).min(self.shown.len());
        let shown = self.shown.char_indices().take_while(|(at, _)| *at < end);
        shown.map(|(_, c)| c.len_utf16()).sum()
    }
}

#[cfg(test)]
mod tests {
    use askbook::passage::{Passage, PassageId};

    use super::*;

    fn delta(text: &str) -> ChatEvent {
        ChatEvent::Delta(text.to_owned())
    }

    /// A citation of this claim.
    fn cited(text: &str, claim: &str, number: usize) -> ChatEvent {
        let at = text.find(claim).unwrap();
        let passage = Passage {
            id: PassageId(number.to_string()),
            title: String::new(),
            headings: Vec::new(),
            url: Some(format!("/{number}")),
            text: String::new(),
            edition: None,
        };
        let supports = at..at + claim.len();
        ChatEvent::Citation(Citation { number, passage, quote: String::new(), supports })
    }

    /// What is shown after each of these events and the end, and where annotations stand.
    fn shown(events: &[ChatEvent]) -> (Vec<String>, Vec<(String, usize)>) {
        let mut prose = Prose::new(None);
        let end = ChatEvent::Sources(Vec::new());
        let mut pieces = Vec::new();
        let mut places = Vec::new();
        for event in events.iter().chain([&end]) {
            let Piece { text, annotations } = prose.see(event);
            pieces.push(text);
            for Annotation { source, index } in annotations {
                let Source::Url { url, .. } = source else { panic!("{source:?}") };
                places.push((url, index));
            }
        }
        assert_eq!(pieces.concat(), prose.shown());
        (pieces, places)
    }

    #[test]
    fn a_citation_becomes_an_annotation_at_the_end_of_its_claim() {
        let text = "Grün 😀 ist offen [1].";
        let events = [delta(text), cited(text, "Grün 😀 ist offen", 1), delta(" Rot.")];
        let (shown, places) = shown(&events);
        assert_eq!(shown, ["Grün 😀 ist offen", "", ". Rot.", ""]);
        // As JavaScript counts.
        assert_eq!(places, [("/1".to_owned(), 17)]);
    }

    #[test]
    fn citations_side_by_side_stand_at_one_place() {
        let text = "A, it says. [1][2, 3] B.";
        let claim = "A, it says.";
        let events =
            [delta(text), cited(text, claim, 1), cited(text, claim, 2), cited(text, claim, 3)];
        let (shown, places) = shown(&events);
        assert_eq!(shown.concat(), "A, it says. B.");
        let expected = [("/1", 11), ("/2", 11), ("/3", 11)];
        assert_eq!(places, expected.map(|(url, index)| (url.to_owned(), index)));
    }

    #[test]
    fn what_is_no_citation_stays_as_it_is() {
        let text = "Take `row[1]` first [1], then `row[2]` [2]. See [x] and [3].";
        let first = "Take `row[1]` first";
        let second = ", then `row[2]`";
        let events = [delta(text), cited(text, first, 1), cited(text, second, 2)];
        let (shown, places) = shown(&events);
        assert_eq!(shown.concat(), "Take `row[1]` first, then `row[2]`. See [x] and [3].");
        assert_eq!(places, [("/1".to_owned(), 19), ("/2".to_owned(), 34)]);
    }

    #[test]
    fn a_citation_of_an_earlier_sentence_stands_there() {
        let first = "It is so. [1]\n";
        let second = format!("{first}[2]");
        let events = [
            delta(first),
            cited(first, "It is so.", 1),
            delta("[2]"),
            cited(&second, "It is so.", 2),
        ];
        let (shown, places) = shown(&events);
        assert_eq!(shown.concat(), "It is so.\n");
        assert_eq!(places, [("/1".to_owned(), 9), ("/2".to_owned(), 9)]);
    }

    #[test]
    fn a_citation_of_a_block_of_code_stands_below_it() {
        let text = "```sh\naskbook\n```\n\n[1]\n\nMore.";
        let events = [delta(text), cited(text, "```sh\naskbook\n```", 1)];
        let (shown, places) = shown(&events);
        assert_eq!(shown.concat(), "```sh\naskbook\n```\n\n\n\nMore.");
        assert_eq!(places, [("/1".to_owned(), 19)]);
    }

    #[test]
    fn one_source_at_one_place_is_one_annotation() {
        let text = "It is so [1][1].";
        let events = [delta(text), cited(text, "It is so", 1), cited(text, "It is so", 1)];
        assert_eq!(shown(&events).1, [("/1".to_owned(), 8)]);
    }
}
