//! Keeps the index in step with the book.

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use askbook::indexing;
use askbook::passage::Passage;
use askbook::ports::{Embedder, Index};
use askbook_docusaurus::Reading;
use tracing::{info, warn};

use crate::book::Book;

/// What makes an index of the book.
#[derive(Clone)]
pub(crate) struct Indexer {
    pub(crate) book: Book,
    pub(crate) embedder: Arc<dyn Embedder>,
    pub(crate) index: Arc<dyn Index>,
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
    pub(crate) pages: usize,
    pub(crate) passages: usize,
}

impl Indexer {
    /// Makes sure, where that is allowed at once, that there is an index, whatever its age.
    ///
    /// # Errors
    /// There is neither an index nor a book to make one of.
    pub(crate) async fn ensure(&self) -> anyhow::Result<Option<Extent>> {
        if self.unasked == Unasked::NotOurs || self.in_service().await.is_some() {
            return Ok(None);
        }
        let reading = self.read().await.context("there is no index yet, and no book to index")?;
        mention_findings(&reading);
        match self.unasked {
            Unasked::AtOnce => self.index(reading, |_| ()).await.map(Some),
            Unasked::Meanwhile | Unasked::Never | Unasked::NotOurs => Ok(None),
        }
    }

    /// Indexes the book when the index in service is not of it as it is now; where that is not
    /// allowed, says so. A book that cannot be read leaves the index as it is.
    pub(crate) async fn renew(&self) -> anyhow::Result<()> {
        if self.unasked == Unasked::NotOurs {
            return Ok(());
        }
        let reading = match self.read().await {
            Ok(reading) => reading,
            Err(error) => {
                let error = format!("{error:#}");
                warn!(error, "the book cannot be read; the index stays as it is");
                return Ok(());
            }
        };
        mention_findings(&reading);
        let wanted = indexing::fingerprint(&reading.passages, self.embedder.as_ref());
        let current = self.in_service().await == Some(wanted);
        match (current, self.unasked) {
            (true, _) => info!(
                index.pages = reading.pages.len(),
                index.passages = reading.passages.len(),
                "the index is up to date"
            ),
            (false, Unasked::AtOnce | Unasked::Meanwhile) => {
                self.index(reading, |_| ()).await?;
            }
            (false, Unasked::Never | Unasked::NotOurs) => warn!(
                "there is no index of this book as it is now by this embedder: \
                 run `askbook index` to make it"
            ),
        }
        Ok(())
    }

    /// Reads the book.
    pub(crate) async fn read(&self) -> anyhow::Result<Reading> {
        let book = self.book.clone();
        Ok(tokio::task::spawn_blocking(move || book.read()).await??)
    }

    /// Makes an index of what was read; `progress` is told how many passages are embedded.
    pub(crate) async fn index(
        &self,
        reading: Reading,
        progress: impl FnMut(usize) + Send,
    ) -> anyhow::Result<Extent> {
        let extent = Extent { pages: reading.pages.len(), passages: reading.passages.len() };
        let passages: Vec<Passage> = reading.passages;
        indexing::index(passages, self.embedder.as_ref(), self.index.as_ref(), progress).await?;
        let Extent { pages, passages } = extent;
        info!(index.pages = pages, index.passages = passages, "the book is indexed");
        Ok(extent)
    }

    /// What the index in service is made from. One that cannot say is as good as none.
    async fn in_service(&self) -> Option<String> {
        self.index.fingerprint().await.unwrap_or_else(|error| {
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

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pages, passages } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "{pages} page{}, {passages} passage{}", plural(*pages), plural(*passages))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use askbook::embedding::VectorShape;
    use askbook_memory::{MemoryEmbedder, MemoryStore};

    use super::*;

    fn indexer(folder: &std::path::Path, unasked: Unasked) -> Indexer {
        Indexer {
            book: Book {
                folder: folder.to_owned(),
                site_url: None,
                route_base_path: "/docs".to_owned(),
            },
            embedder: Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
            index: Arc::new(MemoryStore::new()),
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
            (Unasked::AtOnce, Some(Extent { pages: 1, passages: 1 })),
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
    async fn without_index_and_book_there_is_nothing_to_start_with() {
        let empty = tempfile::tempdir().unwrap();
        for unasked in [Unasked::AtOnce, Unasked::Meanwhile, Unasked::Never] {
            assert!(indexer(empty.path(), unasked).ensure().await.is_err(), "{unasked:?}");
        }
        assert!(indexer(empty.path(), Unasked::NotOurs).ensure().await.is_ok());
    }
}
