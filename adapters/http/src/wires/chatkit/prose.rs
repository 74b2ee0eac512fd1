//! The text of an answer without the numbers by which it cites, made while it is told: `ChatKit`
//! puts marks of its own where annotations stand.

use std::ops::Range;

use askbook::event::{ChatEvent, Citation};

use super::super::links::{Marker, is_gap};
use super::item::{Annotation, Source};

/// An answer as far as it was told.
///
/// The core tells the sentence that a citation stands in, and then the citation; so what is held
/// back, from the first citation of a piece on, is held until the next event that is none.
#[derive(Debug)]
pub(super) struct Prose {
    /// The site that addresses are of.
    site: Option<String>,
    /// What the core has told.
    text: String,
    /// Up to where it was taken over.
    taken: usize,
    /// What was left out of it.
    cuts: Vec<Range<usize>>,
    /// The citations in what was not taken over yet.
    citations: Vec<(usize, Range<usize>, Source)>,
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
            text: String::new(),
            taken: 0,
            cuts: Vec::new(),
            citations: Vec::new(),
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
            ChatEvent::Citation(Citation { number, passage, quote, supports }) => {
                let source = Source::new(passage, quote, self.site());
                self.citations.push((*number, supports.clone(), source));
                Piece::default()
            }
            ChatEvent::Delta(text) => {
                let mut piece = self.rest();
                let begun = self.text.len();
                self.text.push_str(text);
                let marker = |at: &usize| Marker::at(&self.text[*at..]).is_some();
                let mut held = self.text[begun..].match_indices('[').map(|(at, _)| begun + at);
                let end = held.find(marker).unwrap_or(self.text.len());
                // The space before a citation goes with it.
                let end = self.taken + self.text[self.taken..end].trim_end_matches(' ').len();
                piece.text += &self.take(end);
                piece
            }
            _ => self.rest(),
        }
    }

    /// What was held back, and the annotations in it.
    fn rest(&mut self) -> Piece {
        let text = self.take(self.text.len());
        let mut annotations: Vec<Annotation> = Vec::new();
        for (_, supports, source) in std::mem::take(&mut self.citations) {
            let annotation = Annotation { source, index: self.index(supports.end) };
            if !annotations.contains(&annotation) {
                annotations.push(annotation);
            }
        }
        Piece { text, annotations }
    }

    fn take(&mut self, end: usize) -> String {
        let begun = self.shown.len();
        while self.taken < end {
            let rest = &self.text[self.taken..end];
            let before = rest.find('[').unwrap_or(rest.len());
            let at = self.taken + before;
            let marker = Marker::at(&self.text[at..end]).filter(|marker| self.cites(at, marker));
            let Some(marker) = marker else {
                let plain = &rest[..(before + 1).min(rest.len())];
                self.shown.push_str(plain);
                self.taken += plain.len();
                continue;
            };
            let plain = rest[..before].trim_end_matches(' ');
            self.shown.push_str(plain);
            let cut = self.taken + plain.len()..at + marker.length;
            self.taken = cut.end;
            self.cuts.push(cut);
        }
        self.shown[begun..].to_owned()
    }

    /// Whether a marker here is a citation, and not for example an index in code.
    fn cites(&self, at: usize, marker: &Marker) -> bool {
        marker.numbers.iter().all(|number| {
            self.citations.iter().any(|(cited, claim, _)| {
                cited == number && self.text.get(claim.end..at).is_some_and(is_gap)
            })
        })
    }

    /// The place in what is shown that this end of a claim is, in UTF-16 code units.
    fn index(&self, place: usize) -> usize {
        let split = self.text.split_at_checked(place.min(self.taken));
        let (claim, behind) = split.unwrap_or((&self.text, ""));
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
