//! The generator without a model: quotes the sentences that answer, and cites them.
//!
//! [`rank`] reads question and passages and judges which units answer, or that none does;
//! [`compose`] picks what is needed to understand them; [`quotation`] writes it as Markdown in
//! which nothing of the book's own text can pass for a citation or a refusal.

use askbook::answer::Mode;
use askbook::error::PortError;
use askbook::ports::{Generated, Generation, Generator, Usage};
use askbook::prompt::{NOT_IN_BOOK, Prompt};
use async_trait::async_trait;
use futures_util::stream;

mod compose;
mod question;
mod quotation;
mod rank;

use question::Inquiry;

/// Answers in the book's own words, verbatim and cited, or says that the book does not.
///
/// Needs no network and no key, costs nothing, and gives the same answer to the same prompt.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuoteGenerator;

impl QuoteGenerator {
    /// A generator; there is nothing to set.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Generator for QuoteGenerator {
    fn model(&self) -> &'static str {
        "quote"
    }

    fn mode(&self) -> Mode {
        Mode::Extractive
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let mut blocks = answer(&prompt);
        if blocks.is_empty() {
            blocks.push(NOT_IN_BOOK.to_owned());
        }
        let texts = blocks.into_iter().enumerate().map(|(at, block)| match at {
            0 => Generated::Text(block),
            _ => Generated::Text(format!("\n\n{block}")),
        });
        let end = Generated::End { model: self.model().to_owned(), usage: Usage::default() };
        Ok(Box::pin(stream::iter(texts.chain([end]).map(Ok).collect::<Vec<_>>())))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// The blocks of the answer, in order; none when the passages do not hold one.
fn answer(prompt: &Prompt) -> Vec<String> {
    let inquiry = Inquiry::read(prompt);
    rank::best_sections(&inquiry, &prompt.passages)
        .iter()
        .flat_map(|section| compose::blocks(section, &inquiry))
        .collect()
}

#[cfg(test)]
mod tests;
