//! Reading: what the passages that were found hold of a question, and their order by it.
//!
//! Fast, because each question has some fifty passages read: a word is only stemmed when it begins
//! like a word of the question.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use crate::concept::{Concept, are_related, concepts, ratio};
use crate::definition::Subject;
use crate::passage::{Passage, PassageId};
use crate::ports::Ranked;
use crate::text::{beginning, is_stop_word, parts, stem};

/// What the order by terms is made of, beside the BM25 score as a share of the best one; fitted
/// on one half of three sets of questions (`bench/questions` and others). The share of the breadcrumb's words
/// that the question has...
const BREADCRUMB: f64 = 0.1;
/// ...that of the words of breadcrumb and URL...
const LABEL: f64 = 0.2;
/// ...how much of the question one sentence holds...
const SENTENCE: f64 = 0.2;
/// ...and whether a sentence defines what the question asks to define.
const DEFINITION: f64 = 0.2;

/// Words that do not begin like a term, in as many letters, are not stemmed.
const LETTERS: usize = 3;

/// More of a passage is not read, in tokens: it bounds what a question costs.
const TOKENS: usize = 2_000;

/// Which terms of a question a text has: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held(u128);

impl Held {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, term: usize) -> bool {
        self.0 >> term & 1 == 1
    }

    fn add(&mut self, term: usize) {
        self.0 |= 1 << term;
    }
}

/// What a text holds of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extract {
    /// Its terms.
    pub(crate) exact: Held,
    /// Those that other words of the text begin like.
    pub(crate) related: Held,
}

impl Extract {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { exact: self.exact.and(other.exact), related: self.related.and(other.related) }
    }
}

/// What a passage holds of a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) breadcrumb: Extract,
    /// The share of the breadcrumb's words that the question has.
    asked_of_breadcrumb: f64,
    /// The same for the words of breadcrumb and URL.
    asked_of_label: f64,
    /// Its sentences and lines that hold anything, in order.
    pub(crate) sentences: Vec<Extract>,
    /// Whether one of them defines what the question asks to define.
    defines: bool,
}

impl Reading {
    /// What the whole passage holds, with its breadcrumb.
    pub(crate) fn all(&self) -> Extract {
        self.sentences.iter().fold(self.breadcrumb, |all, sentence| all.and(*sentence))
    }
}

/// Reads passages for one question, each once.
pub(crate) struct Reader {
    concepts: Vec<Concept>,
    subject: Option<Subject>,
    /// The terms of all concepts, each once.
    terms: Vec<String>,
    beginnings: Beginnings,
    /// What the words hold that were read before.
    words: HashMap<String, Extract>,
    readings: HashMap<PassageId, Reading>,
    /// What a passage holds that has not been read.
    unread: Reading,
}

impl Reader {
    /// A reader for what is asked and what the reader of the book has selected.
    pub(crate) fn new(asked: &str, selected: Option<&str>) -> Self {
        let text = format!("{asked}\n{}", selected.unwrap_or_default());
        let concepts = concepts(&text);
        let mut terms: Vec<String> = Vec::new();
        for term in concepts.iter().flat_map(Concept::terms) {
            if terms.len() < u128::BITS as usize && !terms.iter().any(|known| known == term) {
                terms.push(term.to_owned());
            }
        }
        let beginnings = Beginnings::of(&terms);
        let subject = Subject::of(asked);
        Self {
            concepts,
            subject,
            terms,
            beginnings,
            words: HashMap::new(),
            readings: HashMap::new(),
            unread: Reading::default(),
        }
    }

    /// The words of the question.
    pub(crate) fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    /// Reads a passage, if it has not been read.
    pub(crate) fn read(&mut self, passage: &Passage) {
        if !self.readings.contains_key(&passage.id) {
            let reading = self.reading(passage);
            self.readings.insert(passage.id.clone(), reading);
        }
    }

    /// What a passage holds that has been read; nothing of another one.
    pub(crate) fn known(&self, passage: &Passage) -> &Reading {
        self.readings.get(&passage.id).unwrap_or(&self.unread)
    }

    /// Orders passages that share terms with the question, best first; ties by id. The scores
    /// stay what they are.
    pub(crate) fn order(&mut self, ranked: Vec<Ranked>) -> Vec<Ranked> {
        let weights = self.weights(ranked.iter().map(|ranked| &ranked.passage));
        let best = ranked.iter().map(|ranked| ranked.score).fold(f32::MIN_POSITIVE, f32::max);
        let merit = |ranked: &Ranked| {
            let reading = self.known(&ranked.passage);
            let sentence =
                |text: &Extract| self.share(&weights, |concept| self.holds(concept, *text));
            f64::from(ranked.score / best)
                + BREADCRUMB * reading.asked_of_breadcrumb
                + LABEL * reading.asked_of_label
                + SENTENCE * reading.sentences.iter().map(sentence).fold(0.0, f64::max)
                + if reading.defines { DEFINITION } else { 0.0 }
        };
        let mut merits: Vec<(f64, Ranked)> =
            ranked.into_iter().map(|ranked| (merit(&ranked), ranked)).collect();
        merits.sort_by(|(a, one), (b, other)| {
            b.total_cmp(a).then_with(|| one.passage.id.cmp(&other.passage.id))
        });
        merits.into_iter().map(|(_, ranked)| ranked).collect()
    }

    /// How much each concept counts: by what it says, and by its rarity among these passages
    /// (inverse document frequency), most for what none of them has.
    pub(crate) fn weights<'p>(&mut self, passages: impl Iterator<Item = &'p Passage>) -> Vec<f64> {
        let texts: Vec<Extract> = passages
            .map(|passage| {
                self.read(passage);
                self.known(passage).all()
            })
            .collect();
        let weight = |concept: &Concept| {
            let found = texts.iter().filter(|text| self.holds(concept, **text) > 0.5).count();
            let rarity = (1.0 + ratio(2 * texts.len(), 1 + 2 * found)).ln();
            if concept.says_something() { concept.salience() * rarity } else { concept.salience() }
        };
        self.concepts.iter().map(weight).collect()
    }

    /// The share of the question, by weight, that is found when so much of each concept is.
    pub(crate) fn share(&self, weights: &[f64], found: impl Fn(&Concept) -> f64) -> f64 {
        let weighed = self.concepts.iter().zip(weights);
        let found: f64 = weighed.map(|(concept, weight)| weight * found(concept)).sum();
        let total: f64 = weights.iter().sum();
        if total > 0.0 { found / total } else { 0.0 }
    }

    /// How much of a concept a text holds, from 0 to 1.
    pub(crate) fn holds(&self, concept: &Concept, text: Extract) -> f64 {
        let is_among = |held: Held, term: &str| {
            self.terms.iter().position(|known| known == term).is_some_and(|at| held.has(at))
        };
        let is_related = || is_among(text.related, concept.whole());
        concept.share(|term| is_among(text.exact, term), is_related)
    }

    fn reading(&mut self, passage: &Passage) -> Reading {
        let (title, slug) = (passage.breadcrumb(), passage.slug_words());
        let mut words = TitleWords::default();
        let breadcrumb = self.title(&title, &mut words);
        let asked_of_breadcrumb = words.asked_share();
        self.title(&slug, &mut words);
        let asked_of_label = words.asked_share();
        let (mut held, mut defines) = (Vec::new(), false);
        for sentence in sentences(beginning(&passage.text, TOKENS)) {
            let extract = self.extract(sentence);
            if extract != Extract::default() {
                defines |= extract.exact != Held::NONE
                    && self.subject.as_ref().is_some_and(|subject| subject.is_defined_by(sentence));
                held.push(extract);
            }
        }
        Reading { breadcrumb, asked_of_breadcrumb, asked_of_label, sentences: held, defines }
    }

    /// What a title holds. Its words are added to those of other titles, each once.
    fn title<'t>(&mut self, title: &'t str, words: &mut TitleWords<'t>) -> Extract {
        let mut all = Extract::default();
        for word in title.split(|c: char| !c.is_alphanumeric()) {
            let is_known = words.all.iter().any(|known| known.eq_ignore_ascii_case(word));
            if word.is_empty() || is_known || is_stop_word(&word.to_lowercase()) {
                continue;
            }
            let extract = self.extract(word);
            words.all.push(word);
            words.asked += usize::from(extract.exact != Held::NONE);
            all = all.and(extract);
        }
        all
    }

    /// What a text holds.
    fn extract(&mut self, text: &str) -> Extract {
        let mut extract = Extract::default();
        let bytes = text.as_bytes();
        let (mut start, mut before, mut may_hold) = (0, Class::of(b' '), false);
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let class = Class::of(byte);
            if class.is(Class::WORD) {
                let next = bytes.get(at + 1).copied().unwrap_or_default();
                may_hold = may_hold || self.beginnings.may_be_at(before, class, byte, next);
            } else {
                if may_hold {
                    extract = extract.and(self.run(&text[start..at]));
                }
                (start, may_hold) = (at + 1, false);
            }
            at += 1;
            if class.is(Class::LETTER) {
                // No term begins at a small letter behind a letter, which most are.
                at += bytes[at..].iter().take_while(|byte| byte.is_ascii_lowercase()).count();
            }
            before = class;
        }
        if may_hold {
            extract = extract.and(self.run(&text[start..]));
        }
        extract
    }

    /// What a run of letters and digits holds.
    fn run(&mut self, run: &str) -> Extract {
        if run.is_ascii() {
            return self.word(run);
        }
        run.unicode_words().fold(Extract::default(), |all, word| all.and(self.word(word)))
    }

    /// What a word holds, with the parts of an identifier.
    fn word(&mut self, word: &str) -> Extract {
        if let Some(known) = self.words.get(word) {
            return *known;
        }
        let mut extract = self.term(word);
        for part in parts(word).filter(|part| part.len() < word.len()) {
            extract = extract.and(self.term(part));
        }
        self.words.insert(word.to_owned(), extract);
        extract
    }

    fn term(&self, word: &str) -> Extract {
        let mut extract = Extract::default();
        let lower = word.to_lowercase();
        let begins_alike = |known: &String| {
            let mut letters = lower.chars();
            known.chars().take(LETTERS).all(|letter| letters.next() == Some(letter))
        };
        if self.terms.iter().any(begins_alike) {
            let term = stem(&lower);
            for (at, known) in self.terms.iter().enumerate() {
                if *known == term || *known == lower {
                    extract.exact.add(at);
                } else if are_related(known, &term) {
                    extract.related.add(at);
                }
            }
        }
        extract
    }
}

/// The words of a title that say something.
#[derive(Default)]
struct TitleWords<'t> {
    all: Vec<&'t str>,
    /// How many of them the question has.
    asked: usize,
}

impl TitleWords<'_> {
    fn asked_share(&self) -> f64 {
        ratio(self.asked, self.all.len())
    }
}

/// The first two bytes of the terms of a question, so that few other words are looked at.
///
/// A bit stands for the lower five bits of both, which are those of a letter in either case.
#[derive(Clone, Debug, Default)]
struct Beginnings([u32; 32]);

impl Beginnings {
    fn of(terms: &[String]) -> Self {
        let mut beginnings = Self::default();
        for term in terms {
            let mut bytes = term.bytes();
            let first = bytes.next().unwrap_or_default();
            let second = bytes.next().map_or(u32::MAX, |second| 1 << (second & 31));
            beginnings.0[usize::from(first & 31)] |= second;
        }
        beginnings
    }

    /// Whether a term may begin at a byte in a run of letters and digits: at its begin, at an
    /// upper-case letter, or between letters and digits. At any that is not ASCII.
    fn may_be_at(&self, before: Class, class: Class, byte: u8, next: u8) -> bool {
        let is_start = !before.is(Class::LETTER) || !class.is(Class::LOWER);
        let has = || self.0[usize::from(byte & 31)] >> (next & 31) & 1 == 1;
        class.is(Class::FOREIGN) || (is_start && has())
    }
}

/// What a byte of a text is, looked up.
#[derive(Clone, Copy)]
struct Class(u8);

impl Class {
    /// A letter or digit, or not ASCII.
    const WORD: u8 = 1;
    const LETTER: u8 = 2;
    const LOWER: u8 = 4;
    /// Not ASCII.
    const FOREIGN: u8 = 8;

    fn of(byte: u8) -> Self {
        static ALL: [u8; 256] = Class::all();
        Self(ALL[usize::from(byte)])
    }

    fn is(self, class: u8) -> bool {
        self.0 & class != 0
    }

    const fn all() -> [u8; 256] {
        let mut all = [0; 256];
        let mut byte = 0_u8;
        loop {
            all[byte as usize] = if byte.is_ascii_lowercase() {
                Self::WORD | Self::LETTER | Self::LOWER
            } else if byte.is_ascii_uppercase() {
                Self::WORD | Self::LETTER
            } else if byte.is_ascii_digit() {
                Self::WORD
            } else if byte.is_ascii() {
                0
            } else {
                Self::WORD | Self::FOREIGN
            };
            if byte == u8::MAX {
                return all;
            }
            byte += 1;
        }
    }
}

/// The sentences and lines of a text, roughly: it is not parsed.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let mut rest = Some(line);
        std::iter::from_fn(move || {
            let line = rest?;
            let ends = |pair: &[u8]| matches!(pair, [b'.' | b'?' | b'!', b' ']);
            let end = line.as_bytes().windows(2).position(ends).map(|at| at + 1);
            rest = end.map(|end| &line[end..]);
            Some(&line[..end.unwrap_or(line.len())])
        })
    })
}

#[cfg(test)]
mod tests;
