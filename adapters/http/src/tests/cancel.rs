//! Clients that leave, over a real socket.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Instant;

use askbook::embedding::Purpose;
use askbook::follow_up::FollowUp;
use askbook::ports::Embedder;
use askbook::request::Context;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::*;

/// Where the work for a question hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Condensing,
    Embedding,
    Retrieving,
    /// Before the model took the prompt.
    Prompting,
    /// While the model writes.
    Writing,
}

/// All ports in one; hangs at one place, tells when it is reached and when it is dropped there,
/// counts the generations that are begun, and remembers by when each step had to be done.
pub(super) struct Hanging {
    at: Place,
    reached: Semaphore,
    left: Semaphore,
    pub(super) generations: AtomicUsize,
    pub(super) deadlines: Mutex<Vec<(Place, Option<Instant>)>>,
}

struct Left<'a>(&'a Semaphore);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Hanging {
    /// Whether everything that hung was dropped, and something did.
    pub(super) fn is_over(&self) -> bool {
        let reached = self.reached.available_permits();
        reached > 0 && reached == self.left.available_permits()
    }

    /// Waits until something hangs for so many questions.
    pub(super) async fn until_reached(&self, questions: u32) {
        self.reached.acquire_many(questions).await.unwrap().forget();
    }

    async fn pass(&self, place: Place) {
        self.deadlines.lock().unwrap().push((place, Context::current().deadline));
        if self.at == place {
            let _left = Left(&self.left);
            self.reached.add_permits(1);
            pending::<()>().await;
        }
    }
}

/// A port that is shared with the test.
struct Port(Arc<Hanging>);

#[async_trait]
impl Embedder for Port {
    fn space(&self) -> &'static str {
        "hanging"
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::sparse()
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        self.0.pass(Place::Embedding).await;
        MemoryEmbedder::new(VectorShape::sparse()).embed(texts, purpose, shape).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Retriever for Port {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        self.0.pass(Place::Retrieving).await;
        Ok(Rankings { dense: None, lexical: Some(ranking()) })
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Generator for Port {
    fn model(&self) -> &'static str {
        "hanging"
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        self.0.generations.fetch_add(1, Ordering::Relaxed);
        self.0.pass(Place::Prompting).await;
        let hanging = Arc::clone(&self.0);
        let pieces = futures_util::stream::once(async move {
            hanging.pass(Place::Writing).await;
            Err(PortError::new(ErrorKind::Unavailable, "it goes on"))
        });
        Ok(Box::pin(pieces))
    }

    async fn condense(&self, _: &FollowUp) -> Result<Option<String>, PortError> {
        self.0.pass(Place::Condensing).await;
        Ok(None)
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// Ports that hang at this place, and what tells about it.
pub(super) fn hanging(at: Place) -> (Ports, Arc<Hanging>) {
    let hanging = Arc::new(Hanging {
        at,
        reached: Semaphore::new(0),
        left: Semaphore::new(0),
        generations: AtomicUsize::new(0),
        deadlines: Mutex::default(),
    });
    let port = || Arc::new(Port(Arc::clone(&hanging)));
    let working = chat(Stub::new(Conduct::Works), vec![Stub::new(Conduct::Works)]);
    let ports = Ports {
        embedder: port(),
        retriever: port(),
        generators: vec![port()],
        ..working.ports().clone()
    };
    (ports, hanging)
}

/// An app that hangs at this place, on a socket, and what tells about it.
fn serve(at: Place) -> (SocketAddr, Arc<Hanging>, oneshot::Sender<()>) {
    let (ports, hanging) = hanging(at);
    let chat = Chat::new(ports, chat_settings());
    let connections =
        ConnectionSettings { shutdown_timeout: Duration::from_secs(1), ..settings().connections };
    let bound = Server::bind(([127, 0, 0, 1], 0).into(), connections).unwrap();
    let address = bound.local_addr();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(bound.serve(app(chat, &settings()), async {
        // A test that is over stops it, too.
        let _ = stopped.await;
    }));
    (address, hanging, stop)
}

/// A question that has to be condensed, in the words of every wire.
pub(super) fn follow_up() -> String {
    let (before, message) = ("What is a session?", "And when does a session end?");
    let said = |text| json!({"role": "user", "content": text});
    json!({
        "message": message,
        "history": [said(before)],
        "messages": [said(before), said(message)],
        "stream": true,
    })
    .to_string()
}

async fn connect(address: SocketAddr, path: &str, header: &str) -> TcpStream {
    let body = follow_up();
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{header}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(body.as_bytes()).await.unwrap();
    client
}

/// Only so that a fault does not hang the tests.
const FAULT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_the_work_wherever_it_is_and_no_more_is_paid() {
    for at in
        [Place::Condensing, Place::Embedding, Place::Retrieving, Place::Prompting, Place::Writing]
    {
        for (path, header) in [
            ("/chat", ""),
            ("/chat/stream", ""),
            ("/chat", "x-stream-response: true\r\n"),
            ("/ai-sdk/chat", ""),
            ("/v1/chat/completions", ""),
        ] {
            let (address, hanging, _stop) = serve(at);
            let client = connect(address, path, header).await;
            timeout(FAULT, hanging.reached.acquire()).await.unwrap().unwrap().forget();
            let leaving = Instant::now();
            drop(client);
            timeout(FAULT, hanging.left.acquire()).await.unwrap().unwrap().forget();
            let delay = leaving.elapsed();
            writeln!(io::stderr(), "{path} {header:?} {at:?}: dropped after {delay:?}").unwrap();
            let begun = usize::from(matches!(at, Place::Prompting | Place::Writing));
            assert_eq!(hanging.generations.load(Ordering::Relaxed), begun, "{path} {at:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_goes_on_when_the_server_stops_ends_in_an_event() {
    let (address, hanging, stop) = serve(Place::Retrieving);
    let mut client = connect(address, "/chat/stream", "").await;
    hanging.reached.acquire().await.unwrap().forget();
    stop.send(()).unwrap();
    let mut told = String::new();
    timeout(FAULT, client.read_to_string(&mut told)).await.unwrap().unwrap();
    assert!(told.contains("\"type\":\"error\""), "{told}");
    assert!(told.contains("shutting_down"), "{told}");
    assert!(told.ends_with("0\r\n\r\n"), "the body is complete: {told}");
}
