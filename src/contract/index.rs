use std::num::NonZeroUsize;

use super::retriever::entries;
use crate::embedding::VectorShape;
use crate::error::ErrorKind;
use crate::manifest::{Manifest, Recipe};
use crate::passage::{Passage, PassageId};
use crate::ports::{Corpus, Draft, Entry, Index, Retriever};

/// One store, by each of its ports.
#[expect(missing_debug_implementations, reason = "ports need not implement it")]
pub struct Store<'a> {
    /// Keeps.
    pub index: &'a dyn Index,
    /// Finds.
    pub retriever: &'a dyn Retriever,
    /// Is read through.
    pub corpus: &'a dyn Corpus,
}

/// The contract of an [`Index`], with the [`Corpus`] and the [`Retriever`] over the same, empty
/// store: `index_contract!(fixture, shape)` with
/// `async fn fixture() -> (Arc<S>, impl Sized)`, where `S` is all three.
#[macro_export]
macro_rules! index_contract {
    ($fixture:path, $shape:expr) => {
        $crate::index_clauses!(($crate::__clauses) (store $fixture, $shape));
    };
}

/// The part of the contract that is for indexes that outlive the process:
/// `lasting_index_contract!(fixture, shape)`, as `index_contract!`.
#[macro_export]
macro_rules! lasting_index_contract {
    ($fixture:path, $shape:expr) => {
        $crate::lasting_index_clauses!(($crate::__clauses) (store $fixture, $shape));
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
            the_manifest_is_that_of_the_index_in_service,
            a_draft_begins_with_the_index_in_service,
            a_draft_of_another_recipe_begins_empty,
            what_a_draft_changes_and_removes_is_changed_and_gone,
            an_unpublished_draft_is_not_searched,
            the_last_of_two_entries_with_one_id_counts,
            removing_what_is_not_there_changes_nothing,
            an_index_of_nothing_is_rejected_and_the_old_one_kept,
            an_entry_of_another_shape_is_rejected,
            an_incomplete_draft_is_rejected_and_the_old_index_kept,
            the_shape_may_change,
            passages_are_given_by_their_ids_in_order,
            a_corpus_is_read_page_by_page_with_and_without_vectors,
        );
    };
}

/// As `index_clauses!`, for `lasting_index_contract!`.
#[macro_export]
macro_rules! lasting_index_clauses {
    (($($name:tt)+) $arguments:tt) => {
        $($name)+!(index, $arguments:
            a_draft_goes_on_where_an_interrupted_one_was,
            what_an_interrupted_draft_of_another_recipe_put_is_not_taken,
        );
    };
}

/// The manifest of an index of these entries whose recipe has this name.
pub fn manifest(name: &str, shape: VectorShape, entries: &[Entry]) -> Manifest {
    let recipe = Recipe { space: name.to_owned(), shape, chunker: "contract/1".to_owned() };
    let passages: Vec<Passage> = entries.iter().map(|entry| entry.passage.clone()).collect();
    Manifest::of(&passages, recipe)
}

/// Puts an index of these entries into service, whatever was there; its recipe has this name.
pub async fn fill(index: &dyn Index, name: &str, shape: VectorShape, entries: Vec<Entry>) {
    let mut draft = begin(index, name, shape, &entries).await;
    let kept = |id: &&PassageId| !entries.iter().any(|entry| entry.passage.id == **id);
    let gone: Vec<PassageId> = draft.held().keys().filter(kept).cloned().collect();
    draft.remove(gone).await.expect("a removal");
    draft.put(entries).await.expect("entries");
    draft.publish().await.expect("an index");
}

async fn begin(
    index: &dyn Index,
    name: &str,
    shape: VectorShape,
    entries: &[Entry],
) -> Box<dyn Draft> {
    index.begin(&manifest(name, shape, entries)).await.expect("a draft")
}

async fn found(retriever: &dyn Retriever, like: &Entry) -> Vec<PassageId> {
    let limit = NonZeroUsize::new(10).expect("ten");
    let found = retriever.retrieve(&like.embedding, limit).await.expect("the rankings");
    let ranking = found.dense.or(found.lexical).expect("a ranking");
    ranking.into_iter().map(|ranked| ranked.passage.id).collect()
}

pub async fn an_empty_store_has_no_index(store: Store<'_>, shape: VectorShape) {
    assert_eq!(store.index.manifest().await.expect("no index"), None);
    let error = store.retriever.shape().await.expect_err("no index, no shape");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    store.retriever.ready().await.expect_err("no index, not ready");
    assert!(begin(store.index, "one", shape, &entries(shape)).await.held().is_empty());
}

pub async fn what_is_put_in_is_found(store: Store<'_>, shape: VectorShape) {
    let entries = entries(shape);
    fill(store.index, "one", shape, entries.clone()).await;
    assert_eq!(store.retriever.shape().await.expect("a shape"), shape);
    store.retriever.ready().await.expect("readiness");
    for entry in entries {
        assert!(found(store.retriever, &entry).await.contains(&entry.passage.id));
    }
}

pub async fn the_manifest_is_that_of_the_index_in_service(store: Store<'_>, shape: VectorShape) {
    let mut entries = entries(shape);
    for name in ["one", "two", "two", "one"] {
        fill(store.index, name, shape, entries.clone()).await;
        let in_service = store.index.manifest().await.expect("a manifest");
        assert_eq!(in_service, Some(manifest(name, shape, &entries)));
        entries.pop();
    }
}

pub async fn a_draft_begins_with_the_index_in_service(store: Store<'_>, shape: VectorShape) {
    let mut entries = entries(shape);
    fill(store.index, "one", shape, entries.clone()).await;
    let draft = begin(store.index, "one", shape, &entries).await;
    assert_eq!(draft.held().len(), entries.len());
    for Entry { passage, .. } in &entries {
        assert_eq!(draft.held()[&passage.id], passage.digest());
    }
    drop(draft);
    // Published without another word, it is the same index under another name.
    let more = Entry { passage: other(&entries[0].passage), ..entries[0].clone() };
    entries.push(more.clone());
    let mut draft = begin(store.index, "one", shape, &entries).await;
    draft.put(vec![more]).await.expect("an entry");
    assert_eq!(draft.held().len(), entries.len());
    draft.publish().await.expect("an index");
    for entry in entries {
        assert!(found(store.retriever, &entry).await.contains(&entry.passage.id));
    }
}

fn other(passage: &Passage) -> Passage {
    let id = PassageId("00000000-0000-0000-0000-0000000000aa".to_owned());
    Passage { id, ..passage.clone() }
}

pub async fn a_draft_of_another_recipe_begins_empty(store: Store<'_>, shape: VectorShape) {
    let entries = entries(shape);
    fill(store.index, "one", shape, entries.clone()).await;
    assert!(begin(store.index, "two", shape, &entries).await.held().is_empty());
}

pub async fn what_a_draft_changes_and_removes_is_changed_and_gone(
    store: Store<'_>,
    shape: VectorShape,
) {
    let mut entries = entries(shape);
    fill(store.index, "one", shape, entries.clone()).await;
    let gone = entries.remove(0);
    entries[0].passage.text.push_str(" More text.");
    let mut draft = begin(store.index, "one", shape, &entries).await;
    draft.remove(vec![gone.passage.id.clone()]).await.expect("a removal");
    draft.put(vec![entries[0].clone()]).await.expect("an entry");
    assert_eq!(draft.held().get(&gone.passage.id), None);
    assert_eq!(draft.held()[&entries[0].passage.id], entries[0].passage.digest());
    draft.publish().await.expect("an index");
    assert!(!found(store.retriever, &gone).await.contains(&gone.passage.id));
    let ids = [entries[0].passage.id.clone()];
    let stored = store.retriever.passages(&ids).await.expect("a passage");
    assert_eq!(stored, [entries[0].passage.clone()]);
}

pub async fn an_unpublished_draft_is_not_searched(store: Store<'_>, shape: VectorShape) {
    let mut entries = entries(shape);
    fill(store.index, "one", shape, entries[1..].to_vec()).await;
    let before = store.index.manifest().await.expect("a manifest");
    let new = entries.remove(0);
    let mut draft = begin(store.index, "one", shape, &entries).await;
    draft.put(vec![new.clone()]).await.expect("an entry");
    draft.remove(vec![entries[0].passage.id.clone()]).await.expect("a removal");
    for _ in 0..2 {
        assert!(!found(store.retriever, &new).await.contains(&new.passage.id));
        assert!(found(store.retriever, &entries[0]).await.contains(&entries[0].passage.id));
        assert_eq!(store.index.manifest().await.expect("a manifest"), before);
    }
}

pub async fn the_last_of_two_entries_with_one_id_counts(store: Store<'_>, shape: VectorShape) {
    let mut entries = entries(shape);
    let mut first = entries[0].clone();
    first.passage.text.push_str(" Old.");
    let mut draft = begin(store.index, "one", shape, &entries).await;
    draft.put(vec![first]).await.expect("an entry");
    draft.put(entries.clone()).await.expect("entries");
    draft.publish().await.expect("an index");
    let wanted = entries.swap_remove(0).passage;
    let stored = store.retriever.passages(std::slice::from_ref(&wanted.id)).await;
    assert_eq!(stored.expect("a passage"), [wanted]);
}

pub async fn removing_what_is_not_there_changes_nothing(store: Store<'_>, shape: VectorShape) {
    let entries = entries(shape);
    let mut draft = begin(store.index, "one", shape, &entries).await;
    draft.put(entries.clone()).await.expect("entries");
    draft.remove(vec![PassageId("nobody".to_owned())]).await.expect("no removal");
    draft.publish().await.expect("an index");
    assert!(found(store.retriever, &entries[0]).await.contains(&entries[0].passage.id));
}

pub async fn an_index_of_nothing_is_rejected_and_the_old_one_kept(
    store: Store<'_>,
    shape: VectorShape,
) {
    let entries = entries(shape);
    fill(store.index, "good", shape, entries.clone()).await;
    let draft = begin(store.index, "bad", shape, &[]).await;
    let error = draft.publish().await.expect_err("an index of nothing");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    is_in_service(&store, &manifest("good", shape, &entries), &entries[0]).await;
}

pub async fn an_entry_of_another_shape_is_rejected(store: Store<'_>, shape: VectorShape) {
    let entries = entries(shape);
    let mut draft = begin(store.index, "one", shape, &entries).await;
    let odd = super::retriever::entries(other_than(shape));
    let error = draft.put(odd).await.expect_err("another shape");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    draft.put(entries.clone()).await.expect("entries");
    draft.publish().await.expect("an index");
    is_in_service(&store, &manifest("one", shape, &entries), &entries[0]).await;
}

pub async fn an_incomplete_draft_is_rejected_and_the_old_index_kept(
    store: Store<'_>,
    shape: VectorShape,
) {
    let entries = entries(shape);
    fill(store.index, "good", shape, entries.clone()).await;
    let mut draft = begin(store.index, "bad", shape, &entries).await;
    draft.put(entries[1..].to_vec()).await.expect("entries");
    let error = draft.publish().await.expect_err("an incomplete draft");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    is_in_service(&store, &manifest("good", shape, &entries), &entries[0]).await;
}

async fn is_in_service(store: &Store<'_>, manifest: &Manifest, entry: &Entry) {
    assert_eq!(store.index.manifest().await.expect("a manifest").as_ref(), Some(manifest));
    assert!(found(store.retriever, entry).await.contains(&entry.passage.id));
}

pub async fn the_shape_may_change(store: Store<'_>, shape: VectorShape) {
    for shape in [shape, other_than(shape), shape] {
        let entries = entries(shape);
        fill(store.index, &shape.to_string(), shape, entries.clone()).await;
        assert_eq!(store.retriever.shape().await.expect("a shape"), shape);
        assert_eq!(found(store.retriever, &entries[2]).await[0], entries[2].passage.id);
    }
}

pub async fn passages_are_given_by_their_ids_in_order(store: Store<'_>, shape: VectorShape) {
    let entries = entries(shape);
    fill(store.index, "one", shape, entries.clone()).await;
    let [one, two] = [2, 0].map(|at| entries[at].passage.clone());
    let unknown = PassageId::of_part(&one.id.0, 1);
    let passages = store.retriever.passages(&[one.id.clone(), unknown, two.id.clone()]).await;
    assert_eq!(passages.expect("the passages"), [one, two]);
    assert_eq!(store.retriever.passages(&[]).await.expect("nothing"), []);
}

pub async fn a_corpus_is_read_page_by_page_with_and_without_vectors(
    store: Store<'_>,
    shape: VectorShape,
) {
    let mut expected = entries(shape);
    fill(store.index, "one", shape, expected.clone()).await;
    expected.sort_by(|a, b| a.passage.id.cmp(&b.passage.id));
    for vectors in [true, false] {
        let mut read = Vec::new();
        let mut after = None;
        loop {
            let limit = NonZeroUsize::new(4).expect("four");
            let page = store.corpus.page(after.as_deref(), limit, vectors).await.expect("a page");
            assert!(page.entries.len() <= 4);
            read.extend(page.entries);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        read.sort_by(|a, b| a.passage.id.cmp(&b.passage.id));
        assert_eq!(read.len(), expected.len());
        for (read, expected) in read.iter().zip(&expected) {
            assert_eq!(read.passage, expected.passage);
            let shape = if vectors { shape } else { VectorShape { dense: None, sparse: false } };
            assert_eq!(read.embedding.shape(), shape);
            let pairs = read.embedding.dense.iter().zip(&expected.embedding.dense);
            for (read, expected) in pairs.flat_map(|(read, expected)| read.iter().zip(expected)) {
                assert!((read - expected).abs() < 1e-3, "{read} instead of {expected}");
            }
        }
    }
}

pub async fn a_draft_goes_on_where_an_interrupted_one_was(store: Store<'_>, shape: VectorShape) {
    let entries = entries(shape);
    fill(store.index, "old", shape, entries.clone()).await;
    let mut draft = begin(store.index, "new", shape, &entries).await;
    draft.put(entries[..2].to_vec()).await.expect("entries");
    drop(draft);
    is_in_service(&store, &manifest("old", shape, &entries), &entries[0]).await;

    let mut draft = begin(store.index, "new", shape, &entries).await;
    assert_eq!(draft.held().len(), 2);
    for Entry { passage, .. } in &entries[..2] {
        assert_eq!(draft.held()[&passage.id], passage.digest());
    }
    draft.put(entries[2..].to_vec()).await.expect("entries");
    draft.publish().await.expect("an index");
    is_in_service(&store, &manifest("new", shape, &entries), &entries[0]).await;
}

pub async fn what_an_interrupted_draft_of_another_recipe_put_is_not_taken(
    store: Store<'_>,
    shape: VectorShape,
) {
    let entries = entries(shape);
    let mut draft = begin(store.index, "one", shape, &entries).await;
    draft.put(entries[..2].to_vec()).await.expect("entries");
    drop(draft);
    assert!(begin(store.index, "two", shape, &entries).await.held().is_empty());
}

fn other_than(shape: VectorShape) -> VectorShape {
    match shape.dense {
        Some(dimension) => VectorShape { dense: dimension.checked_add(1), ..shape },
        None => VectorShape::dense(NonZeroUsize::new(5).expect("five")),
    }
}
