//! The forms in which passages, vectors and recipes are written: to the engine, a draft's journal and
//! the index's manifest.

use std::num::NonZeroUsize;

use askbook::embedding::{Embedding, SparseVector, VectorShape};
use askbook::manifest::Recipe;
use askbook::passage::{Edition, Passage, PassageId};
use askbook::ports::Entry;
use serde::{Deserialize, Serialize};

/// A passage as it is written.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct StoredPassage {
    pub(crate) id: String,
    title: String,
    headings: Vec<String>,
    url: Option<String>,
    text: String,
    edition: Option<StoredEdition>,
}

#[derive(Debug, Deserialize, Serialize)]
struct StoredEdition {
    locale: String,
    version: String,
    url: String,
}

/// An entry as it is written.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct StoredEntry {
    pub(crate) passage: StoredPassage,
    dense: Option<Vec<f32>>,
    sparse: Option<(Vec<u32>, Vec<f32>)>,
}

impl From<Passage> for StoredPassage {
    fn from(passage: Passage) -> Self {
        let Passage { id: PassageId(id), title, headings, url, text, edition } = passage;
        let edition =
            edition.map(|Edition { locale, version, url }| StoredEdition { locale, version, url });
        Self { id, title, headings, url, text, edition }
    }
}

impl From<StoredPassage> for Passage {
    fn from(stored: StoredPassage) -> Self {
        let StoredPassage { id, title, headings, url, text, edition } = stored;
        let edition =
            edition.map(|StoredEdition { locale, version, url }| Edition { locale, version, url });
        Self { id: PassageId(id), title, headings, url, text, edition }
    }
}

impl From<Entry> for StoredEntry {
    fn from(Entry { passage, embedding: Embedding { dense, sparse } }: Entry) -> Self {
        let sparse = sparse.map(|SparseVector { indices, values }| (indices, values));
        Self { passage: passage.into(), dense, sparse }
    }
}

impl From<StoredEntry> for Entry {
    fn from(StoredEntry { passage, dense, sparse }: StoredEntry) -> Self {
        let sparse = sparse.map(|(indices, values)| SparseVector { indices, values });
        Self { passage: passage.into(), embedding: Embedding { dense, sparse } }
    }
}

/// A recipe as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct StoredRecipe {
    space: String,
    dense: Option<NonZeroUsize>,
    sparse: bool,
    chunker: String,
}

impl From<Recipe> for StoredRecipe {
    fn from(recipe: Recipe) -> Self {
        let Recipe { space, shape: VectorShape { dense, sparse }, chunker } = recipe;
        Self { space, dense, sparse, chunker }
    }
}

impl From<StoredRecipe> for Recipe {
    fn from(stored: StoredRecipe) -> Self {
        let StoredRecipe { space, dense, sparse, chunker } = stored;
        Self { space, shape: VectorShape { dense, sparse }, chunker }
    }
}
