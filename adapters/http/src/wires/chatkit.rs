//! The server protocol of `ChatKit`, as openai-chatkit 1.6.5 (Python) defines it.
//!
//! All requests are posted to one address; the type of a request says what is wanted, and whether
//! the reply is JSON or a stream of events. Later messages name their thread and nothing else, so
//! threads are kept here ([`Threads`]), and the history that a question is asked in comes from its
//! thread. Whose a thread is, the token of a [`visitor`] says.
//!
//! The client posts a streaming request again when it gets 5xx. So what is wrong is told by 4xx,
//! or by 503 before anything is kept, and else by an event; and the same message again within
//! [`AGAIN`] is not asked twice.

mod event;
mod item;
mod prose;
mod request;
mod telling;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use askbook::chat::Delivery;
use askbook::error::{ChatError, PortError, Stage};
use askbook::feedback::{Feedback, Rating};
use askbook::ports::Threads;
use askbook::question::Question;
use askbook::session::{Conversation, MessageId, Role, Session, SessionId, Turn};
use askbook::thread::{self, Head};
use poem::http::header::{CONTENT_TYPE, ORIGIN};
use poem::http::{HeaderMap, HeaderName, HeaderValue};
use poem::{Body, Endpoint, IntoResponse, Request, Response, Result};
use serde::Serialize;
use uuid::Uuid;

use self::event::{Event, StreamOptions};
use self::item::{
    Input, Kept, Order, Page, Thread, ThreadItem, UserMessage, instant, item_id, item_name,
    milliseconds, now, thread_id, thread_name,
};
use self::request::{Envelope, ItemOf, Kind, NO_ATTACHMENTS, Paging, Rate, Rename};
use self::telling::{Place, Telling};
use self::visitor::Caller;
use crate::intake::Intake;
use crate::json::{Json, JsonBody};
use crate::problem::{Code, Problem};
use crate::progress::Progress;
use crate::streaming::{self, Bounds};

/// Answers the requests of `ChatKit`.
pub(crate) struct ChatKit {
    intake: Intake,
    threads: Arc<dyn Threads>,
}

/// The address of the page that the reader is on.
const PAGE: HeaderName = HeaderName::from_static("askbook-page");

/// For how long the same message again is the same request, sent again: as long as the client
/// tries.
const AGAIN: Duration = Duration::from_secs(30);

/// How many elements of a list are sent, unless the client says how many.
const PAGE_LENGTH: usize = 20;

/// How many are sent at most. Clients ask for 9999, and threads are bounded.
const LONGEST_PAGE: usize = 1_000;

/// The longest title, in characters: one that a reader gives, and one that is made of a question.
const TITLE: [usize; 2] = [200, 60];

impl ChatKit {
    pub(crate) fn new(intake: Intake, threads: Arc<dyn Threads>) -> Self {
        Self { intake, threads }
    }

    async fn answer(&self, request: &Request, body: JsonBody<()>) -> Result<Response, Problem> {
        let bounds = self.intake.bounds(request);
        let caller = Caller::of(request.headers())?;
        let envelope: Envelope = self.intake.read(body).await?;
        let asking = Asking { kit: self, request, caller: &caller, bounds };
        let mut response = match envelope.open()? {
            request::Request::Create(create) => asking.create(create.input).await?,
            request::Request::Add(add) => asking.add(&add.thread_id, add.input).await?,
            request::Request::Retry(retry) => asking.retry(&retry).await?,
            request::Request::Get(get) => {
                let thread = self.thread(&caller, &get.thread_id).await?;
                let paging = Paging { limit: None, order: Order::Asc, after: None };
                let items = page(shown(&thread), &paging, |item| item.id().to_owned())?;
                Json(Thread::from(&thread.head).with(items)).into_response()
            }
            request::Request::List(paging) => {
                let mut heads = self.threads.list(&caller.owner).await.map_err(unkept)?;
                heads.reverse();
                let threads = heads.iter().map(Thread::from).collect();
                Json(page(threads, &paging, |thread: &Thread| thread.id.clone())?).into_response()
            }
            request::Request::Items(items) => {
                let thread = self.thread(&caller, &items.thread_id).await?;
                let id = |item: &ThreadItem| item.id().to_owned();
                Json(page(shown(&thread), &items.paging(), id)?).into_response()
            }
            request::Request::Feedback(rate) => self.rate(&caller, &rate).await?,
            request::Request::Rename(rename) => self.rename(&caller, rename).await?,
            request::Request::Delete(delete) => {
                let id = thread_id(&delete.thread_id).ok_or_else(unknown)?;
                let removed = self.threads.remove(&caller.visitor, &id).await.map_err(unkept)?;
                nothing(removed)?
            }
            request::Request::Unwanted(wanted) => {
                self.thread(&caller, &wanted.thread_id).await?;
                let mut stream = String::new();
                Event::error("this server has asked for nothing", false).write(&mut stream);
                told(stream)
            }
            request::Request::Unsupported(detail) => {
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
        };
        caller.tell(response.headers_mut());
        Ok(response)
    }

    /// A thread that this caller may see.
    async fn thread(&self, caller: &Caller, name: &str) -> Result<thread::Thread, Problem> {
        let id = thread_id(name).ok_or_else(unknown)?;
        let thread = self.threads.get(&caller.visitor, &id).await.map_err(unkept)?;
        thread.ok_or_else(unknown)
    }

    async fn rename(&self, caller: &Caller, rename: Rename) -> Result<Response, Problem> {
        let title = rename.title.trim();
        let length = title.chars().count();
        if title.is_empty() || length > TITLE[0] {
            let detail = format!("a title has from 1 to {} characters", TITLE[0]);
            return Err(Problem::new(Code::InvalidField, detail).at("params/title"));
        }
        let thread = self.thread(caller, &rename.thread_id).await?;
        let head = Head { title: title.to_owned(), ..thread.head };
        let renamed = self.threads.rename(&caller.visitor, &head.id, title).await;
        if !renamed.map_err(unkept)? {
            return Err(unknown());
        }
        Ok(Json(Thread::from(&head)).into_response())
    }

    /// Tells the owner of the book what a reader thinks of these answers.
    async fn rate(&self, caller: &Caller, rate: &Rate) -> Result<Response, Problem> {
        let thread = self.thread(caller, &rate.thread_id).await?;
        let rating = match rate.kind {
            Kind::Positive => Rating::Good,
            Kind::Negative => Rating::Bad,
        };
        let mut question = None;
        for item in shown(&thread) {
            match item {
                ThreadItem::UserMessage(asked) => question = Some(asked.input.text()),
                ThreadItem::AssistantMessage(answer) if rate.item_ids.contains(&answer.id) => {
                    let Some(message) = item_id(&answer.id) else { continue };
                    let (reason, comment, question) = (None, None, question.clone());
                    let feedback = Feedback { message, rating, reason, comment, question };
                    self.intake.rate(feedback).await?;
                }
                ThreadItem::AssistantMessage(_) => {}
            }
        }
        nothing(true)
    }
}

/// A request for an answer.
struct Asking<'r> {
    kit: &'r ChatKit,
    request: &'r Request,
    caller: &'r Caller,
    bounds: Bounds,
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
        if !input.attachments.is_empty() {
            return Err(Problem::new(Code::InvalidRequest, NO_ATTACHMENTS));
        }
        let page = self.request.headers().get(PAGE).and_then(|page| page.to_str().ok());
        let quoted = input.quoted_text.as_deref();
        Ok(Question::new(&input.text(), quoted, page, self.kit.intake.question_limits)?)
    }

    async fn create(self, input: Input) -> Result<Response, Problem> {
        let question = self.question(&input)?;
        if !self.caller.is_new() {
            let threads = &self.kit.threads;
            let newest = threads.list(&self.caller.owner).await.map_err(unkept)?;
            if let Some(head) = newest.first().filter(|head| is_recent(head.begun))
                && let Some(thread) =
                    threads.get(&self.caller.visitor, &head.id).await.map_err(unkept)?
                && let Some(again) = Again::of(&thread, &input).filter(|again| again.at == 0)
            {
                return self.again(&thread, again, question, true).await;
            }
        }
        let head = Head {
            id: visitor::thread_id()?,
            owner: self.caller.owner.clone(),
            open: self.caller.is_new(),
            begun: milliseconds(),
            title: title(question.text()),
        };
        let (_, message) = new_message(&head.id, input);
        self.pose(Posed { head, message, question, history: Vec::new(), keep: Keep::Thread }).await
    }

    async fn add(self, thread: &str, input: Input) -> Result<Response, Problem> {
        let question = self.question(&input)?;
        let thread = self.kit.thread(self.caller, thread).await?;
        self.take(&thread.head.id).await?;
        if let Some(again) = Again::of(&thread, &input) {
            return self.again(&thread, again, question, false).await;
        }
        let history = history(&thread.items);
        let head = thread.head;
        let (_, message) = new_message(&head.id, input);
        self.pose(Posed { head, message, question, history, keep: Keep::Message }).await
    }

    async fn retry(self, retry: &ItemOf) -> Result<Response, Problem> {
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
        let question = self.question(&message.input)?;
        self.take(&thread.head.id).await?;
        self.answer_anew(thread, at, message, question).await
    }

    /// Counts a question against what a conversation may ask.
    async fn take(&self, thread: &SessionId) -> Result<(), Problem> {
        let session = Session::Resumed(thread.clone());
        let conversation = Conversation { session, history: Vec::new() };
        self.kit.intake.take(self.request, &conversation).await
    }

    /// Answers a request that has come before: with the answer that there is, or with a new one to
    /// the question that is kept.
    async fn again(
        self,
        thread: &thread::Thread,
        again: Again,
        question: Question,
        creates: bool,
    ) -> Result<Response, Problem> {
        let Again { at, message, answer } = again;
        let Some(answer) = answer else {
            return self.answer_anew(thread.clone(), at, message, question).await;
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

fn new_message(thread: &SessionId, input: Input) -> (MessageId, UserMessage) {
    let id = MessageId(Uuid::new_v4());
    let (name, thread_id) = (item_name(id), thread_name(thread));
    (id, UserMessage { id: name, thread_id, created_at: now(), input })
}

/// What a thread shows.
fn shown(thread: &thread::Thread) -> Vec<ThreadItem> {
    let kept = thread.items.iter().filter_map(Kept::of);
    let shown = kept.filter_map(|kept| match kept {
        Kept::Shown(item) => Some(item),
        Kept::Hidden(_) => None,
    });
    shown.collect()
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
fn title(question: &str) -> String {
    let line = question.lines().next().unwrap_or_default().trim();
    let Some((end, _)) = line.char_indices().nth(TITLE[1]) else { return line.to_owned() };
    let words = line[..end].rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", line[..words].trim_end())
}

/// The part of a list that is wanted; the list is in ascending order.
fn page<T>(
    mut list: Vec<T>,
    paging: &Paging,
    id: impl Fn(&T) -> String,
) -> Result<Page<T>, Problem> {
    if paging.order == Order::Desc {
        list.reverse();
    }
    if let Some(after) = &paging.after {
        let Some(at) = list.iter().position(|element| id(element) == *after) else {
            let detail = "`params.after` is not in this list (any more): begin with its first page";
            return Err(Problem::new(Code::InvalidField, detail).at("params/after"));
        };
        list.drain(..=at);
    }
    let limit = paging.limit.unwrap_or(PAGE_LENGTH).min(LONGEST_PAGE);
    Ok(Page::of(list, limit, id))
}

/// The site whose page asks: paths of the book are its own.
fn site(headers: &HeaderMap) -> Option<String> {
    let origin = headers.get(ORIGIN)?.to_str().ok()?;
    let is_site = ["https://", "http://"].iter().any(|scheme| origin.starts_with(scheme));
    is_site.then(|| origin.to_owned())
}

/// The reply `{}`, when there was something to do.
fn nothing(known: bool) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Nothing {}
    if known { Ok(Json(Nothing {}).into_response()) } else { Err(unknown()) }
}

/// A stream that is written already.
fn told(stream: String) -> Response {
    streaming::begin::<Telling>(Body::from(stream))
}

/// Also of what is somebody else's.
fn unknown() -> Problem {
    let detail = "this conversation is not known (any more): begin a new one";
    Problem::new(Code::NotFound, detail)
}

fn unkept(error: PortError) -> Problem {
    ChatError::Port { stage: Stage::Session, source: error }.into()
}

impl Endpoint for ChatKit {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (request, mut body) = request.split();
        let body = JsonBody::of(&request, &mut body)?;
        Ok(Box::pin(self.answer(&request, body)).await?)
    }
}

/// What a client of `ChatKit` shows its reader: `message`, and nothing else.
#[derive(Serialize)]
struct Refusal<'p> {
    message: &'p str,
    code: Code,
}

/// Makes this the reply to a problem that the client understands.
pub(super) fn refuse(problem: &Problem, response: &mut Response) {
    let refusal = Refusal { message: &problem.detail, code: problem.code };
    // Strings always serialise.
    response.set_body(serde_json::to_vec(&refusal).unwrap_or_default());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
}
