//! An index on disk, searched in process.

use std::mem;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::manifest::Manifest;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Corpus, Draft, Index, Page, Rankings, Retriever, check_query};
use async_trait::async_trait;
use uuid::Uuid;

use crate::directory::{Directory, Record, Unreadable};
use crate::draft::EdgeDraft;
use crate::generation::{Digests, Generation, build};
use crate::journal::Journal;
use crate::off_the_runtime;

/// An index in a directory, searched by Qdrant's engine in this process.
///
/// Searches are exact. Hits have equal scores in the order of their passages' ids, and the limit
/// cuts such a tie in that order too. An index may hold dense vectors (searched by cosine),
/// sparse ones (weighted by IDF) or both.
///
/// A draft is a journal of changes beside the index, so what a run had put in when it was
/// interrupted is there for the next one. Publishing builds a new index beside the old one, from
/// a copy of it where most of it stays, and puts it into service by a rename: after a crash the
/// old one is in service, or the new one. Any number of processes may use one directory: each
/// keeps to the index that it opened or made, also when another process has published one, until
/// it is told to [`refresh`](Self::refresh). When several index at once, the last one counts. What
/// nobody uses any more is removed.
///
/// Dropping a store closes its index, which blocks for some milliseconds.
pub struct EdgeStore {
    served: Arc<Served>,
}

/// A directory, and what is served of it.
pub(crate) struct Served {
    pub(crate) directory: Directory,
    service: RwLock<Service>,
}

/// What searches are answered from.
#[derive(Clone)]
enum Service {
    None,
    Unreadable(Unreadable),
    Index(Arc<Generation>),
}

impl EdgeStore {
    /// Opens the index in a directory, which need not hold one yet, nor exist; nothing is written
    /// to it in that case.
    ///
    /// An index that cannot be read is reported by searches, and a draft makes a new one.
    ///
    /// # Errors
    /// `Misconfigured` for something that is no directory, or an index in one that cannot be
    /// written to: the engine writes when it opens an index.
    pub async fn open(directory: impl Into<PathBuf>) -> Result<Self, PortError> {
        let directory = Directory::new(directory.into());
        off_the_runtime(move || {
            let service = RwLock::new(open(&directory)?);
            Ok(Self { served: Arc::new(Served { directory, service }) })
        })
        .await
    }

    /// Puts the index into service that another process has published since, if one has, and says
    /// whether. Cheap when there is none, so it can be called every few seconds.
    ///
    /// # Errors
    /// `Misconfigured` or `Unavailable` when there is one and it cannot be used; the old one stays
    /// in service.
    pub async fn refresh(&self) -> Result<bool, PortError> {
        let served = Arc::clone(&self.served);
        off_the_runtime(move || served.refresh()).await
    }

    fn generation(&self) -> Result<Arc<Generation>, PortError> {
        match self.served.service() {
            Service::Index(generation) => Ok(generation),
            Service::None => {
                let root = self.served.directory.root().display();
                let message =
                    format!("there is no index in {root} yet: run `askbook index DIR` to make one");
                Err(PortError::new(ErrorKind::Misconfigured, message))
            }
            Service::Unreadable(unreadable) => Err(self.served.unusable(&unreadable)),
        }
    }
}

impl Served {
    fn service(&self) -> Service {
        self.service.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The index in service.
    pub(crate) fn generation(&self) -> Option<Arc<Generation>> {
        match self.service() {
            Service::Index(generation) => Some(generation),
            Service::None | Service::Unreadable(_) => None,
        }
    }

    fn serve(&self, service: Service) {
        let mut served = self.service.write().unwrap_or_else(PoisonError::into_inner);
        let old = mem::replace(&mut *served, service);
        // Closing the old one takes longer than searches should wait.
        drop(served);
        drop(old);
    }

    fn refresh(&self) -> Result<bool, PortError> {
        let Ok(Some(record)) = self.directory.record() else { return Ok(false) };
        let served = self.generation();
        if served.is_some_and(|served| served.record().generation == record.generation) {
            return Ok(false);
        }
        match open(&self.directory)? {
            Service::Unreadable(unreadable) => Err(self.unusable(&unreadable)),
            Service::None => Ok(false),
            service @ Service::Index(_) => {
                self.serve(service);
                Ok(true)
            }
        }
    }

    /// Builds a new index and puts it into service.
    pub(crate) fn publish(
        &self,
        manifest: Manifest,
        base: Option<&Generation>,
        journal: &mut Journal,
        held: &Digests,
    ) -> Result<(), PortError> {
        if journal.is_empty() && base.is_some_and(|base| *base.manifest() == manifest) {
            return Ok(());
        }
        let lease = {
            let _lock = self.directory.lock()?;
            self.directory.begin(journal.draft())?
        };
        #[cfg(test)]
        crate::crash::at("publishing");
        let wear = build(&self.directory, &lease, base, journal, &manifest, held)?;
        #[cfg(test)]
        crate::crash::at("built");
        let record = Record::new(journal.draft(), manifest, wear);
        let generation = Generation::open(lease, record).map_err(|unreadable| {
            let message = format!("the new index cannot be used, {}", unreadable.why());
            PortError::new(ErrorKind::Unavailable, message)
        })?;
        let _lock = self.directory.lock()?;
        self.directory.put_into_service(generation.record())?;
        self.serve(Service::Index(Arc::new(generation)));
        self.directory.clear();
        self.directory.clear_drafts();
        Ok(())
    }

    fn unusable(&self, unreadable: &Unreadable) -> PortError {
        let message = format!(
            "the index in {} cannot be used, {}: run `askbook index DIR` to make it anew",
            self.directory.root().display(),
            unreadable.why()
        );
        PortError::new(ErrorKind::Misconfigured, message)
    }
}

fn open(directory: &Directory) -> Result<Service, PortError> {
    let Some(_lock) = directory.lock_if_used()? else { return Ok(Service::None) };
    let opened = match directory.record() {
        Ok(None) => Ok(None),
        Ok(Some(record)) => {
            let lease = directory.lease(record.generation)?;
            Generation::open(lease, record).map(Some)
        }
        Err(unreadable) => Err(unreadable),
    };
    directory.clear();
    Ok(match opened {
        Ok(None) => Service::None,
        Ok(Some(generation)) => Service::Index(Arc::new(generation)),
        Err(unreadable) => Service::Unreadable(unreadable),
    })
}

#[async_trait]
impl Index for EdgeStore {
    /// `None` also for an index that cannot be read, so that it is made anew.
    async fn manifest(&self) -> Result<Option<Manifest>, PortError> {
        Ok(self.served.generation().map(|generation| generation.manifest().clone()))
    }

    async fn begin(&self, manifest: &Manifest) -> Result<Box<dyn Draft>, PortError> {
        let (served, manifest) = (Arc::clone(&self.served), manifest.clone());
        let draft = off_the_runtime(move || EdgeDraft::begin(served, manifest)).await?;
        Ok(Box::new(draft))
    }
}

#[async_trait]
impl Corpus for EdgeStore {
    async fn page(
        &self,
        after: Option<&str>,
        limit: NonZeroUsize,
        vectors: bool,
    ) -> Result<Page, PortError> {
        let generation = self.generation()?;
        let from = after.and_then(|after| Uuid::parse_str(after).ok());
        let (entries, next) =
            off_the_runtime(move || generation.page(from, limit, vectors)).await?;
        Ok(Page { entries, next: next.map(|next| next.to_string()) })
    }
}

#[async_trait]
impl Retriever for EdgeStore {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(self.generation()?.manifest().recipe.shape)
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let generation = self.generation()?;
        let index = format!("the index in {}", self.served.directory.root().display());
        check_query(&index, generation.manifest().recipe.shape, near)?;
        let near = near.clone();
        off_the_runtime(move || generation.search(&near, limit)).await
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        let (generation, ids) = (self.generation()?, ids.to_vec());
        off_the_runtime(move || generation.passages(&ids)).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.generation().map(drop)
    }
}
