use std::num::NonZeroUsize;
use std::sync::Arc;

use super::{Fault, fault_clauses, is_reported};
use crate::embedding::{Embedding, SparseVector, VectorShape};
use crate::error::ErrorKind;
use crate::passage::{Passage, PassageId};
use crate::ports::{Entry, Ranked, Rankings, Retriever};

/// The contract of a [`Retriever`] over [`entries`]: `retriever_contract!(fixture, shape)` with
/// `async fn fixture(shape: VectorShape, entries: Vec<Entry>) -> (Arc<dyn Retriever>, impl Sized)`.
#[macro_export]
macro_rules! retriever_contract {
    ($fixture:path, $shape:expr) => {
        $crate::retriever_clauses!(($crate::__clauses) (entries $fixture, $shape));
    };
}

/// Hands the clauses to a macro, for tests that need another frame than `retriever_contract!`
/// gives: `retriever_clauses!((name) arguments)` calls `name!(retriever, arguments: clause, ...)`.
#[macro_export]
macro_rules! retriever_clauses {
    (($($name:tt)+) $arguments:tt) => {
        $($name)+!(retriever, $arguments:
            the_shape_is_that_of_the_index,
            a_ready_index_is_ready,
            there_is_a_ranking_for_each_vector,
            the_closest_passage_comes_first_and_whole,
            rankings_are_best_first,
            a_ranking_has_at_most_the_limit,
            ties_come_in_the_order_of_their_ids,
            scores_are_cosines_and_positive_weights,
            a_part_of_the_vectors_is_searched_with_alone,
            only_what_has_something_in_common_is_found,
            a_vector_that_says_nothing_finds_nothing,
            another_shape_is_misconfigured,
            searches_may_run_side_by_side,
        );
    };
}

/// The faults of a remote [`Retriever`]: `remote_retriever_contract!(fixture)` with
/// `async fn fixture(fault: Fault) -> (Arc<dyn Retriever>, impl Sized)`.
#[macro_export]
macro_rules! remote_retriever_contract {
    ($fixture:path) => {
        $crate::__faults!(retriever, $fixture);
    };
}

/// How many passages there are.
const PASSAGES: usize = 6;

/// The passage about one subject and a little about the next; of the last two, both equally
/// about one subject, the one with the greater id stands first.
pub fn entries(shape: VectorShape) -> Vec<Entry> {
    let order = [0, 1, 2, 3, 5, 4];
    order.map(|number| Entry { passage: passage(number), embedding: about(shape, number) }).into()
}

fn passage(number: usize) -> Passage {
    Passage {
        id: PassageId(format!("00000000-0000-0000-0000-00000000000{number}")),
        title: format!("Page {number}"),
        headings: vec!["Outer".to_owned(), format!("Größe & \"{number}\"")],
        url: Some(format!("/docs/page-{number}#size")),
        text: format!("Text {number}.\n\n```rust\nlet x = \"{number}\";\n```"),
        edition: None,
    }
}

/// Where the subjects of a passage stand in a vector of this shape.
fn about(shape: VectorShape, number: usize) -> Embedding {
    let subjects: &[(u32, f32)] = match number {
        0 => &[(0, 0.8), (1, 0.6)],
        1 => &[(1, 0.8), (2, 0.6)],
        2 => &[(2, 1.0)],
        3 => &[(0, 0.6), (2, 0.8)],
        _ => &[(3, 1.0)],
    };
    embedding(shape, subjects)
}

/// Only about this subject.
fn only(shape: VectorShape, subject: u32) -> Embedding {
    embedding(shape, &[(subject, 1.0)])
}

fn embedding(shape: VectorShape, subjects: &[(u32, f32)]) -> Embedding {
    let dense = shape.dense.map(|dimension| {
        assert!(dimension.get() >= 5, "the contract needs at least 5 components");
        let mut dense = vec![0.0; dimension.get()];
        for &(subject, value) in subjects {
            dense[subject as usize] = value;
        }
        dense
    });
    let sparse = shape.sparse.then(|| SparseVector {
        indices: subjects.iter().map(|subject| subject.0).collect(),
        values: subjects.iter().map(|subject| subject.1).collect(),
    });
    Embedding { dense, sparse }
}

async fn retrieve(subject: &dyn Retriever, near: &Embedding, limit: usize) -> Rankings {
    let limit = NonZeroUsize::new(limit).expect("a limit");
    subject.retrieve(near, limit).await.expect("the rankings")
}

fn each(rankings: Rankings) -> impl Iterator<Item = Vec<Ranked>> {
    rankings.dense.into_iter().chain(rankings.lexical)
}

fn passages(ranking: Vec<Ranked>) -> Vec<Passage> {
    ranking.into_iter().map(|ranked| ranked.passage).collect()
}

pub async fn the_shape_is_that_of_the_index(subject: &dyn Retriever, shape: VectorShape) {
    assert_eq!(subject.shape().await.expect("the shape"), shape);
}

pub async fn a_ready_index_is_ready(subject: &dyn Retriever, _: VectorShape) {
    subject.ready().await.expect("readiness");
}

pub async fn there_is_a_ranking_for_each_vector(subject: &dyn Retriever, shape: VectorShape) {
    let found = retrieve(subject, &only(shape, 2), PASSAGES).await;
    assert_eq!(found.dense.is_some(), shape.dense.is_some());
    assert_eq!(found.lexical.is_some(), shape.sparse);
}

pub async fn the_closest_passage_comes_first_and_whole(
    subject: &dyn Retriever,
    shape: VectorShape,
) {
    for ranking in each(retrieve(subject, &only(shape, 2), PASSAGES).await) {
        assert_eq!(ranking[0].passage, passage(2));
    }
}

pub async fn rankings_are_best_first(subject: &dyn Retriever, shape: VectorShape) {
    for ranking in each(retrieve(subject, &only(shape, 2), 3).await) {
        assert!(ranking.windows(2).all(|pair| pair[0].score >= pair[1].score));
        assert_eq!(passages(ranking), [passage(2), passage(3), passage(1)]);
    }
}

pub async fn a_ranking_has_at_most_the_limit(subject: &dyn Retriever, shape: VectorShape) {
    for limit in [1, 2] {
        for ranking in each(retrieve(subject, &only(shape, 2), limit).await) {
            assert_eq!(ranking.len(), limit);
        }
    }
}

pub async fn ties_come_in_the_order_of_their_ids(subject: &dyn Retriever, shape: VectorShape) {
    for limit in [1, 2] {
        for ranking in each(retrieve(subject, &only(shape, 3), limit).await) {
            assert_eq!(passages(ranking), [passage(4), passage(5)][..limit]);
        }
    }
}

pub async fn scores_are_cosines_and_positive_weights(subject: &dyn Retriever, shape: VectorShape) {
    let found = retrieve(subject, &only(shape, 2), PASSAGES).await;
    if let Some(ranking) = found.dense {
        let cosine = ranking[0].score;
        assert!((cosine - 1.0).abs() < 1e-3, "cosine {cosine}");
        assert!(ranking.iter().all(|ranked| (-1.0..=1.0).contains(&ranked.score)));
    }
    if let Some(ranking) = found.lexical {
        assert!(ranking.iter().all(|ranked| ranked.score > 0.0));
    }
}

pub async fn a_part_of_the_vectors_is_searched_with_alone(
    subject: &dyn Retriever,
    shape: VectorShape,
) {
    let whole = only(shape, 2);
    let found = retrieve(subject, &whole, PASSAGES).await;
    if shape.dense.is_some() {
        let near = Embedding { sparse: None, ..whole.clone() };
        let alone = retrieve(subject, &near, PASSAGES).await;
        assert_eq!((alone.dense, alone.lexical), (found.dense, None));
    }
    if shape.sparse {
        let near = Embedding { dense: None, ..whole };
        let alone = retrieve(subject, &near, PASSAGES).await;
        assert_eq!(alone.dense, None);
        let ids = |ranking: Option<Vec<Ranked>>| passages(ranking.expect("a ranking"));
        assert_eq!(ids(alone.lexical), ids(found.lexical));
    }
}

pub async fn only_what_has_something_in_common_is_found(
    subject: &dyn Retriever,
    shape: VectorShape,
) {
    for (subject_of_none, sharing) in [(0, 2), (4, 0)] {
        let found = retrieve(subject, &only(shape, subject_of_none), PASSAGES).await;
        if let Some(ranking) = found.lexical {
            assert_eq!(ranking.len(), sharing);
        }
        // Every passage has a cosine to everything.
        if let Some(ranking) = found.dense {
            assert_eq!(ranking.len(), PASSAGES);
        }
    }
}

pub async fn a_vector_that_says_nothing_finds_nothing(subject: &dyn Retriever, shape: VectorShape) {
    let silent = Embedding {
        dense: shape.dense.map(|dimension| vec![0.0; dimension.get()]),
        sparse: shape.sparse.then(SparseVector::default),
    };
    for ranking in each(retrieve(subject, &silent, PASSAGES).await) {
        assert_eq!(ranking, []);
    }
}

pub async fn another_shape_is_misconfigured(subject: &dyn Retriever, shape: VectorShape) {
    let other = match shape.dense {
        Some(dimension) => VectorShape { dense: dimension.checked_add(1), ..shape },
        None => VectorShape::dense(NonZeroUsize::new(5).expect("five")),
    };
    let limit = NonZeroUsize::MIN;
    let error = subject.retrieve(&only(other, 0), limit).await.expect_err("another shape");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    for named in [shape, other].iter().filter_map(|shape| shape.dense) {
        assert!(error.to_string().contains(&named.to_string()), "{error} does not name {named}");
    }
}

pub async fn searches_may_run_side_by_side(subject: &dyn Retriever, shape: VectorShape) {
    let near: Vec<Embedding> = (0..16).map(|number| only(shape, number % 3)).collect();
    let side_by_side = near.iter().map(|near| retrieve(subject, near, 2));
    let found = futures_util::future::join_all(side_by_side).await;
    for (near, rankings) in near.iter().zip(found) {
        assert_eq!(rankings, retrieve(subject, near, 2).await);
    }
}

async fn reports<G>(fault: Fault, fixture: impl AsyncFnOnce(Fault) -> (Arc<dyn Retriever>, G)) {
    let (subject, _guard) = fixture(fault).await;
    let shape = VectorShape::dense(NonZeroUsize::new(5).expect("five"));
    let found = subject.retrieve(&only(shape, 0), NonZeroUsize::MIN).await;
    is_reported(fault, &found.expect_err("the fault"));
    is_reported(fault, &subject.shape().await.expect_err("the fault"));
    is_reported(fault, &subject.ready().await.expect_err("the fault"));
}

fault_clauses!(Retriever);
