//! Writing an index: a new collection each time, put into service by moving an alias.

use std::collections::HashMap;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::{Entry, Index, check_entries};
use async_trait::async_trait;
use qdrant_client::Payload;
use qdrant_client::qdrant::{
    CreateAliasBuilder, CreateCollectionBuilder, Distance, Modifier, NamedVectors, PointStruct,
    SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Vector,
    VectorParamsBuilder, VectorsConfigBuilder,
};
use uuid::Uuid;

use crate::failure::Failure;
use crate::payload;
use crate::schema::{OWN_DENSE, OWN_SPARSE};
use crate::store::{QdrantStore, WRITE_TIMEOUT};

/// How many points are sent at once: 1.5 MB with vectors of 3,072.
const BATCH: usize = 100;

/// The namespace of the points' ids: Qdrant takes only numbers and UUIDs, so a point's id is the
/// UUID (version 5) of its passage's id.
const POINTS: Uuid = Uuid::from_u128(0x0b5f_a1c4_6d0e_4d5b_9a53_61f7_2f0e_8c11);

/// The collections behind an alias: `book` stands for one of `book-<32 hexadecimal digits>`.
///
/// The digits are random, so that an interrupted or a second process is never in the way, and an
/// index can be made anew from the same passages.
fn fresh_name(alias: &str) -> String {
    format!("{alias}-{}", Uuid::new_v4().simple())
}

fn is_own_name(alias: &str, collection: &str) -> bool {
    let digits = collection.strip_prefix(alias).and_then(|rest| rest.strip_prefix('-'));
    digits.is_some_and(|digits| {
        digits.len() == 32
            && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

#[async_trait]
impl Index for QdrantStore {
    async fn fingerprint(&self) -> Result<Option<String>, PortError> {
        self.mark().await
    }

    async fn replace(
        &self,
        fingerprint: &str,
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> Result<(), PortError> {
        check_entries(shape, &entries)?;
        let _writing = self.writing.lock().await;
        let previous = self.in_service().await?;
        let fresh = fresh_name(&self.settings.collection);
        if let Err(failure) = self.write(&fresh, fingerprint, shape, entries).await {
            self.remove(&fresh).await;
            return Err(self.report(failure).await);
        }
        // The server moves an alias that exists in one step, so searches see the one collection
        // or the other. When this fails the alias may have moved all the same: nothing is removed.
        let alias = CreateAliasBuilder::new(&fresh, &self.settings.collection);
        if let Err(failure) = Self::call(WRITE_TIMEOUT, self.client.create_alias(alias)).await {
            return Err(self.report(failure).await);
        }
        self.forget();
        if let Some(previous) = previous {
            self.remove(&previous).await;
        }
        Ok(())
    }
}

impl QdrantStore {
    /// The collection that the alias stands for.
    ///
    /// # Errors
    /// `Misconfigured` when the name is that of a collection, or of an alias of one, that askbook
    /// did not make.
    async fn in_service(&self) -> Result<Option<String>, PortError> {
        let alias = &self.settings.collection;
        let collections = match self.read(self.client.list_collections()).await {
            Ok(all) => all.collections,
            Err(failure) => return Err(self.report(failure).await),
        };
        let aliases = match self.read(self.client.list_aliases()).await {
            Ok(all) => all.aliases,
            Err(failure) => return Err(self.report(failure).await),
        };
        let target = aliases.into_iter().find(|each| each.alias_name == *alias);
        let target = target.map(|each| each.collection_name);
        let is_foreign = target.as_ref().is_some_and(|target| !is_own_name(alias, target));
        if is_foreign || collections.iter().any(|each| each.name == *alias) {
            let message = format!(
                "the collection {alias:?} was not made by askbook and is left alone: set \
                 QDRANT_COLLECTION_NAME to a new name for the index"
            );
            return Err(PortError::new(ErrorKind::Misconfigured, message));
        }
        let left = collections
            .iter()
            .filter(|each| is_own_name(alias, &each.name) && target.as_ref() != Some(&each.name));
        let left = left.count();
        if left > 0 {
            tracing::warn!(
                qdrant.alias = %alias,
                collections.count = left,
                "there are collections of indexing runs that were cut off or still go on"
            );
        }
        Ok(target)
    }

    /// Makes a collection of the entries.
    async fn write(
        &self,
        collection: &str,
        fingerprint: &str,
        shape: VectorShape,
        entries: Vec<Entry>,
    ) -> Result<(), Failure> {
        let mut create = CreateCollectionBuilder::new(collection);
        if let Some(size) = shape.dense {
            let mut vectors = VectorsConfigBuilder::default();
            let params = VectorParamsBuilder::new(size.get() as u64, Distance::Cosine);
            vectors.add_named_vector_params(OWN_DENSE, params);
            create = create.vectors_config(vectors);
        }
        if shape.sparse {
            let mut vectors = SparseVectorsConfigBuilder::default();
            let params = SparseVectorParamsBuilder::default().modifier(Modifier::Idf);
            vectors.add_named_vector_params(OWN_SPARSE, params);
            create = create.sparse_vectors_config(vectors);
        }
        Self::call(WRITE_TIMEOUT, self.client.create_collection(create)).await?;
        let mut entries = entries.into_iter();
        loop {
            let batch: Vec<PointStruct> =
                entries.by_ref().take(BATCH).map(|entry| point(entry, fingerprint)).collect();
            if batch.is_empty() {
                break;
            }
            let upsert = UpsertPointsBuilder::new(collection, batch).wait(true);
            Self::call(WRITE_TIMEOUT, self.client.upsert_points(upsert)).await?;
        }
        Ok(())
    }

    /// Removes a collection that is not in service. That it stays is no failure of the index.
    async fn remove(&self, collection: &str) {
        let removed = self.client.delete_collection(collection);
        if Self::call(WRITE_TIMEOUT, removed).await.is_err() {
            tracing::warn!(qdrant.collection = %collection, "collection could not be removed");
        }
    }
}

fn point(Entry { passage, embedding }: Entry, fingerprint: &str) -> PointStruct {
    let Embedding { dense, sparse } = embedding;
    let dense = dense.map(|values| (OWN_DENSE, Vector::new_dense(values)));
    let sparse =
        sparse.map(|sparse| (OWN_SPARSE, Vector::new_sparse(sparse.indices, sparse.values)));
    let vectors: HashMap<String, Vector> =
        dense.into_iter().chain(sparse).map(|(name, vector)| (name.to_owned(), vector)).collect();
    let id = Uuid::new_v5(&POINTS, passage.id.0.as_bytes()).to_string();
    let payload = Payload::from(payload::written(&passage, fingerprint));
    PointStruct::new(id, NamedVectors::from(vectors), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_scheme_are_askbooks_own() {
        assert!(is_own_name("book", &fresh_name("book")));
        let digits = "0123456789abcdef0123456789abcdef";
        assert!(is_own_name("book", &format!("book-{digits}")));
        for foreign in ["book", "book-", "book-v2", "bookish-0123", &format!("other-{digits}")] {
            assert!(!is_own_name("book", foreign), "{foreign}");
        }
        assert!(!is_own_name("book", &format!("book-{}", digits.to_uppercase())));
    }
}
