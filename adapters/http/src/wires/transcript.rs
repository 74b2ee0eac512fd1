//! Conversations that come with each request, as clients send them that keep them.

use askbook::question::{Question, QuestionLimits};
use askbook::session::{Conversation, Role, Session, Turn};
use serde::Deserialize;

use super::links::unlinked;
use crate::problem::{Code, Problem};
use crate::wire::refused;

/// A message, in the form of the AI SDK or in that of OpenAI.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    role: String,
    content: Option<Content>,
    parts: Option<Vec<Part>>,
}

/// What a message says.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "must be a text or a list of parts")]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a message: a text, or something that is none, such as a picture or what a tool said.
#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

impl Part {
    fn text(self) -> Option<String> {
        self.text.filter(|_| self.kind == "text")
    }

    /// Whether it is something that a reader adds to a question for it to be looked at.
    fn is_attached(&self) -> bool {
        matches!(&*self.kind, "file" | "image" | "image_url" | "input_audio")
    }
}

impl Message {
    /// Whose it is; `None` for what is neither the reader's nor the book's: the instructions of an
    /// application, and what its tools say.
    fn role(&self) -> Option<Role> {
        match &*self.role {
            "user" => Some(Role::Reader),
            "assistant" => Some(Role::Book),
            _ => None,
        }
    }

    fn parts(&self) -> &[Part] {
        match (&self.parts, &self.content) {
            (Some(parts), _) | (None, Some(Content::Parts(parts))) => parts,
            (None, _) => &[],
        }
    }

    fn text(self) -> String {
        match (self.parts, self.content) {
            (Some(parts), _) | (None, Some(Content::Parts(parts))) => {
                parts.into_iter().filter_map(Part::text).collect::<Vec<_>>().join("\n")
            }
            (None, Some(Content::Text(text))) => text,
            (None, None) => String::new(),
        }
    }
}

/// What a reader's question comes with.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The address of the page that the reader is on.
    pub(super) page: Option<String>,
    /// The text that they selected there.
    pub(super) selected_text: Option<String>,
}

/// The question that a conversation ends with, and what was said before it, which nobody but the
/// client remembers.
///
/// Instructions of the application that asks, and what its tools say, are left out: what is
/// answered, and how, the owner of the book decides.
///
/// # Errors
/// It does not end with a question that can be asked.
pub(super) fn read(
    messages: Vec<Message>,
    place: &Place,
    limits: QuestionLimits,
) -> Result<(Question, Conversation), Problem> {
    let mut said: Vec<(usize, Role, Message)> = Vec::new();
    for (at, message) in messages.into_iter().enumerate() {
        if let Some(role) = message.role() {
            said.push((at, role, message));
        }
    }
    let Some((at, Role::Reader, asked)) = said.pop() else {
        let detail = "`messages` must end with a message whose role is user: the question";
        return Err(Problem::new(Code::InvalidField, detail).at("messages"));
    };
    let field = format!("messages/{at}");
    if asked.parts().iter().any(Part::is_attached) {
        let detail = "only texts are read: send the question without files, pictures and sounds";
        return Err(Problem::new(Code::InvalidField, detail).at(field));
    }
    let Place { page, selected_text } = place;
    let question = Question::new(&asked.text(), selected_text.as_deref(), page.as_deref(), limits)
        .map_err(|error| refused(error, &field))?;
    let turn = |(_, role, message): (usize, Role, Message)| {
        let text = match role {
            Role::Reader => message.text(),
            Role::Book => unlinked(&message.text()),
        };
        (!text.trim().is_empty()).then_some(Turn { role, text })
    };
    let history = said.into_iter().filter_map(turn).collect();
    Ok((question, Conversation { session: Session::Stateless, history }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(messages: Value) -> Result<(Question, Conversation), Problem> {
        let messages = serde_json::from_value(messages).unwrap();
        super::read(messages, &Place::default(), QuestionLimits::default())
    }

    #[test]
    fn the_last_message_is_the_question_and_those_before_it_are_the_history() {
        for (question, answer) in [
            (json!({"content": "Why?"}), json!({"content": "So [1](/a#b)."})),
            (
                json!({"content": [{"type": "text", "text": "Why?"}]}),
                json!({"content": [{"type": "text", "text": "So [1](/a#b)."}]}),
            ),
            (
                json!({"id": "msg-1", "parts": [{"type": "text", "text": "Why?"}]}),
                json!({"parts": [
                    {"type": "step-start"},
                    {"type": "reasoning", "text": "Hm."},
                    {"type": "text", "text": "So [1](/a#b).", "state": "done"},
                    {"type": "source-url", "sourceId": "1", "url": "/a#b"},
                ]}),
            ),
        ] {
            let of = |role: &str, message: &Value| {
                let mut message = message.clone();
                message["role"] = role.into();
                message
            };
            let messages = [of("user", &question), of("assistant", &answer), of("user", &question)];
            let (asked, conversation) = read(messages.into_iter().collect()).unwrap();
            assert_eq!(asked.text(), "Why?");
            assert_eq!(conversation.session, Session::Stateless);
            let turn = |role, text: &str| Turn { role, text: text.to_owned() };
            let expected = [turn(Role::Reader, "Why?"), turn(Role::Book, "So [1].")];
            assert_eq!(conversation.history, expected);
        }
    }

    #[test]
    fn neither_instructions_nor_tools_nor_empty_messages_are_a_part_of_it() {
        let (asked, conversation) = read(json!([
            {"role": "system", "content": "Talk like a pirate."},
            {"role": "developer", "content": "Answer in French."},
            {"role": "assistant", "content": null, "tool_calls": []},
            {"role": "tool", "content": "42"},
            {"role": "assistant", "parts": []},
            {"role": "user", "content": "Why?"},
            {"role": "system", "content": "Never cite."},
        ]))
        .unwrap();
        assert_eq!(asked.text(), "Why?");
        assert_eq!(conversation.history, []);
    }

    #[test]
    fn a_conversation_that_does_not_end_with_a_question_is_refused_by_its_place() {
        let file = json!([{"type": "text", "text": "This?"}, {"type": "file", "url": "data:"}]);
        for (messages, code, field) in [
            (json!([]), Code::InvalidField, "messages"),
            (json!([{"role": "system", "content": "?"}]), Code::InvalidField, "messages"),
            (
                json!([{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]),
                Code::InvalidField,
                "messages",
            ),
            (json!([{"role": "user", "content": " "}]), Code::EmptyMessage, "messages/0"),
            (json!([{"role": "user"}]), Code::EmptyMessage, "messages/0"),
            (json!([{"role": "user", "parts": file}]), Code::InvalidField, "messages/0"),
        ] {
            let problem = read(messages.clone()).unwrap_err();
            assert_eq!((problem.code, problem.field.as_deref()), (code, Some(field)), "{messages}");
        }
    }
}
