use std::sync::atomic::{AtomicI64, Ordering};

use ::metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit, with_local_recorder,
};

use super::*;

/// Remembers what is measured, by name and labels.
#[derive(Clone, Default)]
struct Measured(Arc<Mutex<Vec<String>>>);

/// Something that is counted or timed.
struct Measure(String, Measured);

impl Measure {
    fn of(key: &Key, measured: &Measured) -> Arc<Self> {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let labels = labels.collect::<Vec<_>>().join(",");
        Arc::new(Self(format!("{}{{{labels}}}", key.name()), measured.clone()))
    }
}

impl CounterFn for Measure {
    fn increment(&self, value: u64) {
        self.1.0.lock().unwrap().push(format!("{} +{value}", self.0));
    }

    fn absolute(&self, _: u64) {}
}

impl HistogramFn for Measure {
    fn record(&self, seconds: f64) {
        assert!((0.0..60.0).contains(&seconds), "{} took {seconds} s", self.0);
        self.1.0.lock().unwrap().push(self.0.clone());
    }
}

/// How many requests are under way.
#[derive(Default)]
struct Level(AtomicI64);

impl GaugeFn for Level {
    fn increment(&self, _: f64) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn decrement(&self, _: f64) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn set(&self, _: f64) {}
}

/// What is measured, and the requests that are under way.
#[derive(Clone, Default)]
struct Meter(Measured, Arc<Level>);

impl Recorder for Meter {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Measure::of(key, &self.0))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        if key.name() == "askbook_requests_in_flight" {
            return Gauge::from_arc(Arc::clone(&self.1));
        }
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Measure::of(key, &self.0))
    }
}

/// What is measured while this runs, of what begins so.
fn measured(prefixes: &[&str], work: impl Future<Output = ()>) -> Vec<String> {
    let meter = Meter::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    with_local_recorder(&meter, || runtime.block_on(work));
    assert_eq!(meter.1.0.load(Ordering::SeqCst), 0, "a request is never taken off");
    let mut measured = meter.0.0.lock().unwrap().clone();
    measured.retain(|measure| prefixes.iter().any(|prefix| measure.starts_with(prefix)));
    measured
}

#[test]
fn ratings_are_counted_by_their_value() {
    let counted = measured(&["askbook_feedback_total"], async {
        for rating in ["good", "down"] {
            let id = uuid::Uuid::nil();
            let body = json!({"message_id": id, "rating": rating}).to_string();
            send(&working_app(), post("/feedback", body)).await;
        }
    });
    assert_eq!(
        counted,
        ["askbook_feedback_total{rating=good} +1", "askbook_feedback_total{rating=bad} +1"]
    );
}

#[test]
fn a_stream_is_measured_when_it_ends() {
    let body = r#"{"message": "When does a session end?"}"#;
    let all = measured(&["askbook_"], async {
        send(&working_app(), post("/chat/stream", body)).await;
    });
    let expected = [
        "askbook_stage_duration_seconds{stage=session}",
        "askbook_stage_duration_seconds{stage=embed}",
        "askbook_stage_duration_seconds{stage=retrieve}",
        "askbook_first_token_seconds{}",
        "askbook_stage_duration_seconds{stage=generate}",
        "askbook_answers_total{outcome=answered,mode=generated} +1",
        "askbook_tokens_total{kind=input} +0",
        "askbook_tokens_total{kind=output} +0",
        "askbook_request_duration_seconds{route=/chat/stream}",
        "askbook_requests_total{route=/chat/stream,status=200} +1",
    ];
    assert_eq!(all, expected);
}

#[test]
fn a_client_that_leaves_is_counted_as_such_before_and_within_a_stream() {
    let requests = ["askbook_requests_total", "askbook_request_duration"];
    let body = r#"{"message": "When does a session end?"}"#;
    let counted = measured(&requests, async {
        let (app, ..) = app_over(Conduct::Hangs, Conduct::Works);
        let request = app.call(question());
        tokio::select! {
            biased;
            _ = request => {}
            () = tokio::task::yield_now() => {}
        }
        drop(working_app().call(post("/chat/stream", body)).await.unwrap());
    });
    let expected = [
        "askbook_requests_total{route=/chat,status=499} +1",
        "askbook_requests_total{route=/chat/stream,status=499} +1",
    ];
    assert_eq!(counted, expected);
}

#[test]
fn a_failure_within_a_stream_is_counted_by_its_code_and_stage() {
    let body = r#"{"message": "When does a session end?"}"#;
    let counted = measured(&["askbook_problems_total", "askbook_answers_total"], async {
        let (app, ..) = app_over(Conduct::Fails(ErrorKind::Unavailable), Conduct::Works);
        send(&app, post("/chat/stream", body)).await;
        send(&app, question()).await;
    });
    let one = "askbook_problems_total{code=upstream_unavailable,stage=retrieve} +1";
    assert_eq!(counted, [one, one]);
}

#[test]
fn a_part_that_an_answer_lacked_is_counted_with_the_reason() {
    let counted = measured(&["askbook_losses_total"], async {
        let fails = Stub::new(Conduct::Fails(ErrorKind::RateLimited));
        let chat = chat(Stub::new(Conduct::Works), vec![fails, Stub::new(Conduct::Works)]);
        send(&app(chat, &settings()), question()).await;
    });
    assert_eq!(counted, ["askbook_losses_total{leg=generator,reason=rate_limited} +1"]);
}

#[test]
fn nothing_that_a_client_made_up_becomes_a_label() {
    let all = measured(&["askbook_"], async {
        let mut request = look("/made-up/path?made-up=1");
        request.set_method(Method::from_bytes(b"MADEUP").unwrap());
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("made-up"));
        request.headers_mut().remove("origin");
        send(&working_app(), request).await;
    });
    assert!(
        all.contains(&"askbook_requests_total{route=none,status=404} +1".to_owned()),
        "{all:?}"
    );
    assert!(!all.iter().any(|measure| measure.to_lowercase().contains("made")), "{all:?}");
}
