//! Requests for a completion.

use askbook::question::{Question, QuestionLimits};
use askbook::session::Conversation;
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Deserialize;

use crate::problem::Problem;
use crate::wires::transcript::{self, Message, Place};

/// A conversation that ends with a question, as OpenAI's clients send it. Other fields are ignored.
#[derive(Debug, Object)]
#[oai(example)]
pub(super) struct ChatCompletionRequest {
    /// Any name: the only model there is, `askbook`, answers.
    #[oai(nullable)]
    model: Option<String>,
    /// All messages, oldest first; the last one is the question.
    #[oai(validator(min_items = 1))]
    messages: Vec<ChatMessage>,
    /// Whether to tell the answer while it is written.
    #[oai(nullable)]
    stream: Option<bool>,
    #[oai(skip_serializing_if_is_none)]
    stream_options: Option<StreamOptions>,
    /// The address of the page that the reader is on.
    #[oai(nullable, validator(max_length = 2000))]
    page: Option<String>,
    /// The text that the reader selected on the page.
    #[oai(nullable, validator(max_length = 10000))]
    selected_text: Option<String>,
}

impl Example for ChatCompletionRequest {
    fn example() -> Self {
        let content = Some("How long is a conversation kept?".to_owned());
        Self {
            model: Some(super::MODEL.to_owned()),
            messages: vec![ChatMessage { role: "user".to_owned(), content }],
            stream: Some(false),
            stream_options: None,
            page: None,
            selected_text: None,
        }
    }
}

/// What somebody said.
#[derive(Debug, Object)]
struct ChatMessage {
    /// `user` is the reader and `assistant` the book; messages of others, such as `system` and
    /// `tool`, are left out.
    role: String,
    /// A text; a list of parts like `{"type": "text", "text": "..."}` is read as well. Of other parts,
    /// files, pictures and sounds are refused in the question, and the rest is ignored.
    #[oai(nullable)]
    content: Option<String>,
}

/// What a stream tells beside the answer.
#[derive(Debug, Object, Deserialize)]
struct StreamOptions {
    /// Whether the last chunk says what the answer has cost, in tokens.
    #[oai(nullable)]
    include_usage: Option<bool>,
}

/// A request as it may arrive.
#[derive(Debug, Deserialize)]
pub(crate) struct Received {
    messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    page: Option<String>,
    selected_text: Option<String>,
}

impl Received {
    pub(super) fn streams(&self) -> bool {
        self.stream == Some(true)
    }

    pub(super) fn tells_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true))
    }

    /// What is asked, if it can be.
    pub(crate) fn into_asked(
        self,
        limits: QuestionLimits,
    ) -> Result<(Question, Conversation), Problem> {
        let Self { messages, page, selected_text, .. } = self;
        transcript::read(messages, &Place { page, selected_text }, limits)
    }
}
