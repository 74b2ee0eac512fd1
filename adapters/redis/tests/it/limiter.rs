use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use askbook::client::{Allowance, Quota};
use askbook::ports::Limiter as _;
use askbook_redis::RedisLimiter;
use futures_util::future::join_all;

use crate::server::RedisServer;
use crate::{Counting, PATIENT, link};

/// So slow that nothing comes back within a test.
fn quota(burst: u32) -> Quota {
    Quota { burst: NonZeroU32::new(burst).unwrap(), per_minute: NonZeroU32::MIN }
}

#[tokio::test]
async fn a_client_may_ask_as_much_as_it_may_however_many_processes_answer() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let local = Arc::new(Counting::default());
    let limiters: Vec<RedisLimiter> = (0..2)
        .map(|_| RedisLimiter::new(link(&server, PATIENT), quota(25), local.clone()))
        .collect();
    let takes = limiters.iter().cycle().take(100).map(|limiter| limiter.take("anna"));
    let answers: Vec<Allowance> =
        join_all(takes).await.into_iter().collect::<Result<_, _>>().unwrap();
    let mut left: Vec<u32> = answers
        .iter()
        .filter(|taken| taken.retry_after.is_none())
        .map(|taken| taken.remaining)
        .collect();
    left.sort_unstable();
    assert_eq!(left, (0..25).collect::<Vec<_>>(), "each says what is left behind it");
    let refused = answers.iter().find(|taken| taken.retry_after.is_some()).unwrap();
    let wait = refused.retry_after.unwrap();
    assert!(!wait.is_zero() && wait <= Duration::from_mins(1), "{wait:?}");
    assert!(refused.reset <= Duration::from_mins(25) && refused.reset > Duration::from_mins(20));
    assert_eq!((refused.limit, refused.remaining), (25, 0));
    let other = limiters[0].take("berta").await.unwrap();
    assert_eq!((other.remaining, other.retry_after), (24, None));
    assert_eq!(local.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_is_forgotten_when_its_bucket_is_full_again() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let limiter =
        RedisLimiter::new(link(&server, PATIENT), quota(2), Arc::new(Counting::default()));
    limiter.take("anna").await.unwrap();
    let key = &server.ask(&["KEYS", "askbook:client:*"]);
    let left: u64 = server.ask(&["PTTL", key]).parse().unwrap();
    assert!(left > 0 && left <= 60_000, "{left} ms");
    limiter.take("anna").await.unwrap();
    assert!(limiter.take("anna").await.unwrap().retry_after.is_some());
    server.ask(&["PEXPIRE", key, "0"]);
    assert_eq!(limiter.take("anna").await.unwrap().retry_after, None);
}

#[tokio::test]
async fn without_redis_each_process_counts_for_itself() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let (link, local) = (link(&server, PATIENT), Arc::new(Counting::default()));
    let limiter = RedisLimiter::new(link.clone(), quota(1), local.clone());
    assert_eq!(limiter.take("anna").await.unwrap().retry_after, None);
    assert!(limiter.take("anna").await.unwrap().retry_after.is_some());
    server.kill();
    assert_eq!(limiter.take("anna").await.unwrap().limit, 9);
    assert_eq!(local.0.load(Ordering::SeqCst), 1);
    link.until(false).await;
    server.restart();
    link.until(true).await;
    assert_eq!(limiter.take("anna").await.unwrap().limit, 1);
}
