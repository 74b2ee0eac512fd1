//! Serving on a socket.
//!
//! hyper drives the connections, not poem's server, for four reasons: poem's accept loop spins
//! when the process is out of file descriptors; it has no deadline for a slow client; it does
//! not notice that a client has left, so that an answer nobody waits for is paid for; and it
//! leaves Nagle's algorithm on, which holds small pieces of an answer back for 40 ms.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::Endpoint;
use poem::http::uri::Scheme;
use poem::http::{Request, Response};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::client::Peer;
use crate::settings::ConnectionSettings;
use crate::streaming::Closing;
use crate::timed_stream::{Phase, TimedStream, overdue};

/// How many connections the system keeps until they are accepted.
const BACKLOG: u32 = 1_024;

/// The longest head of a request, in bytes; more is answered with 431.
const HEAD_LIMIT: usize = 32 * 1_024;

/// An HTTP/1.1 server.
pub struct Server;

/// A server whose socket is open.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    settings: ConnectionSettings,
}

impl Server {
    /// Opens the socket; clients can connect from now on. Port 0 stands for any free one.
    ///
    /// Apart from [`Bound::serve`], so that it comes before anything else at start is asked or
    /// read: an address that is in use is known at once, and whoever starts this server may
    /// connect while the rest of it wakes up. MUST be called within a Tokio runtime.
    ///
    /// # Errors
    /// The address is in use, or not one of this machine.
    pub fn bind(address: SocketAddr, settings: ConnectionSettings) -> io::Result<Bound> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A server that was just stopped does not keep its successor from starting.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        // Accepted sockets inherit this on Linux and the BSDs.
        socket.set_nodelay(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Bound { listener, address, settings })
    }
}

impl Bound {
    /// The address with its actual port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves; then accepts nothing more, lets the requests that are
    /// being handled end for as long as the settings allow, and cuts off those that do not.
    pub async fn serve<E>(self, app: E, shutdown: impl Future<Output = ()>)
    where
        E: Endpoint + 'static,
    {
        let Self { listener, address, settings } = self;
        let slots = Arc::new(Semaphore::new(settings.limit));
        let connections = TaskTracker::new();
        let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
        let closing = Closing::default();
        let (crowded, _) = watch::channel(false);
        let app = Arc::new(app);

        let accepting = async {
            loop {
                let (stream, peer) = accept(|| listener.accept()).await;
                crowded.send_replace(slots.available_permits() == 0);
                // Never fails: nobody closes the semaphore.
                let slot = Arc::clone(&slots).acquire_owned().await;
                crowded.send_replace(false);
                let connection = Connection {
                    app: Arc::clone(&app),
                    addresses: (LocalAddr(address.into()), RemoteAddr(peer.into())),
                    peer: Peer(peer.ip()),
                    settings,
                    crowded: crowded.subscribe(),
                    closing: closing.clone(),
                };
                let (drain, cut) = (drain.clone(), cut.clone());
                connections.spawn(async move {
                    cut.run_until_cancelled_owned(connection.serve(stream, drain)).await;
                    drop(slot);
                });
            }
        };
        tokio::select! {
            () = accepting => {}
            () = shutdown => {}
        }

        drop(listener);
        drain.cancel();
        connections.close();
        info!(connections = connections.len(), "stopping");
        let last_words = (settings.shutdown_timeout / 2).min(Duration::from_secs(1));
        let in_time = settings.shutdown_timeout.saturating_sub(last_words);
        if timeout(in_time, connections.wait()).await.is_ok() {
            return;
        }
        closing.0.cancel();
        if timeout(last_words, connections.wait()).await.is_err() {
            warn!(connections = connections.len(), "cutting off requests that do not end");
            cut.cancel();
            connections.wait().await;
        }
    }
}

/// The next connection. Errors of single connections are passed over at once; after others, such
/// as being out of file descriptors, which last until something else ends, there is a pause.
async fn accept<T, F>(mut next: impl FnMut() -> F) -> T
where
    F: Future<Output = io::Result<T>>,
{
    const FIRST: Duration = Duration::from_millis(10);
    const LAST: Duration = Duration::from_secs(1);
    let mut pause = FIRST;
    loop {
        match next().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                warn!(%error, pause_ms = pause.as_millis(), "cannot accept connections");
                sleep(pause).await;
                pause = (pause * 2).min(LAST);
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

struct Connection<E> {
    app: Arc<E>,
    addresses: (LocalAddr, RemoteAddr),
    peer: Peer,
    settings: ConnectionSettings,
    /// Whether another connection waits for a place.
    crowded: watch::Receiver<bool>,
    /// Whether it is about to be cut off.
    closing: Closing,
}

impl<E: Endpoint + 'static> Connection<E> {
    /// Serves the requests of one connection, and no further one once told to drain, or when it
    /// rests while others wait for a place. A client that leaves ends it, and drops the request
    /// that is being handled.
    async fn serve<S>(self, stream: S, drain: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let Self { app, addresses, peer, settings, crowded, closing } = self;
        let (phase, phases) = watch::channel(Phase::Head);
        let stream = TimedStream::new(stream, phase.clone(), settings.write_timeout);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(closing.clone());
            request.extensions_mut().insert(peer);
            let (app, phase) = (Arc::clone(&app), phase.clone());
            let (local, remote) = addresses.clone();
            async move {
                phase.send_replace(Phase::Handling);
                let response = app.get_response((request, local, remote, Scheme::HTTP).into());
                let response = Response::from(response.await);
                Ok::<_, Infallible>(response.map(|body| Handled { body, phase }))
            }
        });
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_header_size(HEAD_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut in_the_way = pin!(in_the_way(crowded, phases.clone()));
        let mut overdue = pin!(overdue(phases, settings));
        let mut draining = false;
        let result = loop {
            if draining {
                connection.as_mut().graceful_shutdown();
            }
            tokio::select! {
                result = connection.as_mut() => break result,
                () = overdue.as_mut() => return,
                () = drain.cancelled(), if !draining => draining = true,
                () = in_the_way.as_mut(), if !draining => draining = true,
            }
        };
        if let Err(error) = result {
            // Clients that leave are everyday events.
            debug!(error = crate::problem::chain(&error), "connection ended");
        }
    }
}

/// The body of a reply. A request is being handled until all of it was taken.
struct Handled<B> {
    body: B,
    phase: watch::Sender<Phase>,
}

impl<B: Body + Unpin> Body for Handled<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Handled<B> {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Rest);
    }
}

/// Resolves when a connection rests while another one waits for a place.
async fn in_the_way(mut crowded: watch::Receiver<bool>, mut phase: watch::Receiver<Phase>) {
    while crowded.wait_for(|&crowded| crowded).await.is_ok()
        && phase.wait_for(|&phase| phase == Phase::Rest).await.is_ok()
    {
        if *crowded.borrow() {
            return;
        }
    }
    // Nobody is left who could wait.
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests;
