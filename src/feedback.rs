//! What readers think of answers, and what they asked in vain: the owner's list of gaps.

mod gap;

pub use gap::{Gap, gaps};

use crate::answer::Outcome;
use crate::plain::plain;
use crate::session::MessageId;

/// What a reader thinks of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// It helped.
    Good,
    /// It did not.
    Bad,
}

/// A reader's word on a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// Which reply.
    pub message: MessageId,
    /// What the reader thinks of it.
    pub rating: Rating,
    /// Why, in a word of the front end's choice.
    pub reason: Option<String>,
    /// Why, in the reader's words.
    pub comment: Option<String>,
    /// What was asked, as the client says; it counts where the reply is not remembered (any
    /// more).
    pub question: Option<String>,
}

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The reply to it.
    pub message: MessageId,
    /// What was asked, in words that need no conversation as far as that is known.
    pub question: String,
    /// The address of the page that it was asked on, without query and fragment.
    pub page: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// A question that the book did not answer, or not well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// When it was asked or, where that is not known, rated: in seconds since the beginning of
    /// 1970, UTC.
    pub at: u64,
    /// What was asked.
    pub question: String,
    /// The path of the page that it was asked on, where that is known.
    pub page: Option<String>,
    /// Whether there was an answer, which a reader rated bad.
    pub rated_bad: bool,
    /// Why, in a word of the front end's choice.
    pub reason: Option<String>,
    /// What the reader said about it.
    pub comment: Option<String>,
}

/// How much of a question, a page and a comment is kept, in characters.
const KEPT: [usize; 3] = [4_000, 500, 2_000];

/// How much of a reason is kept, in characters.
const KEPT_REASON: usize = 100;

impl Asked {
    /// What may be kept of it: the question as plain text, and the path of the page without the
    /// rest of its address; of both not more than an owner reads.
    #[must_use]
    pub fn to_keep(self) -> Self {
        let path = self.page.as_deref().map(path).filter(|path| !path.contains(':'));
        let page = path.and_then(|path| kept(path, KEPT[1]));
        Self { question: kept(&self.question, KEPT[0]).unwrap_or_default(), page, ..self }
    }
}

impl Feedback {
    /// What may be kept of it: plain text, not more than an owner reads.
    #[must_use]
    pub fn to_keep(self) -> Self {
        let of = |text: Option<String>, limit| text.and_then(|text| kept(&text, limit));
        Self {
            reason: of(self.reason, KEPT_REASON),
            comment: of(self.comment, KEPT[2]),
            question: of(self.question, KEPT[0]),
            ..self
        }
    }
}

/// The beginning of a text as it is kept; `None` when there is nothing to see.
fn kept(text: &str, limit: usize) -> Option<String> {
    let text: String = plain(text).trim().chars().take(limit).collect();
    (!text.is_empty()).then_some(text)
}

/// The path of an address, which may be a path already. Who is named before it may be a person.
fn path(address: &str) -> &str {
    let path = match address.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => address,
    };
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn of_a_page_its_path_is_kept() {
        let page = |page: &str| {
            let (message, outcome) = (MessageId(Uuid::nil()), Outcome::Answered);
            let page = Some(page.to_owned());
            Asked { message, question: String::new(), page, outcome }.to_keep().page
        };
        for (address, path) in [
            ("https://anna:secret@book.example/docs/intro?user=anna#top", Some("/docs/intro")),
            ("//book.example/docs", Some("/docs")),
            ("https://book.example", Some("/")),
            ("/docs//twice", Some("/docs//twice")),
            ("docs/intro", Some("docs/intro")),
            ("?q", None),
        ] {
            assert_eq!(page(address).as_deref(), path, "{address}");
        }
    }
}
