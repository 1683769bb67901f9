// The canvas of draw.js, and what a person does on it: by mouse, finger, pen or
// keyboard.  It keeps nothing but the picture.
import { $, element } from './page.js';

const board = $('board'), canvas = board.getContext('2d'), pen = $('pen');

/**
 * Gives the person the pen, for begin(x, y, ink, width) and then goOn(x, y).
 * Returns paint(), for when lines() returns something new: an array of
 * { ink, width, points: [[x, y], ...] }, where width 0 wipes the board.
 * painted() is called when it is on the screen, however often paint() was.
 */
export function openBoard({ begin, goOn, lines, painted }) {
  let cursor = null;            // of the keyboard
  const start = (x, y) => begin(x, y, pen.ink.value, pen.width.value);

  let due = 0;
  const paint = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      wipe();
      lines().forEach((line) => line.width === 0 ? wipe() : stroke(line));
      if (cursor)
        canvas.strokeRect(cursor.x - 6, cursor.y - 6, 12, 12);
      painted();
    });
  };

  // One pointer of several draws, the mouse or the first finger.
  const place = (e) => [e.offsetX, e.offsetY].map((n) =>
    n * board.width / board.clientWidth);
  board.onpointerdown = (e) => {
    if (!e.isPrimary || e.button !== 0)
      return;
    board.setPointerCapture(e.pointerId);
    start(...place(e));
  };
  board.onpointermove = (e) => e.isPrimary
    && board.hasPointerCapture(e.pointerId) && goOn(...place(e));

  // By keyboard, a cursor does.
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
    ArrowDown: [0, 1], ' ': [0, 0] };
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
        start(cursor.x, cursor.y);
    } else if (cursor.down) {
      goOn(cursor.x, cursor.y);
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
  return paint;
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
