//! How an index must have been made to be searched with the settings.

use std::num::NonZeroUsize;
use std::sync::Arc;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::manifest::Recipe;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Index, Rankings, Retriever};
use async_trait::async_trait;
use tokio::sync::OnceCell;

use crate::jsonl;

/// The recipe that the settings ask for.
#[derive(Clone, Debug)]
pub(crate) struct WantedRecipe {
    pub(crate) recipe: Recipe,
    /// Whether the dense vectors of an index that is there may have any length.
    pub(crate) any_dimension: bool,
    /// Where the index is, for people.
    pub(crate) place: String,
}

impl WantedRecipe {
    /// Checks that an index of this recipe can be searched.
    ///
    /// # Errors
    /// `Misconfigured`, naming each difference with both sides.
    pub(crate) fn check(&self, index: &Recipe) -> Result<(), PortError> {
        let mut wanted = self.recipe.clone();
        if let (Some(found), Some(dimension)) = (index.shape.dense, &mut wanted.shape.dense)
            && self.any_dimension
        {
            *dimension = found;
        }
        // Ready passages are searched like any others, also where nobody knows of their file: on a
        // server that only finds them in Qdrant.
        if [index, &wanted].iter().any(|recipe| recipe.chunker.starts_with(jsonl::CHUNKER)) {
            wanted.chunker.clone_from(&index.chunker);
        }
        let Some(difference) = index.difference(&wanted) else { return Ok(()) };
        let message = format!(
            "the index in {} was made in another way than the settings ask for ({difference}): \
             run `askbook index` to make it anew, or set what it was made with \
             (ASKBOOK_EMBEDDER, EMBEDDING_MODEL, EMBEDDING_DIMENSIONS, ASKBOOK_LANGUAGE)",
            self.place
        );
        Err(PortError::new(ErrorKind::Misconfigured, message))
    }
}

/// A store that is searched only when its index was made as the settings ask for, as far as it
/// can say: similar vectors of different models mean nothing to each other.
pub(crate) struct CheckedStore<S> {
    store: Arc<S>,
    wanted: WantedRecipe,
    /// Where asking how the index was made takes a call, the good end of it.
    checked: Option<OnceCell<()>>,
}

impl<S: Retriever + Index> CheckedStore<S> {
    /// A store that tells for nothing how its index was made, so that it is asked each time.
    #[cfg(feature = "edge")]
    pub(crate) fn local(store: Arc<S>, wanted: WantedRecipe) -> Self {
        Self { store, wanted, checked: None }
    }

    /// A store that is asked by a call, until the answer is good.
    pub(crate) fn remote(store: Arc<S>, wanted: WantedRecipe) -> Self {
        Self { store, wanted, checked: Some(OnceCell::new()) }
    }

    async fn check(&self) -> Result<(), PortError> {
        let check = || async {
            match self.store.manifest().await? {
                Some(manifest) => self.wanted.check(&manifest.recipe),
                None => Ok(()),
            }
        };
        match &self.checked {
            Some(checked) => checked.get_or_try_init(check).await.copied(),
            None => check().await,
        }
    }
}

#[async_trait]
impl<S: Retriever + Index> Retriever for CheckedStore<S> {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        let shape = self.store.shape().await?;
        self.check().await?;
        Ok(shape)
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        self.check().await?;
        self.store.retrieve(near, limit).await
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.check().await?;
        self.store.passages(ids).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.store.ready().await?;
        self.check().await
    }
}

#[cfg(test)]
mod tests {
    use askbook_memory::{MemoryEmbedder, MemoryStore};

    use super::*;

    fn wanted(dimension: usize, any_dimension: bool) -> WantedRecipe {
        let shape = VectorShape::dense(NonZeroUsize::new(dimension).unwrap());
        let recipe = Recipe { space: "a".to_owned(), shape, chunker: "1".to_owned() };
        WantedRecipe { recipe, any_dimension, place: "here".to_owned() }
    }

    #[test]
    fn a_difference_is_told_with_both_sides_and_what_to_do() {
        let index = Recipe { space: "b".to_owned(), ..wanted(2, true).recipe };
        let error = wanted(2, true).check(&index).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        for part in ["here", "the index has b, the settings ask for a", "askbook index"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn the_length_of_vectors_counts_only_when_it_is_set() {
        assert!(wanted(2, true).check(&wanted(3, true).recipe).is_ok());
        assert!(wanted(2, false).check(&wanted(3, true).recipe).is_err());
        let sparse = Recipe { shape: VectorShape::sparse(), ..wanted(2, true).recipe };
        assert!(wanted(2, true).check(&sparse).is_err());
    }

    #[test]
    fn ready_passages_are_searched_whatever_the_book_is() {
        let cut_by =
            |chunker: &str| Recipe { chunker: chunker.to_owned(), ..wanted(2, true).recipe };
        assert!(wanted(2, true).check(&cut_by("ready/1/2")).is_ok());
        assert!(wanted(2, true).check(&cut_by("2")).is_err());
        assert!(
            wanted(2, true)
                .check(&Recipe { space: "b".to_owned(), ..cut_by("ready/1/2") })
                .is_err()
        );
    }

    #[tokio::test]
    async fn an_index_that_was_made_in_another_way_is_not_searched() {
        let (store, embedder) =
            (Arc::new(MemoryStore::new()), MemoryEmbedder::new(VectorShape::sparse()));
        let recipe = Recipe::of(&embedder, "1");
        let passage = Passage {
            id: PassageId("a".to_owned()),
            title: String::new(),
            headings: Vec::new(),
            url: None,
            text: "Whales sing.".to_owned(),
            edition: None,
        };
        let (passages, progress) = (vec![passage], |_: &_, _| ());
        askbook::indexing::index(passages, &embedder, "1", store.as_ref(), progress).await.unwrap();
        let retriever = |chunker: &str| {
            let recipe = Recipe { chunker: chunker.to_owned(), ..recipe.clone() };
            let wanted = WantedRecipe { recipe, any_dimension: true, place: "memory".to_owned() };
            CheckedStore::remote(Arc::clone(&store), wanted)
        };
        assert!(retriever(&recipe.chunker).shape().await.is_ok());
        let other = retriever("2");
        assert_eq!(other.shape().await.unwrap_err().kind(), ErrorKind::Misconfigured);
        assert_eq!(other.ready().await.unwrap_err().kind(), ErrorKind::Misconfigured);
        assert!(other.retrieve(&Embedding::default(), NonZeroUsize::MIN).await.is_err());
        assert!(other.passages(&[PassageId("a".to_owned())]).await.is_err());
    }
}
