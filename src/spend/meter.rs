use std::sync::Arc;

use async_stream::stream;
use async_trait::async_trait;
use futures_util::StreamExt;
use metrics::counter;

use super::{Charge, Price, Reservation};
use crate::answer::Mode;
use crate::embedding::{Embedding, Purpose, VectorShape};
use crate::error::{ErrorKind, PortError};
use crate::follow_up::FollowUp;
use crate::ports::{Embedder, Generated, Generation, Generator, Ledger, Usage};
use crate::prompt::Prompt;
use crate::question::Question;
use crate::session::Turn;
use crate::text::tokens;

/// How many times the estimated tokens of a text are set aside.
///
/// [`tokens`] takes four bytes for a token: about right for prose in any script, up to a third too
/// few for code, and four times too few for what is digits alone, each of which is a token of
/// Gemini's.
const MARGIN: u64 = 2;

/// More tokens than the instructions of a prompt and the headlines of its material have.
const TEMPLATE: usize = 1_000;

/// What a call is made for, in metrics.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Condense,
    Embed,
    Generate,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Condense => "condense",
            Self::Embed => "embed",
            Self::Generate => "generate",
        }
    }
}

/// Accounts for what calls cost, in a ledger, by a price.
#[derive(Clone)]
struct Meter {
    ledger: Arc<dyn Ledger>,
    price: Price,
    /// What is called, in metrics.
    upstream: String,
}

impl Meter {
    /// Sets aside what a call may cost that reads and writes so many tokens, by estimate.
    async fn reserve(&self, stage: Stage, input: usize, most: u64) -> Result<Call, PortError> {
        let input = MARGIN.saturating_mul(u64::try_from(input).unwrap_or(u64::MAX));
        match self.ledger.reserve(self.price.of(input, most)).await {
            Ok(reservation) => {
                let cost = reservation.charge;
                Ok(Call { meter: self.clone(), stage, reservation, cost })
            }
            Err(error) => {
                self.count("askbook_spend_refusals_total", stage, 1);
                if error.kind() == ErrorKind::Exhausted {
                    return Err(error);
                }
                // What would have been called is not at fault, and must not seem to be.
                let message = "what a call would cost cannot be accounted for, so none is made";
                Err(PortError::new(ErrorKind::Exhausted, message).with_source(error))
            }
        }
    }

    fn count(&self, name: &'static str, stage: Stage, number: u64) {
        let upstream = self.upstream.clone();
        counter!(name, "upstream" => upstream, "stage" => stage.name()).increment(number);
    }
}

/// A call that something is set aside for. What it has cost is counted when it is dropped.
struct Call {
    meter: Meter,
    stage: Stage,
    reservation: Reservation,
    /// What is set aside until something else is known.
    cost: Charge,
}

impl Call {
    /// What is set aside stays so when this fails: rather too much is counted than too little.
    async fn settle(&mut self, cost: Charge) {
        match self.meter.ledger.settle(self.reservation, cost).await {
            Ok(()) => self.cost = cost,
            Err(error) => {
                tracing::warn!(%error, "what a call has cost is not accounted for");
            }
        }
    }

    /// What it has cost by these tokens.
    async fn settle_tokens(&mut self, input: u64, output: u64) {
        self.settle(self.meter.price.of(input, output)).await;
    }

    /// Gives back what was set aside for a call that failed before anything was billed.
    async fn settle_failed(&mut self, error: &PortError) {
        match error.kind() {
            ErrorKind::Unavailable
            | ErrorKind::RateLimited
            | ErrorKind::Unauthorized
            | ErrorKind::Misconfigured
            | ErrorKind::Rejected => {
                self.settle(Charge { calls: 1, ..Charge::default() }).await;
            }
            // Another meter: there was no call.
            ErrorKind::Exhausted => self.settle(Charge::default()).await,
            // The peer may have worked on it.
            ErrorKind::Timeout | ErrorKind::Blocked | ErrorKind::Malformed => {}
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Self { meter, stage, cost, .. } = self;
        meter.count("askbook_spend_calls_total", *stage, cost.calls);
        meter.count("askbook_spend_tokens_total", *stage, cost.tokens);
        meter.count("askbook_spend_millionths_total", *stage, cost.money);
    }
}

/// An embedder whose embeddings of questions are accounted for: those of passages are made for the
/// owner, who has asked for them.
///
/// No embedder tells what it has cost: as much counts as the texts have tokens by estimate.
pub struct MeteredEmbedder {
    embedder: Arc<dyn Embedder>,
    meter: Meter,
}

impl MeteredEmbedder {
    /// This embedder, with this price for what it reads.
    pub fn new(embedder: Arc<dyn Embedder>, ledger: Arc<dyn Ledger>, price: Price) -> Self {
        let upstream = embedder.space().to_owned();
        Self { embedder, meter: Meter { ledger, price, upstream } }
    }

    /// The same, by this name in metrics in place of its space.
    #[must_use]
    pub fn named(mut self, upstream: impl Into<String>) -> Self {
        self.meter.upstream = upstream.into();
        self
    }
}

#[async_trait]
impl Embedder for MeteredEmbedder {
    fn space(&self) -> &str {
        self.embedder.space()
    }

    fn preferred_shape(&self) -> VectorShape {
        self.embedder.preferred_shape()
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        if purpose == Purpose::Passage || texts.is_empty() {
            return self.embedder.embed(texts, purpose, shape).await;
        }
        let input = texts.iter().map(|text| tokens(text)).sum();
        let mut call = self.meter.reserve(Stage::Embed, input, 0).await?;
        let embeddings = self.embedder.embed(texts, purpose, shape).await;
        match &embeddings {
            Ok(_) => call.settle_tokens(u64::try_from(input).unwrap_or(u64::MAX), 0).await,
            Err(error) => call.settle_failed(error).await,
        }
        embeddings
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.meter.ledger.ready().await?;
        self.embedder.ready().await
    }

    async fn serves(&self) -> Result<(), PortError> {
        self.meter.ledger.ready().await?;
        self.embedder.serves().await
    }
}

/// The most tokens that a generator writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// In an answer, thoughts included.
    pub answer: u64,
    /// In a condensed question, thoughts included.
    pub condensed: u64,
}

/// A generator whose calls are accounted for.
///
/// For an answer, twice the estimated tokens of its prompt and the most that it may have are set
/// aside; what it reports at its end takes that place. When it reports nothing, is dropped, or
/// breaks off, that stays; and so it does for a condensed question, of which nothing is reported.
/// What quotes and asks nobody is not accounted for.
pub struct MeteredGenerator {
    generator: Arc<dyn Generator>,
    meter: Meter,
    most: Most,
}

impl MeteredGenerator {
    /// This generator, with this price.
    pub fn new(
        generator: Arc<dyn Generator>,
        ledger: Arc<dyn Ledger>,
        price: Price,
        most: Most,
    ) -> Self {
        let upstream = generator.model().to_owned();
        Self { generator, meter: Meter { ledger, price, upstream }, most }
    }

    fn is_free(&self) -> bool {
        self.generator.mode() == Mode::Extractive
    }
}

#[async_trait]
impl Generator for MeteredGenerator {
    fn model(&self) -> &str {
        self.generator.model()
    }

    fn mode(&self) -> Mode {
        self.generator.mode()
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        if self.is_free() {
            return self.generator.generate(prompt).await;
        }
        let (input, most) = (prompt_tokens(&prompt), self.most.answer);
        let mut call = self.meter.reserve(Stage::Generate, input, most).await?;
        let mut pieces = match self.generator.generate(prompt).await {
            Ok(pieces) => pieces,
            Err(error) => {
                call.settle_failed(&error).await;
                return Err(error);
            }
        };
        Ok(Box::pin(stream! {
            while let Some(piece) = pieces.next().await {
                // Before the end is handed on: nobody need ask for more then.
                if let Ok(Generated::End { usage, .. }) = &piece
                    && *usage != Usage::default()
                {
                    call.settle_tokens(usage.input_tokens, usage.output_tokens).await;
                }
                yield piece;
            }
        }))
    }

    async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
        if self.is_free() {
            return self.generator.condense(follow_up).await;
        }
        let input = TEMPLATE + conversation_tokens(&follow_up.history, &follow_up.question);
        let mut call = self.meter.reserve(Stage::Condense, input, self.most.condensed).await?;
        let condensed = self.generator.condense(follow_up).await;
        match &condensed {
            Ok(Some(_)) => {}
            // It cannot, and has asked nobody.
            Ok(None) => call.settle(Charge::default()).await,
            Err(error) => call.settle_failed(error).await,
        }
        condensed
    }

    async fn ready(&self) -> Result<(), PortError> {
        if !self.is_free() {
            self.meter.ledger.ready().await?;
        }
        self.generator.ready().await
    }
}

/// About how many tokens a prompt has, without rendering it.
fn prompt_tokens(prompt: &Prompt) -> usize {
    let passages = prompt.passages.iter().map(|hit| {
        let headings = hit.passage.headings.iter().map(|heading| tokens(heading)).sum::<usize>();
        tokens(&hit.passage.text) + tokens(&hit.passage.title) + headings
    });
    TEMPLATE + passages.sum::<usize>() + conversation_tokens(&prompt.history, &prompt.question)
}

fn conversation_tokens(history: &[Turn], question: &Question) -> usize {
    let history = history.iter().map(|turn| tokens(&turn.text)).sum::<usize>();
    let parts = [Some(question.text()), question.selected_text(), question.page()];
    history + parts.into_iter().flatten().map(tokens).sum::<usize>()
}

#[cfg(test)]
mod tests;
