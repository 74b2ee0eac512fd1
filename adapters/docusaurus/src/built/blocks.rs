//! The blocks of a built page, as the sources give them.

use scraper::{ElementRef, Node};

use super::inline::{self, words};
use crate::heading::Heading;
use crate::markdown::Block;

/// How deep elements are looked into; what lies deeper is plain text.
const NESTING_LIMIT: usize = 100;

/// The blocks of an element's content, in order.
pub(crate) fn of(element: ElementRef<'_>) -> Vec<Block> {
    let mut writer = Writer::default();
    writer.content(element, 0);
    writer.end_paragraph();
    writer.blocks
}

#[derive(Default)]
struct Writer {
    blocks: Vec<Block>,
    /// Text that stands directly between blocks, so far.
    line: String,
}

impl Writer {
    fn content(&mut self, element: ElementRef<'_>, depth: usize) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.line.push_str(&inline::escaped(text)),
                Node::Element(_) => {
                    if let Some(element) = ElementRef::wrap(child) {
                        self.element(element, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn element(&mut self, element: ElementRef<'_>, depth: usize) {
        if inline::is_no_text(element) {
            return;
        }
        if depth > NESTING_LIMIT {
            self.end_paragraph();
            return self.paragraph(&element.text().collect::<String>());
        }
        let name = element.value().name();
        if !is_block(element) {
            // A component may wrap whole blocks in a `span`.
            if element.descendent_elements().any(is_block) {
                return self.content(element, depth);
            }
            return inline::write(element, &mut self.line, depth);
        }
        self.end_paragraph();
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.blocks.extend(heading(element)),
            "p" => self.paragraph(&inline::of(element, depth)),
            "summary" => self.title(&inline::of(element, depth)),
            "table" if !holds_heading(element) => {
                self.whole(table(element, depth));
            }
            "ul" | "ol" if !holds_heading(element) => self.blocks.extend(list(element, depth)),
            "blockquote" if !holds_heading(element) => {
                self.whole(quote(&nested(element, depth)));
            }
            "pre" => self.whole(code(element)),
            _ if has_class(element, "theme-code-block") => self.whole(code(element)),
            _ if has_class(element, "theme-admonition") => self.admonition(element, depth),
            _ if tab_list(element).is_some() => self.tabs(element, depth),
            _ => self.content(element, depth),
        }
        self.end_paragraph();
    }

    fn end_paragraph(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.paragraph(&line);
    }

    fn paragraph(&mut self, text: &str) {
        let text = words(text);
        if !text.is_empty() {
            self.blocks.push(Block::Paragraph(text));
        }
    }

    fn title(&mut self, text: &str) {
        let text = words(&text.replace("**", ""));
        if !text.is_empty() {
            self.blocks.push(Block::Title(format!("**{text}**")));
        }
    }

    fn whole(&mut self, text: String) {
        if !text.is_empty() {
            self.blocks.push(Block::Whole(text));
        }
    }

    /// An admonition: its title, unless that is the name of its kind, and its content.
    fn admonition(&mut self, element: ElementRef<'_>, depth: usize) {
        let parts =
            [class_part(element, "admonitionHeading"), class_part(element, "admonitionContent")];
        let [Some(heading), Some(content)] = parts else { return self.content(element, depth) };
        let title = words(&inline::of(heading, depth));
        let kind = format!("theme-admonition-{}", title.to_lowercase());
        if !has_class(element, &kind) {
            self.title(&title);
        }
        self.content(content, depth);
    }

    /// Tabs: the panels that are there, each with its label. Those of lazy tabs are not there but
    /// for the selected one.
    fn tabs(&mut self, element: ElementRef<'_>, depth: usize) {
        let Some(list) = tab_list(element) else { return };
        let tabs: Vec<_> = list.child_elements().filter(|tab| has_role(*tab, "tab")).collect();
        let panels: Vec<_> = element
            .child_elements()
            .flat_map(|part| part.child_elements())
            .filter(|part| has_role(*part, "tabpanel"))
            .collect();
        let are_all = tabs.len() == panels.len();
        let is_shown = |tab: &&ElementRef<'_>| are_all || tab.attr("aria-selected") == Some("true");
        let mut labels = tabs.iter().filter(is_shown);
        for panel in panels {
            if let Some(tab) = labels.next() {
                self.title(&inline::of(*tab, depth));
            }
            self.content(panel, depth);
            self.end_paragraph();
        }
    }
}

fn heading(element: ElementRef<'_>) -> Option<Block> {
    let depth: u8 = element.value().name().strip_prefix('h')?.parse().ok()?;
    let text = words(&inline::text(element));
    let anchor = element.attr("id").filter(|id| depth > 1 && !id.is_empty()).map(str::to_owned);
    Some(Block::Heading(Heading { depth, text, anchor }))
}

/// A list, with the items' other lines indented below their first.
fn list(element: ElementRef<'_>, depth: usize) -> Option<Block> {
    let is_ordered = element.value().name() == "ol";
    let first: usize = element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
    let items: Vec<_> =
        element.child_elements().filter(|item| item.value().name() == "li").collect();
    let loose =
        items.iter().any(|item| item.child_elements().any(|part| part.value().name() == "p"));
    let written = items.iter().zip(first..).filter_map(|(item, number)| {
        let mark = if is_ordered { format!("{number}. ") } else { "- ".to_owned() };
        let joint = if loose { "\n\n" } else { "\n" };
        let text: Vec<_> = nested(*item, depth).iter().map(markdown).collect();
        let indented = text.join(joint).replace('\n', &format!("\n{}", " ".repeat(mark.len())));
        let lines: Vec<_> = indented.lines().map(str::trim_end).collect();
        (!indented.is_empty()).then(|| mark + &lines.join("\n"))
    });
    let items: Vec<_> = written.collect();
    (!items.is_empty()).then_some(Block::List { items, loose })
}

/// The blocks in a part of a block.
fn nested(element: ElementRef<'_>, depth: usize) -> Vec<Block> {
    let mut writer = Writer::default();
    writer.content(element, depth);
    writer.end_paragraph();
    writer.blocks
}

fn quote(blocks: &[Block]) -> String {
    let text = blocks.iter().map(markdown).collect::<Vec<_>>().join("\n\n");
    text.lines()
        .map(|line| format!("> {line}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

fn markdown(block: &Block) -> String {
    match block {
        Block::Heading(heading) => heading.text.clone(),
        Block::Title(text) | Block::Paragraph(text) | Block::Whole(text) => text.clone(),
        Block::List { items, loose } => items.join(if *loose { "\n\n" } else { "\n" }),
    }
}

/// A table with the alignment of its columns.
fn table(element: ElementRef<'_>, depth: usize) -> String {
    let rows: Vec<Vec<ElementRef<'_>>> = element
        .descendent_elements()
        .filter(|row| row.value().name() == "tr")
        .map(|row| {
            let is_cell = |cell: &ElementRef<'_>| matches!(cell.value().name(), "td" | "th");
            row.child_elements().filter(is_cell).collect()
        })
        .collect();
    let Some(head) = rows.first() else { return String::new() };
    let rule = head.iter().map(|cell| match cell.attr("style").unwrap_or_default() {
        style if style.contains("text-align:left") => ":--".to_owned(),
        style if style.contains("text-align:right") => "--:".to_owned(),
        style if style.contains("text-align:center") => ":-:".to_owned(),
        _ => "---".to_owned(),
    });
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let text = |cell: &ElementRef<'_>| words(&inline::of(*cell, depth)).replace('|', "\\|");
    let mut lines: Vec<_> =
        rows.iter().map(|cells| line(cells.iter().map(text).collect())).collect();
    lines.insert(1, line(rule.collect()));
    lines.join("\n")
}

/// A code block with its language, and its title in a line before it.
fn code(element: ElementRef<'_>) -> String {
    let lines: Vec<_> = element
        .descendent_elements()
        .filter(|line| has_class(*line, "token-line"))
        .map(|line| line.text().collect::<String>().trim_end_matches('\n').to_owned())
        .collect();
    let code = if lines.is_empty() {
        let block = element.descendent_elements().find(|part| part.value().name() == "pre");
        block.unwrap_or(element).text().collect::<String>()
    } else {
        lines.join("\n")
    };
    let code = code.trim_end();
    if code.is_empty() {
        return String::new();
    }
    let language = element
        .descendent_elements()
        .find_map(|part| part.value().classes().find_map(|class| class.strip_prefix("language-")));
    let language = language.filter(|language| *language != "text").unwrap_or_default();
    let title = class_part(element, "codeBlockTitle").map(|title| words(&inline::text(title)));
    let title = title.filter(|title| !title.is_empty());
    let title = title.map(|title| format!("{}:\n", inline::escaped(&title))).unwrap_or_default();
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    format!("{title}{fence}{language}\n{code}\n{fence}")
}

/// Whether an element stands apart from the text around it.
fn is_block(element: ElementRef<'_>) -> bool {
    matches!(
        element.value().name(),
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "li"
            | "main"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

fn holds_heading(element: ElementRef<'_>) -> bool {
    let is_heading = |part: ElementRef<'_>| {
        matches!(part.value().name(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
    };
    element.descendent_elements().any(is_heading)
}

fn has_class(element: ElementRef<'_>, class: &str) -> bool {
    element.value().classes().any(|other| other == class)
}

/// A part of a component of Docusaurus whose class has a suffix that changes.
fn class_part<'a>(element: ElementRef<'a>, name: &str) -> Option<ElementRef<'a>> {
    let is_named = |class: &str| class.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
    element.child_elements().find(|part| part.value().classes().any(is_named))
}

fn has_role(element: ElementRef<'_>, role: &str) -> bool {
    element.attr("role") == Some(role)
}

fn tab_list(element: ElementRef<'_>) -> Option<ElementRef<'_>> {
    element.child_elements().find(|part| has_role(*part, "tablist"))
}

#[cfg(test)]
mod tests;
