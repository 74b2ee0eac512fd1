//! What the guards let through, and what they learn from it.

#![expect(clippy::unwrap_used, reason = "what the tests stand on may fail loudly")]

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::follow_up::FollowUp;
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Embedder, Generated, Generation, Generator, Rankings, Retriever, Usage};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::session::MessageId;
use askbook_guard::{
    Concurrency, Guard, GuardSettings, GuardedEmbedder, GuardedGenerator, GuardedRetriever,
};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

/// A guard that one failure opens, and lets so many calls through at once.
fn guard(calls: usize) -> Guard {
    let calls = NonZeroUsize::new(calls).unwrap();
    let concurrency = Concurrency { least: calls, first: calls, most: calls };
    let patience = Duration::from_secs(2);
    Guard::new("peer", GuardSettings { failures: NonZeroU32::MIN, patience, concurrency })
}

fn error(kind: ErrorKind) -> PortError {
    PortError::new(kind, "scripted")
}

/// An upstream that fails like this, or answers; counts what it is asked.
#[derive(Default)]
struct Upstream {
    failure: Mutex<Option<ErrorKind>>,
    calls: AtomicUsize,
    /// Whether its index's shape is remembered.
    knows_shape: bool,
    /// What generations are made of.
    pieces: Mutex<Vec<Result<Generated, ErrorKind>>>,
}

impl Upstream {
    fn fail(&self, kind: impl Into<Option<ErrorKind>>) {
        *self.failure.lock().unwrap() = kind.into();
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn answer<T>(&self, answer: T) -> Result<T, PortError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.failure.lock().unwrap().map_or(Ok(answer), |kind| Err(error(kind)))
    }
}

#[async_trait]
impl Embedder for Upstream {
    fn space(&self) -> &'static str {
        "scripted"
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
        self.answer(vec![Embedding::default(); texts.len()])
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.answer(())
    }
}

#[async_trait]
impl Retriever for Upstream {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        if self.knows_shape {
            Ok(VectorShape::sparse())
        } else {
            self.answer(VectorShape::sparse())
        }
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        self.answer(Rankings::default())
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.answer(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.answer(())
    }
}

#[async_trait]
impl Generator for Upstream {
    fn model(&self) -> &'static str {
        "scripted"
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        let pieces = std::mem::take(&mut *self.pieces.lock().unwrap());
        let pieces = pieces.into_iter().map(|piece| piece.map_err(error));
        self.answer(stream::iter(pieces).boxed())
    }

    async fn condense(&self, _: &FollowUp) -> Result<Option<String>, PortError> {
        self.answer(None)
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.answer(())
    }
}

fn question() -> Question {
    Question::new("When is the harbour open?", None, None, QuestionLimits::default()).unwrap()
}

fn prompt() -> Prompt {
    Prompt {
        mark: MessageId(Uuid::nil()),
        question: question(),
        standalone: None,
        passages: Vec::new(),
        history: Vec::new(),
    }
}

fn text() -> Generated {
    Generated::Text("text".to_owned())
}

fn end() -> Generated {
    Generated::End { model: "scripted".to_owned(), usage: Usage::default() }
}

/// A generator that writes these pieces next, and its guard.
fn generator(pieces: Vec<Result<Generated, ErrorKind>>) -> (GuardedGenerator, Guard) {
    let upstream = Upstream { pieces: Mutex::new(pieces), ..Upstream::default() };
    let guard = guard(1);
    (GuardedGenerator::new(Arc::new(upstream), guard.clone()), guard)
}

#[tokio::test(start_paused = true)]
async fn a_generation_is_a_call_until_its_end_or_until_it_is_dropped() {
    let (subject, guard) = generator(vec![Ok(text()), Ok(end())]);
    let mut pieces = subject.generate(prompt()).await.unwrap();
    assert!(guard.admit().is_err(), "it has begun");
    pieces.next().await.unwrap().unwrap();
    assert!(guard.admit().is_err(), "it is being written");
    pieces.next().await.unwrap().unwrap();
    assert!(guard.admit().is_ok(), "it has ended");
    assert!(pieces.next().await.is_none());

    for taken in 0..2 {
        let (subject, guard) = generator(vec![Ok(text()), Ok(text()), Ok(end())]);
        let pieces = subject.generate(prompt()).await.unwrap();
        let pieces = pieces.take(taken);
        assert!(guard.admit().is_err());
        assert_eq!(pieces.count().await, taken);
        assert!(guard.admit().is_ok(), "dropped after {taken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_breaks_off_is_a_failure() {
    let (subject, guard) = generator(vec![Ok(text()), Err(ErrorKind::Unavailable)]);
    let pieces: Vec<_> = subject.generate(prompt()).await.unwrap().collect().await;
    assert!(pieces[1].is_err() && pieces.len() == 2);
    assert!(guard.check().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_does_not_fetch_the_answer_shuts_nobody_out() {
    let (subject, guard) = generator(vec![Ok(text()), Err(ErrorKind::Timeout)]);
    let mut pieces = subject.generate(prompt()).await.unwrap();
    pieces.next().await.unwrap().unwrap();
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(pieces.next().await.unwrap().is_err());
    assert!(guard.check().is_ok());

    let (subject, guard) = generator(vec![Ok(text()), Err(ErrorKind::Timeout)]);
    let pieces = subject.generate(prompt()).await.unwrap();
    pieces.for_each(|_| async {}).await;
    assert!(guard.check().is_err(), "here it was the model");
}

#[tokio::test(start_paused = true)]
async fn condensing_too_late_is_no_failure_of_the_model() {
    let upstream = Arc::new(Upstream::default());
    let guard = guard(1);
    let subject = GuardedGenerator::new(Arc::clone(&upstream) as Arc<dyn Generator>, guard.clone());
    let mark = MessageId(Uuid::nil());
    let follow_up = FollowUp { mark, question: question(), history: Vec::new() };
    upstream.fail(ErrorKind::Timeout);
    assert!(subject.condense(&follow_up).await.is_err());
    assert!(guard.check().is_ok());
    upstream.fail(ErrorKind::Unavailable);
    assert!(subject.condense(&follow_up).await.is_err());
    assert!(guard.check().is_err());
    assert!(subject.condense(&follow_up).await.is_err());
    assert_eq!(upstream.calls(), 2, "what is refused is not called");
    let error = subject.ready().await.unwrap_err();
    assert!(error.retry_after().is_some(), "{error}");
    assert_eq!(upstream.calls(), 2, "readiness tells without asking");
}

#[tokio::test(start_paused = true)]
async fn queries_are_refused_and_passages_are_not() {
    let upstream = Arc::new(Upstream::default());
    let subject = GuardedEmbedder::new(Arc::clone(&upstream) as Arc<dyn Embedder>, guard(1));
    let embed = async |purpose| {
        subject.embed(&["text".to_owned()], purpose, VectorShape::sparse()).await.map(drop)
    };
    upstream.fail(ErrorKind::Unavailable);
    assert!(embed(Purpose::Passage).await.is_err());
    assert!(embed(Purpose::Passage).await.is_err());
    assert_eq!(upstream.calls(), 2, "their owner can wait");
    assert!(embed(Purpose::Query).await.is_err());
    upstream.fail(None);
    assert!(embed(Purpose::Query).await.is_err());
    assert!(subject.ready().await.is_err());
    assert_eq!(upstream.calls(), 3, "readers are refused");
    embed(Purpose::Passage).await.unwrap();
    tokio::time::advance(Duration::from_secs(10)).await;
    embed(Purpose::Query).await.unwrap();
    subject.ready().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_question_is_not_embedded_for_an_index_that_is_out_of_reach() {
    let upstream = Arc::new(Upstream { knows_shape: true, ..Upstream::default() });
    let subject = GuardedRetriever::new(Arc::clone(&upstream) as Arc<dyn Retriever>, guard(1));
    let near = Embedding::default();
    upstream.fail(ErrorKind::Timeout);
    subject.shape().await.unwrap();
    assert!(subject.retrieve(&near, NonZeroUsize::MIN).await.is_err());
    let error = subject.shape().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(subject.passages(&[PassageId("id".to_owned())]).await.is_err());
    assert!(subject.ready().await.is_err() && subject.serves().await.is_err());
    assert_eq!(upstream.calls(), 1);

    upstream.fail(None);
    tokio::time::advance(Duration::from_secs(10)).await;
    subject.shape().await.unwrap();
    subject.retrieve(&near, NonZeroUsize::MIN).await.unwrap();
    subject.ready().await.unwrap();
}
