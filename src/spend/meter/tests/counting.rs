use std::collections::BTreeMap;

use futures_util::FutureExt;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};

use super::*;

/// What was counted, by name and labels.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, u64>>>);

/// One counter of them.
struct Count(String, Counts);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        *self.1.0.lock().unwrap().entry(self.0.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {}
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key.labels().map(metrics::Label::value).collect();
        let name = key.name().strip_prefix("askbook_spend_").unwrap();
        Counter::from_arc(Arc::new(Count(format!("{name} {}", labels.join(" ")), self.clone())))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// What is counted while this is done: calls, tokens, millionths and refusals.
fn counted(upstream: &str, stage: &str, work: impl Future<Output = ()>) -> [u64; 4] {
    let counts = Counts::default();
    with_local_recorder(&counts, || work.now_or_never()).expect("nobody here waits");
    let names = ["calls", "tokens", "millionths", "refusals"];
    let mut left = counts.0.lock().unwrap();
    let found = names.map(|name| left.remove(&format!("{name}_total {upstream} {stage}")));
    assert!(left.is_empty(), "of another upstream or stage: {left:?}");
    found.map(Option::unwrap_or_default)
}

#[test]
fn an_answer_is_counted_by_what_it_has_cost_when_it_is_over() {
    let (generator, ..) = metered(Model::writing(vec![text("a"), end(100, 10)]));
    let answer = counted("model", "generate", async {
        let pieces = generator.generate(prompt(1)).await.unwrap();
        assert_eq!(pieces.count().await, 2);
    });
    assert_eq!(answer, [1, 110, 300, 0]);
}

#[test]
fn what_nobody_tells_the_cost_of_is_counted_as_it_was_set_aside() {
    let (generator, _, notes) = metered(Model::writing(vec![text("a"), end(1, 1)]));
    let set_aside = || {
        let Charge { calls, tokens, money } = notes.taken().0[0];
        [calls, tokens, money, 0]
    };
    let left = counted("model", "generate", async {
        let mut pieces = generator.generate(prompt(1)).await.unwrap();
        pieces.next().await.unwrap().unwrap();
    });
    assert_eq!(left, set_aside());
    let condensed = counted("model", "condense", async {
        generator.condense(&follow_up()).await.unwrap();
    });
    assert_eq!(condensed, set_aside());
}

#[test]
fn a_failed_call_is_counted_without_tokens() {
    let refuses = Some(ErrorKind::Unavailable);
    let (generator, ..) = metered(Model { refuses, ..Model::writing(vec![]) });
    let failed = counted("model", "generate", async {
        generator.generate(prompt(1)).await.err().unwrap();
    });
    assert_eq!(failed, [1, 0, 0, 0]);
}

#[test]
fn a_question_is_counted_by_the_name_of_what_embeds_it() {
    let query = ["eight to".to_owned()];
    for (named, upstream) in [(Some("m"), "m"), (None, "space")] {
        let model = Arc::new(Model::writing(vec![]));
        let mut metered = MeteredEmbedder::new(model, Arc::<Notes>::default(), PRICE);
        if let Some(name) = named {
            metered = metered.named(name);
        }
        let counted = counted(upstream, "embed", async {
            metered.embed(&query, Purpose::Query, VectorShape::sparse()).await.unwrap();
        });
        assert_eq!(counted, [1, 2, 4, 0]);
    }
}

#[test]
fn a_call_that_is_not_made_is_a_refusal() {
    let notes = Arc::new(Notes { exhausted: true, ..Notes::default() });
    let model = Arc::new(Model::writing(vec![]));
    let generator = MeteredGenerator::new(model, notes, PRICE, MOST);
    let refused = counted("model", "generate", async {
        generator.generate(prompt(1)).await.err().unwrap();
    });
    assert_eq!(refused, [0, 0, 0, 1]);
}
