// Where the reader writes.
import { h, icon } from "./dom.js";

/** @import { Words } from "./words.js" */

/**
 * What to do with what is written there.
 *
 * @typedef {object} Actions
 * @property {(question: string, selected?: string) => void} ask
 * @property {() => void} stop
 */

const SEND = "M12 19V5M5.5 11.5 12 5l6.5 6.5";
const STOP = "M8 8h8v8H8z";
const CROSS = "M6.5 6.5l11 11M17.5 6.5l-11 11";

/** As long as askbook takes it, in characters. */
const LIMIT = 4_000;

/** The field, its button, and the selected text that the question is about. */
export class Composer {
  field = h("textarea", { rows: 1, maxlength: LIMIT, dir: "auto", enterkeyhint: "send" });
  #button = h("button", { class: "send", type: "submit" });
  #about = h("div", { class: "about-selected", hidden: true });
  #quote = h("blockquote", { class: "selected", dir: "auto" });
  #label = h("span", { class: "about-label" });
  #remove = h("button", { type: "button", class: "icon-button" }, icon(CROSS));
  node = h(
    "form",
    { class: "composer" },
    this.#about,
    h("div", { class: "field" }, this.field, this.#button),
  );
  #actions;
  #isAsking = false;
  /** @type {Words | null} */
  #words = null;
  /** @type {string | undefined} */
  #selected;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#about.append(h("div", { class: "about-text" }, this.#label, this.#quote), this.#remove);
    this.#remove.addEventListener("click", () => {
      this.attach(undefined);
      this.field.focus();
    });
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#isAsking) actions.stop();
      else this.#submit();
    });
    this.field.addEventListener("keydown", (event) => {
      // The key that ends a word in Japanese or Chinese sends nothing.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      if (!this.#isAsking) this.#submit();
    });
    this.field.addEventListener("input", () => this.#fit());
  }

  get draft() {
    return this.field.value;
  }

  set draft(text) {
    this.field.value = text;
    this.#fit();
  }

  /**
   * The next question is about this text of the page.
   *
   * @param {string | undefined} text
   */
  attach(text) {
    this.#selected = text;
    this.#about.hidden = !text;
    this.#quote.textContent = text ?? "";
    this.#show();
  }

  /**
   * @param {Words} words
   * @param {boolean} isAsking
   */
  update(words, isAsking) {
    this.#words = words;
    this.#isAsking = isAsking;
    this.#show();
  }

  #show() {
    const words = this.#words;
    if (!words) return;
    const placeholder = this.#selected ? words.explain : words.placeholder;
    this.field.placeholder = placeholder;
    this.field.setAttribute("aria-label", words.placeholder);
    this.#label.textContent = words.about;
    this.#remove.setAttribute("aria-label", words.without);
    this.#remove.title = words.without;
    const name = this.#isAsking ? words.stop : words.send;
    if (this.#button.title === name) return;
    this.#button.title = name;
    this.#button.setAttribute("aria-label", name);
    this.#button.classList.toggle("stop", this.#isAsking);
    this.#button.replaceChildren(icon(this.#isAsking ? STOP : SEND));
  }

  #submit() {
    const selected = this.#selected;
    // About a selection, there is something to ask without a word.
    const question = this.draft.trim() || (selected ? (this.#words?.explain ?? "") : "");
    if (!question) return;
    this.draft = "";
    this.attach(undefined);
    this.#actions.ask(question, selected);
  }

  /** As high as what is written, within limits that the style sheet sets. */
  #fit() {
    this.field.style.setProperty("block-size", "auto");
    if (this.field.value) this.field.style.setProperty("block-size", `${this.field.scrollHeight}px`);
  }
}
