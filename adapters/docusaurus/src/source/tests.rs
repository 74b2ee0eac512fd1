use super::*;

/// What is left of a text, without the blank lines and the blanks at the ends of lines.
fn left(body: &str) -> String {
    let source = Source::new(body, Dialect::BrokenMdx, &Syntax::default());
    assert_eq!(source.text.len(), body.len(), "everything keeps its place");
    assert_eq!(source.text.matches('\n').count(), body.matches('\n').count());
    let lines: Vec<_> =
        source.text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

fn titles(body: &str) -> Vec<String> {
    Source::new(body, Dialect::BrokenMdx, &Syntax::default())
        .titles
        .into_iter()
        .map(|title| title.text)
        .collect()
}

#[test]
fn statements_go_with_their_blank_lines() {
    let body = "\
import A from './a.js'
import {
  B,
} from \"b\";
import './c.css'

export const Badge = () => {

  return <b>Don't panic</b>;
}
export default Badge

Left.";
    assert_eq!(left(body), "Left.");
}

#[test]
fn sentences_and_code_that_look_like_statements_stay() {
    for body in [
        "import the store from the file",
        "export functions by name",
        "Text\nexport const a = 1",
        "```js\nimport a from 'a'\n```",
        "- ```js\n  import a from 'a'\n  ```",
        "> ~~~\n> export const a = 1\n> ~~~",
    ] {
        assert_eq!(left(body), body);
    }
    let common_mark = Source::new("import a from 'a'", Dialect::CommonMark, &Syntax::default());
    assert_eq!(common_mark.text, "import a from 'a'");
}

#[test]
fn a_statement_that_never_ends_ends_at_an_empty_line() {
    assert_eq!(left("export const a = {\n  b\n\nLeft."), "Left.");
}

#[test]
fn admonitions_lose_their_lines_and_give_their_titles() {
    let body = "\
:::note
a
:::
::::tip[A [nested] one]{#id .class}
:::warning Old *style*
b
:::
::::
- c
  :::info What's `new`?
  d
  :::
> :::danger
> e";
    assert_eq!(left(body), "a\nb\n- c\n  d\n>\n> e");
    assert_eq!(titles(body), ["A [nested] one", "Old *style*", "What's `new`?"]);
}

#[test]
fn colons_in_text_and_code_open_nothing() {
    for body in ["a ::: b", "::note", "```\n:::note x\n```", "::: 1"] {
        assert_eq!(left(body), body);
        assert!(titles(body).is_empty());
    }
}

#[test]
fn comments_go_wherever_they_are_not_code() {
    assert_eq!(left("a <!-- b --> c"), "a            c");
    assert_eq!(left("<!-- a -->\nimport b from 'b'\n\nc"), "c");
    assert_eq!(left("<!-- a\n```\nb -->\nc\n{/* truncate */}\nd"), "c\nd");
    for body in ["`<!-- a -->` b", "``{/* a */} ` ``", "```\n<!-- a -->\n```", "a <!-- b", "a < b"]
    {
        assert_eq!(left(body), body);
    }
}

#[test]
fn a_comment_that_names_a_heading_stays() {
    assert_eq!(left("## A {/* #b */}"), "## A {/* #b */}");
}

#[test]
fn the_content_of_an_mdx_code_block_is_no_code() {
    let block =
        "````mdx-code-block\nimport A from 'a'\n\n## B\n```js\nimport c from 'c'\n```\n````\n";
    assert_eq!(left(block), "## B\n```js\nimport c from 'c'\n```");
    let two = format!("{block}```mdx-code-block\nimport D from 'd'\n\nE\n```");
    assert_eq!(left(&two), "## B\n```js\nimport c from 'c'\n```\nE");
}
