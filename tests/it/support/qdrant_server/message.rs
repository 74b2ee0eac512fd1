use std::collections::HashMap;

use ::qdrant_client::Payload;
use ::qdrant_client::qdrant::point_id::PointIdOptions;
use ::qdrant_client::qdrant::with_payload_selector::SelectorOptions;
// The whole vocabulary of the protocol, which has a message called `qdrant_client`.
use ::qdrant_client::qdrant::*;
use qdrant_edge as edge;
use tonic::{Code, Status};

pub(super) fn status(error: &edge::OperationError) -> Status {
    let code = match error {
        edge::OperationError::WrongVectorDimension { .. }
        | edge::OperationError::VectorNameNotExists { .. }
        | edge::OperationError::WrongSparse
        | edge::OperationError::ValidationError { .. } => Code::InvalidArgument,
        _ => Code::Internal,
    };
    Status::new(code, error.to_string())
}

pub(super) fn unknown_vector(name: &str) -> Status {
    let message = format!("Wrong input: Not existing vector name error: {name}");
    Status::invalid_argument(message)
}

pub(super) fn unfiltered(filter: Option<&Filter>) -> Result<(), Status> {
    if filter.is_some() { Err(Status::unimplemented("filters")) } else { Ok(()) }
}

/// The limit of a query, which is 10 where it does not say.
pub(super) fn size(limit: Option<u64>) -> usize {
    usize::try_from(limit.unwrap_or(10)).unwrap()
}

pub(super) fn sparse_vector(vector: SparseVector) -> Result<edge::VectorInternal, Status> {
    let mut vector = edge::SparseVector::new(vector.indices, vector.values)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    vector.sort_by_indices();
    Ok(edge::VectorInternal::Sparse(vector))
}

pub(super) fn point_id(id: Option<PointId>) -> Result<edge::PointId, Status> {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Num(number)) => Ok(edge::PointId::NumId(number)),
        Some(PointIdOptions::Uuid(uuid)) => uuid
            .parse()
            .map(edge::PointId::Uuid)
            .map_err(|_| Status::invalid_argument("Unable to parse UUID")),
        None => Err(Status::invalid_argument("Expected an ID")),
    }
}

pub(super) fn point_ids(ids: Vec<PointId>) -> Result<Vec<edge::PointId>, Status> {
    ids.into_iter().map(|id| point_id(Some(id))).collect()
}

pub(super) fn point_name(id: edge::PointId) -> PointId {
    match id {
        edge::PointId::NumId(number) => number.into(),
        edge::PointId::Uuid(uuid) => uuid.to_string().into(),
    }
}

pub(super) fn payload_of(
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

pub(super) fn vectors_of(selector: Option<WithVectorsSelector>) -> edge::WithVector {
    use with_vectors_selector::SelectorOptions;
    match selector.and_then(|selector| selector.selector_options) {
        None => false.into(),
        Some(SelectorOptions::Enable(enable)) => enable.into(),
        Some(SelectorOptions::Include(include)) => edge::WithVector::Selector(include.names),
    }
}

pub(super) fn retrieved(point: edge::Record) -> RetrievedPoint {
    RetrievedPoint {
        id: Some(point_name(point.id)),
        payload: payload(point.payload),
        vectors: point.vector.map(vectors),
        ..RetrievedPoint::default()
    }
}

fn vectors(vectors: edge::VectorStructInternal) -> VectorsOutput {
    use vectors_output::VectorsOptions;
    let vector = |vector| VectorOutput { vector: Some(vector), ..VectorOutput::default() };
    let dense = |data| vector(vector_output::Vector::Dense(DenseVector { data }));
    let options = match vectors {
        edge::VectorStructInternal::Single(data) => VectorsOptions::Vector(dense(data)),
        edge::VectorStructInternal::Named(named) => {
            let named = named.into_iter().filter_map(|(name, kept)| match kept {
                edge::VectorInternal::Dense(data) => Some((name, dense(data))),
                edge::VectorInternal::Sparse(edge::SparseVector { indices, values }) => {
                    let sparse = SparseVector { indices, values };
                    Some((name, vector(vector_output::Vector::Sparse(sparse))))
                }
                edge::VectorInternal::MultiDense(_) => None,
            });
            VectorsOptions::Vectors(NamedVectorsOutput { vectors: named.collect() })
        }
        edge::VectorStructInternal::MultiDense(_) => return VectorsOutput::default(),
    };
    VectorsOutput { vectors_options: Some(options) }
}

pub(super) fn payload(payload: Option<edge::Payload>) -> HashMap<String, Value> {
    payload.map(|payload| Payload::from(payload.0).into()).unwrap_or_default()
}
