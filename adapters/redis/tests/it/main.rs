//! Against a real `redis-server`: what is kept in it, and what happens when it goes and comes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what the tests stand on may fail loudly")]

/// The contracts of the ports, in Redis and without it.
mod contract;
/// What is spent.
mod ledger;
/// How often clients ask.
mod limiter;
/// A Redis server of a test's own.
mod server;
/// Conversations.
mod sessions;
/// Conversations that their readers see again.
mod threads;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use askbook::client::Allowance;
use askbook::error::PortError;
use askbook::ports::{ChatSession, Limiter, Threads};
use askbook_memory::{MemorySessions, SessionLimits};
use askbook_redis::{RedisAddress, RedisLink, SessionBounds};
use async_trait::async_trait;

use server::RedisServer;

const HOUR: Duration = Duration::from_hours(1);

/// Longer than any machine that runs tests stands still.
const PATIENT: Duration = Duration::from_secs(20);

const BOUNDS: SessionBounds = SessionBounds {
    ttl: HOUR,
    exchanges: NonZeroUsize::new(100).unwrap(),
    bytes: NonZeroUsize::new(1 << 16).unwrap(),
};

fn link(server: &RedisServer, patience: Duration) -> RedisLink {
    RedisLink::new(RedisAddress::parse(&server.url(None)).unwrap(), patience).unwrap()
}

fn memory() -> Arc<dyn ChatSession> {
    kept_here()
}

fn threads_here() -> Arc<dyn Threads> {
    kept_here()
}

fn kept_here() -> Arc<MemorySessions> {
    let exchanges = BOUNDS.exchanges;
    Arc::new(MemorySessions::new(SessionLimits { ttl: HOUR, exchanges, bytes: 1 << 20 }))
}

/// Lets everybody through, and counts.
#[derive(Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl Limiter for Counting {
    async fn take(&self, _: &str) -> Result<Allowance, PortError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Allowance { limit: 9, remaining: 9, reset: Duration::ZERO, retry_after: None })
    }
}
