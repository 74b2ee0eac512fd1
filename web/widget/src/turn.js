// A question and its answer, as the reader sees them.
import { copyButton, nameOf, showAnswer } from "./answer.js";
import { h, icon } from "./dom.js";
import { addressOf, linkTo } from "./link.js";
import { fill } from "./words.js";

/**
 * @import { Turn } from "./conversation.js"
 * @import { Problem, Source, Suggestion } from "./stream.js"
 * @import { Words } from "./words.js"
 */

/**
 * @typedef {object} Context
 * @property {Words} words
 * @property {boolean} isLast
 * @property {boolean} takesFeedback
 * @property {() => void} retry
 * @property {(turn: Turn, rating: "good" | "bad", comment?: string) => Promise<void>} rate
 */

const UP = "M7 11v9H4v-9zM7 12l4-8a2.5 2.5 0 0 1 2.5 2.5V10h5a2 2 0 0 1 2 2.3l-1 6a2 2 0 0 1-2 1.7H7";
const DOWN = "M17 13V4h3v9zM17 12l-4 8a2.5 2.5 0 0 1-2.5-2.5V14h-5a2 2 0 0 1-2-2.3l1-6a2 2 0 0 1 2-1.7H17";
const AGAIN = "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5";

/** One of them. */
export class TurnView {
  node = h("article", { class: "turn" });
  #turn;
  #answer = h("div", { class: "answer", dir: "auto" });
  #status = h("p", { class: "status" });
  #tail = h("div", { class: "tail" });
  #shown = "";

  /** @param {Turn} turn */
  constructor(turn) {
    this.#turn = turn;
    const quote = turn.selected && h("blockquote", { class: "selected", dir: "auto" }, turn.selected);
    const question = h("h3", { class: "question", dir: "auto" }, turn.question);
    this.node.append(h("div", { class: "asked" }, quote, question), this.#answer, this.#status, this.#tail);
  }

  /** @param {Context} context */
  update(context) {
    const { words, isLast, takesFeedback } = context;
    const turn = this.#turn;
    const isAsking = turn.state === "asking";
    showAnswer(this.#answer, turn.answer, { sources: turn.sources, isComplete: !isAsking, words });
    this.#answer.toggleAttribute("aria-busy", isAsking);
    this.#status.hidden = !isAsking || turn.answer !== "";
    this.#status.textContent = turn.found ? words.writing : words.searching;
    // The end is made once, so that the focus in it stays where it is.
    const shown = [turn.state, isLast, takesFeedback, words.retry].join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#tail.replaceChildren(...(isAsking ? [] : this.#end(context)));
  }

  /** @param {Context} context */
  #end(context) {
    const { words } = context;
    const turn = this.#turn;
    const isDone = turn.state === "answered" || turn.state === "not_in_book";
    const note = (/** @type {string} */ text) => h("p", { class: "note", dir: "auto" }, text);
    const parts = [
      turn.sources.length > 0 && sources(turn.sources, words),
      turn.suggestions.length > 0 && suggestions(turn.suggestions, words),
      turn.unsupported.length > 0 && note(fill(words.unsupported, turn.unsupported.join(", "))),
      turn.restarted && isDone && note(words.restarted),
      turn.state === "stopped" && stopped(context),
      turn.state === "failed" && failure(turn.problem ?? { code: "" }, context),
      isDone && actions(turn, context),
    ];
    return parts.filter((part) => part !== false);
  }
}

/**
 * @param {Source[]} all
 * @param {Words} words
 */
function sources(all, words) {
  const items = all.map((source) => {
    const { number, title, section, quote } = source;
    const address = addressOf(source.url);
    const [first, second] = title && section && title !== section ? [title, section] : [nameOf(source), ""];
    const name = [
      h("span", { class: "number" }, `${number}`),
      h("span", { class: "name", dir: "auto" }, h("span", { class: "title" }, first), second && h("span", { class: "section" }, second)),
    ];
    const link = address
      ? h("a", { ...linkTo(address), title: quote }, ...name)
      : h("span", { title: quote }, ...name);
    return h("li", {}, link);
  });
  return h("section", { class: "sources" }, h("h4", {}, words.sources), h("ul", {}, ...items));
}

/**
 * @param {Suggestion[]} all
 * @param {Words} words
 */
function suggestions(all, words) {
  const items = all.flatMap(({ title, url }) => {
    const address = addressOf(url);
    if (!address) return [];
    const name = h("span", { class: "name", dir: "auto" }, h("span", { class: "title" }, title || url));
    return [h("li", {}, h("a", linkTo(address), name))];
  });
  return h("section", { class: "sources" }, h("h4", {}, words.suggestions), h("ul", {}, ...items));
}

/** @param {Context} context */
function stopped({ words, isLast, retry }) {
  const again = isLast && retryButton(words, retry);
  return h("div", { class: "actions" }, h("span", { class: "note" }, words.stopped), again);
}

/**
 * @param {Words} words
 * @param {() => void} retry
 */
function retryButton(words, retry) {
  return h("button", { type: "button", class: "quiet retry", onclick: retry }, icon(AGAIN), h("span", {}, words.retry));
}

/**
 * Says what went wrong, what to do, and which request it was.
 *
 * @param {Problem} problem
 * @param {Context} context
 */
function failure(problem, { words, isLast, retry }) {
  const again = isLast ? retryButton(words, retry) : null;
  const { detail, request_id, retry_after } = problem;
  const message = messageOf(problem, words);
  const wait = retry_after ? h("span", { dir: "auto" }, fill(words.wait, Math.ceil(retry_after))) : null;
  if (again && wait && retry_after) {
    again.disabled = true;
    setTimeout(() => {
      again.disabled = false;
      wait.remove();
    }, retry_after * 1_000);
  }
  return h(
    "div",
    { class: "failure" },
    h("p", { dir: "auto" }, message, " ", wait),
    message === words.failed && detail && h("p", { class: "detail", lang: "en", dir: "ltr" }, detail),
    request_id && h("p", { class: "request", dir: "auto" }, ...request(words, request_id)),
    again && h("div", { class: "actions" }, again),
  );
}

/**
 * @param {Words} words
 * @param {string} id
 */
function request(words, id) {
  const [before = "", after = ""] = words.request.split("{}");
  return [before, h("code", { dir: "ltr" }, id), after];
}

/**
 * @param {Problem} problem
 * @param {Words} words
 */
function messageOf({ code }, words) {
  switch (code) {
    case "unreachable":
      return words.unreachable;
    case "broken_off":
    case "shutting_down":
      return words.broken;
    case "rate_limited":
    case "overloaded":
    case "spend_ceiling":
    case "upstream_rate_limited":
      return words.busy;
    case "upstream_rejected":
    case "upstream_blocked":
      return words.differently;
    case "too_long":
    case "body_too_large":
      return words.long;
    default:
      return words.failed;
  }
}

/**
 * The thumbs, and the copy of the answer.
 *
 * @param {Turn} turn
 * @param {Context} context
 */
function actions(turn, { words, takesFeedback, rate }) {
  const said = h("span", { class: "note", role: "status" });
  const field = h("input", { type: "text", maxlength: 2_000, "aria-label": words.wrong, placeholder: words.wrong, dir: "auto" });
  const send = h("button", { type: "submit", class: "quiet" }, words.send);
  const form = h("form", { class: "why", hidden: true, onsubmit: comment }, field, send);
  const thumb = (/** @type {"good" | "bad"} */ rating) => {
    const mark = icon(rating === "good" ? UP : DOWN);
    const attributes = { type: "button", class: "thumb", "aria-label": words[rating], title: words[rating] };
    return h("button", { ...attributes, onclick: () => void say(rating) }, mark);
  };
  const thumbs = { good: thumb("good"), bad: thumb("bad") };

  function press() {
    thumbs.good.setAttribute("aria-pressed", `${turn.rating === "good"}`);
    thumbs.bad.setAttribute("aria-pressed", `${turn.rating === "bad"}`);
  }

  /**
   * @param {"good" | "bad"} rating
   * @param {string} [why]
   */
  async function say(rating, why) {
    try {
      await rate(turn, rating, why);
      press();
      form.hidden = rating === "good" || why !== undefined;
      said.textContent = form.hidden ? words.thanks : "";
      if (!form.hidden) field.focus();
    } catch {
      said.textContent = words.unrated;
    }
  }

  /** @param {Event} event */
  function comment(event) {
    event.preventDefault();
    thumbs.bad.focus();
    void say("bad", field.value.trim());
  }

  press();
  const copy = turn.state === "answered" && copyButton(() => turn.answer, words);
  const row = takesFeedback && turn.message ? [thumbs.good, thumbs.bad] : [];
  return h("div", { class: "end" }, h("div", { class: "actions" }, copy, ...row, said), form);
}
