//! Whether questions can be answered.

use std::future::Future;

use askbook::chat::Ports;
use askbook::error::{ErrorKind, PortError};
use futures_util::future::join;
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
        let (retriever, generator) = join(
            self.dependency("retriever", self.ports.retriever.ready()),
            self.dependency("generator", self.ports.generator.ready()),
        )
        .await;
        let dependencies = vec![retriever, generator];
        let ready = dependencies.iter().all(|dependency| dependency.ready);
        let readiness = Readiness { ready, dependencies };
        *latest = Some((Instant::now(), readiness.clone()));
        readiness
    }

    async fn dependency(
        &self,
        name: &str,
        ready: impl Future<Output = Result<(), PortError>>,
    ) -> Dependency {
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
