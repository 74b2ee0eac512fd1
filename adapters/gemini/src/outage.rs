//! The memory of an outage: a model that is overloaded or whose quota is used up can still be
//! looked up, so that a look-up alone would call it ready.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use tokio::time::Instant;

/// For how long an outage is told when no call has been made since.
const MEMORY: Duration = Duration::from_secs(30);

/// How the latest call of a model went. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatestCall(Arc<Mutex<Option<Outage>>>);

#[derive(Clone, Debug)]
struct Outage {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
    until: Instant,
}

impl LatestCall {
    /// Notes how a call went. What the question or the settings are at fault for is no outage.
    pub(crate) fn note<T>(&self, result: &Result<T, PortError>) {
        let outage = result.as_ref().err().and_then(|error| {
            let kind = error.kind();
            let is_outage = matches!(
                kind,
                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited
            );
            is_outage.then(|| Outage {
                kind,
                message: error.to_string(),
                retry_after: error.retry_after(),
                until: Instant::now() + MEMORY,
            })
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = outage;
    }

    /// Tells an outage that is not long ago.
    pub(crate) fn check(&self) -> Result<(), PortError> {
        let outage = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Outage { kind, message, retry_after, until }) = outage else { return Ok(()) };
        if Instant::now() >= until {
            return Ok(());
        }
        let error = PortError::new(kind, message);
        Err(match retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_told_for_a_while_or_until_a_call_goes_well() {
        let latest = LatestCall::default();
        let told = || latest.check().err().map(|error| error.kind());
        let note = |kind| latest.note::<()>(&Err(PortError::new(kind, "words")));
        assert_eq!(told(), None);
        for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::RateLimited] {
            note(kind);
            tokio::time::advance(MEMORY / 2).await;
            assert_eq!(told(), Some(kind));
            tokio::time::advance(MEMORY / 2).await;
            assert_eq!(told(), None);
        }
        note(ErrorKind::Timeout);
        latest.note(&Ok(()));
        assert_eq!(told(), None);
    }

    #[test]
    fn what_the_question_is_at_fault_for_is_no_outage() {
        let latest = LatestCall::default();
        for kind in [ErrorKind::Blocked, ErrorKind::Rejected, ErrorKind::Malformed] {
            latest.note::<()>(&Err(PortError::new(kind, "words")));
            assert!(latest.check().is_ok());
        }
    }
}
