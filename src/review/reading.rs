//! Readings: passages as they are read for reviews, and kept for the next one.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use unicode_segmentation::UnicodeSegmentation;

use super::detail::Known;
use super::markup::addresses;
use super::words::Words;
use crate::concept::Concept;
use crate::passage::{Hit, Passage};
use crate::text::{UnitKind, is_stop_word, terms, units};

/// How much memory readings take, about, in bytes: those of the thousand passages that are asked
/// for most. One of 900 bytes takes 4 KiB.
const BYTES: usize = 4 << 20;

/// Passages that were read. Reading one takes some hundred times as long as looking it up, and
/// readers ask about the same ones.
#[derive(Debug)]
pub struct Readings {
    hasher: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    readings: LruCache<u64, Arc<Reading>>,
    /// The sum over them.
    bytes: usize,
}

/// A passage as it was read.
#[derive(Debug)]
pub(super) struct Reading {
    /// What was read.
    passage: Passage,
    /// Of text, breadcrumb and URL.
    pub(super) terms: Words,
    pub(super) units: Box<[Quotable]>,
    pub(super) known: Known,
    /// All words of the text, function words included, in lower case...
    pub(super) words: Words,
    /// ...how many they are...
    pub(super) length: usize,
    /// ...and how many of these are function words.
    pub(super) function_words: usize,
    /// Those that an answer may hold.
    pub(super) addresses: Words,
}

/// A unit that can be quoted.
#[derive(Debug)]
pub(super) struct Quotable {
    pub(super) text: Box<str>,
    /// Its terms by their places among those of the passage, in order.
    pub(super) terms: Box<[usize]>,
}

impl Readings {
    /// None yet.
    pub fn new() -> Self {
        let kept = Kept { readings: LruCache::unbounded(), bytes: 0 };
        Self { hasher: RandomState::new(), kept: Mutex::new(kept) }
    }

    /// The readings of these passages.
    pub(super) fn of(&self, hits: &[Hit]) -> Vec<Arc<Reading>> {
        hits.iter().map(|hit| self.reading(&hit.passage)).collect()
    }

    fn reading(&self, passage: &Passage) -> Arc<Reading> {
        let key = self.hasher.hash_one(what_is_read(passage));
        let known = self.with_kept(|kept| kept.readings.get(&key).cloned());
        let is_same = |known: &Arc<Reading>| what_is_read(&known.passage) == what_is_read(passage);
        if let Some(known) = known.filter(is_same) {
            return known;
        }
        let reading = Arc::new(Reading::of(passage));
        self.with_kept(|kept| kept.keep(key, &reading));
        reading
    }

    fn with_kept<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        // Everything that is done with them leaves them whole.
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Readings {
    fn default() -> Self {
        Self::new()
    }
}

impl Kept {
    /// Keeps one, and forgets those that are too much: the longest unused first.
    fn keep(&mut self, key: u64, reading: &Arc<Reading>) {
        self.bytes += reading.bytes();
        if let Some((_, gone)) = self.readings.push(key, Arc::clone(reading)) {
            self.bytes -= gone.bytes();
        }
        while self.bytes > BYTES
            && let Some((_, gone)) = self.readings.pop_lru()
        {
            self.bytes -= gone.bytes();
        }
    }
}

impl Reading {
    fn of(passage: &Passage) -> Self {
        let (breadcrumb, url) = (passage.breadcrumb(), passage.url.as_deref().unwrap_or_default());
        let mut all: HashSet<String> = terms(&breadcrumb).into_iter().chain(terms(url)).collect();
        let mut quotable = Vec::new();
        for unit in units(&passage.text) {
            let terms = terms(&unit.text);
            all.extend(terms.iter().cloned());
            if unit.kind != UnitKind::Heading {
                quotable.push((unit.text, terms));
            }
        }
        let all: Words = all.into_iter().collect();
        let units = quotable.into_iter().map(|(text, terms)| {
            let mut places: Vec<usize> =
                terms.iter().filter_map(|term| all.position(term)).collect();
            places.sort_unstable();
            places.dedup();
            Quotable { text: text.into(), terms: places.into() }
        });
        let words: Vec<String> = passage.text.unicode_words().map(str::to_lowercase).collect();
        Self {
            units: units.collect(),
            terms: all,
            known: Known::of(&format!("{breadcrumb}\n{url}\n{}", passage.text)),
            length: words.len(),
            function_words: words.iter().filter(|word| is_stop_word(word)).count(),
            words: words.into_iter().collect(),
            addresses: addresses(passage),
            passage: passage.clone(),
        }
    }

    /// How much of a concept its terms hold, from 0 to 1.
    pub(super) fn share_of(&self, concept: &Concept) -> f64 {
        concept.share(|term| self.terms.contains(term), || self.terms.has_related(concept.whole()))
    }

    /// How much memory it takes, about, in bytes.
    fn bytes(&self) -> usize {
        let units = self.units.iter().map(|unit| unit.text.len() + size_of_val(&*unit.terms));
        size_of::<Self>()
            + self.passage.text.len()
            + size_of_val(&*self.units)
            + units.sum::<usize>()
            + self.terms.bytes()
            + self.words.bytes()
            + self.known.bytes()
            + self.addresses.bytes()
    }
}

/// What of a passage is read: title, headings, URL and text.
fn what_is_read(passage: &Passage) -> (&str, &[String], Option<&str>, &str) {
    let Passage { title, headings, url, text, .. } = passage;
    (title, headings, url.as_deref(), text)
}

#[cfg(test)]
mod tests;
