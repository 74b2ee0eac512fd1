// What the widget of the original site does, against a running askbook: its requests, byte for
// byte as far as they matter, and how it reads the replies.
// Usage: node dist/widget.js http://127.0.0.1:8000
import assert from "node:assert/strict";

const api = process.argv[2];
assert(api, "usage: widget.js BASE_URL");

interface Source {
  url: string;
  page_title: string;
}

interface Message {
  sender: "You" | "Book Assistant";
  text: string;
  sources?: Source[];
}

type Line =
  | { type: "sources"; content: Source[] }
  | { type: "chunk"; content: string }
  | { type: "error"; content: string };

const messages: Message[] = [];

async function send(query: string, context: string | null = null): Promise<Message> {
  const history = messages.slice(-4).map(({ sender, text }) => ({ sender, text }));
  messages.push({ sender: "You", text: query });
  const bubble: Message = { sender: "Book Assistant", text: "" };
  messages.push(bubble);
  try {
    const response = await fetch(`${api}/chat`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Stream-Response": "true" },
      body: JSON.stringify({ query, context, history }),
    });
    if (!response.ok) {
      const errorData = await response.json();
      throw new Error(errorData.detail || response.statusText);
    }
    assert(response.headers.get("content-type")?.startsWith("application/x-ndjson"));
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let buffer = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done) break;
      buffer += decoder.decode(value, { stream: true });
      const lines = buffer.split("\n");
      buffer = lines.pop()!;
      for (const line of lines) {
        const data = JSON.parse(line) as Line;
        if (data.type === "sources") bubble.sources = data.content;
        else if (data.type === "chunk") bubble.text += data.content;
        else throw new Error(data.content);
      }
    }
    assert.equal(buffer, "", "the last line is complete");
  } catch (error) {
    bubble.text = `Sorry, something went wrong: ${(error as Error).message}`;
  }
  console.log(`> ${query}\n${bubble.text}`);
  for (const source of bubble.sources ?? []) console.log(`  ${source.page_title} ${source.url}`);
  return bubble;
}

const first = await send("How long is a session kept?");
assert(first.text && !first.text.startsWith("Sorry"), first.text);
assert(first.sources?.every(({ url, page_title }) => url.startsWith("/docs/") && page_title));

const failed = await send("   ");
assert.equal(failed.text, "Sorry, something went wrong: the message is empty: write a question");
assert.equal(failed.sources, undefined);

// With the old error bubble in its history, and a selection.
const third = await send("How do I change this?", "A conversation is kept");
assert(third.text && !third.text.startsWith("Sorry"), third.text);

const unknown = await send("How do I bake sourdough bread?");
assert(unknown.text && !unknown.text.startsWith("Sorry"), unknown.text);
assert.equal(unknown.sources, undefined);

// Without the header, the answer comes whole.
const whole = await fetch(`${api}/chat`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: "How long is a session kept?" }),
});
const reply = await whole.json();
assert.deepEqual(Object.keys(reply).sort(), ["message_id", "response", "sources"]);

const feedback = await fetch(`${api}/feedback`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    message_id: reply.message_id,
    query: "How long is a session kept?",
    response: reply.response,
    sources: reply.sources,
    rating: "good",
    context: null,
  }),
});
assert.equal(feedback.status, 204);

const health = await fetch(`${api}/health`);
assert.deepEqual([health.status, await health.json()], [200, { status: "ok" }]);
