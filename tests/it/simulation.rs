//! The core, with its meters and guards, among ports that are slow, fail, hang and break off, as a
//! seed decides, in virtual time.
//!
//! A seed plays one scene: a few readers ask in conversations of their own or in a common one,
//! and some of them leave. What must hold whatever happens is checked at each event and at the
//! end. A failure names its seed, and `SIMULATION_SEED=n` plays that one alone.

mod actors;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askbook::answer::{Mode, Outcome};
use askbook::chat::{Ask, Chat, Delivery};
use askbook::event::ChatEvent;
use askbook::ports::ChatSession;
use askbook::question::{Question, QuestionLimits};
use askbook::session::{Conversation, Exchange, MessageId, Role, Session, SessionId, Turn};
use fastrand::Rng;
use futures_util::future::join_all;
use futures_util::{StreamExt, pin_mut};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use actors::{Call, Scene};

const SEEDS: u64 = 10_000;

/// Longer than anything that a reader waits for.
const DEADLINE: Duration = Duration::from_secs(30);

const QUESTIONS: [&str; 4] = [
    "When is the harbour open?",
    "and when is it closed?",
    "Is the harbour open at high tide?",
    "How do I bake sourdough bread?",
];

/// How a reader's wait ended.
#[derive(Debug, PartialEq)]
enum End {
    /// The answer is complete.
    Done {
        outcome: Outcome,
        /// A model wrote it, or something stood in.
        mode: Option<Mode>,
        /// What the conversation was told, if it took it.
        recorded: Option<Exchange>,
    },
    Failed {
        /// Text was shown.
        incomplete: bool,
    },
    /// The reader left.
    Left,
}

#[test]
fn whatever_the_ports_do_the_chat_keeps_its_promises() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        play(seed.parse().unwrap());
        return;
    }
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let tally = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for first in 0..workers {
            let tally = &tally;
            scope.spawn(move || {
                for seed in (0..SEEDS).skip(first).step_by(workers) {
                    let ends = std::panic::catch_unwind(|| play(seed));
                    let ends = ends.unwrap_or_else(|_| panic!("SIMULATION_SEED={seed} fails"));
                    for end in ends {
                        *tally.lock().unwrap().entry(end).or_insert(0) += 1;
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    let _ = writeln!(std::io::stderr(), "{SEEDS} seeds: {tally:?}");
    let ends = ["answered", "failed", "failed midway", "left", "not in book", "quoted"];
    assert!(tally.keys().eq(&ends), "not all that can happen does: {tally:?}");
}

#[test]
fn a_seed_plays_the_same_scene_again() {
    let script = |seed| {
        let scene = Arc::new(Scene::new(seed));
        run(seed, &scene);
        scene.calls().into_iter().map(|(at, _, call)| (at, call)).collect::<Vec<_>>()
    };
    let scripts: Vec<_> = (0..50).map(script).collect();
    assert_eq!(scripts, (0..50).map(script).collect::<Vec<_>>());
    assert!(scripts.windows(2).any(|pair| pair[0] != pair[1]), "seeds differ");
}

/// Plays the scene of this seed. Gives how its questions ended.
fn play(seed: u64) -> Vec<&'static str> {
    run(seed, &Arc::new(Scene::new(seed)))
}

fn run(seed: u64, scene: &Arc<Scene>) -> Vec<&'static str> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let mut rng = Rng::with_seed(seed);
        let common = scene.sessions.open().await.unwrap();
        let readers = (0..rng.u64(1..4)).map(|reader| {
            let own = rng.bool();
            read(reader, rng.fork(), Arc::clone(scene), (!own).then(|| common.clone()))
        });
        let asked: Vec<(SessionId, Vec<End>)> =
            join_all(readers.collect::<Vec<_>>()).await.into_iter().flatten().collect();
        check_conversations(scene, &asked).await;
        scene.check_spending().await;
        asked.iter().flat_map(|(_, ends)| ends).map(End::name).collect()
    })
}

impl End {
    fn name(&self) -> &'static str {
        match self {
            Self::Done { mode: Some(Mode::Extractive), .. } => "quoted",
            Self::Done { outcome: Outcome::Answered, .. } => "answered",
            Self::Done { outcome: Outcome::NotInBook, .. } => "not in book",
            Self::Failed { incomplete: true } => "failed midway",
            Self::Failed { incomplete: false } => "failed",
            Self::Left => "left",
        }
    }
}

/// What one reader does: asks a few questions, one after the other. Gives the conversations with
/// how each of their questions ended.
async fn read(
    reader: u64,
    mut rng: Rng,
    scene: Arc<Scene>,
    mut session: Option<SessionId>,
) -> Vec<(SessionId, Vec<End>)> {
    let mut asked: Vec<(SessionId, Vec<End>)> = Vec::new();
    for number in 0..rng.u64(1..4) {
        let turn = reader * 10 + number;
        let chat = scene.chat(turn);
        let question = QUESTIONS[rng.usize(..QUESTIONS.len())];
        let patience = match rng.u8(..3) {
            0 => Duration::from_millis(rng.u64(..2_000)),
            _ => DEADLINE,
        };
        let delivery = if rng.bool() { Delivery::Streamed } else { Delivery::Whole };
        let wanted = session.clone().map_or(Session::New, Session::Resumed);
        let ask = Ask {
            message: MessageId(Uuid::from_u128(u128::from(turn) + 1)),
            question: Question::new(question, None, None, QuestionLimits::default()).unwrap(),
            conversation: Conversation { session: wanted, history: Vec::new() },
            delivery,
        };
        let (began, end) = follow(&chat, ask, question, patience).await;
        scene.leave(turn);
        check_calls(&scene, turn, &end);
        if let Some(id) = began {
            match asked.iter_mut().find(|(known, _)| *known == id) {
                Some((_, ends)) => ends.push(end),
                None => asked.push((id.clone(), vec![end])),
            }
            session = Some(id);
        }
    }
    asked
}

/// Follows one answer for as long as the reader waits. Gives the conversation, and how it ended.
async fn follow(
    chat: &Chat,
    ask: Ask,
    question: &str,
    patience: Duration,
) -> (Option<SessionId>, End) {
    let leaves = Instant::now() + patience;
    let whole = ask.delivery == Delivery::Whole;
    let events = chat.ask(ask);
    pin_mut!(events);
    let (mut session, mut shown, mut steps) = (None, String::new(), Vec::new());
    loop {
        let Ok(event) = timeout_at(leaves, events.next()).await else {
            return (session, End::Left);
        };
        let event = event.unwrap_or_else(|| panic!("no end after {steps:?}"));
        steps.push(rank(&event));
        assert!(steps.is_sorted(), "out of order: {steps:?}");
        let end = match event {
            ChatEvent::Accepted { session: id, .. } => {
                session = id;
                continue;
            }
            ChatEvent::Delta(text) => {
                assert!(!text.is_empty(), "an empty delta");
                shown += &text;
                continue;
            }
            ChatEvent::Done(answer) => {
                if answer.outcome == Outcome::Answered {
                    assert_eq!(answer.text, shown, "the deltas are the answer");
                    assert!(!answer.sources.is_empty(), "an answer cites something");
                } else {
                    assert!(shown.is_empty() && answer.sources.is_empty(), "{answer:?}");
                }
                let exchange =
                    Exchange { question: question.to_owned(), answer: answer.text.clone() };
                let recorded = answer.recorded.then_some(exchange);
                End::Done { outcome: answer.outcome, mode: answer.mode, recorded }
            }
            ChatEvent::Failed { incomplete, .. } => {
                assert_eq!(incomplete, !shown.is_empty(), "says whether text was shown");
                assert!(!(whole && incomplete), "a whole answer is shown when it is complete");
                End::Failed { incomplete }
            }
            _ => continue,
        };
        assert!(events.next().await.is_none(), "something comes after the end");
        return (session, end);
    }
}

/// The place of an event in their order.
fn rank(event: &ChatEvent) -> u8 {
    match event {
        ChatEvent::Accepted { .. } => 0,
        ChatEvent::Condensed(_) => 1,
        ChatEvent::Embedded => 2,
        ChatEvent::Retrieved(_) => 3,
        ChatEvent::Delta(_) | ChatEvent::Citation(_) => 4,
        ChatEvent::Sources(_) => 5,
        ChatEvent::Done(_) | ChatEvent::Failed { .. } => 6,
    }
}

/// What was called for one question: each paid call once, and none in vain.
fn check_calls(scene: &Scene, asker: u64, end: &End) {
    let calls: Vec<Call> = scene
        .calls()
        .into_iter()
        .filter_map(|(_, by, call)| (by == asker).then_some(call))
        .collect();
    let count = |wanted: Call| calls.iter().filter(|call| **call == wanted).count();
    assert!(count(Call::Condense) <= 1 && count(Call::Embed) <= 1, "{calls:?}");
    assert!(count(Call::Write) <= 1 && count(Call::StandIn) <= 1, "{calls:?}");
    let written = count(Call::Write).max(count(Call::StandIn));
    assert!(written <= count(Call::Retrieve), "written from nothing: {calls:?}");
    assert!(count(Call::Record) <= 1, "{calls:?}");
    if matches!(end, End::Failed { .. }) {
        assert_eq!(count(Call::Record), 0, "a failure is recorded: {calls:?}");
    }
}

/// A conversation holds whole exchanges, and all those that it said it took.
async fn check_conversations(scene: &Scene, asked: &[(SessionId, Vec<End>)]) {
    for (id, _) in asked {
        let turns: Vec<Turn> = scene.sessions.turns(id).await.unwrap().unwrap_or_default();
        let pairs = turns.chunks(2);
        let held: Vec<Exchange> = pairs
            .map(|pair| match pair {
                [question, answer]
                    if (question.role, answer.role) == (Role::Reader, Role::Book) =>
                {
                    let (question, answer) = (question.text.clone(), answer.text.clone());
                    Exchange { question, answer }
                }
                torn => panic!("a torn exchange: {torn:?}"),
            })
            .collect();
        let ends = || asked.iter().filter(|(of, _)| of == id).flat_map(|(_, ends)| ends);
        let recorded = ends().filter_map(|end| match end {
            End::Done { recorded, .. } => recorded.as_ref(),
            _ => None,
        });
        let mut rest = held.clone();
        for exchange in recorded {
            let at = rest.iter().position(|held| held == exchange);
            rest.remove(at.unwrap_or_else(|| panic!("{exchange:?} is not among {held:?}")));
        }
        // Who leaves at the last moment may be recorded all the same.
        let left = ends().filter(|end| **end == End::Left).count();
        let unsaid = ends().filter(|end| matches!(end, End::Done { recorded: None, .. })).count();
        assert!(rest.len() <= left + unsaid, "{rest:?} was never answered");
    }
}
