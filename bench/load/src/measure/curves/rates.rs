//! What becomes of readers who ask by a timetable, at rates up to and past what can be answered.
//!
//! Goal P4: at half of that, 99 of 100 wait for at most 2 ms and 999 of 1,000 for at most 5 ms, and
//! everybody gets an answer.

use crate::measure::curves::{Apart, Stage, Stand, told};
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::reader::{Ask, Outcome};
use crate::timetable::open;

/// How many times as many questions as can be answered.
const TIMES: [f64; 10] = [0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0];

/// Enough readers that askbook has always something to do.
const BUSY: u32 = 64;

/// What is waited for, in milliseconds.
const GOALS: [(&str, f64); 2] = [("goal P4: p99 ≤ 2 ms", 2.0), ("goal P4: p99.9 ≤ 5 ms", 5.0)];

pub(super) async fn measure(stage: &Stage<'_>) -> anyhow::Result<Picture> {
    let apart = Apart::with(1)?;
    let start = || {
        let settings = [("ASKBOOK_THREADS", "1")];
        Stand::start(stage.bench, stage.bench.pace.at_once(), &settings, apart.as_ref())
    };
    let (tally, _) = start()?.chats(BUSY, stage.span(), Ask::of).await?;
    let capacity = tally.rate(Outcome::Written);
    let mut quantiles: [Vec<(f64, f64)>; 4] = Default::default();
    let mut outcomes: [Vec<(f64, f64)>; 4] = Default::default();
    for times in TIMES {
        let rate = times * capacity;
        told(&format!("rates: {rate:.0} questions a second, {times} of capacity"));
        let stand = start()?;
        let tally = open(&stand.readers, rate, stage.span(), Ask::of).await?;
        let of_answers = |share| tally.quantile(Outcome::Written, share);
        let figures = [of_answers(0.5), of_answers(0.99), of_answers(0.999), tally.lag(0.99)];
        for (points, figure) in quantiles.iter_mut().zip(figures) {
            points.extend(figure.map(|figure| (rate, figure)));
        }
        let known = [Outcome::Written, Outcome::Quoted, Outcome::Refused].map(|of| tally.rate(of));
        let all: f64 = Outcome::ALL.into_iter().map(|outcome| tally.rate(outcome)).sum();
        let [written, quoted, refused] = known;
        let other = all - known.iter().sum::<f64>();
        for (points, figure) in outcomes.iter_mut().zip([written, quoted, refused, other]) {
            points.push((rate, figure));
        }
    }
    let [p50, p99, p999, late] = quantiles;
    let [written, quoted, refused, other] = outcomes;
    let half = [TIMES[0] * capacity, capacity / 2.0];
    let goals = GOALS.map(|(name, goal)| Curve::goal(name, half.map(|rate| (rate, goal)).to_vec()));
    let mut times = vec![
        Curve::measured("p50", p50),
        Curve::measured("p99", p99),
        Curve::measured("p99.9", p999),
        Curve::measured("asked late, p99", late),
    ];
    times.extend(goals);
    let most = TIMES.map(|times| times * capacity);
    let all = most.map(|rate| (rate, rate.min(capacity))).to_vec();
    let counts = vec![
        Curve::measured("answered", written),
        Curve::measured("quoted from the book", quoted),
        Curve::measured("refused", refused),
        Curve::measured("left or failed", other),
        Curve::goal("as many as can be answered", all),
    ];
    let across = "questions a second, by a timetable";
    let panels = vec![
        Panel {
            title: "Time until an answer is there".to_owned(),
            across,
            up: "ms from when it is due",
            scales: (Scale::Even, Scale::Log),
            curves: times,
        },
        Panel {
            title: "What becomes of questions".to_owned(),
            across,
            up: "a second",
            scales: (Scale::Even, Scale::Even),
            curves: counts,
        },
    ];
    let placed = if apart.is_some() {
        "askbook has one processor for itself, with one thread; readers and stand-ins share the \
         others"
    } else {
        "askbook has one thread and shares the processors with readers and stand-ins"
    };
    Ok(Picture {
        title: "Questions by a timetable, up to and past capacity",
        notes: vec![format!(
            "Capacity is what {BUSY} readers get in a closed loop: {capacity:.0} answers a second. \
             {placed}. Upstreams take no time, but their work and the readers' is in the times. \
             Where questions are asked late, the readers were too slow, and not askbook."
        )],
        panels,
    })
}
