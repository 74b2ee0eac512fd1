use std::num::NonZeroUsize;
use std::time::Duration;

use askbook::ports::Threads as _;
use askbook::session::{MessageId, SessionId};
use askbook::thread::{Head, Item, Owner, Visitor};
use askbook_redis::{RedisLink, RedisThreads, SessionBounds};

use crate::server::RedisServer;
use crate::{BOUNDS, PATIENT, link, threads_here};

/// One of several processes that share a Redis.
fn replica(server: &RedisServer) -> (RedisLink, RedisThreads) {
    let link = link(server, PATIENT);
    (link.clone(), RedisThreads::new(link, BOUNDS, threads_here()))
}

fn head(number: u8) -> Head {
    Head {
        id: SessionId::from_random([number; 16]),
        owner: Owner::of("anna"),
        open: false,
        begun: u64::from(number),
        title: "Threads".to_owned(),
    }
}

fn item(number: u8, content: &str) -> Item {
    let id = MessageId(uuid::Uuid::from_bytes([number; 16]));
    Item { id, content: content.to_owned() }
}

fn anna() -> Visitor {
    Visitor::Known(Owner::of("anna"))
}

async fn put(threads: &RedisThreads, of: u8, item: Item) -> bool {
    threads.put(&anna(), &head(of).id, item).await.unwrap()
}

async fn contents(threads: &RedisThreads, of: u8) -> Option<Vec<String>> {
    let thread = threads.get(&anna(), &head(of).id).await.unwrap()?;
    Some(thread.items.into_iter().map(|item| item.content).collect())
}

async fn listed(threads: &RedisThreads) -> Vec<u64> {
    let heads = threads.list(&Owner::of("anna")).await.unwrap();
    heads.into_iter().map(|head| head.begun).collect()
}

fn expire(server: &RedisServer, key: &str, after: &str) {
    assert_eq!(server.ask(&["PEXPIRE", key, after]), "1");
}

#[tokio::test]
async fn a_thread_is_continued_at_another_process() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let [(_, one), (_, other)] = [replica(&server), replica(&server)];
    one.begin(head(1)).await.unwrap();
    assert!(put(&one, 1, item(1, "a")).await);
    assert!(put(&other, 1, item(2, "b")).await);
    assert_eq!(contents(&one, 1).await.unwrap(), ["a", "b"]);
    assert_eq!(listed(&other).await, [1]);
}

#[tokio::test]
async fn a_thread_is_bounded_in_length_size_and_time() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (exchanges, bytes) = (NonZeroUsize::new(2).unwrap(), NonZeroUsize::new(150).unwrap());
    let bounds = SessionBounds { exchanges, bytes, ..BOUNDS };
    let threads = RedisThreads::new(link(&server, PATIENT), bounds, threads_here());
    threads.begin(head(1)).await.unwrap();
    for (number, text) in (1..).zip(["a", "b", "c", "d", "e"]) {
        put(&threads, 1, item(number, text)).await;
    }
    assert_eq!(contents(&threads, 1).await.unwrap(), ["b", "c", "d", "e"]);
    // An entry is 32 bytes longer than its text.
    put(&threads, 1, item(5, &"e".repeat(50))).await;
    assert_eq!(contents(&threads, 1).await.unwrap(), ["c", "d", &"e".repeat(50)]);
    put(&threads, 1, item(6, &"too long".repeat(20))).await;
    assert_eq!(contents(&threads, 1).await.unwrap(), ["c", "d", &"e".repeat(50)]);

    let thread = format!("askbook:thread:{}", head(1).id.as_str());
    let owned = format!("askbook:threads:{}", Owner::of("anna").as_str());
    // Each use begins its time anew.
    for used in 0..4 {
        for key in [&thread, &owned] {
            expire(&server, key, "100000");
        }
        match used {
            0 => _ = contents(&threads, 1).await,
            1 => _ = put(&threads, 1, item(7, "f")).await,
            2 => _ = threads.rename(&anna(), &head(1).id, "New").await.unwrap(),
            _ => _ = threads.truncate(&anna(), &head(1).id, item(7, "").id).await.unwrap(),
        }
        for key in [&thread, &owned] {
            let left: u64 = server.ask(&["PTTL", key]).parse().unwrap();
            assert!(left > 100_000, "{used}: {left} ms");
        }
    }
    expire(&server, &thread, "0");
    assert_eq!(contents(&threads, 1).await, None);
    assert!(!put(&threads, 1, item(8, "g")).await);
    assert_eq!(listed(&threads).await, [0; 0]);
    assert_eq!(server.ask(&["EXISTS", &owned]), "0", "the list of what is over is not kept");
}

#[tokio::test]
async fn what_others_have_written_under_a_name_is_not_taken_for_a_thread() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (_, threads) = replica(&server);
    threads.begin(head(1)).await.unwrap();
    put(&threads, 1, item(1, "a")).await;
    let key = format!("askbook:thread:{}", head(1).id.as_str());
    server.ask(&["RPUSH", &key, "short", &"no hexadecimal digits".repeat(3), &"ß".repeat(40)]);
    assert_eq!(contents(&threads, 1).await.unwrap(), ["a"]);
    server.ask(&["LSET", &key, "0", "{\"no\": \"head\"}"]);
    assert_eq!(contents(&threads, 1).await, None);
    assert!(!put(&threads, 1, item(2, "b")).await);
    assert_eq!(listed(&threads).await, [0; 0]);
}

#[tokio::test]
async fn a_token_is_not_in_redis() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (_, threads) = replica(&server);
    let owner = Owner::of("s3cret-visitor");
    threads.begin(Head { owner: owner.clone(), ..head(1) }).await.unwrap();
    let keys = server.ask(&["KEYS", "askbook:threads:*"]);
    assert!(keys.contains(owner.as_str()) && !keys.contains("s3cret"), "{keys}");
    let key = format!("askbook:thread:{}", head(1).id.as_str());
    assert!(!server.ask(&["LINDEX", &key, "0"]).contains("s3cret"));
}

#[tokio::test]
async fn without_redis_threads_go_on_here_and_stay_here() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let [(link, one), (_, other)] = [replica(&server), replica(&server)];
    one.begin(head(1)).await.unwrap();
    put(&one, 1, item(1, "a")).await;

    server.kill();
    // What was in Redis is unknown, which is no error.
    assert_eq!(contents(&one, 1).await, None);
    link.until(false).await;
    one.begin(head(2)).await.unwrap();
    assert!(put(&one, 2, item(2, "b")).await);
    assert_eq!(listed(&one).await, [2]);

    server.restart();
    link.until(true).await;
    one.begin(head(3)).await.unwrap();
    assert_eq!(listed(&one).await, [3, 2]);
    assert!(put(&one, 2, item(3, "c")).await);
    assert_eq!(contents(&one, 2).await.unwrap(), ["b", "c"]);
    let id = head(2).id;
    assert!(one.truncate(&anna(), &id, item(2, "").id).await.unwrap());
    assert!(one.rename(&anna(), &id, "New").await.unwrap());
    assert_eq!(contents(&other, 2).await, None);
    assert!(one.remove(&anna(), &id).await.unwrap());
    assert_eq!(listed(&one).await, [3]);
}

#[tokio::test]
async fn a_redis_that_hangs_is_left_alone_until_it_answers() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let link = link(&server, Duration::from_millis(100));
    let threads = RedisThreads::new(link.clone(), BOUNDS, threads_here());
    link.until(true).await;
    server.freeze();
    threads.begin(head(1)).await.unwrap();
    assert!(put(&threads, 1, item(1, "a")).await);
    assert_eq!(contents(&threads, 1).await.unwrap(), ["a"]);
    server.thaw();
    link.until(true).await;
    assert_eq!(contents(&threads, 1).await.unwrap(), ["a"]);
}
