//! A Qdrant server over gRPC: retriever and index.
//!
//! Any collection that holds passages can be searched: how its vectors and its payloads are laid
//! out is found out from the collection itself. What askbook writes on its own goes into
//! collections of askbook's own layout behind an alias, never into somebody else's.

mod address;
mod failure;
mod index;
mod link;
mod payload;
mod schema;
mod store;

pub use address::{Address, AddressError};
pub use payload::Fields;
pub use store::{QdrantSettings, QdrantStore};
