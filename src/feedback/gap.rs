use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Miss;
use crate::text::terms;

/// Something that readers ask and the book does not say, or not well: misses that are about the
/// same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How it was asked, each wording once, the most typical one first; at least one.
    pub questions: Vec<String>,
    /// How often it was asked.
    pub count: usize,
    /// How many of these had an answer, which was rated bad.
    pub rated_bad: usize,
    /// The paths of the pages that it was asked on, the most frequent one first.
    pub pages: Vec<String>,
    /// The reasons that front ends gave for bad ratings, the most frequent one first.
    pub reasons: Vec<String>,
    /// What readers said about it, the newest first.
    pub comments: Vec<String>,
    /// When it was asked last, in seconds since the beginning of 1970, UTC.
    pub last: u64,
}

/// How much of their terms two questions share when they are about the same (Jaccard): "docker
/// image" and "where is the docker image for arm" do, "docker image" and "docker network" do not.
const ALIKE: (usize, usize) = (1, 2);

/// How many terms of a question are compared: of a longer one its beginning.
const TERMS: usize = 32;

/// How many groups with a term are looked at: where more have it, those that were asked for the
/// most often. It bounds the work for each question.
const LOOKED_AT: usize = 100;

/// The gaps that these misses leave, the most frequent one first; at the same frequency, the one
/// that was asked last.
///
/// Questions of the same terms are one wording. The wordings, the most frequent one first, each
/// join the group whose first wording they are most like, if they are like one, and else begin a
/// group. So a group is named by its most frequent wording, and does not drift from it.
pub fn gaps(misses: &[Miss]) -> Vec<Gap> {
    let mut groups: Vec<Vec<&Wording<'_>>> = Vec::new();
    let wordings = wordings(misses);
    let rarity = Rarity::of(&wordings);
    let mut leaders = Leaders::default();
    for wording in &wordings {
        let terms = rarity.rank(&wording.terms);
        if let Some(group) = leaders.like(&terms) {
            groups[group].push(wording);
        } else {
            leaders.add(terms);
            groups.push(vec![wording]);
        }
    }
    let mut gaps: Vec<Gap> = groups.iter().map(|group| gap(group)).collect();
    gaps.sort_by(|a, b| {
        let key = |gap: &Gap| (Reverse(gap.count), Reverse(gap.last));
        key(a).cmp(&key(b)).then_with(|| a.questions.cmp(&b.questions))
    });
    gaps
}

/// Misses of the same terms, in the order in which they came.
struct Wording<'a> {
    terms: BTreeSet<String>,
    misses: Vec<&'a Miss>,
}

/// The wordings, the most frequent first.
fn wordings(misses: &[Miss]) -> Vec<Wording<'_>> {
    let mut by_terms: BTreeMap<BTreeSet<String>, Vec<&Miss>> = BTreeMap::new();
    for miss in misses {
        let mut seen = BTreeSet::new();
        for term in terms(&miss.question) {
            if seen.len() < TERMS {
                seen.insert(term);
            }
        }
        if seen.is_empty() {
            // Nothing but stop words or signs is like itself alone.
            seen.insert(folded(&miss.question));
        }
        by_terms.entry(seen).or_default().push(miss);
    }
    let mut wordings: Vec<Wording<'_>> =
        by_terms.into_iter().map(|(terms, misses)| Wording { terms, misses }).collect();
    wordings.sort_by_key(|wording| Reverse(wording.misses.len()));
    wordings
}

/// A question, as it is the same whoever types it.
fn folded(question: &str) -> String {
    question.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The terms, numbered from the rarest.
struct Rarity<'a>(HashMap<&'a str, usize>);

impl<'a> Rarity<'a> {
    fn of(wordings: &'a [Wording<'_>]) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for term in wordings.iter().flat_map(|wording| &wording.terms) {
            *counts.entry(term).or_default() += 1;
        }
        let mut terms: Vec<(&str, usize)> = counts.into_iter().collect();
        terms.sort_by_key(|(_, count)| *count);
        Self(terms.into_iter().map(|(term, _)| term).zip(0..).collect())
    }

    /// The numbers of these terms, the rarest first.
    fn rank(&self, terms: &BTreeSet<String>) -> Vec<usize> {
        let mut ranks: Vec<usize> =
            terms.iter().filter_map(|term| self.0.get(term.as_str()).copied()).collect();
        ranks.sort_unstable();
        ranks
    }
}

/// The first wording of each group.
#[derive(Default)]
struct Leaders {
    terms: Vec<Vec<usize>>,
    /// Which of them have a term among their rarest.
    by_term: HashMap<usize, Vec<usize>>,
}

impl Leaders {
    fn add(&mut self, terms: Vec<usize>) {
        let group = self.terms.len();
        for term in rarest(&terms) {
            let groups = self.by_term.entry(*term).or_default();
            if groups.len() < LOOKED_AT {
                groups.push(group);
            }
        }
        self.terms.push(terms);
    }

    /// The group whose first wording is most like these terms, if one is like them; of several the
    /// first.
    fn like(&self, terms: &[usize]) -> Option<usize> {
        let candidates: BTreeSet<usize> = rarest(terms)
            .iter()
            .filter_map(|term| self.by_term.get(term))
            .flatten()
            .copied()
            .collect();
        let alike = candidates.into_iter().filter_map(|group| {
            let leader = &self.terms[group];
            let shared = terms.iter().filter(|term| leader.binary_search(term).is_ok()).count();
            let all = terms.len() + leader.len() - shared;
            (shared * ALIKE.1 >= all * ALIKE.0).then_some((group, (shared, all)))
        });
        let likeness = |a: (usize, usize), b: (usize, usize)| (a.0 * b.1).cmp(&(b.0 * a.1));
        alike
            .reduce(|best, next| if likeness(next.1, best.1).is_gt() { next } else { best })
            .map(|(group, _)| group)
    }
}

/// So many of the rarest terms that two sets that are alike have one of them in common: they share
/// at least that part of each which [`ALIKE`] says.
fn rarest(terms: &[usize]) -> &[usize] {
    let least_shared = (terms.len() * ALIKE.0).div_ceil(ALIKE.1);
    &terms[..=terms.len() - least_shared]
}

fn gap(group: &[&Wording<'_>]) -> Gap {
    let mut misses: Vec<&Miss> =
        group.iter().flat_map(|wording| wording.misses.iter().copied()).collect();
    let first =
        group.iter().flat_map(|wording| by_frequency(&wording.misses, |miss| Some(&miss.question)));
    let mut questions: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for question in first {
        if seen.insert(folded(&question)) {
            questions.push(question);
        }
    }
    misses.sort_by_key(|miss| Reverse(miss.at));
    Gap {
        questions,
        count: misses.len(),
        rated_bad: misses.iter().filter(|miss| miss.rated_bad).count(),
        pages: by_frequency(&misses, |miss| miss.page.as_ref()),
        reasons: by_frequency(&misses, |miss| miss.reason.as_ref()),
        comments: misses.iter().filter_map(|miss| miss.comment.clone()).collect(),
        last: misses.first().map_or(0, |miss| miss.at),
    }
}

/// The different texts of these misses, the most frequent first.
fn by_frequency(misses: &[&Miss], text: impl Fn(&Miss) -> Option<&String>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in misses.iter().filter_map(|miss| text(miss)) {
        *counts.entry(text).or_default() += 1;
    }
    let mut texts: Vec<(&str, usize)> = counts.into_iter().collect();
    texts.sort_by_key(|(_, count)| Reverse(*count));
    texts.into_iter().map(|(text, _)| text.to_owned()).collect()
}

#[cfg(test)]
mod tests;
