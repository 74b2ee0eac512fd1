//! What readers cost who wait for answers at the same time.

use std::time::Duration;

use crate::measure::curves::{Stage, Stand, told};
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::reader::{Ask, Outcome};

/// How many readers there are.
const READERS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/// askbook as shipped refuses those that are more than it wants to answer at once.
const ALL_ANSWERED: [(&str, &str); 2] =
    [("ASKBOOK_MAX_QUESTIONS", "2000"), ("ASKBOOK_UPSTREAM_CALLS", "2000")];

pub(super) async fn measure(stage: &Stage<'_>) -> anyhow::Result<Picture> {
    let pace = stage.bench.pace;
    let slow = format!("upstreams take {} ms", pace.for_answer().as_millis());
    let (mut curves, mut unanswered) = <([Vec<Curve>; 4], u64)>::default();
    for (name, pace) in [("upstreams take no time".to_owned(), pace.at_once()), (slow, pace)] {
        let mut points: [Vec<(f64, f64)>; 5] = Default::default();
        for readers in READERS {
            told(&format!("concurrency: {readers} readers, {name}"));
            let stand = Stand::start(stage.bench, pace, &ALL_ANSWERED, None)?;
            let patient = |number| Ask { patience: Duration::from_mins(1), ..Ask::of(number) };
            let (tally, cost) = stand.chats(readers, stage.span(), patient).await?;
            let quantile = |share| tally.quantile(Outcome::Written, share);
            unanswered += tally.total() - tally.all(Outcome::Written);
            let figures = [
                Some(tally.rate(Outcome::Written)),
                quantile(0.5),
                quantile(0.99),
                Some(cost),
                Some(stand.program.vitals()?.mib()),
            ];
            for (points, figure) in points.iter_mut().zip(figures) {
                points.extend(figure.map(|figure| (f64::from(readers), figure)));
            }
        }
        let [rate, p50, p99, cost, resident] = points;
        curves[0].push(Curve::measured(name.clone(), rate));
        curves[1].push(Curve::measured(format!("p50, {name}"), p50));
        curves[1].push(Curve::measured(format!("p99, {name}"), p99));
        curves[2].push(Curve::measured(name.clone(), cost));
        curves[3].push(Curve::measured(name, resident));
    }
    let titles = [
        ("Answers", "answers a second", Scale::Log),
        ("Time of a chat", "ms", Scale::Log),
        ("Time on a processor", "µs a chat", Scale::Even),
        ("Memory of the server", "MiB (RSS), after it", Scale::Even),
    ];
    let panels = titles.into_iter().zip(curves).map(|((title, up, scale), curves)| Panel {
        title: title.to_owned(),
        across: "readers, each of whom asks when the last question is answered",
        up,
        scales: (Scale::Log, scale),
        curves,
    });
    Ok(Picture {
        title: "Readers at the same time",
        notes: vec![format!(
            "Readers, stand-ins and askbook share the processors, so the rate says less than the \
             cost. askbook may answer 2,000 questions at once, not 512 as it is shipped, and as \
             many calls to each upstream, not 256. Questions that had no answer: {unanswered}."
        )],
        panels: panels.collect(),
    })
}
