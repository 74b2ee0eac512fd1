use std::time::Duration;

use super::Problems;
use super::setting::Settings;

/// How the time for an answer is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// For making a follow-up a question of its own.
    pub(crate) condense: Duration,
    /// For each model to write.
    pub(crate) answer: Duration,
}

impl Budget {
    /// The budget by these settings. What of the deadline is left is for the search, and for the
    /// book's own sentences when no model answers.
    pub(super) fn of(settings: &Settings, problems: &mut Problems) -> Self {
        let deadline = settings.deadline;
        let condense = settings.condense_timeout.unwrap_or(deadline / 20);
        let answer = settings.answer_timeout.unwrap_or(deadline * 2 / 3);
        if condense + answer >= deadline {
            problems.add(
                "ASKBOOK_CONDENSE_MS and ASKBOOK_ANSWER_MS together leave no time to search: lower \
                 them, or raise ASKBOOK_DEADLINE_MS",
            );
        }
        let models = 1 + u32::from(settings.gemini_fallback_model.is_some());
        Self { condense, answer: answer / models }
    }
}
