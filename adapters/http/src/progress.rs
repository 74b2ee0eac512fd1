//! How far the work for a request has come, for its span in the log and for the metrics.

use askbook::answer::{Answer, Leg, Loss, Mode, Outcome};
use askbook::event::ChatEvent;
use askbook::search::Found;
use metrics::{counter, histogram};
use tokio::time::Instant;
use tracing::Span;

use crate::problem::Problem;
use crate::request_log::{milliseconds, record_problem};
use crate::wire::Explanation;

/// Watches a chat or a search, records its progress in the span of the request, and measures it.
pub(crate) struct Progress {
    /// When the work began.
    begun: Instant,
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
        let begun = Instant::now();
        Self { begun, stage: begun, writing: false, explain, restarted: false, explanation: None }
    }

    pub(crate) fn see(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Accepted { restarted, .. } => {
                self.restarted = *restarted;
                self.end_stage("session", "session_ms");
            }
            ChatEvent::Condensed(_) => {
                self.end_stage("condense", "condense_ms");
                Span::current().record("condensed", true);
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
                self.end_stage("generate", "generate_ms");
                record_answer(answer);
            }
            ChatEvent::Citation(_) | ChatEvent::Sources(_) | ChatEvent::Failed { .. } => {}
        }
    }

    /// The reply was begun, and there is no answer.
    pub(crate) fn failed(problem: &Problem) {
        Span::current().record("outcome", "failed");
        record_problem(problem);
    }

    /// The question has been turned into a vector.
    pub(crate) fn embedded(&mut self) {
        self.end_stage("embed", "embed_ms");
    }

    /// The book has been searched.
    pub(crate) fn retrieved(&mut self, found: &Found) {
        self.end_stage("retrieve", "retrieve_ms");
        let span = Span::current();
        span.record("candidates", found.candidates.len());
        span.record("retrieved", found.passages.len());
        span.record("sufficient", found.evidence.sufficient);
        span.record("degraded", !found.losses.is_empty());
        self.explanation = self.explain.then(|| found.into());
    }

    /// A stream shows the first piece of its answer.
    pub(crate) fn shown(&self) {
        histogram!("askbook_first_token_seconds").record(self.begun.elapsed());
    }

    fn end_stage(&mut self, stage: &'static str, field: &'static str) {
        self.record(field);
        histogram!("askbook_stage_duration_seconds", "stage" => stage).record(self.stage.elapsed());
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
    let mode = answer.mode.map(|mode| match mode {
        Mode::Generated => "generated",
        Mode::Extractive => "extractive",
    });
    if let Some(mode) = mode {
        span.record("mode", mode);
    }
    counter!("askbook_answers_total", "outcome" => outcome, "mode" => mode.unwrap_or("none"))
        .increment(1);
    if !answer.losses.is_empty() {
        span.record("losses", losses(&answer.losses));
    }
    if let Some(model) = &answer.model {
        span.record("model", model);
    }
    for loss in &answer.losses {
        let reason = loss.reason.map_or_else(|| "none".to_owned(), |reason| reason.to_string());
        counter!("askbook_losses_total", "leg" => leg(loss.leg), "reason" => reason).increment(1);
    }
    for (kind, field, tokens) in [
        ("input", "input_tokens", answer.usage.input_tokens),
        ("output", "output_tokens", answer.usage.output_tokens),
    ] {
        span.record(field, tokens);
        counter!("askbook_tokens_total", "kind" => kind).increment(tokens);
    }
}

fn leg(leg: Leg) -> &'static str {
    match leg {
        Leg::Embedder => "embedder",
        Leg::Retriever => "retriever",
        Leg::Generator => "generator",
    }
}

/// Like `embedder generator:rate_limited`.
fn losses(losses: &[Loss]) -> String {
    let name = |loss: &Loss| {
        let leg = leg(loss.leg);
        loss.reason.map_or_else(|| leg.to_owned(), |reason| format!("{leg}:{reason}"))
    };
    losses.iter().map(name).collect::<Vec<_>>().join(" ")
}
