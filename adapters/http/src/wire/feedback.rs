//! What readers think of replies, over the wire.

use askbook::feedback::{Feedback, Rating};
use askbook::session::MessageId;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Deserialize;
use uuid::Uuid;

use super::reply::EXAMPLE_MESSAGE;
use crate::problem::{Code, Problem};

/// The most characters of the parts; they are in the document, too.
const REASON_LIMIT: usize = 100;
const COMMENT_LIMIT: usize = 2_000;
const MESSAGE_ID_LIMIT: usize = 200;

/// A reader's word on a reply. Null and blank values count as absent, other fields are ignored.
#[derive(Debug, Deserialize, Object)]
#[oai(example)]
pub(crate) struct FeedbackRequest {
    /// Which reply: its `message_id`. Another text is taken as well, for front ends that name
    /// replies themselves; then `query` says what was asked.
    #[oai(validator(max_length = 200, pattern = r"\S"))]
    message_id: String,
    /// `up` and `down` are read as well.
    rating: RatingName,
    /// Why, in a word of the front end's choice.
    #[oai(nullable, validator(max_length = 100))]
    #[serde(default)]
    reason: Option<String>,
    /// Why, in the reader's words.
    #[oai(nullable, validator(max_length = 2000))]
    #[serde(default)]
    comment: Option<String>,
    /// What was asked. It counts where the server does not remember the reply (any more).
    #[oai(nullable, validator(max_length = 4000))]
    #[serde(default)]
    query: Option<String>,
}

/// Whether the reply helped.
#[derive(Clone, Copy, Debug, Deserialize, Enum)]
#[oai(rename = "Rating", rename_all = "snake_case", remote = "Rating")]
#[serde(try_from = "String")]
enum RatingName {
    Good,
    Bad,
}

impl TryFrom<String> for RatingName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "good" | "up" => Ok(Self::Good),
            "bad" | "down" => Ok(Self::Bad),
            _ => Err("must be `good` or `bad`"),
        }
    }
}

impl FeedbackRequest {
    /// The feedback; `query_limit` is in characters.
    pub(crate) fn into_feedback(self, query_limit: usize) -> Result<Feedback, Problem> {
        let id = within("message_id", Some(self.message_id), MESSAGE_ID_LIMIT)?;
        let id = id.ok_or_else(|| {
            Problem::new(Code::InvalidField, "`message_id` is empty").at("message_id")
        })?;
        // The name that a front end gives always stands for the same reply.
        let message =
            id.parse().unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()));
        Ok(Feedback {
            message: MessageId(message),
            rating: self.rating.into(),
            reason: within("reason", self.reason, REASON_LIMIT)?,
            comment: within("comment", self.comment, COMMENT_LIMIT)?,
            question: within("query", self.query, query_limit)?,
        })
    }
}

/// The text, trimmed; nothing when it is blank.
///
/// # Errors
/// It is longer than the limit, in characters.
fn within(
    name: &'static str,
    text: Option<String>,
    limit: usize,
) -> Result<Option<String>, Problem> {
    let length = text.as_deref().map_or(0, |text| text.chars().count());
    if length > limit {
        let detail = format!("`{name}` has {length} characters; at most {limit} are allowed");
        return Err(Problem::new(Code::TooLong, detail).at(name));
    }
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

impl Example for FeedbackRequest {
    fn example() -> Self {
        Self {
            message_id: EXAMPLE_MESSAGE.to_string(),
            rating: RatingName::Bad,
            reason: Some("outdated".to_owned()),
            comment: Some("The menu has another name now.".to_owned()),
            query: None,
        }
    }
}
