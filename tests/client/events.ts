// The events of an answer that is being written.
import assert from "node:assert/strict";
import type { components } from "./generated/askbook.js";

export type ChatEvent = components["schemas"]["ChatEvent"];

// Reads server-sent events whose data is one line of JSON each (HTML standard, 9.2.6).
export async function* events(response: Response): AsyncGenerator<ChatEvent> {
  assert(response.body, "a stream has a body");
  let rest = "";
  let ids = 0;
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    rest += piece;
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const lines = block.split("\n").filter((line) => !line.startsWith(":"));
      if (lines.length === 0) continue;
      const [id, data] = lines;
      assert.equal(id, `id: ${++ids}`);
      assert(data !== undefined && data.startsWith("data: ") && lines.length === 2, block);
      yield JSON.parse(data.slice("data: ".length)) as ChatEvent;
    }
  }
  assert.equal(rest, "", "the last event is complete");
}

// What the reader sees in the end. Compiles only if the generated type is a union that `type`
// tells apart.
export async function read(stream: AsyncIterable<ChatEvent>) {
  const seen: string[] = [];
  let text = "";
  const claims: string[] = [];
  for await (const event of stream) {
    seen.push(event.type);
    switch (event.type) {
      case "accepted":
        assert(event.message_id);
        break;
      case "found":
        assert(event.passages >= 0);
        break;
      case "delta":
        text += event.text;
        break;
      case "citation":
        claims.push(text.slice(event.start, event.end));
        break;
      case "sources":
        assert(event.sources.length > 0);
        break;
      case "done":
        assert.equal(event.answer, text, "the pieces are the answer");
        return { seen, claims, done: event };
      case "error":
        throw new Error(`${event.problem.code}: ${event.problem.detail}`);
      default:
        event satisfies never;
    }
  }
  throw new Error(`the stream ended without an end: ${seen.join(" ")}`);
}
