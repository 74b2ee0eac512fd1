use askbook::answer::Mode;
use askbook::error::PortError;
use askbook::ports::{Generated, Generation, Generator, Usage};
use askbook::prompt::{NOT_IN_BOOK, Prompt};
use askbook::text::{UnitKind, units};
use async_trait::async_trait;
use futures_util::stream;

/// Repeats the first sentence of the best passage and cites it.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryGenerator;

#[async_trait]
impl Generator for MemoryGenerator {
    fn model(&self) -> &'static str {
        "memory"
    }

    fn mode(&self) -> Mode {
        Mode::Extractive
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let first = prompt.passages.first().and_then(|hit| {
            units(&hit.passage.text).into_iter().find(|unit| unit.kind == UnitKind::Sentence)
        });
        let pieces = match first {
            Some(sentence) => vec![sentence.text, " [1]".to_owned()],
            None => vec![NOT_IN_BOOK.to_owned()],
        };
        let end = Generated::End { model: self.model().to_owned(), usage: Usage::default() };
        let generation = pieces.into_iter().map(Generated::Text).chain([end]).map(Ok);
        Ok(Box::pin(stream::iter(generation.collect::<Vec<_>>())))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}
