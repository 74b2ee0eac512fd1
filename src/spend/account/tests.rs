use super::*;

/// Noon, UTC.
const NOON: u64 = 20_000 * DAY + DAY / 2;

fn charge(calls: u64, tokens: u64, money: u64) -> Charge {
    Charge { calls, tokens, money }
}

fn account(minute: Option<u64>, day: Option<u64>) -> Account {
    let calls = |calls| Ceiling { calls, ..Ceiling::default() };
    Account::new(Ceilings { minute: calls(minute), day: calls(day) })
}

fn reserve(account: &mut Account, charge: Charge, now: u64) -> Result<Reservation, PortError> {
    let id = Uuid::from_u128(account.open.len() as u128);
    let reservation = account.check(id, charge, now)?;
    account.add(reservation);
    Ok(reservation)
}

/// How many calls get through, one after the other, until one is refused.
fn calls_left(account: &mut Account, now: u64) -> usize {
    (0..100).take_while(|_| reserve(account, charge(1, 0, 0), now).is_ok()).count()
}

#[test]
fn a_minute_and_a_day_of_the_clock_are_renewed() {
    let mut account = account(Some(2), Some(5));
    assert_eq!(calls_left(&mut account, NOON), 2);
    assert_eq!(calls_left(&mut account, NOON + 59), 0);
    assert_eq!(calls_left(&mut account, NOON + 60), 2);
    assert_eq!(calls_left(&mut account, NOON + 120), 1, "the day has 5");
    assert_eq!(calls_left(&mut account, NOON + DAY / 2 - 1), 0);
    assert_eq!(calls_left(&mut account, NOON + DAY / 2), 2, "a new day");
}

#[test]
fn a_refusal_waits_for_what_is_renewed() {
    let mut account = account(Some(2), Some(3));
    let wait = |account: &mut Account, now| {
        account.check(Uuid::nil(), charge(1, 0, 0), now).unwrap_err().retry_after()
    };
    assert_eq!(calls_left(&mut account, NOON), 2);
    assert_eq!(wait(&mut account, NOON + 10), Some(Duration::from_secs(50)));
    assert_eq!(calls_left(&mut account, NOON + 60), 1);
    assert_eq!(wait(&mut account, NOON + 61), Some(Duration::from_secs(DAY / 2 - 61)));
}

#[test]
fn what_is_settled_later_counts_where_it_was_set_aside() {
    let ceiling = Ceiling { tokens: Some(100), ..Ceiling::default() };
    let mut account = Account::new(Ceilings { minute: ceiling, day: ceiling });
    let reservation = reserve(&mut account, charge(1, 80, 0), NOON).unwrap();
    assert!(account.check(Uuid::nil(), charge(1, 21, 0), NOON + 60).is_err(), "of the day");
    assert!(account.settle(reservation, charge(1, 30, 0)));
    assert_eq!((account.minute.tokens, account.day.tokens), (0, 30));

    let reservation = reserve(&mut account, charge(1, 70, 0), NOON + 60).unwrap();
    account.ready(NOON + DAY).unwrap();
    assert!(account.settle(reservation, charge(1, 0, 0)));
    assert_eq!(account.day, Charge::default(), "nothing is given back to another day");
}

#[test]
fn a_clock_that_is_set_back_renews_nothing_and_one_that_was_wrong_does_not_stand() {
    let midnight = NOON + DAY / 2;
    let mut account = account(None, Some(2));
    assert_eq!(calls_left(&mut account, midnight - 1), 2);
    assert_eq!(calls_left(&mut account, midnight), 2);
    assert_eq!(calls_left(&mut account, midnight - 1), 0);
    assert_eq!(calls_left(&mut account, midnight), 0);
    assert_eq!(calls_left(&mut account, NOON + 1_000 * DAY), 2);
    assert_eq!(calls_left(&mut account, NOON + 2 * DAY), 2);
}

#[test]
fn it_is_ready_when_there_is_left_what_was_refused_last() {
    let ceiling = Ceiling { tokens: Some(100), ..Ceiling::default() };
    let mut account = Account::new(Ceilings { minute: ceiling, ..Ceilings::default() });
    assert!(account.ready(NOON).is_ok());
    reserve(&mut account, charge(1, 60, 0), NOON).unwrap();
    assert!(account.ready(NOON).is_ok());
    assert!(reserve(&mut account, charge(1, 50, 0), NOON).is_err());
    assert_eq!(account.ready(NOON).unwrap_err().kind(), ErrorKind::Exhausted);
    assert!(account.ready(NOON + 60).is_ok());
}

#[test]
fn what_is_never_settled_is_forgotten_in_the_end_and_stays_spent() {
    let mut account = account(None, None);
    for second in 0..3 * HOUR {
        reserve(&mut account, charge(1, 1, 1), NOON + second).unwrap();
    }
    assert!(account.open.len() as u64 <= HOUR + 1, "{} open", account.open.len());
    assert_eq!(account.day, charge(3 * HOUR, 3 * HOUR, 3 * HOUR));
}

#[test]
fn it_goes_on_from_its_snapshot() {
    let mut account = account(Some(9), Some(9));
    let open = reserve(&mut account, charge(1, 5, 2), NOON).unwrap();
    let settled = reserve(&mut account, charge(1, 5, 2), NOON + 61).unwrap();
    account.settle(settled, charge(1, 3, 1));
    let mut resumed = Account::new(account.ceilings);
    resumed.resume(account.snapshot());
    assert_eq!(resumed.snapshot(), account.snapshot());
    for account in [&mut account, &mut resumed] {
        assert!(!account.settle(settled, charge(0, 0, 0)));
        assert!(account.settle(open, charge(1, 1, 1)));
        assert_eq!((account.minute, account.day), (charge(1, 3, 1), charge(2, 4, 2)));
    }
}

#[test]
fn more_than_can_be_counted_is_too_much() {
    let mut account = account(None, Some(u64::MAX));
    reserve(&mut account, charge(u64::MAX, u64::MAX, u64::MAX), NOON).unwrap();
    reserve(&mut account, charge(1, 1, 1), NOON).unwrap();
    assert_eq!(account.day, charge(u64::MAX, u64::MAX, u64::MAX));
}
