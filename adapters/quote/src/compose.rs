//! What is quoted of a section: the units that answer, and what is needed to understand them.

use std::collections::BTreeSet;
use std::ops::Range;

use askbook::text::{Unit, UnitKind};

use crate::question::{Inquiry, Wants};
use crate::quotation;
use crate::rank::{CODE_LINES, Candidate, Section, is_label};

/// At most this many units are picked for their own sake; what they need comes on top.
const PICKS: usize = 3;
/// Another unit is picked when it answers this well, compared to the best one.
const ALSO_GOOD: f64 = 0.75;
/// No unit is picked beyond this many bytes of text.
const PICKED_BYTES: usize = 700;
/// A lone sentence gets the next one of its paragraph when both have this many bytes at most.
const PAIR_BYTES: usize = 400;
/// A list or table is quoted whole up to this many items or rows...
const ITEMS: usize = 8;
/// ...and this many bytes.
const LIST_BYTES: usize = 1_400;

/// The blocks of Markdown that answer from this section, cited.
pub(crate) fn blocks(section: &Section, inquiry: &Inquiry) -> Vec<String> {
    let mut pick = Pick { candidates: &section.candidates, picked: BTreeSet::new() };
    pick.answers();
    pick.what_answers_need(inquiry);
    let units: Vec<(usize, &Unit)> = pick.picked.iter().map(|&at| (at, pick.unit(at))).collect();
    quotation::blocks(&units, section.number)
}

/// The units of a section that are quoted, by position.
struct Pick<'a> {
    candidates: &'a [Candidate],
    picked: BTreeSet<usize>,
}

impl<'a> Pick<'a> {
    /// Picks the best units.
    fn answers(&mut self) {
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        order.sort_by(|a, b| self.candidates[*b].score.total_cmp(&self.candidates[*a].score));
        let Some(&best) = order.first() else { return };
        let enough = ALSO_GOOD * self.candidates[best].score;
        let mut bytes = 0;
        for at in order.into_iter().take(PICKS) {
            let Candidate { unit, score, .. } = &self.candidates[at];
            bytes += unit.text.len();
            if *score > 0.0 && *score >= enough && (at == best || bytes <= PICKED_BYTES) {
                self.picked.insert(at);
            }
        }
    }

    fn what_answers_need(&mut self, inquiry: &Inquiry) {
        self.for_each_picked(Self::add_antecedent);
        self.for_each_picked(Self::close_gap);
        if let (1, Some(&only)) = (self.picked.len(), self.picked.first()) {
            self.add_next_sentence(only);
        }
        self.for_each_picked(Self::add_frame);
        self.for_each_picked(Self::add_announced);
        self.for_each_picked(Self::add_labelled);
        if inquiry.wants == Wants::Way {
            self.for_each_picked(Self::add_code_behind);
        }
        self.drop_idle_announcements();
    }

    fn for_each_picked(&mut self, step: impl Fn(&mut Self, usize)) {
        for at in self.picked.clone() {
            step(self, at);
        }
    }

    /// The sentences before one that points back to them; the code, if that comes before it.
    fn add_antecedent(&mut self, at: usize) {
        for at in (at.saturating_sub(1)..=at).rev() {
            let unit = self.unit(at);
            let Some(before) = at.checked_sub(1) else { return };
            if !unit.marker.is_empty() || !points_back(&unit.text) {
                return;
            }
            match self.unit(before).kind {
                UnitKind::Sentence => self.picked.insert(before),
                UnitKind::Code if self.is_short_code(before) => {
                    self.picked.insert(before);
                    return;
                }
                _ => return,
            };
        }
    }

    /// The one sentence between two of the same block.
    fn close_gap(&mut self, at: usize) {
        let beyond = at + 2;
        if self.picked.contains(&beyond) && self.unit(at).block == self.unit(beyond).block {
            self.picked.insert(at + 1);
        }
    }

    fn add_next_sentence(&mut self, at: usize) {
        let Some(next) = self.candidates.get(at + 1).map(|candidate| &candidate.unit) else {
            return;
        };
        let unit = self.unit(at);
        if next.kind == UnitKind::Sentence
            && next.block == unit.block
            && next.marker.is_empty()
            && unit.text.len() + next.text.len() <= PAIR_BYTES
        {
            self.picked.insert(at + 1);
        }
    }

    /// To an item its list and to a row its table, whole when that is short, and the sentence
    /// that announces it.
    fn add_frame(&mut self, at: usize) {
        let block = self.block_of(at);
        if !self.is_list(&block) {
            return;
        }
        if self.is_short_list(&block) {
            self.picked.extend(block.clone());
        } else if self.unit(at).kind == UnitKind::Row {
            self.picked.insert(block.start);
        } else {
            let mut item = (block.start..=at).rev();
            let start = item.find(|&unit| self.is_item(unit)).unwrap_or(at);
            self.picked.extend(start..=at);
        }
        if let Some(before) = block.start.checked_sub(1)
            && self.announces(before)
        {
            self.picked.insert(before);
        }
    }

    /// The list, table or code that a sentence announces; of a long one the beginning.
    fn add_announced(&mut self, at: usize) {
        let next = at + 1;
        if !self.announces(at) || next == self.candidates.len() || is_label(&self.unit(next).text) {
            return;
        }
        let block = next..self.block_of(next).end;
        match self.unit(next).kind {
            UnitKind::Code if self.is_short_code(next) => {
                self.picked.insert(next);
            }
            UnitKind::Sentence | UnitKind::Row if self.is_short_list(&block) => {
                self.picked.extend(block);
            }
            UnitKind::Sentence | UnitKind::Row
                if self.picked.range(block.clone()).next().is_none() =>
            {
                let items: Vec<usize> = block.filter(|&unit| self.is_item(unit)).collect();
                self.picked.extend(items.into_iter().take(ITEMS));
            }
            _ => {}
        }
    }

    /// Of labelled alternatives that a sentence announces the one that is asked for, else the
    /// first one: its label with its code.
    fn add_labelled(&mut self, at: usize) {
        if !self.announces(at) {
            return;
        }
        let alternatives = self.alternatives(at + 1);
        let is_asked =
            |alternative: &&Range<usize>| self.candidates[alternative.start].holds_any_concept();
        let chosen = alternatives.iter().find(is_asked).or(alternatives.first());
        if let Some(chosen) = chosen.filter(|chosen| self.is_short_code(chosen.end - 1)) {
            self.picked.extend(chosen.clone());
        }
    }

    /// The alternatives that begin here: each one or more labels (a name, a file) and the code
    /// behind them.
    fn alternatives(&self, mut start: usize) -> Vec<Range<usize>> {
        let mut alternatives = Vec::new();
        while let Some(code) = self.code_behind_labels(start) {
            alternatives.push(start..code + 1);
            start = code + 1;
        }
        alternatives
    }

    /// The position of the code behind the labels that begin here.
    fn code_behind_labels(&self, start: usize) -> Option<usize> {
        let is_label = |at: &usize| is_label(&self.unit(*at).text);
        let labels = (start..self.candidates.len()).take_while(is_label).count();
        let code = start + labels;
        let is_code = self.candidates.get(code).is_some_and(|c| c.unit.kind == UnitKind::Code);
        (labels > 0 && is_code).then_some(code)
    }

    /// The code that follows the paragraph, with more right behind it for as long as it is short
    /// together.
    fn add_code_behind(&mut self, at: usize) {
        let mut lines = 0;
        for next in self.block_of(at).end..self.candidates.len() {
            lines += self.unit(next).text.lines().count();
            if self.unit(next).kind != UnitKind::Code || lines > CODE_LINES {
                return;
            }
            self.picked.insert(next);
        }
    }

    /// Drops announcements of what is not quoted, unless nothing else is left.
    fn drop_idle_announcements(&mut self) {
        let is_idle = |at: usize| {
            let next = at + 1;
            let block_end = self.candidates.get(next).map_or(next, |_| self.block_of(next).end);
            let end = self.alternatives(next).last().map_or(block_end, |last| last.end);
            let announced = next..end;
            self.announces(at) && self.picked.range(announced).next().is_none()
        };
        let kept: BTreeSet<usize> =
            self.picked.iter().copied().filter(|&at| !is_idle(at)).collect();
        if !kept.is_empty() {
            self.picked = kept;
        }
    }

    fn unit(&self, at: usize) -> &'a Unit {
        &self.candidates[at].unit
    }

    /// The positions of the block that a unit belongs to.
    fn block_of(&self, at: usize) -> Range<usize> {
        let is_outside = |other: &usize| self.unit(*other).block != self.unit(at).block;
        let start = (0..at).rev().find(is_outside).map_or(0, |before| before + 1);
        let end = (at..self.candidates.len()).find(is_outside).unwrap_or(self.candidates.len());
        start..end
    }

    fn announces(&self, at: usize) -> bool {
        let unit = self.unit(at);
        unit.kind == UnitKind::Sentence && unit.text.trim_end_matches(['*', '_']).ends_with(':')
    }

    fn is_short_code(&self, at: usize) -> bool {
        self.unit(at).text.lines().count() <= CODE_LINES
    }

    /// Whether an item or a row begins here.
    fn is_item(&self, at: usize) -> bool {
        self.unit(at).kind == UnitKind::Row || !self.unit(at).marker.is_empty()
    }

    fn is_list(&self, block: &Range<usize>) -> bool {
        self.is_item(block.start)
    }

    fn is_short_list(&self, block: &Range<usize>) -> bool {
        let bytes: usize = block.clone().map(|at| self.unit(at).text.len()).sum();
        let items = block.clone().filter(|&at| self.is_item(at)).count();
        items <= ITEMS && bytes <= LIST_BYTES
    }
}

/// Whether a sentence begins with words that point back to the one before it.
fn points_back(sentence: &str) -> bool {
    const FIRST: &str = "additionally also alternatively and as but for hence here however \
        instead next otherwise similarly so that that's then therefore thus unfortunately yet";
    const AMONG_THE_FIRST: &str = "it it's its such their them these they this those that's he she";
    let words = sentence
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .take(3);
    words.enumerate().any(|(at, word)| {
        let is_in = |list: &str| list.split(' ').any(|listed| listed == word);
        is_in(AMONG_THE_FIRST) || (at == 0 && is_in(FIRST))
    })
}
