//! The measures, as pure functions of where in a ranking the relevant passages stand.
//!
//! Each is the mean, over the answerable questions, of:
//!
//! * `recall@k`: the relevant passages among the first k, divided by all that are relevant
//!   (Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, 8.3);
//! * `MRR@k`: 1 divided by the place of the first relevant passage, 0 when it is not among the
//!   first k (Voorhees, "The TREC-8 Question Answering Track Report", 1999);
//! * `hit@k`: 1 when any relevant passage is among the first k, else 0.

use std::time::Duration;

use serde::Serialize;

/// Where in a ranking the relevant passages of one question stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Places {
    /// From 1, in ascending order; each relevant passage at most once.
    found: Vec<usize>,
    /// How many passages are relevant, at least 1.
    relevant: usize,
    /// How long the ranking is.
    ranked: usize,
}

impl Places {
    /// Looks for each relevant passage in the ranking; `is` tells whether an entry is the
    /// passage. A section that was cut into several entries counts where its first one stands.
    pub(crate) fn of<E>(ranking: &[E], relevant: &[String], is: impl Fn(&E, &str) -> bool) -> Self {
        let place = |wanted: &String| ranking.iter().position(|entry| is(entry, wanted));
        let mut found: Vec<usize> =
            relevant.iter().filter_map(place).map(|index| index + 1).collect();
        found.sort_unstable();
        Self { found, relevant: relevant.len(), ranked: ranking.len() }
    }

    /// Where the first relevant passage stands.
    pub(crate) fn first(&self) -> Option<usize> {
        self.found.first().copied()
    }

    /// Whether there is nothing in the ranking.
    pub(crate) fn is_of_nothing(&self) -> bool {
        self.ranked == 0
    }

    fn recall(&self, k: usize) -> f64 {
        let found = self.found.iter().take_while(|&&place| place <= k).count();
        ratio(found, self.relevant)
    }

    fn reciprocal_rank(&self, k: usize) -> f64 {
        self.first().filter(|&place| place <= k).map_or(0.0, |place| ratio(1, place))
    }

    fn hit(&self, k: usize) -> f64 {
        if self.first().is_some_and(|place| place <= k) { 1.0 } else { 0.0 }
    }
}

/// The measures at one depth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct At {
    pub(crate) k: usize,
    pub(crate) recall: f64,
    pub(crate) mrr: f64,
    pub(crate) hit: f64,
}

impl At {
    /// The means over these questions; `None` without any.
    pub(crate) fn mean(k: usize, questions: &[&Places]) -> Option<Self> {
        let mean = |measure: fn(&Places, usize) -> f64| {
            let sum: f64 = questions.iter().map(|places| measure(places, k)).sum();
            sum / ratio(questions.len(), 1)
        };
        (!questions.is_empty()).then(|| Self {
            k,
            recall: mean(Places::recall),
            mrr: mean(Places::reciprocal_rank),
            hit: mean(Places::hit),
        })
    }
}

/// How a judgement about each question (to answer it, or to refuse) agrees with what is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Matrix {
    /// Questions that the book answers and that are to be answered.
    pub(crate) answered: usize,
    /// Questions that the book answers and that are refused all the same.
    pub(crate) falsely_refused: usize,
    /// Questions that the book does not answer and that are to be answered all the same.
    pub(crate) falsely_answered: usize,
    /// Questions that the book does not answer and that are refused.
    pub(crate) refused: usize,
}

impl Matrix {
    pub(crate) fn add(&mut self, answerable: bool, refused: bool) {
        let count = match (answerable, refused) {
            (true, false) => &mut self.answered,
            (true, true) => &mut self.falsely_refused,
            (false, false) => &mut self.falsely_answered,
            (false, true) => &mut self.refused,
        };
        *count += 1;
    }

    /// Of the questions that the book answers, the share that is refused.
    pub(crate) fn false_refusals(&self) -> Option<f64> {
        share(self.falsely_refused, self.answered)
    }

    /// Of the questions that the book does not answer, the share that is refused.
    pub(crate) fn refusals(&self) -> Option<f64> {
        share(self.refused, self.falsely_answered)
    }
}

/// The share of `part` in `part` and `rest`.
fn share(part: usize, rest: usize) -> Option<f64> {
    (part + rest > 0).then(|| ratio(part, part + rest))
}

/// How long something took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Latency {
    /// The median and the 99th percentile by nearest rank: the smallest time that at least that
    /// share of all is not above. `None` without any.
    pub(crate) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let nearest = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100);
            times.get(rank.checked_sub(1)?).map(|time| time.as_secs_f64() * 1e3)
        };
        Some(Self { p50: nearest(50)?, p99: nearest(99)? })
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of questions are small")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(ranking: &[&str], relevant: &[&str]) -> Places {
        let relevant: Vec<String> = relevant.iter().map(|&id| id.to_owned()).collect();
        Places::of(ranking, &relevant, |entry, wanted| *entry == wanted)
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn the_measures_of_one_question_are_as_computed_by_hand() {
        // Relevant at the places 2 and 4; the third one is not found.
        let found = places(&["x", "a", "y", "b", "a"], &["a", "b", "c"]);
        assert_eq!(found.first(), Some(2));
        for (k, recall, mrr, hit) in [
            (1, 0.0, 0.0, 0.0),
            (2, 1.0 / 3.0, 0.5, 1.0),
            (3, 1.0 / 3.0, 0.5, 1.0),
            (5, 2.0 / 3.0, 0.5, 1.0),
        ] {
            close(found.recall(k), recall);
            close(found.reciprocal_rank(k), mrr);
            close(found.hit(k), hit);
        }
    }

    #[test]
    fn the_measures_of_a_set_are_means_over_its_questions() {
        let first = places(&["a", "b"], &["a", "b"]);
        let third = places(&["x", "y", "a"], &["a"]);
        let never = places(&["x"], &["a", "b"]);
        let at = |k| At::mean(k, &[&first, &third, &never]).unwrap();
        close(at(1).recall, 0.5 / 3.0);
        close(at(1).mrr, 1.0 / 3.0);
        close(at(1).hit, 1.0 / 3.0);
        close(at(3).recall, 2.0 / 3.0);
        close(at(3).mrr, (1.0 + 1.0 / 3.0) / 3.0);
        close(at(3).hit, 2.0 / 3.0);
        assert_eq!(At::mean(3, &[]), None);
    }

    #[test]
    fn a_matrix_counts_what_was_right_and_wrong() {
        let mut matrix = Matrix::default();
        assert_eq!((matrix.false_refusals(), matrix.refusals()), (None, None));
        for (answerable, refused) in
            [(true, false), (true, false), (true, false), (true, true), (false, true)]
        {
            matrix.add(answerable, refused);
        }
        matrix.add(false, false);
        let expected = Matrix { answered: 3, falsely_refused: 1, falsely_answered: 1, refused: 1 };
        assert_eq!(matrix, expected);
        close(matrix.false_refusals().unwrap(), 0.25);
        close(matrix.refusals().unwrap(), 0.5);
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = |range: std::ops::RangeInclusive<u64>| {
            Latency::of(range.rev().map(Duration::from_millis).collect())
        };
        assert_eq!(times(1..=200), Some(Latency { p50: 100.0, p99: 198.0 }));
        assert_eq!(times(1..=3), Some(Latency { p50: 2.0, p99: 3.0 }));
        assert_eq!(times(7..=7), Some(Latency { p50: 7.0, p99: 7.0 }));
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
