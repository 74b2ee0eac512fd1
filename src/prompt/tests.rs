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
        edition: None,
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
fn the_newest_exchanges_stay_whole() {
    let history = [
        turn(Role::Reader, "aaaa"),
        turn(Role::Book, "bbbb"),
        turn(Role::Reader, "cccc"),
        turn(Role::Book, "dddd"),
    ];
    let prompt = Prompt::new(question("?"), Vec::new(), &history, 3);
    assert_eq!(prompt.history, history[2..]);
}
