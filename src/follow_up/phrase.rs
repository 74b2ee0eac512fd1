//! Phrases: how a question is worded, and what it needs beside it to be understood.
//!
//! The rules are for English as people type it, without care for capitals and apostrophes. They
//! are wrong now and then, and rather so that a question is taken to need its conversation: that
//! costs a call, the other error costs the answer.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::concept::{Concept, concepts};
use crate::text::{stem, tokens};

/// A text in another language, or one that does not begin like a question, says all that it
/// means when it is this long, in tokens.
const LONG: usize = 20;

/// What people say before they say something.
const FILLERS: &str = "ah alright cool great hello hey hi hm hmm nice oh ok okay perfect please \
    pls right sorry thank thanks thx um well";

/// Beginnings of what goes on with something.
const ONWARD: &str = "also and because but instead no nope not or otherwise plus same so then \
    versus vs yeah yep yes";

/// The same in two words.
const ONWARD_PAIRS: &[(&str, &str)] = &[("how", "about"), ("what", "about"), ("what", "if")];

/// Beginnings of a question, or of a request for an answer.
const OPENINGS: &str = "am are can compare could define describe did do does explain give has \
    have how hows is list may must shall should show summarise summarize tell was were what whats \
    when where wheres which who whos whose why will would";

/// Words for something that was named before.
const POINTERS: &str = "here it its itll these they them their theyre this those";

/// Words that tell something from what was named before, or take it up, unless the thing itself
/// follows: "the other one", and not "other sites".
const COMPARISONS: &str = "another else former instead latter neither one ones opposite other \
    others otherwise own previous same too";

/// Forms of "to be": "is there" speaks of no place.
const BEING: &str = "any are be is was were";

/// What stands before a thing that is there.
const POINTING: &str = "all her his its me my our that the their these this those us your";

/// What stands behind the object of a verb.
const PARTICLES: &str = "again at away back by down for from in into off on out over to up with";

/// Stems of words for a text, its parts, and what a reader may want done with it.
static OF_TEXT: LazyLock<HashSet<&str>> = LazyLock::new(|| STEMS_OF_TEXT.split(' ').collect());

const STEMS_OF_TEXT: &str = "\
    articl block chapter code describ explain highlight line overview page paragraph passag \
    rephras section select sentenc simplifi snippet summar summari summaris text tldr translat";

/// A question as it is worded.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    words: Vec<Word>,
    is_long: bool,
}

#[derive(Clone, Debug)]
struct Word {
    /// In lower case, without punctuation.
    plain: String,
    ends_sentence: bool,
    /// Says something, and speaks of no text as such.
    is_telling: bool,
    is_of_text: bool,
}

impl Phrase {
    /// Reads a question.
    pub(crate) fn read(text: &str) -> Self {
        let words = text.split_whitespace().filter_map(Word::read);
        let words = words.skip_while(|word| word.is_among(FILLERS)).collect();
        Self { words, is_long: tokens(text) >= LONG }
    }

    /// Whether it says all that it means, without a conversation: one of its sentences does, and
    /// what the others lean on is that one.
    pub(crate) fn stands_alone(&self) -> bool {
        let mut sentences = self.words.split_inclusive(|word| word.ends_sentence);
        let is_whole = |words: &[Word]| Self { words: words.to_vec(), ..*self }.is_whole();
        !self.goes_on() && sentences.any(is_whole)
    }

    fn is_whole(&self) -> bool {
        let leans = self.points() || self.compares() || self.is_elliptic();
        self.speaks_of_its_page() || !leans
    }

    /// Whether it needs nothing but a text that the reader shows with it.
    pub(crate) fn stands_beside_a_text(&self) -> bool {
        let is_of_text = self.points() || self.names_nothing();
        (is_of_text && !self.compares()) || self.stands_alone()
    }

    /// Whether it speaks of a thing that it does not name, as "it" or "this".
    pub(crate) fn points(&self) -> bool {
        (0..self.words.len()).any(|at| self.points_at(at))
    }

    /// Whether no word of it says what it is about, but for words for a text as such.
    pub(crate) fn names_nothing(&self) -> bool {
        self.telling() == 0
    }

    /// Whether it is about a text that it does not name: "what is this page about?".
    pub(crate) fn is_about_a_text(&self) -> bool {
        let speaks_of_text = self.words.iter().any(|word| word.is_of_text);
        self.names_nothing() && (speaks_of_text || self.points())
    }

    /// "This page" is the one that the reader is on, whatever was talked about.
    fn speaks_of_its_page(&self) -> bool {
        self.words.windows(2).any(|pair| pair[0].is("this") && pair[1].is_of_text)
    }

    fn telling(&self) -> usize {
        self.words.iter().filter(|word| word.is_telling).count()
    }

    fn goes_on(&self) -> bool {
        let [first, rest @ ..] = self.words.as_slice() else { return false };
        let is_pair = |next: &Word| ONWARD_PAIRS.contains(&(&first.plain, &next.plain));
        first.is_among(ONWARD) || rest.first().is_some_and(is_pair)
    }

    fn compares(&self) -> bool {
        let goes_without = |at: usize| {
            !self.words.get(at + 1).is_some_and(|next| next.is_telling || next.is("of"))
        };
        let mut words = self.words.iter().enumerate();
        words.any(|(at, word)| word.is_among(COMPARISONS) && goes_without(at))
    }

    fn points_at(&self, at: usize) -> bool {
        let word = &self.words[at];
        let before = at.checked_sub(1).map(|before| &self.words[before]);
        let after = self.words.get(at + 1);
        match word.plain.as_str() {
            // "A command that tells" points at nothing, "use that" and "turn that off" do.
            "that" => {
                after.is_none_or(|after| after.is_among(PARTICLES))
                    || !before.is_some_and(|before| before.is_telling)
            }
            "thats" => true,
            "there" => ![before, after].into_iter().flatten().any(|word| word.is_among(BEING)),
            // "Is it possible to".
            "it" => {
                !(before.is_some_and(|before| before.is("is"))
                    && self.words.get(at + 2).is_some_and(|next| next.is("to")))
            }
            _ => word.is_among(POINTERS),
        }
    }

    /// Whether it is but a part of a question: it names nothing, has too few words for a whole
    /// question, or no beginning of one; the last two do not matter when it is long.
    fn is_elliptic(&self) -> bool {
        let is_question = self.words.first().is_some_and(|first| first.is_among(OPENINGS));
        let is_short = self.words.len() < 3 && self.telling() < 2;
        let is_empty = self.names_nothing() && !self.names_a_text();
        is_empty || (!self.is_long && (is_short || !is_question))
    }

    /// Whether it is about a kind of text, as "what is a passage?", and not about one that is
    /// there.
    fn names_a_text(&self) -> bool {
        self.words.windows(2).any(|pair| pair[1].is_of_text && !pair[0].is_among(POINTING))
    }
}

impl Word {
    fn read(word: &str) -> Option<Self> {
        let plain: String = word
            .to_lowercase()
            .trim_matches(|c: char| !c.is_alphanumeric())
            .replace(['\'', '’'], "");
        let is_of_text = OF_TEXT.contains(&*stem(&plain));
        let is_telling = !is_of_text && concepts(word).iter().any(Concept::says_something);
        let ends_sentence = word.ends_with(['.', '?', '!']);
        (!plain.is_empty()).then_some(Self { plain, ends_sentence, is_telling, is_of_text })
    }

    fn is(&self, word: &str) -> bool {
        self.plain == word
    }

    fn is_among(&self, words: &str) -> bool {
        among(words, &self.plain)
    }
}

/// Whether a word is one of these, which stand between spaces.
fn among(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == word)
}

#[cfg(test)]
mod tests;
