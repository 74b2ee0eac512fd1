use super::*;

fn limit(least: usize, first: usize, most: usize) -> Limit {
    let [least, first, most] = [least, first, most].map(|calls| NonZeroUsize::new(calls).unwrap());
    Limit::new(Concurrency { least, first, most })
}

/// As many calls as there may be, all at once, `rounds` times, and each takes what an upstream
/// needs that answers `capacity` calls at once in 100 ms and lets more wait.
fn load(limit: &mut Limit, capacity: f64, rounds: usize) {
    for _ in 0..rounds {
        let calls = limit.calls();
        while !limit.is_full() {
            limit.begin();
        }
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let took = Duration::from_secs_f64(0.1 * (calls as f64 / capacity).max(1.0));
        for _ in 0..calls {
            limit.answered(took);
        }
        for _ in 0..calls {
            limit.end();
        }
    }
}

#[test]
fn it_grows_while_calls_take_as_long_as_ever() {
    let mut limit = limit(4, 16, 256);
    load(&mut limit, f64::MAX, 50);
    assert_eq!(limit.calls(), 256);
}

#[test]
fn it_falls_when_calls_begin_to_wait_and_stays_there() {
    let mut limit = limit(4, 100, 1000);
    load(&mut limit, f64::MAX, 3);
    let before = limit.calls();
    load(&mut limit, 10.0, 3);
    assert!(limit.calls() < before / 2, "from {before} to {}", limit.calls());
    for _ in 0..10 {
        load(&mut limit, 10.0, 10);
        assert!((10..60).contains(&limit.calls()), "{}", limit.calls());
    }
}

#[test]
fn one_call_that_is_slow_hardly_matters() {
    let mut limit = limit(4, 100, 100);
    load(&mut limit, f64::MAX, 5);
    for _ in 0..100 {
        limit.begin();
    }
    limit.answered(Duration::from_mins(1));
    assert!(limit.calls() >= 90, "{}", limit.calls());
}

#[test]
fn what_is_not_used_is_not_raised() {
    let mut limit = limit(4, 100, 1000);
    for _ in 0..100 {
        limit.begin();
        limit.answered(Duration::from_millis(100));
        limit.end();
    }
    assert_eq!(limit.calls(), 100);
}

#[test]
fn failures_of_calls_that_were_under_way_together_lower_it_once() {
    let mut limit = limit(4, 100, 1000);
    let began = Instant::now();
    let then = began + Duration::from_secs(1);
    for _ in 0..50 {
        limit.failed(began, then);
    }
    assert_eq!(limit.calls(), 90);
    limit.failed(then, then + Duration::from_secs(1));
    assert_eq!(limit.calls(), 81);
}

#[test]
fn it_stays_within_its_bounds() {
    let mut limit = limit(4, 1, 8);
    assert_eq!(limit.calls(), 4, "the least is more than the first");
    let mut now = Instant::now();
    for _ in 0..100 {
        now += Duration::from_secs(1);
        limit.failed(now, now);
    }
    assert_eq!(limit.calls(), 4);
    load(&mut limit, f64::MAX, 100);
    assert_eq!(limit.calls(), 8);
}
