// A conversation, kept as long as the tab: pages come and go.
import { Failure, ask, rate } from "./stream.js";

/**
 * @import { Problem, Question, Source, Suggestion } from "./stream.js"
 */

/**
 * A question and what came of it.
 *
 * @typedef {object} Turn
 * @property {string} question
 * @property {string} [selected] what of the page it is about
 * @property {"asking" | "answered" | "not_in_book" | "stopped" | "failed"} state
 * @property {boolean} found whether the book has been searched
 * @property {string} answer Markdown, as far as it is written
 * @property {Source[]} sources those that are known so far
 * @property {Suggestion[]} suggestions
 * @property {string[]} unsupported what of the answer no passage has
 * @property {boolean} restarted whether askbook had forgotten what came before
 * @property {string} [message] names the reply
 * @property {"good" | "bad"} [rating]
 * @property {Problem} [problem]
 */

/** How many turns are kept. */
const LIMIT = 30;

/**
 * @param {string} question
 * @param {string} [selected]
 * @returns {Turn}
 */
function turn(question, selected) {
  return {
    question,
    selected,
    state: "asking",
    found: false,
    answer: "",
    sources: [],
    suggestions: [],
    unsupported: [],
    restarted: false,
  };
}

/** Sends `change` when a turn, its `detail`, has changed, or, without one, the list of them. */
export class Conversation extends EventTarget {
  /** @type {Map<string, Conversation>} */
  static #all = new Map();

  /** @type {Turn[]} */
  turns = [];
  /** What the reader has begun to write. */
  draft = "";
  /** @type {string | undefined} */
  #session;
  #server;
  /** @type {AbortController | null} */
  #asking = null;

  /**
   * The one with this askbook: all chats of a page have it together.
   *
   * @param {string} server
   */
  static of(server) {
    let conversation = this.#all.get(server);
    if (!conversation) this.#all.set(server, (conversation = new Conversation(server)));
    return conversation;
  }

  /** @param {string} server */
  constructor(server) {
    super();
    this.#server = server;
    this.#restore();
    // The answer ends with the page; that is no failure.
    addEventListener("pagehide", () => {
      this.stop();
      this.#keep();
    });
  }

  /** Whether an answer is awaited. */
  get isAsking() {
    return this.#asking !== null;
  }

  /**
   * Asks. Does nothing while an answer is awaited.
   *
   * @param {string} question
   * @param {{ selected?: string, page?: string }} about
   */
  async ask(question, { selected, page }) {
    if (this.isAsking) return;
    const asked = turn(question, selected);
    this.turns = [...this.turns, asked].slice(-LIMIT);
    await this.#run(asked, page);
  }

  /**
   * Asks the last question again. Does nothing while an answer is awaited.
   *
   * @param {string} [page]
   */
  async retry(page) {
    const last = this.turns.at(-1);
    if (this.isAsking || !last) return;
    const asked = turn(last.question, last.selected);
    this.turns = [...this.turns.slice(0, -1), asked];
    await this.#run(asked, page);
  }

  /** Ends the answer that is being written. */
  stop() {
    this.#asking?.abort();
  }

  /** Begins anew. */
  clear() {
    this.stop();
    this.turns = [];
    this.#session = undefined;
    this.#keep();
    this.#changed();
  }

  /**
   * @param {Turn} turn
   * @param {"good" | "bad"} rating
   * @param {string} [comment]
   */
  async rate(turn, rating, comment) {
    if (!turn.message) return;
    const { message: message_id, question: query } = turn;
    await rate(this.#server, { message_id, rating, comment, query });
    turn.rating = rating;
    this.#keep();
    this.#changed(turn);
  }

  /**
   * @param {Turn} turn
   * @param {string} [page]
   */
  async #run(turn, page) {
    const asking = new AbortController();
    this.#asking = asking;
    this.#changed();
    /** @type {Question} */
    const question = {
      message: turn.question,
      session_id: this.#session,
      selected_text: turn.selected,
      page,
    };
    try {
      for await (const event of ask(this.#server, question, asking.signal)) {
        this.#take(turn, event);
        this.#changed(turn);
      }
    } catch (error) {
      if (asking.signal.aborted) {
        turn.state = "stopped";
      } else {
        turn.state = "failed";
        turn.problem = error instanceof Failure ? error.problem : { code: "unintelligible" };
        if (!(error instanceof Failure)) console.error(error);
      }
    }
    this.#asking = null;
    this.#keep();
    this.#changed(turn);
  }

  /**
   * @param {Turn} turn
   * @param {import("./stream.js").ChatEvent} event
   */
  #take(turn, event) {
    switch (event.type) {
      case "accepted":
        turn.message = event.message_id;
        turn.restarted = event.session_restarted;
        this.#session = event.session_id ?? undefined;
        break;
      case "found":
        turn.found = true;
        break;
      case "delta":
        turn.answer += event.text;
        break;
      case "citation":
        if (turn.sources.every(({ number }) => number !== event.number)) turn.sources.push(event);
        break;
      case "sources":
        turn.sources = event.sources;
        break;
      case "done":
        turn.state = event.outcome;
        turn.answer = event.answer;
        turn.sources = event.sources;
        turn.suggestions = event.suggestions;
        turn.unsupported = event.unsupported.map(({ text }) => text);
        break;
    }
  }

  /** @param {Turn} [turn] */
  #changed(turn) {
    this.dispatchEvent(new CustomEvent("change", { detail: turn }));
  }

  get #key() {
    return `askbook ${this.#server}`;
  }

  #keep() {
    const { turns, draft } = this;
    try {
      if (turns.length === 0 && draft === "") sessionStorage.removeItem(this.#key);
      else sessionStorage.setItem(this.#key, JSON.stringify({ session: this.#session, turns, draft }));
    } catch {
      // A browser that keeps nothing, or has no room.
    }
  }

  #restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#key) ?? "null");
      if (!Array.isArray(kept?.turns)) return;
      this.#session = kept.session;
      this.draft = kept.draft ?? "";
      // An answer that was being written when the page was left came to no end.
      this.turns = kept.turns.map((/** @type {Turn} */ turn) =>
        turn.state === "asking" ? { ...turn, state: "stopped" } : turn,
      );
    } catch {
      // What is there is not ours.
    }
  }
}
