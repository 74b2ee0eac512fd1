use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use askbook::answer::Mode;
use askbook::error::PortError;
use askbook::follow_up::FollowUp;
use askbook::ports::{Generated, Generation, Generator, Usage};
use askbook::prompt::Prompt;
use askbook::trace::within;
use async_trait::async_trait;
use futures_util::stream;
use opentelemetry::{Array, Value};

use super::call::{Call, Outline};

/// A model of Gemini's that writes, with a span for each of its calls. That of an answer ends with
/// its stream.
pub(crate) struct SpannedGenerator {
    generator: Arc<dyn Generator>,
    outline: Outline,
}

impl SpannedGenerator {
    /// This generator, at this URL.
    pub(crate) fn new(generator: impl Generator, url: &str) -> Self {
        let outline = Outline::of_gemini("generate_content", generator.model(), url);
        Self { generator: Arc::new(generator), outline }
    }
}

#[async_trait]
impl Generator for SpannedGenerator {
    fn model(&self) -> &str {
        self.generator.model()
    }

    fn mode(&self) -> Mode {
        self.generator.mode()
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let mut call = self.outline.begin();
        call.note("gen_ai.request.stream", true);
        let begun = Instant::now();
        match call.work(self.generator.generate(prompt)).await {
            Ok(pieces) => Ok(watched(pieces, call, begun)),
            Err(error) => {
                let failed = Err(error);
                call.end(&failed);
                failed
            }
        }
    }

    async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
        let call = self.outline.begin();
        let condensed = call.work(self.generator.condense(follow_up)).await;
        call.end(&condensed);
        condensed
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.generator.ready().await
    }
}

/// The pieces, with their span until the last of them.
fn watched(mut pieces: Generation, call: Call, begun: Instant) -> Generation {
    let (place, mut call, mut written) = (call.place(), Some(call), false);
    Box::pin(stream::poll_fn(move |cx| {
        let polled = within(place, || pieces.as_mut().poll_next(cx));
        let Poll::Ready(Some(piece)) = &polled else { return polled };
        if !written && let Some(call) = &mut call {
            written = true;
            call.note("gen_ai.response.time_to_first_chunk", begun.elapsed().as_secs_f64());
        }
        if !matches!(piece, Ok(Generated::Text(_)))
            && let Some(mut call) = call.take()
        {
            if let Ok(Generated::End { model, usage }) = piece {
                note_end(&mut call, model, *usage);
            }
            call.end(piece);
        }
        polled
    }))
}

/// A text that is complete: for any other reason to end there is an error.
fn note_end(call: &mut Call, model: &str, usage: Usage) {
    let tokens = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    call.note("gen_ai.response.model", model.to_owned());
    let reasons = Value::Array(Array::String(vec!["stop".into()]));
    call.note("gen_ai.response.finish_reasons", reasons);
    if usage != Usage::default() {
        call.note("gen_ai.usage.input_tokens", tokens(usage.input_tokens));
        call.note("gen_ai.usage.output_tokens", tokens(usage.output_tokens));
    }
}
