// A drawing board without a server that keeps it.  Each page writes a log of
// what its person draws, and all pages keep the logs of all.  Logs only grow,
// so that two pages need to compare no more than their lengths to find out what
// the other has missed: after a lost connection, or as a newcomer.
import { NetworkWebSocket } from '/nws.mjs';
import { channelName, element, parse, showStatus } from './page.js';

const $ = (id) => document.querySelector(`#${id}`);
const ws = new NetworkWebSocket(channelName('board'));
const board = $('board'), canvas = board.getContext('2d');
// An id of the channel would not do: it is another one after a reconnection.
const me = crypto.getRandomValues(new Uint32Array(2)).join('-');
/** By author: [x, y, ink, width, time] begins a line, [x, y] goes on. */
const logs = new Map([[me, []]]);
/** By author, how many entries are wiped off. */
const wiped = new Map();
const MOST = 2000;              // entries in a message: well below 256 KiB

showStatus(ws);

/* What is said: { author, at, entries }, { wiped } and { have }. */

// Both ends do this for each other, and each answers with what the other lacks.
ws.onconnect = ({ detail: { target: peer } }) => {
  const have = () => ({ have: lengths() });
  peer.onmessage = ({ data }) => {
    const message = parse(data);
    if (message.have)
      answer(peer, message.have);
    else
      take(message);
  };
  peer.send(have());
};
ws.onmessage = ({ data }) => take(parse(data));
// Where nwsd.conf has it leave out messages for who reads too slowly.
ws.onerror = ({ error }) => error.code === 'missed'
  && ws.peers.forEach((p) => p.send({ have: lengths() }));

const lengths = () => Object.fromEntries([...logs].map(([author, log]) =>
  [author, log.length]));

function answer(peer, have) {
  for (const [author, log] of logs)
    for (let at = Number(have[author]) || 0; at < log.length; at += MOST)
      peer.send({ author, at, entries: log.slice(at, at + MOST) });
  peer.send({ wiped: Object.fromEntries(wiped) });
}

/** Adds what is new; twice is as good as once, in whichever order. */
function take({ author, at, entries, wiped: more }) {
  if (typeof author === 'string' && Array.isArray(entries)) {
    const log = logs.get(author) ?? [];
    // What would leave a gap comes before the answer that fills the gap, and
    // is in that answer.
    if (at <= log.length && entries.every(Array.isArray))
      logs.set(author, log.concat(entries.slice(log.length - at)));
  }
  for (const [name, count] of Object.entries(more ?? {}))
    wiped.set(name, Math.max(wiped.get(name) ?? 0, Number(count) || 0));
  paint();
}

/* What is drawn here. */

let shared = 0;                 // entries of ours that are sent

function draw(...entry) {
  logs.get(me).push(entry.map(Math.round));
  paint();
}

/** Once for each picture on the screen, however fast the pointer reports. */
function share() {
  const log = logs.get(me);
  // Whoever we are not connected to asks for it later.
  for (; ws.readyState === ws.OPEN && shared < log.length; shared += MOST)
    ws.send({ author: me, at: shared, entries: log.slice(shared,
      shared + MOST) });
  shared = log.length;
}

let due = false;
function paint() {
  if (due)
    return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    share();
    canvas.clearRect(0, 0, board.width, board.height);
    lines().forEach(stroke);
    if (cursor)
      canvas.strokeRect(cursor.x - 6, cursor.y - 6, 12, 12);
  });
}

/** All lines by time, so that on all boards the same one is on top. */
function lines() {
  const all = [];
  for (const [author, log] of logs) {
    let line = [];
    for (const entry of log.slice(wiped.get(author) ?? 0)) {
      if (entry.length > 2)
        all.push(line = []);
      line.push(entry);
    }
  }
  return all.sort(([a], [b]) => a[4] - b[4]);
}

function stroke([[x, y, ink, width], ...rest]) {
  const style = getComputedStyle(board);
  canvas.strokeStyle = style.getPropertyValue(`--ink-${ink % 6}`);
  canvas.lineWidth = width;
  canvas.lineCap = canvas.lineJoin = 'round';
  canvas.beginPath();
  canvas.moveTo(x, y);
  canvas.lineTo(x + 0.1, y);    // a line of one point is a dot
  rest.forEach((point) => canvas.lineTo(...point));
  canvas.stroke();
}

/* The pens: a pointer, several fingers too, and the keyboard. */

['Ink', 'Red', 'Orange', 'Green', 'Blue', 'Purple'].forEach((name, i) => {
  $('inks').append(element('label', {}, element('input', { type: 'radio',
    name: 'ink', value: i, checked: i === 4 }), element('span'), name));
});
const begin = (x, y) => draw(x, y, document.querySelector(
  '[name=ink]:checked').value, $('width').value, Date.now());
let drawing = null;             // the pointer that draws

function place(e) {
  const box = board.getBoundingClientRect();
  return [(e.clientX - box.left) * board.width / box.width,
    (e.clientY - box.top) * board.height / box.height];
}
board.onpointerdown = (e) => {
  if (drawing !== null || e.button !== 0)
    return;
  drawing = e.pointerId;
  board.setPointerCapture(drawing);
  cursor = null;
  begin(...place(e));
};
board.onpointermove = (e) => {
  // All that the pointer did since the last event, where the browser tells.
  const steps = e.getCoalescedEvents?.() ?? [];
  if (e.pointerId === drawing)
    for (const step of steps.length > 0 ? steps : [e])
      draw(...place(step));
};
board.onpointerup = board.onpointercancel = (e) => {
  if (e.pointerId === drawing)
    drawing = null;
};

let cursor = null;              // of the keyboard
board.onkeydown = (e) => {
  const step = e.shiftKey ? 60 : 12;
  const [x, y] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0],
    ArrowUp: [0, -step], ArrowDown: [0, step], ' ': [0, 0] }[e.key] ?? [];
  if (x === undefined)
    return;
  e.preventDefault();
  cursor ??= { x: board.width / 2, y: board.height / 2, down: false };
  cursor.x = Math.min(board.width, Math.max(0, cursor.x + x));
  cursor.y = Math.min(board.height, Math.max(0, cursor.y + y));
  if (e.key === ' ') {
    cursor.down = !cursor.down;
    $('pen').textContent = cursor.down ? 'Pen down' : 'Pen up';
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

$('clear').onclick = () => {
  take({ wiped: lengths() });
  if (ws.readyState === ws.OPEN)
    ws.send({ wiped: Object.fromEntries(wiped) });
};
$('save').onclick = () => board.toBlob((picture) => {
  const href = URL.createObjectURL(picture);
  element('a', { href, download: 'board.png' }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
});
// Inks are the style sheet's, other ones in the dark.
matchMedia('(prefers-color-scheme: dark)').onchange = paint;
