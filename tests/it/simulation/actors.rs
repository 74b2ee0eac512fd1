//! The ports of a scene: what they do follows from its seed.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askbook::answer::Mode;
use askbook::chat::{Chat, ChatSettings, Ports};
use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::follow_up::FollowUp;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{
    ChatSession, Embedder, Generated, Generation, Generator, Ledger, Ranked, Rankings, Retriever,
    Usage,
};
use askbook::prompt::{NOT_IN_BOOK, Prompt};
use askbook::search::SearchSettings;
use askbook::session::{Exchange, SessionId, Turn};
use askbook::spend::{Ceiling, Ceilings, Charge, MeteredEmbedder, MeteredGenerator, Most, Price};
use askbook_guard::{
    Concurrency, Guard, GuardSettings, GuardedEmbedder, GuardedGenerator, GuardedRetriever,
};
use askbook_memory::{MemoryLedger, MemorySessions, SessionLimits};
use async_stream::try_stream;
use async_trait::async_trait;
use fastrand::Rng;
use tokio::time::{Instant, sleep};

const SENTENCE: &str = "The harbour is open at high tide and closed at low tide";

/// What is called of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Condense,
    Embed,
    Retrieve,
    Write,
    StandIn,
    Record,
}

impl Call {
    /// Whether it costs the owner something.
    pub(super) fn is_paid(self) -> bool {
        matches!(self, Self::Condense | Self::Embed | Self::Write)
    }
}

/// What all the ports of one seed share.
pub(super) struct Scene {
    rng: Mutex<Rng>,
    /// In this part of its calls, a port does something else than its work.
    trouble: f64,
    began: Mutex<Option<Instant>>,
    calls: Mutex<Vec<(Duration, u64, Call)>>,
    /// Those whose question has ended.
    gone: Mutex<Vec<u64>>,
    /// How many calls may be paid for.
    ceiling: Option<u64>,
    ledger: Arc<MemoryLedger>,
    /// Of what embeds, finds and writes.
    guards: [Guard; 3],
    pub(super) sessions: MemorySessions,
}

impl Scene {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5EED);
        let few = NonZeroUsize::new(16).unwrap();
        let limits = SessionLimits { ttl: Duration::from_hours(1), exchanges: few, bytes: 1 << 20 };
        let ceiling = rng.bool().then(|| rng.u64(..10));
        let calls = Ceiling { calls: ceiling, ..Ceiling::default() };
        let ceilings = Ceilings { day: calls, ..Ceilings::default() };
        let one = NonZeroUsize::MIN;
        let most = NonZeroUsize::new(rng.usize(2..5)).unwrap();
        let guard = GuardSettings {
            failures: NonZeroU32::new(rng.u32(1..6)).unwrap(),
            patience: Duration::from_secs(2),
            concurrency: Concurrency { least: one, first: most, most },
        };
        Self {
            trouble: [0.0, 0.1, 0.3, 0.8][rng.usize(..4)],
            ceiling,
            ledger: Arc::new(MemoryLedger::with_clock(ceilings, Arc::new(|| 1_000_000_000))),
            guards: ["embeds", "finds", "writes"].map(|upstream| Guard::new(upstream, guard)),
            rng: Mutex::new(rng),
            began: Mutex::new(None),
            calls: Mutex::new(Vec::new()),
            gone: Mutex::new(Vec::new()),
            sessions: MemorySessions::new(limits),
        }
    }

    /// A chat over the ports of this scene, for one question.
    pub(super) fn chat(self: &Arc<Self>, asker: u64) -> Chat {
        let actor = |call| Arc::new(Actor { scene: Arc::clone(self), asker, call });
        let (ledger, price) = (|| Arc::clone(&self.ledger) as Arc<_>, Price::default());
        let [embeds, finds, writes] = self.guards.clone();
        let embedder = MeteredEmbedder::new(actor(Call::Embed), ledger(), price);
        let most = Most { answer: 1_000, condensed: 100 };
        let model = MeteredGenerator::new(actor(Call::Write), ledger(), price, most);
        let ports = Ports {
            embedder: Arc::new(GuardedEmbedder::new(Arc::new(embedder), embeds)),
            retriever: Arc::new(GuardedRetriever::new(actor(Call::Retrieve), finds)),
            generators: vec![
                Arc::new(GuardedGenerator::new(Arc::new(model), writes)),
                actor(Call::StandIn),
            ],
            sessions: actor(Call::Record),
            journal: None,
        };
        let some = NonZeroUsize::new(2).unwrap();
        let settings = ChatSettings {
            search: SearchSettings { passages: some, per_page: some, tokens: 1_000 },
            history_tokens: 500,
            refusal: "The book does not say.".to_owned(),
        };
        Chat::new(ports, settings)
    }

    /// Notes that nobody waits for this question any more.
    pub(super) fn leave(&self, asker: u64) {
        self.gone.lock().unwrap().push(asker);
    }

    /// As many calls were paid for as the owner allows, and all of them are accounted for.
    pub(super) async fn check_spending(&self) {
        let Some(ceiling) = self.ceiling else { return };
        let mut spent = self.calls().iter().filter(|(_, _, call)| call.is_paid()).count();
        while self.ledger.reserve(Charge { calls: 1, ..Charge::default() }).await.is_ok() {
            spent += 1;
        }
        assert_eq!(u64::try_from(spent), Ok(ceiling), "paid for, and left to pay for");
    }

    /// All that was called, in order, with when and for which question.
    pub(super) fn calls(&self) -> Vec<(Duration, u64, Call)> {
        self.calls.lock().unwrap().clone()
    }
}

/// Lets virtual time pass.
#[expect(clippy::disallowed_methods, reason = "nobody waits: the clock is paused")]
async fn pass(time: Duration) {
    sleep(time).await;
}

/// A port, for one question.
struct Actor {
    scene: Arc<Scene>,
    asker: u64,
    /// What it is there for.
    call: Call,
}

/// What a port does in place of its work.
enum Trouble {
    Fails(ErrorKind),
    Hangs,
    BreaksOff(ErrorKind),
}

impl Actor {
    /// Begins a call: nobody may who waits no more.
    fn begin(&self, call: Call) {
        assert!(!self.scene.gone.lock().unwrap().contains(&self.asker), "{call:?} for nobody");
        let now = Instant::now();
        let began = *self.scene.began.lock().unwrap().get_or_insert(now);
        self.scene.calls.lock().unwrap().push((now - began, self.asker, call));
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.scene.rng.lock().unwrap())
    }

    fn trouble(&self) -> Option<Trouble> {
        const KINDS: [ErrorKind; 7] = [
            ErrorKind::Unavailable,
            ErrorKind::Timeout,
            ErrorKind::RateLimited,
            ErrorKind::Unauthorized,
            ErrorKind::Misconfigured,
            ErrorKind::Blocked,
            ErrorKind::Malformed,
        ];
        let trouble = self.scene.trouble;
        self.draw(|rng| {
            let kind = KINDS[rng.usize(..KINDS.len())];
            (rng.f64() < trouble).then(|| match rng.u8(..4) {
                0 => Trouble::Hangs,
                1 => Trouble::BreaksOff(kind),
                _ => Trouble::Fails(kind),
            })
        })
    }

    /// Takes its time, and perhaps comes to nothing. Gives how the rest will break off, if so.
    async fn work(&self) -> Result<Option<ErrorKind>, PortError> {
        let pause = self.draw(|rng| Duration::from_millis(rng.u64(..400)));
        pass(pause).await;
        match self.trouble() {
            None => Ok(None),
            Some(Trouble::BreaksOff(kind)) => Ok(Some(kind)),
            Some(Trouble::Fails(kind)) => Err(PortError::new(kind, "scripted")),
            Some(Trouble::Hangs) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Embedder for Actor {
    fn space(&self) -> &'static str {
        "scene"
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::sparse()
    }

    async fn embed(
        &self,
        texts: &[String],
        _: Purpose,
        _: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        self.begin(Call::Embed);
        self.work().await?;
        Ok(vec![Embedding::default(); texts.len()])
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Retriever for Actor {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        self.begin(Call::Retrieve);
        self.work().await?;
        let passage = Passage {
            id: PassageId("tides".to_owned()),
            title: "Harbour".to_owned(),
            headings: Vec::new(),
            url: Some("/docs/harbour".to_owned()),
            text: format!("{SENTENCE}."),
            edition: None,
        };
        let lexical = Some(vec![Ranked { passage, score: 3.0 }]);
        Ok(Rankings { dense: None, lexical })
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.work().await?;
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Generator for Actor {
    fn model(&self) -> &'static str {
        "scene"
    }

    fn mode(&self) -> Mode {
        if self.call == Call::StandIn { Mode::Extractive } else { Mode::Generated }
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        self.begin(self.call);
        let breaks_off = self.work().await?;
        let (refuses, pause) = self.draw(|rng| (rng.u8(..8) == 0, rng.u64(..300)));
        let pieces: &[&str] = if refuses {
            &[NOT_IN_BOOK]
        } else {
            &["The harbour is open", " at high tide [1]. It is", " closed at low tide [1]."]
        };
        let kept = breaks_off.map_or(pieces.len(), |_| self.draw(|rng| rng.usize(..pieces.len())));
        Ok(Box::pin(try_stream! {
            for piece in &pieces[..kept] {
                pass(Duration::from_millis(pause)).await;
                yield Generated::Text((*piece).to_owned());
            }
            if let Some(kind) = breaks_off {
                Err(PortError::new(kind, "scripted"))?;
            }
            yield Generated::End { model: "scene".to_owned(), usage: Usage::default() };
        }))
    }

    async fn condense(&self, _: &FollowUp) -> Result<Option<String>, PortError> {
        self.begin(Call::Condense);
        self.work().await?;
        Ok(Some("When is the harbour closed?".to_owned()))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// The conversations of the scene; now and then they cannot be had.
#[async_trait]
impl ChatSession for Actor {
    async fn open(&self) -> Result<SessionId, PortError> {
        self.work().await?;
        self.scene.sessions.open().await
    }

    async fn turns(&self, id: &SessionId) -> Result<Option<Vec<Turn>>, PortError> {
        self.work().await?;
        self.scene.sessions.turns(id).await
    }

    async fn record(&self, id: &SessionId, exchange: Exchange) -> Result<(), PortError> {
        self.begin(Call::Record);
        self.work().await?;
        self.scene.sessions.record(id, exchange).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}
