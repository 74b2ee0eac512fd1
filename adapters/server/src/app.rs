//! The running service.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use askbook::ports::Journal;
use askbook_http::Server;
use askbook_journal::FileJournal;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::indexer::{Extent, Indexer, Unasked};
use crate::start::AwaitedRetriever;
use crate::store::Store;
use crate::telemetry;
use crate::wiring::{self, Conversations, Models, Pace};

/// How long the end waits for the disk of the journal.
const FLUSH: Duration = Duration::from_secs(2);

/// A service that answers. It stops when it is dropped.
pub struct App {
    address: SocketAddr,
    /// What serves, until it is told to stop.
    serving: JoinSet<()>,
    stop: oneshot::Sender<()>,
    indexer: Indexer,
    store: Store,
    journal: Option<Arc<FileJournal>>,
    index_refresh: Duration,
    extent: Option<Extent>,
    book: String,
}

impl App {
    /// Opens the socket before anything else, puts the parts together, and serves. Calls no
    /// upstream, and waits for no Redis: that is connected to meanwhile. When there is no index yet
    /// and making one takes no upstream either, the book is indexed; meanwhile the service says
    /// that it runs and is not ready, and questions wait.
    ///
    /// # Errors
    /// The address cannot be listened on; a part cannot be had; there is neither an index nor a
    /// book; the index was made in another way than the settings ask for.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let settings = &config.settings;
        let address = SocketAddr::new(settings.host, settings.port);
        let connections = wiring::connections(&config);
        let bound = Server::bind(address, connections.clone()).with_context(|| {
            format!("cannot listen on {address}: set PORT and HOST to what is free and yours")
        })?;
        let address = bound.local_addr();
        if let Some(metrics) = settings.metrics {
            telemetry::measure(metrics)?;
        }
        let redis = wiring::redis(&config)?;
        let Conversations { sessions, threads } = wiring::conversations(&config, redis.as_ref());
        let http = wiring::http(&config, connections, threads, redis.as_ref());
        let ledger = wiring::ledger(&config, redis.as_ref())?;
        let models = Models::of(&config);
        let embedder = models.metered_embedder(Pace::Reader, ledger.as_ref())?;
        let store = wiring::store(&config, embedder.as_ref()).await?;
        let indexer = wiring::indexer(&models, &store)?;
        let (retriever, made) = AwaitedRetriever::new(store.retriever);
        let store = Store { retriever: Arc::new(retriever), ..store };
        let journal = wiring::journal(&config)?;
        let noting = journal.clone().map(|journal| journal as Arc<dyn Journal>);
        let (embedder, ledger) = (Arc::clone(&embedder), ledger.as_ref());
        let chat = wiring::journalling_chat(&models, embedder, &store, sessions, noting, ledger)?;
        let (stop, stopped) = oneshot::channel();
        let mut serving = JoinSet::new();
        serving.spawn(bound.serve(askbook_http::app(chat, &http), async {
            // Who dropped the other end wants nothing else.
            let _ = stopped.await;
        }));
        let extent = indexer.ensure().await?;
        made.send_replace(true);
        let source = &config.settings.book;
        let book = match (indexer.unasked, extent) {
            (Unasked::NotOurs, _) => store.place().to_owned(),
            (_, Some(extent)) => format!("{source} ({extent})"),
            (_, None) => source.to_string(),
        };
        let index_refresh = config.settings.index_refresh;
        info!(
            version = env!("CARGO_PKG_VERSION"),
            %address,
            embedder = config.embedder.name(),
            retriever = config.retriever.name(),
            generator = config.generator.name(),
            "askbook is listening"
        );
        Ok(Self { address, serving, stop, indexer, store, journal, index_refresh, extent, book })
    }

    /// Where it listens; with its actual port when any free one was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What it answers from, for people.
    pub(crate) fn book(&self) -> &str {
        &self.book
    }

    /// Serves until `shutdown` resolves and what was asked until then is answered. An index that
    /// is not of the book as it is now is made anew meanwhile, where that costs nothing; the store
    /// is kept fresh.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { mut serving, stop, indexer, store, journal, index_refresh, extent, .. } = self;
        let mut meanwhile = JoinSet::new();
        if indexer.unasked == Unasked::NotOurs {
            let retriever = Arc::clone(&store.retriever);
            meanwhile.spawn(async move {
                if let Err(error) = retriever.shape().await {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    error!(error, "passages cannot be found");
                }
            });
        } else if extent.is_none() {
            meanwhile.spawn(async move {
                if let Err(error) = indexer.renew().await {
                    let error = format!("{error:#}");
                    error!(error, "the book cannot be indexed; the index stays as it is");
                }
            });
        }
        meanwhile.spawn(async move { store.keep(index_refresh).await });
        let ended = tokio::select! {
            ended = serving.join_next() => ended,
            () = shutdown => {
                // Nobody to tell is nobody who serves.
                let _ = stop.send(());
                serving.join_next().await
            }
        };
        if let Some(Err(error)) = ended {
            error!(%error, "the server broke off");
        }
        meanwhile.shutdown().await;
        if let Some(journal) = journal
            && timeout(FLUSH, journal.flush()).await.is_err()
        {
            warn!("the disk does not keep up: what readers asked in vain last is not written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_start_calls_no_upstream() {
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        upstream.set_nonblocking(true).unwrap();
        let address = format!("http://{}", upstream.local_addr().unwrap());
        let data = tempfile::tempdir().unwrap();
        let config = Config::from_values([
            ("PORT", "0"),
            ("GEMINI_API_KEY", "k3y"),
            ("GEMINI_BASE_URL", &address),
            ("QDRANT_URL", &address),
            ("QDRANT_COLLECTION_NAME", "book"),
            ("ASKBOOK_DATA_DIR", data.path().to_str().unwrap()),
        ]);
        let app = App::build(config.unwrap()).await.unwrap();
        assert_ne!(app.addr().port(), 0);
        assert_eq!(upstream.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn an_index_in_memory_is_made_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("intro.md"), "# Whales\n\nThey sing.\n").unwrap();
        let folder = folder.path().display().to_string();
        let config = Config::from_values([
            ("PORT", "0"),
            ("ASKBOOK_BOOK", folder.as_str()),
            ("ASKBOOK_EMBEDDER", "memory"),
            ("ASKBOOK_RETRIEVER", "memory"),
        ]);
        let app = App::build(config.unwrap()).await.unwrap();
        assert_eq!(app.extent, Some(Extent { pages: Some(1), passages: 1 }));
        assert!(app.store.retriever.ready().await.is_ok());
    }

    #[tokio::test]
    async fn nothing_is_asked_or_opened_before_the_address_is_known_to_be_free() {
        let [taken, redis, metrics] = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        redis.set_nonblocking(true).unwrap();
        let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
        let data = tempfile::tempdir().unwrap();
        let config = Config::from_values([
            ("PORT", taken.local_addr().unwrap().port().to_string()),
            // Taken as well, so that it would be the first thing to fail.
            ("ASKBOOK_METRICS", address(&metrics)),
            ("ASKBOOK_SESSIONS", format!("redis://{}", address(&redis))),
            ("ASKBOOK_DATA_DIR", data.path().display().to_string()),
        ]);
        let error = App::build(config.unwrap()).await.err().unwrap();
        assert!(format!("{error:#}").starts_with("cannot listen on"), "{error:#}");
        assert_eq!(redis.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(data.path().read_dir().unwrap().next().is_none());
    }
}
