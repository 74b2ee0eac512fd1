use scraper::Html;

use super::*;

fn blocks(html: &str) -> Vec<Block> {
    of(Html::parse_fragment(html).root_element())
}

/// The blocks as text, headings as `depth anchor text`.
fn texts(html: &str) -> Vec<String> {
    blocks(html)
        .iter()
        .map(|block| match block {
            Block::Heading(Heading { depth, text, anchor }) => {
                format!("{depth} {} {text}", anchor.as_deref().unwrap_or("-"))
            }
            block => markdown(block),
        })
        .collect()
}

#[test]
fn headings_have_their_ids_and_not_the_link_to_themselves() {
    let html = "<header><h1>T</h1></header>
        <h2 class=anchor id=a>A &amp; <code>b</code><a href=#a class=hash-link>\u{200B}</a></h2>
        <h1 id=x>Second</h1><h3>None</h3><h6 id=''>Empty</h6>";
    assert_eq!(texts(html), ["1 - T", "2 a A & b", "1 - Second", "3 - None", "6 - Empty"]);
}

#[test]
fn inline_elements_become_markdown() {
    let check = |html: &str, expected: &str| assert_eq!(texts(html), [expected], "{html}");
    check("<p>a <strong>b </strong>c <em>d</em><del>e</del></p>", "a **b** c *d*~~e~~");
    check("<p>a <!-- -->\n b<br>c <kbd>d</kbd></p>", "a b c d");
    check("<p><code>a `b` &lt;</code></p>", "``a `b` <``");
    check("<p>snake_case _x_ 2 &lt; 3 * 4 `</p>", "snake_case \\_x\\_ 2 \\< 3 \\* 4 \\`");
    check(
        "<p><a href=/docs/a>in</a> <a href=https://b.example/>out</a></p>",
        "in [out](https://b.example/)",
    );
    check("<p><img src=a.png alt='A card'> b</p>", "A card b");
    check("<p>a<sup><a data-footnote-ref=true href=#f>1</a></sup> b</p>", "a b");
    check("text <b>directly</b> in it", "text **directly** in it");
}

#[test]
fn what_is_not_for_reading_is_left_out() {
    let html = "<nav>a</nav><button>b</button><svg><text>c</text></svg><script>d</script>
        <div class=theme-doc-toc-mobile>e</div><p></p><p> </p><hr><iframe src=f></iframe>";
    assert!(texts(html).is_empty());
}

#[test]
fn lists_keep_their_marks_and_what_is_in_their_items() {
    let tight = "<ul><li>a</li><li>b<!-- --> <ul><li>c</li></ul></li><li></li></ul>";
    let items = vec!["- a".to_owned(), "- b\n  - c".to_owned()];
    assert_eq!(blocks(tight), [Block::List { items, loose: false }]);

    let code = "<pre><code class=language-sh>x\n\ny</code></pre>";
    let loose = format!("<ol start=9><li><p>a</p>{code}</li><li><p>b</p></li></ol>");
    let items = vec!["9. a\n\n   ```sh\n   x\n\n   y\n   ```".to_owned(), "10. b".to_owned()];
    assert_eq!(blocks(&loose), [Block::List { items, loose: true }]);

    let tasks = "<ul><li><input type=checkbox checked> a</li><li><input type=checkbox> b</li></ul>";
    assert_eq!(texts(tasks), ["- [x] a\n- [ ] b"]);
}

#[test]
fn a_list_quote_or_table_with_a_heading_is_taken_apart() {
    for html in [
        "<ul><li>a<h3 id=h>H</h3><p>b</p></li></ul>",
        "<blockquote><p>a</p><h3 id=h>H</h3><p>b</p></blockquote>",
        "<table><tr><td>a<h3 id=h>H</h3>b</td></tr></table>",
        "<p>a</p><span><div><h3 id=h>H</h3></div></span>b",
    ] {
        assert_eq!(texts(html), ["a", "3 h H", "b"], "{html}");
    }
}

#[test]
fn tables_and_quotes_are_whole() {
    let table =
        "<table><thead><tr><th style=text-align:left>A<th style=text-align:right>B<th>C</thead>
        <tbody><tr><td>1<td><code>a|b</code><td><ul><li>x<li>y</ul></tbody></table>";
    let written = "| A | B | C |\n| :-- | --: | --- |\n| 1 | `a\\|b` | x y |";
    assert_eq!(blocks(table), [Block::Whole(written.to_owned())]);
    let quote = "<blockquote><p>a</p><p>b</p></blockquote>";
    assert_eq!(blocks(quote), [Block::Whole("> a\n>\n> b".to_owned())]);
}

#[test]
fn code_has_its_language_and_title() {
    let line = |text: &str| format!("<span class=token-line><span>{text}</span><br></span>");
    let block = format!(
        "<div class='language-js theme-code-block'><div class=codeBlockTitle_x>a.js</div>
        <div><pre class=language-js><code>{}{}{}</code></pre><button>Copy</button></div></div>",
        line("if (a) {"),
        line(""),
        line("  ```"),
    );
    let written = "a.js:\n````js\nif (a) {\n\n  ```\n````";
    assert_eq!(blocks(&block), [Block::Whole(written.to_owned())]);
    assert_eq!(texts("<pre class=language-text>a\n  b\n</pre>"), ["```\na\n  b\n```"]);
    assert!(texts("<pre></pre>").is_empty());
}

#[test]
fn an_admonition_has_the_title_that_it_was_given() {
    let note = |title: &str| {
        format!(
            "<div class='theme-admonition theme-admonition-note'>
            <div class=admonitionHeading_x><span><svg></svg></span>{title}</div>
            <div class=admonitionContent_x><p>a</p><h3 id=h>H</h3></div></div>"
        )
    };
    assert_eq!(texts(&note("note")), ["a", "3 h H"]);
    assert_eq!(texts(&note("Bring a <b>bag</b>")), ["**Bring a bag**", "a", "3 h H"]);
}

#[test]
fn panels_have_the_labels_of_their_tabs() {
    let tabs = |panels: &str| {
        format!(
            "<div class=tabs-container><ul role=tablist><li role=tab aria-selected=false>A
            <li role=tab aria-selected=true>B</ul><div>{panels}</div></div>"
        )
    };
    let all = tabs("<div role=tabpanel hidden>a</div><div role=tabpanel><p>b</p></div>");
    assert_eq!(texts(&all), ["**A**", "a", "**B**", "b"]);
    let lazy = tabs("<div role=tabpanel>b</div>");
    assert_eq!(texts(&lazy), ["**B**", "b"]);
    let nested = tabs(&format!("<div role=tabpanel>a{lazy}</div><div role=tabpanel>c</div>"));
    assert_eq!(texts(&nested), ["**A**", "a", "**B**", "b", "**B**", "c"]);
}

#[test]
fn a_fold_has_its_summary_as_title() {
    let html = "<details><summary>Why?</summary><div><div><p>So.</p></div></div></details>";
    let expected = [Block::Title("**Why?**".to_owned()), Block::Paragraph("So.".to_owned())];
    assert_eq!(blocks(html), expected);
}

#[test]
fn absurd_nesting_is_read_as_plain_text() {
    for (open, close) in [("<div>", "</div>"), ("<ul><li>", "</li></ul>"), ("<i>", "</i>")] {
        let html = format!("{}deep{}", open.repeat(500), close.repeat(500));
        let texts = texts(&html);
        assert!(texts.len() == 1 && texts[0].contains("deep"), "{open}");
    }
}
