//! The refusal in a text: a sign between programs, which no reader is to see.

use crate::prompt::NOT_IN_BOOK;

/// Takes the sign out of a text that comes in pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal {
    /// What may be the beginning of the sign.
    held: String,
}

impl Refusal {
    /// The next piece without the sign, as far as it is certain.
    pub(super) fn without(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let text = std::mem::take(&mut self.held).replace(NOT_IN_BOOK, "");
        let begins = |at: &usize| NOT_IN_BOOK.as_bytes().starts_with(&text.as_bytes()[*at..]);
        let first = text.len().saturating_sub(NOT_IN_BOOK.len() - 1);
        // The sign begins with an ASCII character, so this is the boundary of one.
        let at = (first..text.len()).find(begins).unwrap_or(text.len());
        let (certain, held) = text.split_at(at);
        held.clone_into(&mut self.held);
        certain.to_owned()
    }

    /// Ends the text. Gives what was still held.
    pub(super) fn rest(self) -> String {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(pieces: &[&str]) -> String {
        let mut refusal = Refusal::default();
        let certain: String = pieces.iter().map(|piece| refusal.without(piece)).collect();
        certain + &refusal.rest()
    }

    #[test]
    fn the_sign_is_dropped_however_it_is_cut() {
        let text = format!("ü {NOT_IN_BOOK} [[not {NOT_IN_BOOK}[[");
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (one, other) = text.split_at(at);
            assert_eq!(without(&[one, other]), "ü  [[not [[", "cut at {at}");
        }
        let single: Vec<String> = text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(without(&single), "ü  [[not [[");
    }

    #[test]
    fn text_that_cannot_become_the_sign_is_not_held() {
        let mut refusal = Refusal::default();
        assert_eq!(refusal.without("see [1] and [[no"), "see [1] and ");
        assert_eq!(refusal.without("w"), "[[now");
    }
}
