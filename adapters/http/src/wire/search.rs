//! `POST /search` over the wire.

use std::num::NonZeroUsize;

use askbook::passage::Hit;
use askbook::question::{Question, QuestionLimits};
use askbook::search::Found;
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::{Deserialize, Serialize};

use super::explanation::Explanation;
use super::names::{Named, one_text, question_text, refused};
use super::reply::{LossReply, ScoresReply};
use crate::problem::{Code, Problem};

/// The most passages that can be asked for; the same as in the document.
const MOST: usize = 50;

/// What to find passages for.
///
/// The question may be called `message` or `question` as well, and the page `current_page`. Two
/// names of one thing must say the same. Null and blank values count as absent, other fields are
/// ignored.
#[derive(Debug, Object)]
#[oai(example)]
pub(crate) struct SearchRequest {
    /// The question, in any language, with something to see in it. The owner of the server may set
    /// another limit.
    #[oai(validator(
        max_length = 4000,
        // As for `ChatRequest`.
        pattern = "[^\\s\\u0000-\\u001F\\u007F-\\u009F\\u00AD\\u034F\\u061C\\u115F\\u1160\
                   \\u17B4\\u17B5\\u180B-\\u180F\\u200B-\\u200F\\u202A-\\u202E\\u2060-\\u206F\
                   \\u2800\\u3164\\uFDD0-\\uFDEF\\uFE00-\\uFE0F\\uFEFF\\uFFA0\\uFFF0-\\uFFFB\
                   \\uFFFE\\uFFFF]"
    ))]
    query: String,
    /// The address of the page that the reader is on: its edition of the book is preferred.
    #[oai(nullable, validator(max_length = 2000))]
    page: Option<String>,
    /// How many passages to give at most. Without it, the owner of the server decides.
    #[oai(nullable, validator(minimum(value = "1"), maximum(value = "50")))]
    limit: Option<i64>,
    /// Whether to explain what became of everything that was considered.
    #[oai(nullable)]
    debug: Option<bool>,
}

/// What to find passages for, as it may arrive.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sought {
    query: Option<String>,
    message: Option<String>,
    question: Option<String>,
    page: Option<String>,
    current_page: Option<String>,
    limit: Option<i64>,
    debug: Option<bool>,
}

impl Sought {
    /// Whether the search is to be explained.
    pub(crate) fn wants_explanation(&self) -> bool {
        self.debug == Some(true)
    }

    /// The question, and how many passages are wanted at most.
    pub(crate) fn into_question(
        self,
        limits: QuestionLimits,
    ) -> Result<(Question, Option<NonZeroUsize>), Problem> {
        let Self { query, message, question, page, current_page, limit, .. } = self;
        let text = [("query", query), ("message", message), ("question", question)];
        let text = question_text(text)?;
        let page = one_text([("page", page), ("current_page", current_page)])?.map(Named::value);
        let question = Question::new(&text.value, None, page.as_deref(), limits);
        let question = question.map_err(|error| refused(error, text.name))?;
        Ok((question, limit.map(passages).transpose()?))
    }
}

fn passages(limit: i64) -> Result<NonZeroUsize, Problem> {
    let limit = usize::try_from(limit).ok().filter(|limit| *limit <= MOST);
    limit.and_then(NonZeroUsize::new).ok_or_else(|| {
        let detail = format!("`limit` must be a whole number from 1 to {MOST}");
        Problem::new(Code::InvalidField, detail).at("limit")
    })
}

impl Example for SearchRequest {
    fn example() -> Self {
        Self {
            query: "How long is a conversation kept?".to_owned(),
            page: Some("/docs/sessions".to_owned()),
            limit: Some(3),
            debug: Some(true),
        }
    }
}

/// What the book holds about a question.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(crate) struct SearchReply {
    /// The passages that fit, best first.
    results: Vec<SearchResult>,
    /// Whether the passages can answer the question. If not, `/chat` says that the book does
    /// not hold the answer.
    sufficient: bool,
    /// What the search had to do without, so that passages may be missing; empty when everything
    /// was in order.
    degraded: Vec<LossReply>,
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<Explanation>,
}

impl SearchReply {
    pub(crate) fn new(found: Found, debug: Option<Explanation>) -> Self {
        Self {
            results: found.passages.into_iter().map(SearchResult::from).collect(),
            sufficient: found.evidence.sufficient,
            degraded: LossReply::list(&found.losses),
            debug,
        }
    }
}

impl Example for SearchReply {
    fn example() -> Self {
        Self {
            results: vec![SearchResult::example()],
            sufficient: true,
            degraded: Vec::new(),
            debug: Some(Explanation::example()),
        }
    }
}

/// A passage of the book that fits a question.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct SearchResult {
    /// Names the passage; stable for as long as it is the same one.
    id: String,
    /// The title of the page; empty when unknown.
    title: String,
    /// The headings that lead to it below the title, outermost first.
    headings: Vec<String>,
    /// Where the passage opens, heading included; null when unknown.
    #[oai(nullable)]
    url: Option<String>,
    /// The passage with the parts of its section beside it, as Markdown.
    text: String,
    scores: ScoresReply,
}

impl From<Hit> for SearchResult {
    fn from(Hit { passage, scores }: Hit) -> Self {
        Self {
            id: passage.id.0,
            title: passage.title,
            headings: passage.headings,
            url: passage.url,
            text: passage.text,
            scores: scores.into(),
        }
    }
}

impl Example for SearchResult {
    fn example() -> Self {
        Self {
            id: "sessions.md#time-to-live/0".to_owned(),
            title: "Sessions".to_owned(),
            headings: vec!["Time to live".to_owned()],
            url: Some("/docs/sessions#time-to-live".to_owned()),
            text: "An idle conversation is forgotten after one hour.".to_owned(),
            scores: ScoresReply::example(),
        }
    }
}
