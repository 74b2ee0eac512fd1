use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::stream;
use uuid::Uuid;

use super::*;
use std::num::NonZeroUsize;

use crate::answer::{Leg, Loss, Mode};
use crate::embedding::{Embedding, Purpose, SparseVector, VectorShape};
use crate::feedback::{Feedback, Miss};
use crate::passage::{Passage, PassageId};
use crate::ports::{Generated, Generation, Ranked, Rankings, Usage};
use crate::prompt::NOT_IN_BOOK;
use crate::question::QuestionLimits;
use crate::session::Role;

const MESSAGE: MessageId = MessageId(Uuid::from_u128(5));

/// Every port at once, as a script: what it answers, and the calls that it saw.
struct Script {
    /// The call that fails, by its first word, and how.
    fails_at: Option<(&'static str, ErrorKind)>,
    found: Vec<Ranked>,
    pieces: Vec<&'static str>,
    /// How the text ends early, if it does.
    breaks_off: Option<ErrorKind>,
    condensed: Option<&'static str>,
    conversation: Option<(SessionId, Vec<Turn>)>,
    calls: Arc<Mutex<Vec<String>>>,
    /// What stands in for the generator...
    stand_in: Option<&'static [&'static str]>,
    /// ...and how it writes.
    stands_in_as: Mode,
}

impl Default for Script {
    /// Finds what answers the question, and has nothing to say.
    fn default() -> Self {
        Self {
            fails_at: None,
            found: vec![hit("a")],
            pieces: Vec::new(),
            breaks_off: None,
            condensed: None,
            conversation: None,
            calls: Arc::default(),
            stand_in: None,
            stands_in_as: Mode::Extractive,
        }
    }
}

impl Script {
    fn call(&self, call: String) -> Result<(), PortError> {
        let fails = self.fails_at.filter(|(failing, _)| call.starts_with(failing));
        self.calls.lock().unwrap().push(call);
        match fails {
            Some((_, kind)) => Err(PortError::new(kind, "scripted")),
            None => Ok(()),
        }
    }
}

fn generation(pieces: &[&str], last: Option<Result<Generated, PortError>>) -> Generation {
    let pieces = pieces.iter().map(|&piece| Ok(Generated::Text(piece.to_owned())));
    Box::pin(stream::iter(pieces.chain(last).collect::<Vec<_>>()))
}

fn end(model: &str) -> Generated {
    let usage = Usage { input_tokens: 3, output_tokens: 2 };
    Generated::End { model: model.to_owned(), usage }
}

/// Writes when the script fails.
struct StandIn(&'static [&'static str], Mode, Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Generator for StandIn {
    fn model(&self) -> &'static str {
        "stand-in"
    }

    fn mode(&self) -> Mode {
        self.1
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        self.2.lock().unwrap().push("stand in".to_owned());
        Ok(generation(self.0, Some(Ok(end("stand-in")))))
    }

    async fn ready(&self) -> Result<(), PortError> {
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
        let embedding = Embedding { dense: None, sparse: Some(SparseVector::default()) };
        Ok(vec![embedding; texts.len()])
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

    /// Nobody is called for it.
    fn admits(&self) -> Result<(), PortError> {
        match self.fails_at {
            Some(("admits", kind)) => Err(PortError::new(kind, "scripted")),
            _ => Ok(()),
        }
    }

    async fn generate(&self, prompt: Prompt) -> Result<Generation, PortError> {
        let (passages, turns) = (prompt.passages.len(), prompt.history.len());
        self.call(format!("generate {passages} passages {turns} turns"))?;
        let last = match self.breaks_off {
            Some(kind) => Some(Err(PortError::new(kind, "scripted"))),
            None => Some(Ok(end("script-1"))),
        };
        Ok(generation(&self.pieces, last))
    }

    async fn condense(&self, follow_up: &FollowUp) -> Result<Option<String>, PortError> {
        self.call(format!("condense {}", follow_up.question.text()))?;
        Ok(self.condensed.map(str::to_owned))
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

#[async_trait]
impl Journal for Script {
    async fn asked(&self, asked: Asked) -> Result<(), PortError> {
        let page = asked.page.unwrap_or_default();
        self.call(format!("note {} {page} {:?}", asked.question, asked.outcome))
    }

    async fn rated(&self, _: Feedback) -> Result<(), PortError> {
        Ok(())
    }

    async fn misses(&self) -> Result<Vec<Miss>, PortError> {
        Ok(Vec::new())
    }
}

fn new_session() -> SessionId {
    SessionId::from_random([1; 16])
}

/// A passage that is about what the reader asks.
fn hit(id: &str) -> Ranked {
    let passage = Passage {
        id: PassageId(id.to_owned()),
        title: "The harbour".to_owned(),
        headings: Vec::new(),
        url: Some(format!("/{id}#open")),
        text: format!("The harbour {id} opens at high tide."),
        edition: None,
    };
    Ranked { passage, score: 1.0 }
}

/// What a model writes about the passage, with the citation cut in two.
const WRITTEN: &[&str] = &["The harbour ", "opens at high tide [", "1]."];
const ANSWER: &str = "The harbour opens at high tide [1].";

struct Run {
    events: Vec<ChatEvent>,
    calls: Vec<String>,
}

impl Run {
    fn answer(&self) -> &Answer {
        match self.events.last() {
            Some(ChatEvent::Done(answer)) => answer,
            other => panic!("the last event is {other:?}"),
        }
    }

    fn shown(&self) -> String {
        let delta = |event: &ChatEvent| match event {
            ChatEvent::Delta(delta) => Some(delta.clone()),
            _ => None,
        };
        self.events.iter().filter_map(delta).collect()
    }

    /// The stage and the kind of the failure, and whether text was shown.
    fn failure(&self) -> Option<(Stage, ErrorKind, bool)> {
        match self.events.last() {
            Some(ChatEvent::Failed { error: ChatError::Port { stage, source }, incomplete }) => {
                Some((*stage, source.kind(), *incomplete))
            }
            _ => None,
        }
    }

    fn called(&self, call: &str) -> bool {
        self.calls.iter().any(|called| called.starts_with(call))
    }
}

fn question(text: &str) -> Question {
    Question::new(text, None, Some("/tides?x=1#y"), QuestionLimits::default()).unwrap()
}

fn chat(script: Script) -> Chat {
    let script = Arc::new(script);
    let mut generators: Vec<Arc<dyn Generator>> = vec![script.clone()];
    if let Some(pieces) = script.stand_in {
        generators.push(Arc::new(StandIn(pieces, script.stands_in_as, Arc::clone(&script.calls))));
    }
    let ports = Ports {
        embedder: script.clone(),
        retriever: script.clone(),
        generators,
        sessions: script.clone(),
        journal: Some(script),
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
    Chat::new(ports, settings)
}

async fn run_in(script: Script, text: &str, conversation: Conversation, delivery: Delivery) -> Run {
    let calls = Arc::clone(&script.calls);
    let ask = Ask { message: MESSAGE, question: question(text), conversation, delivery };
    let events: Vec<ChatEvent> = chat(script).ask(ask).collect().await;
    let is_last =
        |event: &ChatEvent| matches!(event, ChatEvent::Done(_) | ChatEvent::Failed { .. });
    assert_eq!(events.iter().position(is_last), Some(events.len() - 1), "{events:?}");
    let calls = calls.lock().unwrap().clone();
    Run { events, calls }
}

async fn run(script: Script) -> Run {
    run_in(script, "When is the harbour open?", Conversation::new(), Delivery::Streamed).await
}

/// The events but for their content.
fn names(run: &Run) -> Vec<&'static str> {
    let name = |event: &ChatEvent| match event {
        ChatEvent::Accepted { .. } => "accepted",
        ChatEvent::Condensed(_) => "condensed",
        ChatEvent::Embedded => "embedded",
        ChatEvent::Retrieved(_) => "retrieved",
        ChatEvent::Delta(_) => "delta",
        ChatEvent::Citation(_) => "citation",
        ChatEvent::Sources(_) => "sources",
        ChatEvent::Done(_) => "done",
        ChatEvent::Failed { .. } => "failed",
    };
    let mut names: Vec<_> = run.events.iter().map(name).collect();
    names.dedup();
    names
}

#[tokio::test]
async fn each_port_is_asked_once_and_in_order() {
    let found = vec![hit("a"), hit("b")];
    let run = run(Script { found, pieces: WRITTEN.to_vec(), ..Script::default() }).await;
    assert_eq!(
        run.calls,
        [
            "open",
            "embed [\"When is the harbour open?\"] Query sparse vectors",
            "retrieve 30",
            "generate 2 passages 0 turns",
            "record When is the harbour open? / The harbour opens at high tide [1].",
            "note When is the harbour open? /tides Answered",
        ]
    );
    let order = ["accepted", "embedded", "retrieved", "delta", "citation", "sources", "done"];
    assert_eq!(names(&run), order);
    let answer = run.answer();
    assert_eq!((answer.outcome, answer.mode), (Outcome::Answered, Some(Mode::Generated)));
    assert_eq!((answer.text.as_str(), run.shown().as_str()), (ANSWER, ANSWER));
    assert_eq!(answer.sources.len(), 1);
    assert_eq!(answer.sources[0].passage, hit("a").passage);
    assert_eq!(answer.model.as_deref(), Some("script-1"));
    assert_eq!(answer.usage, Usage { input_tokens: 3, output_tokens: 2 });
    assert_eq!((answer.message, &answer.session), (MESSAGE, &Some(new_session())));
    assert_eq!((answer.losses.as_slice(), answer.suggestions.as_slice()), (&[][..], &[][..]));
}

#[tokio::test]
async fn when_nothing_is_found_the_book_does_not_say_and_no_model_is_asked() {
    let run =
        run(Script { found: Vec::new(), pieces: WRITTEN.to_vec(), ..Script::default() }).await;
    assert!(!run.called("generate"), "{:?}", run.calls);
    let answer = run.answer();
    assert_eq!((answer.outcome, answer.mode), (Outcome::NotInBook, None));
    assert_eq!(answer.text, "The book does not say.");
    assert_eq!((&answer.model, answer.usage), (&None, Usage::default()));
    assert!(run.called("note When is the harbour open? /tides NotInBook"), "{:?}", run.calls);
}

#[tokio::test]
async fn when_what_is_found_cannot_answer_the_nearest_pages_are_suggested_and_no_model_is_asked() {
    let away = |id: &str| {
        let mut hit = hit(id);
        hit.passage.title = format!("About {id}");
        hit.passage.text = format!("Nothing to see of {id}.");
        hit
    };
    let mut again = away("b");
    again.passage.id = PassageId("again".to_owned());
    again.passage.text = "The same page.".to_owned();
    let found = vec![away("a"), away("b"), again, away("c"), away("d")];
    let run = run(Script { found, pieces: WRITTEN.to_vec(), ..Script::default() }).await;
    assert!(!run.called("generate"), "{:?}", run.calls);
    assert_eq!(run.answer().outcome, Outcome::NotInBook);
    assert_eq!(run.answer().sources, []);
    let mut pages: Vec<_> =
        run.answer().suggestions.iter().map(|page| (&*page.title, &*page.url)).collect();
    pages.sort_unstable();
    assert_eq!(pages.len(), SUGGESTIONS);
    assert!(pages.windows(2).all(|two| two[0] != two[1]), "{pages:?}");
    assert!(pages.contains(&("About a", "/a")), "{pages:?}");
}

#[tokio::test]
async fn the_refusal_is_recognised_however_it_is_cut_and_never_shown() {
    for pieces in [vec![NOT_IN_BOOK], vec![" [[not ", "in the book]", "]", "\n"]] {
        let run = run(Script { pieces, ..Script::default() }).await;
        assert_eq!(run.shown(), "");
        assert_eq!(run.answer().outcome, Outcome::NotInBook);
        assert_eq!(run.answer().sources, []);
        assert_eq!(run.answer().suggestions[0].url, "/a");
        assert_eq!(run.answer().model.as_deref(), Some("script-1"));
    }
}

#[tokio::test]
async fn an_answer_that_nothing_supports_is_not_from_the_book_and_is_never_shown() {
    for text in ["The harbour opens at high tide.", "The harbour opens at high tide [2]."] {
        let run = run(Script { pieces: vec![text], ..Script::default() }).await;
        assert_eq!((run.answer().outcome, run.shown().as_str()), (Outcome::NotInBook, ""));
        assert_eq!(run.answer().text, "The book does not say.");
        assert_eq!(run.answer().usage, Usage { input_tokens: 3, output_tokens: 2 });
    }
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
        let fails_at = Some((call, ErrorKind::Unavailable));
        let run = run(Script { fails_at, ..Script::default() }).await;
        assert_eq!(run.failure(), Some((stage, ErrorKind::Unavailable, false)));
        assert_eq!(run.calls.len(), calls, "{:?}", run.calls);
    }
}

#[tokio::test]
async fn nothing_is_paid_for_when_no_generator_would_write() {
    let closed = || Some(("admits", ErrorKind::Unavailable));
    let run_alone = run(Script { fails_at: closed(), ..Script::default() }).await;
    assert_eq!(run_alone.failure(), Some((Stage::Generate, ErrorKind::Unavailable, false)));
    assert_eq!(run_alone.calls, ["open"]);
    let stand_in = Some(WRITTEN);
    let with_stand_in = run(Script { fails_at: closed(), stand_in, ..Script::default() }).await;
    assert_eq!(with_stand_in.answer().text, ANSWER);
}

#[tokio::test]
async fn an_empty_answer_is_a_failure_and_not_recorded() {
    for pieces in [vec![], vec![" \n"]] {
        let run = run(Script { pieces, ..Script::default() }).await;
        assert_eq!(run.failure(), Some((Stage::Generate, ErrorKind::Malformed, false)));
        assert!(!run.called("record") && !run.called("note"), "{:?}", run.calls);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_half_way_stays_incomplete_and_is_not_recorded() {
    let pieces = vec![ANSWER, " And th"];
    let breaks_off = Some(ErrorKind::Unavailable);
    let stand_in = Some(WRITTEN);
    let run = run(Script { pieces, breaks_off, stand_in, ..Script::default() }).await;
    assert_eq!(run.failure(), Some((Stage::Generate, ErrorKind::Unavailable, true)));
    assert!(run.shown().starts_with("The harbour opens"), "{}", run.shown());
    assert!(!run.called("stand in") && !run.called("record"), "{:?}", run.calls);
}

#[tokio::test]
async fn a_generator_that_fails_before_anything_is_shown_is_replaced() {
    let kinds = [ErrorKind::Unavailable, ErrorKind::RateLimited, ErrorKind::Misconfigured];
    let lost = [Some("generate"), None];
    for (kind, fails_at) in kinds.into_iter().zip(lost.into_iter().cycle()) {
        let script = Script {
            fails_at: fails_at.map(|call| (call, kind)),
            pieces: vec!["The harbour op"],
            breaks_off: Some(kind),
            stand_in: Some(WRITTEN),
            ..Script::default()
        };
        let run = run(script).await;
        let answer = run.answer();
        assert_eq!((answer.mode, answer.text.as_str()), (Some(Mode::Extractive), ANSWER));
        assert_eq!(answer.losses, [Loss { leg: Leg::Generator, reason: Some(kind) }]);
        assert_eq!(answer.model.as_deref(), Some("stand-in"));
        assert!(run.called("record"), "{:?}", run.calls);
    }
}

#[tokio::test]
async fn a_whole_answer_is_saved_from_a_loss_half_way() {
    let script = Script {
        pieces: vec![ANSWER, " And th"],
        breaks_off: Some(ErrorKind::Timeout),
        stand_in: Some(WRITTEN),
        ..Script::default()
    };
    let text = "When is the harbour open?";
    let run = run_in(script, text, Conversation::new(), Delivery::Whole).await;
    assert_eq!((run.answer().text.as_str(), run.shown().as_str()), (ANSWER, ANSWER));
    assert_eq!(run.answer().mode, Some(Mode::Extractive));
}

#[tokio::test]
async fn a_second_model_may_refuse() {
    let script = Script {
        fails_at: Some(("generate", ErrorKind::Misconfigured)),
        stand_in: Some(&[NOT_IN_BOOK]),
        stands_in_as: Mode::Generated,
        ..Script::default()
    };
    let run = run(script).await;
    assert_eq!((run.answer().outcome, run.answer().losses.len()), (Outcome::NotInBook, 1));
}

#[tokio::test]
async fn an_answer_without_end_is_none() {
    let pieces = [WRITTEN, &vec![" And more."; 7_000]].concat();
    let run = run(Script { pieces, ..Script::default() }).await;
    assert_eq!(run.failure(), Some((Stage::Generate, ErrorKind::Malformed, true)));
    assert!(!run.called("record"), "{:?}", run.calls);
}

#[tokio::test]
async fn who_quotes_in_place_of_a_model_and_finds_nothing_does_not_say_that_there_is_nothing() {
    let script = Script {
        fails_at: Some(("generate", ErrorKind::RateLimited)),
        stand_in: Some(&[NOT_IN_BOOK]),
        ..Script::default()
    };
    let run = run(script).await;
    assert!(run.called("stand in"));
    assert_eq!(run.failure(), Some((Stage::Generate, ErrorKind::RateLimited, false)));
}

#[tokio::test]
async fn who_declines_for_the_content_is_not_replaced() {
    let script = Script {
        fails_at: Some(("generate", ErrorKind::Blocked)),
        stand_in: Some(WRITTEN),
        ..Script::default()
    };
    let run = run(script).await;
    assert_eq!(run.failure(), Some((Stage::Generate, ErrorKind::Blocked, false)));
    assert!(!run.called("stand in"), "{:?}", run.calls);
}

#[tokio::test]
async fn an_answer_that_could_not_be_recorded_or_noted_is_given_all_the_same() {
    for (fails, recorded) in [("nothing", true), ("record", false), ("note", true)] {
        let fails_at = Some((fails, ErrorKind::Unavailable));
        let run = run(Script { fails_at, pieces: WRITTEN.to_vec(), ..Script::default() }).await;
        assert_eq!((run.answer().recorded, run.answer().text.as_str()), (recorded, ANSWER));
    }
}

fn turns() -> Vec<Turn> {
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    vec![turn(Role::Reader, "Is there a harbour?"), turn(Role::Book, "Yes.")]
}

fn resumed(id: &SessionId, history: Vec<Turn>) -> Conversation {
    Conversation { session: Session::Resumed(id.clone()), history }
}

fn accepted(run: &Run) -> (Option<SessionId>, bool) {
    match &run.events[0] {
        ChatEvent::Accepted { message: MESSAGE, session, restarted } => {
            (session.clone(), *restarted)
        }
        other => panic!("the first event is {other:?}"),
    }
}

#[tokio::test]
async fn a_follow_up_is_condensed_and_searched_for_in_both_wordings() {
    let id = SessionId::from_random([2; 16]);
    let script = Script {
        pieces: WRITTEN.to_vec(),
        condensed: Some("When is the harbour open?"),
        conversation: Some((id.clone(), turns())),
        ..Script::default()
    };
    let run = run_in(script, "And when is it open?", resumed(&id, vec![]), Delivery::Whole).await;
    assert_eq!(accepted(&run), (Some(id), false));
    assert_eq!(run.calls[0], "condense And when is it open?");
    let both = "embed [\"When is the harbour open?\", \"And when is it open?\"]";
    assert!(run.calls[1].starts_with(both), "{:?}", run.calls);
    assert!(run.called("generate 1 passages 2 turns"), "{:?}", run.calls);
    assert!(run.called("record And when is it open? / "), "{:?}", run.calls);
    let condensed = |event: &ChatEvent| matches!(event, ChatEvent::Condensed(text) if text == "When is the harbour open?");
    assert!(run.events.iter().any(condensed));
}

#[tokio::test]
async fn without_a_model_to_condense_it_a_follow_up_is_searched_for_with_what_was_asked_before() {
    for fails_at in [None, Some(("condense", ErrorKind::Timeout))] {
        let reason = fails_at.map(|(_, kind)| kind);
        let lost = reason.map(|_| Loss { leg: Leg::Generator, reason });
        let script = Script { fails_at, pieces: WRITTEN.to_vec(), ..Script::default() };
        let conversation = Conversation { session: Session::New, history: turns() };
        let run = run_in(script, "When is it open?", conversation, Delivery::Whole).await;
        let condensed = run.events.iter().find_map(|event| match event {
            ChatEvent::Condensed(text) => Some(text.as_str()),
            _ => None,
        });
        assert!(condensed.is_some_and(|text| text.contains("harbour")), "{condensed:?}");
        assert_eq!(run.answer().outcome, Outcome::Answered);
        assert_eq!(run.answer().losses, lost.into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_unknown_or_foreign_conversation_is_begun_anew_and_says_so() {
    let unknown = Session::Resumed(SessionId::from_random([3; 16]));
    for session in [unknown, Session::Foreign] {
        let conversation = Conversation { session, history: Vec::new() };
        let run = run_in(Script::default(), "Why?", conversation, Delivery::Streamed).await;
        assert_eq!(accepted(&run), (Some(new_session()), true));
    }
}

#[tokio::test]
async fn a_stateless_conversation_is_read_and_not_remembered() {
    let script = Script { pieces: WRITTEN.to_vec(), ..Script::default() };
    let conversation = Conversation { session: Session::Stateless, history: turns() };
    let text = "When is the harbour open?";
    let run = run_in(script, text, conversation, Delivery::Streamed).await;
    assert_eq!(accepted(&run), (None, false));
    assert!(run.called("generate 1 passages 2 turns"), "{:?}", run.calls);
    assert!(!run.called("open") && !run.called("record"), "{:?}", run.calls);
    assert_eq!((&run.answer().session, run.answer().recorded), (&None, false));
}

#[tokio::test]
async fn what_the_client_says_was_said_counts_where_nothing_is_remembered() {
    let id = SessionId::from_random([2; 16]);
    for (remembered, turns_read) in [(Vec::new(), 2), ([turns(), turns()].concat(), 4)] {
        let script = Script { conversation: Some((id.clone(), remembered)), ..Script::default() };
        let conversation = resumed(&id, turns());
        let text = "When is the harbour open?";
        let run = run_in(script, text, conversation, Delivery::Streamed).await;
        let read = format!("generate 1 passages {turns_read} turns");
        assert!(run.called(&read), "{:?}", run.calls);
    }
}

#[tokio::test]
async fn the_prompt_can_be_seen_without_asking_a_generator() {
    let script = Script::default();
    let calls = Arc::clone(&script.calls);
    let ask = Ask::once(MESSAGE, question("When is the harbour open?"));
    let prompt = chat(script).prompt(ask).await.unwrap();
    assert_eq!((prompt.mark, prompt.passages.len()), (MESSAGE, 1));
    assert!(!calls.lock().unwrap().iter().any(|call| call.starts_with("generate")));
}
