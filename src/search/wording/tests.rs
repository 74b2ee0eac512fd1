use super::*;
use crate::question::{Question, QuestionLimits};

/// The texts that a question is searched by.
fn texts(
    question: &str,
    standalone: Option<&str>,
    selected: Option<&str>,
    page: Option<&str>,
) -> Vec<String> {
    let question = Question::new(question, selected, page, QuestionLimits::default()).unwrap();
    Wording::all(Query { question: &question, standalone }).iter().map(Wording::text).collect()
}

const PAGE: Option<&str> = Some("https://book.example/docs/connect-qdrant/?utm=x#fields");

#[test]
fn a_question_by_itself_is_searched_as_it_is_written() {
    for question in
        ["How do I delete the index?", "how do I configure it?", "why?", "summarise this"]
    {
        assert_eq!(texts(question, None, None, None), [question]);
    }
}

#[test]
fn a_follow_up_is_searched_in_both_wordings_once_each() {
    let host = "How do I change the host?";
    assert_eq!(texts("and the host?", Some(host), None, None), [host, "and the host?"]);
    assert_eq!(texts(host, Some(host), None, None), [host]);
}

#[test]
fn what_speaks_of_the_page_is_searched_with_the_words_of_its_address() {
    let words = "docs connect qdrant";
    for about_the_page in ["What is this page about?", "summarise this", "tldr"] {
        assert_eq!(texts(about_the_page, None, None, PAGE), [words], "{about_the_page}");
    }
    let asked = "how do I configure it?";
    assert_eq!(texts(asked, None, None, PAGE), [&format!("{asked}\n{words}"), asked]);
    for other in ["How do I delete the index?", "how do I get started?"] {
        assert_eq!(texts(other, None, None, PAGE), [other]);
    }
    assert_eq!(texts(asked, None, None, Some("https://book.example/")), [asked]);
}

#[test]
fn a_follow_up_that_was_resolved_is_not_taken_to_speak_of_the_page() {
    let standalone = "How do I configure the mirror so that it is refreshed?";
    let asked = "how do I configure it?";
    assert_eq!(texts(asked, Some(standalone), None, PAGE), [standalone, asked]);
}

#[test]
fn what_speaks_of_the_selection_is_searched_with_it() {
    let selected = "ALLOWED_ORIGINS is a list.";
    for about_the_selection in ["explain this", "summarise this text"] {
        assert_eq!(texts(about_the_selection, None, Some(selected), PAGE), [selected]);
    }
    for asked in ["what does this do?", "why?", "?", "how do I configure it in docker?"] {
        let both = format!("{asked}\n{selected}");
        let found = texts(asked, None, Some(selected), PAGE);
        assert!(found == [both] || found == [selected], "{asked}: {found:?}");
    }
}

#[test]
fn a_question_about_something_else_is_searched_without_the_selection_first() {
    let asked = "How do I delete the index?";
    let found = texts(asked, None, Some("ALLOWED_ORIGINS"), None);
    assert_eq!(found, [asked, "How do I delete the index?\nALLOWED_ORIGINS"]);
}
