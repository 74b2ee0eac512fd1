//! Every order in which calls can begin and end, and time can pass, up to a depth. A guard keeps
//! its state behind one lock, so that there are no other orders.

use std::collections::HashSet;
use std::num::{NonZeroU32, NonZeroUsize};

use super::*;
use crate::breaker::{LONGEST, SHORTEST};
use crate::limit::Concurrency;

const CALLS: usize = 3;
const DEPTH: usize = 12;
/// The wait that a quota asks for.
const QUOTA: Duration = Duration::from_hours(1);
const OUTCOMES: [Outcome; 5] =
    [Outcome::Answered, Outcome::Failed, Outcome::Closed(QUOTA), Outcome::Busy, Outcome::Nothing];

fn state(failures: u32, calls: usize) -> State {
    let calls = NonZeroUsize::new(calls).unwrap();
    State {
        breaker: Breaker::new(NonZeroU32::new(failures).unwrap()),
        limit: Limit::new(Concurrency { least: calls, first: calls, most: calls }),
    }
}

/// One moment: the state, the calls that are under way, and how far the clock is.
#[derive(Clone)]
struct Moment {
    state: State,
    calls: Vec<Call>,
    now: Instant,
}

impl Moment {
    /// What makes it another moment than one that was seen.
    fn key(&self) -> (Breaker, Vec<Call>, Instant) {
        (self.state.breaker.clone(), self.calls.clone(), self.now)
    }

    /// What can happen next.
    fn next(&self) -> Vec<Self> {
        let mut next = Vec::new();
        let mut begun = self.clone();
        let open = begun.state.breaker.check(begun.now);
        match begun.state.begin(begun.now) {
            Ok(call) => {
                assert_eq!(open, Ok(()));
                begun.calls.push(call);
                next.push(begun);
            }
            Err(refusal) => {
                assert_eq!(begun.state, self.state, "a refusal changes nothing");
                match refusal {
                    Refusal::Open(wait) => assert_eq!(open, Err(wait)),
                    Refusal::Full(calls) => assert_eq!((calls, open), (self.calls.len(), Ok(()))),
                }
            }
        }
        for at in 0..self.calls.len() {
            for outcome in OUTCOMES {
                let mut ended = self.clone();
                let call = ended.calls.remove(at);
                let turn = ended.state.end(call, outcome, None, ended.now);
                if let (Outcome::Failed, Some(Turn::Opened(pause))) = (outcome, turn) {
                    assert!((SHORTEST..=LONGEST).contains(&pause));
                }
                if matches!(outcome, Outcome::Busy | Outcome::Nothing) {
                    assert_eq!(turn, None, "who says nothing changes nothing");
                }
                if turn == Some(Turn::Closed) {
                    assert_eq!(outcome, Outcome::Answered);
                }
                next.push(ended);
            }
        }
        if let Err(wait) = open {
            next.push(Self { now: self.now + wait, ..self.clone() });
        }
        next.iter().for_each(Self::check);
        next
    }

    fn check(&self) {
        assert_eq!(self.state.limit.in_flight(), self.calls.len(), "a permit is lost");
        // Nobody is ever shut out for good: when all calls are over and time has passed, one gets
        // through, and it alone where the upstream is not known to be back.
        let mut later = self.clone();
        for call in later.calls.drain(..) {
            later.state.end(call, Outcome::Nothing, None, later.now);
        }
        later.now += QUOTA.max(LONGEST);
        let probe = later.state.begin(later.now).expect("a call");
        if self.lets_two_through() {
            return;
        }
        let second = later.state.begin(later.now);
        assert!(matches!(second, Err(Refusal::Open(_))), "two probes at once: {second:?}");
        let turn = later.state.end(probe, Outcome::Answered, None, later.now);
        assert_eq!(turn, Some(Turn::Closed));
        assert!(later.state.begin(later.now).is_ok());
    }

    /// Whether the breaker is closed.
    fn lets_two_through(&self) -> bool {
        let mut breaker = self.state.breaker.clone();
        breaker.begin(self.now).is_ok() && breaker.begin(self.now).is_ok()
    }
}

#[test]
fn in_no_order_is_a_permit_lost_or_are_there_two_probes() {
    for failures in [1, 2] {
        for calls in [1, CALLS] {
            let start =
                Moment { state: state(failures, calls), calls: Vec::new(), now: Instant::now() };
            let mut seen = HashSet::from([start.key()]);
            let mut moments = vec![start];
            for _ in 0..DEPTH {
                let next = moments.iter().flat_map(Moment::next);
                moments = next.filter(|moment| seen.insert(moment.key())).collect();
            }
            assert!(seen.len() > 100, "{} moments are no exploration", seen.len());
        }
    }
}

fn fail(state: &mut State, now: Instant) -> Option<Turn> {
    let call = state.begin(now).expect("a call");
    state.end(call, Outcome::Failed, None, now)
}

#[test]
fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
    let (mut state, now) = (state(5, 9), Instant::now());
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(fail(&mut state, now), None);
        }
        let call = state.begin(now).unwrap();
        assert_eq!(state.end(call, Outcome::Answered, None, now), None);
    }
    for _ in 0..4 {
        assert_eq!(fail(&mut state, now), None);
    }
    assert_eq!(fail(&mut state, now), Some(Turn::Opened(SHORTEST)));
    assert_eq!(state.begin(now), Err(Refusal::Open(SHORTEST)));
}

#[test]
fn pauses_grow_until_a_probe_succeeds() {
    let (mut state, mut now) = (state(1, 9), Instant::now());
    for seconds in [10, 20, 30, 30] {
        let pause = Duration::from_secs(seconds);
        assert_eq!(fail(&mut state, now), Some(Turn::Opened(pause)));
        let almost = now + pause.mul_f64(0.99);
        assert!(matches!(state.begin(almost), Err(Refusal::Open(_))));
        now += pause;
    }
    let probe = state.begin(now).unwrap();
    assert_eq!(state.end(probe, Outcome::Answered, None, now), Some(Turn::Closed));
    assert_eq!(fail(&mut state, now), Some(Turn::Opened(SHORTEST)));
}

#[test]
fn what_began_before_it_opened_neither_closes_it_nor_takes_the_place_of_the_probe() {
    let (mut state, now) = (state(1, 9), Instant::now());
    let [old, older] = [state.begin(now).unwrap(), state.begin(now).unwrap()];
    assert_eq!(fail(&mut state, now), Some(Turn::Opened(SHORTEST)));
    assert_eq!(state.end(old, Outcome::Answered, None, now), None);
    assert!(state.begin(now).is_err());
    let then = now + SHORTEST;
    let probe = state.begin(then).unwrap();
    assert_eq!(state.end(older, Outcome::Failed, None, then), None);
    assert_eq!(state.end(probe, Outcome::Answered, None, then), Some(Turn::Closed));
}
