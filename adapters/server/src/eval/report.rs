//! What was measured, over a whole set and over each half of it.

use serde::Serialize;

use super::measure::{Asking, Leg};
use super::metrics::{At, Latency, Matrix, Places};
use super::set::Half;
use super::target::Missing;

/// Everything that was measured with one configuration.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Which settings were not as they are set; empty when all were.
    pub(crate) settings: Vec<String>,
    /// Where the index is.
    pub(crate) index: String,
    /// What the set calls relevant and the index does not hold.
    pub(crate) missing: Vec<Missing>,
    /// How many searches were made without a part that was out of order.
    pub(crate) degraded: usize,
    /// The measures: over all questions first, then over each half.
    pub(crate) slices: Vec<Slice>,
    /// To make the vectors of a question.
    pub(crate) embed_ms: Option<Latency>,
    /// To find the passages near them.
    pub(crate) search_ms: Option<Latency>,
    /// Each question.
    pub(crate) questions: Vec<Asking>,
}

/// The measures over some of the questions.
#[derive(Debug, Serialize)]
pub(crate) struct Slice {
    /// Which: `None` for all.
    pub(crate) half: Option<Half>,
    /// How many of them the book answers.
    pub(crate) answerable: usize,
    /// How many it does not.
    pub(crate) unanswerable: usize,
    /// How well each ranking finds what is relevant.
    pub(crate) legs: Vec<Measured>,
    /// What the evidence alone says.
    pub(crate) evidence: Matrix,
    /// What came of it in the end; `None` when no answers were asked for.
    pub(crate) answers: Option<Matrix>,
}

/// How well a ranking finds what is relevant.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) leg: Leg,
    pub(crate) at: Vec<At>,
}

impl Report {
    /// Takes the means of what became of the questions, at these depths.
    pub(crate) fn new(
        settings: Vec<String>,
        index: String,
        missing: Vec<Missing>,
        questions: Vec<Asking>,
        depths: &[usize],
    ) -> Self {
        let slice = |half: Option<Half>| {
            let of_half = |asking: &&Asking| half.is_none_or(|half| half == asking.half);
            Slice::of(half, &questions.iter().filter(of_half).collect::<Vec<_>>(), depths)
        };
        let slices: Vec<Slice> = [None, Some(Half::A), Some(Half::B)]
            .map(slice)
            .into_iter()
            .filter(|slice| slice.answerable + slice.unanswerable > 0)
            .collect();
        Self {
            degraded: questions.iter().filter(|asking| asking.degraded).count(),
            embed_ms: Latency::of(questions.iter().map(|asking| asking.embed).collect()),
            search_ms: Latency::of(questions.iter().map(|asking| asking.search).collect()),
            settings,
            index,
            missing,
            slices,
            questions,
        }
    }
}

impl Slice {
    /// How well this ranking does; `None` for one that there is not.
    pub(super) fn leg(&self, leg: Leg) -> Option<&Measured> {
        self.legs.iter().find(|measured| measured.leg == leg)
    }

    fn of(half: Option<Half>, questions: &[&Asking], depths: &[usize]) -> Self {
        let answerable = questions.iter().filter(|asking| asking.answerable).count();
        let mut evidence = Matrix::default();
        let mut answers = None;
        for asking in questions {
            evidence.add(asking.answerable, !asking.sufficient);
            if let Some(answered) = asking.answered {
                answers.get_or_insert(Matrix::default()).add(asking.answerable, !answered);
            }
        }
        let legs = [Leg::Lexical, Leg::Dense, Leg::Fused, Leg::Selected].map(|leg| {
            let places: Vec<&Places> =
                questions.iter().filter_map(|asking| asking.legs.get(&leg)).collect();
            // A ranking of nothing, ever, is one that this configuration does not make.
            let made = !places.iter().all(|places| places.is_of_nothing());
            let at = depths.iter().filter(|_| made).filter_map(|&k| At::mean(k, &places)).collect();
            Measured { leg, at }
        });
        Self {
            half,
            answerable,
            unanswerable: questions.len() - answerable,
            legs: legs.into_iter().filter(|measured| !measured.at.is_empty()).collect(),
            evidence,
            answers,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    fn asking(half: Half, place: Option<usize>, sufficient: bool) -> Asking {
        let ranking = ["x", "y", "z"];
        let places = place.map(|place| {
            Places::of(&ranking, &[ranking[place - 1].to_owned()], |entry, wanted| *entry == wanted)
        });
        Asking {
            line: 1,
            question: "q".to_owned(),
            half,
            answerable: place.is_some(),
            legs: places
                .into_iter()
                .flat_map(|places| {
                    let nothing = Places::of(&[], &["x".to_owned()], |(): &(), _| false);
                    [(Leg::Fused, places), (Leg::Dense, nothing)]
                })
                .collect::<BTreeMap<_, _>>(),
            sufficient,
            answered: None,
            degraded: half == Half::B,
            embed: Duration::from_millis(1),
            search: Duration::from_millis(2),
        }
    }

    #[test]
    fn all_questions_and_each_half_are_measured_apart() {
        let questions = vec![
            asking(Half::A, Some(1), true),
            asking(Half::A, None, true),
            asking(Half::B, Some(2), false),
        ];
        let report = Report::new(Vec::new(), "here".to_owned(), Vec::new(), questions, &[1, 3]);
        let hits: Vec<Vec<f64>> = report
            .slices
            .iter()
            .map(|slice| slice.legs[0].at.iter().map(|at| at.hit).collect())
            .collect();
        assert_eq!(hits, [[0.5, 1.0], [1.0, 1.0], [0.0, 1.0]]);
        let counts =
            report.slices.iter().map(|slice| (slice.half, slice.answerable, slice.unanswerable));
        let expected = [(None, 2, 1), (Some(Half::A), 1, 1), (Some(Half::B), 1, 0)];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
        let matrix = Matrix { answered: 1, falsely_refused: 1, falsely_answered: 1, refused: 0 };
        assert_eq!(report.slices[0].evidence, matrix);
        assert_eq!(report.degraded, 1);
        assert_eq!(report.search_ms, Some(Latency { p50: 2.0, p99: 2.0 }));
    }

    #[test]
    fn a_half_without_questions_and_a_ranking_that_there_is_not_are_left_out() {
        let questions = vec![asking(Half::B, Some(1), true)];
        let report = Report::new(Vec::new(), String::new(), Vec::new(), questions, &[1]);
        let halves: Vec<_> = report.slices.iter().map(|slice| slice.half).collect();
        assert_eq!(halves, [None, Some(Half::B)]);
        let legs: Vec<Leg> = report.slices[0].legs.iter().map(|measured| measured.leg).collect();
        assert_eq!(legs, [Leg::Fused]);
    }
}
