//! Reading a passage out of a payload, whoever wrote it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use askbook::passage::{Passage, PassageId};
use serde_json::{Map, Value, json};

use crate::link;

type Object = Map<String, Value>;

/// Where the payloads of a collection hold what a passage needs, as dotted paths
/// (`metadata.page.url`). What is not given is found by the names that are in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The body of the passage.
    pub text: Option<String>,
    /// The address of its page, or the file that the page was made from.
    pub url: Option<String>,
    /// The title of its page.
    pub title: Option<String>,
    /// The heading above it, or all of them.
    pub section: Option<String>,
}

/// The key that marks the payloads that askbook writes; its value is the index's fingerprint.
pub(crate) const MARK: &str = "askbook";

const TEXT: [&str; 10] = [
    "text",
    "content",
    "page_content",
    "document",
    "chunk",
    "chunk_text",
    "body",
    "text_segment",
    "doc_content",
    "passage",
];
const TITLE: [&str; 7] = [
    "page_title",
    "title",
    "source_page_title",
    "chapter_title",
    "chapter",
    "doc_title",
    "document_title",
];
const HEADINGS: [&str; 2] = ["heading_breadcrumb", "headings"];
const SECTION: [&str; 7] = [
    "section_title",
    "section_header",
    "section_heading",
    "section",
    "header",
    "heading",
    "subchapter_title",
];
const SUBSECTION: [&str; 1] = ["subsection"];
/// Objects that metadata is nested in.
const NESTED: [&str; 3] = ["metadata", "meta", "frontmatter"];
/// Keys of full addresses; each may hold something else as well.
const ADDRESS: [&str; 8] =
    ["url", "source_url", "page_url", "permalink", "link", "href", "source", "anchor"];
/// Keys of files, those that tell the folder first.
const FILE: [&str; 10] = [
    "file_path",
    "source_file",
    "doc_path",
    "full_path",
    "path",
    "url",
    "source",
    "slug",
    "filename",
    "file_name",
];

/// The payload that askbook writes for a passage.
pub(crate) fn written(passage: &Passage, fingerprint: &str) -> Object {
    let Passage { id, title, headings, url, text } = passage;
    let fields = json!({
        MARK: fingerprint,
        "id": id.0,
        "title": title,
        "headings": headings,
        "section": passage.section(),
        "url": url,
        "text": text,
    });
    match fields {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// The passage that a payload holds; `None` when there is no text in it. A point that askbook
/// did not write gives its own name to the passage.
pub(crate) fn passage(point: String, payload: &Object, fields: &Fields) -> Option<Passage> {
    if payload.contains_key(MARK) {
        return own(payload);
    }
    let text = match &fields.text {
        Some(path) => at(payload, path).and_then(|found| text(&found)),
        None => found_text(payload),
    }?;
    let title = match &fields.title {
        Some(path) => at(payload, path).and_then(|found| label(&found)),
        None => found_title(payload),
    };
    let headings = match &fields.section {
        Some(path) => at(payload, path).map(|found| labels(&found)).unwrap_or_default(),
        None => found_headings(payload),
    };
    let url = match &fields.url {
        Some(path) => at(payload, path).and_then(|found| {
            let value = label(&found)?;
            link::from_address(&value).or_else(|| link::from_file(&value))
        }),
        None => found_link(payload),
    };
    let title = title.unwrap_or_default();
    Some(Passage { id: PassageId(point), title, headings, url, text })
}

/// The keys of payloads, nested ones with a dot, for an owner who has to name one.
pub(crate) fn keys<'a>(payloads: impl Iterator<Item = &'a Object>) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for payload in payloads {
        for (key, value) in payload {
            match value {
                Value::Object(nested) => {
                    keys.extend(nested.keys().map(|inner| format!("{key}.{inner}")));
                }
                _ => {
                    keys.insert(key.clone());
                }
            }
        }
    }
    keys
}

fn own(payload: &Object) -> Option<Passage> {
    let string = |key| payload.get(key).and_then(Value::as_str).map(str::to_owned);
    let headings = payload.get("headings").and_then(Value::as_array);
    Some(Passage {
        id: PassageId(string("id")?),
        title: string("title").unwrap_or_default(),
        headings: headings
            .map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default(),
        url: string("url"),
        text: string("text")?,
    })
}

/// The value at a dotted path. A key that has dots itself is found too, and a string of JSON is
/// as good as an object.
fn at<'a>(object: &'a Object, path: &str) -> Option<Cow<'a, Value>> {
    if let Some(value) = object.get(path) {
        return Some(Cow::Borrowed(value));
    }
    let (key, rest) = path.split_once('.')?;
    match as_object(object.get(key)?)? {
        Cow::Borrowed(inner) => at(inner, rest),
        Cow::Owned(inner) => at(&inner, rest).map(|found| Cow::Owned(found.into_owned())),
    }
}

fn as_object(value: &Value) -> Option<Cow<'_, Object>> {
    match value {
        Value::Object(object) => Some(Cow::Borrowed(object)),
        Value::String(json) => serde_json::from_str(json).ok().map(Cow::Owned),
        _ => None,
    }
}

/// What is made of the first value under these keys that something can be made of: of the
/// payload itself first, then of the objects nested in it.
fn first<T>(
    payload: &Object,
    keys: &[&str],
    make: impl Fn(&str, &Value) -> Option<T>,
) -> Option<T> {
    let of = |object: &Object| {
        keys.iter().find_map(|key| object.get(*key).and_then(|value| make(key, value)))
    };
    of(payload).or_else(|| {
        let nested = NESTED.iter().filter_map(|key| payload.get(*key).and_then(as_object));
        nested.into_iter().find_map(|object| of(&object))
    })
}

fn found_text(payload: &Object) -> Option<String> {
    // LlamaIndex keeps the whole node as a string of JSON, and nothing else has the text.
    first(payload, &TEXT, |_, value| text(value)).or_else(|| {
        let node = payload.get("_node_content").and_then(as_object)?;
        let found = ["text", "text_resource.text"].iter().find_map(|path| at(&node, path))?;
        text(&found)
    })
}

fn found_title(payload: &Object) -> Option<String> {
    first(payload, &TITLE, |key, value| {
        let title = label(value)?;
        Some(if key == "chapter" && value.is_number() { format!("Chapter {title}") } else { title })
    })
}

fn found_headings(payload: &Object) -> Vec<String> {
    let whole = first(payload, &HEADINGS, |_, value| {
        Some(labels(value)).filter(|headings| !headings.is_empty())
    });
    whole.unwrap_or_else(|| {
        let one = |keys| first(payload, keys, |_, value| heading(value));
        [one(&SECTION), one(&SUBSECTION)].into_iter().flatten().collect()
    })
}

fn found_link(payload: &Object) -> Option<String> {
    let address = first(payload, &ADDRESS, |_, value| link::from_address(value.as_str()?));
    let file = first(payload, &FILE, |key, value| {
        let value = value.as_str()?;
        match key {
            // Titles are called a source, too.
            "source" | "url" => link::from_look(value),
            "slug" => link::with_slug("/docs/", value),
            _ => link::from_file(value),
        }
    });
    // Some writers cut an address from the file's path; Docusaurus does more than that.
    let page = match (address, file) {
        (Some(address), Some(file)) if link::without_numbers(&address) == file => {
            let slug = payload.get("slug").and_then(Value::as_str);
            slug.and_then(|slug| link::with_slug(&file, slug)).unwrap_or(file)
        }
        (address, file) => address.or(file)?,
    };
    let anchor = first(payload, &["anchor"], |_, value| label(value));
    Some(match anchor {
        Some(anchor) if !page.contains('#') && !anchor.contains(['/', ' ']) => {
            format!("{page}#{}", anchor.trim_start_matches('#'))
        }
        _ => page,
    })
}

/// A text as it is, or the texts of a list joined; a number under such a key is no text.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(text).collect::<Vec<_>>().join("\n"),
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// A short text of one line: numbers are written out, lists joined.
fn label(value: &Value) -> Option<String> {
    let label = match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Number(number) => number.to_string(),
        Value::Array(parts) => parts.iter().filter_map(label).collect::<Vec<_>>().join(" "),
        Value::Null | Value::Bool(_) | Value::Object(_) => return None,
    };
    (!label.is_empty()).then_some(label)
}

/// A label without the marks of a Markdown heading.
fn heading(value: &Value) -> Option<String> {
    let label = label(value)?;
    let heading = label.trim_start_matches('#').trim_start();
    (!heading.is_empty()).then(|| heading.to_owned())
}

fn labels(value: &Value) -> Vec<String> {
    match value {
        Value::Array(parts) => parts.iter().filter_map(heading).collect(),
        value => heading(value).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
