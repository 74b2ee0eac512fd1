use std::collections::{HashMap, HashSet};

use ::qdrant_client::Payload;
use ::qdrant_client::qdrant::vectors_config::Config;
// The whole vocabulary of the protocol, which has a message called `qdrant_client`.
use ::qdrant_client::qdrant::*;
use qdrant_edge as edge;
use tonic::{Response, Status};

use super::engine::Answer;
use super::message::{
    payload, payload_of, point_id, point_name, size, sparse_vector, status, unfiltered,
    unknown_vector,
};

pub(super) struct Collection {
    pub(super) config: CollectionConfig,
    /// The sizes of the dense vectors by name, which is empty for the unnamed one.
    dense: HashMap<String, usize>,
    sparse: HashSet<String>,
    pub(super) shard: edge::EdgeShard,
}

impl Collection {
    pub(super) fn new(request: CreateCollection, folder: &std::path::Path) -> Result<Self, Status> {
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

    pub(super) fn point(&self, point: PointStruct) -> Result<edge::PointStructPersisted, Status> {
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

    pub(super) fn update(
        &self,
        operation: edge::UpdateOperation,
    ) -> Answer<PointsOperationResponse> {
        self.shard.update(operation).map_err(|error| status(&error))?;
        let result = UpdateResult { operation_id: None, status: UpdateStatus::Completed.into() };
        Ok(Response::new(PointsOperationResponse { result: Some(result), time: 0.0, usage: None }))
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

    pub(super) fn query(&self, query: QueryPoints) -> Result<Vec<ScoredPoint>, Status> {
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
