use askbook::ports::Corpus;
use askbook_qdrant::{Description, Field, VectorKind};

use super::*;

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
    let found = five(&store, &near(vector)).await.unwrap();
    let expected = Passage {
        id: PassageId("12".to_owned()),
        title: "Nodes".to_owned(),
        headings: vec!["What is a node?".to_owned()],
        url: Some("/docs/part/nodes".to_owned()),
        text: "A node is a process.".to_owned(),
        edition: None,
    };
    assert_eq!(found.into_iter().map(|ranked| ranked.passage).collect::<Vec<_>>(), [expected]);
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
        let found = five(&store, &near(unit(0))).await.unwrap();
        assert_eq!(
            (found[0].passage.text.as_str(), found[0].passage.title.as_str()),
            ("T", "Intro")
        );
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
    let found = five(&store, &near).await.unwrap();
    assert!((found[0].score - 2.0).abs() < 1e-6, "{found:?}");
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
    let found = five(&QdrantStore::new(settings).unwrap(), &near(unit(0))).await.unwrap();
    assert_eq!(found[0].passage.text, "T");
}

#[tokio::test]
async fn points_without_a_text_are_left_out_and_do_not_use_up_the_limit() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &[]).await;
    let silent = (1..=4).map(|id| (id, unit(0).into(), json!({"text": " "})));
    put(&client, silent.chain([(5, vec![0.6, 0.8, 0.0, 0.0, 0.0].into(), json!({"text": "T"}))]))
        .await;
    let found = store(&server).retrieve(&near(unit(0)), size(2)).await.unwrap().dense.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].passage.id, PassageId("5".to_owned()));
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

/// Points as `LangChain` writes them, with everything that payloads in the wild hold.
fn lang_chain() -> Vec<(PointId, Vec<f32>, Value)> {
    let uuid = |number| format!("00000000-0000-0000-0000-0000000000{number:02}");
    let metadata =
        |page| json!({"source": "docs/a.md", "title": 3, "loc": {"lines": [1, 2]}, "page": page});
    let mut points: Vec<(PointId, Vec<f32>, Value)> = (0..7_u8)
        .map(|number| {
            let payload = json!({
                "page_content": format!("Text {number}."), "metadata": metadata(json!(number)),
            });
            (PointId::from(uuid(number)), unit(usize::from(number) % 5), payload)
        })
        .collect();
    points.push((3.into(), unit(3), json!({"page_content": "Numbered.", "metadata": null})));
    points.push((
        4.into(),
        unit(4),
        json!({"page_content": null, "metadata": metadata(Value::Null)}),
    ));
    points.push((5.into(), unit(0), json!({})));
    points
}

#[tokio::test]
async fn a_collection_of_others_is_read_whole_page_by_page() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &[]).await;
    put(
        &client,
        lang_chain().into_iter().map(|(id, vector, payload)| (id, vector.into(), payload)),
    )
    .await;
    let store = store(&server);
    for (limit, vectors) in [(1, true), (4, false), (100, true)] {
        let mut read = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = store.page(after.as_deref(), size(limit), vectors).await.unwrap();
            assert!(
                page.entries.len() <= limit && !(page.entries.is_empty() && page.next.is_some())
            );
            read.extend(page.entries);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let texts: Vec<&str> = read.iter().map(|entry| entry.passage.text.as_str()).collect();
        // Numbers come before UUIDs.
        let expected = ["Numbered.", "Text 0.", "Text 1.", "Text 2.", "Text 3.", "Text 4."];
        assert_eq!(texts[..6], expected);
        assert_eq!(texts[6..], ["Text 5.", "Text 6."]);
        assert_eq!(read[0].passage.id, PassageId("3".to_owned()));
        let Passage { title, url, .. } = &read[1].passage;
        assert_eq!((title.as_str(), url.as_deref()), ("3", Some("/docs/a")));
        let dense = vectors.then(|| unit(1));
        assert_eq!(read[2].embedding, Embedding { dense, sparse: None });
    }
}

#[tokio::test]
async fn a_named_vector_is_read_beside_others_that_are_not_searched_by() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("text-dense", 5)], &["text-sparse"]).await;
    let vectors = NamedVectors::default()
        .add_vector("text-dense", unit(2))
        .add_vector("text-sparse", Vector::new_sparse(vec![1], vec![1.0]));
    put(&client, [(1, vectors.into(), json!({"text": "T"}))]).await;
    let page = store(&server).page(None, size(9), true).await.unwrap();
    assert_eq!(page.entries[0].embedding, near(unit(2)));
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn a_collection_without_a_text_cannot_be_read_through() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &[]).await;
    let silent = (1..=4).map(|id| (id, unit(0).into(), json!({"inner": {"words": "x"}})));
    put(&client, silent).await;
    let message = advice(store(&server).page(None, size(2), false).await);
    assert!(message.ends_with("there are: inner.words"), "{message}");
    let error = store(&server).page(Some("no point"), size(2), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
}

#[tokio::test]
async fn passages_of_others_are_given_by_the_names_of_their_points() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &[]).await;
    put(
        &client,
        lang_chain().into_iter().map(|(id, vector, payload)| (id, vector.into(), payload)),
    )
    .await;
    let uuid = "00000000-0000-0000-0000-000000000002";
    let ids = [uuid, "4", "a.md#b/0", "77", "3"].map(|id| PassageId(id.to_owned()));
    let passages = store(&server).passages(&ids).await.unwrap();
    let texts: Vec<(&str, &str)> =
        passages.iter().map(|passage| (passage.id.0.as_str(), passage.text.as_str())).collect();
    assert_eq!(texts, [(uuid, "Text 2."), ("3", "Numbered.")]);
}

#[tokio::test]
async fn a_collection_of_others_is_described_to_its_owner() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("", 5)], &["text-sparse"]).await;
    let long = "word ".repeat(40);
    let points = [
        (1, unit(0), json!({"text": "One\n two.", "page_title": "A", "section": 2})),
        (2, unit(1), json!({"text": "One two. ", "page_title": "A"})),
        (3, vec![0.0; 5], json!({"content": long, "url": "\\docs\\b\\_index"})),
        (4, unit(3), json!({"text": null, "metadata": {"x": 1}})),
        (5, unit(3), json!({"text": "Three.", "page_title": "C", "url": "mailto:x"})),
    ];
    put(&client, points.map(|(id, vector, payload)| (id, vector.into(), payload))).await;
    let Description { collection, target, own, points, vectors, unclear, sample } =
        store(&server).describe().await.unwrap();
    assert_eq!((collection.as_str(), target, own, points), ("book", None, false, 5));
    assert_eq!(unclear, None);
    let [dense, sparse] = &vectors[..] else { panic!("{vectors:?}") };
    assert_eq!((dense.name.as_deref(), dense.chosen), (None, true));
    assert_eq!(dense.kind, VectorKind::Dense { size: 5, distance: "Cosine" });
    assert_eq!((sparse.name.as_deref(), sparse.chosen), (Some("text-sparse"), false));
    assert_eq!(sparse.kind, VectorKind::Sparse { idf: false });

    assert_eq!((sample.points, sample.without_text, sample.duplicates), (5, 1, 1));
    assert_eq!((sample.zero_vectors, sample.without_vector), (1, 0));
    assert_eq!(sample.keys, ["content", "metadata.x", "page_title", "section", "text", "url"]);
    let field = |key: &str, points, examples: &[&str]| Field {
        key: key.to_owned(),
        points,
        examples: examples.iter().map(|&example| example.to_owned()).collect(),
    };
    let shortened = format!("{}…", "word ".repeat(16));
    let texts = [field("text", 3, &["One two.", "Three."]), field("content", 1, &[&shortened])];
    assert_eq!(sample.text, texts);
    assert_eq!(sample.title, [field("page_title", 3, &["A", "C"])]);
    assert_eq!(sample.url, [field("url", 1, &["/docs/b"])]);
    assert_eq!(sample.section, [field("section", 1, &["2"])]);
}

#[tokio::test]
async fn askbooks_own_collection_is_described_with_what_it_stands_behind() {
    let (_, server) = indexed(both(), askbook::contract::retriever::entries(both())).await;
    let description = store(&server).describe().await.unwrap();
    assert_eq!(description.target, server.collections().pop());
    assert!(description.own && description.vectors.iter().all(|vector| vector.chosen));
    assert_eq!(description.vectors[1].kind, VectorKind::Sparse { idf: true });
    assert_eq!((description.points, description.sample.points), (6, 6));
    assert_eq!(description.sample.text[0].key, "text");
}

#[tokio::test]
async fn a_collection_that_cannot_be_searched_yet_is_described_with_the_reason() {
    let server = QdrantServer::start().await;
    let client = client(&server);
    make(&client, &[("title", 4), ("body", 5)], &[]).await;
    let vectors = NamedVectors::default().add_vector("body", unit(0));
    put(&client, [(1, vectors.into(), json!({"text": "T"}))]).await;
    let description = store(&server).describe().await.unwrap();
    assert!(description.unclear.unwrap().contains("ASKBOOK_QDRANT_VECTOR to one of"));
    assert!(description.vectors.iter().all(|vector| !vector.chosen));
    assert_eq!(description.sample.text[0].examples, ["T"]);
    advice(
        QdrantStore::new(QdrantSettings {
            collection: "other".to_owned(),
            ..settings(&server.url())
        })
        .unwrap()
        .describe()
        .await,
    );

    let wish = QdrantSettings { vector: Some("title".to_owned()), ..settings(&server.url()) };
    let description = QdrantStore::new(wish).unwrap().describe().await.unwrap();
    assert_eq!((description.unclear, description.sample.without_vector), (None, 1));
    assert!(description.vectors[1].chosen);
}
