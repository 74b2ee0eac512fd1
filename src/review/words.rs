//! Sets of words, packed: of a passage that was read, most is words.

use crate::concept::are_related;

/// Words in order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// One behind the other.
    text: Box<str>,
    /// Where each ends.
    ends: Box<[u32]>,
    /// What each begins with: most words are told apart by it.
    heads: Box<[Head]>,
}

/// The first four bytes of a word, as a number that has the order of words.
type Head = u32;

fn head(word: &str) -> Head {
    let mut head = [0; size_of::<Head>()];
    for (place, byte) in head.iter_mut().zip(word.bytes()) {
        *place = byte;
    }
    Head::from_be_bytes(head)
}

impl Words {
    pub(super) fn contains(&self, word: &str) -> bool {
        self.position(word).is_some()
    }

    /// The place of a word among the others.
    pub(super) fn position(&self, word: &str) -> Option<usize> {
        let at = self.first_from(word);
        (self.get(at)? == word).then_some(at)
    }

    /// Whether one of them is [related](are_related) to this one.
    pub(super) fn has_related(&self, word: &str) -> bool {
        let mut at = self.first_from(word);
        if self.get(at).is_some_and(|next| are_related(next, word)) {
            return true;
        }
        // Whatever it begins with stands before it, and begins all that stands between them.
        let mut beginning = word;
        while let Some(before) = at.checked_sub(1).and_then(|before| self.get(before)) {
            beginning = shared_beginning(beginning, before);
            if !are_related(word, beginning) {
                return false;
            }
            at = self.first_from(beginning);
            if self.get(at) == Some(beginning) {
                return true;
            }
        }
        false
    }

    /// How much memory they take, about, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends) + size_of_val(&*self.heads)
    }

    fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start as usize..end as usize])
    }

    /// The place of the first word that is not less than this one.
    fn first_from(&self, word: &str) -> usize {
        let head = head(word);
        let mut low = self.heads.partition_point(|one| *one < head);
        let mut high = low + self.heads[low..].partition_point(|one| *one == head);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle).is_some_and(|one| one < word) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// What two words begin with.
fn shared_beginning<'a>(one: &'a str, other: &str) -> &'a str {
    let length = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    &one[..one.floor_char_boundary(length)]
}

impl FromIterator<String> for Words {
    fn from_iter<T: IntoIterator<Item = String>>(words: T) -> Self {
        let mut words: Vec<String> = words.into_iter().collect();
        words.sort_unstable();
        words.dedup();
        let heads = words.iter().map(|word| head(word)).collect();
        let mut end = 0;
        #[expect(clippy::cast_possible_truncation, reason = "no passage has 4 GiB of words")]
        let ends = words.iter().map(|word| {
            end += word.len() as u32;
            end
        });
        Self { ends: ends.collect(), text: words.concat().into(), heads }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found() {
        let given = ["port", "ports", "a", "", "über", "port", "portable", "por"];
        let words: Words = given.iter().map(|word| (*word).to_owned()).collect();
        let all = ["", "a", "por", "port", "portable", "ports", "über"];
        for (place, word) in all.into_iter().enumerate() {
            assert_eq!(words.position(word), Some(place), "{word}");
        }
        for other in ["po", "porta", "portsmouth", "b", "z", "ü"] {
            assert!(!words.contains(other), "{other}");
        }
        assert!(!Words::default().contains(""));
    }

    #[test]
    fn a_word_is_related_to_what_it_begins_with_and_to_what_begins_with_it() {
        let given = ["a", "conf", "confi", "configx", "configz", "überall", "überalldorthin"];
        let words: Words = given.iter().map(|word| (*word).to_owned()).collect();
        let pairs = |word: &str| given.iter().any(|given| are_related(given, word));
        let asked = [
            "",
            "a",
            "conf",
            "confi",
            "config",
            "configuration",
            "configxyz",
            "configzyx",
            "confu",
            "confused",
            "überal",
            "überalldort",
            "überalles",
            "überfall",
            "zzzzzz",
        ];
        for word in asked {
            assert_eq!(words.has_related(word), pairs(word), "{word}");
        }
        assert!(words.has_related("configuration") && !words.has_related("confused"));
        assert!(!Words::default().has_related("configuration"));
    }
}
