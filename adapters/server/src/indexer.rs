//! Keeps the index in step with the book.

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use askbook::indexing::{self, Changes};
use askbook::manifest::{Manifest, Recipe};
use askbook::ports::{Embedder, Index};
use tracing::{info, warn};

use crate::book::{Book, Reading};
use crate::recipe::WantedRecipe;

/// What makes an index of the book.
#[derive(Clone)]
pub(crate) struct Indexer {
    pub(crate) book: Book,
    pub(crate) embedder: Arc<dyn Embedder>,
    pub(crate) index: Arc<dyn Index>,
    pub(crate) wanted: WantedRecipe,
    pub(crate) unasked: Unasked,
}

/// Whether the book may be indexed without being asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unasked {
    /// It may, and the first time before anything else: it costs nothing and takes a moment.
    AtOnce,
    /// It may, while other things go on: it takes calls to a service.
    Meanwhile,
    /// It may not: it takes calls to a service, and what they made is kept.
    #[cfg_attr(
        not(any(feature = "edge", test)),
        expect(dead_code, reason = "an index in memory is not kept")
    )]
    Never,
    /// It may not, nor is it asked what is in the index, which may be anybody's.
    NotOurs,
}

/// How much was indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// `None` for what is not made of pages.
    pub(crate) pages: Option<usize>,
    pub(crate) passages: usize,
}

impl Indexer {
    /// Makes sure, where that is allowed at once, that there is an index that can be searched
    /// with the settings, whatever its age.
    ///
    /// # Errors
    /// There is neither such an index nor a book to make one of; or there is one that was made
    /// in another way, and it may not be made anew unasked.
    pub(crate) async fn ensure(&self) -> anyhow::Result<Option<Extent>> {
        if self.unasked == Unasked::NotOurs {
            return Ok(None);
        }
        let why = match self.in_service().await {
            None => "there is no index yet, and no book to index".to_owned(),
            Some(manifest) => match self.wanted.check(&manifest.recipe) {
                Ok(()) => return Ok(None),
                Err(unfit) if self.is_outdated(&manifest) => {
                    let why = unfit.to_string();
                    warn!(why, "the index is made anew");
                    why
                }
                Err(unfit) => return Err(unfit.into()),
            },
        };
        let reading = self.read_again().await.context(why)?;
        mention_findings(&reading);
        match self.unasked {
            Unasked::AtOnce => self.index(reading, |_, _| ()).await.map(|done| Some(done.0)),
            Unasked::Meanwhile | Unasked::Never | Unasked::NotOurs => Ok(None),
        }
    }

    /// Indexes the book when the index in service is not of it as it is now; where that is not
    /// allowed, says so. A book that cannot be read leaves the index as it is.
    pub(crate) async fn renew(&self) -> anyhow::Result<()> {
        if self.unasked == Unasked::NotOurs {
            return Ok(());
        }
        let reading = match self.read_again().await {
            Ok(reading) => reading,
            Err(error) => {
                let error = format!("{error:#}");
                warn!(error, "the book cannot be read; the index stays as it is");
                return Ok(());
            }
        };
        mention_findings(&reading);
        let current = self.in_service().await.is_some_and(|manifest| {
            self.wanted.check(&manifest.recipe).is_ok()
                && Manifest::of(&reading.passages, manifest.recipe).corpus == manifest.corpus
        });
        match (current, self.unasked) {
            (true, _) => {
                let extent = Extent::of(&reading).to_string();
                info!(extent, "the index is up to date");
            }
            (false, Unasked::AtOnce | Unasked::Meanwhile) => {
                self.index(reading, |_, _| ()).await?;
            }
            (false, Unasked::Never | Unasked::NotOurs) => warn!(
                "there is no index of this book as it is now by this embedder: \
                 run `askbook index` to make it"
            ),
        }
        Ok(())
    }

    /// Reads the book because the owner asked for it.
    pub(crate) async fn read(&self) -> anyhow::Result<Reading> {
        let book = self.book.clone();
        tokio::task::spawn_blocking(move || book.read()).await?
    }

    async fn read_again(&self) -> anyhow::Result<Reading> {
        let book = self.book.clone();
        tokio::task::spawn_blocking(move || book.read_again()).await?
    }

    /// What [`Self::index`] would do.
    pub(crate) async fn plan(&self, reading: &Reading) -> anyhow::Result<Changes> {
        let recipe = self.wanted.recipe.clone();
        Ok(indexing::plan(&reading.passages, recipe, self.index.as_ref()).await?)
    }

    /// Makes an index of what was read; `progress` is told what there is to do, and how many
    /// passages are embedded and kept.
    pub(crate) async fn index(
        &self,
        reading: Reading,
        progress: impl FnMut(&Changes, usize) + Send,
    ) -> anyhow::Result<(Extent, Changes)> {
        let extent = Extent::of(&reading);
        let (embedder, index) = (self.embedder.as_ref(), self.index.as_ref());
        let chunker = self.book.chunker();
        let changes = indexing::index(reading.passages, embedder, chunker, index, progress).await?;
        info!(
            index.passages = extent.passages,
            index.embedded = changes.embedded(),
            index.removed = changes.removed.len(),
            "the book is indexed"
        );
        Ok((extent, changes))
    }

    /// Whether an index that cannot be searched is one that another version of askbook made with
    /// the same settings, so that it may be replaced unasked. With other settings it may be right,
    /// and they wrong.
    fn is_outdated(&self, index: &Manifest) -> bool {
        let recipe = Recipe { chunker: self.wanted.recipe.chunker.clone(), ..index.recipe.clone() };
        self.unasked == Unasked::AtOnce && recipe == self.wanted.recipe
    }

    /// What the index in service is. One that cannot say is as good as none.
    async fn in_service(&self) -> Option<Manifest> {
        self.index.manifest().await.unwrap_or_else(|error| {
            let error = format!("{:#}", anyhow::Error::new(error));
            warn!(error, "the index cannot be used");
            None
        })
    }
}

fn mention_findings(reading: &Reading) {
    let findings = reading.findings.len();
    if findings > 0 {
        warn!(findings, "parts of the book cannot be read: `askbook index` lists them");
    }
}

impl Extent {
    pub(crate) fn of(reading: &Reading) -> Self {
        Self { pages: reading.pages, passages: reading.passages.len() }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        if let Some(pages) = self.pages {
            write!(f, "{pages} page{}, ", plural(pages))?;
        }
        write!(f, "{} passage{}", self.passages, plural(self.passages))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use askbook::embedding::VectorShape;
    use askbook::error::ErrorKind;
    use askbook::manifest::Recipe;
    use askbook_memory::{MemoryEmbedder, MemoryStore};

    use super::*;
    use crate::book::Source;

    fn indexer(folder: &std::path::Path, unasked: Unasked) -> Indexer {
        let (site_url, route_base_path, from_build) = (None, None, None);
        let source = Source::Site(folder.to_owned());
        let book = Book { source, site_url, route_base_path, from_build };
        let embedder = MemoryEmbedder::new(VectorShape::sparse());
        let recipe = Recipe::of(&embedder, book.chunker());
        let place = "memory".to_owned();
        Indexer {
            book,
            embedder: Arc::new(embedder),
            index: Arc::new(MemoryStore::new()),
            wanted: WantedRecipe { recipe, any_dimension: true, place },
            unasked,
        }
    }

    fn book() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("whales.md"), "# Whales\n\nThey sing.\n").unwrap();
        folder
    }

    #[tokio::test]
    async fn only_what_is_free_is_indexed_before_anything_else() {
        let book = book();
        for (unasked, first) in [
            (Unasked::AtOnce, Some(Extent { pages: Some(1), passages: 1 })),
            (Unasked::Meanwhile, None),
            (Unasked::Never, None),
            (Unasked::NotOurs, None),
        ] {
            assert_eq!(indexer(book.path(), unasked).ensure().await.unwrap(), first);
        }
    }

    #[tokio::test]
    async fn only_what_is_allowed_is_indexed_unasked() {
        let book = book();
        for (unasked, indexed) in [
            (Unasked::AtOnce, true),
            (Unasked::Meanwhile, true),
            (Unasked::Never, false),
            (Unasked::NotOurs, false),
        ] {
            let indexer = indexer(book.path(), unasked);
            indexer.renew().await.unwrap();
            assert_eq!(indexer.in_service().await.is_some(), indexed, "{unasked:?}");
        }
    }

    #[tokio::test]
    async fn a_changed_book_makes_a_new_index_and_a_lost_one_leaves_the_old() {
        let book = book();
        let indexer = indexer(book.path(), Unasked::AtOnce);
        indexer.ensure().await.unwrap();
        let first = indexer.in_service().await;
        indexer.renew().await.unwrap();
        assert_eq!(indexer.in_service().await, first);
        fs::write(book.path().join("whales.md"), "# Whales\n\nThey dive.\n").unwrap();
        indexer.renew().await.unwrap();
        let second = indexer.in_service().await;
        assert_ne!(second, first);
        fs::remove_file(book.path().join("whales.md")).unwrap();
        indexer.renew().await.unwrap();
        assert_eq!(indexer.in_service().await, second);
    }

    #[tokio::test]
    async fn an_index_that_was_made_in_another_way_is_remade_or_told() {
        let book = book();
        let dense = VectorShape::dense(std::num::NonZeroUsize::MIN);
        let made_by = |shape| {
            let indexer = indexer(book.path(), Unasked::AtOnce);
            let embedder = MemoryEmbedder::new(shape);
            let recipe = Recipe::of(&embedder, indexer.book.chunker());
            let wanted = WantedRecipe { recipe, ..indexer.wanted.clone() };
            Indexer { embedder: Arc::new(embedder), wanted, ..indexer }
        };
        let sparse = VectorShape::sparse();
        for (old, new, chunker, unasked, remade) in [
            (sparse, sparse, "newer", Unasked::AtOnce, true),
            (sparse, sparse, "newer", Unasked::Never, false),
            (sparse, dense, "same", Unasked::AtOnce, false),
            (dense, sparse, "same", Unasked::AtOnce, false),
        ] {
            let mut old = made_by(old);
            if chunker == "newer" {
                "older".clone_into(&mut old.wanted.recipe.chunker);
                let passages = old.read().await.unwrap().passages;
                let (embedder, index) = (old.embedder.as_ref(), old.index.as_ref());
                indexing::index(passages, embedder, "older", index, |_, _| ()).await.unwrap();
            } else {
                old.ensure().await.unwrap();
            }
            let new = Indexer { index: Arc::clone(&old.index), unasked, ..made_by(new) };
            let ensured = new.ensure().await;
            assert_eq!(ensured.is_ok(), remade, "{ensured:?}");
            let in_service = new.in_service().await.unwrap().recipe;
            assert_eq!(in_service == new.wanted.recipe, remade);
            if let Err(error) = ensured {
                let error = error.downcast::<askbook::error::PortError>().unwrap();
                assert_eq!(error.kind(), ErrorKind::Misconfigured);
            }
        }
    }

    #[tokio::test]
    async fn without_index_and_book_there_is_nothing_to_start_with() {
        let empty = tempfile::tempdir().unwrap();
        for unasked in [Unasked::AtOnce, Unasked::Meanwhile, Unasked::Never] {
            assert!(indexer(empty.path(), unasked).ensure().await.is_err(), "{unasked:?}");
        }
        assert!(indexer(empty.path(), Unasked::NotOurs).ensure().await.is_ok());
    }
}
