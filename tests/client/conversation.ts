// A conversation with a running askbook, through the client that is generated from its document.
// Usage: node dist/conversation.js http://127.0.0.1:8000
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import { events, read } from "./events.js";
import type { paths } from "./generated/askbook.js";

const baseUrl = process.argv[2];
assert(baseUrl, "usage: conversation.js BASE_URL");
const client = createClient<paths>({ baseUrl });

async function ask(message: string, session_id?: string | null) {
  const { data, error } = await client.POST("/chat", { body: { message, session_id } });
  assert(data, `no answer: ${JSON.stringify(error)}`);
  console.log(`> ${message}\n${data.answer}`);
  for (const source of data.sources) {
    console.log(`  [${source.number}] ${source.title} ${source.url ?? ""}`);
  }
  return data;
}

const health = await client.GET("/health");
assert.equal(health.data?.status, "ok");

const first = await ask("How do I connect my own Qdrant collection?");
assert.equal(first.outcome, "answered");
assert.equal(first.session_restarted, false);
const source = first.sources[0];
assert(source, "an answer has a source");
assert(source.url?.startsWith("/docs/"), "a citation opens a page of the book");
assert(first.answer.includes(`[${source.number}]`), "the answer cites its source");

const second = await ask("How long is a session kept?", first.session_id);
assert.equal(second.session_id, first.session_id, "one conversation");
assert.notEqual(second.message_id, first.message_id);

const { response } = await client.POST("/chat/stream", {
  body: { message: "How long is a session kept?", session_id: first.session_id },
  parseAs: "stream",
});
const { seen, claims, done } = await read(events(response));
console.log(`> (streamed)\n${done.answer}`);
assert.deepEqual(seen.slice(0, 2), ["accepted", "found"]);
assert.equal(done.session_id, first.session_id);
assert(claims.every((claim) => claim.trim()), "a citation says which part of the text it supports");
for (const { start, end } of done.sources.flatMap((source) => source.supports)) {
  assert(done.answer.slice(start, end).trim(), "and so does a source");
}

const again = await client.POST("/chat/stream", {
  body: { message: "How long is a session kept?" },
  headers: { "Last-Event-ID": "3" },
});
assert.equal(again.response.status, 409, "a stream is not taken up again");

const rated = await client.POST("/feedback", {
  body: { message_id: done.message_id, rating: "good" },
});
assert.equal(rated.response.status, 204);

const unknown = await ask("How do I bake sourdough bread?", first.session_id);
assert.equal(unknown.outcome, "not_in_book");
assert.deepEqual(unknown.sources, []);
assert.equal(unknown.mode, null);

const refused = await client.POST("/chat", { body: { message: " " } });
assert.equal(refused.response.status, 400);
assert(refused.error?.code && refused.error.request_id, "a problem has a code and a request id");
console.log(`> (blank)\n${refused.error.status} ${refused.error.code}: ${refused.error.detail}`);
