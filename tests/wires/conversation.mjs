// Has conversations with askbook through the packages of other protocols: conversation.mjs URL, of an
// askbook that has the manual as its book.
//
// * `ai`, in each version whose protocol it is: what all its chats are made of;
// * `openai`.
import assert from 'node:assert/strict';

import { ANSWER, FOLLOW_UP, OUTSIDE, QUESTION } from './questions.mjs';

const url = process.argv[2];

for (const name of ['ai-5', 'ai', 'ai-7']) await aiSdk(name);
await openai();

/** The transport and the reader that every chat of the AI SDK is made of, of this version of it. */
async function aiSdk(name) {
  const { DefaultChatTransport, readUIMessageStream } = await import(name);
  const transport = new DefaultChatTransport({ api: `${url}/ai-sdk/chat` });
  const ask = async (messages) => {
    const stream = await transport.sendMessages({
      chatId: 'chat-1', trigger: 'submit-message', messageId: undefined, messages,
      abortSignal: undefined,
    });
    let last;
    const onError = (error) => { throw error; };
    for await (const message of readUIMessageStream({ stream, onError })) last = message;
    return last;
  };
  const text = (message) =>
    message.parts.filter((part) => part.type === 'text').map((part) => part.text).join('');
  const user = (text) => ({ id: text, role: 'user', parts: [{ type: 'text', text }] });

  const answer = await ask([user(QUESTION)]);
  assert.match(text(answer), ANSWER);
  assert(answer.parts.every((part) => part.state !== 'streaming'), 'the text is complete');
  const sources = answer.parts.filter((part) => part.type === 'source-url');
  assert(sources.length > 0);
  for (const { sourceId, url, title, providerMetadata } of sources) {
    assert(text(answer).includes(`[${sourceId}](${url})`), `${sourceId} ${url}`);
    assert(title && providerMetadata.askbook.quote);
  }
  assert.deepEqual(answer.metadata, { outcome: 'answered', suggestions: [] });

  const followUp = await ask([user(QUESTION), answer, user(FOLLOW_UP)]);
  assert.match(text(followUp), ANSWER);

  const refusal = await ask([user(OUTSIDE)]);
  assert.equal(refusal.metadata.outcome, 'not_in_book');
  assert(refusal.parts.every((part) => part.type === 'text'));

  // What `useChat` shows of an error reply is its body.
  await assert.rejects(ask([user('  ')]), { message: 'the message is empty: write a question' });

  // The answer is good for feedback: its message is known by the id that the stream gave it.
  const rated = await fetch(`${url}/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message_id: answer.id, rating: 'good' }),
  });
  assert.equal(rated.status, 204, await rated.text());
  console.log(`${name}: answer, follow-up, refusal, error, feedback`);
}

async function openai() {
  const { default: OpenAI } = await import('openai');
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'unused' });
  const models = await client.models.list();
  assert.deepEqual(models.data.map((model) => model.id), ['askbook']);
  await assert.rejects(client.models.retrieve('gpt-5'), { status: 404, code: 'model_not_found' });

  const messages = [{ role: 'user', content: [{ type: 'text', text: QUESTION }] }];
  const completion = await client.chat.completions.create({ model: 'gpt-5', messages });
  const { message } = completion.choices[0];
  assert.match(message.content, ANSWER);
  assert.equal(message.outcome, 'answered');
  assert(message.citations.every(({ quote, url }) => quote && url));
  const characters = [...message.content];
  for (const { url_citation: { start_index, end_index, url } } of message.annotations) {
    assert(characters.slice(start_index, end_index).join('').endsWith(`](${url})`));
  }

  messages.push(message, { role: 'user', content: FOLLOW_UP });
  const runner = client.chat.completions.stream({
    model: 'askbook', messages, stream_options: { include_usage: true },
  });
  let content = '';
  runner.on('content', (delta) => { content += delta; });
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices[0].message.content, content);
  assert.match(content, ANSWER);
  assert.equal(final.choices[0].message.outcome, 'answered');
  assert.equal(final.usage.total_tokens, 0);

  const outside = [{ role: 'user', content: OUTSIDE }];
  const refusal = await client.chat.completions.create({ model: 'askbook', messages: outside });
  assert.equal(refusal.choices[0].message.outcome, 'not_in_book');

  await assert.rejects(client.chat.completions.create({ model: 'askbook', messages: [] }), {
    status: 400, code: 'invalid_field', param: 'messages', type: 'invalid_request_error',
  });
  console.log('openai: models, answer, follow-up in a stream, refusal, errors');
}
