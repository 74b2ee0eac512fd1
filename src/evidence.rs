//! Evidence: whether the passages that were found can answer the question, judged before money
//! is spent on an answer.

use crate::concept::{Concept, ratio};
use crate::reading::{Extract, Reader, Reading};
use crate::selection::Candidate;

/// The share of the question that one passage has to be about. Fitted on one half of 145 questions
/// that two books answer and 73 that they do not (`bench/questions`), searched by terms: 8 of the
/// first are refused and 40 of the second. More would be refused only together with many that
/// are answered in other words than they were asked in; what remains is the generator's to refuse.
const COVERAGE: f64 = 0.22;

/// How much a passage that mentions a word once, outside its headings, is about it...
const MENTIONED: f64 = 0.3;
/// ...and one that says it in several sentences.
const REPEATED: f64 = 0.7;

/// With dense vectors a paraphrase that shares no word counts, when its cosine is this high. A
/// guess, without measurements: models differ in the cosine of texts that have nothing in common,
/// up to 0.6 or so. It errs on the side of asking the generator.
const COSINE: f32 = 0.65;

/// How many of the best of each ranking are compared.
const BEST: usize = 5;

/// What speaks for an answer being in the passages.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The share, from 0 to 1, of what the question says that one of the passages is about, rare
    /// terms counting more.
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

/// Judges the candidates: one of those that were kept has to be about enough of the question, be
/// close to it, or be found by both rankings.
pub(crate) fn judge(reader: &mut Reader, candidates: &[Candidate]) -> Evidence {
    let passages = || candidates.iter().map(|candidate| &candidate.fused.hit.passage);
    let weights = reader.weights(passages());
    let is_missing = |concept: &Concept| {
        let held = |passage| reader.holds(concept, reader.known(passage).all());
        passages().all(|passage| held(passage) == 0.0)
    };
    let missing: Vec<String> = reader
        .concepts()
        .iter()
        .filter(|concept| concept.says_something() && is_missing(concept))
        .map(|concept| concept.whole().to_owned())
        .collect();
    let kept = || candidates.iter().filter(|candidate| candidate.is_kept());
    let about = |candidate: &Candidate| {
        let reading = reader.known(&candidate.fused.hit.passage);
        reader.share(&weights, |concept| aboutness(reader, reading, concept))
    };
    let coverage = kept().map(about).fold(0.0, f64::max);
    let dense = kept().filter_map(|candidate| candidate.fused.hit.scores.dense).reduce(f32::max);
    let agreement = agreement(candidates);
    let sufficient = kept().next().is_some()
        && (coverage >= COVERAGE
            || dense.is_some_and(|cosine| cosine >= COSINE)
            || agreement.is_some_and(|agreement| agreement > 0.0));
    Evidence { coverage, agreement, dense, missing, sufficient }
}

/// How much a passage is about a concept, from 0 to 1.
fn aboutness(reader: &Reader, reading: &Reading, concept: &Concept) -> f64 {
    let holds = |text: &Extract| reader.holds(concept, *text);
    let mentions = reading.sentences.iter().filter(|text| holds(text) > 0.5).count();
    let said = holds(&reading.all()) * if mentions > 1 { REPEATED } else { MENTIONED };
    holds(&reading.breadcrumb).max(said)
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
