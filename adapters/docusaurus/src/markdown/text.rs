//! Pieces of Markdown.

use markdown::mdast::Code;

use crate::source::without_containers;

/// Plain text as Markdown that does not turn into HTML.
pub(super) fn plain(text: &str) -> String {
    text.replace('<', "\\<")
}

pub(super) fn bold(text: &str) -> String {
    format!("**{}**", text.replace("**", "").trim())
}

/// The text of a JavaScript expression that is a string, else nothing.
pub(super) fn string_literal(expression: &str) -> String {
    let expression = expression.trim();
    ['"', '\'', '`']
        .iter()
        .find_map(|quote| expression.strip_prefix(*quote)?.strip_suffix(*quote))
        .filter(|text| !text.contains(['\\', '$']))
        .unwrap_or_default()
        .to_owned()
}

/// What precedes the further lines of a block that begins after this.
pub(super) fn continuation(before: &str) -> String {
    before.chars().map(|c| if c == '>' { '>' } else { ' ' }).collect()
}

/// A code block with a plain language; its title becomes a line before it.
pub(super) fn code_block(code: &Code, prefix: &str) -> String {
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
pub(super) fn attribute<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, value) = text.split_once(&format!("{key}="))?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next().filter(|value| !value.trim().is_empty())
}

/// Whether a line of code only tells Docusaurus what to highlight.
fn is_magic_comment(line: &str) -> bool {
    let comment = line.trim_matches(|c: char| !c.is_ascii_alphabetic());
    matches!(comment, "highlight-next-line" | "highlight-start" | "highlight-end")
}

/// Lines without the indentation of their block and blanks at their ends, and no two empty
/// ones in a row outside code.
pub(super) fn tidy(text: &str, indentation: usize) -> String {
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
