//! What a question asks for.

use askbook::concept::{Concept, concepts};
use askbook::definition::Subject;
use askbook::prompt::Prompt;
use askbook::search::Query;
use askbook::session::Role;

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

/// A question, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inquiry {
    /// The words that an answer has to be about, each once.
    pub(crate) concepts: Vec<Concept>,
    /// Words of what the question speaks of without naming it, such as the selected text, or else
    /// of the question before: they help to choose between sentences, but an answer may do without
    /// them.
    pub(crate) context: Vec<Concept>,
    /// The kind of answer.
    pub(crate) wants: Wants,
    /// What is to be defined; none when the question asks for something else.
    pub(crate) subject: Option<Subject>,
    /// Whether something is not as expected ("why isn't it").
    pub(crate) negated: bool,
}

impl Inquiry {
    /// Reads the question of a prompt. One without words of its own ("what is this?") is about
    /// what the reader selected or, failing that, the page, or what was asked before.
    pub(crate) fn read(prompt: &Prompt) -> Self {
        let question = prompt.asked();
        let standalone = prompt.standalone.as_deref();
        let wording = Query { question: &prompt.question, standalone }.wording();
        let mut asked = concepts(wording.asked);
        let before = prompt.history.iter().rev().find(|turn| turn.role == Role::Reader);
        let around = wording.context.as_deref().or(prompt.question.selected_text());
        let around = around.or(before.map(|turn| turn.text.as_str()));
        let mut context = concepts(around.unwrap_or_default());
        if !asked.iter().any(Concept::says_something) && !context.is_empty() {
            std::mem::swap(&mut asked, &mut context);
        }
        Self {
            concepts: asked,
            context,
            wants: Wants::read(question),
            subject: Subject::of(question),
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

/// Whether a text says that something is not so.
pub(crate) fn is_negated(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’')).any(|word| {
        let word = word.to_lowercase().replace('’', "'");
        word.ends_with("n't")
            || ["not", "no", "never", "cannot", "without", "nothing"].contains(&word.as_str())
    })
}
