use serde_json::{Value, json};

use super::*;

fn asked(body: Value) -> Result<Asked, Problem> {
    let received: Received = serde_json::from_value(body).unwrap();
    received.into_asked(QuestionLimits::default())
}

const ID: &str = "0123456789abcdef0123456789abcdef";

fn id() -> SessionId {
    SessionId::parse(ID).unwrap()
}

#[test]
fn each_part_may_go_by_each_of_its_names() {
    for name in ["message", "query", "question", "user_query", "user_message"] {
        let asked = asked(json!({name: " When? "})).unwrap();
        assert_eq!((asked.question.text(), asked.original), ("When?", name == "query"));
    }
    for name in [
        "selected_text",
        "context",
        "highlighted_text",
        "highlighted_context",
        "selection",
        "selectedText",
    ] {
        let asked = asked(json!({"message": "When?", name: "this"})).unwrap();
        assert_eq!(asked.question.selected_text(), Some("this"), "{name}");
    }
    for name in ["session_id", "conversation_id", "threadId"] {
        let asked = asked(json!({"message": "When?", name: ID})).unwrap();
        assert_eq!(asked.conversation.session, Session::Resumed(id()), "{name}");
    }
    for name in ["page", "current_page"] {
        let asked = asked(json!({"message": "When?", name: "/docs/a"})).unwrap();
        assert_eq!(asked.question.page(), Some("/docs/a"), "{name}");
    }
    for name in ["history", "conversation_history", "chat_history"] {
        let said = json!([{"role": "user", "content": "Who?"}]);
        let asked = asked(json!({"message": "When?", name: said})).unwrap();
        let turn = Turn { role: Role::Reader, text: "Who?".to_owned() };
        assert_eq!(asked.conversation.history, [turn], "{name}");
    }
}

#[test]
fn two_names_may_say_the_same_and_nothing_else() {
    let same = json!({
        "message": "When?", "query": "When? ", "question": null, "user_query": " ",
        "history": [], "chat_history": [{"sender": "You", "text": "Who?"}],
    });
    let asked_once = asked(same).unwrap();
    assert!(!asked_once.original, "the native name counts more");
    assert_eq!(asked_once.conversation.history.len(), 1);
    for (one, other, value, another) in [
        ("message", "query", json!("a"), json!("b")),
        ("selected_text", "selectedText", json!("a"), json!("b")),
        ("session_id", "threadId", json!("a"), json!("b")),
        ("page", "current_page", json!("a"), json!("b")),
        (
            "history",
            "chat_history",
            json!([{"role": "user", "content": "a"}]),
            json!([{"role": "user", "content": "b"}]),
        ),
    ] {
        let mut body = json!({"message": "a"});
        body[one] = value;
        body[other] = another;
        let problem = asked(body).unwrap_err();
        assert_eq!(problem.code, Code::ConflictingFields);
        let names = [one, other].map(|name| problem.detail.contains(&format!("`{name}`")));
        assert_eq!(names, [true, true], "{}", problem.detail);
    }
}

#[test]
fn a_history_is_read_in_both_forms_and_its_blank_turns_are_left_out() {
    let said = json!([
        {"sender": "You", "text": "Who?", "id": 1},
        {"sender": "Book Assistant", "text": "She.", "sources": []},
        {"role": "human", "content": "When?"},
        {"role": "assistant", "content": " "},
        {"role": "system", "content": "Then."},
        {"role": "USER", "content": "Where?"},
    ]);
    let history = asked(json!({"message": "Why?", "history": said})).unwrap().conversation.history;
    let expected = [
        (Role::Reader, "Who?"),
        (Role::Book, "She."),
        (Role::Reader, "When?"),
        (Role::Book, "Then."),
        (Role::Reader, "Where?"),
    ];
    assert_eq!(history, expected.map(|(role, text)| Turn { role, text: text.to_owned() }));
}

#[test]
fn who_keeps_the_conversation_follows_from_what_is_sent() {
    let said = json!([{"sender": "You", "text": "Who?"}]);
    for (body, session) in [
        (json!({"message": "When?"}), Session::New),
        (json!({"message": "When?", "history": []}), Session::New),
        (json!({"message": "When?", "session_id": ""}), Session::New),
        (json!({"message": "When?", "history": said}), Session::Stateless),
        (json!({"query": "When?", "history": []}), Session::Stateless),
        (json!({"query": "When?"}), Session::Stateless),
        (json!({"query": "When?", "session_id": ID}), Session::Resumed(id())),
        (json!({"message": "When?", "history": said, "session_id": ID}), Session::Resumed(id())),
        (json!({"message": "When?", "session_id": "x".repeat(200)}), Session::Foreign),
    ] {
        assert_eq!(asked(body.clone()).unwrap().conversation.session, session, "{body}");
    }
}

#[test]
fn a_blank_question_is_empty_under_its_own_name_and_none_is_missing() {
    for (body, code, field) in [
        (json!({"question": " "}), Code::EmptyMessage, Some("question")),
        (json!({"query": "\u{200B}"}), Code::EmptyMessage, Some("query")),
        (json!({"message": null}), Code::InvalidField, None),
        (json!({}), Code::InvalidField, None),
    ] {
        let problem = asked(body).unwrap_err();
        assert_eq!((problem.code, problem.field.as_deref()), (code, field));
    }
}
