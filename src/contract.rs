//! The contract of every port, executable: one function for each guarantee, one named test for
//! each function. An adapter's tests call the macro of its port with a fixture; a decorator's do
//! too. The tests run on `#[tokio::test]`, so the calling crate depends on tokio.
//!
//! A fixture is an async function that returns the adapter and whatever has to live a little
//! longer (a mock server, a temporary folder). See each macro for its arguments.

// Clauses are assertions: a broken one is meant to panic.
#![expect(clippy::expect_used, reason = "a broken clause is meant to panic")]
#![expect(clippy::panic, reason = "a broken clause is meant to panic")]
#![expect(clippy::missing_panics_doc, reason = "every clause panics when it is broken")]
#![expect(missing_docs, reason = "the name of a clause is its sentence")]

use crate::error::{ErrorKind, PortError};

pub mod embedder;
pub mod generator;
pub mod index;
pub mod journal;
pub mod ledger;
pub mod limiter;
pub mod retriever;
pub mod session;
pub mod threads;

/// How a peer of an adapter misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens.
    Unreachable,
    /// It accepts the call and never answers.
    Hangs,
    /// It says that it is overloaded.
    Overloaded,
    /// It refuses more calls and says to wait for 7 seconds.
    RateLimited,
    /// It refuses our key, which is [`KEY`].
    RefusesKey,
    /// It answers with something that is not its protocol.
    Garbage,
}

/// The key that a fixture for [`Fault::RefusesKey`] gives to its adapter.
pub const KEY: &str = "contract-key-that-must-never-be-shown";

/// Checks what an adapter made of its peer's fault.
pub fn is_reported(fault: Fault, error: &PortError) {
    let kinds: &[ErrorKind] = match fault {
        Fault::Unreachable | Fault::Overloaded => &[ErrorKind::Unavailable],
        Fault::Hangs => &[ErrorKind::Timeout],
        Fault::RateLimited => &[ErrorKind::RateLimited],
        Fault::RefusesKey => &[ErrorKind::Unauthorized],
        // A peer that is no such service at all is a wrong address as likely as a broken peer.
        Fault::Garbage => &[ErrorKind::Malformed, ErrorKind::Misconfigured],
    };
    assert!(kinds.contains(&error.kind()), "{fault:?} was reported as {error:?}");
    if fault == Fault::RateLimited {
        let wait = error.retry_after().expect("the wait that the peer asked for");
        assert_eq!(wait.as_secs(), 7);
    }
    let mut shown = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        shown += &format!(" {cause:?} {cause}");
        source = cause.source();
    }
    assert!(!shown.contains(KEY), "the key is shown");
}

/// Makes, for a remote port, the clause of each fault out of its function `reports`.
macro_rules! fault_clauses {
    ($port:ident: $($clause:ident = $fault:ident),+ $(,)?) => {$(
        pub async fn $clause<G>(
            fixture: impl AsyncFnOnce(Fault) -> (Arc<dyn $port>, G),
        ) {
            reports(Fault::$fault, fixture).await;
        }
    )+};
    ($port:ident) => {
        fault_clauses!($port:
            an_unreachable_peer_is_unavailable = Unreachable,
            a_hanging_peer_is_a_timeout = Hangs,
            an_overloaded_peer_is_unavailable = Overloaded,
            a_rate_limit_is_passed_on_with_its_wait = RateLimited,
            a_refused_key_is_unauthorized_and_never_shown = RefusesKey,
            garbage_is_not_taken_for_an_answer = Garbage,
        );
    };
}
use fault_clauses;

/// Emits one test for each clause; the macros of the ports are built on it.
#[doc(hidden)]
#[macro_export]
macro_rules! __clauses {
    ($port:ident, $arguments:tt: $($clause:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $clause() {
            $crate::__clause!($port, $clause, $arguments)
        }
    )+};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __clause {
    ($port:ident, $clause:ident, (fixture $fixture:path)) => {{
        let fixture = $fixture().await;
        $crate::contract::$port::$clause(&*fixture.0).await;
    }};
    ($port:ident, $clause:ident, (fault $fixture:path)) => {
        $crate::contract::$port::$clause(async |fault| $fixture(fault).await).await
    };
    ($port:ident, $clause:ident, (ceilings $fixture:path)) => {
        $crate::contract::$port::$clause(async |ceilings| $fixture(ceilings).await).await
    };
    ($port:ident, $clause:ident, (entries $fixture:path, $shape:expr)) => {{
        let shape: $crate::embedding::VectorShape = $shape;
        let entries = $crate::contract::retriever::entries(shape);
        let fixture = $fixture(shape, entries).await;
        $crate::contract::$port::$clause(&*fixture.0, shape).await;
    }};
    ($port:ident, $clause:ident, (store $fixture:path, $shape:expr)) => {{
        let shape: $crate::embedding::VectorShape = $shape;
        let fixture = $fixture().await;
        let (index, retriever, corpus) = (&*fixture.0, &*fixture.0, &*fixture.0);
        let store = $crate::contract::index::Store { index, retriever, corpus };
        $crate::contract::$port::$clause(store, shape).await;
    }};
}

/// Emits one test for each fault.
#[doc(hidden)]
#[macro_export]
macro_rules! __faults {
    ($port:ident, $fixture:path) => {
        $crate::__clauses!($port, (fault $fixture):
            an_unreachable_peer_is_unavailable,
            a_hanging_peer_is_a_timeout,
            an_overloaded_peer_is_unavailable,
            a_rate_limit_is_passed_on_with_its_wait,
            a_refused_key_is_unauthorized_and_never_shown,
            garbage_is_not_taken_for_an_answer,
        );
    };
}
