use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::*;
use crate::embedding::{Embedding, SparseVector, VectorShape};
use crate::manifest::Digest;

/// An index that keeps what a draft put also when the draft is dropped.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    in_service: Option<Manifest>,
    entries: HashMap<PassageId, Digest>,
    /// What interrupted drafts put.
    left: HashMap<PassageId, Digest>,
}

struct ShelfDraft {
    shelf: Shelf,
    manifest: Manifest,
    held: HashMap<PassageId, Digest>,
}

#[async_trait]
impl Index for Shelf {
    async fn manifest(&self) -> Result<Option<Manifest>, PortError> {
        Ok(self.0.lock().unwrap().in_service.clone())
    }

    async fn begin(&self, manifest: &Manifest) -> Result<Box<dyn Draft>, PortError> {
        let state = self.0.lock().unwrap().clone();
        let held = state.entries.into_iter().chain(state.left).collect();
        Ok(Box::new(ShelfDraft { shelf: self.clone(), manifest: manifest.clone(), held }))
    }
}

#[async_trait]
impl Draft for ShelfDraft {
    fn held(&self) -> &HashMap<PassageId, Digest> {
        &self.held
    }

    async fn put(&mut self, entries: Vec<Entry>) -> Result<(), PortError> {
        for Entry { passage, .. } in entries {
            let digest = passage.digest();
            self.shelf.0.lock().unwrap().left.insert(passage.id.clone(), digest.clone());
            self.held.insert(passage.id, digest);
        }
        Ok(())
    }

    async fn remove(&mut self, ids: Vec<PassageId>) -> Result<(), PortError> {
        self.held.retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<(), PortError> {
        let Self { shelf, manifest, held } = *self;
        let in_service = Some(manifest);
        *shelf.0.lock().unwrap() = State { in_service, entries: held, left: HashMap::new() };
        Ok(())
    }
}

/// Embeds this many texts and then fails; remembers which.
struct Quota {
    left: Mutex<usize>,
    texts: Mutex<Vec<String>>,
}

impl Quota {
    fn of(texts: usize) -> Self {
        Self { left: Mutex::new(texts), texts: Mutex::default() }
    }

    fn embedded(&self) -> usize {
        self.texts.lock().unwrap().len()
    }
}

#[async_trait]
impl Embedder for Quota {
    fn space(&self) -> &'static str {
        "quota"
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::sparse()
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        _: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        assert_eq!(purpose, Purpose::Passage);
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(texts.len()).ok_or_else(|| {
            PortError::new(ErrorKind::RateLimited, "the quota of the day is used up")
        })?;
        self.texts.lock().unwrap().extend_from_slice(texts);
        let embedding = Embedding { dense: None, sparse: Some(SparseVector::default()) };
        Ok(vec![embedding; texts.len()])
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn book(passages: usize) -> Vec<Passage> {
    let passage = |number| Passage {
        id: PassageId(format!("p{number:03}")),
        title: "Page".to_owned(),
        headings: Vec::new(),
        url: None,
        text: format!("Text {number}."),
        edition: None,
    };
    (0..passages).map(passage).collect()
}

async fn run(
    passages: Vec<Passage>,
    embedder: &Quota,
    shelf: &Shelf,
) -> Result<Changes, ErrorKind> {
    let result = index(passages, embedder, "test/1", shelf, |_, _| ()).await;
    result.map_err(|error| error.kind())
}

fn ids(list: &[PassageId]) -> Vec<&str> {
    list.iter().map(|id| id.0.as_str()).collect()
}

#[tokio::test]
async fn only_what_is_new_or_changed_is_embedded_and_what_vanished_goes() {
    let (embedder, shelf) = (Quota::of(1_000), Shelf::default());
    let first = run(book(5), &embedder, &shelf).await.unwrap();
    assert_eq!((first.embedded(), embedder.embedded()), (5, 5));
    assert_eq!(shelf.manifest().await.unwrap(), Some(first.manifest));

    let mut edited = book(7);
    edited[1].text.push_str(" More.");
    edited.remove(3);
    let expected = edited.clone();
    let second = run(edited, &embedder, &shelf).await.unwrap();
    assert_eq!(ids(&second.added), ["p005", "p006"]);
    assert_eq!(ids(&second.changed), ["p001"]);
    assert_eq!(ids(&second.removed), ["p003"]);
    let texts = embedder.texts.lock().unwrap()[5..].to_vec();
    let new = [&expected[1], &expected[4], &expected[5]].map(Passage::indexed_text);
    assert_eq!(texts, new);
    assert_eq!(second.embedded_bytes, new.iter().map(String::len).sum::<usize>());
    let held = shelf.0.lock().unwrap().entries.clone();
    assert_eq!(held.len(), expected.len());
    assert!(expected.iter().all(|passage| held[&passage.id] == passage.digest()));
}

#[tokio::test]
async fn a_run_that_was_cut_off_goes_on_where_it_was() {
    let shelf = Shelf::default();
    let free = Quota::of(2 * BATCH + 1);
    let total = 3 * BATCH;
    assert_eq!(run(book(total), &free, &shelf).await, Err(ErrorKind::RateLimited));
    assert_eq!(shelf.manifest().await.unwrap(), None);
    let rest = Quota::of(total);
    assert_eq!(run(book(total), &rest, &shelf).await.unwrap().manifest.passages, total);
    assert_eq!(free.embedded() + rest.embedded(), total);
}

#[tokio::test]
async fn a_plan_tells_the_same_and_changes_nothing() {
    let (embedder, shelf) = (Quota::of(1_000), Shelf::default());
    run(book(5), &embedder, &shelf).await.unwrap();
    let mut edited = book(6);
    edited.remove(0);
    let recipe = Recipe::of(&embedder, "test/1");
    let planned = plan(&edited, recipe, &shelf).await.unwrap();
    assert_eq!(shelf.0.lock().unwrap().entries.len(), 5);
    assert_eq!(embedder.embedded(), 5);
    assert_eq!(run(edited, &embedder, &shelf).await.unwrap(), planned);
}

#[tokio::test]
async fn progress_is_told_before_the_first_batch_and_after_each() {
    let (embedder, shelf) = (Quota::of(1_000), Shelf::default());
    let mut told = Vec::new();
    let progress = |changes: &Changes, done| told.push((changes.embedded(), done));
    index(book(BATCH + 1), &embedder, "test/1", &shelf, progress).await.unwrap();
    let all = BATCH + 1;
    assert_eq!(told, [(all, 0), (all, BATCH), (all, all)]);
}

#[tokio::test]
async fn nothing_and_two_passages_of_one_id_are_rejected_before_anything_is_embedded() {
    let (embedder, shelf) = (Quota::of(1_000), Shelf::default());
    let mut twice = book(3);
    twice[2].id = twice[0].id.clone();
    for passages in [Vec::new(), twice] {
        let recipe = Recipe::of(&embedder, "test/1");
        let planned = plan(&passages, recipe, &shelf).await.map_err(|error| error.kind());
        assert_eq!(planned, Err(ErrorKind::Rejected));
        assert_eq!(run(passages, &embedder, &shelf).await, Err(ErrorKind::Rejected));
    }
    assert_eq!(embedder.embedded(), 0);
}
