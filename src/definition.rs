//! Definitions: what a question asks to define, and the sentences that do.

use std::collections::{BTreeSet, HashSet};

use crate::text::{seen_terms, terms};

/// What a question asks to define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(BTreeSet<String>);

impl Subject {
    /// The subject of a question: what stands behind "what is", "what's" or "define". `None` when
    /// it asks for something else.
    pub fn of(question: &str) -> Option<Self> {
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
        let (opening, rest) = OPENINGS
            .iter()
            .find_map(|opening| Some((*opening, question.strip_prefix(opening)?)))?;
        let rest = rest.trim_end_matches(|c: char| !c.is_alphanumeric());
        let meant = if opening.contains(" do") { rest.strip_suffix(" mean")? } else { rest };
        let subject: BTreeSet<String> = terms(meant).into_iter().collect();
        (!subject.is_empty()).then_some(Self(subject))
    }

    /// Whether these terms are the subject and no more.
    pub fn is(&self, terms: &HashSet<String>) -> bool {
        terms.len() == self.0.len() && self.0.iter().all(|term| terms.contains(term))
    }

    /// Whether a sentence says of just the subject what it is: "an X is a ...", "**X** are ...",
    /// "the term X means ...".
    pub fn is_defined_by(&self, sentence: &str) -> bool {
        const VERBS: [&str; 10] = [
            " is a ",
            " is an ",
            " is the ",
            " is one ",
            " is any ",
            " are ",
            " means ",
            " refers to ",
            " stands for ",
            " is, ",
        ];
        const HAPPENINGS: [&str; 5] = ["ed", "en", "ing", "ly", "not"];
        let plain = sentence.to_lowercase().replace(['*', '_'], "");
        !tells_a_case(&plain)
            && VERBS.iter().any(|verb| {
                let Some((subject, rest)) = plain.split_once(verb) else { return false };
                let subject = ["the term ", "the word ", "the name "]
                    .iter()
                    .find_map(|name| subject.strip_prefix(name))
                    .unwrap_or(subject);
                let next = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                let is_noun = *verb != " are " || !HAPPENINGS.iter().any(|end| next.ends_with(end));
                is_noun && self.is(&seen_terms(subject))
            })
    }
}

/// Whether a lower-case sentence begins with when, how or why its subject is something, which
/// does not say what the subject is.
pub fn tells_a_case(sentence: &str) -> bool {
    const FIRST: [&str; 8] = ["as", "how", "if", "once", "when", "where", "while", "why"];
    sentence.split_whitespace().next().is_some_and(|word| FIRST.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_of_a_definition_is_what_it_asks_for() {
        let subject = |question| Subject::of(question).map(|subject| subject.0);
        let lantern = Some(BTreeSet::from(["lantern".to_owned()]));
        for question in
            ["What is a lantern?", "whats a lantern", "define lantern", "What does lantern mean?"]
        {
            assert_eq!(subject(question), lantern, "{question}");
        }
        for question in ["How do I light a lantern?", "What does a lantern cost?", "What is it?"] {
            assert_eq!(subject(question), None, "{question}");
        }
    }

    #[test]
    fn a_definition_says_of_just_the_subject_what_it_is() {
        let subject = Subject::of("What is a lantern?").expect("a subject");
        for sentence in
            ["A **lantern** is a lamp.", "Lanterns are lamps.", "The term lantern means a lamp."]
        {
            assert!(subject.is_defined_by(sentence), "{sentence}");
        }
        for sentence in [
            "A lantern maker is a person.",
            "When a lantern is a lamp, it burns.",
            "Lanterns are cleaned.",
            "Light a lantern.",
        ] {
            assert!(!subject.is_defined_by(sentence), "{sentence}");
        }
    }
}
