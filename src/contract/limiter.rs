use std::num::NonZeroU32;

use futures_util::future::join_all;

use crate::client::{Allowance, Quota};
use crate::ports::Limiter;

/// The contract of a [`Limiter`]: `limiter_contract!(fixture)` with
/// `async fn fixture() -> (Arc<dyn Limiter>, impl Sized)`, each time one that knows nobody and
/// allows everyone [`QUOTA`].
#[macro_export]
macro_rules! limiter_contract {
    ($fixture:path) => {
        $crate::__clauses!(limiter, (fixture $fixture):
            an_unknown_client_has_a_full_bucket,
            as_many_get_through_as_the_bucket_holds,
            a_refusal_says_how_long_to_wait_and_takes_nothing,
            clients_have_a_bucket_each,
            of_requests_side_by_side_as_many_get_through_as_are_left,
            any_text_names_a_client,
        );
    };
}

/// What a fixture allows: nothing comes back while its contract runs.
pub const QUOTA: Quota = Quota { burst: NonZeroU32::new(10).unwrap(), per_minute: NonZeroU32::MIN };

async fn take(subject: &dyn Limiter, client: &str) -> Allowance {
    subject.take(client).await.expect("an allowance")
}

pub async fn an_unknown_client_has_a_full_bucket(subject: &dyn Limiter) {
    let left = take(subject, "203.0.113.7").await;
    assert_eq!((left.limit, left.remaining, left.retry_after), (10, 9, None));
    assert!(!left.reset.is_zero() && left.reset <= QUOTA.interval(), "{left:?}");
}

pub async fn as_many_get_through_as_the_bucket_holds(subject: &dyn Limiter) {
    for remaining in (0..10).rev() {
        let left = take(subject, "203.0.113.7").await;
        assert_eq!((left.remaining, left.retry_after), (remaining, None));
    }
    let left = take(subject, "203.0.113.7").await;
    assert_eq!((left.limit, left.remaining), (10, 0));
    assert!(left.retry_after.is_some());
}

pub async fn a_refusal_says_how_long_to_wait_and_takes_nothing(subject: &dyn Limiter) {
    for _ in 0..10 {
        take(subject, "203.0.113.7").await;
    }
    for _ in 0..3 {
        let left = take(subject, "203.0.113.7").await;
        let wait = left.retry_after.expect("a refusal");
        assert!(!wait.is_zero() && wait <= QUOTA.interval(), "{left:?}");
        assert!(wait <= left.reset && left.reset <= QUOTA.window(), "{left:?}");
    }
}

pub async fn clients_have_a_bucket_each(subject: &dyn Limiter) {
    for _ in 0..11 {
        take(subject, "203.0.113.7").await;
    }
    assert_eq!(take(subject, "203.0.113.70").await.remaining, 9);
    assert_eq!(take(subject, "").await.remaining, 9);
}

pub async fn of_requests_side_by_side_as_many_get_through_as_are_left(subject: &dyn Limiter) {
    let taken = join_all((0..50).map(|_| take(subject, "203.0.113.7"))).await;
    let mut left: Vec<u32> =
        taken.iter().filter(|left| left.retry_after.is_none()).map(|left| left.remaining).collect();
    left.sort_unstable();
    assert!(left.iter().copied().eq(0..10), "{left:?}");
}

pub async fn any_text_names_a_client(subject: &dyn Limiter) {
    for client in ["2001:db8::/64", "\0", "a b\r\nc", "{}", "\u{1F980}", &"x".repeat(10_000)] {
        assert_eq!(take(subject, client).await.remaining, 9, "{client:?}");
    }
}
