//! What the stand-ins do with the calls that they get, and how many those were.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// A call to an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Gemini embeds; paid.
    Embed,
    /// Gemini condenses a follow-up; paid.
    Condense,
    /// Gemini writes an answer; paid.
    Write,
    /// Qdrant searches.
    Search,
    /// Something else, which is asked at the start and by readiness probes.
    Other,
}

/// How long the stand-ins take, and how much they say.
#[derive(Args, Clone, Copy, Debug)]
#[command(
    next_help_heading = "Upstreams (they take no time in instructions and compare, nor in curves but for concurrency)"
)]
pub(crate) struct Pace {
    /// How long an embedding takes, in milliseconds
    #[arg(long, global = true, default_value_t = 20)]
    embed_ms: u64,
    /// How long a search takes, in milliseconds
    #[arg(long, global = true, default_value_t = 5)]
    search_ms: u64,
    /// How long it takes until an answer begins, in milliseconds
    #[arg(long, global = true, default_value_t = 100)]
    first_ms: u64,
    /// How long it takes from there to its end, in milliseconds
    #[arg(long, global = true, default_value_t = 100)]
    write_ms: u64,
    /// By how much each of these times varies: 0.5 for half as long to half as long again
    #[arg(long, global = true, default_value_t = 0.0)]
    spread: f64,
    /// How many passages a search finds, of 900 bytes each
    #[arg(long, global = true, default_value_t = 5)]
    pub(crate) passages: usize,
    /// How long vectors are
    #[arg(long, global = true, default_value_t = 768)]
    pub(crate) dimension: usize,
    /// In how many pieces an answer is streamed
    #[arg(long, global = true, default_value_t = 4)]
    pub(crate) pieces: u32,
}

impl Pace {
    /// The same without any delay.
    pub(crate) fn at_once(self) -> Self {
        Self { embed_ms: 0, search_ms: 0, first_ms: 0, write_ms: 0, ..self }
    }

    /// The same, but answers begin after so many milliseconds and come in so many pieces, with as
    /// many milliseconds between two of them.
    pub(crate) fn writing(self, first_ms: u64, pieces: u32, between_ms: u64) -> Self {
        let write_ms = between_ms * u64::from(pieces.saturating_sub(1));
        Self { first_ms, write_ms, pieces, ..self }
    }

    /// How long this call takes until it is answered, or begins to be.
    pub(crate) fn of(self, call: Call) -> Duration {
        Duration::from_millis(match call {
            Call::Embed => self.embed_ms,
            Call::Condense => self.first_ms + self.write_ms,
            Call::Write => self.first_ms,
            Call::Search => self.search_ms,
            Call::Other => 0,
        })
    }

    /// How long an answer takes from its beginning to its end.
    pub(crate) fn rest_of_answer(self) -> Duration {
        Duration::from_millis(self.write_ms)
    }

    /// How long it is from one piece of an answer to the next.
    pub(crate) fn between_pieces(self) -> Duration {
        self.rest_of_answer() / self.pieces.saturating_sub(1).max(1)
    }

    /// How long it is from a question to the beginning of its answer, without askbook's own time.
    pub(crate) fn before_answer(self) -> Duration {
        [Call::Embed, Call::Search, Call::Write].map(|call| self.of(call)).iter().sum()
    }

    /// How long it is from a question to the end of its answer, without askbook's own time.
    pub(crate) fn for_answer(self) -> Duration {
        self.before_answer() + self.rest_of_answer()
    }

    /// Waits about that long.
    pub(crate) async fn wait(self, time: Duration) {
        if !time.is_zero() {
            let random = fastrand::f64().mul_add(2.0, -1.0);
            sleep(time.mul_f64((1.0 + self.spread * random).max(0.0))).await;
        }
    }
}

/// How a call fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is answered with 503, or UNAVAILABLE.
    Refused,
    /// Its connection, or its stream, breaks before the first byte of an answer.
    Broken,
    /// It is never answered.
    Silent,
}

/// Which calls fail, and how: each one whose number among its like is a multiple.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    pub(crate) calls: &'static [Call],
    pub(crate) fault: Fault,
    pub(crate) every: u64,
}

/// What the stand-ins share with who measures.
pub(crate) struct Script {
    pub(crate) pace: Pace,
    counts: [AtomicU64; 5],
    connections: AtomicU64,
    /// In nanoseconds.
    held: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
    left: mpsc::UnboundedSender<Instant>,
}

/// How many calls there were.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts([u64; 5]);

impl Script {
    /// Tells the channel when a client has left an answer that was not complete.
    pub(crate) fn new(pace: Pace, left: mpsc::UnboundedSender<Instant>) -> Self {
        let (connections, held) = Default::default();
        Self {
            pace,
            counts: Default::default(),
            connections,
            held,
            trouble: Mutex::default(),
            left,
        }
    }

    /// Counts a connection.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Takes as long as this call does until it is answered, or begins to be.
    pub(crate) async fn hold(&self, call: Call) {
        let begun = Instant::now();
        self.pace.wait(self.pace.of(call)).await;
        let held = u64::try_from(begun.elapsed().as_nanos()).unwrap_or_default();
        self.held.fetch_add(held, Ordering::Relaxed);
    }

    /// How long all calls together took so far until they were answered, or began to be.
    pub(crate) fn held(&self) -> Duration {
        Duration::from_nanos(self.held.load(Ordering::Relaxed))
    }

    /// Counts a call, and says how it is to fail.
    pub(crate) fn take(&self, call: Call) -> Option<Fault> {
        let number = self.counts[call as usize].fetch_add(1, Ordering::Relaxed) + 1;
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let fails = |trouble: &Trouble| {
            trouble.calls.contains(&call) && number.is_multiple_of(trouble.every)
        };
        trouble.filter(fails).map(|trouble| trouble.fault)
    }

    /// From now on this goes wrong.
    pub(crate) fn make(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    /// How many calls there were so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts(std::array::from_fn(|call| self.counts[call].load(Ordering::Relaxed)))
    }

    /// To be held as long as an answer is being written.
    pub(crate) fn writing(self: &Arc<Self>) -> Writing {
        Writing { script: Arc::clone(self), complete: false }
    }
}

impl Counts {
    /// Of this call.
    pub(crate) fn of(&self, call: Call) -> u64 {
        self.0[call as usize]
    }

    /// Those that a chat is made of.
    pub(crate) fn of_chats(&self) -> u64 {
        [Call::Embed, Call::Search, Call::Write].map(|call| self.of(call)).iter().sum()
    }

    /// Those since then.
    pub(crate) fn since(&self, then: &Self) -> Self {
        Self(std::array::from_fn(|call| self.0[call] - then.0[call]))
    }
}

/// An answer that is being written. Dropped before it is complete: its client has left.
pub(crate) struct Writing {
    script: Arc<Script>,
    complete: bool,
}

impl Writing {
    pub(crate) fn complete(&mut self) {
        self.complete = true;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.complete {
            // Most measurements do not listen.
            let _ = self.script.left.send(Instant::now());
        }
    }
}
