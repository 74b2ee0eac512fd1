//! Reports as people read them.

use std::fmt::{self, Display, Write as _};

use super::measure::{Asking, Leg};
use super::metrics::{At, Latency, Matrix};
use super::report::{Report, Slice};
use super::set::Half;
use super::target::Missing;

/// How many entries of a list are shown.
const SHOWN: usize = 30;

/// A measure at a depth: its name and how it is read.
type Column = (&'static str, fn(&At) -> f64);

const COLUMNS: [Column; 3] = [("hit", |at| at.hit), ("R", |at| at.recall), ("MRR", |at| at.mrr)];

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, index, missing, degraded, slices, embed_ms, search_ms, .. } = self;
        let Some(all) = slices.first() else { return Ok(()) };
        let Slice { answerable, unanswerable, .. } = all;
        write!(f, "{answerable} answerable and {unanswerable} unanswerable questions to {index}")?;
        match settings.as_slice() {
            [] => writeln!(f)?,
            settings => writeln!(f, ", with {}", settings.join(" "))?,
        }
        stale(f, missing)?;
        if *degraded > 0 {
            writeln!(f, "\n{degraded} searches were made while a part was out of order")?;
        }
        rankings(f, slices)?;
        let what = "refused, of the unanswerable and (falsely) of the answerable";
        writeln!(f, "\n{:<16} {what}", "")?;
        for slice in slices {
            refusals(f, "evidence", slice.half, Some(slice.evidence))?;
        }
        for slice in slices {
            refusals(f, "answers", slice.half, slice.answers)?;
        }
        writeln!(f, "\n{:<16}{:>9}{:>9}", "ms", "p50", "p99")?;
        latency(f, "embed", *embed_ms)?;
        latency(f, "search", *search_ms)
    }
}

/// What a set calls relevant in vain.
pub(super) fn stale(f: &mut fmt::Formatter<'_>, missing: &[Missing]) -> fmt::Result {
    if missing.is_empty() {
        return Ok(());
    }
    let count = missing.len();
    writeln!(f, "\nThe set is stale: {count} of what it calls relevant is not in the index")?;
    listed(f, missing, |missing| format!("line {}: {}", missing.line, missing.wanted))
}

/// How well each ranking finds what is relevant, a line for each part of the set.
fn rankings(f: &mut fmt::Formatter<'_>, slices: &[Slice]) -> fmt::Result {
    if slices.iter().all(|slice| slice.legs.is_empty()) {
        return Ok(());
    }
    write!(f, "\n{:<16}", "")?;
    columns(f, slices)?;
    writeln!(f)?;
    for leg in [Leg::Lexical, Leg::Dense, Leg::Fused, Leg::Selected] {
        for slice in slices.iter().filter(|slice| slice.leg(leg).is_some()) {
            write!(f, "{:<16}", format!("{:<9}{}", leg.name(), part(slice.half)))?;
            measures(f, slice, leg)?;
            writeln!(f)?;
        }
    }
    Ok(())
}

/// The names of the measures.
pub(super) fn columns(f: &mut fmt::Formatter<'_>, slices: &[Slice]) -> fmt::Result {
    let Some(first) = slices.iter().find_map(|slice| slice.legs.first()) else { return Ok(()) };
    for (name, _) in COLUMNS {
        for at in &first.at {
            write!(f, "{:>9}", format!("{name}@{}", at.k))?;
        }
    }
    Ok(())
}

/// The measures of a ranking over a part of the set.
pub(super) fn measures(f: &mut fmt::Formatter<'_>, slice: &Slice, leg: Leg) -> fmt::Result {
    let Some(measured) = slice.leg(leg) else { return Ok(()) };
    for (_, value) in COLUMNS {
        for at in &measured.at {
            write!(f, "{:>9.3}", value(at))?;
        }
    }
    Ok(())
}

fn refusals(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    half: Option<Half>,
    matrix: Option<Matrix>,
) -> fmt::Result {
    let Some(matrix) = matrix else { return Ok(()) };
    write!(f, "{:<16}", format!("{name:<9}{}", part(half)))?;
    let Matrix { answered, falsely_refused, falsely_answered, refused } = matrix;
    for (count, of, share) in [
        (refused, refused + falsely_answered, matrix.refusals()),
        (falsely_refused, falsely_refused + answered, matrix.false_refusals()),
    ] {
        let share = share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        write!(f, "{:>9}{share:>9}", format!("{count}/{of}"))?;
    }
    writeln!(f)
}

fn latency(f: &mut fmt::Formatter<'_>, name: &str, latency: Option<Latency>) -> fmt::Result {
    let Some(Latency { p50, p99 }) = latency else { return Ok(()) };
    writeln!(f, "{name:<16}{p50:>9.2}{p99:>9.2}")
}

pub(super) fn part(half: Option<Half>) -> &'static str {
    match half {
        None => "all",
        Some(Half::A) => "half a",
        Some(Half::B) => "half b",
    }
}

/// The first entries of a list, and how many more there are.
fn listed<T>(out: &mut impl fmt::Write, all: &[T], show: impl Fn(&T) -> String) -> fmt::Result {
    for one in all.iter().take(SHOWN) {
        writeln!(out, "  {}", show(one))?;
    }
    match all.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

impl Leg {
    fn name(self) -> &'static str {
        match self {
            Self::Lexical => "lexical",
            Self::Dense => "dense",
            Self::Fused => "fused",
            Self::Selected => "selected",
        }
    }
}

/// What the second report has more, or less, than the first, and which questions changed.
pub(crate) fn difference(first: &Report, second: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    write!(text, "{:<16}", "difference")?;
    let (Some(before), Some(after)) = (first.slices.first(), second.slices.first()) else {
        return Ok(text);
    };
    if let Some(measured) = before.legs.first() {
        for (name, _) in COLUMNS {
            for at in &measured.at {
                write!(text, "{:>9}", format!("{name}@{}", at.k))?;
            }
        }
    }
    writeln!(text)?;
    for measured in &before.legs {
        let Some(other) = after.legs.iter().find(|other| other.leg == measured.leg) else {
            continue;
        };
        write!(text, "{:<16}", measured.leg.name())?;
        for (_, value) in COLUMNS {
            for (before, after) in measured.at.iter().zip(&other.at) {
                write!(text, "{:>+9.3}", value(after) - value(before))?;
            }
        }
        writeln!(text)?;
    }
    let pairs = first.questions.iter().zip(&second.questions);
    let changed: Vec<(&Asking, &Asking)> =
        pairs.filter(|(before, after)| became(before) != became(after)).collect();
    writeln!(text, "\n{} questions changed", changed.len())?;
    listed(&mut text, &changed, |(before, after)| {
        format!(
            "line {}: {} -> {}: {}",
            before.line,
            became(before),
            became(after),
            before.question
        )
    })?;
    Ok(text)
}

/// What became of a question, in a few words.
fn became(asking: &Asking) -> String {
    let refused = !asking.answered.unwrap_or(asking.sufficient);
    let place = asking.legs.get(&Leg::Selected).map(|places| match places.first() {
        Some(place) => format!("place {place}"),
        None => "not found".to_owned(),
    });
    match (place, refused) {
        (Some(place), false) => place,
        (Some(place), true) => format!("{place}, refused"),
        (None, false) => "answered".to_owned(),
        (None, true) => "refused".to_owned(),
    }
}
