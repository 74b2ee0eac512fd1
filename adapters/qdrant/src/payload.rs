//! Reading a passage out of a payload, whoever wrote it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use askbook::embedding::VectorShape;
use askbook::manifest::{Digest, Recipe};
use askbook::passage::{Edition, Passage, PassageId};
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

/// A passage, and the keys of its payload that it was read from, nested ones with a dot.
pub(crate) struct Reading<'a> {
    pub(crate) passage: Passage,
    pub(crate) text: Cow<'a, str>,
    pub(crate) url: Option<Cow<'a, str>>,
    pub(crate) title: Option<Cow<'a, str>>,
    pub(crate) section: Option<Cow<'a, str>>,
}

/// A value, and the key that it was found under.
struct Found<'a, T> {
    key: Cow<'a, str>,
    value: T,
}

impl<'a, T> Found<'a, T> {
    fn apart(found: Option<Self>) -> (Option<T>, Option<Cow<'a, str>>) {
        found.map(|Self { key, value }| (value, key)).unzip()
    }
}

/// The key that marks the payloads that askbook writes; its value says how the index was made.
/// (Before it did, it was a string.)
pub(crate) const MARK: &str = "askbook";

/// The keys that [`held`] reads.
pub(crate) const HELD: [&str; 2] = ["id", "askbook.digest"];

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
/// The key of a node of `LlamaIndex`.
const NODE: &str = "_node_content";
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

/// The payload that askbook writes for a passage of an index that is made so.
pub(crate) fn written(passage: &Passage, recipe: &Recipe) -> Object {
    let Recipe { space, shape, chunker } = recipe;
    let Passage { id, title, headings, url, text, edition } = passage;
    let edition = edition.as_ref().map(|Edition { locale, version, url }| {
        json!({ "locale": locale, "version": version, "url": url })
    });
    let fields = json!({
        MARK: {
            "space": space,
            "dense": shape.dense.map(NonZeroUsize::get),
            "sparse": shape.sparse,
            "chunker": chunker,
            "digest": passage.digest().0,
        },
        "id": id.0,
        "title": title,
        "headings": headings,
        "section": passage.section(),
        "url": url,
        "text": text,
        "edition": edition,
    });
    match fields {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// How an index was made, from the mark of one of its payloads; `None` when that does not say.
pub(crate) fn recipe(mark: &Value) -> Option<Recipe> {
    let mark = mark.as_object()?;
    let string = |key| mark.get(key).and_then(Value::as_str).map(str::to_owned);
    let dense = match mark.get("dense")? {
        Value::Null => None,
        size => Some(NonZeroUsize::new(usize::try_from(size.as_u64()?).ok()?)?),
    };
    let shape = VectorShape { dense, sparse: mark.get("sparse")?.as_bool()? };
    Some(Recipe { space: string("space")?, shape, chunker: string("chunker")? })
}

/// Which passage a payload of askbook's holds, and its digest.
pub(crate) fn held(payload: &Object) -> Option<(PassageId, Digest)> {
    let id = payload.get("id")?.as_str()?;
    let digest = payload.get(MARK)?.get("digest")?.as_str()?;
    Some((PassageId(id.to_owned()), Digest(digest.to_owned())))
}

/// The passage that a payload holds; `None` when there is no text in it. A point that askbook
/// did not write gives its own name to the passage.
pub(crate) fn passage(point: String, payload: &Object, fields: &Fields) -> Option<Passage> {
    read(point, payload, fields).map(|reading| reading.passage)
}

/// The passage that a payload holds, as [`passage`], and where.
pub(crate) fn read<'a>(point: String, payload: &Object, fields: &'a Fields) -> Option<Reading<'a>> {
    if payload.contains_key(MARK) {
        return own(payload);
    }
    let text = given(payload, fields.text.as_ref(), text, found_text)?;
    let title = given(payload, fields.title.as_ref(), label, found_title);
    let headings = given(payload, fields.section.as_ref(), some_labels, found_headings);
    let link = |value: &Value| {
        let value = label(value)?;
        link::from_address(&value).or_else(|| link::from_file(&value))
    };
    let url = given(payload, fields.url.as_ref(), link, found_link);
    let (title, title_key) = Found::apart(title);
    let (headings, section_key) = Found::apart(headings);
    let (url, url_key) = Found::apart(url);
    let passage = Passage {
        id: PassageId(point),
        title: title.unwrap_or_default(),
        headings: headings.unwrap_or_default(),
        url,
        text: text.value,
        edition: None,
    };
    Some(Reading { passage, text: text.key, url: url_key, title: title_key, section: section_key })
}

/// What stands at the path that the owner gave; without one, what is found.
fn given<'a, T>(
    payload: &Object,
    path: Option<&'a String>,
    make: impl FnOnce(&Value) -> Option<T>,
    find: impl FnOnce(&Object) -> Option<Found<'a, T>>,
) -> Option<Found<'a, T>> {
    match path {
        Some(path) => {
            let value = at(payload, path).and_then(|found| make(&found))?;
            Some(Found { key: Cow::Borrowed(path), value })
        }
        None => find(payload),
    }
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

fn own(payload: &Object) -> Option<Reading<'static>> {
    let string = |key| payload.get(key).and_then(Value::as_str).map(str::to_owned);
    let headings = payload.get("headings").and_then(Value::as_array);
    let edition = payload.get("edition").and_then(|edition| {
        let string = |key| edition.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Edition {
            locale: string("locale")?,
            version: string("version")?,
            url: string("url")?,
        })
    });
    let passage = Passage {
        id: PassageId(string("id")?),
        title: string("title").unwrap_or_default(),
        headings: headings
            .map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default(),
        url: string("url"),
        text: string("text")?,
        edition,
    };
    let key = |key, is_there: bool| is_there.then_some(Cow::Borrowed(key));
    Some(Reading {
        text: Cow::Borrowed("text"),
        url: key("url", passage.url.is_some()),
        title: key("title", !passage.title.is_empty()),
        section: key("headings", !passage.headings.is_empty()),
        passage,
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
fn first<'a, T>(
    payload: &Object,
    keys: &[&'a str],
    make: impl Fn(&str, &Value) -> Option<T>,
) -> Option<Found<'a, T>> {
    let of = |object: &Object| {
        keys.iter().find_map(|key| Some((*key, object.get(*key).and_then(|v| make(key, v))?)))
    };
    if let Some((key, value)) = of(payload) {
        return Some(Found { key: Cow::Borrowed(key), value });
    }
    NESTED.iter().find_map(|outer| {
        let (key, value) = of(&*payload.get(*outer).and_then(as_object)?)?;
        Some(Found { key: Cow::Owned(format!("{outer}.{key}")), value })
    })
}

fn found_text<'a>(payload: &Object) -> Option<Found<'a, String>> {
    // LlamaIndex keeps the whole node as a string of JSON, and nothing else has the text.
    first(payload, &TEXT, |_, value| text(value)).or_else(|| {
        let node = payload.get(NODE).and_then(as_object)?;
        ["text", "text_resource.text"].iter().find_map(|path| {
            let value = text(&*at(&node, path)?)?;
            Some(Found { key: Cow::Owned(format!("{NODE}.{path}")), value })
        })
    })
}

fn found_title<'a>(payload: &Object) -> Option<Found<'a, String>> {
    first(payload, &TITLE, |key, value| {
        let title = label(value)?;
        Some(if key == "chapter" && value.is_number() { format!("Chapter {title}") } else { title })
    })
}

fn found_headings<'a>(payload: &Object) -> Option<Found<'a, Vec<String>>> {
    first(payload, &HEADINGS, |_, value| some_labels(value)).or_else(|| {
        let one = |keys| first(payload, keys, |_, value| heading(value));
        let (outer, inner) = (one(&SECTION), one(&SUBSECTION));
        let key = outer.as_ref().or(inner.as_ref())?.key.clone();
        Some(Found { key, value: [outer, inner].into_iter().flatten().map(|f| f.value).collect() })
    })
}

fn found_link<'a>(payload: &Object) -> Option<Found<'a, String>> {
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
    let Found { key, value: page } = match (address, file) {
        (Some(address), Some(file)) if link::without_numbers(&address.value) == file.value => {
            let slug = payload.get("slug").and_then(Value::as_str);
            let slugged = slug.and_then(|slug| link::with_slug(&file.value, slug));
            Found { value: slugged.unwrap_or(file.value), ..file }
        }
        (address, file) => address.or(file)?,
    };
    let anchor = first(payload, &["anchor"], |_, value| label(value)).map(|found| found.value);
    let not_of_an_anchor = |c: char| matches!(c, '/' | ' ') || c.is_control();
    let value = match anchor {
        Some(anchor) if !page.contains('#') && !anchor.contains(not_of_an_anchor) => {
            format!("{page}#{}", anchor.trim_start_matches('#'))
        }
        _ => page,
    };
    Some(Found { key, value })
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

/// Labels, if there is one.
fn some_labels(value: &Value) -> Option<Vec<String>> {
    Some(labels(value)).filter(|labels| !labels.is_empty())
}

#[cfg(test)]
mod tests;
