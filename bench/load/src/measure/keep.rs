//! What conversations take that are kept: the store of askbook by itself, in a process of its own.
//! A million of them would take a server a million chats.

use std::num::NonZeroUsize;
use std::process::id;
use std::time::Duration;

use askbook::ports::ChatSession as _;
use askbook::session::{Exchange, SessionId};
use askbook_memory::{MemorySessions, SessionLimits};
use serde::{Deserialize, Serialize};

use crate::book;
use crate::program::Vitals;
use crate::tally::float;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many conversations there are each time, ever more
    #[arg(long, value_delimiter = ',')]
    counts: Vec<u32>,
    /// In how many pieces an answer was written
    #[arg(long)]
    answer_pieces: u32,
}

/// What so many conversations take.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Kept {
    pub(crate) count: u32,
    /// Of each of them, in bytes.
    pub(crate) bytes: f64,
    /// What a chat takes that goes on with any of them, in microseconds on a processor: it looks it
    /// up and adds an exchange.
    pub(crate) use_us: f64,
}

/// How often conversations are gone on with.
const USES: u32 = 200_000;

/// Prints a line of JSON for each number of conversations.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let (ttl, exchanges) = (Duration::from_hours(24), NonZeroUsize::MIN);
    let store = MemorySessions::new(SessionLimits { ttl, exchanges, bytes: usize::MAX });
    let answer = book::answer(options.answer_pieces).concat();
    let exchange = || Exchange { question: book::question(0), answer: answer.clone() };
    // Written to, so that it is there before the memory is read.
    let most = options.counts.iter().max().copied().unwrap_or_default();
    let mut ids = vec![u128::MAX; most as usize];
    let idle = Vitals::of(id())?.resident;
    let mut begun = 0_u32;
    for &count in &options.counts {
        for place in &mut ids[begun as usize..count as usize] {
            let id = store.open().await?;
            store.record(&id, exchange()).await?;
            *place = u128::from_str_radix(id.as_str(), 16)?;
        }
        begun = count;
        let bytes = float(Vitals::of(id())?.resident.saturating_sub(idle)) / f64::from(count);
        let before = Vitals::of(id())?.processor;
        for _ in 0..USES {
            let any = ids[fastrand::usize(..count as usize)];
            let id = SessionId::from_random(any.to_be_bytes());
            let turns = store.turns(&id).await?;
            anyhow::ensure!(turns.is_some_and(|turns| turns.len() == 2), "it is not kept");
            store.record(&id, exchange()).await?;
        }
        let used = Vitals::of(id())?.processor.saturating_sub(before);
        let use_us = used.as_secs_f64() * 1e6 / f64::from(USES);
        println!("{}", serde_json::to_string(&Kept { count, bytes, use_us })?);
    }
    Ok(())
}
