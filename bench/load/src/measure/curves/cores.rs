//! Whether two processors answer twice as much as one.
//!
//! Goal P4: at least 1.9 times.

use crate::measure::curves::{Apart, Stage, Stand, told};
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::reader::{Ask, Outcome};
use crate::tally::median;

/// How many readers there are.
const READERS: [u32; 4] = [1, 4, 16, 64];

/// How many times as much.
const GOAL: f64 = 1.9;

/// How many processors askbook has.
const PROCESSORS: [usize; 2] = [1, 2];

/// Of each number of processors and of readers, those of all rounds.
type Figures = [[Vec<f64>; READERS.len()]; PROCESSORS.len()];

pub(super) async fn measure(stage: &Stage<'_>) -> anyhow::Result<Picture> {
    let (mut rates, mut costs) = (Figures::default(), Figures::default());
    let mut alone = [false; PROCESSORS.len()];
    for (round, case) in stage.rounds_of(PROCESSORS.len() * READERS.len()) {
        let (at, of) = (case / READERS.len(), case % READERS.len());
        let (processors, readers) = (PROCESSORS[at], READERS[of]);
        told(&format!("cores, round {round}: {readers} readers, {processors} for askbook"));
        let apart = Apart::with(processors)?;
        alone[at] = apart.is_some();
        let threads = processors.to_string();
        let settings = [("ASKBOOK_THREADS", threads.as_str())];
        let pace = stage.bench.pace.at_once();
        let stand = Stand::start(stage.bench, pace, &settings, apart.as_ref())?;
        let (tally, cost) = stand.chats(readers, stage.span(), Ask::of).await?;
        rates[at][of].push(tally.rate(Outcome::Written));
        costs[at][of].push(cost);
    }
    let ratios = |upper: &[Vec<f64>], lower: &[Vec<f64>], times: f64| {
        let of_rounds = upper.iter().zip(lower).map(|(upper, lower)| {
            let each = upper.iter().zip(lower).map(|(upper, lower)| times * upper / lower);
            each.collect()
        });
        points(of_rounds)
    };
    let [first, last] = [READERS[0], READERS[READERS.len() - 1]].map(f64::from);
    let gains = vec![
        Curve::measured("answers a second", ratios(&rates[1], &rates[0], 1.0)),
        Curve::measured("that the cost would allow", ratios(&costs[0], &costs[1], 2.0)),
        Curve::goal("goal P4: ≥ 1.9", vec![(first, GOAL), (last, GOAL)]),
    ];
    let named = |figures: Figures| -> Vec<Curve> {
        let names = alone.map(|alone| if alone { "of its own" } else { "shared with readers" });
        let names = PROCESSORS.iter().zip(names).map(|(count, whose)| format!("{count}, {whose}"));
        let curves = names.zip(figures);
        curves.map(|(name, figures)| Curve::measured(name, points(figures.into_iter()))).collect()
    };
    let (rates, costs) = (named(rates), named(costs));
    let titles = [
        ("Answers", "answers a second", rates),
        ("Time on a processor", "µs a chat", costs),
        ("Two processors against one", "times as much", gains),
    ];
    let panels = titles.map(|(title, up, curves)| Panel {
        title: title.to_owned(),
        across: "readers",
        up,
        scales: (Scale::Log, Scale::Even),
        curves,
    });
    let honest = if alone[1] {
        "Readers and stand-ins have processors of their own."
    } else {
        "With two processors readers and stand-ins take a part of both, so that what is answered \
         is not what askbook could answer: what its cost would allow is 2 × the cost of a chat on \
         one processor / that on two, as if nobody else used them."
    };
    Ok(Picture {
        title: "One processor and two",
        notes: vec![format!("askbook has as many threads as processors. {honest}")],
        panels: panels.into(),
    })
}

/// The medians of the rounds.
fn points(of_readers: impl Iterator<Item = Vec<f64>>) -> Vec<(f64, f64)> {
    let medians = READERS.into_iter().zip(of_readers.map(median));
    medians.filter_map(|(readers, median)| Some((f64::from(readers), median?))).collect()
}
