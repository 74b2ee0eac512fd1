//! Replies that are written while a chat goes on.

pub(crate) mod sse;

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use askbook::answer::Answer;
use askbook::event::ChatEvent;
use askbook::request::Context;
use async_stream::stream;
use bytes::Bytes;
use futures_util::stream::poll_fn;
use futures_util::{Stream, StreamExt};
use poem::http::HeaderName;
use poem::http::header::CACHE_CONTROL;
use poem::{Body, Response};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;
use crate::progress::Progress;

/// A way to write the events of one chat.
pub(crate) trait Wire: Send + 'static {
    /// Of the reply.
    const MEDIA_TYPE: &'static str;

    /// What is sent so that nobody on the way takes the connection for dead; a client passes it
    /// over.
    const HEARTBEAT: Option<&'static str>;

    /// Keeps what has to be kept of a complete answer before its end is told.
    fn keep(&mut self, _answer: &Answer) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// An event that is no failure; `None` when this wire does not tell it.
    fn event(&mut self, event: ChatEvent, progress: &mut Progress) -> Option<String>;

    /// The end without an answer. `incomplete`: whether text was sent.
    fn failure(&mut self, problem: &Problem, incomplete: bool) -> String;
}

/// Marks a reply whose body goes on after it was begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streamed;

/// Told when the server is about to cut off what still goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closing(pub(crate) CancellationToken);

/// What ends a stream, or keeps it alive.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// When the answer must be complete.
    pub(crate) expires: Instant,
    pub(crate) closing: Closing,
    /// How long nothing is sent, at most, on a wire that has a heartbeat.
    pub(crate) heartbeat: Duration,
}

/// What a stream waited for.
enum Next {
    Event(ChatEvent),
    Heartbeat,
    Failure { problem: Problem, incomplete: bool },
}

/// The reply that tells these events. They are drawn, and their work is done, while the client
/// takes the body. It ends in exactly one terminal event whatever happens, a panic included.
pub(crate) fn reply<W: Wire>(
    events: impl Stream<Item = ChatEvent> + Send + 'static,
    wire: W,
    progress: Progress,
    bounds: Bounds,
) -> Response {
    let pieces = pieces(events, wire, progress, bounds);
    begin::<W>(Body::from_bytes_stream(pieces.map(Ok::<_, io::Error>)))
}

/// A reply on this wire.
pub(crate) fn begin<W: Wire>(body: Body) -> Response {
    Response::builder()
        .content_type(W::MEDIA_TYPE)
        // A proxy must neither keep nor compress it, and nginx must not collect it.
        .header(CACHE_CONTROL, "no-cache, no-transform")
        .header(HeaderName::from_static("x-accel-buffering"), "no")
        .extension(Streamed)
        .body(body)
}

fn pieces<W: Wire>(
    events: impl Stream<Item = ChatEvent> + Send + 'static,
    mut wire: W,
    mut progress: Progress,
    bounds: Bounds,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let Bounds { expires, closing: Closing(closing), heartbeat } = bounds;
    let context = Context::current().until(expires.into_std());
    stream! {
        // After a panic nothing of it is used again.
        let mut events = pin!(AssertUnwindSafe(events).catch_unwind());
        let mut events = poll_fn(move |cx| context.within(|| events.as_mut().poll_next(cx)));
        let mut shown = false;
        let mut sent = Instant::now();
        loop {
            let failure = |problem| Next::Failure { problem, incomplete: shown };
            let next = tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Ok(ChatEvent::Failed { error, incomplete })) => {
                        Next::Failure { problem: error.into(), incomplete }
                    }
                    Some(Ok(event)) => Next::Event(event),
                    Some(Err(_)) => failure(Problem::from_panic()),
                    None => failure(Problem::internal("the chat ended without an answer")),
                },
                () = sleep_until(expires) => failure(Problem::deadline_exceeded()),
                () = closing.cancelled() => failure(Problem::shutting_down()),
                () = sleep_until(sent + heartbeat), if W::HEARTBEAT.is_some() => Next::Heartbeat,
            };
            let (piece, last) = match next {
                Next::Event(event) => {
                    progress.see(&event);
                    let last = matches!(event, ChatEvent::Done(_));
                    // The fixed text of a refusal comes with the end alone.
                    if let ChatEvent::Done(answer) = &event
                        && !shown
                        && !answer.text.is_empty()
                        && let Some(piece) =
                            wire.event(ChatEvent::Delta(answer.text.clone()), &mut progress)
                    {
                        yield Bytes::from(piece);
                    }
                    if matches!(event, ChatEvent::Delta(_)) && !shown {
                        shown = true;
                        progress.shown();
                    }
                    if let ChatEvent::Done(answer) = &event {
                        wire.keep(answer).await;
                    }
                    (wire.event(event, &mut progress), last)
                }
                Next::Heartbeat => (W::HEARTBEAT.map(str::to_owned), false),
                Next::Failure { problem, incomplete } => {
                    Progress::failed(&problem);
                    (Some(wire.failure(&problem, incomplete)), true)
                }
            };
            if let Some(piece) = piece {
                sent = Instant::now();
                yield Bytes::from(piece);
            }
            if last {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests;
