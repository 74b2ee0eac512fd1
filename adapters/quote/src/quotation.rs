//! Quoted units as Markdown.
//!
//! The words are the book's own. Changed is only what would mean something else in an answer: a
//! link that is not absolute leads nowhere from another page, so its text stays alone, and so
//! does that of an image; square brackets are escaped and code is fenced anew, so that no text of
//! the book passes for a citation or a refusal; marks of code and emphasis without their partner
//! go; an endless sentence is cut.

use askbook::text::{Unit, UnitKind};

/// A longer sentence or row is cut, in bytes.
const LONGEST: usize = 1_000;

/// The blocks that quote these units of passage `number`, given with their positions in it. Each
/// cites it; for code or a table the block before does, where there is one.
pub(crate) fn blocks(units: &[(usize, &Unit)], number: usize) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for run in units.chunk_by(|(a, before), (b, unit)| {
        before.block == unit.block && (a + 1 == *b || is_listed(unit))
    }) {
        let run: Vec<&Unit> = run.iter().map(|(_, unit)| *unit).collect();
        let block = match run[0].kind {
            UnitKind::Sentence | UnitKind::Heading => format!("{} [{number}]", prose(&run)),
            UnitKind::Code => code(&run[0].text),
            UnitKind::Row => table(&run),
        };
        let cites_itself = run[0].kind == UnitKind::Sentence;
        let is_first = blocks.is_empty();
        blocks.push(block);
        if is_first && !cites_itself {
            blocks.push(format!("[{number}]"));
        }
    }
    blocks
}

/// Items and rows stay together though some between them are left out; sentences do not.
fn is_listed(unit: &Unit) -> bool {
    unit.kind == UnitKind::Row || !unit.marker.is_empty()
}

/// Sentences on one line, items each on their own.
fn prose(units: &[&Unit]) -> String {
    let items = units.iter().filter(|unit| !unit.marker.is_empty());
    let margin = items.map(|unit| indentation(&unit.marker)).min().unwrap_or_default();
    let mut text = String::new();
    for unit in units {
        if !text.is_empty() {
            text.push(if unit.marker.is_empty() { ' ' } else { '\n' });
        }
        text.push_str(unit.marker.get(margin..).unwrap_or_default());
        text.push_str(&neutral(shortened(&unit.text)));
    }
    text
}

fn indentation(marker: &str) -> usize {
    marker.len() - marker.trim_start().len()
}

/// A table of these rows, the first one as its head.
fn table(rows: &[&Unit]) -> String {
    let mut lines: Vec<String> = rows.iter().map(|row| neutral(shortened(&row.text))).collect();
    let columns = rows[0].text.trim_matches('|').split('|').count();
    lines.insert(1, format!("|{}", "---|".repeat(columns)));
    lines.join("\n")
}

/// A code block between fences of back-ticks that nothing inside can close.
fn code(block: &str) -> String {
    let mark = if block.starts_with('~') { '~' } else { '`' };
    let (opening, body) = block.split_once('\n').unwrap_or((block, ""));
    let fence = opening.len() - opening.trim_start_matches(mark).len();
    let is_closing = |line: &str| line.len() >= fence && line.chars().all(|c| c == mark);
    let (body, last) = body.rsplit_once('\n').unwrap_or(("", body));
    let body = if is_closing(last.trim()) { body.to_owned() } else { format!("{body}\n{last}") };
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence_of_ours = "`".repeat(3.max(longest + 1));
    let language = opening.trim_start_matches(mark).replace('`', "");
    format!("{fence_of_ours}{language}\n{}\n{fence_of_ours}", body.trim_matches('\n'))
}

fn shortened(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    let start = &text[..text.floor_char_boundary(LONGEST)];
    start.rsplit_once(' ').map_or(start, |(words, _)| words)
}

/// Prose in which nothing means anything outside of it.
fn neutral(text: &str) -> String {
    let mut neutral = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['`', '[', ']', '!']) {
        neutral.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = if let Some(span) = code_span(rest) {
            neutral.push_str(span);
            span.len()
        } else if rest.starts_with('`') {
            rest.len() - rest.trim_start_matches('`').len()
        } else if let Some(link) = Link::at(rest) {
            neutral.push_str(&link.neutral());
            link.length
        } else {
            let backslashes = neutral.len() - neutral.trim_end_matches('\\').len();
            if !rest.starts_with('!') && backslashes.is_multiple_of(2) {
                neutral.push('\\');
            }
            neutral.push_str(&rest[..1]);
            1
        };
        rest = &rest[length..];
    }
    neutral.push_str(rest);
    // A sentence of a bold passage has lost the mark at its other end: then it is not bold.
    if neutral.matches("**").count() % 2 == 1 { neutral.replace("**", "") } else { neutral }
}

/// The inline code that the text begins with: up to the next run of as many back-ticks
/// (CommonMark 0.31, 6.1).
fn code_span(text: &str) -> Option<&str> {
    let run_at = |at: usize| text[at..].len() - text[at..].trim_start_matches('`').len();
    let length = run_at(0);
    if length == 0 {
        return None;
    }
    let mut at = length;
    loop {
        at += text[at..].find('`')?;
        let run = run_at(at);
        at += run;
        if run == length {
            return Some(&text[..at]);
        }
    }
}

/// An inline link or image.
struct Link<'a> {
    text: &'a str,
    address: &'a str,
    is_image: bool,
    length: usize,
}

impl<'a> Link<'a> {
    /// The link that the text begins with.
    fn at(text: &'a str) -> Option<Self> {
        let is_image = text.starts_with('!');
        let inside = text[usize::from(is_image)..].strip_prefix('[')?;
        let (shown, target) = inside.split_once("](")?;
        let (target, _) = target.split_once(')')?;
        if shown.contains(['[', ']']) {
            return None;
        }
        let length = usize::from(is_image) + shown.len() + target.len() + "[]()".len();
        let address = target.split_whitespace().next().unwrap_or_default();
        Some(Self { text: shown, address, is_image, length })
    }

    fn neutral(&self) -> String {
        let text = neutral(self.text);
        let is_absolute = ["https://", "http://"].iter().any(|s| self.address.starts_with(s));
        if is_absolute && !self.is_image && !self.address.contains(['[', ']', '`']) {
            format!("[{text}]({})", self.address)
        } else {
            text
        }
    }
}
