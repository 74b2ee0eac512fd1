//! A connection with deadlines.

use std::future::{Future, pending};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use crate::settings::ConnectionSettings;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// For the rest of the head of a request; for all of it at the beginning, for who connects
    /// has something to say.
    Head,
    /// For the reply.
    Handling,
    /// For another request.
    Rest,
}

/// Resolves when a connection has been in one phase for too long.
///
/// hyper's own deadline for the head also counts the idle time before it, so that connections
/// could rest no longer than a head may take. While a request is being handled there is no
/// deadline here: its body has one where it is read, and the request as a whole has one.
pub(crate) async fn overdue(mut phase: watch::Receiver<Phase>, settings: ConnectionSettings) {
    loop {
        let limit = match *phase.borrow_and_update() {
            Phase::Head => Some(settings.head_timeout),
            Phase::Handling => None,
            Phase::Rest => Some(settings.idle_timeout),
        };
        let expired = async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = expired => return,
            Ok(()) = phase.changed() => {}
        }
    }
}

/// A stream that tells when the head of a request begins to arrive, and that fails with
/// [`io::ErrorKind::TimedOut`] when the peer takes no byte for too long.
pub(crate) struct TimedStream<S> {
    stream: S,
    phase: watch::Sender<Phase>,
    write_timeout: Duration,
    /// Set while a write waits for the peer.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    pub(crate) fn new(stream: S, phase: watch::Sender<Phase>, write_timeout: Duration) -> Self {
        Self { stream, phase, write_timeout, alarm: None }
    }

    fn in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.alarm = None;
            return written;
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        alarm.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.phase.send_if_modified(|phase| {
                let rested = *phase == Phase::Rest;
                if rested {
                    *phase = Phase::Head;
                }
                rested
            });
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
