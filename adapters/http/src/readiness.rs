//! Whether questions can be answered.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use askbook::chat::Ports;
use askbook::error::{ErrorKind, PortError};
use futures_util::future::{join_all, join4};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::problem::chain;
use crate::settings::ReadinessSettings;
use crate::wire::{Dependency, Readiness};

/// Asks the dependencies of a chat whether they are ready, and remembers what they said: however
/// often this is asked, a dependency is asked once in a while and once at a time. And however long
/// it takes to say so, whoever asks hears soon what it said before.
pub(crate) struct Probe {
    ports: Ports,
    settings: ReadinessSettings,
    latest: watch::Sender<Option<(Instant, Readiness)>>,
    /// Whose turn it is to ask.
    turn: Arc<Semaphore>,
}

/// How long whoever asks waits for news: load balancers give up after a second.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a port says of itself, some day.
type Ready<'a> = Pin<Box<dyn Future<Output = Result<(), PortError>> + Send + 'a>>;

/// A dependency, and whether it serves.
struct Part {
    dependency: Dependency,
    serves: bool,
}

impl Probe {
    pub(crate) fn new(ports: Ports, settings: ReadinessSettings) -> Self {
        let (latest, turn) = (watch::Sender::new(None), Arc::new(Semaphore::new(1)));
        Self { ports, settings, latest, turn }
    }

    pub(crate) async fn readiness(self: &Arc<Self>) -> Readiness {
        let mut latest = self.latest.subscribe();
        let known = latest.borrow_and_update().clone();
        if let Some((at, readiness)) = &known
            && at.elapsed() < self.ttl(readiness)
        {
            return readiness.clone();
        }
        if let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() {
            let probe = Arc::clone(self);
            tokio::spawn(async move {
                let readiness = probe.ask().await;
                probe.latest.send_replace(Some((Instant::now(), readiness)));
                drop(turn);
            });
        }
        let news = async move {
            while latest.changed().await.is_ok() {
                if let Some((_, readiness)) = &*latest.borrow_and_update() {
                    return readiness.clone();
                }
            }
            // This holds the sender.
            pending().await
        };
        match known {
            None => news.await,
            Some((_, known)) => timeout(PATIENCE, news).await.unwrap_or(known),
        }
    }

    async fn ask(&self) -> Readiness {
        let Ports { embedder, retriever, generators, sessions, .. } = &self.ports;
        let generators = generators.iter().enumerate().map(|(place, generator)| {
            let name = match place {
                0 => "generator".to_owned(),
                _ => format!("generator:{}", generator.model()),
            };
            self.dependency(name, generator.ready())
        });
        let (embedder, retriever, generators, sessions) = join4(
            self.part("embedder", || embedder.ready(), || embedder.serves()),
            self.part("retriever", || retriever.ready(), || retriever.serves()),
            join_all(generators),
            self.dependency("sessions".to_owned(), sessions.ready()),
        )
        .await;
        // Each part serves, and one of the generators can write.
        let writes = generators.iter().any(|generator| generator.ready);
        let ready = embedder.serves && retriever.serves && writes && sessions.ready;
        let dependencies: Vec<Dependency> =
            [embedder.dependency, retriever.dependency].into_iter().chain(generators).collect();
        let dependencies = [dependencies, vec![sessions]].concat();
        let degraded = dependencies.iter().any(|dependency| !dependency.ready);
        Readiness { ready, degraded, dependencies }
    }

    /// For how long this is told again. What is not ready may become so at any moment.
    fn ttl(&self, readiness: &Readiness) -> Duration {
        const NOT_READY: Duration = Duration::from_secs(1);
        if readiness.ready { self.settings.ttl } else { self.settings.ttl.min(NOT_READY) }
    }

    /// A dependency that may serve without being ready.
    async fn part<'a>(
        &self,
        name: &str,
        ready: impl FnOnce() -> Ready<'a>,
        serves: impl FnOnce() -> Ready<'a>,
    ) -> Part {
        let dependency = self.dependency(name.to_owned(), ready()).await;
        let serves = dependency.ready || self.in_time(serves()).await.is_ok();
        Part { dependency, serves }
    }

    async fn dependency(&self, name: String, ready: Ready<'_>) -> Dependency {
        let result = self.in_time(ready).await;
        if let Err(error) = &result {
            warn!(dependency = name, error = chain(error), "not ready");
        }
        let error = result.err().map(|error| error.kind().into());
        Dependency { name, ready: error.is_none(), error }
    }

    async fn in_time(&self, ready: Ready<'_>) -> Result<(), PortError> {
        timeout(self.settings.timeout, ready).await.unwrap_or_else(|_| {
            Err(PortError::new(ErrorKind::Timeout, "it does not say whether it is ready"))
        })
    }
}
