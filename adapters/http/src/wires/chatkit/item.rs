//! What `ChatKit` shows: threads and what is in them.
//!
//! What is kept of a thread are these, as they go over the wire, and hidden notes, which never do:
//! they are of another type than [`ThreadItem`].

use askbook::passage::Passage;
use askbook::session::{MessageId, SessionId};
use askbook::thread;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A part of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    data: Vec<T>,
    has_more: bool,
    /// Where the next part begins: behind the element of this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn empty() -> Self {
        Self { data: Vec::new(), has_more: false, after: None }
    }

    /// At most so many, the first ones.
    pub(super) fn of(mut data: Vec<T>, limit: usize, id: impl Fn(&T) -> String) -> Self {
        let has_more = data.len() > limit;
        data.truncate(limit);
        let after = data.last().filter(|_| has_more).map(id);
        Self { data, has_more, after }
    }
}

/// In which order a list is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    Asc,
    #[default]
    Desc,
}

/// A thread, and some of its items.
#[derive(Debug, Serialize)]
pub(super) struct Thread {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    created_at: String,
    status: Status,
    /// What a server keeps for itself; none of it is sent.
    metadata: Map<String, Value>,
    items: Page<ThreadItem>,
}

impl Thread {
    pub(super) fn untitled(self) -> Self {
        Self { title: None, ..self }
    }

    pub(super) fn with(self, items: Page<ThreadItem>) -> Self {
        Self { items, ..self }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Status {
    Active,
}

impl From<&thread::Head> for Thread {
    fn from(head: &thread::Head) -> Self {
        Self {
            id: thread_name(&head.id),
            title: Some(head.title.clone()),
            created_at: time(head.begun),
            status: Status::Active,
            metadata: Map::new(),
            items: Page::empty(),
        }
    }
}

/// What is shown in a thread.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ThreadItem {
    UserMessage(UserMessage),
    AssistantMessage(AssistantMessage),
}

impl ThreadItem {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::UserMessage(UserMessage { id, .. })
            | Self::AssistantMessage(AssistantMessage { id, .. }) => id,
        }
    }
}

/// What a reader sent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct UserMessage {
    pub(super) id: String,
    pub(super) thread_id: String,
    pub(super) created_at: String,
    #[serde(flatten)]
    pub(super) input: Input,
}

/// What a reader has typed, selected and chosen.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Input {
    content: Vec<InputPart>,
    pub(super) attachments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quoted_text: Option<String>,
    inference_options: InferenceOptions,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum InputPart {
    InputText {
        text: String,
    },
    InputTag {
        id: String,
        text: String,
        data: Map<String, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        #[serde(default)]
        interactive: bool,
    },
}

/// What a page may let its readers choose. Nothing of it has a meaning here.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct InferenceOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct ToolChoice {
    id: String,
}

impl Input {
    /// The words, with those of tags as they are shown.
    pub(super) fn text(&self) -> String {
        let words = self.content.iter().map(|part| match part {
            InputPart::InputText { text } => text.clone(),
            InputPart::InputTag { text, .. } => format!("@{text}"),
        });
        words.collect()
    }
}

/// What askbook answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct AssistantMessage {
    pub(super) id: String,
    pub(super) thread_id: String,
    pub(super) created_at: String,
    pub(super) content: Vec<Content>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    OutputText { text: String, annotations: Vec<Annotation> },
}

impl Content {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::OutputText { text: text.into(), annotations: Vec::new() }
    }
}

impl AssistantMessage {
    pub(super) fn text(&self) -> String {
        let texts = self.content.iter().map(|Content::OutputText { text, .. }| text.as_str());
        texts.collect()
    }
}

/// Where a statement is from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename = "annotation")]
pub(super) struct Annotation {
    pub(super) source: Source,
    /// Behind which character of the text it stands, as JavaScript counts.
    pub(super) index: usize,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source {
    Url {
        title: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    /// What cannot be opened.
    File {
        title: String,
        filename: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

impl Source {
    /// A passage, and the words of it that count.
    pub(super) fn new(passage: &Passage, quote: &str, site: Option<&str>) -> Self {
        let description = (!quote.is_empty()).then(|| quote.to_owned());
        let title = passage.breadcrumb();
        match passage.url.as_deref().and_then(|url| absolute(url, site)) {
            Some(url) => {
                let title = if title.is_empty() { url.clone() } else { title };
                Self::Url { title, url, description }
            }
            None => Self::File { filename: title.clone(), title, description },
        }
    }
}

/// An address that opens from anywhere: `ChatKit` shows its links on a page of another site. `None`
/// for one that leads to no page. Without a site, a path stays one.
pub(super) fn absolute(url: &str, site: Option<&str>) -> Option<String> {
    let scheme = url.split(['/', '?', '#']).next()?.split_once(':').map(|(scheme, _)| scheme);
    match scheme {
        Some(scheme) => {
            let opens = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            opens.then(|| url.to_owned())
        }
        None if url.starts_with('/') && !url.starts_with("//") => {
            Some(format!("{}{url}", site.unwrap_or("")))
        }
        None => (!url.is_empty()).then(|| url.to_owned()),
    }
}

/// What is kept in a thread, shown or not.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Kept {
    Shown(ThreadItem),
    Hidden(Note),
}

/// A note that is shown to nobody.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename = "sdk_hidden_context")]
pub(super) struct Note {
    id: String,
    thread_id: String,
    created_at: String,
    content: String,
}

impl Note {
    /// That the reader did not wait for the answer before it.
    pub(super) fn cancelled(id: MessageId, thread: &SessionId) -> Self {
        Self {
            id: item_name(id),
            thread_id: thread_name(thread),
            created_at: now(),
            content: "The reader did not wait for the end of this answer.".to_owned(),
        }
    }
}

impl Kept {
    /// As it is put into a thread.
    pub(super) fn to_item(&self, id: MessageId) -> thread::Item {
        // Strings, numbers and lists of them always serialise.
        thread::Item { id, content: serde_json::to_string(self).unwrap_or_default() }
    }

    /// What was put there; `None` for what was not written by this version.
    pub(super) fn of(item: &thread::Item) -> Option<Self> {
        serde_json::from_str(&item.content).ok()
    }
}

/// The name of a thread over the wire.
pub(super) fn thread_name(id: &SessionId) -> String {
    format!("thr_{}", id.as_str())
}

pub(super) fn thread_id(name: &str) -> Option<SessionId> {
    SessionId::parse(name.strip_prefix("thr_")?).ok()
}

/// The name of an item over the wire.
pub(super) fn item_name(id: MessageId) -> String {
    format!("msg_{}", id.0.simple())
}

pub(super) fn item_id(name: &str) -> Option<MessageId> {
    let digits = name.strip_prefix("msg_").filter(|digits| digits.len() == 32)?;
    Uuid::try_parse(digits).ok().map(MessageId)
}

/// Now, in milliseconds since the beginning of 1970, UTC.
pub(super) fn milliseconds() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// ISO 8601, UTC.
pub(super) fn time(milliseconds: u64) -> String {
    let milliseconds = i64::try_from(milliseconds).unwrap_or_default();
    Timestamp::from_millisecond(milliseconds).unwrap_or_default().to_string()
}

pub(super) fn now() -> String {
    time(milliseconds())
}

/// In milliseconds since the beginning of 1970; 0 for what is no time.
pub(super) fn instant(time: &str) -> u64 {
    let time = time.parse::<Timestamp>().map(Timestamp::as_millisecond).unwrap_or_default();
    u64::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_opens_from_another_site_and_leads_to_a_page() {
        let site = Some("https://book.example");
        for (url, expected) in [
            ("/docs/a#b", Some("https://book.example/docs/a#b")),
            ("https://other.example/x", Some("https://other.example/x")),
            ("//other.example/x", Some("//other.example/x")),
            ("javascript:alert(1)", None),
            ("", None),
        ] {
            assert_eq!(absolute(url, site).as_deref(), expected, "{url}");
        }
        assert_eq!(absolute("/docs/a#b", None).as_deref(), Some("/docs/a#b"));
    }

    #[test]
    fn what_is_kept_comes_back_byte_for_byte() {
        let user = r#"{"type":"user_message","id":"msg_1","thread_id":"thr_1","created_at":"2026-11-21T10:00:00.123Z","content":[{"type":"input_text","text":"a ß 😀\n"},{"type":"input_tag","id":"t","text":"Tag","data":{"z":null,"a":[1.5]},"group":"g","interactive":true}],"attachments":[],"quoted_text":"q","inference_options":{"tool_choice":{"id":"x"},"model":"m"}}"#;
        let assistant = r#"{"type":"assistant_message","id":"msg_2","thread_id":"thr_1","created_at":"2026-11-21T10:00:00Z","content":[{"type":"output_text","text":"b","annotations":[{"type":"annotation","source":{"type":"url","title":"T","url":"/u"},"index":1}]}]}"#;
        for (content, shown) in [(user, true), (assistant, true)] {
            let item = thread::Item { id: MessageId(Uuid::nil()), content: content.to_owned() };
            let kept = Kept::of(&item).unwrap();
            assert_eq!(matches!(kept, Kept::Shown(_)), shown);
            assert_eq!(kept.to_item(item.id).content, content);
        }
        let note = Note::cancelled(MessageId(Uuid::nil()), &SessionId::from_random([1; 16]));
        let note = Kept::Hidden(note);
        assert_eq!(Kept::of(&note.to_item(MessageId(Uuid::nil()))), Some(note));
        let other = thread::Item { id: MessageId(Uuid::nil()), content: "{}".to_owned() };
        assert_eq!(Kept::of(&other), None);
    }

    #[test]
    fn names_and_times_are_read_as_they_are_written() {
        let thread = SessionId::from_random([7; 16]);
        assert_eq!(thread_id(&thread_name(&thread)), Some(thread));
        let item = MessageId(Uuid::from_u128(7));
        assert_eq!(item_id(&item_name(item)), Some(item));
        for name in ["", "thr_", "msg_", "msg_1", "07070707070707070707070707070707"] {
            assert_eq!((thread_id(name), item_id(name)), (None, None), "{name}");
        }
        assert_eq!(time(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(instant("2023-11-14T22:13:20.123Z"), 1_700_000_000_123);
        assert_eq!((instant("yesterday"), time(u64::MAX).as_str()), (0, "1970-01-01T00:00:00Z"));
    }

    #[test]
    fn a_page_says_where_the_next_one_begins() {
        let page = |limit| {
            let data = vec!["a".to_owned(), "b".to_owned()];
            serde_json::to_value(Page::of(data, limit, String::clone)).unwrap()
        };
        assert_eq!(page(1), json!({"data": ["a"], "has_more": true, "after": "a"}));
        assert_eq!(page(2), json!({"data": ["a", "b"], "has_more": false}));
    }
}
