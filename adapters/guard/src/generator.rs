use std::sync::Arc;
use std::time::Duration;

use askbook::answer::Mode;
use askbook::error::{ErrorKind, PortError};
use askbook::follow_up::FollowUp;
use askbook::ports::{Generated, Generation, Generator};
use askbook::prompt::Prompt;
use async_stream::stream;
use async_trait::async_trait;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::guard::{Guard, Permit};

/// A generator that is guarded. A generation is a call until its stream ends or is dropped.
pub struct GuardedGenerator {
    generator: Arc<dyn Generator>,
    guard: Guard,
}

impl GuardedGenerator {
    /// This generator, with this guard of its upstream.
    pub fn new(generator: Arc<dyn Generator>, guard: Guard) -> Self {
        Self { generator, guard }
    }
}

#[async_trait]
impl Generator for GuardedGenerator {
    fn model(&self) -> &str {
        self.generator.model()
    }

    fn mode(&self) -> Mode {
        self.generator.mode()
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let mut permit = self.guard.admit()?;
        let begun = self.generator.generate(prompt).await;
        if begun.is_err() {
            permit.end(&begun);
            return begun;
        }
        permit.answered();
        begun.map(|pieces| watched(pieces, permit))
    }

    /// Its deadline is the reader's patience and shorter than the upstream's: not to keep it says
    /// nothing about the upstream.
    async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
        let permit = self.guard.admit()?;
        let condensed = self.generator.condense(follow_up).await;
        match &condensed {
            Err(error) if error.kind() == ErrorKind::Timeout => drop(permit),
            condensed => permit.end(condensed),
        }
        condensed
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.guard.check()?;
        self.generator.ready().await
    }
}

/// The pieces, with the permit until the last of them.
fn watched(mut pieces: Generation, permit: Permit) -> Generation {
    Box::pin(stream! {
        let began = Instant::now();
        let mut waited = Duration::ZERO;
        let mut permit = Some(permit);
        loop {
            let asked = Instant::now();
            let Some(piece) = pieces.next().await else { return };
            waited += asked.elapsed();
            if !matches!(piece, Ok(Generated::Text(_)))
                && let Some(permit) = permit.take()
            {
                // The time of an answer that nobody fetched ran out by no fault of the upstream.
                let late = piece.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout);
                if late && waited < began.elapsed() / 2 {
                    drop(permit);
                } else {
                    permit.end(&piece);
                }
            }
            yield piece;
        }
    })
}
