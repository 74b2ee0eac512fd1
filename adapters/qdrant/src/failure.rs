//! What a failed call means to the owner.

use std::error::Error;
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use qdrant_client::QdrantError;
use tonic::{Code, Status};

use crate::address::Address;

/// A call that failed.
pub(crate) enum Failure {
    /// There was no answer within this time.
    TimedOut(Duration),
    /// The client or the server reported an error. Its text may hold the key (the client quotes a
    /// key that cannot be a header) and gRPC metadata, so it is looked at and never passed on.
    Client(Box<QdrantError>),
    /// An answer lacked what the protocol promises.
    Incomplete,
}

impl Failure {
    fn status(&self) -> Option<&Status> {
        match self {
            Self::Client(error) => match &**error {
                QdrantError::ResponseError { status }
                | QdrantError::ResourceExhaustedError { status, .. } => Some(status),
                _ => None,
            },
            Self::TimedOut(_) | Self::Incomplete => None,
        }
    }

    /// Whether the server does not know what the call names.
    pub(crate) fn is_missing(&self) -> bool {
        self.status().is_some_and(|status| status.code() == Code::NotFound)
    }

    /// Whether what the call makes is there already.
    pub(crate) fn is_there_already(&self) -> bool {
        self.status().is_some_and(|status| status.code() == Code::AlreadyExists)
    }

    /// Whether the collection may no longer be what it was when it was looked at.
    pub(crate) fn may_be_stale(&self) -> bool {
        let code = self.status().map(Status::code);
        matches!(code, Some(Code::NotFound | Code::InvalidArgument))
    }

    /// The error for the owner. `keyed` says whether a key was sent.
    pub(crate) fn report(&self, address: &Address, keyed: bool) -> PortError {
        let asleep = if address.is_cloud() {
            "; the cluster may be suspended or deleted: look at the Qdrant Cloud console"
        } else {
            ""
        };
        let unreachable = || {
            let message = format!(
                "qdrant cannot be reached at {address}: check QDRANT_URL and that the gRPC port is \
                 open{asleep}"
            );
            PortError::new(ErrorKind::Unavailable, message)
        };
        let status = match self {
            Self::TimedOut(limit) => {
                let limit = limit.as_millis();
                let message = format!("qdrant at {address} did not answer in {limit} ms{asleep}");
                return PortError::new(ErrorKind::Timeout, message);
            }
            Self::Incomplete => return malformed(address),
            Self::Client(_) => match self.status() {
                Some(status) => status,
                None => return malformed(address),
            },
        };
        let text = status.message();
        // What an HTTP proxy answered in the place of a gRPC server (tonic's wordings).
        let by_proxy = text.contains("mapped from HTTP status code");
        let page = text.split_once("while receiving response with status: ").map(|(_, code)| code);
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => {
                let message = if keyed {
                    "qdrant refused the key: check QDRANT_API_KEY and what it permits"
                } else {
                    "qdrant asks for a key: set QDRANT_API_KEY"
                };
                PortError::new(ErrorKind::Unauthorized, message)
            }
            Code::ResourceExhausted => {
                let message = "qdrant refuses more calls for now";
                let error = PortError::new(ErrorKind::RateLimited, message);
                match self {
                    Self::Client(client) => match **client {
                        QdrantError::ResourceExhaustedError { retry_after_seconds, .. } => {
                            error.with_retry_after(Duration::from_secs(retry_after_seconds))
                        }
                        _ => error,
                    },
                    _ => error,
                }
            }
            Code::DeadlineExceeded => {
                let message = format!("qdrant at {address} ran out of time{asleep}");
                PortError::new(ErrorKind::Timeout, message)
            }
            Code::Unavailable => unreachable(),
            Code::Unimplemented if by_proxy => unreachable(),
            Code::Unimplemented => {
                let message = "qdrant does not know this call: askbook needs version 1.10 or newer";
                PortError::new(ErrorKind::Misconfigured, message)
            }
            Code::Internal if text.starts_with("Failed to connect") => {
                if text.contains("InvalidContentType") {
                    let message = format!(
                        "qdrant at {address} does not speak TLS: begin QDRANT_URL with http://"
                    );
                    return PortError::new(ErrorKind::Misconfigured, message);
                }
                unreachable()
            }
            Code::NotFound => {
                let message = "qdrant does not know the collection: check QDRANT_COLLECTION_NAME";
                PortError::new(ErrorKind::Misconfigured, message)
            }
            Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::AlreadyExists
            | Code::OutOfRange => {
                let code = status.code();
                let message = format!("qdrant refused the call: {code}");
                PortError::new(ErrorKind::Rejected, message)
            }
            _ if page.is_some_and(|code| !code.starts_with("200")) => unreachable(),
            _ if page.is_some() || is_no_grpc(status) => {
                let message = format!(
                    "{address} does not answer in gRPC: this looks like the REST port, and gRPC is \
                     on 6334; check QDRANT_URL, also whether it has to begin with https://"
                );
                PortError::new(ErrorKind::Misconfigured, message)
            }
            Code::Internal | Code::Aborted | Code::Cancelled | Code::Unknown if !by_proxy => {
                let message = format!("qdrant at {address} failed: {}", status.code());
                PortError::new(ErrorKind::Unavailable, message)
            }
            _ => malformed(address),
        }
    }
}

fn malformed(address: &Address) -> PortError {
    let message = format!("the answer of {address} is not one that qdrant gives");
    PortError::new(ErrorKind::Malformed, message)
}

/// Whether what the peer says is no HTTP/2 (h2's wording). That a connection breaks off, or that
/// the peer complains, is no sign of it: Qdrant does so when it stops.
fn is_no_grpc(status: &Status) -> bool {
    let mut causes = std::iter::successors(status.source(), |&cause| cause.source());
    causes.any(|cause| cause.to_string().starts_with("connection error detected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(url: &str, code: Code, text: &str) -> (ErrorKind, String) {
        let address = Address::parse(url).unwrap();
        let failure = Failure::Client(Box::new(Status::new(code, text).into()));
        let error = failure.report(&address, true);
        (error.kind(), error.to_string())
    }

    #[test]
    fn a_suspended_cluster_is_named_as_a_possible_cause() {
        let cloud = "https://xyz.cloud.qdrant.io";
        for (code, text) in [
            (Code::Internal, "Failed to connect to https://xyz: ConnectError(\"dns error\")"),
            (Code::Unimplemented, "grpc-status header missing, mapped from HTTP status code 404"),
            (Code::Unavailable, "grpc-status header missing, mapped from HTTP status code 503"),
        ] {
            let (kind, message) = report(cloud, code, text);
            assert_eq!(kind, ErrorKind::Unavailable, "{text}");
            assert!(message.contains("the cluster may be suspended"), "{message}");
            let (_, message) = report("http://localhost", code, text);
            assert!(!message.contains("suspended"), "{message}");
        }
    }

    #[test]
    fn what_a_proxy_says_is_no_word_of_the_server() {
        let page = "protocol error: received message with invalid compression flag: 60 (valid \
                    flags are 0 and 1) while receiving response with status: ";
        for (status, kind) in [
            ("200 OK", ErrorKind::Misconfigured),
            ("404 Not Found", ErrorKind::Unavailable),
            ("502 Bad Gateway", ErrorKind::Unavailable),
        ] {
            let text = format!("{page}{status}");
            assert_eq!(report("http://localhost", Code::Internal, &text).0, kind, "{status}");
        }
    }

    #[test]
    fn a_connection_that_breaks_off_is_an_outage() {
        for (code, text) in [
            (Code::Unknown, "transport error"),
            (Code::Cancelled, "operation was canceled"),
            (Code::Internal, "h2 protocol error: http2 error"),
            (Code::Unknown, "protocol error: missing grpc-status trailer, stream was terminated"),
        ] {
            assert_eq!(report("http://localhost", code, text).0, ErrorKind::Unavailable, "{text}");
        }
    }

    #[test]
    fn an_old_server_is_told_apart_from_a_missing_one() {
        let (kind, message) = report("http://localhost", Code::Unimplemented, "");
        assert_eq!(kind, ErrorKind::Misconfigured);
        assert!(message.contains("1.10 or newer"), "{message}");
    }

    #[test]
    fn nothing_of_what_the_peer_wrote_is_passed_on() {
        let codes = (0..=16).map(Code::from).filter(|code| *code != Code::Ok);
        for code in codes {
            let (_, message) = report("http://localhost", code, "peer's words: key-123");
            assert!(!message.contains("peer's words") && !message.contains("key-123"), "{message}");
        }
    }

    #[test]
    fn tls_on_a_plain_port_is_recognised() {
        let text = "Failed to connect to https://q: InvalidMessage(InvalidContentType)";
        let (kind, message) = report("https://q:6334", Code::Internal, text);
        assert_eq!(kind, ErrorKind::Misconfigured);
        assert!(message.contains("http://"), "{message}");
    }
}
