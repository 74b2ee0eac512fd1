//! A reader's question, checked before anything is spent on it.

use crate::plain::is_invisible;

/// A question that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    text: String,
    selected_text: Option<String>,
    page: Option<String>,
    anew: bool,
}

/// How long the parts of a question may be, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuestionLimits {
    /// The question itself.
    pub text: usize,
    /// The text that the reader selected on the page.
    pub selected_text: usize,
}

impl Default for QuestionLimits {
    /// The widest limits found on 30 existing sites.
    fn default() -> Self {
        Self { text: 4_000, selected_text: 10_000 }
    }
}

/// The longest page address that is read, in characters.
const PAGE_LIMIT: usize = 2_000;

/// Why a question cannot be asked. The messages are for the person who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// Nothing that can be seen.
    #[error("the message is empty: write a question")]
    Empty,
    /// More than the limit.
    #[error("{what} has {length} characters; at most {limit} are allowed")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// How many characters it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
}

impl Question {
    /// Checks the parts of a question. Blank optional parts count as absent. What is taken away of
    /// a part counts as part of its length: a limit is what may be sent.
    ///
    /// # Errors
    /// Nothing visible in the text, or a part that is longer than its limit.
    pub fn new(
        text: &str,
        selected_text: Option<&str>,
        page: Option<&str>,
        limits: QuestionLimits,
    ) -> Result<Self, QuestionError> {
        let seen = visible(text).ok_or(QuestionError::Empty)?;
        within("the message", text, limits.text)?;
        within("the selected text", selected_text.unwrap_or(""), limits.selected_text)?;
        within("the page", page.unwrap_or(""), PAGE_LIMIT)?;
        let (selected_text, page) = (selected_text.and_then(visible), page.and_then(visible));
        Ok(Self { text: seen, selected_text, page, anew: false })
    }

    /// The same question of a reader who has an answer to it and wants another one.
    #[must_use]
    pub fn anew(self) -> Self {
        Self { anew: true, ..self }
    }

    /// Whether the answer has to be written anew: one that was written before does not do.
    pub fn is_anew(&self) -> bool {
        self.anew
    }

    /// What is asked.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the reader had selected on the page.
    pub fn selected_text(&self) -> Option<&str> {
        self.selected_text.as_deref()
    }

    /// The address of the page that the reader is on.
    pub fn page(&self) -> Option<&str> {
        self.page.as_deref()
    }
}

fn within(what: &'static str, text: &str, limit: usize) -> Result<(), QuestionError> {
    let length = text.chars().count();
    if length > limit { Err(QuestionError::TooLong { what, length, limit }) } else { Ok(()) }
}

/// The trimmed text without control characters (line breaks and tabs stay), or `None` when
/// nothing of it can be seen.
fn visible(text: &str) -> Option<String> {
    let text: String =
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let seen = text.chars().any(|c| !c.is_whitespace() && !is_invisible(c));
    seen.then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Result<Question, QuestionError> {
        Question::new(text, None, None, QuestionLimits::default())
    }

    #[test]
    fn a_question_without_anything_to_see_is_refused() {
        for nothing in
            ["", "   \n\t", "\u{200B}\u{FEFF}", "\u{E0041}\u{2060} ", "\0\u{7}", "\u{AD}\u{2800}"]
        {
            assert_eq!(ask(nothing), Err(QuestionError::Empty), "{nothing:?}");
        }
    }

    #[test]
    fn a_question_is_trimmed_and_keeps_its_line_breaks() {
        let question = ask("  how?\r\n\0why?\n ").map(|question| question.text);
        assert_eq!(question.as_deref(), Ok("how?\nwhy?"));
    }

    #[test]
    fn the_limit_counts_characters_and_is_inclusive() {
        let limits = QuestionLimits { text: 3, selected_text: 2 };
        assert!(Question::new("äöü", Some("日本"), None, limits).is_ok());
        assert_eq!(
            Question::new("äöüß", None, None, limits),
            Err(QuestionError::TooLong { what: "the message", length: 4, limit: 3 })
        );
        assert_eq!(
            Question::new("ä", Some("日本語"), None, limits),
            Err(QuestionError::TooLong { what: "the selected text", length: 3, limit: 2 })
        );
    }

    #[test]
    fn what_is_taken_away_counts_as_well() {
        let limits = QuestionLimits { text: 3, selected_text: 2 };
        assert!(Question::new("a\n ", Some("\0b"), None, limits).is_ok());
        assert!(Question::new("a\n  ", None, None, limits).is_err());
        assert!(Question::new("a", Some("\0\0b"), None, limits).is_err());
    }

    #[test]
    fn blank_optional_parts_count_as_absent() {
        let question = Question::new("a", Some(" \u{200B}"), Some(""), QuestionLimits::default());
        assert_eq!(question.map(|q| (q.selected_text, q.page)), Ok((None, None)));
    }
}
