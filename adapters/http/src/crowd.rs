//! Who is connected, and who goes when others wait for a place.
//!
//! A connection costs its peer next to nothing, so any fixed number of places can be filled by
//! somebody who then does nothing. Nobody who waits for a place waits for such a one: of those
//! that make the server wait, by a request that does not come or a reply that is not read, the one
//! goes whose household has the most of them, and of these the one that waits longest. So who
//! fills the places drives out themselves, and whoever is answered stays.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::activity::Activity;

/// How long the server waits for a peer in any case, in the midst of a request or a reply: far more
/// than it takes to notice what has arrived already.
pub(crate) const GRACE: Duration = Duration::from_millis(100);

/// The metric of how many connections are open.
const CONNECTIONS: &str = "askbook_connections";

/// How often the owner is told, at most.
const TELL: Duration = Duration::from_mins(1);

/// Who is connected.
pub(crate) struct Crowd {
    limit: usize,
    guests: Mutex<Guests>,
    /// Told when somebody leaves, or begins to wait for its peer.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Guests {
    present: HashMap<u64, Guest>,
    /// Of the next one.
    number: u64,
    /// How many were sent away since the owner was told.
    sent_away: u64,
    told: Option<Instant>,
}

struct Guest {
    from: Option<IpAddr>,
    activity: Activity,
    /// When it was sent away.
    leaves: Option<Instant>,
    away: CancellationToken,
}

/// The place of a connection, until it is dropped.
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    number: u64,
    pub(crate) activity: Activity,
    /// Cancelled when the place is wanted by somebody else.
    pub(crate) away: CancellationToken,
}

impl Crowd {
    /// With so many places, at least 1.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let (guests, changed) = (Mutex::default(), Arc::new(Notify::new()));
        Arc::new(Self { limit, guests, changed })
    }

    /// A place, as soon as there is one. `from` is the household of the peer; `None` is one of its
    /// own, for what a proxy passes on is from anywhere.
    pub(crate) async fn admit(self: &Arc<Self>, from: Option<IpAddr>) -> Place {
        while self.is_full() {
            match self.make_room() {
                // Both say the same: look again.
                Some(again) => drop(timeout_at(again, self.changed.notified()).await),
                None => self.changed.notified().await,
            }
        }
        self.let_in(from)
    }

    fn is_full(&self) -> bool {
        self.guests().present.len() >= self.limit
    }

    /// A place, even if there is none.
    pub(crate) fn let_in(self: &Arc<Self>, from: Option<IpAddr>) -> Place {
        let (activity, away) = (Activity::new(Arc::clone(&self.changed)), CancellationToken::new());
        let mut guests = self.guests();
        guests.number += 1;
        let number = guests.number;
        let guest = Guest { from, activity: activity.clone(), leaves: None, away: away.clone() };
        guests.present.insert(number, guest);
        gauge!(CONNECTIONS).increment(1);
        Place { crowd: Arc::clone(self), number, activity, away }
    }

    /// Sends some away, as many as makes looking at all of them worth it. Returns when to do so
    /// again; `None` is when something has changed.
    pub(crate) fn make_room(&self) -> Option<Instant> {
        let (now, most) = (Instant::now(), self.limit.div_ceil(8));
        let mut guests = self.guests();
        let mut waiting = Vec::new();
        for guest in guests.present.values_mut() {
            let state = guest.activity.state();
            let Some(since) = state.waiting() else { continue };
            match guest.leaves {
                None => waiting.push((since, state.rests(), guest)),
                Some(told) if told + GRACE > now => return Some(told + GRACE),
                Some(_) => {}
            }
        }
        // How many of its household wait no longer than each does.
        waiting.sort_unstable_by_key(|(since, ..)| Reverse(*since));
        let mut households: HashMap<IpAddr, usize> = HashMap::new();
        let ranked = waiting.into_iter().map(|(since, rests, guest)| {
            let rank = guest.from.map_or(1, |from| {
                let count = households.entry(from).or_default();
                *count += 1;
                *count
            });
            (rank, since, rests, guest)
        });
        let (mut ready, fresh): (Vec<_>, Vec<_>) =
            ranked.partition(|(_, since, rests, _)| *rests || *since + GRACE <= now);
        ready.sort_unstable_by_key(|(rank, since, ..)| (Reverse(*rank), *since));
        let mut sent_away = 0;
        for (.., guest) in ready.into_iter().take(most) {
            guest.leaves = Some(now);
            guest.away.cancel();
            sent_away += 1;
        }
        if sent_away == 0 {
            return fresh.into_iter().map(|(_, since, ..)| since + GRACE).min();
        }
        guests.tell(now, sent_away);
        Some(now + GRACE)
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        // Everything that is done with them leaves them whole.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    fn tell(&mut self, now: Instant, sent_away: u64) {
        counter!("askbook_connections_evicted_total").increment(sent_away);
        self.sent_away += sent_away;
        if self.told.is_none_or(|told| told + TELL <= now) {
            self.told = Some(now);
            let closed = std::mem::take(&mut self.sent_away);
            warn!(
                connections = self.present.len(),
                closed,
                "connections that wait for their clients are closed to make room for others"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.guests().present.remove(&self.number);
        gauge!(CONNECTIONS).decrement(1);
        self.crowd.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
