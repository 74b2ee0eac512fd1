//! Where an index is kept, by each of its ports, and what keeps it fresh.

use std::sync::Arc;
use std::time::Duration;

use askbook::ports::{Corpus, Index, Retriever};
#[cfg(feature = "edge")]
use askbook_edge::EdgeStore;

#[cfg(feature = "edge")]
use crate::mirror::Mirror;
use crate::recipe::WantedRecipe;

/// A store.
#[derive(Clone)]
pub(crate) struct Store {
    /// Finds; an index that was made in another way than the settings ask for is refused.
    pub(crate) retriever: Arc<dyn Retriever>,
    /// Keeps.
    pub(crate) index: Arc<dyn Index>,
    /// Is read through.
    pub(crate) corpus: Arc<dyn Corpus>,
    /// How its index is to be made.
    pub(crate) wanted: WantedRecipe,
    /// What other processes may put a new index into.
    #[cfg(feature = "edge")]
    pub(crate) embedded: Vec<Arc<EdgeStore>>,
    /// The copy that is searched by terms, where there is one.
    #[cfg(feature = "edge")]
    pub(crate) mirror: Option<Arc<Mirror>>,
}

impl Store {
    /// One store for everything.
    pub(crate) fn new<S: Retriever + Index + Corpus>(store: Arc<S>, wanted: WantedRecipe) -> Self {
        Self {
            retriever: Arc::clone(&store) as Arc<dyn Retriever>,
            index: Arc::clone(&store) as Arc<dyn Index>,
            corpus: store,
            wanted,
            #[cfg(feature = "edge")]
            embedded: Vec::new(),
            #[cfg(feature = "edge")]
            mirror: None,
        }
    }

    /// Where it is, for people.
    pub(crate) fn place(&self) -> &str {
        &self.wanted.place
    }

    /// Makes what searches should not be without, if it is not there.
    #[cfg_attr(not(feature = "edge"), expect(clippy::unused_async, reason = "nothing is made"))]
    pub(crate) async fn ensure_mirror(&self) {
        #[cfg(feature = "edge")]
        if let Some(mirror) = &self.mirror {
            mirror.ensure().await;
        }
    }

    /// Keeps it fresh for as long as it is polled: looks each time whether another process has
    /// put a new index into service, and refreshes the copy when it is due.
    #[cfg(feature = "edge")]
    pub(crate) async fn keep(&self, each: Duration) {
        let copy = async {
            if let Some(mirror) = &self.mirror {
                mirror.keep().await;
            }
        };
        tokio::join!(self.watch(each), copy);
    }

    /// Nothing here can be replaced by another process.
    #[cfg(not(feature = "edge"))]
    #[expect(clippy::unused_async, reason = "with the embedded engine there is something to do")]
    pub(crate) async fn keep(&self, _each: Duration) {}

    #[cfg(feature = "edge")]
    async fn watch(&self, each: Duration) {
        while !self.embedded.is_empty() {
            tokio::time::sleep(each).await;
            for store in &self.embedded {
                match store.refresh().await {
                    Ok(true) => tracing::info!("a new index is in service"),
                    Ok(false) => {}
                    Err(error) => {
                        let error = format!("{:#}", anyhow::Error::new(error));
                        tracing::warn!(error, "a new index cannot be put into service");
                    }
                }
            }
        }
    }
}
