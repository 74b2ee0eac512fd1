//! The contracts of the ports.

mod bm25_embedder {
    askbook::embedder_contract!(crate::bm25);
}

mod dense_retriever {
    askbook::retriever_contract!(crate::filled, crate::dense());
}

mod sparse_retriever {
    askbook::retriever_contract!(crate::filled, askbook::embedding::VectorShape::sparse());
}

mod hybrid_retriever {
    askbook::retriever_contract!(crate::filled, crate::both());
}

mod dense_index {
    askbook::index_contract!(crate::store, crate::dense());
    askbook::lasting_index_contract!(crate::store, crate::dense());
}

mod sparse_index {
    askbook::index_contract!(crate::store, askbook::embedding::VectorShape::sparse());
    askbook::lasting_index_contract!(crate::store, askbook::embedding::VectorShape::sparse());
}

mod hybrid_index {
    askbook::index_contract!(crate::store, crate::both());
    askbook::lasting_index_contract!(crate::store, crate::both());
}
