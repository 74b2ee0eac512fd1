//! An index in the making.

use std::collections::{HashMap, HashSet};

use askbook::error::{ErrorKind, PortError};
use askbook::manifest::{Digest, Manifest};
use askbook::passage::PassageId;
use askbook::ports::{Draft, Entry, check_complete, check_shape};
use async_trait::async_trait;
use qdrant_client::qdrant::{
    CreateAliasBuilder, CreateCollectionBuilder, DeletePointsBuilder, Distance, Modifier,
    PayloadIncludeSelector, PointId, PointStruct, PointsIdsList, ScrollPoints, ScrollPointsBuilder,
    SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder,
    VectorParamsBuilder, VectorsConfigBuilder,
};

use crate::failure::Failure;
use crate::index::{OwnCollections, corpus};
use crate::payload::{self, Fields};
use crate::point;
use crate::schema::{OWN_DENSE, OWN_SPARSE, Schema};
use crate::store::{QdrantStore, object};

/// How many points are sent or read whole at once: 1.5 MB with vectors of 3,072.
const BATCH: usize = 100;

/// How many digests are read at once: some 100 KB.
const DIGESTS: u32 = 1_000;

/// An index that is written to a collection which no alias stands for.
///
/// What is taken over from the index in service is copied when the draft is published, and only
/// what is still wanted then.
pub(crate) struct QdrantDraft {
    store: QdrantStore,
    manifest: Manifest,
    /// Where it is written to, which is made by the first write.
    collection: String,
    exists: bool,
    /// The collection in service, where it has the same recipe.
    source: Option<String>,
    held: HashMap<PassageId, Digest>,
    /// Which of those are in `collection`; the others are in `source`.
    written: HashSet<PassageId>,
}

impl QdrantDraft {
    /// A draft with what is in the source and in its collection already. Only reads.
    pub(crate) async fn new(
        store: QdrantStore,
        manifest: Manifest,
        collection: String,
        exists: bool,
        source: Option<String>,
    ) -> Result<Self, PortError> {
        let mut held = HashMap::new();
        if let Some(source) = &source {
            held = store.told(store.digests(source).await).await?;
        }
        let mut written = HashSet::new();
        if exists {
            let digests = store.told(store.digests(&collection).await).await?;
            written.extend(digests.keys().cloned());
            held.extend(digests);
        }
        Ok(Self { store, manifest, collection, exists, source, held, written })
    }

    /// What a call gave, or the error for the owner, who is not to blame for a collection that
    /// is gone: another run has published, and tidied up.
    fn told<T>(&self, outcome: Result<T, Failure>) -> Result<T, PortError> {
        outcome.map_err(|failure| {
            if failure.is_missing() {
                let message = "another run of `askbook index` put an index into service in the \
                               meantime: run it again";
                return PortError::new(ErrorKind::Unavailable, message);
            }
            self.store.report(&failure)
        })
    }

    /// Makes the collection if it is not there.
    async fn create(&mut self) -> Result<(), PortError> {
        if self.exists {
            return Ok(());
        }
        let shape = self.manifest.recipe.shape;
        let mut create = CreateCollectionBuilder::new(&self.collection);
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
        match QdrantStore::bulk(self.store.client.create_collection(create)).await {
            // Another run makes the same index.
            Err(failure) if failure.is_there_already() => {}
            created => drop(self.told(created)?),
        }
        self.exists = true;
        Ok(())
    }

    async fn write(&mut self, entries: Vec<Entry>) -> Result<(), PortError> {
        self.create().await?;
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let batch: Vec<Entry> = entries.by_ref().take(BATCH).collect();
            let digests: Vec<(PassageId, Digest)> = batch
                .iter()
                .map(|Entry { passage, .. }| (passage.id.clone(), passage.digest()))
                .collect();
            let points: Vec<PointStruct> = batch
                .into_iter()
                .map(|entry| point::written(entry, &self.manifest.recipe))
                .collect();
            let upsert = UpsertPointsBuilder::new(&self.collection, points).wait(true);
            self.told(QdrantStore::bulk(self.store.client.upsert_points(upsert)).await)?;
            self.written.extend(digests.iter().map(|(id, _)| id.clone()));
            self.held.extend(digests);
        }
        Ok(())
    }

    /// Copies what is held and not written yet.
    async fn copy(&mut self) -> Result<(), PortError> {
        let Some(source) = self.source.clone() else { return Ok(()) };
        let schema = Schema::own(self.manifest.recipe.shape);
        let mut offset: Option<PointId> = None;
        while self.written.len() < self.held.len() {
            let page = self.store.scroll(&source, offset, BATCH, Some(&schema)).await;
            let page = self.told(page)?;
            let entries = page
                .result
                .into_iter()
                .filter_map(|point| point::entry(point, &schema, &Fields::default()).ok())
                .filter(|Entry { passage, .. }| {
                    self.held.contains_key(&passage.id) && !self.written.contains(&passage.id)
                });
            let entries = entries.collect();
            self.write(entries).await?;
            offset = page.next_page_offset;
            if offset.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Removes the collections of the other indexes. That one stays is no failure of this one.
    async fn tidy(&self, in_service: &str, own: impl Iterator<Item = &String>) {
        for name in own.filter(|name| *name != in_service) {
            let removed = self.store.client.delete_collection(name.as_str());
            if QdrantStore::bulk(removed).await.is_err() {
                tracing::warn!(qdrant.collection = %name, "collection could not be removed");
            }
        }
    }
}

#[async_trait]
impl Draft for QdrantDraft {
    fn held(&self) -> &HashMap<PassageId, Digest> {
        &self.held
    }

    async fn put(&mut self, entries: Vec<Entry>) -> Result<(), PortError> {
        check_shape(self.manifest.recipe.shape, &entries)?;
        self.write(entries).await
    }

    async fn remove(&mut self, ids: Vec<PassageId>) -> Result<(), PortError> {
        let written: Vec<PointId> =
            ids.iter().filter(|id| self.written.contains(*id)).map(point::of).collect();
        if !written.is_empty() {
            let delete = DeletePointsBuilder::new(&self.collection)
                .points(PointsIdsList { ids: written })
                .wait(true);
            self.told(QdrantStore::bulk(self.store.client.delete_points(delete)).await)?;
        }
        for id in ids {
            self.written.remove(&id);
            self.held.remove(&id);
        }
        Ok(())
    }

    async fn publish(mut self: Box<Self>) -> Result<(), PortError> {
        check_complete(&self.manifest, self.held.len())?;
        let alias = self.store.settings.collection.clone();
        let OwnCollections { in_service, idle } = self.store.own_collections().await?;
        let own = || in_service.iter().chain(&idle);
        // What is to be published is there already: nothing was changed, or another run did it.
        let is_there = |name: &&String| {
            **name == self.collection
                || (self.written.is_empty()
                    && self.source.as_ref() == Some(*name)
                    && corpus(&alias, name) == Some(&self.manifest.corpus))
        };
        if let Some(name) = in_service.as_ref().filter(is_there) {
            self.tidy(name, own()).await;
            return Ok(());
        }
        self.create().await?;
        self.copy().await?;
        let count = self.told(self.store.count(&self.collection).await)?;
        check_complete(&self.manifest, count)?;
        // The server moves an alias that exists in one step, so searches see the one collection
        // or the other. When this fails the alias may have moved all the same: nothing is removed.
        let moved = CreateAliasBuilder::new(&self.collection, &alias);
        self.told(QdrantStore::bulk(self.store.client.create_alias(moved)).await)?;
        self.store.forget();
        self.tidy(&self.collection, own()).await;
        Ok(())
    }
}

impl QdrantStore {
    /// The passages of a collection that askbook wrote, by their digests.
    async fn digests(&self, collection: &str) -> Result<HashMap<PassageId, Digest>, Failure> {
        let mut digests = HashMap::new();
        let fields: Vec<String> = payload::HELD.map(str::to_owned).into();
        let mut offset: Option<PointId> = None;
        loop {
            let scroll = ScrollPointsBuilder::new(collection)
                .limit(DIGESTS)
                .with_payload(PayloadIncludeSelector { fields: fields.clone() })
                .with_vectors(false);
            let scroll = ScrollPoints { offset, ..scroll.build() };
            let page = Self::bulk(self.client.scroll(scroll)).await?;
            let points = page.result.into_iter();
            digests.extend(points.filter_map(|point| payload::held(&object(point.payload))));
            offset = page.next_page_offset;
            if offset.is_none() {
                return Ok(digests);
            }
        }
    }
}
