// Has a conversation from a page of another origin, in Chromium: page.mjs URL STREAMS.
//
// OpenAI's element comes from OpenAI's servers only, so a stand-in takes its place (`element.js`). What
// the page does with it is the manual's own code. STREAMS is a file of bodies, one JSON string a
// line, that the parser of OpenAI's element must take for what they are.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';

const [askbook, streams] = process.argv.slice(2);
const file = (name) => readFile(new URL(name, import.meta.url), 'utf8');

// The parser that OpenAI's element has inside.
const { getBytes, getLines, getMessages } =
  createRequire(import.meta.url)('@microsoft/fetch-event-source/lib/cjs/parse.js');
for (const line of (await readFile(streams, 'utf8')).trim().split('\n')) {
  const body = JSON.parse(line);
  const messages = [];
  const take = getLines(getMessages(() => {}, () => {}, (message) => messages.push(message)));
  // In pieces that end anywhere, also within a character.
  const bytes = new TextEncoder().encode(body);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.slice(7 * at, 7 * at + 7));
  await getBytes(new ReadableStream({
    start(controller) {
      pieces.forEach((piece) => controller.enqueue(piece));
      controller.close();
    },
  }), take);
  const sent = body.split('\n').filter((part) => part.startsWith('data: ')).map((part) => part.slice(6));
  assert.deepEqual(messages.map((message) => message.data), sent, 'each event is one message');
}

const guide = await file('../../docs/guides/chatkit.md');
const [, code] = guide.match(/```js title="chatkit-on-this-page\.js"\n([^]*?)```/);
const files = {
  '/element.js': await file('element.js'),
  '/page.js': code.replace('https://chat.example.org', askbook),
};
const site = createServer((request, response) => {
  const script = files[request.url];
  response.setHeader('content-type', script ? 'text/javascript' : 'text/html; charset=utf-8');
  response.end(script ?? '<!doctype html><title>A book</title><link rel="icon" href="data:">' +
    '<openai-chatkit></openai-chatkit>' +
    '<script src="/element.js" async></script><script defer src="/page.js"></script>');
});
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${site.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
});
try {
  const page = await browser.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  const kit = (method, ...given) => page.evaluate(
    ([method, given]) => document.querySelector('openai-chatkit')[method](...given),
    [method, given],
  );
  const ready = () => page.waitForFunction(() => document.querySelector('openai-chatkit')?.threads);

  await page.goto(`${origin}/docs/intro`);
  await ready();
  const recorded = await kit('recorded');
  assert.deepEqual(recorded.options, {
    api: { url: `${askbook}/chatkit`, domainKey: 'domain_pk_…', fetch: 'function' },
    threadItemActions: { feedback: true, retry: true },
  });
  // Its first request has got the page a token.
  assert.match(await page.evaluate(() => localStorage.getItem('askbook-visitor')), /^[0-9a-f]{32}$/);

  const question = 'How long is a conversation kept?';
  const asked = await kit('sendUserMessage', { text: question });
  assert.equal(asked.error, undefined);
  assert.ok(asked.progress.length >= 2, 'it says what it does');
  assert.equal(asked.title, question);
  const [user, answer] = asked.items;
  assert.equal(user.text, question);
  assert.ok(answer.sources.length > 0);
  for (const { url, before } of answer.sources) {
    assert.ok(url.startsWith(`${origin}/docs/`), url);
    assert.match(before, /\S|\n$/);
  }
  const more = await kit('sendUserMessage', { text: 'And how many questions of it?', quote: 'kept' });
  assert.equal(more.items.length, 4);

  // What is shown after the page was loaded again is what was shown before.
  await page.reload();
  await ready();
  assert.deepEqual(await page.evaluate(() => document.querySelector('openai-chatkit').threads),
    [{ id: more.thread, title: question }]);
  assert.deepEqual((await kit('setThreadId', more.thread)).items, more.items);

  // The tools below an answer.
  assert.equal(await kit('rate', answer.id, 'positive'), 200);
  const anew = await kit('retry', user.id);
  assert.equal(anew.items.length, 2);
  assert.equal(anew.items[1].text, answer.text);

  // What is refused is shown in words.
  const { error } = await kit('sendUserMessage', { text: ' ' });
  assert.match(error, /write a question/);
  const failed = (text) => !/status of 400/.test(text);
  assert.deepEqual(complaints.filter(failed), []);

  // Another visitor sees none of it.
  const other = await (await browser.newContext()).newPage();
  await other.goto(origin);
  await other.waitForFunction(() => document.querySelector('openai-chatkit')?.threads);
  assert.deepEqual(await other.evaluate(() => document.querySelector('openai-chatkit').threads), []);
} finally {
  await browser.close();
  site.close();
}
console.log('a page has a conversation by ChatKit');
