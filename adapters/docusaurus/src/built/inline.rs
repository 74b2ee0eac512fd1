//! Text in a line of a built page, as Markdown.

use scraper::{ElementRef, Node};

/// How deep elements are looked into; what lies deeper is plain text.
const NESTING_LIMIT: usize = 100;

/// The content of an element as Markdown in one line.
pub(crate) fn of(element: ElementRef<'_>, depth: usize) -> String {
    let mut line = String::new();
    content(element, &mut line, depth);
    line
}

/// Writes an element as Markdown into a line.
pub(crate) fn write(element: ElementRef<'_>, line: &mut String, depth: usize) {
    if is_no_text(element) {
        return;
    }
    if depth > NESTING_LIMIT {
        line.push_str(&escaped(&element.text().collect::<String>()));
        return;
    }
    match element.value().name() {
        "strong" | "b" => marked(element, "**", line, depth),
        "em" | "i" => marked(element, "*", line, depth),
        "del" | "s" => marked(element, "~~", line, depth),
        "code" => code(&element.text().collect::<String>(), line),
        "br" => line.push(' '),
        "img" => line.push_str(&escaped(element.attr("alt").unwrap_or_default())),
        "input" if element.attr("type") == Some("checkbox") => {
            line.push_str(if element.attr("checked").is_some() { "[x]" } else { "[ ]" });
        }
        "a" => link(element, line, depth),
        "div" | "p" | "li" | "tr" | "td" | "th" => {
            line.push(' ');
            content(element, line, depth);
            line.push(' ');
        }
        _ => content(element, line, depth),
    }
}

fn content(element: ElementRef<'_>, line: &mut String, depth: usize) {
    for child in element.children() {
        match child.value() {
            Node::Text(text) => line.push_str(&escaped(text)),
            Node::Element(_) => {
                if let Some(element) = ElementRef::wrap(child) {
                    write(element, line, depth + 1);
                }
            }
            _ => {}
        }
    }
}

/// Puts marks around the content of an element, with the blanks at its ends outside.
fn marked(element: ElementRef<'_>, mark: &str, line: &mut String, depth: usize) {
    let inner = of(element, depth);
    let text = inner.trim();
    if text.is_empty() {
        line.push_str(&inner);
        return;
    }
    let start = &inner[..inner.len() - inner.trim_start().len()];
    let end = &inner[inner.trim_end().len()..];
    line.push_str(&format!("{start}{mark}{text}{mark}{end}"));
}

fn code(text: &str, line: &mut String) {
    let text = words(text);
    if text.is_empty() {
        return;
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    line.push_str(&format!("{fence}{gap}{text}{gap}{fence}"));
}

/// A link keeps its address when it leads to the web; one within the site means nothing elsewhere.
fn link(element: ElementRef<'_>, line: &mut String, depth: usize) {
    let address = element.attr("href").unwrap_or_default();
    let text = of(element, depth);
    let is_web_address = address.starts_with("http://") || address.starts_with("https://");
    if is_web_address && !text.trim().is_empty() {
        line.push_str(&format!("[{}]({address})", text.trim()));
    } else {
        line.push_str(&text);
    }
}

/// What a person reads of an element, as plain text.
pub(crate) fn text(element: ElementRef<'_>) -> String {
    let mut text = String::new();
    let mut parts: Vec<_> = element.children().rev().collect();
    while let Some(part) = parts.pop() {
        if let Node::Text(own) = part.value() {
            text.push_str(own);
        } else if ElementRef::wrap(part).is_some_and(|element| !is_no_text(element)) {
            parts.extend(part.children().rev());
        }
    }
    text
}

/// Whether an element is no part of the text: what Docusaurus adds to it, and what is not for
/// reading.
pub(crate) fn is_no_text(element: ElementRef<'_>) -> bool {
    let is_added = element.value().classes().any(|class| {
        matches!(class, "hash-link" | "data-footnote-backref" | "theme-doc-toc-mobile")
    });
    is_added
        || element.attr("data-footnote-ref").is_some()
        || matches!(
            element.value().name(),
            "audio"
                | "button"
                | "iframe"
                | "nav"
                | "script"
                | "style"
                | "svg"
                | "template"
                | "video"
        )
}

/// Plain text as Markdown that shows it as it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_in_word =
            before.is_alphanumeric() && chars.peek().is_some_and(|c| c.is_alphanumeric());
        if matches!(c, '\\' | '`' | '*' | '<') || c == '_' && !is_in_word {
            result.push('\\');
        }
        result.push(c);
        before = c;
    }
    result
}

/// A text with one blank between words.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
