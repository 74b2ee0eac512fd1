use super::*;

#[test]
fn a_long_quote_is_cut_at_a_word() {
    let quote = shortened(&"word ".repeat(100));
    assert!(quote.ends_with("word…"), "{quote}");
    assert!(quote.chars().count() <= QUOTE_LIMIT);
    assert_eq!(shortened("A short one."), "A short one.");
}

#[test]
fn a_long_quote_without_spaces_is_cut_too() {
    assert_eq!(shortened(&"字".repeat(400)).chars().count(), QUOTE_LIMIT);
}

#[test]
fn citations_side_by_side_are_one_group() {
    let text = "a [1][2], [3] b [4]";
    let marker = |number: usize| {
        let start = text.find(&format!("[{number}]")).unwrap();
        Marker { at: start..start + 3, numbers: vec![number] }
    };
    let markers: Vec<Marker> = (1..=4).map(marker).collect();
    let sizes: Vec<usize> = groups(text, &markers).map(<[Marker]>::len).collect();
    assert_eq!(sizes, [3, 1]);
}
