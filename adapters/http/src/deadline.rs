//! The deadline of a request as a whole, and the end of the server that takes it. The stages of a
//! chat have their own, shorter deadlines.

use std::time::Duration;

use askbook::request::Context;
use poem::{Endpoint, IntoResponse, Request, Response, Result};
use tokio::time::{Instant, sleep_until};

use crate::problem::Problem;
use crate::streaming::Closing;

/// Answers for an endpoint that takes too long, or longer than the server is there, and drops its
/// work, which knows of the deadline. A reply that was begun is bounded where it is written
/// (`streaming`).
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
        let expires = Instant::now() + self.after;
        let context = Context::current().until(expires.into_std());
        let Closing(closing) = request.data::<Closing>().cloned().unwrap_or_default();
        Ok(tokio::select! {
            // First, so that a call that gives up at the deadline is not what is told.
            biased;
            () = sleep_until(expires) => Problem::deadline_exceeded().into_response(),
            () = closing.cancelled() => Problem::shutting_down().into_response(),
            response = context.scope(self.inner.get_response(request)) => response,
        })
    }
}
