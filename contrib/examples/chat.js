// Chat.  What is said to everyone is plain text, so that nws(1) and every other
// program can take part; what is sent to one member is an object: a name, or a
// private text.
import { NetworkWebSocket } from '/nws.mjs';
import { $, channelName, element, logWriter, parse, personName, showStatus }
  from './page.js';

const ws = new NetworkWebSocket(channelName('chat'));
const say = $('say');
const write = logWriter();
const names = new Map();        // by id
const nameOf = (id) => names.get(id) ?? `Member ${id.slice(0, 4)}`;
// Bytes, say of `nws -b`, come as a Blob.
const textOf = (data) => data instanceof Blob ? `(${data.size} bytes)` : data;
// A name is not broadcast: it would be a line of text for everyone.
const myName = personName((name) => ws.peers.forEach((p) => p.send({ name })));

showStatus(ws);

ws.onconnect = ({ detail: { target: peer } }) => {
  const option = element('option', { value: peer.id }, nameOf(peer.id));
  say.to.append(option);
  peer.send({ name: myName() });
  peer.onmessage = ({ data }) => {
    const { name, text } = parse(data);
    if (typeof name === 'string') {
      const before = names.get(peer.id);
      const now = name.trim().slice(0, 40) || nameOf(peer.id);
      names.set(peer.id, now);
      option.textContent = now;
      if (before !== now)
        write('notice', before ? `${before} is now ${now}` : `${now} is here`);
    } else {
      write('', typeof text === 'string' ? text : textOf(data),
        `${nameOf(peer.id)}, to you alone`);
    }
  };
  peer.onclose = () => {
    option.remove();
    write('notice', `${nameOf(peer.id)} left`);
    names.delete(peer.id);
  };
};

// Here is also what a silent member, say `nws -P`, sends to us alone.
ws.onmessage = ({ data, senderId, direct }) => write('', textOf(data),
  nameOf(senderId) + (direct ? ', to you alone' : ''));

say.onsubmit = (e) => {
  e.preventDefault();
  const text = say.text.value, peer = ws.peers.find((p) =>
    p.id === say.to.value);
  try {
    // While there is no connection, this waits; until the queue is full.
    if (peer)
      peer.send({ text });
    else
      ws.send(text);
    // Nobody is sent his own messages.
    write('mine', text, peer ? `You, to ${nameOf(peer.id)} alone` : 'You');
    say.text.value = '';
  } catch (error) {
    write('notice', error.message);
  }
};
