// A js-libp2p node and the daemon: Noise and TLS, identify and ping, and
// channels by the reference client of nws-link(7).
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { describe, test } from 'node:test';
import { Queue, waitUntil, within } from './lib.mjs';
import { counted, fresh, member, newId, useLinked, withLinked }
  from './linkd.mjs';
import { PROTOCOL } from './nwslink.mjs';
import { Node, StreamEnd, bindingOf } from './p2p.mjs';

const IDENTIFY = '/ipfs/id/1.0.0', PING = '/ipfs/ping/1.0.0';
const securities = [['noise'], ['tls'], ['tls', 'noise'], ['noise', 'tls']];
/** What is taken where both ends have it: the dialler's preference. */
const path = { noise: '/noise', tls: '/tls/1.0.0' };

/** Identify and ping of the daemon, and that it knows who we are. */
async function knows(d, node, connection) {
  const who = await node.identified(connection);
  assert.match(who.agentVersion, /^nwsd\//);
  assert.ok(who.peerId.equals(connection.remotePeer));
  for (const p of [PROTOCOL, IDENTIFY, PING])
    assert.ok(who.protocols.includes(p), `${p} in ${who.protocols}`);
  assert.match(String(who.observedAddr), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/);
  for (let i = 0; i < 3; i++) {
    const ms = await node.libp2p.services.ping.ping(connection.remotePeer);
    assert.ok(ms >= 0 && ms < 5000);
  }
  const row = await waitUntil(async () => (await d.show('links'))
    .find((l) => l.peer === node.text && l.agent), 'its identify of us');
  assert.match(row.agent, /^js-libp2p\//);
  assert.equal(row.security, connection.encryption === '/noise' ? 'noise'
    : 'tls');
  assert.equal(row.dialled, connection.direction === 'inbound');
}

/** Presence and messages in both directions, until the peer has gone. */
async function converse(d, session, name, secret) {
  const ws = await member(d, name);
  const id = await ws.id(), mine = newId(), other = newId();
  const c = session.join(name, { secret, ids: [mine] });
  await c.next('shared');
  await c.next('roster', (e) => e.last);
  assert.deepEqual([...c.there], [[BigInt(id), false]]);
  assert.deepEqual(await ws.json(), { action: 'connect', source: id,
    target: String(mine) });
  // Messages.
  c.broadcast(mine, { n: [1, 'ü'] });
  assert.deepEqual(await ws.json(), { action: 'broadcast',
    source: String(mine), data: { n: [1, 'ü'] } });
  c.direct(mine, id, 'just you');
  assert.deepEqual(await ws.json(), { action: 'message', source: String(mine),
    target: id, data: 'just you' });
  c.broadcast(mine, Buffer.from([0, 255]));
  assert.deepEqual(await ws.json(), { action: 'broadcast', source: String(mine),
    data: 'AP8=', encoding: 'base64' });
  ws.send({ action: 'broadcast', data: ['all'] });
  const all = await c.next('broadcast');
  assert.deepEqual([all.source, all.data], [BigInt(id), ['all']]);
  ws.send({ action: 'message', target: String(mine), data: 7 });
  const one = await c.next('direct');
  assert.deepEqual([one.source, one.target, one.data], [BigInt(id), mine, 7]);
  // Who comes and goes, on both sides.
  c.connect(other);
  assert.equal((await ws.action('connect')).target, String(other));
  const second = await member(d, name);
  const seen = [(await second.action('connect')).target,
    (await second.action('connect')).target,
    (await second.action('connect')).target];
  assert.deepEqual(seen.sort(), [id, String(mine), String(other)].sort());
  const come = await c.next('connect');
  assert.equal(String(come.id), await second.id());
  await ws.action('connect');
  await second.close();
  assert.equal((await c.next('disconnect')).id, come.id);
  await ws.action('disconnect');
  c.disconnect(other);
  assert.equal((await ws.action('disconnect')).target, String(other));
  // A silent peer takes part unseen.
  c.connect(other, true);
  c.broadcast(other, 'from nowhere');
  assert.deepEqual(await ws.json(), { action: 'broadcast',
    source: String(other), data: 'from nowhere' });
  // What cannot be delivered.
  c.direct(mine, newId(), 'nobody');
  await c.next('undelivered', (e) => e.source === mine);
  session.filter = (m) => m.type !== 'DIRECT' || m.target !== mine;
  ws.send({ action: 'message', target: String(other), data: 1 });
  await c.next('direct', (e) => e.target === other);
  return { ws, c, mine, id };
}

async function gone(ws, mine) {
  assert.equal((await ws.action('disconnect')).target, String(mine));
  assert.deepEqual(await ws.sync(), []);
  await ws.close();
}

describe('a js-libp2p node dials the daemon', () => {
  const holder = useLinked('channel "with-secret" { secret "s3cret" }');

  for (const security of securities)
    test(`${security.join(' and ')}: identify, ping`, async () => {
      const { d } = holder;
      const node = await Node.start({ security });
      const connection = await node.dial(d.link);
      assert.equal(connection.encryption, path[security[0]]);
      assert.equal(connection.multiplexer, '/yamux/1.0.0');
      assert.equal(bindingOf(connection).length, 32);
      await knows(d, node, connection);
      await node.stop();
    });

  test('an unknown protocol is refused, and the next one is not', async () => {
    const { d } = holder;
    const node = await Node.start();
    const connection = await node.dial(d.link);
    await assert.rejects(connection.newStream('/no/such/thing/1.0.0'),
      /protocol|selected/i);
    const stream = await connection.newStream(['/nothing/1', '/nws/1.0.0',
      PING]);
    assert.equal(stream.protocol, PING);
    stream.abort(new Error('enough'));
    await knows(d, node, connection);
    await node.stop();
  });

  test('one stream of /nws/2.0.0 and no second', async () => {
    const node = await Node.start();
    const session = await node.link(holder.d.link);
    await waitUntil(() => session.hello !== null, 'HELLO');
    const stream = await session.connection.newStream(PROTOCOL)
      .then((s) => new StreamEnd(s), () => ({ ended: true }));
    await waitUntil(() => stream.ended, 'the end of a second one');
    assert.equal(session.reason, null);
    await node.stop();
  });

  for (const security of [['noise'], ['tls']])
    for (const [kind, secret] of [['open', ''], ['with-secret', 's3cret']])
      test(`joins a channel: ${security}, ${kind}`, async () => {
        const { d } = holder;
        const node = await Node.start({ security });
        const session = await node.link(d.link);
        const { ws, c, mine } = await converse(d, session,
          kind === 'open' ? fresh() : 'with-secret', secret);
        // The last one leaves, and comes again.
        session.leave(c);
        assert.equal((await ws.action('disconnect')).target, String(mine));
        const again = session.join(c.name, { secret, ids: [mine] });
        await again.next('shared');
        assert.equal((await ws.action('connect')).target, String(mine));
        session.end();
        await gone(ws, mine);
        await node.stop();
      });

  test('a large message both ways, and many', async () => {
    const { d } = holder;
    const node = await Node.start();
    const session = await node.link(d.link);
    const name = fresh(), mine = newId();
    const ws = await member(d, name);
    const c = session.join(name, { ids: [mine] });
    await c.next('shared');
    await ws.action('connect');
    const big = 'x'.repeat(200000);
    c.broadcast(mine, big);
    assert.equal((await ws.action('broadcast')).data, big);
    ws.send({ action: 'broadcast', data: big });
    assert.equal((await c.next('broadcast')).data, big);
    for (let i = 0; i < 2000; i++) {
      c.broadcast(mine, i);
      ws.send({ action: 'message', target: String(mine), data: i });
    }
    for (let i = 0; i < 2000; i++) {
      assert.equal((await ws.action('broadcast')).data, i);
      assert.equal((await c.next('direct')).data, i);
    }
    await ws.close();
    await node.stop();
  });

  test('PING is answered, each, in order', async () => {
    const node = await Node.start();
    const session = await node.link(holder.d.link);
    await waitUntil(() => session.hello !== null, 'HELLO');
    for (const token of [1n, 0n, (1n << 64n) - 1n])
      session.send({ type: 'PING', token });
    const tokens = [];
    while (tokens.length < 3)
      tokens.push((await session.messages.until((m) => m.type === 'PONG',
        'PONG')).token);
    assert.deepEqual(tokens, [1n, 0n, (1n << 64n) - 1n]);
    await node.stop();
  });
});

describe('the daemon dials a js-libp2p node', () => {
  for (const security of securities)
    test(`${security.join(' and ')}: identify, ping, a channel`, async () => {
      const node = await Node.start({ security, listen: true });
      const secret = security.length > 1 ? 'dialled' : '';
      const name = fresh();
      const conf = secret && `channel "${name}" { secret "${secret}" }`;
      await withLinked(conf, async (d) => {
        const session = await node.accepted();
        assert.equal(session.lead, false);
        // nwsd asks for TLS first.
        assert.equal(session.connection.encryption,
          path[security.includes('tls') ? 'tls' : 'noise']);
        await knows(d, node, session.connection);
        const { ws, mine } = await converse(d, session, name, secret);
        session.end();
        await gone(ws, mine);
        // It dials again.
        const next = await node.accepted();
        next.end();
        await node.stop();
      }, { peers: [node.port] });
    });

  test('a node that does not speak /nws/2.0.0 is left in peace', async () => {
    const node = await Node.start({ listen: true, speak: false });
    await withLinked('', async (d) => {
      const connection = await node.connections.next('a connection');
      await counted(d, 'crypto_failed_unsupported_total', 0);
      await knows(d, node, connection);
      await node.stop();
    }, { peers: [node.port] });
  });

  test('a node without yamux, Noise or TLS in common is given up', async () => {
    const seen = new Queue();
    const server = net.createServer((s) => {
      s.on('error', () => {});
      s.on('data', (b) => {
        seen.push(b.toString('latin1'));
        s.write('\x13/multistream/1.0.0\n\x03na\n\x03na\n');
      });
    });
    await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    await withLinked('', async (d) => {
      let all = '';
      while (!/noise/.test(all))
        all += await seen.next('proposals');
      assert.ok(all.indexOf('/tls/1.0.0') < all.indexOf('/noise'));
      await counted(d, 'crypto_failed_security_total', 0);
    }, { peers: [server.address().port] });
    server.close();
  });
});

describe('two links of one peer', () => {
  /** A node whose peer id is smaller than that of the daemon, or larger. */
  async function nodeBy(d, smaller) {
    const first = await Node.start();
    const { remotePeer } = await first.dial(d.link);
    await first.stop();
    const other = Buffer.from(remotePeer.toMultihash().bytes);
    for (;;) {
      const seed = crypto.randomBytes(32);
      const node = await Node.start({ seed });
      if (Buffer.compare(node.id, other) < 0 === smaller)
        return node;
      await node.stop();
    }
  }

  /** One link that is in use; then what fn does with another. */
  const twice = (smaller, fn) => withLinked('', async (d) => {
    const node = await nodeBy(d, smaller);
    const ws = await member(d, 'room');
    const first = await node.link(d.link), mine = newId();
    const c = first.join('room', { ids: [mine] });
    await c.next('shared');
    await ws.action('connect');
    const used = await fn({ d, node, first, c, mine, ws });
    used.c.broadcast(mine, 'on the one that is used');
    assert.equal((await ws.action('broadcast')).data,
      'on the one that is used');
    assert.deepEqual(await ws.sync(), []);
    assert.equal(await d.counter('crypto_links_active'), 1);
    await node.stop();
    await ws.close();
  });

  test('the daemon chooses: the one that answers is kept', () => twice(false,
    async ({ d, node, first, c }) => {
      const second = await node.link(d.link);
      second.join('room');
      await second.ended;
      assert.equal(second.hello, null);
      assert.equal(first.reason, null);
      assert.equal(await d.counter('crypto_superfluous_total'), 1);
      return { c };
    }));

  test('the daemon chooses: one that does not answer is replaced',
    () => twice(false, async ({ d, node, first, mine }) => {
      first.tamper = () => null;
      const second = await node.link(d.link);
      const c = second.join('room', { ids: [mine] });
      await c.next('shared');
      await first.ended;
      assert.equal(await d.counter('crypto_replaced_total'), 1);
      return { c };
    }));

  test('we choose: the one with our HELLO is used', () => twice(true,
    async ({ d, node, first, mine }) => {
      const third = await node.link(d.link, { hello: false });
      await waitUntil(() => third.hello !== null, 'HELLO on any link');
      assert.equal(first.reason, null);
      const second = await node.link(d.link);
      const c = second.join('room', { ids: [mine] });
      await c.next('shared');
      await first.ended;
      assert.equal(await d.counter('crypto_replaced_total'), 1);
      third.end();
      return { c };
    }));
});

describe('who does not know the name', () => {
  const shape = (session) => session.log
    .map((m) => `${m.out ? '>' : '<'} ${m.type} ${m.length}`);

  /** What a peer sees that goes on `names` of a daemon with one channel. */
  async function look(d, names, there) {
    const ws = await member(d, there);
    await ws.id();
    const node = await Node.start({ security: ['noise'] });
    const session = await node.link(d.link, { prepare(s) {
      names.forEach((n) => s.join(n.name, { secret: n.secret }));
    } });
    await waitUntil(() => session.match.sweptOnce && !session.match.due,
      'a sweep');
    const c = session.join('one more');
    await waitUntil(() => c.swept && session.match.run === null
      && !session.match.due, 'another sweep');
    const seen = shape(session);
    assert.ok(!session.channels.some((x) => x.shared));
    assert.ok(!seen.some((m) => /SHARE|CONFIRM|OPENED|ROSTER/.test(m)));
    session.end();
    await node.stop();
    await ws.close();
    return seen;
  }

  test('sees the same, whichever channel there is', async () => {
    await withLinked('channel "hush" { secret "right" }', async (d) => {
      const guess = [{ name: 'a' }, { name: 'b' }];
      const first = await look(d, guess, 'room');
      for (const there of ['hush', 'a'.repeat(255), 'x'])
        assert.deepEqual(await look(d, guess, there), first);
      // The name without the secret, and with another one, is no better.
      const close = [{ name: 'hush' }, { name: 'hush', secret: 'wrong' }];
      assert.deepEqual(await look(d, close, 'hush'), first);
      assert.deepEqual(await look(d, close, 'other'), first);
      assert.equal(await d.counter('crypto_match_matches_total'), 0);
    });
  });

  test('sees the same when it is dialled, too', async () => {
    const seen = [];
    for (const [there, name, secret] of [['room', 'a', ''], ['x', 'room', ''],
      ['hush', 'hush', ''], ['hush', 'hush', 'wrong']])
      await withLinked('channel "hush" { secret "right" }', async (d) => {
        const node = await Node.start({ listen: true, session: {
          prepare: (s) => s.join(name, { secret }) } });
        const ws = await member(d, there);
        await ws.id();
        await d.ctl('peer', 'add', `127.0.0.1:${node.port}`);
        const session = await node.accepted();
        await session.messages.until((m) => m.type === 'TAGS', 'TAGS');
        await session.messages.until((m) => m.type === 'TAGS', 'TAGS', 500)
          .catch(() => {});
        seen.push(shape(session));
        await node.stop();
        await ws.close();
      });
    for (const one of seen)
      assert.deepEqual(one, seen[0]);
    assert.ok(!seen[0].some((m) => /SHARE|CONFIRM|OPENED|ROSTER/.test(m)));
  });

  test('nothing that is sent is the same twice', async () => {
    await withLinked('', async (d) => {
      const ws = await member(d, 'room');
      await ws.id();
      const seen = new Set();
      const node = await Node.start();
      for (let i = 0; i < 3; i++) {
        const session = await node.link(d.link);
        session.join('b');
        const answer = await session.messages.until((m) => m.type === 'ANSWER',
          'ANSWER');
        for (const b of [...answer.elements, ...answer.tags]) {
          assert.ok(!seen.has(b.toString('hex')));
          seen.add(b.toString('hex'));
        }
        session.end();
      }
      await node.stop();
      await ws.close();
    });
  });

  test('a local channel is not offered at all', async () => {
    await withLinked('channel "here" { local }', async (d) => {
      const ws = await member(d, 'here');
      await ws.id();
      const node = await Node.start();
      const session = await node.link(d.link);
      const c = session.join('here', { ids: [newId()] });
      await waitUntil(() => session.match.sweptOnce && !session.match.due,
        'a sweep');
      assert.equal(c.shared, false);
      assert.deepEqual(await ws.sync(), []);
      await node.stop();
      await ws.close();
    });
  });
});

test('the key is fresh at each start, or is not', async () => {
  const idOf = async (d) => {
    const node = await Node.start();
    const { remotePeer } = await node.dial(d.link);
    await node.stop();
    return remotePeer.toString();
  };
  for (const [text, same] of [['', false], ['identity persistent', true]])
    await withLinked(text, async (d) => {
      const first = await idOf(d);
      assert.match(first, /^12D3KooW/);
      await within(d.restart(), 'a restart', 20000);
      assert.equal(await idOf(d) === first, same);
    });
});
