// A drawing board that no server keeps.  Each page writes a log of what its
// person draws, and all pages keep the logs of all.  Logs only grow, so that
// two pages need to compare no more than their lengths to find out what one of
// them has missed: as a newcomer, or after a lost connection.
import { NetworkWebSocket } from '/nws.mjs';
import { $, channelName, element, parse, showStatus } from './page.js';

const ws = new NetworkWebSocket(channelName('board'));
const board = $('board'), canvas = board.getContext('2d'), pen = $('pen');
// An id of the channel would not do: it is another one after a reconnection.
const me = crypto.getRandomValues(new Uint32Array(2)).join('-');
/** By author.  [x, y, time, ink, width] begins a line, [x, y] goes on. */
const logs = new Map([[me, []]]);

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
  if (at <= log.length && Array.isArray(entries)
    && entries.every(Array.isArray))
    logs.set(author, log.concat(entries.slice(log.length - at)));
  paint();
}

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

function draw(...entry) {
  logs.get(me).push(entry.map(Math.round));
  paint();
}

// The clocks of two machines differ.  So a time is one more than all that are
// on this board: what was drawn in sight of another line is later.
const begin = (x, y, ink = pen.ink.value, width = pen.width.value) =>
  draw(x, y, 1 + (lines().at(-1)?.time ?? 0), ink, width);

let due = 0, sent = 0;          // entries of ours
/** Once for each picture on the screen, however fast the pointer reports. */
function paint() {
  due ||= requestAnimationFrame(() => {
    due = 0;
    // Whoever we are not connected to asks for it later.
    if (ws.readyState === ws.OPEN)
      send(ws, me, sent);
    sent = logs.get(me).length;
    wipe();
    lines().forEach((line) => line.width === 0 ? wipe() : stroke(line));
    if (cursor)
      canvas.strokeRect(cursor.x - 6, cursor.y - 6, 12, 12);
  });
}

const wipe = () => canvas.clearRect(0, 0, board.width, board.height);

function stroke({ ink, width, points: [[x, y], ...rest] }) {
  canvas.strokeStyle = getComputedStyle(board).getPropertyValue(`--ink-${ink}`);
  canvas.lineWidth = width;
  canvas.lineCap = canvas.lineJoin = 'round';
  canvas.beginPath();
  canvas.moveTo(x, y);
  canvas.lineTo(x + 0.1, y);    // a line of one point is a dot
  rest.forEach((point) => canvas.lineTo(...point));
  canvas.stroke();
}

// One pointer of several draws, the mouse or the first finger.
const place = (e) => [e.offsetX, e.offsetY].map((n) =>
  n * board.width / board.clientWidth);
board.onpointerdown = (e) => {
  if (!e.isPrimary || e.button !== 0)
    return;
  board.setPointerCapture(e.pointerId);
  begin(...place(e));
};
board.onpointermove = (e) => e.isPrimary
  && board.hasPointerCapture(e.pointerId) && draw(...place(e));

// By keyboard, a cursor does.
const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
  ArrowDown: [0, 1], ' ': [0, 0] };
let cursor = null;
board.onkeydown = (e) => {
  if (!moves[e.key])
    return;
  e.preventDefault();
  cursor ??= { x: board.width / 2, y: board.height / 2, down: false };
  const [x, y] = moves[e.key].map((n) => n * (e.shiftKey ? 60 : 12));
  cursor.x = Math.min(board.width, Math.max(0, cursor.x + x));
  cursor.y = Math.min(board.height, Math.max(0, cursor.y + y));
  if (e.key === ' ') {
    cursor.down = !cursor.down;
    $('said').textContent = cursor.down ? 'Pen down' : 'Pen up';
    if (cursor.down)
      begin(cursor.x, cursor.y);
  } else if (cursor.down) {
    draw(cursor.x, cursor.y);
  }
  paint();
};
board.onblur = () => {
  cursor = null;
  paint();
};

$('clear').onclick = () => begin(0, 0, 0, 0);
$('save').onclick = () => element('a', { href: board.toDataURL(),
  download: 'board.png' }).click();
// Inks are the style sheet's, other ones in the dark.
matchMedia('(prefers-color-scheme: dark)').onchange = paint;
