//! The contracts of the ports, and what holds for an index on disk beyond them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod contract;
mod directory;
mod searching;
mod updates;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askbook::contract::index::{fill, manifest};
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
    fill(&*store, "contract", shape, entries).await;
    (store, directory)
}

async fn store() -> (Arc<EdgeStore>, TempDir) {
    let (directory, store) = empty().await;
    (store, directory)
}

fn dense() -> VectorShape {
    VectorShape::dense(NonZeroUsize::new(8).unwrap())
}

fn both() -> VectorShape {
    VectorShape { sparse: true, ..dense() }
}

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
        edition: None,
    };
    Entry { passage, embedding: sparse(&[(term, 1.0)]) }
}

async fn ids(store: &EdgeStore, near: &Embedding, limit: usize) -> Vec<String> {
    let found = store.retrieve(near, NonZeroUsize::new(limit).unwrap()).await.unwrap();
    found.lexical.unwrap().into_iter().map(|ranked| ranked.passage.id.0).collect()
}

/// The name of the recipe of the index in service.
async fn space(store: &EdgeStore) -> String {
    store.manifest().await.unwrap().unwrap().recipe.space
}

/// Indexes these entries and nothing else, as far as that goes.
async fn try_fill(store: &EdgeStore, entries: Vec<Entry>) -> Result<(), PortError> {
    let mut draft = store.begin(&manifest("one", VectorShape::sparse(), &entries)).await?;
    draft.put(entries).await?;
    draft.publish().await
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
