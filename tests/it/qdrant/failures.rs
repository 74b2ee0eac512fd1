use qdrant_client::qdrant::CreateAliasBuilder;

use super::*;

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
