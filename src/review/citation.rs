//! Citations: the numbers in square brackets by which an answer names its passages, and the
//! quotes that stand behind them.

use std::ops::Range;

/// The longest quote of a source, in characters; a longer sentence is cut at a word.
const QUOTE_LIMIT: usize = 300;

/// A citation in a text: `[2]` or `[1, 3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// Where it stands.
    pub(super) at: Range<usize>,
    /// Its numbers, as written.
    pub(super) numbers: Vec<usize>,
}

/// Groups the citations that stand side by side: they are for the same claim.
pub(super) fn groups<'m>(text: &str, markers: &'m [Marker]) -> impl Iterator<Item = &'m [Marker]> {
    markers.chunk_by(move |one, next| {
        let between = &text[one.at.end..next.at.start];
        between.chars().all(|c| c.is_whitespace() || c == ',')
    })
}

/// A quote that is not longer than it may be.
pub(super) fn shortened(quote: &str) -> String {
    let Some((limit, _)) = quote.char_indices().nth(QUOTE_LIMIT) else {
        return quote.to_owned();
    };
    let limit = quote[..limit].char_indices().next_back().map_or(limit, |(at, _)| at);
    let end = quote[..limit].rfind(char::is_whitespace).unwrap_or(limit);
    format!("{}…", quote[..end].trim_end())
}

#[cfg(test)]
mod tests;
