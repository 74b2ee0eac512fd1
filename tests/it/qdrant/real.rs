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
            let (index, retriever, corpus) = (&*store, &*store, &*store);
            let store = askbook::contract::index::Store { index, retriever, corpus };
            askbook::contract::index::$clause(store, shape).await;
        }
    };
    (@ retriever $clause:ident) => {
        async |store: Arc<QdrantStore>, shape| {
            let entries = askbook::contract::retriever::entries(shape);
            fill(&*store, "contract", shape, entries).await;
            askbook::contract::retriever::$clause(&*store, shape).await;
        }
    };
}

askbook::retriever_clauses!((on_a_real_server)());
askbook::index_clauses!((on_a_real_server)());
askbook::lasting_index_clauses!((on_a_real_server)());

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
