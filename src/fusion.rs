//! Fusion: one ranking from two.

use std::collections::HashMap;

use crate::passage::{Hit, PassageId, Scores};
use crate::ports::{Ranked, Rankings};

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009, with 60);
/// as small as in Qdrant, for lists that are short.
const K: f64 = 2.0;

/// How much the ranking by terms counts, where that by closeness counts 1: its order has been
/// looked at twice, by headings and sentences too. On 100 questions with stored dense rankings
/// anything from 1.2 to 1.5 finds more than 1.
const LEXICAL: f64 = 1.5;

/// A passage with its places in the rankings that were fused.
#[derive(Clone, Debug, PartialEq)]
pub struct Fused {
    /// The passage, with the scores of all rankings and its place in the fused one.
    pub hit: Hit,
    /// Its place by closeness, from 1.
    pub dense_rank: Option<usize>,
    /// Its place by terms, from 1.
    pub lexical_rank: Option<usize>,
}

/// Fuses rankings by reciprocal rank: a passage's weight is the sum of w / (K + rank) over the
/// rankings that hold it, ranks from 0, where w is the ranking's weight. Best first, ties by the
/// ranking by terms, then by id; each passage once.
pub fn reciprocal_rank(rankings: Rankings) -> Vec<Fused> {
    let Rankings { dense, lexical } = rankings;
    let mut fused: HashMap<PassageId, (f64, Fused)> = HashMap::new();
    let mut add = |list: Option<Vec<Ranked>>, factor: f64, set: fn(&mut Fused, f32, usize)| {
        for (rank, Ranked { passage, score }) in (0_u32..).zip(list.unwrap_or_default()) {
            let (weight, known) = fused.entry(passage.id.clone()).or_insert_with(|| {
                let hit = Hit { passage, scores: Scores::default() };
                (0.0, Fused { hit, dense_rank: None, lexical_rank: None })
            });
            *weight += factor / (K + f64::from(rank));
            set(known, score, rank as usize + 1);
        }
    };
    add(dense, 1.0, |fused, score, rank| {
        fused.hit.scores.dense = Some(score);
        fused.dense_rank = Some(rank);
    });
    add(lexical, LEXICAL, |fused, score, rank| {
        fused.hit.scores.lexical = Some(score);
        fused.lexical_rank = Some(rank);
    });
    let mut fused: Vec<(f64, Fused)> = fused.into_values().collect();
    fused.sort_by(|(a, one), (b, other)| {
        let by_terms = |fused: &Fused| fused.lexical_rank.unwrap_or(usize::MAX);
        b.total_cmp(a)
            .then_with(|| by_terms(one).cmp(&by_terms(other)))
            .then_with(|| one.hit.passage.id.cmp(&other.hit.passage.id))
    });
    let in_place = |(place, (_, mut fused)): (usize, (f64, Fused))| {
        fused.hit.scores.fused_rank = place;
        fused
    };
    (1..).zip(fused).map(in_place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::Passage;

    fn ranking(entries: &[(&str, f32)]) -> Vec<Ranked> {
        let ranked = |&(id, score): &(&str, f32)| {
            let passage = Passage {
                id: PassageId(id.to_owned()),
                title: String::new(),
                headings: Vec::new(),
                url: None,
                text: id.to_owned(),
                edition: None,
            };
            Ranked { passage, score }
        };
        entries.iter().map(ranked).collect()
    }

    fn ids(fused: &[Fused]) -> Vec<&str> {
        fused.iter().map(|fused| fused.hit.passage.id.0.as_str()).collect()
    }

    #[test]
    fn a_hit_of_both_rankings_beats_the_best_of_one_and_has_both_scores_and_places() {
        let fused = reciprocal_rank(Rankings {
            dense: Some(ranking(&[("a", 0.9), ("b", 0.8)])),
            lexical: Some(ranking(&[("c", 7.0), ("b", 6.0)])),
        });
        assert_eq!(ids(&fused), ["b", "c", "a"]);
        let scores = Scores { dense: Some(0.8), lexical: Some(6.0), fused_rank: 1 };
        assert_eq!(fused[0].hit.scores, scores);
        assert_eq!((fused[0].dense_rank, fused[0].lexical_rank), (Some(2), Some(2)));
        assert_eq!((fused[1].dense_rank, fused[1].lexical_rank), (None, Some(1)));
    }

    #[test]
    fn of_equal_places_and_of_equal_weights_the_one_by_terms_comes_first() {
        let fused = reciprocal_rank(Rankings {
            dense: Some(ranking(&[("a", 0.9)])),
            lexical: Some(ranking(&[("c", 7.0), ("b", 6.0)])),
        });
        assert_eq!(ids(&fused), ["c", "b", "a"]);
    }

    #[test]
    fn one_ranking_keeps_its_order() {
        let dense = Some(ranking(&[("b", 0.9), ("a", 0.8), ("c", 0.8)]));
        assert_eq!(ids(&reciprocal_rank(Rankings { dense, lexical: None })), ["b", "a", "c"]);
    }
}
