//! Serving on a socket.
//!
//! hyper drives the connections, not poem's server, for four reasons: poem's accept loop spins
//! when the process is out of file descriptors; it has no deadline for a slow client; it does
//! not notice that a client has left, so that an answer nobody waits for is paid for; and it
//! leaves Nagle's algorithm on, which holds small pieces of an answer back for 40 ms.
//!
//! What each connection waits for is its `activity`, which has its deadlines; who goes when there
//! are too many of them, the `crowd` decides.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::uri::Scheme;
use poem::http::{Request, Response};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Body as PoemBody, Endpoint, Request as PoemRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::activity::{Abort, Activity, Phase, WatchedStream};
use crate::client::Peer;
use crate::crowd::{Crowd, GRACE, Place};
use crate::forwarded;
use crate::settings::ConnectionSettings;
use crate::streaming::Closing;

/// How many connections the system keeps until they are accepted, if it keeps so many.
const BACKLOG: u32 = 4_096;

/// The longest head of a request, in bytes; more is answered with 431.
const HEAD_LIMIT: usize = 32 * 1_024;

/// Told when the server is about to take no more connections: an extension of every request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaving(pub(crate) CancellationToken);

/// An HTTP/1.1 server. HTTP/2 is not spoken: one connection of it can ask for more than many.
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

    /// Serves until `shutdown` resolves and then, while it says that it is not ready, for as long
    /// as the settings say; then accepts nothing more, lets the requests that are being handled
    /// end for as long as the settings allow, and cuts off those that do not.
    pub async fn serve<E>(self, app: E, shutdown: impl Future<Output = ()>)
    where
        E: Endpoint + 'static,
    {
        let Self { listener, address, settings } = self;
        let (drain, shutdown_timeout) = (settings.drain, settings.shutdown_timeout);
        let reception = Reception {
            app: Arc::new(app),
            address,
            crowd: Crowd::new(settings.limit),
            settings: Arc::new(settings),
            connections: TaskTracker::new(),
            signals: Signals::default(),
        };
        let Reception { connections, signals, .. } = &reception;

        let stopped = async {
            shutdown.await;
            signals.leaving.0.cancel();
            if !drain.is_zero() {
                info!(drain_ms = drain.as_millis(), "not ready any more");
                sleep(drain).await;
            }
        };
        // Whoever waits for a place.
        let mut waiting = None;
        let accepting = async {
            loop {
                let (stream, peer) = accept(|| listener.accept(), &reception.crowd).await;
                let from = reception.household(peer.ip());
                waiting = Some((stream, peer));
                let place = reception.crowd.admit(from).await;
                if let Some((stream, peer)) = waiting.take() {
                    reception.receive(stream, peer, place);
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stopped => {}
        }

        signals.drain.cancel();
        for (stream, peer) in waiting.into_iter().chain(queue(listener)) {
            let place = reception.crowd.let_in(reception.household(peer.ip()));
            reception.receive(stream, peer, place);
        }
        connections.close();
        info!(connections = connections.len(), "stopping");
        let last_words = (shutdown_timeout / 2).min(Duration::from_secs(1));
        let in_time = shutdown_timeout.saturating_sub(last_words);
        if timeout(in_time, connections.wait()).await.is_ok() {
            return;
        }
        signals.closing.0.cancel();
        if timeout(last_words, connections.wait()).await.is_err() {
            warn!(connections = connections.len(), "cutting off requests that do not end");
            signals.cut.cancel();
            connections.wait().await;
        }
    }
}

/// What a server tells its connections.
#[derive(Clone, Debug, Default)]
struct Signals {
    leaving: Leaving,
    /// To take no further request.
    drain: CancellationToken,
    /// To end streams.
    closing: Closing,
    /// To end at once.
    cut: CancellationToken,
}

/// What takes connections to their places.
struct Reception<E> {
    app: Arc<E>,
    address: SocketAddr,
    crowd: Arc<Crowd>,
    settings: Arc<ConnectionSettings>,
    connections: TaskTracker,
    signals: Signals,
}

impl<E: Endpoint + 'static> Reception<E> {
    /// Whose a connection is, unless it may be anybody's.
    fn household(&self, peer: IpAddr) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        (!self.settings.proxies.contain(peer)).then(|| forwarded::network(peer))
    }

    fn receive(&self, stream: TcpStream, peer: SocketAddr, place: Place) {
        let connection = Connection {
            app: Arc::clone(&self.app),
            addresses: (LocalAddr(self.address.into()), RemoteAddr(peer.into())),
            peer: Peer(peer.ip()),
            settings: Arc::clone(&self.settings),
            signals: self.signals.clone(),
            place,
        };
        self.connections.spawn(connection.serve(stream));
    }
}

/// Who has connected and was not accepted yet; then the socket is closed.
fn queue(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        // An error is that there is nobody, or nothing that could be done about it here.
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}

/// The next connection. Errors of single connections are passed over at once; after others, such
/// as being out of file descriptors, somebody is sent away, and there is a pause.
async fn accept<T, F>(mut next: impl FnMut() -> F, crowd: &Crowd) -> T
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
                crowd.make_room();
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
    settings: Arc<ConnectionSettings>,
    signals: Signals,
    place: Place,
}

impl<E: Endpoint + 'static> Connection<E> {
    /// Serves the requests of one connection, and no further one once told to drain, or when its
    /// place is wanted. A client that leaves ends it, and drops the request that is being handled.
    async fn serve<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Abort + Unpin + 'static,
    {
        let Self { app, addresses, peer, settings, signals, place } = self;
        let activity = &place.activity;
        activity.enter(Phase::Head);
        let stream = WatchedStream::new(stream, activity.clone());
        let (leaving, closing) = (&signals.leaving, &signals.closing);
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(leaving.clone());
            request.extensions_mut().insert(closing.clone());
            request.extensions_mut().insert(peer);
            let (app, activity) = (Arc::clone(&app), activity.clone());
            let (local, remote) = addresses.clone();
            // On the heap: a connection that is not asked anything takes no room for it.
            Box::pin(async move {
                let complete = request.body().is_end_stream();
                activity.enter(if complete { Phase::Handling } else { Phase::Body });
                let mut request = PoemRequest::from((request, local, remote, Scheme::HTTP));
                if !complete {
                    let chunks = request.take_body().into_bytes_stream();
                    let activity = activity.clone();
                    request.set_body(PoemBody::from_bytes_stream(Arriving { chunks, activity }));
                }
                let response = Response::from(app.get_response(request).await);
                Ok::<_, Infallible>(response.map(|body| Handled { body, activity }))
            })
        });
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_header_size(HEAD_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut overdue = pin!(activity.overdue(&settings));
        let mut drained = pin!(async {
            signals.drain.cancelled().await;
            // Who has only just connected may have asked already.
            let _ = timeout(GRACE, activity.begun()).await;
        });
        let mut sent_away = pin!(async {
            place.away.cancelled().await;
            // A busy server may not have noticed yet what has arrived. The runtime looks for both
            // at once: when this is over, it has.
            sleep(Duration::from_millis(1)).await;
        });
        let mut draining = false;
        let result = loop {
            tokio::select! {
                biased;
                result = connection.as_mut() => break result,
                () = overdue.as_mut() => return,
                () = signals.cut.cancelled() => return,
                () = sent_away.as_mut(), if !draining => {
                    // One that rests, or was asked for something just now, is closed in order.
                    if !activity.state().rests() && activity.state().waiting().is_some() {
                        return;
                    }
                }
                () = drained.as_mut(), if !draining => {}
            }
            draining = true;
            connection.as_mut().graceful_shutdown();
        };
        if let Err(error) = result {
            // Clients that leave are everyday events.
            debug!(error = crate::problem::chain(&error), "connection ended");
        }
    }
}

/// The body of a request. It arrives until it is dropped.
struct Arriving<S> {
    chunks: S,
    activity: Activity,
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Stream for Arriving<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.chunks).poll_next(cx)
    }
}

impl<S> Drop for Arriving<S> {
    fn drop(&mut self) {
        self.activity.pass(Phase::Body, Phase::Handling);
    }
}

/// The body of a reply. A request is being handled until all of it was taken.
struct Handled<B> {
    body: B,
    activity: Activity,
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
        self.activity.enter(Phase::Rest);
    }
}

#[cfg(test)]
mod tests;
