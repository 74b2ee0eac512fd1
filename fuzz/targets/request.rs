//! The JSON bodies of requests: what is taken is within its limits and the same when it is sent
//! again as it was understood; what is refused is refused in our own words.
#![no_main]

use askbook::feedback::Rating;
use askbook::session::{Conversation, Role, Session, Turn};
use askbook_http::fuzzing::{chat, feedback, search};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

#[path = "../sent.rs"]
mod sent;

fuzz_target!(|body: &[u8]| {
    match chat(body) {
        Ok(asked) => {
            let (question, conversation, original) = &asked;
            sent::question(question);
            let Conversation { session, history } = conversation;
            assert!(history.iter().all(|turn| !turn.text.trim().is_empty()));
            let session_id = match session {
                Session::Resumed(id) => Some(id.as_str()),
                Session::Foreign => Some("of another server"),
                Session::New | Session::Stateless => None,
            };
            assert!(*original || *session != Session::Stateless || !history.is_empty());
            let body = json!({
                if *original { "query" } else { "message" }: question.text(),
                "context": question.selected_text(),
                "current_page": question.page(),
                "conversation_id": session_id,
                "chat_history": history.iter().map(said).collect::<Vec<_>>(),
            });
            assert_eq!(chat(&bytes(&body)).as_ref(), Ok(&asked));
        }
        Err(refusal) => sent::refusal(&refusal),
    }
    match search(body) {
        Ok(sought) => {
            let (question, most) = &sought;
            sent::question(question);
            assert!(question.selected_text().is_none());
            assert!(most.is_none_or(|most| most.get() <= 50));
            let body = json!({ "query": question.text(), "page": question.page(), "limit": most });
            assert_eq!(search(&bytes(&body)).as_ref(), Ok(&sought));
        }
        Err(refusal) => sent::refusal(&refusal),
    }
    match feedback(body) {
        Ok(feedback_given) => {
            let given = &feedback_given;
            let kept = [(&given.reason, 100), (&given.comment, 2_000), (&given.question, 4_000)];
            for (text, limit) in kept {
                let Some(text) = text else { continue };
                assert!(!text.is_empty() && text.trim() == text);
                assert!(text.chars().count() <= limit);
            }
            let body = json!({
                "message_id": given.message.0,
                "rating": if given.rating == Rating::Good { "up" } else { "down" },
                "reason": given.reason,
                "comment": given.comment,
                "query": given.question,
            });
            assert_eq!(feedback(&bytes(&body)).as_ref(), Ok(given));
        }
        Err(refusal) => sent::refusal(&refusal),
    }
});

fn said(turn: &Turn) -> Value {
    let role = if turn.role == Role::Reader { "user" } else { "assistant" };
    json!({ "role": role, "content": turn.text })
}

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}
