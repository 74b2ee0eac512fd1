//! The copy of a collection that has no terms to search by: an index of them, kept beside it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use askbook::indexing;
use askbook::manifest::{Manifest, Recipe};
use askbook::passage::Passage;
use askbook::ports::{Corpus, Embedder, Index, Retriever};
use tracing::{info, warn};

/// How many passages are read at once.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// After a refresh that failed, the next one comes no later than this.
const RETRY: Duration = Duration::from_mins(1);

/// Keeps the copy of an index in step with it.
pub(crate) struct Mirror {
    /// What is copied.
    pub(crate) primary: Arc<dyn Retriever>,
    /// The same, read through.
    pub(crate) corpus: Arc<dyn Corpus>,
    /// Makes the vectors of the copy.
    pub(crate) embedder: Arc<dyn Embedder>,
    /// Names what is copied, so that the copy of one collection is never taken for another's.
    pub(crate) chunker: String,
    /// Where the copy is.
    pub(crate) index: Arc<dyn Index>,
    /// The file whose age is that of the copy.
    pub(crate) stamp: PathBuf,
    /// How old the copy may become.
    pub(crate) every: Duration,
}

impl Mirror {
    /// Keeps the copy in step for as long as it is polled. What goes wrong is logged and leaves
    /// the copy as it is.
    pub(crate) async fn keep(&self) {
        let mut wait = self.due_in().await;
        loop {
            tokio::time::sleep(wait).await;
            wait = match self.refresh().await {
                Ok(_) => self.every,
                Err(error) => {
                    let error = format!("{error:#}");
                    warn!(error, "the copy of the collection stays as it is");
                    self.every.min(RETRY)
                }
            };
        }
    }

    /// Makes the copy if there is none of this collection.
    pub(crate) async fn ensure(&self) {
        if self.copy().await.is_none()
            && let Err(error) = self.refresh().await
        {
            let error = format!("{error:#}");
            warn!(error, "the collection cannot be copied to be searched by terms too");
        }
    }

    /// Brings the copy up to date; gives what it holds, or `None` when no copy is needed.
    pub(crate) async fn refresh(&self) -> anyhow::Result<Option<Manifest>> {
        if self.primary.shape().await?.sparse {
            return Ok(None);
        }
        let passages = self.passages().await.context("the collection cannot be read through")?;
        let progress = |_: &indexing::Changes, _| ();
        let changes = indexing::index(
            passages,
            self.embedder.as_ref(),
            &self.chunker,
            self.index.as_ref(),
            progress,
        )
        .await
        .context("the copy of the collection cannot be written")?;
        let stamp = self.stamp.clone();
        let stamped = tokio::task::spawn_blocking(move || fs::write(stamp, b"")).await?;
        stamped.with_context(|| format!("cannot write {}", self.stamp.display()))?;
        info!(
            mirror.passages = changes.manifest.passages,
            mirror.changed = changes.embedded() + changes.removed.len(),
            "the collection is copied to be searched by terms"
        );
        Ok(Some(changes.manifest))
    }

    /// What is in the copy, if that is one of this collection.
    async fn copy(&self) -> Option<Manifest> {
        let recipe = Recipe::of(self.embedder.as_ref(), &self.chunker);
        self.index.manifest().await.ok().flatten().filter(|copy| copy.recipe == recipe)
    }

    /// How long the copy is still young enough.
    async fn due_in(&self) -> Duration {
        let stamp = self.stamp.clone();
        let age = tokio::task::spawn_blocking(move || -> io::Result<Duration> {
            let made = fs::metadata(stamp)?.modified()?;
            SystemTime::now().duration_since(made).map_err(io::Error::other)
        });
        match (self.copy().await, age.await) {
            (Some(_), Ok(Ok(age))) => self.every.saturating_sub(age),
            _ => Duration::ZERO,
        }
    }

    /// All passages of the collection that have a text, each once.
    async fn passages(&self) -> anyhow::Result<Vec<Passage>> {
        let (mut passages, mut ids) = (Vec::new(), HashSet::new());
        let mut after = None;
        loop {
            let page = self.corpus.page(after.as_deref(), PAGE, false).await?;
            let read = page.entries.into_iter().map(|entry| entry.passage);
            passages.extend(
                read.filter(|passage| !passage.text.trim().is_empty())
                    .filter(|passage| ids.insert(passage.id.clone())),
            );
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(passages),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use askbook::embedding::VectorShape;
    use askbook::passage::PassageId;
    use askbook_memory::{MemoryEmbedder, MemoryStore};

    use super::*;

    fn passage(id: usize, text: &str) -> Passage {
        Passage {
            id: PassageId(format!("{id:04}")),
            title: String::new(),
            headings: Vec::new(),
            url: None,
            text: text.to_owned(),
            edition: None,
        }
    }

    /// A collection of these passages with vectors of this shape.
    async fn collection(store: &MemoryStore, shape: VectorShape, passages: Vec<Passage>) {
        let embedder = MemoryEmbedder::new(shape);
        indexing::index(passages, &embedder, "theirs", store, |_, _| ()).await.unwrap();
    }

    struct Place {
        primary: Arc<MemoryStore>,
        copy: Arc<MemoryStore>,
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let (primary, copy) = (Arc::default(), Arc::default());
            Self { primary, copy, folder: tempfile::tempdir().unwrap() }
        }

        fn mirror(&self, chunker: &str) -> Mirror {
            Mirror {
                primary: Arc::clone(&self.primary) as Arc<dyn Retriever>,
                corpus: Arc::clone(&self.primary) as Arc<dyn Corpus>,
                embedder: Arc::new(MemoryEmbedder::new(VectorShape::sparse())),
                chunker: chunker.to_owned(),
                index: Arc::clone(&self.copy) as Arc<dyn Index>,
                stamp: self.folder.path().join("stamp"),
                every: Duration::from_hours(1),
            }
        }

        async fn copied(&self) -> usize {
            self.copy.manifest().await.unwrap().map_or(0, |manifest| manifest.passages)
        }
    }

    fn dense() -> VectorShape {
        VectorShape::dense(NonZeroUsize::new(8).unwrap())
    }

    #[tokio::test]
    async fn the_whole_collection_is_copied_but_for_what_has_no_text() {
        let place = Place::new();
        let passages = (0..PAGE.get() + 10).map(|id| passage(id, if id == 3 { " " } else { "x" }));
        collection(&place.primary, dense(), passages.collect()).await;
        let mirror = place.mirror("copy");
        mirror.ensure().await;
        assert_eq!(place.copied().await, PAGE.get() + 9);

        collection(&place.primary, dense(), vec![passage(1, "x"), passage(2, "new")]).await;
        mirror.ensure().await;
        assert_eq!(place.copied().await, PAGE.get() + 9, "there is one already");
        mirror.refresh().await.unwrap();
        assert_eq!(place.copied().await, 2);
    }

    #[tokio::test]
    async fn a_collection_with_terms_is_not_copied() {
        let place = Place::new();
        collection(&place.primary, VectorShape::sparse(), vec![passage(1, "x")]).await;
        assert_eq!(place.mirror("copy").refresh().await.unwrap(), None);
        assert_eq!(place.copied().await, 0);
    }

    #[tokio::test]
    async fn a_copy_is_due_when_it_is_missing_old_or_of_something_else() {
        let place = Place::new();
        collection(&place.primary, dense(), vec![passage(1, "x")]).await;
        let mirror = place.mirror("copy");
        assert_eq!(mirror.due_in().await, Duration::ZERO);
        mirror.refresh().await.unwrap();
        assert!(mirror.due_in().await > Duration::from_mins(50));
        assert_eq!(place.mirror("copy of another").due_in().await, Duration::ZERO);
        let impatient = Mirror { every: Duration::ZERO, ..place.mirror("copy") };
        assert_eq!(impatient.due_in().await, Duration::ZERO);
    }

    #[tokio::test]
    async fn a_refresh_that_fails_leaves_the_copy() {
        let place = Place::new();
        collection(&place.primary, dense(), vec![passage(1, "x")]).await;
        place.mirror("copy").refresh().await.unwrap();
        collection(&place.primary, dense(), vec![passage(1, " ")]).await;
        assert!(place.mirror("copy").refresh().await.is_err());
        assert_eq!(place.copied().await, 1);
    }
}
