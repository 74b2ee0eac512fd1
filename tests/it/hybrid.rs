use std::num::NonZeroUsize;

use askbook::contract::index::fill;
use askbook::embedding::{Embedding, VectorShape};
use askbook::passage::{Passage, PassageId};
use askbook::ports::Entry;
use askbook_qdrant::{Address, Fields, QdrantSettings, QdrantStore};
use qdrant_client::qdrant::{
    CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::app::{Reply, TestApp};
use crate::support::gemini::{KEY, calls, gemini, letters};
use crate::support::qdrant_server::QdrantServer;
use crate::support::wire::Wire;

/// The size of the vectors in the collection.
const DIMENSION: usize = 768;

const QUESTION: &str = "When is the harbour open to ships?";

/// A Qdrant with a collection of dense vectors alone, as an existing site wrote it.
async fn existing_collection() -> QdrantServer {
    let server = QdrantServer::start().await;
    let client = Qdrant::from_url(&server.url()).skip_compatibility_check().build().unwrap();
    let vector = VectorParamsBuilder::new(DIMENSION as u64, Distance::Cosine);
    let create = CreateCollectionBuilder::new("book").vectors_config(vector);
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
    let upsert = UpsertPointsBuilder::new("book", points.collect::<Vec<_>>()).wait(true);
    client.upsert_points(upsert).await.unwrap();
    server
}

/// An askbook over the collection at this address, which quotes.
async fn app(qdrant: &str, gemini: &MockServer, more: &[(&str, &str)]) -> TestApp {
    let gemini = gemini.uri();
    let settings = [
        ("GEMINI_API_KEY", KEY),
        ("GEMINI_BASE_URL", &gemini),
        ("ASKBOOK_GENERATOR", "quote"),
        ("QDRANT_URL", qdrant),
        ("QDRANT_COLLECTION_NAME", "book"),
        ("ASKBOOK_UPSTREAM_TIMEOUT_MS", "2000"),
    ];
    let given = |name: &str| more.iter().any(|setting| setting.0 == name);
    let settings = settings.into_iter().filter(|setting| !given(setting.0));
    TestApp::start(&settings.chain(more.iter().copied()).collect::<Vec<_>>()).await
}

async fn search(app: &TestApp, query: &str) -> Reply {
    let body = json!({"query": query, "debug": true});
    Reply::read(app.request(Method::POST, "/search").json(&body).send().await.unwrap()).await
}

async fn found(app: &TestApp, query: &str) -> Value {
    let reply = search(app, query).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()
}

/// Waits until the collection is searched by terms too.
async fn mirrored(app: &TestApp) -> Value {
    loop {
        let found = found(app, QUESTION).await;
        if found["results"][0]["scores"]["lexical"].is_number() {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// From now on the stand-in is overloaded, and for longer than anybody would wait.
async fn overload(gemini: &MockServer) {
    gemini.reset().await;
    let overloaded = ResponseTemplate::new(503).insert_header("retry-after", "60");
    Mock::given(wiremock::matchers::any()).respond_with(overloaded).mount(gemini).await;
}

#[tokio::test]
async fn an_existing_collection_becomes_hybrid_as_it_is() {
    let (qdrant, gemini) = (existing_collection().await, gemini("").await);
    let app = app(&qdrant.url(), &gemini, &[]).await;
    let found = mirrored(&app).await;
    assert_eq!(found["results"][0]["url"], "/docs/tides");
    assert_eq!(found["degraded"], json!([]));
    let scores = &found["results"][0]["scores"];
    assert!(scores["dense"].as_f64().unwrap() > 0.5, "{found}");
    let candidate = &found["debug"]["candidates"][0];
    assert_eq!((&candidate["dense_rank"], &candidate["lexical_rank"]), (&json!(1), &json!(1)));
    assert_eq!(qdrant.collections(), ["book"], "nothing is written to it");
}

#[tokio::test]
async fn without_qdrant_the_search_goes_on_by_terms() {
    let (qdrant, gemini) = (existing_collection().await, gemini("").await);
    let wire = Wire::to(&qdrant.url()).await;
    let app = app(&wire.url(), &gemini, &[]).await;
    mirrored(&app).await;
    drop(wire);

    let found = found(&app, QUESTION).await;
    assert_eq!(found["results"][0]["url"], "/docs/tides", "{found}");
    assert_eq!(found["degraded"], json!([{"leg": "retriever"}]));
    assert!(found["results"][0]["scores"].get("dense").is_none(), "{found}");
    let answer = app.ask(QUESTION).await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert_eq!(answer["degraded"], json!([{"leg": "retriever"}]));
    assert!(answer["answer"].as_str().unwrap().contains("high tide"), "{answer}");
    assert_eq!(app.get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_the_embedder_the_search_goes_on_by_terms() {
    let (qdrant, gemini) = (existing_collection().await, gemini("").await);
    let app = app(&qdrant.url(), &gemini, &[]).await;
    mirrored(&app).await;
    overload(&gemini).await;

    let found = found(&app, QUESTION).await;
    assert_eq!(found["results"][0]["url"], "/docs/tides", "{found}");
    assert_eq!(found["degraded"], json!([{"leg": "embedder"}]));
    let answer = app.ask(QUESTION).await;
    assert_eq!(answer["degraded"], json!([{"leg": "embedder"}]));
    assert!(answer["answer"].as_str().unwrap().contains("high tide"), "{answer}");
}

#[tokio::test]
async fn without_a_copy_an_outage_is_told_and_not_hidden() {
    let (qdrant, gemini) = (existing_collection().await, gemini("").await);
    let wire = Wire::to(&qdrant.url()).await;
    let app = app(&wire.url(), &gemini, &[("ASKBOOK_MIRROR_REFRESH_S", "0")]).await;
    assert!(found(&app, QUESTION).await["results"][0]["scores"].get("lexical").is_none());
    drop(wire);
    search(&app, QUESTION).await.is_problem(503, "upstream_unavailable");
}

#[tokio::test]
async fn the_copy_is_kept_and_serves_while_qdrant_is_out_of_reach_from_the_start() {
    let (qdrant, gemini) = (existing_collection().await, gemini("").await);
    let data = tempfile::tempdir().unwrap();
    let kept = [("ASKBOOK_DATA_DIR", data.path().to_str().unwrap())];
    let wire = Wire::to(&qdrant.url()).await;
    let url = wire.url();
    let first = app(&url, &gemini, &kept).await;
    mirrored(&first).await;
    first.stop().await;
    drop(wire);

    let second = app(&url, &gemini, &kept).await;
    let found = found(&second, QUESTION).await;
    assert_eq!(found["results"][0]["url"], "/docs/tides", "{found}");
    second.stop().await;

    // It is the copy of that collection and of no other.
    let other = [kept[0], ("QDRANT_COLLECTION_NAME", "other")];
    let third = app(&url, &gemini, &other).await;
    search(&third, QUESTION).await.is_problem(503, "upstream_unavailable");
}

#[tokio::test]
async fn an_index_of_another_model_is_not_searched() {
    let (qdrant, gemini) = (QdrantServer::start().await, gemini("").await);
    let store = QdrantStore::new(QdrantSettings {
        address: Address::parse(&qdrant.url()).unwrap(),
        api_key: None,
        collection: "book".to_owned(),
        vector: None,
        dimension: None,
        fields: Fields::default(),
        timeout: std::time::Duration::from_secs(10),
    });
    let shape = VectorShape { dense: NonZeroUsize::new(DIMENSION), sparse: true };
    let text = "The harbour is open to ships at high tide.";
    let passage = Passage {
        id: PassageId("tides".to_owned()),
        title: "Tides".to_owned(),
        headings: Vec::new(),
        url: None,
        text: text.to_owned(),
        edition: None,
    };
    let mut dense = vec![0.0; DIMENSION];
    dense[0] = 1.0;
    let sparse = askbook::embedding::SparseVector { indices: vec![1], values: vec![1.0] };
    let embedding = Embedding { dense: Some(dense), sparse: Some(sparse) };
    let entry = Entry { passage, embedding };
    fill(&store.unwrap(), "text-embedding-of-another-house", shape, vec![entry]).await;

    let app = app(&qdrant.url(), &gemini, &[]).await;
    search(&app, QUESTION).await.is_problem(503, "upstream_misconfigured");
    app.chat(&json!({ "message": QUESTION })).await.is_problem(503, "upstream_misconfigured");
    assert_eq!(calls(&gemini).await, (0, 0), "nothing is paid");
    let ready = app.get("/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{}", ready.text);
}
