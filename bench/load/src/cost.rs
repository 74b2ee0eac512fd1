//! What a chat takes of a processor.

use std::sync::Arc;

use crate::program::Program;
use crate::reader::{Ask, Outcome, Readers};
use crate::tally::{Tally, float};
use crate::timetable::{Span, closed};

/// Has so many readers ask. Also returns the time on a processor that each answer took, in
/// microseconds.
///
/// # Errors
/// Nothing is answered.
pub(crate) async fn of_chats(
    program: &Program,
    readers: &Arc<Readers>,
    count: u32,
    span: Span,
    ask: impl Fn(u64) -> Ask + Clone + Send + 'static,
) -> anyhow::Result<(Tally, f64)> {
    let before = program.vitals()?.processor;
    let tally = closed(readers, count, span, ask).await?;
    let processor = program.vitals()?.processor.saturating_sub(before);
    let written = tally.all(Outcome::Written);
    let others = || Outcome::ALL.map(|outcome| (outcome, tally.all(outcome)));
    anyhow::ensure!(written > 0, "it answers nothing: {:?}", others());
    let each = processor.as_secs_f64() * 1e6 / float(written);
    Ok((tally, each))
}
