//! An index in the making.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use askbook::error::PortError;
use askbook::manifest::{Digest, Manifest};
use askbook::passage::PassageId;
use askbook::ports::{Draft, Entry, check_complete, check_shape};
use async_trait::async_trait;

use crate::generation::{Digests, Generation};
use crate::journal::{Change, Journal};
use crate::off_the_runtime;
use crate::shard::check_vectors;
use crate::store::Served;

/// How many entries or ids are one change.
const BATCH: usize = 256;

/// What an index in the making changes of the one in service. Changes go to a journal, and only
/// publishing builds an index of them: so there is nothing that a crash could leave half-done.
pub(crate) struct EdgeDraft {
    served: Arc<Served>,
    manifest: Manifest,
    /// The index in service when the draft began, if that had the same recipe.
    base: Option<Arc<Generation>>,
    /// What the base and the journal hold together.
    held: Digests,
    journal: Arc<Mutex<Journal>>,
}

impl EdgeDraft {
    /// Begins a draft, or goes on with one that was left behind.
    pub(crate) fn begin(served: Arc<Served>, manifest: Manifest) -> Result<Self, PortError> {
        let recipe = &manifest.recipe;
        served.directory.check_overwritable()?;
        let base = served.generation().filter(|base| base.manifest().recipe == *recipe);
        let mut held = base.as_ref().map(|base| base.digests()).transpose()?.unwrap_or_default();
        let interrupted = {
            let lock = served.directory.lock_if_used()?;
            lock.and_then(|_lock| Journal::interrupted(&served.directory, recipe))
        };
        let mut journal =
            interrupted.unwrap_or_else(|| Journal::new(served.directory.clone(), recipe.clone()));
        journal.replay(|change| {
            match change {
                Change::Recipe(_) => {}
                Change::Put(entries) => {
                    held.extend(entries.into_iter().map(|entry| named(&entry.into())));
                }
                Change::Remove(ids) => ids.into_iter().for_each(|id| {
                    held.remove(&PassageId(id));
                }),
            }
            Ok(())
        })?;
        Ok(Self { served, manifest, base, held, journal: Arc::new(Mutex::new(journal)) })
    }

    /// Writes changes down.
    async fn change(&self, changes: Vec<Change>) -> Result<(), PortError> {
        let journal = Arc::clone(&self.journal);
        off_the_runtime(move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            changes.iter().try_for_each(|change| journal.append(change))
        })
        .await
    }
}

fn named(entry: &Entry) -> (PassageId, Digest) {
    (entry.passage.id.clone(), entry.passage.digest())
}

#[async_trait]
impl Draft for EdgeDraft {
    fn held(&self) -> &HashMap<PassageId, Digest> {
        &self.held
    }

    async fn put(&mut self, entries: Vec<Entry>) -> Result<(), PortError> {
        check_shape(self.manifest.recipe.shape, &entries)?;
        check_vectors(&entries)?;
        let names: Vec<(PassageId, Digest)> = entries.iter().map(named).collect();
        let mut entries = entries.into_iter().map(Into::into);
        let batches = names.chunks(BATCH);
        let changes =
            batches.map(|batch| Change::Put(entries.by_ref().take(batch.len()).collect()));
        self.change(changes.collect()).await?;
        self.held.extend(names);
        Ok(())
    }

    async fn remove(&mut self, mut ids: Vec<PassageId>) -> Result<(), PortError> {
        ids.retain(|id| self.held.contains_key(id));
        let changes = ids
            .chunks(BATCH)
            .map(|ids| Change::Remove(ids.iter().map(|id| id.0.clone()).collect()));
        self.change(changes.collect()).await?;
        for id in &ids {
            self.held.remove(id);
        }
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<(), PortError> {
        let Self { served, manifest, base, held, journal } = *self;
        check_complete(&manifest, held.len())?;
        off_the_runtime(move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            served.publish(manifest, base.as_deref(), &mut journal, &held)
        })
        .await
    }
}
