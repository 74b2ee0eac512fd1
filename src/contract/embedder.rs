use std::sync::Arc;

use super::{Fault, fault_clauses, is_reported};
use crate::embedding::{Embedding, Purpose, VectorShape};
use crate::error::ErrorKind;
use crate::ports::Embedder;

/// The contract of an [`Embedder`]: `embedder_contract!(fixture)` with
/// `async fn fixture() -> (Arc<dyn Embedder>, impl Sized)`.
#[macro_export]
macro_rules! embedder_contract {
    ($fixture:path) => {
        $crate::__clauses!(embedder, (fixture $fixture):
            no_texts_give_no_embedding,
            each_text_gets_one_embedding_in_order,
            every_embedding_has_the_shape_that_was_asked_for,
            dense_vectors_have_unit_length,
            sparse_vectors_name_each_component_once,
            more_texts_than_a_peer_takes_at_once_are_split,
            a_text_without_words_is_embedded_too,
            the_preferred_shape_is_not_empty_and_constant,
            a_shape_that_cannot_be_made_is_misconfigured,
            a_ready_embedder_is_ready,
        );
    };
}

/// The faults of a remote [`Embedder`]: `remote_embedder_contract!(fixture)` with
/// `async fn fixture(fault: Fault) -> (Arc<dyn Embedder>, impl Sized)`.
#[macro_export]
macro_rules! remote_embedder_contract {
    ($fixture:path) => {
        $crate::__faults!(embedder, $fixture);
    };
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

async fn embed(subject: &dyn Embedder, texts: &[String]) -> Vec<Embedding> {
    let shape = subject.preferred_shape();
    subject.embed(texts, Purpose::Passage, shape).await.expect("the embeddings")
}

pub async fn no_texts_give_no_embedding(subject: &dyn Embedder) {
    assert_eq!(embed(subject, &[]).await, []);
}

pub async fn each_text_gets_one_embedding_in_order(subject: &dyn Embedder) {
    let (first, second) = ("the harbour at night", "a recipe for bread");
    let together = embed(subject, &texts(&[first, second, first])).await;
    assert_eq!(together.len(), 3);
    assert_eq!(together[0], together[2], "one text, two embeddings");
    assert_ne!(together[0], together[1], "two texts, one embedding");
    assert_eq!(together[1..2], embed(subject, &texts(&[second])).await);
}

pub async fn every_embedding_has_the_shape_that_was_asked_for(subject: &dyn Embedder) {
    let shape = subject.preferred_shape();
    for purpose in [Purpose::Query, Purpose::Passage] {
        let embeddings = subject.embed(&texts(&["one"]), purpose, shape).await;
        assert_eq!(embeddings.expect("an embedding")[0].shape(), shape);
    }
}

pub async fn dense_vectors_have_unit_length(subject: &dyn Embedder) {
    for embedding in embed(subject, &texts(&["one", "two words", "three more words"])).await {
        let Some(dense) = embedding.dense else { continue };
        let length = dense.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 1e-3, "length {length}");
    }
}

pub async fn sparse_vectors_name_each_component_once(subject: &dyn Embedder) {
    for embedding in embed(subject, &texts(&["one word and one word more"])).await {
        let Some(sparse) = embedding.sparse else { continue };
        assert_eq!(sparse.indices.len(), sparse.values.len());
        assert!(!sparse.indices.is_empty());
        assert!(sparse.values.iter().all(|value| value.is_finite()));
        let mut indices = sparse.indices;
        indices.sort_unstable();
        indices.dedup();
        assert_eq!(indices.len(), sparse.values.len(), "a component came twice");
    }
}

pub async fn more_texts_than_a_peer_takes_at_once_are_split(subject: &dyn Embedder) {
    let many: Vec<String> = (0..205).map(|number| format!("text number {number}")).collect();
    let embeddings = embed(subject, &many).await;
    assert_eq!(embeddings.len(), many.len());
    let last = embed(subject, &many[204..]).await;
    assert_eq!(embeddings[204..], last);
}

pub async fn a_text_without_words_is_embedded_too(subject: &dyn Embedder) {
    assert_eq!(embed(subject, &texts(&["…", "word"])).await.len(), 2);
}

pub async fn the_preferred_shape_is_not_empty_and_constant(subject: &dyn Embedder) {
    let shape = subject.preferred_shape();
    assert!(shape.dense.is_some() || shape.sparse);
    embed(subject, &texts(&["one"])).await;
    assert_eq!(subject.preferred_shape(), shape);
    assert!(!subject.space().is_empty());
}

pub async fn a_shape_that_cannot_be_made_is_misconfigured(subject: &dyn Embedder) {
    let nothing = VectorShape { dense: None, sparse: false };
    let result = subject.embed(&texts(&["one"]), Purpose::Query, nothing).await;
    assert_eq!(result.expect_err("no shape, no embedding").kind(), ErrorKind::Misconfigured);
}

pub async fn a_ready_embedder_is_ready(subject: &dyn Embedder) {
    subject.ready().await.expect("readiness");
}

async fn reports<G>(fault: Fault, fixture: impl AsyncFnOnce(Fault) -> (Arc<dyn Embedder>, G)) {
    let (subject, _guard) = fixture(fault).await;
    let shape = subject.preferred_shape();
    let result = subject.embed(&texts(&["one"]), Purpose::Query, shape).await;
    is_reported(fault, &result.expect_err("the fault"));
    is_reported(fault, &subject.ready().await.expect_err("the fault"));
}

fault_clauses!(Embedder);
