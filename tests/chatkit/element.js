// A stand-in for OpenAI's ChatKit in a browser: it asks as that does, records what it is given, and
// shows what it is told from events alone.
class ChatKit extends HTMLElement {
  #options;
  #thread = null;
  #items = new Map();

  async setOptions(options) {
    this.#options = options;
    const { data } = await (await this.#post('threads.list', { limit: 9999, order: 'desc' })).json();
    this.threads = data.map(({ id, title }) => ({ id, title }));
  }

  recorded() {
    const { api, ...options } = this.#options;
    return { options: { api: { ...api, fetch: typeof api.fetch }, ...options } };
  }

  async setThreadId(thread) {
    this.#thread = thread;
    this.#items.clear();
    const page = await (await this.#post('items.list', { thread_id: thread, order: 'asc' })).json();
    page.data.forEach((item) => this.#items.set(item.id, item));
    return this.#shown({});
  }

  sendUserMessage({ text, quote }) {
    const content = [{ type: 'input_text', text }];
    const input = { content, attachments: [], quoted_text: quote ?? null, inference_options: {} };
    return this.#thread
      ? this.#stream('threads.add_user_message', { thread_id: this.#thread, input })
      : this.#stream('threads.create', { input });
  }

  retry(item) {
    const kept = [...this.#items.keys()];
    kept.slice(kept.indexOf(item) + 1).forEach((later) => this.#items.delete(later));
    return this.#stream('threads.retry_after_item', { thread_id: this.#thread, item_id: item });
  }

  async rate(item, kind) {
    const params = { thread_id: this.#thread, item_ids: [item], kind };
    return (await this.#post('items.feedback', params)).status;
  }

  #post(type, params, accept = 'application/json') {
    return this.#options.api.fetch(this.#options.api.url, {
      method: 'POST',
      headers: {
        accept,
        'accept-language': 'de-DE',
        'chatkit-frame-instance-id': 'stand-in',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ type, params }),
    });
  }

  async #stream(type, params) {
    const told = { progress: [] };
    const response = await this.#post(type, params, 'text/event-stream');
    if (!response.ok) return this.#shown({ ...told, error: (await response.json()).message });
    let rest = '';
    const decoder = new TextDecoder();
    for await (const piece of response.body) {
      rest += decoder.decode(piece, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split('\n').filter((line) => line.startsWith('data: '));
        this.#take(JSON.parse(data.map((line) => line.slice(6)).join('\n')), told);
      }
    }
    return this.#shown(told);
  }

  #take(event, told) {
    switch (event.type) {
      case 'thread.created': this.#thread = event.thread.id; break;
      case 'thread.updated': told.title = event.thread.title; break;
      case 'progress_update': told.progress.push(event.text); break;
      case 'error': told.error = event.message; break;
      case 'thread.item.added':
      case 'thread.item.done': this.#items.set(event.item.id, event.item); break;
      case 'thread.item.updated': {
        const { content } = this.#items.get(event.item_id);
        const { type, content_index: at, ...update } = event.update;
        if (type.endsWith('.added') || type.endsWith('.done')) content[at] = update.content;
        if (type.endsWith('.text_delta')) content[at].text += update.delta;
        if (type.endsWith('.annotation_added')) content[at].annotations[update.annotation_index] = update.annotation;
      }
    }
  }

  #shown(told) {
    const items = [...this.#items.values()].map(({ id, type, content }) => {
      const text = content.map((part) => part.text).join('');
      const sources = content.flatMap((part) => part.annotations ?? []);
      const source = ({ source, index }) => ({ url: source.url, before: text.slice(0, index).slice(-12) });
      return { id, type, text, sources: sources.map(source) };
    });
    this.innerText = items.map(({ text }) => text).join('\n');
    return { ...told, thread: this.#thread, items };
  }
}

customElements.define('openai-chatkit', ChatKit);
