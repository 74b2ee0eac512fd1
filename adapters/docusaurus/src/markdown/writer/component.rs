//! Components: the tabs, headings and imported pages among the JSX of a page.

use std::collections::HashMap;
use std::ops::Range;

use markdown::mdast::{AttributeContent, AttributeValue, Node};

use super::{Kind, Writer, children, range_of};
use crate::heading::{Heading, text_of, words};
use crate::markdown::Block;
use crate::markdown::text::{bold, string_literal};

impl<'a> Writer<'a> {
    /// The blocks of a JSX element.
    pub(super) fn element(&mut self, node: &Node) {
        let range = range_of(node);
        let (name, attributes) = tag_of(node).unwrap_or_default();
        if let Some(file) = self.import(name) {
            let file = file.to_owned();
            return self.page(range, &file);
        }
        if let Some(depth) = heading_depth(name, attributes) {
            let text = words(&text_of(children(node)));
            let anchor = attribute_of(attributes, "id").filter(|id| !id.is_empty());
            return self.find_heading(range, Heading { depth, text, anchor });
        }
        if !is_text(name) {
            return;
        }
        if name == "Tabs" {
            return self.tabs(node, attributes);
        }
        if let Some(label) = self.label(name, attributes, children(node)) {
            self.find_block(range.start..range.start, Block::Title(bold(&label)));
        }
        self.flow_children(node);
    }

    /// The panels of tabs. Those that are closed in the built page have no anchors when they are
    /// made only on demand.
    fn tabs(&mut self, node: &Node, attributes: &[AttributeContent]) {
        let labels = std::mem::replace(&mut self.tab_labels, labels_above(attributes));
        let is_closed = self.is_closed;
        let is_lazy = has_attribute(attributes, "lazy");
        let open = open_panel(children(node), attributes);
        let mut panel = 0;
        for child in children(node) {
            if panel_of(child).is_some() {
                self.is_closed = is_closed || is_lazy && open != Some(panel);
                panel += 1;
            }
            self.flow(child);
            self.is_closed = is_closed;
        }
        self.tab_labels = labels;
    }

    /// The file of an imported page.
    pub(super) fn import(&self, component: &str) -> Option<&'a str> {
        let imports = &self.source.imports;
        let import = imports.iter().rfind(|import| import.name == component)?;
        Some(&import.file)
    }

    /// Puts an imported page where it is shown.
    fn page(&mut self, range: Range<usize>, file: &str) {
        match (self.imports)(file) {
            Ok(mut blocks) => {
                for block in &mut blocks {
                    if let Block::Heading(heading) = block {
                        heading.anchor.take_if(|_| self.is_closed);
                    }
                }
                self.find(range, Kind::Blocks(blocks));
            }
            Err(what) => {
                let line = 1 + self.source.text[..range.start].matches('\n').count();
                self.problems.push((Some(line), what));
            }
        }
    }

    /// What a component shows above its content: the label of a tab, the title of a fold.
    pub(super) fn label(
        &self,
        name: &str,
        attributes: &[AttributeContent],
        children: &[Node],
    ) -> Option<String> {
        if children.is_empty() || !name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return None;
        }
        let attribute = |wanted| attribute_of(attributes, wanted);
        let value = || match (name, attribute("value")) {
            ("TabItem", Some(value)) => self.tab_labels.get(&value).cloned().or(Some(value)),
            _ => attribute("title"),
        };
        attribute("label").or_else(value).filter(|label| !label.trim().is_empty())
    }
}

/// Whether the content of an element is text for the reader.
pub(in crate::markdown) fn is_text(name: &str) -> bool {
    !matches!(name, "audio" | "head" | "Head" | "iframe" | "script" | "style" | "svg" | "video")
}

/// The level of the heading that a tag makes.
pub(in crate::markdown) fn depth_of_tag(name: &str) -> Option<u8> {
    let depth = name.strip_prefix('h')?.parse().ok()?;
    (name.len() == 2 && (1..=6).contains(&depth)).then_some(depth)
}

/// The level of the heading that a JSX element is: `<h2>`, or the theme's `<Heading as="h2">`.
pub(super) fn heading_depth(name: &str, attributes: &[AttributeContent]) -> Option<u8> {
    match name {
        "Heading" => depth_of_tag(&attribute_of(attributes, "as")?),
        name => depth_of_tag(name),
    }
}

/// The name and attributes of a JSX element; a fragment has no name.
pub(super) fn tag_of(node: &Node) -> Option<(&str, &[AttributeContent])> {
    match node {
        Node::MdxJsxFlowElement(element) => {
            Some((element.name.as_deref().unwrap_or_default(), &element.attributes))
        }
        Node::MdxJsxTextElement(element) => {
            Some((element.name.as_deref().unwrap_or_default(), &element.attributes))
        }
        _ => None,
    }
}

/// The value of an attribute that is a string.
fn attribute_of(attributes: &[AttributeContent], wanted: &str) -> Option<String> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeContent::Property(property) if property.name == wanted => {
            match property.value.as_ref()? {
                AttributeValue::Literal(text) => Some(text.clone()),
                AttributeValue::Expression(code) => Some(string_literal(&code.value)),
            }
        }
        _ => None,
    })
}

/// Whether an attribute is set, and not to `{false}`.
fn has_attribute(attributes: &[AttributeContent], wanted: &str) -> bool {
    attributes.iter().any(|attribute| match attribute {
        AttributeContent::Property(property) if property.name == wanted => {
            !matches!(&property.value, Some(AttributeValue::Expression(code)) if code.value == "false")
        }
        _ => false,
    })
}

/// The attributes of a tab's panel.
fn panel_of(node: &Node) -> Option<&[AttributeContent]> {
    // A panel in one line is a paragraph for the parser.
    let only = match children(node) {
        [only] if matches!(node, Node::Paragraph(_)) => only,
        _ => node,
    };
    tag_of(only).filter(|(name, _)| *name == "TabItem").map(|(_, attributes)| attributes)
}

/// Which panel is open when the page is built: that of the default value, that which says so, or
/// the first.
fn open_panel(panels: &[Node], attributes: &[AttributeContent]) -> Option<usize> {
    let panels: Vec<_> = panels.iter().filter_map(panel_of).collect();
    let is_named = attributes.iter().any(|attribute| {
        matches!(attribute, AttributeContent::Property(property) if property.name == "defaultValue")
    });
    if is_named {
        let default = attribute_of(attributes, "defaultValue");
        return panels.iter().position(|panel| attribute_of(panel, "value") == default);
    }
    panels.iter().position(|panel| has_attribute(panel, "default")).or(Some(0))
}

/// The labels of tabs that are listed in `values={[{label: 'Linux', value: 'linux'}]}`.
fn labels_above(attributes: &[AttributeContent]) -> HashMap<String, String> {
    let values = attributes.iter().find_map(|attribute| match attribute {
        AttributeContent::Property(property) if property.name == "values" => {
            match property.value.as_ref()? {
                AttributeValue::Expression(code) => Some(code.value.as_str()),
                AttributeValue::Literal(_) => None,
            }
        }
        _ => None,
    });
    values.map(crate::site::tab_labels).unwrap_or_default()
}
