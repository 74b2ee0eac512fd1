//! Indexes that replace one another, and drafts that were left behind.

use std::collections::BTreeMap;

use askbook::passage::Edition;
use askbook::ports::{Ranked, Rankings};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_during_a_replacement_see_one_index_or_the_other() {
    let (directory, store) = empty().await;
    let shape = VectorShape::sparse();
    let generation =
        |name: &str| (0..40).map(|n| entry(&format!("{name}-{n:02}"), 1)).collect::<Vec<_>>();
    fill(&*store, "0", shape, generation("0")).await;
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
        fill(&*store, name, shape, generation(name)).await;
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
    fill(&*server, "old", VectorShape::sparse(), vec![entry("old", 1)]).await;

    // Every store locks for itself, as a process of its own would.
    let command = open(&directory).await;
    assert_eq!(ids(&command, &near, 5).await, ["old"]);
    fill(&*command, "new", VectorShape::sparse(), vec![entry("new", 1)]).await;
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
    let (first, second) = tokio::join!(try_fill(&store, one), try_fill(&other, two),);
    first.unwrap();
    second.unwrap();
    drop((store, other));

    let store = open(&directory).await;
    let found = ids(&store, &sparse(&[(1, 1.0)]), 5).await;
    assert!(found == ["one"] || found == ["two"], "{found:?}");
    assert_eq!(generations(&directory).len(), 1);
}

/// The numbers from 0 up to `below`, the same in every run and in no order.
fn numbers(seed: u32, below: u8) -> impl Iterator<Item = u8> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed), next).map(move |state| state.to_be_bytes()[0] % below)
}

/// A passage about several of twenty terms.
fn varied(id: u32, seed: u32) -> Entry {
    let terms: BTreeMap<u32, f32> = numbers(seed, 20)
        .skip(1)
        .take(6)
        .map(|term| (u32::from(term), f32::from(term % 5 + 1)))
        .collect();
    let dense = numbers(seed, 100).skip(1).take(8).map(|value| f32::from(value) / 100.0 + 0.01);
    let Entry { passage, .. } = entry(&format!("{id:04}"), 0);
    let text = format!("{} Seed {seed}.", passage.text);
    let (indices, values) = terms.into_iter().unzip();
    Entry {
        passage: Passage { text, ..passage },
        embedding: Embedding {
            dense: Some(dense.collect()),
            sparse: Some(SparseVector { indices, values }),
        },
    }
}

/// Makes the index that of these entries by the changes alone, as `askbook::indexing` does.
async fn update(store: &EdgeStore, entries: &[Entry]) -> usize {
    let mut draft = store.begin(&manifest("one", both(), entries)).await.unwrap();
    let held = draft.held().clone();
    let new = |entry: &&Entry| held.get(&entry.passage.id) != Some(&entry.passage.digest());
    let put: Vec<Entry> = entries.iter().filter(new).cloned().collect();
    let gone = |id: &&PassageId| !entries.iter().any(|entry| entry.passage.id == **id);
    let gone: Vec<PassageId> = held.keys().filter(gone).cloned().collect();
    let changes = put.len() + gone.len();
    draft.put(put).await.unwrap();
    draft.remove(gone).await.unwrap();
    draft.publish().await.unwrap();
    changes
}

async fn rankings(store: &EdgeStore) -> Vec<Rankings> {
    let all = NonZeroUsize::new(1000).unwrap();
    let mut rankings = Vec::new();
    for term in 0..20 {
        let near = Embedding {
            sparse: sparse(&[(term, 1.0), (3, 2.0)]).sparse,
            ..varied(0, term).embedding
        };
        rankings.push(store.retrieve(&near, all).await.unwrap());
    }
    rankings
}

/// Asserts that two lists of rankings are the same, up to the rounding of scores.
fn are_alike(one: &[Rankings], other: &[Rankings]) {
    let plain = |ranking: &Option<Vec<Ranked>>| -> Vec<(String, String)> {
        let ranking = ranking.as_ref().unwrap().iter();
        ranking
            .map(|ranked| (ranked.passage.text.clone(), format!("{:.3}", ranked.score)))
            .collect()
    };
    for (one, other) in one.iter().zip(other) {
        assert_eq!(plain(&one.lexical), plain(&other.lexical));
        assert_eq!(plain(&one.dense), plain(&other.dense));
    }
}

/// What was done to the index in service since it was empty: operations, and points removed.
fn wear(directory: &TempDir) -> (u64, u64) {
    let json = fs::read(directory.path().join("askbook-index.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let wear = |name: &str| record["wear"][name].as_u64().unwrap();
    (wear("operations"), wear("removed"))
}

#[tokio::test]
async fn rankings_after_updates_are_those_of_a_fresh_index() {
    let (directory, store) = empty().await;
    let mut entries: Vec<Entry> = (0..120).map(|id| varied(id, id)).collect();
    assert_eq!(update(&store, &entries).await, 120);
    for round in 1..4 {
        // Ten are gone, five are changed, three are new.
        let first = (round * 7) as usize;
        entries.drain(first..first + 10);
        for (id, entry) in (0_u32..).zip(&mut entries).skip(20).step_by(15).take(5) {
            let changed = varied(0, 1000 * round + id);
            entry.embedding = changed.embedding;
            entry.passage.text = changed.passage.text;
        }
        entries.extend((0..3).map(|id| varied(1000 * round + id, 77 * round + id)));
        assert_eq!(update(&store, &entries).await, 18);
        assert_eq!(wear(&directory).1, u64::from(10 * round), "the index was not built on");

        let (_fresh, fresh) = empty().await;
        update(&fresh, &entries).await;
        are_alike(&rankings(&store).await, &rankings(&fresh).await);
        are_alike(&rankings(&*open(&directory).await).await, &rankings(&fresh).await);
    }
}

#[tokio::test]
async fn an_index_of_which_a_third_was_removed_is_written_anew() {
    let (directory, store) = empty().await;
    let entries: Vec<Entry> = (0..90).map(|id| varied(id, id)).collect();
    update(&store, &entries).await;
    update(&store, &entries[20..]).await;
    assert_eq!(wear(&directory).1, 20);
    let left = [varied(500, 1)].iter().chain(&entries[35..]).cloned().collect::<Vec<_>>();
    update(&store, &left).await;
    assert_eq!(wear(&directory).1, 0);
    let (_fresh, fresh) = empty().await;
    update(&fresh, &left).await;
    are_alike(&rankings(&store).await, &rankings(&fresh).await);
}

#[tokio::test]
async fn an_index_that_changed_all_over_is_written_anew() {
    let (directory, store) = empty().await;
    update(&store, &(0..30).map(|id| varied(id, id)).collect::<Vec<_>>()).await;
    let operations = wear(&directory);
    let changed: Vec<Entry> = (0..30).map(|id| varied(id, id + 500)).collect();
    assert_eq!(update(&store, &changed).await, 30);
    assert_eq!(wear(&directory), operations);
    assert_eq!(
        store.passages(&[changed[7].passage.id.clone()]).await.unwrap(),
        [changed[7].passage.clone()]
    );
}

#[tokio::test]
async fn what_is_as_it_was_is_not_written_again() {
    let (directory, store) = empty().await;
    let entries: Vec<Entry> = (0..5).map(|id| varied(id, id)).collect();
    update(&store, &entries).await;
    let left = names(directory.path());
    assert_eq!(update(&store, &entries).await, 0);
    assert_eq!(names(directory.path()), left);
}

#[tokio::test]
async fn a_draft_writes_nothing_before_its_first_change() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let store = EdgeStore::open(&missing).await.unwrap();
    let entries = [varied(1, 1)];
    drop(store.begin(&manifest("one", both(), &entries)).await.unwrap());
    assert!(!missing.exists());
    update(&store, &entries).await;
    let left = names(&missing);
    let mut draft = store.begin(&manifest("one", both(), &entries)).await.unwrap();
    draft.remove(vec![PassageId("nowhere".to_owned())]).await.unwrap();
    drop(draft);
    assert_eq!(names(&missing), left);
}

#[tokio::test]
async fn a_passage_keeps_its_edition() {
    let (directory, store) = empty().await;
    let mut entry = varied(1, 1);
    let [locale, version, url] = ["pt-BR", "2.1", "/pt-BR/docs/2.1"].map(str::to_owned);
    entry.passage.edition = Some(Edition { locale, version, url });
    update(&store, std::slice::from_ref(&entry)).await;
    drop(store);
    let store = open(&directory).await;
    let ids = [entry.passage.id.clone()];
    assert_eq!(store.passages(&ids).await.unwrap(), [entry.passage]);
}

fn drafts(directory: &TempDir) -> Vec<PathBuf> {
    let names = names(directory.path()).into_iter().filter(|name| name.starts_with("draft-"));
    names.map(|name| directory.path().join(name)).collect()
}

#[tokio::test]
async fn what_was_half_written_of_a_draft_does_not_count() {
    let (directory, store) = empty().await;
    let entries: Vec<Entry> = (0..6).map(|id| varied(id, id)).collect();
    let manifest = manifest("one", both(), &entries);
    let mut draft = store.begin(&manifest).await.unwrap();
    for pair in entries.chunks(2) {
        draft.put(pair.to_vec()).await.unwrap();
    }
    drop(draft);
    let path = drafts(&directory).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() - 9] ^= 1;
    for torn in [&whole[..whole.len() - 1], &whole[..whole.len() - 200], &damaged] {
        fs::write(&path, torn).unwrap();
        let draft = store.begin(&manifest).await.unwrap();
        assert_eq!(draft.held().len(), 4);
    }
    fs::write(&path, &whole[..5]).unwrap();
    assert!(store.begin(&manifest).await.unwrap().held().is_empty());
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(update(&store, &entries).await, 2);
    assert_eq!(drafts(&directory), [] as [PathBuf; 0]);
    let (_fresh, fresh) = empty().await;
    update(&fresh, &entries).await;
    are_alike(&rankings(&store).await, &rankings(&fresh).await);
}

#[tokio::test]
async fn a_draft_that_somebody_makes_is_not_taken_by_another() {
    let (directory, store) = empty().await;
    let entries: Vec<Entry> = (0..4).map(|id| varied(id, id)).collect();
    let manifest = manifest("one", both(), &entries);
    let mut held = store.begin(&manifest).await.unwrap();
    held.put(entries[..2].to_vec()).await.unwrap();
    let other = open(&directory).await;
    assert_eq!(update(&other, &entries).await, 4);
    assert_eq!(drafts(&directory).len(), 1, "it was not removed either");
    held.put(entries[2..].to_vec()).await.unwrap();
    held.publish().await.unwrap();
    assert_eq!(drafts(&directory), [] as [PathBuf; 0]);
    are_alike(&rankings(&store).await, &rankings(&other).await);
}

#[tokio::test]
async fn a_draft_is_built_on_the_index_that_it_began_with() {
    let (directory, store) = empty().await;
    let entries: Vec<Entry> = (0..10).map(|id| varied(id, id)).collect();
    update(&store, &entries).await;
    let mut changed = entries.clone();
    changed[0] = varied(0, 99);
    let mut draft = store.begin(&manifest("one", both(), &changed)).await.unwrap();
    // In the meantime another process removes most.
    update(&*open(&directory).await, &entries[7..]).await;
    draft.put(vec![changed[0].clone()]).await.unwrap();
    draft.publish().await.unwrap();
    drop(store);
    let (_fresh, fresh) = empty().await;
    update(&fresh, &changed).await;
    are_alike(&rankings(&*open(&directory).await).await, &rankings(&fresh).await);
    assert_eq!(generations(&directory).len(), 1);
}

#[tokio::test]
async fn a_draft_left_behind_is_removed_when_an_index_is_published() {
    let (directory, store) = empty().await;
    let entries: Vec<Entry> = (0..4).map(|id| varied(id, id)).collect();
    let mut draft = store.begin(&manifest("other", both(), &entries)).await.unwrap();
    draft.put(entries.clone()).await.unwrap();
    drop((draft, store));
    let store = open(&directory).await;
    assert_eq!(drafts(&directory).len(), 1, "kept for the run that goes on with it");
    update(&store, &entries).await;
    assert_eq!(drafts(&directory), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_server_is_refreshed_when_another_process_has_published() {
    let (directory, server) = empty().await;
    assert!(!server.refresh().await.unwrap());
    let command = open(&directory).await;
    let entries: Vec<Entry> = (0..9).map(|id| varied(id, id)).collect();
    for end in [7, 8, 9] {
        update(&command, &entries[..end]).await;
        assert!(server.refresh().await.unwrap());
        assert!(!server.refresh().await.unwrap());
        are_alike(&rankings(&server).await, &rankings(&command).await);
        assert_eq!(server.manifest().await.unwrap(), command.manifest().await.unwrap());
    }
    assert!(!command.refresh().await.unwrap(), "it made that index itself");
    assert_eq!(generations(&directory).len(), 1);
}

#[tokio::test]
async fn an_index_that_cannot_be_read_does_not_replace_the_one_in_service() {
    let (directory, server) = empty().await;
    let entries: Vec<Entry> = (0..9).map(|id| varied(id, id)).collect();
    update(&server, &entries).await;
    let before = rankings(&server).await;
    let old = generations(&directory);
    update(&*open(&directory).await, &entries[1..]).await;
    let new = generations(&directory).into_iter().find(|path| !old.contains(path)).unwrap();
    fs::remove_dir_all(new.join("segments")).unwrap();
    let error = server.refresh().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    are_alike(&rankings(&server).await, &before);
    fs::remove_file(directory.path().join("askbook-index.json")).unwrap();
    assert!(!server.refresh().await.unwrap());
    are_alike(&rankings(&server).await, &before);
}
