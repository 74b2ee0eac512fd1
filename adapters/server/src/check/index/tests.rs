use std::fs;
use std::path::Path;
use std::sync::Arc;

use askbook::embedding::VectorShape;
use askbook::manifest::Recipe;
use askbook::ports::Embedder;
use askbook_memory::{MemoryEmbedder, MemoryStore};

use super::super::Level;
use super::*;
use crate::book::{Book, Source};
use crate::recipe::WantedRecipe;

/// A store in memory and what indexes a book into it.
fn parts(folder: &Path, unasked: Unasked) -> (Store, Indexer) {
    let embedder: Arc<dyn Embedder> = Arc::new(MemoryEmbedder::new(VectorShape::sparse()));
    let book = Book {
        source: Source::Site(folder.to_owned()),
        site_url: None,
        route_base_path: None,
        from_build: None,
    };
    let recipe = Recipe::of(embedder.as_ref(), book.chunker());
    let wanted = WantedRecipe { recipe, any_dimension: true, place: "here".to_owned() };
    let store = Store::new(Arc::new(MemoryStore::new()), wanted.clone());
    let index = Arc::clone(&store.index);
    (store, Indexer { book, embedder, index, wanted, unasked })
}

fn book() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("whales.md"), "# Whales\n\nThey sing.\n").unwrap();
    folder
}

async fn indexed(folder: &Path, unasked: Unasked) -> (Store, Indexer) {
    let (store, indexer) = parts(folder, unasked);
    let reading = indexer.book.read().unwrap();
    indexer.index(reading, |_, _| ()).await.unwrap();
    (store, indexer)
}

#[track_caller]
fn is(findings: &[Finding], expected: &[(&str, Level)]) {
    let found: Vec<(&str, Level)> =
        findings.iter().map(|finding| (finding.code, finding.level)).collect();
    assert_eq!(found, expected, "{findings:#?}");
}

#[tokio::test]
async fn an_index_of_the_book_as_it_is_is_in_order() {
    let folder = book();
    let (store, indexer) = indexed(folder.path(), Unasked::Never).await;
    let findings = findings(&store, &indexer).await;
    is(&findings, &[BOOK, INDEX, RECIPE, "index-age"].map(|code| (code, Level::Ok)));
}

#[tokio::test]
async fn a_book_that_has_changed_is_told_with_what_changed() {
    let folder = book();
    for (unasked, level) in [(Unasked::Never, Level::Warning), (Unasked::AtOnce, Level::Note)] {
        let (store, indexer) = indexed(folder.path(), unasked).await;
        fs::write(folder.path().join("seals.md"), "# Seals\n\nThey bark.\n").unwrap();
        let findings = findings(&store, &indexer).await;
        fs::remove_file(folder.path().join("seals.md")).unwrap();
        let last = findings.last().unwrap();
        assert_eq!((last.code, last.level), ("index-age", level));
        assert!(last.what.contains("passages added 1, changed 0, removed 0"), "{last}");
    }
}

#[tokio::test]
async fn an_index_that_was_made_in_another_way_is_an_error_with_both_sides() {
    let folder = book();
    let (mut store, indexer) = indexed(folder.path(), Unasked::Never).await;
    store.wanted.recipe.space = "another space".to_owned();
    let findings = findings(&store, &indexer).await;
    let recipe = findings.iter().find(|finding| finding.code == RECIPE).unwrap();
    assert_eq!(recipe.level, Level::Error);
    for side in ["memory: hashed terms", "another space", "askbook index"] {
        assert!(recipe.what.contains(side), "{recipe}");
    }
}

#[tokio::test]
async fn a_missing_index_is_an_error_only_where_nothing_makes_it() {
    let folder = book();
    for (unasked, index) in [
        (Unasked::AtOnce, Some(Level::Note)),
        (Unasked::Meanwhile, Some(Level::Note)),
        (Unasked::Never, Some(Level::Error)),
    ] {
        let (store, indexer) = parts(folder.path(), unasked);
        let findings = findings(&store, &indexer).await;
        let found = findings.iter().find(|finding| finding.code == INDEX);
        assert_eq!(found.map(|finding| finding.level), index, "{unasked:?}: {findings:#?}");
    }
}

#[tokio::test]
async fn a_missing_book_is_an_error_only_where_there_is_no_index_either() {
    let folder = book();
    let (store, indexer) = indexed(folder.path(), Unasked::AtOnce).await;
    fs::remove_file(folder.path().join("whales.md")).unwrap();
    let with_index = findings(&store, &indexer).await;
    assert_eq!((with_index[0].code, with_index[0].level), (BOOK, Level::Note));

    let (store, indexer) = parts(folder.path(), Unasked::AtOnce);
    is(&findings(&store, &indexer).await, &[(BOOK, Level::Error), (INDEX, Level::Error)]);
}

#[tokio::test]
async fn what_is_unclear_in_the_book_is_told_with_an_example() {
    let folder = book();
    fs::write(folder.path().join("broken.md"), "---\ntitle: [\n---\n\nLost.\n").unwrap();
    let (store, indexer) = indexed(folder.path(), Unasked::Never).await;
    let findings = findings(&store, &indexer).await;
    assert_eq!(findings[0].level, Level::Warning);
    assert!(findings[0].what.contains("broken.md"), "{}", findings[0]);
}
