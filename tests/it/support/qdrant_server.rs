//! A Qdrant server in this process: the real protocol over real gRPC on port 0, backed by the
//! real engine in a temporary folder.
//!
//! It knows the calls that askbook makes and is as strict as the real one: an unknown collection
//! is `NotFound`; an unknown vector, a vector of another size or a malformed id is
//! `InvalidArgument`; everything that askbook does not use is `Unimplemented`.

#![expect(clippy::unwrap_used, reason = "a broken server is meant to panic")]

/// One collection, kept by the engine.
mod collection;
/// The calls, and what the server keeps.
mod engine;
/// The messages of the protocol in the words of the engine, and back.
mod message;
/// What a server says in place of its own answer.
pub(crate) mod scripted;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::qdrant_client::qdrant::collections_server::CollectionsServer;
use ::qdrant_client::qdrant::points_server::PointsServer;
use askbook::contract::Fault;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::{Request, Status};

use self::engine::Engine;
use self::scripted::{Script, Scripted};

/// The server, until it is dropped.
pub(crate) struct QdrantServer {
    address: SocketAddr,
    engine: Arc<Engine>,
    /// Aborted when dropped.
    _serving: JoinSet<()>,
}

impl QdrantServer {
    /// An empty server that wants no key.
    pub(crate) async fn start() -> Self {
        Self::serve(|_| Ok(())).await
    }

    /// A server that refuses every call without this key.
    pub(crate) async fn with_key(key: &'static str) -> Self {
        Self::serve(move |call| {
            let given = call.metadata().get("api-key");
            if given.is_some_and(|given| given == key) {
                return Ok(());
            }
            Err(Status::unauthenticated("Must provide an API key or an Authorization bearer token"))
        })
        .await
    }

    /// A server that passes on the `traceparent` of every call.
    pub(crate) async fn tracing(told: mpsc::UnboundedSender<Option<String>>) -> Self {
        Self::serve(move |call| {
            let trace = call.metadata().get("traceparent");
            // The test may be over.
            let _ = told.send(trace.map(|trace| trace.to_str().unwrap().to_owned()));
            Ok(())
        })
        .await
    }

    /// A server, or what is in its place, that misbehaves so.
    pub(crate) async fn with_fault(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable => Self::socket(|_, serving| serving.abort_all()).await,
            Fault::Hangs => Self::socket(|listener, serving| serving.spawn(hold(listener))).await,
            Fault::Garbage => Self::socket(|listener, serving| serving.spawn(rest(listener))).await,
            Fault::Overloaded => Self::serve(|_| Err(Status::unavailable("overloaded"))).await,
            Fault::RateLimited => {
                Self::serve(|_| {
                    let mut status = Status::resource_exhausted("too many requests");
                    status.metadata_mut().insert("retry-after", "7".parse().unwrap());
                    Err(status)
                })
                .await
            }
            Fault::RefusesKey => Self::with_key("another key").await,
        }
    }

    /// Something else than a Qdrant server on a socket.
    async fn socket<T>(peer: impl FnOnce(TcpListener, &mut JoinSet<()>) -> T) -> Self {
        let (listener, address) = listen().await;
        let mut serving = JoinSet::new();
        peer(listener, &mut serving);
        Self { address, engine: Arc::default(), _serving: serving }
    }

    /// Another server with the same collections, which says something else than its own answers
    /// where the script says so.
    pub(crate) async fn scripted(&self, script: Script) -> Self {
        Self::serve_by(|_| Ok(()), script, Arc::clone(&self.engine)).await
    }

    async fn serve(
        admit: impl Fn(&Request<()>) -> Result<(), Status> + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::serve_by(admit, Arc::new(|_| None), Arc::default()).await
    }

    async fn serve_by(
        admit: impl Fn(&Request<()>) -> Result<(), Status> + Clone + Send + Sync + 'static,
        script: Script,
        engine: Arc<Engine>,
    ) -> Self {
        let (listener, address) = listen().await;
        let admit = move |call: Request<()>| admit(&call).map(|()| call);
        let collections =
            CollectionsServer::from_arc(Arc::clone(&engine)).max_decoding_message_size(usize::MAX);
        let points =
            PointsServer::from_arc(Arc::clone(&engine)).max_decoding_message_size(usize::MAX);
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let collections = Scripted { service: collections, script: Arc::clone(&script) };
        let points = Scripted { service: points, script };
        let server = tonic::transport::Server::builder()
            .add_service(tonic::service::interceptor::InterceptedService::new(
                collections,
                admit.clone(),
            ))
            .add_service(tonic::service::interceptor::InterceptedService::new(points, admit))
            .serve_with_incoming(incoming);
        let mut serving = JoinSet::new();
        serving.spawn(async move { server.await.unwrap() });
        Self { address, engine, _serving: serving }
    }

    /// The address to give to askbook.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses every call that changes something after the next `count`.
    pub(crate) fn refuse_writes_after(&self, count: usize) {
        self.engine.writes_left.store(count, Ordering::SeqCst);
    }

    /// The names of the collections, without aliases.
    pub(crate) fn collections(&self) -> Vec<String> {
        self.engine.names()
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Takes every connection and never says anything.
async fn hold(listener: TcpListener) {
    let mut held = Vec::new();
    while let Ok(connection) = listener.accept().await {
        held.push(connection);
    }
}

/// Answers like a server that speaks HTTP/1.1 alone, which Qdrant's REST port does.
async fn rest(listener: TcpListener) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    while let Ok((mut connection, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut seen = [0; 256];
            let _ = connection.read(&mut seen).await;
            let answer =
                b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = connection.write_all(answer).await;
            let _ = connection.shutdown().await;
            // What is closed with bytes unread is reset, and the answer may be lost.
            while connection.read(&mut seen).await.is_ok_and(|read| read > 0) {}
        });
    }
}
