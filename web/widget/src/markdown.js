// Markdown, as far as answers have it (CommonMark, with tables and strikethrough of GFM), as a tree
// of values. Raw HTML is text. What is not closed yet, because it is still being written, is read
// as if it ended here.

import { inline } from "./inline.js";

/**
 * @import { Inline } from "./inline.js"
 */

/**
 * @typedef {"left" | "right" | "center" | null} Align
 *
 * @typedef {{ type: "paragraph", children: Inline[] }
 *   | { type: "heading", level: number, children: Inline[] }
 *   | { type: "fence", language: string, text: string }
 *   | { type: "quote", children: Block[] }
 *   | { type: "list", start: number | null, tight: boolean, items: Block[][] }
 *   | { type: "table", align: Align[], head: Inline[][], rows: Inline[][][] }
 *   | { type: "rule" }} Block
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:([ \t]+)(.*)|)$/;
const DELIMITER = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;

/** How deep quotes and lists go; beyond, it is text. */
const DEPTH = 8;

/**
 * The top-level blocks of a text, each with the part of the text that it stands for.
 *
 * @param {string} text
 * @returns {{ block: Block, source: string }[]}
 */
export function parse(text) {
  /** @type {{ block: Block, source: string }[]} */
  const found = [];
  blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0, (block, lines) => {
    found.push({ block, source: lines.join("\n") });
  });
  return found;
}

/**
 * @param {string[]} lines
 * @param {number} depth
 * @returns {Block[]}
 */
function nested(lines, depth) {
  /** @type {Block[]} */
  const found = [];
  blocks(lines, depth, (block) => found.push(block));
  return found;
}

/**
 * @param {string[]} lines
 * @param {number} depth
 * @param {(block: Block, lines: string[]) => void} found
 */
function blocks(lines, depth, found) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (isBlank(line)) {
      at += 1;
      continue;
    }
    const read =
      fence(lines, at) ??
      heading(line) ??
      (RULE.test(line) ? { block: /** @type {Block} */ ({ type: "rule" }), count: 1 } : null) ??
      (depth < DEPTH ? (quote(lines, at, depth) ?? list(lines, at, depth)) : null) ??
      table(lines, at) ??
      paragraph(lines, at);
    found(read.block, lines.slice(at, at + read.count));
    at += read.count;
  }
}

/** @typedef {{ block: Block, count: number }} Read */

/** @param {string} line */
const isBlank = (line) => line.trim() === "";

/** @param {string} line */
const indent = (line) => line.length - line.trimStart().length;

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Read | null}
 */
function fence(lines, at) {
  const open = FENCE.exec(lines[at] ?? "");
  if (!open) return null;
  const [, mark = "", info = ""] = open;
  const margin = indent(lines[at] ?? "");
  const close = new RegExp(`^ {0,3}${mark[0] === "`" ? "`" : "~"}{${mark.length},}[ \\t]*$`);
  let end = at + 1;
  while (end < lines.length && !close.test(lines[end] ?? "")) end += 1;
  const code = lines.slice(at + 1, end).map((line) => line.slice(Math.min(margin, indent(line))));
  const language = info.trim().split(/[\s{]/)[0] ?? "";
  const count = Math.min(end + 1, lines.length) - at;
  return { block: { type: "fence", language, text: code.join("\n") }, count };
}

/**
 * @param {string} line
 * @returns {Read | null}
 */
function heading(line) {
  const [, marks, text = ""] = HEADING.exec(line) ?? [];
  if (!marks) return null;
  return { block: { type: "heading", level: marks.length, children: inline(text) }, count: 1 };
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {Read | null}
 */
function quote(lines, at, depth) {
  if (!QUOTE.test(lines[at] ?? "")) return null;
  let end = at + 1;
  // A line goes on with the paragraph of the one before without a mark of its own.
  while (end < lines.length) {
    const line = lines[end] ?? "";
    if (!QUOTE.test(line) && (isBlank(line) || starts(line))) break;
    end += 1;
  }
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { block: { type: "quote", children: nested(inside, depth + 1) }, count: end - at };
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {Read | null}
 */
function list(lines, at, depth) {
  const first = ITEM.exec(lines[at] ?? "");
  if (!first) return null;
  const kind = (first[2] ?? "").at(-1);
  const number = parseInt(first[2] ?? "", 10);
  /** @type {string[][]} */
  const items = [];
  let tight = true;
  let end = at;
  while (end < lines.length) {
    const marker = ITEM.exec(lines[end] ?? "");
    if (!marker || (marker[2] ?? "").at(-1) !== kind || RULE.test(lines[end] ?? "")) break;
    const [, margin = "", mark = "", space = " ", text = ""] = marker;
    const gap = space.length > 4 ? 1 : space.length;
    const inset = margin.length + mark.length + gap;
    const item = [`${space.slice(gap)}${text}`];
    end += 1;
    while (end < lines.length) {
      const line = lines[end] ?? "";
      if (isBlank(line)) {
        const next = lines.slice(end).find((line) => !isBlank(line));
        const goesOn = next !== undefined && indent(next) >= inset;
        if (next !== undefined && (goesOn || ITEM.test(next))) tight &&= false;
        if (!goesOn) break;
        item.push("");
      } else if (indent(line) >= inset) {
        item.push(line.slice(inset));
      } else if (isBlank(lines[end - 1] ?? "") || ITEM.test(line) || starts(line)) {
        break;
      } else {
        item.push(line.trimStart());
      }
      end += 1;
    }
    items.push(item);
    while (end < lines.length && isBlank(lines[end] ?? "")) {
      const next = lines.slice(end).find((line) => !isBlank(line));
      if (next === undefined || !ITEM.test(next)) break;
      end += 1;
    }
  }
  if (items.length === 0) return null;
  const start = Number.isNaN(number) ? null : number;
  const children = items.map((item) => nested(item, depth + 1));
  return { block: { type: "list", start, tight, items: children }, count: end - at };
}

/**
 * Whether a line ends the paragraph before it.
 *
 * @param {string} line
 */
function starts(line) {
  const [, , mark = "", , text = ""] = ITEM.exec(line) ?? [];
  // A year at the beginning of a line is no list.
  const isItem = text !== "" && (!/\d/.test(mark) || /^1\D$/.test(mark));
  return isItem || [FENCE, HEADING, RULE, QUOTE].some((pattern) => pattern.test(line));
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Read | null}
 */
function table(lines, at) {
  const [first = "", second = ""] = lines.slice(at);
  if (!first.includes("|") || !second.includes("-") || !DELIMITER.test(second)) return null;
  const head = cells(first);
  const align = cells(second).map(alignment);
  if (head.length !== align.length) return null;
  let end = at + 2;
  while (end < lines.length && !isBlank(lines[end] ?? "") && !starts(lines[end] ?? "")) end += 1;
  const rows = lines.slice(at + 2, end).map((line) => {
    const row = cells(line);
    return align.map((_, column) => inline(row[column] ?? ""));
  });
  const block = { type: /** @type {const} */ ("table"), align, head: head.map((cell) => inline(cell)), rows };
  return { block, count: end - at };
}

/** @param {string} line */
function cells(line) {
  const inside = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/**
 * @param {string} cell
 * @returns {Align}
 */
function alignment(cell) {
  const [left, right] = [cell.startsWith(":"), cell.endsWith(":")];
  if (left && right) return "center";
  if (right) return "right";
  return left ? "left" : null;
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Read}
 */
function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end] ?? "")) {
    const line = lines[end] ?? "";
    const underline = UNDERLINE.exec(line);
    if (underline) {
      const children = inline(text(lines.slice(at, end)));
      const level = underline[1]?.startsWith("=") ? 1 : 2;
      return { block: { type: "heading", level, children }, count: end + 1 - at };
    }
    if (starts(line)) break;
    end += 1;
  }
  const children = inline(text(lines.slice(at, end)));
  return { block: { type: "paragraph", children }, count: end - at };
}

/**
 * The lines of a paragraph as one text, in which a line feed stands for a hard break.
 *
 * @param {string[]} lines
 */
function text(lines) {
  return lines
    .map((line, index) => {
      const isLast = index === lines.length - 1;
      const hard = !isLast && /( {2,}|\\)$/.test(line);
      return line.trim().replace(hard ? /\\$/ : /$^/, "") + (isLast ? "" : hard ? "\n" : " ");
    })
    .join("");
}
