//! Headings: their text and their anchors, by the rules of Docusaurus (`mdx-loader`,
//! `remark/headings`).

use std::collections::HashMap;
use std::sync::LazyLock;

use markdown::mdast::{self, Node};
use regex::Regex;

/// A heading of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    /// 1 to 6.
    pub(crate) depth: u8,
    /// What it says, as plain text.
    pub(crate) text: String,
    /// Its `id` in the page. A heading of the first level has none.
    pub(crate) anchor: Option<String>,
}

/// Gives the headings of one page their anchors. It must see all of them, in their order.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    /// How often each slug was asked for again.
    repetitions: HashMap<String, usize>,
}

impl Anchors {
    /// Reads a heading. An id that is written beside it wins and is not remembered; otherwise its
    /// slug is the id, also remembered when the heading shows none.
    pub(crate) fn heading(&mut self, node: &mdast::Heading) -> Heading {
        let (nodes, mut id) = match node.children.split_last() {
            Some((Node::MdxTextExpression(last), nodes)) if written_id(&last.value).is_some() => {
                (nodes, written_id(&last.value))
            }
            _ => (node.children.as_slice(), None),
        };
        let mut text = text_of(nodes, Purpose::Reading);
        if let Some((before, braces)) = text.trim_end().rsplit_once('{')
            && let Some(written) = braces.strip_suffix('}').and_then(written_id)
        {
            id = Some(written);
            text.truncate(before.len());
        }
        let id = id.unwrap_or_else(|| self.slug(&text_of(nodes, Purpose::Slug)));
        let anchor = (node.depth > 1 && !id.is_empty()).then_some(id);
        Heading { depth: node.depth, text: words(&text), anchor }
    }

    /// The slug of `github-slugger` 1.5.0, which Docusaurus uses.
    fn slug(&mut self, text: &str) -> String {
        let slug = SLUGLESS.replace_all(&text.to_lowercase(), "").replace(' ', "-");
        let mut unique = slug.clone();
        while self.repetitions.contains_key(&unique) {
            let count = self.repetitions.entry(slug.clone()).or_default();
            *count += 1;
            unique = format!("{slug}-{count}");
        }
        self.repetitions.insert(unique.clone(), 0);
        unique
    }
}

/// What `github-slugger` deletes: everything but letters, marks, digits, connectors, dashes and
/// blanks, as of Unicode 13.
static SLUGLESS: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the pattern is constant and tested")]
    Regex::new(r"[^[\p{Alphabetic}\p{M}\p{Nd}\p{Nl}\p{Pc}\- ]&&\p{Age=13.0}]")
        .expect("a valid pattern")
});

/// What the text of a heading is for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    /// For people.
    Reading,
    /// For a slug: text directives (`:name`) and what is no text for Docusaurus are left out.
    Slug,
}

/// The text of inline nodes (`mdast-util-to-string`): code, link texts, alternative texts,
/// expressions and the text in JSX, without HTML tags.
fn text_of(nodes: &[Node], purpose: Purpose) -> String {
    nodes.iter().map(|node| text_of_node(node, purpose)).collect()
}

fn text_of_node(node: &Node, purpose: Purpose) -> String {
    match node {
        Node::Text(text) if purpose == Purpose::Slug => without_directives(&text.value),
        Node::Text(text) => text.value.clone(),
        Node::InlineCode(code) => code.value.clone(),
        Node::InlineMath(math) => math.value.clone(),
        Node::MdxTextExpression(expression) => expression.value.clone(),
        Node::Image(image) => image.alt.clone(),
        Node::ImageReference(image) => image.alt.clone(),
        Node::Break(_) if purpose == Purpose::Reading => " ".to_owned(),
        node => node.children().map(|children| text_of(children, purpose)).unwrap_or_default(),
    }
}

/// A text without its text directives (`:name`, not `:name:` or `::name`).
fn without_directives(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(':') {
        let name = &rest[at + 1..];
        let after =
            name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c));
        let after_colon = rest[..at].chars().last().or(result.chars().last()) == Some(':');
        let is_directive = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !after.starts_with(':')
            && !after_colon;
        let kept = if is_directive { at } else { rest.len() - after.len() };
        result.push_str(&rest[..kept]);
        rest = after;
    }
    result + rest
}

/// The id in braces that ends a heading: `{#id}`, `\{#id}` or `{/* #id */}`.
fn written_id(braces: &str) -> Option<String> {
    let content = braces.trim();
    let comment = content.strip_prefix("/*").and_then(|rest| rest.strip_suffix("*/"));
    let id = comment.unwrap_or(content).trim().strip_prefix('#')?;
    (!id.is_empty()).then(|| id.to_owned())
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
