use super::*;

fn look_for(body: impl Into<Body>) -> Request {
    post("/search", body)
}

fn query() -> Request {
    look_for(r#"{"query": "When does a session end?"}"#)
}

#[tokio::test]
async fn passages_are_given_with_their_scores_and_without_a_model() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Panics);
    let reply = send(&app, query()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
    let expected = json!({
        "results": [{
            "id": "1",
            "title": "Sessions",
            "headings": ["Time to live"],
            "url": "/docs/sessions#time-to-live",
            "text": "An idle session ends after one hour. Then it is gone.",
            "scores": {"lexical": 2.5, "fused_rank": 1},
        }, {
            "id": "2",
            "title": "Words",
            "headings": [],
            "url": null,
            "text": "A session is one conversation.",
            "scores": {"lexical": 1.5, "fused_rank": 3},
        }],
        "sufficient": true,
        "degraded": [],
    });
    assert_eq!(reply.json(), expected);
    assert_eq!((retriever.calls(), generator.calls()), (1, 0));
}

#[tokio::test]
async fn nothing_found_is_a_reply_without_results() {
    let (app, ..) = app_over(Conduct::FindsNothing, Conduct::Works);
    let reply = send(&app, query()).await;
    let nothing = json!({"results": [], "sufficient": false, "degraded": []});
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, nothing));
}

#[tokio::test]
async fn a_question_may_go_by_its_other_names() {
    let app = working_app();
    let expected = send(&app, query()).await.json();
    for name in ["message", "question"] {
        let body = json!({name: "When does a session end?", "limit": null, "top_k": 1});
        let reply = send(&app, look_for(body.to_string())).await;
        assert_eq!((reply.status, reply.json()), (StatusCode::OK, expected.clone()), "{name}");
    }
}

#[tokio::test]
async fn debug_explains_each_candidate_and_the_evidence() {
    let body = r#"{"query": "When does a session end?", "limit": 1, "debug": true}"#;
    let reply = send(&working_app(), look_for(body)).await.json();
    assert_eq!(reply["results"].as_array().unwrap().len(), 1);
    let candidates = reply["debug"]["candidates"].as_array().unwrap();
    let told: Vec<_> = candidates
        .iter()
        .map(|candidate| {
            assert!(!candidate["reason"].as_str().unwrap().is_empty());
            assert_eq!(candidate["scores"]["fused_rank"], candidate["fused_rank"]);
            json!([candidate["id"], candidate["heading"], candidate["verdict"]])
        })
        .collect();
    let expected = [
        json!(["1", "Time to live", "kept"]),
        json!(["copy of 1", "Time to live", "duplicate"]),
        json!(["2", null, "beyond_limit"]),
    ];
    assert_eq!(told, expected);
    let evidence = &reply["debug"]["evidence"];
    assert_eq!(evidence["sufficient"], reply["sufficient"]);
    assert!(evidence["coverage"].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)));
    assert!(evidence["missing"].is_array());
    assert_eq!(evidence.get("dense"), None, "there are no dense vectors");
}

#[tokio::test]
async fn an_answer_is_explained_as_its_search_is() {
    let app = working_app();
    let body = r#"{"message": "When does a session end?", "debug": true}"#;
    let (answer, found) = join(send(&app, ask(body)), send(&app, look_for(body))).await;
    assert_eq!(answer.json()["answer"], "An idle session ends after one hour. [1]");
    assert_eq!(answer.json()["debug"], found.json()["debug"]);
    assert!(found.json()["debug"].is_object());
}

#[tokio::test]
async fn a_refusal_is_explained_too() {
    let (app, ..) = app_over(Conduct::FindsNothing, Conduct::Works);
    let answer = send(&app, ask(r#"{"message": "When?", "debug": true}"#)).await.json();
    assert_eq!(answer["outcome"], "not_in_book");
    assert_eq!(answer["debug"]["candidates"], json!([]));
    assert_eq!(answer["debug"]["evidence"]["sufficient"], false);
}

#[tokio::test]
async fn a_bad_search_gets_a_problem_that_points_at_the_field_and_costs_no_call() {
    let (app, retriever, _) = app_over(Conduct::Works, Conduct::Works);
    let range = "`limit` must be a whole number from 1 to 50";
    let whole = "`limit` must be a whole number";
    let empty = "the message is empty: write a question";
    for (body, code, pointer, detail) in [
        (r#"{"query": " "}"#, "empty_message", json!("#/query"), empty),
        (r#"{"query": 5}"#, "invalid_field", json!("#/query"), "`query` must be a string"),
        (r#"{"query": "a", "limit": 0}"#, "invalid_field", json!("#/limit"), range),
        (r#"{"query": "a", "limit": 51}"#, "invalid_field", json!("#/limit"), range),
        (r#"{"query": "a", "limit": -1}"#, "invalid_field", json!("#/limit"), range),
        (r#"{"query": "a", "limit": "5"}"#, "invalid_field", json!("#/limit"), whole),
        (r#"{"query": "a", "limit": 1.5}"#, "invalid_field", json!("#/limit"), whole),
        (
            r#"{"query": "a", "debug": "yes"}"#,
            "invalid_field",
            json!("#/debug"),
            "`debug` must be true or false",
        ),
        ("{}", "invalid_field", Value::Null, "missing field `query`"),
        (
            r#"{"query": "a", "message": "b"}"#,
            "conflicting_fields",
            json!("#/message"),
            "`query` and `message` are names of one thing and say different things: send one of \
             them",
        ),
    ] {
        let reply = send(&app, look_for(body)).await;
        reply.assert_problem(400, code);
        assert_eq!(reply.json()["pointer"], pointer, "{body}");
        assert_eq!(reply.json()["detail"], detail, "{body}");
    }
    let long = json!({"query": "x".repeat(101)}).to_string();
    send(&app, look_for(long)).await.assert_problem(400, "too_long");
    send(&app, look_for("x".repeat(1_001))).await.assert_problem(413, "body_too_large");
    let mut untyped = query();
    untyped.headers_mut().remove("content-type");
    send(&app, untyped).await.assert_problem(415, "unsupported_media_type");
    let got = send(&app, look("/search")).await;
    got.assert_problem(405, "method_not_allowed");
    assert_eq!(got.header("allow"), Some("POST"));
    assert_eq!(retriever.calls(), 0);
}

#[tokio::test]
async fn a_foreign_page_may_not_search() {
    let (app, retriever, _) = app_over(Conduct::Works, Conduct::Works);
    let mut request = query();
    request.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    assert_eq!(send(&app, request).await.status, StatusCode::FORBIDDEN);
    assert_eq!(retriever.calls(), 0);
}

#[tokio::test]
async fn a_failure_names_its_stage_and_tells_nothing_inner() {
    let failure = Conduct::Fails(ErrorKind::Unavailable);
    let reply = send(&app_over(failure, Conduct::Works).0, query()).await;
    reply.assert_problem(503, "upstream_unavailable");
    assert_eq!(reply.json()["stage"], "retrieve");
    assert_eq!(reply.header("retry-after"), Some("2"), "rounded up");
}

#[tokio::test(start_paused = true)]
async fn a_search_that_takes_too_long_is_given_up() {
    let (app, ..) = app_over(Conduct::Hangs, Conduct::Works);
    send(&app, query()).await.assert_problem(504, "deadline_exceeded");
}
