// A page of a book's site with the clients of others in it, for browser.mjs.
import { DefaultChatTransport } from 'ai';
import { useChat } from '@ai-sdk/react';
import { AskAIWidget } from 'open-ask-ai';
import OpenAI from 'openai';
import { createElement, createRef, useEffect } from 'react';
import { createRoot } from 'react-dom/client';

const askbook = new URLSearchParams(location.search).get('askbook');
const api = `${askbook}/ai-sdk/chat`;

/** `useChat` as a component uses it; what it gives is `window.chat`. */
function Chat({ transport }) {
  const chat = useChat({ transport });
  useEffect(() => {
    window.chat = chat;
  });
}

/** The drawer, as docusaurus-search-local mounts it: its option `askAi` becomes these props. */
const drawer = createRef();
window.drawer = drawer;

window.openai = new OpenAI({
  apiKey: 'unused', baseURL: `${askbook}/v1`, dangerouslyAllowBrowser: true, maxRetries: 0,
});

createRoot(document.body.appendChild(document.createElement('div'))).render([
  createElement(Chat, { key: 'chat', transport: new DefaultChatTransport({ api }) }),
  createElement(AskAIWidget, { key: 'drawer', ref: drawer, apiUrl: api, project: 'book' }),
]);
