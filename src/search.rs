//! The application service of finding: from a question to the passages that it is answered from.

pub(crate) mod page;
mod wording;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::future::try_join_all;

use crate::answer::{Leg, Loss};
use crate::embedding::{Embedding, Purpose, VectorShape};
use crate::error::{ChatError, ErrorKind, PortError, Stage};
use crate::evidence::Evidence;
use crate::fusion::{Page, reciprocal_rank};
use crate::passage::{Hit, Passage, PassageId};
use crate::ports::{Embedder, Rankings, Retriever};
use crate::question::Question;
use crate::selection::{Candidate, cost, select};
use crate::text::{beginning, tokens};
pub use wording::Wording;

/// How many passages each ranking contributes, at least. All are read for their order and as
/// evidence; of 145 questions no more are answered from the five best of 50.
const DEPTH: usize = 30;

/// What is taken of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchSettings {
    /// How many passages, at most.
    pub passages: NonZeroUsize,
    /// How many of one page, at most.
    pub per_page: NonZeroUsize,
    /// How much text, in tokens, with the neighbours that are added.
    pub tokens: usize,
}

/// What a question found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The passages to answer from, best first, each with what belongs to it of its section.
    pub passages: Vec<Hit>,
    /// Everything that was considered, best first, and what became of it.
    pub candidates: Vec<Candidate>,
    /// Whether the passages can answer the question.
    pub evidence: Evidence,
    /// What the search had to do without, so that something may be missing.
    pub losses: Vec<Loss>,
}

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query<'a> {
    /// The reader's question.
    pub question: &'a Question,
    /// What it means by itself, when it needs its conversation to be understood.
    pub standalone: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// What is asked, in words that need no conversation as far as that is known.
    pub(crate) fn asked(self) -> &'a str {
        self.standalone.unwrap_or(self.question.text())
    }

    /// The wording that says best what is asked.
    pub fn wording(self) -> Wording<'a> {
        Wording::best(self)
    }
}

impl<'a> From<&'a Question> for Query<'a> {
    fn from(question: &'a Question) -> Self {
        Self { question, standalone: None }
    }
}

/// Finds passages for questions.
#[derive(Clone)]
pub struct Search {
    embedder: Arc<dyn Embedder>,
    retriever: Arc<dyn Retriever>,
    settings: SearchSettings,
}

impl Search {
    /// A search over these ports.
    pub fn new(
        embedder: Arc<dyn Embedder>,
        retriever: Arc<dyn Retriever>,
        settings: SearchSettings,
    ) -> Self {
        Self { embedder, retriever, settings }
    }

    /// Finds passages for a question; at most `limit` where that is given.
    ///
    /// # Errors
    /// The port that failed, and how.
    pub async fn find(
        &self,
        query: Query<'_>,
        limit: Option<NonZeroUsize>,
    ) -> Result<Found, ChatError> {
        let near = self.embed(query).await?;
        self.near(query, &near, limit).await
    }

    /// The vectors that the index is searched with, one for each text that is searched by.
    ///
    /// # Errors
    /// The port that failed, and how.
    pub async fn embed(&self, query: Query<'_>) -> Result<Vec<Embedding>, ChatError> {
        let shape = self.retriever.shape().await.map_err(ChatError::at(Stage::Retrieve))?;
        let texts: Vec<String> = Wording::all(query).iter().map(Wording::text).collect();
        let near = self.embedder.embed(&texts, Purpose::Query, shape).await;
        let near = near.map_err(ChatError::at(Stage::Embed))?;
        if near.len() == texts.len() {
            return Ok(near);
        }
        let message = "the embedder gave no vector for the question";
        Err(ChatError::at(Stage::Embed)(PortError::new(ErrorKind::Malformed, message)))
    }

    /// Finds the passages near the vectors of a question; at most `limit` where that is given.
    ///
    /// # Errors
    /// The port that failed, and how.
    pub async fn near(
        &self,
        query: Query<'_>,
        near: &[Embedding],
        limit: Option<NonZeroUsize>,
    ) -> Result<Found, ChatError> {
        let at = || ChatError::at(Stage::Retrieve);
        let passages = limit.unwrap_or(self.settings.passages);
        let settings = SearchSettings { passages, ..self.settings };
        let depth = NonZeroUsize::new(DEPTH).map_or(passages, |depth| depth.max(passages));
        let found = near.iter().map(|near| self.retriever.retrieve(near, depth));
        let mut rankings = try_join_all(found).await.map_err(at())?;
        let shape = self.retriever.shape().await.map_err(at())?;
        let losses = self.losses(shape, near, &rankings);

        let wordings = Wording::all(query);
        let best = &wordings[0];
        let mut reader = best.reader();
        for (at, (wording, rankings)) in wordings.iter().zip(&mut rankings).enumerate() {
            rankings.lexical = rankings.lexical.take().map(|lexical| {
                if at == 0 { reader.order(lexical) } else { wording.reader().order(lexical) }
            });
        }
        let is_all = best.is_about_the_page(query.question);
        let page = query.question.page().map(|url| Page { url, is_all });
        let fused = reciprocal_rank(rankings, page);
        let candidates = select(fused, query.question, settings);
        let evidence = best.judge(query.question, reader, &candidates);
        let passages = self.with_neighbours(&candidates, settings.tokens).await;
        Ok(Found { passages, candidates, evidence, losses })
    }

    /// What was missing when these rankings were made.
    fn losses(&self, shape: VectorShape, near: &[Embedding], rankings: &[Rankings]) -> Vec<Loss> {
        let embedded = near.iter().all(|near| near.dense.is_some());
        let dense = rankings.iter().all(|rankings| rankings.dense.is_some());
        let lexical = rankings.iter().all(|rankings| rankings.lexical.is_some());
        // An index that cannot be reached does not tell that it has dense vectors.
        let wanted = self.embedder.preferred_shape().dense.is_some();
        let unembedded = shape.dense.is_some() && !embedded;
        let unread = (shape.dense.is_none() && wanted)
            || (shape.dense.is_some() && embedded && !dense)
            || (shape.sparse && !lexical);
        let lost = [(unembedded, Leg::Embedder), (unread, Leg::Retriever)].into_iter();
        lost.filter(|(lost, _)| *lost).map(|(_, leg)| Loss { leg, reason: None }).collect()
    }

    /// The kept candidates, each with the parts of its section right before and after it, as long
    /// as there is room. The best one is cut when it does not fit alone.
    async fn with_neighbours(&self, candidates: &[Candidate], room: usize) -> Vec<Hit> {
        let kept = || candidates.iter().filter(|candidate| candidate.is_kept());
        let mut hits: Vec<Hit> = kept().map(|candidate| candidate.fused.hit.clone()).collect();
        if let Some(best) = hits.first_mut() {
            let room = room.saturating_sub(tokens(&best.passage.breadcrumb()));
            best.passage.text = beginning(&best.passage.text, room).to_owned();
        }
        let mut left = room.saturating_sub(hits.iter().map(|hit| cost(&hit.passage)).sum());
        if left == 0 {
            return hits;
        }
        let mut parts = self.parts_beside(candidates, &hits).await;
        for Hit { passage, .. } in &mut hits {
            let (before, after) = passage.id.neighbours();
            for (id, is_before) in [(before, true), (after, false)] {
                let Some(part) = id.and_then(|id| parts.get(&id)) else { continue };
                let Some(rest) = left.checked_sub(tokens(&part.text)) else { continue };
                if part.shares_section(passage) {
                    left = rest;
                    let (first, second) =
                        if is_before { (part, &*passage) } else { (&*passage, part) };
                    passage.text = format!("{}\n\n{}", first.text, second.text);
                    let id = part.id.clone();
                    parts.remove(&id);
                }
            }
        }
        hits
    }

    /// The parts beside these, but for those that are among them: from the candidates or, in one
    /// call, from the index. Without the index the answer goes without them.
    async fn parts_beside(
        &self,
        candidates: &[Candidate],
        hits: &[Hit],
    ) -> HashMap<PassageId, Passage> {
        let taken: HashSet<&PassageId> = hits.iter().map(|hit| &hit.passage.id).collect();
        let beside = |hit: &Hit| <[_; 2]>::from(hit.passage.id.neighbours()).into_iter().flatten();
        let mut wanted: HashSet<PassageId> =
            hits.iter().flat_map(beside).filter(|id| !taken.contains(id)).collect();
        let found = candidates.iter().map(|candidate| &candidate.fused.hit.passage);
        let mut parts: HashMap<PassageId, Passage> = found
            .filter_map(|passage| Some((wanted.take(&passage.id)?, passage.clone())))
            .collect();
        if !wanted.is_empty() {
            let mut ids: Vec<PassageId> = wanted.into_iter().collect();
            ids.sort_unstable();
            match self.retriever.passages(&ids).await {
                Ok(passages) => {
                    parts.extend(passages.into_iter().map(|passage| (passage.id.clone(), passage)));
                }
                Err(error) => tracing::warn!(%error, "the rest of the sections is not read"),
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests;
