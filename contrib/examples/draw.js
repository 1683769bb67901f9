// A drawing board that no server keeps.  Each page writes a log of what its
// person draws, and all pages keep the logs of all.  Logs only grow, so that
// two pages need to compare no more than their lengths to find out what one of
// them has missed: as a newcomer, or after a lost connection.
import { NetworkWebSocket } from '/nws.mjs';
import { openBoard } from './board.js';
import { channelName, parse, showStatus } from './page.js';

const ws = new NetworkWebSocket(channelName('board'));
// An id of the channel would not do: it is another one after a reconnection.
const me = crypto.getRandomValues(new Uint32Array(2)).join('-');
/** By author.  [x, y, time, ink, width] begins a line, [x, y] goes on. */
const logs = new Map([[me, []]]);
const paint = openBoard({ begin, goOn, lines, painted: share });

showStatus(ws);

// Both ends do this for each other, and each sends what the other lacks.
ws.onconnect = ({ detail: { target: peer } }) => {
  peer.onmessage = ({ data }) => {
    const message = parse(data);
    if (message.have)
      for (const author of logs.keys())
        send(peer, author, Math.max(0, message.have[author] ?? 0));
    take(message);
  };
  ask(peer);
};
ws.onmessage = ({ data }) => take(parse(data));
// Where nwsd.conf has it leave out messages for who reads too slowly.
ws.onerror = ({ error }) => error.code === 'missed' && ws.peers.forEach(ask);

function ask(peer) {
  peer.send({ have: Object.fromEntries([...logs].map(([author, log]) =>
    [author, log.length])) });
}

/** A log from an entry on, in messages that are well below 256 KiB. */
function send(to, author, at) {
  for (const log = logs.get(author); at < log.length; at += 2000)
    to.send({ author, at, entries: log.slice(at, at + 2000) });
}

/** Adds what is new; twice is as good as once, in whichever order. */
function take({ author, at, entries }) {
  const log = logs.get(author) ?? [];
  // What would leave a gap is in the answer that is to come, too.
  if (at <= log.length && typeof author === 'string'
    && Array.isArray(entries) && entries.every(isEntry))
    logs.set(author, log.concat(entries.slice(log.length - at)));
  paint();
}

/** Anybody may send anything: it is drawn again and again, and passed on. */
const isEntry = (e) => Array.isArray(e) && e.every(Number.isFinite);

/** All lines, the latest last: in the same order on all boards. */
function lines() {
  const all = [];
  for (const [author, log] of logs) {
    let points = [];
    for (const [x, y, time, ink, width] of log) {
      if (time !== undefined)
        all.push({ author, time, ink, width, points: points = [] });
      points.push([x, y]);
    }
  }
  return all.sort((a, b) => a.time - b.time || (a.author > b.author ? 1 : -1));
}

// The clocks of two machines differ.  So a time is one more than all that are
// on this board: what was drawn in sight of another line is later.
function begin(x, y, ink, width) {
  goOn(x, y, 1 + (lines().at(-1)?.time ?? 0), ink, width);
}

function goOn(...entry) {
  logs.get(me).push(entry.map(Math.round));
  paint();
}

let sent = 0;                   // entries of ours
/** Once for each picture on the screen, however fast the pointer reports. */
function share() {
  // Whoever we are not connected to asks for it later.
  if (ws.readyState === ws.OPEN)
    send(ws, me, sent);
  sent = logs.get(me).length;
}
