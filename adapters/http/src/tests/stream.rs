//! `POST /chat/stream`.

use super::*;

fn streamed(body: impl Into<Body>) -> Request {
    post("/chat/stream", body)
}

const QUESTION: &str = r#"{"message": "When does a session end?"}"#;

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_answer_is_told_step_by_step_and_ends_in_the_reply_as_a_whole() {
    let app = working_app();
    let reply = send(&app, streamed(QUESTION)).await;
    assert_eq!(reply.status, StatusCode::OK);
    for (header, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", BOOK),
    ] {
        assert_eq!(reply.header(header), Some(value), "{header}");
    }
    assert_eq!(reply.header("content-encoding"), None);
    assert!(reply.header("x-request-id").is_some());

    let events = events(&reply.text);
    let told = types(&events);
    assert_eq!(told[..2], ["accepted", "found"]);
    assert_eq!(told[told.len() - 2..], ["sources", "done"]);
    assert!(told[2..told.len() - 2].iter().all(|told| ["delta", "citation"].contains(told)));
    assert_eq!(events[1], json!({"type": "found", "passages": 2}));

    let text: String = events.iter().filter_map(|event| event["text"].as_str()).collect();
    let mut done = events.last().unwrap().clone();
    assert_eq!(done["answer"], text);
    assert_eq!(events[told.len() - 2]["sources"], done["sources"]);
    for id in ["message_id", "session_id", "session_restarted"] {
        assert_eq!(events[0][id], done[id], "{id}");
    }
    let mut whole = send(&app, question()).await.json();
    done.as_object_mut().unwrap().remove("type");
    for id in ["message_id", "session_id"] {
        done[id].take();
        whole[id].take();
    }
    assert_eq!(done, whole);
}

#[tokio::test]
async fn a_refusal_is_told_too() {
    let (app, _, generator) = app_over(Conduct::FindsNothing, Conduct::Works);
    let told = events(&send(&app, streamed(QUESTION)).await.text);
    assert_eq!(types(&told), ["accepted", "found", "delta", "done"]);
    assert_eq!(told[2]["text"], "The book does not say.");
    assert_eq!(told[3]["outcome"], "not_in_book");
    assert_eq!(generator.calls(), 0);
}

#[tokio::test]
async fn an_explanation_comes_with_the_end() {
    let body = r#"{"message": "When does a session end?", "debug": true}"#;
    let told = events(&send(&working_app(), streamed(body)).await.text);
    assert!(told.last().unwrap()["debug"]["candidates"].is_array());
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_a_problem_before_the_stream_begins() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let mut untyped = streamed(QUESTION);
    untyped.headers_mut().remove("content-type");
    let mut again = streamed(QUESTION);
    again.headers_mut().insert("last-event-id", HeaderValue::from_static("3"));
    for (request, status, code) in [
        (streamed(r#"{"message": " "}"#), 400, "empty_message"),
        (streamed("{"), 400, "invalid_json"),
        (streamed("x".repeat(1_001)), 413, "body_too_large"),
        (untyped, 415, "unsupported_media_type"),
        (look("/chat/stream"), 405, "method_not_allowed"),
        (again, 409, "not_resumable"),
    ] {
        send(&app, request).await.assert_problem(status, code);
    }
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
    let mut first = streamed(QUESTION);
    first.headers_mut().insert("last-event-id", HeaderValue::from_static(""));
    assert_eq!(send(&app, first).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_failure_after_that_is_the_last_event() {
    for (retriever, generator, stage) in [
        (Conduct::Fails(ErrorKind::RateLimited), Conduct::Works, "retrieve"),
        (Conduct::Works, Conduct::Fails(ErrorKind::RateLimited), "generate"),
    ] {
        let reply = send(&app_over(retriever, generator).0, streamed(QUESTION)).await;
        assert_eq!(reply.status, StatusCode::OK);
        let told = events(&reply.text);
        let ends = types(&told).into_iter().filter(|told| ["done", "error"].contains(told)).count();
        assert_eq!(ends, 1);
        let last = told.last().unwrap();
        assert_eq!((&last["type"], &last["incomplete"]), (&json!("error"), &json!(false)));
        let problem = &last["problem"];
        assert_eq!(
            (&problem["code"], &problem["stage"]),
            (&json!("upstream_rate_limited"), &json!(stage))
        );
        assert_eq!((&problem["status"], &problem["retry_after"]), (&json!(503), &json!(2)));
        assert_eq!(problem["request_id"].as_str(), reply.header("x-request-id"));
        assert!(!reply.text.contains("secret"), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_panic_in_a_port_is_the_last_event() {
    for (retriever, generator) in
        [(Conduct::Panics, Conduct::Works), (Conduct::Works, Conduct::Panics)]
    {
        let reply = send(&app_over(retriever, generator).0, streamed(QUESTION)).await;
        let told = events(&reply.text);
        assert_eq!(told.last().unwrap()["problem"]["code"], "internal");
        assert!(!reply.text.contains("secret"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_request_bounds_its_stream_and_silence_is_filled() {
    let (app, ..) = app_over(Conduct::Works, Conduct::Hangs);
    let begun = tokio::time::Instant::now();
    let reply = send(&app, streamed(QUESTION)).await;
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(events(&reply.text).last().unwrap()["problem"]["code"], "deadline_exceeded");
    assert!(reply.text.matches(":\n\n").count() >= 5, "{}", reply.text);
}

#[tokio::test]
async fn what_was_sent_is_marked_incomplete_when_the_rest_is_lost() {
    let cut = Scripted::new([
        Step::Text("An idle session ends after one hour [1]. "),
        Step::Text("Then it is gone [1]. "),
        Step::Fails(ErrorKind::Unavailable),
    ]);
    let chat = chat(Stub::new(Conduct::Works), vec![Arc::new(cut)]);
    let told = events(&send(&app(chat, &settings()), streamed(QUESTION)).await.text);
    let last = told.last().unwrap();
    assert_eq!(last["problem"]["code"], "upstream_unavailable");
    assert_eq!(last["incomplete"], types(&told).contains(&"delta"));
}
