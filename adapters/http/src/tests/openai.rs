//! `/v1/chat/completions` and `/v1/models`.

use super::*;

const QUESTION: &str = r#"{
    "model": "gpt-5", "temperature": 0.2, "tools": [],
    "messages": [
        {"role": "system", "content": "Talk like a pirate."},
        {"role": "user", "content": "When does a session end?"}
    ]
}"#;

fn asked(body: impl Into<Body>) -> Request {
    post("/v1/chat/completions", body)
}

fn streamed(options: &Value) -> Request {
    let mut body: Value = serde_json::from_str(QUESTION).unwrap();
    body["stream"] = true.into();
    body["stream_options"] = options.clone();
    asked(body.to_string())
}

fn chunks(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    let text = reply.text.strip_suffix("data: [DONE]\n\n").expect("the end is marked");
    let data = text.split_terminator("\n\n").map(|block| block.strip_prefix("data: ").unwrap());
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn an_answer_is_a_completion_with_citations() {
    let mut reply = send(&working_app(), asked(QUESTION)).await.json();
    assert!(reply["id"].take().as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    assert!(reply["created"].take().as_u64().unwrap() > 1_700_000_000);
    let url = "/docs/sessions#time-to-live";
    let content = "An idle session ends after one hour. [1](/docs/sessions#time-to-live)";
    let expected = json!({
        "id": null,
        "object": "chat.completion",
        "created": null,
        "model": "askbook",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": content,
                "refusal": null,
                "annotations": [{
                    "type": "url_citation",
                    "url_citation": {
                        "start_index": 37,
                        "end_index": 69,
                        "title": "Sessions > Time to live",
                        "url": url,
                    },
                }],
                "outcome": "answered",
                "citations": [{
                    "number": 1,
                    "title": "Sessions",
                    "section": "Time to live",
                    "url": url,
                    "quote": "An idle session ends after one hour.",
                }],
                "suggestions": [],
            },
            "finish_reason": "stop",
        }],
        "usage": reply["usage"].clone(),
    });
    assert_eq!(reply, expected);
    assert_eq!(&content[37..69], format!("[1]({url})"));
    let usage = |name: &str| reply["usage"][name].as_u64().unwrap();
    assert_eq!(usage("total_tokens"), usage("prompt_tokens") + usage("completion_tokens"));
}

#[tokio::test]
async fn chunks_put_together_are_the_completion() {
    let app = working_app();
    let told = chunks(&send(&app, streamed(&json!({"include_usage": true}))).await);
    for chunk in &told {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!((&chunk["id"], &chunk["created"]), (&told[0]["id"], &told[0]["created"]));
    }
    let (usage, told) = told.split_last().unwrap();
    assert_eq!(usage["choices"], json!([]));
    let deltas: Vec<&Value> = told.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(*deltas[0], json!({"role": "assistant", "content": ""}));
    let content: String = deltas.iter().filter_map(|delta| delta["content"].as_str()).collect();
    let reasons = told.iter().map(|chunk| &chunk["choices"][0]["finish_reason"]);
    let reasons: Vec<&Value> = reasons.filter(|reason| !reason.is_null()).collect();
    assert_eq!(reasons, ["stop"]);

    let whole = send(&app, asked(QUESTION)).await.json();
    assert_eq!(usage["usage"], whole["usage"]);
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["content"], content);
    let last = deltas.last().unwrap();
    for beside in ["annotations", "outcome", "citations", "suggestions"] {
        assert_eq!(last[beside], message[beside], "{beside}");
    }
}

#[tokio::test]
async fn usage_is_told_when_it_is_asked_for() {
    for options in [json!(null), json!({}), json!({"include_usage": false})] {
        let told = chunks(&send(&working_app(), streamed(&options)).await);
        assert!(told.iter().all(|chunk| chunk["usage"].is_null()), "{options}");
    }
}

#[tokio::test]
async fn a_refusal_is_a_message_like_another_one() {
    let (app, ..) = app_over(Conduct::FindsNothing, Conduct::Works);
    let choice = send(&app, asked(QUESTION)).await.json()["choices"][0].take();
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(choice["message"]["content"], "The book does not say.");
    assert_eq!(choice["message"]["outcome"], "not_in_book");
    assert_eq!(choice["message"]["refusal"], Value::Null);

    let told = chunks(&send(&app, streamed(&Value::Null)).await);
    assert_eq!(told[1]["choices"][0]["delta"]["content"], "The book does not say.");
    assert_eq!(told[2]["choices"][0]["delta"]["outcome"], "not_in_book");
}

#[tokio::test]
async fn instructions_of_an_application_reach_no_model() {
    let generator = Arc::new(Scripted::default());
    let chat = chat(Stub::new(Conduct::Works), vec![generator.clone()]);
    let reply = send(&app(chat, &settings()), asked(QUESTION)).await;
    assert_eq!(reply.status, StatusCode::OK);
    let prompt = generator.prompt();
    assert!(prompt.history.is_empty());
    assert!(!format!("{:?}", prompt.render()).contains("pirate"));
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_form_of_openai() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let mut foreign = asked(QUESTION);
    foreign.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    let empty = r#"{"messages": [{"role": "user", "content": ""}]}"#;
    let picture = r#"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#;
    for (request, status, code, param) in [
        (asked("{"), 400, "invalid_json", Value::Null),
        (asked(r#"{"messages": []}"#), 400, "invalid_field", json!("messages")),
        (asked(empty), 400, "empty_message", json!("messages[0]")),
        (asked(picture), 400, "invalid_field", json!("messages[0]")),
        (asked("x".repeat(1_001)), 413, "body_too_large", Value::Null),
        (foreign, 403, "origin_not_allowed", Value::Null),
        (look("/v1/models/gpt-5"), 404, "model_not_found", json!("model")),
        (look("/v1/embeddings"), 404, "not_found", Value::Null),
        (look("/v1/chat/completions"), 405, "method_not_allowed", Value::Null),
    ] {
        let reply = send(&app, request).await;
        let error = &reply.json()["error"];
        assert_eq!((reply.status.as_u16(), &error["code"]), (status, &json!(code)));
        assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &param));
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("x-should-retry"), Some("false"), "{code}");
        assert!(reply.header("x-request-id").is_some());
    }
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
}

#[tokio::test]
async fn a_client_is_told_to_ask_again_by_itself_only_where_that_helps() {
    for (kind, status, again) in [
        (ErrorKind::Unavailable, 503, None),
        (ErrorKind::RateLimited, 503, None),
        (ErrorKind::Blocked, 502, Some("false")),
        (ErrorKind::Misconfigured, 503, Some("false")),
        (ErrorKind::Exhausted, 503, Some("false")),
    ] {
        let (app, ..) = app_over(Conduct::Works, Conduct::Fails(kind));
        let reply = send(&app, asked(QUESTION)).await;
        assert_eq!((reply.status.as_u16(), reply.header("x-should-retry")), (status, again));
        assert_eq!(reply.json()["error"]["type"], "server_error");
        assert!(!reply.text.contains("secret"));

        let told = chunks(&send(&app, streamed(&Value::Null)).await);
        assert_eq!(told.last().unwrap()["error"], reply.json()["error"], "{kind}");
    }
}

#[tokio::test]
async fn there_is_one_model() {
    let app = working_app();
    let model = json!({"id": "askbook", "object": "model", "created": 0, "owned_by": "askbook"});
    let models = send(&app, look("/v1/models")).await;
    assert_eq!(models.json(), json!({"object": "list", "data": [model]}));
    assert_eq!(send(&app, look("/v1/models/askbook")).await.json(), model);
}

/// An app with a key, for this server's other servers.
fn app_with_a_key(key_required: bool) -> impl Endpoint<Output = Response> {
    let keys = ApiKeys::new(["a-key-of-this-server"]).unwrap();
    let clients = ClientSettings { keys, key_required, ..ClientSettings::default() };
    let chat = chat(Stub::new(Conduct::Works), vec![Stub::new(Conduct::Works)]);
    app(chat, &HttpSettings { clients, ..settings() })
}

fn with_key(mut request: Request, key: &str) -> Request {
    let key = HeaderValue::try_from(format!("Bearer {key}")).unwrap();
    request.headers_mut().insert("authorization", key);
    request
}

#[tokio::test]
async fn a_key_that_has_to_be_sent_somehow_locks_nobody_out_of_a_public_server() {
    let app = app_with_a_key(false);
    for request in [asked(QUESTION), look("/v1/models"), look("/v1/models/askbook")] {
        assert_eq!(send(&app, with_key(request, "unused")).await.status, StatusCode::OK);
    }
    // It opens nothing, either: a page of another site stays out, and elsewhere it is wrong.
    let mut foreign = with_key(asked(QUESTION), "unused");
    foreign.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    assert_eq!(send(&app, foreign).await.status, StatusCode::FORBIDDEN);
    let own = with_key(question(), "unused");
    assert_eq!(send(&app, own).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn where_a_key_is_needed_it_has_to_be_a_right_one() {
    let app = app_with_a_key(true);
    let reply = send(&app, with_key(asked(QUESTION), "a-key-of-this-server")).await;
    assert_eq!(reply.status, StatusCode::OK);
    for request in [asked(QUESTION), with_key(look("/v1/models"), "unused")] {
        let reply = send(&app, request).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.json()["error"]["code"], "invalid_api_key");
        assert!(reply.header("www-authenticate").is_some());
    }
}
