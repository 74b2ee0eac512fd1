// Has conversations with askbook from a page of another origin, in Chromium: browser.mjs URL.
//
// * `useChat` of `@ai-sdk/react`;
// * `openai`, which asks the browser for leave to send many headers;
// * the drawer of `open-ask-ai`, which the option `askAi` of docusaurus-search-local opens.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

import { ANSWER, FOLLOW_UP, OUTSIDE, QUESTION } from './questions.mjs';

const askbook = process.argv[2];
const { outputFiles } = await build({
  entryPoints: ['page.mjs'],
  bundle: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  format: 'iife',
  logLevel: 'error',
  write: false,
});
const site = createServer((request, response) => {
  if (request.url === '/page.js') {
    response.setHeader('content-type', 'text/javascript');
    response.end(outputFiles[0].contents);
  } else {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>A book</title><link rel="icon" href="data:"><body>' +
      '<script defer src="/page.js"></script>');
  }
});
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--disable-dev-shm-usage', '--disable-background-networking'],
});
try {
  const page = await browser.newPage();
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`http://127.0.0.1:${site.address().port}/docs/?askbook=${askbook}`);
  await page.waitForFunction(() => window.chat && window.drawer.current);
  await useChat(page);
  await drawer(page);
  await openai(page);
  assert.deepEqual(complaints, []);
  await errors(page);
} finally {
  await browser.close();
  site.close();
}

/** The messages when the chat rests, each as its parts and its text. */
async function rested(page, count) {
  await page.waitForFunction(
    (count) => window.chat.status === 'ready' && window.chat.messages.length === count, count);
  return page.evaluate(() => window.chat.messages.map(({ id, metadata, parts }) => ({
    id,
    metadata,
    sources: parts.filter((part) => part.type === 'source-url').map((part) => part.url),
    text: parts.filter((part) => part.type === 'text').map((part) => part.text).join(''),
  })));
}

async function useChat(page) {
  const send = (text) => page.evaluate((text) => window.chat.sendMessage({ text }), text);
  await send(QUESTION);
  const [, answer] = await rested(page, 2);
  assert.match(answer.text, ANSWER);
  assert(answer.sources.length > 0 && answer.sources.every((url) => answer.text.includes(url)));

  await send(FOLLOW_UP);
  const [, , , followUp] = await rested(page, 4);
  assert.match(followUp.text, ANSWER);

  await send(OUTSIDE);
  const [, , , , , refusal] = await rested(page, 6);
  assert.equal(refusal.metadata.outcome, 'not_in_book');

  await page.evaluate(() => window.chat.regenerate());
  await page.waitForFunction((id) => window.chat.messages[5]?.id !== id, refusal.id);
  const [, , , , , again] = await rested(page, 6);
  assert.equal(again.text, refusal.text);
  console.log('useChat in Chromium: answer, follow-up, refusal, regenerate');
}

async function drawer(page) {
  const asks = (request) => request.method() === 'POST' && request.url().endsWith('/ai-sdk/chat');
  /** Does this, and waits until the answer that is asked for by it has arrived. */
  const answered = (asking) =>
    Promise.all([page.waitForEvent('requestfinished', asks), asking()]);
  const dialog = page.getByRole('dialog');
  const ask = async (text) => {
    await dialog.locator('textarea').fill(text);
    await dialog.locator('textarea').press('Enter');
  };
  const links = dialog.locator('a[href*="/docs/guides/cors"]');

  await answered(() =>
    page.evaluate((text) => window.drawer.current.openWithNewSession(text), QUESTION));
  await links.first().waitFor();
  assert.match(await dialog.innerText(), /ALLOWED_ORIGINS/);
  const before = await links.count();

  await answered(() => ask(FOLLOW_UP));
  await links.nth(before).waitFor();

  await answered(() => ask(OUTSIDE));
  await dialog.getByText('The book does not say.').waitFor();
  console.log('the drawer of docusaurus-search-local in Chromium: answer, follow-up, refusal');
}

async function openai(page) {
  const content = await page.evaluate(async (content) => {
    const messages = [{ role: 'user', content }];
    const stream = window.openai.chat.completions.stream({ model: 'askbook', messages });
    return (await stream.finalMessage()).content;
  }, QUESTION);
  assert.match(content, ANSWER);
  console.log('openai in Chromium: answer in a stream');
}

/** What is wrong with a question reaches the reader in words. */
async function errors(page) {
  await page.evaluate(() => void window.chat.sendMessage({ text: 'x'.repeat(5_000) }));
  await page.waitForFunction(() => window.chat.status === 'error');
  const words = await page.evaluate(() => window.chat.error.message);
  assert.match(words, /^the message has 5000 characters/);
  console.log('useChat in Chromium: an error');
}
