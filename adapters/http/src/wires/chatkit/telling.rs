//! An answer, told as events of `ChatKit` and kept in its thread.

use std::fmt::Write as _;
use std::sync::Arc;

use askbook::answer::Answer;
use askbook::event::ChatEvent;
use askbook::ports::Threads;
use askbook::session::{MessageId, SessionId};
use askbook::thread::{Item, Visitor};
use tokio::runtime::Handle;
use tracing::warn;
use uuid::Uuid;

use super::event::{Event, Update};
use super::item::{
    Annotation, AssistantMessage, Content, Kept, Note, ThreadItem, absolute, item_name, now,
    thread_name,
};
use super::prose::{Piece, Prose};
use crate::problem::{Problem, chain};
use crate::progress::Progress;
use crate::streaming::{Wire, sse};

/// Where an answer is kept.
pub(super) struct Place {
    pub(super) threads: Arc<dyn Threads>,
    pub(super) visitor: Visitor,
    pub(super) thread: SessionId,
}

impl Place {
    /// Puts something into the thread. An answer is no worse when that fails: it is told, and
    /// missing when the thread is seen again.
    async fn put(&self, item: Item) {
        if let Err(error) = self.threads.put(&self.visitor, &self.thread, item).await {
            warn!(error = chain(&error), "an answer is not kept in its thread");
        }
    }
}

/// Writes the events of one answer.
///
/// The client leaving is how a reader stops it: what there is of the answer then is kept, with a
/// note that it is not complete.
pub(super) struct Telling {
    place: Arc<Place>,
    /// What is to be told first.
    unsent: String,
    prose: Prose,
    /// Named when the question is accepted.
    answer: Option<Open>,
    /// Whether the end was told.
    ended: bool,
}

/// An answer that is being written.
struct Open {
    id: MessageId,
    /// Without its content.
    item: AssistantMessage,
    annotations: Vec<Annotation>,
    /// Whether any of it was told.
    shown: bool,
}

impl Open {
    fn new(id: MessageId, thread: &SessionId) -> Self {
        let item = AssistantMessage {
            id: item_name(id),
            thread_id: thread_name(thread),
            created_at: now(),
            content: Vec::new(),
        };
        Self { id, item, annotations: Vec::new(), shown: false }
    }

    fn content(&self, text: &str) -> Content {
        Content::OutputText { text: text.to_owned(), annotations: self.annotations.clone() }
    }

    fn complete(&self, text: &str) -> ThreadItem {
        let content = vec![self.content(text)];
        ThreadItem::AssistantMessage(AssistantMessage { content, ..self.item.clone() })
    }

    /// Tells a piece.
    fn tell(&mut self, piece: Piece, stream: &mut String) {
        let Piece { text, annotations } = piece;
        if text.is_empty() && annotations.is_empty() {
            return;
        }
        if !self.shown {
            self.shown = true;
            let item = ThreadItem::AssistantMessage(self.item.clone());
            Event::ItemAdded { item: &item }.write(stream);
            self.update(Update::PartAdded { content_index: 0, content: Content::text("") }, stream);
        }
        if !text.is_empty() {
            self.update(Update::TextDelta { content_index: 0, delta: &text }, stream);
        }
        for annotation in annotations {
            let annotation_index = self.annotations.len();
            let update = Update::AnnotationAdded {
                content_index: 0,
                annotation_index,
                annotation: &annotation,
            };
            self.update(update, stream);
            self.annotations.push(annotation);
        }
    }

    fn update(&self, update: Update<'_>, stream: &mut String) {
        Event::ItemUpdated { item_id: &self.item.id, update }.write(stream);
    }
}

impl Telling {
    /// The answer behind this prologue. Addresses of the book are of this site.
    pub(super) fn new(place: Place, prologue: String, site: Option<String>) -> Self {
        let prose = Prose::new(site);
        Self { place: Arc::new(place), unsent: prologue, prose, answer: None, ended: false }
    }
}

/// The pages that may help in place of an answer, as a list behind it: as annotations they would
/// be taken for where it is from.
fn suggestions(answer: &Answer, site: Option<&str>) -> String {
    let mut list = String::new();
    for suggestion in &answer.suggestions {
        let Some(url) = absolute(&suggestion.url, site) else { continue };
        let title = if suggestion.title.is_empty() { &url } else { &suggestion.title };
        let title = title.replace(['[', ']', '\n'], " ");
        let url = url.replace('(', "%28").replace(')', "%29").replace(' ', "%20");
        let separator = if list.is_empty() { "\n\n" } else { "\n" };
        // Writing to a string never fails.
        let _ = write!(list, "{separator}- [{title}]({url})");
    }
    list
}

impl Wire for Telling {
    const MEDIA_TYPE: &'static str = sse::MEDIA_TYPE;

    /// Not a block of its own: `ChatKit` takes a blank line for the end of an event, and one
    /// without data for a broken one.
    const HEARTBEAT: Option<&'static str> = Some(": \n");

    async fn keep(&mut self, answer: &Answer) {
        let Some(open) = &mut self.answer else { return };
        let mut stream = std::mem::take(&mut self.unsent);
        let piece = self.prose.see(&ChatEvent::Sources(Vec::new()));
        open.tell(piece, &mut stream);
        let list = suggestions(answer, self.prose.site());
        if !list.is_empty() {
            let piece = self.prose.see(&ChatEvent::Delta(list));
            open.tell(piece, &mut stream);
        }
        let text = self.prose.shown();
        let content = open.content(text);
        open.update(Update::PartDone { content_index: 0, content }, &mut stream);
        let item = open.complete(text);
        Event::ItemDone { item: &item }.write(&mut stream);
        self.place.put(Kept::Shown(item).to_item(open.id)).await;
        self.unsent = stream;
        // From now on it is complete, whether the client sees it or not.
        self.ended = true;
    }

    fn event(&mut self, event: ChatEvent, _: &mut Progress) -> Option<String> {
        let mut stream = std::mem::take(&mut self.unsent);
        match &event {
            ChatEvent::Accepted { message, .. } => {
                self.answer = Some(Open::new(*message, &self.place.thread));
                progress("search", "Searching the book", &mut stream);
            }
            ChatEvent::Retrieved(found) if !found.passages.is_empty() => {
                let passages = found.passages.len();
                let text = match passages {
                    1 => "Reading 1 passage".to_owned(),
                    _ => format!("Reading {passages} passages"),
                };
                progress("book-open", &text, &mut stream);
            }
            event => {
                let piece = self.prose.see(event);
                if let Some(open) = &mut self.answer {
                    open.tell(piece, &mut stream);
                }
            }
        }
        (!stream.is_empty()).then_some(stream)
    }

    fn failure(&mut self, problem: &Problem, _incomplete: bool) -> String {
        self.ended = true;
        let mut stream = std::mem::take(&mut self.unsent);
        let may_retry = problem.code.status().is_server_error();
        Event::error(&problem.detail, may_retry).write(&mut stream);
        stream
    }
}

fn progress(icon: &'static str, text: &str, stream: &mut String) {
    Event::Progress { icon, text: text.to_owned() }.write(stream);
}

impl Drop for Telling {
    fn drop(&mut self) {
        let (false, Some(open)) = (self.ended, &self.answer) else { return };
        let text = self.prose.shown();
        let partial =
            (!text.trim().is_empty()).then(|| Kept::Shown(open.complete(text)).to_item(open.id));
        let id = MessageId(Uuid::new_v4());
        let note = Kept::Hidden(Note::cancelled(id, &self.place.thread)).to_item(id);
        let place = Arc::clone(&self.place);
        // Without a runtime the program is ending.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                for item in partial.into_iter().chain([note]) {
                    place.put(item).await;
                }
            });
        }
    }
}
