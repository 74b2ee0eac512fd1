//! Sets of words, packed: of a passage that was read, most is words.

/// Words in order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// One behind the other.
    text: Box<str>,
    /// Where each ends.
    ends: Box<[usize]>,
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

    /// Whether a word begins like this.
    pub(super) fn has_beginning(&self, beginning: &str) -> bool {
        let first = self.get(self.first_from(beginning));
        first.is_some_and(|word| word.starts_with(beginning))
    }

    /// How much memory they take, about, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends)
    }

    fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }

    /// The place of the first word that is not less than this one.
    fn first_from(&self, word: &str) -> usize {
        let (mut low, mut high) = (0, self.ends.len());
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

impl FromIterator<String> for Words {
    fn from_iter<T: IntoIterator<Item = String>>(words: T) -> Self {
        let mut words: Vec<String> = words.into_iter().collect();
        words.sort_unstable();
        words.dedup();
        let mut end = 0;
        let ends = words.iter().map(|word| {
            end += word.len();
            end
        });
        Self { ends: ends.collect(), text: words.concat().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_the_whole_and_by_their_beginning() {
        let given = ["port", "ports", "a", "", "über", "port"];
        let words: Words = given.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(["", "a", "port", "ports", "über"].map(|word| words.position(word)), {
            [Some(0), Some(1), Some(2), Some(3), Some(4)]
        });
        for other in ["por", "portsmouth", "b", "z", "ü"] {
            assert!(!words.contains(other), "{other}");
        }
        for (beginning, is_there) in [("po", true), ("ports", true), ("portsm", false), ("ü", true)]
        {
            assert_eq!(words.has_beginning(beginning), is_there, "{beginning}");
        }
        assert!(!Words::default().has_beginning("") && !Words::default().contains(""));
    }
}
