// Attacks on the making of connections between machines: handshakes that were
// recorded and come again or come back, and whoever is slow or too many.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { shared, unaffected } from './attacker.mjs';
import { Queue, waitUntil } from './lib.mjs';
import { counted, fresh, member, newId, withLinked } from './linkd.mjs';
import { Node } from './p2p.mjs';
import { HEADER, Peer, choose, join, listener, listening, message, recorder,
  sized, watched } from './tcp.mjs';

describe('recorded handshakes', () => {
  for (const security of ['noise', 'tls'])
    test(`${security}: a dialler's bytes once more`, () => withLinked('',
      async (d) => {
        const tape = await recorder(() => d.link);
        const node = await Node.start({ security: [security] });
        const name = fresh();
        const ws = await member(d, name);
        await ws.id();
        const session = await node.link(tape.port);
        const c = session.join(name, { ids: [newId()] });
        await c.next('shared');
        await ws.action('connect');
        session.end();
        await ws.action('disconnect');
        const bytes = tape.tapes[0].toServer;
        // At once; then as the dialler sent them.
        for (const pieces of [[Buffer.concat(bytes)], bytes]) {
          const from = await d.counter('crypto_failed_security_total');
          const replay = await Peer.dial(d.link);
          for (const b of pieces) {
            const had = replay.got.length;
            replay.write(b);
            if (pieces.length > 1)
              await waitUntil(() => replay.ended || replay.got.length > had,
                'an answer', 300).catch(() => {});
          }
          await replay.over('a replayed handshake');
          await counted(d, 'crypto_failed_security_total', from);
        }
        assert.equal(await d.counter(`crypto_secured_${security}_total`), 1);
        assert.deepEqual(await ws.sync(), []);
        await ws.close();
        await node.stop();
      }));

  for (const security of ['noise', 'tls'])
    test(`${security}: a listener's bytes once more`, async () => {
      const node = await Node.start({ security: [security], listen: true });
      let replaying = null;
      const fake = new Queue(), tape = [];
      const port = await listening((left) => {
        if (replaying) {
          const p = new Peer(left);
          replaying.forEach((b) => p.write(b));
          fake.push(p);
          return;
        }
        join(left, net.connect(node.port, '127.0.0.1'), (b, where) =>
          where === 'toClient' && tape.push(b));
      });
      await withLinked('', async (d) => {
        const session = await node.accepted();
        await waitUntil(() => session.hello !== null, 'HELLO');
        replaying = [...tape];
        session.end();
        const p = await fake.next('another dial', 30000);
        await p.over('a replayed listener');
        await counted(d, 'crypto_failed_security_total', 0);
        assert.equal(await d.counter(`crypto_secured_${security}_total`), 1);
      }, { peers: [port] });
      await node.stop();
    });

  test('what is reflected to a dialler', async () => {
    // Both securities agree by reflection: each name is its own answer.
    const echo = await listener();
    await withLinked('', async (d) => {
      const p = await echo.queue.next('a dial');
      let sent = 0;
      const timer = setInterval(() => {
        p.write(p.got.subarray(sent));
        sent = p.got.length;
      }, 5);
      await p.over('its own bytes');
      clearInterval(timer);
      await counted(d, 'crypto_failed_security_total', 0);
      // The next time TLS is not there, and Noise is what comes back.
      const q = await echo.queue.next('another dial', 30000);
      q.write(HEADER);
      await waitUntil(() => q.got.includes('/tls/1.0.0'), 'TLS');
      q.write(message('na'));
      await waitUntil(() => q.got.includes('/noise\n'), 'Noise');
      q.write(message('/noise'));
      const start = q.got.indexOf('/noise\n') + 7;
      await waitUntil(() => q.got.length >= start + 34, 'the first message');
      q.write(q.got.subarray(start));
      await q.over('its own key');
      await counted(d, 'crypto_failed_security_total', 1);
    }, { peers: [echo.port] });
  });

  test('what is reflected to a listener', () => withLinked('', async (d) => {
    for (const protocol of ['/noise', '/tls/1.0.0']) {
      const from = await d.counter('crypto_failed_security_total');
      const p = await Peer.dial(d.link);
      p.write(choose(protocol));
      const start = HEADER.length + message(protocol).length;
      await waitUntil(() => p.got.length >= start, 'agreement');
      if (protocol === '/noise') {
        p.write(sized(crypto.randomBytes(32)));
        await waitUntil(() => p.got.length > start + 2, 'the second message');
        p.write(p.got.subarray(start));
      } else {
        // A ServerHello is no ClientHello.
        const q = tls.connect({ socket: watched(net.connect(d.link,
          '127.0.0.1')), rejectUnauthorized: false });
        q.on('error', () => {});
        p.write(Buffer.from('160303005a0200005603037f', 'hex'));
        p.write(crypto.randomBytes(83));
        q.destroy();
      }
      await p.over(`${protocol} reflected`);
      await counted(d, 'crypto_failed_security_total', from);
    }
  }));

  test('a node that is led to itself', async () => {
    let d;
    const loop = await recorder(() => d.link);
    await withLinked('', async (started) => {
      d = started;
      assert.equal((await d.ctl('peer', 'add', `127.0.0.1:${loop.port}`)).code,
        0);
      await counted(d, 'crypto_self_total', 0);
      assert.equal(await d.counter('crypto_links_active'), 0);
    });
  });
});

describe('too slow, too many', () => {
  let node;
  before(async () => {
    node = await Node.start({ keep: true });
  });
  after(() => node.stop());

  test('nine unfinished handshakes of one address', () => withLinked('',
    async (d) => {
      const check = await unaffected(d);
      const slow = [];
      for (let i = 0; i < 8; i++)
        slow.push(await Peer.dial(d.link));
      await waitUntil(async () => await d.counter('crypto_handshakes') === 8,
        'eight handshakes');
      const from = await d.counter('crypto_refused_address_total');
      const more = await Peer.dial(d.link);
      await more.over('one too many');
      assert.equal(await d.counter('crypto_refused_address_total'), from + 1);
      assert.ok(slow.every((p) => !p.ended));
      // One that says something, octet by octet, gains no time by it.
      const start = Date.now();
      const drip = setInterval(() => slow[0].write(HEADER.subarray(0, 1)), 900);
      const finished = waitUntil(() => slow.every((p) => p.ended),
        'the end of slow handshakes', 15000);
      await finished.finally(() => clearInterval(drip));
      assert.ok(Date.now() - start > 5000);
      assert.ok(await d.counter('crypto_failed_timeout_total') >= 7);
      const c = await node.dial(d.link);
      await c.close();
      await check();
    }));

  test('one peer, nine links', () => withLinked('', async (d) => {
    const all = [];
    for (let i = 0; i < 8; i++)
      all.push(await node.dial(d.link));
    await node.libp2p.services.ping.ping(all[0].remotePeer);
    const from = await d.counter('crypto_refused_address_total');
    const more = await node.dial(d.link).catch(() => null);
    await waitUntil(() => more === null || more.status !== 'open',
      'the end of a ninth');
    assert.equal(await d.counter('crypto_refused_address_total'), from + 1);
    assert.ok(all.every((c) => c.status === 'open'));
    await Promise.all(all.map((c) => c.close()));
  }));

  for (const [limit, counter] of [['link-queue', 'crypto_behind_total'],
    ['link-queue-total', 'crypto_heaviest_total']])
    test(`${limit}: whoever does not read`, () => withLinked(`${limit} 1M`,
      async (d) => {
        const check = await unaffected(d);
        let way;
        const link = await listening((left) => {
          way = net.connect(d.link, '127.0.0.1');
          join(left, way, () => {});
        });
        const { ws, session, mine } = await shared(d, node, { link });
        way.pause();
        await waitUntil(async () => {
          for (let i = 0; i < 10; i++)
            ws.send({ action: 'broadcast', data: 'x'.repeat(100000) });
          return await d.counter(counter) > 0;
        }, 'the end of the link');
        assert.equal((await ws.action('disconnect')).target, String(mine));
        assert.equal(await d.counter(counter), 1);
        assert.equal((await d.limit(limit)).hits, 1);
        way.resume();
        await waitUntil(() => session.reason !== null, 'its end over there');
        await check();
        await ws.close();
      }));

  test('max-links', () => withLinked('max-links 3', async (d) => {
    const nodes = await Promise.all(Array.from({ length: 4 }, () =>
      Node.start({ security: ['noise'] })));
    const sessions = [];
    for (const n of nodes.slice(0, 3))
      sessions.push(await n.link(d.link));
    await waitUntil(() => sessions.every((s) => s.hello !== null), 'HELLO');
    await assert.rejects(nodes[3].link(d.link));
    assert.equal((await d.limit('max-links')).hits >= 1, true);
    sessions[0].end();
    await waitUntil(async () => await d.counter('crypto_links') === 2,
      'a free place');
    const s = await nodes[3].link(d.link);
    await waitUntil(() => s.hello !== null, 'HELLO');
    assert.ok(sessions.slice(1).every((x) => x.reason === null));
    await Promise.all(nodes.map((n) => n.stop()));
  }));
});
