//! Writes the blocks of a parsed page.

pub(super) mod component;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use markdown::mdast::{AttributeContent, Node};

use self::component::{heading_depth, is_text, tag_of};
use super::text::{bold, code_block, continuation, plain, string_literal, tidy};
use super::{Block, Document, Imports, Problem, html, parse};
use crate::heading::{Anchors, Heading};
use crate::source::{Dialect, Source, Syntax, Title};

/// Writes the blocks of a tree.
pub(super) struct Writer<'a> {
    source: &'a Source,
    dialect: Dialect,
    syntax: &'a Syntax,
    imports: Imports<'a>,
    anchors: Anchors,
    /// The addresses that links refer to by name.
    definitions: HashMap<&'a str, &'a str>,
    /// The footnotes that are referred to.
    footnotes: HashSet<&'a str>,
    /// Blocks with their places, and for lists those of the items.
    found: Vec<Found>,
    /// What is to be replaced within the blocks.
    edits: Vec<Edit>,
    /// What comes before the next block in the order: footnotes are at the end of a page.
    shift: usize,
    /// Whether the reader sees the next block only after a click: its headings have no anchors.
    is_closed: bool,
    /// The labels of tabs, by value, where they are said above them.
    tab_labels: HashMap<String, String>,
    problems: Vec<Problem>,
}

/// A block that is still to be written.
struct Found {
    /// Its place among the others.
    order: usize,
    range: Range<usize>,
    kind: Kind,
}

enum Kind {
    Paragraph,
    List {
        items: Vec<Range<usize>>,
        loose: bool,
    },
    Whole,
    /// Blocks that are written already.
    Blocks(Vec<Block>),
}

struct Edit {
    range: Range<usize>,
    text: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        source: &'a Source,
        dialect: Dialect,
        syntax: &'a Syntax,
        imports: Imports<'a>,
    ) -> Self {
        Self {
            source,
            dialect,
            syntax,
            imports,
            anchors: Anchors::new(syntax, dialect),
            definitions: HashMap::new(),
            footnotes: HashSet::new(),
            found: Vec::new(),
            edits: Vec::new(),
            shift: 0,
            is_closed: false,
            tab_labels: HashMap::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn write(mut self, tree: &'a Node) -> Document {
        self.define(tree);
        self.flow(tree);
        self.edits.extend(self.source.removed.iter().map(|range| Edit::removal(range.clone())));
        self.found.sort_by_key(|found| found.order);
        for title in &self.source.titles {
            self.title(title);
        }
        // A title replaces the removal of its own line.
        self.edits.sort_by_key(|edit| (edit.range.start, edit.text.is_empty()));
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|found| found.order);
        let blocks = found.into_iter().flat_map(|found| self.blocks(found)).collect();
        Document { blocks, problems: self.problems }
    }

    fn find(&mut self, range: Range<usize>, kind: Kind) {
        self.found.push(Found { order: self.shift + range.start, range, kind });
    }

    fn find_block(&mut self, range: Range<usize>, block: Block) {
        self.find(range, Kind::Blocks(vec![block]));
    }

    fn find_heading(&mut self, range: Range<usize>, mut heading: Heading) {
        heading.anchor.take_if(|_| self.is_closed);
        self.find_block(range, Block::Heading(heading));
    }

    fn define(&mut self, node: &'a Node) {
        match node {
            Node::Definition(definition) => {
                self.definitions.entry(&definition.identifier).or_insert(&definition.url);
            }
            Node::FootnoteReference(footnote) => {
                self.footnotes.insert(&footnote.identifier);
            }
            _ => {}
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
                self.find_heading(range, heading);
            }
            Node::Root(_) | Node::ListItem(_) => self.flow_children(node),
            Node::FootnoteDefinition(definition) => {
                if self.footnotes.contains(definition.identifier.as_str()) {
                    self.footnote(node);
                }
            }
            Node::MdxJsxFlowElement(_) => self.element(node),
            Node::MdxJsxTextElement(_) if self.holds_blocks(node) => self.element(node),
            Node::Definition(_)
            | Node::MdxFlowExpression(_)
            | Node::MdxTextExpression(_)
            | Node::ThematicBreak(_) => {}
            Node::List(_) | Node::Blockquote(_) | Node::Paragraph(_) if self.holds_blocks(node) => {
                self.flow_children(node);
            }
            Node::List(list) => {
                self.edit(node);
                let items: Vec<_> = list.children.iter().map(range_of).collect();
                let loose = items.windows(2).any(|pair| self.are_apart(&pair[0], &pair[1]));
                self.find(range, Kind::List { items, loose });
            }
            Node::Html(html) => {
                let blocks = self.html(&html.value);
                self.find(range, Kind::Blocks(blocks));
            }
            Node::Code(_) | Node::Table(_) | Node::Blockquote(_) | Node::Math(_) => {
                self.edit(node);
                self.find(range, Kind::Whole);
            }
            _ => {
                self.edit(node);
                self.find(range, Kind::Paragraph);
            }
        }
    }

    fn flow_children(&mut self, node: &Node) {
        for child in children(node) {
            self.flow(child);
        }
    }

    /// Whether there is something in a node that cannot be part of a block: a heading, or a
    /// page.
    fn holds_blocks(&self, node: &Node) -> bool {
        let is_apart = |(name, attributes): (&str, &[AttributeContent])| {
            heading_depth(name, attributes).is_some() || self.import(name).is_some()
        };
        matches!(node, Node::Heading(_))
            || tag_of(node).is_some_and(is_apart)
            || children(node).iter().any(|child| self.holds_blocks(child))
    }

    /// A footnote is shown at the end of its page, under a heading of its own.
    fn footnote(&mut self, node: &Node) {
        let end = self.source.text.len();
        if !self.found.iter().any(|found| found.order == end) {
            let anchor = Some("footnote-label".to_owned());
            let heading = Heading { depth: 2, text: "Footnotes".to_owned(), anchor };
            self.find_heading(end..end, heading);
        }
        self.shift = end + 1;
        self.flow_children(node);
        self.shift = 0;
    }

    /// The blocks of HTML: its text, its headings, and the pages that are imported into MDX which
    /// is none.
    fn html(&self, html: &str) -> Vec<Block> {
        let tag = html.trim().strip_prefix('<').and_then(|tag| tag.strip_suffix("/>"));
        let name = tag.and_then(|tag| tag.split_whitespace().next());
        if let Some(file) = name.and_then(|name| self.import(name)) {
            return (self.imports)(file).unwrap_or_default();
        }
        html::blocks(html)
    }

    /// Notes what is to be replaced in a block and everything below it.
    fn edit(&mut self, node: &Node) {
        let range = range_of(node);
        match node {
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
            Node::Html(html) => return self.replace(range, html::inline_text(&html.value)),
            Node::MdxJsxTextElement(_) | Node::MdxJsxFlowElement(_)
                if !self.unwrap_element(node) =>
            {
                return;
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
    fn unwrap_element(&mut self, node: &Node) -> bool {
        let (name, attributes) = tag_of(node).unwrap_or_default();
        if !is_text(name) {
            self.replace(range_of(node), String::new());
            return false;
        }
        if children(node).is_empty() {
            let gap = if name == "br" { " " } else { "" };
            self.replace(range_of(node), gap.to_owned());
            return false;
        }
        let label = self.label(name, attributes, children(node));
        let before = label.map(|label| bold(&label) + " ").unwrap_or_default();
        let (before, after) = match name {
            "summary" => ("**", "**"),
            _ => (before.as_str(), ""),
        };
        self.unwrap(node, before, after);
        true
    }

    /// Puts the title of an admonition into the block around it, or makes it a block.
    fn title(&mut self, title: &Title) {
        let nothing: Imports<'_> = &|_| Ok(Vec::new());
        let parsed = parse(&title.text, self.dialect, self.syntax, nothing);
        let text = match parsed.as_ref().map(|title| title.blocks.as_slice()) {
            Ok([Block::Paragraph(text)]) => text,
            _ => &title.text,
        };
        let range = title.range.clone();
        let before = self.found.partition_point(|found| found.order < range.start);
        let inside = self.found[..before]
            .iter()
            .rev()
            .find(|found| !found.range.is_empty())
            .is_some_and(|found| range.end <= found.range.end);
        if inside {
            let text = format!("{}\n{}", bold(text), title.prefix);
            self.edits.push(Edit { range, text });
        } else {
            let block = Block::Title(bold(text));
            self.found.insert(
                before,
                Found { order: range.start, range, kind: Kind::Blocks(vec![block]) },
            );
        }
    }

    fn blocks(&self, found: Found) -> Vec<Block> {
        let written = |range| Some(self.written(range)).filter(|text| !text.is_empty());
        let block = match found.kind {
            Kind::Paragraph => written(found.range).map(Block::Paragraph),
            Kind::Whole => written(found.range).map(Block::Whole),
            Kind::List { items, loose } => {
                let items: Vec<_> = items.into_iter().filter_map(written).collect();
                (!items.is_empty()).then_some(Block::List { items, loose })
            }
            Kind::Blocks(blocks) => return blocks,
        };
        block.into_iter().collect()
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
