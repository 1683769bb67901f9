// The control socket as others than nwsctl(8) use it: who asks and does not
// read, more connections than there may be, what is no message.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Program, build, top, useDaemon, waitUntil } from './lib.mjs';

/** The number of a message, which is its place in the table of common/msg.h. */
const number = (name) => [...fs.readFileSync(path.join(top, 'common/msg.h'),
  'utf8').matchAll(/^X\((\w+),/gm)].findIndex((m) => m[1] === name) + 1;

/** A message without payload. */
function message(name) {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(number(name), 0);
  return header;
}

/** Asks so many times on this connection before it reads any answer. */
async function unread(t, d, s, times) {
  await new Promise((resolve) => s.once('connect', resolve));
  s.pause();
  const before = d.rss(d.pid);
  // In pieces, so that it shows how many of them were taken.
  const piece = Buffer.alloc(1 << 16, message('CTL_CONSOLE'));
  for (let n = 0; n < 16 * times; n += piece.length)
    s.write(piece);
  // As long as more is taken, also while others are answered.
  const taken = () => s.bytesWritten - s.writableLength;
  let last;
  do {
    last = taken();
    for (let i = 0; i < 5; i++)
      assert.equal((await d.ctl('console')).code, 0);
  } while (taken() > last);
  const grown = d.rss(d.pid) - before;
  t.diagnostic(`${grown} KiB more`);
  assert.ok(grown < 8192, `${grown} KiB more`);
  // When it does read, it has every answer.
  const one = number('CTL_DONE');
  let rest = Buffer.alloc(0), answers = 0;
  s.on('data', (b) => {
    rest = Buffer.concat([rest, b]);
    for (;;) {
      if (rest.length < 16)
        return;
      const size = 16 + (rest.readUInt32LE(4) + 7 & ~7);
      if (rest.length < size)
        return;
      answers += rest.readUInt32LE(0) === one;
      rest = rest.subarray(size);
    }
  });
  s.resume();
  await waitUntil(() => answers === times, 'all answers', 30000);
}

describe('the control socket', () => {
  const h = useDaemon();

  test('who asks and does not read cannot ask for more', async (t) => {
    const s = net.connect(h.d.control);
    try {
      await unread(t, h.d, s, 1 << 19);
    } finally {
      s.destroy();
    }
  });

  test('one connection more than there may be is told so', async () => {
    const { d } = h;
    const { max, hits } = await d.limit('control-connections');
    const open = () => net.connect(d.control).on('error', () => {});
    const all = Array.from({ length: max - 1 }, open);
    try {
      // nwsctl is one more.
      await waitUntil(async () => (await d.limit('control-connections'))
        .used === max, 'all to be there');
      all.push(open());
      await waitUntil(() => d.controlled() === max, 'the last one');
      for (const what of ['show', 'monitor']) {
        const r = await d.ctl(what);
        assert.equal(r.code, 1, r.err);
        assert.match(r.err, /too many connections/);
      }
    } finally {
      all.forEach((s) => s.destroy());
    }
    await waitUntil(() => d.controlled() === 0, 'their end');
    assert.equal((await d.limit('control-connections')).hits, hits + 2);
  });

  test('what is no message ends the connection and nothing else', async () => {
    const { d } = h;
    const monitor = new Program(path.join(build, 'nwsctl'),
      ['-s', d.control, 'monitor']);
    for (const bytes of [Buffer.alloc(16, 0xff), Buffer.alloc(64),
      message('CTL_DONE'), message('CONF'), message('CTL_SHOW')]) {
      const s = net.connect(d.control);
      s.on('error', () => {});
      s.write(bytes);
      s.resume();
      await new Promise((resolve) => s.once('close', resolve));
    }
    assert.equal((await d.ctl('show')).code, 0);
    assert.equal(monitor.child.exitCode, null);
    await monitor.stop();
  });
});
