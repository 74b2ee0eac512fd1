//! What a connection is doing, as it is seen from outside.

use std::future::pending;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::settings::ConnectionSettings;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// For the rest of the head of a request; for all of it at the beginning, for who connects
    /// has something to say.
    Head,
    /// For the rest of the body of a request.
    Body,
    /// For the reply.
    Handling,
    /// For another request.
    Rest,
}

/// A phase, and how it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    phase: Phase,
    since: Instant,
    /// Since when the peer has taken next to nothing of what is written.
    stalled: Option<Instant>,
}

impl State {
    /// Since when nothing goes on because the peer does nothing; `None` while there is work here.
    pub(crate) fn waiting(&self) -> Option<Instant> {
        let since = (self.phase != Phase::Handling).then_some(self.since);
        self.stalled.or(since)
    }

    /// Whether it lies idle between two requests.
    pub(crate) fn rests(&self) -> bool {
        self.phase == Phase::Rest && self.stalled.is_none()
    }

    /// When it has been like this for too long.
    ///
    /// hyper's own deadline for the head also counts the idle time before it, so that connections
    /// could rest no longer than a head may take. The body of a request has its deadline where it
    /// is read, and the request as a whole has one.
    fn deadline(&self, settings: &ConnectionSettings) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Head => Some(self.since + settings.head_timeout),
            Phase::Body | Phase::Handling => None,
            Phase::Rest => Some(self.since + settings.idle_timeout),
        };
        let stalled = self.stalled.map(|since| since + settings.write_timeout);
        stalled.or(phase)
    }
}

/// What one connection is doing. Clones tell of the same one.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    state: watch::Sender<State>,
    /// Told when it begins to wait for its peer.
    waits: Arc<Notify>,
}

impl Activity {
    /// That of a new connection. What has arrived on it already, nobody has looked at yet: until it
    /// enters [`Phase::Head`], it is not the peer who is waited for.
    pub(crate) fn new(waits: Arc<Notify>) -> Self {
        let state = State { phase: Phase::Handling, since: Instant::now(), stalled: None };
        Self { state: watch::Sender::new(state), waits }
    }

    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.change(|state| {
            state.phase = phase;
            state.since = Instant::now();
            true
        });
    }

    /// Enters a phase if the connection is in that other one.
    pub(crate) fn pass(&self, from: Phase, to: Phase) {
        self.change(|state| {
            let passes = state.phase == from;
            if passes {
                state.phase = to;
                state.since = Instant::now();
            }
            passes
        });
    }

    fn stall(&self, since: Option<Instant>) {
        self.change(|state| {
            state.stalled = since;
            true
        });
    }

    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        if self.state.send_if_modified(change) && self.state().waiting().is_some() {
            self.waits.notify_one();
        }
    }

    /// Resolves when a request has begun to be handled, or is over.
    pub(crate) async fn begun(&self) {
        // Never fails: the sender is here.
        let _ = self.state.subscribe().wait_for(|state| state.phase != Phase::Head).await;
    }

    /// Resolves when the connection has been in one state for too long.
    pub(crate) async fn overdue(&self, settings: &ConnectionSettings) {
        let mut states = self.state.subscribe();
        loop {
            let deadline = states.borrow_and_update().deadline(settings);
            let expired = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = expired => return,
                Ok(()) = states.changed() => {}
            }
        }
    }
}

/// What a peer that makes the server wait must take, in bytes, to count as one that reads: whoever
/// takes a byte now and then could hold a large reply for ever.
const PROGRESS: usize = 16 * 1_024;

/// A stream that tells when the head of a request begins to arrive, and when the peer does not
/// take what is written to it.
///
/// When it is dropped while the peer takes nothing, what was written is thrown away: the system
/// would keep it for as long as the peer likes.
pub(crate) struct WatchedStream<S: Abort> {
    stream: S,
    activity: Activity,
    stall: Option<Stall>,
}

/// A stream that can be broken off.
pub(crate) trait Abort {
    /// From now on, closing it throws away what the peer has not taken.
    fn abort(&self);
}

impl Abort for TcpStream {
    fn abort(&self) {
        // Of a connection that is gone already there is nothing to throw away.
        let _ = self.set_zero_linger();
    }
}

#[cfg(test)]
impl Abort for tokio::io::DuplexStream {
    fn abort(&self) {}
}

/// A write that had to wait for the peer.
struct Stall {
    /// How many bytes were taken since.
    taken: usize,
    /// Whether the latest write had to wait, too.
    waits: bool,
}

impl<S: Abort> WatchedStream<S> {
    pub(crate) fn new(stream: S, activity: Activity) -> Self {
        Self { stream, activity, stall: None }
    }

    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        match (written, &mut self.stall) {
            (Poll::Pending, None) => {
                self.stall = Some(Stall { taken: 0, waits: true });
                self.activity.stall(Some(Instant::now()));
            }
            (Poll::Pending, Some(stall)) => stall.waits = true,
            (Poll::Ready(Ok(bytes)), Some(stall)) => {
                stall.taken += bytes;
                // A second write that is taken at once finds room again.
                if !std::mem::take(&mut stall.waits) || stall.taken >= PROGRESS {
                    self.goes_on();
                }
            }
            (Poll::Ready(_), _) => {}
        }
    }

    fn goes_on(&mut self) {
        if self.stall.take().is_some() {
            self.activity.stall(None);
        }
    }
}

impl<S: Abort> Drop for WatchedStream<S> {
    fn drop(&mut self) {
        if self.stall.is_some() {
            self.stream.abort();
        }
    }
}

impl<S: AsyncRead + Abort + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.pass(Phase::Rest, Phase::Head);
        }
        read
    }
}

impl<S: AsyncWrite + Abort + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.goes_on();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
