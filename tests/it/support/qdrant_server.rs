//! A Qdrant server in this process: the real protocol over real gRPC on port 0, backed by the
//! real engine in a temporary folder.
//!
//! It knows the calls that askbook makes and is as strict as the real one: an unknown collection
//! is `NotFound`; an unknown vector, a vector of another size or a malformed id is
//! `InvalidArgument`; everything that askbook does not use is `Unimplemented`.

#![expect(clippy::unwrap_used, reason = "a broken server is meant to panic")]

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use ::qdrant_client::Payload;
use ::qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use ::qdrant_client::qdrant::point_id::PointIdOptions;
use ::qdrant_client::qdrant::points_server::{Points, PointsServer};
use ::qdrant_client::qdrant::vectors_config::Config;
use ::qdrant_client::qdrant::with_payload_selector::SelectorOptions;
use askbook::contract::Fault;
use async_trait::async_trait;
// The whole vocabulary of the protocol, which has a message called `qdrant_client`.
use ::qdrant_client::qdrant::*;
use qdrant_edge as edge;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::{Code, Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// The server, until it is dropped.
pub(crate) struct QdrantServer {
    address: SocketAddr,
    engine: Arc<Engine>,
    /// Aborted when dropped.
    _serving: JoinSet<()>,
}

impl QdrantServer {
    /// An empty server that wants no key.
    pub(crate) async fn start() -> Self {
        Self::serve(|_| Ok(())).await
    }

    /// A server that refuses every call without this key.
    pub(crate) async fn with_key(key: &'static str) -> Self {
        Self::serve(move |call| {
            let given = call.metadata().get("api-key");
            if given.is_some_and(|given| given == key) {
                return Ok(());
            }
            Err(Status::unauthenticated("Must provide an API key or an Authorization bearer token"))
        })
        .await
    }

    /// A server, or what is in its place, that misbehaves so.
    pub(crate) async fn with_fault(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable => Self::socket(|_, serving| serving.abort_all()).await,
            Fault::Hangs => Self::socket(|listener, serving| serving.spawn(hold(listener))).await,
            Fault::Garbage => Self::socket(|listener, serving| serving.spawn(rest(listener))).await,
            Fault::Overloaded => Self::serve(|_| Err(Status::unavailable("overloaded"))).await,
            Fault::RateLimited => {
                Self::serve(|_| {
                    let mut status = Status::resource_exhausted("too many requests");
                    status.metadata_mut().insert("retry-after", "7".parse().unwrap());
                    Err(status)
                })
                .await
            }
            Fault::RefusesKey => Self::with_key("another key").await,
        }
    }

    /// Something else than a Qdrant server on a socket.
    async fn socket<T>(peer: impl FnOnce(TcpListener, &mut JoinSet<()>) -> T) -> Self {
        let (listener, address) = listen().await;
        let mut serving = JoinSet::new();
        peer(listener, &mut serving);
        Self { address, engine: Arc::default(), _serving: serving }
    }

    async fn serve(
        admit: impl Fn(&Request<()>) -> Result<(), Status> + Clone + Send + Sync + 'static,
    ) -> Self {
        let (listener, address) = listen().await;
        let engine = Arc::new(Engine::default());
        let admit = move |call: Request<()>| admit(&call).map(|()| call);
        let collections =
            CollectionsServer::from_arc(Arc::clone(&engine)).max_decoding_message_size(usize::MAX);
        let points =
            PointsServer::from_arc(Arc::clone(&engine)).max_decoding_message_size(usize::MAX);
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder()
            .add_service(tonic::service::interceptor::InterceptedService::new(
                collections,
                admit.clone(),
            ))
            .add_service(tonic::service::interceptor::InterceptedService::new(points, admit))
            .serve_with_incoming(incoming);
        let mut serving = JoinSet::new();
        serving.spawn(async move { server.await.unwrap() });
        Self { address, engine, _serving: serving }
    }

    /// The address to give to askbook.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses every upsert after the next `count`.
    pub(crate) fn refuse_upserts_after(&self, count: usize) {
        self.engine.upserts_left.store(count, Ordering::SeqCst);
    }

    /// The names of the collections, without aliases.
    pub(crate) fn collections(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.engine.state.read().unwrap().collections.keys().cloned().collect();
        names.sort();
        names
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Takes every connection and never says anything.
async fn hold(listener: TcpListener) {
    let mut held = Vec::new();
    while let Ok(connection) = listener.accept().await {
        held.push(connection);
    }
}

/// Answers like a server that speaks HTTP/1.1 alone, which Qdrant's REST port does.
async fn rest(listener: TcpListener) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    while let Ok((mut connection, _)) = listener.accept().await {
        let mut seen = [0; 256];
        let _ = connection.read(&mut seen).await;
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = connection.write_all(answer).await;
    }
}

/// What the server keeps.
struct Engine {
    state: RwLock<State>,
    upserts_left: AtomicUsize,
    /// Dropped after the shards in it.
    folder: tempfile::TempDir,
}

#[derive(Default)]
struct State {
    collections: HashMap<String, Arc<Collection>>,
    aliases: HashMap<String, String>,
    made: usize,
}

struct Collection {
    config: CollectionConfig,
    /// The sizes of the dense vectors by name, which is empty for the unnamed one.
    dense: HashMap<String, usize>,
    sparse: HashSet<String>,
    shard: edge::EdgeShard,
}

impl Default for Engine {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { state: RwLock::default(), upserts_left: AtomicUsize::new(usize::MAX), folder }
    }
}

impl Engine {
    fn collection(&self, name: &str) -> Result<Arc<Collection>, Status> {
        let state = self.state.read().unwrap();
        let name = state.aliases.get(name).map_or(name, String::as_str);
        let found = state.collections.get(name).cloned();
        found.ok_or_else(|| {
            Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"))
        })
    }
}

impl Collection {
    fn new(request: CreateCollection, folder: &std::path::Path) -> Result<Self, Status> {
        let dense_params = match request.vectors_config.clone().and_then(|vectors| vectors.config) {
            Some(Config::Params(unnamed)) => HashMap::from([(String::new(), unnamed)]),
            Some(Config::ParamsMap(named)) => named.map,
            None => HashMap::new(),
        };
        let sparse_params = request.sparse_vectors_config.clone().unwrap_or_default().map;
        let mut config = edge::EdgeConfigBuilder::new().wal_options(edge::WalOptions {
            segment_capacity: 1 << 20,
            ..edge::WalOptions::default()
        });
        let mut dense = HashMap::new();
        for (name, params) in dense_params {
            let distance = match params.distance() {
                Distance::Cosine => edge::Distance::Cosine,
                Distance::Euclid => edge::Distance::Euclid,
                Distance::Dot => edge::Distance::Dot,
                Distance::Manhattan => edge::Distance::Manhattan,
                Distance::UnknownDistance => {
                    return Err(Status::invalid_argument("Wrong input: unknown distance"));
                }
            };
            let size = usize::try_from(params.size).unwrap();
            let vector = edge::EdgeVectorParams::builder(size, distance).build();
            config = config.vector(name.as_str(), vector);
            dense.insert(name, size);
        }
        for (name, params) in &sparse_params {
            let mut sparse = edge::EdgeSparseVectorParams::builder();
            if params.modifier() == Modifier::Idf {
                sparse = sparse.modifier(edge::Modifier::Idf);
            }
            config = config.sparse_vector(name.as_str(), sparse.build());
        }
        std::fs::create_dir(folder).unwrap();
        let shard = edge::EdgeShard::new(folder, config.build()).map_err(|error| status(&error))?;
        let params = CollectionParams {
            vectors_config: request.vectors_config,
            sparse_vectors_config: request.sparse_vectors_config,
            ..CollectionParams::default()
        };
        Ok(Self {
            config: CollectionConfig { params: Some(params), ..CollectionConfig::default() },
            dense,
            sparse: sparse_params.into_keys().collect(),
            shard,
        })
    }

    fn check(&self, name: &str, vector: &edge::VectorInternal) -> Result<(), Status> {
        match vector {
            edge::VectorInternal::Dense(values) => match self.dense.get(name) {
                Some(size) if *size == values.len() => Ok(()),
                Some(size) => Err(Status::invalid_argument(format!(
                    "Wrong input: Vector dimension error: expected dim: {size}, got {}",
                    values.len()
                ))),
                None => Err(unknown_vector(name)),
            },
            edge::VectorInternal::Sparse(_) if self.sparse.contains(name) => Ok(()),
            edge::VectorInternal::Sparse(_) => Err(unknown_vector(name)),
            edge::VectorInternal::MultiDense(_) => Err(Status::unimplemented("multivectors")),
        }
    }

    fn point(&self, point: PointStruct) -> Result<edge::PointStructPersisted, Status> {
        let id = point_id(point.id)?;
        let vectors = match point.vectors.and_then(|vectors| vectors.vectors_options) {
            Some(vectors::VectorsOptions::Vector(vector)) => {
                HashMap::from([(String::new(), vector)])
            }
            Some(vectors::VectorsOptions::Vectors(named)) => named.vectors,
            None => return Err(Status::invalid_argument("Expected some vectors")),
        };
        let mut kept = HashMap::new();
        for (name, vector) in vectors {
            let vector = match vector.vector {
                Some(vector::Vector::Dense(dense)) => edge::VectorInternal::Dense(dense.data),
                Some(vector::Vector::Sparse(sparse)) => sparse_vector(sparse)?,
                _ => return Err(Status::unimplemented("another kind of vector")),
            };
            self.check(&name, &vector)?;
            kept.insert(name, edge::Vector(vector));
        }
        let payload = serde_json::Value::from(Payload::from(point.payload));
        Ok(edge::PointStruct::new(id, kept, payload).0)
    }

    fn score(&self, query: Query, using: Option<String>) -> Result<edge::ScoringQuery, Status> {
        let Some(query::Variant::Nearest(input)) = query.variant else {
            return Err(Status::unimplemented("another query than nearest"));
        };
        let vector = match input.variant {
            Some(vector_input::Variant::Dense(dense)) => edge::VectorInternal::Dense(dense.data),
            Some(vector_input::Variant::Sparse(sparse)) => sparse_vector(sparse)?,
            _ => return Err(Status::unimplemented("another kind of vector")),
        };
        self.check(using.as_deref().unwrap_or_default(), &vector)?;
        let nearest = edge::NamedQuery { query: vector, using };
        Ok(edge::ScoringQuery::Vector(edge::QueryEnum::Nearest(nearest)))
    }

    fn prefetch(&self, prefetch: PrefetchQuery) -> Result<edge::Prefetch, Status> {
        let PrefetchQuery { prefetch, query, using, filter, limit, .. } = prefetch;
        unfiltered(filter.as_ref())?;
        Ok(edge::Prefetch {
            prefetches: prefetch.into_iter().map(|p| self.prefetch(p)).collect::<Result<_, _>>()?,
            query: query.map(|query| self.score(query, using)).transpose()?,
            limit: size(limit),
            params: None,
            filter: None,
            score_threshold: None,
        })
    }

    fn query(&self, query: QueryPoints) -> Result<Vec<ScoredPoint>, Status> {
        let QueryPoints { prefetch, query, using, filter, limit, with_payload, .. } = query;
        unfiltered(filter.as_ref())?;
        let request = edge::QueryRequest {
            prefetches: prefetch.into_iter().map(|p| self.prefetch(p)).collect::<Result<_, _>>()?,
            query: query.map(|query| self.score(query, using)).transpose()?,
            filter: None,
            score_threshold: None,
            limit: size(limit),
            offset: 0,
            params: None,
            with_vector: false.into(),
            with_payload: payload_of(with_payload, false)?,
        };
        let points = self.shard.query(request).map_err(|error| status(&error))?;
        let points = points.into_iter().map(|point| ScoredPoint {
            id: Some(point_name(point.id)),
            payload: payload(point.payload),
            score: point.score,
            ..ScoredPoint::default()
        });
        Ok(points.collect())
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
        let name = request.into_inner().collection_name;
        let mut state = self.state.write().unwrap();
        state.aliases.retain(|_, target| *target != name);
        Ok(done(state.collections.remove(&name).is_some()))
    }

    async fn update_aliases(
        &self,
        request: Request<ChangeAliases>,
    ) -> Answer<CollectionOperationResponse> {
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
        let request = request.into_inner();
        let collection = self.collection(&request.collection_name)?;
        let left = self
            .upserts_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(Status::resource_exhausted("no more upserts"));
        }
        let points: Result<Vec<_>, _> =
            request.points.into_iter().map(|point| collection.point(point)).collect();
        let insert = edge::PointInsertOperations::PointsList(points?);
        let operation =
            edge::UpdateOperation::PointOperation(edge::PointOperations::UpsertPoints(insert));
        collection.shard.update(operation).map_err(|error| status(&error))?;
        let result = UpdateResult { operation_id: None, status: UpdateStatus::Completed.into() };
        Ok(Response::new(PointsOperationResponse { result: Some(result), time: 0.0, usage: None }))
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Answer<ScrollResponse> {
        let ScrollPoints { collection_name, filter, limit, with_payload, .. } =
            request.into_inner();
        unfiltered(filter.as_ref())?;
        let request = edge::ScrollRequest {
            limit: limit.map(|limit| limit as usize),
            with_payload: Some(payload_of(with_payload, true)?),
            ..edge::ScrollRequest::default()
        };
        let (points, _) = self
            .collection(&collection_name)?
            .shard
            .scroll(request)
            .map_err(|error| status(&error))?;
        let result = points.into_iter().map(|point| RetrievedPoint {
            id: Some(point_name(point.id)),
            payload: payload(point.payload),
            ..RetrievedPoint::default()
        });
        Ok(Response::new(ScrollResponse { result: result.collect(), ..ScrollResponse::default() }))
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
        delete(DeletePoints) -> PointsOperationResponse;
        get(GetPoints) -> GetResponse;
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
        count(CountPoints) -> CountResponse;
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

fn status(error: &edge::OperationError) -> Status {
    let code = match error {
        edge::OperationError::WrongVectorDimension { .. }
        | edge::OperationError::VectorNameNotExists { .. }
        | edge::OperationError::WrongSparse
        | edge::OperationError::ValidationError { .. } => Code::InvalidArgument,
        _ => Code::Internal,
    };
    Status::new(code, error.to_string())
}

fn unknown_vector(name: &str) -> Status {
    let message = format!("Wrong input: Not existing vector name error: {name}");
    Status::invalid_argument(message)
}

fn unfiltered(filter: Option<&Filter>) -> Result<(), Status> {
    if filter.is_some() { Err(Status::unimplemented("filters")) } else { Ok(()) }
}

/// The limit of a query, which is 10 where it does not say.
fn size(limit: Option<u64>) -> usize {
    usize::try_from(limit.unwrap_or(10)).unwrap()
}

fn sparse_vector(vector: SparseVector) -> Result<edge::VectorInternal, Status> {
    let mut vector = edge::SparseVector::new(vector.indices, vector.values)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    vector.sort_by_indices();
    Ok(edge::VectorInternal::Sparse(vector))
}

fn point_id(id: Option<PointId>) -> Result<edge::PointId, Status> {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Num(number)) => Ok(edge::PointId::NumId(number)),
        Some(PointIdOptions::Uuid(uuid)) => uuid
            .parse()
            .map(edge::PointId::Uuid)
            .map_err(|_| Status::invalid_argument("Unable to parse UUID")),
        None => Err(Status::invalid_argument("Expected an ID")),
    }
}

fn point_name(id: edge::PointId) -> PointId {
    match id {
        edge::PointId::NumId(number) => number.into(),
        edge::PointId::Uuid(uuid) => uuid.to_string().into(),
    }
}

fn payload_of(
    selector: Option<WithPayloadSelector>,
    default: bool,
) -> Result<edge::WithPayloadInterface, Status> {
    match selector.and_then(|selector| selector.selector_options) {
        None => Ok(default.into()),
        Some(SelectorOptions::Enable(enable)) => Ok(enable.into()),
        Some(SelectorOptions::Include(include)) => {
            let fields: Result<_, ()> = include.fields.iter().map(|field| field.parse()).collect();
            let fields = fields.map_err(|()| Status::invalid_argument("Malformed JSON path"))?;
            Ok(edge::WithPayloadInterface::Fields(fields))
        }
        Some(SelectorOptions::Exclude(_)) => Err(Status::unimplemented("exclude")),
    }
}

fn payload(payload: Option<edge::Payload>) -> HashMap<String, Value> {
    payload.map(|payload| Payload::from(payload.0).into()).unwrap_or_default()
}
