// Malformed bytes of each layer below /nws/2.0.0: each ends its connection, and
// nothing else.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import tls from 'node:tls';
import { describe, test } from 'node:test';
import { unaffected } from './attacker.mjs';
import { run, tempDir, waitUntil, within } from './lib.mjs';
import { fresh, member, newId, useLinked, withLinked } from './linkd.mjs';
import { Node, insideOf } from './p2p.mjs';
import { HEADER, Peer, choose, message, sized } from './tcp.mjs';

describe('malformed bytes', () => {
  const holder = useLinked();

  /** Each of the list must end its connection, and nothing else. */
  async function refused(list, begin) {
    const { d } = holder;
    const check = await unaffected(d);
    const up = await d.counter('crypto_up_total');
    for (const [name, bytes] of Object.entries(list)) {
      const p = await Peer.dial(d.link);
      await begin?.(p);
      for (const b of [bytes].flat())
        p.write(b);
      await p.over(name, 5000);
      p.socket.destroy();
    }
    assert.equal(await d.counter('crypto_up_total'), up);
    await check();
  }

  test('multistream-select', () => refused({
    'HTTP': Buffer.from(`GET /${'x'.repeat(100)} HTTP/1.1\r\n\r\n`),
    'TLS at once': Buffer.concat([Buffer.from('16030100ea010000e60303', 'hex'),
      crypto.randomBytes(200)]),
    'zeros': Buffer.alloc(4096),
    'a length without end': Buffer.alloc(16, 0xff),
    'a length of 2^31': Buffer.from('8080808008', 'hex'),
    'a length that is not minimal': Buffer.from([0x93, 0x00,
      ...HEADER.subarray(1)]),
    'no newline': Buffer.from([...HEADER.subarray(0, 19), 0x20]),
    'another version': message('/multistream/2.0.0'),
    'noise': crypto.randomBytes(8192),
    'an empty message': Buffer.concat([HEADER, Buffer.from([0])]),
    'a message above the limit': Buffer.concat([HEADER,
      Buffer.from([0x81, 0x10]), Buffer.alloc(2049, 0x61)]),
    'proposals without end': Buffer.concat([HEADER,
      ...Array.from({ length: 5000 }, (_, i) => message(`/no/${i}`))]),
  }));

  const agreed = (protocol) => async (p) => {
    p.write(choose(protocol));
    await waitUntil(() => p.got.includes(`${protocol}\n`), protocol);
  };

  test('Noise', () => refused({
    'an empty message': Buffer.from([0, 0]),
    '31 octets': sized(crypto.randomBytes(31)),
    '65535 octets': sized(crypto.randomBytes(65535)),
    'a point of order 1': [sized(Buffer.alloc(32)), sized(Buffer.alloc(96))],
    'a point of low order': [sized(Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46'
      + 'ada098deb9c32b1fd866205165f49b800', 'hex')),
    sized(crypto.randomBytes(128))],
    'a third message of random octets': [sized(crypto.randomBytes(32)),
      sized(crypto.randomBytes(200))],
    'a third message too short': [sized(crypto.randomBytes(32)),
      sized(crypto.randomBytes(47))],
  }, agreed('/noise')));

  test('TLS', () => refused({
    'random': crypto.randomBytes(512),
    'a record of 65535': Buffer.concat([Buffer.from('160303ffff', 'hex'),
      Buffer.alloc(65535)]),
    'an alert': Buffer.from('15030300020228', 'hex'),
    'data at once': Buffer.from('170303001000000000000000000000000000000000',
      'hex'),
    'a ClientHello that is cut': [Buffer.from('16030100050100000103', 'hex'),
      Buffer.from('1603010001ff', 'hex')],
  }, agreed('/tls/1.0.0')));

  /** A TLS client of our own on the link port; resolves at its end. */
  async function tlsClient(d, options) {
    const p = await Peer.dial(d.link);
    await agreed('/tls/1.0.0')(p);
    p.socket.removeAllListeners('data');
    const c = tls.connect({ socket: p.socket, rejectUnauthorized: false,
      ALPNProtocols: ['/yamux/1.0.0', 'libp2p'], ...options });
    c.on('error', () => {});
    await within(new Promise((resolve) => {
      c.on('close', resolve);
      // Whoever is let in would see frames of yamux.
      c.on('data', (b) => resolve(b));
    }).then((b) => assert.equal(b?.length, undefined, 'let in')),
    'the end of a TLS connection');
  }

  test('TLS of the wrong kind, certificates of the wrong kind', async () => {
    const { d } = holder;
    const check = await unaffected(d);
    const from = await d.counter('crypto_secured_tls_total');
    await tlsClient(d, { maxVersion: 'TLSv1.2' });
    await tlsClient(d, {});
    const dir = tempDir();
    const r = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
      'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=x',
      '-keyout', `${dir}/key`, '-out', `${dir}/cert`]);
    assert.equal(r.code, 0, r.err);
    const own = { key: fs.readFileSync(`${dir}/key`),
      cert: fs.readFileSync(`${dir}/cert`) };
    await tlsClient(d, own);
    // With the extension, but signed by nobody; and ALPN of something else.
    const forged = Buffer.concat([Buffer.from('3068042408011220', 'hex'),
      crypto.randomBytes(32), Buffer.from('0440', 'hex'),
      crypto.randomBytes(64)]);
    const e = await run('openssl', ['req', '-x509', '-key', `${dir}/key`,
      '-days', '1', '-subj', '/CN=x', '-addext',
      `1.3.6.1.4.1.53594.1.1=DER:${forged.toString('hex')}`, '-out',
      `${dir}/forged`]);
    assert.equal(e.code, 0, e.err);
    const cert = fs.readFileSync(`${dir}/forged`);
    await tlsClient(d, { key: own.key, cert });
    await tlsClient(d, { ...own, ALPNProtocols: ['h2'] });
    assert.equal(await d.counter('crypto_secured_tls_total'), from);
    await check();
  });

  const frame = (type, flags, id, length, body = Buffer.alloc(0)) => {
    const b = Buffer.alloc(12);
    b[1] = type;
    b.writeUInt16BE(flags, 2);
    b.writeUInt32BE(id, 4);
    b.writeUInt32BE(length, 8);
    return Buffer.concat([b, body]);
  };
  const SYN = 1, RST = 8;

  for (const security of ['noise', 'tls'])
    test(`yamux in ${security}`, async () => {
      const { d } = holder;
      const check = await unaffected(d);
      const node = await Node.start({ security: [security] });
      const version = frame(2, SYN, 0, 0);
      version[0] = 1;
      const list = {
        'version 1': version,
        'type 4': frame(4, 0, 0, 0),
        'a stream of our side': frame(0, SYN, 2, 0),
        'stream 0': frame(0, SYN, 0, 0),
        'more than the window': [frame(0, SYN, 9001, 0),
          frame(0, 0, 9001, 0x7fffffff, crypto.randomBytes(60000))],
        'a window of more than 2^32': [frame(1, SYN, 9001, 0xffffffff),
          frame(1, 0, 9001, 0xffffffff)],
        'random': crypto.randomBytes(50000),
      };
      for (const [name, bytes] of Object.entries(list)) {
        const connection = await node.dial(d.link);
        const inside = insideOf(connection);
        for (const b of [bytes].flat())
          inside.send(b);
        await waitUntil(() => connection.status !== 'open',
          `the end of a connection with ${name}`);
      }
      // Frames of streams that are not there are no reason for anything, nor is
      // a stream on which nobody says something sensible.
      const connection = await node.dial(d.link);
      const inside = insideOf(connection);
      inside.send(frame(0, 0, 4711, 3, Buffer.from('abc')));
      inside.send(frame(1, RST, 4711, 0));
      inside.send(frame(0, SYN, 8001, 64, crypto.randomBytes(64)));
      inside.send(frame(0, SYN, 8003, 20, HEADER));
      await node.libp2p.services.ping.ping(connection.remotePeer);
      // More streams than there may be are reset, until there is room again.
      const ping = () => node.libp2p.services.ping.ping(connection.remotePeer);
      for (let i = 0; i < 2000; i++)
        inside.send(frame(1, SYN, 20001 + 2 * i, 0));
      await assert.rejects(ping(), /reset/);
      for (let i = 0; i < 2000; i++)
        inside.send(frame(1, RST, 20001 + 2 * i, 0));
      await ping();
      assert.equal(connection.status, 'open');
      await node.stop();
      await check();
    });

  test('identify', async () => {
    const key = Buffer.concat([Buffer.from('0a24080112', 'hex'),
      Buffer.from([0x20]), crypto.randomBytes(32)]);
    const varint = (b) => Buffer.concat([Buffer.from([b.length & 0x7f | 0x80,
      b.length >> 7]), b]);
    const list = {
      'random': crypto.randomBytes(300),
      'a length of 4 GiB': Buffer.from('ffffffff0f', 'hex'),
      'a length without end': Buffer.alloc(100, 0xff),
      'more than there may be': varint(Buffer.alloc(16000, 0x0a)),
      'cut': varint(key).subarray(0, 20),
      'the key of another': varint(Buffer.concat([key, Buffer.alloc(200,
        0)])),
      'a field longer than all': varint(Buffer.concat([
        Buffer.from('32ffffffff0f', 'hex'), Buffer.alloc(200)])),
      'wire type 7': varint(Buffer.alloc(200, 0x0f)),
      'an agent to fool a terminal': varint(Buffer.concat([
        Buffer.from([0x32, 0xc8, 0x01]), Buffer.alloc(100, '\x1b[2J\r\n'),
        Buffer.alloc(100, 0x80)])),
      'nothing': Buffer.alloc(0),
    };
    const node = await Node.start({ listen: true, security: ['noise'],
      identified: false });
    let answer;
    await node.libp2p.handle('/ipfs/id/1.0.0', (stream) => {
      if (answer.length > 0)
        stream.send(answer);
      stream.close().catch(() => {});
    });
    await withLinked('', async (d) => {
      for (const [name, bytes] of Object.entries(list)) {
        answer = bytes;
        const session = await node.link(d.link);
        const channel = fresh(), mine = newId();
        const ws = await member(d, channel);
        const c = session.join(channel, { ids: [mine] });
        await Promise.race([c.next('shared'), session.ended]);
        if (session.reason === null) {
          await ws.action('connect');
          const row = (await d.ctl('show', 'links')).out;
          assert.doesNotMatch(row, /[\x00-\x09\x0b-\x1f\x7f-\xff]/, name);
        }
        await ws.close();
        session.end();
      }
    });
    await node.stop();
  });
});
