//! Phrases: how a question is worded, and what it needs beside it to be understood.
//!
//! The rules are for English as people type it, without care for capitals and apostrophes. They
//! are wrong now and then, and rather so that a question is taken to need its conversation: that
//! costs a call, the other error costs the answer.

use crate::concept::{Concept, concepts};
use crate::text::{is_stop_word, stem, tokens};

/// A text in another language, or one that does not begin like a question, says all that it
/// means when it is this long, in tokens.
const LONG: usize = 20;

/// What people say before they say something.
const FILLERS: &[&str] = &[
    "ah", "alright", "cool", "great", "hello", "hey", "hi", "hm", "hmm", "nice", "oh", "ok",
    "okay", "perfect", "please", "pls", "right", "sorry", "thank", "thanks", "thx", "um", "well",
];

/// Beginnings of what goes on with something.
const ONWARD: &[&str] = &[
    "also",
    "and",
    "because",
    "but",
    "instead",
    "no",
    "nope",
    "not",
    "or",
    "otherwise",
    "plus",
    "same",
    "so",
    "then",
    "versus",
    "vs",
    "yeah",
    "yep",
    "yes",
];

/// The same in two words.
const ONWARD_PAIRS: &[(&str, &str)] = &[("how", "about"), ("what", "about"), ("what", "if")];

/// Beginnings of a question, or of a request for an answer.
const OPENINGS: &[&str] = &[
    "am",
    "are",
    "can",
    "compare",
    "could",
    "define",
    "describe",
    "did",
    "do",
    "does",
    "explain",
    "give",
    "has",
    "have",
    "how",
    "hows",
    "is",
    "list",
    "may",
    "must",
    "shall",
    "should",
    "show",
    "summarise",
    "summarize",
    "tell",
    "was",
    "were",
    "what",
    "whats",
    "when",
    "where",
    "wheres",
    "which",
    "who",
    "whos",
    "whose",
    "why",
    "will",
    "would",
];

/// Words for something that was named before.
const POINTERS: &[&str] = &["here", "it", "these", "they", "them", "their", "this", "those"];

/// Words that tell something from what was named before, or take it up.
const COMPARISONS: &[&str] = &[
    "again",
    "another",
    "else",
    "former",
    "instead",
    "latter",
    "neither",
    "one",
    "ones",
    "opposite",
    "other",
    "others",
    "otherwise",
    "previous",
    "same",
];

/// Words behind which "that" stands for something, and joins nothing.
const BEFORE_THAT: &[&str] = &[
    "about", "after", "are", "at", "before", "by", "can", "change", "did", "do", "does", "doing",
    "for", "from", "get", "has", "have", "if", "in", "is", "like", "need", "of", "on", "set",
    "than", "to", "try", "use", "was", "why", "will", "with", "without", "would",
];

/// Judgements that "it is" begins to speak about, as in "is it safe to".
const JUDGEMENTS: &[&str] = &[
    "allowed",
    "bad",
    "better",
    "fine",
    "good",
    "necessary",
    "ok",
    "okay",
    "possible",
    "recommended",
    "required",
    "safe",
    "worth",
];

/// Words at which a new part of a sentence begins.
const JOINTS: &[&str] = &[
    "after", "and", "because", "before", "but", "if", "once", "or", "so", "that", "then", "though",
    "until", "when", "which", "while",
];

/// Words that announce a thing.
const ARTICLES: &[&str] = &["a", "an", "my", "our", "some", "the", "two", "your"];

/// Stems of words for a text, its parts, and what a reader may want done with it.
const OF_TEXT: &[&str] = &[
    "articl",
    "block",
    "chapter",
    "code",
    "describ",
    "explain",
    "highlight",
    "line",
    "overview",
    "page",
    "paragraph",
    "passag",
    "rephras",
    "section",
    "select",
    "sentenc",
    "simplifi",
    "snippet",
    "summar",
    "summari",
    "summaris",
    "text",
    "tldr",
    "translat",
];

/// A question as it is worded.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    words: Vec<Word>,
    is_long: bool,
}

#[derive(Clone, Debug)]
struct Word {
    /// In lower case, without punctuation and what an apostrophe has joined to a pronoun.
    plain: String,
    ends_clause: bool,
    ends_sentence: bool,
    /// Says something, and speaks of no text as such.
    is_telling: bool,
    is_of_text: bool,
    /// Written like a name.
    is_name: bool,
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
        !self.goes_on() && sentences.any(|words| self.sentence(words).is_whole())
    }

    fn sentence(&self, words: &[Word]) -> Self {
        Self { words: words.to_vec(), is_long: self.is_long }
    }

    fn is_whole(&self) -> bool {
        !(self.compares() || (self.points() && !self.speaks_of_its_text()) || self.is_elliptic())
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
    fn speaks_of_its_text(&self) -> bool {
        self.words.windows(2).any(|pair| pair[0].is("this") && pair[1].is_of_text)
    }

    fn telling(&self) -> usize {
        self.words.iter().filter(|word| word.is_telling).count()
    }

    fn goes_on(&self) -> bool {
        let word = |at: usize| self.words.get(at).map_or("", |word| word.plain.as_str());
        ONWARD.contains(&word(0)) || ONWARD_PAIRS.contains(&(word(0), word(1)))
    }

    fn compares(&self) -> bool {
        let leans = |at: usize, word: &Word| match word.plain.as_str() {
            // "More than one" and "one store" count.
            "one" => !self.is_number(at),
            "other" | "another" => !self.words.get(at + 1).is_some_and(|next| next.is_telling),
            "instead" => !self.words.get(at + 1).is_some_and(|next| next.is("of")),
            plain => COMPARISONS.contains(&plain),
        };
        self.words.iter().enumerate().any(|(at, word)| leans(at, word))
            || self.words.last().is_some_and(|last| last.is_among(&["own", "too"]))
    }

    /// Whether "one" stands before the thing that it counts, or behind "than".
    fn is_number(&self, at: usize) -> bool {
        let is_counting = |next: &Word| !is_stop_word(&next.plain);
        self.words.get(at + 1).is_some_and(is_counting)
            || at.checked_sub(1).is_some_and(|before| self.words[before].is_among(&["than", "at"]))
    }

    fn points_at(&self, at: usize) -> bool {
        let word = &self.words[at];
        let before = at.checked_sub(1).map(|before| &self.words[before]);
        let after = self.words.get(at + 1).filter(|_| !word.ends_clause);
        let points = match word.plain.as_str() {
            "that" => after.is_none_or(|after| {
                let joins = after.is_among(&["i", "they", "we", "you"]);
                !joins && before.is_none_or(|before| before.is_among(BEFORE_THAT))
            }),
            "there" => {
                let is = |word: &Word| word.is_among(&["any", "are", "be", "is", "was", "were"]);
                !before.is_some_and(is) && !after.is_some_and(is)
            }
            "it" => !after.is_some_and(|after| after.is_among(JUDGEMENTS)),
            plain => POINTERS.contains(&plain),
        };
        points && !self.is_named_before(at)
    }

    /// Whether an earlier part of the sentence names what a word may stand for.
    fn is_named_before(&self, at: usize) -> bool {
        let mut is_apart = false;
        for earlier in (0..at).rev() {
            let word = &self.words[earlier];
            is_apart |= word.ends_clause || word.is_among(JOINTS);
            let is_announced =
                earlier.checked_sub(1).is_some_and(|before| self.words[before].is_among(ARTICLES));
            if is_apart && word.is_telling && (word.is_name || is_announced) {
                return true;
            }
        }
        false
    }

    /// Whether it is but a part of a question: too few words for a whole one, or, unless it is
    /// long, no beginning of one.
    fn is_elliptic(&self) -> bool {
        let Some(first) = self.words.first() else { return true };
        let is_question = first.is_among(OPENINGS);
        if !is_question && !self.is_long {
            return true;
        }
        match self.telling() {
            0 => !self.speaks_of_its_text(),
            // "why typescript", "what is the default".
            1 => self.words.len() < 3 || self.asks_for_an_attribute(),
            _ => false,
        }
    }

    fn asks_for_an_attribute(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(|word| word.plain.as_str()).collect();
        let rest = match words.as_slice() {
            ["what" | "where" | "which", "is" | "are", rest @ ..]
            | ["whats" | "wheres", rest @ ..] => rest,
            _ => return false,
        };
        rest.first() == Some(&"the") && rest.len() < 3
    }
}

impl Word {
    fn read(word: &str) -> Option<Self> {
        let plain: String = word
            .to_lowercase()
            .trim_matches(|c: char| !c.is_alphanumeric())
            .replace(['\'', '’'], "");
        let plain = match plain.as_str() {
            "its" | "itll" | "itd" => "it".to_owned(),
            "thats" | "thatll" => "that".to_owned(),
            "theyre" => "they".to_owned(),
            _ => plain,
        };
        let is_of_text = OF_TEXT.contains(&stem(&plain).as_str());
        let concept = concepts(word).into_iter().find(Concept::says_something);
        (!plain.is_empty()).then(|| Self {
            ends_clause: word.ends_with([',', '.', ';', ':', '?', '!']),
            ends_sentence: word.ends_with(['.', '?', '!']),
            is_telling: concept.is_some() && !is_of_text,
            is_of_text,
            is_name: concept.is_some_and(|concept| concept.salience() > 1.0),
            plain,
        })
    }

    fn is(&self, word: &str) -> bool {
        self.plain == word
    }

    fn is_among(&self, words: &[&str]) -> bool {
        words.contains(&self.plain.as_str())
    }
}

#[cfg(test)]
mod tests;
