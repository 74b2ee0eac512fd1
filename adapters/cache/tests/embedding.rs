//! Which questions are embedded, and who waits for whom.

#![expect(clippy::unwrap_used, reason = "what the tests stand on may fail loudly")]

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askbook::embedding::{Embedding, Purpose, SparseVector, VectorShape};
use askbook::error::{ErrorKind, PortError};
use askbook::ports::Embedder;
use askbook::request::Context;
use askbook_cache::CachedEmbedder;
use async_trait::async_trait;
use futures_util::future::{join, join_all};
use futures_util::{FutureExt, pin_mut};
use tokio::time::{Instant, sleep, timeout};

const TENTH: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

/// How the upstream fares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mood {
    /// It takes a tenth of a second, or as long as there is time.
    #[default]
    Well,
    Hangs,
    Fails,
    /// The dense vectors are missing.
    Halved,
}

/// An upstream; remembers what it was asked, and how much time it was told that there is.
#[derive(Default)]
struct Upstream {
    mood: Mutex<Mood>,
    asked: Mutex<Vec<(Vec<String>, Option<Duration>)>>,
    /// How many calls came to an end.
    ended: Mutex<usize>,
}

impl Upstream {
    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it was asked so far.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().flat_map(|(texts, _)| texts.clone()).collect()
    }
}

#[async_trait]
impl Embedder for Upstream {
    fn space(&self) -> &'static str {
        "scripted"
    }

    fn preferred_shape(&self) -> VectorShape {
        shape(4)
    }

    async fn embed(
        &self,
        texts: &[String],
        _: Purpose,
        shape: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        let left = Context::current().time_left(Instant::now().into_std());
        self.asked.lock().unwrap().push((texts.to_vec(), left));
        let mood = *self.mood.lock().unwrap();
        let took = match mood {
            Mood::Hangs => pending().await,
            _ => sleep(TENTH),
        };
        let in_time = timeout(left.unwrap_or(Duration::MAX), took).await;
        *self.ended.lock().unwrap() += 1;
        in_time.map_err(|_| PortError::new(ErrorKind::Timeout, "late"))?;
        if mood == Mood::Fails {
            return Err(PortError::new(ErrorKind::Unavailable, "down"));
        }
        let dimension = shape.dense.map_or(0, NonZeroUsize::get);
        let embed = |text: &String| Embedding {
            dense: (mood != Mood::Halved).then(|| {
                let bytes = text.bytes().chain(std::iter::repeat(0)).map(f32::from);
                bytes.take(dimension).collect()
            }),
            sparse: shape.sparse.then(SparseVector::default),
        };
        Ok(texts.iter().map(embed).collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn shape(dimension: usize) -> VectorShape {
    VectorShape { sparse: true, ..VectorShape::dense(NonZeroUsize::new(dimension).unwrap()) }
}

fn cached(bytes: usize) -> (Arc<Upstream>, CachedEmbedder) {
    let upstream = Arc::<Upstream>::default();
    let embedder = CachedEmbedder::new(Arc::clone(&upstream) as _, bytes.try_into().unwrap());
    (upstream, embedder)
}

const PLENTY: usize = 1 << 20;

async fn ask(embedder: &CachedEmbedder, question: &str) -> Result<Vec<Embedding>, PortError> {
    embedder.embed(&[question.to_owned()], Purpose::Query, shape(4)).await
}

/// The work of a request that has so much time left.
async fn within<T>(left: Duration, work: impl Future<Output = T>) -> T {
    let deadline = Instant::now() + left;
    Context::default().until(deadline.into_std()).scope(work).await
}

#[tokio::test(start_paused = true)]
async fn a_hundred_readers_who_ask_the_same_share_one_call() {
    let (upstream, embedder) = cached(PLENTY);
    let began = Instant::now();
    let readers = (0..100).map(|_| within(SECOND, ask(&embedder, "When?")));
    let vectors: Vec<_> = join_all(readers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(began.elapsed(), TENTH);
    assert_eq!(upstream.asked(), ["When?"]);
    assert!(vectors.iter().all(|vectors| *vectors == vectors[..1] && *vectors == [embedding()]));
    assert_eq!(ask(&embedder, "When?").await.unwrap(), [embedding()], "later on");
    assert_eq!(upstream.asked().len(), 1);
}

/// That of `When?`.
fn embedding() -> Embedding {
    let dense = Some(b"When".map(f32::from).to_vec());
    Embedding { dense, sparse: Some(SparseVector::default()) }
}

#[tokio::test(start_paused = true)]
async fn when_the_one_who_asks_leaves_the_next_one_asks() {
    let (upstream, embedder) = cached(PLENTY);
    let mut first = Box::pin(ask(&embedder, "When?"));
    assert!(first.as_mut().now_or_never().is_none());
    let leave = async {
        sleep(TENTH / 2).await;
        drop(first);
    };
    let began = Instant::now();
    let (others, ()) = join(join_all((0..3).map(|_| ask(&embedder, "When?"))), leave).await;
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert_eq!(began.elapsed(), TENTH / 2 + TENTH);
    assert_eq!((upstream.asked().len(), *upstream.ended.lock().unwrap()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn when_all_leave_the_call_ends_and_leaves_nothing_behind() {
    let (upstream, embedder) = cached(PLENTY);
    let all = timeout(TENTH / 2, join_all((0..3).map(|_| ask(&embedder, "When?"))));
    assert!(all.await.is_err());
    assert_eq!((upstream.asked().len(), *upstream.ended.lock().unwrap()), (1, 0));
    let began = Instant::now();
    ask(&embedder, "When?").await.unwrap();
    assert_eq!(began.elapsed(), TENTH);
}

#[tokio::test(start_paused = true)]
async fn nobody_inherits_the_deadline_of_another_reader() {
    let (upstream, embedder) = cached(PLENTY);
    let hurried = within(TENTH / 2, ask(&embedder, "When?"));
    // So that it has ten seconds left when the other one gives up.
    let patient = within(10 * SECOND + TENTH / 2, ask(&embedder, "When?"));
    let (hurried, patient) = join(hurried, patient).await;
    assert_eq!(hurried.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(patient.unwrap(), [embedding()]);
    let told = upstream.asked.lock().unwrap().iter().map(|call| call.1).collect::<Vec<_>>();
    assert_eq!(told, [Some(TENTH / 2), Some(10 * SECOND)]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_has_time_left_to_do_without() {
    let (upstream, embedder) = cached(PLENTY);
    upstream.is(Mood::Hangs);
    let first = ask(&embedder, "When?");
    let second = async {
        let began = Instant::now();
        let error = within(10 * SECOND, ask(&embedder, "When?")).await.unwrap_err();
        (error.kind(), began.elapsed())
    };
    pin_mut!(first, second);
    assert!(first.as_mut().now_or_never().is_none());
    assert_eq!(second.await, (ErrorKind::Timeout, 5 * SECOND));
    assert!(first.now_or_never().is_none(), "the call goes on for whoever made it");
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_nobody_else() {
    let (upstream, embedder) = cached(PLENTY);
    upstream.is(Mood::Fails);
    let (first, second) = join(ask(&embedder, "When?"), ask(&embedder, "When?")).await;
    assert_eq!(
        [first, second].map(|failed| failed.unwrap_err().kind()),
        [ErrorKind::Unavailable; 2]
    );
    assert_eq!(upstream.asked().len(), 2);
    upstream.is(Mood::Well);
    ask(&embedder, "When?").await.unwrap();
    upstream.is(Mood::Fails);
    ask(&embedder, "When?").await.expect("what is known, also while the upstream is down");
    assert_eq!(upstream.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn vectors_of_which_some_are_missing_are_not_kept() {
    let (upstream, embedder) = cached(PLENTY);
    upstream.is(Mood::Halved);
    assert_eq!(ask(&embedder, "When?").await.unwrap()[0].dense, None);
    upstream.is(Mood::Well);
    assert_eq!(ask(&embedder, "When?").await.unwrap(), [embedding()]);
}

#[tokio::test(start_paused = true)]
async fn one_question_has_one_spelling() {
    let (upstream, embedder) = cached(PLENTY);
    let composed = "Wie öffnet man die Tür?";
    for question in
        [" Wie o\u{308}ffnet\n\tman  die Tür? ", composed, "Wie öffnet man die Tu\u{308}r?"]
    {
        ask(&embedder, question).await.unwrap();
    }
    assert_eq!(upstream.asked(), [composed]);
    ask(&embedder, "wie öffnet man die tür?").await.unwrap();
    assert_eq!(upstream.asked().len(), 2, "capitals may say something");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_otherwise_is_something_else() {
    let (upstream, embedder) = cached(PLENTY);
    let texts = ["one".to_owned(), "two".to_owned()];
    for _ in 0..2 {
        for (texts, shape) in [
            (&texts[..], shape(4)),
            (&texts[..1], shape(4)),
            (&texts[..1], shape(8)),
            (&texts[..1], VectorShape { sparse: false, ..shape(4) }),
        ] {
            let vectors = embedder.embed(texts, Purpose::Query, shape).await.unwrap();
            assert!(vectors.iter().all(|vector| vector.shape() == shape));
            assert_eq!(vectors.len(), texts.len());
        }
    }
    assert_eq!(upstream.asked.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn passages_are_neither_kept_nor_changed() {
    let (upstream, embedder) = cached(PLENTY);
    let texts = ["a  passage ".to_owned()];
    for _ in 0..2 {
        embedder.embed(&texts, Purpose::Passage, shape(4)).await.unwrap();
    }
    assert_eq!(upstream.asked(), [texts.clone(), texts].concat());
    assert_eq!(embedder.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_memory_is_bounded_and_keeps_what_is_asked_for_often() {
    const BYTES: usize = 10_000;
    let (upstream, embedder) = cached(BYTES);
    let mut most = 0;
    for number in 0..200 {
        ask(&embedder, &format!("question {number}")).await.unwrap();
        ask(&embedder, "When?").await.unwrap();
        assert!(embedder.bytes() <= BYTES as u64, "{}", embedder.bytes());
        most = most.max(embedder.bytes());
    }
    assert!(most > BYTES as u64 * 9 / 10, "{most}");
    let often = upstream.asked().iter().filter(|question| *question == "When?").count();
    assert_eq!(often, 1);
    for number in 0..200 {
        ask(&embedder, &format!("question {number}")).await.unwrap();
    }
    assert!(upstream.asked().len() > 350, "most of them had to go");
}
