// An answer as elements of the page.
import { h, icon } from "./dom.js";
import { addressOf, linkTo } from "./link.js";
import { parse } from "./markdown.js";
import { fill } from "./words.js";

/**
 * @import { Inline } from "./inline.js"
 * @import { Block } from "./markdown.js"
 * @import { Source } from "./stream.js"
 * @import { Words } from "./words.js"
 */

/**
 * @typedef {object} Context
 * @property {Source[]} sources those that are known
 * @property {boolean} isComplete whether there will be no more of them
 * @property {Words} words
 */

const COPY = "M9 9h10v11H9zM5 15V4h10";
const DONE = "m5 12.5 4.5 4.5L19 7.5";

/**
 * What each element was made of.
 *
 * @type {WeakMap<Element, string>}
 */
const made = new WeakMap();

/**
 * Shows a text. What has been shown of it and is the same stays as it is, and so does what the
 * reader has selected there.
 *
 * @param {HTMLElement} container
 * @param {string} text
 * @param {Context} context
 */
export function showAnswer(container, text, context) {
  const known = context.sources.map(({ number }) => number).join();
  const parsed = parse(text);
  parsed.forEach(({ block, source }, index) => {
    const key = [source, known, context.isComplete, context.words.copy].join("\0");
    const there = container.children[index];
    if (there && made.get(there) === key) return;
    const element = blockElement(block, context);
    made.set(element, key);
    if (there) there.replaceWith(element);
    else container.append(element);
  });
  while (container.children.length > parsed.length) container.lastElementChild?.remove();
}

/**
 * @param {Block} block
 * @param {Context} context
 * @returns {HTMLElement}
 */
function blockElement(block, context) {
  const blocks = (/** @type {Block[]} */ all) => all.map((one) => blockElement(one, context));
  const inlines = (/** @type {Inline[]} */ all) => all.map((one) => inlineNode(one, context));
  switch (block.type) {
    case "paragraph":
      return h("p", {}, ...inlines(block.children));
    case "heading":
      // Of whatever level: an answer is short, and its headings are below that of the question.
      return h("h4", {}, ...inlines(block.children));
    case "fence":
      return codeElement(block.text, block.language, context.words);
    case "quote":
      return h("blockquote", {}, ...blocks(block.children));
    case "list": {
      const items = block.items.map((item) => {
        const [first, ...rest] = item;
        const isTight = block.tight && first?.type === "paragraph";
        const begin = isTight ? inlines(first.children) : first ? blocks([first]) : [];
        return h("li", {}, ...begin, ...blocks(rest));
      });
      return block.start === null
        ? h("ul", {}, ...items)
        : h("ol", { start: block.start }, ...items);
    }
    case "table": {
      const cell = (/** @type {"th" | "td"} */ name) => (/** @type {Inline[]} */ all, /** @type {number} */ column) =>
        h(name, { class: block.align[column] }, ...inlines(all));
      const head = h("tr", {}, ...block.head.map(cell("th")));
      const rows = block.rows.map((row) => h("tr", {}, ...row.map(cell("td"))));
      const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
      return h("div", { class: "table", tabindex: 0 }, table);
    }
    case "rule":
      return h("hr");
  }
}

/**
 * @param {Inline} node
 * @param {Context} context
 * @returns {Node}
 */
function inlineNode(node, context) {
  const inlines = (/** @type {Inline[]} */ all) => all.map((one) => inlineNode(one, context));
  switch (node.type) {
    case "text":
      return document.createTextNode(node.text);
    case "code":
      return h("code", { dir: "ltr" }, node.text);
    case "break":
      return h("br");
    case "link": {
      const address = addressOf(node.url);
      const children = inlines(node.children);
      return address ? h("a", linkTo(address), ...children) : h("span", {}, ...children);
    }
    case "cite":
      return citation(node.numbers, node.text, context);
    default:
      return h(node.type, {}, ...inlines(node.children));
  }
}

/**
 * Numbers that lead to the sources. What cites none is text.
 *
 * @param {number[]} numbers
 * @param {string} text
 * @param {Context} context
 */
function citation(numbers, text, { sources, isComplete, words }) {
  const cited = numbers.map((number) => sources.find((source) => source.number === number));
  if (isComplete && !cited.every(Boolean)) return document.createTextNode(text);
  const marks = numbers.map((number, index) => {
    const source = cited[index];
    const address = addressOf(source?.url ?? null);
    if (!source || !address) return h("span", { class: "cite" }, `${number}`);
    const name = `${fill(words.source, number)}: ${nameOf(source)}`;
    return h("a", { ...linkTo(address), class: "cite", title: nameOf(source), "aria-label": name }, `${number}`);
  });
  return h("sup", { dir: "ltr" }, ...marks);
}

/**
 * The page of a source, and the section where it opens.
 *
 * @param {Source} source
 */
export function nameOf({ title, section, url }) {
  return [title, section].filter((part, index, all) => part && all.indexOf(part) === index).join(" › ") || (url ?? "");
}

/**
 * @param {string} text
 * @param {string} language
 * @param {Words} words
 */
function codeElement(text, language, words) {
  const pre = h("pre", { tabindex: 0, dir: "ltr" }, h("code", {}, text));
  const head = h("figcaption", {}, h("span", { dir: "ltr" }, language), copyButton(() => text, words));
  return h("figure", { class: "code" }, head, pre);
}

/**
 * A button that copies, where the browser lets pages copy.
 *
 * @param {() => string} text
 * @param {Words} words
 */
export function copyButton(text, words) {
  if (!navigator.clipboard) return null;
  const label = h("span", {}, words.copy);
  const button = h("button", { type: "button", class: "quiet", onclick: copy }, icon(COPY), label);
  async function copy() {
    await navigator.clipboard.writeText(text()).catch(() => {});
    button.replaceChildren(icon(DONE), h("span", { role: "status" }, words.copied));
    setTimeout(() => button.replaceChildren(icon(COPY), label), 2_000);
  }
  return button;
}
