//! HTML in Markdown: its text and its headings.

use super::Block;
use super::text::{attribute, bold};
use super::writer::component::{depth_of_tag, is_text};
use crate::heading::{Heading, words};

/// The blocks of HTML: its headings, and the text between them.
pub(super) fn blocks(html: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = html;
    while let Some((before, depth, tag, inner, after)) = next_heading(rest) {
        blocks.extend(paragraph(before));
        let text = words(&html_text(inner));
        let anchor = id_in(tag).filter(|_| depth > 1);
        blocks.push(Block::Heading(Heading { depth, text, anchor }));
        rest = after;
    }
    blocks.extend(paragraph(rest));
    blocks
}

fn paragraph(html: &str) -> Option<Block> {
    Some(flow_text(html)).filter(|text| !text.is_empty()).map(Block::Paragraph)
}

/// The next heading in HTML: what is before it, its level, its tag, its content and the rest.
fn next_heading(html: &str) -> Option<(&str, u8, &str, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + html[from..].find("<h")?;
        let tag = &html[at + 1..];
        from = at + 2;
        let Some(depth) = tag.get(..2).and_then(depth_of_tag) else { continue };
        if !tag[2..].starts_with(|c: char| c == '>' || c.is_whitespace()) {
            continue;
        }
        let length = tag_length(tag)?;
        let (inner, after) = tag[length..].split_once(&format!("</h{depth}>"))?;
        return Some((&html[..at], depth, &tag[..length], inner, after));
    }
}

/// The `id` of a tag, with or without quotes.
fn id_in(tag: &str) -> Option<String> {
    let quoted = attribute(tag, "id").map(str::to_owned);
    quoted.or_else(|| {
        let (_, value) = tag.split_once(" id=")?;
        let id = value.split(|c: char| c == '>' || c.is_whitespace()).next()?;
        (!id.is_empty() && !id.starts_with(['"', '\''])).then(|| id.to_owned())
    })
}

/// The text of an HTML block.
fn flow_text(html: &str) -> String {
    let lines: Vec<_> = html_text(html)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// The text of HTML in a line.
pub(super) fn inline_text(html: &str) -> String {
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
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let name = tag.trim_start_matches('/');
        let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let Some(length) = tag_length(tag).filter(|_| !name.is_empty()) else {
            text.push('<');
            rest = tag;
            continue;
        };
        rest = &tag[length..];
        if !is_text(name) {
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
