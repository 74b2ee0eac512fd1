//! Server-sent events (HTML standard, 9.2), the native way to tell a chat step by step.
//!
//! The data of each event is one [`EventReply`] as JSON, in one line. Ids count the events from 1.
//! They are for seeing what arrived, and for telling a client that connects anew from one that
//! asks anew; a stream cannot be taken up again.

use askbook::event::ChatEvent;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::Type;

use super::event::{Accepted, CitationReply, Delta, EventReply, Failed, Found, Sources};
use super::problem::ProblemDocument;
use super::reply::ChatReply;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::streaming::{Wire, sse};

/// Writes the events of one chat.
pub(crate) struct Events {
    request_id: String,
    /// What was sent of the answer.
    text: String,
    /// How many events were written.
    count: u64,
}

impl Events {
    /// Of a chat that was asked for by the request of this id.
    pub(crate) fn new(request_id: String) -> Self {
        Self { request_id, text: String::new(), count: 0 }
    }

    fn write(&mut self, event: &EventReply) -> String {
        self.count += 1;
        sse::numbered(self.count, event)
    }
}

impl Wire for Events {
    const MEDIA_TYPE: &'static str = sse::MEDIA_TYPE;
    const HEARTBEAT: Option<&'static str> = sse::HEARTBEAT;

    fn event(&mut self, event: ChatEvent, progress: &mut Progress) -> Option<String> {
        let event = match event {
            ChatEvent::Accepted { message, session, restarted } => {
                EventReply::Accepted(Accepted::new(message, session.as_ref(), restarted))
            }
            ChatEvent::Retrieved(found) => {
                EventReply::Found(Found { passages: found.passages.len() })
            }
            ChatEvent::Delta(text) => {
                self.text.push_str(&text);
                EventReply::Delta(Delta { text })
            }
            ChatEvent::Citation(citation) => {
                EventReply::Citation(CitationReply::new(citation, &self.text))
            }
            ChatEvent::Sources(sources) => EventReply::Sources(Sources::new(sources, &self.text)),
            ChatEvent::Done(answer) => {
                let explanation = progress.explanation.take();
                EventReply::Done(ChatReply::new(*answer, progress.restarted, explanation))
            }
            ChatEvent::Condensed(_) | ChatEvent::Embedded | ChatEvent::Failed { .. } => {
                return None;
            }
        };
        Some(self.write(&event))
    }

    fn failure(&mut self, problem: &Problem, incomplete: bool) -> String {
        let problem = ProblemDocument::new(problem, &self.request_id, None);
        self.write(&EventReply::Error(Failed { problem, incomplete }))
    }
}

/// In the document, the schema is that of one event's data: generated clients take it for that.
impl Payload for Events {
    const CONTENT_TYPE: &'static str = sse::MEDIA_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        EventReply::schema_ref()
    }

    fn register(registry: &mut Registry) {
        EventReply::register(registry);
    }
}
