//! Reading a collection from one end to the other, whoever wrote it.

use std::num::NonZeroUsize;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Corpus, Page};
use async_trait::async_trait;
use qdrant_client::qdrant::{
    PointId, ScrollPoints, ScrollPointsBuilder, ScrollResponse, VectorsSelector,
    with_vectors_selector,
};

use crate::failure::Failure;
use crate::point;
use crate::schema::Schema;
use crate::store::QdrantStore;

impl QdrantStore {
    /// The next points of a collection in the order of their ids, whole or, without a schema,
    /// without their vectors.
    pub(crate) async fn scroll(
        &self,
        collection: &str,
        after: Option<PointId>,
        limit: usize,
        vectors: Option<&Schema>,
    ) -> Result<ScrollResponse, Failure> {
        let scroll = ScrollPointsBuilder::new(collection)
            .limit(u32::try_from(limit).unwrap_or(u32::MAX))
            .with_payload(true)
            .with_vectors(vectors.map_or(false.into(), selected));
        let scroll = ScrollPoints { offset: after, ..scroll.build() };
        Self::bulk(self.client.scroll(scroll)).await
    }
}

/// The vectors of a schema. One without a name can only be asked for together with all others.
fn selected(schema: &Schema) -> with_vectors_selector::SelectorOptions {
    let dense = schema.dense.as_ref().map(|dense| dense.name.clone());
    if let Some(None) = dense {
        return true.into();
    }
    let names = dense.flatten().into_iter().chain(schema.sparse.clone()).collect();
    VectorsSelector { names }.into()
}

#[async_trait]
impl Corpus for QdrantStore {
    /// Leaves out points without a text.
    ///
    /// # Errors
    /// `Misconfigured` when no point of the whole collection has one.
    async fn page(
        &self,
        after: Option<&str>,
        limit: NonZeroUsize,
        vectors: bool,
    ) -> Result<Page, PortError> {
        // Whoever begins wants the collection as it is now.
        let schema = if after.is_some() { self.schema().await? } else { self.look().await? };
        let mut offset = after.map(cursor).transpose()?;
        loop {
            let selected = vectors.then_some(&*schema);
            let scroll = self.scroll(&self.settings.collection, offset, limit.get(), selected);
            let ScrollResponse { result, next_page_offset, .. } = self.told(scroll.await).await?;
            let (mut entries, mut silent) = (Vec::with_capacity(result.len()), Vec::new());
            for point in result {
                match point::entry(point, &schema, &self.settings.fields) {
                    Ok(entry) => entries.push(entry),
                    Err(payload) => silent.push(payload),
                }
            }
            match next_page_offset {
                Some(next) if entries.is_empty() => offset = Some(next),
                None if entries.is_empty() && !silent.is_empty() && after.is_none() => {
                    return Err(self.without_text(silent.iter()));
                }
                next => return Ok(Page { entries, next: next.map(|id| point::name(Some(id))) }),
            }
        }
    }
}

fn cursor(name: &str) -> Result<PointId, PortError> {
    point::parse(name).ok_or_else(|| {
        let message = "reading goes on only where a page of this collection ended";
        PortError::new(ErrorKind::Rejected, message)
    })
}
