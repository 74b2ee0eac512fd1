use std::num::NonZeroUsize;

use super::*;
use crate::fusion::reciprocal_rank;
use crate::ports::{Ranked, Rankings};
use crate::question::QuestionLimits;

fn passage(id: &str, url: &str, text: &str) -> Passage {
    Passage {
        id: PassageId(id.to_owned()),
        title: String::new(),
        headings: Vec::new(),
        url: Some(url.to_owned()),
        text: text.to_owned(),
        edition: None,
    }
}

/// A page of an edition, below its URL.
fn published(locale: &str, version: &str, url: &str, page: &str) -> Passage {
    let edition =
        Edition { locale: locale.to_owned(), version: version.to_owned(), url: url.to_owned() };
    let id = format!("{url}{page}");
    Passage { edition: Some(edition), ..passage(&id, &id, &id) }
}

fn settings(passages: usize, per_page: usize, tokens: usize) -> SearchSettings {
    let number = |number| NonZeroUsize::new(number).unwrap();
    SearchSettings { passages: number(passages), per_page: number(per_page), tokens }
}

/// What becomes of these passages, best first, for a reader on this page.
fn verdicts(passages: &[Passage], page: Option<&str>, settings: SearchSettings) -> Vec<Verdict> {
    let ranked = |passage: &Passage| Ranked { passage: passage.clone(), score: 1.0 };
    let lexical = Some(passages.iter().map(ranked).collect());
    let question = Question::new("?a", None, page, QuestionLimits::default()).unwrap();
    let fused = reciprocal_rank(vec![Rankings { dense: None, lexical }], None);
    let candidates = select(fused, &question, settings);
    let ids: Vec<_> = candidates.iter().map(|c| c.fused.hit.passage.id.clone()).collect();
    assert_eq!(ids, passages.iter().map(|passage| passage.id.clone()).collect::<Vec<_>>());
    candidates.into_iter().map(|candidate| candidate.verdict).collect()
}

const PLENTY: usize = 10_000;

use Verdict::{BeyondBudget, BeyondLimit, Duplicate, Kept, OtherEdition, PageFull};

#[test]
fn the_same_text_is_taken_once_whatever_its_white_space_and_an_empty_one_never() {
    let passages = [
        passage("a", "/a", "One  text."),
        passage("b", "/b", "One\ntext."),
        passage("c", "/c", " \n"),
        passage("d", "/d", "Another."),
    ];
    let verdicts = verdicts(&passages, None, settings(5, 5, PLENTY));
    assert_eq!(verdicts, [Kept, Duplicate, Duplicate, Kept]);
}

#[test]
fn the_same_text_as_one_that_was_cut_is_no_duplicate() {
    let passages =
        [passage("a", "/p#a", "One."), passage("b", "/p#b", "Two."), passage("c", "/q", "Two.")];
    let verdicts = verdicts(&passages, None, settings(5, 1, PLENTY));
    assert_eq!(verdicts, [Kept, PageFull, Kept]);
}

#[test]
fn the_part_beside_a_better_one_comes_with_it_and_a_part_further_on_is_its_own() {
    let part = |part| {
        let PassageId(id) = PassageId::of_part("p#s", part);
        passage(&id, "/p#s", &id)
    };
    let passages = [part(3), part(4), part(2), part(1)];
    let verdicts = verdicts(&passages, None, settings(5, 5, PLENTY));
    assert_eq!(verdicts, [Kept, Duplicate, Duplicate, Kept]);
}

#[test]
fn ids_that_only_look_like_parts_of_one_section_are_passages_of_their_own() {
    let passages = [passage("jsonl/1", "/a", "a"), passage("jsonl/2", "/b", "b")];
    assert_eq!(verdicts(&passages, None, settings(5, 5, PLENTY)), [Kept, Kept]);
}

#[test]
fn a_page_gives_only_so_many_and_the_answer_takes_only_so_many() {
    let passages = [
        passage("a", "/p", "a"),
        passage("b", "/p#b", "b"),
        passage("c", "/p#c", "c"),
        passage("d", "/q", "d"),
        passage("e", "/r", "e"),
    ];
    let verdicts = verdicts(&passages, None, settings(3, 2, PLENTY));
    assert_eq!(verdicts, [Kept, Kept, PageFull, Kept, BeyondLimit]);
}

#[test]
fn what_does_not_fit_is_left_out_but_the_best_and_smaller_ones_behind_are_taken() {
    let text = |letter: &str, tokens: usize| letter.repeat(4 * tokens);
    let passages = [
        passage("a", "/a", &text("a", 6)),
        passage("b", "/b", &text("b", 6)),
        passage("c", "/c", &text("c", 4)),
    ];
    assert_eq!(verdicts(&passages, None, settings(5, 5, 10)), [Kept, BeyondBudget, Kept]);
    assert_eq!(verdicts(&passages, None, settings(5, 5, 1)), [Kept, BeyondBudget, BeyondBudget]);
}

#[test]
fn the_version_of_the_readers_page_is_preferred_by_the_longest_url_on_whole_steps() {
    let old = published("en", "1.0", "/docs/1.0", "/a");
    let new = published("en", "current", "/docs", "/a");
    let next = published("en", "next", "https://a.example/docs/next", "/a");
    let passages = [old, new, next];
    let on = |page| verdicts(&passages, page, settings(5, 5, PLENTY));
    for (page, kept) in [
        (Some("/docs/1.0/b"), 0),
        (Some("https://any.example/docs/1.0#x"), 0),
        (Some("/docs/b"), 1),
        (Some("/docs/1.0b"), 1),
        (Some("https://a.example/docs/next?q=/docs/1.0"), 2),
        (Some("https://b.example/docs/next/"), 1),
        (Some("/blog"), 1),
        (None, 1),
    ] {
        let mut expected = [OtherEdition; 3];
        expected[kept] = Kept;
        assert_eq!(on(page), expected, "{page:?}");
    }
}

#[test]
fn a_page_in_another_language_is_taken_only_where_the_readers_one_was_not_found() {
    let passages = [
        published("en", "current", "/docs", "/a#x"),
        published("en", "current", "/docs", "/b"),
        published("ur", "current", "/ur/docs", "/a#y"),
        published("en", "1.0", "/docs/1.0", "/c"),
    ];
    let verdicts = verdicts(&passages, Some("/ur/docs/c"), settings(5, 5, PLENTY));
    assert_eq!(verdicts, [OtherEdition, Kept, Kept, OtherEdition]);
}

#[test]
fn a_single_edition_and_passages_without_one_are_taken_from_any_page() {
    let passages = [published("ur", "current", "/ur/docs", "/a"), passage("b", "/b", "b")];
    for page in [None, Some("/docs/a")] {
        assert_eq!(verdicts(&passages, page, settings(5, 5, PLENTY)), [Kept, Kept]);
    }
}

#[test]
fn an_edition_that_is_cut_takes_no_room_and_no_text() {
    let twin = |url: &str, version: &str| Passage {
        text: "The same.".to_owned(),
        ..published("en", version, url, "/a")
    };
    let passages = [twin("/docs/1.0", "1.0"), twin("/docs", "2.0")];
    assert_eq!(verdicts(&passages, None, settings(1, 1, PLENTY)), [OtherEdition, Kept]);
}
