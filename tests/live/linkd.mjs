// What the tests of links share: daemons with a link port, members of their
// channels, ids.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, afterEach, before } from 'node:test';
import { Daemon, freePort, hooks, waitUntil } from './lib.mjs';
import { Member, listeners } from './wire.mjs';

/**
 * A daemon with links on loopback alone; .link is the port.  options as of
 * Daemon, and peers: ports on loopback that it is to dial; it learns of them
 * after its descriptors were counted.
 */
export async function startLinked(text = '', { peers = [], ...options } = {}) {
  const port = await freePort();
  const conf = `link { listen on 127.0.0.1 port ${port} }\n${text}\n`;
  const d = await Daemon.start(conf, options);
  d.link = port;
  if (peers.length > 0) {
    d.write(conf + peers.map((p) => `peer "127.0.0.1:${p}"\n`).join(''));
    await d.reload();
  }
  return d;
}

/** As useDaemon(). */
export function useLinked(text, options) {
  const holder = {};
  before(async () => {
    holder.d = await startLinked(text, options);
  });
  afterEach(async () => {
    await Promise.all(hooks.map((f) => f()));
    await holder.d?.check();
  });
  after(async () => {
    const exit = await holder.d?.stop();
    if (exit)
      assert.deepEqual(exit, { code: 0, signal: null }, holder.d.log);
  });
  return holder;
}

/** A daemon for a part of one test. */
export async function withLinked(text, fn, options) {
  const d = await startLinked(text, options);
  try {
    await fn(d);
    await Promise.all(hooks.map((f) => f()));
    await d.check();
    assert.deepEqual(await d.stop(), { code: 0, signal: null }, d.log);
  } finally {
    await Promise.all(hooks.map((f) => f()));
    if (d.exit === null)
      d.child.kill('SIGKILL');
  }
}

export const member = (d, name, fields) =>
  Member.open(listeners(d)['127.0.0.1'], `/${name}`, fields);

let serial = 0;
/** A channel of its own for each test. */
export const fresh = () => `l${++serial}-${process.pid}`;

/** An id of a peer, as nodes draw them. */
export const newId = () => (crypto.randomBytes(8).readBigUInt64BE()
  & (1n << 63n) - 1n) || 1n;

/** Waits until a counter has grown by n since it was `from`. */
export const counted = (d, name, from, n = 1) => waitUntil(async () =>
  await d.counter(name) >= from + n, `${name} above ${from}`);
