//! The points of a collection: their ids, what they hold, and those that askbook writes.

use std::collections::HashMap;

use askbook::embedding::{Embedding, SparseVector};
use askbook::manifest::Recipe;
use askbook::passage::PassageId;
use askbook::ports::Entry;
use qdrant_client::Payload;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::{
    NamedVectors, PointId, PointStruct, RetrievedPoint, Vector, VectorsOutput, vector_output,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::payload::{self, Fields};
use crate::schema::{OWN_DENSE, OWN_SPARSE, Schema};
use crate::store::object;

/// The namespace of the points' ids: Qdrant takes only numbers and UUIDs, so a point's id is the
/// UUID (version 5) of its passage's id.
const POINTS: Uuid = Uuid::from_u128(0x0b5f_a1c4_6d0e_4d5b_9a53_61f7_2f0e_8c11);

/// The point of a passage in a collection that askbook writes.
pub(crate) fn of(id: &PassageId) -> PointId {
    Uuid::new_v5(&POINTS, id.0.as_bytes()).to_string().into()
}

/// The name of a point, for people and as the name of a passage.
pub(crate) fn name(id: Option<PointId>) -> String {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Num(number)) => number.to_string(),
        Some(PointIdOptions::Uuid(uuid)) => uuid,
        None => String::new(),
    }
}

/// The point with this name; `None` for what no point is called.
pub(crate) fn parse(name: &str) -> Option<PointId> {
    if let Ok(number) = name.parse::<u64>() {
        return Some(number.into());
    }
    Uuid::parse_str(name).ok().map(|uuid| uuid.to_string().into())
}

/// The point that askbook writes for an entry.
pub(crate) fn written(entry: Entry, recipe: &Recipe) -> PointStruct {
    let Entry { passage, embedding: Embedding { dense, sparse } } = entry;
    let dense = dense.map(|values| (OWN_DENSE, Vector::new_dense(values)));
    let sparse =
        sparse.map(|sparse| (OWN_SPARSE, Vector::new_sparse(sparse.indices, sparse.values)));
    let vectors: HashMap<String, Vector> =
        dense.into_iter().chain(sparse).map(|(name, vector)| (name.to_owned(), vector)).collect();
    let payload = Payload::from(payload::written(&passage, recipe));
    PointStruct::new(of(&passage.id), NamedVectors::from(vectors), payload)
}

/// The entry that a point holds, with the vectors that came with it.
///
/// # Errors
/// The payload when there is no text in it.
pub(crate) fn entry(
    point: RetrievedPoint,
    schema: &Schema,
    fields: &Fields,
) -> Result<Entry, Map<String, Value>> {
    let payload = object(point.payload);
    let Some(passage) = payload::passage(name(point.id), &payload, fields) else {
        return Err(payload);
    };
    let embedding = point.vectors.map(|vectors| embedding(&vectors, schema)).unwrap_or_default();
    Ok(Entry { passage, embedding })
}

/// The vectors of the schema. A sparse one that is not there is one without a term.
pub(crate) fn embedding(vectors: &VectorsOutput, schema: &Schema) -> Embedding {
    let vector = |name: Option<&str>| vectors.get_vector_by_name(name.unwrap_or_default());
    let dense = schema.dense.as_ref().and_then(|dense| match vector(dense.name.as_deref())? {
        vector_output::Vector::Dense(dense) => Some(dense.data),
        _ => None,
    });
    let sparse = schema.sparse.as_ref().map(|name| match vector(Some(name)) {
        Some(vector_output::Vector::Sparse(sparse)) => {
            SparseVector { indices: sparse.indices, values: sparse.values }
        }
        _ => SparseVector::default(),
    });
    Embedding { dense, sparse }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_found_by_its_name() {
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        for id in [PointId::from(7), PointId::from(uuid)] {
            assert_eq!(parse(&name(Some(id.clone()))), Some(id));
        }
        for none in ["", "-1", "a.md#b/0", "18446744073709551616"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
