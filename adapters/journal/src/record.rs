//! A line of the journal, and what the lines come to.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;

use askbook::feedback::{self, Miss};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something that happened to a reply, as one JSON object on one line.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    /// When, in UTC, to the second, by RFC 3339.
    at: Timestamp,
    /// The reply.
    message: Uuid,
    #[serde(flatten)]
    what: What,
}

/// What happened.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum What {
    /// It said that the book does not say.
    NotInBook {
        question: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<String>,
    },
    /// A reader rated it.
    Rated {
        rating: Rating,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rating {
    Good,
    Bad,
}

impl From<feedback::Rating> for Rating {
    fn from(rating: feedback::Rating) -> Self {
        match rating {
            feedback::Rating::Good => Self::Good,
            feedback::Rating::Bad => Self::Bad,
        }
    }
}

impl Record {
    /// A record of what happens now.
    pub(crate) fn now(message: Uuid, what: What) -> Self {
        let now = Timestamp::now();
        Self { at: Timestamp::from_second(now.as_second()).unwrap_or(now), message, what }
    }

    /// The line, with its end.
    pub(crate) fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// A reply, as far as the records tell.
#[derive(Default)]
struct Reply {
    at: i64,
    refused: bool,
    rating: Option<Rating>,
    question: Option<String>,
    page: Option<String>,
    reason: Option<String>,
    comment: Option<String>,
}

/// What these lines come to, in the order in which the replies first occur. A line that is no
/// record, because it was cut by a crash or written by another version, is passed over.
pub(crate) fn misses(lines: &[u8]) -> Vec<Miss> {
    let mut replies: Vec<Reply> = Vec::new();
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Record>(line) else { continue };
        let place = match places.entry(record.message) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                replies.push(Reply { at: record.at.as_second(), ..Reply::default() });
                *place.insert(replies.len() - 1)
            }
        };
        replies[place].add(record.what);
    }
    replies.into_iter().filter_map(Reply::miss).collect()
}

impl Reply {
    fn add(&mut self, what: What) {
        match what {
            What::NotInBook { question, page } => {
                (self.refused, self.question, self.page) = (true, Some(question), page);
            }
            What::Rated { rating, question, page, reason, comment } => {
                if self.question.is_none() {
                    (self.question, self.page) = (question, page);
                }
                (self.rating, self.reason, self.comment) = (Some(rating), reason, comment);
            }
        }
    }

    fn miss(self) -> Option<Miss> {
        let rated_bad = !self.refused && self.rating == Some(Rating::Bad);
        let Self { at, refused, question, page, reason, comment, .. } = self;
        let at = u64::try_from(at).unwrap_or_default();
        let miss = Miss { at, question: question?, page, rated_bad, reason, comment };
        (refused || rated_bad).then_some(miss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_in_utc_to_the_second_and_what() {
        let question = "how?\nwhy?".to_owned();
        let what = What::NotInBook { question, page: Some("/docs/a".to_owned()) };
        let at = "2026-11-21T11:40:00Z".parse().unwrap();
        let record = Record { at, message: Uuid::from_u128(1), what };
        let line = String::from_utf8(record.line().unwrap()).unwrap();
        let expected = "{\"at\":\"2026-11-21T11:40:00Z\",\
             \"message\":\"00000000-0000-0000-0000-000000000001\",\
             \"kind\":\"not_in_book\",\"question\":\"how?\\nwhy?\",\"page\":\"/docs/a\"}\n";
        assert_eq!(line, expected);
        assert_eq!(misses(line.as_bytes())[0].at, 1_795_261_200);

        let now = Record::now(Uuid::nil(), What::NotInBook { question: String::new(), page: None });
        assert_eq!(now.at.subsec_nanosecond(), 0);
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        let whole = br#"{"at":"2026-11-21T11:40:00Z","message":"00000000-0000-0000-0000-000000000001","kind":"not_in_book","question":"q"}"#;
        for end in 0..whole.len() {
            let mut lines = whole[..end].to_vec();
            lines.extend_from_slice(b"\n\n\xFF\n{\"kind\":\"of the future\"}\n");
            assert_eq!(misses(&lines), [], "{end}");
            lines.extend_from_slice(whole);
            assert_eq!(misses(&lines).len(), 1, "{end}");
        }
    }
}
