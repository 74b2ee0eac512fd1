//! Which vectors of a collection are searched, found out from the collection's configuration.

use std::num::NonZeroUsize;

use askbook::embedding::VectorShape;
use askbook::error::{ErrorKind, PortError};
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{CollectionParams, Distance, VectorParams};

/// The name of the dense vector in collections that askbook writes.
pub(crate) const OWN_DENSE: &str = "dense";
/// The name of the sparse vector in collections that askbook writes.
pub(crate) const OWN_SPARSE: &str = "bm25";

/// The vectors that a collection is searched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) dense: Option<DenseVector>,
    /// The name of the sparse vector.
    pub(crate) sparse: Option<String>,
}

/// A dense vector of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DenseVector {
    /// `None` for the one vector of a collection that does not name it.
    pub(crate) name: Option<String>,
    pub(crate) size: NonZeroUsize,
    pub(crate) closeness: Closeness,
}

/// How the server's score becomes a cosine, given vectors of unit length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closeness {
    /// The score is the cosine, or the dot product, which is the same.
    Cosine,
    /// The score is the Euclidean distance d, and the cosine 1 - d²/2.
    Euclid,
}

impl Closeness {
    pub(crate) fn cosine(self, score: f32) -> f32 {
        match self {
            Self::Cosine => score,
            Self::Euclid => 1.0 - score * score / 2.0,
        }
    }
}

/// What the owner says about the vector to search by.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish<'a> {
    pub(crate) vector: Option<&'a str>,
    pub(crate) dimension: Option<NonZeroUsize>,
}

/// All vectors of a collection that can be searched by, in the order of their names.
///
/// Multivectors are left out: one vector for each token needs an embedder of its own kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vectors {
    dense: Vec<DenseVector>,
    sparse: Vec<String>,
}

impl Schema {
    /// The vectors of a collection that askbook writes.
    pub(crate) fn own(shape: VectorShape) -> Self {
        let dense = |size| DenseVector {
            name: Some(OWN_DENSE.to_owned()),
            size,
            closeness: Closeness::Cosine,
        };
        Self { dense: shape.dense.map(dense), sparse: shape.sparse.then(|| OWN_SPARSE.to_owned()) }
    }

    pub(crate) fn shape(&self) -> VectorShape {
        VectorShape {
            dense: self.dense.as_ref().map(|dense| dense.size),
            sparse: self.sparse.is_some(),
        }
    }
}

impl Vectors {
    pub(crate) fn read(params: &CollectionParams) -> Self {
        let dense = match params.vectors_config.as_ref().and_then(|vectors| vectors.config.as_ref())
        {
            Some(Config::Params(vector)) => dense(None, vector).into_iter().collect(),
            Some(Config::ParamsMap(named)) => {
                let mut named: Vec<_> = named.map.iter().collect();
                named.sort_by_key(|(name, _)| *name);
                named.into_iter().filter_map(|(name, vector)| dense(Some(name), vector)).collect()
            }
            None => Vec::new(),
        };
        let sparse = params.sparse_vectors_config.as_ref();
        let mut sparse: Vec<String> =
            sparse.map(|vectors| vectors.map.keys().cloned().collect()).unwrap_or_default();
        sparse.sort();
        Self { dense, sparse }
    }

    /// Whether the names are those of a collection with both vectors that askbook writes.
    pub(crate) fn may_be_own_hybrid(&self) -> bool {
        let names: Vec<_> = self.dense.iter().map(|dense| dense.name.as_deref()).collect();
        names == [Some(OWN_DENSE)] && self.sparse == [OWN_SPARSE]
    }

    /// The vectors to search by. `own` says that askbook wrote the collection.
    ///
    /// Two vectors are searched together only in askbook's own collections: the sparse vectors
    /// of another writer come from an encoder that is not known, and terms that are numbered
    /// differently would mix noise into every result. Where there is nothing but one sparse
    /// vector, it is taken for Qdrant's own BM25, the usual one.
    ///
    /// # Errors
    /// `Misconfigured`, listing the vectors that there are, when it is not clear which to use.
    pub(crate) fn choose(
        mut self,
        own: bool,
        wish: Wish<'_>,
        collection: &str,
    ) -> Result<Schema, PortError> {
        if let Some(name) = wish.vector {
            return self.named(name, collection);
        }
        if self.dense.len() > 1
            && let Some(size) = wish.dimension
            && self.dense.iter().filter(|dense| dense.size == size).count() == 1
        {
            self.dense.retain(|dense| dense.size == size);
        }
        let (dense, sparse) = match (self.dense.len(), self.sparse.len()) {
            (1, 1) if own => (self.dense.pop(), self.sparse.pop()),
            (1, _) => (self.dense.pop(), None),
            (0, 1) => (None, self.sparse.pop()),
            _ => {
                let message = format!(
                    "which vector of the collection {collection:?} to search by is not clear: set \
                     ASKBOOK_QDRANT_VECTOR to one of: {}",
                    self.list()
                );
                return Err(PortError::new(ErrorKind::Misconfigured, message));
            }
        };
        Ok(Schema { dense, sparse })
    }

    fn named(self, name: &str, collection: &str) -> Result<Schema, PortError> {
        let list = self.list();
        if let Some(dense) = self.dense.into_iter().find(|v| v.name.as_deref() == Some(name)) {
            return Ok(Schema { dense: Some(dense), sparse: None });
        }
        if self.sparse.iter().any(|sparse| sparse == name) {
            return Ok(Schema { dense: None, sparse: Some(name.to_owned()) });
        }
        let message = format!(
            "the collection {collection:?} has no vector {name:?} to search by: set \
             ASKBOOK_QDRANT_VECTOR to one of: {list}"
        );
        Err(PortError::new(ErrorKind::Misconfigured, message))
    }

    fn list(&self) -> String {
        let dense = self.dense.iter().map(|dense| {
            format!("{} ({})", dense.name.as_deref().unwrap_or("(unnamed)"), dense.size)
        });
        let sparse = self.sparse.iter().map(|name| format!("{name} (sparse)"));
        let all: Vec<String> = dense.chain(sparse).collect();
        if all.is_empty() { "none that can be used".to_owned() } else { all.join(", ") }
    }
}

fn dense(name: Option<&String>, vector: &VectorParams) -> Option<DenseVector> {
    let closeness = match vector.distance() {
        Distance::Cosine | Distance::Dot => Closeness::Cosine,
        Distance::Euclid => Closeness::Euclid,
        // No function of it is a cosine.
        Distance::Manhattan | Distance::UnknownDistance => return None,
    };
    let size = usize::try_from(vector.size).ok().and_then(NonZeroUsize::new)?;
    let single = vector.multivector_config.is_none();
    single.then(|| DenseVector { name: name.cloned(), size, closeness })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use qdrant_client::qdrant::{
        MultiVectorConfig, SparseVectorConfig, SparseVectorParams, VectorParamsMap, VectorsConfig,
    };

    use super::*;

    fn params(size: u64) -> VectorParams {
        VectorParams { size, distance: Distance::Cosine.into(), ..VectorParams::default() }
    }

    fn collection(vectors: Config, sparse: &[&str]) -> CollectionParams {
        let sparse = sparse.iter().map(|name| ((*name).to_owned(), SparseVectorParams::default()));
        CollectionParams {
            vectors_config: Some(VectorsConfig { config: Some(vectors) }),
            sparse_vectors_config: Some(SparseVectorConfig { map: sparse.collect() }),
            ..CollectionParams::default()
        }
    }

    fn named(vectors: &[(&str, VectorParams)]) -> Config {
        let map: HashMap<_, _> =
            vectors.iter().map(|(name, params)| ((*name).to_owned(), *params)).collect();
        Config::ParamsMap(VectorParamsMap { map })
    }

    fn choose(collection: &CollectionParams, own: bool, wish: Wish<'_>) -> Result<String, String> {
        let schema = Vectors::read(collection).choose(own, wish, "book");
        let schema = schema.map_err(|error| error.to_string())?;
        let dense = schema.dense.map(|d| format!("{}:{}", d.name.unwrap_or_default(), d.size));
        Ok([dense, schema.sparse].into_iter().flatten().collect::<Vec<_>>().join("+"))
    }

    #[test]
    fn one_vector_needs_no_setting() {
        let none = Wish::default();
        for (vectors, sparse, chosen) in [
            (Config::Params(params(3072)), &[][..], ":3072"),
            (named(&[("text-dense", params(1536))]), &[], "text-dense:1536"),
            (named(&[]), &["text-sparse"], "text-sparse"),
            (Config::Params(params(768)), &["text-sparse"], ":768"),
            (named(&[("text-dense", params(768))]), &["a", "b"], "text-dense:768"),
        ] {
            assert_eq!(choose(&collection(vectors, sparse), false, none).as_deref(), Ok(chosen));
        }
    }

    #[test]
    fn both_vectors_are_searched_only_where_askbook_wrote_them() {
        let own = collection(named(&[("dense", params(768))]), &["bm25"]);
        assert!(Vectors::read(&own).may_be_own_hybrid());
        assert_eq!(choose(&own, true, Wish::default()).as_deref(), Ok("dense:768+bm25"));
        assert_eq!(choose(&own, false, Wish::default()).as_deref(), Ok("dense:768"));
    }

    #[test]
    fn of_several_vectors_the_one_of_the_right_size_is_taken() {
        let two = collection(named(&[("a", params(384)), ("b", params(768))]), &[]);
        let wish = |size| Wish { vector: None, dimension: NonZeroUsize::new(size) };
        assert_eq!(choose(&two, false, wish(768)).as_deref(), Ok("b:768"));
        for unclear in [wish(0), wish(1536)] {
            let error = choose(&two, false, unclear).unwrap_err();
            assert!(
                error.ends_with("ASKBOOK_QDRANT_VECTOR to one of: a (384), b (768)"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_named_vector_wins_and_has_to_exist() {
        let two = collection(named(&[("a", params(384)), ("b", params(768))]), &["s"]);
        let wish = |vector| Wish { vector: Some(vector), dimension: NonZeroUsize::new(384) };
        assert_eq!(choose(&two, false, wish("b")).as_deref(), Ok("b:768"));
        assert_eq!(choose(&two, false, wish("s")).as_deref(), Ok("s"));
        let error = choose(&two, false, wish("c")).unwrap_err();
        assert!(error.contains("no vector \"c\"") && error.contains("s (sparse)"), "{error}");
    }

    #[test]
    fn vectors_that_cannot_be_compared_are_left_out() {
        let multi =
            VectorParams { multivector_config: Some(MultiVectorConfig::default()), ..params(128) };
        let manhattan = VectorParams { distance: Distance::Manhattan.into(), ..params(768) };
        let mixed = [("colbert", multi), ("m", manhattan), ("text", params(768))];
        let only_text = collection(named(&mixed), &[]);
        assert_eq!(choose(&only_text, false, Wish::default()).as_deref(), Ok("text:768"));
        let error = choose(&collection(named(&mixed[..2]), &[]), false, Wish::default());
        assert!(error.unwrap_err().ends_with("none that can be used"));
    }

    #[test]
    fn a_euclidean_distance_of_unit_vectors_becomes_their_cosine() {
        for (distance, cosine) in [(0.0, 1.0), (2f32.sqrt(), 0.0), (2.0, -1.0)] {
            assert!((Closeness::Euclid.cosine(distance) - cosine).abs() < 1e-6);
        }
    }
}
