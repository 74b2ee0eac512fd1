//! `askbook gaps`.

use std::time::Duration;

use askbook::feedback::{Gap, gaps};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::arguments::GapsArguments;
use super::print;
use crate::config::{Config, Switch};
use crate::wiring;

/// How much of a text is shown to people, in characters.
const EXCERPT: usize = 200;

/// How many more texts of a kind are shown to people.
const MORE: usize = 3;

/// Lists what readers asked in vain.
pub(super) fn list(config: &Config, wanted: &GapsArguments) -> anyhow::Result<()> {
    let folder = wiring::journal_folder(config);
    let mut misses = askbook_journal::misses(&folder)?;
    let kept = misses.len();
    if let Some(days) = wanted.since {
        let since = Timestamp::now() - Duration::from_hours(24 * u64::from(days));
        let since = u64::try_from(since.as_second()).unwrap_or_default();
        misses.retain(|miss| miss.at >= since);
    }
    let gaps = gaps(&misses);
    let shown = &gaps[..gaps.len().min(wanted.limit.get())];
    if wanted.json {
        let shown: Vec<Value> = shown.iter().map(to_json).collect();
        let found = json!({ "gaps": shown, "all_gaps": gaps.len(), "questions": misses.len() });
        return print(format_args!("{found:#}\n"));
    }
    if shown.is_empty() {
        return print(nothing(config, kept));
    }
    let text: String = shown.iter().map(to_text).collect();
    let (asked, all) = (misses.len(), gaps.len());
    let mut end = format!("questions in vain: {asked}, about different things: {all}\n");
    if shown.len() < all {
        end += &format!("--limit {all} shows them all\n");
    }
    print(text + &end)
}

/// Why nothing is listed, and what to do.
fn nothing(config: &Config, kept: usize) -> String {
    if kept > 0 {
        return format!(
            "nothing in these days; there are {kept} older questions: leave out --since\n"
        );
    }
    let folder = wiring::journal_folder(config);
    let why = match config.settings.journal {
        Switch::Off => "ASKBOOK_JOURNAL is off: set it to on",
        Switch::On => {
            "questions that the book does not answer, and answers that readers rate bad by \
             POST /feedback, are kept there while `askbook serve` runs with the same \
             ASKBOOK_DATA_DIR"
        }
    };
    format!("no gaps: there is nothing in {}\n{why}\n", folder.display())
}

fn to_text(gap: &Gap) -> String {
    let times = match gap.count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let rated = match gap.rated_bad {
        0 => String::new(),
        all if all == gap.count => ", answered and rated bad".to_owned(),
        some => format!(", {some} of them answered and rated bad"),
    };
    let mut questions = gap.questions.iter();
    let typical = questions.next().map(|question| excerpt(question)).unwrap_or_default();
    let mut text = format!("{typical}\n    {times}{rated}, last on {}\n", date(gap.last));
    let others: Vec<String> = questions.cloned().collect();
    for (name, texts) in [
        ("also asked", &others),
        ("on", &gap.pages),
        ("reasons", &gap.reasons),
        ("readers say", &gap.comments),
    ] {
        let shown: Vec<String> = texts.iter().take(MORE).map(|text| excerpt(text)).collect();
        let more = match texts.len() - shown.len() {
            0 => String::new(),
            more => format!(" | and {more} more"),
        };
        if !shown.is_empty() {
            text += &format!("    {name}: {}{more}\n", shown.join(" | "));
        }
    }
    text + "\n"
}

/// The beginning of a text, on one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut excerpt: String = line.chars().take(EXCERPT).collect();
    if excerpt.len() < line.len() {
        excerpt.push('…');
    }
    excerpt
}

fn to_json(gap: &Gap) -> Value {
    let Gap { questions, count, rated_bad, pages, reasons, comments, last } = gap;
    json!({
        "question": questions.first(),
        "questions": questions,
        "count": count,
        "rated_bad": rated_bad,
        "pages": pages,
        "reasons": reasons,
        "comments": comments,
        "last": time(*last),
    })
}

/// By RFC 3339.
fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|at| Timestamp::from_second(at).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

fn date(seconds: u64) -> String {
    time(seconds).split('T').next().unwrap_or_default().to_owned()
}
