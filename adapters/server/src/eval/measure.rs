//! Asks the questions of a set, one after the other, the way that a reader's question goes.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use askbook::answer::Outcome;
use askbook::chat::{Ask, Chat};
use askbook::event::ChatEvent;
use askbook::passage::Passage;
use askbook::question::QuestionLimits;
use askbook::search::Found;
use askbook::selection::Candidate;
use askbook::session::MessageId;
use futures_util::StreamExt as _;
use serde::Serialize;
use uuid::Uuid;

use super::metrics::Places;
use super::set::{Asked, Half};
use super::target;

/// A ranking that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Leg {
    /// By terms alone.
    Lexical,
    /// By closeness of dense vectors alone.
    Dense,
    /// The one that was made of these.
    Fused,
    /// The passages that the answer is made from.
    Selected,
}

/// What became of a question.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Asking {
    pub(crate) line: usize,
    pub(crate) question: String,
    pub(crate) half: Half,
    pub(crate) answerable: bool,
    /// Where the relevant passages stand in each ranking that there is; none for a question that
    /// the book does not answer.
    pub(crate) legs: BTreeMap<Leg, Places>,
    /// Whether the evidence was judged to be sufficient.
    pub(crate) sufficient: bool,
    /// Whether it was answered; `None` when no answer was asked for.
    pub(crate) answered: Option<bool>,
    /// Whether a part of the search was out of order.
    pub(crate) degraded: bool,
    #[serde(skip)]
    pub(crate) embed: Duration,
    #[serde(skip)]
    pub(crate) search: Duration,
}

impl Asking {
    /// A question that has not been asked yet.
    pub(super) fn of(asked: &Asked) -> Self {
        Self {
            line: asked.line,
            question: asked.text.clone(),
            half: asked.half,
            answerable: asked.is_answerable(),
            legs: BTreeMap::new(),
            sufficient: false,
            answered: None,
            degraded: false,
            embed: Duration::ZERO,
            search: Duration::ZERO,
        }
    }

    /// Notes what was found.
    pub(super) fn read(&mut self, found: &Found, relevant: &[String]) {
        self.sufficient = found.evidence.sufficient;
        self.degraded = !found.losses.is_empty();
        if self.answerable {
            self.legs = legs(found, relevant);
        }
    }
}

/// Asks one question. Without `answers` it is over when passages are found, and nothing is
/// written.
///
/// # Errors
/// The question cannot be asked, or a port fails.
pub(crate) async fn ask(
    chat: &Chat,
    asked: &Asked,
    limits: QuestionLimits,
    answers: bool,
) -> anyhow::Result<Asking> {
    let context = || format!("line {}", asked.line);
    let question = asked.question(limits).with_context(context)?;
    let mut asking = Asking::of(asked);
    let mut events = pin!(chat.ask(Ask::once(MessageId(Uuid::new_v4()), question)));
    let mut since = Instant::now();
    while let Some(event) = events.next().await {
        match event {
            ChatEvent::Accepted { .. } => since = Instant::now(),
            ChatEvent::Embedded => {
                asking.embed = since.elapsed();
                since = Instant::now();
            }
            ChatEvent::Retrieved(found) => {
                asking.search = since.elapsed();
                asking.read(&found, &asked.relevant);
                if !answers {
                    break;
                }
            }
            ChatEvent::Done(answer) => {
                asking.answered = Some(answer.outcome == Outcome::Answered);
            }
            ChatEvent::Failed { error, .. } => return Err(error).with_context(context),
            _ => {}
        }
    }
    Ok(asking)
}

/// Where the relevant passages stand in each ranking.
fn legs(found: &Found, relevant: &[String]) -> BTreeMap<Leg, Places> {
    let by = |place: fn(&Candidate) -> Option<usize>| {
        let mut placed: Vec<(usize, &Passage)> = found
            .candidates
            .iter()
            .filter_map(|candidate| Some((place(candidate)?, &candidate.fused.hit.passage)))
            .collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, passage)| passage).collect::<Vec<_>>()
    };
    let lexical = by(|candidate| candidate.fused.lexical_rank);
    let dense = by(|candidate| candidate.fused.dense_rank);
    let fused = by(|candidate| Some(candidate.fused.hit.scores.fused_rank));
    let selected: Vec<&Passage> = found
        .candidates
        .iter()
        .filter(|candidate| candidate.is_kept())
        .map(|candidate| &candidate.fused.hit.passage)
        .collect();
    [(Leg::Lexical, lexical), (Leg::Dense, dense), (Leg::Fused, fused), (Leg::Selected, selected)]
        .into_iter()
        .map(|(leg, ranking)| {
            (leg, Places::of(&ranking, relevant, |passage, wanted| target::is(passage, wanted)))
        })
        .collect()
}
