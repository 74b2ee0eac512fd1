mod steering;

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::embedding::{SparseVector, VectorShape};
use crate::ports::{Ranked, Rankings};
use crate::question::QuestionLimits;

/// An index of parts of sections, of which some are found.
struct Script {
    stored: Vec<Passage>,
    found: Vec<Passage>,
    fails: bool,
    asked: Mutex<Vec<Vec<PassageId>>>,
}

#[async_trait]
impl Embedder for Script {
    fn space(&self) -> &'static str {
        "script"
    }

    fn preferred_shape(&self) -> VectorShape {
        VectorShape::sparse()
    }

    async fn embed(
        &self,
        _: &[String],
        _: Purpose,
        _: VectorShape,
    ) -> Result<Vec<Embedding>, PortError> {
        Ok(vec![Embedding { dense: None, sparse: Some(SparseVector::default()) }])
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Retriever for Script {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        let ranked = |passage: &Passage| Ranked { passage: passage.clone(), score: 1.0 };
        Ok(Rankings { dense: None, lexical: Some(self.found.iter().map(ranked).collect()) })
    }

    async fn passages(&self, ids: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        self.asked.lock().unwrap().push(ids.to_vec());
        if self.fails {
            return Err(PortError::new(ErrorKind::Unavailable, "scripted"));
        }
        Ok(self.stored.iter().filter(|passage| ids.contains(&passage.id)).cloned().collect())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Ok(())
    }
}

fn part(section: &str, part: usize, text: &str) -> Passage {
    Passage {
        id: PassageId::of_part(section, part),
        title: String::new(),
        headings: Vec::new(),
        url: Some(format!("/{section}")),
        text: text.to_owned(),
        edition: None,
    }
}

/// The texts that are found with room for so many tokens, and the ids that the index was asked
/// for.
async fn texts(
    found: &[Passage],
    stored: &[Passage],
    tokens: usize,
    fails: bool,
) -> (Vec<String>, Vec<Vec<String>>) {
    let script = Arc::new(Script {
        stored: stored.to_vec(),
        found: found.to_vec(),
        fails,
        asked: Mutex::default(),
    });
    let number = |number| NonZeroUsize::new(number).unwrap();
    let settings = SearchSettings { passages: number(5), per_page: number(5), tokens };
    let search = Search::new(script.clone(), script.clone(), settings);
    let question = Question::new("Why?", None, None, QuestionLimits::default()).unwrap();
    let found = search.find(Query::from(&question), None).await.unwrap();
    let texts = found.passages.into_iter().map(|hit| hit.passage.text).collect();
    let asked = script.asked.lock().unwrap().clone();
    (texts, asked.into_iter().map(|ids| ids.into_iter().map(|id| id.0).collect()).collect())
}

#[tokio::test]
async fn a_hit_comes_with_the_parts_of_its_section_around_it_in_order() {
    let section = [0, 1, 2, 3].map(|number| part("s", number, &format!("part {number}")));
    let (found, asked) = texts(&section[1..2], &section, 1_000, false).await;
    assert_eq!(found, ["part 0\n\npart 1\n\npart 2"]);
    assert_eq!(asked, [["s/0", "s/2"]]);
}

#[tokio::test]
async fn parts_that_were_found_are_not_asked_for_and_no_part_is_shown_twice() {
    let section = [0, 1, 2].map(|number| part("s", number, &format!("part {number}")));
    let found = [section[0].clone(), section[2].clone(), section[1].clone()];
    let (found, asked) = texts(&found, &section, 1_000, false).await;
    assert_eq!(found, ["part 0\n\npart 1", "part 2"]);
    assert_eq!(asked, [["s/3"]]);
}

#[tokio::test]
async fn what_only_looks_like_a_part_is_not_taken_for_one() {
    let one = part("s", 0, "one");
    let of_other_section = Passage { headings: vec!["Else".to_owned()], ..part("s", 1, "two") };
    let of_other_page = Passage { url: Some("/t".to_owned()), ..part("s", 1, "two") };
    for other in [of_other_section, of_other_page] {
        let (found, _) =
            texts(std::slice::from_ref(&one), &[one.clone(), other], 1_000, false).await;
        assert_eq!(found, ["one"]);
    }
}

#[tokio::test]
async fn the_parts_around_stay_within_the_tokens_and_the_best_hit_gets_them_first() {
    let text = |letter: &str| letter.repeat(40);
    let section = |section: &str, letters: [&str; 2]| {
        [0, 1].map(|number| part(section, number, &text(letters[number])))
    };
    let (s, t) = (section("s", ["a", "b"]), section("t", ["c", "d"]));
    let stored = [s.clone(), t.clone()].concat();
    let found = [s[0].clone(), t[0].clone()];
    let (found, _) = texts(&found, &stored, 35, false).await;
    assert_eq!(found, [format!("{}\n\n{}", text("a"), text("b")), text("c")]);
}

#[tokio::test]
async fn the_index_is_not_asked_when_there_is_no_room_or_no_part() {
    let whole = Passage { id: PassageId("whole".to_owned()), ..part("s", 0, "whole") };
    for (found, tokens) in [(whole, 1_000), (part("s", 0, "four"), 1)] {
        let book = [found];
        let (_, asked) = texts(&book, &book, tokens, false).await;
        assert_eq!(asked, Vec::<Vec<String>>::new());
    }
}

#[tokio::test]
async fn parts_that_cannot_be_read_are_left_out() {
    let (found, _) = texts(&[part("s", 0, "one")], &[], 1_000, true).await;
    assert_eq!(found, ["one"]);
}

#[tokio::test]
async fn the_best_passage_is_cut_rather_than_lost_and_never_inside_a_character() {
    let (found, _) = texts(&[part("s", 0, "日本語です")], &[], 2, false).await;
    assert_eq!(found, ["日本"]);
}
