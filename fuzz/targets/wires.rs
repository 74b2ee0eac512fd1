//! The JSON bodies of the requests of other clients: those of the AI SDK, of OpenAI and of ChatKit.
//! What is taken is within its limits and the same when it is sent again as it was understood; what
//! is refused is refused in our own words.
#![no_main]

use askbook::question::Question;
use askbook::session::{Conversation, Role, Session, Turn};
use askbook_http::fuzzing::{Refusal, ai_sdk, chatkit, openai};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

#[path = "../sent.rs"]
mod sent;

fuzz_target!(|body: &[u8]| {
    transcript(body, ai_sdk, |text| json!({ "parts": [{ "type": "text", "text": text }] }));
    transcript(body, openai, |text| json!({ "content": text }));
    match chatkit(body) {
        Ok(Some((question, title, kept))) => {
            sent::question(&question);
            assert!(!title.is_empty() && title.trim() == title, "{title:?}");
            assert!(title.chars().count() <= 61 && !title.contains('\n'), "{title:?}");
            let input: Value = serde_json::from_str(&kept).expect("what is kept is JSON");
            let body = json!({ "type": "threads.create", "params": { "input": input } });
            let again = chatkit(body.to_string().as_bytes()).expect("it was taken before");
            let (question_again, title_again, kept_again) = again.expect("it asks");
            assert_eq!((question_again, title_again), (question, title));
            let again = serde_json::from_str(&kept_again).expect("the same");
            assert_eq!(without_fractions(again), without_fractions(input));
        }
        Ok(None) => {}
        Err(refusal) => sent::refusal(&refusal),
    }
});

/// Bodies that hold the whole conversation; a text that somebody said `says` a message.
fn transcript(
    body: &[u8],
    read: fn(&[u8]) -> Result<(Question, Conversation), Refusal>,
    says: fn(&str) -> Value,
) {
    let (question, Conversation { session, history }) = match read(body) {
        Ok(asked) => asked,
        Err(refusal) => return sent::refusal(&refusal),
    };
    sent::question(&question);
    assert_eq!(session, Session::Stateless);
    assert!(history.iter().all(|turn| !turn.text.trim().is_empty()));
    let message = |role: Role, text: &str| {
        let mut message = says(text);
        message["role"] = if role == Role::Reader { "user" } else { "assistant" }.into();
        message
    };
    let mut messages: Vec<Value> =
        history.iter().map(|turn| message(turn.role, &turn.text)).collect();
    messages.push(message(Role::Reader, question.text()));
    let body = json!({
        "messages": messages,
        "page": question.page(),
        "selected_text": question.selected_text(),
        "trigger": question.is_anew().then_some("regenerate-message"),
    });
    let (question_again, again) = read(body.to_string().as_bytes()).expect("it was taken before");
    assert_eq!(question_again, question);
    // Of the book's own words a link may be left that is taken for one of a citation now.
    let theirs = |turn: Turn| (turn.role, (turn.role == Role::Reader).then_some(turn.text));
    assert!(again.history.into_iter().map(theirs).eq(history.into_iter().map(theirs)));
}

/// The same but for fractions: they are read to within a unit of their last digit.
fn without_fractions(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::Null,
        Value::Array(list) => list.into_iter().map(without_fractions).collect(),
        Value::Object(object) => {
            let fields = object.into_iter().map(|(name, value)| (name, without_fractions(value)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}
