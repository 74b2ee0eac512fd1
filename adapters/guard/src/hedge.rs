//! Hedging: a call that takes longer than nearly all others is made once more, and whichever
//! answers first counts ("The Tail at Scale", J. Dean and L. A. Barroso, 2013). For what is cheap
//! and can be asked twice: never for an answer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askbook::error::PortError;
use futures_util::future::{BoxFuture, Either, select};
use metrics::counter;
use tokio::time::{Instant, timeout};

use crate::guard::Guard;

/// How many times of calls are remembered...
const RECENT: usize = 200;
/// ...and how many have to be before anything is made of them.
const LEAST: usize = 100;
/// After how many further ones that is done anew.
const RENEWAL: usize = 20;
/// What part of the calls is faster than one that is made again, in hundredths: all others can be.
const QUANTILE: usize = 97;
/// What a call earns, in hundredths of a further try...
const EARNED: u32 = 3;
/// ...what a further try costs...
const COST: u32 = 100;
/// ...and how much can be saved up: when all calls become slow, few are made again.
const SAVED: u32 = 5 * COST;

/// Makes calls to an upstream once more that take long, of a hundred at most three.
#[derive(Debug)]
pub(crate) struct Hedge {
    guard: Guard,
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    /// How long calls took that went well, oldest first.
    times: VecDeque<Duration>,
    /// How many came since the limit was found.
    fresh: usize,
    /// What takes longer is made again; `None` while too little is known.
    limit: Option<Duration>,
    /// What is left to make calls again with.
    saved: u32,
}

impl Watched {
    fn note(&mut self, took: Duration) {
        if self.times.len() == RECENT {
            self.times.pop_front();
        }
        self.times.push_back(took);
        self.fresh += 1;
        let due = self.limit.is_none() || self.fresh >= RENEWAL;
        if due && self.times.len() >= LEAST {
            self.fresh = 0;
            let mut sorted: Vec<Duration> = self.times.iter().copied().collect();
            sorted.sort_unstable();
            self.limit = sorted.get(sorted.len() * QUANTILE / 100).copied();
        }
    }
}

impl Hedge {
    /// For the calls that this guard lets through.
    pub(crate) fn new(guard: Guard) -> Self {
        Self { guard, watched: Mutex::default() }
    }

    /// Makes a call, and once more when it takes long, there is something saved up for that, and
    /// the upstream has little to do. The first answer counts; the other call is dropped.
    ///
    /// # Errors
    /// That of the first call, when the second one has none or fails as well. A call that fails in
    /// time is not made again: that is not for here.
    pub(crate) async fn call<'a, T>(
        &self,
        begin: impl Fn() -> BoxFuture<'a, Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let limit = {
            let mut watched = self.watched();
            watched.saved = SAVED.min(watched.saved + EARNED);
            watched.limit
        };
        let asked = Instant::now();
        let mut first = begin();
        let answer = match limit {
            None => first.await,
            Some(limit) => match timeout(limit, &mut first).await {
                Ok(answer) => answer,
                Err(_) if self.can_afford_a_try() => self.race(first, begin()).await,
                Err(_) => first.await,
            },
        };
        if answer.is_ok() {
            self.watched().note(asked.elapsed());
        }
        answer
    }

    /// Takes a further try out of what is saved up, unless the upstream may need its time for
    /// what is asked for the first time.
    fn can_afford_a_try(&self) -> bool {
        if !self.guard.is_at_ease() {
            return false;
        }
        let mut watched = self.watched();
        let left = watched.saved.checked_sub(COST);
        watched.saved = left.unwrap_or(watched.saved);
        left.is_some()
    }

    async fn race<'a, T>(
        &self,
        first: BoxFuture<'a, Result<T, PortError>>,
        second: BoxFuture<'a, Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let mut tally = Tally { guard: &self.guard, won: false };
        match select(first, second).await {
            Either::Left((Ok(answer), _)) => Ok(answer),
            Either::Right((Ok(answer), _)) => {
                tally.won = true;
                Ok(answer)
            }
            Either::Right((Err(_), first)) => first.await,
            Either::Left((Err(error), second)) => match second.await {
                Ok(answer) => {
                    tally.won = true;
                    Ok(answer)
                }
                Err(_) => Err(error),
            },
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a further try when it is over, however that comes.
struct Tally<'a> {
    guard: &'a Guard,
    won: bool,
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        let upstream = self.guard.upstream().to_owned();
        let won = if self.won { "yes" } else { "no" };
        let name = "askbook_upstream_hedges_total";
        counter!(name, "upstream" => upstream, "won" => won).increment(1);
    }
}

#[cfg(test)]
mod tests;
