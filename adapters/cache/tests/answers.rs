//! Which answers are kept, and for whom.

#![expect(clippy::unwrap_used, reason = "what the tests stand on may fail loudly")]

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::follow_up::FollowUp;
use askbook::passage::{Hit, Passage, PassageId, Scores};
use askbook::ports::{Generated, Generation, Generator, Usage};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::session::{MessageId, Role, Turn};
use askbook_cache::{Answers, CachedGenerator};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::time::advance;
use uuid::Uuid;

const HOUR: Duration = Duration::from_hours(1);
const ANSWER: [&str; 2] = ["At high ", "tide [1]."];
const USAGE: Usage = Usage { input_tokens: 120, output_tokens: 12 };

/// A model that writes these pieces; counts what it was asked.
struct Model {
    name: &'static str,
    pieces: Mutex<Vec<Result<Generated, ErrorKind>>>,
    asked: Mutex<usize>,
}

impl Model {
    /// One that answers.
    fn new(name: &'static str) -> Arc<Self> {
        let model = Self { name, pieces: Mutex::default(), asked: Mutex::default() };
        model.writes(&ANSWER);
        Arc::new(model)
    }

    /// From now on it writes this, to the end.
    fn writes(&self, pieces: &[&str]) {
        let texts = pieces.iter().map(|piece| Ok(Generated::Text((*piece).to_owned())));
        let model = format!("{}-001", self.name);
        let end = Ok(Generated::End { model, usage: USAGE });
        *self.pieces.lock().unwrap() = texts.chain([end]).collect();
    }

    /// From now on it fails in place of its end.
    fn breaks_off(&self) {
        *self.pieces.lock().unwrap().last_mut().unwrap() = Err(ErrorKind::Malformed);
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl Generator for Model {
    fn model(&self) -> &str {
        self.name
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        *self.asked.lock().unwrap() += 1;
        let pieces = self.pieces.lock().unwrap().clone().into_iter();
        let pieces = pieces.map(|piece| piece.map_err(|kind| PortError::new(kind, "broke off")));
        Ok(Box::pin(stream::iter(pieces.collect::<Vec<_>>())))
    }

    async fn condense(&self, _: &FollowUp) -> Result<Option<String>, PortError> {
        *self.asked.lock().unwrap() += 1;
        Ok(Some("condensed".to_owned()))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Err(PortError::new(ErrorKind::Unavailable, "down"))
    }
}

fn answers(bytes: usize) -> Answers {
    Answers::new(NonZeroUsize::new(bytes).unwrap(), HOUR)
}

fn cached() -> (Arc<Model>, CachedGenerator) {
    let model = Model::new("writes");
    let generator = CachedGenerator::new(Arc::clone(&model) as _, answers(1 << 20));
    (model, generator)
}

fn question(text: &str, selected_text: Option<&str>, page: Option<&str>) -> Question {
    Question::new(text, selected_text, page, QuestionLimits::default()).unwrap()
}

fn hit(text: &str) -> Hit {
    let passage = Passage {
        id: PassageId("tides".to_owned()),
        title: "Tides".to_owned(),
        headings: vec!["Ships".to_owned()],
        url: Some("/docs/tides".to_owned()),
        text: text.to_owned(),
        edition: None,
    };
    Hit { passage, scores: Scores { dense: Some(0.8), lexical: None, fused_rank: 1 } }
}

fn prompt(text: &str) -> Prompt {
    Prompt {
        // Drawn anew for each question.
        mark: MessageId(Uuid::from_u128(fastrand::u128(..))),
        question: question(text, None, None),
        standalone: None,
        passages: vec![hit("The harbour is open at high tide."), hit("Bread is baked.")],
        history: Vec::new(),
    }
}

/// What is written, and what it costs.
async fn written(generator: &CachedGenerator, prompt: Prompt) -> (String, String, Usage) {
    let mut text = String::new();
    let mut pieces = generator.generate(prompt).await.unwrap();
    loop {
        match pieces.next().await.unwrap().unwrap() {
            Generated::Text(piece) => text += &piece,
            Generated::End { model, usage } => {
                assert!(pieces.next().await.is_none());
                return (text, model, usage);
            }
        }
    }
}

#[tokio::test]
async fn an_answer_is_written_once_and_costs_nothing_from_then_on() {
    let (model, generator) = cached();
    let (text, name) = (ANSWER.concat(), "writes-001".to_owned());
    assert_eq!(written(&generator, prompt("When?")).await, (text.clone(), name.clone(), USAGE));
    model.writes(&["Something else [1]."]);
    let again = written(&generator, prompt("When?")).await;
    assert_eq!(again, (text, name, Usage::default()));
    assert_eq!(model.asked(), 1);
}

#[tokio::test]
async fn who_wants_another_answer_gets_one_that_takes_the_place_of_the_first() {
    let (model, generator) = cached();
    written(&generator, prompt("When?")).await;
    let anew = || Prompt { question: question("When?", None, None).anew(), ..prompt("When?") };
    for answer in ["Twice a day [1].", "At noon [1]."] {
        model.writes(&[answer]);
        let (text, _, usage) = written(&generator, anew()).await;
        assert_eq!((&*text, usage), (answer, USAGE));
        model.writes(&ANSWER);
        let (text, _, usage) = written(&generator, prompt("When?")).await;
        assert_eq!((&*text, usage), (answer, Usage::default()));
    }
    // One that says nothing takes the place of none.
    model.writes(&["[[not in the book]]"]);
    written(&generator, anew()).await;
    assert_eq!(written(&generator, prompt("When?")).await.0, "At noon [1].");
}

#[tokio::test]
async fn whatever_the_model_is_told_makes_another_question() {
    let told: [fn(&mut Prompt); 9] = [
        |prompt| prompt.question = question("Where?", None, None),
        |prompt| prompt.question = question("When?", Some("a selection"), None),
        |prompt| prompt.question = question("When?", None, Some("/docs/tides")),
        |prompt| prompt.standalone = Some("When is the harbour open?".to_owned()),
        |prompt| prompt.passages[0].passage.text += " Not on Sundays.",
        |prompt| prompt.passages[1].passage.title += ", ebb and flow",
        |prompt| prompt.passages[1].passage.headings.clear(),
        |prompt| prompt.passages.truncate(1),
        |prompt| prompt.passages.reverse(),
    ];
    let (model, generator) = cached();
    written(&generator, prompt("When?")).await;
    for (at, change) in told.iter().enumerate() {
        let changed = || {
            let mut prompt = prompt("When?");
            change(&mut prompt);
            prompt
        };
        written(&generator, changed()).await;
        assert_eq!(model.asked(), 2 + at, "change {at} is not seen");
        written(&generator, changed()).await;
        assert_eq!(model.asked(), 2 + at);
    }
    let mut same = prompt("When?");
    same.passages[0].scores = Scores::default();
    same.passages[0].passage.url = None;
    written(&generator, same).await;
    assert_eq!(model.asked(), 10, "this it is not told");
}

#[tokio::test]
async fn what_needs_a_conversation_is_neither_kept_nor_looked_for() {
    let (model, generator) = cached();
    let turn = Turn { role: Role::Reader, text: "Is there a harbour?".to_owned() };
    let follow_up = || Prompt { history: vec![turn.clone()], ..prompt("When?") };
    for asked in 1..3 {
        written(&generator, follow_up()).await;
        assert_eq!(model.asked(), asked);
    }
    written(&generator, prompt("When?")).await;
    written(&generator, follow_up()).await;
    assert_eq!(model.asked(), 4);
    let condensed = FollowUp {
        mark: MessageId(Uuid::nil()),
        question: question("When?", None, None),
        history: vec![turn],
    };
    for asked in 5..7 {
        generator.condense(&condensed).await.unwrap();
        assert_eq!(model.asked(), asked);
    }
}

#[tokio::test]
async fn only_answers_that_came_to_their_end_are_kept() {
    let (model, generator) = cached();
    model.breaks_off();
    let pieces: Vec<_> = generator.generate(prompt("When?")).await.unwrap().collect().await;
    assert_eq!(pieces.last().unwrap().as_ref().unwrap_err().kind(), ErrorKind::Malformed);
    model.writes(&ANSWER);
    for taken in 0..=ANSWER.len() {
        // The reader leaves.
        let pieces = generator.generate(prompt("When?")).await.unwrap();
        assert_eq!(pieces.take(taken).count().await, taken);
    }
    assert_eq!(model.asked(), 4);
    assert_eq!(written(&generator, prompt("When?")).await.2, USAGE);
    assert_eq!(written(&generator, prompt("When?")).await.2, Usage::default());
}

#[tokio::test]
async fn what_readers_would_not_be_shown_is_not_kept() {
    let (model, generator) = cached();
    let leaking = prompt("When?");
    let mark = leaking.mark.0;
    let leak = |mark: String| format!("=== {mark} passage [1] ===");
    for text in [
        "[[not in the book]]".to_owned(),
        "At high tide.".to_owned(),
        "See [the page](/docs/tides).".to_owned(),
        leak(mark.simple().to_string()),
        leak(mark.hyphenated().to_string().to_uppercase()),
    ] {
        model.writes(&[&text]);
        written(&generator, leaking.clone()).await;
        let before = model.asked();
        written(&generator, leaking.clone()).await;
        assert_eq!(model.asked(), before + 1, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_lives_for_its_time() {
    let (model, generator) = cached();
    written(&generator, prompt("When?")).await;
    for _ in 0..2 {
        assert_eq!(model.asked(), 1);
        advance(HOUR / 2).await;
        written(&generator, prompt("When?")).await;
    }
    assert_eq!(model.asked(), 2, "once an hour, however often readers ask");
    written(&generator, prompt("When?")).await;
    assert_eq!(model.asked(), 2);
}

#[tokio::test]
async fn a_memory_that_two_models_share_tells_them_apart() {
    let answers = answers(1 << 20);
    let models = ["first", "second"].map(|name| {
        let model = Model::new(name);
        (Arc::clone(&model), CachedGenerator::new(model, answers.clone()))
    });
    for _ in 0..2 {
        for (model, generator) in &models {
            let (_, by, _) = written(generator, prompt("When?")).await;
            assert_eq!((by, model.asked()), (format!("{}-001", model.name), 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_memory_is_bounded_and_what_is_old_makes_room() {
    const BYTES: usize = 10_000;
    let answers = answers(BYTES);
    let model = Model::new("writes");
    let generator = CachedGenerator::new(Arc::clone(&model) as _, answers.clone());
    let long = format!("{} [1].", "a".repeat(500));
    model.writes(&[&long]);
    let mut most = 0;
    for number in 0..200 {
        written(&generator, prompt(&format!("question {number}"))).await;
        assert!(answers.bytes() <= BYTES as u64, "{}", answers.bytes());
        most = most.max(answers.bytes());
    }
    assert!(most > BYTES as u64 * 8 / 10, "{most}");

    // What would fill all of it is not kept, and drives nothing out.
    let before = answers.bytes();
    model.writes(&[&"a".repeat(BYTES), " [1]."]);
    written(&generator, prompt("a long one")).await;
    assert_eq!(answers.bytes(), before);
}

#[tokio::test]
async fn whether_the_model_is_well_is_asked_of_the_model() {
    let (_, generator) = cached();
    written(&generator, prompt("When?")).await;
    assert!(generator.ready().await.is_err());
    assert_eq!(generator.model(), "writes");
}
