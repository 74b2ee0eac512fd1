//! What a request's deadline means to the calls that are made for it.

#![expect(clippy::unwrap_used, reason = "what the tests stand on may fail loudly")]

use std::future::pending;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::passage::{Passage, PassageId};
use askbook::ports::{Embedder, Generated, Generation, Generator, Rankings, Retriever};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::request::Context;
use askbook::session::MessageId;
use askbook_guard::{
    Concurrency, Guard, GuardSettings, GuardedEmbedder, GuardedGenerator, GuardedRetriever,
};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// An upstream that answers after a tenth of a second, until it hangs; remembers how much time it
/// was told that there is.
#[derive(Default)]
struct Upstream {
    hangs: Mutex<bool>,
    told: Mutex<Vec<Option<Duration>>>,
}

impl Upstream {
    async fn answer<T>(&self, answer: T) -> Result<T, PortError> {
        let left = Context::current().time_left(Instant::now().into_std());
        self.told.lock().unwrap().push(left);
        if *self.hangs.lock().unwrap() {
            pending::<()>().await;
        }
        sleep(Duration::from_millis(100)).await;
        Ok(answer)
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
        self.answer(vec![Embedding::default(); texts.len()]).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Retriever for Upstream {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        self.answer(VectorShape::sparse()).await
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        self.answer(Rankings::default()).await
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.answer(Vec::new()).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Generator for Upstream {
    fn model(&self) -> &'static str {
        "scripted"
    }

    /// Writes for ever, one word each second.
    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        self.answer(()).await?;
        Ok(Box::pin(stream::unfold((), async |()| {
            sleep(Duration::from_secs(1)).await;
            Some((Ok(Generated::Text("word ".to_owned())), ()))
        })))
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

/// The upstream behind a guard that five failures in a row open.
struct Guarded {
    upstream: Arc<Upstream>,
    guard: Guard,
    embedder: GuardedEmbedder,
    retriever: GuardedRetriever,
    generator: GuardedGenerator,
}

/// A call.
#[derive(Clone, Copy, Debug)]
enum Step {
    Embed,
    Shape,
    Retrieve,
    Passages,
    Generate,
}

const STEPS: [Step; 5] = [Step::Embed, Step::Shape, Step::Retrieve, Step::Passages, Step::Generate];

impl Guarded {
    fn new() -> Self {
        let calls = NonZeroUsize::new(8).unwrap();
        let settings = GuardSettings {
            failures: NonZeroU32::new(5).unwrap(),
            patience: Duration::from_secs(2),
            concurrency: Concurrency { least: calls, first: calls, most: calls },
        };
        let (upstream, guard) = (Arc::new(Upstream::default()), Guard::new("peer", settings));
        Self {
            embedder: GuardedEmbedder::new(Arc::clone(&upstream) as _, guard.clone()),
            retriever: GuardedRetriever::new(Arc::clone(&upstream) as _, guard.clone()),
            generator: GuardedGenerator::new(Arc::clone(&upstream) as _, guard.clone()),
            upstream,
            guard,
        }
    }

    fn hang(&self) {
        *self.upstream.hangs.lock().unwrap() = true;
    }

    fn told(&self) -> Vec<Option<Duration>> {
        std::mem::take(&mut *self.upstream.told.lock().unwrap())
    }

    async fn call(&self, step: Step) -> Result<(), PortError> {
        let near = Embedding::default();
        match step {
            Step::Embed => {
                let texts = ["text".to_owned()];
                let shape = VectorShape::sparse();
                self.embedder.embed(&texts, Purpose::Query, shape).await.map(drop)
            }
            Step::Shape => self.retriever.shape().await.map(drop),
            Step::Retrieve => self.retriever.retrieve(&near, NonZeroUsize::MIN).await.map(drop),
            Step::Passages => {
                self.retriever.passages(&[PassageId("id".to_owned())]).await.map(drop)
            }
            Step::Generate => self.generator.generate(prompt()).await.map(drop),
        }
    }

    /// The same, for a request that has so much time left.
    async fn call_within(&self, left: Duration, step: Step) -> Result<(), PortError> {
        within(left, self.call(step)).await
    }
}

async fn within<T>(left: Duration, work: impl Future<Output = T>) -> T {
    let deadline = Instant::now() + left;
    Context::default().until(deadline.into_std()).scope(work).await
}

fn prompt() -> Prompt {
    Prompt {
        mark: MessageId(Uuid::nil()),
        question: Question::new("When?", None, None, QuestionLimits::default()).unwrap(),
        standalone: None,
        passages: Vec::new(),
        history: Vec::new(),
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn for_a_request_whose_time_is_over_nobody_is_asked() {
    for step in STEPS {
        let guarded = Guarded::new();
        let error = guarded.call_within(Duration::ZERO, step).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{step:?}");
        assert_eq!(guarded.told(), [], "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_leaves_time_for_what_comes_after_it() {
    for step in STEPS {
        let guarded = Guarded::new();
        guarded.hang();
        let share = match step {
            Step::Generate => 9 * SECOND,
            _ => 5 * SECOND,
        };
        let began = Instant::now();
        let error = guarded.call_within(10 * SECOND, step).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (ErrorKind::Timeout, share), "{step:?}");
        assert_eq!(guarded.told(), [Some(share)], "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_goes_on_and_on_ends_while_another_can_be_quoted() {
    let guarded = Guarded::new();
    let began = Instant::now();
    let pieces: Vec<_> = within(10 * SECOND, async {
        guarded.generator.generate(prompt()).await.unwrap().collect().await
    })
    .await;
    assert_eq!(began.elapsed(), 9 * SECOND);
    let (last, words) = pieces.split_last().unwrap();
    assert_eq!(words.len(), 8);
    assert_eq!(last.as_ref().unwrap_err().kind(), ErrorKind::Timeout);
    assert!(guarded.guard.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_a_call_takes_its_time() {
    let guarded = Guarded::new();
    for step in STEPS {
        guarded.call(step).await.unwrap();
    }
    assert_eq!(guarded.told(), [None; 5]);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_hangs_is_left_alone_also_when_requests_are_shorter_than_its_patience() {
    for step in STEPS {
        let guarded = Guarded::new();
        guarded.call(Step::Retrieve).await.unwrap();
        guarded.hang();
        for _ in 0..5 {
            assert!(guarded.guard.check().is_ok());
            guarded.call_within(2 * SECOND, step).await.unwrap_err();
        }
        assert!(guarded.guard.check().is_err(), "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_was_asked_too_late_is_not_at_fault() {
    for step in STEPS {
        let guarded = Guarded::new();
        guarded.call(Step::Retrieve).await.unwrap();
        for _ in 0..10 {
            // It takes as long as ever.
            guarded.call_within(SECOND / 10, step).await.unwrap_err();
        }
        assert!(guarded.guard.check().is_ok(), "{step:?}");
    }
}
