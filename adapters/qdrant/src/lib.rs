//! A Qdrant server over gRPC: retriever and index.
