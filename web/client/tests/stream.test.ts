// What the client makes of replies, with a server that sends what a test says.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Askbook, AskbookError, type ChatEvent } from "../src/index.js";

type Reply = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

/** A client of a server that replies to everything in one way, and the requests that it got. */
async function askbook(t: TestContext, reply: Reply) {
  const requests: { path: string; body: unknown; headers: IncomingMessage["headers"] }[] = [];
  const server = createServer(async (request, response) => {
    const pieces = await request.toArray();
    const body = JSON.parse(Buffer.concat(pieces).toString());
    requests.push({ path: request.url ?? "", body, headers: request.headers });
    await reply(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { client: new Askbook({ url: `http://127.0.0.1:${port}/` }), requests };
}

const ACCEPTED = { type: "accepted", message_id: "m", session_id: "s", session_restarted: false };
const DONE = { type: "done", answer: "Grün.", sources: [] };
const PROBLEM = {
  type: "urn:askbook:problem:overloaded",
  title: "Overloaded",
  status: 503,
  detail: "too many questions at once: ask again",
  code: "overloaded",
  request_id: "r-1",
  retry_after: 2,
};

function begin(response: ServerResponse) {
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "r-0" });
}

function line(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

async function all(events: AsyncIterable<ChatEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const event of events) types.push(event.type);
  return types;
}

test("a stream is read however it is cut, and what is not known is left out", async (t) => {
  const text = `: keep\n\nid: 1\r\n${line(ACCEPTED)}${line({ type: "mood" })}`;
  const rest = `: keep\n\n${line({ type: "delta", text: "Grün." })}${line(DONE)}`;
  const { client, requests } = await askbook(t, (response) => {
    begin(response);
    for (const byte of Buffer.from(text + rest)) response.write(Uint8Array.of(byte));
    response.end();
  });
  const shown: string[] = [];
  const done = await client.ask({ message: "Colour?" }, (piece) => shown.push(piece));
  assert.deepEqual(shown, ["Grün."]);
  assert.deepEqual(done, DONE);
  assert.deepEqual(await all(client.stream({ message: "Colour?" })), ["accepted", "delta", "done"]);
  assert.deepEqual(requests[0]?.body, { message: "Colour?" });
  assert.equal(requests[0]?.path, "/chat/stream");
  assert.equal(requests[0]?.headers.accept, "text/event-stream");
});

test("a stream that breaks off is an error, and the question is not sent again", async (t) => {
  for (const end of [
    (response: ServerResponse) => response.end(),
    (response: ServerResponse) => response.destroy(),
  ]) {
    for (const [events, incomplete] of [
      [[ACCEPTED], false],
      [[ACCEPTED, { type: "delta", text: "Gr" }], true],
    ] as const) {
      const { client, requests } = await askbook(t, (response) => {
        begin(response);
        response.write(events.map(line).join(""), () => end(response));
      });
      await assert.rejects(all(client.stream({ message: "Colour?" })), (error) => {
        assert(error instanceof AskbookError);
        assert.equal(error.message, "the connection was lost before the answer was complete");
        assert.equal(error.requestId, "r-0");
        assert.equal(error.incomplete, incomplete);
        assert.equal(error.problem, undefined);
        return true;
      });
      assert.equal(requests.length, 1);
      assert.equal(requests[0]?.headers["last-event-id"], undefined);
    }
  }
});

test("a problem in a stream is thrown as it is in a reply, and nothing is tried again", async (t) => {
  const inReply = await askbook(t, (response) => {
    response.writeHead(503, { "content-type": "application/problem+json" });
    response.end(JSON.stringify(PROBLEM));
  });
  const inStream = await askbook(t, (response) => {
    begin(response);
    response.end(line(ACCEPTED) + line({ type: "error", problem: PROBLEM, incomplete: false }));
  });
  const question = { message: "Colour?" };
  const calls = [
    () => inReply.client.chat(question),
    () => inReply.client.search({ query: "Colour?" }),
    () => inReply.client.feedback({ message_id: "m", rating: "good" }),
    () => all(inReply.client.stream(question)),
    () => all(inStream.client.stream(question)),
  ];
  for (const call of calls) {
    await assert.rejects(call, (error) => {
      assert(error instanceof AskbookError);
      assert.equal(error.message, PROBLEM.detail);
      assert.deepEqual(error.problem, PROBLEM);
      assert.deepEqual([error.code, error.requestId, error.retryAfter], ["overloaded", "r-1", 2]);
      return true;
    });
  }
  assert.equal(inReply.requests.length, 4);
  assert.equal(inStream.requests.length, 1);
});

test("a reply that is not of askbook says whose it is", async (t) => {
  for (const [status, body] of [
    [502, "<h1>Bad gateway</h1>"],
    [404, "{}"],
    [200, "<!doctype html><title>The site itself</title>"],
  ] as const) {
    const { client } = await askbook(t, (response) => {
      response.writeHead(status, { "content-type": "text/html", "x-request-id": "edge-7" });
      response.end(body);
    });
    await assert.rejects(all(client.stream({ message: "Colour?" })), (error) => {
      assert(error instanceof AskbookError);
      assert.match(error.message, /^http:.*\/chat\/stream replied with status \d+, and not as/);
      assert.deepEqual([error.status, error.requestId, error.code], [status, "edge-7", undefined]);
      return true;
    });
  }
});

test("to stop reading or to abort closes the connection", async (t) => {
  let closed = Promise.resolve<unknown>(undefined);
  const { client, requests } = await askbook(t, (response) => {
    closed = once(response, "close");
    begin(response);
    response.write(line(ACCEPTED));
  });
  for await (const event of client.stream({ message: "Colour?" })) {
    assert.equal(event.type, "accepted");
    break;
  }
  await closed;

  const abort = new AbortController();
  await assert.rejects(
    async () => {
      for await (const _ of client.stream({ message: "Colour?" }, abort)) abort.abort();
    },
    { name: "AbortError" },
  );
  await closed;

  const before = client.stream({ message: "Colour?" }, { signal: AbortSignal.abort() });
  await assert.rejects(all(before), { name: "AbortError" });
  assert.equal(requests.length, 2);
});

test("a key is sent, and a server that cannot be reached is fetch's own error", async (t) => {
  const { client, requests } = await askbook(t, (response) => {
    response.writeHead(204).end();
  });
  const { url } = await client.api.POST("/feedback", {
    body: { message_id: "m", rating: "bad" },
  }).then(({ response }) => response);
  const withKey = new Askbook({ url: new URL(url).origin, apiKey: "secret" });
  await withKey.feedback({ message_id: "m", rating: "bad" });
  assert.deepEqual(
    requests.map(({ headers }) => headers.authorization),
    [undefined, "Bearer secret"],
  );

  const nowhere = new Askbook({ url: "http://127.0.0.1:1" });
  await assert.rejects(nowhere.chat({ message: "Colour?" }), TypeError);
});
