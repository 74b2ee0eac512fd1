//! Vectors: what an embedder makes and an index is searched with.

use std::fmt;
use std::num::NonZeroUsize;

/// What a text is embedded for. Asymmetric models treat the two differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A question that looks for passages.
    Query,
    /// A passage to be found.
    Passage,
}

/// Which vectors belong to a text: a dense one of a given length, a sparse one, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VectorShape {
    /// Number of components of the dense vector, if there is one.
    pub dense: Option<NonZeroUsize>,
    /// Whether there is a sparse vector.
    pub sparse: bool,
}

impl VectorShape {
    /// Only a dense vector of this many components.
    pub fn dense(dimension: NonZeroUsize) -> Self {
        Self { dense: Some(dimension), sparse: false }
    }

    /// Only a sparse vector.
    pub fn sparse() -> Self {
        Self { dense: None, sparse: true }
    }
}

impl fmt::Display for VectorShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.dense, self.sparse) {
            (Some(dimension), true) => write!(f, "dense vectors of {dimension} and sparse ones"),
            (Some(dimension), false) => write!(f, "dense vectors of {dimension}"),
            (None, true) => f.write_str("sparse vectors"),
            (None, false) => f.write_str("no vectors"),
        }
    }
}

/// A sparse vector: the value of every component that is not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseVector {
    /// Which components, each at most once, in any order.
    pub indices: Vec<u32>,
    /// Their values, in the same order; never NaN.
    pub values: Vec<f32>,
}

/// The vectors of one text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// The dense vector, of unit length.
    pub dense: Option<Vec<f32>>,
    /// The sparse vector; empty when the text has no term that counts.
    pub sparse: Option<SparseVector>,
}

impl Embedding {
    /// Which vectors there are; `None` for the length of an empty dense vector.
    pub fn shape(&self) -> VectorShape {
        VectorShape {
            dense: self.dense.as_ref().and_then(|dense| NonZeroUsize::new(dense.len())),
            sparse: self.sparse.is_some(),
        }
    }
}
