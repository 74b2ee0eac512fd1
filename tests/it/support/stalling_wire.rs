//! A wire to an HTTP/2 server on which the client can be left waiting.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Far more than anything here takes; only a broken test waits for so long.
const NEVER: Duration = Duration::from_mins(1);

/// What a client begins a connection with (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// Passes every connection on until it is stalled. From then on nothing gets through.
pub(crate) struct StallingWire {
    address: SocketAddr,
    stalled: watch::Sender<bool>,
    frames: Mutex<mpsc::UnboundedReceiver<(Frame, Instant)>>,
    _listening: JoinSet<()>,
}

/// What a client sends (RFC 9113, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The head of a request.
    Headers,
    /// The end of a request that is no longer wanted.
    Reset,
    /// Anything else.
    Other,
}

impl StallingWire {
    /// A wire to the server at this address (`http://127.0.0.1:1`).
    pub(crate) async fn to(url: &str) -> Self {
        let peer: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stalled = watch::Sender::new(false);
        let (seen, frames) = mpsc::unbounded_channel();
        let mut listening = JoinSet::new();
        let stall = stalled.subscribe();
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                // Either end may break it off.
                let pass = pass(near, peer, stall.clone(), seen.clone());
                connections.spawn(async move { drop(pass.await) });
            }
        });
        Self { address, stalled, frames: Mutex::new(frames), _listening: listening }
    }

    /// The address of its near end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn stall(&self) {
        self.stalled.send_replace(true);
    }

    /// Waits until a client sends this into the stalled wire. Says when.
    pub(crate) async fn sent(&self, wanted: Frame) -> Instant {
        let mut frames = self.frames.lock().await;
        loop {
            let (frame, at) = timeout(NEVER, frames.recv()).await.unwrap().unwrap();
            if frame == wanted {
                return at;
            }
        }
    }
}

async fn pass(
    near: TcpStream,
    peer: SocketAddr,
    stalled: watch::Receiver<bool>,
    seen: mpsc::UnboundedSender<(Frame, Instant)>,
) -> io::Result<()> {
    let far = TcpStream::connect(peer).await?;
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) =
        (near.into_split(), far.into_split());
    let mut until_stalled = stalled.clone();
    let back = async {
        let stall = async { drop(until_stalled.wait_for(|stalled| *stalled).await) };
        tokio::select! {
            copied = copy(&mut from_far, &mut to_near) => copied.map(drop),
            () = stall => pending().await,
        }
    };
    let forth = async {
        let mut unread = Vec::new();
        let mut skipped = 0;
        loop {
            let before = unread.len();
            if from_near.read_buf(&mut unread).await? == 0 {
                return Ok(());
            }
            let is_stalled = *stalled.borrow();
            if !is_stalled {
                to_far.write_all(&unread[before..]).await?;
            }
            if skipped == 0 && unread.len() >= PREFACE {
                skipped = PREFACE;
                unread.drain(..PREFACE);
            }
            while skipped > 0
                && let Some(frame) = next_frame(&mut unread)
            {
                if is_stalled {
                    let _ = seen.send((frame, Instant::now()));
                }
            }
        }
    };
    tokio::select! {
        passed = back => passed,
        passed = forth => passed,
    }
}

/// Takes the first frame out of the bytes, if it is complete: three bytes of length, one of type,
/// five more, and the payload.
fn next_frame(bytes: &mut Vec<u8>) -> Option<Frame> {
    let &[high, middle, low, kind, ..] = bytes.as_slice() else { return None };
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    if bytes.len() < 9 + length {
        return None;
    }
    bytes.drain(..9 + length);
    Some(match kind {
        1 => Frame::Headers,
        3 => Frame::Reset,
        _ => Frame::Other,
    })
}
