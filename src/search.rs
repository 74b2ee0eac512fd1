//! The application service of finding: from a question to the passages that it is answered from.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::embedding::{Embedding, Purpose};
use crate::error::{ChatError, ErrorKind, PortError, Stage};
use crate::evidence::{self, Evidence};
use crate::fusion::reciprocal_rank;
use crate::passage::{Hit, Passage, PassageId};
use crate::ports::{Embedder, Retriever};
use crate::question::Question;
use crate::reading::Reader;
use crate::selection::{Candidate, cost, select};
use crate::text::{beginning, tokens};

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
    /// Whether a part of the search was out of order, so that something may be missing.
    pub degraded: bool,
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
        question: &Question,
        limit: Option<NonZeroUsize>,
    ) -> Result<Found, ChatError> {
        let near = self.embed(question).await?;
        self.near(question, &near, limit).await
    }

    /// The vectors that the index is searched with for this question: those of the question
    /// together with the text that the reader selected.
    ///
    /// # Errors
    /// The port that failed, and how.
    pub async fn embed(&self, question: &Question) -> Result<Embedding, ChatError> {
        let shape = self.retriever.shape().await.map_err(ChatError::at(Stage::Retrieve))?;
        let text = match question.selected_text() {
            Some(selected) => format!("{}\n{selected}", question.text()),
            None => question.text().to_owned(),
        };
        let embeddings = self.embedder.embed(&[text], Purpose::Query, shape).await;
        let first = embeddings.map_err(ChatError::at(Stage::Embed))?.pop();
        first.ok_or_else(|| {
            let message = "the embedder gave no vector for the question";
            ChatError::at(Stage::Embed)(PortError::new(ErrorKind::Malformed, message))
        })
    }

    /// Finds the passages near the vectors of a question; at most `limit` where that is given.
    ///
    /// # Errors
    /// The port that failed, and how.
    pub async fn near(
        &self,
        question: &Question,
        near: &Embedding,
        limit: Option<NonZeroUsize>,
    ) -> Result<Found, ChatError> {
        let at = || ChatError::at(Stage::Retrieve);
        let passages = limit.unwrap_or(self.settings.passages);
        let settings = SearchSettings { passages, ..self.settings };
        let depth = NonZeroUsize::new(DEPTH).map_or(passages, |depth| depth.max(passages));
        let mut rankings = self.retriever.retrieve(near, depth).await.map_err(at())?;
        let mut reader = Reader::new(question);
        rankings.lexical = rankings.lexical.map(|lexical| reader.order(lexical));
        let shape = self.retriever.shape().await.map_err(at())?;
        // An index that cannot be reached does not tell that it has dense vectors.
        let has_dense = shape.dense.or(self.embedder.preferred_shape().dense).is_some();
        let degraded =
            (has_dense && rankings.dense.is_none()) || (shape.sparse && rankings.lexical.is_none());
        let candidates = select(reciprocal_rank(rankings), question, settings);
        let evidence = evidence::judge(&mut reader, &candidates);
        let passages = self.with_neighbours(&candidates, settings.tokens).await;
        Ok(Found { passages, candidates, evidence, degraded })
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
