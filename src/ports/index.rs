use std::collections::HashMap;
use std::num::NonZeroUsize;

use async_trait::async_trait;

use crate::embedding::{Embedding, VectorShape};
use crate::error::{ErrorKind, PortError};
use crate::manifest::{Digest, Manifest};
use crate::passage::{Passage, PassageId};

/// A passage with the vectors that it is to be found by.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What is found.
    pub passage: Passage,
    /// By what.
    pub embedding: Embedding,
}

/// Keeps what a [`Retriever`](super::Retriever) finds.
#[async_trait]
pub trait Index: Send + Sync + 'static {
    /// What the index in service is; `None` without one, or when it cannot say.
    async fn manifest(&self) -> Result<Option<Manifest>, PortError>;

    /// Begins the index that this manifest describes: with the entries of the index in service
    /// if that has the same recipe, and with those that a run of the same recipe left behind
    /// when it was interrupted; else with nothing.
    ///
    /// MUST NOT change anything before the draft is told to.
    ///
    /// # Errors
    /// MUST be `Misconfigured` when publishing would overwrite something that this adapter did
    /// not make.
    async fn begin(&self, manifest: &Manifest) -> Result<Box<dyn Draft>, PortError>;
}

/// An index in the making. Searches see nothing of it until it is published; dropping it, or the
/// death of the process, leaves the index in service as it was.
#[async_trait]
pub trait Draft: Send + Sync {
    /// What the draft holds, by the digests of its passages.
    fn held(&self) -> &HashMap<PassageId, Digest>;

    /// Adds entries, each in place of the one with its id. Where the index is kept, they MUST
    /// be there for the next run when this one is interrupted afterwards.
    ///
    /// # Errors
    /// MUST be `Rejected` when an entry does not have the shape of the recipe.
    async fn put(&mut self, entries: Vec<Entry>) -> Result<(), PortError>;

    /// Removes the entries with these ids; MUST ignore those that it does not hold.
    async fn remove(&mut self, ids: Vec<PassageId>) -> Result<(), PortError>;

    /// Puts the draft into service in place of whatever was there.
    ///
    /// MUST be atomic: searches see the old index or the new one, also when this fails or the
    /// process dies half-way.
    ///
    /// # Errors
    /// MUST be `Rejected`, with the old index kept, when the draft does not hold as many
    /// passages as its manifest says, or none.
    async fn publish(self: Box<Self>) -> Result<(), PortError>;
}

/// Reads an index from one end to the other.
#[async_trait]
pub trait Corpus: Send + Sync + 'static {
    /// The next entries, at most `limit`, after the page that ended with this cursor; from the
    /// beginning without one. In a constant order. Each entry has the vectors that the index has
    /// when `vectors` is set, else none.
    async fn page(
        &self,
        after: Option<&str>,
        limit: NonZeroUsize,
        vectors: bool,
    ) -> Result<Page, PortError>;
}

/// Some entries of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` when this was the last one.
    pub next: Option<String>,
}

const _: fn(&dyn Index, &dyn Draft, &dyn Corpus) = |_, _, _| ();

/// Checks what [`Draft::put`] must refuse.
///
/// # Errors
/// `Rejected`, naming the first entry at fault.
pub fn check_shape(shape: VectorShape, entries: &[Entry]) -> Result<(), PortError> {
    let Some(odd) = entries.iter().find(|entry| entry.embedding.shape() != shape) else {
        return Ok(());
    };
    let (id, found) = (&odd.passage.id.0, odd.embedding.shape());
    let message = format!("passage {id} has {found}, but the index is to have {shape}");
    Err(PortError::new(ErrorKind::Rejected, message))
}

/// Checks what [`Draft::publish`] must refuse.
///
/// # Errors
/// `Rejected`, with both numbers.
pub fn check_complete(manifest: &Manifest, held: usize) -> Result<(), PortError> {
    if held == manifest.passages && held > 0 {
        return Ok(());
    }
    let wanted = manifest.passages;
    let message = match wanted {
        0 => "an index needs at least one passage".to_owned(),
        _ => format!("the index holds {held} passages where there are to be {wanted}"),
    };
    Err(PortError::new(ErrorKind::Rejected, message))
}
