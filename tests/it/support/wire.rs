//! A wire to a server that can be cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Passes every connection on, until it is dropped: then the connections break, and new ones are
/// refused.
pub(crate) struct Wire {
    address: SocketAddr,
    _listening: JoinSet<()>,
}

impl Wire {
    /// A wire to the server at this address (`http://127.0.0.1:1`).
    pub(crate) async fn to(url: &str) -> Self {
        let peer: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut far = TcpStream::connect(peer).await.unwrap();
                    // Either end may break it off.
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, _listening: listening }
    }

    /// The address of its near end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
