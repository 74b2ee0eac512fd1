//! Questions over the wire, under all the names that existing sites have for their parts.

use askbook::question::{Question, QuestionLimits};
use askbook::session::{Conversation, Role, Session, SessionId, Turn};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Deserialize;

use super::names::{Named, one, one_text, question_text, refused};
use super::reply::EXAMPLE_SESSION;
use crate::problem::{Code, Problem};

/// A reader's question.
///
/// Existing front ends may go on to use other names: `query`, `question`, `user_query` or
/// `user_message` for `message`; `context`, `highlighted_text`, `highlighted_context`, `selection`
/// or `selectedText` for `selected_text`; `conversation_id` or `threadId` for `session_id`;
/// `conversation_history` or `chat_history` for `history`; `current_page` for `page`. Two names of
/// one thing must say the same. Null and blank values count as absent, other fields are ignored.
#[derive(Debug, Object)]
#[oai(example)]
pub(crate) struct ChatRequest {
    /// The question, in any language, with something to see in it. The owner of the server may set
    /// another limit.
    #[oai(validator(
        max_length = 4000,
        // More than spaces, control characters and what takes no ink (`plain` in the core). What of
        // that is beyond U+FFFF is left out: many readers of patterns cannot name it.
        pattern = "[^\\s\\u0000-\\u001F\\u007F-\\u009F\\u00AD\\u034F\\u061C\\u115F\\u1160\
                   \\u17B4\\u17B5\\u180B-\\u180F\\u200B-\\u200F\\u202A-\\u202E\\u2060-\\u206F\
                   \\u2800\\u3164\\uFDD0-\\uFDEF\\uFE00-\\uFE0F\\uFEFF\\uFFA0\\uFFF0-\\uFFFB\
                   \\uFFFE\\uFFFF]"
    ))]
    message: String,
    /// The conversation that this belongs to: the id of the reply before. Without one, a new
    /// conversation begins, unless there is a history. An id that was not issued here, or has
    /// expired, begins a new one, too, and the reply says so.
    #[oai(nullable, validator(max_length = 200))]
    session_id: Option<String>,
    /// The text that the reader selected on the page. The owner of the server may set another
    /// limit.
    #[oai(nullable, validator(max_length = 10000))]
    selected_text: Option<String>,
    /// The address of the page that the reader is on.
    #[oai(nullable, validator(max_length = 2000))]
    page: Option<String>,
    /// What was said before, oldest first, when the client keeps the conversation: nothing of it
    /// is remembered here. With a session id, it counts where that conversation is not known.
    #[oai(nullable)]
    history: Option<Vec<HistoryItem>>,
    /// Whether to explain what the search in the book considered.
    #[oai(nullable)]
    debug: Option<bool>,
}

impl Example for ChatRequest {
    fn example() -> Self {
        Self {
            message: "How long is a conversation kept?".to_owned(),
            session_id: Some(EXAMPLE_SESSION.to_owned()),
            selected_text: None,
            page: Some("/docs/sessions".to_owned()),
            history: None,
            debug: None,
        }
    }
}

/// Something that was said; `{"sender", "text"}` is read as well.
#[derive(Debug, Object)]
struct HistoryItem {
    /// Who said it. `user`, `You` or `human` is the reader; any other name, such as `assistant`, is
    /// the book.
    role: String,
    content: String,
}

/// The longest session id of any form that is read, in characters.
const SESSION_ID_LIMIT: usize = 200;

/// A question as it may arrive.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Received {
    message: Option<String>,
    query: Option<String>,
    question: Option<String>,
    user_query: Option<String>,
    user_message: Option<String>,

    selected_text: Option<String>,
    context: Option<String>,
    highlighted_text: Option<String>,
    highlighted_context: Option<String>,
    selection: Option<String>,
    #[serde(rename = "selectedText")]
    selected_text_camel: Option<String>,

    session_id: Option<String>,
    conversation_id: Option<String>,
    #[serde(rename = "threadId")]
    thread_id: Option<String>,

    history: Option<Vec<Said>>,
    conversation_history: Option<Vec<Said>>,
    chat_history: Option<Vec<Said>>,

    page: Option<String>,
    current_page: Option<String>,

    debug: Option<bool>,
}

/// Something that was said, in one of the two forms of existing sites.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "must be an object with the texts `role` and `content`, or `sender` and `text`"
)]
enum Said {
    Content { role: String, content: String },
    Text { sender: String, text: String },
}

impl From<Said> for Turn {
    fn from(said: Said) -> Self {
        let (who, text) = match said {
            Said::Content { role, content } => (role, content),
            Said::Text { sender, text } => (sender, text),
        };
        let reader = ["you", "user", "human"].iter().any(|name| who.eq_ignore_ascii_case(name));
        Self { role: if reader { Role::Reader } else { Role::Book }, text }
    }
}

/// A question that can be asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) conversation: Conversation,
    /// Whether the search in the book is to be explained.
    pub(crate) explain: bool,
    /// Whether it came under the name that the original site has for it, so that its front end
    /// wants the reply under the original's names as well.
    pub(crate) original: bool,
}

impl Received {
    /// The question, and the conversation that it is asked in.
    pub(crate) fn into_asked(self, limits: QuestionLimits) -> Result<Asked, Problem> {
        let names = [
            ("message", self.message),
            ("query", self.query),
            ("question", self.question),
            ("user_query", self.user_query),
            ("user_message", self.user_message),
        ];
        let message = question_text(names)?;
        let selected_text = one_text([
            ("selected_text", self.selected_text),
            ("context", self.context),
            ("highlighted_text", self.highlighted_text),
            ("highlighted_context", self.highlighted_context),
            ("selection", self.selection),
            ("selectedText", self.selected_text_camel),
        ])?;
        let session = one_text([
            ("session_id", self.session_id),
            ("conversation_id", self.conversation_id),
            ("threadId", self.thread_id),
        ])?;
        let page = one_text([("page", self.page), ("current_page", self.current_page)])?;
        let history = [
            ("history", self.history),
            ("conversation_history", self.conversation_history),
            ("chat_history", self.chat_history),
        ]
        .map(|(name, said)| (name, said.map(turns).filter(|turns| !turns.is_empty())));
        let history = one(history, PartialEq::eq)?;

        let (selected_text, page) = (selected_text.map(Named::value), page.map(Named::value));
        let question =
            Question::new(&message.value, selected_text.as_deref(), page.as_deref(), limits)
                .map_err(|error| refused(error, message.name))?;
        let original = message.name == "query";
        let history = history.map(Named::value).unwrap_or_default();
        let session = match session {
            Some(session) => resumed(&session)?,
            // The original's front end keeps the conversation, which begins empty.
            None if original || !history.is_empty() => Session::Stateless,
            None => Session::New,
        };
        let conversation = Conversation { session, history };
        Ok(Asked { question, conversation, explain: self.debug == Some(true), original })
    }
}

/// What was said, without what says nothing.
fn turns(said: Vec<Said>) -> Vec<Turn> {
    said.into_iter().map(Turn::from).filter(|turn| !turn.text.trim().is_empty()).collect()
}

fn resumed(session: &Named<String>) -> Result<Session, Problem> {
    if session.value.chars().count() > SESSION_ID_LIMIT {
        let detail = format!("`{}` has more than {SESSION_ID_LIMIT} characters", session.name);
        return Err(Problem::new(Code::TooLong, detail).at(session.name));
    }
    Ok(SessionId::parse(session.value.trim()).map_or(Session::Foreign, Session::Resumed))
}

#[cfg(test)]
mod tests;
