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

use askbook::contract::index::fill;
use askbook::contract::{Fault, KEY};
use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Entry, Ranked, Retriever};
use askbook_qdrant::{Address, Fields, QdrantSettings, QdrantStore};
use qdrant_client::qdrant::{
    CreateCollectionBuilder, Distance, NamedVectors, PointId, PointStruct,
    SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Vector,
    VectorParamsBuilder, Vectors, VectorsConfigBuilder,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::{Value, json};

use crate::support::qdrant_server::QdrantServer;

/// The collections of other programs.
mod collections;
/// What each failure is called.
mod failures;
/// What an index touches, and what an interrupted one leaves.
mod index;
/// The contracts against a real server.
mod real;

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

async fn empty() -> (Arc<QdrantStore>, QdrantServer) {
    let server = QdrantServer::start().await;
    (store(&server), server)
}

async fn indexed(shape: VectorShape, entries: Vec<Entry>) -> (Arc<dyn Retriever>, QdrantServer) {
    let (store, server) = empty().await;
    fill(&*store, "contract", shape, entries).await;
    (store, server)
}

mod own_dense {
    askbook::retriever_contract!(super::indexed, super::dense());
    askbook::index_contract!(super::empty, super::dense());
    askbook::lasting_index_contract!(super::empty, super::dense());
}

mod own_sparse {
    askbook::retriever_contract!(super::indexed, super::VectorShape::sparse());
    askbook::index_contract!(super::empty, super::VectorShape::sparse());
    askbook::lasting_index_contract!(super::empty, super::VectorShape::sparse());
}

mod own_both {
    askbook::retriever_contract!(super::indexed, super::both());
    askbook::index_contract!(super::empty, super::both());
    askbook::lasting_index_contract!(super::empty, super::both());
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

async fn five(store: &QdrantStore, near: &Embedding) -> Result<Vec<Ranked>, PortError> {
    let found = store.retrieve(near, size(5)).await?;
    Ok(found.dense.or(found.lexical).unwrap())
}

/// The message of a misconfiguration.
fn advice<T: std::fmt::Debug>(outcome: Result<T, PortError>) -> String {
    let error = outcome.expect_err("a misconfiguration");
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
    error.to_string()
}

fn passage(id: &str, text: &str) -> Passage {
    Passage {
        id: PassageId(id.to_owned()),
        title: String::new(),
        headings: Vec::new(),
        url: None,
        text: text.to_owned(),
        edition: None,
    }
}
