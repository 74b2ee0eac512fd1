use super::*;

fn reader(question: &str) -> Reader {
    Reader::new(question, None)
}

fn ranked(heading: &str, text: &str, score: f32) -> Ranked {
    let passage = Passage {
        id: PassageId(format!("{heading} {text}")),
        title: "Manual".to_owned(),
        headings: vec![heading.to_owned()],
        url: None,
        text: text.to_owned(),
        edition: None,
    };
    Ranked { passage, score }
}

/// The heading or, where all have the same, the text of the best passage.
fn best(question: &str, passages: &[Ranked]) -> (String, String) {
    let ordered = reader(question).order(passages.to_vec());
    assert_eq!(ordered.len(), passages.len());
    (ordered[0].passage.headings[0].clone(), ordered[0].passage.text.clone())
}

/// The terms of the question that a text holds.
fn held(question: &str, text: &str) -> Vec<String> {
    let mut reader = reader(question);
    let extract = reader.extract(text);
    let terms = reader.terms.iter().enumerate();
    terms.filter(|(at, _)| extract.exact.has(*at)).map(|(_, term)| term.clone()).collect()
}

#[test]
fn words_meet_by_their_stems_in_any_case_and_by_the_parts_of_identifiers() {
    for (question, text, terms) in [
        ("slices", "Slice.", vec!["slice"]),
        ("slice", "call createSlice()", vec!["slice"]),
        ("slice", "create_slice v2", vec!["slice"]),
        ("createSlice", "use CREATESLICE", vec!["createslice"]),
        ("createSlice", "create a slice", vec!["creat", "slice"]),
        ("größer", "“Größer” ist", vec!["größer"]),
        ("порт", "Порт: 8000", vec!["порт"]),
        ("429", "HTTP429", vec!["429"]),
        ("port", "report sport ports' transport", vec!["port"]),
        ("port", "report sport transport", vec![]),
    ] {
        assert_eq!(held(question, text), terms, "{question} in {text}");
    }
}

#[test]
fn every_script_is_cut_into_words_alike_in_question_and_passage() {
    assert!(!held("ポートを変更する", "ポートを変更するには").is_empty());
    assert!(!held("会话", "会话在一小时后过期。").is_empty());
}

#[test]
fn a_word_that_begins_alike_is_held_in_part() {
    let mut reader = reader("async");
    let extract = reader.extract("asynchronous work");
    let concept = reader.concepts()[0].clone();
    let share = reader.holds(&concept, extract);
    assert!(share > 0.0 && share < 1.0, "{share}");
}

#[test]
fn of_equal_scores_the_passage_whose_heading_says_just_what_is_asked_comes_first() {
    let passages = [
        ranked("Reducers and stores of large applications", "Text.", 5.0),
        ranked("Reducers", "Text.", 5.0),
    ];
    assert_eq!(best("reducers", &passages).0, "Reducers");
}

#[test]
fn of_equal_headings_the_passage_with_a_sentence_of_the_whole_question_comes_first() {
    let passages = [
        ranked("Lamps", "A lantern stands here. Oil is elsewhere.", 5.0),
        ranked("Lamps", "Words. Pour oil into the lantern. Words.", 5.0),
    ];
    assert!(best("where does the oil of a lantern go", &passages).1.contains("Pour"));
}

#[test]
fn a_question_for_a_definition_prefers_the_sentence_that_defines() {
    let passages = [
        ranked("Use", "A selector runs often. Selectors run. Selector.", 5.2),
        ranked("Words", "A **selector** is a function that reads.", 5.0),
    ];
    assert!(best("what is a selector?", &passages).1.contains("function"));
    assert!(best("selector runs?", &passages).1.contains("often"));
}

#[test]
fn a_much_better_score_outweighs_a_heading() {
    let passages = [ranked("Oil", "Text.", 1.0), ranked("Wicks and lamps", "Oil.", 9.0)];
    assert_eq!(best("oil", &passages).0, "Wicks and lamps");
}

#[test]
fn ties_come_in_the_order_of_their_ids_and_scores_stay() {
    let passages = [ranked("B", "Text.", 1.0), ranked("A", "Text.", 1.0)];
    let ordered = reader("text").order(passages.to_vec());
    assert_eq!(ordered, [passages[1].clone(), passages[0].clone()]);
    assert_eq!(reader("text").order(Vec::new()), []);
}

#[test]
fn sentences_end_with_their_line_or_a_full_stop_before_a_space() {
    let cut: Vec<&str> = sentences("A b. C.d? E\n- f! g").map(str::trim).collect();
    assert_eq!(cut, ["A b.", "C.d?", "E", "- f!", "g"]);
}
