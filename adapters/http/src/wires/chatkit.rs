//! The server protocol of `ChatKit`, as openai-chatkit 1.6.5 (Python) defines it.
//!
//! All requests are posted to one address; the type of a request says what is wanted, and whether
//! the reply is JSON or a stream of events. Later messages name their thread and nothing else, so
//! threads are kept here ([`Threads`]), and the history that a question is asked in comes from its
//! thread. Whose a thread is, the token of a [`visitor`] says.
//!
//! The client posts a streaming request again when it gets 5xx. So what is wrong is told by 4xx,
//! or by 503 before anything is kept, and else by an event; and the same message again, soon after,
//! is not asked twice ([`asking`]).

mod asking;
mod event;
mod item;
mod prose;
mod request;
mod telling;
mod visitor;

use std::sync::Arc;

use askbook::error::{ChatError, PortError, Stage};
use askbook::feedback::{Feedback, Rating};
use askbook::ports::Threads;
use askbook::thread::{self, Head};
use poem::http::HeaderValue;
use poem::http::header::CONTENT_TYPE;
use poem::{Body, Endpoint, IntoResponse, Request, Response, Result};
use serde::Serialize;

use self::asking::Asking;
use self::event::Event;
use self::item::{Kept, Order, Page, Thread, ThreadItem, item_id, thread_id};
use self::request::{Envelope, Kind, Paging, Rate, Rename};
use self::telling::Telling;
use self::visitor::Caller;
use crate::intake::Intake;
use crate::json::{Json, JsonBody};
use crate::problem::{Code, Problem};
use crate::streaming;

/// Answers the requests of `ChatKit`.
pub(crate) struct ChatKit {
    intake: Intake,
    threads: Arc<dyn Threads>,
}

/// How many elements of a list are sent, unless the client says how many.
const PAGE_LENGTH: usize = 20;

/// How many are sent at most. Clients ask for 9999, and threads are bounded.
const LONGEST_PAGE: usize = 1_000;

/// The longest title that a reader may give, in characters.
const LONGEST_TITLE: usize = 200;

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
        if title.is_empty() || length > LONGEST_TITLE {
            let detail = format!("a title has from 1 to {LONGEST_TITLE} characters");
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

/// What a thread shows.
fn shown(thread: &thread::Thread) -> Vec<ThreadItem> {
    let kept = thread.items.iter().filter_map(Kept::of);
    let shown = kept.filter_map(|kept| match kept {
        Kept::Shown(item) => Some(item),
        Kept::Hidden(_) => None,
    });
    shown.collect()
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

/// What the fuzz targets reach: the question that a body asks, if it asks one, the title of a
/// thread that begins with it, and what was typed, as it is kept.
#[cfg(fuzzing)]
pub(crate) fn asked(
    body: &[u8],
    limits: askbook::question::QuestionLimits,
) -> Result<Option<(askbook::question::Question, String, String)>, Problem> {
    let envelope: Envelope = crate::json::parse(body)?;
    let input = match envelope.open()? {
        request::Request::Create(create) => create.input,
        request::Request::Add(add) => add.input,
        _ => return Ok(None),
    };
    let question = asking::question(&input, None, limits)?;
    let title = asking::title(question.text());
    let kept = serde_json::to_string(&input).map_err(Problem::internal)?;
    Ok(Some((question, title, kept)))
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
