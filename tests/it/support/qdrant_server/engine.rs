use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use ::qdrant_client::qdrant::collections_server::Collections;
use ::qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use ::qdrant_client::qdrant::points_server::Points;
use async_trait::async_trait;
// The whole vocabulary of the protocol, which has a message called `qdrant_client`.
use ::qdrant_client::qdrant::*;
use qdrant_edge as edge;
use tonic::{Request, Response, Status};

use super::collection::Collection;
use super::message::{
    payload_of, point_id, point_ids, point_name, retrieved, status, unfiltered, vectors_of,
};

pub(super) type Answer<T> = Result<Response<T>, Status>;

/// What the server keeps.
pub(super) struct Engine {
    state: RwLock<State>,
    pub(super) writes_left: AtomicUsize,
    /// Dropped after the shards in it.
    folder: tempfile::TempDir,
}

#[derive(Default)]
struct State {
    collections: HashMap<String, Arc<Collection>>,
    aliases: HashMap<String, String>,
    made: usize,
}

impl Default for Engine {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { state: RwLock::default(), writes_left: AtomicUsize::new(usize::MAX), folder }
    }
}

impl Engine {
    /// The names of the collections, without aliases.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.state.read().unwrap().collections.keys().cloned().collect();
        names.sort();
        names
    }

    /// Admits a call that changes something, or not.
    fn write(&self) -> Result<(), Status> {
        self.writes_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .map(drop)
            .map_err(|_| Status::resource_exhausted("no more writes"))
    }

    fn collection(&self, name: &str) -> Result<Arc<Collection>, Status> {
        let state = self.state.read().unwrap();
        let name = state.aliases.get(name).map_or(name, String::as_str);
        let found = state.collections.get(name).cloned();
        found.ok_or_else(|| {
            Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"))
        })
    }
}

#[async_trait]
impl Collections for Engine {
    async fn get(
        &self,
        request: Request<GetCollectionInfoRequest>,
    ) -> Answer<GetCollectionInfoResponse> {
        let collection = self.collection(&request.into_inner().collection_name)?;
        let info = CollectionInfo {
            status: CollectionStatus::Green.into(),
            config: Some(collection.config.clone()),
            points_count: Some(collection.shard.info().points_count as u64),
            ..CollectionInfo::default()
        };
        Ok(Response::new(GetCollectionInfoResponse { result: Some(info), time: 0.0 }))
    }

    async fn list(&self, _: Request<ListCollectionsRequest>) -> Answer<ListCollectionsResponse> {
        let state = self.state.read().unwrap();
        let collections =
            state.collections.keys().map(|name| CollectionDescription { name: name.clone() });
        let collections = collections.collect();
        Ok(Response::new(ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(
        &self,
        request: Request<CreateCollection>,
    ) -> Answer<CollectionOperationResponse> {
        self.write()?;
        let request = request.into_inner();
        let name = request.collection_name.clone();
        let mut state = self.state.write().unwrap();
        if state.collections.contains_key(&name) {
            return Err(Status::already_exists("Collection already exists!"));
        }
        if state.aliases.contains_key(&name) {
            return Err(Status::invalid_argument("Alias with the same name already exists"));
        }
        state.made += 1;
        let folder = self.folder.path().join(state.made.to_string());
        let collection = Collection::new(request, &folder)?;
        state.collections.insert(name, Arc::new(collection));
        Ok(done(true))
    }

    async fn delete(
        &self,
        request: Request<DeleteCollection>,
    ) -> Answer<CollectionOperationResponse> {
        self.write()?;
        let name = request.into_inner().collection_name;
        let mut state = self.state.write().unwrap();
        state.aliases.retain(|_, target| *target != name);
        Ok(done(state.collections.remove(&name).is_some()))
    }

    async fn update_aliases(
        &self,
        request: Request<ChangeAliases>,
    ) -> Answer<CollectionOperationResponse> {
        self.write()?;
        let mut state = self.state.write().unwrap();
        for change in request.into_inner().actions {
            let Some(alias_operations::Action::CreateAlias(create)) = change.action else {
                return Err(Status::unimplemented("another change of an alias"));
            };
            if !state.collections.contains_key(&create.collection_name) {
                return Err(Status::not_found("Not found: Collection doesn't exist!"));
            }
            if state.collections.contains_key(&create.alias_name) {
                return Err(Status::already_exists("Collection already exists!"));
            }
            state.aliases.insert(create.alias_name, create.collection_name);
        }
        Ok(done(true))
    }

    async fn list_aliases(&self, _: Request<ListAliasesRequest>) -> Answer<ListAliasesResponse> {
        let state = self.state.read().unwrap();
        let aliases = state.aliases.iter().map(|(alias, collection)| AliasDescription {
            alias_name: alias.clone(),
            collection_name: collection.clone(),
        });
        Ok(Response::new(ListAliasesResponse { aliases: aliases.collect(), time: 0.0 }))
    }

    unimplemented_calls! {
        update(UpdateCollection) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        collection_exists(CollectionExistsRequest) -> CollectionExistsResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest)
            -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}

#[async_trait]
impl Points for Engine {
    async fn upsert(&self, request: Request<UpsertPoints>) -> Answer<PointsOperationResponse> {
        self.write()?;
        let request = request.into_inner();
        let collection = self.collection(&request.collection_name)?;
        let points: Result<Vec<_>, _> =
            request.points.into_iter().map(|point| collection.point(point)).collect();
        let insert = edge::PointInsertOperations::PointsList(points?);
        let operation =
            edge::UpdateOperation::PointOperation(edge::PointOperations::UpsertPoints(insert));
        collection.update(operation)
    }

    async fn delete(&self, request: Request<DeletePoints>) -> Answer<PointsOperationResponse> {
        self.write()?;
        let DeletePoints { collection_name, points, .. } = request.into_inner();
        let collection = self.collection(&collection_name)?;
        let selected = points.and_then(|points| points.points_selector_one_of);
        let Some(PointsSelectorOneOf::Points(points)) = selected else {
            return Err(Status::unimplemented("filters"));
        };
        let ids = point_ids(points.ids)?;
        let delete = edge::PointOperations::DeletePoints { ids };
        collection.update(edge::UpdateOperation::PointOperation(delete))
    }

    async fn get(&self, request: Request<GetPoints>) -> Answer<GetResponse> {
        let GetPoints { collection_name, ids, with_payload, with_vectors, .. } =
            request.into_inner();
        let collection = self.collection(&collection_name)?;
        let (payload, vectors) = (payload_of(with_payload, true)?, vectors_of(with_vectors));
        let points = collection
            .shard
            .retrieve(&point_ids(ids)?, Some(payload), Some(vectors))
            .map_err(|error| status(&error))?;
        let result = points.into_iter().map(retrieved).collect();
        Ok(Response::new(GetResponse { result, ..GetResponse::default() }))
    }

    async fn count(&self, request: Request<CountPoints>) -> Answer<CountResponse> {
        let CountPoints { collection_name, filter, .. } = request.into_inner();
        unfiltered(filter.as_ref())?;
        let collection = self.collection(&collection_name)?;
        let count = edge::CountRequest { filter: None, exact: true };
        let count = collection.shard.count(count).map_err(|error| status(&error))?;
        let result = Some(CountResult { count: count as u64 });
        Ok(Response::new(CountResponse { result, ..CountResponse::default() }))
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Answer<ScrollResponse> {
        let ScrollPoints {
            collection_name, filter, offset, limit, with_payload, with_vectors, ..
        } = request.into_inner();
        unfiltered(filter.as_ref())?;
        let request = edge::ScrollRequest {
            offset: offset.map(|offset| point_id(Some(offset))).transpose()?,
            limit: limit.map(|limit| limit as usize),
            with_payload: Some(payload_of(with_payload, true)?),
            with_vector: vectors_of(with_vectors),
            ..edge::ScrollRequest::default()
        };
        let (points, next) = self
            .collection(&collection_name)?
            .shard
            .scroll(request)
            .map_err(|error| status(&error))?;
        Ok(Response::new(ScrollResponse {
            result: points.into_iter().map(retrieved).collect(),
            next_page_offset: next.map(point_name),
            ..ScrollResponse::default()
        }))
    }

    async fn query(&self, request: Request<QueryPoints>) -> Answer<QueryResponse> {
        let query = request.into_inner();
        let result = self.collection(&query.collection_name)?.query(query)?;
        Ok(Response::new(QueryResponse { result, ..QueryResponse::default() }))
    }

    async fn query_batch(&self, request: Request<QueryBatchPoints>) -> Answer<QueryBatchResponse> {
        let QueryBatchPoints { collection_name, query_points, .. } = request.into_inner();
        let collection = self.collection(&collection_name)?;
        let result: Result<Vec<_>, Status> = query_points
            .into_iter()
            .map(|query| Ok(BatchResult { result: collection.query(query)? }))
            .collect();
        Ok(Response::new(QueryBatchResponse { result: result?, ..QueryBatchResponse::default() }))
    }

    unimplemented_calls! {
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        set_payload(SetPayloadPoints) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        create_field_index(CreateFieldIndexCollection) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}

/// Methods that are refused, written as `async_trait` writes them, which does not look into
/// macros.
macro_rules! unimplemented_calls {
    ($($name:ident($request:ty) -> $answer:ty;)+) => {$(
        fn $name<'a, 'b>(
            &'a self,
            _: Request<$request>,
        ) -> Pin<Box<dyn Future<Output = Answer<$answer>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(std::future::ready(Err(Status::unimplemented(stringify!($name)))))
        }
    )+};
}
use unimplemented_calls;

fn done(result: bool) -> Response<CollectionOperationResponse> {
    Response::new(CollectionOperationResponse { result, time: 0.0 })
}
