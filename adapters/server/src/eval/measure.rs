//! Asks the questions of a set, one after the other, the way that a reader's question goes.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use askbook::answer::Outcome;
use askbook::chat::Chat;
use askbook::event::ChatEvent;
use askbook::passage::Passage;
use askbook::question::{Question, QuestionLimits};
use askbook::search::Found;
use askbook::selection::Candidate;
use futures_util::StreamExt as _;
use serde::Serialize;

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
    let question = Question::new(&asked.text, None, None, limits).with_context(context)?;
    let mut asking = Asking {
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
    };
    let mut events = pin!(chat.ask(question, None));
    let mut since = Instant::now();
    while let Some(event) = events.next().await {
        match event.with_context(context)? {
            ChatEvent::Accepted { .. } => since = Instant::now(),
            ChatEvent::Embedded => {
                asking.embed = since.elapsed();
                since = Instant::now();
            }
            ChatEvent::Retrieved(found) => {
                asking.search = since.elapsed();
                asking.sufficient = found.evidence.sufficient;
                asking.degraded = found.degraded;
                if asking.answerable {
                    asking.legs = legs(&found, &asked.relevant);
                }
                if !answers {
                    break;
                }
            }
            ChatEvent::Delta(_) => {}
            ChatEvent::Done(answer) => {
                asking.answered = Some(answer.outcome == Outcome::Answered);
            }
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
