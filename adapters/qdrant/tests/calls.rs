//! What reaches a server, call by call.

#![expect(clippy::unwrap_used, reason = "what the tests stand on may fail loudly")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::passage::PassageId;
use askbook::ports::Retriever;
use askbook::request;
use askbook_qdrant::{Address, Fields, QdrantSettings, QdrantStore};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Status};
use tower::Service;

/// Fails every call on points like this, and remembers the deadlines that they came with.
#[derive(Clone)]
struct Failing {
    code: Code,
    deadlines: Arc<Mutex<Vec<String>>>,
}

impl NamedService for Failing {
    const NAME: &'static str = "qdrant.Points";
}

impl Service<http::Request<Body>> for Failing {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let deadline = request.headers()["grpc-timeout"].to_str().unwrap().to_owned();
        self.deadlines.lock().unwrap().push(deadline);
        ready(Ok(Status::new(self.code, "scripted").into_http()))
    }
}

/// Asks a server that fails like this for a passage; with the deadlines of the calls that it got.
async fn ask(code: Code) -> (PortError, Vec<String>) {
    ask_within(None, code).await
}

/// The same for a request that has so much time left.
async fn ask_within(left: Option<Duration>, code: Code) -> (PortError, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let failing = Failing { code, deadlines: Arc::default() };
    let server = tonic::transport::Server::builder().add_service(failing.clone());
    let mut serving = JoinSet::new();
    serving.spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let store = QdrantStore::new(QdrantSettings {
        address: Address::parse(&url).unwrap(),
        api_key: None,
        collection: "book".to_owned(),
        vector: None,
        dimension: None,
        fields: Fields::default(),
        timeout: Duration::from_millis(20_500),
    })
    .unwrap();
    let point = PassageId("6f1c7b9e-4d3a-4a0e-9d5c-0a1b2c3d4e5f".to_owned());
    let deadline = left.map(|left| (Instant::now() + left).into_std());
    let request = request::Context { deadline, ..<_>::default() };
    let error = request.scope(store.passages(&[point])).await.unwrap_err();
    let deadlines = failing.deadlines.lock().unwrap().clone();
    (error, deadlines)
}

#[tokio::test]
async fn a_call_tells_the_server_its_deadline() {
    let (error, deadlines) = ask(Code::ResourceExhausted).await;
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(deadlines, ["20600m"], "the setting, and a little more");
}

#[tokio::test]
async fn a_call_tells_the_server_the_deadline_of_its_request_when_that_is_nearer() {
    let left = Duration::from_secs(15);
    let (_, deadlines) = ask_within(Some(left), Code::ResourceExhausted).await;
    let told: u64 = deadlines[0].strip_suffix('m').unwrap().parse().unwrap();
    assert!((1..=15_100).contains(&told), "{told} ms");
    let (_, deadlines) = ask_within(Some(2 * left), Code::ResourceExhausted).await;
    assert_eq!(deadlines, ["20600m"], "the setting is nearer");
    let (error, _) = ask_within(Some(Duration::ZERO), Code::ResourceExhausted).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn the_client_itself_repeats_a_call_that_failed_once_and_no_oftener() {
    for code in [Code::Internal, Code::Unavailable, Code::Cancelled, Code::Unknown] {
        let (error, deadlines) = ask(code).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{code:?}");
        assert_eq!(deadlines.len(), 2, "{code:?}");
    }
    for code in [Code::DeadlineExceeded, Code::InvalidArgument, Code::Unauthenticated] {
        assert_eq!(ask(code).await.1.len(), 1, "{code:?}");
    }
}
