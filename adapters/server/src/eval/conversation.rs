//! Conversations of which is known what answers the last turn, and how well it is found by each
//! way to search for it.
//!
//! A line is `{turns: [{question, answer}, …, {question}], relevant: [URL or passage id],
//! condensed}`. `condensed` stands for what a model would make of the last turn: no model is
//! asked, so the figures are those of a good one.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use askbook::follow_up::FollowUp;
use askbook::question::{Question, QuestionLimits};
use askbook::search::{Query, Search};
use askbook::session::{Exchange, MessageId, Turn};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::measure::{Asking, Leg};
use super::report::Report;
use super::set::{self, Asked, Half};
use super::table;

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Talk {
    /// The last turn.
    pub(crate) asked: Asked,
    /// What was said before it, oldest first.
    pub(crate) history: Vec<Turn>,
    /// What the last turn means by itself.
    pub(crate) condensed: String,
}

/// A way to search for the last turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    /// By the words of the reader.
    Raw,
    /// By the condensed question.
    Condensed,
    /// As askbook does it with a model that condenses: by both, unless it stands alone.
    Both,
    /// As askbook does it when there is no such model.
    Fallback,
}

/// What one way found.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    way: Way,
    report: Report,
}

/// How many last turns are taken for what they are: the condensed question of one that stands
/// alone is the turn itself.
#[derive(Debug, Serialize)]
pub(crate) struct Recognised {
    /// Of which half; `None` for all.
    half: Option<Half>,
    follow_ups: Count,
    standing_alone: Count,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Count {
    right: usize,
    of: usize,
}

/// What all ways found, on the same conversations.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// How the condensed questions came about.
    condensing: &'static str,
    recognised: Vec<Recognised>,
    /// The lines whose last turn is taken for what it is not.
    mistaken: Vec<usize>,
    ways: Vec<Measured>,
}

#[derive(Deserialize)]
struct Line {
    turns: Vec<Said>,
    relevant: Vec<String>,
    condensed: String,
    half: Option<Half>,
}

#[derive(Deserialize)]
struct Said {
    question: String,
    answer: Option<String>,
}

/// Reads a set of conversations.
///
/// # Errors
/// As [`set::read_lines`].
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Talk>> {
    set::read_lines(path, talk)
}

fn talk(number: usize, line: &[u8], half: Half) -> anyhow::Result<Talk> {
    let Line { mut turns, relevant, condensed, half: said } =
        serde_json::from_slice(line).map_err(|error| set::told(&error)).context(
            "not a JSON object {turns: [{question, answer}, {question}], relevant, condensed}",
        )?;
    let last = turns.pop().context("no turn: list at least the last question")?;
    ensure!(last.answer.is_none(), "the last turn has an answer: it is the one to be answered");
    ensure!(!relevant.is_empty(), "no relevant passage: list their URLs or ids");
    let history = turns.into_iter().map(|Said { question, answer }| {
        let answer = answer.context("a turn before the last one has no answer")?;
        anyhow::Ok(Exchange { question, answer }.into_turns())
    });
    let history: Vec<[Turn; 2]> = history.collect::<Result<_, _>>()?;
    let asked = Asked {
        line: number,
        text: last.question,
        page: None,
        selected_text: None,
        relevant: set::sorted(relevant),
        half: said.unwrap_or(half),
    };
    Ok(Talk { asked, history: history.into_iter().flatten().collect(), condensed })
}

impl Way {
    const ALL: [Self; 4] = [Self::Raw, Self::Condensed, Self::Both, Self::Fallback];

    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Condensed => "condensed",
            Self::Both => "both",
            Self::Fallback => "fallback",
        }
    }
}

impl Comparison {
    /// Searches for the last turns in each way. `report` makes the means of what was found.
    ///
    /// # Errors
    /// A question cannot be asked, or a port fails.
    pub(crate) async fn of(
        talks: &[Talk],
        search: &Search,
        limits: QuestionLimits,
        report: impl Fn(Vec<Asking>) -> Report,
    ) -> anyhow::Result<Self> {
        let mut ways = Vec::with_capacity(Way::ALL.len());
        for way in Way::ALL {
            let mut askings = Vec::new();
            for talk in talks {
                let context = || format!("line {}", talk.asked.line);
                let asking = ask(talk, way, search, limits).await.with_context(context)?;
                askings.push(asking);
            }
            ways.push(Measured { way, report: report(askings) });
        }
        let mut mistaken = Vec::new();
        for talk in talks {
            if !talk.is_recognised(limits)? {
                mistaken.push(talk.asked.line);
            }
        }
        let recognised = [None, Some(Half::A), Some(Half::B)]
            .map(|half| Recognised::of(half, talks, &mistaken))
            .into_iter()
            .filter(|recognised| recognised.follow_ups.of + recognised.standing_alone.of > 0)
            .collect();
        Ok(Self { condensing: "scripted", recognised, mistaken, ways })
    }
}

impl Talk {
    /// What a chat would make of the last turn; `None` when that is taken to stand alone.
    fn follow_up(&self, question: &Question) -> Option<FollowUp> {
        FollowUp::of(MessageId(Uuid::nil()), question, &self.history)
    }

    fn stands_alone(&self) -> bool {
        self.condensed == self.asked.text
    }

    fn is_recognised(&self, limits: QuestionLimits) -> anyhow::Result<bool> {
        let follow_up = self.follow_up(&self.asked.question(limits)?);
        Ok(follow_up.is_none() == self.stands_alone())
    }
}

impl Recognised {
    fn of(half: Option<Half>, talks: &[Talk], mistaken: &[usize]) -> Self {
        let (mut follow_ups, mut standing_alone) = (Count::default(), Count::default());
        for talk in talks.iter().filter(|talk| half.is_none_or(|half| half == talk.asked.half)) {
            let count = if talk.stands_alone() { &mut standing_alone } else { &mut follow_ups };
            count.of += 1;
            count.right += usize::from(!mistaken.contains(&talk.asked.line));
        }
        Self { half, follow_ups, standing_alone }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.right, self.of))
    }
}

/// Searches for one last turn.
async fn ask(
    talk: &Talk,
    way: Way,
    search: &Search,
    limits: QuestionLimits,
) -> anyhow::Result<Asking> {
    let mut question = talk.asked.question(limits)?;
    if way == Way::Condensed {
        question = Question::new(&talk.condensed, None, None, limits)?;
    }
    let standalone = talk.follow_up(&question).and_then(|follow_up| match way {
        Way::Raw | Way::Condensed => None,
        Way::Both => Some(follow_up.standalone(Some(talk.condensed.clone()))),
        Way::Fallback => Some(follow_up.standalone(None)),
    });
    let query = Query { question: &question, standalone: standalone.as_deref() };
    let mut asking = Asking::of(&talk.asked);
    let since = Instant::now();
    let near = search.embed(query).await?;
    asking.embed = since.elapsed();
    let since = Instant::now();
    let found = search.near(query, &near, None).await?;
    asking.search = since.elapsed();
    asking.read(&found, &talk.asked.relevant);
    Ok(asking)
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Measured { report, .. }) = self.ways.first() else { return Ok(()) };
        let count = report.questions.len();
        writeln!(f, "{count} conversations about {}; the last turn is searched for", report.index)?;
        writeln!(f, "The condensed questions are scripted: no model is asked.")?;
        table::stale(f, &report.missing)?;
        writeln!(f)?;
        write!(f, "{:<18}", "")?;
        table::columns(f, &report.slices)?;
        writeln!(f, "{:>10}", "refused")?;
        for Measured { way, report } in &self.ways {
            for slice in &report.slices {
                write!(f, "{:<18}", format!("{:<11}{}", way.name(), table::part(slice.half)))?;
                table::measures(f, slice, Leg::Selected)?;
                let refused = slice.evidence.falsely_refused;
                writeln!(f, "{:>10}", format!("{refused}/{}", slice.answerable))?;
            }
        }
        writeln!(f, "\n{:<18}{:>18}{:>18}", "recognised", "follow-ups", "standing alone")?;
        for Recognised { half, follow_ups, standing_alone } in &self.recognised {
            let part = format!("{:<11}{}", "", table::part(*half));
            writeln!(f, "{part:<18}{follow_ups:>18}{standing_alone:>18}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read_text(text: &str) -> anyhow::Result<Vec<Talk>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn a_conversation_is_its_last_question_and_what_was_said_before() {
        let talks = read_text(
            r#"{"turns": [{"question": "a?", "answer": "A."}, {"question": "and b?"}],
                "relevant": ["/y", "/x"], "condensed": "b?", "half": "b"}"#
                .replace('\n', " ")
                .as_str(),
        )
        .unwrap();
        let [Talk { asked, history, condensed }] = talks.as_slice() else { panic!("{talks:?}") };
        assert_eq!((asked.text.as_str(), asked.half), ("and b?", Half::B));
        assert_eq!(asked.relevant, ["/x", "/y"]);
        let said: Vec<&str> = history.iter().map(|turn| turn.text.as_str()).collect();
        assert_eq!(said, ["a?", "A."]);
        assert_eq!(condensed, "b?");
    }

    #[test]
    fn last_turns_are_counted_by_what_they_are_and_what_they_are_taken_for() {
        let talks = [
            ("and b?", "What is b?", Half::A),
            ("What is the maximum length?", "What is b?", Half::B),
            ("How do I delete the index?", "How do I delete the index?", Half::B),
        ];
        let lines = talks.map(|(last, condensed, half)| {
            let before = serde_json::json!({ "question": "a?", "answer": "A." });
            let turns = [before, serde_json::json!({ "question": last })];
            let line = serde_json::json!({
                "turns": turns, "relevant": ["/x"], "condensed": condensed, "half": half,
            });
            line.to_string()
        });
        let talks = read_text(&lines.join("\n")).unwrap();
        let is_right = |talk: &&Talk| talk.is_recognised(QuestionLimits::default()).unwrap();
        let mistaken: Vec<usize> =
            talks.iter().filter(|talk| !is_right(talk)).map(|talk| talk.asked.line).collect();
        assert_eq!(mistaken, [2]);
        let Recognised { follow_ups, standing_alone, .. } = Recognised::of(None, &talks, &mistaken);
        assert_eq!(
            (follow_ups.to_string(), standing_alone.to_string()),
            ("1/2".into(), "1/1".into())
        );
        let Recognised { follow_ups, .. } = Recognised::of(Some(Half::A), &talks, &mistaken);
        assert_eq!(follow_ups, Count { right: 1, of: 1 });
    }

    #[test]
    fn what_is_no_conversation_is_told_with_its_line() {
        for (line, says) in [
            (r#"{"question": "a?", "relevant": ["/x"]}"#, "missing field `turns`"),
            (r#"{"turns": [], "relevant": ["/x"], "condensed": "a"}"#, "no turn"),
            (
                r#"{"turns": [{"question": "a", "answer": "A"}], "relevant": ["/x"], "condensed": "a"}"#,
                "the last turn has an answer",
            ),
            (
                r#"{"turns": [{"question": "a"}, {"question": "b"}], "relevant": ["/x"], "condensed": "b"}"#,
                "has no answer",
            ),
            (r#"{"turns": [{"question": "a"}], "relevant": [], "condensed": "a"}"#, "no relevant"),
        ] {
            let error = read_text(line).unwrap_err().to_string();
            assert!(error.contains("line 1: ") && error.contains(says), "{error}");
        }
    }
}
