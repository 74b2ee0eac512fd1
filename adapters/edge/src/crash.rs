//! What is there after the process has died, wherever it did: tests, and where they let it die.
//!
//! Each test starts this test binary again, as a process that indexes and ends at the point that
//! the test names.

use std::env;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Output};

use askbook::contract::index::{fill, manifest};
use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::manifest::Manifest;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Entry, Index, Retriever};

use crate::EdgeStore;

const POINT: &str = "ASKBOOK_CRASH_AT";
const DIRECTORY: &str = "ASKBOOK_CRASH_IN";
const RECIPE: &str = "ASKBOOK_CRASH_RECIPE";

/// Held by each test: a process that is being started holds every lock of this one for a moment,
/// also that of an index which another test opens again just then.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Ends the process at once when the test that started it named this point.
#[expect(clippy::disallowed_methods, reason = "how a test tells its child process where to die")]
pub(crate) fn at(point: &str) {
    if env::var(POINT).is_ok_and(|named| named == point) {
        std::process::abort();
    }
}

fn entry(id: u32, content: &str) -> Entry {
    let passage = Passage {
        id: PassageId(format!("{id:03}")),
        title: String::new(),
        headings: Vec::new(),
        url: None,
        text: content.repeat(20),
        edition: None,
    };
    let sparse = SparseVector { indices: vec![id % 7, 9], values: vec![1.5, 1.0] };
    Entry { passage, embedding: Embedding { dense: None, sparse: Some(sparse) } }
}

/// The index before: passages 0 to 59.
fn old() -> Vec<Entry> {
    (0..60).map(|id| entry(id, "old")).collect()
}

/// The index after: 5 are gone, 12 are changed, 10 are new.
fn new() -> Vec<Entry> {
    let content = |id| if (5..17).contains(&id) || id >= 60 { "new" } else { "old" };
    (5..70).map(|id| entry(id, content(id))).collect()
}

fn new_manifest(recipe: &str) -> Manifest {
    manifest(recipe, VectorShape::sparse(), &new())
}

/// Indexes what is new, ten passages at a time, and gives how many there were to put in.
async fn index(directory: &Path, recipe: &str) -> Result<usize, String> {
    let message = |error: askbook::error::PortError| error.to_string();
    let store = EdgeStore::open(directory).await.map_err(message)?;
    let mut draft = store.begin(&new_manifest(recipe)).await.map_err(message)?;
    at("begun");
    let missing =
        |entry: &Entry| draft.held().get(&entry.passage.id) != Some(&entry.passage.digest());
    let missing: Vec<Entry> = new().into_iter().filter(missing).collect();
    for (number, batch) in missing.chunks(10).enumerate() {
        draft.put(batch.to_vec()).await.map_err(message)?;
        at(&format!("put {number}"));
    }
    let wanted = new();
    let gone = |id: &&PassageId| !wanted.iter().any(|entry| entry.passage.id == **id);
    let gone: Vec<PassageId> = draft.held().keys().filter(gone).cloned().collect();
    draft.remove(gone).await.map_err(message)?;
    at("removed");
    draft.publish().await.map_err(message)?;
    Ok(missing.len())
}

#[tokio::test]
#[ignore = "is the process that the other tests start"]
#[expect(clippy::disallowed_methods, reason = "how a test tells its child process what to do")]
async fn child() {
    let directory = env::var(DIRECTORY).expect("a folder");
    let recipe = env::var(RECIPE).expect("a recipe");
    index(directory.as_ref(), &recipe).await.expect("an index");
}

/// Indexes in another process, which a shell starts after this command.
fn in_another_process(shell: &str, directory: &Path, recipe: &str, point: &str) -> Output {
    Command::new("sh")
        .args(["-c", &format!("{shell}; exec \"$0\" --ignored --exact crash::child --nocapture")])
        .arg(env::current_exe().expect("this binary"))
        .env(DIRECTORY, directory)
        .env(RECIPE, recipe)
        .env(POINT, point)
        .output()
        .expect("a process")
}

/// Asserts that the index in service is this one, complete.
async fn is_in_service(directory: &Path, manifest: &Manifest, entries: &[Entry]) {
    let store = EdgeStore::open(directory).await.expect("a store");
    assert_eq!(store.manifest().await.expect("a manifest").as_ref(), Some(manifest));
    let all = NonZeroUsize::new(100).expect("a hundred");
    let near = SparseVector { indices: vec![9], values: vec![1.0] };
    let near = Embedding { dense: None, sparse: Some(near) };
    let found = store.retrieve(&near, all).await.expect("the rankings").lexical.expect("one");
    let found: Vec<Passage> = found.into_iter().map(|ranked| ranked.passage).collect();
    let expected: Vec<Passage> = entries.iter().map(|entry| entry.passage.clone()).collect();
    assert_eq!(found, expected);
}

/// Lets a process that indexes die at a point, and asserts what the next one finds: the new index
/// in service if `published`, else the old one; and so many passages that are still to be put in.
async fn dies(point: &str, published: bool, missing: [usize; 2]) {
    let _alone = ALONE.lock().await;
    // With the recipe of the index in service, and with another one.
    for (recipe, missing) in ["one", "two"].into_iter().zip(missing) {
        let directory = tempfile::tempdir().expect("a folder");
        let directory = directory.path();
        let store = EdgeStore::open(directory).await.expect("a store");
        fill(&store, "one", VectorShape::sparse(), old()).await;
        let before = store.manifest().await.expect("a manifest").expect("an index");
        drop(store);

        let output = in_another_process(":", directory, recipe, point);
        assert!(!output.status.success(), "it did not reach {point}");
        if published {
            is_in_service(directory, &new_manifest(recipe), &new()).await;
        } else {
            is_in_service(directory, &before, &old()).await;
        }
        assert_eq!(index(directory, recipe).await, Ok(missing), "{point}, recipe {recipe}");
        is_in_service(directory, &new_manifest(recipe), &new()).await;
        let mut left: Vec<_> = std::fs::read_dir(directory).expect("a folder").flatten().collect();
        left.retain(|entry| !entry.file_name().to_string_lossy().starts_with("askbook-index."));
        assert_eq!(left.len(), 2, "one generation and its lock, but there is {left:?}");
    }
}

#[tokio::test]
async fn a_process_that_dies_before_its_first_change_has_changed_nothing() {
    dies("begun", false, [22, 65]).await;
    dies("beginning", false, [22, 65]).await;
}

#[tokio::test]
async fn what_was_put_in_before_the_process_died_is_not_put_in_again() {
    dies("putting", false, [22, 65]).await;
    dies("put 0", false, [12, 55]).await;
    dies("put 1", false, [2, 45]).await;
    dies("put 2", false, [0, 35]).await;
}

#[tokio::test]
async fn a_process_that_dies_while_it_publishes_leaves_the_old_index_in_service() {
    for point in ["removed", "publishing", "built", "renaming"] {
        dies(point, false, [0, 0]).await;
    }
}

#[tokio::test]
async fn a_process_that_dies_once_it_has_published_leaves_the_new_index_in_service() {
    dies("renamed", true, [0, 0]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_leaves_the_old_index_in_service_and_an_error_that_says_so() {
    let _alone = ALONE.lock().await;
    // In blocks of 512 or of 1,024 bytes: less than the draft takes, and less than the engine does.
    for limit in [4, 400] {
        let directory = tempfile::tempdir().expect("a folder");
        let directory = directory.path();
        let store = EdgeStore::open(directory).await.expect("a store");
        fill(&store, "one", VectorShape::sparse(), old()).await;
        let before = store.manifest().await.expect("a manifest").expect("an index");
        drop(store);
        // What the system refuses to write is an error only where its signal is ignored.
        let shell = format!("trap '' XFSZ; ulimit -f {limit}");
        let output = in_another_process(&shell, directory, "two", "");
        assert!(!output.status.success(), "{limit} blocks are enough");
        let said = String::from_utf8_lossy(&output.stderr);
        let says_so = said.contains("no room") || said.contains("is the disk full");
        assert!(says_so, "at {limit} blocks: {said}");
        is_in_service(directory, &before, &old()).await;
        index(directory, "two").await.expect("an index");
        is_in_service(directory, &new_manifest("two"), &new()).await;
    }
}
