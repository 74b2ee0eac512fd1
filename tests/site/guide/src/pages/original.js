// What the front end of the original site says to its back end, and shows of what it hears: the
// wire of `POST /chat` with `X-Stream-Response`, of `GET /health` and of `POST /feedback`.
import React, {useEffect, useState} from 'react';
import Layout from '@theme/Layout';

const SERVER = 'https://askbook.example';

const json = {'Content-Type': 'application/json'};

/** The messages of a reply, each as it grows. */
async function* answerTo(query, context, history) {
  const response = await fetch(`${SERVER}/chat`, {
    method: 'POST',
    headers: {...json, 'X-Stream-Response': 'true'},
    body: JSON.stringify({query, context, history}),
  });
  if (!response.ok) {
    const {detail} = await response.json();
    throw new Error(detail || response.statusText);
  }
  const message = {sender: 'Book Assistant', text: '', sources: []};
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, {stream: true})).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const {type, content} = JSON.parse(line);
      if (type === 'error') throw new Error(content);
      if (type === 'sources') message.sources = content;
      if (type === 'chunk') message.text += content;
      yield {...message};
    }
  }
}

export default function Original() {
  const [health, setHealth] = useState('');
  const [messages, setMessages] = useState([]);
  const [rated, setRated] = useState('');

  useEffect(() => {
    fetch(`${SERVER}/health`)
      .then((response) => response.json())
      .then(({status}) => setHealth(status));
  }, []);

  async function ask(event) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const query = form.get('query');
    const context = window.getSelection().toString() || null;
    const history = messages.slice(-4).map(({sender, text}) => ({sender, text}));
    const before = [...messages, {sender: 'You', text: query}];
    setMessages(before);
    try {
      for await (const message of answerTo(query, context, history)) {
        setMessages([...before, message]);
      }
    } catch ({message}) {
      setMessages([...before, {sender: 'Book Assistant', text: `Error: ${message}`}]);
    }
  }

  async function rate() {
    const [question, answer] = messages.slice(-2);
    // A streamed answer has no id of its own in this wire.
    const response = await fetch(`${SERVER}/feedback`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({
        message_id: crypto.randomUUID(),
        query: question.text,
        response: answer.text,
        sources: answer.sources,
        rating: 'good',
        context: null,
      }),
    });
    setRated(`${response.status}`);
  }

  return (
    <Layout title="The original">
      <main className="container margin-vert--lg">
        <h1>The original</h1>
        <p id="health">{health}</p>
        <p id="passage">A conversation is kept</p>
        <ol id="messages">
          {messages.map(({sender, text, sources = []}, index) => (
            <li key={index} data-sender={sender}>
              <p>{text}</p>
              {sources.map(({url, page_title}) => (
                <a key={url} href={url}>
                  {page_title}
                </a>
              ))}
            </li>
          ))}
        </ol>
        <form onSubmit={ask}>
          <input name="query" aria-label="Question" />
          <button>Send</button>
        </form>
        <button onClick={rate}>Good</button>
        <p id="rated">{rated}</p>
      </main>
    </Layout>
  );
}
