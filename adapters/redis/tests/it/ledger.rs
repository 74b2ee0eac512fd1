use std::sync::Arc;
use std::time::Duration;

use askbook::error::ErrorKind;
use askbook::ports::Ledger as _;
use askbook::spend::{Ceiling, Ceilings, Charge};
use askbook_memory::MemoryLedger;
use askbook_redis::{RedisLedger, RedisLink};
use futures_util::future::join_all;

use crate::server::RedisServer;
use crate::{PATIENT, link};

const CALL: Charge = Charge { calls: 1, tokens: 10, money: 5 };

/// So many calls a day.
fn calls(calls: u64) -> Ceilings {
    Ceilings { day: Ceiling { calls: Some(calls), ..Ceiling::default() }, ..Ceilings::default() }
}

/// One of several processes that share a Redis, with an account of its own.
fn replica(server: &RedisServer, ceilings: Ceilings) -> (RedisLink, RedisLedger) {
    let link = link(server, PATIENT);
    let local = Arc::new(MemoryLedger::new(ceilings));
    (link.clone(), RedisLedger::new(link, ceilings, local))
}

/// How many of so many calls at once get through.
async fn through(ledgers: &[&RedisLedger], attempts: usize) -> usize {
    let calls = ledgers.iter().cycle().take(attempts).map(|ledger| ledger.reserve(CALL));
    let mut through = 0;
    for outcome in join_all(calls).await {
        match outcome {
            Ok(_) => through += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Exhausted, "{error:?}"),
        }
    }
    through
}

#[tokio::test]
async fn processes_spend_no_more_together_than_one_may() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replicas = [replica(&server, calls(37)).1, replica(&server, calls(37)).1];
    assert_eq!(through(&[&replicas[0], &replicas[1]], 1_000).await, 37);
    for ledger in &replicas {
        assert_eq!(ledger.ready().await.unwrap_err().kind(), ErrorKind::Exhausted);
    }
}

#[tokio::test]
async fn what_one_process_settles_the_other_may_spend() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let [one, other] = [replica(&server, calls(1)).1, replica(&server, calls(1)).1];
    let reservation = one.reserve(CALL).await.unwrap();
    assert_eq!(other.reserve(CALL).await.unwrap_err().kind(), ErrorKind::Exhausted);
    one.settle(reservation, Charge::default()).await.unwrap();
    other.ready().await.unwrap();
    other.reserve(CALL).await.unwrap();
    assert_eq!(one.reserve(CALL).await.unwrap_err().kind(), ErrorKind::Exhausted);
}

#[tokio::test]
async fn a_process_that_ends_leaves_behind_what_it_has_spent() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (_, ledger) = replica(&server, calls(3));
    assert_eq!(through(&[&ledger], 2).await, 2);
    drop(ledger);
    let (_, ledger) = replica(&server, calls(3));
    assert_eq!(through(&[&ledger], 9).await, 1);
}

#[tokio::test]
async fn without_redis_no_process_spends_more_than_the_ceiling_by_itself() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let [(link, one), (others, other)] = [replica(&server, calls(10)), replica(&server, calls(10))];
    assert_eq!(through(&[&one, &other], 6).await, 6);
    let open = one.reserve(CALL).await.unwrap();
    server.kill();
    // Four of its own are spent; what is settled meanwhile counts too.
    one.settle(open, Charge::default()).await.unwrap();
    link.until(false).await;
    others.until(false).await;
    assert_eq!(through(&[&one], 100).await, 7);
    one.ready().await.unwrap_err();
    assert_eq!(through(&[&other], 100).await, 7);
}

#[tokio::test]
async fn what_redis_is_too_busy_to_count_is_not_spent() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let link = link(&server, PATIENT);
    link.until(true).await;
    let local = Arc::new(MemoryLedger::new(calls(10)));
    let hasty = RedisLedger::new(link.within(Duration::from_millis(1)), calls(10), local.clone());
    server.freeze();
    for _ in 0..20 {
        assert_eq!(hasty.reserve(CALL).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    server.thaw();
    // Here nothing stays set aside, for nothing was done.
    assert_eq!(through(&[&RedisLedger::new(link, calls(100), local)], 20).await, 10);
}

#[tokio::test]
async fn a_reservation_that_is_never_settled_leaves_nothing_but_its_cost() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (_, ledger) = replica(&server, calls(1));
    let reservation = ledger.reserve(CALL).await.unwrap();
    let key = format!("askbook:spend:{}", reservation.id.simple());
    let left: u64 = server.ask(&["TTL", &key]).parse().unwrap();
    assert!(left > 0 && left <= 3_600, "{left} s");
    assert_eq!(server.ask(&["TTL", "askbook:spend"]), "-1", "the sums must not be forgotten");
    server.ask(&["DEL", &key]);
    ledger.settle(reservation, Charge::default()).await.unwrap();
    assert_eq!(ledger.reserve(CALL).await.unwrap_err().kind(), ErrorKind::Exhausted);
}

/// The clock of the server cannot be set, so the sums are.
#[tokio::test]
async fn a_new_minute_and_a_new_day_begin_with_nothing_spent() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let ceiling = Ceiling { calls: Some(1), ..Ceiling::default() };
    let (_, ledger) = replica(&server, Ceilings { minute: ceiling, ..Ceilings::default() });
    server.ask(&["HSET", "askbook:spend", "at", "86400", "mc", "1", "dc", "1"]);
    ledger.ready().await.unwrap();
    ledger.reserve(CALL).await.unwrap();
    let sums = server.ask(&["HMGET", "askbook:spend", "mc", "mt", "mm", "dc", "dt", "dm"]);
    assert_eq!(sums.split_whitespace().collect::<Vec<_>>(), ["1", "10", "5", "1", "10", "5"]);
}
