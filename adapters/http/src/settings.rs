//! What the owner of a server decides about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use askbook::ports::Threads;
use askbook::question::QuestionLimits;

use crate::forwarded::Proxies;
use crate::key::ApiKeys;
use crate::limits::Limits;
use crate::origin::Origin;
use crate::wires::Protocol;

/// How the API behaves.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The sites whose pages may ask, beside the server's own pages.
    pub origins: Vec<Origin>,
    /// Who may ask, and how much.
    pub clients: ClientSettings,
    /// How many questions are answered at a time, at least 1; more are refused at once.
    pub questions: usize,
    /// How long the parts of a question may be.
    pub question: QuestionLimits,
    /// How many bytes the body of a request may have.
    pub body_limit: usize,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long the answer to a request may take, the arrival of its body included, and for a
    /// stream its end.
    pub deadline: Duration,
    /// How long a stream of events is silent at most; a comment is sent then.
    pub heartbeat: Duration,
    /// The protocols of others that are spoken.
    pub wires: Vec<Protocol>,
    /// Keeps what readers see again, for the protocol that lets them: that of `ChatKit`.
    pub threads: ThreadStore,
    /// How `/ready` finds out what it says.
    pub readiness: ReadinessSettings,
    /// How connections are kept.
    pub connections: ConnectionSettings,
}

/// Where threads are kept.
#[derive(Clone)]
pub struct ThreadStore(pub Arc<dyn Threads>);

impl fmt::Debug for ThreadStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThreadStore")
    }
}

/// Who may ask, and how much. By default everyone, as much as they like.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// The proxies in front, which say where requests come from.
    pub proxies: Proxies,
    /// The keys of other servers. A request with one of them may have any origin.
    pub keys: ApiKeys,
    /// Whether everything but `/health` takes a key.
    pub key_required: bool,
    /// How much each may ask for.
    pub limits: Limits,
}

/// How readiness is probed.
#[derive(Clone, Copy, Debug)]
pub struct ReadinessSettings {
    /// For how long the result of a probe is told again; a second at most when it is not ready.
    pub ttl: Duration,
    /// How long a dependency may take to say that it is ready.
    pub timeout: Duration,
}

/// How connections are kept. Whoever is too slow is cut off, so that clients that trickle bytes
/// cannot use up the connections.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// How many there may be at a time, at least 1. When there are more, those that wait for their
    /// clients give way, of whoever has the most of them; while all are at work, more wait in the
    /// listener's queue.
    pub limit: usize,
    /// The proxies in front: not one client each, but many.
    pub proxies: Proxies,
    /// How long the head of a request may take to arrive, from the first byte of it or, for the
    /// first request, from the beginning of the connection.
    pub head_timeout: Duration,
    /// How long a connection may lie idle between two requests. A proxy in front that keeps
    /// connections open must close them before that, or it will now and then send a request into
    /// a connection that is being closed.
    pub idle_timeout: Duration,
    /// How long a client may take next to nothing of a reply.
    pub write_timeout: Duration,
    /// How long everything goes on after the server was told to stop, but that it says that it is
    /// not ready: so that whoever sends requests to it can send them elsewhere.
    pub drain: Duration,
    /// How long requests may go on after that. In the last second of it, or its second half where
    /// that is shorter, streams are told to end.
    pub shutdown_timeout: Duration,
}
