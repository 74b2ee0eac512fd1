//! Which sections answer a question, and which of their units.
//!
//! All of it is overlap of words, weighed: a word of the question counts by what it says itself
//! and by its rarity among the passages at hand. What else has a say stands in
//! [`Section::score_candidates`] for units and in [`Section::merit`] for sections. Whether the
//! passages can answer at all has been judged before they come here (`askbook::evidence`).

use std::collections::HashSet;

use askbook::concept::{Concept, ratio};
use askbook::definition::tells_a_case;
use askbook::passage::Hit;
use askbook::text::{Unit, UnitKind, seen_terms, units};

use crate::question::{Inquiry, Wants, is_negated};

/// A second section is quoted too when it holds this much more of the question...
const SECOND_GAIN: f64 = 0.2;
/// ...and answers nearly as well as the best one.
const SECOND_MERIT: f64 = 0.8;
/// Longer code is not quoted, in lines.
pub(crate) const CODE_LINES: usize = 25;

/// What a text holds of a question: of each of its concepts a share, from 0 to 1.
#[derive(Clone, Debug)]
struct Shares {
    asked: Vec<f64>,
    context: Vec<f64>,
}

impl Shares {
    fn of(terms: &HashSet<String>, inquiry: &Inquiry) -> Self {
        let of =
            |concepts: &[Concept]| concepts.iter().map(|concept| concept.share_in(terms)).collect();
        Self { asked: of(&inquiry.concepts), context: of(&inquiry.context) }
    }
}

/// What a text holds of what is asked, and how far what it says is to be trusted, from 0 to 1.
type Testimony<'a> = (&'a [f64], f64);

/// A unit of a passage with what speaks for it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The unit.
    pub(crate) unit: Unit,
    /// How well it answers; comparable within one question, 0 for what is never quoted alone.
    pub(crate) score: f64,
    /// How many terms it has.
    length: usize,
    shares: Shares,
}

/// A passage, read for one question.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// The number by which it is cited.
    pub(crate) number: usize,
    /// Its units, in order.
    pub(crate) candidates: Vec<Candidate>,
    /// How well it answers; comparable within one question.
    merit: f64,
    /// The terms of its heading...
    heading: HashSet<String>,
    /// ...what they hold, and what those of all headings that lead to it do.
    heading_shares: Shares,
    trail_shares: Shares,
    /// Whether its heading says that something is not so.
    negated: bool,
}

/// The sections to answer from, best first, one or two of them: none when no unit answers.
pub(crate) fn best_sections(inquiry: &Inquiry, passages: &[Hit]) -> Vec<Section> {
    let mut sections: Vec<Section> =
        (1..).zip(passages).map(|(number, hit)| Section::read(number, hit, inquiry)).collect();
    let weights = Weights::over(&sections, inquiry);
    for section in &mut sections {
        section.score_candidates(inquiry, &weights);
        section.merit = section.merit(inquiry, &weights);
    }
    sections.retain(|section| section.best_score() > 0.0);
    sections.sort_by(|a, b| b.merit.total_cmp(&a.merit));
    let Some(best) = sections.first() else { return sections };
    let helps = |second: &Section| {
        let gain = weights.covered_by(best.testimony().chain(second.testimony()))
            - weights.covered_by(best.testimony());
        gain >= SECOND_GAIN && second.merit >= SECOND_MERIT * best.merit
    };
    let count = if sections.get(1).is_some_and(helps) { 2 } else { 1 };
    sections.truncate(count);
    sections
}

/// How much each concept of the question counts: its salience times its rarity among the units
/// at hand (inverse document frequency), most for what none of them has.
struct Weights {
    asked: Vec<f64>,
    context: Vec<f64>,
}

impl Weights {
    fn over(sections: &[Section], inquiry: &Inquiry) -> Self {
        let texts: Vec<&Shares> = sections
            .iter()
            .flat_map(|section| {
                let units = section.candidates.iter().map(|candidate| &candidate.shares);
                units.chain([&section.heading_shares])
            })
            .collect();
        let weigh = |concepts: &[Concept], shares: fn(&Shares) -> &[f64]| {
            let weight = |(at, concept): (usize, &Concept)| {
                let found = texts.iter().filter(|text| shares(text)[at] > 0.5).count();
                let rarity = (1.0 + ratio(2 * texts.len(), 1 + 2 * found)).ln();
                let rarity = if concept.says_something() { rarity } else { 1.0 };
                concept.salience() * rarity
            };
            concepts.iter().enumerate().map(weight).collect()
        };
        Self {
            asked: weigh(&inquiry.concepts, |shares| &shares.asked),
            context: weigh(&inquiry.context, |shares| &shares.context),
        }
    }

    /// The share of what is asked, by weight, that these texts hold together.
    fn covered_by<'t>(&self, texts: impl IntoIterator<Item = Testimony<'t>>) -> f64 {
        share(&self.asked, texts)
    }
}

fn share<'t>(weights: &[f64], texts: impl IntoIterator<Item = Testimony<'t>>) -> f64 {
    let mut best = vec![0.0; weights.len()];
    for (shares, trust) in texts {
        for (best, share) in best.iter_mut().zip(shares) {
            *best = f64::max(*best, trust * share);
        }
    }
    let total: f64 = weights.iter().sum();
    let found: f64 = weights.iter().zip(best).map(|(weight, best)| weight * best).sum();
    if total > 0.0 { found / total } else { 0.0 }
}

impl Section {
    fn read(number: usize, hit: &Hit, inquiry: &Inquiry) -> Self {
        let passage = &hit.passage;
        let candidate = |unit: Unit| {
            let terms = seen_terms(&unit.text);
            let (length, shares) = (terms.len(), Shares::of(&terms, inquiry));
            Candidate { unit, score: 0.0, length, shares }
        };
        let heading_text = passage.section().unwrap_or(&passage.title);
        let heading = seen_terms(heading_text);
        Self {
            number,
            candidates: units(&passage.text).into_iter().map(candidate).collect(),
            merit: 0.0,
            heading_shares: Shares::of(&heading, inquiry),
            heading,
            trail_shares: Shares::of(&seen_terms(&passage.breadcrumb()), inquiry),
            negated: is_negated(heading_text),
        }
    }

    fn score_candidates(&mut self, inquiry: &Inquiry, weights: &Weights) {
        let heading: Testimony<'_> = (&self.heading_shares.asked, 1.0);
        let asked_in_heading = weights.covered_by([heading]);
        let is_prose = |candidate: &Candidate| candidate.unit.kind == UnitKind::Sentence;
        let first = self.candidates.iter().position(is_prose).unwrap_or_default();
        let is_asked = is_subject(&self.heading, inquiry);
        let goals = self.learning_goals();
        for (at, candidate) in self.candidates.iter_mut().enumerate() {
            let Candidate { unit, score, length, shares } = candidate;
            if *length == 0 || goals.contains(&unit.block) {
                continue;
            }
            // What it says itself, half of what its heading adds, a little of the context.
            let said: Testimony<'_> = (&shares.asked, 1.0);
            let own = weights.covered_by([said]);
            let under_heading = weights.covered_by([said, heading]);
            let context = share(&weights.context, [(&*shares.context, 1.0)]);
            let subject = f64::midpoint(own, under_heading) + 0.2 * context;
            // Of two units that hold the same the shorter one says it more clearly.
            let brevity = 1.0 / (1.0 + ratio(*length, 60));
            // A section says what it is about first, and more so when its heading is asked for.
            let position = match at.checked_sub(first) {
                Some(0) if is_asked => 2.3,
                Some(0) => 1.3 + 0.5 * asked_in_heading,
                Some(1) => 1.15,
                _ => 1.0,
            };
            *score = subject * brevity * position * fitness(unit, inquiry) * substance(unit);
        }
    }

    /// The blocks that say what a reader will learn or has to know, and so nothing about it.
    fn learning_goals(&self) -> HashSet<usize> {
        let units = self.candidates.iter().map(|candidate| &candidate.unit);
        let pairs = units.clone().zip(units.skip(1));
        let goals = pairs.filter(|(before, unit)| {
            let text = before.text.to_lowercase();
            (before.kind == UnitKind::Heading || text.ends_with(':'))
                && before.block != unit.block
                && !unit.marker.is_empty()
                && (text.contains("learn") || text.contains("prerequisite"))
        });
        goals.flat_map(|(before, unit)| [before.block, unit.block]).collect()
    }

    /// How well the section answers: what it holds of the question, what its best unit holds,
    /// whether its heading asks the same question, and the retriever's opinion.
    fn merit(&self, inquiry: &Inquiry, weights: &Weights) -> f64 {
        let asked =
            |term: &&String| inquiry.concepts.iter().any(|concept| concept.whole() == *term);
        let shared = ratio(self.heading.iter().filter(asked).count(), self.heading.len());
        let agreement = match (inquiry.negated, self.negated) {
            (true, true) => 2.0,
            (true, false) => 0.5,
            (false, _) => 1.0,
        };
        let asked_in_heading = weights.covered_by([(&*self.heading_shares.asked, 1.0)]);
        let heading = agreement * shared * asked_in_heading;
        let rank = 1.0 / (1.0 + ratio(self.number - 1, 4));
        weights.covered_by(self.testimony()) + self.best_score() + heading + 0.5 * rank
    }

    /// How well the unit answers that answers best.
    fn best_score(&self) -> f64 {
        self.candidates.iter().map(|candidate| candidate.score).fold(0.0, f64::max)
    }

    fn testimony(&self) -> impl Iterator<Item = Testimony<'_>> {
        let trail: Testimony<'_> = (&self.trail_shares.asked, 1.0);
        self.candidates.iter().map(Candidate::testimony).chain([trail])
    }
}

impl Candidate {
    /// Whether it is about a concept of what is asked.
    pub(crate) fn holds_any_concept(&self) -> bool {
        self.shares.asked.iter().any(|share| *share > 0.5)
    }

    /// What it holds: code names many things that it is not about, and a list of links tells what
    /// other pages are about.
    fn testimony(&self) -> Testimony<'_> {
        let in_passing = self.unit.kind == UnitKind::Code || is_link(&self.unit.text);
        (&self.shares.asked, if in_passing { 0.5 } else { 1.0 })
    }
}

/// Whether the unit is of the kind that the question wants.
fn fitness(unit: &Unit, inquiry: &Inquiry) -> f64 {
    const REASONS: [&str; 7] =
        ["because", "since ", "so that", "reason", "therefore", "in order to", "otherwise"];
    const RULINGS: [&str; 6] = ["can ", "cannot", "should", "must", "may ", " not "];
    const STEPS: [&str; 7] = ["to ", "use ", "set ", "run ", "call ", "add ", "you can"];
    let text = unit.text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let fits = match inquiry.wants {
        Wants::Definition if tells_a_case(&text) => return 1.0,
        Wants::Definition if is_definition(&text, inquiry) => return 3.0,
        Wants::Definition => return if defines(&text, inquiry) { 1.5 } else { 1.0 },
        Wants::Way => unit.marker.contains(['.', ')']) || has(&STEPS),
        Wants::Reason => has(&REASONS),
        Wants::Amount => text.contains(|c: char| c.is_ascii_digit()),
        Wants::Decision => text.starts_with("yes") || text.starts_with("no") || has(&RULINGS),
        Wants::Anything => false,
    };
    if fits { 1.2 } else { 1.0 }
}

/// Whether these terms are what the question asks to define, and no more.
fn is_subject(terms: &HashSet<String>, inquiry: &Inquiry) -> bool {
    inquiry.subject.as_ref().is_some_and(|subject| subject.is(terms))
}

/// Whether a sentence defines just what the question asks to define.
fn is_definition(sentence: &str, inquiry: &Inquiry) -> bool {
    inquiry.subject.as_ref().is_some_and(|subject| subject.is_defined_by(sentence))
}

/// Whether a sentence says what the question asks about: little more than its subject stands
/// before its verb.
fn defines(sentence: &str, inquiry: &Inquiry) -> bool {
    const VERBS: [&str; 7] =
        [" is ", " are ", " means ", " refers to ", " stands for ", " describes ", " lets "];
    let Some(verb) = VERBS.iter().filter_map(|verb| sentence.find(verb)).min() else {
        return false;
    };
    let subject = seen_terms(&sentence[..verb]);
    let mut asked = inquiry.concepts.iter().filter(|concept| concept.says_something()).peekable();
    asked.peek().is_some()
        && subject.len() <= asked.clone().count() + 2
        && asked.all(|concept| concept.share_in(&subject) > 0.0)
}

/// Whether the unit says anything by itself.
fn substance(unit: &Unit) -> f64 {
    match unit.kind {
        UnitKind::Heading => 0.0,
        UnitKind::Code if unit.text.lines().count() > CODE_LINES => 0.0,
        UnitKind::Code => 0.3,
        // Markup that was no Markdown.
        _ if unit.text.starts_with(['<', '{']) => 0.1,
        _ if is_link(&unit.text) || is_label(&unit.text) || is_example_question(unit) => 0.0,
        _ if unit.text.ends_with('?') => 0.3,
        _ if is_title(unit) => 0.2,
        _ => 1.0,
    }
}

/// Whether a line is but a link.
fn is_link(text: &str) -> bool {
    let text = text.trim_matches(['*', '_', '.', ':', ' ']);
    (text.starts_with('[') && text.ends_with(')')) || text.starts_with("http")
}

/// Whether a list item is but a few words, such as the title of another page.
fn is_title(unit: &Unit) -> bool {
    const WORDS: usize = 5;
    let ends = unit.text.ends_with(['.', '!', ':', ';', ',']);
    !unit.marker.is_empty() && !ends && unit.text.split_whitespace().count() <= WORDS
}

/// Whether a line is a question to be asked rather than an answer: in quotation marks, or an item.
fn is_example_question(unit: &Unit) -> bool {
    let text = unit.text.trim_matches(['*', '_', '.', ',', ' ']);
    let quoted = text.starts_with(['"', '“', '\'', '‘']) && text.ends_with(['"', '”', '\'', '’']);
    let asks = text.trim_end_matches(['"', '”', '\'', '’']).ends_with('?');
    asks && (quoted || !unit.marker.is_empty())
}

/// Whether a line is a heading in disguise, and no sentence: bold from end to end, or a single
/// word with a colon.
pub(crate) fn is_label(text: &str) -> bool {
    let word = text.trim_matches(['*', '_', '`']).strip_suffix(':');
    if word.is_some_and(|word| !word.contains(char::is_whitespace)) {
        return true;
    }
    let bold = text.strip_prefix("**").and_then(|rest| rest.strip_suffix("**"));
    bold.is_some_and(|label| !label.contains("**") && !label.ends_with(['.', '!', '?']))
}
