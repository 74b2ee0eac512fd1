//! Selection: which of the passages that were found are taken, and why the others are not.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::fusion::Fused;
use crate::passage::{Edition, Passage, PassageId};
use crate::question::Question;
use crate::search::SearchSettings;
use crate::search::page::{is_below, page_of};
use crate::text::tokens;

/// What became of a passage that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is one of the passages to answer from.
    Kept,
    /// A better one that was kept has the same text, or is the part of its section right before
    /// or after it, and brings it along when there is room.
    Duplicate,
    /// The reader is on another edition of the book, which has this passage or its like.
    OtherEdition,
    /// Its page has given as many passages as one page may.
    PageFull,
    /// There is no room for its text.
    BeyondBudget,
    /// There are enough better ones.
    BeyondLimit,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kept => "kept",
            Self::Duplicate => "duplicate",
            Self::OtherEdition => "other edition",
            Self::PageFull => "page full",
            Self::BeyondBudget => "beyond budget",
            Self::BeyondLimit => "beyond limit",
        })
    }
}

/// A passage that was considered.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The passage with its scores and places.
    pub fused: Fused,
    /// What became of it.
    pub verdict: Verdict,
}

impl Candidate {
    /// Whether it is one of the passages to answer from.
    pub fn is_kept(&self) -> bool {
        self.verdict == Verdict::Kept
    }
}

/// How much room a passage takes, in tokens: its text and what stands above it.
pub(crate) fn cost(passage: &Passage) -> usize {
    tokens(&passage.text) + tokens(&passage.breadcrumb())
}

/// Decides about each, best first. The best one is always kept.
pub(crate) fn select(
    fused: Vec<Fused>,
    question: &Question,
    settings: SearchSettings,
) -> Vec<Candidate> {
    let editions = Editions::of(&fused, question.page());
    let mut kept = Kept::default();
    let mut verdict = |passage| {
        if editions.is_other(passage) {
            return Verdict::OtherEdition;
        }
        kept.verdict(passage, settings)
    };
    let verdicts: Vec<Verdict> = fused.iter().map(|fused| verdict(&fused.hit.passage)).collect();
    let candidate = |(fused, verdict)| Candidate { fused, verdict };
    fused.into_iter().zip(verdicts).map(candidate).collect()
}

/// What has been kept so far.
#[derive(Default)]
struct Kept<'a> {
    passages: HashMap<&'a PassageId, &'a Passage>,
    of_page: HashMap<&'a str, usize>,
    tokens: usize,
}

impl<'a> Kept<'a> {
    /// Decides about the next one, and keeps it or not.
    fn verdict(&mut self, passage: &'a Passage, settings: SearchSettings) -> Verdict {
        let words = || passage.text.split_whitespace();
        let is_beside = |id: Option<PassageId>| {
            let kept = id.and_then(|id| self.passages.get(&id));
            kept.is_some_and(|kept| kept.shares_section(passage))
        };
        let (before, after) = passage.id.neighbours();
        let is_said = self.passages.values().any(|kept| kept.text.split_whitespace().eq(words()));
        if words().next().is_none() || is_said || is_beside(before) || is_beside(after) {
            return Verdict::Duplicate;
        }
        if self.passages.len() == settings.passages.get() {
            return Verdict::BeyondLimit;
        }
        let page = passage.url.as_deref().map(page_of);
        let of_page = page.and_then(|page| self.of_page.get(page)).copied().unwrap_or_default();
        if of_page == settings.per_page.get() {
            return Verdict::PageFull;
        }
        let tokens = self.tokens + cost(passage);
        if tokens > settings.tokens && !self.passages.is_empty() {
            return Verdict::BeyondBudget;
        }
        self.tokens = tokens;
        self.passages.insert(&passage.id, passage);
        if let Some(page) = page {
            self.of_page.insert(page, of_page + 1);
        }
        Verdict::Kept
    }
}

/// The editions of the book among the passages that were found.
struct Editions<'a> {
    /// The one to answer from, when there are several.
    preferred: Option<&'a Edition>,
    /// The language of what is not translated: that of the shortest URL.
    original: Option<&'a str>,
    /// The pages that the preferred edition has, below its URL.
    pages: HashSet<&'a str>,
}

impl<'a> Editions<'a> {
    /// The preferred edition is the one that the reader's page belongs to or, when that is not
    /// known, the one with the shortest URL, as sites publish their main edition.
    fn of(fused: &'a [Fused], page: Option<&str>) -> Self {
        let passages = || fused.iter().map(|fused| &fused.hit.passage);
        let all: HashSet<&'a Edition> =
            passages().filter_map(|passage| passage.edition.as_ref()).collect();
        let by_length = |edition: &&'a Edition| (edition.url.len(), edition.url.as_str());
        let around = |page| all.iter().copied().filter(move |edition| is_below(page, &edition.url));
        let readers = page.and_then(|page| around(page).max_by_key(by_length));
        let shortest = all.iter().copied().min_by_key(by_length);
        let preferred = readers.or(shortest);
        let preferred = preferred.filter(|_| all.len() > 1);
        let in_preferred = passages().filter(|passage| passage.edition.as_ref() == preferred);
        let pages = in_preferred.filter_map(place).collect();
        Self { preferred, original: shortest.map(|edition| edition.locale.as_str()), pages }
    }

    /// Whether a passage is of another version than the preferred edition, or in another language
    /// and not what stands in for a translation: a page of the original that was not found in the
    /// preferred edition.
    fn is_other(&self, passage: &Passage) -> bool {
        let (Some(preferred), Some(edition)) = (self.preferred, &passage.edition) else {
            return false;
        };
        edition.version != preferred.version
            || (edition.locale != preferred.locale
                && (self.original != Some(&edition.locale)
                    || place(passage).is_some_and(|page| self.pages.contains(page))))
    }
}

/// The page of a passage, below the URL of its edition.
fn place(passage: &Passage) -> Option<&str> {
    let edition = passage.edition.as_ref()?;
    passage.url.as_deref().map(page_of)?.strip_prefix(edition.url.as_str())
}

#[cfg(test)]
mod tests;
