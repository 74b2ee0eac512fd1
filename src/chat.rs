//! The application service: one stream of events for each question.

use std::sync::Arc;

use async_stream::try_stream;
use futures_core::Stream;
use futures_util::{StreamExt, pin_mut};

use crate::answer::{Answer, Outcome};
use crate::citation;
use crate::error::{ChatError, ErrorKind, PortError, Stage};
use crate::event::ChatEvent;
use crate::passage::Hit;
use crate::ports::{ChatSession, Embedder, Generated, Generator, Retriever, Usage};
use crate::prompt::{NOT_IN_BOOK, Prompt};
use crate::question::Question;
use crate::search::{Found, Search, SearchSettings};
use crate::session::{Exchange, SessionId, Turn};

/// What a chat works with.
#[derive(Clone)]
pub struct Ports {
    /// Turns the question into a vector.
    pub embedder: Arc<dyn Embedder>,
    /// Finds passages.
    pub retriever: Arc<dyn Retriever>,
    /// Writes the answer.
    pub generator: Arc<dyn Generator>,
    /// Keeps the conversation.
    pub sessions: Arc<dyn ChatSession>,
}

/// How a chat works.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// What is answered from.
    pub search: SearchSettings,
    /// How much of the conversation the generator is given, in tokens.
    pub history_tokens: usize,
    /// The answer when the book does not say.
    pub refusal: String,
}

/// Answers questions from the book.
#[derive(Clone)]
pub struct Chat {
    ports: Ports,
    search: Search,
    settings: Arc<ChatSettings>,
}

impl Chat {
    /// A chat over these ports.
    pub fn new(ports: Ports, settings: ChatSettings) -> Self {
        let (embedder, retriever) = (Arc::clone(&ports.embedder), Arc::clone(&ports.retriever));
        let search = Search::new(embedder, retriever, settings.search);
        Self { ports, search, settings: Arc::new(settings) }
    }

    /// The search that questions are answered from.
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// The ports, for readiness probes.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Answers a question. The stream does the work while it is polled and stops when it is
    /// dropped; an error is its last item, and so is [`ChatEvent::Done`].
    ///
    /// Each port is asked once, in order: session, embedder, retriever, generator, session. When
    /// the passages cannot answer the question, the generator is not asked.
    pub fn ask(
        &self,
        question: Question,
        session: Option<SessionId>,
    ) -> impl Stream<Item = Result<ChatEvent, ChatError>> + Send + use<> {
        let Self { ports, search, settings } = self.clone();
        try_stream! {
            let (session, history, restarted) = ports.conversation(session).await?;
            yield ChatEvent::Accepted { session: session.clone(), restarted };

            let near = search.embed(&question).await?;
            yield ChatEvent::Embedded;

            let found = search.near(&question, &near, None).await?;
            let passages = if found.evidence.sufficient { found.passages } else { Vec::new() };
            let asked = question.text().to_owned();
            let prompt = Prompt::new(question, passages, &history, settings.history_tokens);
            yield ChatEvent::Retrieved(Found { passages: prompt.passages.clone(), ..found });

            let mut draft = Draft::new(prompt.passages.clone());
            if !prompt.passages.is_empty() {
                let generation = ports.generator.generate(prompt).await;
                let mut pieces = generation.map_err(ChatError::at(Stage::Generate))?;
                while let Some(piece) = pieces.next().await {
                    let piece = piece.map_err(ChatError::at(Stage::Generate))?;
                    if let Some(delta) = draft.add(piece) {
                        yield ChatEvent::Delta(delta);
                    }
                }
            }
            let mut answer = draft
                .finish(session, &settings.refusal)
                .map_err(ChatError::at(Stage::Generate))?;
            let exchange = Exchange { question: asked, answer: answer.text.clone() };
            answer.recorded = ports.sessions.record(&answer.session, exchange).await.is_ok();
            yield ChatEvent::Done(answer);
        }
    }
}

/// The answer at the end of a stream of events.
///
/// # Errors
/// The error that the stream ended with.
pub async fn collect(
    events: impl Stream<Item = Result<ChatEvent, ChatError>>,
) -> Result<Answer, ChatError> {
    pin_mut!(events);
    while let Some(event) = events.next().await {
        if let ChatEvent::Done(answer) = event? {
            return Ok(answer);
        }
    }
    let message = "the chat ended without an answer";
    Err(ChatError::at(Stage::Generate)(PortError::new(ErrorKind::Malformed, message)))
}

impl Ports {
    /// The conversation to go on with: its id, its turns, and whether another one was asked for.
    async fn conversation(
        &self,
        asked_for: Option<SessionId>,
    ) -> Result<(SessionId, Vec<Turn>, bool), ChatError> {
        let restarted = asked_for.is_some();
        if let Some(id) = asked_for {
            let turns = self.sessions.turns(&id).await.map_err(ChatError::at(Stage::Session))?;
            if let Some(turns) = turns {
                return Ok((id, turns, false));
            }
        }
        let id = self.sessions.open().await.map_err(ChatError::at(Stage::Session))?;
        Ok((id, Vec::new(), restarted))
    }
}

/// An answer while it is being written.
struct Draft {
    passages: Vec<Hit>,
    text: String,
    /// How much of the text has been handed on.
    told: usize,
    end: Option<(String, Usage)>,
}

impl Draft {
    fn new(passages: Vec<Hit>) -> Self {
        Self { passages, text: String::new(), told: 0, end: None }
    }

    /// Takes a piece in. Gives what can be shown of it: nothing for as long as the text may
    /// still turn out to be the refusal.
    fn add(&mut self, piece: Generated) -> Option<String> {
        match piece {
            Generated::Text(text) => self.text.push_str(&text),
            Generated::End { model, usage } => self.end = Some((model, usage)),
        }
        if NOT_IN_BOOK.starts_with(self.text.trim()) || self.is_refusal() {
            return None;
        }
        let delta = self.text[self.told..].to_owned();
        self.told = self.text.len();
        (!delta.is_empty()).then_some(delta)
    }

    fn is_refusal(&self) -> bool {
        self.text.trim_start().starts_with(NOT_IN_BOOK)
    }

    /// Checks what was written.
    fn finish(self, session: SessionId, refusal: &str) -> Result<Answer, PortError> {
        if self.passages.is_empty() || self.is_refusal() {
            return Ok(not_in_book(refusal, session, self.end));
        }
        let Some((model, usage)) = self.end else {
            return Err(PortError::new(ErrorKind::Malformed, "the answer broke off"));
        };
        if self.text.trim().is_empty() {
            return Err(PortError::new(ErrorKind::Malformed, "the answer is empty"));
        }
        let (text, sources) = citation::check(self.text.trim(), &self.passages);
        if sources.is_empty() {
            // Whatever it says, it does not say it from the book.
            return Ok(not_in_book(refusal, session, Some((model, usage))));
        }
        Ok(Answer {
            outcome: Outcome::Answered,
            text,
            sources,
            session,
            model: Some(model),
            usage,
            recorded: false,
        })
    }
}

/// The answer when the book does not say, after a generation that ended so, if there was one.
fn not_in_book(refusal: &str, session: SessionId, end: Option<(String, Usage)>) -> Answer {
    let (model, usage) = end.map(|(model, usage)| (Some(model), usage)).unwrap_or_default();
    Answer {
        outcome: Outcome::NotInBook,
        text: refusal.to_owned(),
        sources: Vec::new(),
        session,
        model,
        usage,
        recorded: false,
    }
}

#[cfg(test)]
mod tests;
