//! Rankings that another system made, in place of a search by dense vectors: so fusion can be
//! measured without a model.

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};
use askbook::embedding::{Embedding, VectorShape};
use askbook::error::PortError;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Ranked, Rankings, Retriever};
use async_trait::async_trait;
use serde::Deserialize;

use super::set;

/// The rankings of one system, by question.
pub(crate) struct StoredRankings {
    by_question: HashMap<String, Vec<PassageId>>,
}

#[derive(Deserialize)]
struct Line {
    question: String,
    /// `null` for a question that the system was not asked.
    rankings: HashMap<String, Option<Vec<String>>>,
}

impl StoredRankings {
    /// Reads `{question, rankings: {NAME: [passage id] or null}}` a line.
    ///
    /// # Errors
    /// The file cannot be read; a line is something else, or has no ranking of this name.
    pub(crate) fn read(path: &Path, name: &str) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut by_question = HashMap::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let place = || format!("{}, line {number}", path.display());
            let Line { question, mut rankings } = serde_json::from_str(line)
                .map_err(|error| set::told(&error))
                .with_context(|| format!("{}: not {{question, rankings}}", place()))?;
            let ranking = rankings.remove(name).ok_or_else(|| {
                let mut names: Vec<String> = rankings.into_keys().collect();
                names.sort_unstable();
                anyhow!("{}: no ranking {name:?}; there are: {}", place(), names.join(", "))
            })?;
            let ids = ranking.unwrap_or_default().into_iter().map(PassageId);
            by_question.insert(question, ids.collect());
        }
        Ok(Self { by_question })
    }

    /// A retriever that has this question's ranking in place of a search by dense vectors.
    ///
    /// # Errors
    /// There is no ranking for the question.
    pub(crate) fn over(
        &self,
        retriever: Arc<dyn Retriever>,
        question: &str,
    ) -> anyhow::Result<Arc<dyn Retriever>> {
        let ranking = self.by_question.get(question);
        ensure!(ranking.is_some(), "the stored rankings have none for this question");
        let ranking = ranking.cloned().unwrap_or_default();
        Ok(Arc::new(Standing { retriever, ranking }))
    }
}

/// Searches by terms, and has the rest.
struct Standing {
    retriever: Arc<dyn Retriever>,
    ranking: Vec<PassageId>,
}

#[async_trait]
impl Retriever for Standing {
    /// No dense vector is wanted of the question.
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape { dense: None, ..self.retriever.shape().await? })
    }

    /// The stored ranking has no scores: they are all 0.
    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        let found = self.retriever.retrieve(near, limit).await?;
        let passages = self.retriever.passages(&self.ranking).await?;
        let dense = passages.into_iter().map(|passage| Ranked { passage, score: 0.0 });
        Ok(Rankings { dense: Some(dense.collect()), ..found })
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.retriever.passages(ids).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.retriever.ready().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str, name: &str) -> anyhow::Result<StoredRankings> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        StoredRankings::read(file.path(), name)
    }

    #[test]
    fn a_ranking_that_is_not_there_is_an_error_that_says_which_are() {
        let line = r#"{"question": "q", "rankings": {"two": ["x"], "one": null}}"#;
        for (text, name, says) in [
            (line, "three", "line 1: no ranking \"three\"; there are: one, two"),
            ("\n{}", "one", "line 2: not {question, rankings}"),
        ] {
            let error = read_text(text, name).err().unwrap();
            assert!(format!("{error:#}").contains(says), "{error:#}");
        }
        let store = || Arc::new(askbook_memory::MemoryStore::new());
        for name in ["one", "two"] {
            let rankings = read_text(line, name).unwrap();
            assert!(rankings.over(store(), "q").is_ok());
            assert!(rankings.over(store(), "another").is_err());
        }
    }
}
