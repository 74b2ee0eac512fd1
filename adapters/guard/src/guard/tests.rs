use std::num::NonZeroUsize;

use super::*;

fn guard(failures: u32, calls: usize) -> Guard {
    let calls = NonZeroUsize::new(calls).unwrap();
    Guard::new(
        "peer",
        GuardSettings {
            failures: NonZeroU32::new(failures).unwrap(),
            patience: Duration::from_secs(2),
            concurrency: Concurrency { least: calls, first: calls, most: calls },
        },
    )
}

fn error(kind: ErrorKind) -> PortError {
    PortError::new(kind, "the cause: look at the console")
}

fn end(guard: &Guard, error: PortError) {
    guard.admit().unwrap().end::<()>(&Err(error));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_why_and_for_how_long_and_readiness_tells_it() {
    let guard = guard(2, 9);
    assert!(guard.check().is_ok());
    end(&guard, error(ErrorKind::Timeout));
    end(&guard, error(ErrorKind::Timeout));
    tokio::time::advance(Duration::from_millis(2500)).await;
    let checks = [guard.admits(), guard.check()].map(Result::unwrap_err);
    for refusal in checks.into_iter().chain([guard.admit().unwrap_err()]) {
        assert_eq!(refusal.kind(), ErrorKind::Unavailable);
        assert_eq!(refusal.retry_after(), Some(Duration::from_millis(7500)));
        let message = "peer is left alone for 8 s more: the cause: look at the console";
        assert_eq!(refusal.to_string(), message);
    }
    tokio::time::advance(Duration::from_millis(7500)).await;
    assert!(guard.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_is_not_begun() {
    let guard = guard(1, 9);
    end(&guard, error(ErrorKind::Unavailable));
    let call = async { panic!("it has begun") };
    assert!(guard.call::<()>(call).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_upstreams_fault_never_opens_it() {
    let guard = guard(1, 9);
    for kind in [
        ErrorKind::RateLimited,
        ErrorKind::Unauthorized,
        ErrorKind::Misconfigured,
        ErrorKind::Rejected,
        ErrorKind::Blocked,
        ErrorKind::Malformed,
        ErrorKind::Exhausted,
    ] {
        end(&guard, error(kind));
        assert!(guard.check().is_ok(), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_leaves_it_alone_until_it_is_renewed_and_is_asked_for_every_hour() {
    let guard = guard(5, 9);
    let quota =
        |seconds| error(ErrorKind::RateLimited).with_retry_after(Duration::from_secs(seconds));
    end(&guard, quota(2));
    assert!(guard.check().is_ok(), "within its patience");
    end(&guard, quota(36));
    tokio::time::advance(Duration::from_secs(35)).await;
    let refusal = guard.admit().unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::RateLimited);
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(1)));
    tokio::time::advance(Duration::from_secs(1)).await;
    guard.admit().unwrap().end(&Ok(()));
    assert!(guard.check().is_ok());

    for asked in [u64::MAX, 36_000, 32_400] {
        end(&guard, quota(asked));
        assert_eq!(guard.check().unwrap_err().retry_after(), Some(Duration::from_hours(1)));
        tokio::time::advance(Duration::from_hours(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_back_the_probe_and_its_place() {
    let guard = guard(1, 1);
    end(&guard, error(ErrorKind::Unavailable));
    tokio::time::advance(Duration::from_secs(10)).await;
    for _ in 0..3 {
        let probe = guard.admit().unwrap();
        assert!(guard.admit().is_err(), "one probe at a time");
        drop(probe);
    }
    guard.admit().unwrap().end(&Ok(()));
    assert!(guard.admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_remembered_does_not_close_it() {
    let guard = guard(2, 9);
    end(&guard, error(ErrorKind::Unavailable));
    guard.admit().unwrap().end_of_what_may_be_known(&Ok(()));
    end(&guard, error(ErrorKind::Unavailable));
    assert!(guard.check().is_err(), "two failures in a row");
    tokio::time::advance(Duration::from_secs(10)).await;
    guard.admit().unwrap().end_of_what_may_be_known(&Ok(()));
    let probe = guard.admit().unwrap();
    assert!(guard.admit().is_err(), "it is not known to be back");
    drop(probe);
    guard.admit().unwrap().end_of_what_may_be_known::<()>(&Err(error(ErrorKind::Timeout)));
    let wait = guard.check().unwrap_err().retry_after();
    assert_eq!(wait, Some(Duration::from_secs(20)), "a failure counts");
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_are_refused_at_once() {
    let guard = guard(5, 2);
    let held = [guard.admit().unwrap(), guard.admit().unwrap()];
    let refusal = guard.admit().unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Unavailable);
    assert_eq!(refusal.retry_after(), Some(SOON));
    assert!(refusal.to_string().contains("2 calls"), "{refusal}");
    assert_eq!(guard.admits().unwrap_err().to_string(), refusal.to_string());
    assert!(guard.check().is_ok(), "it is busy and not out of order");
    drop(held);
    assert!(guard.admits().is_ok() && guard.admit().is_ok());
}

#[test]
fn threads_that_ask_at_once_get_no_more_than_there_is() {
    let guard = guard(5, 8);
    let most = std::sync::atomic::AtomicUsize::new(0);
    let now = std::sync::atomic::AtomicUsize::new(0);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    if let Ok(permit) = guard.admit() {
                        most.fetch_max(now.fetch_add(1, order) + 1, order);
                        now.fetch_sub(1, order);
                        permit.end(&Ok(()));
                    }
                }
            });
        }
    });
    assert!((1..=8).contains(&most.load(order)), "{most:?}");
    assert_eq!(guard.watched().state.limit.in_flight(), 0);
}
