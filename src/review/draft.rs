//! The draft: an answer while it is written, as far as its claims are judged.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::citation::{Marker, groups, shortened};
use super::claim::{Sentences, has_words, trimmed};
use super::detail::{Detail, Key, details};
use super::language::Language;
use super::markup::Piece;
use super::reading::Reading;
use super::support::{Kind, Said, Support, Weights};
use super::{Checked, Reviewed};
use crate::answer::{Source, Unsupported};
use crate::event::Citation;
use crate::passage::Hit;
use crate::prompt::Prompt;

/// A text so far.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    hits: Vec<Hit>,
    asked: String,
    support: Support,
    text: String,
    /// Up to where it was handed on.
    shown: usize,
    /// Behind its last character that is no white space.
    solid: usize,
    sentences: Sentences,
    /// Where the sentence begins that is being written...
    start: usize,
    /// ...the citations in it...
    markers: Vec<Marker>,
    /// ...and the code.
    code: Vec<Range<usize>>,
    before: Before,
    language: Language,
    /// The passages that supported claims cite, in the order of first citation.
    cited: Vec<Cited>,
    unsupported: Vec<Unsupported>,
    /// What is among the unsupported.
    flagged: HashSet<Key>,
}

/// The last sentence that says something.
#[derive(Clone, Debug, Default)]
struct Before {
    at: Range<usize>,
    text: String,
    details: Vec<Detail>,
    /// Whether it has citations of its own.
    is_cited: bool,
}

/// A passage that is cited.
#[derive(Clone, Debug)]
struct Cited {
    number: usize,
    /// The claims that it supports...
    supports: Vec<Range<usize>>,
    /// ...and what they [share](Support::shared) with it, each once.
    shared: Vec<usize>,
}

/// The citations that stand side by side, and what they are for.
struct Claim {
    /// Without the citations. Empty where they stand alone.
    at: Range<usize>,
    /// What was compared with the passages.
    said: Said,
    /// The numbers that are cited with reason.
    numbers: Vec<usize>,
}

impl Draft {
    pub(super) fn new(prompt: &Prompt, passages: Vec<Arc<Reading>>) -> Self {
        let support = Support::new(passages);
        let mut language = Language::default();
        language.read(prompt.question.text(), &support);
        Self {
            hits: prompt.passages.clone(),
            asked: prompt.asked().to_owned(),
            support,
            text: String::new(),
            shown: 0,
            solid: 0,
            sentences: Sentences::default(),
            start: 0,
            markers: Vec::new(),
            code: Vec::new(),
            before: Before::default(),
            language,
            cited: Vec::new(),
            unsupported: Vec::new(),
            flagged: HashSet::new(),
        }
    }

    /// Takes the next pieces in. Gives what can be shown now.
    pub(super) fn add(&mut self, pieces: Vec<Piece>) -> Vec<Reviewed> {
        let mut reviewed = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.add_text(&text, &mut reviewed),
                Piece::Code(code) => self.add_code(&code, &mut reviewed),
                Piece::Marker { text, numbers } => {
                    if self.sentences.end_before_citation(&self.text[self.start..]) {
                        self.end_sentence(&mut reviewed);
                    }
                    let start = self.text.len();
                    self.push(&text);
                    self.markers.push(Marker { at: start..self.text.len(), numbers });
                }
            }
        }
        self.show(&mut reviewed);
        reviewed
    }

    /// Ends the text. Gives what was still held, and the checked text unless nothing supports it.
    pub(super) fn finish(mut self) -> (Vec<Reviewed>, Option<Checked>) {
        let mut reviewed = Vec::new();
        self.end_sentence(&mut reviewed);
        if self.cited.is_empty() {
            return (Vec::new(), None);
        }
        let space = self.text[self.shown..].to_owned();
        if !space.is_empty() {
            reviewed.push(Reviewed::Text(space));
        }
        let source = |Cited { number, supports, shared }| {
            let hit = &self.hits[number - 1];
            Source {
                number,
                passage: hit.passage.clone(),
                quote: shortened(self.support.best_quote(number, &shared)),
                supports,
                scores: hit.scores,
            }
        };
        let sources = self.cited.into_iter().map(source).collect();
        let checked = Checked { text: self.text, sources, unsupported: self.unsupported };
        (reviewed, Some(checked))
    }

    fn add_text(&mut self, text: &str, reviewed: &mut Vec<Reviewed>) {
        let mut buffer = [0; 4];
        for c in text.chars() {
            if self.sentences.end_before(c, &self.text[self.start..]) {
                self.end_sentence(reviewed);
            }
            self.push(c.encode_utf8(&mut buffer));
        }
    }

    fn add_code(&mut self, code: &str, reviewed: &mut Vec<Reviewed>) {
        let start = self.text.len();
        if let Some(last) = self.code.last_mut().filter(|last| last.end == start) {
            last.end += code.len();
            self.push(code);
            return;
        }
        if self.sentences.end_before_code(code) {
            self.end_sentence(reviewed);
        }
        let start = self.text.len();
        self.push(code);
        self.code.push(start..self.text.len());
    }

    fn push(&mut self, text: &str) {
        let solid = text.trim_end().len();
        if solid > 0 {
            self.solid = self.text.len() + solid;
        }
        self.text.push_str(text);
    }

    /// Hands on what cannot change any more: up to the first citation that is not judged yet, and
    /// no white space that may have to go with it.
    fn show(&mut self, reviewed: &mut Vec<Reviewed>) {
        let end = match self.markers.first() {
            Some(marker) => self.text[..marker.at.start].trim_end().len(),
            None => self.solid,
        };
        if !self.cited.is_empty() && end > self.shown {
            reviewed.push(Reviewed::Text(self.text[self.shown..end].to_owned()));
            self.shown = end;
        }
    }

    /// Judges the sentence that has been written, and begins the next one.
    fn end_sentence(&mut self, reviewed: &mut Vec<Reviewed>) {
        let plain = self.plain();
        self.language.read(&plain.prose, &self.support);
        let mut details = self.details();
        let mut claims = self.judge(&plain.text, &details);
        if self.drop_citations(&mut claims) {
            details = self.details();
        }
        self.flag(&details);
        if has_words(&plain.text) {
            let at = trimmed(&self.text, self.sentence());
            let is_cited = !claims.is_empty();
            self.before = Before { at, text: plain.text, details, is_cited };
        }
        self.markers.clear();
        self.code.clear();
        self.start = self.text.len();
        let mut citations = Vec::new();
        for claim in claims {
            let at = trimmed(&self.text, claim.at);
            let supports =
                if has_words(&self.text[at.clone()]) { at } else { self.before.at.clone() };
            for number in claim.numbers {
                let shared = self.support.shared(number, &claim.said);
                let quote = shortened(self.support.best_quote(number, &shared));
                let passage = self.hits[number - 1].passage.clone();
                let supports = supports.clone();
                self.cite(number, supports.clone(), shared);
                citations.push(Citation { number, passage, quote, supports });
            }
        }
        self.show(reviewed);
        reviewed.extend(citations.into_iter().map(Reviewed::Citation));
    }

    fn cite(&mut self, number: usize, claim: Range<usize>, shared: Vec<usize>) {
        let Some(cited) = self.cited.iter_mut().find(|cited| cited.number == number) else {
            self.cited.push(Cited { number, supports: vec![claim], shared });
            return;
        };
        if cited.supports.last() != Some(&claim) {
            cited.supports.push(claim);
        }
        cited.shared.extend(shared);
        cited.shared.sort_unstable();
        cited.shared.dedup();
    }

    fn flag(&mut self, details: &[Detail]) {
        for Detail { at, key } in details {
            if !self.support.has_detail(key) && self.flagged.insert(key.clone()) {
                let text = self.text[at.clone()].to_owned();
                self.unsupported.push(Unsupported { text, at: at.clone() });
            }
        }
    }
}

/// A sentence without its citations.
struct Plain {
    text: String,
    /// ...and without code.
    prose: String,
}

impl Draft {
    fn plain(&self) -> Plain {
        let without = |code: &[Range<usize>]| {
            let mut left_out: Vec<Range<usize>> =
                self.markers.iter().map(|marker| marker.at.clone()).chain(code.to_vec()).collect();
            left_out.sort_unstable_by_key(|range| range.start);
            let mut text = String::new();
            let mut at = self.start;
            for range in left_out {
                text.push_str(&self.text[at..range.start]);
                text.push(' ');
                at = range.end;
            }
            text.push_str(&self.text[at..]);
            text
        };
        Plain { text: without(&[]), prose: without(&self.code) }
    }

    /// The claims of the sentence, with the citations that they keep.
    fn judge(&self, sentence: &str, details: &[Detail]) -> Vec<Claim> {
        let in_context = OnceCell::new();
        let mut claims = Vec::new();
        if !has_words(sentence) && self.before.text.is_empty() {
            let of_nothing =
                Claim { at: self.start..self.start, said: Said::default(), numbers: Vec::new() };
            return vec![of_nothing];
        }
        let mut start = self.start;
        for group in groups(&self.text, &self.markers) {
            let words = self.text[start..group[0].at.start].trim_end();
            let at = start..start + words.len();
            start = group.last().map_or(at.end, |marker| marker.at.end);
            let mut numbers: Vec<usize> = Vec::new();
            for number in group.iter().flat_map(|marker| &marker.numbers) {
                if self.support.has(*number) && !numbers.contains(number) {
                    numbers.push(*number);
                }
            }
            let said = Said::by(words);
            let weights = self.weigh(&said, within(details, &at));
            let (said, numbers) = if self.suffice(&weights) {
                (said, weights.supporting(numbers, Kind::Statement))
            } else {
                if self.language.is_own() && !weights.are_nothing() && said.is_something() {
                    // What stands around it bears nothing out that has none of its own words.
                    numbers = weights.supporting(numbers, Kind::Introduction);
                }
                let (said, weights) =
                    in_context.get_or_init(|| self.weigh_in_context(sentence, details));
                let introduces = sentence.trim_end().ends_with(':');
                let kind = if introduces { Kind::Introduction } else { Kind::Statement };
                let supporting = weights.as_ref().map(|w| w.supporting(numbers.clone(), kind));
                (said.clone(), supporting.unwrap_or(numbers))
            };
            claims.push(Claim { at, said, numbers });
        }
        claims
    }

    /// How far the passages bear out what is said. Where the languages differ, numbers and
    /// identifiers are all that can be compared.
    fn weigh(&self, said: &Said, details: &[Detail]) -> Weights {
        if self.language.is_own() {
            self.support.weigh(said, details)
        } else {
            self.support.weigh_details(details)
        }
    }

    /// Whether a judgement can be made by these.
    fn suffice(&self, weights: &Weights) -> bool {
        weights.are_telling() || (!self.language.is_own() && !weights.are_nothing())
    }

    /// Weighs the sentence, when it says little by itself with what it stands in: an uncited
    /// sentence before it, and the question. Gives what was compared; no weights when there is
    /// nothing to compare.
    fn weigh_in_context(&self, sentence: &str, details: &[Detail]) -> (Said, Option<Weights>) {
        let mut said = Said::by(sentence);
        let mut weights = self.weigh(&said, details);
        if !self.language.is_own() {
            let can_compare = !weights.are_nothing();
            return (said, can_compare.then_some(weights));
        }
        if weights.are_nothing() && said.is_something() {
            return (said, Some(Weights::none()));
        }
        let (mut words, mut details) = (sentence.to_owned(), details.to_vec());
        if !weights.are_telling() && !self.before.is_cited {
            words = format!("{}\n{words}", self.before.text);
            details.extend_from_slice(&self.before.details);
            said = Said::by(&words);
            weights = self.weigh(&said, &details);
        }
        if !weights.are_telling() {
            said = Said::by(&format!("{}\n{words}", self.asked));
            weights = self.weigh(&said, &details);
        }
        (said, Some(weights))
    }

    /// Where the sentence stands that is being written.
    fn sentence(&self) -> Range<usize> {
        self.start..self.solid.max(self.start)
    }

    /// Those of the sentence.
    fn details(&self) -> Vec<Detail> {
        details(&self.text, self.sentence(), &self.code, &self.markers)
    }

    /// Takes the citations out of the sentence that are not kept, each with the space before it,
    /// and moves what lies behind. Whether there were any.
    fn drop_citations(&mut self, claims: &mut [Claim]) -> bool {
        let mut are_any = false;
        for index in (0..self.markers.len()).rev() {
            let Marker { at, numbers } = self.markers[index].clone();
            let claim = claims.iter().rposition(|claim| claim.at.end <= at.start).unwrap_or(0);
            let kept = |number: &&usize| claims[claim].numbers.contains(number);
            let rest: Vec<usize> = numbers.iter().filter(kept).copied().collect();
            if rest.len() == numbers.len() {
                continue;
            }
            are_any = true;
            let mut cut = at.clone();
            if rest.is_empty() {
                cut = self.with_space(at);
                self.markers.remove(index);
            }
            let left: String = rest.iter().map(|number| format!("[{number}]")).collect();
            self.text.replace_range(cut.clone(), &left);
            if let Some(marker) = self.markers.get_mut(index).filter(|_| !rest.is_empty()) {
                *marker = Marker { at: cut.start..cut.start + left.len(), numbers: rest };
            }
            let later = self.markers.iter_mut().map(|marker| &mut marker.at);
            let spans = later.chain(&mut self.code).chain(claims.iter_mut().map(|c| &mut c.at));
            for place in spans.flat_map(|span| [&mut span.start, &mut span.end]) {
                *place = match *place {
                    place if place >= cut.end => place - cut.len() + left.len(),
                    place => place.min(cut.start + left.len()),
                };
            }
            self.solid = self.text.trim_end().len();
        }
        are_any
    }

    /// A citation with the space before it; where it begins a line, with the space behind it.
    fn with_space(&self, at: Range<usize>) -> Range<usize> {
        let line = self.text[self.start..at.start].trim_end_matches(' ');
        if line.is_empty() || line.ends_with(['\n', '\r']) {
            let behind = &self.text[at.end..];
            return at.start..at.end + behind.len() - behind.trim_start_matches(' ').len();
        }
        let goes_on = |c: char| c == '[' || c.is_alphanumeric();
        if self.text[at.end..].starts_with(goes_on) {
            return at;
        }
        self.start + line.len()..at.end
    }
}

/// The details that lie within a part of the text.
fn within<'d>(details: &'d [Detail], part: &Range<usize>) -> &'d [Detail] {
    let behind = details.partition_point(|detail| detail.at.start < part.end);
    let first = details.partition_point(|detail| detail.at.start < part.start);
    &details[first..behind]
}
