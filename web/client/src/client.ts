import createFetchClient, { type Client } from "openapi-fetch";
import { errorOf } from "./error.js";
import type { components, paths } from "./openapi.js";
import { type ChatEvent, chatEvents, type Done } from "./stream.js";

type Schemas = components["schemas"];

/** Where askbook is and how it is called. */
export interface Options {
  /** The address of askbook, such as `https://chat.example.org`. */
  url: string;
  /** A key of `ASKBOOK_API_KEYS`; never in a page, where every reader can see it. */
  apiKey?: string;
  /** Used in place of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** What a single call may be told. */
export interface CallOptions {
  /** Gives the call up; askbook then stops the work for it. */
  signal?: AbortSignal | undefined;
}

/**
 * A running askbook.
 *
 * Each method sends one request and never repeats it: a question costs what it costs once. Whoever
 * wants to try again after an {@link AskbookError} calls again.
 */
export class Askbook {
  /** Every endpoint of the document, typed; see openapi-fetch. Errors are values here. */
  readonly api: Client<paths>;

  constructor({ url, apiKey, fetch }: Options) {
    this.api = createFetchClient<paths>({
      baseUrl: url,
      ...(fetch && { fetch }),
      ...(apiKey && { headers: { authorization: `Bearer ${apiKey}` } }),
    });
  }

  /**
   * Asks a question and waits for the whole answer.
   *
   * @throws {AskbookError} there is no answer
   */
  async chat(question: Schemas["ChatRequest"], { signal }: CallOptions = {}): Promise<Schemas["ChatReply"]> {
    const { data, error, response } = await this.api.POST("/chat", { body: question, signal: signal ?? null });
    if (!data) throw errorOf(response, error);
    return data;
  }

  /**
   * Asks a question and tells the answer while it is being written. The question is sent when the
   * first step is asked for; to stop reading gives it up.
   *
   * @throws {AskbookError} there is no answer, or only a part of one
   */
  async *stream(
    question: Schemas["ChatRequest"],
    { signal }: CallOptions = {},
  ): AsyncGenerator<ChatEvent, void, void> {
    const { error, response } = await this.api.POST("/chat/stream", {
      body: question,
      headers: { accept: "text/event-stream" },
      parseAs: "stream",
      signal: signal ?? null,
    });
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
    if (!response.ok || !isStream) throw errorOf(response, error);
    yield* chatEvents(response);
  }

  /**
   * Asks a question, shows each piece of the answer as it comes, and returns the whole of it.
   *
   * @throws {AskbookError} there is no answer, or only a part of one
   */
  async ask(
    question: Schemas["ChatRequest"],
    show: (text: string) => void,
    { signal }: CallOptions = {},
  ): Promise<Done> {
    let end: Done | undefined;
    for await (const event of this.stream(question, { signal })) {
      if (event.type === "delta") show(event.text);
      if (event.type === "done") end = event;
    }
    // `stream` throws when there is no `done`.
    return end as Done;
  }

  /**
   * Finds passages without an answer.
   *
   * @throws {AskbookError} nothing could be searched
   */
  async search(query: Schemas["SearchRequest"], { signal }: CallOptions = {}): Promise<Schemas["SearchReply"]> {
    const { data, error, response } = await this.api.POST("/search", { body: query, signal: signal ?? null });
    if (!data) throw errorOf(response, error);
    return data;
  }

  /**
   * Tells what a reader thinks of an answer.
   *
   * @throws {AskbookError} it was not taken
   */
  async feedback(feedback: Schemas["FeedbackRequest"], { signal }: CallOptions = {}): Promise<void> {
    const { error, response } = await this.api.POST("/feedback", { body: feedback, signal: signal ?? null });
    if (!response.ok) throw errorOf(response, error);
  }
}
