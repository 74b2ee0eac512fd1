//! Indexing: from the book's passages to an index in service.

use std::collections::HashSet;

use crate::embedding::Purpose;
use crate::error::{ErrorKind, PortError};
use crate::manifest::{Manifest, Recipe};
use crate::passage::{Passage, PassageId};
use crate::ports::{Draft, Embedder, Entry, Index};

/// How many passages are embedded and kept at once.
const BATCH: usize = 100;

/// What indexing has to do, or has done: an index of `passages` from what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// What the index will be.
    pub manifest: Manifest,
    /// Passages that were not there.
    pub added: Vec<PassageId>,
    /// Passages that were there with other content.
    pub changed: Vec<PassageId>,
    /// Passages that are not any more.
    pub removed: Vec<PassageId>,
    /// How many bytes of text are embedded, over all added and changed passages.
    pub embedded_bytes: usize,
}

impl Changes {
    /// How many passages are embedded.
    pub fn embedded(&self) -> usize {
        self.added.len() + self.changed.len()
    }
}

/// What [`index`] would do. Changes nothing and embeds nothing.
///
/// # Errors
/// `Rejected` when there is no passage or two have one id; whatever the index fails with.
pub async fn plan(
    passages: &[Passage],
    recipe: Recipe,
    index: &dyn Index,
) -> Result<Changes, PortError> {
    let manifest = Manifest::of(passages, recipe);
    check(passages)?;
    let draft = index.begin(&manifest).await?;
    Ok(changes(passages, manifest, draft.as_ref()))
}

/// Makes an index of these passages and puts it into service. Only what is new or changed is
/// embedded; what a run that was interrupted embedded is not embedded again.
///
/// `progress` is told what there is to do, and how many passages have been embedded so far.
///
/// # Errors
/// As [`plan`], and whatever the embedder fails with; the index in service is then the old one.
pub async fn index(
    passages: Vec<Passage>,
    embedder: &dyn Embedder,
    chunker: &str,
    index: &dyn Index,
    mut progress: impl FnMut(&Changes, usize) + Send,
) -> Result<Changes, PortError> {
    let recipe = Recipe::of(embedder, chunker);
    let shape = recipe.shape;
    let manifest = Manifest::of(&passages, recipe);
    check(&passages)?;
    let mut draft = index.begin(&manifest).await?;
    let changes = changes(&passages, manifest, draft.as_ref());
    progress(&changes, 0);

    let wanted: HashSet<PassageId> =
        changes.added.iter().chain(&changes.changed).cloned().collect();
    let mut new = passages.into_iter().filter(|passage| wanted.contains(&passage.id));
    let mut done = 0;
    loop {
        let batch: Vec<Passage> = new.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let texts: Vec<String> = batch.iter().map(Passage::indexed_text).collect();
        let embeddings = embedder.embed(&texts, Purpose::Passage, shape).await?;
        done += batch.len();
        let pairs = batch.into_iter().zip(embeddings);
        draft.put(pairs.map(|(passage, embedding)| Entry { passage, embedding }).collect()).await?;
        progress(&changes, done);
    }
    if !changes.removed.is_empty() {
        draft.remove(changes.removed.clone()).await?;
    }
    draft.publish().await?;
    Ok(changes)
}

/// The difference between the passages and what the draft holds.
fn changes(passages: &[Passage], manifest: Manifest, draft: &dyn Draft) -> Changes {
    let held = draft.held();
    let ids: HashSet<&PassageId> = passages.iter().map(|passage| &passage.id).collect();
    let mut removed: Vec<PassageId> = held.keys().filter(|id| !ids.contains(id)).cloned().collect();
    removed.sort_unstable();
    let (mut added, mut changed, mut embedded_bytes) = (Vec::new(), Vec::new(), 0);
    for passage in passages {
        let list = match held.get(&passage.id) {
            Some(digest) if *digest == passage.digest() => continue,
            Some(_) => &mut changed,
            None => &mut added,
        };
        list.push(passage.id.clone());
        embedded_bytes += passage.indexed_text().len();
    }
    Changes { manifest, added, changed, removed, embedded_bytes }
}

fn check(passages: &[Passage]) -> Result<(), PortError> {
    let rejected = |message| Err(PortError::new(ErrorKind::Rejected, message));
    if passages.is_empty() {
        return rejected("there is no passage to index".to_owned());
    }
    let mut ids = HashSet::with_capacity(passages.len());
    match passages.iter().find(|passage| !ids.insert(&passage.id)) {
        Some(Passage { id, .. }) => rejected(format!("two passages have the id {:?}", id.0)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
