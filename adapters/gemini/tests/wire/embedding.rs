//! What is asked of `batchEmbedContents`, and what is made of its answers.

use std::num::NonZeroUsize;

use askbook::embedding::{Purpose, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::Embedder;
use askbook_gemini::{EmbedderConfig, GeminiEmbedder, QueryTask, Task};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::gemini;

fn embedder(url: &str, model: &str, query_task: QueryTask, dimension: usize) -> GeminiEmbedder {
    let dimension = NonZeroUsize::new(dimension);
    let config = EmbedderConfig { model: model.to_owned(), dimension, query_task };
    GeminiEmbedder::new(gemini::client(url), config).unwrap()
}

fn dense(dimension: usize) -> VectorShape {
    VectorShape::dense(NonZeroUsize::new(dimension).unwrap())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn vectors(vectors: &[Vec<f32>]) -> ResponseTemplate {
    let embeddings: Vec<Value> = vectors.iter().map(|values| json!({ "values": values })).collect();
    ResponseTemplate::new(200).set_body_json(json!({ "embeddings": embeddings }))
}

/// Embeds one text and checks the one request that this takes.
async fn sends(model: &str, query_task: QueryTask, purpose: Purpose, request: Value) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/v1beta/models/{model}:batchEmbedContents")))
        .and(body_json(json!({ "requests": [request] })))
        .respond_with(vectors(&[vec![3.0; 256]]))
        .expect(1)
        .mount(&server)
        .await;
    let embedder = embedder(&server.uri(), model, query_task, 0);
    let embeddings = embedder.embed(&texts(&["tides"]), purpose, dense(256)).await.unwrap();
    assert_eq!(embeddings[0].dense, Some(vec![1.0 / 16.0; 256]));
}

#[tokio::test]
async fn a_purpose_is_a_task_type() {
    use QueryTask::{QuestionAnswering, RetrievalQuery};
    let request = |task| {
        json!({
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": "tides"}]},
            "taskType": task,
            "outputDimensionality": 256,
        })
    };
    let check = async |query_task, purpose, task| {
        sends("gemini-embedding-001", query_task, purpose, request(task)).await;
    };
    check(RetrievalQuery, Purpose::Query, "RETRIEVAL_QUERY").await;
    check(QuestionAnswering, Purpose::Query, "QUESTION_ANSWERING").await;
    check(RetrievalQuery, Purpose::Passage, "RETRIEVAL_DOCUMENT").await;
    check(QuestionAnswering, Purpose::Passage, "RETRIEVAL_DOCUMENT").await;
}

#[tokio::test]
async fn for_embedding_2_a_purpose_is_a_form_of_the_text() {
    use QueryTask::{QuestionAnswering, RetrievalQuery};
    let request = |text| {
        json!({
            "model": "models/gemini-embedding-2",
            "content": {"parts": [{"text": text}]},
            "outputDimensionality": 256,
        })
    };
    let check = async |query_task, purpose, text| {
        sends("gemini-embedding-2", query_task, purpose, request(text)).await;
    };
    check(RetrievalQuery, Purpose::Query, "task: search result | query: tides").await;
    check(QuestionAnswering, Purpose::Query, "task: question answering | query: tides").await;
    check(RetrievalQuery, Purpose::Passage, "title: none | text: tides").await;
}

#[tokio::test]
async fn a_text_can_be_embedded_as_what_a_question_or_passage_never_is() {
    let server = gemini::server().await;
    for (model, task, sent_task, sent_text) in [
        ("gemini-embedding-001", Task::Similarity, json!("SEMANTIC_SIMILARITY"), "tides"),
        (
            "gemini-embedding-2",
            Task::Similarity,
            Value::Null,
            "task: sentence similarity | query: tides",
        ),
        ("gemini-embedding-2", Task::Unsaid, Value::Null, "tides"),
    ] {
        let embedder = embedder(&server.uri(), model, QueryTask::default(), 0);
        let vectors = embedder.embed_as(&texts(&["tides"]), task, dense(128)).await.unwrap();
        assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [128]);
        let requests = server.received_requests().await.unwrap();
        let sent = requests.last().unwrap().body_json::<Value>().unwrap()["requests"][0].take();
        assert_eq!(sent["taskType"], sent_task, "{task:?}");
        assert_eq!(sent["content"]["parts"][0]["text"], sent_text, "{task:?}");
    }
}

#[tokio::test]
async fn a_hundred_texts_go_in_one_request() {
    let server = gemini::server().await;
    let embedder = embedder(&server.uri(), "gemini-embedding-001", QueryTask::default(), 128);
    let many: Vec<String> = (0..201).map(|number| format!("text {number}")).collect();
    embedder.embed(&many, Purpose::Passage, dense(128)).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let counts: Vec<usize> = requests
        .iter()
        .map(|request| request.body_json::<Value>().unwrap()["requests"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [100, 100, 1]);
}

#[tokio::test]
async fn texts_in_which_there_is_nothing_are_not_sent() {
    let server = gemini::server().await;
    let embedder = embedder(&server.uri(), "gemini-embedding-001", QueryTask::default(), 128);
    let embed = async |all: &[&str]| {
        embedder.embed(&texts(all), Purpose::Passage, dense(128)).await.unwrap()
    };
    let embeddings = embed(&[" \n", "a", "", "b"]).await;
    let zero = Some(vec![0.0; 128]);
    assert_eq!((&embeddings[0].dense, &embeddings[2].dense), (&zero, &zero));
    assert_eq!([&embeddings[1..2], &embeddings[3..]].concat(), embed(&["a", "b"]).await);
    embed(&["", " "]).await;
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

async fn refuses(embedder: &GeminiEmbedder, shape: VectorShape, says: &[&str]) {
    let error = embedder.embed(&texts(&["a"]), Purpose::Query, shape).await.expect_err("no shape");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    for part in says {
        assert!(error.to_string().contains(part), "{error} does not say {part}");
    }
}

#[tokio::test]
async fn shapes_that_cannot_be_made_are_refused_before_any_call() {
    let server = MockServer::start().await;
    let model = "gemini-embedding-001";
    let any = embedder(&server.uri(), model, QueryTask::default(), 0);
    refuses(&any, dense(127), &["127", "128 to 3072"]).await;
    refuses(&any, dense(3073), &["3073", "128 to 3072"]).await;
    refuses(&any, VectorShape::sparse(), &["sparse", "dense"]).await;
    refuses(&any, VectorShape { sparse: true, ..dense(768) }, &["768", "sparse"]).await;
    let one = embedder(&server.uri(), model, QueryTask::default(), 1536);
    assert_eq!(one.preferred_shape(), dense(1536));
    refuses(&one, dense(768), &["768", "1536", "EMBEDDING_DIMENSIONS"]).await;
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dimension_that_gemini_does_not_make_is_refused_at_once() {
    for dimension in [1, 127, 3073] {
        let config = EmbedderConfig {
            model: "gemini-embedding-001".to_owned(),
            dimension: NonZeroUsize::new(dimension),
            query_task: QueryTask::default(),
        };
        let client = gemini::client("http://127.0.0.1:9");
        let error = GeminiEmbedder::new(client, config).expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("EMBEDDING_DIMENSIONS"), "{error}");
    }
}

#[test]
fn the_space_names_model_and_task_scheme_and_no_more() {
    let space = |model, query_task, dimension| {
        embedder("http://127.0.0.1:9", model, query_task, dimension).space().to_owned()
    };
    let search = space("gemini-embedding-001", QueryTask::RetrievalQuery, 0);
    assert_eq!(search, "gemini-embedding-001, RETRIEVAL_DOCUMENT");
    let answering = space("models/gemini-embedding-001", QueryTask::QuestionAnswering, 1536);
    assert_eq!(search, answering, "passages are the same for either task and dimension");
    assert_ne!(search, space("gemini-embedding-2", QueryTask::RetrievalQuery, 0));
}

async fn answered(body: ResponseTemplate) -> PortError {
    let server = gemini::always(body).await;
    let embedder = embedder(&server.uri(), "gemini-embedding-001", QueryTask::default(), 128);
    embedder.embed(&texts(&["a", "b"]), Purpose::Query, dense(128)).await.expect_err("an error")
}

#[tokio::test]
async fn vectors_other_than_asked_for_are_malformed() {
    let good = vec![1.0; 128];
    let raw = |body: String| ResponseTemplate::new(200).set_body_string(body);
    let number = |number: &str| {
        let vector = [&["1"; 127][..], &[number]].concat().join(",");
        raw(format!(r#"{{"embeddings":[{{"values":[{vector}]}},{{"values":[{vector}]}}]}}"#))
    };
    for (body, says) in [
        (vectors(&[]), "0 vectors of 2 texts"),
        (vectors(std::slice::from_ref(&good)), "1 vectors of 2 texts"),
        (vectors(&[good.clone(), good.clone(), good.clone()]), "3 vectors of 2 texts"),
        (vectors(&[good.clone(), vec![1.0; 3072]]), "3072 and not of 128"),
        (vectors(&[good.clone(), vec![]]), "0 and not of 128"),
        (vectors(&[good.clone(), vec![0.0; 128]]), "length 0"),
        (number("1e39"), "length inf"),
        (number("1e400"), "line 1"),
        (number("\"NaN\""), "line 1"),
        (number("null"), "line 1"),
        (raw("{}".to_owned()), "line 1"),
    ] {
        let error = answered(body).await;
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains(says), "{error} does not say {says}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let error = answered(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 << 20])).await;
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("larger than"), "{error}");
}
