use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use askbook::client::{Allowance, Quota};
use askbook::error::PortError;
use askbook::ports::Limiter;
use async_trait::async_trait;
use lru::LruCache;
use tokio::time::Instant;

/// Counts what clients ask for in this process.
///
/// A client is one entry of fixed size, however it is called: a keyed hash of its name, which
/// nobody outside can make collide, and the time at which its bucket is full. Entries of full
/// buckets are forgotten; of more clients than there is room for, the one that asked the longest
/// time ago is.
#[derive(Debug)]
pub struct MemoryLimiter {
    quota: Quota,
    clients: NonZeroUsize,
    begun: Instant,
    names: RandomState,
    full_at: Mutex<LruCache<u64, Duration>>,
}

impl MemoryLimiter {
    /// Allows everyone so much, and remembers so many clients at most.
    pub fn new(quota: Quota, clients: NonZeroUsize) -> Self {
        Self {
            quota,
            clients,
            begun: Instant::now(),
            names: RandomState::new(),
            // Not bounded by itself: it would take the memory for all of them at once.
            full_at: Mutex::new(LruCache::unbounded()),
        }
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn take(&self, client: &str) -> Result<Allowance, PortError> {
        let client = self.names.hash_one(client);
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.begun.elapsed();
        let full_at = buckets.get(&client).copied().unwrap_or_default();
        let (full_at, left) = self.quota.take(full_at, now);
        buckets.put(client, full_at);
        while buckets.len() > self.clients.get()
            || buckets.peek_lru().is_some_and(|(_, full_at)| *full_at <= now)
        {
            buckets.pop_lru();
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limiter(burst: u32, per_minute: u32, clients: usize) -> MemoryLimiter {
        let [burst, per_minute] =
            [burst, per_minute].map(|number| NonZeroU32::new(number).unwrap());
        MemoryLimiter::new(Quota { burst, per_minute }, clients.try_into().unwrap())
    }

    fn known(limiter: &MemoryLimiter) -> usize {
        limiter.full_at.lock().unwrap().len()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_come_back_with_time() {
        let limiter = limiter(2, 6, 10);
        let mut waits = Vec::new();
        for pause in [0, 0, 0, 9, 1, 0, 20, 0, 0] {
            advance(SECOND * pause).await;
            waits.push(limiter.take("a").await.unwrap().retry_after.map(|wait| wait.as_secs()));
        }
        let (no, wait) = (None, Some);
        assert_eq!(waits, [no, no, wait(10), wait(1), no, wait(10), no, no, wait(10)]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_clients_the_one_that_asked_the_longest_ago_is_forgotten() {
        let limiter = limiter(2, 1, 3);
        for client in ["a", "b", "c", "a", "d"] {
            limiter.take(client).await.unwrap();
        }
        assert_eq!(known(&limiter), 3);
        assert!(limiter.take("a").await.unwrap().retry_after.is_some());
        assert_eq!(limiter.take("b").await.unwrap().remaining, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whose_bucket_is_full_is_forgotten() {
        let limiter = limiter(2, 6, 100);
        for client in 0..50 {
            limiter.take(&client.to_string()).await.unwrap();
        }
        advance(10 * SECOND).await;
        limiter.take("another").await.unwrap();
        assert_eq!(known(&limiter), 1);
    }

    /// Bounded whatever the names are: what is kept is the hash.
    #[tokio::test(start_paused = true)]
    async fn a_million_clients_take_no_more_room_than_there_is() {
        let limiter = limiter(2, 1, 1_000);
        for client in 0..1_000_000_u32 {
            assert_eq!(limiter.take(&client.to_string()).await.unwrap().remaining, 1);
        }
        assert_eq!(known(&limiter), 1_000);
    }

    #[test]
    fn threads_get_as_many_as_there_are() {
        let limiter = Arc::new(limiter(1_000, 1, 10));
        let threads = (0..8).map(|_| {
            let limiter = Arc::clone(&limiter);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let mut through = 0;
                    for _ in 0..500 {
                        let left = limiter.take("a").await.unwrap();
                        through += usize::from(left.retry_after.is_none());
                    }
                    through
                })
            })
        });
        let threads: Vec<_> = threads.collect();
        let through: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(through, 1_000);
    }
}
