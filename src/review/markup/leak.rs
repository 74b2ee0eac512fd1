//! What never leaves: the label of the instructions and the mark of the request.

use crate::prompt::CANARY;
use crate::session::MessageId;

/// Takes secrets out of a text that comes character by character.
///
/// It looks at what left before, too, so that taking out one secret cannot put another one
/// together.
#[derive(Debug)]
pub(super) struct Leaks {
    /// In lower case; ASCII.
    secrets: Vec<String>,
    /// The last characters that left, in lower case: less than the longest secret.
    left: String,
    /// The beginning of a secret, perhaps.
    held: String,
}

impl Leaks {
    pub(super) fn new(mark: MessageId) -> Self {
        let secrets = vec![CANARY.to_lowercase(), mark.0.simple().to_string(), mark.0.to_string()];
        Self { secrets, left: String::new(), held: String::new() }
    }

    /// Takes a piece in; adds what may leave to `text`.
    pub(super) fn pass(&mut self, piece: &str, text: &mut String) {
        for c in piece.chars() {
            self.held.push(c);
            if c.is_ascii_alphanumeric() && self.ends_in_secret() {
                self.held.clear();
            }
            let keep = self.start_of_secret();
            self.release(keep, text);
        }
    }

    /// Ends the text; adds what was held.
    pub(super) fn finish(&mut self, text: &mut String) {
        self.release(self.held.len(), text);
    }

    fn ends_in_secret(&self) -> bool {
        let seen = self.left.len() + self.held.len();
        self.secrets.iter().any(|secret| {
            seen >= secret.len()
                && secret
                    .bytes()
                    .rev()
                    .zip(self.held.bytes().rev().chain(self.left.bytes().rev()))
                    .all(|(secret, seen)| secret == seen.to_ascii_lowercase())
        })
    }

    /// Where in what is held a secret may begin.
    fn start_of_secret(&self) -> usize {
        let held = self.held.as_bytes();
        let may_begin = |at: &usize| {
            self.secrets.iter().any(|secret| {
                secret
                    .as_bytes()
                    .get(..held.len() - at)
                    .is_some_and(|start| start.eq_ignore_ascii_case(&held[*at..]))
            })
        };
        (0..held.len()).find(may_begin).unwrap_or(held.len())
    }

    fn release(&mut self, end: usize, text: &mut String) {
        for c in self.held.drain(..end) {
            text.push(c);
            self.left.push(c.to_ascii_lowercase());
        }
        let longest = self.secrets.iter().map(String::len).max().unwrap_or(0);
        if self.left.len() > 4 * longest {
            let mut start = self.left.len() - longest;
            while !self.left.is_char_boundary(start) {
                start += 1;
            }
            self.left.drain(..start);
        }
    }
}
