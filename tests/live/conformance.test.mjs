// What RFC 6455 (sections 4 to 7) and RFC 7692 demand of a server: one row for
// each MUST that a server can break, over raw sockets against a live daemon.
// Every row is sent twice: at once, and one byte at a time.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { useDaemon } from './lib.mjs';
import { BINARY, CLOSE, CONT, PING, PONG, Raw, TEXT, acceptOf, bytes, closeFrame,
  deflate, frame, listeners, openRaw, upgradeRequest } from './wire.mjs';

const ECHO = '/debug/echo', CHANNEL = '/conformance';
const LIMIT = 256 * 1024;

/* ------------------------------------------------------------- 4, opening */

/** [what, request fields, expected status, check of the response] */
const handshakes = [
  ['4.2.2: the example of the RFC', {}, 101, (h) => {
    assert.equal(h.headers['sec-websocket-accept'],
      's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    assert.match(h.headers.upgrade, /^websocket$/i);
    assert.match(h.headers.connection, /^upgrade$/i);
    assert.ok(!('sec-websocket-protocol' in h.headers), 'a protocol unasked');
    assert.ok(!('sec-websocket-extensions' in h.headers), 'extension unasked');
  }],
  ['4.2.1: values of Upgrade and Connection in any case',
    { Upgrade: 'WebSocket', Connection: 'upGRADE' }, 101],
  ['4.2.1: Connection with other tokens',
    { Connection: 'keep-alive, Upgrade' }, 101],
  ['4.2.1: Connection in two fields',
    { Connection: ['keep-alive', 'Upgrade'] }, 101],
  ['4.2.1: names of fields in any case', { 'Sec-WebSocket-Key': undefined,
    'sEC-wEBsOCKET-kEY': 'dGhlIHNhbXBsZSBub25jZQ==' }, 101],
  ['4.2.1: white space around values', { Upgrade: ' \twebsocket\t ' }, 101],
  ['4.2.1: Upgrade missing', { Upgrade: undefined }, [400, 426]],
  ['4.2.1: Upgrade to something else', { Upgrade: 'h2c' }, [400, 426]],
  ['4.2.1: Connection missing', { Connection: undefined }, [400, 426]],
  ['4.2.1: Connection without upgrade', { Connection: 'keep-alive' },
    [400, 426]],
  ['4.2.1: Connection with a token that only contains it',
    { Connection: 'upgrades' }, [400, 426]],
  ['4.2.1: key missing', { 'Sec-WebSocket-Key': undefined }, 400],
  ['4.2.1: key empty', { 'Sec-WebSocket-Key': '' }, 400],
  ['4.2.1: key of 15 bytes', { 'Sec-WebSocket-Key':
    Buffer.alloc(15).toString('base64') }, 400],
  ['4.2.1: key of 17 bytes', { 'Sec-WebSocket-Key':
    Buffer.alloc(17).toString('base64') }, 400],
  ['4.2.1: key that is not base64',
    { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }, 400],
  ['4.2.1: key without padding',
    { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }, 400],
  ['11.3.1: two keys', { 'Sec-WebSocket-Key':
    ['dGhlIHNhbXBsZSBub25jZQ==', 'AAAAAAAAAAAAAAAAAAAAAA=='] }, 400],
  ['4.2.1: version missing', { 'Sec-WebSocket-Version': undefined },
    [400, 426], (h) => assert.equal(h.headers['sec-websocket-version'], '13')],
  ...['8', '12', '14', '013', '255', '256', '', 'x', '13x'].map((v) =>
    [`4.4: version "${v}"`, { 'Sec-WebSocket-Version': v }, [400, 426],
      (h) => assert.equal(h.headers['sec-websocket-version'], '13')]),
  ['11.3.5: two versions', { 'Sec-WebSocket-Version': ['13', '8'] },
    [400, 426]],
  ['4.2.1: no Host', { Host: undefined }, 400],
  ['4.2.1: two Hosts', (d) => ({ Host: [`localhost:${d.port}`,
    `localhost:${d.port}`] }), 400],
  ['9.1: extensions that we do not know are not accepted',
    { 'Sec-WebSocket-Extensions': 'foo, bar; baz=2' }, 101, (h) =>
      assert.ok(!('sec-websocket-extensions' in h.headers))],
  ['RFC 7692, 5: deflate is not accepted unless turned on',
    { 'Sec-WebSocket-Extensions': 'permessage-deflate' }, 101, (h) =>
      assert.ok(!('sec-websocket-extensions' in h.headers))],
];

/** [what, request line parts, expected status] */
const requests = [
  ['4.2.1: POST', ['POST', 'HTTP/1.1'], [400, 405]],
  ['4.2.1: HEAD', ['HEAD', 'HTTP/1.1'], [400, 405, 426]],
  ['4.2.1: a method in lower case', ['get', 'HTTP/1.1'], [400, 405, 501]],
  ['4.2.1: HTTP/1.0', ['GET', 'HTTP/1.0'], [400, 426, 505]],
  ['4.2.1: HTTP/2.0', ['GET', 'HTTP/2.0'], [400, 505]],
  ['RFC 9112, 2.3: http/1.1', ['GET', 'http/1.1'], [400, 505]],
];

describe('the opening handshake (RFC 6455, 4)', () => {
  const h = useDaemon('echo on');
  const where = () => listeners(h.d)['127.0.0.1'];

  async function answer(text, piecemeal) {
    const r = await Raw.open(where());
    try {
      if (piecemeal)
        r.dribble(text);
      else
        r.write(text);
      const head = await r.head();
      assert.ok(head, 'end of file instead of a response');
      if (head.status !== 101) {
        await r.body(head);
        await r.finished();
      }
      return head;
    } finally {
      r.destroy();
    }
  }

  for (const [what, fields, status, check] of handshakes) {
    for (const target of [ECHO, CHANNEL]) {
      test(`${what} (${target})`, async () => {
        const f = typeof fields === 'function' ? fields(h.d) : fields;
        for (const piecemeal of [false, true]) {
          const head = await answer(upgradeRequest(target, where().name, f),
            piecemeal);
          assert.ok([status].flat().includes(head.status), head.text);
          if (head.status === 426)
            assert.match(head.headers.upgrade ?? '', /websocket/i,
              'RFC 9110, 15.5.22: 426 names the protocol');
          check?.(head);
        }
      });
    }
  }

  for (const [what, [method, version], status] of requests) {
    test(what, async () => {
      const head = await answer(upgradeRequest(ECHO, where().name, {}, method,
        version));
      assert.ok(status.includes(head.status), head.text);
    });
  }

  test('4.2.2: the accept of random keys', async () => {
    for (let i = 0; i < 20; i++) {
      const key = crypto.randomBytes(16).toString('base64');
      const r = await openRaw(where(), ECHO, { 'Sec-WebSocket-Key': key });
      assert.equal(r.response.headers['sec-websocket-accept'], acceptOf(key));
      r.destroy();
    }
  });

  test('4.2.2: of the subprotocols asked for the first is chosen', async () => {
    for (const [asked, got] of [['a', 'a'], ['a, b', 'a'], [['a', 'b'], 'a'],
      [' x-y.z ,b', 'x-y.z']]) {
      const r = await openRaw(where(), CHANNEL,
        { 'Sec-WebSocket-Protocol': asked });
      assert.equal(r.response.headers['sec-websocket-protocol'], got);
      r.destroy();
    }
  });

  for (const bad of ['a b', 'a(b)', 'a/b', '\u00e9']) {
    test(`4.1: a subprotocol that is no token: ${JSON.stringify(bad)}`,
      async () => {
        const head = await answer(upgradeRequest(CHANNEL, where().name,
          { 'Sec-WebSocket-Protocol': bad }));
        assert.equal(head.status, 400, head.text);
      });
  }

  test('frames may follow the request in one write', async () => {
    const r = await Raw.open(where());
    r.write(Buffer.concat([bytes(upgradeRequest(ECHO, where().name)),
      frame(TEXT, 'early'), frame(PING, 'p')]));
    assert.equal((await r.head()).status, 101);
    assert.equal((await r.frame()).payload.toString(), 'early');
    assert.equal((await r.frame()).op, PONG);
    r.destroy();
  });
});

/* ------------------------------------------------- 5 to 7, frames and close */

// What a row expects, in order.
const text = (s) => async (r) => {
  const m = await r.message();
  assert.equal(m?.op, TEXT, `close ${m?.data?.toString('latin1')}`);
  assert.equal(m.data.toString(), s);
};
const binary = (b) => async (r) => {
  const m = await r.message();
  assert.equal(m?.op, BINARY);
  assert.ok(m.data.equals(bytes(b)), 'other bytes came back');
};
const pong = (s) => async (r) => {
  const f = await r.frame();
  assert.equal(f?.op, PONG);
  assert.ok(f.fin);
  assert.ok(f.payload.equals(bytes(s)), 'other payload in the pong');
};
/** A failure: this close code, then the server ends TCP without waiting. */
const fails = (code) => async (r) => {
  await r.closed(code);
  await r.finished();
};
/** The answer to a close: its code echoed, then the server ends TCP. */
const echoes = (code) => async (r) => {
  const f = await r.frame();
  assert.equal(f?.op, CLOSE);
  if (code === 1005)
    assert.ok(f.payload.length === 0
      || f.payload.readUInt16BE(0) === 1000, 'a code for an empty close');
  else
    assert.equal(f.payload.readUInt16BE(0), code);
  await r.finished();
};

const filler = (n) => crypto.createHash('shake256', { outputLength: n })
  .update('nwsd').digest();
const words = (n) => 'abcdefghij'.repeat(Math.ceil(n / 10)).slice(0, n);
const split = (b, n) => {
  const all = [];
  for (let i = 0; i < b.length; i += n)
    all.push(b.subarray(i, i + n));
  return all;
};
const fragments = (op, data, n, between = []) => {
  const parts = split(bytes(data), n);
  return parts.flatMap((p, i) => [frame(i === 0 ? op : CONT, p,
    { fin: i === parts.length - 1 }), ...i < parts.length - 1 ? between : []]);
};
const hex = (s) => Buffer.from(s.replaceAll(' ', ''), 'hex');

/** [what, frames to send, expectations]; `any` rows hold for every service. */
const echoRows = [
  ...[0, 1, 124, 125, 126, 127, 128, 65535, 65536, 65537, LIMIT].flatMap((n) => [
    [`5.2: text of ${n} bytes`, [frame(TEXT, words(n))], [text(words(n))]],
    [`5.2: binary of ${n} bytes`, [frame(BINARY, filler(n))],
      [binary(filler(n))]],
  ]),
  ['5.1: a mask of zeros', [Buffer.concat([hex('81 85 00 00 00 00'),
    bytes('hello')])], [text('hello')]],
  ['5.4: text in two', fragments(TEXT, 'hello', 3), [text('hello')]],
  ['5.4: binary byte by byte', fragments(BINARY, filler(30), 1),
    [binary(filler(30))]],
  ['5.4: first fragment empty', [frame(TEXT, '', { fin: false }),
    frame(CONT, 'x')], [text('x')]],
  ['5.4: middle fragment empty', [frame(TEXT, 'a', { fin: false }),
    frame(CONT, '', { fin: false }), frame(CONT, 'b')], [text('ab')]],
  ['5.4: last fragment empty', [frame(TEXT, 'a', { fin: false }),
    frame(CONT, '')], [text('a')]],
  ['5.4: all fragments empty', [frame(TEXT, '', { fin: false }),
    frame(CONT, '', { fin: false }), frame(CONT, '')], [text('')]],
  ['5.4: pings between fragments are answered before the message',
    fragments(TEXT, 'hello', 2, [frame(PING, 'p')]),
    [pong('p'), pong('p'), text('hello')]],
  ['5.4: unsolicited pongs between fragments',
    fragments(BINARY, filler(9), 4, [frame(PONG, 'x')]), [binary(filler(9))]],
  ['5.4: fragments up to the limit', fragments(BINARY, filler(LIMIT), 60000),
    [binary(filler(LIMIT))]],
  ['5.4: a close between fragments', [frame(TEXT, 'a', { fin: false }),
    closeFrame(1000), frame(CONT, 'b')], [echoes(1000)]],
  ['messages back to back', [frame(TEXT, 'a'), frame(BINARY, 'b'),
    frame(TEXT, ''), frame(PING, ''), frame(TEXT, 'c')],
  [text('a'), binary('b'), text(''), pong(''), text('c')]],
  ['8.1: a character cut by fragments',
    fragments(TEXT, 'κόσμε \u{10ffff} €', 1), [text('κόσμε \u{10ffff} €')]],
  ...['\u0000', '\u007f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000',
    '\ufffd', '\ufffe', '\uffff', '\u{10000}', '\u{10ffff}'].map((c) =>
    [`8.1: U+${c.codePointAt(0).toString(16)}`, [frame(TEXT, `a${c}b`)],
      [text(`a${c}b`)]]),
  ['8.1: bytes that are no UTF-8 are fine in binary', [frame(BINARY,
    hex('ff fe c0 80'))], [binary(hex('ff fe c0 80'))]],
];

const badText = {
  'a lone continuation byte': '80',
  'the byte ff': 'ff',
  'a start without its rest': 'c3',
  'overlong: two bytes': 'c0 af',
  'overlong: three bytes': 'e0 80 af',
  'overlong: four bytes': 'f0 80 80 af',
  'a surrogate': 'ed a0 80',
  'a surrogate pair': 'ed a0 80 ed b0 80',
  'above U+10FFFF': 'f4 90 80 80',
  'five bytes': 'f8 88 80 80 80',
  'a character cut at the end': 'e2 82',
};

const good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
  1014, 3000, 3999, 4000, 4999];
const bad = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000,
  65535];

const anyRows = [
  ['5.1: an unmasked frame', [frame(TEXT, 'x', { mask: false })],
    [fails(1002)]],
  ['5.1: an unmasked ping', [frame(PING, '', { mask: false })], [fails(1002)]],
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
    [`5.2: reserved bits ${rsv} on data`, [frame(TEXT, 'x', { rsv })],
      [fails(1002)]],
    [`5.2: reserved bits ${rsv} on a ping`, [frame(PING, 'x', { rsv })],
      [fails(1002)]],
    [`5.2: reserved bits ${rsv} on a close`,
      [closeFrame(1000, '', { rsv })], [fails(1002)]],
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((op) =>
    [`5.2: reserved opcode ${op}`, [frame(op, 'x')], [fails(1002)]]),
  ['5.2: 16 bits for a length of 125',
    [frame(TEXT, words(125), { size: 16 })], [fails(1002)]],
  ['5.2: 16 bits for a length of 0', [frame(TEXT, '', { size: 16 })],
    [fails(1002)]],
  ['5.2: 64 bits for a length of 126',
    [frame(TEXT, words(126), { size: 64 })], [fails(1002)]],
  ['5.2: 64 bits for a length of 65535',
    [frame(TEXT, words(65535), { size: 64 })], [fails(1002)]],
  ['5.2: 64 bits with the top bit set',
    [frame(BINARY, '', { size: 64, length: 1n << 63n })], [fails(1002)]],
  ['5.4: continuation of nothing', [frame(CONT, 'x')], [fails(1002)]],
  ['5.4: continuation without FIN of nothing',
    [frame(CONT, 'x', { fin: false })], [fails(1002)]],
  ['5.4: text inside a fragmented message', [frame(TEXT, 'a', { fin: false }),
    frame(TEXT, 'b')], [fails(1002)]],
  ['5.4: binary inside a fragmented message', [frame(TEXT, 'a',
    { fin: false }), frame(BINARY, 'b', { fin: false })], [fails(1002)]],
  ...[PING, PONG, CLOSE].flatMap((op) => [
    [`5.5: control frame ${op} of 126 bytes`,
      [frame(op, Buffer.alloc(126, 0x33))], [fails(1002)]],
    [`5.5: control frame ${op} in fragments`,
      [frame(op, '', { fin: false })], [fails(1002)]],
    [`5.5: control frame ${op} of 5 bytes with a 16 bit length`,
      [frame(op, '33333', { size: 16 })], [fails(1002)]],
  ]),
  ['5.5.2: an empty ping', [frame(PING)], [pong('')]],
  ['5.5.2: a ping with a payload', [frame(PING, 'payload')],
    [pong('payload')]],
  ['5.5.2: a ping of 125 bytes', [frame(PING, filler(125))],
    [pong(filler(125))]],
  ['5.5.2: ten pings in order', Array.from({ length: 10 }, (_, i) =>
    frame(PING, `${i}`)), Array.from({ length: 10 }, (_, i) => pong(`${i}`))],
  ['5.5.3: unsolicited pongs are ignored', [frame(PONG), frame(PONG, 'x'),
    frame(PONG, filler(125)), frame(PING, 'after')], [pong('after')]],
  ['5.5.1: an empty close', [frame(CLOSE)], [echoes(1005)]],
  ['5.5.1: a close of one byte', [frame(CLOSE, '\x03')], [fails(1002)]],
  ['5.5.1: a close with the longest reason',
    [closeFrame(1000, words(123))], [echoes(1000)]],
  ['5.5.1: a close with a reason in UTF-8', [closeFrame(1000, 'κόσμε')],
    [echoes(1000)]],
  ['8.1: a close with a reason that is no UTF-8',
    [closeFrame(1000, hex('ce ba ed a0 80'))], [fails(1007)]],
  ['8.1: a close with a reason that is cut',
    [closeFrame(1000, hex('e2 82'))], [fails(1007)]],
  ['5.5.1: nothing is sent or obeyed after a close',
    [closeFrame(1000), frame(PING, 'late'), frame(TEXT, 'late'),
      frame(3, 'bad')], [echoes(1000)]],
  ['5.5.1: a second close is ignored', [closeFrame(1001), closeFrame(1000)],
    [echoes(1001)]],
  ...good.map((code) => [`7.4: close code ${code}`, [closeFrame(code, 'x')],
    [echoes(code)]]),
  ...bad.map((code) => [`7.4: close code ${code} may not be sent`,
    [closeFrame(code)], [fails(1002)]]),
  ...Object.entries(badText).map(([what, b]) => [`8.1: text with ${what}`,
    [frame(TEXT, Buffer.concat([bytes('"ab'), hex(b)]))], [fails(1007)]]),
  ...Object.entries(badText).map(([what, b]) =>
    [`8.1: text in fragments with ${what}`,
      fragments(TEXT, Buffer.concat([bytes('"ab'), hex(b)]), 1),
      [fails(1007)]]),
  ['10.4: a frame one byte above max-message',
    [frame(BINARY, filler(LIMIT + 1))], [fails(1009)]],
  ['10.4: a length above max-message is refused before its payload',
    [frame(BINARY, '', { length: LIMIT + 1 })], [fails(1009)]],
  ['10.4: a length of 2^62', [frame(TEXT, '', { size: 64,
    length: 1n << 62n })], [fails(1009)]],
  ['10.4: fragments one byte above max-message',
    fragments(BINARY, filler(LIMIT + 1), 100000), [fails(1009)]],
  ['10.4: a thousand fragments and then too much',
    [...fragments(BINARY, filler(LIMIT), 300).map((f, i, a) =>
      i < a.length - 1 ? f : Buffer.concat([frame(CONT, 'x', { fin: false }),
        frame(CONT, filler(400), { fin: false })]))], [fails(1009)]],
];

/** Text that must be refused although its frame is not complete yet. */
const failFast = [
  ['in the middle of a frame', [frame(TEXT, Buffer.concat([bytes('κόσμε'),
    hex('ed a0')]), { length: 100 })]],
  ['in the first fragment', [frame(TEXT, hex('61 f4 90'), { fin: false })]],
  ['in a later fragment', [frame(TEXT, 'abc', { fin: false }),
    frame(CONT, hex('c0'), { fin: false })]],
  ['in a character cut by fragments', [frame(TEXT, hex('61 ed'),
    { fin: false }), frame(CONT, hex('a0'), { fin: false })]],
  ['in a long frame', [frame(TEXT, Buffer.concat([bytes(words(70000)),
    hex('ff')]), { length: 100000 })]],
];

function rows(holder, target, table, fields) {
  for (const [what, frames, expected] of table) {
    test(`${what} (${target})`, async () => {
      for (const piecemeal of [false, true]) {
        const r = await openRaw(listeners(holder.d)['127.0.0.1'], target,
          fields);
        try {
          const all = Buffer.concat(frames);
          if (piecemeal)
            r.dribble(all);
          else
            r.write(all);
          for (const e of expected)
            await e(r);
          if (!r.eof) {
            r.write(closeFrame(1000));
            await echoes(1000)(r);
          }
        } finally {
          r.destroy();
        }
      }
    });
  }
}

describe('frames and closing (RFC 6455, 5 to 8)', () => {
  const h = useDaemon('echo on');
  rows(h, ECHO, echoRows);
  rows(h, ECHO, anyRows);
  rows(h, CHANNEL, anyRows);
  rows(h, ECHO, failFast.map(([what, frames]) =>
    [`8.1: bad UTF-8 is refused at once ${what}`, frames, [fails(1007)]]));
  rows(h, CHANNEL, failFast.map(([what, frames]) =>
    [`8.1: bad UTF-8 is refused at once ${what}`, frames, [fails(1007)]]));

  test('7.1.1: the server ends TCP first and waits for our end', async () => {
    const r = await openRaw(listeners(h.d)['127.0.0.1'], ECHO);
    r.write(closeFrame(1000));
    await echoes(1000)(r);
    assert.ok(!r.reset, 'reset instead of an orderly end');
    r.socket.end();
    await r.wait(() => r.socket.destroyed || r.socket.closed, 'the end');
    assert.ok(!r.reset, 'reset instead of an orderly end');
  });

  test('7.1.5: what was sent before a close arrives before it', async () => {
    const r = await openRaw(listeners(h.d)['127.0.0.1'], ECHO);
    r.write(Buffer.concat([...Array.from({ length: 200 }, (_, i) =>
      frame(TEXT, `${i}`)), closeFrame(1000)]));
    for (let i = 0; i < 200; i++)
      await text(`${i}`)(r);
    await echoes(1000)(r);
    r.destroy();
  });

  test('7.1.1: TCP that ends without a close', async () => {
    for (const part of [Buffer.alloc(0), frame(TEXT, 'x', { fin: false }),
      frame(TEXT, '', { length: 50 }), frame(PING, 'x').subarray(0, 3)]) {
      const r = await openRaw(listeners(h.d)['127.0.0.1'], ECHO);
      r.write(part);
      r.socket.end();
      await r.wait(() => r.eof, 'end of file');
      r.destroy();
    }
  });
});

describe('max-message', () => {
  const h = useDaemon('echo on\nmax-message 16M');
  const big = 16 << 20;
  rows(h, ECHO, [
    ['16 MiB', [frame(BINARY, filler(big))], [binary(filler(big))]],
    ['16 MiB in fragments', fragments(BINARY, filler(big), 1 << 20),
      [binary(filler(big))]],
    ['16 MiB in fragments of 64 bytes of text',
      fragments(TEXT, words(1 << 20), 64), [text(words(1 << 20))]],
    ['one byte more', [frame(BINARY, '', { length: big + 1 })], [fails(1009)]],
  ]);
});

/* --------------------------------------------- RFC 7692, permessage-deflate */

const PMD = 'permessage-deflate';
const both = ['server_no_context_takeover', 'client_no_context_takeover'];

/** [offer, accepted, largest server window, window offered by the client] */
const offers = [
  [PMD, true],
  [`${PMD}; client_max_window_bits`, true],
  [`${PMD}; server_no_context_takeover`, true],
  [`${PMD}; client_no_context_takeover`, true],
  [`${PMD}; server_no_context_takeover; client_no_context_takeover`, true],
  ...[9, 10, 11, 12, 13, 14, 15].flatMap((n) => [
    [`${PMD}; server_max_window_bits=${n}`, true, n],
    [`${PMD}; server_max_window_bits="${n}"`, true, n],
    [`${PMD}; client_max_window_bits=${n}`, true],
    [`${PMD}; server_max_window_bits=${n}; client_max_window_bits=${n}`, true, n],
  ]),
  [`${PMD}; server_max_window_bits=8`, false],
  [`${PMD}; server_max_window_bits=8, ${PMD}`, true],
  [`${PMD}; server_max_window_bits=7`, false],
  [`${PMD}; server_max_window_bits=16`, false],
  [`${PMD}; server_max_window_bits=010`, false],
  [`${PMD}; server_max_window_bits`, false],
  [`${PMD}; server_max_window_bits=x`, false],
  [`${PMD}; client_max_window_bits=7`, false],
  [`${PMD}; client_max_window_bits=16`, false],
  [`${PMD}; server_no_context_takeover=1`, false],
  [`${PMD}; client_no_context_takeover=x`, false],
  [`${PMD}; unknown`, false],
  [`${PMD}; unknown=3`, false],
  [`${PMD}; client_max_window_bits; client_max_window_bits`, false],
  [`${PMD}; server_max_window_bits=10; server_max_window_bits=10`, false],
  [`${PMD}; server_no_context_takeover; server_no_context_takeover`, false],
  [`${PMD}; unknown, ${PMD}; server_max_window_bits=10`, true, 10],
  [`other, ${PMD}`, true],
  [`other; a="b", ${PMD}`, true],
  ['x-webkit-deflate-frame', false],
  ['permessage-deflatex', false],
];

/** A deflate block type that does not exist. */
const junk = hex('07 ff ff ff ff');

const deflateRows = [
  ['7.2: a compressed text', [frame(TEXT, deflate('hello'), { rsv: 4 })],
    [text('hello')]],
  ['7.2.3.1: the example of the RFC', [frame(TEXT, hex('f2 48 cd c9 c9 07 00'),
    { rsv: 4 })], [text('Hello')]],
  ['7.2.3.3: a block without compression', [frame(TEXT,
    hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), { rsv: 4 })], [text('Hello')]],
  ['7.2.3.4: a block with BFINAL', [frame(TEXT,
    hex('f3 48 cd c9 c9 07 00 00'), { rsv: 4 })], [text('Hello')]],
  ['7.2.3.5: two blocks', [frame(TEXT,
    hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), { rsv: 4 })],
  [text('Hello')]],
  ['7.2.3.6: an empty message', [frame(TEXT, hex('00'), { rsv: 4 })],
    [text('')]],
  ['6: an uncompressed message is allowed', [frame(TEXT, 'plain'),
    frame(TEXT, deflate('packed'), { rsv: 4 }), frame(BINARY, 'plain')],
  [text('plain'), text('packed'), binary('plain')]],
  ['6.1: a compressed message in fragments',
    split(deflate(words(1000)), 5).map((p, i, a) => frame(i ? CONT : TEXT, p,
      { rsv: i ? 0 : 4, fin: i === a.length - 1 })), [text(words(1000))]],
  ['6.1: control frames between compressed fragments',
    split(deflate(filler(100)), 40).flatMap((p, i, a) => [
      frame(i ? CONT : BINARY, p, { rsv: i ? 0 : 4,
        fin: i === a.length - 1 }), ...i < a.length - 1
        ? [frame(PING, `${i}`)] : []]),
    [pong('0'), pong('1'), binary(filler(100))]],
  ['6.1: an empty first fragment', [frame(TEXT, '', { rsv: 4, fin: false }),
    frame(CONT, deflate('x'))], [text('x')]],
  ['6.2: a message as large as allowed', [frame(BINARY,
    deflate(Buffer.alloc(LIMIT)), { rsv: 4 })],
  [binary(Buffer.alloc(LIMIT))]],
  ['6.2: a message that cannot be compressed', [frame(BINARY,
    deflate(filler(100000)), { rsv: 4 })], [binary(filler(100000))]],
  ['7.2.2: every level of compression', [0, 1, 5, 9].map((level) =>
    frame(TEXT, deflate(words(5000), { level }), { rsv: 4 })),
  Array(4).fill(text(words(5000)))],
  ['7.1.1.2: the context is not taken over', Array(3).fill(
    frame(TEXT, deflate(words(300)), { rsv: 4 })),
  Array(3).fill(text(words(300)))],
  ['6: RSV1 on a continuation', [frame(TEXT, deflate('a'), { rsv: 4,
    fin: false }), frame(CONT, 'b', { rsv: 4 })], [fails(1002)]],
  ['6: RSV1 on a continuation of what is not compressed',
    [frame(TEXT, 'a', { fin: false }), frame(CONT, 'b', { rsv: 4 })],
    [fails(1002)]],
  ...[PING, PONG, CLOSE].map((op) => [`6: RSV1 on control frame ${op}`,
    [frame(op, '', { rsv: 4 })], [fails(1002)]]),
  ['5.2: RSV2', [frame(TEXT, 'x', { rsv: 2 })], [fails(1002)]],
  ['5.2: RSV1 and RSV3', [frame(TEXT, 'x', { rsv: 5 })], [fails(1002)]],
  ['7.2.2: bytes that are no deflate', [frame(TEXT, junk, { rsv: 4 })],
    [fails(1007)]],
  ['7.2.2: a message that is cut', [frame(BINARY,
    deflate(filler(5000)).subarray(0, 2000), { rsv: 4 })], [fails(1007)]],
  ['8.1: compressed text that is no UTF-8', [frame(TEXT,
    deflate(hex('61 ed a0 80')), { rsv: 4 })], [fails(1007)]],
  ['8.1: compressed text with a character cut at the end', [frame(TEXT,
    deflate(hex('61 e2 82')), { rsv: 4 })], [fails(1007)]],
  ['10.4: one byte above max-message once inflated', [frame(BINARY,
    deflate(Buffer.alloc(LIMIT + 1)), { rsv: 4 })], [fails(1009)]],
  ['10.4: a bomb', [frame(BINARY, deflate(Buffer.alloc(100 << 20)),
    { rsv: 4 })], [fails(1009)]],
  ['10.4: a bomb in fragments', split(deflate(Buffer.alloc(100 << 20)), 900)
    .map((p, i, a) => frame(i ? CONT : BINARY, p,
      { rsv: i ? 0 : 4, fin: i === a.length - 1 })),
  [fails(1009)]],
];

describe('permessage-deflate (RFC 7692)', () => {
  const h = useDaemon('echo on\ndeflate on');
  const where = () => listeners(h.d)['127.0.0.1'];
  const fields = { 'Sec-WebSocket-Extensions': PMD };

  for (const [offer, accepted, bits] of offers) {
    test(`${accepted ? 'accepts' : 'declines'} ${offer}`, async () => {
      const r = await openRaw(where(), ECHO,
        { 'Sec-WebSocket-Extensions': offer });
      const answer = r.response.headers['sec-websocket-extensions'];
      if (!accepted) {
        assert.equal(answer, undefined);
        r.write(frame(TEXT, deflate('x'), { rsv: 4 }));
        await fails(1002)(r);
        r.destroy();
        return;
      }
      const params = answer.split(/\s*;\s*/);
      assert.equal(params.shift(), PMD);
      assert.equal(new Set(params).size, params.length, answer);
      for (const p of both)
        assert.ok(params.includes(p), `${p} in ${answer}`);
      const server = /server_max_window_bits=(\d+)/.exec(answer)?.[1];
      if (bits !== undefined)
        assert.ok(Number(server) <= bits, `7.1.2.1: ${answer}`);
      if (!offer.includes('client_max_window_bits'))
        assert.doesNotMatch(answer, /client_max_window_bits/, '7.1.2.2');
      // What is far apart must not be found again in a small window.
      const data = Buffer.concat([filler(700), words(20000), filler(700),
        filler(9000), filler(700)].map(bytes));
      r.write(frame(BINARY, deflate(data), { rsv: 4 }));
      const m = await r.message(bits ?? 15);
      assert.ok(m.data.equals(data));
      r.destroy();
    });
  }

  for (const value of ['permessage-deflate; =1', 'a b', ';', '"x"',
    'permessage-deflate; a="b',
    'other; a="b,c"', 'permessage-deflate; client_max_window_bits=', 'permessage-deflate; server_max_window_bits=" 9"'])
    test(`9.1: what is no list of extensions: ${value}`, async () => {
      const r = await Raw.open(where());
      r.write(upgradeRequest(ECHO, where().name,
        { 'Sec-WebSocket-Extensions': value }));
      const head = await r.head();
      assert.ok(head.status === 400 || (head.status === 101
        && !('sec-websocket-extensions' in head.headers)), head.text);
      r.destroy();
    });

  test('offers in several fields are one list', async () => {
    const r = await openRaw(where(), ECHO, { 'Sec-WebSocket-Extensions':
      ['other', `${PMD}; unknown`, `${PMD}; server_max_window_bits=12`] });
    assert.match(r.response.headers['sec-websocket-extensions'],
      /server_max_window_bits=12/);
    r.destroy();
  });

  rows(h, ECHO, deflateRows, fields);
  rows(h, ECHO, echoRows.filter(([w]) => /^5\.4|back to back/.test(w)), fields);
  rows(h, CHANNEL, deflateRows.filter(([what]) =>
    /RSV|no deflate|is cut|bomb|UTF-8/.test(what)), fields);
});
