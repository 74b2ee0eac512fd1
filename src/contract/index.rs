use std::num::NonZeroUsize;

use super::retriever::entries;
use crate::embedding::VectorShape;
use crate::error::ErrorKind;
use crate::passage::PassageId;
use crate::ports::{Entry, Index, Retriever};

/// The contract of an [`Index`] and the [`Retriever`] over the same, empty store:
/// `index_contract!(fixture, shape)` with
/// `async fn fixture() -> (Arc<dyn Index>, Arc<dyn Retriever>, impl Sized)`.
#[macro_export]
macro_rules! index_contract {
    ($fixture:path, $shape:expr) => {
        $crate::index_clauses!(($crate::__clauses) (store $fixture, $shape));
    };
}

/// Hands the clauses to a macro, for tests that need another frame than `index_contract!`
/// gives: `index_clauses!((name) arguments)` calls `name!(index, arguments: clause, ...)`.
#[macro_export]
macro_rules! index_clauses {
    (($($name:tt)+) $arguments:tt) => {
        $($name)+!(index, $arguments:
            an_empty_store_has_no_index,
            what_is_put_in_is_found,
            a_replaced_index_is_gone,
            the_fingerprint_is_that_of_the_index_in_service,
            an_index_of_nothing_is_rejected_and_the_old_one_kept,
            an_entry_of_another_shape_is_rejected_and_the_old_index_kept,
            two_entries_with_one_id_are_rejected_and_the_old_index_kept,
            the_shape_may_change,
        );
    };
}

async fn found(retriever: &dyn Retriever, like: &Entry) -> Vec<PassageId> {
    let limit = NonZeroUsize::new(10).expect("ten");
    let hits = retriever.retrieve(&like.embedding, limit).await.expect("the hits");
    hits.into_iter().map(|hit| hit.passage.id).collect()
}

pub async fn an_empty_store_has_no_index(
    index: &dyn Index,
    retriever: &dyn Retriever,
    _: VectorShape,
) {
    assert_eq!(index.fingerprint().await.expect("no index"), None);
    let error = retriever.shape().await.expect_err("no index, no shape");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    retriever.ready().await.expect_err("no index, not ready");
}

pub async fn what_is_put_in_is_found(
    index: &dyn Index,
    retriever: &dyn Retriever,
    shape: VectorShape,
) {
    let entries = entries(shape);
    index.replace("one", shape, entries.clone()).await.expect("an index");
    assert_eq!(retriever.shape().await.expect("a shape"), shape);
    retriever.ready().await.expect("readiness");
    for entry in entries {
        assert!(found(retriever, &entry).await.contains(&entry.passage.id));
    }
}

pub async fn a_replaced_index_is_gone(
    index: &dyn Index,
    retriever: &dyn Retriever,
    shape: VectorShape,
) {
    let mut entries = entries(shape);
    index.replace("one", shape, entries.clone()).await.expect("an index");
    let gone = entries.remove(0);
    entries[0].passage.text.push_str(" More text.");
    index.replace("two", shape, entries.clone()).await.expect("a second index");
    assert!(!found(retriever, &gone).await.contains(&gone.passage.id));
    let limit = NonZeroUsize::MIN;
    let hits = retriever.retrieve(&entries[0].embedding, limit).await.expect("a hit");
    assert_eq!(hits[0].passage, entries[0].passage);
}

pub async fn the_fingerprint_is_that_of_the_index_in_service(
    index: &dyn Index,
    _: &dyn Retriever,
    shape: VectorShape,
) {
    for fingerprint in ["one", "two", "one"] {
        index.replace(fingerprint, shape, entries(shape)).await.expect("an index");
        assert_eq!(index.fingerprint().await.expect("it").as_deref(), Some(fingerprint));
    }
}

async fn is_rejected(
    index: &dyn Index,
    retriever: &dyn Retriever,
    shape: VectorShape,
    faulty: Vec<Entry>,
) {
    let good = entries(shape);
    index.replace("good", shape, good.clone()).await.expect("an index");
    let error = index.replace("bad", shape, faulty).await.expect_err("a faulty index");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(index.fingerprint().await.expect("it").as_deref(), Some("good"));
    assert!(found(retriever, &good[0]).await.contains(&good[0].passage.id));
}

pub async fn an_index_of_nothing_is_rejected_and_the_old_one_kept(
    index: &dyn Index,
    retriever: &dyn Retriever,
    shape: VectorShape,
) {
    is_rejected(index, retriever, shape, Vec::new()).await;
}

pub async fn an_entry_of_another_shape_is_rejected_and_the_old_index_kept(
    index: &dyn Index,
    retriever: &dyn Retriever,
    shape: VectorShape,
) {
    let mut faulty = entries(shape);
    faulty.extend(entries(other_than(shape)).into_iter().take(1));
    is_rejected(index, retriever, shape, faulty).await;
}

pub async fn two_entries_with_one_id_are_rejected_and_the_old_index_kept(
    index: &dyn Index,
    retriever: &dyn Retriever,
    shape: VectorShape,
) {
    let mut faulty = entries(shape);
    faulty[1].passage.id = faulty[0].passage.id.clone();
    is_rejected(index, retriever, shape, faulty).await;
}

pub async fn the_shape_may_change(
    index: &dyn Index,
    retriever: &dyn Retriever,
    shape: VectorShape,
) {
    for shape in [shape, other_than(shape), shape] {
        let entries = entries(shape);
        index.replace(&shape.to_string(), shape, entries.clone()).await.expect("an index");
        assert_eq!(retriever.shape().await.expect("a shape"), shape);
        assert_eq!(found(retriever, &entries[2]).await[0], entries[2].passage.id);
    }
}

fn other_than(shape: VectorShape) -> VectorShape {
    match shape.dense {
        Some(dimension) => VectorShape { dense: dimension.checked_add(1), ..shape },
        None => VectorShape::dense(NonZeroUsize::new(5).expect("five")),
    }
}
