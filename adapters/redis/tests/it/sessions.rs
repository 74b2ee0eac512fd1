use std::num::NonZeroUsize;
use std::time::Duration;

use askbook::ports::ChatSession as _;
use askbook::session::{Exchange, SessionId, Turn};
use askbook_redis::{RedisAddress, RedisLink, RedisSessions, SessionBounds};
use futures_util::future::join_all;

use crate::server::RedisServer;
use crate::{BOUNDS, PATIENT, link, memory};

/// One of several processes that share a Redis: a link and a memory of its own.
fn replica(server: &RedisServer, patience: Duration) -> (RedisLink, RedisSessions) {
    let link = link(server, patience);
    (link.clone(), RedisSessions::new(link, BOUNDS, memory()))
}

fn exchange(text: &str) -> Exchange {
    Exchange { question: format!("{text}?"), answer: format!("{text}.") }
}

fn said(texts: &[&str]) -> Vec<Turn> {
    texts.iter().flat_map(|text| exchange(text).into_turns()).collect()
}

async fn record(sessions: &RedisSessions, id: &SessionId, text: &str) {
    sessions.record(id, exchange(text)).await.unwrap();
}

async fn turns(sessions: &RedisSessions, id: &SessionId) -> Option<Vec<Turn>> {
    sessions.turns(id).await.unwrap()
}

#[tokio::test]
async fn a_conversation_is_continued_at_another_process() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let [(_, one), (_, other)] = [replica(&server, PATIENT), replica(&server, PATIENT)];
    let id = one.open().await.unwrap();
    record(&one, &id, "a").await;
    assert_eq!(turns(&other, &id).await, Some(said(&["a"])));
    record(&other, &id, "b").await;
    assert_eq!(turns(&one, &id).await, Some(said(&["a", "b"])));
}

#[tokio::test]
async fn what_two_processes_record_at_once_stays_whole() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replicas = [replica(&server, PATIENT).1, replica(&server, PATIENT).1];
    let id = replicas[0].open().await.unwrap();
    let texts: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let records = texts.iter().zip(replicas.iter().cycle());
    join_all(records.map(|(text, sessions)| record(sessions, &id, text))).await;
    let turns = turns(&replicas[1], &id).await.unwrap();
    let mut asked = Vec::new();
    for pair in turns.chunks(2) {
        let text = pair[0].text.strip_suffix('?').unwrap();
        assert_eq!(pair[1].text, format!("{text}."));
        asked.push(text.parse::<u32>().unwrap());
    }
    asked.sort_unstable();
    assert_eq!(asked, (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_conversation_is_bounded_in_length_size_and_time() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let bounds = SessionBounds {
        exchanges: NonZeroUsize::new(3).unwrap(),
        bytes: NonZeroUsize::new(40).unwrap(),
        ..BOUNDS
    };
    let sessions = RedisSessions::new(link(&server, PATIENT), bounds, memory());
    let id = sessions.open().await.unwrap();
    let key = format!("askbook:session:{}", id.as_str());
    for text in ["a", "b", "c", "d"] {
        record(&sessions, &id, text).await;
    }
    assert_eq!(turns(&sessions, &id).await, Some(said(&["b", "c", "d"])));
    // ["efgh?","efgh."] is 17 bytes long, the short ones 11: one more would be 50.
    record(&sessions, &id, "efgh").await;
    assert_eq!(turns(&sessions, &id).await, Some(said(&["c", "d", "efgh"])));
    record(&sessions, &id, "ijkl").await;
    assert_eq!(turns(&sessions, &id).await, Some(said(&["efgh", "ijkl"])));
    record(&sessions, &id, &"too long for the bound".repeat(2)).await;
    assert_eq!(turns(&sessions, &id).await, Some(said(&["efgh", "ijkl"])));

    // Each use begins its time anew.
    for used in [true, false] {
        assert_eq!(server.ask(&["PEXPIRE", &key, "100000"]), "1");
        if used {
            record(&sessions, &id, "m").await;
        } else {
            turns(&sessions, &id).await.unwrap();
        }
        let left: u64 = server.ask(&["PTTL", &key]).parse().unwrap();
        assert!(left > 100_000, "{left} ms");
    }
    assert_eq!(server.ask(&["PEXPIRE", &key, "0"]), "1");
    assert_eq!(turns(&sessions, &id).await, None);
    record(&sessions, &id, "n").await;
    assert_eq!(server.ask(&["EXISTS", &key]), "0");
}

#[tokio::test]
async fn what_others_have_written_under_a_name_is_not_taken_for_a_conversation() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (_, sessions) = replica(&server, PATIENT);
    let id = sessions.open().await.unwrap();
    let key = format!("askbook:session:{}", id.as_str());
    record(&sessions, &id, "a").await;
    server.ask(&["RPUSH", &key, "{\"no\": \"exchange\"}", "[1, 2]"]);
    record(&sessions, &id, "b").await;
    assert_eq!(turns(&sessions, &id).await, Some(said(&["a", "b"])));
    server.ask(&["SET", &key, "no list"]);
    assert_eq!(turns(&sessions, &id).await, None);
    record(&sessions, &id, "c").await;
}

#[tokio::test]
async fn without_redis_conversations_go_on_here_and_move_to_it_when_it_is_back() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let [(link, one), (other_link, other)] = [replica(&server, PATIENT), replica(&server, PATIENT)];
    let before = one.open().await.unwrap();
    record(&one, &before, "a").await;

    server.kill();
    // What was in Redis is unknown, which is no error.
    assert_eq!(turns(&one, &before).await, None);
    link.until(false).await;
    record(&one, &before, "b").await;
    let meanwhile = one.open().await.unwrap();
    record(&one, &meanwhile, "c").await;
    assert_eq!(turns(&one, &meanwhile).await, Some(said(&["c"])));
    assert_eq!(turns(&other, &meanwhile).await, None);
    other_link.until(false).await;
    one.ready().await.unwrap();

    server.restart();
    link.until(true).await;
    other_link.until(true).await;
    assert_eq!(turns(&other, &meanwhile).await, None, "it has not moved yet");
    record(&one, &meanwhile, "d").await;
    assert_eq!(turns(&one, &meanwhile).await, Some(said(&["c", "d"])));
    assert_eq!(turns(&other, &meanwhile).await, Some(said(&["c", "d"])));
    record(&other, &meanwhile, "e").await;
    assert_eq!(turns(&one, &meanwhile).await, Some(said(&["c", "d", "e"])));
    let after = one.open().await.unwrap();
    assert_eq!(turns(&other, &after).await, Some(said(&[])));
}

#[tokio::test]
async fn a_redis_that_hangs_is_left_alone_until_it_answers() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (link, sessions) = replica(&server, Duration::from_millis(100));
    link.until(true).await;
    server.freeze();
    let first = sessions.open().await.unwrap();
    link.until(false).await;
    for text in ["a", "b", "c"] {
        record(&sessions, &first, text).await;
    }
    assert_eq!(turns(&sessions, &first).await, Some(said(&["a", "b", "c"])));
    server.thaw();
    link.until(true).await;
    assert!(sessions.turns(&first).await.unwrap().is_some());
}

#[tokio::test]
async fn a_redis_that_is_full_is_an_outage_and_not_an_error() {
    let Some(server) = RedisServer::start(&["--maxmemory", "1"]) else { return };
    let (link, sessions) = replica(&server, PATIENT);
    link.until(false).await;
    let id = sessions.open().await.unwrap();
    record(&sessions, &id, "a").await;
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    link.until(true).await;
    assert_eq!(turns(&sessions, &id).await, Some(said(&["a"])));
    let key = format!("askbook:session:{}", id.as_str());
    assert_eq!(server.ask(&["EXISTS", &key]), "1");
}

#[tokio::test]
async fn a_redis_that_lets_us_run_no_scripts_is_an_outage_and_not_an_error() {
    let Some(server) = RedisServer::start(&[]) else { return };
    assert_eq!(server.ask(&["ACL", "SETUSER", "default", "-@scripting"]), "OK");
    let (link, sessions) = replica(&server, PATIENT);
    link.until(false).await;
    let id = sessions.open().await.unwrap();
    record(&sessions, &id, "a").await;
    assert_eq!(turns(&sessions, &id).await, Some(said(&["a"])));
}

#[tokio::test]
async fn a_wrong_password_is_an_outage_and_shown_nowhere() {
    let Some(server) = RedisServer::start(&["--requirepass", "right"]) else { return };
    let address = RedisAddress::parse(&server.url(Some("wr0ng-p4ss"))).unwrap();
    let link = RedisLink::new(address, PATIENT).unwrap();
    let sessions = RedisSessions::new(link.clone(), BOUNDS, memory());
    link.until(false).await;
    let id = sessions.open().await.unwrap();
    assert_eq!(turns(&sessions, &id).await, Some(said(&[])));
    let shown = format!("{link:?}");
    assert!(!shown.contains("wr0ng-p4ss"), "{shown}");
}

/// Prints what a conversation takes in Redis.
#[tokio::test]
async fn a_conversation_takes_little_more_than_its_text() {
    use std::io::Write as _;

    let Some(server) = RedisServer::start(&[]) else { return };
    let (_, sessions) = replica(&server, PATIENT);
    let id = sessions.open().await.unwrap();
    let usage = || -> usize {
        let key = format!("askbook:session:{}", id.as_str());
        server.ask(&["MEMORY", "USAGE", &key, "SAMPLES", "0"]).parse().unwrap()
    };
    let empty = usage();
    let text = "x".repeat(500);
    for _ in 0..20 {
        record(&sessions, &id, &text).await;
    }
    let (full, bytes) = (usage(), 20 * 2 * 501);
    let _ = writeln!(
        std::io::stderr(),
        "a conversation in Redis: {empty} bytes when empty, {full} with {bytes} bytes of text"
    );
    assert!(empty <= 256, "{empty}");
    assert!(full <= bytes + bytes / 10 + empty, "{full}");
}
