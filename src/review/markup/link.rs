//! The parts of links, as the most lenient renderer would read them.

use std::ops::Range;

/// How deep parentheses in a destination are followed; CommonMark asks for 3, `cmark` takes 32.
const NESTED: usize = 32;
/// The longest title that is read, in bytes.
const TITLE: usize = 300;
/// The longest destination of a definition that is read, in bytes.
const DEFINED: usize = 300;

/// What follows an opening parenthesis or a colon behind `]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// A destination, in angle brackets or not, with the rest of a link.
    Link {
        /// Without angle brackets.
        destination: Range<usize>,
        /// With its quotes.
        title: Option<Range<usize>>,
        /// With the closing parenthesis; of a definition, the end of the destination.
        end: usize,
    },
    /// Something else.
    Other,
}

/// Reads the rest of an inline link, behind its `(`. `None`: more of the text must be seen.
pub(super) fn inline(text: &str, whole: bool) -> Option<Tail> {
    let more = whole.then_some(Tail::Other);
    let start = skip_space(text, 0);
    let Some((destination, after)) = destination(text, start, whole) else { return more };
    let Some(destination) = destination else { return Some(Tail::Other) };
    let at = skip_space(text, after);
    let (title, at) = match text[at..].chars().next() {
        None => return more,
        Some(')') => (None, at),
        Some(open @ ('"' | '\'' | '(')) if at > after => {
            let close = if open == '(' { ')' } else { open };
            match closing(&text[at + 1..], close) {
                Some(length) => {
                    let end = at + 1 + length + 1;
                    (Some(at..end), skip_space(text, end))
                }
                None if text.len() - at > TITLE => return Some(Tail::Other),
                None => return more,
            }
        }
        Some(_) => return Some(Tail::Other),
    };
    match text[at..].chars().next() {
        Some(')') => Some(Tail::Link { destination, title, end: at + 1 }),
        Some(_) => Some(Tail::Other),
        None => more,
    }
}

/// Reads the rest of a definition, behind its `:`. A title is told by its first character alone,
/// and then it is not looked at whether the definition is well formed.
pub(super) fn definition(text: &str, whole: bool) -> Option<Tail> {
    let start = skip_space(text, 0);
    if text[..start].matches('\n').count() > 1 {
        return Some(Tail::Other);
    }
    let rest = &text[start..];
    let length = match rest.find(|c: char| c.is_ascii_control() || c == ' ') {
        Some(length) if length <= DEFINED => length,
        _ if rest.len() > DEFINED => {
            return Some(Tail::Link { destination: 0..0, title: None, end: start });
        }
        _ if whole => rest.len(),
        _ => return None,
    };
    if length == 0 {
        return if whole || !rest.is_empty() { Some(Tail::Other) } else { None };
    }
    let inner = &rest[..length];
    let destination = match inner.strip_prefix('<') {
        // Nothing that has a space in angle brackets is ever allowed.
        Some(inside) if !inside.ends_with('>') => 0..0,
        Some(_) => start + 1..start + length - 1,
        None => start..start + length,
    };
    let end = start + length;
    let next = end + text[end..].len() - text[end..].trim_start_matches([' ', '\t']).len();
    let link = |title| Some(Tail::Link { destination: destination.clone(), title, end });
    match text[next..].chars().next() {
        None if whole => link(None),
        None => None,
        Some('"' | '\'' | '(') => link(Some(next..next + 1)),
        Some('\n' | '\r') => {
            let below = skip_space(text, next);
            match text[below..].chars().next() {
                None if !whole => None,
                Some('"' | '\'' | '(') => link(Some(below..below + 1)),
                _ => link(None),
            }
        }
        Some(_) if inner.starts_with('<') && !inner.ends_with('>') => link(Some(next..next + 1)),
        Some(_) => Some(Tail::Other),
    }
}

/// The destination that begins here, and where it ends with its brackets. `None`: it does not
/// end here; `Some((None, _))`: it is none.
fn destination(text: &str, start: usize, whole: bool) -> Option<(Option<Range<usize>>, usize)> {
    let rest = &text[start..];
    if let Some(inside) = rest.strip_prefix('<') {
        let mut escaped = false;
        for (at, c) in inside.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '>' => {
                    let end = start + 1 + at;
                    return Some((Some(start + 1..end), end + 1));
                }
                '<' | '\n' | '\r' => return Some((None, start)),
                _ => {}
            }
        }
        return None;
    }
    let mut depth = 0;
    let mut escaped = false;
    let found = |length: usize| {
        let range = (length > 0).then_some(start..start + length);
        Some((range, start + length))
    };
    for (at, c) in rest.char_indices() {
        match c {
            _ if c.is_ascii_control() || c == ' ' => return found(at),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' if depth == NESTED => return Some((None, start)),
            '(' => depth += 1,
            ')' if depth == 0 => return found(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    if whole { found(rest.len()) } else { None }
}

/// Where the first such character is that no backslash takes the meaning of.
fn closing(text: &str, close: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().take_while(|(at, _)| *at < TITLE) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == close => return Some(at),
            _ => {}
        }
    }
    None
}

fn skip_space(text: &str, from: usize) -> usize {
    text.len() - text[from..].trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).len()
}

/// Whether a title is nothing but words: it may be shown wherever it turns out to stand.
pub(super) fn is_plain_title(title: &str) -> bool {
    let inside = &title[1..title.len() - 1];
    inside.chars().all(|c| c.is_alphanumeric() || " ,-".contains(c))
}
