//! What holds of the question in any body, and of what is said of a body without one.

use askbook::question::{Question, QuestionLimits};
use askbook_http::fuzzing::Refusal;

/// Longer than any of our own words.
const DETAIL: usize = 300;

/// Its parts are within their limits, trimmed, and without control characters.
pub fn question(question: &Question) {
    let limits = QuestionLimits::default();
    let parts = [
        (Some(question.text()), limits.text),
        (question.selected_text(), limits.selected_text),
        (question.page(), 2_000),
    ];
    for (text, limit) in parts {
        let Some(text) = text else { continue };
        assert!(!text.is_empty() && text.trim() == text, "{text:?}");
        assert!(text.chars().count() <= limit);
        assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
    }
}

/// A refusal has none but letters, digits, and the marks of our own words, and names a field by a
/// path that has no blanks in it.
pub fn refusal((detail, field): &Refusal) {
    assert!(!detail.is_empty() && detail.len() <= DETAIL, "{detail:?}");
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b" `.,:;()[]{}\"_-/".contains(&byte);
    assert!(detail.bytes().all(is_ours), "{detail:?}");
    let is_path = |field: &String| field.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(field.as_ref().is_none_or(is_path), "{field:?}");
}
