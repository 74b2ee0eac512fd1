//! The wire of the original site.

use askbook::session::{Role, Turn};

use super::*;

fn widget(body: &Value) -> Request {
    let mut request = ask(body.to_string());
    request.headers_mut().insert("x-stream-response", HeaderValue::from_static("true"));
    request
}

fn lines(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
    assert!(reply.text.ends_with('\n'), "{:?}", reply.text);
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const QUERY: &str = r#"{"query": "When does a session end?", "context": null, "history": []}"#;

#[tokio::test]
async fn a_query_is_answered_in_the_names_of_the_original() {
    let mut reply = send(&working_app(), ask(QUERY)).await.json();
    let id = reply["message_id"].take();
    assert!(id.as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let expected = json!({
        "response": "An idle session ends after one hour. [1]",
        "sources": [{"url": "/docs/sessions#time-to-live", "page_title": "Sessions"}],
        "message_id": null,
    });
    assert_eq!(reply, expected);

    let (app, ..) = app_over(Conduct::FindsNothing, Conduct::Works);
    let refusal = send(&app, ask(QUERY)).await.json();
    assert_eq!(refusal["response"], "The book does not say.");
    assert_eq!(refusal["sources"], Value::Null);
}

#[tokio::test]
async fn the_header_asks_for_lines_whatever_the_question_is_called() {
    let message = json!({"message": "When does a session end?"});
    for body in [serde_json::from_str(QUERY).unwrap(), message] {
        let reply = send(&working_app(), widget(&body)).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("access-control-allow-origin"), Some(BOOK));
        let mut lines = lines(&reply);
        let sources = lines.pop().unwrap();
        let page = json!({"url": "/docs/sessions#time-to-live", "page_title": "Sessions"});
        assert_eq!(sources, json!({"type": "sources", "content": [page]}));
        assert!(lines.iter().all(|line| line["type"] == "chunk"));
        let text: String = lines.iter().filter_map(|line| line["content"].as_str()).collect();
        assert_eq!(text, "An idle session ends after one hour. [1]");
    }
}

#[tokio::test]
async fn a_refusal_is_a_chunk_and_a_failure_an_error_line() {
    let body = serde_json::from_str(QUERY).unwrap();
    let (app, ..) = app_over(Conduct::FindsNothing, Conduct::Works);
    let refusal = lines(&send(&app, widget(&body)).await);
    assert_eq!(refusal, [json!({"type": "chunk", "content": "The book does not say."})]);

    let (app, ..) = app_over(Conduct::Fails(ErrorKind::Unavailable), Conduct::Works);
    let reply = send(&app, widget(&body)).await;
    assert!(!reply.text.contains("secret"));
    let failure = "the search in the book cannot be reached; try again in a moment";
    assert_eq!(lines(&reply), [json!({"type": "error", "content": failure})]);
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_a_detail() {
    let app = working_app();
    for (body, detail) in [
        (json!({"query": ""}), "the message is empty: write a question"),
        (json!({"context": "this"}), "missing field `message`"),
    ] {
        let reply = send(&app, widget(&body)).await;
        reply.assert_problem(400, reply.json()["code"].as_str().unwrap());
        assert_eq!(reply.json()["detail"], detail);
    }
}

#[tokio::test]
async fn what_the_widget_knows_reaches_the_prompt() {
    let generator = Arc::new(Scripted::default());
    let chat = chat(Stub::new(Conduct::Works), vec![generator.clone()]);
    let body = json!({
        "query": "And how long is that?",
        "context": "An idle session",
        "history": [
            {"sender": "You", "text": "When does a session end?"},
            {"sender": "Book Assistant", "text": "After a while."},
            {"sender": "You", "text": "What is a session?"},
            {"sender": "Book Assistant", "text": "Sorry, something went wrong."},
        ],
    });
    let reply = send(&app(chat, &settings()), widget(&body)).await;
    assert_eq!(reply.status, StatusCode::OK);
    let prompt = generator.prompt();
    assert_eq!(prompt.question.selected_text(), Some("An idle session"));
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let expected = [
        turn(Role::Reader, "When does a session end?"),
        turn(Role::Book, "After a while."),
        turn(Role::Reader, "What is a session?"),
        turn(Role::Book, "Sorry, something went wrong."),
    ];
    assert_eq!(prompt.history, expected);
}
