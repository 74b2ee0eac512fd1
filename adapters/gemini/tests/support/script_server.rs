//! A peer that sends raw bytes by a script, one script for each connection in turn.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes again and again, until the client has closed the connection.
    SendForEver(Vec<u8>),
    /// Waits until the client has closed the connection.
    AwaitEnd,
    /// Breaks the connection.
    Reset,
}

/// The head of a streamed response whose body comes as [`chunk`]s.
pub(crate) const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
/// The end of such a body.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A part of a body that the client reads as one piece.
pub(crate) fn chunk(data: &[u8]) -> Vec<u8> {
    if data.is_empty() {
        return Vec::new(); // It would end the body.
    }
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// Plays the scripts. The task ends when the last one has been played.
pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> (String, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let play = async move {
        for script in scripts {
            let (stream, _) = listener.accept().await?;
            play(stream, script).await?;
        }
        Ok(())
    };
    (url, tokio::spawn(play))
}

async fn play(mut stream: TcpStream, script: Vec<Step>) -> io::Result<()> {
    read_request(&mut stream).await?;
    for step in script {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await?,
            Step::SendForEver(bytes) => while stream.write_all(&bytes).await.is_ok() {},
            // A client that closes with bytes unread resets the connection.
            Step::AwaitEnd => while stream.read(&mut [0; 512]).await.is_ok_and(|read| read > 0) {},
            Step::Reset => return stream.set_zero_linger(),
        }
    }
    stream.shutdown().await
}

async fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    loop {
        stream.read_buf(&mut request).await?;
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase();
        let (_, length) = length.split_once("content-length: ").unwrap();
        if body.len() >= length.lines().next().unwrap().parse().unwrap() {
            return Ok(());
        }
    }
}
