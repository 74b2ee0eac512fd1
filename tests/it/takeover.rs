use qdrant_client::qdrant::{
    CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::support::app::TestApp;
use crate::support::gemini::{KEY, calls, gemini, letters};
use crate::support::qdrant_server::QdrantServer;

/// The size of the vectors in the collection.
const DIMENSION: usize = 3072;

/// A Qdrant with a collection as an existing site wrote it: one unnamed vector, a
/// flat payload, a chunk twice.
async fn existing_collection() -> QdrantServer {
    let server = QdrantServer::start().await;
    let client = Qdrant::from_url(&server.url()).skip_compatibility_check().build().unwrap();
    let vector = VectorParamsBuilder::new(DIMENSION as u64, Distance::Cosine);
    let create = CreateCollectionBuilder::new("my_book").vectors_config(vector);
    client.create_collection(create).await.unwrap();
    let chunks = [
        ("The harbour is open to ships at high tide.", "/docs/tides", "Tides"),
        ("The harbour is open to ships at high tide.", "/docs/tides", "Tides"),
        ("Bread is baked before dawn.", "\\docs\\bread\\_index", "Bread"),
    ];
    let points = (1_u64..).zip(chunks).map(|(id, (text, url, title))| {
        let payload = json!({"text": text, "url": url, "page_title": title, "chunk_id": id});
        let payload = Payload::try_from(payload).unwrap();
        PointStruct::new(id, letters(text, DIMENSION), payload)
    });
    let upsert = UpsertPointsBuilder::new("my_book", points.collect::<Vec<_>>()).wait(true);
    client.upsert_points(upsert).await.unwrap();
    server
}

async fn app(qdrant: &QdrantServer, gemini: &MockServer, more: &[(&str, &str)]) -> TestApp {
    let (qdrant, gemini) = (qdrant.url(), gemini.uri());
    let settings = [
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini),
        ("QDRANT_URL", &qdrant),
        ("QDRANT_COLLECTION_NAME", "my_book"),
    ];
    let given = |name: &str| more.iter().any(|setting| setting.0 == name);
    let settings: Vec<(&str, &str)> = settings
        .into_iter()
        .filter(|setting| !given(setting.0))
        .chain(more.iter().copied())
        .collect();
    TestApp::start(&settings).await
}

#[tokio::test]
async fn a_key_and_an_address_are_enough_to_answer_from_an_existing_collection() {
    let qdrant = existing_collection().await;
    let gemini = gemini("At high tide [1].").await;
    let app = app(&qdrant, &gemini, &[]).await;

    let answer = app.ask("When is the harbour open to ships?").await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert_eq!(answer["model"], "gemini-e2e-001");
    let source = &answer["sources"][0];
    assert_eq!(source["title"], "Tides");
    assert_eq!(source["url"], "/docs/tides");
    assert_eq!(source["quote"], "The harbour is open to ships at high tide.");
    assert!(source["scores"]["dense"].as_f64().unwrap() > 0.5, "{source}");

    assert_eq!(calls(&gemini).await, (1, 1), "one embedding and one generation a question");
    let requests = gemini.received_requests().await.unwrap();
    let embedding: Value = requests[0].body_json().unwrap();
    assert_eq!(embedding["requests"][0]["outputDimensionality"], DIMENSION);
    assert_eq!(embedding["requests"][0]["taskType"], "RETRIEVAL_QUERY");
    let generation: Value = requests[1].body_json().unwrap();
    let prompt = generation["contents"][0]["parts"][0]["text"].as_str().unwrap();
    assert_eq!(prompt.matches("The harbour is open").count(), 1, "the copy is dropped: {prompt}");
    assert_eq!(app.get("/ready").await.json()["ready"], true);
}

#[tokio::test]
async fn what_does_not_fit_is_told_before_anything_is_paid() {
    let qdrant = existing_collection().await;
    let gemini = gemini("At high tide [1].").await;
    for wrong in [("QDRANT_COLLECTION_NAME", "another"), ("EMBEDDING_DIMENSIONS", "768")] {
        let app = app(&qdrant, &gemini, &[wrong]).await;
        let reply = app.chat(&json!({"message": "When is the harbour open?"})).await;
        reply.is_problem(503, "upstream_misconfigured");
    }
    assert_eq!(calls(&gemini).await, (0, 0));
}
