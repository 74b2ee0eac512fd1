use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use metrics::{counter, gauge};
use tokio::time::Instant;

use crate::breaker::{Breaker, Outcome, Turn};
use crate::limit::{Concurrency, Limit};
use crate::span::{HALF, Span, is_over};
use crate::state::{Call, Refusal, State};

/// When to ask again where there is too much to do.
const SOON: Duration = Duration::from_secs(1);
/// The longest time that an upstream is left alone, whatever it asks for: a quota of a day is there
/// again as soon as its owner pays.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// When calls to an upstream are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// After how many failures in a row (it is unavailable, or too slow) it is left alone: for 10
    /// seconds, and for up to 30 as long as it does not come back. 1 where something stands in for
    /// it.
    pub failures: NonZeroU32,
    /// The longest wait that it may ask for without being left alone until then, as for a quota; it
    /// is asked every hour even so.
    pub patience: Duration,
    /// How many calls it may have at once.
    pub concurrency: Concurrency,
}

/// Decides about each call to one upstream. Clones are the same guard.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    upstream: String,
    patience: Duration,
    watched: Mutex<Watched>,
}

#[derive(Debug)]
struct Watched {
    state: State,
    /// What the upstream was last left alone for.
    cause: Option<Cause>,
}

#[derive(Clone, Debug)]
struct Cause {
    kind: ErrorKind,
    message: String,
}

impl Guard {
    /// A guard of the upstream of this name, which is a label of metrics and a word in errors.
    pub fn new(upstream: impl Into<String>, settings: GuardSettings) -> Self {
        let state = State {
            breaker: Breaker::new(settings.failures),
            limit: Limit::new(settings.concurrency),
        };
        let guard = Self(Arc::new(Shared {
            upstream: upstream.into(),
            patience: settings.patience,
            watched: Mutex::new(Watched { state, cause: None }),
        }));
        guard.gauge("askbook_upstream_open", 0);
        guard.measure(&guard.watched().state);
        guard
    }

    /// Lets a call through, until its permit is dropped.
    ///
    /// # Errors
    /// At once, where the upstream is left alone or has enough to do; with the time after which to
    /// ask again. `RateLimited` when it refuses calls itself, else `Unavailable`. `Timeout` when
    /// nobody waits for the call any more.
    pub fn admit(&self) -> Result<Permit, PortError> {
        if is_over() {
            self.count_refusal("late");
            let message = format!("no time is left to ask {}", self.0.upstream);
            return Err(PortError::new(ErrorKind::Timeout, message));
        }
        let mut watched = self.watched();
        match watched.state.begin(Instant::now()) {
            Ok(call) => {
                self.measure(&watched.state);
                drop(watched);
                Ok(Permit { guard: self.clone(), call: Some(call), took: None })
            }
            Err(refusal) => Err(self.refuse(refusal, watched.cause.as_ref())),
        }
    }

    /// Whether a call would be let through now.
    ///
    /// # Errors
    /// As [`admit`](Self::admit) where the upstream is left alone or has enough to do.
    pub fn admits(&self) -> Result<(), PortError> {
        let watched = self.watched();
        let admitted = watched.state.check(Instant::now());
        admitted.map_err(|refusal| self.refuse(refusal, watched.cause.as_ref()))
    }

    /// Whether the upstream is left alone, without asking it.
    ///
    /// # Errors
    /// As [`admit`](Self::admit) then.
    pub fn check(&self) -> Result<(), PortError> {
        let watched = self.watched();
        let open = watched.state.breaker.check(Instant::now());
        open.map_err(|wait| self.explain(Refusal::Open(wait), watched.cause.as_ref()))
    }

    /// Makes a call if it is let through. It may take half of the time that is left to its request.
    ///
    /// # Errors
    /// Those of [`admit`](Self::admit) and of the call; `Timeout` when it takes longer.
    pub async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let (permit, result) = self.bounded(call).await?;
        permit.end(&result);
        result
    }

    /// The same for a call whose time tells how busy the upstream is: all that are made so should
    /// take about the same.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn timed_call<T>(
        &self,
        call: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let (mut permit, result) = self.bounded(call).await?;
        permit.answered();
        permit.end(&result);
        result
    }

    /// What came of a call, which has not ended for the guard yet.
    pub(crate) async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, PortError>>,
    ) -> Result<(Permit, Result<T, PortError>), PortError> {
        let permit = self.admit()?;
        match Span::of_what_is_left(HALF).bound(call).await {
            Some(result) => Ok((permit, result)),
            None => Err(permit.give_up()),
        }
    }

    /// Whether the upstream answers, and has at most half as much to do as it manages.
    pub(crate) fn is_at_ease(&self) -> bool {
        let watched = self.watched();
        watched.state.breaker.is_well() && !watched.state.limit.is_used()
    }

    pub(crate) fn upstream(&self) -> &str {
        &self.0.upstream
    }

    fn count_refusal(&self, reason: &'static str) {
        let upstream = self.0.upstream.clone();
        let name = "askbook_upstream_refusals_total";
        counter!(name, "upstream" => upstream, "reason" => reason).increment(1);
    }

    fn refuse(&self, refusal: Refusal, cause: Option<&Cause>) -> PortError {
        self.count_refusal(match refusal {
            Refusal::Open(_) => "open",
            Refusal::Full(_) => "full",
        });
        self.explain(refusal, cause)
    }

    fn explain(&self, refusal: Refusal, cause: Option<&Cause>) -> PortError {
        let upstream = &self.0.upstream;
        let (kind, message, wait) = match refusal {
            Refusal::Open(wait) => {
                let kind = match cause.map(|cause| cause.kind) {
                    Some(ErrorKind::RateLimited) => ErrorKind::RateLimited,
                    _ => ErrorKind::Unavailable,
                };
                let why = cause.map_or("it failed", |cause| cause.message.as_str());
                let seconds = wait.as_secs_f64().ceil();
                let message = format!("{upstream} is left alone for {seconds} s more: {why}");
                (kind, message, wait)
            }
            Refusal::Full(calls) => {
                let message = format!(
                    "{upstream} has {calls} calls at once, as many as it answers in time: ask \
                     again in a moment, or raise ASKBOOK_UPSTREAM_CALLS if that bounds them"
                );
                (ErrorKind::Unavailable, message, SOON)
            }
        };
        PortError::new(kind, message).with_retry_after(wait)
    }

    /// What the end of a call says about the upstream, and not about the question, the settings
    /// or what came before the call.
    fn outcome(&self, error: &PortError) -> Outcome {
        match (error.kind(), error.retry_after()) {
            (ErrorKind::Unavailable | ErrorKind::Timeout, _) => Outcome::Failed,
            (ErrorKind::RateLimited, Some(wait)) if wait > self.0.patience => {
                Outcome::Closed(wait.min(LONGEST_WAIT))
            }
            (ErrorKind::RateLimited, _) => Outcome::Busy,
            (ErrorKind::Rejected | ErrorKind::Blocked, _) => Outcome::Answered,
            (
                ErrorKind::Unauthorized
                | ErrorKind::Misconfigured
                | ErrorKind::Malformed
                | ErrorKind::Exhausted,
                _,
            ) => Outcome::Nothing,
        }
    }

    fn end(&self, call: Call, outcome: Outcome, took: Option<Duration>, error: Option<&PortError>) {
        let mut watched = self.watched();
        let turn = watched.state.end(call, outcome, took, Instant::now());
        self.measure(&watched.state);
        let upstream = self.0.upstream.as_str();
        match turn {
            Some(Turn::Opened(pause)) => {
                watched.cause =
                    error.map(|error| Cause { kind: error.kind(), message: error.to_string() });
                drop(watched);
                self.gauge("askbook_upstream_open", 1);
                let (error, pause_s) = (error.map(ToString::to_string), pause.as_secs());
                tracing::warn!(upstream, error, pause_s, "the upstream is left alone");
            }
            Some(Turn::Closed) => {
                watched.cause = None;
                drop(watched);
                self.gauge("askbook_upstream_open", 0);
                tracing::info!(upstream, "the upstream is back");
            }
            None => {}
        }
    }

    fn measure(&self, state: &State) {
        let count = |calls: usize| u32::try_from(calls).unwrap_or(u32::MAX);
        self.gauge("askbook_upstream_limit", count(state.limit.calls()));
        self.gauge("askbook_upstream_in_flight", count(state.limit.in_flight()));
    }

    fn gauge(&self, name: &'static str, value: u32) {
        gauge!(name, "upstream" => self.0.upstream.clone()).set(value);
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was let through. One that is dropped without an end says nothing about the
/// upstream.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    guard: Guard,
    /// `None` when it has ended.
    call: Option<Call>,
    took: Option<Duration>,
}

impl Permit {
    /// The upstream has begun to answer: the time until now tells how busy it is.
    pub fn answered(&mut self) {
        self.took = self.call.map(|call| call.began.elapsed());
    }

    /// The call has ended like this.
    pub fn end<T>(mut self, result: &Result<T, PortError>) {
        let (outcome, error) = match result {
            Ok(_) => (Outcome::Answered, None),
            Err(error) => (self.guard.outcome(error), Some(error)),
        };
        self.over(outcome, error);
    }

    /// The same, where only a failure says something: what went well may have been remembered.
    pub fn end_of_what_may_be_known<T>(self, result: &Result<T, PortError>) {
        if result.is_err() {
            self.end(result);
        }
    }

    /// The request has no more time for the call. The upstream is at fault for that if it took far
    /// longer than it does, and not if there was little left.
    pub(crate) fn give_up(mut self) -> PortError {
        let took = self.call.map(|call| call.began.elapsed()).unwrap_or_default();
        let is_slow = self.guard.watched().state.limit.is_slow(took);
        let message = format!(
            "{} did not answer within {} ms, and the request has no more time for it",
            self.guard.upstream(),
            took.as_millis()
        );
        let error = PortError::new(ErrorKind::Timeout, message);
        self.over(if is_slow { Outcome::Failed } else { Outcome::Nothing }, Some(&error));
        error
    }

    fn over(&mut self, outcome: Outcome, error: Option<&PortError>) {
        if let Some(call) = self.call.take() {
            self.guard.end(call, outcome, self.took, error);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.over(Outcome::Nothing, None);
    }
}

#[cfg(test)]
mod tests;
