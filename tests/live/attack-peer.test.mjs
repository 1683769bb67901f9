// Peers that keep to the form of nws-link(7) and want what is not theirs: to
// speak for others, to guess names, to stand between two links.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { bare, element, elements, octets, shared, unaffected }
  from './attacker.mjs';
import { Queue, waitUntil } from './lib.mjs';
import { counted, member, newId, startLinked, useLinked, withLinked }
  from './linkd.mjs';
import { encode } from './nwsframe.mjs';
import { PROTOCOL, Session } from './nwslink.mjs';
import { Node, bindingOf, wireOf } from './p2p.mjs';

describe('what a peer may not say', () => {
  const holder = useLinked('max-remote 50');

  test('a source that was not announced', async () => {
    const { d } = holder;
    const [x, y] = await Promise.all([Node.start(), Node.start()]);
    const a = await shared(d, x), b = await shared(d, y);
    const from = await d.counter('crypto_dropped_source_total');
    const forged = [newId(), BigInt(a.id), BigInt(b.id), b.mine];
    for (const source of forged) {
      a.c.broadcast(source, 'forged');
      a.c.direct(source, a.id, 'forged');
    }
    a.c.broadcast(a.mine, 'mine');
    assert.deepEqual(await a.ws.json(), { action: 'broadcast',
      source: String(a.mine), data: 'mine' });
    assert.equal(await d.counter('crypto_dropped_source_total'),
      from + 2 * forged.length);
    const row = (await d.show('links')).find((l) => l.channels === 1
      && l.dropped > 0);
    assert.equal(row?.dropped, 2 * forged.length);
    // Those of others do not go, or come, or fail to be there, either.
    for (const id of [b.mine, BigInt(a.id), BigInt(b.id)]) {
      a.session.send({ type: 'DISCONNECT', handle: a.c.ours, id });
      a.session.send({ type: 'CONNECT', handle: a.c.ours, id });
      a.session.send({ type: 'UNDELIVERED', handle: a.c.ours, source: id,
        target: b.mine });
    }
    a.session.send({ type: 'ROSTER', handle: a.c.ours, flags: 3,
      ids: [a.mine, b.mine, BigInt(b.id)] });
    a.c.broadcast(a.mine, 'last');
    assert.equal((await a.ws.json((o) => {
      assert.ok(o.action !== 'disconnect' && o.action !== 'error', o.action);
      return o.action === 'broadcast';
    })).data, 'last');
    b.c.broadcast(b.mine, 'still mine');
    assert.deepEqual(await b.ws.json(), { action: 'broadcast',
      source: String(b.mine), data: 'still mine' });
    assert.equal(a.session.reason, null);
    await Promise.all([a.ws.close(), b.ws.close()]);
    await Promise.all([x.stop(), y.stop()]);
  });

  test('what came over one link does not go out by another', async () => {
    const { d } = holder;
    const [x, y] = await Promise.all([Node.start(), Node.start()]);
    const a = await shared(d, x);
    const session = await y.link(d.link);
    const other = newId();
    const c = session.join(a.c.name, { ids: [other] });
    await c.next('roster', (e) => e.last);
    await a.ws.action('connect');
    assert.deepEqual([...c.there.keys()], [BigInt(a.id)]);
    c.broadcast(other, 'for the machine alone');
    c.direct(other, a.mine, 'not for another one');
    await c.next('undelivered');
    assert.equal((await a.ws.action('broadcast')).data,
      'for the machine alone');
    a.ws.send({ action: 'broadcast', data: 'mark' });
    assert.equal((await a.c.next('broadcast')).data, 'mark');
    assert.equal(a.c.there.size, 1);
    await a.ws.close();
    await Promise.all([x.stop(), y.stop()]);
  });

  test('more members than half of max-remote', async () => {
    const { d } = holder;
    const node = await Node.start();
    const a = await shared(d, node);
    const from = await d.counter('crypto_dropped_members_total');
    const ids = Array.from({ length: 60 }, newId);
    a.session.send({ type: 'ROSTER', handle: a.c.ours, flags: 3,
      ids: [a.mine, ...ids] });
    await counted(d, 'crypto_dropped_members_total', from, 36);
    assert.equal(await d.counter('crypto_dropped_members_total'), from + 36);
    const came = new Set();
    while (came.size < 24)
      came.add((await a.ws.action('connect')).target);
    // Who was left out is nobody; who leaves makes room.
    a.c.broadcast(ids[59], 'left out');
    a.c.broadcast(a.mine, 'taken');
    assert.equal((await a.ws.action('broadcast')).data, 'taken');
    a.c.disconnect(ids[0]);
    a.c.connect(ids[59]);
    assert.equal((await a.ws.action('connect')).target, String(ids[59]));
    assert.equal(a.session.reason, null);
    a.session.end();
    const left = new Set();
    while (left.size < 25)
      left.add((await a.ws.action('disconnect')).target);
    await a.ws.close();
    await node.stop();
  });

  test('what is no JSON does not reach a client', async () => {
    const { d } = holder;
    const node = await Node.start();
    const a = await shared(d, node);
    const binary = await member(d, a.c.name,
      { 'Sec-WebSocket-Protocol': 'nws.binary.v1' });
    for (const payload of ['', ' ', '{', '{"a":1}}', '1 2', 'nan', "'x'",
      '"\n"', '[1,]', '"x', '{"action":"broadcast"', '1,"source":"2"',
      Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0, 0x22]),
      Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), '['.repeat(100000)]) {
      a.session.send({ type: 'BROADCAST', handle: a.c.ours, source: a.mine,
        kind: 0, payload });
      a.session.send({ type: 'DIRECT', handle: a.c.ours, source: a.mine,
        target: BigInt(a.id), kind: 0, payload });
    }
    a.c.broadcast(a.mine, { good: true });
    const next = await a.ws.json((o) => o.action !== 'connect');
    assert.deepEqual(next, { action: 'broadcast', source: String(a.mine),
      data: { good: true } });
    assert.equal(a.session.reason, null);
    await binary.close();
    await a.ws.close();
    await node.stop();
  });
});

describe('a flood of messages', () => {
  const holder = useLinked('rate link messages 200 burst 100');

  for (const security of ['noise', 'tls'])
    test(`${security}: is read more slowly, and nothing is lost`, async () => {
      const { d } = holder;
      const check = await unaffected(d);
      const node = await Node.start({ security: [security] });
      const { ws, session, c, mine } = await shared(d, node);
      const { hits } = await d.limit('rate-link');
      const from = performance.now();
      for (let i = 0; i < 500; i++)
        c.broadcast(mine, [i, 'x'.repeat(1000)]);
      await check();	// meanwhile
      for (let i = 0; i < 500; i++)
        assert.equal((await ws.action('broadcast')).data[0], i);
      const took = performance.now() - from;
      assert.ok(took > 1500, `500 at 200/s with 100 at once: ${took} ms`);
      const limit = await d.limit('rate-link');
      assert.equal(limit.max, 100);
      assert.ok(limit.used > 0 && limit.hits > hits, JSON.stringify(limit));
      assert.ok(await d.counter('crypto_rate_paused_total') >= limit.hits);
      assert.equal(session.reason, null);
      await ws.close();
      await node.stop();
    });
});

describe('guessing', () => {
  /** One run by hand: 64 elements, and tags that mean nothing. */
  async function run(session, number, list) {
    session.send({ type: 'OFFER', run: number, scope: 1, flags: 1, page: 0,
      elements: list });
    const m = await session.messages.until((x) => x.type === 'ANSWER'
      || x.type === 'LATER', 'ANSWER or LATER');
    if (m.type === 'ANSWER')
      session.send({ type: 'TAGS', run: number,
        tags: octets(m.elements.length) });
    return m;
  }

  test('more than 1024 elements are put off, and an impatient one ends',
    () => withLinked('', async (d) => {
      const list = elements(64);
      const node = await Node.start({ security: ['noise'] });
      const session = await bare(node, d);
      const start = Date.now();
      let taken = 0, answer;
      while ((answer = await run(session, taken + 1, list)).type === 'ANSWER')
        taken++;
      const seconds = (Date.now() - start) / 1000;
      assert.ok(taken >= 16 && taken * 64 <= 1024 + 20 * (seconds + 1),
        `${taken} runs in ${seconds} s`);
      assert.ok(answer.milliseconds >= 1 && answer.milliseconds <= 60000);
      assert.equal(await d.counter('crypto_match_elements_total'), taken * 64);
      assert.ok(await d.counter('crypto_match_later_total') >= 1);
      // Who waits is served; 8 elements are soon there.
      await new Promise((resolve) => {
        setTimeout(resolve, answer.milliseconds + 50);
      });
      const small = await run(session, taken + 2, list);
      assert.equal(small.type, 'ANSWER');
      assert.equal((await run(session, taken + 3, list)).type, 'LATER');
      // Another peer of the same address has no other allowance, and who asks
      // before the time is over has no link any more.
      const other = await Node.start({ security: ['tls'] });
      const second = await bare(other, d);
      assert.equal((await run(second, 1, list)).type, 'LATER');
      session.send({ type: 'OFFER', run: taken + 4, scope: 1, flags: 1,
        page: 0, elements: list });
      await waitUntil(() => session.reason !== null, 'the end of the link');
      assert.equal(second.reason, null);
      await Promise.all([node.stop(), other.stop()]);
    }));

  test('tags that are kept back, or another password in CPace', async () => {
    await withLinked('', async (d) => {
      const node = await Node.start();
      const ws = await member(d, 'room');
      const id = await ws.id();
      const from = await d.counter('crypto_match_refused_total');
      const lies = {
        TAGS: (m) => ({ ...m, tags: octets(m.tags.length) }),
        SHARE: (m) => ({ ...m, share: element() }),
        CONFIRM: (m) => ({ ...m, tag: crypto.randomBytes(64) }),
      };
      for (const [type, lie] of Object.entries(lies)) {
        const session = await node.link(d.link);
        session.tamper = (m) => m.type === type ? lie(m) : m;
        const c = session.join('room', { ids: [newId()] });
        await waitUntil(() => session.reason !== null,
          `the end of a link with a wrong ${type}`);
        assert.equal(c.shared, false);
        assert.ok(!session.log.some((m) => !m.out && m.type === 'ROSTER'));
      }
      assert.equal(await d.counter('crypto_match_confirmed_total'), 0);
      assert.ok(await d.counter('crypto_match_refused_total') >= from + 1);
      // Reflected: what the daemon said comes back as ours.
      for (const type of ['SHARE', 'CONFIRM']) {
        const session = await node.link(d.link);
        const field = type === 'SHARE' ? 'share' : 'tag';
        let held = null;
        session.tamper = (m) => {
          const theirs = session.log.find((x) => !x.out && x.type === type);
          if (m.type !== type)
            return m;
          if (!theirs)
            held = m;
          return theirs ? { ...m, [field]: theirs.message[field] } : null;
        };
        session.filter = (m) => {
          if (m.type === type && held)
            session.raw(encode({ ...held, [field]: m[field] }));
          return true;
        };
        session.join('room', { ids: [newId()] });
        await waitUntil(() => session.reason !== null,
          `the end of a link with a reflected ${type}`);
      }
      assert.equal(await d.counter('crypto_match_confirmed_total'), 0);
      assert.deepEqual(await ws.sync(), []);
      assert.equal(await ws.id(), id);
      await ws.close();
      await node.stop();
    });
  });
});

describe('in the middle of two links', () => {
  /** Two daemons on one channel, and a node that the first one dials. */
  async function between(secret, fn) {
    const middle = await Node.start({ listen: true, speak: false });
    const conf = secret ? 'channel "room" { secret "x" }\n' : '';
    const b = await startLinked(conf);
    const a = await startLinked(conf, { peers: [middle.port] });
    try {
      const [wa, wb] = [await member(a, 'room'), await member(b, 'room')];
      await wa.id();
      await wb.id();
      await fn({ middle, a, b, wa, wb });
      assert.deepEqual(await wa.sync(), []);
      assert.deepEqual(await wb.sync(), []);
      await Promise.all([wa.close(), wb.close()]);
      await middle.stop();
    } finally {
      for (const d of [a, b])
        await d.stop();
    }
  }

  test('who passes all on finds that nothing matches', () => between(false,
    async ({ middle, a, b, wa }) => {
      const passed = { toA: 0, toB: 0 };
      await middle.libp2p.handle(PROTOCOL, async (left, connection) => {
        const lw = wireOf(left, connection);
        const early = [];
        let rw;
        lw.onData((x) => {
          passed.toB += x.length;
          if (rw)
            rw.write(x);
          else
            early.push(x);
        });
        const to = await middle.dial(b.link);
        const right = await to.newStream(PROTOCOL);
        rw = wireOf(right, to);
        rw.onData((x) => {
          passed.toA += x.length;
          lw.write(x);
        });
        early.forEach((x) => rw.write(x));
      });
      for (const d of [a, b])
        await counted(d, 'crypto_match_runs_total', 0);
      // A new channel on each side, and it still does not.
      const more = [await member(a, 'more'), await member(b, 'more')];
      const id = await more[0].id();
      await more[1].id();
      for (const d of [a, b])
        await counted(d, 'crypto_match_runs_total', 1);
      for (const d of [a, b])
        assert.equal(await d.counter('crypto_match_matches_total'), 0);
      assert.deepEqual(await more[0].sync(), []);
      assert.deepEqual(await more[1].sync(), []);
      assert.ok(passed.toA > 0 && passed.toB > 0 && id);
      assert.deepEqual(await wa.sync(), []);
      await Promise.all(more.map((m) => m.close()));
    }));

  test('who knows the name and passes CPace on is refused', () => between(true,
    async ({ middle, a, b }) => {
      const followed = new Queue();
      await middle.libp2p.handle(PROTOCOL, (stream, connection) =>
        followed.push([stream, connection]));
      const [stream, connection] = await followed.next('the first daemon');
      const sessions = [];
      // Its own part of CPace is not said; that of the other one is instead.
      const swap = (i) => {
        const kept = {}, theirs = {};
        return { kept, theirs, prepare(s) {
          sessions[i] = s;
          s.tamper = (m) => {
            if (m.type !== 'SHARE' && m.type !== 'CONFIRM')
              return m;
            kept.at = { run: m.run, position: m.position };
            return null;
          };
          s.filter = (m) => {
            if (m.type === 'SHARE' || m.type === 'CONFIRM')
              theirs[m.type] = m;
            return m.type !== 'SHARE' && m.type !== 'CONFIRM';
          };
          s.join('room', { secret: 'x' });
        } };
      };
      const sides = [swap(0), swap(1)];
      const first = new Session(wireOf(stream, connection), { lead: false,
        self: middle.id, peer: Buffer.from(connection.remotePeer.toMultihash()
          .bytes), binding: bindingOf(connection) });
      sides[0].prepare(first);
      first.start();
      await middle.link(b.link, { prepare: sides[1].prepare });
      for (const type of ['SHARE', 'CONFIRM']) {
        await waitUntil(() => sides.every((s) => s.kept.at && s.theirs[type]),
          `${type} of both`);
        sides.forEach((s, i) => sessions[i].raw(encode({
          ...sides[1 - i].theirs[type], ...s.kept.at })));
      }
      await waitUntil(() => sessions.every((s) => s.reason !== null),
        'the end of both links');
      for (const d of [a, b]) {
        assert.equal(await d.counter('crypto_match_confirmed_total'), 0);
        assert.equal(await d.counter('crypto_match_refused_total'), 1);
      }
    }));
});
