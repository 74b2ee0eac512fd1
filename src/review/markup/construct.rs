//! What text outside of code is made of, and what becomes of each.

use std::num::IntErrorKind;

use super::address::{self, Kind};
use super::link::{self, Tail};
use super::{
    GONE, Markup, Piece, Place, Step, clean_part, is_of_word, is_return, line_end, plain_end, word,
};

/// The longest description of an image that is read, in bytes.
const DESCRIPTION: usize = 250;
/// The longest citation, in bytes.
const CITATION: usize = 100;

impl Markup {
    pub(super) fn inside_text(
        &mut self,
        seen: &str,
        whole: bool,
        last: bool,
        clean: &mut usize,
    ) -> Step {
        let Some(first) = seen.chars().next() else { return Step::Wait(|_| true) };
        if is_of_word(first) && *clean == 0 {
            let Some(word) = word(seen, whole, |c| !is_of_word(c)) else {
                return Step::Wait(|c| !is_of_word(c));
            };
            match address::find(word) {
                Some(found) if found.start == 0 => return self.address(seen, found, whole, last),
                Some(found) => *clean = found.start,
                None => *clean = clean_part(seen, word),
            }
        }
        match first {
            '`' => self.back_ticks(seen, whole, last),
            '<' => self.less_than(seen, whole),
            '[' => self.bracket(seen, whole),
            ']' => {
                self.closed = self.open > 0;
                self.open = self.open.saturating_sub(1);
                self.paragraph.open = self.paragraph.open.saturating_sub(1);
                self.take(seen, 1)
            }
            '(' if self.last == ']' => self.link(seen, whole),
            ':' if self.last == ']' && self.paragraph.label => self.definition(seen, whole),
            '!' => self.exclamation(seen, whole, last),
            '\\' => self.backslash(seen, whole),
            '\n' | '\r' => {
                let Some(end) = line_end(seen, whole) else { return Step::Wait(|_| true) };
                self.text(&seen[..end]);
                self.paragraph.table |= self.paragraph.delimiter == Some(true);
                self.place = Place::LineStart;
                if is_return(&seen[..end]) {
                    self.doubt();
                }
                Step::Taken(end)
            }
            _ => {
                match first {
                    '|' => self.open = 0,
                    '~' => self.paragraph.tilde = true,
                    _ => {}
                }
                let end = plain_end(seen, *clean, |c| {
                    matches!(c, '`' | '<' | '[' | ']' | '!' | '\\' | '\n' | '\r' | '|' | '~')
                });
                self.take(seen, end)
            }
        }
    }

    /// Shows the beginning of what follows as it is.
    fn take(&mut self, seen: &str, length: usize) -> Step {
        self.delimits(&seen[..length]);
        self.text(&seen[..length]);
        Step::Taken(length)
    }

    /// Notes a part of a line that is perhaps below a table's head.
    pub(super) fn delimits(&mut self, part: &str) {
        let of_delimiter = |c: char| matches!(c, '|' | ':' | '-' | ' ' | '\t' | '>');
        let so_far = self.paragraph.delimiter;
        if !part.chars().all(of_delimiter) {
            self.paragraph.delimiter = Some(false);
        } else if part.contains('-') && so_far.is_none() {
            self.paragraph.delimiter = Some(true);
        }
    }

    /// An address by its form: it stays when it is allowed, and ends where renderers end it.
    fn address(&mut self, seen: &str, found: address::Found, whole: bool, last: bool) -> Step {
        let reach = match found.kind {
            Kind::Email => found.end,
            Kind::Url | Kind::Script if found.verbatim => {
                found.end + address::end_of(&seen[found.end..])
            }
            Kind::Url | Kind::Script => {
                let of_address = |c: char| !c.is_whitespace() && !"<>`[]()\"|".contains(c);
                let rest = &seen[found.end..];
                found.end + rest.find(|c| !of_address(c)).unwrap_or(rest.len())
            }
        };
        if reach == seen.len() && !whole {
            return Step::Wait(|_| true);
        }
        let address = address::trimmed(&seen[..reach]);
        if address.len() < found.end && found.kind == Kind::Url && found.verbatim {
            // A scheme alone, as in “replace http:// by https://”.
            let next = seen[reach..].chars().next();
            if next.is_none_or(char::is_whitespace) && (last || next.is_some()) {
                return self.take(seen, reach);
            }
        }
        let candidates =
            [address, address::trimmed(&address[..address.find('*').unwrap_or(address.len())])];
        let allowed = candidates.into_iter().find(|candidate| {
            found.verbatim && candidate.len() >= found.end && self.addresses.allows_bare(candidate)
        });
        let Some(address) = allowed else {
            self.text(GONE);
            self.paragraph.delimiter = Some(false);
            return Step::Taken(address.len().max(found.end));
        };
        let length = address.len();
        let after = &seen[length..];
        let tail = after.trim_start_matches([')', '"', '\'']);
        let tail = tail.strip_prefix(['.', ',', ';', '!', '?']).unwrap_or(tail);
        let ends = match tail.chars().next() {
            None if last => true,
            None if !whole => return Step::Wait(|_| true),
            None => false,
            Some(c) => c.is_ascii_whitespace(),
        };
        if found.kind == Kind::Email || ends {
            return self.take(seen, length);
        }
        if self.open > 0
            && !self.paragraph.stray
            && let Some(link) = after.strip_prefix("](")
        {
            match link::inline(link, whole) {
                None => return Step::Wait(|_| true),
                Some(Tail::Link { destination, .. })
                    if self.addresses.allows(&link[destination.clone()]) =>
                {
                    return self.take(seen, length);
                }
                Some(_) => {}
            }
        }
        if self.last == '\\' || !self.addresses.allows_in_brackets(address) {
            self.text(GONE);
        } else {
            let bracketed = format!("<{address}>");
            self.text(&bracketed);
        }
        self.paragraph.delimiter = Some(false);
        Step::Taken(length)
    }

    /// A run of back-ticks: code when it closes on its line and nothing is in doubt.
    fn back_ticks(&mut self, seen: &str, whole: bool, last: bool) -> Step {
        let content = seen.trim_start_matches('`');
        let length = seen.len() - content.len();
        if content.is_empty() && !whole {
            return Step::Wait(|c| c != '`');
        }
        if self.paragraph.stray {
            return self.take(seen, length);
        }
        let mut at = 0;
        let end = loop {
            let Some(found) = content[at..].find(['`', '\n', '\r']) else {
                if !whole {
                    return Step::Wait(|c| matches!(c, '`' | '\n' | '\r'));
                }
                break None;
            };
            at += found;
            let run = content[at..].len() - content[at..].trim_start_matches('`').len();
            if run == 0 {
                break None;
            }
            if at + run == content.len() && !last {
                if !whole {
                    return Step::Wait(|c| c != '`');
                }
                break None;
            }
            if run == length {
                break Some(at);
            }
            at += run;
        };
        let Some(end) = end else {
            self.paragraph.stray = true;
            return self.take(seen, length);
        };
        let total = length + end + length;
        let inside = &content[..end];
        let in_doubt = (length > 1 && inside.contains(['*', '_', '~']))
            || (self.paragraph.tilde && inside.contains('~'))
            || (self.paragraph.open > 0 && inside.contains(']'));
        let in_doubt = in_doubt
            || match self.may_be_split(inside, &seen[total..], whole, last) {
                Some(split) => split,
                None => return Step::Wait(|_| true),
            };
        if in_doubt {
            self.paragraph.stray = true;
            return self.take(seen, length);
        }
        let code = self.safe_code(&seen[..total]);
        self.code(&code);
        self.paragraph.delimiter = Some(false);
        Step::Taken(total)
    }

    /// Whether a `|` in code may be the border of a table's cell: in a table, or in a line that
    /// may be the head of one. `None`: more has to be seen.
    fn may_be_split(&self, code: &str, after: &str, whole: bool, last: bool) -> Option<bool> {
        let bytes = code.as_bytes();
        let is_border = |at: &usize| {
            let before = bytes[..*at].iter().rev().take_while(|b| **b == b'\\').count();
            bytes[*at] == b'|' && before != 1
        };
        if !(0..bytes.len()).any(|at| is_border(&at)) {
            return Some(false);
        }
        if self.paragraph.table {
            return Some(true);
        }
        let Some(end) = after.find(['\n', '\r']) else { return whole.then_some(!last) };
        let below = &after[end + line_end(&after[end..], whole)?..];
        match below.find(|c: char| !matches!(c, '|' | ':' | '-' | ' ' | '\t' | '>')) {
            Some(end) => Some(below[end..].starts_with(['\n', '\r']) && below[..end].contains('-')),
            None => whole.then_some(!last || below.contains('-')),
        }
    }

    fn less_than(&mut self, seen: &str, whole: bool) -> Step {
        let Some(next) = seen[1..].chars().next() else {
            if !whole {
                return Step::Wait(|_| true);
            }
            return self.take(seen, 1);
        };
        if !begins_tag(next) {
            return self.take(seen, 1);
        }
        if next.is_ascii_alphabetic() {
            match seen[1..].find(|c: char| c.is_whitespace() || matches!(c, '<' | '>')) {
                Some(end) => {
                    let inside = &seen[1..=end];
                    if seen[1 + end..].starts_with('>') && self.addresses.allows_in_brackets(inside)
                    {
                        return self.take(seen, end + 2);
                    }
                }
                None if !whole => {
                    return Step::Wait(|c| c.is_whitespace() || matches!(c, '<' | '>'));
                }
                None => {}
            }
        }
        self.text("&lt;");
        self.paragraph.delimiter = Some(false);
        Step::Taken(1)
    }

    /// `[`: a citation, or the beginning of a link's text.
    fn bracket(&mut self, seen: &str, whole: bool) -> Step {
        let inside = &seen[1..];
        let length = inside.find(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | ' ')));
        let is_citation = match length {
            Some(length) if length <= CITATION && inside[length..].starts_with(']') => {
                let numbers: Option<Vec<usize>> =
                    inside[..length].split(',').map(|digits| number(digits.trim())).collect();
                numbers.zip(Some(length + 2))
            }
            None if !whole && inside.len() <= CITATION => return Step::Wait(|_| true),
            _ => None,
        };
        if let Some((numbers, end)) = is_citation {
            let leads_on = match seen[end..].chars().next() {
                None if !whole => return Step::Wait(|_| true),
                Some(':') => self.paragraph.label,
                Some('(') => match link::inline(&seen[end + 1..], whole) {
                    None => return Step::Wait(|_| true),
                    Some(Tail::Link { destination, .. }) => {
                        let start = end + 1;
                        self.addresses
                            .allows(&seen[start + destination.start..start + destination.end])
                    }
                    Some(Tail::Other) => true,
                },
                _ => false,
            };
            if !leads_on {
                let text = seen[..end].to_owned();
                self.last = ']';
                self.closed = false;
                self.paragraph.delimiter = Some(false);
                self.pieces.push(Piece::Marker { text, numbers });
                return Step::Taken(end);
            }
        }
        self.open += 1;
        self.paragraph.open += 1;
        self.take(seen, 1)
    }

    /// `(` behind `]`.
    fn link(&mut self, seen: &str, whole: bool) -> Step {
        let rest = &seen[1..];
        let (destination, title, end) = match link::inline(rest, whole) {
            None => return Step::Wait(|_| true),
            Some(Tail::Other) => {
                self.text("\\(");
                return Step::Taken(1);
            }
            Some(Tail::Link { destination, title, end }) => (&rest[destination], title, end),
        };
        if !self.addresses.allows(destination) {
            return Step::Taken(1 + end);
        }
        let is_plain = title.is_none_or(|title| link::is_plain_title(&rest[title]));
        let ends_in_brackets = self.addresses.allows_in_brackets(destination);
        let is_bracketed = rest.trim_start().starts_with('<');
        if self.closed && !self.paragraph.stray && is_plain && (ends_in_brackets || !is_bracketed) {
            self.text(&seen[..=end]);
        } else if ends_in_brackets {
            // Safe even where it is no link: an address in angle brackets ends with them.
            let link = format!("(<{destination}>)");
            self.text(&link);
        } else if address::find(destination).is_none() {
            // Where it is no link, nobody takes it for an address.
            let link = format!("({destination})");
            self.text(&link);
        }
        // What is around a link is none.
        self.open = 0;
        Step::Taken(1 + end)
    }

    /// `:` behind `]`, in a paragraph in which a line begins with `[`.
    fn definition(&mut self, seen: &str, whole: bool) -> Step {
        match link::definition(&seen[1..], whole) {
            None => return Step::Wait(|_| true),
            Some(Tail::Link { destination, title, end }) => {
                let is_bracketed = seen[1..].trim_start().starts_with('<');
                let allowed = self.addresses.allows(&seen[1..][destination]) && !is_bracketed;
                if !allowed
                    || title.is_some()
                    || self.has_image
                    || !self.closed
                    || self.paragraph.stray
                {
                    self.text("\\:");
                    return Step::Taken(1);
                }
                self.has_definition = true;
                return self.take(seen, 1 + end);
            }
            Some(Tail::Other) => {}
        }
        self.take(seen, 1)
    }

    /// `!`: dropped before what would be an image.
    fn exclamation(&mut self, seen: &str, whole: bool, last: bool) -> Step {
        let rest = seen.trim_start_matches('!');
        let length = seen.len() - rest.len();
        if rest.is_empty() && !whole {
            return Step::Wait(|c| c != '!');
        }
        if !rest.starts_with('[') {
            return self.take(seen, if rest.is_empty() && !last { length - 1 } else { length });
        }
        let whole = whole || rest.len() >= DESCRIPTION;
        let rest = &rest[..rest.floor_char_boundary(DESCRIPTION)];
        let is_image =
            match rest[1..].find(['[', ']', '`', '<', '\\']).map(|at| &rest.as_bytes()[1 + at..]) {
                None | Some([b']']) if !whole => return Step::Wait(|_| true),
                Some([b']']) => self.has_definition || !last,
                Some([b']', next, ..]) => self.has_definition || matches!(next, b'(' | b'['),
                _ => true,
            };
        if is_image {
            return Step::Taken(length);
        }
        self.has_image = true;
        self.take(seen, length)
    }

    /// A backslash and what it takes the meaning of.
    fn backslash(&mut self, seen: &str, whole: bool) -> Step {
        let mut after = seen[1..].chars();
        match (after.next(), after.next()) {
            (None, _) | (Some('<'), None) if !whole => Step::Wait(|_| true),
            (Some('<'), Some(next)) if begins_tag(next) => {
                self.text("&lt;");
                Step::Taken(2)
            }
            (Some('`'), _) => {
                self.paragraph.stray = true;
                self.take(seen, 2)
            }
            (Some(next), _) if next.is_ascii_punctuation() => {
                self.closed &= next != ']';
                self.take(seen, 2)
            }
            _ => self.take(seen, 1),
        }
    }
}

/// The number that a citation has; one too great to count with is no passage's either.
fn number(digits: &str) -> Option<usize> {
    match digits.parse() {
        Ok(number) => Some(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(usize::MAX),
        Err(_) => None,
    }
}

/// Whether this makes a tag, a comment or the like of a `<` before it.
fn begins_tag(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')
}
