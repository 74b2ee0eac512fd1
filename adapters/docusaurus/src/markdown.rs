//! The blocks of a page, as plain Markdown that a person can read outside the site.
//!
//! The parser is `markdown` (markdown-rs): the only one in Rust that knows MDX, and it gives the
//! same tree with places for both dialects. What stays is the author's own Markdown: the tree
//! only says where to cut and what to replace.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::catch_unwind;

use markdown::mdast::{AttributeContent, AttributeValue, Code, Node};
use markdown::message::Place;
use markdown::{Constructs, ParseOptions, to_mdast};

use crate::heading::{Anchors, Heading};
use crate::source::{Dialect, Source, Title, without_containers};

/// A page, taken apart.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its blocks, in order.
    pub(crate) blocks: Vec<Block>,
    /// What could not be read as what it is.
    pub(crate) warning: Option<Problem>,
}

/// The line, when it is known, and what is wrong there.
pub(crate) type Problem = (Option<usize>, String);

/// A block of a page; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Heading(Heading),
    /// The title of an admonition, a tab or another component, in bold: belongs to what follows.
    Title(String),
    Paragraph(String),
    /// The items of a list, with their marks.
    List {
        items: Vec<String>,
        /// Whether there are empty lines between them.
        loose: bool,
    },
    /// What makes no sense in parts: a code block, a table, a quote.
    Whole(String),
}

/// Takes a page apart. MDX that is none is read as `CommonMark`, with a warning.
///
/// # Errors
/// Where and why it cannot be read at all.
pub(crate) fn parse(body: &str, dialect: Dialect) -> Result<Document, Problem> {
    let source = Source::new(body, dialect);
    let (tree, warning) = match tree(&source, dialect) {
        Ok(tree) => (tree, None),
        Err(problem) if dialect == Dialect::CommonMark => return Err(problem),
        Err((line, what)) => {
            let tree = tree(&source, Dialect::CommonMark)?;
            (tree, Some((line, format!("not valid MDX ({what}): read as CommonMark"))))
        }
    };
    Ok(Document { blocks: Writer::new(&source, dialect).write(&tree), warning })
}

/// Parses the source. The parser panics on some input that is not valid MDX, such as a tag left
/// open in the text of an image.
fn tree(source: &Source, dialect: Dialect) -> Result<Node, Problem> {
    let parsed = catch_unwind(|| to_mdast(&source.text, &options(dialect)));
    parsed.map_err(|_| (None, "the parser failed".to_owned()))?.map_err(|message| {
        let line = message.place.as_deref().map(|place| match place {
            Place::Position(position) => position.start.line,
            Place::Point(point) => point.line,
        });
        // The parser's full reason may quote the page.
        (line, message.rule_id.to_string())
    })
}

fn options(dialect: Dialect) -> ParseOptions {
    let common_mark = ParseOptions::gfm();
    match dialect {
        Dialect::CommonMark => common_mark,
        Dialect::Mdx => {
            let mdx = Constructs::mdx();
            let constructs = Constructs {
                autolink: mdx.autolink,
                code_indented: mdx.code_indented,
                html_flow: mdx.html_flow,
                html_text: mdx.html_text,
                mdx_expression_flow: mdx.mdx_expression_flow,
                mdx_expression_text: mdx.mdx_expression_text,
                mdx_jsx_flow: mdx.mdx_jsx_flow,
                mdx_jsx_text: mdx.mdx_jsx_text,
                ..common_mark.constructs
            };
            ParseOptions { constructs, ..common_mark }
        }
    }
}

/// Writes the blocks of a tree.
struct Writer<'a> {
    source: &'a Source,
    dialect: Dialect,
    anchors: Anchors,
    /// The addresses that links refer to by name.
    definitions: HashMap<&'a str, &'a str>,
    /// Blocks with their places, and for lists those of the items.
    found: Vec<Found>,
    /// What is to be replaced within the blocks.
    edits: Vec<Edit>,
}

/// A block that is still to be written.
struct Found {
    range: Range<usize>,
    kind: Kind,
}

enum Kind {
    Heading(Heading),
    Paragraph,
    List { items: Vec<Range<usize>>, loose: bool },
    Whole,
    Title(String),
    Html(String),
}

struct Edit {
    range: Range<usize>,
    text: String,
}

impl<'a> Writer<'a> {
    fn new(source: &'a Source, dialect: Dialect) -> Self {
        Self {
            source,
            dialect,
            anchors: Anchors::default(),
            definitions: HashMap::new(),
            found: Vec::new(),
            edits: Vec::new(),
        }
    }

    fn write(mut self, tree: &'a Node) -> Vec<Block> {
        self.define(tree);
        self.flow(tree);
        self.edits.extend(self.source.removed.iter().map(|range| Edit::removal(range.clone())));
        for title in &self.source.titles {
            self.title(title);
        }
        // A title replaces the removal of its own line.
        self.edits.sort_by_key(|edit| (edit.range.start, edit.text.is_empty()));
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|found| found.range.start);
        found.into_iter().filter_map(|found| self.block(found)).collect()
    }

    fn define(&mut self, node: &'a Node) {
        if let Node::Definition(definition) = node {
            self.definitions.entry(&definition.identifier).or_insert(&definition.url);
        }
        for child in children(node) {
            self.define(child);
        }
    }

    /// Finds the blocks in what contains blocks.
    fn flow(&mut self, node: &Node) {
        let range = range_of(node);
        match node {
            Node::Heading(heading) => {
                let heading = self.anchors.heading(heading);
                self.found.push(Found { range, kind: Kind::Heading(heading) });
            }
            Node::Root(_) | Node::FootnoteDefinition(_) => self.flow_children(node),
            Node::MdxJsxFlowElement(element) if is_text(element.name.as_deref()) => {
                let name = element.name.as_deref();
                if let Some(label) = label(name, &element.attributes, &element.children) {
                    let range = range.start..range.start;
                    self.found.push(Found { range, kind: Kind::Title(bold(&label)) });
                }
                self.flow_children(node);
            }
            Node::Definition(_)
            | Node::MdxFlowExpression(_)
            | Node::MdxJsxFlowElement(_)
            | Node::ThematicBreak(_) => {}
            Node::List(list) => {
                self.edit(node);
                let items: Vec<_> = list.children.iter().map(range_of).collect();
                let loose = items.windows(2).any(|pair| self.are_apart(&pair[0], &pair[1]));
                self.found.push(Found { range, kind: Kind::List { items, loose } });
            }
            Node::Paragraph(_) => {
                self.edit(node);
                self.found.push(Found { range, kind: Kind::Paragraph });
            }
            Node::Html(html) => {
                let text = flow_html_text(&html.value);
                self.found.push(Found { range, kind: Kind::Html(text) });
            }
            _ => {
                self.edit(node);
                self.found.push(Found { range, kind: Kind::Whole });
            }
        }
    }

    fn flow_children(&mut self, node: &Node) {
        for child in children(node) {
            self.flow(child);
        }
    }

    /// Notes what is to be replaced in a block and everything below it.
    fn edit(&mut self, node: &Node) {
        let range = range_of(node);
        match node {
            Node::Heading(heading) => {
                // Its anchor is not stored, but its slug is used up.
                self.anchors.heading(heading);
            }
            Node::Link(link) if !is_web_address(&link.url) => self.unwrap(node, "", ""),
            Node::LinkReference(link) => match self.definitions.get(link.identifier.as_str()) {
                Some(url) if is_web_address(url) => {
                    let end = format!("]({url})");
                    self.unwrap(node, "[", &end);
                }
                _ => self.unwrap(node, "", ""),
            },
            Node::Image(image) => return self.replace(range, plain(&image.alt)),
            Node::ImageReference(image) => return self.replace(range, plain(&image.alt)),
            Node::FootnoteReference(_) | Node::Definition(_) | Node::MdxFlowExpression(_) => {
                return self.replace(range, String::new());
            }
            Node::MdxTextExpression(expression) => {
                return self.replace(range, string_literal(&expression.value));
            }
            Node::Html(html) => return self.replace(range, inline_html_text(&html.value)),
            Node::MdxJsxTextElement(element) => {
                let name = element.name.as_deref();
                if !self.unwrap_element(node, name, &element.attributes) {
                    return;
                }
            }
            Node::MdxJsxFlowElement(element) => {
                let name = element.name.as_deref();
                if !self.unwrap_element(node, name, &element.attributes) {
                    return;
                }
            }
            // `&nbsp;` alone is a gap in the layout.
            Node::Text(text) if text.value.trim().is_empty() => {
                return self.replace(range, " ".to_owned());
            }
            Node::Code(code) => {
                let prefix = continuation(self.line_before(range.start));
                return self.replace(range, code_block(code, &prefix));
            }
            _ => {}
        }
        for child in children(node) {
            self.edit(child);
        }
    }

    fn replace(&mut self, range: Range<usize>, text: String) {
        self.edits.push(Edit { range, text });
    }

    /// Replaces what surrounds the children of a node.
    fn unwrap(&mut self, node: &Node, before: &str, after: &str) {
        let range = range_of(node);
        match children(node) {
            [] => self.replace(range, String::new()),
            [first, ..] => {
                let last = children(node).last().unwrap_or(first);
                self.replace(range.start..range_of(first).start, before.to_owned());
                self.replace(range_of(last).end..range.end, after.to_owned());
            }
        }
    }

    /// Leaves of a JSX element what can be read; says whether that includes its children.
    fn unwrap_element(
        &mut self,
        node: &Node,
        name: Option<&str>,
        attributes: &[AttributeContent],
    ) -> bool {
        if !is_text(name) {
            self.replace(range_of(node), String::new());
            return false;
        }
        if children(node).is_empty() {
            let gap = if name == Some("br") { " " } else { "" };
            self.replace(range_of(node), gap.to_owned());
            return false;
        }
        let label = label(name, attributes, children(node));
        let before = label.map(|label| bold(&label) + " ").unwrap_or_default();
        let (before, after) = match name {
            Some("summary") => ("**", "**"),
            _ => (before.as_str(), ""),
        };
        self.unwrap(node, before, after);
        true
    }

    /// Puts the title of an admonition into the block around it, or makes it a block.
    fn title(&mut self, title: &Title) {
        let blocks = parse(&title.text, self.dialect).map(|title| title.blocks);
        let text = match blocks.as_deref() {
            Ok([Block::Paragraph(text)]) => text,
            _ => &title.text,
        };
        let range = title.range.clone();
        let inside =
            |found: &Found| found.range.start < range.start && range.end <= found.range.end;
        if self.found.iter().any(inside) {
            let text = format!("{}\n{}", bold(text), title.prefix);
            self.edits.push(Edit { range, text });
        } else {
            self.found.push(Found { range, kind: Kind::Title(bold(text)) });
        }
    }

    fn block(&self, found: Found) -> Option<Block> {
        let written = |range| Some(self.written(range)).filter(|text| !text.is_empty());
        match found.kind {
            Kind::Heading(heading) => Some(Block::Heading(heading)),
            Kind::Paragraph => written(found.range).map(Block::Paragraph),
            Kind::Whole => written(found.range).map(Block::Whole),
            Kind::List { items, loose } => {
                let items: Vec<_> = items.into_iter().filter_map(written).collect();
                (!items.is_empty()).then_some(Block::List { items, loose })
            }
            Kind::Title(text) => Some(Block::Title(text)),
            Kind::Html(text) => (!text.is_empty()).then_some(Block::Paragraph(text)),
        }
    }

    /// The source of a block with its edits.
    fn written(&self, range: Range<usize>) -> String {
        let text = &self.source.text;
        let mut result = String::with_capacity(range.len());
        let mut at = range.start;
        let first = self.edits.partition_point(|edit| edit.range.start < range.start);
        for edit in &self.edits[first..] {
            if edit.range.end > range.end {
                break;
            }
            if edit.range.start < at {
                continue;
            }
            result.push_str(&text[at..edit.range.start]);
            result.push_str(&edit.text);
            at = edit.range.end;
            // No two blanks where one word was.
            if edit.text.is_empty() && result.ends_with(' ') {
                let blanks =
                    text[at..range.end].len() - text[at..range.end].trim_start_matches(' ').len();
                at += blanks;
            }
        }
        result.push_str(&text[at..range.end]);
        tidy(&result, self.line_before(range.start).len())
    }

    /// Whether there is an empty line between two items. (The parser also says so of an empty
    /// line after the last.)
    fn are_apart(&self, item: &Range<usize>, next: &Range<usize>) -> bool {
        let text = &self.source.text;
        let end = item.start + text[item.clone()].trim_end().len();
        text[end..next.start].matches('\n').count() > 1
    }

    /// What stands before a place in its line.
    fn line_before(&self, at: usize) -> &'a str {
        let before = &self.source.text[..at];
        &before[before.rfind('\n').map_or(0, |line_break| line_break + 1)..]
    }
}

impl Edit {
    fn removal(range: Range<usize>) -> Self {
        Self { range, text: String::new() }
    }
}

fn children(node: &Node) -> &[Node] {
    node.children().map_or(&[], Vec::as_slice)
}

/// Where a node is in the text, in bytes. Parsed nodes all have a position.
fn range_of(node: &Node) -> Range<usize> {
    node.position().map_or(0..0, |position| position.start.offset..position.end.offset)
}

/// Whether a link still leads somewhere outside the site.
fn is_web_address(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    url.contains("://") && ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
}

/// Whether the content of an element is text for the reader.
fn is_text(name: Option<&str>) -> bool {
    !matches!(name, Some("audio" | "iframe" | "script" | "style" | "svg" | "video"))
}

/// What a component shows above its content: the label of a tab, the title of a fold.
fn label(name: Option<&str>, attributes: &[AttributeContent], children: &[Node]) -> Option<String> {
    let name = name?;
    if children.is_empty() || !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let attribute = |wanted: &str| {
        attributes.iter().find_map(|attribute| match attribute {
            AttributeContent::Property(property) if property.name == wanted => {
                match property.value.as_ref()? {
                    AttributeValue::Literal(text) => Some(text.clone()),
                    AttributeValue::Expression(code) => Some(string_literal(&code.value)),
                }
            }
            _ => None,
        })
    };
    let value = || if name == "TabItem" { attribute("value") } else { attribute("title") };
    attribute("label").or_else(value).filter(|label| !label.trim().is_empty())
}

/// Plain text as Markdown that does not turn into HTML.
fn plain(text: &str) -> String {
    text.replace('<', "\\<")
}

fn bold(text: &str) -> String {
    format!("**{}**", text.replace("**", "").trim())
}

/// The text of a JavaScript expression that is a string, else nothing.
fn string_literal(expression: &str) -> String {
    let expression = expression.trim();
    ['"', '\'', '`']
        .iter()
        .find_map(|quote| expression.strip_prefix(*quote)?.strip_suffix(*quote))
        .filter(|text| !text.contains(['\\', '$']))
        .unwrap_or_default()
        .to_owned()
}

/// What precedes the further lines of a block that begins after this.
fn continuation(before: &str) -> String {
    before.chars().map(|c| if c == '>' { '>' } else { ' ' }).collect()
}

/// A code block with a plain language; its title becomes a line before it.
fn code_block(code: &Code, prefix: &str) -> String {
    let language = code.lang.as_deref().unwrap_or_default();
    let language = language.split(['{', ',']).next().unwrap_or_default();
    let longest = code.value.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    let title = code.meta.as_deref().and_then(|meta| attribute(meta, "title"));
    let title = title.map(|title| format!("{}:\n", plain(title)));
    let lines: Vec<_> = code.value.split('\n').filter(|line| !is_magic_comment(line)).collect();
    let block =
        format!("{}{fence}{language}\n{}\n{fence}", title.unwrap_or_default(), lines.join("\n"));
    block.replace('\n', &format!("\n{prefix}"))
}

/// The value of an attribute (`key="value"`) in a tag or after the language of a code block.
fn attribute<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, value) = text.split_once(&format!("{key}="))?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next().filter(|value| !value.trim().is_empty())
}

/// Whether a line of code only tells Docusaurus what to highlight.
fn is_magic_comment(line: &str) -> bool {
    let comment = line.trim_matches(|c: char| !c.is_ascii_alphabetic());
    matches!(comment, "highlight-next-line" | "highlight-start" | "highlight-end")
}

/// The text of an HTML block.
fn flow_html_text(html: &str) -> String {
    let lines: Vec<_> = html_text(html)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// The text of HTML in a line.
fn inline_html_text(html: &str) -> String {
    let text = html_text(html);
    if text.trim().is_empty() && !is_line_break(html) { String::new() } else { text }
}

fn is_line_break(html: &str) -> bool {
    html.get(..3).is_some_and(|tag| tag.eq_ignore_ascii_case("<br"))
}

/// HTML without its tags and what is not for reading. A tab's label is kept.
fn html_text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let name = tag.trim_start_matches('/');
        let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let Some(length) = tag_length(tag).filter(|_| !name.is_empty()) else {
            text.push('<');
            rest = tag;
            continue;
        };
        rest = &tag[length..];
        if !is_text(Some(name)) {
            rest = rest.split_once(&format!("</{name}>")).map_or("", |(_, after)| after);
        } else if name == "TabItem" && !tag.starts_with('/') {
            let tag = &tag[..length];
            let label = attribute(tag, "label").or_else(|| attribute(tag, "value"));
            text.push_str(&label.map(bold).unwrap_or_default());
            text.push('\n');
        } else if !matches!(
            name,
            "a" | "b" | "code" | "em" | "i" | "kbd" | "span" | "strong" | "sub" | "sup"
        ) {
            text.push(' ');
        }
    }
    text + rest
}

/// How far a tag goes, its `>` included; that in quotes does not count.
fn tag_length(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

/// Lines without the indentation of their block and blanks at their ends, and no two empty
/// ones in a row outside code.
fn tidy(text: &str, indentation: usize) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut fence: Option<usize> = None;
    for (number, line) in text.trim().lines().enumerate() {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let cut = if number == 0 { 0 } else { blanks.min(indentation) };
        let line = line[cut..].trim_end();
        let content = without_containers(line);
        let run = content.len() - content.trim_start_matches('`').len();
        fence = match fence {
            Some(length) if run >= length && run == content.len() => None,
            None if run >= 3 => Some(run),
            unchanged => unchanged,
        };
        if fence.is_some() || !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty())
        {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
