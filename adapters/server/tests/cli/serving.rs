use std::net::TcpListener;

use crate::place::{Place, Serving, request};

#[test]
fn it_serves_the_book_until_it_is_told_to_stop() {
    let place = Place::with_book();
    for signal in ["-TERM", "-INT"] {
        let serving = Serving::start(&place, &[]);
        assert!(serving.request("GET /health", "").starts_with("HTTP/1.1 200"));
        let question = r#"{"message": "What does a sandbox cost?"}"#;
        let response = serving.request("POST /chat", question);
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.contains("seven euros"), "{response}");
        assert_eq!(serving.terminate(signal).0, Some(0));
    }
}

#[test]
fn logs_never_hold_a_question() {
    let serving = Serving::start(&Place::with_book(), &["--set", "LOG_LEVEL=trace"]);
    serving
        .request("POST /chat?secret=query-str1ng", r#"{"message": "Where is my wh1te rabbit?"}"#);
    let said = serving.terminate("-TERM").1;
    assert!(!said.is_empty());
    assert!(!said.contains("wh1te") && !said.contains("query-str1ng"), "{said}");
}

#[test]
fn a_server_without_index_and_book_does_not_start() {
    let ran = Place::empty().run(&["serve", "--port", "0"]).ended(1);
    assert!(ran.err.contains("there is no index yet, and no book to index"), "{}", ran.err);
}

#[test]
fn a_port_in_use_is_told_as_such() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let ran = Place::with_book().run(&["--port", &port]).ended(1);
    let expected = format!("error: cannot listen on 127.0.0.1:{port}");
    assert!(ran.err.contains(&expected) && ran.err.contains("in use"), "{}", ran.err);
}

#[cfg(feature = "edge")]
#[test]
fn a_new_index_is_served_without_a_restart() {
    let place = Place::with_book();
    place.run(&["index"]).ended(0);
    let serving = Serving::start(&place, &["--set", "ASKBOOK_INDEX_REFRESH_MS=10"]);
    let ask = || serving.request("POST /chat", r#"{"message": "What does a sandbox cost?"}"#);
    assert!(ask().contains("seven euros"));
    place.write("docs/intro.md", "# Hosting\n\n## Price\n\nA sandbox costs nine euros.\n");
    place.run(&["index"]).ended(0);
    while !ask().contains("nine euros") {
        std::thread::yield_now();
    }
}

#[test]
fn metrics_are_served_at_their_own_address() {
    let place = Place::with_book();
    // Nobody says which port is free; one that is taken in the meantime is told at the start.
    let (serving, metrics) = loop {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let setting = format!("ASKBOOK_METRICS={free}");
        if let Ok(serving) = Serving::try_start(&place, &["--set", &setting]) {
            break (serving, free);
        }
    };
    let feedback = r#"{"message_id": "00000000-0000-0000-0000-000000000001", "rating": "bad"}"#;
    for _ in 0..2 {
        serving.request("POST /feedback", feedback);
    }
    serving.request("POST /chat", r#"{"message": "What does a sandbox cost?"}"#);
    serving.request("POST /chat/stream", r#"{"message": "Who painted the ceiling?"}"#);
    let metrics = request(&metrics.to_string(), "GET /metrics", "");
    for counted in [
        "askbook_feedback_total{rating=\"bad\"} 2\n",
        "askbook_answers_total{outcome=\"answered\",mode=\"extractive\"} 1\n",
        "askbook_answers_total{outcome=\"not_in_book\",mode=\"none\"} 1\n",
    ] {
        assert!(metrics.contains(counted), "{counted} is missing in {metrics}");
    }
}

#[test]
fn an_address_of_metrics_that_is_taken_is_told() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let setting = format!("ASKBOOK_METRICS={}", other.local_addr().unwrap());
    let ran = Place::with_book().run(&["--port", "0", "--set", &setting]).ended(1);
    assert!(ran.err.contains("cannot serve metrics on 127.0.0.1"), "{}", ran.err);
    assert!(ran.err.contains("ASKBOOK_METRICS"), "{}", ran.err);
}
