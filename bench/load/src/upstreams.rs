//! The stand-ins, on a thread of their own, so that their work and the readers' do not wait for
//! each other.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::connections::Tls;
use crate::script::{Pace, Script};
use crate::{gemini, qdrant};

/// Gemini and Qdrant, until they are dropped.
pub(crate) struct Upstreams {
    /// Where Gemini is.
    pub(crate) gemini: String,
    /// Where Qdrant is.
    pub(crate) qdrant: String,
    pub(crate) script: Arc<Script>,
    /// When clients left answers that were not complete.
    pub(crate) left: mpsc::UnboundedReceiver<Instant>,
    _running: oneshot::Sender<()>,
}

impl Upstreams {
    /// With a certificate they speak TLS alone.
    pub(crate) fn start(pace: Pace, tls: Option<&Tls>) -> anyhow::Result<Self> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listen = || -> anyhow::Result<_> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let address = format!("{scheme}://{}", listener.local_addr()?);
            Ok((listener, address))
        };
        let ((gemini_socket, gemini), (qdrant_socket, qdrant)) = (listen()?, listen()?);
        let (leave, left) = mpsc::unbounded_channel();
        let script = Arc::new(Script::new(pace, leave));
        let (running, stopped) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (shared, tls) = (Arc::clone(&script), tls.cloned());
        let serving = async move {
            let sockets = [gemini_socket, qdrant_socket].map(tokio::net::TcpListener::from_std);
            let [Ok(gemini_socket), Ok(qdrant_socket)] = sockets else { return };
            tokio::select! {
                () = gemini::serve(gemini_socket, tls.clone(), Arc::clone(&shared)) => {}
                () = qdrant::serve(qdrant_socket, tls, shared) => {}
                _ = stopped => {}
            }
        };
        thread::Builder::new().name("upstreams".to_owned()).spawn(move || {
            runtime.block_on(serving);
        })?;
        Ok(Self { gemini, qdrant, script, left, _running: running })
    }
}
