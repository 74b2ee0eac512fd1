// <ask-book>: the button, the key and the selection. The chat itself is loaded when a reader is
// about to use it.
import css from "./button.css";
import { h, icon, sheet } from "./dom.js";
import { buttonWords, directionOf, languageOf } from "./language.js";
import { selected, watchSelection } from "./selection.js";
import { isTyping, shortcut } from "./shortcut.js";

/**
 * @import { Panel, Host } from "./panel.js"
 */

/** @typedef {{ mount(host: Host): Panel }} PanelModule */

/**
 * Loads the chat; `attempt` counts from 0, since a browser may remember that an address failed.
 *
 * @typedef {(server: string, attempt: number) => Promise<PanelModule>} Load
 */

const BUBBLE = "M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12ZM9 10.5h8M9 14h5";
/** Docusaurus has its own button in the corner on long pages; it stays where it is, below ours. */
const CLEARANCE =
  ":where(html:has(.theme-back-to-top-button) ask-book){--askbook-clearance:3.75rem}";

/** Rendered on a server, there are no elements. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/** A chat with the book. Its attributes are in README.md. */
export class AskBook extends Base {
  static observedAttributes = ["heading", "lang", "position", "theme", "questions", "feedback"];

  /** @type {Load} */
  static load = () => Promise.reject(new Error("no panel"));
  /** Where askbook is, unless the attribute `server` says so. */
  static server = "";

  #root = h("div", { class: "root" });
  #label = h("span", { class: "label" });
  #button = h(
    "button",
    { class: "launcher", part: "button", type: "button", "aria-haspopup": "dialog" },
    icon(BUBBLE),
    this.#label,
  );
  #about = h("button", { class: "about", type: "button", hidden: true });
  /** @type {Promise<Panel> | null} */
  #loading = null;
  /** @type {Panel | null} */
  #panel = null;
  #attempt = 0;
  /** @type {AbortController | null} */
  #connection = null;
  #selected = "";

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet(css)];
    root.append(this.#root);
    const load = () => void this.#load().catch(() => {});
    this.#button.addEventListener("pointerenter", load);
    this.#button.addEventListener("focus", load);
    this.#button.addEventListener("click", () => this.show());
    // The selection stays while its button is pressed.
    this.#about.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#about.addEventListener("click", () => this.#askAbout());
  }

  connectedCallback() {
    const connection = new AbortController();
    this.#connection = connection;
    const { signal } = connection;
    this.#root.replaceChildren(...(this.inline ? [] : [this.#button]), this.#about);
    if (this.#panel) this.#root.append(this.#panel.node);
    this.#update();

    const page = document.documentElement;
    const observer = new MutationObserver(() => this.#update());
    observer.observe(page, { attributeFilter: ["lang", "data-theme"] });
    signal.addEventListener("abort", () => observer.disconnect());
    document.addEventListener("keydown", (event) => this.#press(event), { signal });
    watchSelection(() => this.#offer(), signal);
    // Whoever puts the element there may set its attributes right after.
    queueMicrotask(() => {
      if (this.inline) void this.#load().catch(() => this.#showLost());
      else if (sessionStorageOf()?.getItem(this.#openKey)) void this.show({ focus: false });
    });
  }

  disconnectedCallback() {
    this.#connection?.abort();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#update();
  }

  /** Where askbook is, with a slash at the end. */
  get server() {
    const server = new URL(this.getAttribute("server") || AskBook.server || ".", document.baseURI);
    return server.href.replace(/[?#].*$/, "").replace(/\/?$/, "/");
  }

  /** Whether the chat stands in its place in the page. */
  get inline() {
    return this.hasAttribute("inline");
  }

  /** Whether the panel is open. */
  get open() {
    return this.#panel?.open ?? false;
  }

  /**
   * Opens the chat.
   *
   * @param {{ focus?: boolean }} [options] whether the reader is to write in it now
   */
  async show({ focus = true } = {}) {
    const panel = await this.#load().catch(() => this.#showLost());
    panel?.show(focus);
  }

  /** Closes the chat; its conversation stays. */
  hide() {
    this.#panel?.hide();
  }

  /** Opens the chat, or closes it. */
  async toggle() {
    if (this.open) this.hide();
    else await this.show();
  }

  /**
   * Opens the chat and asks.
   *
   * @param {string} question
   * @param {{ selectedText?: string }} [options] what the reader has selected in the page
   */
  async ask(question, { selectedText } = {}) {
    const panel = await this.#load();
    panel.show(true);
    panel.ask(question, selectedText);
  }

  /** Begins a new conversation. */
  async clear() {
    const panel = await this.#load();
    panel.clear();
  }

  get #openKey() {
    return `askbook-open ${this.server}`;
  }

  /** @returns {Promise<Panel>} */
  #load() {
    this.#loading ??= this.#mount().catch((error) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  async #mount() {
    const { mount } = await AskBook.load(this.server, this.#attempt++);
    const panel = mount({
      element: this,
      server: this.server,
      toggled: (open) => this.#toggled(open),
    });
    this.#panel = panel;
    this.#root.append(panel.node);
    this.#update();
    return panel;
  }

  /** @param {boolean} open */
  #toggled(open) {
    if (!this.inline) {
      if (open) sessionStorageOf()?.setItem(this.#openKey, "1");
      else sessionStorageOf()?.removeItem(this.#openKey);
    }
    this.#update();
    this.dispatchEvent(new CustomEvent("askbook-toggle", { detail: { open }, bubbles: true }));
  }

  #showLost() {
    const { lost } = buttonWords(languageOf(this));
    this.#label.textContent = lost;
    this.#button.ariaLabel = lost;
    this.#button.classList.add("lost");
    if (this.inline) this.#root.prepend(this.#button);
    return null;
  }

  /** Makes everything fit the attributes and the page. */
  #update() {
    const language = languageOf(this);
    const words = buttonWords(language);
    const heading = this.getAttribute("heading") || words.heading;
    const root = this.#root;
    root.lang = language;
    root.dir = directionOf(language);
    root.dataset.theme = this.getAttribute("theme") ?? document.documentElement.dataset.theme ?? "";
    root.dataset.position = this.getAttribute("position") === "start" ? "start" : "end";
    const key = this.#shortcut;
    this.#label.textContent = heading;
    this.#about.replaceChildren(icon(BUBBLE), words.about);
    this.#button.classList.remove("lost");
    this.#button.ariaLabel = heading;
    this.#button.ariaExpanded = `${this.open}`;
    this.#button.title = key ? `${heading} (${key.label})` : heading;
    this.#button.ariaKeyShortcuts = key?.aria ?? null;
    this.#button.hidden = this.open && !this.inline;
    if (this.inline && this.#panel) this.#button.remove();
    this.#panel?.update({ language, heading });
  }

  get #shortcut() {
    return shortcut(this.getAttribute("shortcut") ?? "mod+i");
  }

  /** Of several chats in a page, one answers the key and the selection. */
  get #isFirst() {
    const floating = document.querySelector("ask-book:not([inline])");
    return (floating ?? document.querySelector("ask-book")) === this;
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const key = this.#shortcut;
    if (!key?.matches(event) || event.defaultPrevented || event.isComposing || event.repeat) return;
    const isHere = event.composedPath().includes(this);
    if (!this.#isFirst || (isTyping(event) && !isHere)) return;
    event.preventDefault();
    const found = this.#selection();
    if (isHere && this.open && !this.inline) this.hide();
    else if (found) void this.#attach(found.text);
    else void this.show();
  }

  #selection() {
    const within = this.getAttribute("selection") ?? "main, article";
    return within === "off" ? null : selected(within);
  }

  /** Shows the button beside the selection, if there is one to ask about. */
  #offer() {
    const found = this.#isFirst ? this.#selection() : null;
    this.#selected = found?.text ?? "";
    this.#about.hidden = !found;
    if (!found) return;
    const { rect } = found;
    const { offsetWidth: width, offsetHeight: height } = this.#about;
    const below = rect.bottom + 8;
    const top = below + height < innerHeight ? below : Math.max(8, rect.top - height - 8);
    const left = Math.min(Math.max(8, rect.right - width), innerWidth - width - 8);
    this.#about.style.setProperty("top", `${top}px`);
    this.#about.style.setProperty("left", `${left}px`);
  }

  #askAbout() {
    void this.#attach(this.#selected);
    this.#about.hidden = true;
  }

  /** @param {string} text */
  async #attach(text) {
    const panel = await this.#load().catch(() => this.#showLost());
    panel?.show(true);
    panel?.attach(text);
  }
}

/** A browser can be told to keep nothing. */
function sessionStorageOf() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/**
 * Makes `<ask-book>` known to the page, once.
 *
 * @param {Load} load
 * @param {string} [server] where askbook is, unless an element says so
 */
export function define(load, server = "") {
  if (!globalThis.customElements || customElements.get("ask-book")) return;
  AskBook.load = load;
  AskBook.server = server;
  customElements.define("ask-book", AskBook);
  document.adoptedStyleSheets.push(sheet(CLEARANCE));
}
