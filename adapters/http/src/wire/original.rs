//! The wire of the original site, whose widgets work with this server unchanged: a chat as one
//! reply, or line by line.

use std::collections::HashSet;

use askbook::answer::{Answer, Source};
use askbook::event::ChatEvent;
use serde::Serialize;
use uuid::Uuid;

use crate::problem::Problem;
use crate::progress::Progress;
use crate::streaming::Wire;

/// An answer in one piece.
#[derive(Debug, Serialize)]
pub(crate) struct OriginalReply {
    response: String,
    /// Null when there are none.
    sources: Option<Vec<Page>>,
    message_id: Uuid,
}

impl From<Answer> for OriginalReply {
    fn from(answer: Answer) -> Self {
        let sources = pages(answer.sources);
        let sources = (!sources.is_empty()).then_some(sources);
        Self { response: answer.text, sources, message_id: answer.message.0 }
    }
}

/// A source as the original knows it.
#[derive(Debug, Serialize)]
struct Page {
    url: String,
    page_title: String,
}

/// What can be opened of the sources, each address once.
fn pages(sources: Vec<Source>) -> Vec<Page> {
    let mut seen = HashSet::new();
    let pages = sources.into_iter().filter_map(|Source { passage, .. }| {
        let url = passage.url.filter(|url| seen.insert(url.clone()))?;
        Some(Page { url, page_title: passage.title })
    });
    pages.collect()
}

/// A step of a chat.
#[derive(Debug, Serialize)]
#[serde(tag = "type", content = "content", rename_all = "snake_case")]
enum Line {
    Sources(Vec<Page>),
    Chunk(String),
    Error(String),
}

/// Writes the steps of a chat as JSON, one a line.
///
/// The original sends the sources first. Here they are known when the citations have been checked,
/// and sent then, after the text: its widget takes lines in any order. A failure is the last line.
#[derive(Debug)]
pub(crate) struct Lines;

impl Lines {
    fn write(line: &Line) -> String {
        // Strings and lists of them always serialise, and JSON has no line breaks.
        serde_json::to_string(line).unwrap_or_default() + "\n"
    }
}

impl Wire for Lines {
    const MEDIA_TYPE: &'static str = "application/x-ndjson";
    const HEARTBEAT: Option<&'static str> = None;

    fn event(&mut self, event: ChatEvent, _: &mut Progress) -> Option<String> {
        match event {
            ChatEvent::Delta(text) => Some(Self::write(&Line::Chunk(text))),
            ChatEvent::Sources(sources) => Some(Self::write(&Line::Sources(pages(sources)))),
            _ => None,
        }
    }

    fn failure(&mut self, problem: &Problem, _incomplete: bool) -> String {
        Self::write(&Line::Error(problem.detail.to_string()))
    }
}
