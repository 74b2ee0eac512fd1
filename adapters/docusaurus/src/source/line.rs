//! Lines that open and close something.

use super::Syntax;

/// The colons of a line that consists of nothing else, and what is before them.
pub(super) fn closing_colons(line: &str) -> Option<(&str, usize)> {
    let colons = line.trim_start_matches([' ', '\t', '>']);
    let count = colons.trim_end().len();
    let is_closing = count >= 3 && colons.trim_end().bytes().all(|byte| byte == b':');
    is_closing.then(|| (&line[..line.len() - colons.len()], count))
}

pub(super) fn quotes_in(prefix: &str) -> usize {
    prefix.matches('>').count()
}

/// The opening line of a code block.
pub(super) struct Fence {
    pub(super) mark: char,
    pub(super) length: usize,
}

impl Fence {
    pub(super) fn opened_by(line: &str) -> Option<Self> {
        let line = without_containers(line);
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = line.trim_start_matches(mark);
        let length = line.len() - info.len();
        let is_fence = length >= 3 && !(mark == '`' && info.contains('`'));
        is_fence.then_some(Self { mark, length })
    }

    pub(super) fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim_start_matches([' ', '\t', '>']).trim_end();
        line.len() >= self.length && line.chars().all(|c| c == self.mark)
    }
}

/// A line without the indentation, quote marks and list marks before its content.
pub(crate) fn without_containers(line: &str) -> &str {
    let mut line = line.trim_start_matches([' ', '\t', '>']);
    loop {
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let rest = if number.len() < line.len() {
            number.strip_prefix(". ").or_else(|| number.strip_prefix(") "))
        } else {
            ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark))
        };
        match rest {
            Some(rest) => line = rest.trim_start_matches([' ', '\t', '>']),
            None => return line,
        }
    }
}

/// A line that opens an admonition or another container.
pub(super) struct Directive<'a> {
    pub(super) prefix: &'a str,
    pub(super) colons: usize,
    pub(super) title: &'a str,
}

impl<'a> Directive<'a> {
    /// `:::note`, `:::note[Title]{.class}`, with three colons or more, and `:::note Title` where
    /// the syntax has it.
    pub(super) fn of(line: &'a str, syntax: &Syntax) -> Option<Self> {
        let from_colons = line.trim_start_matches([' ', '\t', '>']);
        let prefix = &line[..line.len() - from_colons.len()];
        let named = from_colons.trim_start_matches(':');
        let colons = from_colons.len() - named.len();
        if colons < 3 || !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let rest = named.trim_start_matches(is_in_name);
        let name = &named[..named.len() - rest.len()];
        let is_old = syntax.admonition_titles
            && rest.starts_with(' ')
            && syntax.admonitions.iter().any(|known| known == name);
        let label = match rest.trim_end().rsplit_once('{') {
            Some((before, attributes)) if attributes.ends_with('}') => before,
            _ => rest,
        };
        let label = label.trim();
        let title = match label.strip_prefix('[').and_then(|label| label.strip_suffix(']')) {
            Some(title) => title,
            None if is_old || label.is_empty() => label,
            None => return None,
        };
        (!name.ends_with(['-', '_'])).then_some(Self { prefix, colons, title: title.trim() })
    }
}
