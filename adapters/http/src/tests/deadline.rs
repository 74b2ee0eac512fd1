//! A request that something hangs for, in virtual time.

use std::num::NonZeroU32;

use askbook_guard::{
    Concurrency, Guard, GuardSettings, GuardedEmbedder, GuardedGenerator, GuardedRetriever,
};
use tokio::time::Instant;

use super::cancel::{Place, follow_up, hanging};
use super::*;

const DEADLINE: Duration = Duration::from_mins(1);
/// By how much an answer may be late.
const GRACE: Duration = Duration::from_millis(50);

const PLACES: [Place; 5] =
    [Place::Condensing, Place::Embedding, Place::Retrieving, Place::Prompting, Place::Writing];

/// Asks an app over these ports a follow-up; the code of the problem, and how long that took.
async fn ask(ports: Ports, path: &str) -> (String, Duration) {
    let app = app(Chat::new(ports, chat_settings()), &settings());
    let began = Instant::now();
    let reply = send(&app, post(path, follow_up())).await;
    let took = began.elapsed();
    let problem = match path {
        "/chat" => reply.json(),
        _ => events(&reply.text).pop().unwrap()["problem"].clone(),
    };
    assert_eq!(problem["status"], 504, "{problem}");
    (problem["code"].as_str().unwrap().to_owned(), took)
}

#[tokio::test(start_paused = true)]
async fn whatever_hangs_the_deadline_is_kept_told_to_all_ports_and_nothing_comes_after_it() {
    for (path, at) in PLACES.iter().flat_map(|at| [("/chat", *at), ("/chat/stream", *at)]) {
        let (ports, hanging) = hanging(at);
        let due = (Instant::now() + DEADLINE).into_std();
        let (code, took) = ask(ports, path).await;
        assert_eq!(code, "deadline_exceeded", "{path} {at:?}");
        assert!((DEADLINE..=DEADLINE + GRACE).contains(&took), "{path} {at:?}: {took:?}");
        assert!(hanging.is_over(), "{path} {at:?}");
        let passed = PLACES.into_iter().position(|place| place == at).unwrap() + 1;
        let mut told = hanging.deadlines.lock().unwrap().clone();
        told.dedup();
        let all: Vec<_> = PLACES[..passed].iter().map(|place| (*place, Some(due))).collect();
        assert_eq!(told, all);
    }
}

#[tokio::test(start_paused = true)]
async fn a_guard_gives_up_earlier_so_that_there_is_time_for_something_else() {
    for (at, took) in [
        (Place::Embedding, DEADLINE / 2),
        (Place::Retrieving, DEADLINE / 2),
        (Place::Prompting, DEADLINE * 9 / 10),
        (Place::Writing, DEADLINE * 9 / 10),
    ] {
        let (ports, hanging) = hanging(at);
        let calls = NonZeroUsize::new(4).unwrap();
        let guard = Guard::new(
            "peer",
            GuardSettings {
                failures: NonZeroU32::MIN,
                patience: GRACE,
                concurrency: Concurrency { least: calls, first: calls, most: calls },
            },
        );
        let model = ports.generators[0].clone();
        let ports = Ports {
            embedder: Arc::new(GuardedEmbedder::new(ports.embedder, guard.clone())),
            retriever: Arc::new(GuardedRetriever::new(ports.retriever, guard.clone())),
            generators: vec![Arc::new(GuardedGenerator::new(model, guard))],
            ..ports
        };
        assert_eq!(ask(ports, "/chat").await, ("upstream_timeout".to_owned(), took), "{at:?}");
        assert!(hanging.is_over(), "{at:?}");
        let begun = usize::from(matches!(at, Place::Prompting | Place::Writing));
        assert_eq!(hanging.generations.load(Ordering::Relaxed), begun, "{at:?}");
    }
}
