//! A question in its thread: asked, asked again, and answered anew.

use std::sync::Arc;
use std::time::Duration;

use askbook::chat::Delivery;
use askbook::question::{Question, QuestionLimits};
use askbook::session::{Conversation, MessageId, Role, Session, SessionId, Turn};
use askbook::thread::{self, Head};
use poem::http::header::ORIGIN;
use poem::http::{HeaderMap, HeaderName};
use poem::{Request, Response};
use uuid::Uuid;

use super::event::{Event, StreamOptions};
use super::item::{
    Input, Kept, Thread, ThreadItem, UserMessage, instant, item_id, item_name, milliseconds, now,
    thread_name,
};
use super::request::{ItemOf, NO_ATTACHMENTS};
use super::telling::{Place, Telling};
use super::visitor::{self, Caller};
use super::{ChatKit, told, unkept};
use crate::problem::{Code, Problem};
use crate::progress::Progress;
use crate::streaming::{self, Bounds};

/// The address of the page that the reader is on.
const PAGE: HeaderName = HeaderName::from_static("askbook-page");

/// For how long the same message again is the same request, sent again: as long as the client
/// tries.
const AGAIN: Duration = Duration::from_secs(30);

/// The longest title that is made of a question, in characters.
const LONGEST_MADE_TITLE: usize = 60;

/// A request for an answer.
pub(super) struct Asking<'r> {
    pub(super) kit: &'r ChatKit,
    pub(super) request: &'r Request,
    pub(super) caller: &'r Caller,
    pub(super) bounds: Bounds,
}

/// A question in its thread.
struct Posed {
    head: Head,
    message: UserMessage,
    question: Question,
    history: Vec<Turn>,
    /// What has to be kept of it, and whether its thread is new, too.
    keep: Keep,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Thread,
    Message,
    Nothing,
}

impl Asking<'_> {
    /// The question that a reader has typed, if it can be asked.
    fn question(&self, input: &Input) -> Result<Question, Problem> {
        let page = self.request.headers().get(PAGE).and_then(|page| page.to_str().ok());
        question(input, page, self.kit.intake.question_limits)
    }

    pub(super) async fn create(self, input: Input) -> Result<Response, Problem> {
        let question = self.question(&input)?;
        if !self.caller.is_new() {
            let threads = &self.kit.threads;
            let newest = threads.list(&self.caller.owner).await.map_err(unkept)?;
            if let Some(head) = newest.first().filter(|head| is_recent(head.begun))
                && let Some(thread) =
                    threads.get(&self.caller.visitor, &head.id).await.map_err(unkept)?
                && let Some(again) = Again::of(&thread, &input).filter(|again| again.at == 0)
            {
                return self.again(thread, again, question, true).await;
            }
        }
        let head = Head {
            id: visitor::thread_id()?,
            owner: self.caller.owner.clone(),
            open: self.caller.is_new(),
            begun: milliseconds(),
            title: title(question.text()),
        };
        let message = new_message(&head.id, input);
        self.pose(Posed { head, message, question, history: Vec::new(), keep: Keep::Thread }).await
    }

    pub(super) async fn add(self, thread: &str, input: Input) -> Result<Response, Problem> {
        let question = self.question(&input)?;
        let thread = self.kit.thread(self.caller, thread).await?;
        self.kit.intake.take(self.request, &thread.head.id).await?;
        if let Some(again) = Again::of(&thread, &input) {
            return self.again(thread, again, question, false).await;
        }
        let history = history(&thread.items);
        let head = thread.head;
        let message = new_message(&head.id, input);
        self.pose(Posed { head, message, question, history, keep: Keep::Message }).await
    }

    pub(super) async fn retry(self, retry: &ItemOf) -> Result<Response, Problem> {
        let thread = self.kit.thread(self.caller, &retry.thread_id).await?;
        let id = item_id(&retry.item_id);
        let at = thread.items.iter().position(|item| Some(item.id) == id);
        let message = at.and_then(|at| match Kept::of(&thread.items[at])? {
            Kept::Shown(ThreadItem::UserMessage(message)) => Some((at, message)),
            _ => None,
        });
        let Some((at, message)) = message else {
            let detail = "there is no such question in this conversation (any more)";
            return Err(Problem::new(Code::NotFound, detail));
        };
        let question = self.question(&message.input)?.anew();
        self.kit.intake.take(self.request, &thread.head.id).await?;
        self.answer_anew(thread, at, message, question).await
    }

    /// Answers a request that has come before: with the answer that there is, or with a new one to
    /// the question that is kept.
    async fn again(
        self,
        thread: thread::Thread,
        again: Again,
        question: Question,
        creates: bool,
    ) -> Result<Response, Problem> {
        let Again { at, message, answer } = again;
        let Some(answer) = answer else {
            return self.answer_anew(thread, at, message, question).await;
        };
        let mut stream = prologue(&thread.head, Some(&message), creates);
        Event::ItemDone { item: &answer }.write(&mut stream);
        Ok(told(stream))
    }

    /// Takes out what comes after the question, and answers it anew.
    async fn answer_anew(
        self,
        thread: thread::Thread,
        at: usize,
        message: UserMessage,
        question: Question,
    ) -> Result<Response, Problem> {
        let history = history(&thread.items[..at]);
        let after = thread.items[at].id;
        let (threads, visitor) = (Arc::clone(&self.kit.threads), &self.caller.visitor);
        // Only when it is going to be answered.
        let head = thread.head;
        let id = head.id.clone();
        let posed = Posed { head, message, question, history, keep: Keep::Nothing };
        let response = self.posed(posed)?;
        threads.truncate(visitor, &id, after).await.map_err(unkept)?;
        Ok(response)
    }

    async fn pose(self, posed: Posed) -> Result<Response, Problem> {
        let (threads, visitor) = (Arc::clone(&self.kit.threads), &self.caller.visitor);
        let begins = (posed.keep == Keep::Thread).then(|| posed.head.clone());
        let id = posed.head.id.clone();
        let item = item_id(&posed.message.id)
            .map(|id| Kept::Shown(ThreadItem::UserMessage(posed.message.clone())).to_item(id));
        // Nothing is asked before its first event is wanted, and nothing kept of what cannot be.
        let response = self.posed(posed)?;
        if let Some(head) = begins {
            threads.begin(head).await.map_err(unkept)?;
        }
        if let Some(item) = item {
            threads.put(visitor, &id, item).await.map_err(unkept)?;
        }
        Ok(response)
    }

    /// The answer to a question, which is not asked yet.
    fn posed(self, posed: Posed) -> Result<Response, Problem> {
        let Self { kit, request, caller, bounds } = self;
        let Posed { head, message, question, history, keep } = posed;
        let conversation = Conversation { session: Session::Stateless, history };
        let events = kit.intake.ask(question, conversation, Delivery::Streamed)?;
        let message = (keep != Keep::Nothing).then_some(&message);
        let prologue = prologue(&head, message, keep == Keep::Thread);
        let place = Place {
            threads: Arc::clone(&kit.threads),
            visitor: caller.visitor.clone(),
            thread: head.id,
        };
        let telling = Telling::new(place, prologue, site(request.headers()));
        Ok(streaming::reply(events, telling, Progress::new(false), bounds))
    }
}

/// The question that a reader on this page has typed, if it can be asked.
pub(super) fn question(
    input: &Input,
    page: Option<&str>,
    limits: QuestionLimits,
) -> Result<Question, Problem> {
    if !input.attachments.is_empty() {
        return Err(Problem::new(Code::InvalidRequest, NO_ATTACHMENTS));
    }
    Ok(Question::new(&input.text(), input.quoted_text.as_deref(), page, limits)?)
}

/// What is told before an answer. A thread has no title before its first question has been
/// taken.
fn prologue(head: &Head, message: Option<&UserMessage>, creates: bool) -> String {
    let mut stream = String::new();
    if creates {
        Event::ThreadCreated { thread: Thread::from(head).untitled() }.write(&mut stream);
    }
    if let Some(message) = message {
        let item = ThreadItem::UserMessage(message.clone());
        Event::ItemDone { item: &item }.write(&mut stream);
    }
    Event::StreamOptions { stream_options: StreamOptions { allow_cancel: true } }
        .write(&mut stream);
    if creates {
        Event::ThreadUpdated { thread: head.into() }.write(&mut stream);
    }
    stream
}

/// A message that is the last one of its thread already.
struct Again {
    /// Where it is.
    at: usize,
    message: UserMessage,
    /// The answer to it, if it is complete.
    answer: Option<ThreadItem>,
}

impl Again {
    /// Whether the last message of a thread is this one, and not old.
    fn of(thread: &thread::Thread, input: &Input) -> Option<Self> {
        let kept: Vec<Option<Kept>> = thread.items.iter().map(Kept::of).collect();
        let last = kept.iter().enumerate().rev().find_map(|(at, kept)| match kept {
            Some(Kept::Shown(ThreadItem::UserMessage(message))) => Some((at, message.clone())),
            _ => None,
        });
        let (at, message) = last.filter(|(_, message)| {
            message.input == *input && is_recent(instant(&message.created_at))
        })?;
        let answer = match &kept[at + 1..] {
            [Some(Kept::Shown(answer))] => Some(answer.clone()),
            _ => None,
        };
        Some(Self { at, message, answer })
    }
}

/// Whether this moment, in milliseconds since the beginning of 1970, is not long ago.
fn is_recent(moment: u64) -> bool {
    u128::from(milliseconds().saturating_sub(moment)) < AGAIN.as_millis()
}

fn new_message(thread: &SessionId, input: Input) -> UserMessage {
    let id = item_name(MessageId(Uuid::new_v4()));
    UserMessage { id, thread_id: thread_name(thread), created_at: now(), input }
}

/// What was said in these items.
fn history(items: &[thread::Item]) -> Vec<Turn> {
    let turns = items.iter().filter_map(|item| match Kept::of(item)? {
        Kept::Shown(ThreadItem::UserMessage(asked)) => {
            Some(Turn { role: Role::Reader, text: asked.input.text() })
        }
        Kept::Shown(ThreadItem::AssistantMessage(answer)) => {
            Some(Turn { role: Role::Book, text: answer.text() })
        }
        Kept::Hidden(_) => None,
    });
    turns.collect()
}

/// What a thread is about: the beginning of its first question.
pub(super) fn title(question: &str) -> String {
    let line = question.lines().next().unwrap_or_default().trim();
    let Some((end, _)) = line.char_indices().nth(LONGEST_MADE_TITLE) else {
        return line.to_owned();
    };
    let words = line[..end].rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", line[..words].trim_end())
}

/// The site whose page asks: paths of the book are its own.
fn site(headers: &HeaderMap) -> Option<String> {
    let origin = headers.get(ORIGIN)?.to_str().ok()?;
    let is_site = ["https://", "http://"].iter().any(|scheme| origin.starts_with(scheme));
    is_site.then(|| origin.to_owned())
}
