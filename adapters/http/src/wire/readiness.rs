//! The state of the server over the wire.

use askbook::error::ErrorKind;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Serialize;

/// The server runs.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Health {
    status: Running,
}

impl Health {
    pub(crate) fn ok() -> Self {
        Self { status: Running::Ok }
    }
}

impl Example for Health {
    fn example() -> Self {
        Self::ok()
    }
}

/// Always `ok`: a server that does not run does not reply.
#[derive(Debug, Enum, Serialize)]
#[oai(rename = "HealthStatus", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Running {
    Ok,
}

/// Whether questions can be answered, and what is missing if not.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct Readiness {
    /// Whether questions can be answered, if less well than with everything in order.
    pub(crate) ready: bool,
    /// Whether something is out of order.
    pub(crate) degraded: bool,
    /// Everything that an answer depends on, and what stands in for the first generator, in the
    /// order in which it is asked.
    pub(crate) dependencies: Vec<Dependency>,
}

impl Example for Readiness {
    fn example() -> Self {
        let dependencies = [
            ("embedder", None),
            ("retriever", None),
            ("generator", Some(ErrorName::RateLimited)),
            ("generator:quote", None),
            ("sessions", None),
        ];
        let dependency = |(name, error): (&str, Option<ErrorName>)| Dependency {
            name: name.to_owned(),
            ready: error.is_none(),
            error,
        };
        Self { ready: true, degraded: true, dependencies: dependencies.map(dependency).into() }
    }
}

/// Something that an answer depends on.
#[derive(Clone, Debug, Object, Serialize)]
pub(crate) struct Dependency {
    /// What it is: `embedder`, `retriever`, `generator`, `sessions`; `generator:` and a model for
    /// what stands in.
    pub(crate) name: String,
    /// Whether it is ready.
    pub(crate) ready: bool,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorName>,
}

/// Why a part is out of order; the server's log says more.
#[derive(Clone, Copy, Debug, Enum, Serialize)]
#[oai(rename = "DependencyError", rename_all = "snake_case", remote = "ErrorKind")]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorName {
    Unavailable,
    Timeout,
    RateLimited,
    /// The owner's ceiling for spending is reached, or they have paused all calls.
    Exhausted,
    Unauthorized,
    Misconfigured,
    Rejected,
    Blocked,
    Malformed,
}
