//! Support: how far each passage bears a claim out.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::detail::{Detail, Key, Known, numbers_in_words};
use crate::concept::{Concept, concepts, ratio};
use crate::passage::Hit;
use crate::text::{UnitKind, is_stop_word, terms, units};

/// The passages of a prompt, read once.
#[derive(Clone, Debug)]
pub(super) struct Support {
    passages: Vec<Reading>,
    /// What they have together.
    known: Known,
    /// All words of them, function words included, in lower case.
    words: HashSet<String>,
    is_english: bool,
}

/// A passage as it was read.
#[derive(Clone, Debug)]
struct Reading {
    /// Of text and breadcrumb.
    terms: HashSet<String>,
    units: Vec<Quotable>,
    known: Known,
}

/// A unit that can be quoted.
#[derive(Clone, Debug)]
struct Quotable {
    text: String,
    terms: HashSet<String>,
}

/// How far the passages bear a claim out, in information: rare words, numbers and identifiers
/// count more.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weights(Vec<f64>);

/// Of English words more than this share are function words, also between code; in texts of other
/// languages those that look like English ones are few.
const ENGLISH: f64 = 0.15;

/// What a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It says something by itself.
    Statement,
    /// It says that something comes: `There are three ways [1]:`.
    Introduction,
}

/// A passage supports a claim that it bears out at least this far as the best passage does. Chosen
/// on half `a` of `tests/data/answers`, whose clean answers lose no citation by 0.5 nor by 0.8; of
/// all 405 ways to cite one other passage there it finds 315 (often both passages say it).
const SHARE_OF_BEST: f64 = 0.6;

/// The same beside another passage that supports the claim, for they may share it out; and of
/// what only introduces what follows.
const SHARE_OF_PARTNER: f64 = 0.1;

/// A claim says something when a passage bears it out this far.
const TELLING: f64 = 1.5;

/// A passage has something of a claim from here on: one word that says something.
const SOMETHING: f64 = 0.3;

/// How much a number or identifier counts, in words.
const DETAIL: f64 = 1.4;

impl Support {
    /// Reads the passages.
    pub(super) fn new(hits: &[Hit]) -> Self {
        let passages: Vec<Reading> = hits.iter().map(Reading::of).collect();
        let known = passages.iter().map(|reading| &reading.known).collect();
        let words = hits.iter().flat_map(|hit| hit.passage.text.unicode_words());
        let words: Vec<String> = words.map(str::to_lowercase).collect();
        let function_words = words.iter().filter(|word| is_stop_word(word)).count();
        let is_english = ratio(function_words, words.len()) >= ENGLISH;
        Self { passages, known, words: words.into_iter().collect(), is_english }
    }

    /// Whether there is a passage of this number.
    pub(super) fn has(&self, number: usize) -> bool {
        (1..=self.passages.len()).contains(&number)
    }

    /// Whether any passage has this word, in lower case, or could have it in any sentence.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.contains(word) || (self.is_english && is_stop_word(word))
    }

    /// Whether any passage has this detail.
    pub(super) fn has_detail(&self, key: &Key) -> bool {
        self.known.has(key)
    }

    /// How far each passage bears out what these words and details say.
    pub(super) fn weigh(&self, claim: &str, details: &[Detail]) -> Weights {
        let mut weights = self.weigh_details(details);
        for key in numbers_in_words(claim) {
            self.add(&mut weights, DETAIL, |reading| f64::from(u8::from(reading.known.has(&key))));
        }
        let is_word = |concept: &Concept| !concept.whole().starts_with(char::is_numeric);
        for concept in concepts(claim).iter().filter(|concept| is_word(concept)) {
            let share = |reading: &Reading| concept.share_in(&reading.terms);
            self.add(&mut weights, concept.salience(), share);
        }
        weights
    }

    /// The same by the numbers and identifiers alone.
    pub(super) fn weigh_details(&self, details: &[Detail]) -> Weights {
        let mut weights = Weights(vec![0.0; self.passages.len()]);
        for Detail { key, .. } in details {
            self.add(&mut weights, DETAIL, |reading| f64::from(u8::from(reading.known.has(key))));
        }
        weights
    }

    /// Adds something of which each passage has a share; the fewer have any, the more it says.
    fn add(&self, weights: &mut Weights, salience: f64, share: impl Fn(&Reading) -> f64) {
        let shares: Vec<f64> = self.passages.iter().map(share).collect();
        let holders = shares.iter().filter(|share| **share > 0.0).count();
        let information = salience * (1.0 + ratio(shares.len(), holders)).ln();
        for (weight, share) in weights.0.iter_mut().zip(shares) {
            *weight += information * share;
        }
    }

    /// The words of a passage that bear a claim out best: the unit that shares the most with it,
    /// relative to the root of its own length so that long units do not win by size alone.
    pub(super) fn best_quote(&self, number: usize, claim: &str) -> &str {
        let claim = term_set(claim);
        let mut best = (f64::NEG_INFINITY, "");
        for unit in self.passages.get(number - 1).map_or(&[][..], |reading| &reading.units) {
            let shared = unit.terms.intersection(&claim).count();
            let score = ratio(shared, 1) / ratio(unit.terms.len().max(1), 1).sqrt();
            if score > best.0 {
                best = (score, &unit.text);
            }
        }
        best.1
    }
}

impl Reading {
    fn of(hit: &Hit) -> Self {
        let passage = &hit.passage;
        let (breadcrumb, url) = (passage.breadcrumb(), passage.url.as_deref().unwrap_or_default());
        let mut all = term_set(&breadcrumb);
        all.extend(terms(url));
        let mut quotable = Vec::new();
        for unit in units(&passage.text) {
            let terms = term_set(&unit.text);
            all.extend(terms.iter().cloned());
            if unit.kind != UnitKind::Heading {
                quotable.push(Quotable { text: unit.text, terms });
            }
        }
        let known = Known::of(&format!("{breadcrumb}\n{url}\n{}", passage.text));
        Self { terms: all, units: quotable, known }
    }
}

fn term_set(text: &str) -> HashSet<String> {
    terms(text).into_iter().collect()
}

impl Weights {
    /// Of a claim that no passage bears out.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether some passage bears out so much that a judgement can be made.
    pub(super) fn are_telling(&self) -> bool {
        self.best() >= TELLING
    }

    /// Whether the passages share hardly anything with the claim.
    pub(super) fn are_nothing(&self) -> bool {
        self.best() < SOMETHING
    }

    /// The numbers of those passages that support the claim, of the ones that it cites.
    pub(super) fn supporting(&self, mut cited: Vec<usize>, claim: Kind) -> Vec<usize> {
        let weight = |number: &usize| self.0.get(number - 1).copied().unwrap_or_default();
        let best = self.best();
        let is_supported = cited.iter().any(|number| weight(number) >= SHARE_OF_BEST * best);
        let is_easy = is_supported || claim == Kind::Introduction;
        let required = best * if is_easy { SHARE_OF_PARTNER } else { SHARE_OF_BEST };
        cited.retain(|number| weight(number) > 0.0 && weight(number) >= required);
        cited
    }

    /// How far the best passage bears the claim out.
    pub(super) fn best(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests;
