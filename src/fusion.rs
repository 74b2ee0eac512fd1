//! Fusion: one list of hits from several.

use std::collections::HashMap;

use crate::passage::{Hit, PassageId};

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009, with 60);
/// as small as in Qdrant, for lists that are short.
const K: f64 = 2.0;

/// Fuses ranked lists by reciprocal rank: a hit's weight is the sum of 1 / (K + rank) over the
/// lists that hold it, ranks from 0. Best first, ties by id; each passage once, with the scores
/// of all lists.
pub fn reciprocal_rank(lists: impl IntoIterator<Item = Vec<Hit>>) -> Vec<Hit> {
    let mut fused: HashMap<PassageId, (f64, Hit)> = HashMap::new();
    for list in lists {
        for (rank, hit) in (0_u32..).zip(list) {
            let (weight, known) =
                fused.entry(hit.passage.id.clone()).or_insert_with(|| (0.0, hit.clone()));
            *weight += 1.0 / (K + f64::from(rank));
            known.scores.dense = known.scores.dense.or(hit.scores.dense);
            known.scores.lexical = known.scores.lexical.or(hit.scores.lexical);
        }
    }
    let mut fused: Vec<(f64, Hit)> = fused.into_values().collect();
    fused.sort_by(|(a, one), (b, other)| {
        b.total_cmp(a).then_with(|| one.passage.id.cmp(&other.passage.id))
    });
    fused.into_iter().map(|(_, hit)| hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::{Passage, Scores};

    fn hit(id: &str, scores: Scores) -> Hit {
        let passage = Passage {
            id: PassageId(id.to_owned()),
            title: String::new(),
            headings: Vec::new(),
            url: None,
            text: id.to_owned(),
        };
        Hit { passage, scores }
    }

    fn dense(id: &str, score: f32) -> Hit {
        hit(id, Scores { dense: Some(score), lexical: None })
    }

    fn lexical(id: &str, score: f32) -> Hit {
        hit(id, Scores { dense: None, lexical: Some(score) })
    }

    fn ids(hits: &[Hit]) -> Vec<&str> {
        hits.iter().map(|hit| hit.passage.id.0.as_str()).collect()
    }

    #[test]
    fn a_hit_of_both_lists_beats_the_best_of_one_and_has_both_scores() {
        let fused = reciprocal_rank([
            vec![dense("a", 0.9), dense("b", 0.8)],
            vec![lexical("c", 7.0), lexical("b", 6.0)],
        ]);
        assert_eq!(ids(&fused), ["b", "a", "c"]);
        assert_eq!(fused[0].scores, Scores { dense: Some(0.8), lexical: Some(6.0) });
    }

    #[test]
    fn of_equal_weight_the_smaller_id_comes_first() {
        let fused = reciprocal_rank([vec![dense("b", 0.9)], vec![lexical("a", 7.0)]]);
        assert_eq!(ids(&fused), ["a", "b"]);
    }
}
