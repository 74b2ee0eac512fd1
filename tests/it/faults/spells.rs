//! Faults that come and go, that many readers meet at once, or that another model stands in for.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use askbook::error::ErrorKind::{Misconfigured, RateLimited, Timeout, Unavailable};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Case;
use super::gemini::raw;
use super::subject::{End, Harbour, Subject, Wire};
use crate::support::harbour::QUESTION;
use crate::support::scripted_gemini::{Act, Call, Ending, Verb, error, event};

fn unavailable(_: &Call) -> Act {
    error(503, "UNAVAILABLE", &json!([]))
}

fn exhausted(_: &Call) -> Act {
    error(429, "RESOURCE_EXHAUSTED", &json!([]))
}

fn reset(_: &Call) -> Act {
    Act::Raw(Vec::new(), Ending::Resets)
}

fn silent(_: &Call) -> Act {
    Act::Hang
}

fn question() -> Value {
    json!({ "message": QUESTION })
}

/// Calls of this kind fail so when their number, from 0, is one of these.
fn at(
    verb: Verb,
    act: fn(&Call) -> Act,
    fails: fn(usize) -> bool,
) -> impl FnMut(&Call) -> Option<Act> {
    let mut number = 0;
    move |call| {
        if call.verb != verb {
            return None;
        }
        number += 1;
        fails(number - 1).then(|| act(call))
    }
}

/// What goes by before anyone notices.
fn passing(harbour: &Arc<Harbour>) -> Vec<Case> {
    let once = |name: &str, verb: Verb, act: fn(&Call) -> Act| {
        let harbour = Arc::clone(harbour);
        Case::new(format!("Spell: {verb:?}, {name}"), async move {
            let subject = Subject::start(&harbour.url().await, &[]).await;
            for wire in Wire::ALL {
                let before = subject.gemini.paid_calls().len();
                subject.strike(at(verb, act, |number| number == 0));
                assert_eq!(subject.ask(wire, &question()).await, End::answered(), "{wire:?}");
                let paid = subject.gemini.paid_calls().split_off(before);
                assert_eq!(paid.iter().filter(|paid| **paid == verb).count(), 2, "{paid:?}");
                assert_eq!(paid.len(), 3, "{paid:?}");
            }
            subject.end().await;
        })
    };
    let mut cases = Vec::new();
    for verb in [Verb::Embed, Verb::Write] {
        cases.push(once("a 503 at first", verb, unavailable));
        cases.push(once("a 429 at first", verb, exhausted));
        cases.push(once("a reset at first", verb, reset));
        cases.push(once("a page of a proxy at first", verb, |_| {
            raw("502 Bad Gateway\r\ncontent-type: text/html", b"<h1>502</h1>")
        }));
    }
    let harbour = Arc::clone(harbour);
    cases.push(Case::new("Spell: a 503 at every second call".to_owned(), async move {
        let subject = Subject::start(&harbour.url().await, &[]).await;
        subject.strike(at(Verb::Write, unavailable, |number| number % 2 == 0));
        for asked in 0..5 {
            let end = subject.ask(Wire::Streamed, &question()).await;
            assert_eq!(end, End::answered(), "question {asked}");
        }
        subject.end().await;
    }));
    cases
}

/// A call that fails for many readers at once.
struct Flood {
    name: &'static str,
    verb: Verb,
    act: fn(&Call) -> Act,
    end: End,
    /// How many calls they make, of 40 questions.
    calls: RangeInclusive<usize>,
    /// Whether Gemini is left alone then.
    closes: bool,
    /// Whether it is noticed by the time that it takes.
    hangs: bool,
}

impl Flood {
    async fn play(self, harbour: Arc<Harbour>) {
        const READERS: usize = 40;
        let short = [("ASKBOOK_UPSTREAM_TIMEOUT_MS", "5000")];
        let settings: &[_] = if self.hangs { &short } else { &[] };
        let subject = Subject::start(&harbour.url().await, settings).await;
        let (verb, act) = (self.verb, self.act);
        subject.strike(move |call| call.on(verb, || act(call)));
        let question = question();
        let wire = |reader: usize| Wire::ALL[reader % 2];
        let asked = (0..READERS).map(|reader| subject.ask(wire(reader), &question));
        for (reader, end) in join_all(asked).await.into_iter().enumerate() {
            let is_late = self.closes && end == self.closed();
            assert!(is_late || end == self.end, "reader {reader}: {end:?}, not {:?}", self.end);
        }
        let paid = subject.gemini.paid_calls();
        let calls = paid.iter().filter(|paid| **paid == verb).count();
        assert!(self.calls.contains(&calls), "{calls} calls, not {:?}", self.calls);
        subject.mend();
        if self.closes {
            assert_eq!(subject.ask(Wire::Whole, &question).await, self.closed());
            let paid = subject.gemini.paid_calls().split_off(paid.len());
            assert!(!paid.contains(&verb), "{paid:?}");
        } else {
            subject.is_well().await;
        }
        subject.lives().await;
        subject.end().await;
    }

    /// How a reply ends when Gemini is left alone.
    fn closed(&self) -> End {
        match self.verb {
            Verb::Write => End::without_model("extractive", Unavailable),
            _ => End::problem(format!("upstream_{Unavailable}")),
        }
    }
}

fn floods(harbour: &Arc<Harbour>) -> Vec<Case> {
    let without = |reason| End::without_model("extractive", reason);
    let problem = |reason: &str| End::problem(format!("upstream_{reason}"));
    // One of ten calls may be made again, and ten more; where five of them open the breaker, the
    // readers who come last make none.
    let (tried, left_alone) = (40..=60, 5..=60);
    let all = [
        Flood {
            name: "503 to 40 writers",
            verb: Verb::Write,
            act: unavailable,
            end: without(Unavailable),
            calls: left_alone.clone(),
            closes: true,
            hangs: false,
        },
        Flood {
            name: "429 to 40 writers",
            verb: Verb::Write,
            act: exhausted,
            end: without(RateLimited),
            calls: tried.clone(),
            closes: false,
            hangs: false,
        },
        Flood {
            name: "resets to 40 writers",
            verb: Verb::Write,
            act: reset,
            end: without(Unavailable),
            calls: left_alone.clone(),
            closes: true,
            hangs: false,
        },
        Flood {
            name: "silence to 40 writers",
            verb: Verb::Write,
            act: silent,
            end: without(Timeout),
            calls: 5..=40,
            closes: true,
            hangs: true,
        },
        Flood {
            name: "503 to 40 embedders",
            verb: Verb::Embed,
            act: unavailable,
            end: problem("unavailable"),
            calls: left_alone.clone(),
            closes: true,
            hangs: false,
        },
        Flood {
            name: "429 to 40 embedders",
            verb: Verb::Embed,
            act: exhausted,
            end: problem("rate_limited"),
            calls: tried,
            closes: false,
            hangs: false,
        },
        Flood {
            name: "silence to 40 embedders",
            verb: Verb::Embed,
            act: silent,
            end: problem("timeout"),
            calls: 5..=40,
            closes: true,
            hangs: true,
        },
    ];
    let case = |flood: Flood| {
        let name = format!("Flood: {}", flood.name);
        Case::new(name, flood.play(Arc::clone(harbour)))
    };
    all.into_iter().map(case).collect()
}

/// A second model, or none at all, behind the one that fails.
#[expect(clippy::too_many_lines, reason = "a table")]
fn fallbacks(harbour: &Arc<Harbour>) -> Vec<Case> {
    const SECOND: (&str, &str) = ("GEMINI_FALLBACK_MODEL", "second");
    const NONE: (&str, &str) = ("ASKBOOK_FALLBACK", "none");
    const SHORT: (&str, &str) = ("ASKBOOK_UPSTREAM_TIMEOUT_MS", "3000");
    type Row = (
        &'static str,
        &'static [(&'static str, &'static str)],
        fn(&Call) -> Act,
        bool,
        End,
        [usize; 2],
    );
    let problem = |reason: &str| End::problem(format!("upstream_{reason}"));
    let missing: fn(&Call) -> Act = |_| error(404, "NOT_FOUND", &json!([]));
    let declined: fn(&Call) -> Act = |_| {
        let end = json!({"candidates": [{"finishReason": "SAFETY"}]});
        Act::Stream(vec![event(&end)], Ending::Complete)
    };
    let rows: Vec<Row> = vec![
        (
            "a second model, for one that is down",
            &[SECOND],
            unavailable,
            false,
            End::without_model("generated", Unavailable),
            [3, 1],
        ),
        (
            "a second model, for one that is gone",
            &[SECOND],
            missing,
            false,
            End::without_model("generated", Misconfigured),
            [1, 1],
        ),
        (
            "a second model, for one that is silent",
            &[SECOND, SHORT],
            silent,
            false,
            End::without_model("generated", Timeout),
            [1, 1],
        ),
        (
            "two models that are gone",
            &[SECOND],
            missing,
            true,
            End::without_model("extractive", Misconfigured),
            [1, 1],
        ),
        (
            "two models that are gone, and no more",
            &[SECOND, NONE],
            missing,
            true,
            problem("misconfigured"),
            [1, 1],
        ),
        (
            "no second model, for one that declines",
            &[SECOND],
            declined,
            false,
            problem("blocked"),
            [1, 0],
        ),
        (
            "nothing for a model that is down",
            &[NONE],
            unavailable,
            false,
            problem("unavailable"),
            [3, 0],
        ),
        (
            "nothing for a model that is busy",
            &[NONE],
            exhausted,
            false,
            problem("rate_limited"),
            [3, 0],
        ),
        (
            "nothing for a model that is silent",
            &[NONE, SHORT],
            silent,
            false,
            problem("timeout"),
            [1, 0],
        ),
    ];
    let case = |(name, settings, act, is_both, end, calls): Row| {
        let harbour = Arc::clone(harbour);
        Case::new(format!("Fallback: {name}"), async move {
            let subject = Subject::start(&harbour.url().await, settings).await;
            for wire in Wire::ALL {
                let models = Arc::<[AtomicUsize; 2]>::default();
                let counted = Arc::clone(&models);
                subject.strike(move |call| {
                    let second = call.model == "second";
                    if call.verb != Verb::Write {
                        return None;
                    }
                    counted[usize::from(second)].fetch_add(1, Ordering::SeqCst);
                    (is_both || !second).then(|| act(call))
                });
                assert_eq!(subject.ask(wire, &question()).await, end, "{wire:?}");
                let models = models.each_ref().map(|calls| calls.load(Ordering::SeqCst));
                assert_eq!(models, calls, "{wire:?}");
                subject.mend();
                subject.is_well().await;
            }
            subject.end().await;
        })
    };
    rows.into_iter().map(case).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let harbour = Harbour::new();
    let all = [passing(&harbour), floods(&harbour), fallbacks(&harbour)];
    all.into_iter().flatten().collect()
}
