// Peers whose connection is in order, and who do not keep to the messages of
// nws-link(7): each ends its link, and nothing else.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { bare, element, elements, octets, shared, unaffected }
  from './attacker.mjs';
import { waitUntil } from './lib.mjs';
import { counted, fresh, member, newId, useLinked, withLinked }
  from './linkd.mjs';
import { SILENT, encode, rawFrame, types } from './nwsframe.mjs';
import { Node } from './p2p.mjs';

describe('messages that are not in order', () => {
  const holder = useLinked();
  let node;

  before(async () => {
    node = await Node.start({ security: ['noise'], keep: true });
  });

  const number = (n, size = 4) => {
    const b = Buffer.alloc(size);
    b.writeUIntBE(n, 0, size);
    return b;
  };
  const eight = elements(8);
  const offer = (o = {}) => encode({ type: 'OFFER', run: 1, scope: 1, flags: 1,
    page: 0, elements: eight, ...o });
  const hello = (o = {}) => encode({ type: 'HELLO', version: 0x200, flags: 0,
    maxData: 65536, ...o });

  // Instead of HELLO.
  const first = {
    'no HELLO but PING': encode({ type: 'PING', token: 1n }),
    'no HELLO but OFFER': offer(),
    'version 1': hello({ version: 0x100 }),
    'version 3': hello({ version: 0x300 }),
    'flags': hello({ flags: 1 }),
    'max_data 1023': hello({ maxData: 1023 }),
    'max_data above the limit': hello({ maxData: 67108865 }),
    'HELLO too short': rawFrame(1, Buffer.alloc(9)),
    'HELLO too long': rawFrame(1, Buffer.alloc(11)),
    'noise': crypto.randomBytes(4096),
  };
  // After it; the daemon is the follower and has no channel in common.
  const later = {
    'HELLO once more': hello(),
    'type 0': rawFrame(0),
    'type 4': rawFrame(4),
    'type 25': rawFrame(25, Buffer.alloc(4)),
    'type 38': rawFrame(38),
    'type 255': rawFrame(255),
    'PING too short': rawFrame(types.PING, Buffer.alloc(7)),
    'PING too long': rawFrame(types.PING, Buffer.alloc(9)),
    'a length of 4 GiB': rawFrame(types.BROADCAST, Buffer.alloc(0), 0xffffffff),
    'a length of 4 GiB of ids': rawFrame(types.ROSTER, Buffer.alloc(0),
      0xffffffff),
    'PONG nobody asked for': encode({ type: 'PONG', token: 1n }),
    'CHANGED by the lead': encode({ type: 'CHANGED', generation: 1 }),
    'ANSWER by the lead': encode({ type: 'ANSWER', run: 1, generation: 0,
      pages: 1, elements: eight, tags: octets(8) }),
    'LATER by the lead': encode({ type: 'LATER', run: 1, milliseconds: 1 }),
    'TAGS without a run': encode({ type: 'TAGS', run: 1, tags: octets(8) }),
    'SHARE without a run': encode({ type: 'SHARE', run: 1, position: 0,
      share: element() }),
    'CONFIRM without a run': encode({ type: 'CONFIRM', run: 1, position: 0,
      tag: crypto.randomBytes(64) }),
    'OPENED without a run': encode({ type: 'OPENED', run: 1, position: 0,
      handle: 1 }),
    'CLOSED of no handle': encode({ type: 'CLOSED', handle: 1 }),
    'run 0': offer({ run: 0 }),
    'run 2 first': offer({ run: 2 }),
    'scope 0': offer({ scope: 0 }),
    'scope 3': offer({ scope: 3 }),
    'flag 2': offer({ flags: 3 }),
    'no sweep': offer({ flags: 0 }),
    'page 1 of 1': offer({ page: 1 }),
    'page 16': offer({ page: 16 }),
    '7 elements': offer({ elements: eight.slice(1) }),
    '0 elements': offer({ elements: [] }),
    '65 elements': offer({ elements: elements(65) }),
    'n 16 and 8 elements': offer({ n: 16 }),
    'n 8 and 16 elements': offer({ n: 8, elements: elements(16) }),
    'the identity': offer({ elements: [...eight.slice(1), Buffer.alloc(32)] }),
    'an element twice': offer({ elements: [...eight.slice(1), eight[1]] }),
    'not canonical': offer({ elements: [...eight.slice(1),
      Buffer.alloc(32, 0xff)] }),
    'negative': offer({ elements: [...eight.slice(1),
      Buffer.from(`01${'00'.repeat(31)}`, 'hex')] }),
    'a second OFFER in the run': Buffer.concat([offer(), offer({ run: 2,
      elements: elements(8) })]),
    'TAGS of another number': Buffer.concat([offer(), encode({ type: 'TAGS',
      run: 1, tags: octets(16) })]),
    'TAGS of another run': Buffer.concat([offer(), encode({ type: 'TAGS',
      run: 2, tags: octets(8) })]),
    'SHARE without a match': Buffer.concat([offer(), encode({ type: 'TAGS',
      run: 1, tags: octets(8) }), encode({ type: 'SHARE', run: 1, position: 0,
      share: element() })]),
    'handle 0': encode({ type: 'CONNECT', handle: 0, id: 1n }),
    'CONNECT without a handle': encode({ type: 'CONNECT', handle: 1, id: 1n }),
    'ROSTER without a handle': encode({ type: 'ROSTER', handle: 1, flags: 3,
      ids: [] }),
    'BROADCAST without a handle': encode({ type: 'BROADCAST', handle: 1,
      source: 1n, kind: 0, payload: '1' }),
  };
  // On a shared channel; h is the handle, id that of a peer that is there.
  const onChannel = {
    'id 0': (h) => encode({ type: 'CONNECT', handle: h, id: 0n }),
    'id 0, silent': (h) => encode({ type: 'CONNECT', handle: h, id: SILENT }),
    'DISCONNECT of a silent id': (h, id) => encode({ type: 'DISCONNECT',
      handle: h, id: id | SILENT }),
    'ROSTER of 1025': (h) => encode({ type: 'ROSTER', handle: h, flags: 3,
      ids: Array.from({ length: 1025 }, (_, i) => BigInt(i + 1)) }),
    'ROSTER of id 0': (h) => encode({ type: 'ROSTER', handle: h, flags: 3,
      ids: [0n] }),
    'ROSTER cut': (h) => rawFrame(types.ROSTER, Buffer.concat([number(h),
      Buffer.from([3]), Buffer.alloc(7)])),
    'ROSTER of flag 4': (h) => encode({ type: 'ROSTER', handle: h, flags: 7,
      ids: [] }),
    'ROSTER that goes on without a beginning': (h) => encode({ type: 'ROSTER',
      handle: h, flags: 2, ids: [] }),
    'BROADCAST of kind 2': (h, id) => encode({ type: 'BROADCAST', handle: h,
      source: id, kind: 2, payload: '1' }),
    'BROADCAST of source 0': (h) => encode({ type: 'BROADCAST', handle: h,
      source: 0n, kind: 0, payload: '1' }),
    'BROADCAST of a marked source': (h, id) => encode({ type: 'BROADCAST',
      handle: h, source: id | SILENT, kind: 0, payload: '1' }),
    'BROADCAST too short': (h) => rawFrame(types.BROADCAST,
      Buffer.concat([number(h), Buffer.alloc(8)])),
    'another handle': (h, id) => encode({ type: 'BROADCAST', handle: h + 1,
      source: id, kind: 0, payload: '1' }),
    'CLOSED of another handle': (h) => encode({ type: 'CLOSED',
      handle: h + 1 }),
    'CLOSED twice': (h) => Buffer.concat([encode({ type: 'CLOSED', handle: h }),
      encode({ type: 'CLOSED', handle: h })]),
  };

  test('before and after HELLO', async () => {
    const { d } = holder;
    const check = await unaffected(d);
    for (const [what, list] of [['first', first], ['later', later]])
      for (const [name, bytes] of Object.entries(list)) {
        const from = await d.counter('crypto_failed_protocol_total');
        const session = await node.link(d.link, { hello: false });
        session.match.take = session.match.turn = () => {};
        if (what === 'later') {
          session.start();
          await waitUntil(() => session.hello !== null, 'HELLO');
        }
        session.raw(bytes);
        await waitUntil(() => session.reason !== null,
          `the end of a link with ${name}`);
        await counted(d, 'crypto_failed_protocol_total', from);
        // Nothing says why.
        assert.ok(session.log.every((m) => m.out || ['HELLO', 'ANSWER', 'PONG',
          'CHANGED'].includes(m.type)), name);
        session.end();
      }
    await check();
  });

  test('on a shared channel', async () => {
    const { d } = holder;
    const check = await unaffected(d);
    for (const [name, bytes] of Object.entries(onChannel)) {
      const { ws, session, c, mine } = await shared(d, node);
      session.raw(bytes(c.ours, mine));
      await waitUntil(() => session.reason !== null,
        `the end of a link with ${name}`);
      assert.equal((await ws.action('disconnect')).target, String(mine), name);
      session.end();
      await ws.close();
    }
    await check();
  });

  test('in single octets, and all at once', async () => {
    const { d } = holder;
    const { ws, session, c, mine } = await shared(d, node);
    const b = (n) => encode({ type: 'BROADCAST', handle: c.ours, source: mine,
      kind: 0, payload: JSON.stringify(n) });
    for (const octet of b('slowly'))
      session.raw(Buffer.from([octet]));
    assert.equal((await ws.action('broadcast')).data, 'slowly');
    session.raw(Buffer.concat([b(1), b(2), b(3).subarray(0, 9)]));
    session.raw(b(3).subarray(9));
    for (const n of [1, 2, 3])
      assert.equal((await ws.action('broadcast')).data, n);
    await ws.close();
    session.end();
  });

  test('payloads at max_data, and above it', async () => {
    const { d } = holder;
    for (const above of [0, 1]) {
      const { ws, session, c, mine } = await shared(d, node);
      const { maxData } = session.hello;
      session.raw(encode({ type: 'BROADCAST', handle: c.ours, source: mine,
        kind: 0, payload: `"${'x'.repeat(maxData + above - 2)}"` }));
      if (above) {
        await waitUntil(() => session.reason !== null, 'the end of the link');
        await ws.action('disconnect');
      } else {
        assert.equal((await ws.action('broadcast')).data.length, maxData - 2);
      }
      await ws.close();
      session.end();
    }
  });

  test('what we cannot take is not sent to us', async () => {
    const { d } = holder;
    const name = fresh();
    const ws = await member(d, name);
    await ws.id();
    const session = await node.link(d.link, { maxData: 1024 });
    const c = session.join(name, { ids: [newId()] });
    await c.next('roster', (e) => e.last);
    const from = await d.counter('crypto_dropped_large_total');
    const json = (n) => 'x'.repeat(n - 2);
    ws.send({ action: 'broadcast', data: json(1025) });
    ws.send({ action: 'broadcast', data: json(1024) });
    assert.equal((await c.next('broadcast')).payload.length, 1024);
    assert.equal(await d.counter('crypto_dropped_large_total'), from + 1);
    await ws.close();
    session.end();
  });

  after(() => node?.stop());
});

describe('a follower that is not in order', () => {
  const cases = {
    'ANSWER of another run': (m) => ({ ...m, run: m.run + 1 }),
    'no page': (m) => ({ ...m, pages: 0 }),
    '17 pages': (m) => ({ ...m, pages: 17 }),
    'more tags than elements': (m) => ({ ...m, tags: octets(16) }),
    'its own elements': (m, s) => ({ ...m, elements: s.log.find((x) =>
      x.type === 'OFFER').message.elements }),
    'the identity': (m) => ({ ...m, elements: [Buffer.alloc(32),
      ...m.elements.slice(1)] }),
    'a generation that was not said': (m) => ({ ...m, generation: 7 }),
    'CHANGED 0': (m) => [{ type: 'CHANGED', generation: 0 }, m],
    'CHANGED 2 before 1': (m) => [{ type: 'CHANGED', generation: 2 }, m],
    'LATER of no time': (m) => ({ type: 'LATER', run: m.run,
      milliseconds: 0 }),
    'LATER of 60001 ms': (m) => ({ type: 'LATER', run: m.run,
      milliseconds: 60001 }),
    'LATER after ANSWER': (m) => [m, { type: 'LATER', run: m.run,
      milliseconds: 1 }],
    'ANSWER twice': (m) => [m, m],
    'OFFER': (m) => [m, { type: 'OFFER', run: m.run, scope: 1, flags: 1,
      page: 0, elements: elements(8) }],
    'TAGS': (m) => ({ type: 'TAGS', run: m.run, tags: octets(8) }),
  };

  test('each ends its link', async () => {
    const nodes = await Promise.all(Object.values(cases).map((lie) =>
      Node.start({ listen: true, security: ['noise'], session: {
        prepare(s) {
          s.tamper = (m) => m.type === 'ANSWER' ? lie(m, s) : m;
        } } })));
    await withLinked('', async (d) => {
      const ws = await member(d, 'room');
      const sessions = await Promise.all(nodes.map((n) => n.accepted()));
      await Promise.all(sessions.map((s, i) => waitUntil(() =>
        s.reason !== null, `the end of a link: ${Object.keys(cases)[i]}`)));
      assert.ok(await d.counter('crypto_failed_protocol_total')
        >= sessions.length);
      assert.ok(sessions.every((s) => s.violation === undefined));
      await Promise.all(nodes.map((n) => n.stop()));
      await ws.close();
    }, { peers: nodes.map((n) => n.port) });
  });

  test('LATER is heeded by the daemon', async () => {
    let put = 3;
    const node = await Node.start({ listen: true,
      session: { later: () => put-- > 0 ? 150 : 0 } });
    await withLinked('', async (d) => {
      const ws = await member(d, 'room');
      const session = await node.accepted();
      const c = session.join('room');
      await c.next('shared');
      assert.equal(session.match.stats.later, 3);
      assert.equal(session.reason, null);
      await node.stop();
      await ws.close();
    }, { peers: [node.port] });
  });
});

describe('who says nothing', () => {
  test('is waited for, but not for ever', async () => {
    const mute = await Node.start({ listen: true, session: {
      prepare(s) {
        s.tamper = (m) => m.type === 'ANSWER' ? null : m;
      } } });
    await withLinked('', async (d) => {
      const node = () => Node.start({ security: ['noise'] });
      const took = async (session, from = Date.now()) => {
        await waitUntil(() => session.reason !== null, 'an end', 40000);
        return (Date.now() - from) / 1000;
      };
      const about = (seconds, s, what) => assert.ok(s > seconds - 2
        && s < seconds + 5, `${what}: ${s} s`);
      await Promise.all([
        (async () => {
          const s = await (await node()).link(d.link, { hello: false });
          about(10, await took(s), 'no HELLO');
        })(),
        (async () => {
          const s = await mute.accepted();
          await s.messages.until((m) => m.type === 'OFFER', 'OFFER');
          about(10, await took(s), 'no ANSWER');
        })(),
        (async () => {
          const s = await bare(await node(), d);
          s.send({ type: 'OFFER', run: 1, scope: 1, flags: 1, page: 0,
            elements: elements(8) });
          about(10, await took(s), 'no TAGS');
        })(),
        (async () => {
          const { ws, session } = await shared(d, await node());
          session.tamper = (m) => m.type === 'CLOSED' ? null : m;
          await ws.close();
          await session.messages.until((m) => m.type === 'CLOSED', 'CLOSED',
            20000);
          about(10, await took(session), 'no CLOSED');
        })(),
        (async () => {
          const { ws, session, mine } = await shared(d, await node());
          session.tamper = () => null;
          const from = session.heard;
          await session.messages.until((m) => m.type === 'PING', 'PING',
            25000);
          about(15, (Date.now() - from) / 1000, 'PING');
          about(30, await took(session, from), 'no PONG');
          assert.equal((await ws.action('disconnect')).target, String(mine));
          await ws.close();
        })(),
      ]);
      await mute.stop();
    }, { peers: [mute.port] });
  });
});
