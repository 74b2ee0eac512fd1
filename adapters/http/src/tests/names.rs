//! What is said of fields that do not fit.

use super::*;

#[tokio::test]
async fn fields_that_do_not_fit_are_named_with_what_is_expected() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let forms = "must be an object with the texts `role` and `content`, or `sender` and `text`";
    let item = |item: Value| json!({"message": "a", "history": [item]});
    let wrong_item = format!("`history[0]` {forms}");
    for (body, code, pointer, detail) in [
        (
            json!({"message": "private", "query": "secret"}),
            "conflicting_fields",
            "#/query",
            "`message` and `query` are names of one thing and say different things: send one of \
             them",
        ),
        (item(json!("private")), "invalid_field", "#/history/0", &wrong_item),
        (item(json!({"sender": "You"})), "invalid_field", "#/history/0", &wrong_item),
        (item(json!({"role": "user", "content": []})), "invalid_field", "#/history/0", &wrong_item),
        (
            json!({"message": "a", "chat_history": "private"}),
            "invalid_field",
            "#/chat_history",
            "`chat_history` must be a list",
        ),
        (json!({"query": 5}), "invalid_field", "#/query", "`query` must be a string"),
        (
            json!({"message": "a", "threadId": "x".repeat(201)}),
            "too_long",
            "#/threadId",
            "`threadId` has more than 200 characters",
        ),
    ] {
        for path in ["/chat", "/chat/stream"] {
            let reply = send(&app, post(path, body.to_string())).await;
            reply.assert_problem(400, code);
            let problem = reply.json();
            assert_eq!(
                (&problem["pointer"], &problem["detail"]),
                (&json!(pointer), &json!(detail))
            );
        }
    }
    assert_eq!((retriever.calls(), generator.calls()), (0, 0));
}
