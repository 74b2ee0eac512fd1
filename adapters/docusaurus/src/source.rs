//! The source of a page, made ready for a Markdown parser: what none of them knows is replaced by
//! blanks, so that everything else keeps its place.
//!
//! Taken out are the `import` and `export` statements of MDX, HTML comments in it, the `:::` lines
//! of admonitions (their titles are kept aside) and the fences of `mdx-code-block`, whose content
//! is not code. Code stays as it is.

mod line;
mod statement;

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

pub(crate) use self::line::without_containers;
use self::line::{Directive, Fence, closing_colons, quotes_in};
use self::statement::{begins_statement, imports, statement_length};
use crate::site::config::default_admonitions;

/// How a page is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Markdown with JSX, Docusaurus' default for `.md` files too.
    #[default]
    Mdx,
    /// Markdown with HTML.
    CommonMark,
    /// MDX that no parser of MDX accepts: read as Markdown with HTML, without what is no text.
    BrokenMdx,
}

/// What a site's configuration says of the syntax of its pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// Whether there are HTML comments in MDX (`mdx1Compat.comments`).
    pub(crate) comments: bool,
    /// Whether `:::note Title` opens an admonition (`mdx1Compat.admonitions`).
    pub(crate) admonition_titles: bool,
    /// The names of admonitions.
    pub(crate) admonitions: Vec<String>,
    /// Whether anchors keep the case of their headings.
    pub(crate) maintain_case: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            comments: true,
            admonition_titles: true,
            admonitions: default_admonitions(),
            maintain_case: false,
        }
    }
}

/// A page's body, ready to be parsed.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// The body; blanks stand where something was taken out.
    pub(crate) text: String,
    /// Where, in order.
    pub(crate) removed: Vec<Range<usize>>,
    /// The titles of its admonitions, in order.
    pub(crate) titles: Vec<Title>,
    /// The pages that it imports.
    pub(crate) imports: Vec<Import>,
    /// Where tags are nested deeper than a parser should follow: the line, from 1.
    pub(crate) too_deep: Option<usize>,
}

/// The title of an admonition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Title {
    /// Where the opening line was, from its colons on.
    pub(crate) range: Range<usize>,
    /// Indentation and quote marks before it.
    pub(crate) prefix: String,
    /// What it says, as Markdown.
    pub(crate) text: String,
}

/// A page that is imported as a component.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The component.
    pub(crate) name: String,
    /// The page, as it is written: `./_part.mdx`, `@site/docs/_part.mdx`.
    pub(crate) file: String,
}

/// How many tags may be open at once. The parser takes time that grows with the square of it.
const TAG_LIMIT: usize = 500;

/// What begins the expression that stands for an HTML comment: no author writes it.
pub(crate) const COMMENT: &str = "/*\u{1}";

/// What stands in the text instead of something.
enum Replacement {
    Blank,
    /// The end of a code block that an admonition cuts off.
    Fence(char),
    /// An expression that is a comment.
    Comment,
}

impl Source {
    pub(crate) fn new(body: &str, dialect: Dialect, syntax: &Syntax) -> Self {
        let mut reader = Reader {
            dialect,
            syntax,
            replaced: mdx_code_fences(body)
                .into_iter()
                .map(|range| (range, Replacement::Blank))
                .collect(),
            source: Self::default(),
            fence: None,
            containers: Vec::new(),
            has_no_more: [false; 2],
            open_tags: 0,
        };
        let unwrapped = replace(body, &reader.replaced);
        reader.read(&unwrapped);
        let Reader { mut replaced, mut source, .. } = reader;
        replaced.sort_by_key(|(range, _)| range.start);
        source.text = replace(body, &replaced);
        source.removed = replaced
            .into_iter()
            .filter(|(_, by)| matches!(by, Replacement::Blank))
            .map(|(range, _)| range)
            .collect();
        source
    }
}

/// An open admonition, or another container directive.
struct Container {
    colons: usize,
    /// How many quotes it is in.
    quotes: usize,
}

/// Reads a source line by line.
struct Reader<'a> {
    dialect: Dialect,
    syntax: &'a Syntax,
    replaced: Vec<(Range<usize>, Replacement)>,
    source: Source,
    fence: Option<Fence>,
    containers: Vec<Container>,
    /// Whether no comment ends from here on: of HTML, of MDX.
    has_no_more: [bool; 2],
    /// How many tags are open; more than there are where `<` is no tag.
    open_tags: usize,
}

impl Reader<'_> {
    fn read(&mut self, body: &str) {
        let mut after_blank = true;
        let mut at = 0;
        while at < body.len() {
            let line = line_at(body, at);
            let range = at..at + line.len();
            let follows_blank = std::mem::replace(&mut after_blank, line.trim().is_empty());
            at = range.end + 1;

            if self.closes_container(line, &range) {
                after_blank = true;
            } else if let Some(open) = &self.fence {
                if open.is_closed_by(line) {
                    self.fence = None;
                }
            } else if let Some(opened) = Fence::opened_by(line) {
                self.fence = Some(opened);
            } else if self.dialect != Dialect::CommonMark && follows_blank && begins_statement(line)
            {
                let end = range.start + statement_length(&body[range.start..]);
                self.source.imports.extend(imports(&body[range.start..end]));
                self.replaced.push((range.start..end, Replacement::Blank));
                at = end + 1;
                after_blank = true;
            } else if let Some(directive) = Directive::of(line, self.syntax) {
                self.open_container(&directive, &range);
                after_blank = true;
            } else {
                let comments = self.replaced.len();
                let start = range.start;
                let end = self.remove_comments(body, range);
                after_blank = is_nothing_but(&body[start..end], start, &self.replaced[comments..]);
                at = end + 1;
            }
        }
    }

    /// A line of colons closes the outermost container that does not have more of them, with all
    /// that is open in it, be it code.
    fn closes_container(&mut self, line: &str, range: &Range<usize>) -> bool {
        let Some((prefix, colons)) = closing_colons(line) else { return false };
        let quotes = quotes_in(prefix);
        let closed =
            self.containers.iter().position(|open| open.colons <= colons && open.quotes == quotes);
        let range = range.start + prefix.len()..range.end;
        match (closed, self.fence.take()) {
            (Some(closed), fence) => {
                self.containers.truncate(closed);
                let replacement = match fence {
                    Some(fence) if fence.length <= colons => Replacement::Fence(fence.mark),
                    _ => Replacement::Blank,
                };
                self.replaced.push((range, replacement));
                true
            }
            (None, None) => {
                self.replaced.push((range, Replacement::Blank));
                true
            }
            (None, fence) => {
                self.fence = fence;
                false
            }
        }
    }

    fn open_container(&mut self, directive: &Directive<'_>, line: &Range<usize>) {
        let Directive { prefix, colons, title } = *directive;
        let range = line.start + prefix.len()..line.end;
        if !title.is_empty() {
            self.source.titles.push(Title {
                range: range.clone(),
                prefix: prefix.to_owned(),
                text: title.to_owned(),
            });
        }
        self.replaced.push((range, Replacement::Blank));
        self.containers.push(Container { colons, quotes: quotes_in(prefix) });
    }

    /// Takes the comments out that begin in a line outside inline code; gives the end of the line
    /// in which the last one ends.
    fn remove_comments(&mut self, body: &str, line: Range<usize>) -> usize {
        let Range { start: mut at, mut end } = line;
        if self.dialect == Dialect::CommonMark {
            return end;
        }
        while at < end {
            let rest = &body[at..end];
            let Some(next) = rest.find(['`', '<', '{', '/']) else { break };
            at += next;
            let rest = &body[at..end];
            self.count_tag(rest);
            if self.open_tags > TAG_LIMIT && self.source.too_deep.is_none() {
                self.source.too_deep = Some(1 + body[..at].matches('\n').count());
            }
            if rest.starts_with('`') {
                let run = rest.len() - rest.trim_start_matches('`').len();
                let code = closing_run(&rest[run..], run);
                at += run + code.unwrap_or(0);
                continue;
            }
            let Some(length) = self.comment_length(&body[at..]) else {
                at += 1;
                continue;
            };
            let is_in_line = at + length <= end;
            let replacement = if is_in_line && self.dialect == Dialect::Mdx {
                Replacement::Comment
            } else {
                Replacement::Blank
            };
            self.replaced.push((at..at + length, replacement));
            at += length;
            if at > end {
                end = at + line_at(body, at).len();
            }
        }
        end
    }

    /// Notes whether a text begins with a tag that opens or closes.
    fn count_tag(&mut self, text: &str) {
        let after = text.strip_prefix('<').unwrap_or_default();
        if after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '>') {
            self.open_tags += 1;
        } else if after.starts_with('/') || text.starts_with("/>") {
            self.open_tags = self.open_tags.saturating_sub(1);
        }
    }

    /// The length of the comment that a text begins with. A parser of MDX knows its own comments.
    fn comment_length(&mut self, text: &str) -> Option<usize> {
        let is_broken = self.dialect == Dialect::BrokenMdx;
        if let Some(comment) = text.strip_prefix("<!--") {
            let is_comment = !self.has_no_more[0] && (self.syntax.comments || is_broken);
            let end = is_comment.then(|| comment.find("-->"))?;
            self.has_no_more[0] = end.is_none();
            return Some(4 + end? + 3);
        }
        let is_comment = !self.has_no_more[1] && is_broken;
        let comment = text.strip_prefix("{/*").filter(|_| is_comment)?;
        let end = comment.find("*/}");
        self.has_no_more[1] = end.is_none();
        let end = end?;
        // `{/* #id */}` names a heading.
        let is_id = comment[..end].trim().starts_with('#');
        (!is_id).then_some(3 + end + 3)
    }
}

/// The lines that open and close code blocks called `mdx-code-block`, wherever they are: only the
/// text between them counts (`utils/markdownUtils.ts`).
fn mdx_code_fences(body: &str) -> Vec<Range<usize>> {
    if !body.contains("mdx-code-block") {
        return Vec::new();
    }
    let mut text = body.to_owned();
    let mut found = Vec::new();
    for pattern in MDX_CODE_BLOCKS.iter() {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for captures in pattern.captures_iter(&text) {
            ranges.extend(
                ["open", "close"]
                    .iter()
                    .filter_map(|name| captures.name(name))
                    .map(|fence| fence.range()),
            );
        }
        let blanks: Vec<_> =
            ranges.iter().map(|range| (range.clone(), Replacement::Blank)).collect();
        text = replace(&text, &blanks);
        found.extend(ranges);
    }
    found.sort_by_key(|range| range.start);
    found
}

static MDX_CODE_BLOCKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let pattern = |ticks: &str| {
        Regex::new(&format!(
            "(?s)(?:^|\n)(?P<open> *{ticks} *mdx-code-block)\n.*?\n(?P<close> *{ticks})(?:\n|$)"
        ))
    };
    ["```", "````"].iter().filter_map(|ticks| pattern(ticks).ok()).collect()
});

fn line_at(text: &str, at: usize) -> &str {
    text[at..].split('\n').next().unwrap_or_default()
}

/// Whether a text, which begins at a place, is blank but for what is replaced.
fn is_nothing_but(text: &str, from: usize, replaced: &[(Range<usize>, Replacement)]) -> bool {
    let mut at = 0;
    let gaps_are_blank = replaced.iter().all(|(range, _)| {
        let gap = &text[at..range.start - from];
        at = range.end - from;
        gap.trim().is_empty()
    });
    gaps_are_blank && text[at..].trim().is_empty()
}

/// A text with something else of the same length in these places.
fn replace(text: &str, places: &[(Range<usize>, Replacement)]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (range, by) in places {
        if range.start < at {
            continue;
        }
        result.push_str(&text[at..range.start]);
        let blank = |text: &str| -> String {
            text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
        };
        let replaced = &text[range.clone()];
        match by {
            Replacement::Blank => result.push_str(&blank(replaced)),
            Replacement::Fence(mark) => {
                result.extend(replaced.bytes().map(|byte| if byte == b':' { *mark } else { ' ' }));
            }
            Replacement::Comment => {
                result.push('{');
                result.push_str(COMMENT);
                result.push_str(&blank(&replaced[4..replaced.len() - 3]));
                result.push_str("*/}");
            }
        }
        at = range.end;
    }
    result.push_str(&text[at..]);
    result
}

/// How far behind the opening backticks inline code ends, its closing ones included.
fn closing_run(text: &str, length: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(next) = text[at..].find('`') {
        at += next;
        let run = text.len() - at - text[at..].trim_start_matches('`').len();
        at += run;
        if run == length {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests;
