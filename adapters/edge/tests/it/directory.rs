//! What an index leaves in its directory, and what it makes of what is there.

use super::*;

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
    assert_eq!(store.manifest().await.unwrap(), None);
}

#[tokio::test]
async fn a_reopened_index_is_the_same() {
    for shape in [VectorShape::sparse(), dense(), both()] {
        let (directory, store) = empty().await;
        let entries = entries(shape);
        fill(&*store, "one", shape, entries.clone()).await;
        let limit = NonZeroUsize::new(10).unwrap();
        let before = store.retrieve(&entries[0].embedding, limit).await.unwrap();
        drop(store);

        let store = open(&directory).await;
        assert_eq!(store.shape().await.unwrap(), shape);
        assert_eq!(space(&store).await, "one");
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
    fill(&*store, "old", VectorShape::sparse(), vec![entry("a", 1)]).await;
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
    assert_eq!(space(&store).await, "old");
}

#[tokio::test]
async fn an_index_that_cannot_be_built_leaves_the_old_one_in_service_and_nothing_behind() {
    let (directory, store) = empty().await;
    fill(&*store, "old", VectorShape::sparse(), vec![entry("a", 1)]).await;
    let left = names(directory.path());
    let twice = Entry { embedding: sparse(&[(1, 1.0), (1, 1.0)]), ..entry("b", 1) };
    let error = try_fill(&store, vec![entry("a", 2), twice]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(names(directory.path()), left);
    assert_eq!(ids(&store, &sparse(&[(1, 1.0)]), 5).await, ["a"]);
    assert_eq!(space(&store).await, "old");
}

#[tokio::test]
async fn what_askbook_did_not_make_is_never_removed() {
    let (directory, store) = empty().await;
    let foreign = ["notes", "generation-x", "generation-00000000-0000-4000-8000-000000000000"];
    for name in foreign {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    for name in ["one", "two"] {
        fill(&*store, name, VectorShape::sparse(), vec![entry("a", 1)]).await;
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
        |manifest, _| fs::write(manifest, "{\"format\": 2, \"gener").unwrap(),
        |manifest, _| fs::write(manifest, "{\"format\": 2, \"generation\": \"../..\"}").unwrap(),
        |manifest, _| {
            let json = fs::read_to_string(manifest).unwrap();
            fs::write(manifest, json.replace("\"format\": 2", "\"format\": 1")).unwrap();
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
        fill(&*store, "one", VectorShape::sparse(), vec![entry("a", 1)]).await;
        drop(store);
        damage(&directory.path().join("askbook-index.json"), &generations(&directory)[0]);
        let left = names(directory.path());

        let store = open(&directory).await;
        is_to_be_made_anew(&store).await;
        assert_eq!(names(directory.path()), left);

        fill(&*store, "two", VectorShape::sparse(), vec![entry("b", 1)]).await;
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
        let error = try_fill(&store, vec![entry("a", 1)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("write"), "{error}");
    }
}

#[tokio::test]
async fn a_manifest_that_is_in_the_way_is_not_overwritten() {
    let (directory, store) = empty().await;
    fs::create_dir(directory.path().join("askbook-index.json")).unwrap();
    let error = try_fill(&store, vec![entry("a", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(directory.path().join("askbook-index.json").is_dir());
}
