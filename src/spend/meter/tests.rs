mod counting;

use std::sync::Mutex;

use futures_util::stream;
use uuid::Uuid;

use super::*;
use crate::passage::{Hit, Passage, PassageId, Scores};
use crate::question::QuestionLimits;
use crate::session::{MessageId, Role};

/// Notes what is set aside and what it has cost.
#[derive(Default)]
struct Notes {
    reserved: Mutex<Vec<Charge>>,
    settled: Mutex<Vec<Charge>>,
    exhausted: bool,
}

impl Notes {
    fn taken(&self) -> (Vec<Charge>, Vec<Charge>) {
        let take = |notes: &Mutex<Vec<Charge>>| std::mem::take(&mut *notes.lock().unwrap());
        (take(&self.reserved), take(&self.settled))
    }
}

#[async_trait]
impl Ledger for Notes {
    async fn reserve(&self, charge: Charge) -> Result<Reservation, PortError> {
        self.ready().await?;
        self.reserved.lock().unwrap().push(charge);
        Ok(Reservation { id: Uuid::nil(), charge, at: 0 })
    }

    async fn settle(&self, _: Reservation, cost: Charge) -> Result<(), PortError> {
        self.settled.lock().unwrap().push(cost);
        Ok(())
    }

    async fn ready(&self) -> Result<(), PortError> {
        if self.exhausted {
            return Err(PortError::new(ErrorKind::Exhausted, "the ceiling"));
        }
        Ok(())
    }
}

/// A model that writes this, and may fail before or after that.
struct Model {
    mode: Mode,
    pieces: Vec<Generated>,
    refuses: Option<ErrorKind>,
    breaks_off: bool,
    calls: Mutex<usize>,
}

impl Model {
    fn writing(pieces: Vec<Generated>) -> Self {
        let mode = Mode::Generated;
        Self { mode, pieces, refuses: None, breaks_off: false, calls: Mutex::new(0) }
    }

    fn call(&self) -> Result<(), PortError> {
        *self.calls.lock().unwrap() += 1;
        self.refuses.map_or(Ok(()), |kind| Err(PortError::new(kind, "scripted")))
    }
}

#[async_trait]
impl Generator for Model {
    fn model(&self) -> &'static str {
        "model"
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        self.call()?;
        let last = self.breaks_off.then(|| Err(PortError::new(ErrorKind::Unavailable, "reset")));
        let pieces: Vec<_> = self.pieces.iter().cloned().map(Ok).chain(last).collect();
        Ok(Box::pin(stream::iter(pieces)))
    }

    async fn condense(&self, _: &FollowUp) -> Result<Option<String>, PortError> {
        self.call()?;
        Ok(self.pieces.first().map(|_| "condensed".to_owned()))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Embedder for Model {
    fn space(&self) -> &'static str {
        "space"
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
        self.call()?;
        Ok(vec![Embedding::default(); texts.len()])
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// Per token, in millionths: read 2, written 10.
const PRICE: Price = Price { input: 2_000_000, output: 10_000_000 };
const MOST: Most = Most { answer: 4_000, condensed: 500 };
const THE_CALL: Charge = Charge { calls: 1, tokens: 0, money: 0 };

fn metered(model: Model) -> (MeteredGenerator, Arc<Model>, Arc<Notes>) {
    let (model, notes) = (Arc::new(model), Arc::<Notes>::default());
    let ledger: Arc<dyn Ledger> = Arc::clone(&notes) as _;
    (MeteredGenerator::new(Arc::clone(&model) as _, ledger, PRICE, MOST), model, notes)
}

fn text(text: &str) -> Generated {
    Generated::Text(text.to_owned())
}

fn end(input_tokens: u64, output_tokens: u64) -> Generated {
    Generated::End { model: "model".to_owned(), usage: Usage { input_tokens, output_tokens } }
}

fn question() -> Question {
    Question::new("When is it open?", None, None, QuestionLimits::default()).unwrap()
}

fn prompt(passages: usize) -> Prompt {
    let passage = Passage {
        id: PassageId("tides".to_owned()),
        title: "Tides".to_owned(),
        headings: vec!["When the harbour is open".to_owned()],
        url: None,
        text: "The harbour is open to ships at high tide. ".repeat(20),
        edition: None,
    };
    let hit = Hit { passage, scores: Scores::default() };
    let turn = Turn { role: Role::Reader, text: "Is there a harbour?".to_owned() };
    Prompt {
        mark: MessageId(Uuid::from_u128(7)),
        question: question(),
        standalone: None,
        passages: vec![hit; passages],
        history: vec![turn],
    }
}

fn follow_up() -> FollowUp {
    let Prompt { mark, question, history, .. } = prompt(0);
    FollowUp { mark, question, history }
}

#[test]
fn what_is_set_aside_is_more_than_the_prompt_has() {
    for passages in [0, 1, 12] {
        let prompt = prompt(passages);
        let rendered = prompt.render();
        let real = tokens(rendered.system) + tokens(&rendered.user);
        let estimated = prompt_tokens(&prompt);
        assert!((real..real + TEMPLATE).contains(&estimated), "{estimated} for {real}");
    }
    let rendered = follow_up().render();
    let FollowUp { history, question, .. } = follow_up();
    let estimated = TEMPLATE + conversation_tokens(&history, &question);
    assert!(estimated >= tokens(rendered.system) + tokens(&rendered.user));
}

#[tokio::test]
async fn an_answer_costs_what_its_end_reports() {
    let (generator, _, notes) = metered(Model::writing(vec![text("a"), end(100, 10)]));
    let mut pieces = generator.generate(prompt(1)).await.unwrap();
    let input = 2 * prompt_tokens(&prompt(1)) as u64;
    assert_eq!(notes.taken(), (vec![PRICE.of(input, 4_000)], vec![]));
    assert_eq!(pieces.next().await.unwrap().unwrap(), text("a"));
    assert_eq!(notes.taken(), (vec![], vec![]));
    assert_eq!(pieces.next().await.unwrap().unwrap(), end(100, 10));
    let cost = Charge { calls: 1, tokens: 110, money: 300 };
    assert_eq!(notes.taken(), (vec![], vec![cost]), "nobody need ask for more");
    assert!(pieces.next().await.is_none());
}

#[tokio::test]
async fn what_nobody_reports_stays_as_it_was_set_aside() {
    let reset = || Model { breaks_off: true, ..Model::writing(vec![text("a")]) };
    let early = || Model { breaks_off: true, ..Model::writing(vec![]) };
    let silent = || Model::writing(vec![text("a"), end(0, 0)]);
    for model in [reset(), early(), silent()] {
        let (generator, _, notes) = metered(model);
        generator.generate(prompt(1)).await.unwrap().collect::<Vec<_>>().await;
        assert_eq!(notes.taken().1, []);
    }
    let (generator, _, notes) = metered(Model::writing(vec![text("a"), end(1, 1)]));
    let mut dropped = generator.generate(prompt(1)).await.unwrap();
    dropped.next().await.unwrap().unwrap();
    drop(dropped);
    assert_eq!(notes.taken().1, []);
}

#[tokio::test]
async fn a_call_that_failed_before_anything_was_billed_costs_the_call() {
    let embeds = |model, notes| MeteredEmbedder::new(model, notes, PRICE);
    for (kind, costs) in [
        (ErrorKind::Unavailable, Some(THE_CALL)),
        (ErrorKind::RateLimited, Some(THE_CALL)),
        (ErrorKind::Unauthorized, Some(THE_CALL)),
        (ErrorKind::Misconfigured, Some(THE_CALL)),
        (ErrorKind::Rejected, Some(THE_CALL)),
        (ErrorKind::Exhausted, Some(Charge::default())),
        (ErrorKind::Timeout, None),
        (ErrorKind::Blocked, None),
        (ErrorKind::Malformed, None),
    ] {
        let costs = Vec::from_iter(costs);
        let failing = Model { refuses: Some(kind), ..Model::writing(vec![text("a"), end(1, 1)]) };
        let (generator, model, notes) = metered(failing);
        assert_eq!(generator.generate(prompt(1)).await.err().unwrap().kind(), kind);
        assert_eq!(notes.taken().1, costs, "{kind}");
        assert_eq!(generator.condense(&follow_up()).await.unwrap_err().kind(), kind);
        assert_eq!(notes.taken().1, costs, "{kind}");
        let embedder = embeds(model, Arc::clone(&notes) as _);
        let query = ["one".to_owned()];
        let result = embedder.embed(&query, Purpose::Query, VectorShape::sparse()).await;
        assert_eq!(result.unwrap_err().kind(), kind);
        assert_eq!(notes.taken().1, costs, "{kind}");
    }
}

#[tokio::test]
async fn a_condensed_question_counts_as_it_was_set_aside() {
    let (generator, _, notes) = metered(Model::writing(vec![text("a")]));
    assert!(generator.condense(&follow_up()).await.unwrap().is_some());
    let (reserved, settled) = notes.taken();
    assert!(reserved[0].tokens > 500 && reserved[0].tokens < 4_000, "{reserved:?}");
    assert_eq!(settled, []);

    let (cannot, _, notes) = metered(Model::writing(vec![]));
    assert_eq!(cannot.condense(&follow_up()).await.unwrap(), None);
    assert_eq!(notes.taken().1, [Charge::default()], "nobody was asked");
}

#[tokio::test]
async fn what_only_quotes_is_free() {
    let quotes = Model { mode: Mode::Extractive, ..Model::writing(vec![text("a"), end(0, 0)]) };
    let (model, notes) =
        (Arc::new(quotes), Arc::new(Notes { exhausted: true, ..Notes::default() }));
    let generator = MeteredGenerator::new(model, Arc::clone(&notes) as _, PRICE, MOST);
    assert!(generator.ready().await.is_ok());
    assert!(generator.generate(prompt(1)).await.is_ok());
    assert!(generator.condense(&follow_up()).await.is_ok());
    assert_eq!(notes.taken(), (vec![], vec![]));
}

#[tokio::test]
async fn embedding_a_question_costs_its_tokens_and_a_passage_nothing() {
    let (model, notes) = (Arc::new(Model::writing(vec![])), Arc::<Notes>::default());
    let embedder = MeteredEmbedder::new(model, Arc::clone(&notes) as _, PRICE);
    let shape = VectorShape::sparse();
    let texts = ["eight to".to_owned(), "four".to_owned()];
    embedder.embed(&texts, Purpose::Query, shape).await.unwrap();
    let charge = |tokens| Charge { calls: 1, tokens, money: 2 * tokens };
    assert_eq!(notes.taken(), (vec![charge(6)], vec![charge(3)]));
    embedder.embed(&texts, Purpose::Passage, shape).await.unwrap();
    embedder.embed(&[], Purpose::Query, shape).await.unwrap();
    assert_eq!(notes.taken(), (vec![], vec![]));
}

#[tokio::test]
async fn at_the_ceiling_no_call_is_made_and_it_is_not_ready() {
    let model = Arc::new(Model::writing(vec![text("a"), end(1, 1)]));
    let notes = Arc::new(Notes { exhausted: true, ..Notes::default() });
    let generator =
        MeteredGenerator::new(Arc::clone(&model) as _, Arc::clone(&notes) as _, PRICE, MOST);
    let embedder = MeteredEmbedder::new(Arc::clone(&model) as _, notes, PRICE);
    let texts = ["one".to_owned()];
    let result = embedder.embed(&texts, Purpose::Query, VectorShape::sparse()).await;
    for error in [
        generator.generate(prompt(1)).await.err(),
        generator.condense(&follow_up()).await.err(),
        generator.ready().await.err(),
        result.err(),
        embedder.ready().await.err(),
        embedder.serves().await.err(),
    ] {
        assert_eq!(error.unwrap().kind(), ErrorKind::Exhausted);
    }
    assert_eq!(*model.calls.lock().unwrap(), 0);
}

/// A ledger that cannot be written to.
struct Away;

#[async_trait]
impl Ledger for Away {
    async fn reserve(&self, _: Charge) -> Result<Reservation, PortError> {
        Err(PortError::new(ErrorKind::Unavailable, "the disk is full"))
    }

    async fn settle(&self, _: Reservation, _: Charge) -> Result<(), PortError> {
        self.ready().await
    }

    async fn ready(&self) -> Result<(), PortError> {
        Err(PortError::new(ErrorKind::Unavailable, "the disk is full"))
    }
}

#[tokio::test]
async fn a_ledger_that_is_out_of_order_stops_calls_and_is_no_failure_of_the_model() {
    let model = Arc::new(Model::writing(vec![text("a"), end(1, 1)]));
    let embedder = MeteredEmbedder::new(Arc::clone(&model) as _, Arc::new(Away), PRICE);
    let query = ["eight to".to_owned()];
    let asked = embedder.embed(&query, Purpose::Query, VectorShape::sparse()).await;
    let error = asked.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!((cause.as_str(), *model.calls.lock().unwrap()), ("the disk is full", 0));
}
