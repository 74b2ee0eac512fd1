use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::{pending, ready};
use futures_util::{StreamExt, stream};
use poem::endpoint::make;
use poem::{Request as PoemRequest, Response as PoemResponse};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance};

use super::*;
use crate::forwarded::Proxies;

fn settings() -> ConnectionSettings {
    ConnectionSettings {
        limit: 10,
        proxies: Proxies::default(),
        head_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(75),
        write_timeout: Duration::from_secs(15),
        drain: Duration::ZERO,
        shutdown_timeout: Duration::from_secs(5),
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

fn hello() -> impl Endpoint<Output = PoemResponse> {
    make(|_| ready(PoemResponse::from("hello")))
}

/// A connection to an app, in memory so that time can be paused, and the task that serves it.
fn connect(app: impl Endpoint + 'static, buffer: usize) -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = duplex(buffer);
    let address: SocketAddr = ([127, 0, 0, 1], 1).into();
    let connection = Connection {
        app: Arc::new(app),
        addresses: (LocalAddr(address.into()), RemoteAddr(address.into())),
        peer: Peer(address.ip()),
        settings: Arc::new(settings()),
        signals: Signals::default(),
        place: Crowd::new(1).let_in(None),
    };
    (client, tokio::spawn(connection.serve(server)))
}

/// Reads one reply with the body "hello".
async fn hello_from(stream: &mut (impl AsyncRead + Unpin)) {
    let mut reply = Vec::new();
    while !reply.ends_with(b"hello") {
        assert_ne!(stream.read_buf(&mut reply).await.unwrap(), 0, "closed");
    }
    assert!(reply.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_cut_off_however_it_trickles() {
    let (mut client, connection) = connect(hello(), 1_024);
    let begun = Instant::now();
    client.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
    while client.write_all(b"x").await.is_ok() && !connection.is_finished() {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let lasted = begun.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_secs(14)).contains(&lasted), "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_cut_off_like_a_head_that_does_not_end() {
    let (mut client, _connection) = connect(hello(), 1_024);
    let begun = Instant::now();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(begun.elapsed().as_secs(), settings().head_timeout.as_secs());
}

#[tokio::test(start_paused = true)]
async fn between_requests_a_connection_may_rest_longer_than_a_head_may_take() {
    let (mut client, connection) = connect(hello(), 1_024);
    for _ in 0..3 {
        client.write_all(REQUEST).await.unwrap();
        hello_from(&mut client).await;
        advance(Duration::from_secs(74)).await;
    }
    client.write_all(&REQUEST[..9]).await.unwrap();
    let begun = Instant::now();
    connection.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), settings().head_timeout.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_rests_too_long_is_closed() {
    let (mut client, connection) = connect(hello(), 1_024);
    client.write_all(REQUEST).await.unwrap();
    hello_from(&mut client).await;
    let begun = Instant::now();
    connection.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), settings().idle_timeout.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_reply_may_take_longer_than_any_part_of_a_request() {
    let slow = make(|_| async {
        sleep(Duration::from_mins(10)).await;
        PoemResponse::from("hello")
    });
    let (mut client, _connection) = connect(slow, 1_024);
    client.write_all(REQUEST).await.unwrap();
    hello_from(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_told_piece_by_piece_is_no_rest_and_its_end_is_one() {
    let slow = make(|_| {
        let pieces = stream::iter(b"hello".chunks(1)).then(|piece| async move {
            sleep(Duration::from_secs(50)).await;
            Ok::<_, io::Error>(piece)
        });
        ready(PoemResponse::from(poem::Body::from_bytes_stream(pieces)))
    });
    let (mut client, connection) = connect(slow, 1_024);
    client.write_all(REQUEST).await.unwrap();
    let mut reply = Vec::new();
    while !reply.ends_with(b"0\r\n\r\n") {
        assert_ne!(client.read_buf(&mut reply).await.unwrap(), 0, "closed");
    }
    let begun = Instant::now();
    connection.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), settings().idle_timeout.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_byte_of_its_reply_is_cut_off() {
    let large = make(|_| ready(PoemResponse::from("x".repeat(100_000))));
    let (mut client, connection) = connect(large, 1_024);
    client.write_all(REQUEST).await.unwrap();
    let begun = Instant::now();
    connection.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), settings().write_timeout.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_a_byte_now_and_then_is_cut_off_like_one_that_takes_none() {
    let large = make(|_| ready(PoemResponse::from("x".repeat(100_000))));
    let (mut client, connection) = connect(large, 1_024);
    client.write_all(REQUEST).await.unwrap();
    let begun = Instant::now();
    while !connection.is_finished() {
        client.read_exact(&mut [0]).await.unwrap();
        sleep(Duration::from_secs(4)).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_its_reply_slowly_gets_all_of_it() {
    let large = make(|_| ready(PoemResponse::from("x".repeat(100_000))));
    let (mut client, _connection) = connect(large, 1_024);
    client.write_all(REQUEST).await.unwrap();
    let mut read = Vec::new();
    while read.len() < 100_000 {
        let before = read.len();
        assert_ne!(client.read_buf(&mut read).await.unwrap(), 0, "closed");
        if read.len() / 20_000 > before / 20_000 {
            sleep(Duration::from_secs(14)).await;
        }
    }
}

/// Sets the flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn the_work_for_a_client_that_leaves_is_dropped() {
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let endless = make(move |_: PoemRequest| {
        let work = Dropped(Arc::clone(&flag));
        async move {
            pending::<()>().await;
            drop(work);
        }
    });
    let (mut client, connection) = connect(endless, 1_024);
    client.write_all(REQUEST).await.unwrap();
    yield_now().await;
    assert!(!dropped.load(Ordering::Relaxed));
    drop(client);
    connection.await.unwrap();
    assert!(dropped.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (mut client, _connection) = connect(hello(), 1 << 20);
    let head = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(HEAD_LIMIT));
    client.write_all(head.as_bytes()).await.unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
}

#[tokio::test]
async fn the_reply_to_head_has_the_length_of_the_body_and_not_the_body() {
    let (mut client, connection) = connect(hello(), 1_024);
    client.write_all(b"HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).await.unwrap();
    connection.await.unwrap();
    assert!(reply.contains("content-length: 5\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\n"), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn accepting_pauses_after_errors_of_the_process_and_not_after_those_of_a_connection() {
    let tries = AtomicUsize::new(0);
    let begun = Instant::now();
    let crowd = Crowd::new(10);
    let place = crowd.let_in(None);
    place.activity.enter(Phase::Rest);
    let next = || {
        ready(match tries.fetch_add(1, Ordering::Relaxed) {
            0..10 => Err(io::ErrorKind::ConnectionAborted.into()),
            10..30 => Err(io::Error::other("out of file descriptors")),
            tries => Ok(tries),
        })
    };
    assert_eq!(accept(next, &crowd).await, 30);
    // 10, 20, .. 640 ms and 13 times one second.
    assert_eq!(begun.elapsed().as_millis(), 1_270 + 13_000);
    assert!(place.away.is_cancelled(), "who only waits makes room");
}

#[tokio::test]
async fn a_connection_of_http_2_is_closed_at_once() {
    let (mut client, connection) = connect(hello(), 1_024);
    let settings_frame = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    client.write_all(&settings_frame).await.unwrap();
    let mut reply = Vec::new();
    client.read_to_end(&mut reply).await.unwrap();
    connection.await.unwrap();
    assert_eq!(reply, b"");
}

#[tokio::test]
async fn a_wish_for_http_2_is_passed_over() {
    let (mut client, _connection) = connect(hello(), 1_024);
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\n\
                    upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
    for _ in 0..2 {
        client.write_all(request).await.unwrap();
        hello_from(&mut client).await;
    }
}

fn bound(settings: ConnectionSettings) -> Bound {
    Server::bind(([127, 0, 0, 1], 0).into(), settings).unwrap()
}

/// Serves on a socket; the sender tells it to stop.
fn serve(
    app: impl Endpoint + 'static,
    settings: ConnectionSettings,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let bound = bound(settings);
    let address = bound.local_addr();
    let serving = tokio::spawn(bound.serve(app, async {
        // A sender that is gone stops it, too.
        let _ = stopped.await;
    }));
    (address, stop, serving)
}

#[tokio::test]
async fn a_bound_server_takes_connections_before_it_serves() {
    let bound = bound(settings());
    let mut client = TcpStream::connect(bound.local_addr()).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    tokio::spawn(bound.serve(hello(), pending()));
    hello_from(&mut client).await;
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let first = bound(settings());
    let error = Server::bind(first.local_addr(), settings()).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn accepted_connections_send_small_pieces_at_once() {
    let bound = bound(settings());
    let _client = TcpStream::connect(bound.local_addr()).await.unwrap();
    assert!(bound.listener.accept().await.unwrap().0.nodelay().unwrap());
}

#[tokio::test]
async fn a_half_sent_head_is_cut_off_on_a_socket() {
    let settings = ConnectionSettings { head_timeout: Duration::from_millis(1), ..settings() };
    let (address, _stop, _serving) = serve(hello(), settings);
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&REQUEST[..9]).await.unwrap();
    assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_reply_and_takes_the_place_of_who_rests() {
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (entering, gated) = (Arc::clone(&entered), Arc::clone(&gate));
    let app = make(move |_| {
        let (entering, gated) = (Arc::clone(&entering), Arc::clone(&gated));
        async move {
            entering.add_permits(1);
            gated.acquire().await.unwrap().forget();
            PoemResponse::from("hello")
        }
    });
    let (address, _stop, _serving) = serve(app, ConnectionSettings { limit: 1, ..settings() });
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(REQUEST).await.unwrap();
    entered.acquire().await.unwrap().forget();

    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(REQUEST).await.unwrap();
    assert_eq!(entered.available_permits(), 0, "the second one waits");
    gate.add_permits(2);
    hello_from(&mut first).await;
    hello_from(&mut second).await;
    assert_eq!(first.read(&mut [0]).await.unwrap(), 0, "the first one made room");
}

/// Answers at once; with far more than any socket takes at `/large`, and behind the body of a POST.
fn any() -> impl Endpoint<Output = PoemResponse> {
    static LARGE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![b'x'; 64 << 20]));
    make(|mut request: PoemRequest| async move {
        // One that breaks off ends the connection.
        let _ = request.take_body().into_bytes().await;
        match request.uri().path() {
            "/large" => PoemResponse::from(LARGE.clone()),
            _ => PoemResponse::from("hello"),
        }
    })
}

#[tokio::test]
async fn whoever_makes_the_server_wait_gives_way_to_who_asks() {
    for waits in [
        &b""[..],
        b"GET / HT",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx",
        b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let (address, _stop, _serving) =
            serve(any(), ConnectionSettings { limit: 1, ..settings() });
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(waits).await.unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        hello_from(&mut client).await;
        let mut rest = Vec::new();
        let read = slow.read_to_end(&mut rest).await;
        assert!(read.is_err() || rest.len() < 64 << 20, "{}", waits.escape_ascii());
    }
}

#[tokio::test]
async fn whoever_has_asked_when_the_server_stops_is_answered() {
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (entering, gated) = (Arc::clone(&entered), Arc::clone(&gate));
    let app = make(move |_| {
        let (entering, gated) = (Arc::clone(&entering), Arc::clone(&gated));
        async move {
            entering.add_permits(1);
            gated.acquire().await.unwrap().forget();
            PoemResponse::from("hello")
        }
    });
    let (address, stop, serving) = serve(app, ConnectionSettings { limit: 1, ..settings() });
    let mut clients = Vec::new();
    // The first one is served, the second one waits for its place, and the others in the queue.
    for _ in 0..5 {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        clients.push(client);
    }
    entered.acquire().await.unwrap().forget();
    stop.send(()).unwrap();
    gate.add_permits(5);
    for client in &mut clients {
        hello_from(client).await;
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn for_a_while_a_server_that_is_told_to_stop_goes_on_and_says_so() {
    let app = make(|request: PoemRequest| {
        let Leaving(told) = request.data().cloned().unwrap();
        ready(PoemResponse::from(if told.is_cancelled() { "hello" } else { "not yet" }))
    });
    let drain = Duration::from_hours(1);
    let (address, stop, serving) = serve(app, ConnectionSettings { drain, ..settings() });
    stop.send(()).unwrap();
    let mut told = false;
    while !told {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).await.unwrap();
        told = reply.ends_with("hello");
    }
    serving.abort();

    let drain = Duration::from_millis(1);
    let (_, stop, serving) = serve(hello(), ConnectionSettings { drain, ..settings() });
    stop.send(()).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_being_handled_ends_before_the_server_does() {
    let (go_on, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (handling, gated) = (Arc::clone(&go_on), Arc::clone(&gate));
    let app = make(move |_| {
        let (handling, gated) = (Arc::clone(&handling), Arc::clone(&gated));
        async move {
            handling.add_permits(1);
            gated.acquire().await.unwrap().forget();
            PoemResponse::from("hello")
        }
    });
    let (address, stop, serving) = serve(app, settings());
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(REQUEST).await.unwrap();
    go_on.acquire().await.unwrap().forget();
    stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0, "idle connections are closed");
    assert!(TcpStream::connect(address).await.is_err(), "no more connections");
    assert!(!serving.is_finished());
    gate.add_permits(1);
    hello_from(&mut busy).await;
    serving.await.unwrap();
}

#[tokio::test]
async fn what_still_goes_on_is_told_before_it_is_cut_off() {
    let settings = ConnectionSettings { shutdown_timeout: Duration::from_secs(1), ..settings() };
    let handling = Arc::new(Semaphore::new(0));
    let begun = Arc::clone(&handling);
    let app = make(move |request: PoemRequest| {
        begun.add_permits(1);
        let closing = request.data::<Closing>().cloned().unwrap();
        async move {
            closing.0.cancelled().await;
            PoemResponse::from("hello")
        }
    });
    let (address, stop, serving) = serve(app, settings);
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    handling.acquire().await.unwrap().forget();
    stop.send(()).unwrap();
    hello_from(&mut client).await;
    serving.await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_after_the_timeout() {
    let settings = ConnectionSettings { shutdown_timeout: Duration::from_millis(1), ..settings() };
    let handling = Arc::new(Semaphore::new(0));
    let begun = Arc::clone(&handling);
    let endless = make(move |_: PoemRequest| {
        begun.add_permits(1);
        pending::<PoemResponse>()
    });
    let (address, stop, serving) = serve(endless, settings);
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    handling.acquire().await.unwrap().forget();
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)));
}
