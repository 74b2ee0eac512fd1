//! askbook under load: the real program between stand-ins for Gemini and Qdrant and many readers.
//!
//! Everything is on this machine, so its processors are shared. The stand-ins answer after a
//! delay, so that what bounds askbook is how many calls it may have at once and not a processor;
//! the figures say how much of one it took. But where askbook is compared with other servers, they
//! answer at once. Nothing is asserted: a goal that is missed is said to be.
//!
//! * [`upstreams`]: the stand-ins [`gemini`] and [`qdrant`] behind their [`connections`], which go by a
//!   [`script`] and count.
//! * [`program`]: askbook, or another server, as a process of its own.
//! * [`counter`] and [`cost`]: what it takes, in instructions and in time on a processor.
//! * [`reader`] asks, by a [`timetable`], and a [`tally`] is kept of what becomes of it.
//! * [`measure`]: the measurements, one file each; a [`picture`] shows curves.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod book;
mod connections;
mod corpus;
mod cost;
mod counter;
mod gemini;
mod measure {
    pub(crate) mod cancel;
    pub(crate) mod capacity;
    pub(crate) mod compare;
    pub(crate) mod curves;
    pub(crate) mod faults;
    pub(crate) mod instructions;
    pub(crate) mod keep;
    pub(crate) mod overload;
    pub(crate) mod soak;
}
mod picture;
mod program;
mod qdrant;
mod reader;
mod script;
mod table;
mod tally;
mod timetable;
mod upstreams;

use clap::{Parser, Subcommand};

use measure::{cancel, capacity, compare, curves, faults, instructions, keep, overload, soak};
use program::{Measured, Program};
use script::Pace;
use upstreams::Upstreams;

/// That of askbook, so that what is kept takes as much here as there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures askbook under load, between stand-ins for its upstreams")]
struct Arguments {
    #[command(flatten)]
    bench: Bench,
    #[command(subcommand)]
    measurement: Measurement,
}

/// What is measured, and between what.
#[derive(clap::Args, Clone, Debug)]
struct Bench {
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    pace: Pace,
}

impl Bench {
    /// A new askbook between new upstreams.
    fn start(&self, settings: &[(&str, &str)]) -> anyhow::Result<(Program, Upstreams)> {
        let upstreams = Upstreams::start(self.pace, None)?;
        Ok((Program::start(&self.measured, &upstreams, settings)?, upstreams))
    }
}

#[derive(Subcommand)]
enum Measurement {
    /// What askbook costs and how fast it is, beside other servers of the same contract
    Compare(compare::Options),
    /// What a chat costs as everything grows, as curves (goals P4, P8, P9 and P10)
    Curves(curves::Options),
    /// How many instructions and allocations a chat takes, and a piece of an answer (goals P2 and P6)
    Instructions(instructions::Options),
    /// How many answers a second there are at most, with ever more readers who wait for theirs
    Capacity(capacity::Options),
    /// What becomes of readers who are more than can be answered (goal R1)
    Overload(overload::Options),
    /// How often upstreams are called that fail (goal R2)
    Faults(faults::Options),
    /// How soon upstreams are left alone by an answer whose reader has gone (goal R3)
    Cancel(cancel::Options),
    /// Whether memory grows in the long run (goal R5)
    Soak(soak::Options),
    /// What kept conversations take; a part of `curves`, in a process of its own
    #[command(hide = true)]
    Keep(keep::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { bench, measurement } = Arguments::parse();
    match measurement {
        Measurement::Compare(options) => compare::run(&bench, &options).await,
        Measurement::Curves(options) => curves::run(&bench, &options).await,
        Measurement::Instructions(options) => instructions::run(&bench, &options).await,
        Measurement::Capacity(options) => capacity::run(&bench, &options).await,
        Measurement::Overload(options) => overload::run(&bench, &options).await,
        Measurement::Faults(options) => faults::run(&bench, &options).await,
        Measurement::Cancel(options) => cancel::run(&bench, &options).await,
        Measurement::Soak(options) => soak::run(&bench, &options).await,
        Measurement::Keep(options) => keep::run(&options).await,
    }
}
