//! The memory of an outage.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askbook::embedding::{Embedding, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Rankings, Retriever};
use async_trait::async_trait;
use tokio::time::Instant;

/// For how long a retriever that could not be reached is not asked again: longer than a question
/// takes, so that each waits once at most, and short for somebody who waits for it to come back.
const REST: Duration = Duration::from_secs(15);

/// A retriever that is left alone for a while after it could not be reached. For one that has a
/// stand-in: without one, a try that takes long is better than none.
pub(crate) struct RestingRetriever {
    retriever: Arc<dyn Retriever>,
    /// Its shape, once known.
    shape: Mutex<Option<VectorShape>>,
    outage: Mutex<Option<Outage>>,
}

#[derive(Clone)]
struct Outage {
    kind: ErrorKind,
    message: String,
    until: Instant,
}

impl RestingRetriever {
    pub(crate) fn new(retriever: Arc<dyn Retriever>) -> Self {
        Self { retriever, shape: Mutex::new(None), outage: Mutex::new(None) }
    }

    /// The result of a call, or the error of one before.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        let outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(Outage { kind, message, until }) = outage
            && Instant::now() < until
        {
            return Err(PortError::new(kind, message));
        }
        let result = call.await;
        if let Err(error) = &result
            && is_outage(error)
        {
            let (kind, message) = (error.kind(), error.to_string());
            let outage = Outage { kind, message, until: Instant::now() + REST };
            *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = Some(outage);
        }
        result
    }
}

fn is_outage(error: &PortError) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
}

#[async_trait]
impl Retriever for RestingRetriever {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        let shape = self.call(self.retriever.shape()).await;
        let mut known = self.shape.lock().unwrap_or_else(PoisonError::into_inner);
        match shape {
            Ok(shape) => Ok(*known.insert(shape)),
            Err(error) if is_outage(&error) => known.ok_or(error),
            Err(error) => Err(error),
        }
    }

    async fn retrieve(&self, near: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        self.call(self.retriever.retrieve(near, limit)).await
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.call(self.retriever.passages(ids)).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.call(self.retriever.ready()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Fails in one way, and counts how often.
    struct Failing(ErrorKind, AtomicUsize);

    impl Failing {
        fn fail<T>(&self) -> Result<T, PortError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            Err(PortError::new(self.0, "scripted"))
        }
    }

    #[async_trait]
    impl Retriever for Failing {
        async fn shape(&self) -> Result<VectorShape, PortError> {
            self.fail()
        }

        async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
            self.fail()
        }

        async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
            self.fail()
        }

        async fn ready(&self) -> Result<(), PortError> {
            self.fail()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_outage_it_is_left_alone_for_a_while() {
        let failing = Arc::new(Failing(ErrorKind::Timeout, AtomicUsize::new(0)));
        let resting = RestingRetriever::new(Arc::clone(&failing) as Arc<dyn Retriever>);
        for _ in 0..3 {
            let error = resting.shape().await.unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string().as_str()),
                (ErrorKind::Timeout, "scripted")
            );
            assert!(resting.retrieve(&Embedding::default(), NonZeroUsize::MIN).await.is_err());
        }
        assert_eq!(failing.1.load(Ordering::SeqCst), 1);
        tokio::time::advance(REST).await;
        assert!(resting.ready().await.is_err());
        assert_eq!(failing.1.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_is_no_outage_is_asked_again() {
        let failing = Arc::new(Failing(ErrorKind::Misconfigured, AtomicUsize::new(0)));
        let resting = RestingRetriever::new(Arc::clone(&failing) as Arc<dyn Retriever>);
        for _ in 0..3 {
            assert!(resting.shape().await.is_err());
        }
        assert_eq!(failing.1.load(Ordering::SeqCst), 3);
    }
}
