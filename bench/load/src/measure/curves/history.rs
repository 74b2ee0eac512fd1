//! What a conversation costs the question after it.
//!
//! Goal P10: ten turns cost at most 5 % more.

use crate::counter::{Counter, Run, has_valgrind};
use crate::measure::curves::{Stage, told};
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::program::Setting;
use crate::reader::Ask;
use crate::tally::{median, ratio};
use crate::timetable::Span;

/// How many turns there were.
const TURNS: [u32; 3] = [0, 10, 50];

/// So many chats fill the longest conversation, and so many more are counted under callgrind.
const FEW: u64 = 30;
const MORE: u64 = 50;

/// How much more ten turns may cost.
const GOAL: f64 = 1.05;

/// How askbook comes to know a conversation.
#[derive(Clone, Copy, Debug)]
enum Way {
    Kept,
    Sent,
    /// As kept, before a question that means nothing by itself.
    FollowUp,
}

impl Way {
    const ALL: [Self; 3] = [Self::Kept, Self::Sent, Self::FollowUp];

    fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept by askbook",
            Self::Sent => "sent along by the client",
            Self::FollowUp => "kept, and a follow-up: one call more",
        }
    }

    /// Without any turn, a question is what it is in all ways.
    fn ask(self, turns: u32) -> Ask {
        let ask = Ask::of(0);
        match self {
            _ if turns == 0 => ask,
            Self::Kept => Ask { goes_on: true, ..ask },
            Self::Sent => Ask { turns, ..ask },
            Self::FollowUp => Ask { goes_on: true, follow_up: true, ..ask },
        }
    }
}

pub(super) async fn measure(stage: &Stage<'_>) -> anyhow::Result<Picture> {
    let cases: Vec<(Way, u32)> = Way::ALL
        .into_iter()
        .flat_map(|way| TURNS.map(|turns| (way, turns)))
        .filter(|(way, turns)| *turns > 0 || matches!(way, Way::Kept))
        .collect();
    let mut costs = vec![Vec::new(); cases.len()];
    for (round, at) in stage.rounds_of(cases.len()) {
        let (way, turns) = cases[at];
        told(&format!("history, round {round}: {turns} turns, {way:?}"));
        costs[at].push(time(stage, way, turns).await?);
    }
    let times: Vec<Option<f64>> = costs.into_iter().map(median).collect();
    let mut panels = vec![panel("Time on a processor", "µs a chat, one reader", &cases, &times)];
    if has_valgrind() {
        let mut counts = Vec::new();
        for &(way, turns) in &cases {
            told(&format!("history, instructions: {turns} turns, {way:?}"));
            counts.push(Some(instructions(stage, way, turns).await?));
        }
        panels.push(panel("Instructions (callgrind)", "instructions a chat", &cases, &counts));
    }
    Ok(Picture {
        title: "What a chat costs after a conversation",
        notes: vec![
            "A turn is a question (40 bytes) or an answer (280 bytes). askbook as shipped, which \
             reads at most 1,000 tokens of a conversation; it keeps as many exchanges as are \
             shown. Upstreams take no time; the follow-up is condensed by the model first."
                .to_owned(),
        ],
        panels,
    })
}

fn panel(title: &str, up: &'static str, cases: &[(Way, u32)], costs: &[Option<f64>]) -> Panel {
    let all = || cases.iter().zip(costs);
    let none = all().find_map(|((_, turns), cost)| cost.filter(|_| *turns == 0));
    let point = |turns: u32, cost: Option<f64>| cost.map(|cost| (f64::from(turns), cost));
    let mut curves: Vec<Curve> = Way::ALL
        .into_iter()
        .map(|way| {
            let of_it = all().filter(|((of, _), _)| *of as u8 == way as u8);
            let points = of_it.filter_map(|((_, turns), cost)| point(*turns, *cost));
            let first = point(0, none).filter(|_| !matches!(way, Way::Kept));
            Curve::measured(way.name(), first.into_iter().chain(points).collect())
        })
        .collect();
    if let Some(none) = none {
        let goal = [(0.0, GOAL * none), (10.0, GOAL * none)];
        curves.push(Curve::goal("goal P10: ≤ 1.05 × at 10 turns", goal.to_vec()));
    }
    Panel {
        title: title.to_owned(),
        across: "turns before the question",
        up,
        scales: (Scale::Even, Scale::Even),
        curves,
    }
}

/// askbook keeps so much of a conversation and no more, so that it stays as long as it is.
fn exchanges(turns: u32) -> String {
    (turns / 2).max(1).to_string()
}

/// In microseconds on a processor.
async fn time(stage: &Stage<'_>, way: Way, turns: u32) -> anyhow::Result<f64> {
    let exchanges = exchanges(turns);
    let stand = stage.start(&settings(&exchanges))?;
    let ask = move |number| Ask { number, ..way.ask(turns) };
    // Until the conversation is as long as it gets.
    stand.chats(1, Span::seconds(0, 1), ask).await?;
    let (_, cost) = stand.chats(1, stage.span(), ask).await?;
    Ok(cost)
}

async fn instructions(stage: &Stage<'_>, way: Way, turns: u32) -> anyhow::Result<f64> {
    let exchanges = exchanges(turns);
    let (settings, pieces) = (settings(&exchanges), stage.bench.pace.pieces);
    let few = Run { chats: FEW, ask: way.ask(turns), pieces, settings: &settings };
    let more = Run { chats: FEW + MORE, ..few.clone() };
    let counter = Counter::Instructions { reports: None };
    let few = counter.run(stage.bench, &few).await?;
    let more = counter.run(stage.bench, &more).await?;
    Ok(ratio(more.saturating_sub(few), MORE))
}

fn settings(exchanges: &str) -> [Setting<'_>; 1] {
    [("ASKBOOK_SESSION_TURNS", exchanges)]
}
