// The control socket as others than nwsctl(8) use it: more connections than
// there may be, what is no message.
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

describe('the control socket', () => {
  const h = useDaemon();

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
