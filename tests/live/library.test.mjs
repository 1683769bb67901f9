// frontend/www/nws.mjs in Node, with the WebSocket of `ws`: what its README
// promises, against a running daemon.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import vm from 'node:vm';
import WebSocket from 'ws';
import { NetworkWebSocket, NetworkWebSocketError }
  from '../../frontend/www/nws.mjs';
import { Daemon, Queue, freePort, hooks, tempDir, top, useDaemon, waitUntil,
  within } from './lib.mjs';
import { Member, Raw, listeners, request } from './wire.mjs';

const NAMES = ['open', 'connect', 'disconnect', 'message', 'error', 'close',
  'reconnecting'];
const FAST = { min: 20, max: 200 };

const open = new Set();
const closeLeft = () => {
  open.forEach((ws) => ws.close());
  open.clear();
};
hooks.push(closeLeft);
after(closeLeft);

/** A channel whose events are in order in its `events`. */
function join(d, channel = 'library', options = {}, protocols = []) {
  const ws = new NetworkWebSocket(channel, protocols,
    { server: `http://localhost:${d.port}`, WebSocket, reconnect: FAST,
      ...options });
  open.add(ws);
  ws.events = new Queue();
  for (const name of NAMES)
    ws.addEventListener(name, (e) => ws.events.push(e));
  return ws;
}

const next = (ws, type) => ws.events.until((e) => e.type === type, type);
/** The next message, which has to come before any error. */
const heard = async (ws) => {
  const e = await ws.events.until((x) => /message|error/.test(x.type),
    'message');
  assert.equal(e.type, 'message', e.message);
  return e;
};

/** n members of one channel who all know each other. */
async function together(d, n, channel, options) {
  const all = [];
  for (let i = 0; i < n; i++) {
    all.push(join(d, channel, options));
    await all[i].ready;
  }
  await waitUntil(() => all.every((ws) => ws.peers.length === n - 1
    && ws.peers.every((p) => p.readyState === 1)), 'all to be there');
  return all;
}

describe('a channel', () => {
  const h = useDaemon('');
  const channel = () => `c${Math.random()}`;
  const peerOf = (ws, other) => ws.peers.find((p) => p.id === other.id);

  test('has the shape of a WebSocket', async () => {
    for (const [i, name] of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']
      .entries()) {
      assert.equal(NetworkWebSocket[name], i);
      assert.equal(NetworkWebSocket.prototype[name], i);
    }
    const ws = join(h.d, 'shape', {}, ['one', 'two']);
    assert.ok(ws instanceof EventTarget);
    assert.equal(ws.readyState, ws.CONNECTING);
    assert.equal(ws.url, `ws://localhost:${h.d.port}/shape`);
    assert.deepEqual([ws.protocol, ws.extensions, ws.id, ws.bufferedAmount,
      ws.binaryType], ['', '', '', 0, 'blob']);
    ws.binaryType = 'nodebuffer';
    assert.equal(ws.binaryType, 'blob');
    assert.equal(await ws.ready, ws);
    assert.equal(ws.readyState, ws.OPEN);
    assert.equal(ws.protocol, 'one');
    assert.match(ws.id, /^[1-9]\d*$/);
    const calls = [];
    const handler = (e) => calls.push(e.type);
    assert.equal(ws.onclose, null);
    ws.onclose = () => assert.fail('was replaced');
    ws.onclose = handler;
    assert.equal(ws.onclose, handler);
    ws.onopen = handler;
    ws.onopen = null;
    assert.equal(ws.onopen, null);
    ws.close(3456, 'why');
    assert.equal(ws.readyState, ws.CLOSING);
    const e = await next(ws, 'close');
    // nwsd answers with the code alone.
    assert.deepEqual([e.code, e.reason, e.wasClean, ws.readyState],
      [3456, '', true, ws.CLOSED]);
    assert.deepEqual(calls, ['close']);
    ws.close();
  });

  test('refuses what WebSocket refuses', async () => {
    const make = (...args) => () => new NetworkWebSocket(...args);
    const as = (name) => ({ name });
    for (const name of ['', '.', '..', 'libp2p', 'a/b', 'a b', 'ä',
      'x'.repeat(256)])
      assert.throws(make(name, [], { WebSocket }),
        { name: 'SyntaxError', message: /1 to 255 of A-Z/ }, name);
    assert.throws(make('a', ['b', 'b'], { WebSocket }), as('SyntaxError'));
    assert.throws(make('a', 'b c', { WebSocket }), as('SyntaxError'));
    assert.throws(make('a', [], { WebSocket, server: 'ftp://x' }),
      as('SyntaxError'));
    if (globalThis.WebSocket === undefined)
      assert.throws(make('a'), /options\.WebSocket/);
    const ws = join(h.d);
    for (const code of [999, 1001, 1005, 2999, 5000, NaN])
      assert.throws(() => ws.close(code), as('InvalidAccessError'), `${code}`);
    assert.throws(() => ws.close(3000, 'é'.repeat(62)), as('SyntaxError'));
    ws.close(4999, 'é'.repeat(61));
    assert.throws(() => ws.send('x'), as('InvalidStateError'));
    assert.equal((await next(ws, 'close')).code, 1006);
    await assert.rejects(ws.ready, { code: 'closed' });
  });

  test('has a name of 255 characters, all kinds', async () => {
    const name = 'aZ0+=*._-'.repeat(29).slice(0, 255);
    const [a, b] = await together(h.d, 2, name);
    a.send('x');
    assert.equal((await heard(b)).data, 'x');
  });

  test('open, connect, open of the peer, messages: in this order', async () => {
    const name = channel();
    const a = join(h.d, name);
    const other = await Member.open(listeners(h.d)['127.0.0.1'], `/${name}`);
    await next(a, 'open');
    const { detail: { target: peer } } = await next(a, 'connect');
    assert.deepEqual(a.peers, [peer]);
    const seen = [];
    peer.onopen = () => seen.push('open');
    peer.onmessage = (e) => seen.push(e.data);
    assert.equal(peer.url, a.url);
    assert.equal(peer.binaryType, a.binaryType);
    other.send(JSON.stringify({ action: 'message', target: a.id, data: '1' }));
    other.send(JSON.stringify({ action: 'message', target: a.id, data: '2' }));
    await waitUntil(() => seen.length >= 2, 'the messages');
    // The handler may be late for open here, but not for messages.
    assert.deepEqual(seen.filter((s) => s !== 'open'), ['1', '2']);
    other.close();
    assert.equal((await next(a, 'disconnect')).detail.target, peer);
    assert.equal(peer.readyState, peer.CLOSED);
    assert.deepEqual(a.peers, []);
    assert.throws(() => peer.send('x'), { name: 'InvalidStateError' });
  });

  test('handlers set in onconnect, as the first library had it', async () => {
    const name = channel();
    const a = join(h.d, name), got = [];
    a.onconnect = (evt) => {
      const peerWS = evt.detail.target;
      peerWS.onopen = () => {
        peerWS.onmessage = (e) => got.push([e.data, e.senderId, e.direct]);
        peerWS.onclose = (e) => got.push([e.code, e.reason, e.wasClean]);
        peerWS.send('welcome');
      };
    };
    a.ondisconnect = (evt) => got.push(evt.detail.target.readyState);
    await a.ready;
    const b = join(h.d, name);
    const welcome = new Promise((resolve) => {
      b.onconnect = (e) => {
        e.detail.target.onmessage = resolve;
      };
    });
    const e = await within(welcome, 'a direct message');
    const { id, peers: [peer] } = b;
    assert.deepEqual([e.data, e.senderId, e.direct, e.target],
      ['welcome', a.id, true, peer]);
    peer.send('thanks');
    b.close();
    await next(a, 'disconnect');
    assert.deepEqual(got, [['thanks', id, true], [3000, 'Closed', true], 3]);
  });

  test('a peer that is closed here is silent but for broadcasts', async () => {
    const [a, b, c] = await together(h.d, 3, channel());
    const peer = peerOf(a, b), got = [];
    peer.onmessage = (e) => got.push(e.data);
    assert.throws(() => peer.close(1001), { name: 'InvalidAccessError' });
    peer.close(4000, 'enough');
    assert.equal(peer.readyState, peer.CLOSING);
    peer.close();
    assert.equal((await next(a, 'disconnect')).detail.target, peer);
    assert.deepEqual(a.peers.map((p) => p.id), [c.id]);
    peerOf(b, a).send('direct');
    b.send('broadcast');
    assert.deepEqual([(await heard(a)).data, got], ['broadcast', []]);
    b.close();
    await next(c, 'disconnect');
    c.send('last');
    const e = await a.events.next();
    assert.equal(e.data, 'last', 'no second disconnect');
  });

  test('a peer that is closed as it opens gets nothing', async () => {
    let socket;
    class Known extends WebSocket {
      constructor(...args) {
        super(...args);
        socket = this;
      }
    }
    const [a] = await together(h.d, 1, channel(), { WebSocket: Known });
    await next(a, 'open');
    const got = [];
    a.onconnect = ({ detail: { target: peer } }) => {
      peer.onopen = () => peer.close();
      peer.onmessage = (e) => got.push(e.data);
    };
    // In one go, as two frames of one read may come.
    for (const bytes of [[4, 0, 0, 0, 0, 0, 0, 0, 7],
      [0x82, 0, 0, 0, 0, 0, 0, 0, 7, ...Buffer.from('"late"')]])
      socket.onmessage({ data: Uint8Array.from(bytes).buffer });
    await next(a, 'disconnect');
    assert.deepEqual(got, []);
  });

  test('what is sent in one go arrives in its order', async () => {
    const [a, b] = await together(h.d, 2, channel());
    const want = [];
    for (let i = 0; i < 200; i++) {
      // Blobs have to be read first, and hold up what follows.
      a.send(i % 3 === 0 ? new Blob([`${i}`]) : i % 3 === 1 ? `${i}`
        : new TextEncoder().encode(`${i}`));
      want.push(`${i}`);
    }
    assert.ok(a.bufferedAmount > 0);
    const got = [];
    while (got.length < want.length) {
      const { data } = await heard(b);
      got.push(typeof data === 'string' ? data : await data.text());
    }
    assert.deepEqual(got, want);
    await waitUntil(() => a.bufferedAmount === 0, 'all to be sent');
  });

  test('text and other values arrive as text', async () => {
    const [a, b] = await together(h.d, 2, channel());
    const rows = [['', ''], ['é\u{1f600}\0"\\', 'é\u{1f600}\0"\\'],
      ['a\ud800b', 'a\ufffdb'], ['"quoted"', '"quoted"'],
      [{ x: [1, null] }, '{"x":[1,null]}'], [5, '5'], [true, 'true'],
      [null, 'null'], [undefined, 'undefined'], [NaN, 'null'],
      ['x'.repeat(200000), 'x'.repeat(200000)]];
    for (const [sent, want] of rows) {
      a.send(sent);
      const e = await heard(b);
      assert.deepEqual([e.data, e.senderId, e.direct, e.origin], [want, a.id,
        false, `ws://localhost:${h.d.port}`]);
    }
  });

  test('bytes of every kind arrive as Blob or ArrayBuffer', async () => {
    const [a, b] = await together(h.d, 2, channel());
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    // Of another realm, as in a frame or a test runner, too.
    const rows = [all, all.buffer, new Blob([all]),
      new DataView(all.buffer), Buffer.from(all), new Uint8ClampedArray(all),
      new SharedArrayBuffer(256), vm.runInNewContext('new ArrayBuffer(256)')];
    rows.slice(-2).forEach((buffer) => new Uint8Array(buffer).set(all));
    for (const sent of rows) {
      b.binaryType = 'arraybuffer';
      a.send(sent);
      let { data } = await heard(b);
      assert.ok(data instanceof ArrayBuffer);
      assert.deepEqual(new Uint8Array(data), all);
      b.binaryType = 'blob';
      a.send(sent);
      ({ data } = await heard(b));
      assert.ok(data instanceof Blob);
      assert.deepEqual(new Uint8Array(await data.arrayBuffer()), all);
    }
    a.send(new Uint16Array(all.buffer, 2, 1));
    b.binaryType = 'arraybuffer';
    assert.deepEqual(new Uint8Array((await heard(b)).data),
      Uint8Array.of(2, 3));
    for (const empty of [new ArrayBuffer(0), new Blob([])]) {
      a.send(empty);
      assert.equal((await heard(b)).data.byteLength, 0);
    }
    const bytes = Uint8Array.of(7);
    a.send(bytes);
    bytes[0] = 8;
    assert.deepEqual(new Uint8Array((await heard(b)).data), Uint8Array.of(7),
      'as it was when it was sent');
  });

  test('bytes to one peer and back', async () => {
    const [a, b] = await together(h.d, 2, channel());
    const there = peerOf(a, b), here = peerOf(b, a);
    here.binaryType = 'arraybuffer';
    const got = new Queue();
    here.onmessage = (e) => got.push(e);
    there.onmessage = (e) => got.push(e);
    there.send(new Blob(['bytes']));
    assert.equal(Buffer.from((await got.next()).data).toString(), 'bytes');
    here.send(new ArrayBuffer(3));
    assert.equal((await got.next()).data.size, 3);
  });

  test('members with JSON messages and we understand each other', async () => {
    const name = channel();
    const a = join(h.d, name);
    a.binaryType = 'arraybuffer';
    await a.ready;
    const j = await Member.open(listeners(h.d)['127.0.0.1'], `/${name}`);
    const peer = (await next(a, 'connect')).detail.target;
    const said = async () => {
      for (;;) {
        const o = await j.json();
        if (o.action === 'broadcast' || o.action === 'message')
          return o;
      }
    };
    a.send('text');
    assert.deepEqual(await said(), { action: 'broadcast', source: a.id,
      data: 'text' });
    a.send({ deep: [1] });
    assert.deepEqual((await said()).data, { deep: [1] });
    a.send(Uint8Array.of(0, 255));
    assert.deepEqual(await said(), { action: 'broadcast', source: a.id,
      data: 'AP8=', encoding: 'base64' });
    peer.send(new Blob(['hi']));
    assert.deepEqual(await said(), { action: 'message', source: a.id,
      target: peer.id, data: 'aGk=', encoding: 'base64' });
    for (const [json, want] of [['"text"', 'text'], ['"\\u00e9"', 'é'],
      ['{"n": 12345678901234567890}', '{"n": 12345678901234567890}'],
      ['null', 'null']]) {
      j.send(`{"action":"broadcast","data":${json}}`);
      const e = await heard(a);
      assert.deepEqual([e.data, e.senderId], [want, peer.id]);
    }
    j.close();
  });

  test('JSON of others with binary messages, with white space', async () => {
    const name = channel();
    const [a] = await together(h.d, 1, name);
    const b = await Member.open(listeners(h.d)['127.0.0.1'], `/${name}`,
      { 'Sec-WebSocket-Protocol': 'nws.binary.v1' });
    for (const [json, want] of [[' "text"', 'text'], ['\r\n\t"" ', ''],
      [' {"n": 1}\n', '{"n": 1}'], ['" x "', ' x ']]) {
      b.send(Buffer.from(`\x81${json}`, 'latin1'));
      assert.equal((await heard(a)).data, want);
    }
    b.close();
  });

  test('a silent member is no peer, and can be answered', async () => {
    const name = channel();
    const [a] = await together(h.d, 1, name);
    const silent = join(h.d, name, { presence: false });
    await silent.ready;
    silent.send('to all');
    let e = await heard(a);
    assert.deepEqual([e.data, e.senderId, e.direct], ['to all', silent.id,
      false]);
    a.sendTo(silent.id, 'to you');
    e = await heard(silent);
    assert.deepEqual([e.data, e.senderId, e.direct], ['to you', a.id, true]);
    silent.sendTo(a.id, 'to you too');
    assert.equal((await heard(a)).direct, true);
    assert.deepEqual([a.peers, silent.peers], [[], []]);
    assert.throws(() => a.sendTo('x', ''), { name: 'SyntaxError' });
    assert.throws(() => a.sendTo('0', ''), { name: 'SyntaxError' });
  });

  test('what nwsd refuses is an error, and the connection stays', async () => {
    const [a] = await together(h.d, 1, channel());
    a.sendTo('77', 'anybody?');
    const e = await next(a, 'error');
    assert.ok(e.error instanceof NetworkWebSocketError);
    assert.deepEqual([e.error.code, e.error.target, e.message],
      ['unknown-target', '77', e.error.message]);
    assert.equal(a.readyState, a.OPEN);
    a.sendTo(a.id, 'me');
    assert.deepEqual((await heard(a)).data, 'me');
  });

  test('close() lets what was sent go out first, Blobs too', async () => {
    const [a, b] = await together(h.d, 2, channel());
    a.send(new Blob(['first']));
    a.send('second');
    a.close();
    assert.equal(await (await heard(b)).data.text(), 'first');
    assert.equal((await heard(b)).data, 'second');
    const e = await next(a, 'close');
    assert.deepEqual([e.code, e.wasClean], [1005, true]);
  });

  test('a message above max-message: error, reconnection, on', async () => {
    const [a, b] = await together(h.d, 2, channel());
    a.send(new Uint8Array(256 * 1024 - 1));
    assert.equal((await heard(b)).data.size, 256 * 1024 - 1);
    a.send(new Uint8Array(256 * 1024));
    const e = await next(a, 'error');
    assert.deepEqual([e.error.code, e.error.closeCode], ['too-large', 1009]);
    await next(a, 'open');
    a.send('again');
    assert.equal((await heard(b)).data, 'again');
  });

  test('closed by nwsctl: for good', async () => {
    const [a] = await together(h.d, 1, channel());
    const { id } = a;
    assert.equal((await h.d.ctl('close', id)).code, 0);
    assert.equal((await next(a, 'error')).error.code, 'closed');
    const e = await next(a, 'close');
    assert.deepEqual([e.code, a.readyState], [1008, a.CLOSED]);
  });

  test('ready is not what it was once it is closed', async () => {
    const [a] = await together(h.d, 1, channel());
    a.close();
    await next(a, 'close');
    await assert.rejects(a.ready, { code: 'closed' });
    const [b] = await together(h.d, 1, channel());
    assert.equal((await h.d.ctl('close', b.id)).code, 0);
    await next(b, 'close');
    await assert.rejects(b.ready, { code: 'closed', closeCode: 1008 });
  });

  test('closed in a handler of open', async () => {
    const name = channel();
    const [b] = await together(h.d, 1, name);
    const a = join(h.d, name);
    a.onopen = () => a.close();
    const e = await next(a, 'close');
    assert.equal(e.code, 1005);
    await next(b, 'disconnect');
    assert.ok(!a.events.items.some((x) => x.type === 'connect'));
  });

  test('an unreadable Blob is left out', async () => {
    const [a, b] = await together(h.d, 2, channel());
    const blob = new Blob(['x']);
    Object.defineProperty(blob, 'arrayBuffer',
      { value: () => Promise.reject(new Error('gone')) });
    a.send(blob);
    a.send('after');
    assert.equal((await next(a, 'error')).error.code, 'blob-unreadable');
    assert.equal((await heard(b)).data, 'after');
    assert.equal(a.bufferedAmount, 0);
  });
});

describe('when nwsd is not there', () => {
  const started = [];
  after(() => Promise.all(started.map((d) => d.stop())));
  const start = async (text, options) => {
    const d = await Daemon.start(text, options);
    started.push(d);
    return d;
  };

  test('over a restart: new ids, all peers again, in order', async () => {
    const d = await start('');
    const [a, b] = await together(d, 2, 'restart');
    const [peer] = a.peers, first = a.id, old = b.id;
    await d.stop();
    assert.equal((await next(a, 'disconnect')).detail.target, peer);
    assert.deepEqual([peer.id, peer.readyState], [old, peer.CLOSED]);
    const { detail } = await next(a, 'reconnecting');
    assert.deepEqual([detail.error.code, detail.error.closeCode],
      ['lost', 1001]);
    assert.ok(detail.attempt === 1 && detail.delay >= 0 && detail.delay <= 20);
    assert.deepEqual([a.readyState, a.id, a.peers], [a.CONNECTING, '', []]);
    a.send('while away');
    const { detail: again } = await next(a, 'reconnecting');
    assert.equal(again.error.code, 'not-running');
    assert.equal(again.attempt, 2);
    await d.restart();
    await Promise.all([next(a, 'open'), next(b, 'open')]);
    await waitUntil(() => a.peers.length === 1 && b.peers.length === 1,
      'the peers');
    assert.ok(a.id !== first && b.id !== old && a.peers[0].id === b.id);
    assert.equal(a.readyState, a.OPEN);
    a.send('back');
    await b.events.until((e) => e.data === 'back', 'a message');
    await a.ready;
    closeLeft();
  });

  test('with the WebSocket that Node has', async () => {
    const d = await start('');
    await d.stop();
    const child = spawn(process.execPath, ['--experimental-websocket',
      '--no-warnings', '--input-type=module', '-e', `
      import { NetworkWebSocket } from '${top}/frontend/www/nws.mjs';
      const ws = new NetworkWebSocket('own', [], { reconnect: { min: 20,
        max: 200 }, server: 'http://localhost:${d.port}' });
      ws.onclose = (e) => console.log(e.code);
      await ws.ready.catch((e) => console.log(e.code));
      for (let isOpen = false; !isOpen;)
        isOpen = await ws.ready.then(() => true, () => false);
      ws.onmessage = async (e) => {
        console.log(await e.data.text());
        ws.close();
      };
      ws.sendTo(ws.id, new Blob(['to myself']));
    `], { stdio: ['ignore', 'pipe', 'inherit'] });
    after(() => child.kill());
    const lines = new Queue();
    createInterface({ input: child.stdout }).on('line', (l) => lines.push(l));
    assert.equal(await lines.next(), 'not-running');
    await d.restart();
    assert.equal(await lines.next(), 'to myself');
    assert.equal(await lines.next(), '1005');
  });

  test('frontends that die', async () => {
    const d = await start('', { prefork: 2 });
    const [a, b] = await together(d, 2, 'frontend');
    d.allow(/killed by/);
    for (const pid of [0, 1].map((n) => d.child_pid('frontend', n)))
      process.kill(pid, 'SIGKILL');
    const { detail } = await next(a, 'reconnecting');
    assert.deepEqual([detail.error.code, detail.error.closeCode],
      ['lost', 1006]);
    await waitUntil(() => a.id && b.id && a.peers.length === 1
      && b.peers.length === 1 && a.peers[0].id === b.id
      && b.peers[0].id === a.id, 'both to be back');
    await d.recovered();
    closeLeft();
  });

  test('what is sent meanwhile waits, up to a limit', async () => {
    const d = await start('');
    const b = join(d, 'queue');
    await b.ready;
    const port = await freePort();
    const a = join(d, 'queue', { server: `http://localhost:${port}`,
      queue: 100 });
    assert.equal(a.bufferedAmount, 0);
    a.send(new Uint8Array(49));          // one octet more, the envelope
    a.send(new Uint8Array(49));
    assert.equal(a.bufferedAmount, 100);
    assert.throws(() => a.send(new Blob(['x'])), { code: 'queue-full' });
    assert.throws(() => a.send(''), { code: 'queue-full' });
    assert.throws(() => a.sendTo('5', ''), { name: 'InvalidStateError' });
    assert.equal(a.bufferedAmount, 100);
    a.close();
    assert.equal((await next(a, 'close')).code, 1006);
    assert.equal(a.bufferedAmount, 0);

    const c = join(d, 'queue', { queue: 3 });
    c.send(new Blob(['abc']));
    assert.throws(() => c.send(new Blob(['d'])), { code: 'queue-full' });
    await c.ready;
    c.send('after');
    assert.equal(await (await heard(b)).data.text(), 'abc');
    assert.equal((await heard(b)).data, 'after');
    const none = join(d, 'queue', { queue: 0 });
    assert.throws(() => none.send(''), { code: 'queue-full' });
    closeLeft();
  });

  test('reconnect: false', async () => {
    const d = await start('');
    const a = join(d, 'once', { reconnect: false });
    await a.ready;
    await d.stop();
    const e = await next(a, 'close');
    assert.deepEqual([e.code, e.wasClean, a.readyState], [1001, true, 3]);
    const b = join(d, 'once', { reconnect: false });
    await assert.rejects(b.ready, { code: 'not-running' });
    assert.equal((await next(b, 'error')).error.code, 'not-running');
    assert.deepEqual([(await next(b, 'close')).code, b.readyState], [1006, 3]);
  });

  test('close() ends the attempts', async () => {
    const port = await freePort();
    let made = 0;
    class Counted extends WebSocket {
      constructor(...args) {
        super(...args);
        made++;
      }
    }
    const options = { server: `http://localhost:${port}`, WebSocket: Counted,
      reconnect: { min: 1, max: 5 } };
    const a = join({ port }, 'never', options);
    for (let i = 1; i <= 4; i++) {
      const { detail } = await next(a, 'reconnecting');
      assert.equal(detail.attempt, i);
      assert.ok(detail.delay < Math.min(5, 2 ** (i - 1)));
    }
    a.close();
    await next(a, 'close');
    const b = join({ port }, 'never', options);
    b.close();
    const e = await next(b, 'close');
    assert.deepEqual([e.code, e.wasClean], [1006, false]);
    const before = made;
    const c = join({ port }, 'never', options);
    await next(c, 'reconnecting');
    await next(c, 'reconnecting');
    c.close();
    await next(c, 'close');
    assert.ok(made > before);
    for (const ws of [a, b])
      assert.deepEqual(ws.events.items.map((x) => x.type), []);
  });
});

describe('errors say which one it is', () => {
  test('a token that is missing', async () => {
    const d = await Daemon.start('native token "correct-horse-battery"');
    try {
      const a = join(d);
      await assert.rejects(a.ready, (e) => e.code === 'token-needed'
        && /Bearer/.test(e.message));
      class Bearer extends WebSocket {
        constructor(url, protocols) {
          super(url, protocols, { headers: {
            Authorization: 'Bearer correct-horse-battery' } });
        }
      }
      const b = join(d, 'library', { WebSocket: Bearer });
      await b.ready;
      closeLeft();
    } finally {
      await d.stop();
    }
  });

  test('a limit', async () => {
    const d = await Daemon.start('max-channels 1');
    try {
      const a = join(d, 'one');
      await a.ready;
      const b = join(d, 'two');
      await assert.rejects(b.ready, (e) => e.code === 'refused'
        && e.status === 503 && /limits/.test(e.message));
      closeLeft();
    } finally {
      await d.stop();
    }
  });

  test('something else at this address', async () => {
    const server = http.createServer((_, res) => res.end('other')).listen(0,
      '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    server.on('upgrade', (_, socket) => socket.end());
    const a = join({}, 'x', { server:
      `http://127.0.0.1:${server.address().port}` });
    await assert.rejects(a.ready, { code: 'refused' });
    closeLeft();
    server.close();
    server.closeAllConnections();
  });
});

test('npm pack: what a project needs, and nothing else', async () => {
  const dir = tempDir(), run = promisify(execFile);
  for (const name of ['LICENSE', 'frontend/www'])
    fs.cpSync(`${top}/${name}`, `${dir}/${name}`, { recursive: true });
  const [{ filename, files }] = JSON.parse((await run('npm', ['pack', '--json',
    '--silent', '--offline', '--pack-destination', dir],
  { cwd: `${dir}/frontend/www` })).stdout);
  assert.deepEqual(files.map((f) => f.path).sort(), ['LICENSE', 'README.md',
    'nws.d.ts', 'nws.mjs', 'package.json']);
  const to = `${dir}/node_modules/nwsd`;
  fs.mkdirSync(to, { recursive: true });
  await run('tar', ['-xzf', `${dir}/${filename}`, '-C', to,
    '--strip-components=1']);
  fs.writeFileSync(`${dir}/use.mjs`, `import * as library from 'nwsd';
console.log(Object.keys(library).join());`);
  const { stdout } = await run(process.execPath, [`${dir}/use.mjs`]);
  assert.equal(stdout, 'NetworkWebSocket,NetworkWebSocketError\n');
  const { version } = JSON.parse(fs.readFileSync(`${to}/package.json`));
  assert.match(fs.readFileSync(`${top}/Makefile`, 'utf8'),
    new RegExp(`^VERSION\\s*= ${version}$`, 'm'));
});

describe('GET of the library', () => {
  const h = useDaemon('allow origin "https://granted.example"');
  const get = (path, fields = {}, method = 'GET') => {
    const where = listeners(h.d)['127.0.0.1'];
    return request(where, `${method} ${path} HTTP/1.1\r\nHost: ${where.name}`
      + `\r\nConnection: close\r\n${Object.entries(fields).map(([k, v]) =>
        `${k}: ${v}\r\n`).join('')}\r\n`);
  };
  const types = { '/nws.js': 'text/javascript; charset=utf-8',
    '/nws.mjs': 'text/javascript; charset=utf-8',
    '/nws.d.ts': 'text/plain; charset=utf-8' };

  for (const [path, type] of Object.entries(types)) {
    test(`${path}: type, tag, nothing new`, async () => {
      const a = await get(path);
      assert.equal(a.status, 200);
      assert.equal(a.headers['content-type'], type);
      assert.equal(a.headers['cache-control'], 'no-cache');
      assert.equal(a.headers['x-content-type-options'], 'nosniff');
      assert.equal(a.headers['cross-origin-resource-policy'], 'cross-origin');
      assert.equal(a.headers.vary, 'Origin');
      assert.ok(a.content.length > 1000);
      const { etag } = a.headers;
      assert.match(etag, /^"[0-9a-f]{16}"$/);
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const b = await get(path, { 'If-None-Match': known });
        assert.deepEqual([b.status, b.content, b.headers.etag],
          [304, '', etag]);
        assert.ok(!('content-length' in b.headers));
      }
      for (const other of ['"x"', etag.slice(1, -1), `${etag}x"`, ''])
        assert.equal((await get(path, { 'If-None-Match': other })).status,
          other === `${etag}x"` ? 304 : 200, other);
      const head = await get(path, {}, 'HEAD');
      assert.deepEqual([head.status, Number(head.headers['content-length'])],
        [200, Buffer.byteLength(a.content)]);
    });

    test(`${path}: who may load it`, async () => {
      const from = { 'Sec-Fetch-Site': 'cross-site' };
      const script = { ...from, 'Sec-Fetch-Mode': 'no-cors',
        'Sec-Fetch-Dest': 'script' };
      assert.equal((await get(path, script)).status, 200);
      for (const dest of ['image', 'style', 'iframe', 'worker', 'empty'])
        assert.equal((await get(path, { ...script, 'Sec-Fetch-Dest': dest }))
          .status, 403, dest);
      assert.equal((await get('/', script)).status, 403);
      assert.equal((await get('/index.css', script)).status, 403);
      const granted = await get(path, { ...from,
        Origin: 'https://granted.example', 'Sec-Fetch-Mode': 'cors' });
      assert.deepEqual([granted.status,
        granted.headers['access-control-allow-origin']],
      [200, 'https://granted.example']);
      const other = await get(path, { ...from, 'Sec-Fetch-Dest': 'script',
        Origin: 'https://other.example', 'Sec-Fetch-Mode': 'cors' });
      assert.equal(other.status, 403);
      assert.ok(!('access-control-allow-origin' in other.headers));
    });
  }

  test('/: policy of a page', async () => {
    const a = await get('/');
    assert.equal(a.status, 200);
    assert.match(a.headers['content-security-policy'],
      /default-src 'none'; script-src 'self'/);
    assert.equal(a.headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(a.headers['referrer-policy'], 'no-referrer');
    assert.ok(!/style=|<script>/.test(a.content.replace(/<pre>.*?<\/pre>/gs,
      '')));
  });

  test('many in one go by who does not read', async () => {
    const where = listeners(h.d)['127.0.0.1'];
    const one = `GET /nws.js HTTP/1.1\r\nHost: ${where.name}\r\n\r\n`;
    const before = h.d.rss();
    const r = await Raw.open(where);
    r.socket.pause();
    r.write(one.repeat(500));
    const again = await get('/health');
    assert.equal(again.status, 200);
    assert.ok(h.d.rss() - before < 16 * 1024, 'queue-limit holds');
    r.destroy();
  });
});
