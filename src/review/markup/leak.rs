//! What never leaves: the label of the instructions and the mark of the request.

use crate::plain::is_invisible;
use crate::prompt::CANARY;
use crate::session::MessageId;

/// A secret with more in it than this is none that anybody reads, in bytes.
const HELD: usize = 400;

/// Takes secrets out of a text that comes character by character, whatever invisible characters
/// stand between theirs.
///
/// It looks at what left before, too, so that taking out one secret cannot put another one
/// together.
#[derive(Clone, Debug)]
pub(super) struct Leaks {
    /// In lower case; ASCII.
    secrets: Vec<String>,
    /// The last visible characters that left, in lower case: less than the longest secret.
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
            if self.held.len() == 1 && !self.may_be_at_an_end(c) {
                self.release(1, text);
                continue;
            }
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

    /// Whether a secret may begin or end with this character. Most do not, and those cost little.
    fn may_be_at_an_end(&self, c: char) -> bool {
        let c = c.to_ascii_lowercase();
        self.secrets.iter().any(|secret| secret.starts_with(c) || secret.ends_with(c))
    }

    fn ends_in_secret(&self) -> bool {
        let seen = || visible(&self.held).rev().chain(self.left.chars().rev());
        self.secrets.iter().any(|secret| {
            let mut seen = seen();
            secret.chars().rev().all(|secret| seen.next() == Some(secret))
        })
    }

    /// Where in what is held a secret may begin.
    fn start_of_secret(&self) -> usize {
        let may_begin = |at: &usize| {
            let held = &self.held[*at..];
            self.secrets.iter().any(|secret| {
                let mut secret = secret.chars();
                held.len() <= HELD
                    && !held.starts_with(is_invisible)
                    && visible(held).all(|c| secret.next() == Some(c))
            })
        };
        let mut places = self.held.char_indices().map(|(at, _)| at);
        places.find(may_begin).unwrap_or(self.held.len())
    }

    fn release(&mut self, end: usize, text: &mut String) {
        let leaving = &self.held[..end];
        text.push_str(leaving);
        self.left.extend(visible(leaving));
        self.held.drain(..end);
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

/// What is seen of a text, in lower case as far as it is ASCII.
fn visible(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().filter(|c| !is_invisible(*c)).map(|c| c.to_ascii_lowercase())
}
