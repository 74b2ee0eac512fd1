//! Support: how far each passage bears a claim out.

use std::sync::Arc;

use super::detail::{Detail, Key, Known, numbers_in_words};
use super::reading::Reading;
use crate::concept::{Concept, concepts, ratio};
use crate::text::is_stop_word;

/// The passages of a prompt.
#[derive(Clone, Debug)]
pub(super) struct Support {
    passages: Vec<Arc<Reading>>,
    is_english: bool,
}

/// How far the passages bear a claim out, in information: rare words, numbers and identifiers
/// count more.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weights(Vec<f64>);

/// Of English words more than this share are function words, also between code; in texts of other
/// languages those that look like English ones are few.
const ENGLISH: f64 = 0.15;

/// What a claim says, as it is compared with passages.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    concepts: Vec<Concept>,
    /// The numbers in words.
    numbers: Vec<Key>,
}

impl Said {
    /// What these words say.
    pub(super) fn by(words: &str) -> Self {
        Self { concepts: concepts(words), numbers: numbers_in_words(words).collect() }
    }

    /// Whether these are words enough to say something by themselves.
    pub(super) fn is_something(&self) -> bool {
        self.concepts.iter().filter(|concept| concept.says_something()).nth(1).is_some()
    }

    fn terms(&self) -> impl Iterator<Item = &str> {
        self.concepts.iter().flat_map(Concept::terms)
    }
}

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
    /// That of these passages.
    pub(super) fn new(passages: Vec<Arc<Reading>>) -> Self {
        let sum = |of: fn(&Reading) -> usize| passages.iter().map(|reading| of(reading)).sum();
        let function_words = sum(|reading| reading.function_words);
        let is_english = ratio(function_words, sum(|reading| reading.length)) >= ENGLISH;
        Self { passages, is_english }
    }

    /// Whether there is a passage of this number.
    pub(super) fn has(&self, number: usize) -> bool {
        (1..=self.passages.len()).contains(&number)
    }

    /// Whether any passage has this word, in lower case, or could have it in any sentence.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.passages.iter().any(|reading| reading.words.contains(word))
            || (self.is_english && is_stop_word(word))
    }

    /// Whether any passage has this detail.
    pub(super) fn has_detail(&self, key: &Key) -> bool {
        Known::have(self.passages.iter().map(|reading| &reading.known), key)
    }

    /// How far each passage bears out what is said with these details.
    pub(super) fn weigh(&self, said: &Said, details: &[Detail]) -> Weights {
        let mut weights = self.weigh_details(details);
        for key in &said.numbers {
            self.add(&mut weights, DETAIL, |reading| holds(reading, key));
        }
        let is_word = |concept: &&Concept| !concept.whole().starts_with(char::is_numeric);
        for concept in said.concepts.iter().filter(is_word) {
            self.add(&mut weights, concept.salience(), |reading| reading.share_of(concept));
        }
        weights
    }

    /// The same by the numbers and identifiers alone.
    pub(super) fn weigh_details(&self, details: &[Detail]) -> Weights {
        let mut weights = Weights(vec![0.0; self.passages.len()]);
        for Detail { key, .. } in details {
            self.add(&mut weights, DETAIL, |reading| holds(reading, key));
        }
        weights
    }

    /// Adds something of which each passage has a share; the fewer have any, the more it says.
    fn add(&self, weights: &mut Weights, salience: f64, share: impl Fn(&Reading) -> f64) {
        let shares: Vec<f64> = self.passages.iter().map(|reading| share(reading)).collect();
        let holders = shares.iter().filter(|share| **share > 0.0).count();
        let information = salience * (1.0 + ratio(shares.len(), holders)).ln();
        for (weight, share) in weights.0.iter_mut().zip(shares) {
            *weight += information * share;
        }
    }

    /// The terms of a passage that are said, by their places among its terms.
    pub(super) fn shared(&self, number: usize, said: &Said) -> Vec<usize> {
        let reading = self.passages.get(number - 1);
        reading.map_or_else(Vec::new, |reading| {
            said.terms().filter_map(|term| reading.terms.position(term)).collect()
        })
    }

    /// The words of a passage that bear best out what shares these terms with it: the unit that has
    /// the most of them, relative to the root of its own length so that long units do not win by
    /// size alone.
    pub(super) fn best_quote(&self, number: usize, shared: &[usize]) -> &str {
        let Some(reading) = self.passages.get(number - 1) else { return "" };
        let mut best = (f64::NEG_INFINITY, "");
        for unit in &reading.units {
            let count = unit.terms.iter().filter(|term| shared.contains(term)).count();
            let score = ratio(count, 1) / ratio(unit.terms.len().max(1), 1).sqrt();
            if score > best.0 {
                best = (score, &unit.text);
            }
        }
        best.1
    }
}

/// Whether a passage has a detail: 1 or 0.
fn holds(reading: &Reading, key: &Key) -> f64 {
    f64::from(u8::from(reading.known.has(key)))
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
