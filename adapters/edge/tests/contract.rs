//! The contracts of the ports, and what holds for an index on disk beyond them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askbook::contract::retriever::entries;
use askbook::embedding::{Embedding, Purpose, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Embedder, Entry, Index, Retriever};
use askbook_edge::{Bm25Embedder, EdgeStore};
use tempfile::TempDir;

async fn bm25() -> (Arc<dyn Embedder>, ()) {
    (Arc::new(Bm25Embedder::new(Bm25Embedder::DEFAULT_LANGUAGE).unwrap()), ())
}

async fn filled(shape: VectorShape, entries: Vec<Entry>) -> (Arc<dyn Retriever>, TempDir) {
    let (directory, store) = empty().await;
    store.replace("contract", shape, entries).await.unwrap();
    (store, directory)
}

async fn store() -> (Arc<dyn Index>, Arc<dyn Retriever>, TempDir) {
    let (directory, store) = empty().await;
    (Arc::clone(&store) as _, store, directory)
}

fn dense() -> VectorShape {
    VectorShape::dense(NonZeroUsize::new(8).unwrap())
}

fn both() -> VectorShape {
    VectorShape { sparse: true, ..dense() }
}

mod bm25_embedder {
    askbook::embedder_contract!(super::bm25);
}

mod dense_retriever {
    askbook::retriever_contract!(super::filled, super::dense());
}

mod sparse_retriever {
    askbook::retriever_contract!(super::filled, askbook::embedding::VectorShape::sparse());
}

mod hybrid_retriever {
    askbook::retriever_contract!(super::filled, super::both());
}

mod dense_index {
    askbook::index_contract!(super::store, super::dense());
}

mod sparse_index {
    askbook::index_contract!(super::store, askbook::embedding::VectorShape::sparse());
}

mod hybrid_index {
    askbook::index_contract!(super::store, super::both());
}

// ---- beyond the contracts ----

async fn empty() -> (TempDir, Arc<EdgeStore>) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await;
    (directory, store)
}

async fn open(directory: &TempDir) -> Arc<EdgeStore> {
    Arc::new(EdgeStore::open(directory.path()).await.unwrap())
}

fn sparse(terms: &[(u32, f32)]) -> Embedding {
    let (indices, values) = terms.iter().copied().unzip();
    Embedding { dense: None, sparse: Some(SparseVector { indices, values }) }
}

/// A passage about one term.
fn entry(id: &str, term: u32) -> Entry {
    let passage = Passage {
        id: PassageId(id.to_owned()),
        title: String::new(),
        headings: Vec::new(),
        url: None,
        text: format!("Text of {id}."),
    };
    Entry { passage, embedding: sparse(&[(term, 1.0)]) }
}

async fn ids(store: &EdgeStore, near: &Embedding, limit: usize) -> Vec<String> {
    let hits = store.retrieve(near, NonZeroUsize::new(limit).unwrap()).await.unwrap();
    hits.into_iter().map(|hit| hit.passage.id.0).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The directories of the generations on disk.
fn generations(directory: &TempDir) -> Vec<PathBuf> {
    let names = names(directory.path()).into_iter();
    let paths = names
        .filter(|name| name.starts_with("generation-"))
        .map(|name| directory.path().join(name));
    paths.filter(|path| path.is_dir()).collect()
}

async fn is_to_be_made_anew(store: &EdgeStore) {
    let near = entry("x", 1).embedding;
    let errors: [PortError; 3] = [
        store.shape().await.unwrap_err(),
        store.ready().await.unwrap_err(),
        store.retrieve(&near, NonZeroUsize::MIN).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("run `askbook index DIR`"), "{error}");
    }
    assert_eq!(store.fingerprint().await.unwrap(), None);
}

#[tokio::test]
async fn a_reopened_index_is_the_same() {
    for shape in [VectorShape::sparse(), dense(), both()] {
        let (directory, store) = empty().await;
        let entries = entries(shape);
        store.replace("one", shape, entries.clone()).await.unwrap();
        let limit = NonZeroUsize::new(10).unwrap();
        let before = store.retrieve(&entries[0].embedding, limit).await.unwrap();
        drop(store);

        let store = open(&directory).await;
        assert_eq!(store.shape().await.unwrap(), shape);
        assert_eq!(store.fingerprint().await.unwrap().as_deref(), Some("one"));
        assert_eq!(store.retrieve(&entries[0].embedding, limit).await.unwrap(), before);
    }
}

#[tokio::test]
async fn opening_a_directory_without_an_index_writes_nothing_to_it() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("mine"), "").unwrap();
    let missing = EdgeStore::open(directory.path().join("missing")).await.unwrap();
    is_to_be_made_anew(&missing).await;
    is_to_be_made_anew(&*open(&directory).await).await;
    assert_eq!(names(directory.path()), ["mine"]);
}

#[tokio::test]
async fn what_a_crash_left_is_removed_and_the_old_index_stays_in_service() {
    let (directory, store) = empty().await;
    store.replace("old", VectorShape::sparse(), vec![entry("a", 1)]).await.unwrap();
    let in_service = generations(&directory);
    drop(store);
    let crashed = directory.path().join("generation-00000000-0000-4000-8000-000000000000");
    fs::create_dir(&crashed).unwrap();
    fs::write(crashed.join("half"), "built").unwrap();
    fs::write(crashed.with_extension("lock"), "").unwrap();
    fs::write(directory.path().join("askbook-index.json.new"), "{").unwrap();

    let store = open(&directory).await;
    assert_eq!(generations(&directory), in_service);
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 5).await, ["a"]);
    assert_eq!(store.fingerprint().await.unwrap().as_deref(), Some("old"));
}

#[tokio::test]
async fn an_index_that_cannot_be_built_leaves_the_old_one_in_service_and_nothing_behind() {
    let (directory, store) = empty().await;
    store.replace("old", VectorShape::sparse(), vec![entry("a", 1)]).await.unwrap();
    let left = names(directory.path());
    let twice = Entry { embedding: sparse(&[(1, 1.0), (1, 1.0)]), ..entry("b", 1) };
    let index = store.replace("new", VectorShape::sparse(), vec![entry("a", 2), twice]).await;
    assert_eq!(index.unwrap_err().kind(), ErrorKind::Rejected);
    assert_eq!(names(directory.path()), left);
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 5).await, ["a"]);
    assert_eq!(store.fingerprint().await.unwrap().as_deref(), Some("old"));
}

#[tokio::test]
async fn what_askbook_did_not_make_is_never_removed() {
    let (directory, store) = empty().await;
    let foreign = ["notes", "generation-x", "generation-00000000-0000-4000-8000-000000000000"];
    for name in foreign {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    for fingerprint in ["one", "two"] {
        store.replace(fingerprint, VectorShape::sparse(), vec![entry("a", 1)]).await.unwrap();
    }
    drop(store);
    drop(open(&directory).await);
    for name in foreign {
        assert!(directory.path().join(name).exists(), "{name} is gone");
    }
}

#[tokio::test]
async fn an_index_that_cannot_be_read_is_kept_until_it_is_made_anew() {
    type Damage = fn(&Path, &Path);
    let damages: [Damage; 8] = [
        |manifest, _| fs::write(manifest, "").unwrap(),
        |manifest, _| fs::write(manifest, "{\"format\": 1, \"gener").unwrap(),
        |manifest, _| fs::write(manifest, "{\"format\": 1, \"generation\": \"../..\"}").unwrap(),
        |manifest, _| {
            let json = fs::read_to_string(manifest).unwrap();
            fs::write(manifest, json.replace("\"format\": 1", "\"format\": 2")).unwrap();
        },
        |_, generation| fs::write(generation.join("edge_config.json"), "{").unwrap(),
        |_, generation| fs::remove_dir_all(generation.join("segments")).unwrap(),
        |_, generation| fs::remove_dir_all(generation).unwrap(),
        |_, generation| {
            let segments = fs::read_dir(generation.join("segments")).unwrap();
            for segment in segments.map(|segment| segment.unwrap().path()) {
                fs::write(segment.join("segment.json"), "").unwrap();
            }
        },
    ];
    for damage in damages {
        let (directory, store) = empty().await;
        store.replace("one", VectorShape::sparse(), vec![entry("a", 1)]).await.unwrap();
        drop(store);
        damage(&directory.path().join("askbook-index.json"), &generations(&directory)[0]);
        let left = names(directory.path());

        let store = open(&directory).await;
        is_to_be_made_anew(&store).await;
        assert_eq!(names(directory.path()), left);

        store.replace("two", VectorShape::sparse(), vec![entry("b", 1)]).await.unwrap();
        assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 5).await, ["b"]);
        assert_eq!(generations(&directory).len(), 1);
    }
}

#[tokio::test]
async fn a_path_that_is_no_directory_is_misconfigured() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "mine").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = EdgeStore::open(path).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_that_cannot_be_written_to_is_misconfigured() {
    // Not even root writes here.
    for path in ["/proc/self", "/proc/askbook"] {
        let store = EdgeStore::open(path).await.unwrap();
        let index = store.replace("one", VectorShape::sparse(), vec![entry("a", 1)]).await;
        let error = index.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("write"), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_that_is_in_the_way_is_not_overwritten() {
    let (directory, store) = empty().await;
    fs::create_dir(directory.path().join("askbook-index.json")).unwrap();
    let index = store.replace("one", VectorShape::sparse(), vec![entry("a", 1)]).await;
    assert_eq!(index.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert!(directory.path().join("askbook-index.json").is_dir());
}

#[tokio::test]
async fn identifiers_are_found_whole_and_by_part() {
    let (directory, store) = empty().await;
    let (embedder, ()) = bm25().await;
    let texts = ["Call createSlice with a name.", "Set GEMINI_API_KEY first.", "Bread and butter."];
    let texts = texts.map(str::to_owned);
    let shape = embedder.preferred_shape();
    let embeddings = embedder.embed(&texts, Purpose::Passage, shape).await.unwrap();
    let entries = embeddings.into_iter().zip(["slice", "key", "bread"]);
    let entries = entries.map(|(embedding, id)| Entry { embedding, ..entry(id, 0) }).collect();
    store.replace("one", shape, entries).await.unwrap();
    drop(store);

    let store = open(&directory).await;
    for (question, found) in [
        ("What is createSlice?", "slice"),
        ("How do I make a slice?", "slice"),
        ("create_slice", "slice"),
        ("GEMINI_API_KEY", "key"),
        ("Where do I get an api key?", "key"),
    ] {
        let near = embedder.embed(&[question.to_owned()], Purpose::Query, shape).await.unwrap();
        assert_eq!(ids(&store, &near[0], 3).await, [found], "{question}");
    }
}

#[tokio::test]
async fn a_tie_is_cut_in_the_order_of_ids_however_long_it_is() {
    let (_directory, store) = empty().await;
    let mut entries: Vec<Entry> = (0..300).rev().map(|n| entry(&format!("{n:03}"), 1)).collect();
    entries.push(Entry { embedding: sparse(&[(1, 2.0)]), ..entry("best", 1) });
    store.replace("one", VectorShape::sparse(), entries).await.unwrap();
    let found = ids(&store, &sparse(&[(1, 1.0)]), 4).await;
    assert_eq!(found, ["best", "000", "001", "002"]);
}

#[tokio::test]
async fn a_limit_beyond_the_index_finds_all_of_it() {
    let (_directory, store) = empty().await;
    let entries = vec![entry("a", 1), entry("b", 1), entry("c", 2)];
    store.replace("one", VectorShape::sparse(), entries).await.unwrap();
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), usize::MAX).await, ["a", "b"]);
}

#[tokio::test]
async fn a_passage_without_terms_does_no_harm() {
    let (_directory, store) = empty().await;
    let silent = Entry { embedding: sparse(&[]), ..entry("silent", 0) };
    store.replace("one", VectorShape::sparse(), vec![silent, entry("a", 1)]).await.unwrap();
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 5).await, ["a"]);
}

#[tokio::test]
async fn a_hybrid_hit_has_the_scores_that_each_vector_gives_alone() {
    let all = NonZeroUsize::new(10).unwrap();
    let (hybrid, _hybrid) = filled(both(), entries(both())).await;
    let (lexical, _lexical) = filled(VectorShape::sparse(), entries(VectorShape::sparse())).await;
    let (cosine, _cosine) = filled(dense(), entries(dense())).await;
    let near = Embedding {
        dense: entries(dense())[0].embedding.dense.clone(),
        sparse: entries(VectorShape::sparse())[2].embedding.sparse.clone(),
    };
    let near_dense = Embedding { sparse: None, ..near.clone() };
    let near_sparse = Embedding { dense: None, ..near.clone() };
    let lexical = lexical.retrieve(&near_sparse, all).await.unwrap();
    let cosine = cosine.retrieve(&near_dense, all).await.unwrap();
    for hit in hybrid.retrieve(&near, all).await.unwrap() {
        let same = |other: &&askbook::passage::Hit| other.passage == hit.passage;
        let lexical = lexical.iter().find(same).and_then(|hit| hit.scores.lexical);
        let cosine = cosine.iter().find(same).and_then(|hit| hit.scores.dense);
        assert_eq!((hit.scores.lexical, hit.scores.dense), (lexical, cosine));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_during_a_replacement_see_one_index_or_the_other() {
    let (directory, store) = empty().await;
    let shape = VectorShape::sparse();
    let generation =
        |name: &str| (0..40).map(|n| entry(&format!("{name}-{n:02}"), 1)).collect::<Vec<_>>();
    store.replace("0", shape, generation("0")).await.unwrap();
    let searches: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for _ in 0..100 {
                    let found = ids(&store, &sparse(&[(1, 1.0)]), 50).await;
                    let (name, _) = found[0].split_once('-').unwrap();
                    let whole: Vec<_> = (0..40).map(|n| format!("{name}-{n:02}")).collect();
                    assert_eq!(found, whole);
                }
            })
        })
        .collect();
    for name in ["1", "2", "3"] {
        store.replace(name, shape, generation(name)).await.unwrap();
    }
    for search in searches {
        search.await.unwrap();
    }
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 1).await, ["3-00"]);
    drop(store);
    drop(open(&directory).await);
    assert_eq!(generations(&directory).len(), 1);
}

#[tokio::test]
async fn another_process_may_replace_the_index_that_a_server_reads() {
    let (directory, server) = empty().await;
    let near = sparse(&[(1, 1.0)]);
    server.replace("old", VectorShape::sparse(), vec![entry("old", 1)]).await.unwrap();

    // Every store locks for itself, as a process of its own would.
    let command = open(&directory).await;
    assert_eq!(ids(&command, &near, 5).await, ["old"]);
    command.replace("new", VectorShape::sparse(), vec![entry("new", 1)]).await.unwrap();
    drop(command);

    assert_eq!(ids(&server, &near, 5).await, ["old"]);
    assert_eq!(generations(&directory).len(), 2);
    drop(server);
    assert_eq!(generations(&directory).len(), 1, "the last reader of an old index removes it");
    assert_eq!(ids(&*open(&directory).await, &near, 5).await, ["new"]);
}

#[tokio::test]
async fn side_by_side_replacements_leave_one_whole_index() {
    let (directory, store) = empty().await;
    let other = open(&directory).await;
    let (one, two) = (vec![entry("one", 1)], vec![entry("two", 1)]);
    let (first, second) = tokio::join!(
        store.replace("one", VectorShape::sparse(), one),
        other.replace("two", VectorShape::sparse(), two),
    );
    first.unwrap();
    second.unwrap();
    drop((store, other));

    let store = open(&directory).await;
    let fingerprint = store.fingerprint().await.unwrap().unwrap();
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 5).await, [fingerprint]);
    assert_eq!(generations(&directory).len(), 1);
}
