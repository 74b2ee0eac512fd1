//! A wire to a server whose mood changes.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// What becomes of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// It is passed on.
    Passes,
    /// It is reset at once.
    Resets,
    /// Nothing gets through.
    Hangs,
    /// Somebody else is there, who hears a call, says this and closes it.
    Says(Vec<u8>),
    /// It is passed on until the server has sent so many bytes, and reset then.
    Breaks(u64),
    /// The same, but then nothing more gets through.
    Stops(u64),
}

/// Treats connections by its mood.
pub(crate) struct MoodyWire {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    connections: Arc<Mutex<JoinSet<()>>>,
    _listening: JoinSet<()>,
}

impl MoodyWire {
    /// A wire to the server at this address (`http://127.0.0.1:1`), which passes everything on.
    pub(crate) async fn to(url: &str) -> Self {
        let peer: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mood = watch::Sender::new(Mood::Passes);
        let connections = Arc::<Mutex<JoinSet<()>>>::default();
        let mut listening = JoinSet::new();
        let (moods, all) = (mood.subscribe(), Arc::clone(&connections));
        listening.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // However it ends, it is reset.
                near.set_zero_linger().unwrap();
                let mut all = all.lock().await;
                let mood = moods.borrow().clone();
                // Either end may break it off.
                all.spawn(async move { drop(treat(near, peer, mood).await) });
            }
        });
        Self { address, mood, connections, _listening: listening }
    }

    /// The address of its near end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes its mood, and resets the connections that there are.
    pub(crate) async fn turn(&self, mood: Mood) {
        let mut connections = self.connections.lock().await;
        self.mood.send_replace(mood);
        connections.shutdown().await;
    }
}

async fn treat(mut near: TcpStream, peer: SocketAddr, mood: Mood) -> io::Result<()> {
    let (bytes, is_reset) = match mood {
        Mood::Passes => (u64::MAX, true),
        Mood::Resets => return Ok(()),
        Mood::Hangs => pending().await,
        Mood::Says(words) => {
            // Not before there is a call that could fail by it: more than HTTP/2 begins with.
            let mut heard = 0;
            while heard < 1_000 {
                heard += some(near.read(&mut [0; 512]).await?)?;
            }
            near.write_all(&words).await?;
            near.shutdown().await?;
            // Not reset before the words are read: the client closes it then.
            loop {
                some(near.read(&mut [0; 512]).await?)?;
            }
        }
        Mood::Breaks(bytes) => (bytes, true),
        Mood::Stops(bytes) => (bytes, false),
    };
    let far = TcpStream::connect(peer).await?;
    let ((mut from_near, mut to_near), (from_far, mut to_far)) = (near.split(), far.into_split());
    let back = async {
        copy(&mut from_far.take(bytes), &mut to_near).await?;
        if is_reset { Ok(()) } else { pending().await }
    };
    tokio::select! {
        copied = copy(&mut from_near, &mut to_far) => copied.map(drop),
        ended = back => ended,
    }
}

/// So many bytes, unless there are no more.
fn some(bytes: usize) -> io::Result<usize> {
    if bytes > 0 { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
