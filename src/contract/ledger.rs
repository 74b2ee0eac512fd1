use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorKind;
use crate::ports::Ledger;
use crate::spend::{Ceiling, Ceilings, Charge, Reservation};

/// The contract of a [`Ledger`]: `ledger_contract!(fixture)` with
/// `async fn fixture(ceilings: Ceilings) -> (Arc<dyn Ledger>, impl Sized)`, of which nothing is
/// spent. Where its clock can be set, it is to stand still in the middle of a minute.
#[macro_export]
macro_rules! ledger_contract {
    ($fixture:path) => {
        $crate::__clauses!(ledger, (ceilings $fixture):
            as_many_calls_get_through_as_there_are_left,
            tokens_and_money_have_ceilings_too,
            a_minute_has_a_ceiling_of_its_own,
            without_a_ceiling_everything_gets_through,
            a_refusal_says_when_to_come_again,
            a_charge_that_is_too_much_by_itself_is_refused_for_good,
            a_refused_charge_is_not_counted,
            the_cost_takes_the_place_of_what_was_set_aside,
            a_cost_above_what_was_set_aside_counts_in_full,
            a_reservation_is_counted_once_however_often_it_is_settled,
            a_reservation_that_was_never_made_is_not_settled,
            what_is_never_settled_stays_spent,
            reservations_may_be_settled_in_any_order,
            of_calls_at_the_same_time_as_many_get_through_as_there_is_left_for,
            it_is_ready_until_its_ceiling_is_reached,
        );
    };
}

fn calls(calls: u64) -> Charge {
    Charge { calls, tokens: 0, money: 0 }
}

fn tokens(tokens: u64) -> Charge {
    Charge { calls: 1, tokens, money: 0 }
}

fn money(money: u64) -> Charge {
    Charge { calls: 1, tokens: 0, money }
}

/// Ceilings for a day.
fn a_day(calls: Option<u64>, tokens: Option<u64>, money: Option<u64>) -> Ceilings {
    Ceilings { day: Ceiling { calls, tokens, money }, ..Ceilings::default() }
}

async fn gets_through(subject: &dyn Ledger, charge: Charge) -> bool {
    match subject.reserve(charge).await {
        Ok(reservation) => {
            assert_eq!(reservation.charge, charge);
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Exhausted, "{error:?}");
            false
        }
    }
}

async fn reserve(subject: &dyn Ledger, charge: Charge) -> Reservation {
    subject.reserve(charge).await.expect("a reservation")
}

pub async fn as_many_calls_get_through_as_there_are_left<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(Some(3), None, None)).await;
    for left in [true, true, true, false, false] {
        assert_eq!(gets_through(&*subject, calls(1)).await, left);
    }
}

pub async fn tokens_and_money_have_ceilings_too<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(None, Some(10), Some(5))).await;
    for (charge, left) in [
        (tokens(6), true),
        (tokens(5), false),
        (tokens(4), true),
        (money(3), true),
        (money(3), false),
        (money(2), true),
        (money(1), false),
        (calls(1), true),
    ] {
        assert_eq!(gets_through(&*subject, charge).await, left, "{charge:?}");
    }
}

pub async fn a_minute_has_a_ceiling_of_its_own<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let minute = Ceiling { calls: Some(2), ..Ceiling::default() };
    let ceilings = Ceilings { minute, ..a_day(Some(100), None, None) };
    let (subject, _guard) = fixture(ceilings).await;
    // Should the minute end meanwhile, two more get through.
    let mut through = 0;
    for _ in 0..5 {
        through += u64::from(gets_through(&*subject, calls(1)).await);
    }
    assert!((2..=4).contains(&through), "{through} calls");
    let error = subject.reserve(calls(1)).await.expect_err("the ceiling of the minute");
    assert!(error.retry_after().expect("a wait") <= Duration::from_mins(1));
}

pub async fn without_a_ceiling_everything_gets_through<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(Ceilings::default()).await;
    for _ in 0..3 {
        let charge = Charge { calls: 1_000_000, tokens: 1 << 40, money: 1 << 40 };
        assert!(gets_through(&*subject, charge).await);
    }
    subject.ready().await.expect("readiness");
}

pub async fn a_refusal_says_when_to_come_again<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(Some(1), None, None)).await;
    reserve(&*subject, calls(1)).await;
    let error = subject.reserve(calls(1)).await.expect_err("the ceiling");
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    let wait = error.retry_after().expect("the time until tomorrow");
    assert!(!wait.is_zero() && wait <= Duration::from_hours(24), "{wait:?}");
    assert!(error.to_string().contains("ASKBOOK_SPEND_CALLS_PER_DAY"), "{error}");
}

pub async fn a_charge_that_is_too_much_by_itself_is_refused_for_good<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(None, Some(10), None)).await;
    let error = subject.reserve(tokens(11)).await.expect_err("the ceiling");
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Exhausted, None));
}

pub async fn a_refused_charge_is_not_counted<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(Some(100), Some(10), None)).await;
    reserve(&*subject, tokens(9)).await;
    for _ in 0..5 {
        assert!(!gets_through(&*subject, tokens(2)).await);
    }
    assert!(gets_through(&*subject, tokens(1)).await);
}

pub async fn the_cost_takes_the_place_of_what_was_set_aside<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(Some(2), Some(10), Some(10))).await;
    let charge = Charge { calls: 1, tokens: 10, money: 10 };
    let reservation = reserve(&*subject, charge).await;
    assert!(!gets_through(&*subject, tokens(1)).await);
    let cost = Charge { calls: 1, tokens: 7, money: 4 };
    subject.settle(reservation, cost).await.expect("a settlement");
    assert!(!gets_through(&*subject, tokens(4)).await);
    assert!(gets_through(&*subject, Charge { calls: 1, tokens: 3, money: 6 }).await);
    assert!(!gets_through(&*subject, calls(1)).await);
}

pub async fn a_cost_above_what_was_set_aside_counts_in_full<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(None, Some(10), None)).await;
    let reservation = reserve(&*subject, tokens(1)).await;
    subject.settle(reservation, tokens(20)).await.expect("a settlement");
    assert!(!gets_through(&*subject, tokens(1)).await);
}

pub async fn a_reservation_is_counted_once_however_often_it_is_settled<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(None, Some(10), None)).await;
    let [first, second] =
        [reserve(&*subject, tokens(5)).await, reserve(&*subject, tokens(5)).await];
    assert_ne!(first.id, second.id);
    for cost in [4, 0, 9] {
        subject.settle(first, tokens(cost)).await.expect("a settlement");
    }
    assert!(!gets_through(&*subject, tokens(2)).await);
    assert!(gets_through(&*subject, tokens(1)).await);
}

pub async fn a_reservation_that_was_never_made_is_not_settled<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(Some(1), None, None)).await;
    let made = reserve(&*subject, calls(1)).await;
    let foreign = Reservation { id: uuid::Uuid::from_u128(7), ..made };
    subject.settle(foreign, Charge::default()).await.expect("nothing happens");
    assert!(!gets_through(&*subject, calls(1)).await);
}

pub async fn what_is_never_settled_stays_spent<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(None, Some(10), None)).await;
    reserve(&*subject, tokens(10)).await;
    assert!(!gets_through(&*subject, tokens(1)).await);
}

pub async fn reservations_may_be_settled_in_any_order<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(None, Some(100), None)).await;
    let mut reservations = Vec::new();
    for _ in 0..10 {
        reservations.push(reserve(&*subject, tokens(10)).await);
    }
    assert!(!gets_through(&*subject, tokens(1)).await);
    for at in [7, 0, 9, 3, 1, 8, 2, 6, 4, 5] {
        subject.settle(reservations[at], tokens(9)).await.expect("a settlement");
    }
    assert!(!gets_through(&*subject, tokens(11)).await);
    assert!(gets_through(&*subject, tokens(10)).await);
}

pub async fn of_calls_at_the_same_time_as_many_get_through_as_there_is_left_for<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(Some(37), None, None)).await;
    let attempts = (0..1_000).map(|_| gets_through(&*subject, calls(1)));
    let through = futures_util::future::join_all(attempts).await;
    assert_eq!(through.into_iter().filter(|through| *through).count(), 37);
}

pub async fn it_is_ready_until_its_ceiling_is_reached<G>(
    fixture: impl AsyncFnOnce(Ceilings) -> (Arc<dyn Ledger>, G),
) {
    let (subject, _guard) = fixture(a_day(Some(1), None, None)).await;
    subject.ready().await.expect("readiness");
    let reservation = reserve(&*subject, calls(1)).await;
    let error = subject.ready().await.expect_err("the ceiling");
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert!(error.retry_after().is_some());
    subject.settle(reservation, Charge::default()).await.expect("a settlement");
    subject.ready().await.expect("readiness");
}
