//! Fusion: one ranking from several.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::passage::{Hit, PassageId, Scores};
use crate::ports::{Ranked, Rankings};
use crate::search::page;

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

/// How much the rankings of another wording of the question count, where those of the first one
/// count 1: the most, in tenths, that costs none of the five best in half a of the conversations
/// of `bench/questions`, whose first wording is a good one. The more it is, the less harm a bad
/// one does.
const REWORDED: f64 = 0.2;

/// How much one more ranking counts, in which the passages of the reader's page stand alone: the
/// most, in tenths, with which no question of half a of `bench/questions` that is asked from the
/// page of another one loses its answer from the five best. With 0.3 three of 205 do, and those
/// that are asked from a page that answers them gain nothing by it.
const PAGE: f64 = 0.2;

/// The same where that page is all that is asked about: more than all else.
const PAGE_ALONE: f64 = 10.0;

/// The page that the reader is on.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Its address.
    pub url: &'a str,
    /// Whether nothing but this page is asked about.
    pub is_all: bool,
}

/// Fuses rankings by reciprocal rank: a passage's weight is the sum of w / (K + rank) over the
/// rankings that hold it, ranks from 0, where w is the ranking's weight. Best first, ties by the
/// ranking by terms, then by id; each passage once.
///
/// Passages of the page where the reader is are a ranking of their own by the weight so far.
/// Scores and places are those by the first wording that found the passage.
pub fn reciprocal_rank(wordings: Vec<Rankings>, page: Option<Page<'_>>) -> Vec<Fused> {
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
    for (at, Rankings { dense, lexical }) in wordings.into_iter().enumerate() {
        let factor = if at == 0 { 1.0 } else { REWORDED };
        add(dense, factor, |fused, score, rank| {
            fused.hit.scores.dense.get_or_insert(score);
            fused.dense_rank.get_or_insert(rank);
        });
        add(lexical, factor * LEXICAL, |fused, score, rank| {
            fused.hit.scores.lexical.get_or_insert(score);
            fused.lexical_rank.get_or_insert(rank);
        });
    }
    let mut fused: Vec<(f64, Fused)> = fused.into_values().collect();
    fused.sort_by(best_first);
    if let Some(Page { url: page, is_all }) = page {
        let factor = if is_all { PAGE_ALONE } else { PAGE };
        let is_there = |fused: &Fused| {
            fused.hit.passage.url.as_deref().is_some_and(|url| page::is_same(url, page))
        };
        let there = fused.iter_mut().filter(|(_, fused)| is_there(fused));
        for (rank, (weight, _)) in (0_u32..).zip(there) {
            *weight += factor / (K + f64::from(rank));
        }
        fused.sort_by(best_first);
    }
    let in_place = |(place, (_, mut fused)): (usize, (f64, Fused))| {
        fused.hit.scores.fused_rank = place;
        fused
    };
    (1..).zip(fused).map(in_place).collect()
}

/// The order of passages by weight.
fn best_first((a, one): &(f64, Fused), (b, other): &(f64, Fused)) -> Ordering {
    let by_terms = |fused: &Fused| fused.lexical_rank.unwrap_or(usize::MAX);
    b.total_cmp(a)
        .then_with(|| by_terms(one).cmp(&by_terms(other)))
        .then_with(|| one.hit.passage.id.cmp(&other.hit.passage.id))
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
        let fused = reciprocal_rank(
            vec![Rankings {
                dense: Some(ranking(&[("a", 0.9), ("b", 0.8)])),
                lexical: Some(ranking(&[("c", 7.0), ("b", 6.0)])),
            }],
            None,
        );
        assert_eq!(ids(&fused), ["b", "c", "a"]);
        let scores = Scores { dense: Some(0.8), lexical: Some(6.0), fused_rank: 1 };
        assert_eq!(fused[0].hit.scores, scores);
        assert_eq!((fused[0].dense_rank, fused[0].lexical_rank), (Some(2), Some(2)));
        assert_eq!((fused[1].dense_rank, fused[1].lexical_rank), (None, Some(1)));
    }

    #[test]
    fn of_equal_places_and_of_equal_weights_the_one_by_terms_comes_first() {
        let fused = reciprocal_rank(
            vec![Rankings {
                dense: Some(ranking(&[("a", 0.9)])),
                lexical: Some(ranking(&[("c", 7.0), ("b", 6.0)])),
            }],
            None,
        );
        assert_eq!(ids(&fused), ["c", "b", "a"]);
    }

    #[test]
    fn the_first_wording_counts_more_and_gives_scores_and_places() {
        let by_terms = |entries| Rankings { dense: None, lexical: Some(ranking(entries)) };
        let first = by_terms(&[("a", 7.0), ("b", 6.0)]);
        let second = by_terms(&[("c", 9.0), ("b", 8.0), ("a", 1.0)]);
        let fused = reciprocal_rank(vec![first, second], None);
        assert_eq!(ids(&fused), ["a", "b", "c"]);
        let places = fused.iter().map(|fused| (fused.hit.scores.lexical, fused.lexical_rank));
        let expected = [(Some(7.0), Some(1)), (Some(6.0), Some(2)), (Some(9.0), Some(1))];
        assert_eq!(places.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_page_of_the_reader_moves_what_is_close_and_not_what_is_far() {
        let fuse = |page: Option<&str>, is_all: bool| {
            let mut lexical = ranking(&[("a", 9.0), ("b", 8.0), ("c", 7.0), ("d", 6.0)]);
            for ranked in &mut lexical {
                let id = &ranked.passage.id.0;
                ranked.passage.url = Some(format!("https://book.example/{id}#section"));
            }
            let page = page.map(|url| Page { url, is_all });
            let rankings = vec![Rankings { dense: None, lexical: Some(lexical) }];
            ids(&reciprocal_rank(rankings, page)).concat()
        };
        assert_eq!(fuse(None, false), "abcd");
        assert_eq!(fuse(Some("/d/?q=1"), false), "abdc");
        assert_eq!(fuse(Some("/b"), false), "abcd");
        assert_eq!(fuse(Some("https://other.example/d"), false), "abcd");
        assert_eq!(fuse(Some("/d"), true), "dabc", "where nothing else is asked about");
    }

    #[test]
    fn one_ranking_keeps_its_order() {
        let dense = Some(ranking(&[("b", 0.9), ("a", 0.8), ("c", 0.8)]));
        assert_eq!(
            ids(&reciprocal_rank(vec![Rankings { dense, lexical: None }], None)),
            ["b", "a", "c"]
        );
    }
}
