use super::*;

const LIMITS: SessionLimits = SessionLimits {
    ttl: Duration::from_hours(1),
    exchanges: NonZeroUsize::new(2).unwrap(),
    bytes: 1 << 20,
};

fn exchange(text: &str) -> Exchange {
    Exchange { question: text.to_owned(), answer: text.to_owned() }
}

async fn texts(sessions: &MemorySessions, id: &SessionId) -> Option<Vec<String>> {
    let turns = sessions.turns(id).await.unwrap()?;
    Some(turns.into_iter().step_by(2).map(|turn| turn.text).collect())
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_forgotten_when_nobody_used_it_for_its_time() {
    let sessions = MemorySessions::new(LIMITS);
    let [used, unused] = [sessions.open().await.unwrap(), sessions.open().await.unwrap()];
    tokio::time::advance(Duration::from_mins(59)).await;
    assert!(sessions.turns(&used).await.unwrap().is_some());
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(sessions.turns(&used).await.unwrap().is_some());
    assert_eq!(sessions.turns(&unused).await.unwrap(), None);
}

#[tokio::test]
async fn the_newest_exchanges_are_kept() {
    let sessions = MemorySessions::new(LIMITS);
    let id = sessions.open().await.unwrap();
    for text in ["a", "b", "c"] {
        sessions.record(&id, exchange(text)).await.unwrap();
    }
    assert_eq!(texts(&sessions, &id).await.unwrap(), ["b", "c"]);
}

#[tokio::test]
async fn when_memory_is_full_the_longest_unused_conversation_goes() {
    let sessions = MemorySessions::new(SessionLimits { bytes: 2 * OVERHEAD + 20, ..LIMITS });
    let [first, second] = [sessions.open().await.unwrap(), sessions.open().await.unwrap()];
    sessions.record(&second, exchange("0123456789")).await.unwrap();
    assert!(texts(&sessions, &first).await.is_some());
    sessions.record(&first, exchange("x")).await.unwrap();
    assert_eq!(texts(&sessions, &second).await, None);
    assert_eq!(texts(&sessions, &first).await.unwrap(), ["x"]);
}

#[tokio::test]
async fn the_bytes_are_counted_exactly() {
    let sessions = MemorySessions::new(LIMITS);
    let id = sessions.open().await.unwrap();
    for text in ["four", "five5", "sixsix"] {
        sessions.record(&id, exchange(text)).await.unwrap();
    }
    assert_eq!(sessions.kept().bytes, OVERHEAD + 2 * (5 + 6));
}

#[tokio::test]
async fn an_exchange_that_is_larger_than_all_memory_is_not_kept() {
    let sessions = MemorySessions::new(SessionLimits { bytes: OVERHEAD + 10, ..LIMITS });
    let id = sessions.open().await.unwrap();
    sessions.record(&id, exchange("longer than that")).await.unwrap();
    assert_eq!(texts(&sessions, &id).await, None);
    assert_eq!(sessions.kept().bytes, 0);
}

/// What can happen to the conversations.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open,
    /// Something is recorded in the conversation that was opened as the nth.
    Record(usize),
    Read(usize),
    /// Half of the time passes after which what is unused is forgotten.
    Wait,
}

const STEPS: [Step; 6] =
    [Step::Open, Step::Record(0), Step::Record(1), Step::Read(0), Step::Read(1), Step::Wait];

/// The same rules without any care for speed: which conversation, what is in it, and when it
/// was used; the last one used comes last.
#[derive(Default)]
struct Model {
    kept: Vec<(usize, Vec<String>, u32)>,
    opened: usize,
    now: u32,
}

impl Model {
    fn step(&mut self, step: Step) -> Option<Vec<String>> {
        self.kept.retain(|(_, _, used)| self.now - used < 2);
        let of = match step {
            Step::Wait => {
                self.now += 1;
                return None;
            }
            Step::Open => {
                self.kept.push((self.opened, Vec::new(), self.now));
                self.opened += 1;
                self.opened - 1
            }
            Step::Record(of) | Step::Read(of) => of,
        };
        let at = self.kept.iter().position(|(name, ..)| *name == of)?;
        let (_, mut said, _) = self.kept.remove(at);
        if let Step::Record(_) = step {
            said.push(format!("{:04}", self.now));
            said = said.split_off(said.len().saturating_sub(LIMITS.exchanges.get()));
        }
        self.kept.push((of, said.clone(), self.now));
        let bytes = |(_, said, _): &(_, Vec<String>, _)| OVERHEAD + 8 * said.len();
        while self.kept.iter().map(bytes).sum::<usize>() > ROOM {
            self.kept.remove(0);
        }
        Some(said)
    }
}

/// For two conversations with three exchanges.
const ROOM: usize = 2 * OVERHEAD + 3 * 8;

/// One lock is held from the beginning to the end of each call, so that calls of several
/// threads have no other orders than these.
#[tokio::test(start_paused = true)]
async fn every_order_of_calls_leaves_what_the_rules_say() {
    const LENGTH: u32 = 6;
    for number in 0..STEPS.len().pow(LENGTH) {
        let sessions = MemorySessions::new(SessionLimits { bytes: ROOM, ..LIMITS });
        let (mut model, mut ids) = (Model::default(), Vec::new());
        let steps = (0..LENGTH).map(|at| STEPS[number / STEPS.len().pow(at) % STEPS.len()]);
        let steps: Vec<Step> = [Step::Open, Step::Open].into_iter().chain(steps).collect();
        for step in steps.iter().copied() {
            let text = format!("{:04}", model.now);
            let expected = model.step(step);
            match step {
                Step::Open => ids.push(sessions.open().await.unwrap()),
                Step::Record(of) => sessions.record(&ids[of], exchange(&text)).await.unwrap(),
                Step::Read(of) => {
                    assert_eq!(texts(&sessions, &ids[of]).await, expected, "{steps:?}");
                }
                Step::Wait => tokio::time::advance(LIMITS.ttl / 2).await,
            }
        }
        let kept = sessions.kept();
        model.kept.retain(|(_, _, used)| model.now - used < 2);
        let said = |(name, said, _): &(usize, Vec<String>, u32)| (ids[*name].clone(), said.len());
        let expected: Vec<_> = model.kept.iter().rev().map(said).collect();
        let in_fact = kept.conversations.iter();
        let length = |said: &Said| match said {
            Said::Exchanges(exchanges) => exchanges.len(),
            Said::Thread(_) => unreachable!(),
        };
        let in_fact: Vec<_> = in_fact.map(|(id, is)| (id.clone(), length(&is.said))).collect();
        assert_eq!(in_fact, expected, "{steps:?}");
        let bytes = expected.iter().map(|(_, exchanges)| OVERHEAD + 8 * exchanges).sum::<usize>();
        assert_eq!(kept.bytes, bytes, "{steps:?}");
    }
}
