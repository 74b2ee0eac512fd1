//! The deadline of a request as a whole. The stages of a chat have their own, shorter ones.

use std::time::Duration;

use poem::{Endpoint, IntoResponse, Request, Response, Result};
use tokio::time::timeout;

use crate::problem::Problem;

/// Answers for an endpoint that takes too long, and drops its work. A reply that was begun is
/// bounded where it is written (`streaming`).
pub(crate) struct Deadline<E> {
    inner: E,
    after: Duration,
}

impl<E> Deadline<E> {
    pub(crate) fn new(inner: E, after: Duration) -> Self {
        Self { inner, after }
    }
}

impl<E: Endpoint> Endpoint for Deadline<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let answered = timeout(self.after, self.inner.get_response(request)).await;
        Ok(answered.unwrap_or_else(|_| Problem::deadline_exceeded().into_response()))
    }
}
