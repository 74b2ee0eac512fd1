// The chat itself: what is loaded when a reader is about to use it.
import answerCss from "./answer.css";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { focused, h, icon, sheet } from "./dom.js";
import panelCss from "./panel.css";
import { TurnView } from "./turn.js";
import { wordsOf } from "./words.js";

/**
 * @import { Turn } from "./conversation.js"
 * @import { AskBook } from "./element.js"
 * @import { Language } from "./language.js"
 */

/**
 * The element around a panel.
 *
 * @typedef {object} Host
 * @property {AskBook} element
 * @property {string} server where askbook is, with a slash at the end
 * @property {(open: boolean) => void} toggled is told when the panel has opened or closed
 */

/** Here the panel takes the whole screen. */
const SMALL = "(max-width: 600px), (max-height: 480px)";

const CROSS = "M6.5 6.5l11 11M17.5 6.5l-11 11";
const PLUS = "M12 5.5v13M5.5 12h13";

/** A chat in a dialog, or in its place in the page. */
export class Panel {
  node;
  #host;
  #conversation;
  #isInline;
  #media = matchMedia(SMALL);
  #language = /** @type {Language} */ ("en");
  #title = h("h2", { id: "title", class: "title", dir: "auto" });
  #clear = h("button", { type: "button", class: "icon-button clear" }, icon(PLUS));
  #close = h("button", { type: "button", class: "icon-button close" }, icon(CROSS));
  #greeting = h("div", { class: "greeting" });
  #turns = h("div", { class: "turns" });
  #log = h("div", { class: "log", tabindex: 0, role: "region" }, this.#greeting, this.#turns);
  #note = h("p", { class: "disclaimer", dir: "auto" });
  /** What is said to those who do not see the answer come: its beginning, and all of it at once. */
  #live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  #composer;
  /** @type {Map<Turn, TurnView>} */
  #views = new Map();
  /** What had the focus before. @type {HTMLElement | null} */
  #opener = null;
  /** Whether what is new is scrolled to. */
  #follows = true;

  /** @param {Host} host */
  constructor(host) {
    const { element, server } = host;
    this.#host = host;
    this.#isInline = element.inline;
    const conversation = Conversation.of(server);
    this.#conversation = conversation;
    this.#composer = new Composer({
      ask: (question, selected) => this.ask(question, selected),
      stop: () => conversation.stop(),
    });
    this.#composer.draft = conversation.draft;
    this.#composer.field.addEventListener("input", () => (conversation.draft = this.#composer.draft));

    const head = h("header", { class: "head" }, this.#title, this.#clear, this.#isInline ? null : this.#close);
    const attributes = { class: "panel", part: "panel", "aria-labelledby": "title" };
    const children = [head, this.#log, this.#composer.node, this.#note, this.#live];
    this.node = this.#isInline
      ? h("section", attributes, ...children)
      : h("dialog", attributes, ...children);

    this.#clear.addEventListener("click", () => {
      this.clear();
      this.#composer.field.focus();
    });
    this.#close.addEventListener("click", () => this.hide());
    this.node.addEventListener("keydown", (event) => {
      if (!(event instanceof KeyboardEvent) || event.key !== "Escape" || this.#isInline) return;
      if (event.isComposing) return;
      event.preventDefault();
      this.hide();
    });
    this.node.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.hide();
    });
    this.node.addEventListener("click", (event) => this.#follow(/** @type {MouseEvent} */ (event)));
    this.#log.addEventListener("scroll", () => this.#noteScroll());
  }

  /** Whether the reader sees it. */
  get open() {
    return this.node instanceof HTMLDialogElement ? this.node.open : true;
  }

  /**
   * Opens it. On a small screen, where it would hide the page, only for a reader who wants to
   * write.
   *
   * @param {boolean} focus whether the reader is to write now
   */
  show(focus) {
    const dialog = this.node;
    if (dialog instanceof HTMLDialogElement && !dialog.open) {
      if (this.#media.matches && !focus) return;
      this.#opener = focus ? focused() : null;
      this.#openDialog(dialog);
      this.#host.toggled(true);
      this.#scroll();
    }
    if (focus) this.#composer.field.focus({ preventScroll: !this.#isInline });
  }

  /** Closes it and gives the focus back. */
  hide() {
    const dialog = this.node;
    if (!(dialog instanceof HTMLDialogElement) || !dialog.open) return;
    const hadFocus = dialog.contains(focused());
    dialog.close();
    this.#host.toggled(false);
    if (!hadFocus) return;
    const opener = this.#opener?.isConnected ? this.#opener : null;
    const button = this.#host.element.shadowRoot?.querySelector("button");
    (opener ?? button)?.focus({ preventScroll: true });
  }

  /**
   * @param {string} question
   * @param {string} [selected]
   */
  ask(question, selected) {
    this.#follows = true;
    this.#conversation.draft = this.#composer.draft;
    void this.#conversation.ask(question, { selected, page: this.#page });
  }

  /** @param {string} text */
  attach(text) {
    this.#composer.attach(text);
    this.#composer.field.focus({ preventScroll: !this.#isInline });
  }

  /** Begins a new conversation. */
  clear() {
    this.#conversation.clear();
  }

  /** @param {{ language: Language, heading: string }} look */
  update({ language, heading }) {
    // Once only, however often.
    this.#conversation.addEventListener("change", this.#changed);
    this.#media.addEventListener("change", this.#resized);
    visualViewport?.addEventListener("resize", this.#fitKeyboard);
    this.#language = language;
    const words = wordsOf(language);
    this.#title.textContent = heading;
    for (const [button, name] of /** @type {const} */ ([
      [this.#clear, words.clear],
      [this.#close, words.close],
    ])) {
      button.title = name;
      button.setAttribute("aria-label", name);
    }
    this.#log.setAttribute("aria-label", words.conversation);
    this.#note.textContent = words.note;
    this.#greet();
    this.#showTurns();
  }

  /** @param {Event} event */
  #changed = (event) => {
    if (this.#isGone()) return;
    const turn = /** @type {CustomEvent<Turn | undefined>} */ (event).detail;
    if (turn) this.#showTurn(turn);
    else this.#showTurns();
    this.#announce(turn);
  };

  #resized = () => {
    if (!this.#isGone()) this.#fitScreen();
  };

  /** A keyboard on the screen leaves less of it; magnified, it is as large as before. */
  #fitKeyboard = () => {
    const { height = 0, scale = 1 } = visualViewport ?? {};
    if (!this.#isGone() && scale === 1) this.node.style.setProperty("--visible", `${height}px`);
  };

  /** Whether it was taken out of the page: then it listens no more, until it is put back. */
  #isGone() {
    if (this.#host.element.isConnected) return false;
    this.#conversation.removeEventListener("change", this.#changed);
    this.#media.removeEventListener("change", this.#resized);
    visualViewport?.removeEventListener("resize", this.#fitKeyboard);
    return true;
  }

  /** Where the reader is: the version and the language that are searched depend on it. */
  get #page() {
    return (this.#host.element.getAttribute("page") || location.pathname).slice(0, 2_000);
  }

  /** @param {HTMLDialogElement} dialog */
  #openDialog(dialog) {
    if (this.#media.matches) dialog.showModal();
    // Not show(), which takes the focus.
    else dialog.setAttribute("open", "");
  }

  #fitScreen() {
    const dialog = this.node;
    if (!(dialog instanceof HTMLDialogElement) || !dialog.open) return;
    const had = focused();
    dialog.close();
    this.#openDialog(dialog);
    had?.focus({ preventScroll: true });
  }

  #greet() {
    const words = wordsOf(this.#language);
    const questions = (this.#host.element.getAttribute("questions") ?? "").split("|");
    const buttons = questions
      .map((question) => question.trim())
      .filter(Boolean)
      .map((question) => {
        const onclick = () => {
          this.#composer.field.focus();
          this.ask(question);
        };
        return h("li", {}, h("button", { type: "button", class: "example", dir: "auto", onclick }, question));
      });
    const list = buttons.length > 0 && h("ul", { class: "examples" }, ...buttons);
    this.#greeting.replaceChildren(
      ...[h("p", { class: "welcome" }, words.greeting), list].filter((part) => part !== false),
    );
  }

  #showTurns() {
    const { turns } = this.#conversation;
    for (const turn of this.#views.keys()) {
      if (!turns.includes(turn)) this.#views.delete(turn);
    }
    const views = turns.map((turn) => {
      const view = this.#views.get(turn) ?? new TurnView(turn);
      this.#views.set(turn, view);
      return view.node;
    });
    const isSame = views.length === this.#turns.children.length && views.every((view, at) => view === this.#turns.children[at]);
    if (!isSame) this.#turns.replaceChildren(...views);
    this.#greeting.hidden = turns.length > 0;
    this.#clear.hidden = turns.length === 0;
    for (const turn of turns) this.#updateView(turn);
    this.#showState();
  }

  /** @param {Turn} turn */
  #showTurn(turn) {
    this.#updateView(turn);
    this.#showState();
  }

  #showState() {
    this.#composer.update(wordsOf(this.#language), this.#conversation.isAsking);
    this.#scroll();
  }

  /** @param {Turn} turn */
  #updateView(turn) {
    this.#views.get(turn)?.update({
      words: wordsOf(this.#language),
      isLast: turn === this.#conversation.turns.at(-1),
      takesFeedback: this.#host.element.getAttribute("feedback") !== "off",
      retry: () => {
        this.#follows = true;
        // The button goes.
        this.#composer.field.focus({ preventScroll: true });
        void this.#conversation.retry(this.#page);
      },
      rate: (turn, rating, comment) => this.#conversation.rate(turn, rating, comment),
    });
  }

  /** @param {Turn} [turn] */
  #announce(turn) {
    const words = wordsOf(this.#language);
    const isAsking = this.#conversation.isAsking;
    const last = turn ? this.#views.get(turn)?.node : null;
    const answer = last ? spoken(last.querySelector(".answer")) : "";
    const failure = last?.querySelector(".failure p")?.textContent ?? "";
    const count = turn?.sources.length ? `${words.sources}: ${turn.sources.length}` : "";
    const isStopped = turn?.state === "stopped";
    const said = isAsking
      ? words.searching
      : [answer, isStopped ? words.stopped : failure, count].filter(Boolean).join(" ");
    if (this.#live.textContent !== said) this.#live.textContent = said;
  }

  #noteScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    this.#follows = scrollTop + clientHeight > scrollHeight - 48 || scrollTop >= this.#top() - 1;
  }

  /** Where the last question is at the top. */
  #top() {
    const last = this.#turns.lastElementChild;
    const isFirst = !last?.previousElementSibling;
    // Without the line above it.
    return last instanceof HTMLElement && !isFirst ? last.offsetTop + 1 : 0;
  }

  /** Down to what is new, but never past the beginning of the last answer: it is read from there. */
  #scroll() {
    if (!this.#follows) return;
    const { scrollHeight, clientHeight } = this.#log;
    this.#log.scrollTop = Math.min(scrollHeight - clientHeight, this.#top());
  }

  /**
   * A link into the own site: a router may take it, and on a small screen the page is shown.
   *
   * @param {MouseEvent} event
   */
  #follow(event) {
    const target = event.composedPath()[0];
    const link = target instanceof Element ? target.closest("a") : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || link.target === "_blank") return;
    const url = new URL(link.href);
    if (url.origin !== location.origin) return;
    const detail = { url };
    const options = { detail, bubbles: true, cancelable: true };
    const isTaken = !this.#host.element.dispatchEvent(new CustomEvent("askbook-navigate", options));
    if (isTaken) event.preventDefault();
    if (this.#media.matches) this.hide();
  }
}

/**
 * The text of an answer, without its numbers and buttons.
 *
 * @param {Element | null} answer
 */
function spoken(answer) {
  const copy = /** @type {Element | undefined} */ (answer?.cloneNode(true));
  for (const part of copy?.querySelectorAll("sup, figcaption") ?? []) part.remove();
  return [...(copy?.children ?? [])].map((block) => block.textContent?.trim()).join(" ");
}

/**
 * Puts a chat into an element.
 *
 * @param {Host} host
 */
export function mount(host) {
  const root = host.element.shadowRoot;
  if (root) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet(panelCss + answerCss)];
  return new Panel(host);
}
