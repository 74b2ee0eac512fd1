//! How far the work for a request has come, for its span in the log.

use askbook::answer::{Answer, Outcome};
use askbook::event::ChatEvent;
use askbook::search::Found;
use tokio::time::Instant;
use tracing::Span;

use crate::request_log::milliseconds;
use crate::wire::Explanation;

/// Watches a chat or a search and records its progress in the span of the request.
pub(crate) struct Progress {
    /// When the stage that is under way began.
    stage: Instant,
    writing: bool,
    explain: bool,
    /// Whether the conversation that was asked for is not known.
    pub(crate) restarted: bool,
    /// Why there was found what was found, if that is wanted.
    pub(crate) explanation: Option<Explanation>,
}

impl Progress {
    /// `explain`: whether an explanation is wanted.
    pub(crate) fn new(explain: bool) -> Self {
        let stage = Instant::now();
        Self { stage, writing: false, explain, restarted: false, explanation: None }
    }

    pub(crate) fn see(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Accepted { restarted, .. } => {
                self.restarted = *restarted;
                self.end_stage("session_ms");
            }
            ChatEvent::Embedded => self.embedded(),
            ChatEvent::Retrieved(found) => self.retrieved(found),
            ChatEvent::Delta(_) => {
                if !self.writing {
                    self.record("first_delta_ms");
                }
                // The stage of writing goes on.
                self.writing = true;
            }
            ChatEvent::Done(answer) => {
                self.end_stage("generate_ms");
                record_answer(answer);
            }
        }
    }

    /// The question has been turned into a vector.
    pub(crate) fn embedded(&mut self) {
        self.end_stage("embed_ms");
    }

    /// The book has been searched.
    pub(crate) fn retrieved(&mut self, found: &Found) {
        self.end_stage("retrieve_ms");
        let span = Span::current();
        span.record("candidates", found.candidates.len());
        span.record("retrieved", found.passages.len());
        span.record("sufficient", found.evidence.sufficient);
        span.record("degraded", found.degraded);
        self.explanation = self.explain.then(|| found.into());
    }

    fn end_stage(&mut self, field: &'static str) {
        self.record(field);
        self.stage = Instant::now();
    }

    fn record(&self, field: &'static str) {
        Span::current().record(field, milliseconds(self.stage.elapsed()));
    }
}

fn record_answer(answer: &Answer) {
    let span = Span::current();
    let outcome = match answer.outcome {
        Outcome::Answered => "answered",
        Outcome::NotInBook => "not_in_book",
    };
    span.record("outcome", outcome);
    if let Some(model) = &answer.model {
        span.record("model", model);
    }
    span.record("input_tokens", answer.usage.input_tokens);
    span.record("output_tokens", answer.usage.output_tokens);
}
