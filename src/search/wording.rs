//! Wordings: the texts that a question is searched by.

use std::borrow::Cow;

use super::{Query, page};
use crate::evidence::{self, Evidence};
use crate::follow_up::phrase::Phrase;
use crate::passage::{Passage, slug_words};
use crate::question::Question;
use crate::reading::Reader;
use crate::selection::Candidate;

/// A text to search by.
#[derive(Clone, Debug, PartialEq)]
pub struct Wording<'a> {
    /// A question; empty when it says nothing beside its context.
    pub asked: &'a str,
    /// What it speaks of and does not name: the text that the reader selected, or the words of a
    /// page's address.
    pub context: Option<Cow<'a, str>>,
}

impl<'a> Wording<'a> {
    /// The wordings of a question, one or two, the best one first. The other one is what the
    /// reader wrote, with what the reader selected.
    pub(super) fn all(query: Query<'a>) -> Vec<Self> {
        let best = Self::best(query);
        let question = query.question;
        let selected = question.selected_text().map(Cow::Borrowed);
        let written = Self { asked: question.text(), context: selected };
        if best.asked.is_empty() || best == written { vec![best] } else { vec![best, written] }
    }

    /// The wording that says best what is asked: the question that needs no conversation, with
    /// what the reader selected if it speaks of that, else with the words of the page's address
    /// if it speaks of the page.
    pub(super) fn best(query: Query<'a>) -> Self {
        let phrase = Phrase::read(query.asked());
        let context = match query.question.selected_text() {
            Some(selected) => {
                (phrase.points() || phrase.names_nothing()).then_some(Cow::Borrowed(selected))
            }
            None if query.standalone.is_none() && (phrase.points() || phrase.is_about_a_text()) => {
                let words = query.question.page().map(|url| slug_words(page::bare(url)));
                words.filter(|words| !words.is_empty()).map(Cow::Owned)
            }
            None => None,
        };
        let is_all = context.is_some() && phrase.is_about_a_text();
        Self { asked: if is_all { "" } else { query.asked() }, context }
    }

    /// Whether it asks about nothing but the page of the question.
    pub(super) fn is_about_the_page(&self, question: &Question) -> bool {
        self.asked.is_empty() && question.selected_text().is_none()
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        match &self.context {
            None => self.asked.to_owned(),
            Some(context) if self.asked.is_empty() => context.clone().into_owned(),
            Some(context) => format!("{}\n{context}", self.asked),
        }
    }

    /// Judges the candidates that were found by it, and read by `reader`.
    ///
    /// A page is only where to look: its words need not be in its text, and where nothing else is
    /// asked for, any passage of it will do. A selection is evidence by itself when it was taken
    /// from one of the passages.
    pub(super) fn judge(
        &self,
        question: &Question,
        mut reader: Reader,
        candidates: &[Candidate],
    ) -> Evidence {
        let Some(context) = &self.context else { return evidence::judge(&mut reader, candidates) };
        let kept = || candidates.iter().filter(|candidate| candidate.is_kept());
        let mut passages = kept().map(|candidate| &candidate.fused.hit.passage);
        let (evidence, is_shown) = if question.selected_text().is_some() {
            let evidence = evidence::judge(&mut reader, candidates);
            (evidence, passages.any(|passage| evidence::is_taken_from(context, passage)))
        } else {
            let evidence = evidence::judge(&mut Reader::new(self.asked, None), candidates);
            let is_there = |passage: &Passage| {
                let address = passage.url.as_deref().zip(question.page());
                address.is_some_and(|(url, page)| page::is_same(url, page))
            };
            (evidence, Phrase::read(self.asked).names_nothing() && passages.any(is_there))
        };
        Evidence { sufficient: evidence.sufficient || is_shown, ..evidence }
    }

    /// A reader for it.
    pub(super) fn reader(&self) -> Reader {
        Reader::new(self.asked, self.context.as_deref())
    }
}

#[cfg(test)]
mod tests;
