//! What a question asks for.

use std::collections::{BTreeSet, HashSet};

use askbook::prompt::Prompt;
use askbook::session::Role;
use askbook::text::terms;

/// The kind of answer that a question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A way to do something: steps, code.
    Way,
    /// What something is.
    Definition,
    /// Why something is so.
    Reason,
    /// A number or a quantity.
    Amount,
    /// Yes or no.
    Decision,
    /// None of these.
    Anything,
}

/// A word of the question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Concept {
    /// The term for the whole word.
    whole: String,
    /// The terms for its parts, when it is an identifier.
    parts: Vec<String>,
    /// How much the word says by itself: little for "use", much for a name.
    pub(crate) salience: f64,
}

/// A question, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inquiry {
    /// The words that an answer has to be about, each once.
    pub(crate) concepts: Vec<Concept>,
    /// Words of the selected text and of the question before: they help to choose between
    /// sentences, but an answer may do without them.
    pub(crate) context: Vec<Concept>,
    /// The kind of answer.
    pub(crate) wants: Wants,
    /// The terms of what is to be defined; none when the question asks for something else.
    pub(crate) subject: BTreeSet<String>,
    /// Whether something is not as expected ("why isn't it").
    pub(crate) negated: bool,
}

impl Inquiry {
    /// Reads the question of a prompt. One without words of its own ("what is this?") is about
    /// what the reader selected or, failing that, asked before.
    pub(crate) fn read(prompt: &Prompt) -> Self {
        let question = prompt.question.text();
        let mut concepts = concepts(question);
        let before = prompt.history.iter().rev().find(|turn| turn.role == Role::Reader);
        let around = prompt.question.selected_text().or(before.map(|turn| turn.text.as_str()));
        let mut context = self::concepts(around.unwrap_or_default());
        if !concepts.iter().any(Concept::says_something) && !context.is_empty() {
            std::mem::swap(&mut concepts, &mut context);
        }
        Self {
            concepts,
            context,
            wants: Wants::read(question),
            subject: subject(question),
            negated: is_negated(question),
        }
    }
}

impl Wants {
    fn read(question: &str) -> Self {
        let words: Vec<String> = question
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let asks = |phrase: &[&str]| words.windows(phrase.len()).any(|window| window == phrase);
        let first = words.first().copied().unwrap_or_default();
        if ["many", "much", "long", "often", "big", "large"].iter().any(|of| asks(&["how", of])) {
            return Self::Amount;
        }
        match first {
            "why" => Self::Reason,
            "how" => Self::Way,
            "can" | "could" | "do" | "does" | "did" | "is" | "are" | "must" | "should" | "will"
            | "may" | "has" | "have" => Self::Decision,
            "what" if asks(&["what", "is"]) || asks(&["what", "are"]) || asks(&["mean"]) => {
                Self::Definition
            }
            "what's" | "whats" | "define" | "explain" => Self::Definition,
            _ if asks(&["how"]) || asks(&["what", "do", "i", "do"]) => Self::Way,
            _ if asks(&["why"]) => Self::Reason,
            _ => Self::Anything,
        }
    }
}

impl Concept {
    /// How much of the word is among these terms, from 0 to 1. A word that begins like another
    /// one counts in part (`async` and `asynchronous`), and so do the parts of an identifier.
    pub(crate) fn share_in(&self, terms: &HashSet<String>) -> f64 {
        if terms.contains(&self.whole) {
            return 1.0;
        }
        if !self.parts.is_empty() {
            let found = self.parts.iter().filter(|part| terms.contains(*part)).count();
            let weight = if found == self.parts.len() { 0.8 } else { 0.3 };
            return weight * ratio(found, self.parts.len());
        }
        let begins = |a: &str, b: &str| b.chars().count() >= 5 && a.starts_with(b);
        let related = |term: &String| begins(term, &self.whole) || begins(&self.whole, term);
        if terms.iter().any(related) { 0.6 } else { 0.0 }
    }

    /// Whether this term is the word itself.
    pub(crate) fn is(&self, term: &str) -> bool {
        self.whole == term
    }

    /// Whether the word says what the question is after.
    pub(crate) fn says_something(&self) -> bool {
        self.salience >= 1.0
    }
}

/// What a question asks to define: the terms behind "what is", "what's" or "define".
fn subject(question: &str) -> BTreeSet<String> {
    const OPENINGS: [&str; 9] = [
        "what is ",
        "what are ",
        "what's ",
        "what’s ",
        "whats ",
        "define ",
        "explain ",
        "what does ",
        "what do ",
    ];
    let question = question.trim().to_lowercase();
    let Some((opening, rest)) =
        OPENINGS.iter().find_map(|opening| Some((*opening, question.strip_prefix(opening)?)))
    else {
        return BTreeSet::new();
    };
    let rest = rest.trim_end_matches(|c: char| !c.is_alphanumeric());
    let meant = if opening.contains(" do") { rest.strip_suffix(" mean") } else { Some(rest) };
    meant.into_iter().flat_map(terms).collect()
}

/// Whether a text says that something is not so.
pub(crate) fn is_negated(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’')).any(|word| {
        let word = word.to_lowercase().replace('’', "'");
        word.ends_with("n't")
            || ["not", "no", "never", "cannot", "without", "nothing"].contains(&word.as_str())
    })
}

#[expect(clippy::cast_precision_loss, reason = "numbers of words are small")]
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// More words of a question are not read.
const CONCEPTS: usize = 64;

fn concepts(text: &str) -> Vec<Concept> {
    let mut concepts: Vec<Concept> = Vec::new();
    let mut sentence_start = true;
    for word in text.split_whitespace() {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_name = word.starts_with('`') || is_name(plain, sentence_start);
        sentence_start = word.ends_with(['.', '?', '!', ':']);
        let mut words = terms(word);
        let identifier = words.len() > 1 && words[0] == plain.to_lowercase();
        let parts = if identifier { words.split_off(1) } else { Vec::new() };
        for whole in words {
            let salience = if VAGUE.split(' ').any(|vague| vague == whole) {
                0.125
            } else if is_name {
                1.4
            } else {
                1.0
            };
            if concepts.len() < CONCEPTS && !concepts.iter().any(|known| known.is(&whole)) {
                concepts.push(Concept { whole, parts: parts.clone(), salience });
            }
        }
    }
    concepts
}

/// Whether a word is written like a name: with an upper-case letter that no sentence asks for,
/// or with a digit among letters.
fn is_name(word: &str, sentence_start: bool) -> bool {
    let upper = |c: char| c.is_uppercase();
    let inner = word.chars().skip(1).any(upper);
    let letters = word.chars().any(char::is_alphabetic);
    let digits = word.chars().any(|c| c.is_ascii_digit());
    inner || (!sentence_start && word.starts_with(upper)) || (letters && digits)
}

/// Stems of words that readers frame questions with and that hardly say what they are after.
const VAGUE: &str = "\
    abl accord actual allow alreadi altern alway answer anyth app applic ask aspect bad base \
    best better book build call case chang choos come compar consid correct creat deal decid \
    defin describ determin differ doc document easi els enabl exact exampl explain factor find \
    follow get give go good handl happen help import improv includ instead involv keep key kind \
    know learn let like list long look lot made main major make mani manual may mean mention might more \
    most much multipl must my need new now number offer one order own part perform place possibl problem \
    project proper provid purpos put question quick readi realli recommend relat requir right \
    run say see set show someth sort specif specifi start step support sure take thing three tip tri two \
    type up us usag use user various want way whether while within without work wrong yet";
