//! The blocks of a page, as plain Markdown that a person can read outside the site.
//!
//! The parser is `markdown` (markdown-rs): the only one in Rust that knows MDX, and it gives the
//! same tree with places for both dialects. What stays is the author's own Markdown: the tree
//! only says where to cut and what to replace.

mod html;
mod text;
mod writer;

use std::panic::catch_unwind;

use markdown::mdast::Node;
use markdown::message::Place;
use markdown::{Constructs, ParseOptions, to_mdast};

use self::writer::Writer;
use crate::heading::Heading;
use crate::source::{Dialect, Source, Syntax};

/// A page, taken apart.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its blocks, in order.
    pub(crate) blocks: Vec<Block>,
    /// What could not be read, or not as what it is.
    pub(crate) problems: Vec<Problem>,
}

/// Gives the blocks of an imported page by its path in the import statement, or says why not.
pub(crate) type Imports<'i> = &'i dyn Fn(&str) -> Result<Vec<Block>, String>;

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

/// The anchors of the headings among these blocks, in their order.
pub(crate) fn anchors(blocks: &[Block]) -> Vec<String> {
    let anchors = blocks.iter().filter_map(|block| match block {
        Block::Heading(heading) => heading.anchor.clone(),
        _ => None,
    });
    anchors.collect()
}

/// Takes a page apart. MDX that is none is read as `CommonMark`, with a problem.
///
/// # Errors
/// Where and why it cannot be read at all.
pub(crate) fn parse(
    body: &str,
    dialect: Dialect,
    syntax: &Syntax,
    imports: Imports<'_>,
) -> Result<Document, Problem> {
    let source = Source::new(body, dialect, syntax);
    let broken = match tree(&source, dialect) {
        Ok(tree) => return Ok(Writer::new(&source, dialect, syntax, imports).write(&tree)),
        Err(problem) if dialect == Dialect::CommonMark => return Err(problem),
        Err((line, what)) => (line, format!("not valid MDX ({what}): read as CommonMark")),
    };
    let dialect = Dialect::BrokenMdx;
    let source = Source::new(body, dialect, syntax);
    let tree = tree(&source, dialect)?;
    let mut document = Writer::new(&source, dialect, syntax, imports).write(&tree);
    document.problems.insert(0, broken);
    Ok(document)
}

/// Takes a page apart as it would be on a site with default settings.
#[cfg(test)]
pub(crate) fn parse_alone(body: &str, dialect: Dialect) -> Result<Document, Problem> {
    parse(body, dialect, &Syntax::default(), &|file| Err(format!("no {file}")))
}

/// Parses the source. The parser panics on some input that is not valid MDX, such as a tag left
/// open in the text of an image.
fn tree(source: &Source, dialect: Dialect) -> Result<Node, Problem> {
    if dialect == Dialect::Mdx && source.too_deep.is_some() {
        return Err((source.too_deep, "too many tags in one another".to_owned()));
    }
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
        Dialect::CommonMark | Dialect::BrokenMdx => common_mark,
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

#[cfg(test)]
mod tests;
