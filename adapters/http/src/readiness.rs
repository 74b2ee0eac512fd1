//! Whether questions can be answered.

use std::pin::Pin;

use askbook::chat::Ports;
use askbook::error::{ErrorKind, PortError};
use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::problem::chain;
use crate::settings::ReadinessSettings;
use crate::wire::{Dependency, Readiness};

/// Asks the dependencies of a chat whether they are ready, and remembers what they said: however
/// often this is asked, a dependency is asked once in a while and once at a time.
pub(crate) struct Probe {
    ports: Ports,
    settings: ReadinessSettings,
    latest: Mutex<Option<(Instant, Readiness)>>,
}

/// What a port says of itself, some day.
type Ready<'a> = Pin<Box<dyn Future<Output = Result<(), PortError>> + Send + 'a>>;

impl Probe {
    pub(crate) fn new(ports: Ports, settings: ReadinessSettings) -> Self {
        Self { ports, settings, latest: Mutex::new(None) }
    }

    pub(crate) async fn readiness(&self) -> Readiness {
        // Held while the dependencies are asked, so that everyone else waits for this result.
        let mut latest = self.latest.lock().await;
        if let Some((at, readiness)) = &*latest
            && at.elapsed() < self.settings.ttl
        {
            return readiness.clone();
        }
        let Ports { embedder, retriever, generator, sessions } = &self.ports;
        let dependencies = join_all([
            self.dependency("embedder", embedder.ready()),
            self.dependency("retriever", retriever.ready()),
            self.dependency("generator", generator.ready()),
            self.dependency("sessions", sessions.ready()),
        ])
        .await;
        let ready = dependencies.iter().all(|dependency| dependency.ready);
        let readiness = Readiness { ready, dependencies };
        *latest = Some((Instant::now(), readiness.clone()));
        readiness
    }

    async fn dependency(&self, name: &str, ready: Ready<'_>) -> Dependency {
        let result = timeout(self.settings.timeout, ready).await.unwrap_or_else(|_| {
            Err(PortError::new(ErrorKind::Timeout, "it does not say whether it is ready"))
        });
        if let Err(error) = &result {
            warn!(dependency = name, error = chain(error), "not ready");
        }
        let error = result.err().map(|error| error.kind().into());
        Dependency { name: name.to_owned(), ready: error.is_none(), error }
    }
}
