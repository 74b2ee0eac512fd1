//! Headings: their text and their anchors, by the rules of Docusaurus (`mdx-loader`,
//! `remark/headings`).

use std::collections::HashMap;
use std::sync::LazyLock;

use markdown::mdast::{self, Node};
use regex::Regex;

use crate::source::{COMMENT, Dialect, Syntax};

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
#[derive(Debug)]
pub(crate) struct Anchors {
    /// How often each slug was asked for again.
    repetitions: HashMap<String, usize>,
    maintain_case: bool,
    /// Whether HTML comments are no HTML but comments.
    comments: bool,
    dialect: Dialect,
}

impl Anchors {
    pub(crate) fn new(syntax: &Syntax, dialect: Dialect) -> Self {
        let &Syntax { maintain_case, comments, .. } = syntax;
        Self { repetitions: HashMap::new(), maintain_case, comments, dialect }
    }

    /// Reads a heading. An id that is written beside it wins and is not remembered; otherwise its
    /// slug is the id, also remembered when the heading shows none.
    pub(crate) fn heading(&mut self, node: &mdast::Heading) -> Heading {
        let (nodes, mut id) = match node.children.split_last() {
            Some((last, nodes)) => match self.id_in_comment(last) {
                Some(id) => (nodes, Some(id)),
                None => (node.children.as_slice(), None),
            },
            None => (node.children.as_slice(), None),
        };
        let slugged = self.slugged(nodes);
        let mut text = text_of(nodes);
        if id.is_none() {
            let (opening, closing) =
                if self.dialect == Dialect::BrokenMdx && slugged.ends_with("*/}") {
                    ("{/*", "*/}")
                } else {
                    ("{", "}")
                };
            id = id_between(&slugged, opening, closing).map(str::to_owned);
            if id.is_some() && text.trim_end().ends_with(closing) {
                text.truncate(text.rfind(opening).unwrap_or(text.len()));
            }
        }
        let id = id.unwrap_or_else(|| self.slug(&slugged));
        let anchor = (node.depth > 1 && !id.is_empty()).then_some(id);
        Heading { depth: node.depth, text: words(text.trim_end_matches('\\')), anchor }
    }

    /// The id in a comment that ends a heading: `{/* #id */}`, or `<!-- #id -->` where that is
    /// HTML. What follows a blank is no part of it.
    fn id_in_comment(&self, node: &Node) -> Option<String> {
        let comment = match node {
            Node::MdxTextExpression(expression) => {
                let value = expression.value.trim();
                // What stands for an HTML comment names nothing.
                let comment = value.strip_prefix("/*")?.strip_suffix("*/")?;
                if comment.contains("*/") || value.starts_with(COMMENT) {
                    return None;
                }
                comment
            }
            Node::Html(html) if !self.comments => {
                html.value.strip_prefix("<!--")?.strip_suffix("-->")?
            }
            _ => return None,
        };
        let id = comment.trim().split(' ').next()?.strip_prefix('#')?;
        (!id.is_empty()).then(|| id.to_owned())
    }

    /// The text that a slug is made of: without the HTML that is directly in the heading, unless
    /// there is nothing else.
    fn slugged(&self, nodes: &[Node]) -> String {
        let is_html = |node: &Node| matches!(node, Node::Html(_)) && !self.is_comment(node);
        let has_others = nodes.iter().any(|node| !is_html(node));
        let nodes = nodes.iter().filter(|node| !has_others || !is_html(node));
        nodes.map(|node| self.slugged_node(node)).collect()
    }

    fn slugged_node(&self, node: &Node) -> String {
        match node {
            Node::Text(text) => without_directives(&text.value),
            Node::Html(_) if self.is_comment(node) => String::new(),
            Node::Html(html) => html.value.clone(),
            Node::Break(_) => String::new(),
            Node::MdxTextExpression(expression) => match expression.value.as_str() {
                value if value.starts_with(COMMENT) => String::new(),
                // An id in braces is no expression for Docusaurus.
                value if value.starts_with('#') => format!("{{{value}}}"),
                value => value.to_owned(),
            },
            node => match node.children() {
                Some(children) => children.iter().map(|node| self.slugged_node(node)).collect(),
                None => text_of_node(node),
            },
        }
    }

    fn is_comment(&self, node: &Node) -> bool {
        matches!(node, Node::Html(html) if self.comments && html.value.starts_with("<!--"))
    }

    /// The slug of `github-slugger` 1.5.0, which Docusaurus uses.
    fn slug(&mut self, text: &str) -> String {
        let cased = if self.maintain_case { text.to_owned() } else { text.to_lowercase() };
        let slug = SLUGLESS.replace_all(&cased, "").replace(' ', "-");
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

/// The text of inline nodes (`mdast-util-to-string`) for people: code, link texts, alternative
/// texts, expressions and the text in JSX, without HTML tags.
pub(crate) fn text_of(nodes: &[Node]) -> String {
    nodes.iter().map(text_of_node).collect()
}

fn text_of_node(node: &Node) -> String {
    match node {
        Node::Text(text) => text.value.clone(),
        Node::InlineCode(code) => code.value.clone(),
        Node::InlineMath(math) => math.value.clone(),
        Node::MdxTextExpression(expression) => match expression.value.as_str() {
            value if value.starts_with("/*") => String::new(),
            value if value.starts_with('#') => format!("{{{value}}}"),
            value => value.to_owned(),
        },
        Node::Image(image) => image.alt.clone(),
        Node::ImageReference(image) => image.alt.clone(),
        Node::Break(_) => " ".to_owned(),
        node => node.children().map(|children| text_of(children)).unwrap_or_default(),
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
            && !name[..name.len() - after.len()].ends_with(['-', '_'])
            && !after_colon;
        let kept = if is_directive { at } else { rest.len() - after.len() };
        result.push_str(&rest[..kept]);
        rest = after;
    }
    result + rest
}

/// The id in braces that ends a heading: `{#id}`.
fn id_between<'t>(heading: &'t str, opening: &str, closing: &str) -> Option<&'t str> {
    let (_, braces) = heading.strip_suffix(closing)?.rsplit_once(opening)?;
    let braces = if closing == "}" { braces } else { braces.trim() };
    let id = braces.strip_prefix('#')?;
    (!id.is_empty() && !id.contains(['}', '\n'])).then(|| id.trim())
}

/// Text with single blanks.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
