//! Review: what a generator writes, checked while it is written and before anybody sees it.

mod citation;
mod claim;
mod detail;
mod draft;
mod language;
mod markup;
mod reading;
mod refusal;
mod support;
mod words;

use self::draft::Draft;
use self::markup::Markup;
use self::refusal::Refusal;
use crate::answer::{Source, Unsupported};
use crate::event::Citation;
use crate::prompt::Prompt;
pub use reading::Readings;

/// Checks a text piece by piece.
///
/// Nothing that was handed on is taken back, so what has to be seen whole to be judged is held
/// until it is: a sentence, from its first citation on. And everything is held until the first
/// claim has proved to be supported: what supports itself by nothing is never shown.
#[derive(Clone, Debug)]
pub struct Review {
    refusal: Refusal,
    markup: Markup,
    draft: Draft,
}

/// What can be shown.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "each is taken apart as soon as it is given")]
pub enum Reviewed {
    /// The next piece of the text; never empty.
    Text(String),
    /// A citation in the text so far.
    Citation(Citation),
}

/// A text that was checked to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// What was handed on, put together.
    pub text: String,
    /// The passages that it cites; at least one.
    pub sources: Vec<Source>,
    /// What no passage says.
    pub unsupported: Vec<Unsupported>,
}

impl Review {
    /// A review of what is written by this prompt, whose passages may have been read before.
    pub fn new(prompt: &Prompt, readings: &Readings) -> Self {
        let passages = readings.of(&prompt.passages);
        Self {
            refusal: Refusal::default(),
            markup: Markup::new(prompt.mark, passages.clone()),
            draft: Draft::new(prompt, passages),
        }
    }

    /// Takes the next piece of the text in. Gives what can be shown now.
    pub fn add(&mut self, piece: &str) -> Vec<Reviewed> {
        let piece = self.refusal.without(piece);
        self.draft.add(self.markup.add(&piece))
    }

    /// Ends the text. Gives what was still held, and the checked text; `None`, and nothing was
    /// ever shown, when it is the refusal or nothing supports it.
    pub fn finish(self) -> (Vec<Reviewed>, Option<Checked>) {
        let Self { refusal, mut markup, mut draft } = self;
        let mut reviewed = draft.add(markup.add(&refusal.rest()));
        reviewed.extend(draft.add(markup.finish()));
        let (rest, checked) = draft.finish();
        reviewed.extend(rest);
        (reviewed, checked)
    }
}

#[cfg(test)]
mod tests;
