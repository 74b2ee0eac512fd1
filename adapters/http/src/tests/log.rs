use std::pin::Pin;

use tracing::instrument::WithSubscriber;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while the future runs.
async fn logged(work: Pin<Box<impl Future<Output = ()>>>) -> Vec<Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    work.with_subscriber(subscriber).await;
    let bytes = lines.0.lock().unwrap().clone();
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_answered_question_is_one_event_with_its_stages_and_none_of_its_text() {
    let mut request = question();
    *request.uri_mut() = "/chat/?token=hidden".parse().unwrap();
    request.headers_mut().insert("x-request-id", HeaderValue::from_static("r1"));
    let app = working_app();
    let events = logged(Box::pin(async {
        send(&app, request).await;
    }))
    .await;
    assert_eq!(events.len(), 1, "{events:?}");
    let span = &events[0]["span"];
    for (field, value) in [
        ("request.id", json!("r1")),
        ("http.method", json!("POST")),
        ("http.route", json!("/chat")),
        ("http.status", json!(200)),
        ("outcome", json!("answered")),
        ("mode", json!("generated")),
        ("condensed", Value::Null),
        ("losses", Value::Null),
        ("candidates", json!(3)),
        ("retrieved", json!(2)),
        ("sufficient", json!(true)),
        ("degraded", json!(false)),
        ("model", json!("memory")),
        ("input_tokens", json!(0)),
        ("output_tokens", json!(0)),
    ] {
        assert_eq!(span[field], value, "{field}");
    }
    for stage in ["session", "embed", "retrieve", "first_delta", "generate"] {
        assert!(span[format!("{stage}_ms")].as_f64().is_some_and(|ms| ms >= 0.0), "{stage}");
    }
    let line = events[0].to_string();
    for text in ["When does", "An idle", "hidden"] {
        assert!(!line.contains(text), "{text}: {line}");
    }
}

#[tokio::test]
async fn a_failure_is_told_to_the_owner_once_with_its_causes() {
    let (app, ..) = app_over(Conduct::Fails(ErrorKind::Unavailable), Conduct::Works);
    let events = logged(Box::pin(async {
        send(&app, question()).await;
    }))
    .await;
    let errors: Vec<_> = events.iter().filter(|event| event["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 1);
    let error = errors[0]["fields"]["error"].as_str().unwrap();
    assert_eq!(error, format!("retrieve failed (unavailable): {SECRET}: the root of it"));
    assert_eq!(errors[0]["span"]["problem.code"], "upstream_unavailable");
    assert_eq!(errors[0]["span"]["problem.stage"], "retrieve");
}

#[tokio::test]
async fn a_refused_request_is_no_error_and_a_made_up_method_or_path_is_not_logged() {
    let mut request = look("/secret/path?token=hidden");
    request.set_method(Method::from_bytes(b"MADEUP").unwrap());
    request.headers_mut().remove("origin");
    let app = working_app();
    let events = logged(Box::pin(async {
        send(&app, request).await;
    }))
    .await;
    let levels: Vec<_> = events.iter().map(|event| event["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["DEBUG", "INFO"]);
    assert_eq!(events[1]["span"]["http.route"], "none");
    assert_eq!(events[1]["span"]["http.method"], "other");
    assert!(!format!("{events:?}").contains("hidden"));
}

#[tokio::test]
async fn a_request_that_is_dropped_is_logged_as_cancelled() {
    let (app, ..) = app_over(Conduct::Hangs, Conduct::Works);
    let events = logged(Box::pin(async {
        let request = app.call(question());
        tokio::select! {
            biased;
            _ = request => {}
            () = tokio::task::yield_now() => {}
        }
    }))
    .await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["span"]["outcome"], "cancelled");
    assert!(events[0]["span"]["embed_ms"].is_f64());
}

#[tokio::test]
async fn a_search_is_one_event_with_its_stages_and_none_of_its_text() {
    let app = working_app();
    let events = logged(Box::pin(async {
        send(&app, post("/search", r#"{"query": "When does a session end?"}"#)).await;
    }))
    .await;
    assert_eq!(events.len(), 1, "{events:?}");
    let span = &events[0]["span"];
    for (field, value) in [
        ("http.route", json!("/search")),
        ("http.status", json!(200)),
        ("candidates", json!(3)),
        ("retrieved", json!(2)),
        ("sufficient", json!(true)),
        ("degraded", json!(false)),
    ] {
        assert_eq!(span[field], value, "{field}");
    }
    for stage in ["embed", "retrieve"] {
        assert!(span[format!("{stage}_ms")].as_f64().is_some_and(|ms| ms >= 0.0), "{stage}");
    }
    for stage in ["session", "generate"] {
        assert_eq!(span[format!("{stage}_ms")], Value::Null, "{stage}");
    }
    let line = events[0].to_string();
    assert!(!line.contains("When does") && !line.contains("An idle"), "{line}");
}

fn streamed() -> Request {
    post("/chat/stream", r#"{"message": "When does a session end?"}"#)
}

#[tokio::test]
async fn a_stream_is_one_event_when_it_ends_and_not_when_it_begins() {
    let (app, ..) = app_over(Conduct::Works, Conduct::Works);
    let ended = Lines::default();
    let mark = ended.clone();
    let events = logged(Box::pin(async move {
        let response = app.call(streamed()).await.unwrap();
        tracing::info!("the stream has begun");
        let text = response.into_body().into_string().await.unwrap();
        mark.0.lock().unwrap().extend_from_slice(text.as_bytes());
    }))
    .await;
    assert!(!ended.0.lock().unwrap().is_empty());
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[0]["fields"]["message"], "the stream has begun");
    let span = &events[1]["span"];
    for (field, value) in [
        ("http.route", json!("/chat/stream")),
        ("http.status", json!(200)),
        ("outcome", json!("answered")),
        ("mode", json!("generated")),
        ("retrieved", json!(2)),
        ("model", json!("memory")),
        ("output_tokens", json!(0)),
    ] {
        assert_eq!(span[field], value, "{field}");
    }
    for stage in ["session", "embed", "retrieve", "first_delta", "generate"] {
        assert!(span[format!("{stage}_ms")].as_f64().is_some_and(|ms| ms >= 0.0), "{stage}");
    }
}

#[tokio::test]
async fn a_stream_that_fails_or_is_left_says_so() {
    let (app, ..) = app_over(Conduct::Fails(ErrorKind::Unavailable), Conduct::Works);
    let events = logged(Box::pin(async {
        send(&app, streamed()).await;
    }))
    .await;
    assert_eq!((&events[0]["level"], events.len()), (&json!("ERROR"), 2));
    let span = &events[1]["span"];
    assert_eq!((&span["outcome"], &span["problem.stage"]), (&json!("failed"), &json!("retrieve")));

    let app = working_app();
    let events = logged(Box::pin(async {
        drop(app.call(streamed()).await.unwrap());
    }))
    .await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["span"]["outcome"], "cancelled");
}

#[tokio::test]
async fn what_was_lost_and_a_follow_up_that_was_condensed_are_in_the_event() {
    let fails = Stub::new(Conduct::Fails(ErrorKind::RateLimited));
    let chat = chat(Stub::new(Conduct::Works), vec![fails, Stub::new(Conduct::Works)]);
    let app = app(chat, &settings());
    let body = json!({
        "message": "And when does it end?",
        "history": [{"role": "user", "content": "What is a session?"}],
    });
    let events = logged(Box::pin(async {
        send(&app, ask(body.to_string())).await;
    }))
    .await;
    let span = &events.last().unwrap()["span"];
    assert_eq!(span["losses"], "generator:rate_limited");
    assert_eq!(span["condensed"], true);
    assert!(span["condense_ms"].is_f64());
}

#[tokio::test]
async fn a_rating_is_logged_without_the_readers_words() {
    let app = working_app();
    let id = uuid::Uuid::nil();
    let body = json!({"message_id": id, "rating": "bad", "comment": "private", "query": "private"});
    let events = logged(Box::pin(async {
        send(&app, post("/feedback", body.to_string())).await;
    }))
    .await;
    assert_eq!((events.len(), &events[0]["span"]["rating"]), (1, &json!("bad")));
    assert!(!events[0].to_string().contains("private"));
}
