use super::*;

fn limit(least: usize, first: usize, most: usize) -> Limit {
    let [least, first, most] = [least, first, most].map(|calls| NonZeroUsize::new(calls).unwrap());
    Limit::new(Concurrency { least, first, most })
}

/// As many calls as there may be, all at once, which all take so long.
fn round(limit: &mut Limit, took: Duration) {
    while !limit.is_full() {
        limit.begin();
    }
    for _ in 0..limit.in_flight() {
        limit.answered(took);
    }
    while limit.in_flight() > 0 {
        limit.end();
    }
}

/// So many such rounds of what an upstream needs that answers `capacity` calls at once in 100 ms
/// and lets more wait.
fn load(limit: &mut Limit, capacity: f64, rounds: usize) {
    for _ in 0..rounds {
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let calls = limit.calls() as f64;
        round(limit, Duration::from_secs_f64(0.1 * (calls / capacity).max(1.0)));
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
fn a_wait_that_nobody_feels_takes_nothing_away() {
    let mut limit = limit(4, 100, 100);
    round(&mut limit, Duration::from_millis(1));
    for _ in 0..100 {
        round(&mut limit, Duration::from_millis(40));
    }
    assert_eq!(limit.calls(), 100);
    for _ in 0..3 {
        round(&mut limit, Duration::from_millis(300));
    }
    assert!(limit.calls() < 50, "{}", limit.calls());
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
