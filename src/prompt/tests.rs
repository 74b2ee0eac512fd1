use super::*;
use crate::passage::{Passage, PassageId, Scores};
use crate::question::QuestionLimits;

fn question(text: &str) -> Question {
    Question::new(text, Some("picked"), Some("/docs/a"), QuestionLimits::default())
        .expect("a valid question")
}

fn hit(title: &str, text: &str) -> Hit {
    let passage = Passage {
        id: PassageId(text.to_owned()),
        title: title.to_owned(),
        headings: Vec::new(),
        url: None,
        text: text.to_owned(),
    };
    Hit { passage, scores: Scores::default() }
}

fn turn(role: Role, text: &str) -> Turn {
    Turn { role, text: text.to_owned() }
}

#[test]
fn the_rendered_prompt_numbers_the_passages_and_ends_with_the_question() {
    let prompt = Prompt {
        question: question("Why?"),
        passages: vec![hit("A", "Because."), hit("B", "Hence.")],
        history: vec![turn(Role::Reader, "Hm?"), turn(Role::Book, "Yes.")],
    };
    let rendered = prompt.render();
    assert_eq!(rendered.turns[..2], prompt.history);
    assert_eq!(
        rendered.turns[2].text,
        "<passages>\n[1] A\nBecause.\n\n[2] B\nHence.\n\n</passages>\n\n\
         <page>/docs/a</page>\n\n<selected_text>\npicked\n</selected_text>\n\nQuestion: Why?"
    );
}

#[test]
fn the_instructions_name_the_refusal() {
    assert!(INSTRUCTIONS.contains(NOT_IN_BOOK));
}

#[test]
fn passages_that_do_not_fit_are_left_out_and_smaller_ones_behind_them_are_kept() {
    let passages = vec![hit("", &"a".repeat(40)), hit("", &"b".repeat(400)), hit("", "c")];
    let budget = PromptBudget { passage_tokens: 20, history_tokens: 0 };
    let prompt = Prompt::within(budget, question("?"), passages, &[]);
    let texts: Vec<_> = prompt.passages.iter().map(|hit| hit.passage.text.len()).collect();
    assert_eq!(texts, [40, 1]);
}

#[test]
fn the_best_passage_is_cut_rather_than_lost_and_never_inside_a_character() {
    let budget = PromptBudget { passage_tokens: 2, history_tokens: 0 };
    let prompt = Prompt::within(budget, question("?"), vec![hit("", "日本語です")], &[]);
    assert_eq!(prompt.passages[0].passage.text, "日本");
}

#[test]
fn the_newest_exchanges_stay_whole() {
    let history = [
        turn(Role::Reader, "aaaa"),
        turn(Role::Book, "bbbb"),
        turn(Role::Reader, "cccc"),
        turn(Role::Book, "dddd"),
    ];
    let budget = PromptBudget { passage_tokens: 0, history_tokens: 3 };
    let prompt = Prompt::within(budget, question("?"), Vec::new(), &history);
    assert_eq!(prompt.history, history[2..]);
}
