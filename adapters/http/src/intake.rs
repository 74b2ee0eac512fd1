//! What a question goes through before it is answered, on whatever wire it comes.

use std::sync::Arc;
use std::time::Duration;

use askbook::chat::{Ask, Chat, Delivery};
use askbook::event::ChatEvent;
use askbook::feedback::{Feedback, Rating};
use askbook::question::{Question, QuestionLimits};
use askbook::session::{Conversation, MessageId, SessionId};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use metrics::counter;
use poem::Request;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::Span;
use uuid::Uuid;

use crate::json::{BodyLimits, JsonBody};
use crate::limits::Limits;
use crate::problem::{Code, Problem};
use crate::settings::HttpSettings;
use crate::streaming::{Bounds, Closing};

/// Takes questions in: one for all wires, so that what bounds one bounds them together.
#[derive(Clone)]
pub(crate) struct Intake {
    chat: Chat,
    pub(crate) question_limits: QuestionLimits,
    body_limits: BodyLimits,
    limits: Limits,
    /// One for each question that is being answered.
    places: Arc<Semaphore>,
    deadline: Duration,
    heartbeat: Duration,
}

impl Intake {
    pub(crate) fn new(chat: Chat, settings: &HttpSettings) -> Self {
        Self {
            chat,
            question_limits: settings.question,
            body_limits: BodyLimits { length: settings.body_limit, time: settings.body_timeout },
            limits: settings.clients.limits.clone(),
            places: Arc::new(Semaphore::new(settings.questions)),
            deadline: settings.deadline,
            heartbeat: settings.heartbeat,
        }
    }

    pub(crate) fn chat(&self) -> &Chat {
        &self.chat
    }

    /// The bounds of a reply to a request that has just arrived.
    pub(crate) fn bounds(&self, request: &Request) -> Bounds {
        let closing = request.data::<Closing>().cloned().unwrap_or_default();
        Bounds { expires: Instant::now() + self.deadline, closing, heartbeat: self.heartbeat }
    }

    /// What a body says, if it is not too long and does not take too long.
    pub(crate) async fn read<D, T: DeserializeOwned>(
        &self,
        body: JsonBody<D>,
    ) -> Result<T, Problem> {
        body.read(self.body_limits).await
    }

    /// Takes one question of what a conversation may ask.
    pub(crate) async fn take(&self, request: &Request, session: &SessionId) -> Result<(), Problem> {
        self.limits.take_session(request, session).await
    }

    /// Tells the owner of the book what a reader thinks of a reply.
    pub(crate) async fn rate(&self, feedback: Feedback) -> Result<(), Problem> {
        let rating = match feedback.rating {
            Rating::Good => "good",
            Rating::Bad => "bad",
        };
        counter!("askbook_feedback_total", "rating" => rating).increment(1);
        Span::current().record("rating", rating);
        match &self.chat.ports().journal {
            Some(journal) => journal.rated(feedback).await.map_err(Problem::from_journal),
            None => Ok(()),
        }
    }

    /// A place among the questions that are being answered.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            counter!("askbook_refused_total", "reason" => "overloaded").increment(1);
            let detail = "too many questions are being answered just now; try again in a moment";
            Problem::new(Code::Overloaded, detail).after(Duration::from_secs(1))
        })
    }

    /// The events of a chat, which goes on only while they are drawn.
    pub(crate) fn ask(
        &self,
        question: Question,
        conversation: Conversation,
        delivery: Delivery,
    ) -> Result<BoxStream<'static, ChatEvent>, Problem> {
        let (message, place) = (MessageId(Uuid::new_v4()), self.place()?);
        let events = self.chat.ask(Ask { message, question, conversation, delivery });
        // It is held until the last of them, or until nobody draws them any more.
        Ok(events.inspect(move |_| _ = &place).boxed())
    }
}
