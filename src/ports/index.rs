use async_trait::async_trait;

use crate::embedding::{Embedding, VectorShape};
use crate::error::PortError;
use crate::passage::Passage;

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
    /// What the index in service was made from, as given to `replace`; `None` without an index
    /// or when it does not say.
    async fn fingerprint(&self) -> Result<Option<String>, PortError>;

    /// Puts an index of these entries into service in place of whatever was there.
    ///
    /// MUST be atomic: searches see the old index or the new one, also when this fails or the
    /// process dies half-way.
    ///
    /// # Errors
    /// MUST be `Rejected`, with the old index kept, when there is no entry, an entry does not
    /// have this shape, or two have one id. MUST be `Misconfigured` when that would overwrite
    /// something that this adapter did not make.
    async fn replace(
        &self,
        fingerprint: &str,
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> Result<(), PortError>;
}

const _: fn(&dyn Index) = |_| ();

/// Checks what [`Index::replace`] must refuse.
///
/// # Errors
/// `Rejected`, naming the first entry at fault.
pub fn check_entries(shape: VectorShape, entries: &[Entry]) -> Result<(), PortError> {
    use crate::error::ErrorKind::Rejected;

    if shape.dense.is_none() && !shape.sparse {
        return Err(PortError::new(Rejected, "an index needs a vector to be searched by"));
    }
    if entries.is_empty() {
        return Err(PortError::new(Rejected, "an index needs at least one passage"));
    }
    let mut ids = std::collections::HashSet::with_capacity(entries.len());
    for Entry { passage, embedding } in entries {
        let id = &passage.id.0;
        if embedding.shape() != shape {
            let found = embedding.shape();
            return Err(PortError::new(
                Rejected,
                format!("passage {id} has {found}, but the index is to have {shape}"),
            ));
        }
        if !ids.insert(id) {
            return Err(PortError::new(Rejected, format!("two passages have the id {id}")));
        }
    }
    Ok(())
}
