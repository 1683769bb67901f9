// Channels as programs see them: presence, broadcast, direct messages, order,
// both formats, names.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import WebSocket from 'ws';
import { Queue, useDaemon, waitUntil, within } from './lib.mjs';
import { Member, closeAll, listeners, openMembers, request, upgradeRequest }
  from './wire.mjs';

let serial = 0;
/** A channel of its own for each test. */
const fresh = () => `c${++serial}-${process.pid}`;

function suite(holder, at) {
  const where = () => listeners(holder.d)[at];
  const join = (name, fields, query = '') =>
    Member.open(where(), `/${name}${query}`, fields);

  /** Two members who know of each other: [a, b, id of a, id of b]. */
  async function pair(name = fresh()) {
    const a = await join(name);
    const ida = await a.id();
    const b = await join(name);
    const seen = await b.action('connect');
    assert.equal(seen.target, ida);
    const { target } = await a.action('connect');
    assert.equal(seen.source, target);
    return [a, b, ida, target];
  }

  test('two members: presence, broadcast, direct, leaving', async () => {
    const [a, b, ida, idb] = await pair();
    assert.match(ida, /^[1-9][0-9]{0,18}$/);
    assert.ok(BigInt(ida) < 1n << 63n);
    assert.notEqual(ida, idb);
    a.send({ action: 'broadcast', data: { x: [1, 'two'] } });
    assert.deepEqual(await b.json(), { action: 'broadcast', source: ida,
      data: { x: [1, 'two'] } });
    b.send({ action: 'message', target: ida, data: 'just you' });
    assert.deepEqual(await a.json(), { action: 'message', source: idb,
      target: ida, data: 'just you' });
    await b.close();
    assert.deepEqual(await a.json(), { action: 'disconnect', source: ida,
      target: idb });
    assert.deepEqual(await a.sync(), []);
    await a.close();
  });

  test('status says who one is', async () => {
    const a = await join(fresh());
    a.send({ action: 'status' });
    const s = await a.json();
    assert.deepEqual(s, { action: 'status', source: s.source,
      target: s.source });
    await a.close();
  });

  test('a sender does not receive its own broadcast', async () => {
    const [a, b] = await pair();
    a.send({ action: 'broadcast', data: 1 });
    assert.deepEqual(await a.sync(), []);
    assert.equal((await b.json()).data, 1);
    await closeAll([a, b]);
  });

  test('a member alone may broadcast', async () => {
    const a = await join(fresh());
    a.send({ action: 'broadcast', data: 1 });
    assert.deepEqual(await a.sync(), []);
    await a.close();
  });

  test('a direct message to oneself arrives', async () => {
    const [a, b, ida] = await pair();
    a.send({ action: 'message', target: ida, data: 'me' });
    assert.deepEqual(await a.json(), { action: 'message', source: ida,
      target: ida, data: 'me' });
    assert.deepEqual(await b.sync(), []);
    await closeAll([a, b]);
  });

  test('an unknown target, or one of another channel, is an error', async () => {
    const [a, b] = await pair();
    const c = await join(fresh());
    for (const target of ['1234567890123456789', '1', await c.id()]) {
      a.send({ action: 'message', target, data: 'x' });
      const e = await a.json();
      assert.equal(e.action, 'error');
      assert.equal(e.code, 'unknown-target');
      assert.equal(e.target, target);
      assert.equal(typeof e.message, 'string');
    }
    assert.deepEqual(await c.sync(), []);
    assert.deepEqual(await b.sync(), []);
    await closeAll([a, b, c]);
  });

  test('the target may be a number', async () => {
    const [a, b, , idb] = await pair();
    a.send(`{"action":"message","target":${idb},"data":1}`);
    assert.equal((await b.json()).data, 1);
    await closeAll([a, b]);
  });

  test('channels do not hear each other', async () => {
    const [a, b] = await pair();
    const [c, d] = await pair();
    a.send({ action: 'broadcast', data: 'here' });
    assert.equal((await b.json()).data, 'here');
    assert.deepEqual(await c.sync(), []);
    assert.deepEqual(await d.sync(), []);
    await closeAll([a, b, c, d]);
  });

  test('names are compared byte by byte', async () => {
    const name = fresh();
    const a = await join(`${name}A`), b = await join(`${name}a`);
    assert.deepEqual(await a.sync(), []);
    assert.deepEqual(await b.sync(), []);
    await closeAll([a, b]);
  });

  const mistakes = [
    ['not JSON', 'hello', 'not-json'],
    ['empty', '', 'not-json'],
    ['no object', '[1]', 'not-json'],
    ['cut', '{"action":"status"', 'not-json'],
    ['something behind', '{"action":"status"} x', 'not-json'],
    ['a bad number in data', '{"action":"broadcast","data":01}', 'not-json'],
    ['NaN in data', '{"action":"broadcast","data":NaN}', 'not-json'],
    ['a lone surrogate in data', '{"action":"broadcast","data":"\\ud800"}',
      'not-json'],
    ['too deep', `{"action":"broadcast","data":${'['.repeat(10000)}`
      + `${']'.repeat(10000)}}`, 'not-json'],
    ['no action', '{"data":1}', 'unknown-action'],
    ['an unknown action', '{"action":"dance"}', 'unknown-action'],
    ['an action in another case', '{"action":"Broadcast","data":1}',
      'unknown-action'],
    ['an action that is no string', '{"action":1}', 'unknown-action'],
    ['connect from a client', '{"action":"connect","target":"1"}',
      'unknown-action'],
    ['no target', '{"action":"message","data":1}', 'bad-target'],
    ['a target that is no id', '{"action":"message","target":"x"}',
      'bad-target'],
    ['a negative target', '{"action":"message","target":-1}', 'bad-target'],
    ['a target of zero', '{"action":"message","target":0}', 'bad-target'],
    ['a target too large', '{"action":"message","target":"99999999999999999999"}',
      'bad-target'],
  ];
  test('mistakes are answered with an error and nothing else', async () => {
    const [a, b] = await pair();
    for (const [what, text, code] of mistakes) {
      a.send(text);
      const e = await a.json();
      assert.equal(e.action, 'error', what);
      assert.equal(e.code, code, what);
    }
    // What WebSocket libraries send first: text, and JSON that is no object.
    for (const text of ['hello', '"hello"', '[1]', '5']) {
      a.send(text);
      assert.match((await a.json()).message, /JSON object with an action/);
    }
    assert.deepEqual(await b.sync(), []);
    await closeAll([a, b]);
  });

  // Clients of the first proxies: keys in any case, data may be absent.
  const old = [
    ['{"Action":"broadcast","Data":"x"}', '"x"'],
    ['{"ACTION":"broadcast","DATA":"x","extra":[1]}', '"x"'],
    ['{"action":"broadcast"}', '""'],
    ['{"Action":"broadcast","Source":"1","Target":"2","Data":"x"}', '"x"'],
    [' \t\r\n{ "data" : "x" , "action" : "broadcast" } ', '"x"'],
    ['{"\\u0061ction":"broad\\u0063ast","data":1}', '1'],
    ['{"action":"broadcast","data":1,"data":2}', '2'],
  ];
  test('messages as clients of the first proxies write them', async () => {
    const [a, b] = await pair();
    for (const [sent, data] of old) {
      a.send(sent);
      const text = await b.messages.next();
      assert.ok(text.endsWith(`"data":${data}}`), `${sent} gave ${text}`);
    }
    await closeAll([a, b]);
  });

  // D is checked, never decoded and encoded again.
  const exact = [
    '1', '-0', '1E400', '123456789012345678901234567890', '0.10',
    '1.0000000000000000000000001e-10', 'true', 'null', '""', '"\\u0041"',
    '"\\/\\b\\n"', '"\\ud83d\\ude00"', '"\u{1f600}é\u2028"', '[ ]', '[ 1 ,2,\t3 ]',
    '{"b":1,"a":2,"b":3}', '{ "z" : { } }', '{"action":"status","target":1}',
    `"${'x'.repeat(200000)}"`, '[[]]',
    '"\\u0000"', '"\x7f"',
  ];
  test('data arrives as the same bytes', async () => {
    const [a, b, ida, idb] = await pair();
    for (const data of exact) {
      a.send(`{"action":"broadcast","data":${data}}`);
      assert.equal(await b.messages.next(),
        `{"action":"broadcast","source":"${ida}","data":${data}}`);
      a.send(`{ "data" :\t${data} \n, "action":"message","target":"${idb}"}`);
      assert.equal(await b.messages.next(), '{"action":"message",'
        + `"source":"${ida}","target":"${idb}","data":${data}}`);
    }
    await closeAll([a, b]);
  });

  test('ten members know each other exactly', async () => {
    const name = fresh();
    const all = await openMembers(10, () => join(name), 10);
    const ids = await Promise.all(all.map(async (m) => {
      const seen = new Set();
      let id;
      while (seen.size < 9) {
        const o = await m.action('connect');
        assert.ok(!seen.has(o.target), 'told of a peer twice');
        seen.add(o.target);
        assert.ok(id === undefined || id === o.source);
        id = o.source;
        assert.ok(!seen.has(id), 'told of itself');
      }
      m.peers = seen;
      return id;
    }));
    for (const m of all)
      for (const id of m.peers)
        assert.ok(ids.includes(id));
    all[0].destroy();
    for (const m of all.slice(1))
      assert.equal((await m.action('disconnect')).target, ids[0]);
    await closeAll(all.slice(1));
  });

  test('?presence=off: neither shown nor told, but hears and speaks', async () => {
    const name = fresh();
    const a = await join(name);
    const ida = await a.id();
    const quiet = await join(name, {}, '?presence=off');
    const idq = await quiet.id();
    const b = await join(name);
    const seen = await b.action('connect');
    assert.equal(seen.target, ida);
    assert.equal((await a.action('connect')).target, seen.source);
    assert.deepEqual(await b.sync(), []);
    a.send({ action: 'broadcast', data: 1 });
    assert.equal((await quiet.json()).data, 1);
    quiet.send({ action: 'broadcast', data: 2 });
    assert.deepEqual(await a.json(), { action: 'broadcast', source: idq,
      data: 2 });
    a.send({ action: 'message', target: idq, data: 3 });
    assert.equal((await quiet.json()).data, 3);
    await quiet.close();
    assert.deepEqual(await a.sync(), []);
    await closeAll([a, b]);
  });

  test('presence off for a channel by nwsd.conf', async () => {
    const a = await join('silent'), b = await join('silent');
    assert.deepEqual(await a.sync(), []);
    assert.deepEqual(await b.sync(), []);
    a.send({ action: 'broadcast', data: 1 });
    assert.equal((await b.json()).data, 1);
    await b.close();
    assert.deepEqual(await a.sync(), []);
    await a.close();
  });

  test('order of one sender, fast', async () => {
    const [a, b] = await pair();
    const n = 20000;
    for (let i = 0; i < n; i++)
      a.send(`{"action":"broadcast","data":${i}}`);
    for (let i = 0; i < n; i++)
      assert.equal((await b.json(undefined, `message ${i}`, 30000)).data, i);
    await closeAll([a, b]);
  });

  test('order of broadcasts and direct messages mixed', async () => {
    const [a, b, , idb] = await pair();
    for (let i = 0; i < 2000; i++)
      a.send(i % 3 ? { action: 'broadcast', data: i }
        : { action: 'message', target: idb, data: i });
    for (let i = 0; i < 2000; i++)
      assert.equal((await b.json()).data, i);
    await closeAll([a, b]);
  });

  test('many senders: all members see one order', async () => {
    const name = fresh(), senders = 8, each = 500;
    const hearers = await openMembers(5, () => join(name, {}, '?presence=off'));
    const talkers = await openMembers(senders, () =>
      join(name, {}, '?presence=off'));
    for (let i = 0; i < each; i++)
      talkers.forEach((t, j) => t.send({ action: 'broadcast', data: [j, i] }));
    let first;
    for (const m of hearers) {
      const got = [];
      const last = Array(senders).fill(-1);
      while (got.length < senders * each) {
        const { data: [j, i] } = await m.json();
        assert.equal(i, last[j] + 1, `sender ${j} out of order`);
        last[j] = i;
        got.push(`${j}.${i}`);
      }
      first ??= got;
      assert.deepEqual(got, first);
    }
    await closeAll([...hearers, ...talkers]);
  });

  const binary = { 'Sec-WebSocket-Protocol': 'nws.binary.v1' };
  const id64 = (id) => {
    const b = Buffer.alloc(8);
    b.writeBigUInt64BE(BigInt(id));
    return b;
  };
  const next = (m) => m.messages.next('a message');

  test('nws.binary.v1 among binary members', async () => {
    const name = fresh();
    const a = await join(name, binary);
    assert.match(a.head, /Sec-WebSocket-Protocol: nws\.binary\.v1\r?$/im);
    a.send(Buffer.from([3]));
    const sa = await next(a);
    assert.equal(sa[0], 3);
    const ida = sa.subarray(1);
    assert.equal(ida.length, 8);
    const b = await join(name, binary);
    const seen = await next(b);
    assert.ok(seen.equals(Buffer.concat([Buffer.from([4]), ida])));
    const idb = (await next(a)).subarray(1);
    for (const payload of [Buffer.alloc(0), Buffer.from('text'),
      Buffer.from([0, 255, 128]), Buffer.alloc(200000, 7)]) {
      a.send(Buffer.concat([Buffer.from([1]), payload]));
      assert.ok((await next(b)).equals(Buffer.concat([Buffer.from([1]), ida,
        payload])));
      b.send(Buffer.concat([Buffer.from([2]), ida, payload]));
      assert.ok((await next(a)).equals(Buffer.concat([Buffer.from([2]), idb,
        payload])));
    }
    a.send(Buffer.from('812205', 'hex'));
    assert.equal((await next(a)).readUInt16BE(1), 2, 'not JSON');
    a.send(Buffer.concat([Buffer.from([0x81]), Buffer.from('[1, 2]')]));
    assert.ok((await next(b)).equals(Buffer.concat([Buffer.from([0x81]), ida,
      Buffer.from('[1, 2]')])));
    a.send(Buffer.concat([Buffer.from([2]), id64(1), Buffer.from('x')]));
    const e = await next(a);
    assert.equal(e[0], 6);
    assert.equal(e.readUInt16BE(1), 1, 'unknown target');
    assert.equal(e.readBigUInt64BE(3), 1n);
    for (const wrong of ['', '02', '0200', '03ff', '83'])  {
      a.send(Buffer.from(wrong, 'hex'));
      const w = await next(a);
      assert.equal(w[0], 6, wrong);
      assert.equal(w.readUInt16BE(1), 7, wrong);
    }
    for (const wrong of ['04', '00', '7f', 'ff']) {
      a.send(Buffer.from(wrong, 'hex'));
      assert.equal((await next(a)).readUInt16BE(1), 3, wrong);
    }
    await b.close();
    assert.ok((await next(a)).equals(Buffer.concat([Buffer.from([5]), idb])));
    await a.close();
  });

  test('JSON and binary members on one channel', async () => {
    const name = fresh();
    const j = await join(name);
    const idj = await j.id();
    const b = await join(name, binary);
    assert.ok((await next(b)).equals(Buffer.concat([Buffer.from([4]),
      id64(idj)])));
    const idb = (await j.action('connect')).target;
    const payload = Buffer.from([0, 1, 2, 253, 254, 255, 10]);
    for (let n = 0; n <= payload.length; n++) {
      b.send(Buffer.concat([Buffer.from([1]), payload.subarray(0, n)]));
      const o = await j.json();
      assert.deepEqual(o, { action: 'broadcast', source: idb,
        encoding: 'base64', data: payload.subarray(0, n).toString('base64') });
    }
    b.send(Buffer.concat([Buffer.from([0x82]), id64(idj),
      Buffer.from('{"a": 1}')]));
    assert.deepEqual(await j.json(), { action: 'message', source: idb,
      target: idj, data: { a: 1 } });
    j.send('{"action":"broadcast","data":{"b": 2}}');
    assert.ok((await next(b)).equals(Buffer.concat([Buffer.from([0x81]),
      id64(idj), Buffer.from('{"b": 2}')])));
    j.send({ action: 'message', target: idb, data: 'x' });
    assert.ok((await next(b)).equals(Buffer.concat([Buffer.from([0x82]),
      id64(idj), Buffer.from('"x"')])));
    await closeAll([j, b]);
  });

  test('the first subprotocol asked for is returned', async () => {
    for (const [asked, got] of [['chat', 'chat'], ['b, nws.binary.v1', 'b']]) {
      const a = await join(fresh(), { 'Sec-WebSocket-Protocol': asked });
      assert.match(a.head, new RegExp(`^Sec-WebSocket-Protocol: ${got}\r?$`, 'im'));
      assert.match(await a.id(), /^\d+$/, 'speaks JSON');
      await a.close();
    }
    for (const [asked, past] of [['n'.repeat(255), 'n'],
      [`a, ${'n'.repeat(2044)}`, 'n']]) {
      const ask = (list) => join(fresh(), { 'Sec-WebSocket-Protocol': list });
      await closeAll([await ask(asked)]);
      await assert.rejects(ask(asked + past), /HTTP\/1\.1 400 /);
    }
  });

  test('names: every character, percent-encoded, 255 bytes', async () => {
    const alphabet = 'ABCXYZabcxyz0189+=*._-';
    const long = 'n'.repeat(255);
    for (const [one, other] of [[alphabet, alphabet],
      ['chat', '%63h%61t'], ['a+b', 'a%2Bb'], ['a.b', 'a%2eb'],
      [long, `%6e${'n'.repeat(254)}`], ['x', 'x?y=z'], ['*', '%2A']]) {
      const a = await join(one), b = await join(other);
      await a.action('connect');
      await closeAll([a, b]);
    }
  });

  test('names that may not be', async () => {
    for (const bad of ['', 'n'.repeat(256), 'a/b', 'a%2Fb', '%00', 'a%', 'a%4',
      'a%gg', 'a%20b', 'a~b', 'a:b', '%C3%A9', 'libp2p', 'a/', 'a&b', 'a%25']) {
      const a = await request(where(), upgradeRequest(`/${bad}`, where().name));
      assert.ok(a.status >= 400 && a.status < 500, `"${bad}": ${a.status}`);
    }
  });

  test('a service that is off says how it is turned on', async () => {
    const { name } = where();
    for (const text of [upgradeRequest('/debug/echo', name),
      `GET /debug/echo HTTP/1.1\r\nHost: ${name}\r\n\r\n`]) {
      const a = await request(where(), text);
      assert.equal(a.status, 404);
      assert.match(String(a.content), /`echo on'/);
    }
  });

  test('a plain GET of a channel is told to upgrade', async () => {
    const a = await request(where(),
      `GET /chat HTTP/1.1\r\nHost: ${where().name}\r\n\r\n`);
    assert.ok([400, 404, 426].includes(a.status), a.text);
  });
}

const conf = 'channel "silent" { presence off }';
describe('on 127.0.0.1', () => suite(useDaemon(conf), '127.0.0.1'));
describe('on ::1, with two frontends', () =>
  suite(useDaemon(conf, { prefork: 2 }), '::1'));
describe('on a Unix socket', () => suite(useDaemon(conf), 'unix'));

describe('with the package ws', () => {
  const h = useDaemon('deflate on');

  async function open(name, options) {
    const s = new WebSocket(`ws://localhost:${h.d.port}/${name}`, options);
    const q = new Queue();
    s.on('message', (m, isBinary) => q.push(isBinary ? m : m.toString()));
    s.on('close', () => q.end());
    await within(new Promise((resolve, reject) => {
      s.once('open', resolve);
      s.once('error', reject);
    }), 'open');
    return { s, q };
  }
  const gone = ({ s }) => within(new Promise((resolve) => {
    s.once('close', resolve);
    s.close(1000);
  }), 'close');

  for (const [what, options] of [['without deflate',
    { perMessageDeflate: false }], ['with deflate', { perMessageDeflate:
      { threshold: 0 } }], ['with a window of 9', { perMessageDeflate:
      { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 } }]]) {
    test(`broadcast of every size ${what}`, async () => {
      const a = await open('deflate', options);
      const b = await open('deflate', { perMessageDeflate: true });
      assert.equal(a.s.extensions !== '', options.perMessageDeflate !== false);
      assert.equal(JSON.parse(await b.q.next()).action, 'connect');
      assert.equal(JSON.parse(await a.q.next()).action, 'connect');
      for (const n of [0, 1, 100, 125, 126, 1000, 65000, 66000, 250000]) {
        const data = 'nwsd '.repeat(n).slice(0, n);
        a.s.send(JSON.stringify({ action: 'broadcast', data }));
        assert.equal(JSON.parse(await b.q.next()).data, data);
        b.s.send(JSON.stringify({ action: 'broadcast', data }));
        assert.equal(JSON.parse(await a.q.next()).data, data);
      }
      await gone(a);
      await gone(b);
    });
  }

  test('members with and without deflate, JSON and binary, together', async () => {
    const all = [];
    for (const perMessageDeflate of [false, true])
      all.push(await open('mixed?presence=off', { perMessageDeflate }));
    const s = new WebSocket(`ws://localhost:${h.d.port}/mixed?presence=off`,
      'nws.binary.v1');
    const q = new Queue();
    s.on('message', (m) => q.push(m));
    await new Promise((resolve) => s.once('open', resolve));
    const data = 'x'.repeat(5000);
    for (let i = 0; i < 200; i++) {
      all[i % 2].s.send(JSON.stringify({ action: 'broadcast', data: [i, data] }));
      const other = JSON.parse(await all[1 - i % 2].q.next());
      assert.deepEqual(other.data, [i, data]);
      const bin = await q.next();
      assert.equal(bin[0], 0x81);
      assert.deepEqual(JSON.parse(bin.subarray(9)), [i, data]);
    }
    await gone({ s });
    await Promise.all(all.map(gone));
  });
});

describe('with three frontends', () => {
  const h = useDaemon('', { prefork: 3 });

  test('a newcomer is told of the others in the order in which they came',
    async () => {
      const where = listeners(h.d)['127.0.0.1'];
      for (let round = 0; round < 4; round++) {
        const name = `/${fresh()}`;
        const there = [];
        for (let i = 0; i < 12; i++) {
          const m = await Member.open(where, name);
          for (const other of there)
            assert.equal((await m.action('connect')).target, other.id);
          m.send({ action: 'status' });
          m.id = (await m.action('status')).target;
          for (const other of there)
            assert.equal((await other.action('connect')).target, m.id);
          there.push(m);
          if (i % 4 !== 3)
            continue;
          const [gone] = there.splice(1, 1);
          await gone.close();
          for (const other of there)
            assert.equal((await other.action('disconnect')).target, gone.id);
        }
        await closeAll(there);
      }
    });
});

describe('2,000 members', () => {
  const h = useDaemon('max-clients 20000\nqueue-limit 64M', { prefork: 2 });
  const N = 2000;

  test('presence: each learns of each other once, and of leaving', async () => {
    const where = listeners(h.d)['127.0.0.1'];
    let connects = 0, disconnects = 0, strange = 0;
    const all = await openMembers(N, () => Member.open(where, '/crowd', {},
      (text) => {
        if (text.startsWith('{"action":"connect"'))
          connects++;
        else if (text.startsWith('{"action":"disconnect"'))
          disconnects++;
        else
          strange++;
      }));
    await waitUntil(() => connects >= N * (N - 1), 'all to know all', 120000);
    assert.equal(connects, N * (N - 1));
    assert.equal(strange, 0);
    await closeAll(all.splice(0, 10));
    await waitUntil(() => disconnects >= 10 * (N - 10), 'leaving', 60000);
    await closeAll(all);
  });

  test('broadcast and direct messages reach exactly whom they should',
    async () => {
      const where = listeners(h.d)['127.0.0.1'];
      const counts = new Uint32Array(N);
      const last = new Int32Array(N).fill(-1);
      let wrong = 0;
      const all = await openMembers(N, (i) => Member.open(where,
        '/hall?presence=off', {}, (text) => {
          if (text.startsWith('{"action":"broadcast"')) {
            const n = Number(/"data":(\d+)}$/.exec(text)[1]);
            if (n !== last[i] + 1)
              wrong++;
            last[i] = n;
            counts[i]++;
          }
        }));
      const talker = await Member.open(where, '/hall?presence=off');
      for (let i = 0; i < 100; i++)
        talker.send(`{"action":"broadcast","data":${i}}`);
      await waitUntil(() => counts.every((c) => c === 100), 'all messages',
        60000);
      assert.equal(wrong, 0);
      await closeAll([...all, talker]);
    });
});
