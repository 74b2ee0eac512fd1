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
    /// The characters that they begin and end with.
    ends: Vec<char>,
    /// The last visible characters that left, in lower case: less than the longest secret.
    left: String,
    /// The beginning of a secret, perhaps.
    held: String,
}

impl Leaks {
    pub(super) fn new(mark: MessageId) -> Self {
        let secrets = vec![CANARY.to_lowercase(), mark.0.simple().to_string(), mark.0.to_string()];
        let ends = secrets
            .iter()
            .flat_map(|secret| secret.chars().next().into_iter().chain(secret.chars().next_back()));
        let ends = ends.collect();
        Self { secrets, ends, left: String::new(), held: String::new() }
    }

    /// Takes a piece in; adds what may leave to `text`.
    pub(super) fn pass(&mut self, piece: &str, text: &mut String) {
        let mut rest = piece;
        loop {
            if self.held.is_empty() {
                // Most of a text is passed on as it is, a run at a time.
                let at_an_end = |c: char| self.ends.contains(&c.to_ascii_lowercase());
                let (run, behind) = rest.split_at(rest.find(at_an_end).unwrap_or(rest.len()));
                self.leave(run, text);
                rest = behind;
            }
            let mut characters = rest.chars();
            let Some(c) = characters.next() else { return };
            rest = characters.as_str();
            self.held.push(c);
            if c.is_ascii_alphanumeric() && self.ends_in_secret() {
                self.held.clear();
            }
            self.release(self.start_of_secret(), text);
        }
    }

    /// Ends the text; adds what was held.
    pub(super) fn finish(&mut self, text: &mut String) {
        self.release(self.held.len(), text);
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

    /// Lets what is held leave up to there.
    fn release(&mut self, end: usize, text: &mut String) {
        let behind = self.held.split_off(end);
        let leaving = std::mem::replace(&mut self.held, behind);
        self.leave(&leaving, text);
    }

    fn leave(&mut self, leaving: &str, text: &mut String) {
        text.push_str(leaving);
        self.left.extend(visible(leaving));
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
