//! Follow-ups: questions that need their conversation to be understood.

pub(crate) mod phrase;

use crate::plain::plain;
use crate::question::Question;
use crate::session::{MessageId, Role, Turn};
use phrase::Phrase;

/// A condensed question that is longer is none, in characters.
const LONGEST: usize = 500;

/// A question that does not stand alone, with the conversation before it.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowUp {
    /// The mark of the prompt's headlines; new for each request.
    pub mark: MessageId,
    /// The question.
    pub question: Question,
    /// The conversation before it, oldest first; not empty.
    pub history: Vec<Turn>,
}

impl FollowUp {
    /// The question as a follow-up; `None` when it stands alone.
    pub fn of(mark: MessageId, question: &Question, history: &[Turn]) -> Option<Self> {
        if history.is_empty() || stands_alone(question) {
            return None;
        }
        Some(Self { mark, question: question.clone(), history: history.to_vec() })
    }

    /// What the question means by itself: what a generator made of it, if that can be one, else
    /// what the reader asked before and the question, from the last question that stands alone.
    pub fn standalone(&self, condensed: Option<String>) -> String {
        let condensed = condensed.map(|condensed| plain(condensed.trim()));
        let is_question = |text: &String| {
            !text.is_empty() && !text.contains('\n') && text.chars().count() <= LONGEST
        };
        condensed.filter(is_question).unwrap_or_else(|| self.with_what_was_asked())
    }

    fn with_what_was_asked(&self) -> String {
        let mut asked = vec![self.question.text().to_owned()];
        for turn in self.history.iter().rev().filter(|turn| turn.role == Role::Reader) {
            asked.push(plain(&turn.text));
            if Phrase::read(&turn.text).stands_alone() {
                break;
            }
        }
        asked.reverse();
        asked.join(" ").trim().to_owned()
    }
}

/// Whether a question can be understood without its conversation. What a reader selected is a
/// part of the question: "what does this mean?" is then about that.
fn stands_alone(question: &Question) -> bool {
    let phrase = Phrase::read(question.text());
    match question.selected_text() {
        Some(_) => phrase.stands_beside_a_text(),
        None => phrase.stands_alone(),
    }
}

#[cfg(test)]
mod tests;
