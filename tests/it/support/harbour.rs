//! A small book about a harbour, as an existing site wrote it into Qdrant: dense vectors alone.

use std::time::Duration;

use qdrant_client::qdrant::{
    CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::json;

use crate::support::gemini::letters;
use crate::support::qdrant_server::QdrantServer;

/// The size of the vectors.
const DIMENSION: usize = 768;

/// The name of the collection.
pub(crate) const COLLECTION: &str = "harbour";

/// A question that the book answers at `/docs/tides`.
pub(crate) const QUESTION: &str = "When is the harbour open to ships?";

/// What a model answers to it, in words of its own.
pub(crate) const ANSWER: &str = "Ships find the harbour open at high tide [1].";

/// A Qdrant that holds the book.
pub(crate) async fn harbour() -> QdrantServer {
    filled(QdrantServer::start().await).await
}

/// The same in this Qdrant, which is empty.
pub(crate) async fn filled(server: QdrantServer) -> QdrantServer {
    // Long enough for a busy machine.
    let client = Qdrant::from_url(&server.url()).timeout(Duration::from_mins(1));
    let client = client.skip_compatibility_check().build().unwrap();
    let vector = VectorParamsBuilder::new(DIMENSION as u64, Distance::Cosine);
    let create = CreateCollectionBuilder::new(COLLECTION).vectors_config(vector);
    client.create_collection(create).await.unwrap();
    let chunks = [
        ("The harbour is open to ships at high tide.", "/docs/tides"),
        ("Bread is baked before dawn.", "/docs/bread"),
        ("The lighthouse E4711 is lit at night.", "/docs/light"),
    ];
    let points = (1_u64..).zip(chunks).map(|(id, (text, url))| {
        let payload = Payload::try_from(json!({"text": text, "url": url})).unwrap();
        PointStruct::new(id, letters(text, DIMENSION), payload)
    });
    let upsert = UpsertPointsBuilder::new(COLLECTION, points.collect::<Vec<_>>()).wait(true);
    client.upsert_points(upsert).await.unwrap();
    server
}
