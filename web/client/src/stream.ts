import { EventSourceParserStream } from "eventsource-parser/stream";
import { AskbookError } from "./error.js";
import type { components } from "./openapi.js";

/** A step of an answer that is being written; `type` tells them apart. */
export type ChatEvent = components["schemas"]["ChatEvent"];

/** The step that a stream ends with: the whole answer. */
export type Done = Extract<ChatEvent, { type: "done" }>;

const TYPES = {
  accepted: true,
  found: true,
  delta: true,
  citation: true,
  sources: true,
  done: true,
  error: true,
} satisfies Record<ChatEvent["type"], true>;

/**
 * The steps of the reply of `POST /chat/stream`, up to and with `done`. Steps of a type that this
 * client does not know are left out.
 *
 * To stop reading, as with `break`, closes the connection.
 *
 * @throws {AskbookError} the stream ended in `error`, or broke off
 */
export async function* chatEvents(response: Response): AsyncGenerator<ChatEvent, void, void> {
  let hasText = false;
  const brokenOff = () =>
    new AskbookError("the connection was lost before the answer was complete", response, {
      incomplete: hasText,
    });
  if (!response.body) throw brokenOff();
  const reader = response.body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        // `fetch` says so when the network is lost; whatever else is thrown is a signal's reason.
        throw error instanceof TypeError ? brokenOff() : error;
      });
      if (done) throw brokenOff();
      const event: unknown = JSON.parse(value.data);
      if (!isKnown(event)) continue;
      if (event.type === "error") {
        const { problem, incomplete } = event;
        throw new AskbookError(problem.detail, response, { problem, incomplete });
      }
      hasText ||= event.type === "delta";
      yield event;
      if (event.type === "done") return;
    }
  } finally {
    // A stream that was given up or broke off has nothing left to cancel.
    await reader.cancel().catch(() => {});
  }
}

function isKnown(event: unknown): event is ChatEvent {
  const { type } = event as { type?: unknown };
  return typeof type === "string" && Object.hasOwn(TYPES, type);
}
