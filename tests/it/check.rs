//! `askbook check` over the collection of an existing site, by what it ends with: its output is
//! that of the process.

use std::process::ExitCode;

use qdrant_client::qdrant::{
    CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::support::gemini::{KEY, calls, gemini, letters};
use crate::support::qdrant_server::QdrantServer;

/// The size of the vectors in the collection.
const DIMENSION: usize = 768;

const TEXTS: [&str; 3] = [
    "The harbour is open to ships at high tide.",
    "Bread is baked before dawn.",
    "The lighthouse E4711 is lit at night.",
];

/// Checks a collection whose vectors are those that the stand-in gives `made_of` a text; returns
/// what that ends with, and how often texts were embedded.
async fn checked(made_of: fn(&str) -> String) -> (ExitCode, usize) {
    let qdrant = QdrantServer::start().await;
    let client = Qdrant::from_url(&qdrant.url()).skip_compatibility_check().build().unwrap();
    let vector = VectorParamsBuilder::new(DIMENSION as u64, Distance::Cosine);
    let create = CreateCollectionBuilder::new("book").vectors_config(vector);
    client.create_collection(create).await.unwrap();
    let points = (1_u64..).zip(TEXTS).map(|(id, text)| {
        let payload = Payload::try_from(json!({"text": text, "url": format!("/docs/{id}")}));
        PointStruct::new(id, letters(&made_of(text), DIMENSION), payload.unwrap())
    });
    let upsert = UpsertPointsBuilder::new("book", points.collect::<Vec<_>>()).wait(true);
    client.upsert_points(upsert).await.unwrap();

    let gemini = gemini("").await;
    let models = json!({"models": [
        {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]},
    ]});
    Mock::given(method("GET"))
        .and(path("/v1beta/models"))
        .respond_with(ResponseTemplate::new(200).set_body_json(models))
        .mount(&gemini)
        .await;

    let data = tempfile::tempdir().unwrap();
    let settings = [
        format!("GEMINI_API_KEY={KEY}"),
        format!("GEMINI_BASE_URL={}", gemini.uri()),
        "ASKBOOK_GENERATOR=quote".to_owned(),
        format!("QDRANT_URL={}", qdrant.url()),
        "QDRANT_COLLECTION_NAME=book".to_owned(),
        format!("ASKBOOK_DATA_DIR={}", data.path().display()),
        format!("ASKBOOK_BOOK={}", data.path().join("nowhere").display()),
        "LOG_LEVEL=askbook_server::telemetry=error".to_owned(),
    ];
    let settings = settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]);
    let arguments = ["askbook".to_owned(), "check".to_owned()].into_iter().chain(settings);
    let arguments: Vec<_> = arguments.map(Into::into).collect();
    // It makes a runtime of its own.
    let run = tokio::task::spawn_blocking(|| askbook_server::cli::main(arguments));
    let end = run.await.unwrap();
    // As of now panics are told by the tests' own means again, with their messages.
    drop(std::panic::take_hook());
    (end, calls(&gemini).await.0)
}

#[tokio::test]
async fn a_collection_of_the_configured_model_is_in_order() {
    let (end, embedded) = checked(str::to_owned).await;
    assert_eq!(end, ExitCode::SUCCESS);
    assert_eq!(embedded, 4, "once for each task");
}

#[tokio::test]
async fn a_collection_of_another_model_with_the_same_size_is_an_error() {
    let (end, embedded) = checked(|text| text.chars().rev().collect()).await;
    assert_eq!(end, ExitCode::FAILURE);
    assert_eq!(embedded, 4, "only the proof tells them apart");
}
