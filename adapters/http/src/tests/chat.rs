//! `POST /chat`, and what all operations have in common.

use super::*;

#[tokio::test]
async fn a_question_is_answered_with_its_sources() {
    let reply = send(&working_app(), question()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
    let mut answer = reply.json();
    for id in ["message_id", "session_id"] {
        assert!(answer[id].take().as_str().unwrap().len() >= 32, "{id}");
    }
    let expected = json!({
        "answer": "An idle session ends after one hour. [1]",
        "outcome": "answered",
        "mode": "generated",
        "sources": [{
            "number": 1,
            "title": "Sessions",
            "section": "Time to live",
            "url": "/docs/sessions#time-to-live",
            "quote": "An idle session ends after one hour.",
            "supports": answer["sources"][0]["supports"],
            "scores": {"lexical": 2.5, "fused_rank": 1},
        }],
        "suggestions": [],
        "unsupported": [],
        "degraded": [],
        "session_id": null,
        "session_restarted": false,
        "message_id": null,
        "model": "memory",
        "usage": {"input_tokens": 0, "output_tokens": 0},
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn what_the_book_does_not_say_is_an_answer_without_sources_or_model() {
    let (app, _, generator) = app_over(Conduct::FindsNothing, Conduct::Works);
    let answer = send(&app, question()).await.json();
    assert_eq!(answer["outcome"], "not_in_book");
    assert_eq!(answer["answer"], "The book does not say.");
    assert_eq!((&answer["sources"], &answer["model"]), (&json!([]), &Value::Null));
    assert_eq!((&answer["suggestions"], &answer["mode"]), (&json!([]), &Value::Null));
    assert_eq!(generator.calls(), 0);
}

#[tokio::test]
async fn a_conversation_goes_on_under_its_id_and_an_unknown_one_is_restarted() {
    let app = working_app();
    let first = send(&app, question()).await.json();
    let follow_up = |id: &Value| ask(json!({"message": "And then?", "session_id": id}).to_string());
    let second = send(&app, follow_up(&first["session_id"])).await.json();
    assert_eq!(second["session_id"], first["session_id"]);
    assert_eq!(second["session_restarted"], false);
    assert_ne!(second["message_id"], first["message_id"]);
    for foreign in ["0123456789abcdef0123456789abcdef", "thread_5", "ABCDEF", "../etc/passwd"] {
        let third = send(&app, follow_up(&json!(foreign))).await.json();
        assert_ne!(third["session_id"], foreign);
        assert_eq!(third["session_id"].as_str().map(str::len), Some(32));
        assert_eq!(third["session_restarted"], true);
    }
}

#[tokio::test]
async fn fields_that_are_unknown_or_null_are_no_obstacle() {
    let body = json!({
        "message": "When?", "session_id": null, "selected_text": null, "page": "/docs",
        "top_k": 5, "history": null, "debug": null,
    });
    assert_eq!(send(&working_app(), ask(body.to_string())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_bad_request_gets_a_problem_and_costs_no_call() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let deep = format!("{{\"message\": {}", "[".repeat(900));
    let long = json!({"message": "x".repeat(101)}).to_string();
    let long_selection = json!({"message": "x", "selected_text": "y".repeat(201)}).to_string();
    let chunked = Body::from_bytes_stream(futures_util::stream::iter(
        (0..200).map(|_| Ok::<_, io::Error>("0123456789")),
    ));
    let broken = Body::from_bytes_stream(futures_util::stream::iter([
        Ok("{"),
        Err(io::Error::other("reset")),
    ]));
    let typed = |media_type: &str| {
        let mut request = question();
        request.headers_mut().insert("content-type", media_type.parse().unwrap());
        request
    };
    let mut untyped = question();
    untyped.headers_mut().remove("content-type");
    let mut announced = ask("{}");
    announced.headers_mut().insert("content-length", HeaderValue::from_static("64000000"));
    let mut put = question();
    put.set_method(Method::PUT);
    for (request, status, code) in vec![
        (ask(r#"{"message": ""}"#), 400, "empty_message"),
        (ask(r#"{"message": " \u200b\n"}"#), 400, "empty_message"),
        (ask(long), 400, "too_long"),
        (ask(long_selection), 400, "too_long"),
        (ask(r#"{"message": 5}"#), 400, "invalid_field"),
        (ask(r#"{"message": true}"#), 400, "invalid_field"),
        (ask(r#"{"message": null}"#), 400, "invalid_field"),
        (ask(r#"{"message": ["a"]}"#), 400, "invalid_field"),
        (ask(r#"{"message": "a", "page": {}}"#), 400, "invalid_field"),
        (ask(r#"{"message": "a", "message": "b"}"#), 400, "invalid_field"),
        (ask("{}"), 400, "invalid_field"),
        (ask(json!({"message": "a", "session_id": "5".repeat(201)}).to_string()), 400, "too_long"),
        (ask(r#"{"message": "a", "session_id": 5}"#), 400, "invalid_field"),
        (ask(r#"{"message": "\ud800"}"#), 400, "invalid_json"),
        (ask(&b"{\"message\": \"\xff\"}"[..]), 400, "invalid_json"),
        (ask(r#"{"message": "a"} x"#), 400, "invalid_json"),
        (ask(r#"{"message": "a""#), 400, "invalid_json"),
        (ask(r#"["When?"]"#), 400, "invalid_json"),
        (ask(r#""When?""#), 400, "invalid_json"),
        (ask(""), 400, "invalid_json"),
        (ask(deep), 400, "invalid_field"),
        (ask("[".repeat(900)), 400, "invalid_json"),
        (ask(broken), 400, "invalid_request"),
        (ask("x".repeat(1_001)), 413, "body_too_large"),
        (ask(chunked), 413, "body_too_large"),
        (announced, 413, "body_too_large"),
        (typed("text/plain"), 415, "unsupported_media_type"),
        (typed("application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
        (untyped, 415, "unsupported_media_type"),
        (look("/chat"), 405, "method_not_allowed"),
        (put, 405, "method_not_allowed"),
        (look("/nowhere"), 404, "not_found"),
        (look("/chat/more"), 404, "not_found"),
        (look("//"), 404, "not_found"),
        (look("/api"), 404, "not_found"),
        (look("/api/nowhere"), 404, "not_found"),
    ] {
        send(&app, request).await.assert_problem(status, code);
    }
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_gets_to_see_the_reply() {
    let bound = Server::bind(([127, 0, 0, 1], 0).into(), settings().connections).unwrap();
    let address = bound.local_addr();
    tokio::spawn(bound.serve(working_app(), pending()));
    let (mut reply, mut body) = TcpStream::connect(address).await.unwrap().into_split();
    let head = "POST /chat HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 8000000\r\n\r\n";
    body.write_all(head.as_bytes()).await.unwrap();
    body.write_all(&vec![b' '; 8_000_000]).await.unwrap();
    let mut status = [0; 12];
    reply.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_problem_says_what_is_wrong_and_repeats_nothing() {
    let app = working_app();
    for (body, detail) in [
        (r#"{"message": 5117}"#, "`message` must be a string"),
        (r#"{"message": "a", "page": ["private"]}"#, "`page` must be a string"),
        (r#"{"message": "a", "debug": ", expected i64"}"#, "`debug` must be true or false"),
        (r#"{"quest": "private"}"#, "missing field `message`"),
        ("{\n \"message\": \"private", "the body is not valid JSON at line 2, column 20"),
    ] {
        assert_eq!(send(&app, ask(body)).await.json()["detail"], detail);
    }
}

#[tokio::test]
async fn a_wrong_address_lists_the_right_ones_and_a_wrong_method_the_allowed_ones() {
    let app = working_app();
    let lost = send(&app, look("/api/v1/chat")).await.json();
    assert!(lost["routes"].as_array().unwrap().contains(&json!("POST /chat")));
    assert_eq!(send(&app, look("/chat")).await.header("allow"), Some("POST"));
    let mut delete = look("/health");
    delete.set_method(Method::DELETE);
    assert_eq!(send(&app, delete).await.header("allow"), Some("GET, HEAD"));
}

#[tokio::test]
async fn each_failure_of_a_port_has_its_status_and_tells_nothing_inner() {
    for (kind, status, code) in [
        (ErrorKind::Unavailable, 503, "upstream_unavailable"),
        (ErrorKind::Timeout, 504, "upstream_timeout"),
        (ErrorKind::RateLimited, 503, "upstream_rate_limited"),
        (ErrorKind::Exhausted, 503, "spend_ceiling"),
        (ErrorKind::Unauthorized, 503, "upstream_unauthorized"),
        (ErrorKind::Misconfigured, 503, "upstream_misconfigured"),
        (ErrorKind::Rejected, 502, "upstream_rejected"),
        (ErrorKind::Blocked, 502, "upstream_blocked"),
        (ErrorKind::Malformed, 502, "upstream_malformed"),
    ] {
        for (retriever, generator, stage) in [
            (Conduct::Fails(kind), Conduct::Works, "retrieve"),
            (Conduct::Works, Conduct::Fails(kind), "generate"),
        ] {
            let reply = send(&app_over(retriever, generator).0, question()).await;
            reply.assert_problem(status, code);
            assert_eq!(reply.json()["stage"], stage);
            assert_eq!(reply.header("retry-after"), Some("2"), "rounded up");
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_problem() {
    let (app, ..) = app_over(Conduct::Panics, Conduct::Works);
    send(&app, question()).await.assert_problem(500, "internal");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_up() {
    let (app, _, generator) = app_over(Conduct::Works, Conduct::Hangs);
    send(&app, question()).await.assert_problem(504, "deadline_exceeded");
    assert_eq!(generator.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_too_long_is_given_up() {
    let (app, retriever, _) = app_over(Conduct::Works, Conduct::Works);
    let begins = futures_util::stream::iter([Ok::<_, io::Error>("{\"message\":")]);
    let body = Body::from_bytes_stream(begins.chain(futures_util::stream::pending()));
    send(&app, ask(body)).await.assert_problem(408, "body_timeout");
    assert_eq!(retriever.calls(), 0);
}

#[tokio::test]
async fn a_slash_at_the_end_or_api_before_it_changes_nothing() {
    let app = working_app();
    let mut request = question();
    *request.uri_mut() = "/chat/?from=widget".parse().unwrap();
    assert_eq!(send(&app, request).await.status, StatusCode::OK);
    let mut request = question();
    *request.uri_mut() = "/api/chat/".parse().unwrap();
    assert_eq!(send(&app, request).await.status, StatusCode::OK);
    for path in ["/health/", "/ready//", "/docs/", "/openapi.json/", "/api/health"] {
        assert_eq!(send(&app, look(path)).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn head_works_where_get_does() {
    let app = working_app();
    for path in ["/", "/health", "/ready", "/openapi.json", "/docs"] {
        let mut request = look(path);
        request.set_method(Method::HEAD);
        assert_eq!(send(&app, request).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn pages_and_document_are_served() {
    let app = working_app();
    let document = send(&app, look("/openapi.json")).await;
    assert_eq!(document.header("content-type"), Some("application/json"));
    assert_eq!(document.text, super::document());
    for (path, holds) in [("/", "<h1>askbook</h1>"), ("/docs", "SwaggerUIBundle({")] {
        let page = send(&app, look(path)).await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.text.contains(holds), "{path}");
    }
}

#[tokio::test]
async fn health_asks_nobody() {
    let (app, retriever, generator) = app_over(Conduct::Panics, Conduct::Panics);
    let reply = send(&app, look("/health")).await;
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, json!({"status": "ok"})));
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
}

#[tokio::test]
async fn a_fit_request_id_is_kept_and_any_other_replaced() {
    let app = working_app();
    let long = "x".repeat(65);
    for (sent, kept) in [
        (&b"abc-123"[..], true),
        (&b"x"[..], true),
        (&b""[..], false),
        (&b"two words"[..], false),
        (&b"\xc3\xa9"[..], false),
        (long.as_bytes(), false),
    ] {
        let mut request = look("/health");
        request.headers_mut().insert("x-request-id", HeaderValue::from_bytes(sent).unwrap());
        let reply = send(&app, request).await;
        let got = reply.header("x-request-id").unwrap();
        assert_eq!(got.as_bytes() == sent, kept, "{got}");
        assert!((1..=64).contains(&got.len()));
    }
}
