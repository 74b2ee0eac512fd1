//! The events of `ChatKit`'s streams.

use serde::Serialize;

use super::item::{Annotation, Content, Thread, ThreadItem};
use crate::streaming::sse;

/// What is told of an answer while it is written, of all that the protocol knows.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum Event<'a> {
    #[serde(rename = "thread.created")]
    ThreadCreated { thread: Thread },
    #[serde(rename = "thread.updated")]
    ThreadUpdated { thread: Thread },
    #[serde(rename = "thread.item.added")]
    ItemAdded { item: &'a ThreadItem },
    #[serde(rename = "thread.item.updated")]
    ItemUpdated { item_id: &'a str, update: Update<'a> },
    #[serde(rename = "thread.item.done")]
    ItemDone { item: &'a ThreadItem },
    #[serde(rename = "stream_options")]
    StreamOptions { stream_options: StreamOptions },
    #[serde(rename = "progress_update")]
    Progress { icon: &'static str, text: String },
    #[serde(rename = "error")]
    Error { code: &'static str, message: &'a str, allow_retry: bool },
}

#[derive(Debug, Serialize)]
pub(super) struct StreamOptions {
    pub(super) allow_cancel: bool,
}

/// A change of an answer that is being written. It has one part.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum Update<'a> {
    #[serde(rename = "assistant_message.content_part.added")]
    PartAdded { content_index: usize, content: Content },
    #[serde(rename = "assistant_message.content_part.text_delta")]
    TextDelta { content_index: usize, delta: &'a str },
    #[serde(rename = "assistant_message.content_part.annotation_added")]
    AnnotationAdded { content_index: usize, annotation_index: usize, annotation: &'a Annotation },
    #[serde(rename = "assistant_message.content_part.done")]
    PartDone { content_index: usize, content: Content },
}

impl Event<'_> {
    /// Tells it.
    pub(super) fn write(&self, stream: &mut String) {
        stream.push_str(&sse::event(self));
    }

    /// An error that is shown in the words of this server.
    pub(super) fn error(message: &str, allow_retry: bool) -> Event<'_> {
        Event::Error { code: "custom", message, allow_retry }
    }
}
