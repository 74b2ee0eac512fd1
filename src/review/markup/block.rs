//! Where a text is a block of code: its fences, as far as they are beyond doubt.
//!
//! Text that is taken for code by mistake could do anything; code that is taken for text is only
//! shown with an entity too many. So a fence counts where `CommonMark` leaves no choice, and after
//! the first one that leaves a choice none counts any more.

/// What a line of text is, judged by its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// White space alone: it ends every paragraph.
    Blank,
    /// Behind this many bytes of indentation, quote marks and list markers there is text.
    Text(usize),
    /// Behind as much, a block of code begins.
    Fence(usize, Fence),
}

/// What a line inside of a block of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    Code,
    /// The closing fence.
    Close,
    /// The block is over before this line, or may be.
    Over,
}

/// A fence that a block of code began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    mark: char,
    length: usize,
    /// The column that it begins in, behind the quote marks.
    indent: usize,
    /// How many quote marks are before it.
    quotes: usize,
}

/// The containers of the line: quotes, and in them the items of lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    quotes: usize,
    /// The columns that the items' texts begin in, behind the quote marks.
    items: Vec<usize>,
    in_paragraph: bool,
    /// Whether it cannot be known any more what is in a block of code.
    doubt: bool,
}

/// The beginning of a line.
#[derive(Default)]
struct Prefix {
    length: usize,
    quotes: usize,
    indent: usize,
    column: usize,
    markers: Vec<Marker>,
    /// Whether the line has something that renderers read differently.
    odd: bool,
}

struct Marker {
    column: usize,
    content: usize,
    /// Whether it may follow the text of a paragraph.
    interrupts: bool,
}

impl Blocks {
    /// Judges the line that begins here; `None`: more of it must be seen.
    pub(super) fn line(&mut self, text: &str, whole: bool, last: bool) -> Option<Line> {
        let prefix = Prefix::read(text);
        let rest = &text[prefix.length..];
        let Some(first) = rest.chars().next() else {
            self.doubt |= whole;
            return whole.then_some(Line::Text(prefix.length));
        };
        if rest == "\r" && !whole {
            return None;
        }
        if matches!(first, '\n' | '\r') {
            self.in_paragraph = false;
            if first == '\r' && !rest.starts_with("\r\n") {
                return Some(Line::Text(prefix.length));
            }
            let is_blank = prefix.quotes == 0 && prefix.markers.is_empty();
            if is_blank && self.quotes > 0 {
                self.items.clear();
            }
            return Some(if is_blank { Line::Blank } else { Line::Text(prefix.length) });
        }
        let may_be_marker = rest.bytes().all(|b| b.is_ascii_digit() || b"-*+.)".contains(&b));
        if !whole && rest.len() <= 10 && may_be_marker {
            return None;
        }
        // A lone carriage return ends no line for some renderers: it is left in the line.
        let line = match rest.find('\n') {
            Some(end) => Some(rest[..end].strip_suffix('\r').unwrap_or(&rest[..end])),
            None => last.then_some(rest),
        };
        let length = rest.len() - rest.trim_start_matches(first).len();
        if matches!(first, '`' | '~') && (length >= 3 || length == rest.len()) {
            let Some(line) = line else {
                self.doubt |= whole;
                return whole.then_some(Line::Text(prefix.length));
            };
            let is_fence = length >= 3 && (first == '~' || !line[length..].contains('`'));
            let sure = self.enter(&prefix);
            if !is_fence {
                self.in_paragraph = true;
                return Some(Line::Text(prefix.length));
            }
            // With a `|`, `markdown-it` may take it for the head of a table.
            if !sure || self.doubt || line.contains(['\r', '|']) {
                self.doubt = true;
                return Some(Line::Text(prefix.length));
            }
            self.in_paragraph = false;
            let (indent, quotes) = (prefix.column, prefix.quotes);
            return Some(Line::Fence(prefix.length, Fence { mark: first, length, indent, quotes }));
        }
        if !prefix.markers.is_empty() && matches!(first, '*' | '-' | '_') {
            // Perhaps a line of a rule (`* * *`), which is no list.
            let is_more = rest.contains(|c: char| !matches!(c, '*' | '-' | '_' | ' ' | '\t'));
            if !is_more && line.is_none() && !whole {
                return None;
            }
            let is_rule = !line
                .unwrap_or(rest)
                .contains(|c: char| !matches!(c, '*' | '-' | '_' | ' ' | '\t'));
            if is_rule {
                self.items.clear();
                self.in_paragraph = false;
                return Some(Line::Text(prefix.length));
            }
        }
        self.enter(&prefix);
        self.in_paragraph = true;
        Some(Line::Text(prefix.length))
    }

    /// Leaves and enters containers. Says whether the column is one that a block can begin in.
    fn enter(&mut self, prefix: &Prefix) -> bool {
        if self.quotes != prefix.quotes {
            self.items.clear();
            self.quotes = prefix.quotes;
        }
        let before = self.items.len();
        self.items.retain(|content| *content <= prefix.indent);
        let mut interrupts = !self.in_paragraph || self.items.len() < before;
        let mut sure = !prefix.odd;
        for marker in &prefix.markers {
            let parent = self.items.last().copied().unwrap_or(0);
            sure &=
                (parent..parent + 4).contains(&marker.column) && (interrupts || marker.interrupts);
            if sure {
                self.items.push(marker.content);
            }
            interrupts = true;
        }
        let parent = self.items.last().copied().unwrap_or(0);
        sure && (prefix.column < 4 || (parent..parent + 4).contains(&prefix.column))
    }

    /// No block is sure to be code from here on.
    pub(super) fn doubt(&mut self) {
        self.doubt = true;
    }
}

impl Prefix {
    fn read(text: &str) -> Self {
        let mut prefix = Self::default();
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            let spaces = bytes[at..].iter().take_while(|b| **b == b' ').count();
            at += spaces;
            prefix.column += spaces;
            if prefix.markers.is_empty() {
                prefix.indent = prefix.column;
            }
            match bytes.get(at) {
                Some(b'\t') => {
                    prefix.odd = true;
                    at += 1;
                }
                Some(b'>') => {
                    prefix.odd |= prefix.column > 0 || !prefix.markers.is_empty();
                    prefix.quotes += 1;
                    at += 1;
                    at += usize::from(bytes.get(at) == Some(&b' '));
                    (prefix.column, prefix.indent) = (0, 0);
                }
                Some(_) => {
                    let Some((width, interrupts)) = marker(&bytes[at..]) else { break };
                    let column = prefix.column;
                    let space = bytes[at + width..].iter().take_while(|b| **b == b' ').count();
                    prefix.odd |= !(1..=4).contains(&space);
                    prefix.column += width + space;
                    at += width + space;
                    prefix.markers.push(Marker { column, content: prefix.column, interrupts });
                }
                None => break,
            }
        }
        prefix.length = at;
        prefix
    }
}

/// The width of a list's marker that white space follows, and whether it may follow the text of a
/// paragraph.
fn marker(bytes: &[u8]) -> Option<(usize, bool)> {
    let width = match bytes.first()? {
        b'-' | b'*' | b'+' => 1,
        _ => {
            let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            let is_number =
                (1..=9).contains(&digits) && matches!(bytes.get(digits), Some(b'.' | b')'));
            if !is_number {
                return None;
            }
            digits + 1
        }
    };
    let interrupts = width == 1 || bytes.starts_with(b"1.") || bytes.starts_with(b"1)");
    matches!(bytes.get(width), Some(b' ' | b'\t')).then_some((width, interrupts))
}

impl Fence {
    /// Judges the line that begins here; `None`: more of it must be seen.
    pub(super) fn line(&self, text: &str, whole: bool, last: bool) -> Option<Inside> {
        let mut rest = text;
        for _ in 0..self.quotes {
            match rest.chars().next() {
                Some('>') => rest = &rest[1..],
                None if !whole => return None,
                _ => return Some(Inside::Over),
            }
            match rest.chars().next() {
                Some(' ') => rest = &rest[1..],
                None if !whole => return None,
                _ => {}
            }
        }
        let inner = rest.trim_start_matches([' ', '\t']);
        let space = &rest[..rest.len() - inner.len()];
        let Some(first) = inner.chars().next() else {
            return whole.then_some(Inside::Over);
        };
        if matches!(first, '\n' | '\r') {
            return Some(Inside::Code);
        }
        let columns = space
            .chars()
            .fold(0, |column, c| if c == '\t' { (column / 4 + 1) * 4 } else { column + 1 });
        if columns < self.indent || (self.quotes > 0 && space.contains('\t')) {
            return Some(Inside::Over);
        }
        if first != self.mark {
            return Some(Inside::Code);
        }
        let after = inner.trim_start_matches(self.mark);
        let length = inner.len() - after.len();
        if after.is_empty() && !last {
            return whole.then_some(Inside::Over);
        }
        if length < self.length {
            return Some(Inside::Code);
        }
        match after.find(|c: char| !matches!(c, '`' | '~' | ' ' | '\t')) {
            Some(end) if after[end..].starts_with('\r') && !after[end..].starts_with("\r\n") => {
                return if after[end..] == *"\r" && !whole { None } else { Some(Inside::Over) };
            }
            Some(end) if !after[end..].starts_with(['\n', '\r']) => return Some(Inside::Code),
            None if !whole => return None,
            None if !last => return Some(Inside::Over),
            _ => {}
        }
        let line = after.split(['\n', '\r']).next().unwrap_or(after);
        let in_place = if self.indent == 0 { columns < 4 } else { columns == self.indent };
        let clean = in_place && !space.contains('\t') && line.trim_start_matches(' ').is_empty();
        Some(if clean { Inside::Close } else { Inside::Over })
    }
}
