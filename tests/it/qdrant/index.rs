use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use askbook::contract::index::manifest;
use askbook::contract::retriever::entries;
use askbook::embedding::Purpose;
use askbook::indexing::{Changes, index, plan};
use askbook::manifest::{Manifest, Recipe};
use askbook::passage::Edition;
use askbook::ports::{Corpus, Embedder, Index};
use async_trait::async_trait;
use qdrant_client::qdrant::CreateAliasBuilder;

use super::*;

fn entry(number: usize, dense: Vec<f32>, terms: &[(u32, f32)]) -> Entry {
    let passage = passage(&format!("p{number}"), &format!("Text {number}."));
    let indices = terms.iter().map(|term| term.0).collect();
    let sparse = SparseVector { indices, values: terms.iter().map(|term| term.1).collect() };
    Entry { passage, embedding: Embedding { dense: Some(dense), sparse: Some(sparse) } }
}

#[tokio::test]
async fn both_rankings_of_one_search_are_those_of_each_vector_alone() {
    // More than one vector's candidates, and the best by one are the worst by the other.
    let entries: Vec<Entry> = (0..60_u8)
        .map(|number| {
            let angle = f32::from(number) / 60.0;
            let dense = vec![angle.cos(), angle.sin(), 0.0, 0.0, 0.0];
            entry(number.into(), dense, &[(7, 1.0 + f32::from(number))])
        })
        .collect();
    let (retriever, _server) = indexed(both(), entries).await;
    let terms = SparseVector { indices: vec![7], values: vec![1.0] };
    let near = Embedding { dense: Some(unit(0)), sparse: Some(terms) };
    let found = retriever.retrieve(&near, size(3)).await.unwrap();
    let ids = |ranking: &Option<Vec<Ranked>>| -> Vec<String> {
        ranking.iter().flatten().map(|ranked| ranked.passage.id.0.clone()).collect()
    };
    assert_eq!(ids(&found.dense), ["p0", "p1", "p2"]);
    assert_eq!(ids(&found.lexical), ["p59", "p58", "p57"]);
    let meaning = Embedding { sparse: None, ..near.clone() };
    assert_eq!(retriever.retrieve(&meaning, size(3)).await.unwrap().dense, found.dense);
    let terms = Embedding { dense: None, ..near };
    assert_eq!(retriever.retrieve(&terms, size(3)).await.unwrap().lexical, found.lexical);
}

#[tokio::test]
async fn an_index_leaves_a_collection_that_askbook_did_not_make_alone() {
    let server = QdrantServer::start().await;
    make(&client(&server), &[("", 5)], &[]).await;
    let manifest = manifest("one", dense(), &entries(dense()));
    let refused = async |store: &QdrantStore| advice(store.begin(&manifest).await.map(drop));
    let store = store(&server);
    let message = refused(&store).await;
    assert!(message.contains("set QDRANT_COLLECTION_NAME to a new name"), "{message}");
    assert_eq!(store.manifest().await.unwrap(), None);

    // Nor does it move an alias that somebody else made.
    client(&server).create_alias(CreateAliasBuilder::new("book", "current")).await.unwrap();
    let current = QdrantSettings { collection: "current".to_owned(), ..settings(&server.url()) };
    let current = QdrantStore::new(current).unwrap();
    refused(&current).await;
    assert_eq!(current.manifest().await.unwrap(), None);
    assert_eq!(server.collections(), ["book"]);
}

#[tokio::test]
async fn a_collection_that_is_not_askbooks_when_a_draft_is_published_is_left_alone() {
    let (store, server) = empty().await;
    let entries = entries(dense());
    let mut draft = store.begin(&manifest("one", dense(), &entries)).await.unwrap();
    draft.put(entries).await.unwrap();
    make(&client(&server), &[("", 5)], &[]).await;
    advice(draft.publish().await);
    assert!(server.collections().contains(&"book".to_owned()));
}

#[tokio::test]
async fn what_is_replaced_or_was_given_up_is_removed_and_nothing_else() {
    let (store, server) = empty().await;
    let entries = entries(dense());
    fill(&*store, "one", dense(), entries.clone()).await;
    let mut given_up = store.begin(&manifest("two", dense(), &entries)).await.unwrap();
    given_up.put(entries[..1].to_vec()).await.unwrap();
    let others = ["book-of-others", "books-0123456789abcdef0123456789abcdef"];
    for name in others {
        let vector = VectorParamsBuilder::new(5, Distance::Cosine);
        let create = CreateCollectionBuilder::new(name).vectors_config(vector);
        client(&server).create_collection(create).await.unwrap();
    }
    assert_eq!(server.collections().len(), 4);
    fill(&*store, "three", dense(), entries.clone()).await;
    let corpus = manifest("three", dense(), &entries).corpus;
    assert_eq!(server.collections(), [&format!("book-{corpus}"), others[0], others[1]]);
    // The run that was given up learns it when it goes on.
    let error = given_up.put(entries).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("another run"), "{error}");
}

#[tokio::test]
async fn an_index_of_an_earlier_release_is_searched_and_made_anew() {
    let server = QdrantServer::start().await;
    let earlier = "book-0123456789abcdef0123456789abcdef";
    let mut vectors = VectorsConfigBuilder::default();
    vectors.add_named_vector_params("dense", VectorParamsBuilder::new(5, Distance::Cosine));
    let create = CreateCollectionBuilder::new(earlier).vectors_config(vectors);
    let client = client(&server);
    client.create_collection(create).await.unwrap();
    client.create_alias(CreateAliasBuilder::new(earlier, "book")).await.unwrap();
    let payload = json!({"askbook": "fingerprint", "id": "a.md#b", "text": "Old."});
    put(&client, [(1, named("dense", unit(0).into()), payload)]).await;
    let store = store(&server);
    assert_eq!(five(&store, &near(unit(0))).await.unwrap()[0].passage.id.0, "a.md#b");
    assert_eq!(store.manifest().await.unwrap(), None);

    let entries = entries(dense());
    let draft = store.begin(&manifest("one", dense(), &entries)).await.unwrap();
    assert!(draft.held().is_empty());
    fill(&*store, "one", dense(), entries).await;
    assert!(!server.collections().contains(&earlier.to_owned()));
}

#[tokio::test]
async fn a_passage_is_kept_whole_with_its_edition() {
    let (store, _server) = empty().await;
    let mut entry = entry(1, unit(0), &[]);
    let [locale, version, url] = ["ur", "2.1", "/ur/docs/2.1"].map(str::to_owned);
    entry.passage.edition = Some(Edition { locale, version, url });
    let passage = entry.passage.clone();
    fill(&*store, "one", both(), vec![entry]).await;
    assert_eq!(store.passages(std::slice::from_ref(&passage.id)).await.unwrap(), [passage]);
}

/// Counts what it embeds.
#[derive(Default)]
struct CountingEmbedder {
    texts: AtomicUsize,
}

#[async_trait]
impl Embedder for CountingEmbedder {
    fn space(&self) -> &'static str {
        "counting"
    }

    fn preferred_shape(&self) -> VectorShape {
        both()
    }

    async fn embed(
        &self,
        texts: &[String],
        _: Purpose,
        _: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        self.texts.fetch_add(texts.len(), Ordering::SeqCst);
        let sparse = |text: &String| u32::try_from(text.len()).unwrap();
        let embedding = |text| Embedding {
            dense: Some(unit(0)),
            sparse: Some(SparseVector { indices: vec![sparse(text)], values: vec![1.0] }),
        };
        Ok(texts.iter().map(embedding).collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

impl CountingEmbedder {
    async fn index(&self, book: &[Passage], store: &QdrantStore) -> Result<Changes, PortError> {
        index(book.to_vec(), self, "chunker", store, |_, _| ()).await
    }

    /// How many texts were embedded since this was asked last.
    fn embedded(&self) -> usize {
        self.texts.swap(0, Ordering::SeqCst)
    }

    fn recipe(&self) -> Recipe {
        Recipe::of(self, "chunker")
    }

    fn manifest(&self, book: &[Passage]) -> Manifest {
        Manifest::of(book, self.recipe())
    }
}

/// All passages in service.
async fn served(store: &QdrantStore) -> BTreeMap<String, String> {
    let mut served = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.page(after.as_deref(), size(64), false).await.unwrap();
        served
            .extend(page.entries.into_iter().map(|entry| (entry.passage.id.0, entry.passage.text)));
        after = page.next;
        if after.is_none() {
            return served;
        }
    }
}

fn texts(book: &[Passage]) -> BTreeMap<String, String> {
    book.iter().map(|passage| (passage.id.0.clone(), passage.text.clone())).collect()
}

/// A book of 250 passages, and the next edition of it: 130 are changed, 10 gone and 20 new, so 110
/// are as they were.
fn editions() -> (Vec<Passage>, Vec<Passage>) {
    let old = |number: usize| passage(&format!("a.md/{number}"), &format!("Text {number}."));
    let changed = |number| Passage { text: format!("Changed {number}."), ..old(number) };
    let first = (0..250).map(old).collect();
    let second = (0..130).map(changed).chain((140..270).map(old)).collect();
    (first, second)
}

#[tokio::test]
async fn only_what_changed_is_embedded() {
    let (store, server) = empty().await;
    let (first, second) = editions();
    let embedder = CountingEmbedder::default();
    embedder.index(&first, &store).await.unwrap();
    assert_eq!(embedder.embedded(), 250);
    let changes = embedder.index(&second, &store).await.unwrap();
    let Changes { added, changed, removed, .. } = changes;
    assert_eq!((added.len(), changed.len(), removed.len()), (20, 130, 10));
    assert_eq!(embedder.embedded(), 150);
    assert_eq!(served(&store).await, texts(&second));

    // What is in service already costs nothing and writes nothing.
    server.refuse_writes_after(0);
    embedder.index(&second, &store).await.unwrap();
    assert_eq!(embedder.embedded(), 0);
    assert_eq!(store.manifest().await.unwrap(), Some(embedder.manifest(&second)));
    assert_eq!(server.collections().len(), 1);
}

#[tokio::test]
async fn an_interrupted_run_goes_on_and_readers_see_the_old_index_or_the_new_one() {
    let (first, second) = editions();
    let mut stages = BTreeSet::new();
    for writes in 0.. {
        let (store, server) = empty().await;
        let embedder = CountingEmbedder::default();
        embedder.index(&first, &store).await.unwrap();
        embedder.embedded();

        server.refuse_writes_after(writes);
        let interrupted = embedder.index(&second, &store).await;
        let done = interrupted.is_ok();
        let edition = if done { &second } else { &first };
        assert_eq!(store.manifest().await.unwrap(), Some(embedder.manifest(edition)));
        assert_eq!(served(&store).await, texts(edition), "after {writes} writes");
        embedder.embedded();

        // Another process goes on.
        server.refuse_writes_after(usize::MAX);
        let next = self::store(&server);
        let left = plan(&second, embedder.recipe(), &*next).await.unwrap().embedded();
        // A collection is made, then 100 and 50 passages are embedded and written.
        assert_eq!(left, [150, 150, 50, 0][writes.min(3)], "after {writes} writes");
        embedder.index(&second, &next).await.unwrap();
        assert_eq!(embedder.embedded(), left);
        assert_eq!(served(&next).await, texts(&second));
        assert_eq!(next.manifest().await.unwrap(), Some(embedder.manifest(&second)));
        assert_eq!(server.collections().len(), 1);
        stages.insert(writes);
        if done {
            break;
        }
    }
    // At least: a collection made, two batches, what is kept copied, the alias moved.
    assert!(stages.len() > 5, "{stages:?}");
}

#[tokio::test]
async fn a_damaged_index_is_made_whole_without_searches_seeing_it_half_done() {
    let (store, server) = empty().await;
    let (first, _) = editions();
    let embedder = CountingEmbedder::default();
    embedder.index(&first, &store).await.unwrap();
    embedder.embedded();
    let collection = server.collections().remove(0);
    let client = client(&server);
    let some = client
        .scroll(qdrant_client::qdrant::ScrollPointsBuilder::new(&collection).limit(30))
        .await
        .unwrap();
    let ids: Vec<PointId> = some.result.into_iter().filter_map(|point| point.id).collect();
    let ids = qdrant_client::qdrant::PointsIdsList { ids };
    let delete =
        qdrant_client::qdrant::DeletePointsBuilder::new(&collection).points(ids).wait(true);
    client.delete_points(delete).await.unwrap();

    let changes = embedder.index(&first, &store).await.unwrap();
    assert_eq!((changes.added.len(), embedder.embedded()), (30, 30));
    assert_eq!(served(&store).await, texts(&first));
    assert_eq!(server.collections(), [format!("{collection}-again")]);
    assert_eq!(store.manifest().await.unwrap(), Some(embedder.manifest(&first)));
}

#[tokio::test]
async fn an_index_that_another_process_puts_into_service_is_noticed() {
    let server = QdrantServer::start().await;
    let (serving, indexing) = (store(&server), store(&server));
    fill(&*indexing, "one", dense(), entries(dense())).await;
    assert_eq!(serving.shape().await.unwrap(), dense());

    let six = VectorShape::dense(size(6));
    fill(&*indexing, "two", six, entries(six)).await;
    let message = advice(five(&serving, &near(unit(0))).await);
    assert!(message.contains("dense vectors of 6"), "{message}");
    assert_eq!(serving.shape().await.unwrap(), six);

    fill(&*indexing, "three", both(), entries(both())).await;
    advice(five(&serving, &near(vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0])).await);
    assert_eq!(serving.shape().await.unwrap(), both());
}
