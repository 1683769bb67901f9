// Publish and subscribe.  Numbers are drawn as a line, anything else is shown.
import { NetworkWebSocket } from '/nws.mjs';
import { $, element, showStatus } from './page.js';

const KEPT = 30;                // values of a topic
const list = $('topics');
const topics = new Map();       // sockets by topic
// Readers and writers do not want to know of each other: without presence a
// channel with thousands of them is as quiet as one with two.
const join = (topic) => new NetworkWebSocket(topic, [], { presence: false });

function subscribe(topic) {
  if (topics.has(topic))
    return;
  const ws = join(topic);
  const status = element('p', { className: 'status quiet' });
  const latest = element('output', {}, '…');
  const when = element('span', { className: 'quiet' });
  const plot = svg('svg', { viewBox: `0 0 ${KEPT - 1} 20`,
    preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const line = svg('polyline', { 'vector-effect': 'non-scaling-stroke' });
  const end = element('button', { type: 'button',
    ariaLabel: `Unsubscribe from ${topic}` }, 'Unsubscribe');
  const card = element('li', { className: 'topic' },
    element('h3', {}, topic), latest, when, plot, status, end);
  let values = [];

  plot.append(line);
  list.append(card);
  topics.set(topic, ws);
  showStatus(ws, status);
  ws.onopen = () => {
    status.textContent = 'Subscribed.';
  };
  ws.onmessage = async ({ data }) => {
    const text = data instanceof Blob ? await data.text() : data;
    latest.textContent = text.slice(0, 200);
    latest.className = text.length > 12 ? 'long' : '';
    when.textContent = `at ${new Date().toLocaleTimeString()}`;
    if (text.trim() === '' || !Number.isFinite(Number(text)))
      return;
    values = [...values, Number(text)].slice(-KEPT);
    const low = Math.min(...values), span = Math.max(...values) - low || 1;
    line.setAttribute('points', values.map((v, i) =>
      `${KEPT - values.length + i},${19 - 18 * (v - low) / span}`).join(' '));
  };
  end.onclick = () => {
    ws.close();                 // there is nothing to unsubscribe but that
    topics.delete(topic);
    card.remove();
  };
}

$('publish').onsubmit = async (e) => {
  e.preventDefault();
  const topic = e.target.topic.value, value = e.target.value.value;
  const said = $('published');
  // A subscriber's socket would do, but would not be given its own message:
  // this way the card above shows it, too.
  const ws = join(topic);
  try {
    await ws.ready;
    ws.send(value);
    said.textContent = `${topic}: ${value} is published.`;
  } catch (error) {
    said.textContent = error.message;
  }
  ws.close();                   // after what was sent
};

$('subscribe').onsubmit = (e) => {
  e.preventDefault();
  subscribe(e.target.topic.value);
  e.target.reset();
};

function svg(tag, attributes) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes))
    e.setAttribute(name, value);
  return e;
}

subscribe('kitchen');
subscribe('load');              // see native/load.sh
