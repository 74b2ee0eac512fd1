//! Language: whether an answer is written in the language of the passages.

use unicode_segmentation::UnicodeSegmentation;

use super::support::Support;
use crate::concept::ratio;

/// An answer of whose words the passages have less than this share is in another language than they
/// are, and compared with them by numbers and identifiers alone. Measured on half `a` of
/// `tests/data/answers`: English answers from English passages have 0.55 or more, others up to 0.27.
const OWN: f64 = 0.4;

/// How many of the words of question and answer, function words included, the passages have: few
/// where they are in different languages.
#[derive(Clone, Debug, Default)]
pub(super) struct Language {
    words: usize,
    known: usize,
}

impl Language {
    /// Reads a part of the text, without its code.
    pub(super) fn read(&mut self, prose: &str, support: &Support) {
        for word in prose.unicode_words().filter(|word| word.contains(char::is_alphabetic)) {
            self.words += 1;
            self.known += usize::from(support.has_word(&word.to_lowercase()));
        }
    }

    /// Whether the passages are in the language of what was read.
    pub(super) fn is_own(&self) -> bool {
        ratio(self.known, self.words) >= OWN
    }
}
