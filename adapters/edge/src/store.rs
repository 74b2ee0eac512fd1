//! An index on disk: written as a whole, searched in process.

use std::mem;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::Hit;
use askbook::ports::{Entry, Index, Retriever, check_entries};
use async_trait::async_trait;

use crate::directory::{Directory, Lease, Manifest, Unreadable};
use crate::generation::Generation;
use crate::off_the_runtime;

/// An index in a directory, searched by Qdrant's engine in this process.
///
/// Searches are exact. Hits have equal scores in the order of their passages' ids, and the limit
/// cuts such a tie in that order too. An index may hold dense vectors (searched by cosine),
/// sparse ones (weighted by IDF) or both; both are fused by reciprocal rank.
///
/// A new index is built beside the old one and put into service by a rename, so a crash leaves
/// the old one in service. Any number of processes may use one directory: each keeps to the index
/// that it opened or made, also when another process has replaced it, until it is started anew.
/// What nobody uses any more is removed.
///
/// Dropping a store closes its index, which blocks for some milliseconds.
pub struct EdgeStore {
    directory: Directory,
    service: Arc<RwLock<Service>>,
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
    /// An index that cannot be read is reported by searches, and `replace` makes a new one.
    ///
    /// # Errors
    /// `Misconfigured` for something that is no directory, or an index in one that cannot be
    /// written to: the engine writes when it opens an index.
    pub async fn open(directory: impl Into<PathBuf>) -> Result<Self, PortError> {
        let directory = Directory::new(directory.into());
        off_the_runtime(move || {
            let service = Arc::new(RwLock::new(open(&directory)?));
            Ok(Self { directory, service })
        })
        .await
    }

    fn generation(&self) -> Result<Arc<Generation>, PortError> {
        let root = self.directory.root().display();
        let message = match self.service() {
            Service::Index(generation) => return Ok(generation),
            Service::None => {
                format!("there is no index in {root} yet: run `askbook index DIR` to make one")
            }
            Service::Unreadable(unreadable) => format!(
                "the index in {root} cannot be used, {}: run `askbook index DIR` to make it anew",
                unreadable.why()
            ),
        };
        Err(PortError::new(ErrorKind::Misconfigured, message))
    }

    fn service(&self) -> Service {
        self.service.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn open(directory: &Directory) -> Result<Service, PortError> {
    let Some(_lock) = directory.lock_if_used()? else { return Ok(Service::None) };
    let opened = match directory.manifest() {
        Ok(None) => Ok(None),
        Ok(Some(manifest)) => {
            let lease = directory.lease(manifest.generation)?;
            Generation::open(lease, manifest).map(Some)
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

fn replace(
    directory: &Directory,
    service: &RwLock<Service>,
    fingerprint: &str,
    shape: VectorShape,
    entries: Vec<Entry>,
) -> Result<(), PortError> {
    let lease = {
        let _lock = directory.lock()?;
        directory.begin()?
    };
    let manifest = Manifest::new(lease.generation(), fingerprint, shape, entries.len());
    Generation::build(&lease, shape, entries)?;

    let _lock = directory.lock()?;
    let switched = switch(directory, service, lease, manifest);
    directory.clear();
    switched
}

/// Opens a new generation and puts it into service. The directory must be locked.
fn switch(
    directory: &Directory,
    service: &RwLock<Service>,
    lease: Lease,
    manifest: Manifest,
) -> Result<(), PortError> {
    let generation = Generation::open(lease, manifest).map_err(|unreadable| {
        let message = format!("the new index cannot be used, {}", unreadable.why());
        PortError::new(ErrorKind::Unavailable, message)
    })?;
    directory.put_into_service(generation.manifest())?;
    let new = Service::Index(Arc::new(generation));
    // Closing the old one takes longer than searches should wait: the lock ends before.
    let old = mem::replace(&mut *service.write().unwrap_or_else(PoisonError::into_inner), new);
    drop(old);
    Ok(())
}

#[async_trait]
impl Index for EdgeStore {
    /// `None` also for an index that cannot be read, so that it is made anew.
    async fn fingerprint(&self) -> Result<Option<String>, PortError> {
        Ok(match self.service() {
            Service::Index(generation) => Some(generation.manifest().fingerprint.clone()),
            Service::None | Service::Unreadable(_) => None,
        })
    }

    async fn replace(
        &self,
        fingerprint: &str,
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> Result<(), PortError> {
        check_entries(shape, &entries)?;
        let (directory, service) = (self.directory.clone(), Arc::clone(&self.service));
        let fingerprint = fingerprint.to_owned();
        off_the_runtime(move || replace(&directory, &service, &fingerprint, shape, entries)).await
    }
}

#[async_trait]
impl Retriever for EdgeStore {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(self.generation()?.manifest().shape())
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Vec<Hit>, PortError> {
        let generation = self.generation()?;
        let (wanted, given) = (generation.manifest().shape(), near.shape());
        if wanted != given {
            let message = format!(
                "the index has {wanted}, but the embedder makes {given}: choose the embedder that \
                 the index was made with, or run `askbook index DIR` to make it anew"
            );
            return Err(PortError::new(ErrorKind::Misconfigured, message));
        }
        let near = near.clone();
        off_the_runtime(move || generation.search(&near, limit)).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.generation().map(drop)
    }
}
