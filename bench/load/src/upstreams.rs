//! The stand-ins, on a thread of their own, so that their work and the readers' do not wait for
//! each other.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::script::{Pace, Script};
use crate::{gemini, qdrant};

/// Gemini and Qdrant, until they are dropped.
pub(crate) struct Upstreams {
    pub(crate) gemini: SocketAddr,
    pub(crate) qdrant: SocketAddr,
    pub(crate) script: Arc<Script>,
    /// When clients left answers that were not complete.
    pub(crate) left: mpsc::UnboundedReceiver<Instant>,
    _running: oneshot::Sender<()>,
}

impl Upstreams {
    pub(crate) fn start(pace: Pace) -> anyhow::Result<Self> {
        let listen = || -> anyhow::Result<_> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let ((gemini_socket, gemini), (qdrant_socket, qdrant)) = (listen()?, listen()?);
        let (leave, left) = mpsc::unbounded_channel();
        let script = Arc::new(Script::new(pace, leave));
        let (running, stopped) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&script);
        let serving = async move {
            let sockets = [gemini_socket, qdrant_socket].map(tokio::net::TcpListener::from_std);
            let [Ok(gemini_socket), Ok(qdrant_socket)] = sockets else { return };
            tokio::select! {
                () = gemini::serve(gemini_socket, Arc::clone(&shared)) => {}
                () = qdrant::serve(qdrant_socket, shared) => {}
                _ = stopped => {}
            }
        };
        thread::Builder::new().name("upstreams".to_owned()).spawn(move || {
            runtime.block_on(serving);
        })?;
        Ok(Self { gemini, qdrant, script, left, _running: running })
    }
}
