use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::stream;

use super::*;
use std::num::NonZeroUsize;

use crate::embedding::{Embedding, Purpose, SparseVector, VectorShape};
use crate::passage::{Passage, PassageId};
use crate::ports::{Generation, Ranked, Rankings};
use crate::question::QuestionLimits;
use crate::session::Role;

/// Every port at once, as a script: what it answers, and the calls that it saw.
#[derive(Default)]
struct Script {
    /// The call that fails, by its first word.
    fails_at: Option<&'static str>,
    found: Vec<Ranked>,
    pieces: Vec<&'static str>,
    breaks_off: bool,
    conversation: Option<(SessionId, Vec<Turn>)>,
    calls: Mutex<Vec<String>>,
}

impl Script {
    fn call(&self, call: String) -> Result<(), PortError> {
        let fails = self.fails_at.is_some_and(|failing| call.starts_with(failing));
        self.calls.lock().unwrap().push(call);
        if fails {
            return Err(PortError::new(ErrorKind::Unavailable, "scripted"));
        }
        Ok(())
    }
}

#[async_trait]
impl Embedder for Script {
    fn space(&self) -> &'static str {
        "script"
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::sparse()
    }

    async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        self.call(format!("embed {texts:?} {purpose:?} {shape}"))?;
        Ok(vec![Embedding { dense: None, sparse: Some(SparseVector::default()) }])
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Retriever for Script {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, limit: NonZeroUsize) -> Result<Rankings, PortError> {
        self.call(format!("retrieve {limit}"))?;
        Ok(Rankings { dense: None, lexical: Some(self.found.clone()) })
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.call(format!("passages {}", ids.len()))?;
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Generator for Script {
    fn model(&self) -> &'static str {
        "script"
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let (passages, turns) = (prompt.passages.len(), prompt.history.len());
        self.call(format!("generate {passages} passages {turns} turns"))?;
        let pieces = self.pieces.iter().map(|&piece| Ok(Generated::Text(piece.to_owned())));
        let usage = Usage { input_tokens: 3, output_tokens: 2 };
        let end = Ok(Generated::End { model: "script-1".to_owned(), usage });
        let last = if self.breaks_off { None } else { Some(end) };
        Ok(Box::pin(stream::iter(pieces.chain(last).collect::<Vec<_>>())))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl ChatSession for Script {
    async fn open(&self) -> Result<SessionId, PortError> {
        self.call("open".to_owned())?;
        Ok(new_session())
    }

    async fn turns(&self, id: &SessionId) -> Result<Option<Vec<Turn>>, PortError> {
        let known = self.conversation.iter().find(|(known, _)| known == id);
        Ok(known.map(|(_, turns)| turns.clone()))
    }

    async fn record(&self, _: &SessionId, exchange: Exchange) -> Result<(), PortError> {
        self.call(format!("record {} / {}", exchange.question, exchange.answer))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn new_session() -> SessionId {
    SessionId::from_random([1; 16])
}

/// A passage that is about what the reader has picked.
fn hit(text: &str) -> Ranked {
    let passage = Passage {
        id: PassageId(text.to_owned()),
        title: "Picked".to_owned(),
        headings: Vec::new(),
        url: Some(format!("/{text}")),
        text: text.to_owned(),
        edition: None,
    };
    Ranked { passage, score: 1.0 }
}

struct Run {
    events: Vec<Result<ChatEvent, ChatError>>,
    calls: Vec<String>,
}

impl Run {
    fn answer(&self) -> &Answer {
        match self.events.last() {
            Some(Ok(ChatEvent::Done(answer))) => answer,
            other => panic!("the last event is {other:?}"),
        }
    }

    fn deltas(&self) -> Vec<&str> {
        let delta = |event| match event {
            &Ok(ChatEvent::Delta(ref delta)) => Some(delta.as_str()),
            _ => None,
        };
        self.events.iter().filter_map(delta).collect()
    }

    fn failed_at(&self) -> Option<Stage> {
        match self.events.last() {
            Some(Err(ChatError::Port { stage, .. })) => Some(*stage),
            _ => None,
        }
    }
}

async fn run(script: Script, session: Option<SessionId>) -> Run {
    let script = Arc::new(script);
    let ports = Ports {
        embedder: script.clone(),
        retriever: script.clone(),
        generator: script.clone(),
        sessions: script.clone(),
    };
    let settings = ChatSettings {
        search: SearchSettings {
            passages: NonZeroUsize::new(4).unwrap(),
            per_page: NonZeroUsize::new(2).unwrap(),
            tokens: 1_000,
        },
        history_tokens: 1_000,
        refusal: "The book does not say.".to_owned(),
    };
    let limits = QuestionLimits::default();
    let question = Question::new("Why?", Some("picked"), None, limits).unwrap();
    let events = Chat::new(ports, settings).ask(question, session).collect().await;
    let calls = script.calls.lock().unwrap().clone();
    Run { events, calls }
}

#[tokio::test]
async fn each_port_is_asked_once_and_in_order() {
    let script = Script {
        found: vec![hit("a"), hit("b")],
        pieces: vec!["So [2]", "."],
        ..Script::default()
    };
    let run = run(script, None).await;
    assert_eq!(
        run.calls,
        [
            "open",
            "embed [\"Why?\\npicked\"] Query sparse vectors",
            "retrieve 30",
            "generate 2 passages 0 turns",
            "record Why? / So [2].",
        ]
    );
    assert_eq!(run.deltas(), ["So [2]", "."]);
    let answer = run.answer();
    assert_eq!((answer.outcome, answer.text.as_str()), (Outcome::Answered, "So [2]."));
    assert_eq!(answer.sources.len(), 1);
    assert_eq!(answer.sources[0].passage, hit("b").passage);
    assert_eq!(answer.model.as_deref(), Some("script-1"));
    assert_eq!(answer.usage, Usage { input_tokens: 3, output_tokens: 2 });
    assert_eq!(answer.session, new_session());
}

#[tokio::test]
async fn when_nothing_is_found_the_book_does_not_say_and_no_model_is_asked() {
    let run = run(Script { pieces: vec!["invented"], ..Script::default() }, None).await;
    assert!(!run.calls.iter().any(|call| call.starts_with("generate")), "{:?}", run.calls);
    let answer = run.answer();
    assert_eq!(answer.outcome, Outcome::NotInBook);
    assert_eq!(answer.text, "The book does not say.");
    assert_eq!((&answer.model, answer.usage), (&None, Usage::default()));
}

#[tokio::test]
async fn when_what_is_found_cannot_answer_no_model_is_asked() {
    let mut other = hit("a");
    other.passage.title = "Page".to_owned();
    let script = Script { found: vec![other], pieces: vec!["x [1]"], ..Script::default() };
    let run = run(script, None).await;
    assert!(!run.calls.iter().any(|call| call.starts_with("generate")), "{:?}", run.calls);
    assert_eq!(run.answer().outcome, Outcome::NotInBook);
    let found = run.events.iter().find_map(|event| match event {
        Ok(ChatEvent::Retrieved(found)) => Some(found),
        _ => None,
    });
    let found = found.expect("what was found");
    assert!(found.passages.is_empty() && !found.evidence.sufficient);
    assert_eq!(found.candidates.len(), 1);
}

#[tokio::test]
async fn the_refusal_is_recognised_however_it_is_cut_and_never_shown() {
    for pieces in [vec![NOT_IN_BOOK], vec![" [[not ", "in the book]", "]", "\n"]] {
        let script = Script { found: vec![hit("a")], pieces, ..Script::default() };
        let run = run(script, None).await;
        assert_eq!(run.deltas(), Vec::<&str>::new());
        assert_eq!(run.answer().outcome, Outcome::NotInBook);
        assert_eq!(run.answer().sources, []);
        assert_eq!(run.answer().model.as_deref(), Some("script-1"));
    }
}

#[tokio::test]
async fn an_answer_that_cites_no_passage_is_not_from_the_book() {
    for text in ["Because.", "Because [2]."] {
        let script = Script { found: vec![hit("a")], pieces: vec![text], ..Script::default() };
        let run = run(script, None).await;
        assert_eq!(run.answer().outcome, Outcome::NotInBook);
        assert_eq!(run.answer().text, "The book does not say.");
        assert_eq!(run.answer().usage, Usage { input_tokens: 3, output_tokens: 2 });
    }
}

#[tokio::test]
async fn what_only_begins_like_the_refusal_is_shown_whole() {
    let pieces = vec!["[[not", " that] [1]"];
    let script = Script { found: vec![hit("a")], pieces, ..Script::default() };
    let run = run(script, None).await;
    assert_eq!(run.deltas(), ["[[not that] [1]"]);
    assert_eq!(run.answer().outcome, Outcome::Answered);
}

#[tokio::test]
async fn a_failed_port_ends_the_chat_with_its_stage_and_nothing_after_it_is_asked() {
    let stages = [
        ("open", Stage::Session),
        ("embed", Stage::Embed),
        ("retrieve", Stage::Retrieve),
        ("generate", Stage::Generate),
    ];
    for (calls, (call, stage)) in (1..).zip(stages) {
        let script = Script { fails_at: Some(call), found: vec![hit("a")], ..Script::default() };
        let run = run(script, None).await;
        assert_eq!(run.failed_at(), Some(stage));
        assert_eq!(run.calls.len(), calls, "{:?}", run.calls);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_empty_is_a_failure_and_not_recorded() {
    for (pieces, breaks_off) in [(vec!["Half an"], true), (vec![], false), (vec![" \n"], false)] {
        let script = Script { found: vec![hit("a")], pieces, breaks_off, ..Script::default() };
        let run = run(script, None).await;
        assert_eq!(run.failed_at(), Some(Stage::Generate));
        assert!(!run.calls.iter().any(|call| call.starts_with("record")), "{:?}", run.calls);
    }
}

#[tokio::test]
async fn an_answer_that_could_not_be_recorded_is_given_all_the_same() {
    for (fails_at, recorded) in [(None, true), (Some("record"), false)] {
        let script =
            Script { fails_at, found: vec![hit("a")], pieces: vec!["x [1]"], ..Script::default() };
        assert_eq!(run(script, None).await.answer().recorded, recorded);
    }
}

#[tokio::test]
async fn a_known_conversation_goes_on() {
    let id = SessionId::from_random([2; 16]);
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let turns = vec![turn(Role::Reader, "Hm?"), turn(Role::Book, "Yes.")];
    let script = Script {
        found: vec![hit("a")],
        pieces: vec!["x [1]"],
        conversation: Some((id.clone(), turns)),
        ..Script::default()
    };
    let run = run(script, Some(id.clone())).await;
    assert!(matches!(
        &run.events[0],
        Ok(ChatEvent::Accepted { session, restarted: false }) if *session == id
    ));
    assert!(run.calls.contains(&"generate 1 passages 2 turns".to_owned()), "{:?}", run.calls);
}

#[tokio::test]
async fn an_unknown_conversation_is_begun_anew_and_says_so() {
    let run = run(Script::default(), Some(SessionId::from_random([3; 16]))).await;
    assert!(matches!(
        &run.events[0],
        Ok(ChatEvent::Accepted { session, restarted: true }) if *session == new_session()
    ));
    assert_eq!(run.answer().session, new_session());
}
