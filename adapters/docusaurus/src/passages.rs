//! Passages: a page cut by its sections, and long sections by their blocks.

use std::collections::HashMap;

use askbook::passage::{Passage, PassageId};
use askbook::text::units;

use crate::Page;
use crate::front_matter::FrontMatter;
use crate::heading::Heading;
use crate::markdown::Block;
use crate::route;

/// How passages are cut. It changes when the same page gives other passages or other texts: an
/// index that was made another way is to be made again.
pub const CHUNKER: &str = "docusaurus-2";

/// Where a passage may end, in bytes: about 300 tokens of four bytes.
const TARGET: usize = 1_200;

/// How long a passage may be, in bytes: about 450 tokens. Only one whole block may be longer.
const LIMIT: usize = 1_800;

/// How long a piece may be, in bytes, that is neither code nor a table: about 1,400 tokens.
const PIECE_LIMIT: usize = 5_600;

/// The title of a page: its front matter's, its heading of the first level when nothing but
/// imports is before it, or the name of its file.
pub(crate) fn page_title(
    front_matter: &FrontMatter,
    body: &str,
    blocks: &[Block],
    name: impl FnOnce() -> String,
) -> String {
    let heading = blocks.iter().find_map(|block| match block {
        Block::Heading(heading) => Some(heading),
        _ => None,
    });
    let heading = heading.filter(|heading| heading.depth == 1 && begins_with_title(body));
    let titles = [front_matter.title.as_deref(), heading.map(|heading| heading.text.as_str())];
    let written = titles.into_iter().flatten().map(str::trim).find(|title| !title.is_empty());
    written.or(front_matter.id.as_deref()).map_or_else(name, str::to_owned)
}

/// Whether a page's text begins with a heading of the first level (`utils/markdownUtils.ts`).
fn begins_with_title(body: &str) -> bool {
    let mut text = body.trim_start();
    while text.strip_prefix("import").is_some_and(|rest| rest.starts_with(char::is_whitespace)) {
        let Some((_, after)) = text.split_once("\n\n") else { break };
        text = after.trim_start();
    }
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let is_underlined = |line: &str| !line.is_empty() && line.bytes().all(|byte| byte == b'=');
    let is_marked = |line: &str| {
        line.strip_prefix('#')
            .is_some_and(|title| title.starts_with([' ', '\t']) && !title.trim().is_empty())
    };
    is_marked(first) || lines.next().is_some_and(is_underlined)
}

/// The passages of a page. An id is made of the file, the anchor and a number within the
/// section, so it outlives changes to other sections. A heading with nothing under it, not even
/// other headings, is a passage too: what it leads to may be no text.
pub(crate) fn cut(page: &Page, blocks: &[Block]) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let sections = sections(blocks);
    for (index, section) in sections.iter().enumerate() {
        let anchor = section.anchor();
        let count = counts.entry(anchor.unwrap_or_default()).or_default();
        let name = format!("{}#{}", page.file, anchor.unwrap_or_default());
        let mut texts = pack(&section.blocks);
        if texts.is_empty() && !sections.get(index + 1).is_some_and(|next| next.is_below(section)) {
            texts.extend(section.heading_alone());
        }
        for text in texts {
            passages.push(Passage {
                id: PassageId::of_part(&name, *count),
                title: page.title.clone(),
                headings: section.headings_below(&page.title),
                url: Some(route::with_anchor(&page.url, anchor)),
                text,
                edition: page.edition.clone(),
            });
            *count += 1;
        }
    }
    passages
}

/// What stands between two headings.
struct Section<'a> {
    /// The headings that lead to it, its own last.
    path: Vec<&'a Heading>,
    blocks: Vec<&'a Block>,
}

impl<'a> Section<'a> {
    /// The nearest anchor; a heading without one is reached through those around it.
    fn anchor(&self) -> Option<&'a str> {
        self.path.iter().rev().find_map(|heading| heading.anchor.as_deref())
    }

    /// Whether the heading of another section leads to this one.
    fn is_below(&self, other: &Self) -> bool {
        other
            .path
            .last()
            .is_some_and(|&heading| self.path.iter().any(|&above| std::ptr::eq(above, heading)))
    }

    /// The text of the heading, if it has an anchor of its own.
    fn heading_alone(&self) -> Option<String> {
        let heading = self.path.last().filter(|heading| heading.anchor.is_some())?;
        (!heading.text.is_empty()).then(|| heading.text.clone())
    }

    fn headings_below(&self, title: &str) -> Vec<String> {
        let is_title = |heading: &Heading| heading.depth == 1 && heading.text == title;
        self.path
            .iter()
            .filter(|heading| !heading.text.is_empty() && !is_title(heading))
            .map(|heading| heading.text.clone())
            .collect()
    }
}

/// The sections of a page. A title that stands right before a heading goes with it.
fn sections(blocks: &[Block]) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let mut path: Vec<&Heading> = Vec::new();
    let mut titles: &[Block] = &[];
    let mut rest = blocks;
    loop {
        let next = rest.iter().position(|block| matches!(block, Block::Heading(_)));
        let (blocks, after) = rest.split_at(next.unwrap_or(rest.len()));
        let own = blocks.iter().rposition(|block| !matches!(block, Block::Title(_)));
        let (blocks, next_titles) = blocks.split_at(own.map_or(0, |last| last + 1));
        sections
            .push(Section { path: path.clone(), blocks: titles.iter().chain(blocks).collect() });
        let Some((Block::Heading(heading), after)) = after.split_first() else {
            return sections;
        };
        path.retain(|above| above.depth < heading.depth);
        path.push(heading);
        titles = next_titles;
        rest = after;
    }
}

/// A piece of a section that is not cut.
struct Piece {
    text: String,
    /// What separates it from the one before.
    joint: &'static str,
}

/// Fills passages with the blocks of a section. One ends when it has reached its target and the
/// rest of the section does not fit either.
fn pack(blocks: &[&Block]) -> Vec<String> {
    let pieces = pieces(blocks);
    let mut left: usize = pieces.iter().map(|piece| piece.text.len() + piece.joint.len()).sum();
    let mut texts: Vec<String> = Vec::new();
    let mut current = String::new();
    for piece in pieces {
        let length = piece.joint.len() + piece.text.len();
        let full = current.len() + length > LIMIT || current.len() >= TARGET;
        if !current.is_empty() && full && current.len() + left > LIMIT {
            texts.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push_str(piece.joint);
        }
        current.push_str(&piece.text);
        left -= length;
    }
    if !current.is_empty() {
        texts.push(current);
    }
    texts
}

/// The blocks of a section as pieces: long paragraphs and lists in parts, and what introduces a
/// block together with it when both fit into a passage.
fn pieces(blocks: &[&Block]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for part in blocks.iter().copied().flat_map(parts) {
        match pieces.last_mut() {
            Some(before)
                if introduces(&before.text)
                    && before.text.len() + part.joint.len() + part.text.len() <= LIMIT =>
            {
                before.text.push_str(part.joint);
                before.text.push_str(&part.text);
            }
            _ => pieces.push(part),
        }
    }
    pieces
}

fn parts(block: &Block) -> Vec<Piece> {
    let whole = |text: &String| vec![Piece { text: text.clone(), joint: "\n\n" }];
    match block {
        Block::Heading(_) => Vec::new(),
        Block::Paragraph(text) if text.len() > LIMIT => {
            let sentences = units(text).into_iter().flat_map(|unit| lengths(unit.text));
            in_order(sentences, " ")
        }
        Block::Whole(quote) if quote.starts_with('>') => {
            in_order(lengths(quote.clone()).into_iter(), "\n")
        }
        Block::Title(text) | Block::Paragraph(text) | Block::Whole(text) => whole(text),
        Block::List { items, loose } => {
            let joint = if *loose { "\n\n" } else { "\n" };
            let list = items.join(joint);
            if list.len() > LIMIT {
                in_order(items.iter().cloned().flat_map(lengths), joint)
            } else {
                whole(&list)
            }
        }
    }
}

/// A text without code in lengths that a passage can hold, cut between lines or words.
fn lengths(text: String) -> Vec<String> {
    if text.len() <= PIECE_LIMIT || text.contains("```") {
        return vec![text];
    }
    let mut lengths = Vec::new();
    let mut rest = text.as_str();
    while rest.len() > PIECE_LIMIT {
        let end = rest.floor_char_boundary(PIECE_LIMIT);
        let gap = ['\n', ' '].iter().find_map(|&gap| rest[..end].rfind(gap).filter(|&at| at > 0));
        let (length, after) = rest.split_at(gap.unwrap_or(end));
        lengths.push(length.to_owned());
        rest = after.trim_start_matches(['\n', ' ']);
    }
    lengths.push(rest.to_owned());
    lengths
}

/// Parts of one block: only the first is apart from what comes before.
fn in_order(texts: impl Iterator<Item = String>, joint: &'static str) -> Vec<Piece> {
    let joints = std::iter::once("\n\n").chain(std::iter::repeat(joint));
    texts.zip(joints).map(|(text, joint)| Piece { text, joint }).collect()
}

/// Whether a text ends in a colon, or with a line that is nothing but a title in bold.
fn introduces(text: &str) -> bool {
    let last = text.lines().last().unwrap_or_default();
    let is_bold = last.starts_with("**") && last.ends_with("**");
    text.ends_with(':') || is_bold && last.matches("**").count() == 2
}

#[cfg(test)]
mod tests;
