//! What is found.

use super::*;

#[tokio::test]
async fn identifiers_are_found_whole_and_by_part() {
    let (directory, store) = empty().await;
    let (embedder, ()) = bm25().await;
    let texts = ["Call createSlice with a name.", "Set GEMINI_API_KEY first.", "Bread and butter."];
    let texts = texts.map(str::to_owned);
    let shape = embedder.preferred_shape();
    let embeddings = embedder.embed(&texts, Purpose::Passage, shape).await.unwrap();
    let entries = embeddings.into_iter().zip(["slice", "key", "bread"]);
    let entries = entries.map(|(embedding, id)| Entry { embedding, ..entry(id, 0) }).collect();
    fill(&*store, "one", shape, entries).await;
    drop(store);

    let store = open(&directory).await;
    for (question, found) in [
        ("What is createSlice?", "slice"),
        ("How do I make a slice?", "slice"),
        ("create_slice", "slice"),
        ("GEMINI_API_KEY", "key"),
        ("Where do I get an api key?", "key"),
    ] {
        let near = embedder.embed(&[question.to_owned()], Purpose::Query, shape).await.unwrap();
        assert_eq!(ids(&store, &near[0], 3).await, [found], "{question}");
    }
}

#[tokio::test]
async fn a_tie_is_cut_in_the_order_of_ids_however_long_it_is() {
    let (_directory, store) = empty().await;
    let mut entries: Vec<Entry> = (0..300).rev().map(|n| entry(&format!("{n:03}"), 1)).collect();
    entries.push(Entry { embedding: sparse(&[(1, 2.0)]), ..entry("best", 1) });
    fill(&*store, "one", VectorShape::sparse(), entries).await;
    let found = ids(&store, &sparse(&[(1, 1.0)]), 4).await;
    assert_eq!(found, ["best", "000", "001", "002"]);
}

#[tokio::test]
async fn a_limit_beyond_the_index_finds_all_of_it() {
    let (_directory, store) = empty().await;
    let entries = vec![entry("a", 1), entry("b", 1), entry("c", 2)];
    fill(&*store, "one", VectorShape::sparse(), entries).await;
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), usize::MAX).await, ["a", "b"]);
}

#[tokio::test]
async fn a_passage_without_terms_does_no_harm() {
    let (_directory, store) = empty().await;
    let silent = Entry { embedding: sparse(&[]), ..entry("silent", 0) };
    fill(&*store, "one", VectorShape::sparse(), vec![silent, entry("a", 1)]).await;
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 5).await, ["a"]);
}

#[tokio::test]
async fn each_vector_of_a_hybrid_index_ranks_as_it_does_alone() {
    let all = NonZeroUsize::new(10).unwrap();
    let (hybrid, _hybrid) = filled(both(), entries(both())).await;
    let (lexical, _lexical) = filled(VectorShape::sparse(), entries(VectorShape::sparse())).await;
    let (cosine, _cosine) = filled(dense(), entries(dense())).await;
    let near = Embedding {
        dense: entries(dense())[0].embedding.dense.clone(),
        sparse: entries(VectorShape::sparse())[2].embedding.sparse.clone(),
    };
    let near_dense = Embedding { sparse: None, ..near.clone() };
    let near_sparse = Embedding { dense: None, ..near.clone() };
    let lexical = lexical.retrieve(&near_sparse, all).await.unwrap();
    let cosine = cosine.retrieve(&near_dense, all).await.unwrap();
    let found = hybrid.retrieve(&near, all).await.unwrap();
    assert_eq!((found.lexical, found.dense), (lexical.lexical, cosine.dense));
}
