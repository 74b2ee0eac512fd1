//! The source of a page, made ready for a Markdown parser: what none of them knows is replaced by
//! blanks, so that everything else keeps its place.
//!
//! Taken out are comments, the `import` and `export` statements of MDX, the `:::` lines of
//! admonitions (their titles are kept aside) and the fences of `mdx-code-block`, whose content is
//! not code. Code stays as it is.

use std::ops::Range;

/// How a page is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Markdown with JSX, Docusaurus' default for `.md` files too.
    #[default]
    Mdx,
    /// Markdown with HTML.
    CommonMark,
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

impl Source {
    pub(crate) fn new(body: &str, dialect: Dialect) -> Self {
        let mut source = Self::default();
        let mut fence: Option<Fence<'_>> = None;
        let mut unwrapped: Vec<Fence<'_>> = Vec::new();
        let mut after_blank = true;
        let mut at = 0;
        while at < body.len() {
            let line = line_at(body, at);
            let range = at..at + line.len();
            let follows_blank = std::mem::replace(&mut after_blank, line.trim().is_empty());
            at = range.end + 1;

            if let Some(open) = &fence {
                if open.is_closed_by(line) {
                    fence = None;
                }
            } else if unwrapped.last().is_some_and(|open| open.is_closed_by(line)) {
                unwrapped.pop();
                source.removed.push(range);
            } else if let Some(opened) = Fence::opened_by(line) {
                if opened.info.starts_with("mdx-code-block") {
                    after_blank = true;
                    unwrapped.push(opened);
                    source.removed.push(range);
                } else {
                    fence = Some(opened);
                }
            } else if dialect == Dialect::Mdx && follows_blank && begins_statement(line) {
                let end = range.start + statement_length(&body[range.start..]);
                source.removed.push(range.start..end);
                at = end + 1;
                after_blank = true;
            } else if let Some(directive) = Directive::of(line) {
                let range = range.start + directive.prefix.len()..range.end;
                if !directive.title.is_empty() {
                    source.titles.push(Title {
                        range: range.clone(),
                        prefix: directive.prefix.to_owned(),
                        text: directive.title.to_owned(),
                    });
                }
                source.removed.push(range);
                after_blank = true;
            } else {
                let comments = source.removed.len();
                at = source.remove_comments(body, range.clone()) + 1;
                let kept = blanked(&body[..at - 1], range.start, &source.removed[comments..]);
                after_blank = kept.trim().is_empty();
            }
        }
        source.text = blanked(body, 0, &source.removed);
        source
    }

    /// Takes the comments out that begin in a line outside inline code; gives the end of the line
    /// in which the last one ends.
    fn remove_comments(&mut self, body: &str, line: Range<usize>) -> usize {
        let Range { start: mut at, mut end } = line;
        while at < end {
            let rest = &body[at..end];
            let Some(next) = rest.find(['`', '<', '{']) else { break };
            at += next;
            let rest = &body[at..end];
            if rest.starts_with('`') {
                let run = rest.len() - rest.trim_start_matches('`').len();
                let code = closing_run(&rest[run..], run);
                at += run + code.unwrap_or(0);
                continue;
            }
            let Some(length) = comment_length(&body[at..]) else {
                at += 1;
                continue;
            };
            self.removed.push(at..at + length);
            at += length;
            if at > end {
                end = at + line_at(body, at).len();
            }
        }
        end
    }
}

fn line_at(text: &str, at: usize) -> &str {
    text[at..].split('\n').next().unwrap_or_default()
}

/// A text with blanks for what was removed, from a place on.
fn blanked(text: &str, from: usize, removed: &[Range<usize>]) -> String {
    let mut result = String::with_capacity(text.len() - from);
    let mut at = from;
    for range in removed {
        result.push_str(&text[at..range.start]);
        for byte in text[range.clone()].bytes() {
            result.push(if byte == b'\n' { '\n' } else { ' ' });
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

/// The length of the comment that a text begins with. `{/* #id */}` names a heading and is none.
fn comment_length(text: &str) -> Option<usize> {
    if let Some(comment) = text.strip_prefix("<!--") {
        return Some(4 + comment.find("-->")? + 3);
    }
    let comment = text.strip_prefix("{/*")?;
    let end = comment.find("*/}")?;
    let is_id = comment[..end].trim().starts_with('#');
    (!is_id).then_some(3 + end + 3)
}

/// The opening line of a code block.
struct Fence<'a> {
    mark: char,
    length: usize,
    info: &'a str,
}

impl<'a> Fence<'a> {
    fn opened_by(line: &'a str) -> Option<Self> {
        let line = without_containers(line);
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = line.trim_start_matches(mark);
        let length = line.len() - info.len();
        let is_fence = length >= 3 && !(mark == '`' && info.contains('`'));
        is_fence.then_some(Self { mark, length, info: info.trim() })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim_start_matches([' ', '\t', '>']).trim_end();
        line.len() >= self.length && line.chars().all(|c| c == self.mark)
    }
}

/// A line without the indentation, quote marks and list marks before its content.
pub(crate) fn without_containers(line: &str) -> &str {
    let mut line = line.trim_start_matches([' ', '\t', '>']);
    loop {
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let rest = if number.len() < line.len() {
            number.strip_prefix(". ").or_else(|| number.strip_prefix(") "))
        } else {
            ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark))
        };
        match rest {
            Some(rest) => line = rest.trim_start_matches([' ', '\t', '>']),
            None => return line,
        }
    }
}

/// A line that opens or closes an admonition.
struct Directive<'a> {
    prefix: &'a str,
    /// Empty for a closing line, too.
    title: &'a str,
}

impl<'a> Directive<'a> {
    /// `:::note`, `:::note[Title]{.class}`, `:::note Title`, `:::`, with three colons or more.
    fn of(line: &'a str) -> Option<Self> {
        let colons = line.trim_start_matches([' ', '\t', '>']);
        let prefix = &line[..line.len() - colons.len()];
        let name = colons.trim_start_matches(':');
        if colons.len() - name.len() < 3 {
            return None;
        }
        let name = name.trim();
        if name.is_empty() {
            return Some(Self { prefix, title: "" });
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let rest = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let rest = match rest.rsplit_once('{') {
            Some((before, attributes)) if attributes.ends_with('}') => before,
            _ => rest,
        };
        let label = rest.trim().strip_prefix('[').and_then(|label| label.strip_suffix(']'));
        Some(Self { prefix, title: label.unwrap_or(rest).trim() })
    }
}

/// Whether a line begins an ECMAScript `import` or `export` and not a sentence.
fn begins_statement(line: &str) -> bool {
    if let Some(rest) = line.strip_prefix("import") {
        let clause = rest.trim_start();
        let is_named = clause.len() < rest.len() && clause.contains(" from ");
        return clause.starts_with(['"', '\'', '{', '*'])
            || is_named && clause.contains(['"', '\'']);
    }
    let Some(rest) = line.strip_prefix("export ") else { return false };
    let word = rest.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let keywords = [
        "",
        "async",
        "class",
        "const",
        "default",
        "enum",
        "function",
        "interface",
        "let",
        "type",
        "var",
    ];
    keywords.contains(&word) && (!word.is_empty() || rest.trim_start().starts_with(['{', '*']))
}

/// The length of the statement that a text begins with, in whole lines: it ends where its
/// brackets are closed and nothing is left open. When that never happens, it ends at an empty
/// line.
fn statement_length(text: &str) -> usize {
    let is_import = text.starts_with("import");
    let mut named = !is_import;
    let mut depth = 0_i32;
    let mut quote: Option<char> = None;
    let mut end = 0;
    for line in text.split('\n') {
        let mut before = ' ';
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (quote, c) {
                (Some(_), '\\') => {
                    chars.next();
                }
                (Some(open), _) if c == open => quote = None,
                (None, '/') if chars.peek() == Some(&'/') => break,
                // The apostrophe of a word in JSX opens nothing.
                (None, '\'') if before.is_alphanumeric() => {}
                (None, '\'' | '"' | '`') => {
                    quote = Some(c);
                    named = true;
                }
                (None, '(' | '[' | '{') => depth += 1,
                (None, ')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            before = c;
        }
        if quote != Some('`') {
            quote = None;
        }
        end += line.len();
        let line = line.trim_end();
        let goes_on =
            line.ends_with(['=', ',', '+', '&', '|', '?', ':', '.']) || line.ends_with("=>");
        if depth <= 0 && quote.is_none() && named && !goes_on {
            return end;
        }
        end += 1;
    }
    text.find("\n\n").unwrap_or(text.len())
}

#[cfg(test)]
mod tests;
