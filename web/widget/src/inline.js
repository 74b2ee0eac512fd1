// What stands within a paragraph: emphasis, code, links, citations.

/**
 * @typedef {{ type: "text", text: string }
 *   | { type: "code", text: string }
 *   | { type: "break" }
 *   | { type: "strong" | "em" | "del", children: Inline[] }
 *   | { type: "link", url: string, children: Inline[] }
 *   | { type: "cite", numbers: number[], text: string }} Inline
 */

/** How deep emphasis and links go; beyond, it is text. */
const DEPTH = 8;

const ESCAPED = /^[!-/:-@[-`{-~]/;
const ENTITY = /^&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos|nbsp));/;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const CITATION = /^\[(\d{1,3}(?:[ \t]*,[ \t]*\d{1,3})*)\](?![([])/;
const AUTOLINK = /^<((?:https?|mailto):[^\s<>]*)>/i;
const BARE = /^https?:\/\/[^\s<>]+/i;

/**
 * @param {string} text in which a line feed stands for a hard break
 * @param {number} [depth]
 * @returns {Inline[]}
 */
export function inline(text, depth = 0) {
  /** @type {Inline[]} */
  const found = [];
  let plain = "";
  let at = 0;
  const flush = () => {
    if (plain) found.push({ type: "text", text: plain });
    plain = "";
  };
  while (at < text.length) {
    const rest = text.slice(at);
    const read = special(rest, text[at - 1] ?? "", depth);
    if (!read) {
      // Up to what may be special, all at once.
      const length = Math.max(1, rest.slice(1).search(/[\\`*_~[<&\nhH]/) + 1 || rest.length);
      plain += rest.slice(0, length);
      at += length;
      continue;
    }
    if (typeof read.node === "string") {
      plain += read.node;
    } else {
      flush();
      found.push(read.node);
    }
    at += read.length;
  }
  flush();
  return found;
}

/**
 * What a text begins with, unless it is a plain character.
 *
 * @param {string} rest
 * @param {string} before the character before it
 * @param {number} depth
 * @returns {{ node: Inline | string, length: number } | null}
 */
function special(rest, before, depth) {
  switch (rest[0]) {
    case "\n":
      return { node: { type: "break" }, length: 1 };
    case "\\":
      return ESCAPED.test(rest.slice(1)) ? { node: rest[1] ?? "", length: 2 } : null;
    case "&":
      return entity(rest);
    case "`":
      return code(rest);
    case "[":
      return citation(rest) ?? (depth < DEPTH ? link(rest, depth) : null);
    case "<": {
      const [all, url = ""] = AUTOLINK.exec(rest) ?? [];
      const children = [{ type: /** @type {const} */ ("text"), text: url }];
      return all ? { node: { type: "link", url, children }, length: all.length } : null;
    }
    case "h":
    case "H":
      return /[\p{L}\p{N}_/]/u.test(before) ? null : bare(rest);
    case "*":
    case "_":
    case "~":
      return depth < DEPTH ? emphasis(rest, before, depth) : null;
    default:
      return null;
  }
}

/** @param {string} rest */
function entity(rest) {
  const [all, decimal, hexadecimal, name] = ENTITY.exec(rest) ?? [];
  if (!all) return null;
  const code = decimal ? parseInt(decimal, 10) : hexadecimal ? parseInt(hexadecimal, 16) : 0;
  if (name) return { node: ENTITIES[/** @type {keyof typeof ENTITIES} */ (name)], length: all.length };
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return { node: isCharacter ? String.fromCodePoint(code) : "\ufffd", length: all.length };
}

/** @param {string} rest */
function code(rest) {
  const marks = /^`+/.exec(rest)?.[0] ?? "";
  const close = new RegExp(`(?<!\`)${marks}(?!\`)`, "g");
  close.lastIndex = marks.length;
  const end = close.exec(rest);
  if (!end) return { node: marks, length: marks.length };
  let text = rest.slice(marks.length, end.index).replaceAll("\n", " ");
  if (/^ .* $/.test(text) && text.trim()) text = text.slice(1, -1);
  return { node: { type: /** @type {const} */ ("code"), text }, length: end.index + marks.length };
}

/** @param {string} rest */
function citation(rest) {
  const [text, list] = CITATION.exec(rest) ?? [];
  if (!text || !list) return null;
  const numbers = list.split(",").map(Number);
  return { node: { type: /** @type {const} */ ("cite"), numbers, text }, length: text.length };
}

/**
 * @param {string} rest
 * @param {number} depth
 */
function link(rest, depth) {
  let open = 0;
  let end = 0;
  for (; end < rest.length; end += 1) {
    if (rest[end] === "\\") end += 1;
    else if (rest[end] === "[") open += 1;
    else if (rest[end] === "]" && --open === 0) break;
  }
  const target = /^\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\([^\s()]*\))*))(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/.exec(
    rest.slice(end + 1),
  );
  if (!target || end >= rest.length) return null;
  const url = (target[1] ?? target[2] ?? "").replace(/\\([!-/:-@[-`{-~])/g, "$1");
  const children = inline(rest.slice(1, end), depth + 1);
  return { node: { type: /** @type {const} */ ("link"), url, children }, length: end + 1 + target[0].length };
}

/** @param {string} rest */
function bare(rest) {
  let url = BARE.exec(rest)?.[0].replace(/[?!.,:*_~'"`\]]+$/, "") ?? "";
  while (url.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1);
  if (!url) return null;
  const children = [{ type: /** @type {const} */ ("text"), text: url }];
  return { node: { type: /** @type {const} */ ("link"), url, children }, length: url.length };
}

/**
 * @param {string} rest
 * @param {string} before
 * @param {number} depth
 */
function emphasis(rest, before, depth) {
  const mark = rest[0] ?? "";
  const run = /^(\*+|_+|~+)/.exec(rest)?.[0].length ?? 0;
  const none = { node: rest.slice(0, run), length: run };
  const opens = /^[^\s]/.test(rest.slice(run)) && !(mark === "_" && /[\p{L}\p{N}]/u.test(before));
  if (!opens || run > 3 || (mark === "~" && run !== 2)) return none;
  for (let width = Math.min(run, 2); width > 0; width -= 1) {
    if (mark === "~" && width < 2) break;
    const end = closing(rest, mark, run, width);
    if (end < 0) continue;
    const type = mark === "~" ? "del" : width === 2 ? "strong" : "em";
    const children = inline(rest.slice(width, end), depth + 1);
    return { node: { type: /** @type {"del"} */ (type), children }, length: end + width };
  }
  return none;
}

/**
 * Where a run of marks ends that begins a text, or -1. Code and escaped characters in between are
 * passed over.
 *
 * @param {string} rest
 * @param {string} mark
 * @param {number} begin how long the run is that opens it
 * @param {number} width how many of its marks are meant
 */
function closing(rest, mark, begin, width) {
  let at = begin;
  while (at < rest.length) {
    const here = rest[at];
    if (here === "\\") {
      at += 2;
    } else if (here === "`") {
      at += code(rest.slice(at)).length;
    } else if (here === mark) {
      let end = at + 1;
      while (rest[end] === mark) end += 1;
      const run = end - at;
      const afterSpace = /\s/.test(rest[at - 1] ?? " ");
      const inWord = mark === "_" && /[\p{L}\p{N}]/u.test(rest[end] ?? " ");
      if (!afterSpace && !inWord && (run === width || run > 2)) return end - width;
      at = end;
    } else {
      at += 1;
    }
  }
  return -1;
}
