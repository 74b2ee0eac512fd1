//! The Qdrant adapter against a server: the contracts, what is found out about the collections of
//! other writers, what an index touches, and what every failure is called.
//!
//! The server runs in this process (`support::qdrant_server`). The contracts run against a real
//! one, too: `QDRANT_URL=http://localhost:6334 cargo test -p askbook-tests real -- --ignored`.

#![expect(clippy::unwrap_used, reason = "a broken fixture is meant to panic")]
#![expect(clippy::expect_used, reason = "likewise")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use askbook::contract::{Fault, KEY};
use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Hit, Passage, PassageId};
use askbook::ports::{Entry, Index, Retriever};
use askbook_qdrant::{Address, Fields, QdrantSettings, QdrantStore};
use qdrant_client::qdrant::{
    CreateAliasBuilder, CreateCollectionBuilder, Distance, NamedVectors, PointId, PointStruct,
    SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Vector,
    VectorParamsBuilder, Vectors, VectorsConfigBuilder,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::{Value, json};

use crate::support::qdrant_server::QdrantServer;

fn dense() -> VectorShape {
    VectorShape::dense(size(5))
}

fn both() -> VectorShape {
    VectorShape { sparse: true, ..dense() }
}

fn size(size: usize) -> NonZeroUsize {
    NonZeroUsize::new(size).unwrap()
}

fn settings(url: &str) -> QdrantSettings {
    QdrantSettings {
        address: Address::parse(url).unwrap(),
        api_key: None,
        collection: "book".to_owned(),
        vector: None,
        dimension: None,
        fields: Fields::default(),
        timeout: Duration::from_secs(20),
    }
}

fn store(server: &QdrantServer) -> Arc<QdrantStore> {
    Arc::new(QdrantStore::new(settings(&server.url())).unwrap())
}

/// Another program's client.
fn client(server: &QdrantServer) -> Qdrant {
    Qdrant::from_url(&server.url()).skip_compatibility_check().build().unwrap()
}

async fn empty() -> (Arc<dyn Index>, Arc<dyn Retriever>, QdrantServer) {
    let server = QdrantServer::start().await;
    let store = store(&server);
    (Arc::<QdrantStore>::clone(&store), store, server)
}

async fn indexed(shape: VectorShape, entries: Vec<Entry>) -> (Arc<dyn Retriever>, QdrantServer) {
    let (index, retriever, server) = empty().await;
    index.replace("fingerprint", shape, entries).await.unwrap();
    (retriever, server)
}

mod own_dense {
    askbook::retriever_contract!(super::indexed, super::dense());
    askbook::index_contract!(super::empty, super::dense());
}

mod own_sparse {
    askbook::retriever_contract!(super::indexed, super::VectorShape::sparse());
    askbook::index_contract!(super::empty, super::VectorShape::sparse());
}

mod own_both {
    askbook::retriever_contract!(super::indexed, super::both());
    askbook::index_contract!(super::empty, super::both());
}

/// The collection of a program that is not askbook.
mod foreign {
    use super::*;

    async fn unnamed(
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> (Arc<dyn Retriever>, QdrantServer) {
        written(shape, entries, Distance::Cosine).await
    }

    async fn euclidean(
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> (Arc<dyn Retriever>, QdrantServer) {
        written(shape, entries, Distance::Euclid).await
    }

    async fn written(
        shape: VectorShape,
        entries: Vec<Entry>,
        distance: Distance,
    ) -> (Arc<dyn Retriever>, QdrantServer) {
        let server = QdrantServer::start().await;
        let client = client(&server);
        let vector = VectorParamsBuilder::new(shape.dense.unwrap().get() as u64, distance);
        let create = CreateCollectionBuilder::new("book").vectors_config(vector);
        client.create_collection(create).await.unwrap();
        let points = entries.into_iter().map(|Entry { passage, embedding }| {
            let payload = json!({
                "content": passage.text,
                "page_title": passage.title,
                "heading_breadcrumb": passage.headings,
                "url": passage.url,
            });
            PointStruct::new(passage.id.0, embedding.dense.unwrap(), object(payload))
        });
        let upsert = UpsertPointsBuilder::new("book", points.collect::<Vec<_>>()).wait(true);
        client.upsert_points(upsert).await.unwrap();
        let store = store(&server);
        (store, server)
    }

    mod cosine {
        askbook::retriever_contract!(super::unnamed, super::dense());
    }

    mod euclid {
        askbook::retriever_contract!(super::euclidean, super::dense());
    }
}

/// An adapter whose server misbehaves. Only a server that hangs is waited for briefly: the others
/// answer, and a slow machine must not turn that into a timeout.
async fn misbehaving(fault: Fault) -> (Arc<dyn Retriever>, QdrantServer) {
    let server = QdrantServer::with_fault(fault).await;
    let timeout = if fault == Fault::Hangs { 50 } else { 20_000 };
    let settings = QdrantSettings {
        api_key: Some(KEY.into()),
        timeout: Duration::from_millis(timeout),
        ..settings(&server.url())
    };
    (Arc::new(QdrantStore::new(settings).unwrap()), server)
}

askbook::remote_retriever_contract!(misbehaving);

fn object(payload: Value) -> Payload {
    Payload::try_from(payload).unwrap()
}

fn unit(component: usize) -> Vec<f32> {
    let mut vector = vec![0.0; 5];
    vector[component] = 1.0;
    vector
}

fn near(dense: Vec<f32>) -> Embedding {
    Embedding { dense: Some(dense), sparse: None }
}

async fn make(client: &Qdrant, vectors: &[(&str, u64)], sparse: &[&str]) {
    let mut dense = VectorsConfigBuilder::default();
    for (name, size) in vectors {
        let params = VectorParamsBuilder::new(*size, Distance::Cosine);
        if name.is_empty() {
            dense.add_vector_params(params);
        } else {
            dense.add_named_vector_params(*name, params);
        }
    }
    let mut lexical = SparseVectorsConfigBuilder::default();
    for name in sparse {
        lexical.add_named_vector_params(*name, SparseVectorParamsBuilder::default());
    }
    let create =
        CreateCollectionBuilder::new("book").vectors_config(dense).sparse_vectors_config(lexical);
    client.create_collection(create).await.unwrap();
}

async fn put(
    client: &Qdrant,
    points: impl IntoIterator<Item = (impl Into<PointId>, Vectors, Value)>,
) {
    let points: Vec<PointStruct> = points
        .into_iter()
        .map(|(id, vectors, payload)| PointStruct::new(id, vectors, object(payload)))
        .collect();
    client.upsert_points(UpsertPointsBuilder::new("book", points).wait(true)).await.unwrap();
}

fn named(name: &str, vector: Vector) -> Vectors {
    NamedVectors::default().add_vector(name, vector).into()
}

async fn five(store: &QdrantStore, near: &Embedding) -> Result<Vec<Hit>, PortError> {
    store.retrieve(near, size(5)).await
}

/// The message of a misconfiguration.
fn advice<T: std::fmt::Debug>(outcome: Result<T, PortError>) -> String {
    let error = outcome.expect_err("a misconfiguration");
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
    error.to_string()
}

#[tokio::test]
async fn the_collection_of_the_original_backend_is_read() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 3072)], &[]).await;
    let mut vector = vec![0.0; 3072];
    vector[7] = 1.0;
    let payload = json!({
        "text": "A node is a process.",
        "chunk_id": "nodes-1",
        "page_title": "Nodes",
        "file_path": "02-part\\01-nodes.md",
        "url": "/docs/02-part\\01-nodes",
        "chapter_dir": "02-part",
        "chapter_title": "Part 2",
        "subchapter_title": "What is a node?",
        "sidebar_position": 1,
        "tags": ["ros", null],
    });
    put(&client, [(12, vector.clone().into(), payload)]).await;
    let store = store(&server);
    assert_eq!(store.shape().await.unwrap(), VectorShape::dense(size(3072)));
    let hits = five(&store, &near(vector)).await.unwrap();
    let expected = Passage {
        id: PassageId("12".to_owned()),
        title: "Nodes".to_owned(),
        headings: vec!["What is a node?".to_owned()],
        url: Some("/docs/part/nodes".to_owned()),
        text: "A node is a process.".to_owned(),
    };
    assert_eq!(hits.into_iter().map(|hit| hit.passage).collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn a_dense_vector_beside_a_sparse_one_of_another_writer_is_searched_alone() {
    let llama_index = json!({
        "_node_content": "{\"text_resource\": {\"text\": \"T\"}}", "title": "Intro"
    });
    let haystack = json!({"content": "T", "meta": {"title": "Intro"}});
    // The last one is only named as askbook names its own.
    let lookalike = json!({"text": "T", "title": "Intro"});
    for (dense, sparse, payload) in [
        ("text-dense", "text-sparse-new", llama_index),
        ("text-dense", "text-sparse", haystack),
        ("dense", "bm25", lookalike),
    ] {
        let server = QdrantServer::start().await;
        let client = client(&server);
        make(&client, &[(dense, 5)], &[sparse]).await;
        put(&client, [(1, named(dense, unit(0).into()), payload)]).await;
        let store = store(&server);
        assert_eq!(store.shape().await.unwrap(), VectorShape::dense(size(5)), "{dense}");
        let hits = five(&store, &near(unit(0))).await.unwrap();
        assert_eq!((hits[0].passage.text.as_str(), hits[0].passage.title.as_str()), ("T", "Intro"));
    }
}

#[tokio::test]
async fn a_sparse_vector_alone_is_searched() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[], &["text"]).await;
    let vector = named("text", Vector::new_sparse(vec![9, 3], vec![1.0, 2.0]));
    put(&client, [(1, vector, json!({"text": "T"}))]).await;
    let store = store(&server);
    assert_eq!(store.shape().await.unwrap(), VectorShape::sparse());
    let sparse = SparseVector { indices: vec![9, 3, 1], values: vec![1.0, 0.5, 1.0] };
    let near = Embedding { dense: None, sparse: Some(sparse) };
    assert_eq!(five(&store, &near).await.unwrap()[0].scores.lexical, Some(2.0));
}

#[tokio::test]
async fn of_several_vectors_one_has_to_be_named_or_of_the_right_size() {
    let server = QdrantServer::start().await;
    make(&client(&server), &[("title", 4), ("body", 5)], &[]).await;
    let message = advice(store(&server).shape().await);
    assert!(message.contains("ASKBOOK_QDRANT_VECTOR to one of: body (5), title (4)"), "{message}");

    let by_size = QdrantSettings { dimension: Some(size(4)), ..settings(&server.url()) };
    let by_name = QdrantSettings { vector: Some("title".to_owned()), ..settings(&server.url()) };
    for settings in [by_size, by_name] {
        let store = QdrantStore::new(settings).unwrap();
        assert_eq!(store.shape().await.unwrap(), VectorShape::dense(size(4)));
    }
}

#[tokio::test]
async fn a_named_field_is_read() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &[]).await;
    put(&client, [(1, unit(0).into(), json!({"text": "wrong", "inner": {"body": "T"}}))]).await;
    let fields = Fields { text: Some("inner.body".to_owned()), ..Fields::default() };
    let settings = QdrantSettings { fields, ..settings(&server.url()) };
    let hits = five(&QdrantStore::new(settings).unwrap(), &near(unit(0))).await.unwrap();
    assert_eq!(hits[0].passage.text, "T");
}

#[tokio::test]
async fn points_without_a_text_are_left_out_and_do_not_use_up_the_limit() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &[]).await;
    let silent = (1..=4).map(|id| (id, unit(0).into(), json!({"text": " "})));
    put(&client, silent.chain([(5, vec![0.6, 0.8, 0.0, 0.0, 0.0].into(), json!({"text": "T"}))]))
        .await;
    let hits = store(&server).retrieve(&near(unit(0)), size(2)).await.unwrap();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].passage.id, PassageId("5".to_owned()));
}

#[tokio::test]
async fn a_collection_without_texts_names_the_keys_that_it_has() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &[]).await;
    let payload = json!({"passage_body": "secret words", "metadata": {"page": 3}, "text": null});
    put(&client, [(1, unit(0).into(), payload)]).await;
    let message = advice(five(&store(&server), &near(unit(0))).await);
    assert!(message.contains("ASKBOOK_QDRANT_TEXT_FIELD"), "{message}");
    assert!(message.ends_with("there are: metadata.page, passage_body, text"), "{message}");
}

#[tokio::test]
async fn a_missing_collection_is_reported_with_those_that_there_are() {
    let server = QdrantServer::start().await;
    let message = advice(store(&server).shape().await);
    assert!(message.contains("there is none"), "{message}");

    let client = client(&server);
    for name in ["textbook", "chapters"] {
        let vector = VectorParamsBuilder::new(5, Distance::Cosine);
        let create = CreateCollectionBuilder::new(name).vectors_config(vector);
        client.create_collection(create).await.unwrap();
    }
    client.create_alias(CreateAliasBuilder::new("chapters", "current")).await.unwrap();
    for message in [
        advice(store(&server).shape().await),
        advice(store(&server).ready().await),
        advice(five(&store(&server), &near(unit(0))).await),
    ] {
        assert!(message.contains("no collection \"book\""), "{message}");
        assert!(message.contains("(there are: chapters, current, textbook)"), "{message}");
        assert!(message.contains("QDRANT_COLLECTION_NAME"), "{message}");
    }
}

#[tokio::test]
async fn another_size_is_reported_with_both_sizes_and_the_way_out() {
    let server = QdrantServer::start().await;
    make(&client(&server), &[("", 5)], &[]).await;
    let message = advice(five(&store(&server), &near(vec![1.0, 0.0, 0.0])).await);
    assert!(message.contains("dense vectors of 5") && message.contains("dense vectors of 3"));
    assert!(message.contains("EMBEDDING_DIMENSIONS"), "{message}");
    assert!(message.contains("askbook index"), "{message}");
}

#[tokio::test]
async fn the_rest_port_is_recognised() {
    let server = QdrantServer::with_fault(Fault::Garbage).await;
    let message = advice(store(&server).ready().await);
    assert!(message.contains("this looks like the REST port"), "{message}");
    assert!(message.contains("6334"), "{message}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_recognised() {
    let server = QdrantServer::with_fault(Fault::Garbage).await;
    let url = server.url().replace("http://", "https://");
    let message = advice(QdrantStore::new(settings(&url)).unwrap().ready().await);
    assert!(message.contains("begin QDRANT_URL with http://"), "{message}");
}

#[tokio::test]
async fn a_server_that_wants_a_key_gets_the_one_that_is_set() {
    let server = QdrantServer::with_key(KEY).await;
    let error = store(&server).ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("set QDRANT_API_KEY"), "{error}");

    let keyed = QdrantSettings { api_key: Some(KEY.into()), ..settings(&server.url()) };
    assert!(!format!("{keyed:?}").contains(KEY));
    let error = QdrantStore::new(keyed).unwrap().ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "only the collection is missing: {error}");
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_refused_at_once_and_not_shown() {
    let server = QdrantServer::start().await;
    let keyed = |key: &str| QdrantSettings { api_key: Some(key.into()), ..settings(&server.url()) };
    for key in ["", "two words", "with\nbreak", "ключ"] {
        let message = advice(QdrantStore::new(keyed(key)).map(drop));
        assert!(message.contains("QDRANT_API_KEY"), "{message}");
        assert!(key.is_empty() || !message.contains(key), "{message}");
    }
}

#[tokio::test]
async fn nothing_is_connected_until_something_is_asked() {
    let server = QdrantServer::with_fault(Fault::Unreachable).await;
    let store = store(&server);
    assert_eq!(store.ready().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn what_was_not_found_out_is_asked_for_anew() {
    let server = QdrantServer::start().await;
    let store = store(&server);
    advice(store.shape().await);
    make(&client(&server), &[("", 5)], &[]).await;
    assert_eq!(store.shape().await.unwrap(), VectorShape::dense(size(5)));
}

fn entry(number: usize, dense: Vec<f32>, terms: &[(u32, f32)]) -> Entry {
    let passage = Passage {
        id: PassageId(format!("p{number}")),
        title: String::new(),
        headings: Vec::new(),
        url: None,
        text: format!("Text {number}."),
    };
    let indices = terms.iter().map(|term| term.0).collect();
    let sparse = SparseVector { indices, values: terms.iter().map(|term| term.1).collect() };
    Entry { passage, embedding: Embedding { dense: Some(dense), sparse: Some(sparse) } }
}

#[tokio::test]
async fn a_passage_that_is_good_by_both_vectors_beats_one_that_is_best_by_one() {
    let entries = vec![
        entry(1, vec![1.0, 0.0, 0.0, 0.0, 0.0], &[(8, 1.0)]),
        entry(2, vec![0.8, 0.6, 0.0, 0.0, 0.0], &[(7, 0.9)]),
        entry(3, vec![0.0, 0.0, 0.0, 0.6, 0.8], &[(7, 1.0)]),
        entry(4, vec![0.6, 0.8, 0.0, 0.0, 0.0], &[(8, 1.0)]),
        entry(5, vec![0.6, 0.0, 0.8, 0.0, 0.0], &[(8, 1.0)]),
        entry(6, vec![0.6, 0.0, 0.0, 0.8, 0.0], &[(8, 1.0)]),
    ];
    let (retriever, _server) = indexed(both(), entries).await;
    let terms = SparseVector { indices: vec![7], values: vec![1.0] };
    let near = Embedding { dense: Some(unit(0)), sparse: Some(terms) };
    let hits = retriever.retrieve(&near, size(3)).await.unwrap();
    let ids: Vec<&str> = hits.iter().map(|hit| hit.passage.id.0.as_str()).collect();
    // By meaning: 1, 2, 4, 5, 6, 3. By terms: 3, 2.
    assert_eq!(ids, ["p2", "p3", "p1"]);
    assert!((hits[0].scores.dense.unwrap() - 0.8).abs() < 1e-3);
    assert!(hits[0].scores.lexical.unwrap() > 0.0);
    assert!(hits[1].scores.dense.unwrap().abs() < 1e-3, "scored though found by its terms");
    assert_eq!(hits[2].scores.lexical, None, "no common term");
}

#[tokio::test]
async fn an_index_leaves_a_collection_that_askbook_did_not_make_alone() {
    let server = QdrantServer::start().await;
    make(&client(&server), &[("", 5)], &[]).await;
    let store = store(&server);
    let entries = askbook::contract::retriever::entries(dense());
    let message = advice(store.replace("one", dense(), entries.clone()).await);
    assert!(message.contains("set QDRANT_COLLECTION_NAME to a new name"), "{message}");
    assert_eq!(server.collections(), ["book"]);
    assert_eq!(store.fingerprint().await.unwrap(), None);

    // Nor does it move an alias that somebody else made.
    client(&server).create_alias(CreateAliasBuilder::new("book", "current")).await.unwrap();
    let current = QdrantSettings { collection: "current".to_owned(), ..settings(&server.url()) };
    advice(QdrantStore::new(current).unwrap().replace("one", dense(), entries).await);
    assert_eq!(server.collections(), ["book"]);
}

#[tokio::test]
async fn a_replaced_collection_is_removed_and_no_other() {
    let server = QdrantServer::start().await;
    let store = store(&server);
    let entries = askbook::contract::retriever::entries(dense());
    store.replace("one", dense(), entries.clone()).await.unwrap();
    let first = server.collections();
    let vector = VectorParamsBuilder::new(5, Distance::Cosine);
    let create = CreateCollectionBuilder::new("book-of-others").vectors_config(vector);
    client(&server).create_collection(create).await.unwrap();
    store.replace("two", dense(), entries).await.unwrap();
    let second = server.collections();
    assert_eq!((first.len(), second.len()), (1, 2));
    assert!(second.iter().all(|name| !first.contains(name)), "{first:?} {second:?}");
    assert!(second.contains(&"book-of-others".to_owned()));
}

#[tokio::test]
async fn an_index_that_fails_half_way_leaves_the_old_one_and_nothing_else() {
    let server = QdrantServer::start().await;
    let store = store(&server);
    let many: Vec<Entry> = (0..150).map(|number| entry(number, unit(number % 5), &[])).collect();
    let many: Vec<Entry> = many
        .into_iter()
        .map(|entry| Entry { embedding: near(entry.embedding.dense.unwrap()), ..entry })
        .collect();
    store.replace("old", dense(), many.clone()).await.unwrap();
    let old = server.collections();
    server.refuse_upserts_after(1);
    let error = store.replace("new", dense(), many).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(server.collections(), old);
    assert_eq!(store.fingerprint().await.unwrap().as_deref(), Some("old"));
    assert_eq!(five(&store, &near(unit(0))).await.unwrap().len(), 5);
}

#[tokio::test]
async fn an_index_that_another_process_puts_into_service_is_noticed() {
    let server = QdrantServer::start().await;
    let (serving, indexing) = (store(&server), store(&server));
    let five_wide = askbook::contract::retriever::entries(dense());
    indexing.replace("one", dense(), five_wide).await.unwrap();
    assert_eq!(serving.shape().await.unwrap(), dense());

    let six = VectorShape::dense(size(6));
    let six_wide = askbook::contract::retriever::entries(six);
    indexing.replace("two", six, six_wide).await.unwrap();
    let message = advice(five(&serving, &near(unit(0))).await);
    assert!(message.contains("dense vectors of 6"), "{message}");
    assert_eq!(serving.shape().await.unwrap(), six);

    let both_wide = askbook::contract::retriever::entries(both());
    indexing.replace("three", both(), both_wide).await.unwrap();
    advice(five(&serving, &near(vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0])).await);
    assert_eq!(serving.shape().await.unwrap(), both());
}

/// The contracts against a real server, in a collection of its own that is removed afterwards.
mod real {
    use super::*;

    macro_rules! on_a_real_server {
        ($port:ident, (): $($clause:ident),+ $(,)?) => {$(
            #[tokio::test]
            #[ignore = "needs QDRANT_URL: a real Qdrant server"]
            async fn $clause() {
                for shape in [dense(), VectorShape::sparse(), both()] {
                    run(shape, on_a_real_server!(@ $port $clause)).await;
                }
            }
        )+};
        (@ index $clause:ident) => {
            async |store: Arc<QdrantStore>, shape| {
                askbook::contract::index::$clause(&*store, &*store, shape).await;
            }
        };
        (@ retriever $clause:ident) => {
            async |store: Arc<QdrantStore>, shape| {
                let entries = askbook::contract::retriever::entries(shape);
                store.replace("contract", shape, entries).await.unwrap();
                askbook::contract::retriever::$clause(&*store, shape).await;
            }
        };
    }

    askbook::retriever_clauses!((on_a_real_server)());
    askbook::index_clauses!((on_a_real_server)());

    async fn run<F>(shape: VectorShape, clause: impl FnOnce(Arc<QdrantStore>, VectorShape) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let url = std::env::var("QDRANT_URL").expect("QDRANT_URL: the address of a Qdrant server");
        let key = std::env::var("QDRANT_API_KEY").ok();
        let collection = format!("askbook-test-{}", uuid::Uuid::new_v4().simple());
        let settings = QdrantSettings {
            api_key: key.clone().map(Into::into),
            collection: collection.clone(),
            ..settings(&url)
        };
        let client = Qdrant::from_url(&settings.address.to_string())
            .api_key(key)
            .skip_compatibility_check()
            .build()
            .unwrap();
        let store = Arc::new(QdrantStore::new(settings).unwrap());
        // In a task of its own, so that a broken clause does not keep us from tidying up.
        let outcome = tokio::spawn(clause(store, shape)).await;
        for left in client.list_collections().await.unwrap().collections {
            if left.name.starts_with(&collection) {
                client.delete_collection(left.name).await.unwrap();
            }
        }
        outcome.unwrap();
    }
}
