import assert from "node:assert/strict";
import { test } from "node:test";
import { inline } from "../src/inline.js";
import { parse } from "../src/markdown.js";

/** A short form of what was read. */
const short = {
  text: ({ text }) => text,
  code: ({ text }) => `<code ${text}>`,
  break: () => "<br>",
  link: ({ url, children }) => `<a ${url} ${line(children)}>`,
  cite: ({ numbers }) => `<cite ${numbers}>`,
  strong: ({ children }) => `<strong ${line(children)}>`,
  em: ({ children }) => `<em ${line(children)}>`,
  del: ({ children }) => `<del ${line(children)}>`,
  paragraph: ({ children }) => `p(${line(children)})`,
  heading: ({ level, children }) => `h${level}(${line(children)})`,
  fence: ({ language, text }) => `fence(${language}|${text})`,
  quote: ({ children }) => `quote(${line(children)})`,
  list: ({ start, tight, items }) =>
    `${start === null ? "ul" : `ol${start}`}${tight ? "" : " loose"}(${items.map(line).join(" / ")})`,
  table: ({ align, head, rows }) =>
    `table(${align.map((one) => one ?? "-")} | ${[head, ...rows].map((row) => row.map(line).join(" ; ")).join(" / ")})`,
  rule: () => "rule",
};
const line = (nodes) => nodes.map((node) => short[node.type](node)).join("");
const read = (text) => line(parse(text).map(({ block }) => block));

const INLINE = [
  ["plain text", "plain text"],
  ["**strong** and *em* and _em_ and ~~gone~~", "<strong strong> and <em em> and <em em> and <del gone>"],
  ["***both***", "<strong <em both>>"],
  ["**a *b* c** and *a **b** c*", "<strong a <em b> c> and <em a <strong b> c>"],
  ["snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"],
  ["a `code *span*` and ``with ` tick``", "a <code code *span*> and <code with ` tick>"],
  ["not `closed", "not `closed"],
  ["**not closed", "**not closed"],
  ["[docs](/docs/a#b) and [x](<a b> \"t\")", "<a /docs/a#b docs> and <a a b x>"],
  ["[a](/x_(y))", "<a /x_(y) a>"],
  ["[not a link] at all", "[not a link] at all"],
  ["<https://a.example/b> https://c.example/d.", "<a https://a.example/b https://a.example/b> <a https://c.example/d https://c.example/d>."],
  ["(https://a.example)", "(<a https://a.example https://a.example>)"],
  ["xhttps://a.example", "xhttps://a.example"],
  ["so it is [1]. And [2, 3]: yes [4]:", "so it is <cite 1>. And <cite 2,3>: yes <cite 4>:"],
  ["[1](/docs/a)", "<a /docs/a 1>"],
  ["a\\*b\\[1] \\a", "a*b[1] \\a"],
  ["&lt;b&gt; &amp;c &#60; &#x3c; &nope; &#0;", "<b> &c < < &nope; \ufffd"],
  ["<script>alert(1)</script>", "<script>alert(1)</script>"],
  ["![image](x.png)", "!<a x.png image>"],
  ["**`x`** [1]", "<strong <code x>> <cite 1>"],
];
for (const [text, expected] of INLINE) {
  test(`inline: ${text}`, () => assert.equal(line(inline(text)), expected));
}

const BLOCKS = [
  ["one\ntwo\n\nthree", "p(one two)p(three)"],
  ["hard  \nbreak\\\nagain", "p(hard<br>break<br>again)"],
  ["# One\n### Three ###\nTwo\n---", "h1(One)h3(Three)h2(Two)"],
  ["```js title=\"a.js\"\nlet a;\n\n  b\n```\nafter", "fence(js|let a;\n\n  b)p(after)"],
  ["~~~\na\n```\n~~~", "fence(|a\n```)"],
  ["```\nnot closed\n", "fence(|not closed\n)"],
  ["- a\n- b\n  c\n- d", "ul(p(a) / p(b c) / p(d))"],
  ["1. a\n2. b\n\n   ```sh\n   x\n   ```\n\n3. c", "ol1 loose(p(a) / p(b)fence(sh|x) / p(c))"],
  ["- a\n  - b\n    - c\n- d", "ul(p(a)ul(p(b)ul(p(c))) / p(d))"],
  ["3) a\n4) b", "ol3(p(a) / p(b))"],
  ["* a\n\n* b", "ul loose(p(a) / p(b))"],
  ["- a\n1. b", "ul(p(a))ol1(p(b))"],
  ["In the year\n2026. A line.", "p(In the year 2026. A line.)"],
  ["text\n- a", "p(text)ul(p(a))"],
  ["> a\n> - b\nlazy", "quote(p(a)ul(p(b lazy)))"],
  ["a\n***\nb", "p(a)rule" + "p(b)"],
  ["| A | B |\n|:--|--:|\n| 1 | `x\\|y` |\n| 2 |\n\nafter", "table(left,right | A ; B / 1 ; <code x|y> / 2 ; )p(after)"],
  ["a | b\nno table", "p(a | b no table)"],
  ["", ""],
  ["\n\n  \n", ""],
];
for (const [text, expected] of BLOCKS) {
  test(`blocks: ${JSON.stringify(text)}`, () => assert.equal(read(text), expected));
}

test("each block knows the part of the text that it stands for", () => {
  const text = "# A\n\none\ntwo\n\n- x\n\n\n```\ncode\n```\nend";
  const sources = parse(text).map(({ source }) => source);
  assert.deepEqual(sources, ["# A", "one\ntwo", "- x", "```\ncode\n```", "end"]);
});

test("any beginning of a text can be read, and reading ends", () => {
  const text = "- **a `b\n  > [c](d \\\n\n| x |\n|--|\n```\n~~_*&#x;<http://[1, [[".repeat(4);
  for (let end = 0; end <= text.length; end += 1) parse(text.slice(0, end));
  for (const mark of ["[", "*", "> ", "- ", "`", "(", "**a ", "[a](", "|"]) parse(mark.repeat(2_000));
});
