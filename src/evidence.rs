//! Evidence: whether the passages that were found can answer the question, judged before money
//! is spent on an answer.

use crate::concept::{Concept, ratio};
use crate::passage::Passage;
use crate::reading::{Extract, Reader, Reading};
use crate::selection::Candidate;
use crate::text::seen_terms;

/// What coverage and prominence have to come to together. It was chosen on `bench/questions`,
/// searched by terms, to refuse about one in twenty of 145 questions that two books answer (8
/// are) and none of the 100 of the Claude documentation's; of 73 that they do not answer 51 are.
/// With 0.72 about ten more would be, but more of the first as well. The other constants but
/// [`COSINE`] were fitted on half a of these sets.
const REQUIRED: f64 = 0.66;

/// How much one point of prominence counts, in coverage.
const PROMINENCE: f64 = 0.04;

/// How much a passage that mentions a word once, outside its headings, is about it...
const MENTIONED: f64 = 0.3;
/// ...and one that says it in several sentences.
const REPEATED: f64 = 0.7;

/// What coverage alone has to be where fewer were found: BM25 scores of a small book are small and
/// tell nothing, so it is the share of the words that a passage is about.
const REQUIRED_OF_FEW: f64 = 0.22;

/// Rarity is taken as if a book had so many passages.
const BOOK: usize = 500;

/// A question of more words than these leaves more open than its answer has to hold.
const WORDS: usize = 4;

/// The ranking by terms is flat at this place: its score is what anything of the book gets.
const FLAT: usize = 30;

/// With dense vectors a paraphrase that shares no word counts, when its cosine is this high. A
/// guess, without measurements: models differ in the cosine of texts that have nothing in common,
/// up to 0.6 or so. It errs on the side of asking the generator.
const COSINE: f32 = 0.65;

/// How many of the best of each ranking are looked at.
const BEST: usize = 5;

/// What speaks for an answer being in the passages.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The share, from 0 to 1, of the information in the question that one of the passages has:
    /// its BM25 score against what it leaves open, rare terms counting more.
    pub coverage: f64,
    /// How far the two rankings agree on the best passages, from 0 to 1: the share of the five
    /// best of one that are among those of the other. `None` with one ranking.
    pub agreement: Option<f64>,
    /// The best cosine; `None` without dense vectors.
    pub dense: Option<f32>,
    /// The terms of the question that say something and that no passage holds.
    pub missing: Vec<String>,
    /// The judgement.
    pub sufficient: bool,
}

/// Judges the candidates: one of those that were kept has to have enough of the question's
/// information, less where the best stand out from the rest of the ranking by terms, be close to
/// it, or be found by both rankings.
pub(crate) fn judge(reader: &mut Reader, candidates: &[Candidate]) -> Evidence {
    for candidate in candidates {
        reader.read(&candidate.fused.hit.passage);
    }
    let reader = &*reader;
    let telling = telling(reader, candidates);
    let kept = || candidates.iter().filter(|candidate| candidate.is_kept());
    let is_few = candidates.len() < FLAT;
    let coverage = kept().map(|candidate| covered(reader, &telling, candidate, is_few));
    let coverage = coverage.fold(0.0, f64::max);
    let dense = kept().filter_map(|candidate| candidate.fused.hit.scores.dense).reduce(f32::max);
    let agreement = agreement(candidates);
    let has_terms = if is_few {
        coverage >= REQUIRED_OF_FEW
    } else {
        coverage > 0.0 && coverage + PROMINENCE * prominence(candidates) >= REQUIRED
    };
    let sufficient = kept().next().is_some()
        && (has_terms
            || dense.is_some_and(|cosine| cosine >= COSINE)
            || agreement.is_some_and(|agreement| agreement > 0.0));
    let missing = telling.iter().filter(|word| word.concept.says_something() && word.is_missing);
    let missing = missing.map(|word| word.concept.whole().to_owned()).collect();
    Evidence { coverage, agreement, dense, missing, sufficient }
}

/// Whether a text that a reader selected was taken from a passage, or holds it: so much of the
/// words of the one that has fewer are in the other (the overlap coefficient of Szymkiewicz and
/// Simpson). Of a few words that means nothing.
pub(crate) fn is_taken_from(selected: &str, passage: &Passage) -> bool {
    const FEW: usize = 4;
    const SHARE: f64 = 0.7;
    let (selected, whole) = (seen_terms(selected), seen_terms(&passage.text));
    let fewer = selected.len().min(whole.len());
    fewer >= FEW && ratio(selected.intersection(&whole).count(), fewer) >= SHARE
}

/// A word of the question, among the candidates.
struct Telling<'r> {
    concept: &'r Concept,
    /// Its information, on the scale of BM25.
    information: f64,
    /// No candidate holds any of it.
    is_missing: bool,
}

fn telling<'r>(reader: &'r Reader, candidates: &[Candidate]) -> Vec<Telling<'r>> {
    let known = |candidate: &Candidate| reader.known(&candidate.fused.hit.passage).all();
    let texts: Vec<Extract> = candidates.iter().map(known).collect();
    let telling = |concept: &'r Concept| {
        let shares = || texts.iter().map(|text| reader.holds(concept, *text));
        let holders = shares().filter(|share| *share > 0.5).count();
        Telling {
            concept,
            information: concept.salience()
                * match (concept.says_something(), texts.len() < FLAT) {
                    (true, _) => rarity(holders, texts.len()),
                    (false, is_few) => f64::from(u8::from(is_few)),
                },
            is_missing: shares().all(|share| share == 0.0),
        }
    };
    reader.concepts().iter().map(telling).collect()
}

/// The inverse document frequency of a word that so many of the candidates hold. What all of a
/// long list hold is the book's own and tells nothing.
fn rarity(holders: usize, candidates: usize) -> f64 {
    if candidates < FLAT {
        return (1.0 + ratio(2 * candidates, 1 + 2 * holders)).ln();
    }
    if holders == candidates { 0.0 } else { ratio(2 * BOOK, 2 * holders + 1).ln().max(0.0) }
}

/// The share of the question's information that a candidate has.
fn covered(reader: &Reader, telling: &[Telling<'_>], candidate: &Candidate, is_few: bool) -> f64 {
    let reading = reader.known(&candidate.fused.hit.passage);
    let (mut about, mut open) = (0.0, 0.0);
    for word in telling {
        let share = aboutness(reader, reading, word.concept);
        about += word.information * share;
        open += word.information * (1.0 - share);
    }
    let concepts = reader.concepts();
    if concepts.len() > WORDS && !is_few {
        open *= ratio(WORDS, concepts.len());
    }
    let holds_any = concepts.iter().any(|concept| reader.holds(concept, reading.all()) > 0.0);
    let score = candidate.fused.hit.scores.lexical.filter(|_| !is_few);
    let found = score.map_or(about, f64::from);
    if holds_any && found > 0.0 { found / (found + open) } else { 0.0 }
}

/// How much a passage is about a concept, from 0 to 1.
fn aboutness(reader: &Reader, reading: &Reading, concept: &Concept) -> f64 {
    let holds = |text: &Extract| reader.holds(concept, *text);
    let mentions = reading.sentences.iter().filter(|text| holds(text) > 0.5).count();
    let said = holds(&reading.all()) * if mentions > 1 { REPEATED } else { MENTIONED };
    holds(&reading.breadcrumb).max(said)
}

/// How far the best of the ranking by terms stand out: their mean BM25 score above that of the
/// thirtieth, which a word scores that is everywhere in the book. (Query performance is predicted
/// so by weighted information gain: Zhou and Croft, SIGIR 2007.)
fn prominence(candidates: &[Candidate]) -> f64 {
    let scores = candidates.iter().filter_map(|candidate| candidate.fused.hit.scores.lexical);
    let mut scores: Vec<f64> = scores.map(f64::from).collect();
    scores.sort_unstable_by(|one, other| other.total_cmp(one));
    let flat = scores.get(FLAT - 1).copied().unwrap_or_default();
    let best = &scores[..scores.len().min(BEST)];
    best.iter().map(|score| (score - flat) * ratio(1, best.len())).sum()
}

fn agreement(candidates: &[Candidate]) -> Option<f64> {
    let is_best = |rank: Option<usize>| rank.is_some_and(|rank| rank <= BEST);
    let best = |rank: fn(&Candidate) -> Option<usize>| {
        candidates.iter().filter(|candidate| is_best(rank(candidate))).count()
    };
    let dense = best(|candidate| candidate.fused.dense_rank);
    let lexical = best(|candidate| candidate.fused.lexical_rank);
    let both = candidates
        .iter()
        .filter(|candidate| {
            is_best(candidate.fused.dense_rank) && is_best(candidate.fused.lexical_rank)
        })
        .count();
    (dense > 0 && lexical > 0).then(|| ratio(both, dense.min(lexical)))
}

#[cfg(test)]
mod tests;
