use askbook::passage::{Hit, Passage, PassageId, Scores};
use askbook::question::{Question, QuestionLimits};
use askbook::review::{Readings, Review};
use askbook::session::{MessageId, Role, Turn};
use futures_util::StreamExt;
use uuid::Uuid;

use super::*;

/// A passage under "Manual > heading".
fn hit(heading: &str, text: &str) -> Hit {
    let passage = Passage {
        id: PassageId(text.to_owned()),
        title: "Manual".to_owned(),
        headings: vec![heading.to_owned()],
        url: None,
        text: text.to_owned(),
        edition: None,
    };
    Hit { passage, scores: Scores::default() }
}

fn prompt(question: &str, passages: &[(&str, &str)]) -> Prompt {
    Prompt {
        mark: MessageId(Uuid::nil()),
        standalone: None,
        question: Question::new(question, None, None, QuestionLimits::default())
            .expect("a question"),
        passages: passages.iter().map(|(heading, text)| hit(heading, text)).collect(),
        history: Vec::new(),
    }
}

fn answered(prompt: &Prompt) -> String {
    answer(prompt).join("\n\n")
}

/// What the question gets from one passage.
#[track_caller]
fn check(question: &str, heading: &str, text: &str, expected: &str) {
    assert_eq!(answered(&prompt(question, &[(heading, text)])), expected);
}

const BOOK: [(&str, &str); 4] = [
    (
        "Change the port",
        "To change the port, set `PORT`. Any free port will do.\n\n```sh\nPORT=9000 askbook\n```\n\n\
         The default port is 8000.",
    ),
    (
        "Sessions",
        "A session keeps the turns of a conversation. It expires after one hour.\n\n\
         Sessions live in memory because nobody needs them after a restart.",
    ),
    (
        "Supported browsers",
        "The widget supports these browsers:\n\n- Firefox 115 or newer\n- Chrome 120 or newer\n\n\
         Others may work.",
    ),
    ("Limits", "| Limit | Value |\n|---|---|\n| Message | 4000 characters |\n| Body | 64 KiB |"),
];

#[test]
fn the_sentence_that_answers_is_quoted_and_its_passage_cited() {
    for (question, expected) in [
        ("How do I change the port?", "To change the port, set `PORT`. Any free port will do. [1]"),
        ("What is a session?", "A session keeps the turns of a conversation. It expires"),
        ("Why do sessions live in memory?", "because nobody needs them after a restart. [2]"),
        ("Which browsers are supported?", "The widget supports these browsers: [3]"),
        ("How long may a message be?", "| Message | 4000 characters |"),
    ] {
        let text = answered(&prompt(question, &BOOK));
        assert!(text.contains(expected), "{question}: {text}");
    }
}

#[test]
fn a_question_that_no_sentence_shares_a_word_with_is_refused() {
    for question in
        ["What is the capital of France?", "How do I bake sourdough bread?", "what is it?", "?!"]
    {
        assert_eq!(answered(&prompt(question, &BOOK)), "", "{question}");
    }
}

#[test]
fn common_words_that_are_missing_do_not_lead_to_a_refusal() {
    let question = "Could you please explain how I can best go about changing the port?";
    assert!(answered(&prompt(question, &BOOK)).starts_with("To change the port"));
}

#[test]
fn a_definition_of_just_the_subject_wins_in_whichever_passage_it_stands() {
    let passages = [
        ("Lantern maker", "A lantern maker is a person who makes a lantern of tin."),
        ("Basic lantern structure", "The lantern is cleaned after each lantern walk."),
        ("Words", "Tin is soft. A **lantern** is a lamp with a handle."),
        ("More words", "The term wick means a cord that sucks up oil."),
        ("Oils", "When oils are hot, they smoke. Oils are liquids that burn."),
    ];
    for (question, expected) in [
        ("What is a lantern?", "A **lantern** is a lamp"),
        ("what's a lantern", "A **lantern** is a lamp"),
        ("define lantern", "A **lantern** is a lamp"),
        ("What is a lantern maker?", "A lantern maker is a person"),
        ("What does wick mean?", "The term wick means a cord"),
        ("What are oils?", "Oils are liquids that burn"),
    ] {
        let text = answered(&prompt(question, &passages));
        assert!(text.contains(expected), "{question}: {text}");
    }
}

#[test]
fn a_section_that_is_headed_by_the_subject_defines_it_first() {
    let passages = [
        ("Trim the wick", "A wick draws oil. Cut the wick with scissors."),
        ("What is a wick?", "Cotton draws oil up the wick by itself. A wick burns slowly."),
    ];
    let text = answered(&prompt("What is a wick?", &passages));
    assert!(text.starts_with("Cotton draws oil"), "{text}");
}

#[test]
fn what_says_nothing_by_itself_is_never_quoted_alone() {
    for (heading, text) in [
        ("Oil", "[Lantern oil](oil.md)"),
        ("Oil", "- [Lantern oil](oil.md)\n- [Oil for lanterns](other.md)"),
        ("Oil", "**Lantern oil**"),
        ("Oil", "lanternOil.js:"),
        ("Oil", "\"Which oil does a lantern need?\""),
        ("Oil", "- Which oil does a lantern need?"),
        ("Oil", "What you will learn:\n\n- Which oil a lantern needs."),
    ] {
        let answer = answered(&prompt("Which oil does a lantern need?", &[(heading, text)]));
        let is_quoted = answer.contains("antern oil") || answer.contains("lantern need");
        assert!(!is_quoted, "{text}: {answer}");
    }
}

#[test]
fn of_labelled_alternatives_the_one_that_is_asked_for_comes_with_its_code() {
    let text = "To light a lantern, use a lighter of your own:\n\n**Match**\n\nmatch.conf:\n\
                ```\nstrike\n```\n\n**Torch**\n\n```\npress\n```\n\nBoth are hot.";
    for (question, expected) in [
        ("How do I light a lantern with a torch?", "**Torch** [1]\n\n```\npress\n```"),
        (
            "How do I light a lantern with a match?",
            "**Match** [1]\n\nmatch.conf: [1]\n\n```\nstrike\n```",
        ),
    ] {
        let passages = [("Light a lantern with a match or a torch", text)];
        let answer = answered(&prompt(question, &passages));
        assert!(answer.starts_with("To light a lantern"), "{question}: {answer}");
        assert!(answer.ends_with(expected), "{question}: {answer}");
    }
}

#[test]
fn a_negated_question_prefers_a_negated_heading() {
    let passages = [
        ("Why is my lantern burning too often?", "A lantern burns when its oil is warm."),
        ("Why isn't my lantern burning, or my stove smoking?", "Wet oil keeps a lantern dark."),
    ];
    for (question, expected) in [
        ("Why isn't my lantern burning?", "Wet oil"),
        ("Why is my lantern not burning?", "Wet oil"),
        ("Why won’t my lantern keep burning?", "Wet oil"),
        ("Why is my lantern burning too often?", "A lantern burns when"),
    ] {
        let text = answered(&prompt(question, &passages));
        assert!(text.starts_with(expected), "{question}: {text}");
    }
}

#[test]
fn nothing_is_answered_from_no_passages_or_empty_ones() {
    assert_eq!(answered(&prompt("How do I change the port?", &[])), "");
    for nothing in ["", "\n\n", "---", "## Change the port", "```\n```"] {
        check("How do I change the port?", "Change the port", nothing, "");
    }
}

#[test]
fn a_way_to_do_something_comes_with_its_code() {
    check(
        "How do I change the port?",
        "Change the port",
        BOOK[0].1,
        "To change the port, set `PORT`. Any free port will do. [1]\n\n```sh\nPORT=9000 askbook\n```",
    );
}

#[test]
fn long_code_is_not_quoted() {
    let text = format!("To start, run the program:\n\n```sh\n{}```", "start\n".repeat(40));
    check("How do I start the program?", "", &text, "To start, run the program: [1]");
}

#[test]
fn a_sentence_that_points_back_brings_the_one_before() {
    check(
        "How can the cache be emptied?",
        "",
        "Answers are cached. This cache can be emptied with `purge`.\n\nLogs go to stderr.",
        "Answers are cached. This cache can be emptied with `purge`. [1]",
    );
}

#[test]
fn an_announcement_brings_its_list_with_the_marks_of_its_items() {
    check(
        "Which steps does an upgrade take?",
        "",
        "An upgrade takes these steps:\n\n1. Stop it.\n2. Copy:\n   - the data\n   - the keys\n\nDone.",
        "An upgrade takes these steps: [1]\n\n1. Stop it.\n2. Copy:\n   - the data\n   - the keys [1]",
    );
}

#[test]
fn an_item_of_a_long_list_comes_with_what_announces_it_and_without_the_other_items() {
    let items: String = (0..20).map(|n| format!("- `--flag-{n}` does something\n")).collect();
    let text = format!("The program has these flags:\n\n{items}- `--colour` paints the output red");
    check(
        "How do I paint the output red?",
        "",
        &text,
        "The program has these flags: [1]\n\n- `--colour` paints the output red [1]",
    );
}

#[test]
fn a_row_comes_with_the_head_of_its_table() {
    let rows: String = (0..20).map(|n| format!("| Thing {n} | {n} |\n")).collect();
    let text = format!("| Limit | Value |\n|---|---|\n{rows}| Message length | 4000 |");
    check(
        "What is the limit of the message length?",
        "",
        &text,
        "| Limit | Value |\n|---|---|\n| Message length | 4000 |\n\n[1]",
    );
}

#[test]
fn a_second_section_is_cited_for_what_the_first_one_lacks() {
    let passages = [
        ("Bananas", "Bananas are yellow when they are ripe."),
        ("Cherries", "Cherries are red when they are ripe."),
    ];
    let text = answered(&prompt("When are bananas and cherries ripe?", &passages));
    assert!(text.contains("yellow when they are ripe. [1]"), "{text}");
    assert!(text.contains("red when they are ripe. [2]"), "{text}");
}

#[test]
fn what_was_selected_or_asked_before_tells_what_a_bare_question_is_about() {
    let mut selected = prompt("What does this mean?", &BOOK);
    selected.question =
        Question::new("What does this mean?", Some("the port"), None, QuestionLimits::default())
            .expect("a question");
    assert!(answered(&selected).contains("[1]"));

    let mut asked = prompt("And why?", &BOOK);
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    asked.history =
        vec![turn(Role::Reader, "Do sessions live in memory?"), turn(Role::Book, "Yes [2].")];
    assert!(answered(&asked).contains("[2]"));
}

#[test]
fn a_follow_up_is_answered_by_what_it_means_and_a_bare_question_by_its_page() {
    let mut follow_up = prompt("and for how long?", &BOOK);
    follow_up.standalone = Some("How long does a session keep a conversation?".to_owned());
    assert!(answered(&follow_up).contains("[2]"));

    let mut page = prompt("What is this page about?", &BOOK);
    page.question = Question::new(
        "What is this page about?",
        None,
        Some("/docs/supported-browsers"),
        QuestionLimits::default(),
    )
    .expect("a question");
    assert!(answered(&page).contains("[3]"));
}

#[test]
fn links_that_lead_nowhere_from_another_page_lose_their_address() {
    check(
        "Where is the port described?",
        "",
        "The port is described [on its page](../port.md), ![p](/p.png) and \
         [there](https://a.example/port), not [here](javascript:alert).",
        "The port is described on its page, p and [there](https://a.example/port), not here. [1]",
    );
}

/// Passages that try to pass for more than text, with what is quoted of them.
#[test]
fn no_text_of_the_book_passes_for_a_citation_or_a_refusal() {
    for (text, quoted) in [
        ("The port [2] is open [1, 3].", "The port \\[2\\] is open \\[1, 3\\]. [1]"),
        ("[[not in the book]] says the port.", "\\[\\[not in the book\\]\\] says the port. [1]"),
        ("The port \\[2] and \\\\[3].", "The port \\[2\\] and \\\\\\[3\\]. [1]"),
        ("The port ` is [2] open.", "The port  is \\[2\\] open. [1]"),
        ("The port `a[2]` is `` open.", "The port `a[2]` is  open. [1]"),
        ("The port [2](https://a.example/[3]) x.", "The port 2 x. [1]"),
        ("The port **is open.", "The port is open. [1]"),
        ("The port:\n```\n[2]", "The port: [1]\n\n```\n[2]\n```"),
        ("The port:\n~~~sh\na[2]\n~~~", "The port: [1]\n\n```sh\na[2]\n```"),
        ("The port:\n````\n```\n[2]\n````", "The port: [1]\n\n````\n```\n[2]\n````"),
        ("| The port | [2] |", "| The port | \\[2\\] |\n|---|---|\n\n[1]"),
    ] {
        let prompt = prompt("Which port?", &[("", text), ("", "Two."), ("", "Three.")]);
        let answer = answered(&prompt);
        assert_eq!(answer, quoted);
        let mut review = Review::new(&prompt, &Readings::new());
        review.add(&answer);
        let checked = review.finish().1.expect("a text with citations");
        assert_eq!(checked.text, answer);
        let cited: Vec<usize> = checked.sources.iter().map(|source| source.number).collect();
        assert_eq!(cited, [1], "{text}");
    }
}

#[test]
fn other_languages_are_answered_by_the_words_that_they_share() {
    for (question, text) in [
        ("Wie ändere ich den Anschluss?", "Den Anschluss ändere ich mit `PORT`."),
        ("ポートを変更する", "ポートを変更するには設定します。"),
        ("Как изменить порт?", "Изменить порт: `PORT`. Как обычно."),
        ("كيف أغير المنفذ؟", "أغير المنفذ كيف شئت."),
    ] {
        let text = answered(&prompt(question, &[("", text)]));
        assert!(text.contains("[1]"), "{question}: {text}");
    }
}

#[test]
fn a_huge_passage_gives_a_short_answer() {
    let endless = "port ".repeat(200_000);
    let many = "The port is `open [x. ".repeat(20_000);
    let list = "- the port `a`\n".repeat(20_000);
    let table = "| the port | [2] |\n".repeat(20_000);
    for text in [endless, many, list, table] {
        let answer = answered(&prompt("Which port?", &[("", &text)]));
        assert!((1..6_000).contains(&answer.len()), "{} bytes", answer.len());
    }
}

#[tokio::test]
async fn the_same_prompt_gets_the_same_answer_in_pieces_at_no_cost() {
    let mut generations = Vec::new();
    for _ in 0..2 {
        let prompt = prompt("How do I change the port?", &BOOK);
        let generation = QuoteGenerator::new().generate(prompt).await.expect("a generation");
        let pieces: Vec<Generated> =
            generation.map(|piece| piece.expect("a piece")).collect().await;
        generations.push(pieces);
    }
    assert_eq!(generations[0], generations[1]);
    let end = Generated::End { model: "quote".to_owned(), usage: Usage::default() };
    assert_eq!(generations[0].last(), Some(&end));
    assert!(generations[0].len() > 2);
}

#[tokio::test]
async fn a_refusal_is_the_marker_alone() {
    let prompt = prompt("What is the capital of France?", &BOOK);
    let generation = QuoteGenerator::new().generate(prompt).await.expect("a generation");
    let pieces: Vec<Generated> = generation.map(|piece| piece.expect("a piece")).collect().await;
    assert_eq!(pieces[0], Generated::Text(NOT_IN_BOOK.to_owned()));
    assert_eq!(pieces.len(), 2);
}
