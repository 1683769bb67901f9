#!/usr/bin/env node
// Chat in a terminal, with the library: what everyone on the channel says, and
// lines of standard input to them.  Its packages:
//
//     npm install ws SOURCE/frontend/www
//     node chat.mjs [CHANNEL]
//
// where SOURCE is the source of nwsd.
import readline from 'node:readline';
import WebSocket from 'ws';
import { NetworkWebSocket } from 'nwsd';

const ws = new NetworkWebSocket(process.argv[2] ?? 'chat', [], {
  WebSocket,
  server: process.env.NWS_SERVER ?? 'http://localhost:9009',
});
const names = new Map();
const nameOf = (id) => names.get(id) ?? id;
/** For a terminal, which the control characters of others must not reach. */
const plain = (data) => (data instanceof Blob ? `(${data.size} bytes)` : data)
  .replace(/\p{Cc}/gu, '\ufffd');

ws.onopen = () => console.error(`connected as ${ws.id}`);
ws.onerror = (e) => console.error(e.message);   // says what to do
ws.onmessage = (e) => console.log(`<${nameOf(e.senderId)}> ${
  plain(e.data)}`);
ws.onconnect = ({ detail: { target: peer } }) => {
  peer.send({ name: process.env.USER ?? 'node' });
  peer.onmessage = (e) => {
    // The page of the example sends objects to one: a name, or a private text.
    const { name, text } = parse(e.data);
    if (typeof name === 'string')
      names.set(peer.id, plain(name));
    else
      console.log(`*${nameOf(peer.id)}* ${
        plain(typeof text === 'string' ? text : e.data)}`);
  };
  peer.onclose = () => console.error(`${nameOf(peer.id)} left`);
};

// What is typed while there is no connection, waits.
readline.createInterface({ input: process.stdin })
  .on('line', (line) => ws.send(line))
  .on('close', async () => (await ws.ready).close());

function parse(data) {
  try {
    return Object(JSON.parse(data));
  } catch {
    return {};                  // of a program that sends other things
  }
}
