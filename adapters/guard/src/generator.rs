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
use crate::span::{MOST, Span};

/// A generator that is guarded. A generation is a call until its stream ends or is dropped; it may
/// take nine tenths of the time that is left to its request.
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

    fn admits(&self) -> Result<(), PortError> {
        self.guard.admits()
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let mut permit = self.guard.admit()?;
        let span = Span::of_what_is_left(MOST);
        let Some(begun) = span.bound(self.generator.generate(prompt)).await else {
            return Err(permit.give_up());
        };
        if begun.is_err() {
            permit.end(&begun);
            return begun;
        }
        permit.answered();
        begun.map(|pieces| watched(pieces, permit, span))
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

/// The pieces, with the permit until the last of them, which comes in time.
fn watched(mut pieces: Generation, permit: Permit, span: Span) -> Generation {
    Box::pin(stream! {
        let began = Instant::now();
        let mut waited = Duration::ZERO;
        loop {
            let asked = Instant::now();
            let piece = match span.bound(pieces.next()).await {
                Some(Some(piece)) => piece,
                Some(None) => return,
                None => {
                    // Not when somebody polls again: what nobody reads costs as much.
                    drop((pieces, permit));
                    let message = "the answer was not complete while there was time for it";
                    yield Err(PortError::new(ErrorKind::Timeout, message));
                    return;
                }
            };
            waited += asked.elapsed();
            if matches!(piece, Ok(Generated::Text(_))) {
                yield piece;
                continue;
            }
            // The time of an answer that nobody fetched ran out by no fault of the upstream.
            let late = piece.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout);
            if late && waited < began.elapsed() / 2 {
                drop(permit);
            } else {
                permit.end(&piece);
            }
            yield piece;
            return;
        }
    })
}
