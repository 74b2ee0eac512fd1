// POST /chat/stream. A question is posted once: whether it is asked again is the reader's choice,
// since askbook may have worked on it, and been paid for, although nothing arrived.

/**
 * @typedef {{ start: number, end: number }} Span
 *
 * @typedef {object} Source
 * @property {number} number
 * @property {string} title
 * @property {string | null} section
 * @property {string | null} url
 * @property {string} quote
 *
 * @typedef {{ title: string, url: string }} Suggestion
 *
 * @typedef {object} Question
 * @property {string} message
 * @property {string} [session_id]
 * @property {string} [selected_text]
 * @property {string} [page]
 *
 * @typedef {object} Reply
 * @property {"answered" | "not_in_book"} outcome
 * @property {string} answer
 * @property {Source[]} sources
 * @property {Suggestion[]} suggestions
 * @property {{ text: string }[]} unsupported
 *
 * @typedef {{ type: "accepted", message_id: string, session_id: string | null, session_restarted: boolean }
 *   | { type: "found", passages: number }
 *   | { type: "delta", text: string }
 *   | { type: "citation" } & Source
 *   | { type: "sources", sources: Source[] }
 *   | { type: "done" } & Reply
 *   | { type: "error", problem: Problem, incomplete: boolean }} ChatEvent
 *
 * @typedef {object} Problem
 * @property {string} code
 * @property {string} [detail]
 * @property {string} [request_id]
 * @property {number} [retry_after]
 */

/** How long nothing may arrive, in milliseconds: askbook sends something every five seconds. */
const SILENCE = 30_000;

/** There is no answer, and why: a problem of askbook's, or one of these codes of the way to it. */
export class Failure extends Error {
  /** @param {Problem | { code: "unreachable" | "broken_off" | "unintelligible", request_id?: string }} problem */
  constructor(problem) {
    super(problem.code);
    /** @type {Problem} */
    this.problem = problem;
  }
}

/**
 * Asks, and tells what happens until the end: the last event is `done`.
 *
 * @param {string} server with a slash at its end
 * @param {Question} question
 * @param {AbortSignal} signal ends it; then it throws what the signal was given for a reason
 * @returns {AsyncGenerator<Exclude<ChatEvent, { type: "error" }>, void>}
 * @throws {Failure}
 */
export async function* ask(server, question, signal) {
  const connection = new AbortController();
  const abort = () => connection.abort();
  signal.addEventListener("abort", abort);
  let timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(abort, SILENCE);
  };
  try {
    heard();
    const response = await post(server, question, connection.signal);
    const request_id = response.headers.get("x-request-id") ?? undefined;
    const broken = () => new Failure({ code: "broken_off", request_id });
    try {
      for await (const event of events(response, heard)) {
        if (event.type === "error") throw new Failure({ request_id, ...event.problem });
        yield event;
        if (event.type === "done") return;
      }
    } catch (error) {
      throw error instanceof Failure || signal.aborted ? error : broken();
    }
    throw broken();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    abort();
  }
}

/**
 * @param {string} server
 * @param {Question} question
 * @param {AbortSignal} signal
 */
async function post(server, question, signal) {
  let response;
  try {
    response = await fetch(`${server}chat/stream`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(question),
      credentials: "omit",
      cache: "no-store",
      signal,
    });
  } catch (error) {
    if (!signal.aborted) void explain(server);
    throw signal.aborted ? error : new Failure({ code: "unreachable" });
  }
  const request_id = response.headers.get("x-request-id") ?? undefined;
  if (response.ok && response.headers.get("content-type")?.startsWith("text/event-stream")) {
    return response;
  }
  const problem = await response.json().catch(() => null);
  if (typeof problem?.code !== "string") throw new Failure({ code: "unintelligible", request_id });
  const retry_after = Number(response.headers.get("retry-after")) || undefined;
  throw new Failure({ request_id, retry_after, ...problem });
}

/**
 * A browser does not tell a page that a server lives and does not let the page in. Its owner is
 * told.
 *
 * @param {string} server
 */
async function explain(server) {
  try {
    await fetch(`${server}health`, { mode: "no-cors", credentials: "omit", cache: "no-store" });
  } catch {
    return;
  }
  console.warn(
    `askbook at ${server} runs, but the browser did not let this page ask it: ` +
      `is ${location.origin} in its ALLOWED_ORIGINS?`,
  );
}

/**
 * Server-sent events (HTML standard, 9.2) whose data is JSON.
 *
 * @param {Response} response
 * @param {() => void} heard is called when something arrives
 * @returns {AsyncGenerator<ChatEvent, void>}
 */
async function* events(response, heard) {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let rest = "";
  /** @type {string[]} */
  let data = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const ended of lines) {
      const line = ended.replace(/\r$/, "");
      if (line.startsWith("data:")) data.push(line.slice(5));
      if (line !== "" || data.length === 0) continue;
      yield JSON.parse(data.join("\n"));
      data = [];
    }
  }
}

/**
 * Says what the reader thinks of a reply.
 *
 * @param {string} server
 * @param {{ message_id: string, rating: "good" | "bad", comment?: string, query: string }} feedback
 */
export async function rate(server, feedback) {
  const response = await fetch(`${server}feedback`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(feedback),
    credentials: "omit",
    keepalive: true,
  });
  if (!response.ok) throw new Error(`${response.status}`);
}
