// What the tests of attacks on links share: peers that do as they like, and
// some that nothing should happen to.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { waitUntil } from './lib.mjs';
import { fresh, member, newId } from './linkd.mjs';
import { derive, randomScalar } from './nwscrypto.mjs';
import { Node } from './p2p.mjs';

const scalar = randomScalar();
/** Elements that stand for nothing. */
export const element = () => Buffer.from(derive(crypto.randomBytes(64))
  .multiply(scalar).toBytes());
export const elements = (n) => Array.from({ length: n }, element);
/** Tags that mean nothing. */
export const octets = (n) => Array.from({ length: n },
  () => crypto.randomBytes(16));

/** A session with the daemon whose matching is the test's business. */
export async function bare(node, d) {
  const session = await node.link(d.link, { prepare(s) {
    s.match.turn = () => {};
    s.match.take = () => {};
  } });
  await waitUntil(() => session.hello !== null, 'HELLO');
  return session;
}

/** A member of the daemon and a peer that share a channel; link: the port. */
export async function shared(d, node, { ids = [newId()], prepare,
  link = d.link } = {}) {
  const name = fresh();
  const ws = await member(d, name);
  const id = await ws.id();
  const session = await node.link(link, { prepare });
  const c = session.join(name, { ids });
  await c.next('roster', (e) => e.last);
  for (const x of ids)
    await ws.json((o) => o.action === 'connect' && o.target === String(x));
  return { ws, id, session, c, mine: ids[0] };
}

/**
 * A member and a peer that share a channel, and are not concerned by what else
 * happens; the function that is returned makes sure of it.
 */
export async function unaffected(d) {
  const node = await Node.start({ security: ['noise'] });
  const { ws, session, c, mine } = await shared(d, node);
  return async () => {
    c.broadcast(mine, 'still here');
    assert.equal((await ws.action('broadcast')).data, 'still here');
    assert.equal(session.reason, null);
    await ws.close();
    await node.stop();
  };
}
