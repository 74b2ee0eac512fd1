use std::num::NonZeroUsize;

use askbook::embedding::Embedding;
use askbook::passage::{Passage, PassageId};
use askbook_memory::MemoryEmbedder;
use serde_json::{Value, json};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::super::Level;
use super::*;
use crate::wiring::{Models, Pace};

const SIZE: usize = 128;

/// A vector that only this text, task and model have.
fn vector(model: &str, task: &str, text: &str) -> Vec<f32> {
    let mut state =
        format!("{model} {task} {text}").bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    let next = |_| {
        // xorshift64 (Marsaglia, 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u16::try_from(state >> 48).map_or(0.0, f32::from) / f32::from(u16::MAX) - 0.5
    };
    (0..SIZE).map(next).collect()
}

/// A Gemini whose vectors depend on task and text.
struct Embeds;

impl Respond for Embeds {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let embedding = |request: &Value| {
            let text = request["content"]["parts"][0]["text"].as_str().unwrap();
            let task = request["taskType"].as_str().unwrap_or_default();
            json!({ "values": vector("gemini", task, text) })
        };
        let requests = body["requests"].as_array().unwrap();
        let embeddings: Vec<Value> = requests.iter().map(embedding).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "embeddings": embeddings }))
    }
}

fn entry(text: &str, dense: Option<Vec<f32>>) -> Entry {
    let passage = Passage {
        id: PassageId(text.to_owned()),
        title: "Tides".to_owned(),
        headings: Vec::new(),
        url: None,
        text: text.to_owned(),
        edition: None,
    };
    Entry { passage, embedding: Embedding { dense, sparse: None } }
}

/// The texts of a collection, each with the vector that `make` makes of it.
fn collection(make: impl Fn(&Passage) -> Vec<f32>) -> Vec<Entry> {
    let entry = |number| {
        let mut entry = entry(&format!("text {number}"), None);
        entry.embedding.dense = Some(make(&entry.passage));
        entry
    };
    (0..9).map(entry).collect()
}

async fn checked(entries: &[Entry], own: bool) -> (Vec<Finding>, usize) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path_regex(":batchEmbedContents$"))
        .respond_with(Embeds)
        .mount(&server)
        .await;
    let address = server.uri();
    let config = Config::from_values([
        ("GEMINI_API_KEY", "s3cret"),
        ("GEMINI_BASE_URL", &address),
        ("ASKBOOK_EMBEDDER", "gemini"),
        ("ASKBOOK_DATA_DIR", "/nonexistent/askbook"),
    ])
    .unwrap();
    let embedder = Models::of(&config).embedder(Pace::Reader).unwrap();
    let findings = findings(&config, embedder.as_ref(), entries, own).await;
    assert!(!format!("{findings:?}").contains("s3cret"));
    (findings, server.received_requests().await.unwrap().len())
}

#[track_caller]
fn is(findings: &[Finding], code: &str, level: Level, says: &str) {
    let found: Vec<&Finding> = findings.iter().filter(|finding| finding.code == code).collect();
    let [found] = found.as_slice() else { panic!("no {code} in {findings:#?}") };
    assert_eq!(found.level, level, "{found}");
    assert!(found.to_string().contains(says), "{found}");
}

#[tokio::test]
async fn vectors_of_the_configured_model_are_proved_to_be_so() {
    let entries = collection(|passage| vector("gemini", "RETRIEVAL_DOCUMENT", &passage.text));
    let (findings, calls) = checked(&entries, false).await;
    is(&findings, SPACE, Level::Ok, "made with RETRIEVAL_DOCUMENT: cosine 1.000");
    assert_eq!((findings.len(), calls), (1, 4), "{findings:#?}");
}

#[tokio::test]
async fn vectors_of_an_index_of_askbook_are_those_of_the_indexed_text() {
    let indexed =
        |passage: &Passage| vector("gemini", "RETRIEVAL_DOCUMENT", &passage.indexed_text());
    is(&checked(&collection(indexed), true).await.0, SPACE, Level::Ok, "RETRIEVAL_DOCUMENT");
    let body = |passage: &Passage| vector("gemini", "RETRIEVAL_DOCUMENT", &passage.text);
    is(
        &checked(&collection(body), true).await.0,
        SPACE,
        Level::Warning,
        "body alone: cosine 1.000",
    );
}

#[tokio::test]
async fn the_task_that_vectors_were_made_for_is_named() {
    for (task, name) in [
        ("RETRIEVAL_QUERY", "RETRIEVAL_QUERY"),
        ("SEMANTIC_SIMILARITY", "SEMANTIC_SIMILARITY"),
        ("", "no task type"),
    ] {
        let entries = collection(|passage| vector("gemini", task, &passage.text));
        let (findings, _) = checked(&entries, false).await;
        let says = format!("made with {name}: cosine 1.000");
        is(&findings, SPACE, Level::Warning, &says);
    }
}

#[tokio::test]
async fn vectors_of_another_model_with_the_same_size_are_an_error() {
    let entries = collection(|passage| vector("another", "RETRIEVAL_DOCUMENT", &passage.text));
    let (findings, _) = checked(&entries, false).await;
    is(&findings, SPACE, Level::Error, "another model than gemini-embedding-001");
    is(&findings, SPACE, Level::Error, "EMBEDDING_MODEL");
}

#[tokio::test]
async fn vectors_of_zeros_are_flagged_and_not_compared() {
    let made = |passage: &Passage| vector("gemini", "RETRIEVAL_DOCUMENT", &passage.text);
    let mut entries = collection(made);
    entries[3].embedding.dense = Some(vec![0.0; SIZE]);
    let (findings, _) = checked(&entries, false).await;
    is(&findings, "zero-vectors", Level::Warning, "1 of 9");
    is(&findings, SPACE, Level::Ok, "1.000");

    let (findings, calls) = checked(&collection(|_| vec![0.0; SIZE]), false).await;
    is(&findings, "zero-vectors", Level::Error, "9 of 9");
    assert_eq!((findings.len(), calls), (1, 0), "{findings:#?}");
}

#[tokio::test]
async fn what_cannot_be_embedded_again_is_told() {
    let entries = [entry("text", Some(vec![1.0; 64]))];
    let (findings, calls) = checked(&entries, false).await;
    is(&findings, SPACE, Level::Error, "64");
    assert_eq!(calls, 0);
}

#[tokio::test]
async fn vectors_of_another_embedder_are_compared_as_passages() {
    let config = Config::from_values([
        ("ASKBOOK_EMBEDDER", "memory"),
        ("ASKBOOK_DATA_DIR", "/nonexistent/askbook"),
    ]);
    let config = config.unwrap();
    let shape = VectorShape { dense: NonZeroUsize::new(SIZE), sparse: true };
    let embedder = MemoryEmbedder::new(shape);
    let text = "Whales sing at night and dive by day.";
    let mut entry = entry(text, None);
    let stored = [entry.passage.indexed_text()];
    entry.embedding = embedder.embed(&stored, Purpose::Passage, shape).await.unwrap().remove(0);
    let found = findings(&config, &embedder, &[entry.clone()], true).await;
    is(&found, SPACE, Level::Ok, "cosine 1.000");
    is(&found, TERMS, Level::Ok, "cosine of 1 stored texts 1.000");

    // Terms of another numbering.
    let sparse = entry.embedding.sparse.as_mut().unwrap();
    sparse.indices.iter_mut().for_each(|index| *index ^= 1);
    let found = findings(&config, &embedder, &[entry], true).await;
    is(&found, TERMS, Level::Error, "ASKBOOK_LANGUAGE");
}

#[test]
fn nearly_the_same_vectors_are_of_the_same_space_and_other_texts() {
    let likeness = |made: &str, own, cosine| Likeness { made: made.to_owned(), own, cosine };
    let judge = |own, other| {
        let finding =
            judge_space(&[likeness("own", true, own), likeness("other", false, other)], "x", 4);
        (finding.level, finding.what)
    };
    assert_eq!(judge(0.91, 0.93).0, Level::Note);
    assert_eq!(judge(0.49, 0.10).0, Level::Error);
    assert_eq!(judge(0.999, 0.9995).0, Level::Ok);
    assert_eq!(judge(0.985, 0.9995).0, Level::Warning);
    let (_, what) = judge(0.999, 0.9);
    assert!(what.ends_with("own 0.999; other 0.900)"), "{what}");
}

#[test]
fn the_middle_of_cosines_is_taken() {
    assert!((median(vec![0.9, 0.1, 0.5]) - 0.5).abs() < 1e-6);
    assert!((median(vec![0.9, 0.1]) - 0.1).abs() < 1e-6);
    assert!(median(Vec::new()).abs() < 1e-6);
    let sparse = |indices: &[u32], values: &[f32]| SparseVector {
        indices: indices.to_vec(),
        values: values.to_vec(),
    };
    let cosine = sparse_cosine(&sparse(&[3, 1], &[4.0, 3.0]), &sparse(&[1, 7], &[1.0, 0.0]));
    assert!((cosine - 0.6).abs() < 1e-6, "{cosine}");
    assert!(sparse_cosine(&sparse(&[], &[]), &sparse(&[1], &[1.0])).abs() < 1e-6);
}

#[test]
fn texts_are_taken_from_the_whole_sample_and_not_too_long() {
    let mut entries = collection(|_| vec![1.0; SIZE]);
    entries[0].passage.text = "x".repeat(LONGEST + 1);
    entries[1].passage.text = " ".to_owned();
    let taken: Vec<&str> =
        sample(&entries, |_| true).iter().map(|entry| entry.passage.id.0.as_str()).collect();
    assert_eq!(taken, ["text 2", "text 4", "text 6", "text 8"]);
}
