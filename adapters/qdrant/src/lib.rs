//! A Qdrant server over gRPC: retriever, corpus and index.
//!
//! Any collection that holds passages can be searched: how its vectors and its payloads are laid
//! out is found out from the collection itself. What askbook writes on its own goes into
//! collections of askbook's own layout behind an alias, never into somebody else's.

mod address;
mod corpus;
mod description;
mod draft;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod index;
mod link;
mod payload;
mod point;
mod schema;
mod search;
mod store;

pub use address::{Address, AddressError};
pub use description::{Description, Field, Sample, VectorDescription, VectorKind};
pub use payload::Fields;
pub use store::{QdrantSettings, QdrantStore};
