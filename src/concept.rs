//! The words of a question: what each says by itself, and how much of it a text holds.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::text::terms;

/// More words of a question are not read.
const MOST: usize = 64;

/// The share that counts as found of a word when a text has another word that begins like it.
const RELATED: f64 = 0.6;

/// A word of the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Concept {
    /// The term for the whole word.
    whole: String,
    /// The terms for its parts, when it is an identifier.
    parts: Vec<String>,
    salience: f64,
}

impl Concept {
    /// The term for the whole word.
    pub fn whole(&self) -> &str {
        &self.whole
    }

    /// The terms for the whole word and for its parts.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.whole()).chain(self.parts.iter().map(String::as_str))
    }

    /// How much the word says by itself: little for "use", much for a name.
    pub fn salience(&self) -> f64 {
        self.salience
    }

    /// Whether the word says what the question is after.
    pub fn says_something(&self) -> bool {
        self.salience >= 1.0
    }

    /// How much of the word is among these terms, from 0 to 1. A word that begins like another
    /// one counts in part (`async` and `asynchronous`), and so do the parts of an identifier.
    pub fn share_in(&self, terms: &HashSet<String>) -> f64 {
        let is_related = || terms.iter().any(|term| are_related(term, &self.whole));
        self.share(|term| terms.contains(term), is_related)
    }

    /// The same of a text that is known by whether it has a term, and a word related to this one.
    pub(crate) fn share(
        &self,
        has: impl Fn(&str) -> bool,
        is_related: impl FnOnce() -> bool,
    ) -> f64 {
        if has(&self.whole) {
            return 1.0;
        }
        if self.parts.is_empty() {
            return if is_related() { RELATED } else { 0.0 };
        }
        let found = self.parts.iter().filter(|part| has(part)).count();
        let weight = if found == self.parts.len() { 0.8 } else { 0.3 };
        weight * ratio(found, self.parts.len())
    }
}

/// Whether two terms are different words that begin alike: the shorter one, of five letters or
/// more, begins the longer one.
pub(crate) fn are_related(one: &str, other: &str) -> bool {
    const LETTERS: usize = 5;
    let begins = |long: &str, short: &str| {
        long.starts_with(short) && short.char_indices().nth(LETTERS - 1).is_some()
    };
    begins(one, other) || begins(other, one)
}

/// A part of a whole as a share of it, 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "numbers of words are small")]
pub fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The words of a question that an answer has to be about, each once, in order.
pub fn concepts(question: &str) -> Vec<Concept> {
    let mut concepts: Vec<Concept> = Vec::new();
    let mut sentence_start = true;
    for word in question.split_whitespace() {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_name = word.starts_with('`') || is_name(plain, sentence_start);
        sentence_start = word.ends_with(['.', '?', '!', ':']);
        let mut words = terms(word);
        let identifier = words.len() > 1 && words[0] == plain.to_lowercase();
        let parts = if identifier { words.split_off(1) } else { Vec::new() };
        for whole in words {
            let salience = if is_vague(&whole) {
                0.125
            } else if is_name {
                1.4
            } else {
                1.0
            };
            if concepts.len() < MOST && !concepts.iter().any(|known| known.whole == whole) {
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

/// Whether this stem hardly says what a question is after: of a word that readers frame questions
/// with, of a common verb or adjective, or a single letter.
fn is_vague(stem: &str) -> bool {
    let is_letter = stem.len() == 1 && stem.starts_with(|c: char| c.is_ascii_alphabetic());
    is_letter || VAGUE.contains(stem)
}

static VAGUE: LazyLock<HashSet<&str>> = LazyLock::new(|| VAGUE_STEMS.split(' ').collect());

const VAGUE_STEMS: &str = "\
    abl accept accord achiev act actual admit affect after again ago agre ahead allow almost along \
    alreadi altern although alway amount anoth answer anybodi anyon anyth app appear appli applic \
    arent around arrang arriv ask aspect assum avoid away back bad base be beat becaus becom befor \
    begin behind believ below best better beyond big bit black blow book both break bright bring \
    build buy call came cant care carri case catch caus chang cheap check choos claim clash clean \
    clear clever climb close cold collect come common compar complet complex consid contain cool \
    correct cost count cover creat cri cross cut damag danger dark day dead deal decid deep defin \
    depend describ desir destroy determin didnt die differ difficult dirti disappear discov \
    discuss doc document doesnt dont draw dream dri drink drive drop dumb dure e.g each earli easi \
    eat either els empti enabl end enjoy enough enter entir equal especi etc ever everi everybodi \
    everyon everyth exact exampl except exist expect expens experi explain express extend face \
    fact factor fail fall fals famous far fast fat feed feel few fight fill find fine finish fit \
    fix flat fli follow forc forget fresh front full funni further gain general get give go goe \
    gone good got great grow guy hand handl hang happen happi hard hate have heavi help here hey \
    hi hide high hint hit hold hope hot hour huge hurt i.e idea identifi ignor im imagin import \
    improv in includ increas instead insteadof intend introduc invent involv ish isnt job join \
    jump keep key kick kill kind knock know larg last late later laugh lay lazi lead learn least \
    left less let lie life lift light like list littl live long look lose lot loud love low lucki \
    made main major make manag mani manual mark matter may mayb mean measur meet mention mess \
    middl might mind mine minut miss mix modern moment month more most much multipl must my myself \
    narrow near nearli neat need never new next nice nobodi normal noth notic now number obtain \
    occur odd off offer often ok okay old onc one onli onto open order other otherwis out over own \
    part pass past pay peopl perfect perform person pick piec place plain pleas plus point poor \
    popular possibl prefer prepar press pretti prevent previous prior probabl problem produc \
    project promis proper protect prove provid pull purpos push put question quick quiet rais rare \
    rather raw reach readi real realiz realli reason receiv recent recogn recommend red refer \
    reflect refus regard relat remain repeat repli report repres requir rest reveal rich rid ride \
    right ring rise roll rough run sad safe said same save say second see seek seem seen sell send \
    sens sensibl separ serious serv set settl sever shake share sharp shoot short shout show shut \
    sick side silli similar simpl sinc singl sit sleep slow small smart smile smooth soft solv \
    someon someth sometim somewhat somewher soon sort speak special specif specifi spend split \
    spread stale stand start stay steadi steal step stick still stop strang strike strong struggl \
    studi stuff stupid succeed such sudden suffer suggest suppli support suppos sure surpris \
    surviv swap sweet take talk tall teach tear tell tend terribl thank that thats thick thin \
    thing think third though three through throw thu tight till time tini tip to today togeth told \
    too touch toward tri trick troubl trust two type ugli under understand until unusu up upon us \
    usag use useless user usual vari various veri visit vote vs wait walk want warm wash wast \
    watch way weak wear week weird went were wet what whatev whats whatsoev wherea wherev whether \
    whi while whole whom whose wide wild will win wipe wish within without won wonder wont word \
    work worri worth would wow wrong year yes yesterday yet young";

#[cfg(test)]
mod tests {
    use super::*;

    fn share(word: &str, text: &str) -> f64 {
        concepts(word)[0].share_in(&terms(text).into_iter().collect())
    }

    #[test]
    fn each_word_that_says_something_is_a_concept_once_and_names_say_more() {
        let concepts = concepts("How do I use the Widget? widgets, `port` and getting v2");
        let salience = |whole: &str| {
            let found = concepts.iter().filter(|concept| concept.whole() == whole);
            found.map(Concept::salience).collect::<Vec<_>>()
        };
        assert_eq!(salience("widget"), [1.4]);
        assert_eq!(salience("port"), [1.4]);
        assert_eq!(salience("use"), [0.125]);
        assert!(salience("how").is_empty());
    }

    #[test]
    fn an_identifier_is_one_concept_with_parts() {
        let concepts = concepts("createSlice?");
        assert_eq!(concepts.len(), 1);
        assert_eq!((concepts[0].whole(), concepts[0].parts.len()), ("createslice", 2));
    }

    #[test]
    fn a_whole_word_counts_more_than_all_its_parts_and_those_more_than_one() {
        assert!((share("createSlice", "createSlice") - 1.0).abs() < 1e-9);
        assert!(share("createSlice", "create a slice") > 0.5);
        assert!(share("createSlice", "a slice") < 0.5);
        assert!(share("async", "asynchronous") > 0.5);
        assert!(share("port", "portable").abs() < 1e-9);
    }
}
