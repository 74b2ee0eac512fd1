use super::{parse_alone as parse, *};

/// The blocks of a page as text, headings with their marks, empty lines between blocks.
fn clean_as(dialect: Dialect, body: &str) -> String {
    let blocks = parse(body, dialect).unwrap().blocks.into_iter().map(|block| match block {
        Block::Heading(heading) => {
            format!("{} {}", "#".repeat(usize::from(heading.depth)), heading.text)
        }
        Block::Title(text) | Block::Paragraph(text) | Block::Whole(text) => text,
        Block::List { items, loose } => items.join(if loose { "\n\n" } else { "\n" }),
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

fn check(body: &str, expected: &str) {
    assert_eq!(clean_as(Dialect::Mdx, body), expected);
}

/// The same in both dialects.
fn check_both(body: &str, expected: &str) {
    check(body, expected);
    assert_eq!(clean_as(Dialect::CommonMark, body), expected);
}

#[test]
fn what_authors_write_stays_as_they_wrote_it() {
    let body = "\
Some *text*, `code` with `<b>` and \\{escapes\\}.
Its second line.

1. one
   - nested
2. two

| a | b |
| - | - |
| 1 | `x` |

> quote
> goes on";
    check_both(body, body);
}

#[test]
fn only_links_into_the_web_stay_links() {
    check_both(
        "See [the **other** page](./b.md#c), [here](#d), [up](/e \"t\") and [mail](mailto:a@b.c).",
        "See the **other** page, here, up and mail.",
    );
    let web = "See [`a`](https://a.example) and https://b.example.";
    check_both(web, web);
}

#[test]
fn links_by_reference_are_resolved() {
    let body = "[A][a], [b][], [c] and [d].\n\n[a]: https://a.example\n[b]: ./b.md\n[c]: HTTP://c.example 'C'";
    check_both(body, "[A](https://a.example), b, [c](HTTP://c.example) and [d].");
}

#[test]
fn images_become_their_alternative_text() {
    check_both(
        "An ![a *b* \\<c>](./i.png) and ![](x.png) [![d](e.svg)](https://f.example).",
        "An a b \\<c> and [d](https://f.example).",
    );
}

#[test]
fn footnotes_keep_their_text_only() {
    check_both("Text[^1] more.\n\n[^1]: The note.", "Text more.\n\n## Footnotes\n\nThe note.");
}

#[test]
fn code_keeps_its_lines_and_its_language_only() {
    check_both(
        "````js title=\"src/a.js\" {1,3} showLineNumbers\n// highlight-next-line\nconst a = 1\n\n\n\n  {/* highlight-start */}\n```\n# highlight-end\n````",
        "src/a.js:\n````js\nconst a = 1\n\n\n\n```\n````",
    );
    let nested = "````md\n```js\na\n\n\n```\n\n\nb\n````";
    check_both(nested, nested);
    check_both("~~~ts{2}\na\n~~~", "```ts\na\n```");
    check_both("```\n```", "```\n\n```");
}

#[test]
fn code_in_lists_and_quotes_keeps_its_place() {
    check_both(
        "- a:\n\n  ```js title='b'\n  c\n\n    d\n  ```\n\n> ```sh {1}\n> e\n> ```",
        "- a:\n\n  b:\n  ```js\n  c\n\n    d\n  ```\n\n> ```sh\n> e\n> ```",
    );
}

#[test]
fn admonitions_keep_title_and_text() {
    check_both(
        ":::note\nA\n:::\n\n:::tip Use [it](./x.md) **well**\n- B\n- C\n:::\n\n::::info[Outer]\n\n:::danger[Inner]\nD\n:::\n\n::::",
        "A\n\n**Use it well**\n\n- B\n- C\n\n**Outer**\n\n**Inner**\n\nD",
    );
}

#[test]
fn an_admonition_in_a_list_stays_there() {
    check_both(
        "- a\n\n  :::tip Title\n  b\n  :::\n- c\n\n> :::note Q\n> d\n> :::",
        "- a\n\n  **Title**\n\n  b\n\n- c\n\n> **Q**\n>\n> d\n>",
    );
}

#[test]
fn tags_go_and_their_text_stays() {
    check(
        "<div className=\"a\">\n  <Card title=\"T\">\n    Text <b>bold</b><br/>here <Icon name=\"x\"/>now.\n  </Card>\n</div>",
        "**T**\n\nText bold here now.",
    );
    check("<iframe src=\"a\" title=\"b\">c</iframe>\n\n<style>{`a`}</style>\n\nLeft.", "Left.");
}

#[test]
fn tabs_keep_their_labels() {
    let body = "\
import Tabs from '@theme/Tabs'

<Tabs groupId=\"os\">
  <TabItem value=\"l\" label=\"Linux\">

    - a
    - b

  </TabItem>
  <TabItem value=\"mac\">mac text</TabItem>
  <TabItem value=\"w\" label={'Windows'}>

  ```sh
  c
  ```

  </TabItem>
</Tabs>";
    check(body, "**Linux**\n\n- a\n- b\n\n**mac** mac text\n\n**Windows**\n\n```sh\nc\n```");
}

#[test]
fn tabs_keep_labels_that_are_listed_above_them() {
    let body = "\
<Tabs values={[{label: 'Linux', value: 'l'}, {label: `Mac`, value: 'm'}]}>
<TabItem value=\"l\">

a

</TabItem>
<TabItem value=\"m\">

b

</TabItem>
<TabItem value=\"w\">

c

</TabItem>
</Tabs>";
    check(body, "**Linux**\n\na\n\n**Mac**\n\nb\n\n**w**\n\nc");
}

#[test]
fn a_line_of_colons_closes_an_admonition_even_in_code() {
    check(":::note\n\n```md\na\n:::\n\nb\n\n```md\nc\n```", "```md\na\n```\n\nb\n\n```md\nc\n```");
    check("::::note\n\n```md\n:::note\n:::\n```\n\n::::", "```md\n:::note\n:::\n```");
}

#[test]
fn what_is_no_admonition_stays_text() {
    check(":::unknown Title\n\na", ":::unknown Title\n\na");
    check(":::unknown[Title]\n\na\n\n:::", "**Title**\n\na");
    let syntax = Syntax { admonition_titles: false, ..Syntax::default() };
    let blocks = super::parse(":::tip Title\n\na", Dialect::Mdx, &syntax, &|_| Ok(Vec::new()));
    assert_eq!(blocks.unwrap().blocks[0], Block::Paragraph(":::tip Title".to_owned()));
}

#[test]
fn folds_keep_their_summary() {
    check(
        "<details>\n<summary>More *here*</summary>\n\n## In it\n\nText.\n\n</details>",
        "**More *here***\n\n## In it\n\nText.",
    );
}

#[test]
fn expressions_go_unless_they_are_strings() {
    check("A{' '}b {props.version}c {\"d\"}.\n\n{1 + 1}\n\n{/* e */}", "A b c d.");
}

#[test]
fn comments_and_gaps_go() {
    check_both("a <!-- b --> c\n\n<!-- truncate -->\n\n&nbsp;\n\n---\n\nd", "a c\n\nd");
    check("a <!--\nb\n--> c {/* d */}\n\n{/* truncate */}\n\n- e <!-- f -->", "a\n\nc\n\n- e");
}

#[test]
fn html_keeps_its_text() {
    let body = "<table><tr><td>a</td><td title=\">\">b</td></tr></table>\n\n<script>\nvar c\n</script>\n\n<b>d</b>, e<br>f 1 < 2\n\n<TabItem label=\"G\">\n\nh\n\n</TabItem>";
    assert_eq!(clean_as(Dialect::CommonMark, body), "a b\n\nd, e f 1 < 2\n\n**G**\n\nh");
}

#[test]
fn mdx_that_is_none_is_read_as_common_mark_with_a_warning() {
    let document =
        parse("# A\n\nList<String> and <br> and {.\n\n:::note B\nc\n:::", Dialect::Mdx).unwrap();
    let (line, what) = document.problems[0].clone();
    assert_eq!(line, Some(3));
    assert!(
        what.starts_with("not valid MDX (") && what.ends_with("): read as CommonMark"),
        "{what}"
    );
    assert_eq!(document.blocks.len(), 4);
    assert!(parse("List<String>", Dialect::CommonMark).unwrap().problems.is_empty());
}

#[test]
fn tags_nested_without_end_are_read_as_common_mark() {
    let nested = |depth: usize| format!("a\n\n{}b{}", "<b>".repeat(depth), "</b>".repeat(depth));
    assert!(parse(&nested(400), Dialect::Mdx).unwrap().problems.is_empty());
    assert!(parse(&"a <b>c</b> <i/>\n".repeat(1_000), Dialect::Mdx).unwrap().problems.is_empty());
    let (line, what) = parse(&nested(5_000), Dialect::Mdx).unwrap().problems.remove(0);
    assert_eq!(line, Some(3));
    assert_eq!(what, "not valid MDX (too many tags in one another): read as CommonMark");
}

#[test]
fn a_parser_that_panics_does_not_stop_the_reading() {
    let document = parse("a\n\n![b <c>](d.png)", Dialect::Mdx).unwrap();
    assert_eq!(
        document.problems,
        [(None, "not valid MDX (the parser failed): read as CommonMark".to_owned())]
    );
    assert_eq!(document.blocks.len(), 2);
}

#[test]
fn a_page_without_text_has_no_blocks() {
    for body in ["", "\n\n", "<!-- a -->", "![](a.png)", "import a from 'b'", "[a]: b"] {
        assert!(parse(body, Dialect::Mdx).unwrap().blocks.is_empty(), "{body}");
    }
}
