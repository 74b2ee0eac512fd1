// A conversation with a running askbook that has its own manual for a book: `ASKBOOK_URL`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Askbook, AskbookError } from "../src/index.js";

const url = process.env.ASKBOOK_URL;
const skip = url ? false : "set ASKBOOK_URL to the address of a running askbook";
const askbook = new Askbook({ url: url ?? "" });

test("a conversation with a running askbook", { skip }, async (t) => {
  const health = await askbook.api.GET("/health");
  assert.equal(health.data?.status, "ok");

  const first = await askbook.chat({ message: "How do I connect my own Qdrant collection?" });
  t.diagnostic(first.answer);
  assert.equal(first.outcome, "answered");
  assert.equal(first.session_restarted, false);
  const source = first.sources[0];
  assert(source, "an answer has a source");
  assert(source.url?.startsWith("/docs/"), "a citation opens a page of the book");
  assert(first.answer.includes(`[${source.number}]`), "the answer cites its source");

  const { session_id } = first;
  const second = await askbook.chat({ message: "How long is a session kept?", session_id });
  assert.equal(second.session_id, session_id, "one conversation");
  assert.notEqual(second.message_id, first.message_id);

  const seen: string[] = [];
  const claims: string[] = [];
  let text = "";
  const stream = askbook.stream({ message: "How long is a session kept?", session_id });
  for await (const event of stream) {
    seen.push(event.type);
    if (event.type === "delta") text += event.text;
    if (event.type === "citation") claims.push(text.slice(event.start, event.end));
    if (event.type === "done") {
      assert.equal(event.answer, text, "the pieces are the answer");
      assert.equal(event.session_id, session_id);
      for (const { start, end } of event.sources.flatMap((source) => source.supports)) {
        assert(text.slice(start, end).trim(), "a source says which part of the text it supports");
      }
    }
  }
  assert.deepEqual(seen.slice(0, 2), ["accepted", "found"]);
  assert.equal(seen.at(-1), "done");
  assert(claims.length > 0 && claims.every((claim) => claim.trim()), "and so does a citation");

  await askbook.feedback({ message_id: second.message_id, rating: "good" });
  const found = await askbook.search({ query: "Qdrant" });
  assert(found.results.length > 0);

  const unknown = await askbook.chat({ message: "How do I bake sourdough bread?", session_id });
  assert.equal(unknown.outcome, "not_in_book");
  assert.deepEqual(unknown.sources, []);
  assert.equal(unknown.mode, null);
});

test("what askbook refuses is its problem, in each way of asking", { skip }, async () => {
  const asked = [
    () => askbook.chat({ message: " " }),
    () => askbook.ask({ message: " " }, () => assert.fail("nothing is shown")),
  ];
  for (const ask of asked) {
    await assert.rejects(ask, (error) => {
      assert(error instanceof AskbookError);
      assert.equal(error.message, "the message is empty: write a question");
      assert.deepEqual([error.status, error.code], [400, "empty_message"]);
      assert(error.requestId);
      return true;
    });
  }
  const again = await askbook.api.POST("/chat/stream", {
    body: { message: "How long is a session kept?" },
    headers: { "Last-Event-ID": "3" },
  });
  assert.equal(again.response.status, 409, "a stream is not taken up again");
});
