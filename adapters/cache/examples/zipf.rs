//! What share of the calls to upstreams the caches save: a table, to be read.
//!
//! ```console
//! $ cargo run --release -p askbook-cache --example zipf
//! $ cargo run --release -p askbook-cache --example zipf -- 200000    # questions in each log
//! ```
//!
//! The caches are the real ones, over upstreams that count and in simulated time. What is assumed is
//! printed: nobody knows how often the readers of your book ask the same.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use askbook::embedding::{Embedding, Purpose, VectorShape};
use askbook::error::PortError;
use askbook::ports::{Embedder, Generated, Generation, Generator, Usage};
use askbook::prompt::Prompt;
use askbook::question::{Question, QuestionLimits};
use askbook::session::MessageId;
use askbook_cache::{Answers, CachedEmbedder, CachedGenerator};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::time::advance;
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const EXPONENTS: [f64; 3] = [0.6, 0.8, 1.0];
const DISTINCT: [usize; 3] = [1_000, 10_000, 100_000];
/// The sizes of the memory of vectors, in MiB.
const MEMORIES: [usize; 3] = [1, 8, 64];
/// The size of the memory of answers, in MiB.
const ANSWERS: usize = 8;
/// How many questions are asked in an hour, and how many hours an answer lives.
const TIMES: [(u32, u64); 6] = [(30, 1), (300, 1), (3_000, 1), (30, 24), (300, 24), (3_000, 24)];
const DIMENSION: NonZeroUsize = NonZeroUsize::new(768).unwrap();
/// The length of an answer, in bytes.
const ANSWER: usize = 800;
const SEED: u64 = 6;

fn main() -> Result<()> {
    let length: usize = std::env::args().nth(1).map_or(Ok(50_000), |length| length.parse())?;
    println!(
        "Assumed: a log of {length} first questions, each one of N, the k-th most popular with a \
         probability\nin proportion to 1/k^s and at random times; questions in other words are \
         other questions; follow-ups\nare not in the log, for nothing is kept of them; vectors of \
         {DIMENSION} numbers, answers of {ANSWER} bytes in\n{ANSWERS} MiB, all worth keeping; empty \
         caches at the beginning; the book does not change.\nIn percent: questions that were asked \
         before; calls to embed that are saved, by memory; calls to write\nthat are saved, by \
         questions in an hour and by how long an answer is kept.\n"
    );
    let memories = MEMORIES.map(|size| format!("{:>8}", format!("{size} MiB"))).concat();
    let times = TIMES.map(|(rate, hours)| format!("{:>12}", format!("{rate}/h {hours} h")));
    println!("{:>4}{:>8}{:>8} |{memories} |{}", "s", "N", "repeats", times.concat());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    for exponent in EXPONENTS {
        for distinct in DISTINCT {
            let log = log(exponent, distinct, length);
            let row = runtime.block_on(row(&log))?;
            println!("{exponent:>4}{distinct:>8}{row}");
        }
    }
    Ok(())
}

/// The numbers of the questions, in the order in which they are asked.
fn log(exponent: f64, distinct: usize, length: usize) -> Vec<usize> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut sum = 0.0;
    let sums = (1..=distinct).map(|rank| {
        #[expect(clippy::cast_precision_loss, reason = "a rank is small")]
        let weight = (rank as f64).powf(-exponent);
        sum += weight;
        sum
    });
    let sums: Vec<f64> = sums.collect();
    let mut draw = || {
        let drawn = random.f64() * sum;
        sums.partition_point(|sum| *sum <= drawn).min(distinct - 1)
    };
    (0..length).map(|_| draw()).collect()
}

async fn row(log: &[usize]) -> Result<String> {
    let mut distinct = log.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let mut row = format!("{:>8} |", percent(distinct.len(), log.len()));
    for size in MEMORIES {
        row += &format!("{:>8}", percent(embedded(log, size).await?, log.len()));
    }
    row += " |";
    for (rate, hours) in TIMES {
        row += &format!("{:>12}", percent(written(log, rate, hours).await?, log.len()));
    }
    Ok(row)
}

/// What is saved of this many calls when only these are made.
fn percent(made: usize, of: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are printed")]
    let saved = 1.0 - made as f64 / of as f64;
    format!("{:.0}", 100.0 * saved)
}

fn mebibytes(size: usize) -> Result<NonZeroUsize> {
    Ok(NonZeroUsize::try_from(size << 20)?)
}

/// How many calls to embed a log needs.
async fn embedded(log: &[usize], size: usize) -> Result<usize> {
    let upstream = Arc::<Upstream>::default();
    let embedder = CachedEmbedder::new(Arc::clone(&upstream) as _, mebibytes(size)?);
    for number in log {
        let texts = [format!("question {number}")];
        embedder.embed(&texts, Purpose::Query, VectorShape::dense(DIMENSION)).await?;
    }
    upstream.calls()
}

/// How many calls to write a log needs at so many questions an hour, when an answer lives so long.
async fn written(log: &[usize], rate: u32, hours: u64) -> Result<usize> {
    let between = Duration::from_hours(1) / rate;
    let mut random = fastrand::Rng::with_seed(SEED);
    let upstream = Arc::<Upstream>::default();
    let answers = Answers::new(mebibytes(ANSWERS)?, Duration::from_hours(hours));
    let generator = CachedGenerator::new(Arc::clone(&upstream) as _, answers);
    for number in log {
        // As it is between readers who do not know of each other.
        advance(between.mul_f64(-(1.0 - random.f64()).ln())).await;
        let question = format!("question {number}");
        let prompt = Prompt {
            mark: MessageId(Uuid::nil()),
            question: Question::new(&question, None, None, QuestionLimits::default())?,
            standalone: None,
            passages: Vec::new(),
            history: Vec::new(),
        };
        let mut pieces = generator.generate(prompt).await?;
        while let Some(piece) = pieces.next().await {
            piece?;
        }
    }
    upstream.calls()
}

/// Counts its calls.
#[derive(Default)]
struct Upstream(AtomicU64);

impl Upstream {
    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn calls(&self) -> Result<usize> {
        Ok(self.0.load(Ordering::Relaxed).try_into()?)
    }
}

#[async_trait]
impl Embedder for Upstream {
    fn space(&self) -> &'static str {
        "counted"
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::dense(DIMENSION)
    }

    async fn embed(
        &self,
        texts: &[String],
        _: Purpose,
        _: VectorShape,
    ) -> std::result::Result<Vec<Embedding>, PortError> {
        self.count();
        let embedding = Embedding { dense: Some(vec![0.0; DIMENSION.get()]), sparse: None };
        Ok(vec![embedding; texts.len()])
    }

    async fn ready(&self) -> std::result::Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Generator for Upstream {
    fn model(&self) -> &'static str {
        "counted"
    }

    async fn generate(&self, _: Prompt) -> std::result::Result<Generation, PortError> {
        self.count();
        let text = format!("{:<ANSWER$}", "[1]");
        let end = Generated::End { model: self.model().to_owned(), usage: Usage::default() };
        Ok(Box::pin(stream::iter([Ok(Generated::Text(text)), Ok(end)])))
    }

    async fn ready(&self) -> std::result::Result<(), PortError> {
        Ok(())
    }
}
