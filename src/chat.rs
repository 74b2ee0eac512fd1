//! The application service: one stream of events for each question.

mod writing;

use std::sync::Arc;

use async_stream::try_stream;
use futures_core::Stream;
use futures_util::{StreamExt, pin_mut};

use crate::answer::{Answer, Leg, Loss, Outcome, Suggestion};
use crate::error::{ChatError, ErrorKind, PortError, Stage};
use crate::event::ChatEvent;
use crate::feedback::Asked;
use crate::follow_up::FollowUp;
use crate::ports::{ChatSession, Embedder, Generator, Journal, Retriever};
use crate::prompt::{Prompt, newest_exchanges};
use crate::question::Question;
use crate::review::{Checked, Readings};
use crate::search::{Found, Query, Search, SearchSettings};
use crate::session::{Conversation, Exchange, MessageId, Session, SessionId, Turn};
use writing::{Step, Written, write};

/// What a chat works with.
#[derive(Clone)]
pub struct Ports {
    /// Turns the question into a vector.
    pub embedder: Arc<dyn Embedder>,
    /// Finds passages.
    pub retriever: Arc<dyn Retriever>,
    /// Write the answer: the first one that can. At least one.
    pub generators: Vec<Arc<dyn Generator>>,
    /// Keeps the conversation.
    pub sessions: Arc<dyn ChatSession>,
    /// Remembers what was asked in vain, if that is wanted.
    pub journal: Option<Arc<dyn Journal>>,
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

/// A question, and how it is to be answered.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Names the reply, and marks what is not instructions in prompts.
    pub message: MessageId,
    /// What is asked.
    pub question: Question,
    /// What it belongs to.
    pub conversation: Conversation,
    /// How the answer is handed on.
    pub delivery: Delivery,
}

impl Ask {
    /// A question by itself, to be answered as a whole; nothing of it is remembered.
    pub fn once(message: MessageId, question: Question) -> Self {
        let conversation = Conversation { session: Session::Stateless, history: Vec::new() };
        Self { message, question, conversation, delivery: Delivery::Whole }
    }
}

/// How an answer is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Piece by piece, as it is written. When the generator is lost half-way, what was shown
    /// stays.
    Streamed,
    /// When it is complete, so that another generator can take over at any time.
    Whole,
}

/// Answers questions from the book.
#[derive(Clone)]
pub struct Chat {
    ports: Ports,
    search: Search,
    readings: Arc<Readings>,
    settings: Arc<ChatSettings>,
}

/// How many pages are suggested in place of an answer, at most.
const SUGGESTIONS: usize = 3;

impl Chat {
    /// A chat over these ports.
    pub fn new(ports: Ports, settings: ChatSettings) -> Self {
        let (embedder, retriever) = (Arc::clone(&ports.embedder), Arc::clone(&ports.retriever));
        let search = Search::new(embedder, retriever, settings.search);
        Self { ports, search, readings: Arc::default(), settings: Arc::new(settings) }
    }

    /// The search that questions are answered from.
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// The ports, for readiness probes and feedback.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Answers a question. The stream does the work while it is polled and stops when it is
    /// dropped.
    ///
    /// The ports are asked in order: session, generator (to condense a follow-up), embedder,
    /// retriever, generator, session. When the passages cannot answer the question, no generator
    /// is asked to; when no generator would write now, nobody is asked but the session.
    pub fn ask(&self, ask: Ask) -> impl Stream<Item = ChatEvent> + Send + use<> {
        let mut incomplete = false;
        self.steps(ask).map(move |step| {
            incomplete |= matches!(step, Ok(ChatEvent::Delta(_)));
            step.unwrap_or_else(|error| ChatEvent::Failed { error, incomplete })
        })
    }

    /// What a model would be given to answer this question, however little the passages say.
    ///
    /// # Errors
    /// The port that failed, and how.
    pub async fn prompt(&self, ask: Ask) -> Result<Prompt, ChatError> {
        let (_, history, _) = self.ports.conversation(ask.conversation).await?;
        let history = newest_exchanges(&history, self.settings.history_tokens);
        let (standalone, _) = self.ports.condense(ask.message, &ask.question, &history).await;
        let query = Query { question: &ask.question, standalone: standalone.as_deref() };
        let passages = self.search.find(query, None).await?.passages;
        let Ask { message: mark, question, .. } = ask;
        Ok(Prompt { mark, question, standalone, passages, history })
    }

    fn steps(&self, ask: Ask) -> impl Stream<Item = Result<ChatEvent, ChatError>> + Send + use<> {
        let Self { ports, search, readings, settings } = self.clone();
        let Ask { message, question, conversation, delivery } = ask;
        try_stream! {
            let (session, history, restarted) = ports.conversation(conversation).await?;
            yield ChatEvent::Accepted { message, session: session.clone(), restarted };

            ports.check_generators().map_err(ChatError::at(Stage::Generate))?;
            let history = newest_exchanges(&history, settings.history_tokens);
            let (standalone, unasked) = ports.condense(message, &question, &history).await;
            if let Some(standalone) = &standalone {
                yield ChatEvent::Condensed(standalone.clone());
            }
            let query = Query { question: &question, standalone: standalone.as_deref() };
            let near = search.embed(query).await?;
            yield ChatEvent::Embedded;

            let mut found = search.near(query, &near, None).await?;
            if !found.evidence.sufficient {
                found.passages.clear();
            }
            let mut losses = found.losses.clone();
            let suggestions = suggestions(&found);
            let passages = found.passages.clone();
            yield ChatEvent::Retrieved(found);

            let mut written = Written::default();
            let said = question.text().to_owned();
            let prompt = Prompt { mark: message, question, standalone, passages, history };
            let asked = Asked::by(&prompt);
            if !prompt.passages.is_empty() {
                for await step in write(ports.generators.clone(), prompt, readings, delivery) {
                    match step.map_err(ChatError::at(Stage::Generate))? {
                        Step::Show(event) => yield event,
                        Step::End(end) => written = end,
                    }
                }
            }
            losses.extend(written.loss.or(unasked));
            let mut answer = Answer {
                message,
                outcome: Outcome::NotInBook,
                mode: None,
                text: settings.refusal.clone(),
                sources: Vec::new(),
                suggestions,
                unsupported: Vec::new(),
                losses,
                session,
                model: written.model,
                usage: written.usage,
                recorded: false,
            };
            if let Some((mode, Checked { text, sources, unsupported })) = written.answer {
                yield ChatEvent::Sources(sources.clone());
                let (outcome, mode, suggestions) = (Outcome::Answered, Some(mode), Vec::new());
                answer =
                    Answer { outcome, mode, text, sources, suggestions, unsupported, ..answer };
            }
            if let Some(session) = &answer.session {
                let exchange = Exchange { question: said, answer: answer.text.clone() };
                answer.recorded = ports.sessions.record(session, exchange).await.is_ok();
            }
            ports.note(Asked { outcome: answer.outcome, ..asked }).await;
            yield ChatEvent::Done(Box::new(answer));
        }
    }
}

/// The answer at the end of a stream of events.
///
/// # Errors
/// The error that the stream ended with.
pub async fn collect(events: impl Stream<Item = ChatEvent>) -> Result<Answer, ChatError> {
    pin_mut!(events);
    while let Some(event) = events.next().await {
        match event {
            ChatEvent::Done(answer) => return Ok(*answer),
            ChatEvent::Failed { error, .. } => return Err(error),
            _ => {}
        }
    }
    let message = "the chat ended without an answer";
    Err(ChatError::at(Stage::Generate)(PortError::new(ErrorKind::Malformed, message)))
}

impl Ports {
    /// The conversation to go on with: its id, its turns, and whether another one was asked for.
    async fn conversation(
        &self,
        asked_for: Conversation,
    ) -> Result<(Option<SessionId>, Vec<Turn>, bool), ChatError> {
        let Conversation { session, history } = asked_for;
        let restarted = match session {
            Session::Stateless => return Ok((None, history, false)),
            Session::New => false,
            Session::Foreign => true,
            Session::Resumed(id) => {
                let turns =
                    self.sessions.turns(&id).await.map_err(ChatError::at(Stage::Session))?;
                if let Some(turns) = turns {
                    return Ok((Some(id), if turns.is_empty() { history } else { turns }, false));
                }
                true
            }
        };
        let id = self.sessions.open().await.map_err(ChatError::at(Stage::Session))?;
        Ok((Some(id), history, restarted))
    }

    /// Fails as the first generator would when none of them would write now: then what leads up to
    /// an answer is not paid for.
    fn check_generators(&self) -> Result<(), PortError> {
        let mut admitted = Ok(());
        // From the last one on, which may well be here and always there.
        for generator in self.generators.iter().rev() {
            admitted = generator.admits();
            if admitted.is_ok() {
                break;
            }
        }
        admitted
    }

    /// What the question means by itself, `None` when it stands alone; and the first generator,
    /// when it should have said so and could not. Without a generator that can say, it is what was
    /// asked before together with the question.
    async fn condense(
        &self,
        mark: MessageId,
        question: &Question,
        history: &[Turn],
    ) -> (Option<String>, Option<Loss>) {
        let Some(follow_up) = FollowUp::of(mark, question, history) else { return (None, None) };
        let condensed = match self.generators.first() {
            Some(generator) => generator.condense(&follow_up).await,
            None => Ok(None),
        };
        let (condensed, loss) = match condensed {
            Ok(condensed) => (condensed, None),
            Err(error) => {
                tracing::warn!(%error, "the follow-up is not condensed");
                (None, Some(Loss { leg: Leg::Generator, reason: Some(error.kind()) }))
            }
        };
        (Some(follow_up.standalone(condensed)), loss)
    }

    /// Tells the journal; an answer is no worse without it.
    async fn note(&self, asked: Asked) {
        if let Some(journal) = &self.journal
            && let Err(error) = journal.asked(asked).await
        {
            tracing::warn!(%error, "the journal does not take what was asked");
        }
    }
}

impl Asked {
    /// What is asked by this prompt; it is not answered yet.
    fn by(prompt: &Prompt) -> Self {
        Self {
            message: prompt.mark,
            question: prompt.asked().to_owned(),
            page: prompt.question.page().map(without_query),
            outcome: Outcome::NotInBook,
        }
    }
}

/// The pages of the best candidates, each once.
fn suggestions(found: &Found) -> Vec<Suggestion> {
    let mut pages: Vec<Suggestion> = Vec::new();
    for candidate in found.candidates.iter().filter(|candidate| candidate.is_kept()) {
        let passage = &candidate.fused.hit.passage;
        let Some(url) = passage.url.as_deref().map(without_query) else { continue };
        if pages.len() < SUGGESTIONS && !pages.iter().any(|page| page.url == url) {
            pages.push(Suggestion { title: passage.title.clone(), url });
        }
    }
    pages
}

/// An address without query and fragment.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
