use crate::markdown::{self, Block, parse_alone as parse};
use crate::source::{Dialect, Syntax};

fn parse_with(page: &str, dialect: Dialect, syntax: &Syntax) -> Vec<Block> {
    markdown::parse(page, dialect, syntax, &|_| Ok(Vec::new())).unwrap().blocks
}

/// The anchors of the headings of a page, `-` for none.
fn anchors_in(dialect: Dialect, page: &str) -> Vec<String> {
    parse(page, dialect)
        .unwrap()
        .blocks
        .into_iter()
        .filter_map(|block| match block {
            Block::Heading(heading) => Some(heading.anchor.unwrap_or_else(|| "-".to_owned())),
            _ => None,
        })
        .collect()
}

fn check(heading: &str, anchor: &str) {
    assert_eq!(anchors_in(Dialect::Mdx, &format!("## {heading}\n")), [anchor], "{heading}");
}

fn text(heading: &str) -> String {
    match parse(heading, Dialect::Mdx).unwrap().blocks.remove(0) {
        Block::Heading(heading) => heading.text,
        block => panic!("no heading: {block:?}"),
    }
}

#[test]
fn slugs_are_lower_case_words_with_dashes() {
    check("Getting Started", "getting-started");
    check("What's a \"Thunk\"? — really", "whats-a-thunk--really");
    check("C++ & Rust (v1.85)", "c--rust-v185");
    check("two   blanks", "two---blanks");
    check("snake_case __init__.py", "snake_case-initpy");
    check("Closed ##", "closed");
}

#[test]
fn slugs_keep_the_letters_of_every_script() {
    check("Größe Ωμέγα", "größe-ωμέγα");
    check("日本語、テスト", "日本語テスト");
    check("x² ½ ①", "x--");
    check("Party 🎉 time", "party--time");
    check("key \u{2328}\u{FE0F}", "key-\u{FE0F}");
}

#[test]
fn slugs_are_made_of_the_text_and_not_of_the_markup() {
    check("Use `let x = 1;` **now**, [see](./b.md)", "use-let-x--1-now-see");
    check("An ![alt text](/a.png) image", "an-alt-text-image");
    check("<b>Bold</b> tail", "bold-tail");
    check("A <Badge/> here", "a--here");
    check("A &amp; B &lt;T&gt;", "a--b-t");
    check("Sum {1 + 1}", "sum-1--1");
    check("~~old~~ new[^1]", "old-new1");
}

#[test]
fn a_text_directive_is_no_part_of_a_slug() {
    check("Key:value pair", "key-pair");
    check("At 10:30 or a::b or :tada: c: d", "at-1030-or-ab-or-tada-c-d");
    check("In `a:b` code", "in-ab-code");
}

#[test]
fn a_repeated_slug_is_counted() {
    let page = "## A\n## A\n## A-1\n## A\n## !\n## ?\n## Constructor\n";
    let expected = ["a", "a-1", "a-1-1", "a-2", "-", "-1", "constructor"];
    assert_eq!(anchors_in(Dialect::Mdx, page), expected);
}

#[test]
fn a_heading_of_the_first_level_uses_up_its_slug_and_has_no_anchor() {
    assert_eq!(anchors_in(Dialect::Mdx, "# Home\n## Home\n# Home\n"), ["-", "home-1", "-"]);
}

#[test]
fn a_written_id_wins_and_is_not_counted() {
    let page = "## A {#My_Id}\n## B {/* #b-id b */}\n## C\\{#c-id}\n## x {#dup}\n## dup\n## dup\n";
    let expected = ["My_Id", "b-id", "c-id", "dup", "dup", "dup-1"];
    assert_eq!(anchors_in(Dialect::Mdx, page), expected);
    let in_common_mark = ["My_Id", "b--b-id-b-", "c-id", "dup", "dup", "dup-1"];
    assert_eq!(anchors_in(Dialect::CommonMark, page), in_common_mark);
    let broken = ["My_Id", "b-id b", "c-id", "dup", "dup", "dup-1"];
    assert_eq!(anchors_in(Dialect::Mdx, &format!("{page}\n<b>"))[2..], broken[2..]);
    check("`{#code}`", "code");
    check("Not {#a} last", "not-a-last");
    for heading in ["## A *b* {#c}", "## A *b* {/* #c */}", "## A *b* \\{#c}"] {
        assert_eq!(text(heading), "A b");
    }
}

#[test]
fn headings_anywhere_count_in_their_order() {
    let page = "\
:::note
## A
:::
- item

  ## A

> ## A

<details>
<summary>S</summary>

## A

</details>

A
-
";
    assert_eq!(anchors_in(Dialect::Mdx, page), ["a", "a-1", "a-2", "a-3", "a-4"]);
}

#[test]
fn comments_are_no_part_of_a_slug_but_the_blank_before_them_is() {
    check("Nota <!-- bene -->", "nota-");
    check("Nota <!-- #bene -->", "nota-");
    check("A {/* remark */}", "a--remark-");
    check("A {/* #b */} c", "a--b--c");
    assert_eq!(anchors_in(Dialect::CommonMark, "## Nota <!-- #bene -->"), ["nota-"]);
    let syntax = Syntax { comments: false, ..Syntax::default() };
    let page = parse_with("## Nota <!-- #bene b -->", Dialect::CommonMark, &syntax);
    assert_eq!(markdown::anchors(&page), ["bene"]);
}

#[test]
fn html_counts_unless_it_is_directly_in_the_heading() {
    let slugs = |page| anchors_in(Dialect::CommonMark, page);
    assert_eq!(
        slugs("## A <b>tag</b>\n\n## **a <i>b</i>**\n\n## <b></b>"),
        ["a-tag", "a-ibi", "bb"]
    );
}

#[test]
fn anchors_may_keep_their_case() {
    let syntax = Syntax { maintain_case: true, ..Syntax::default() };
    let page = parse_with("## The Wheel\n## the wheel\n## The Wheel", Dialect::Mdx, &syntax);
    assert_eq!(markdown::anchors(&page), ["The-Wheel", "the-wheel", "The-Wheel-1"]);
}

#[test]
fn headings_in_tags_have_the_id_that_is_written() {
    let page = "<h2 id=\"a-b\">A *b*</h2>\n\n<h3>None</h3>\n\n<div><h2 id='c'>C</h2></div>\n\n\
                <Heading as=\"h4\" id=\"d\">D</Heading>\n\n## A b";
    assert_eq!(anchors_in(Dialect::Mdx, page), ["a-b", "-", "c", "d", "a-b"]);
    let html =
        "<h2 id=a>A</h2>\n<p>b</p>\n\n<h3 class=\"x\" id=\"c\">C <b>d</b></h3>\n\n<h1 id=e>E</h1>";
    assert_eq!(anchors_in(Dialect::CommonMark, html), ["a", "c", "-"]);
}

#[test]
fn footnotes_have_a_heading_of_their_own_at_the_end() {
    let page = "A[^1]\n\n[^1]: b\n\n[^2]: ## Not referred to\n\n## C";
    assert_eq!(anchors_in(Dialect::Mdx, page), ["c", "footnote-label"]);
}

#[test]
fn closed_panels_of_lazy_tabs_have_no_anchors_but_use_them_up() {
    let tabs = |attributes: &str| {
        format!(
            "<Tabs{attributes}>\n<TabItem value=\"a\">\n\n## A\n\n</TabItem>\n\
             <TabItem value=\"b\">\n\n## A\n\n</TabItem>\n</Tabs>\n\n## A"
        )
    };
    for (attributes, expected) in [
        ("", ["a", "a-1", "a-2"]),
        (" lazy", ["a", "-", "a-2"]),
        (" lazy defaultValue=\"b\"", ["-", "a-1", "a-2"]),
        (" lazy={false}", ["a", "a-1", "a-2"]),
    ] {
        assert_eq!(anchors_in(Dialect::Mdx, &tabs(attributes)), expected, "{attributes}");
    }
}

#[test]
fn the_text_is_what_people_read() {
    assert_eq!(text("## Use `a_b`  **now**,\\{x} <Badge/> [see](./b.md)"), "Use a_b now,{x} see");
    assert_eq!(text("## Key:value &amp; ![alt](a.png)"), "Key:value & alt");
    assert_eq!(text("A\nb\n==="), "A b");
}
