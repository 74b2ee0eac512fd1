//! Qdrant's engine in process: BM25 embedder, retriever and index on disk.
