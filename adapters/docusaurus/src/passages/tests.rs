use super::*;
use crate::markdown::parse_alone as parse;
use crate::source::Dialect;

fn passages(body: &str) -> Vec<Passage> {
    let page = Page {
        file: "a/b.md".to_owned(),
        title: "Title".to_owned(),
        url: "/docs/a/b".to_owned(),
        anchors: Vec::new(),
        edition: None,
    };
    cut(&page, &parse(body, Dialect::Mdx).unwrap().blocks)
}

fn texts(body: &str) -> Vec<String> {
    passages(body).into_iter().map(|passage| passage.text).collect()
}

fn ids(body: &str) -> Vec<String> {
    passages(body).into_iter().map(|passage| passage.id.0).collect()
}

/// A paragraph of this many bytes.
fn paragraph(length: usize) -> String {
    "word ".repeat(length / 5).trim_end().to_owned() + "."
}

#[test]
fn each_section_is_a_passage_with_its_path_and_place() {
    let found = passages(
        "Before.\n\n# Title\n\nOn top.\n\n## A\n\nIn A.\n\n#### B\n\nIn B.\n\n## C\n\nIn C.",
    );
    let shown: Vec<_> = found
        .iter()
        .map(|p| (p.text.as_str(), p.headings.join(" > "), p.url.as_deref().unwrap_or_default()))
        .collect();
    let expected = [
        ("Before.", "", "/docs/a/b"),
        ("On top.", "", "/docs/a/b"),
        ("In A.", "A", "/docs/a/b#a"),
        ("In B.", "A > B", "/docs/a/b#b"),
        ("In C.", "C", "/docs/a/b#c"),
    ];
    assert_eq!(shown, expected.map(|(text, path, url)| (text, path.to_owned(), url)));
    assert!(found.iter().all(|passage| passage.title == "Title"));
}

#[test]
fn a_first_level_heading_that_is_not_the_title_leads_to_its_sections() {
    let found = passages("# Other\n\na\n\n## A\n\nb\n\n# Third\n\nc");
    let paths: Vec<_> = found.iter().map(|passage| passage.headings.join(" > ")).collect();
    assert_eq!(paths, ["Other", "Other > A", "Third"]);
    assert_eq!(found[2].url.as_deref(), Some("/docs/a/b"));
}

#[test]
fn a_heading_without_an_anchor_is_reached_through_the_one_around_it() {
    let found = passages("## A\n\na\n\n### !\n\nb");
    assert_eq!(found[1].url.as_deref(), Some("/docs/a/b#a"));
    assert_eq!(found[1].id.0, "a/b.md#a/1");
}

#[test]
fn a_heading_with_nothing_under_it_is_a_passage() {
    let found = passages("# A\n\n## B\n\n![](c.png)\n\n## C\n\n### D\n\n### !\n\n## E\n\ne");
    let shown: Vec<_> = found
        .iter()
        .map(|passage| (passage.text.as_str(), passage.url.as_deref().unwrap_or_default()))
        .collect();
    let expected = [("B", "/docs/a/b#b"), ("D", "/docs/a/b#d"), ("e", "/docs/a/b#e")];
    assert_eq!(shown, expected);
}

#[test]
fn the_title_of_a_tab_goes_with_the_heading_in_it() {
    let body = "a\n\n<Tab label=\"L\">\n\n## H\n\nb\n\n</Tab>";
    assert_eq!(texts(body), ["a", "**L**\n\nb"]);
}

#[test]
fn a_short_section_is_one_passage() {
    let body = format!("{}\n\n{}", paragraph(1_000), paragraph(700));
    assert_eq!(texts(&body), [body]);
}

#[test]
fn a_long_section_is_cut_between_blocks_near_the_target() {
    let body = vec![paragraph(500); 10].join("\n\n");
    let texts = texts(&body);
    assert_eq!(texts.join("\n\n"), body);
    assert_eq!(texts.len(), 4);
    assert!(texts.iter().all(|text| text.len() <= LIMIT));
}

#[test]
fn code_and_tables_are_never_cut() {
    let code = format!("```js\n{}```", "const a = 1\n\n".repeat(300));
    let table = format!("| a |\n| - |\n{}", "| b |\n".repeat(400)).trim().to_owned();
    let body = format!("{}\n\n{code}\n\n{table}", paragraph(1_500));
    assert!(texts(&body) == [paragraph(1_500), code, table]);
}

#[test]
fn a_sentence_that_introduces_a_block_stays_with_it() {
    let code = format!("```js\n{}```", "const a = 1\n".repeat(60));
    for introduction in ["Like this:", "**A title**"] {
        let body =
            format!("{}\n\n{introduction}\n\n{code}\n\n{}", paragraph(1_300), paragraph(900));
        assert_eq!(texts(&body)[1], format!("{introduction}\n\n{code}\n\n{}", paragraph(900)));
    }
}

#[test]
fn long_lists_are_cut_between_items_and_long_paragraphs_between_sentences() {
    let item = format!("- {}", paragraph(600));
    let list = vec![item; 6].join("\n");
    let items = texts(&list);
    assert_eq!(items.join("\n"), list);
    assert!(items.len() > 1 && items.iter().all(|text| text.len() <= LIMIT));

    let prose = vec!["This is a sentence of some words."; 200].join(" ");
    let sentences = texts(&prose);
    assert_eq!(sentences.join(" "), prose);
    assert!(sentences.len() > 1 && sentences.iter().all(|text| text.len() <= LIMIT));
}

#[test]
fn what_has_no_place_to_cut_is_cut_between_words() {
    let endless = "word ".repeat(4_000);
    let quote = "> line\n".repeat(2_000);
    let item = format!("- {}", "ä".repeat(10_000));
    for body in [endless.as_str(), &quote, &item] {
        let texts = texts(body);
        assert!(texts.len() > 1 && texts.iter().all(|text| text.len() <= PIECE_LIMIT));
        let kept = |text: &str| text.replace(['\n', ' '], "").len();
        assert_eq!(texts.iter().map(|text| kept(text)).sum::<usize>(), kept(body));
    }
}

#[test]
fn ids_are_unique_and_outlive_changes_elsewhere() {
    let before = "a\n\n# T\n\nb\n\n## X {#x}\n\nc\n\n## Y\n\nd\n\n## Y {#x}\n\ne";
    let expected = ["a/b.md#/0", "a/b.md#/1", "a/b.md#x/0", "a/b.md#y/0", "a/b.md#x/1"];
    assert_eq!(ids(before), expected);
    let after = format!("{}\n\n## New\n\nf", before.replace("\nc\n", "\nc changed\n\nand more\n"));
    assert_eq!(ids(&after)[..5], expected);
}

#[test]
fn the_title_is_the_pages_own_its_first_heading_or_its_name() {
    let check = |page: &str, expected: &str| {
        let (front_matter, body) = FrontMatter::split(page).unwrap();
        let blocks = parse(&body, Dialect::Mdx).unwrap().blocks;
        let title = page_title(&front_matter, &body, &blocks, || "the-name".to_owned());
        assert_eq!(title, expected, "{page}");
    };
    check("---\ntitle: Own\n---\n# Heading", "Own");
    check("# A *heading* {#b}\n\n# Other", "A heading");
    check("import A from 'a';\nimport B from 'b';\n\n\nUnder *line*\n===\n", "Under line");
    check("---\nid: own-id\n---\ntext\n\n# A heading", "own-id");
    check("text\n\n# A heading", "the-name");
    check("<!-- a -->\n\n# A heading", "the-name");
    check("## Second level\n\n# First", "the-name");
    check("---\ntitle: ''\n---\n", "the-name");
}
