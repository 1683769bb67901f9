// What can be seen on the wire: packets that others can decode, and nothing
// that depends on a channel's name, its members or what they say.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import os from 'node:os';
import { describe, it } from 'node:test';
import { run, waitUntil } from '../live/lib.mjs';
import { meet, talk } from './clients.mjs';
import { Capture, Network, unlessPrograms } from './hosts.mjs';
import { packets, records, streams } from './pcap.mjs';

const skip = unlessPrograms('dumpcap', 'tshark');
const test = (name, fn) => it(name, { skip }, fn);

/** Rows of fields of the packets that a display filter of tshark takes. */
async function tshark(file, filter, ...fields) {
  const r = await run('tshark', ['-r', file, '-Y', filter, '-T', 'fields',
    ...fields.flatMap((f) => ['-e', f])], { timeout: 60000 });
  assert.equal(r.code, 0, r.err);
  return r.out.split('\n').filter(Boolean).map((l) => l.split('\t'));
}

/* ------------------------------------------------------------- what leaks */

const hashes = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512',
  'sha3-256', 'sha3-512', 'blake2b512', 'blake2s256', 'ripemd160'];

const lv = (b) => {
  const head = [];
  let n = b.length;
  for (; n > 127; n >>= 7)
    head.push(n & 127 | 128);
  return Buffer.concat([Buffer.from([...head, n]), b]);
};

/** The password of a channel without a secret, see nws-link(7). */
const password = (name) => crypto.createHash('sha512').update(Buffer.concat(
  ['nws/2.0.0 channel password', name, ''].map((s) => lv(Buffer.from(s)))))
  .digest();

/** Bytes that would give a text away: itself and what is made of it alone. */
function needles(text, { hashed = true } = {}) {
  const found = new Map();
  const add = (what, bytes) => found.set(`${what} of ${text.slice(0, 40)}`,
    Buffer.from(bytes));
  add('text', text);
  add('UTF-16', Buffer.from(text, 'utf16le'));
  // Whatever stands before it, base64 has one of these three inside.
  for (let i = 0; i < 3; i++) {
    const s = Buffer.from('\0'.repeat(i) + text).toString('base64');
    const inner = s.slice(i === 0 ? 0 : 4, s.length - s.length % 4 - 4);
    if (inner.length >= 8)
      add(`base64 (${i})`, inner);
  }
  add('hex', Buffer.from(text).toString('hex'));
  for (const alg of hashed ? hashes : [])
    for (const [how, input] of [['', text], ['/', `/${text}`],
      ['newline ', `${text}\n`], ['NUL ', `${text}\0`]]) {
      const d = crypto.createHash(alg).update(input).digest();
      add(`${how}${alg}`, d.subarray(0, 8));
      add(`${how}${alg} hex`, d.toString('hex').slice(0, 14));
      add(`${how}${alg} HEX`, d.toString('hex').toUpperCase().slice(0, 14));
      add(`${how}${alg} base64`, d.toString('base64').slice(0, 10));
      add(`${how}${alg} base64url`, d.toString('base64url').slice(0, 10));
    }
  if (hashed)
    add('password', password(text).subarray(0, 8));
  return found;
}

function idNeedles(id) {
  const b = Buffer.alloc(8), l = Buffer.alloc(8);
  b.writeBigUInt64BE(BigInt(id));
  l.writeBigUInt64LE(BigInt(id));
  return new Map([[`id ${id}`, Buffer.from(id)], [`id ${id}, big`, b],
    [`id ${id}, little`, l], [`id ${id}, hex`,
      Buffer.from(BigInt(id).toString(16))]]);
}

/** None of these is in the capture, nor across the packets of a connection. */
function assertUnseen(bytes, flows, all) {
  for (const [what, needle] of all) {
    assert.equal(bytes.indexOf(needle), -1, `${what} is on the wire`);
    for (const f of flows)
      assert.equal(f.bytes.indexOf(needle), -1, `${what} is in a connection`);
  }
}

describe('on the wire', { concurrency: 3 }, () => {
  test('mDNS decodes without an error, and says what it should', async (t) => {
    await Network.of(['a', 'b', 'c'], {}, async (a, b, c, n) => {
      const capture = await Capture.start(n.bridges[0],
        { filter: 'udp port 5353' });
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('telling-name'),
        await b.join('telling-name')];
      await meet(clients);
      // Addresses change, one more host comes, with its own questions.
      await a.ip('addr add 10.77.1.150/24 dev eth0',
        'addr add fd77:1::150/64 dev eth0 nodad');
      await waitUntil(async () => JSON.stringify(await b.d.show('discovery'))
        .includes('10.77.1.150'), 'the new address');
      await a.ip('addr del fd77:1::150/64 dev eth0');
      await c.start();
      clients.push(await c.join('telling-name'));
      await meet(clients);
      await c.named();
      await c.stop();
      await meet(clients.slice(0, 2));
      await b.unplug();
      await b.plug();
      await meet(clients.slice(0, 2), 60000);
      await a.named();
      await b.named();
      const own = (await a.d.show('discovery')).find((s) => s.own);
      await a.stop();
      await b.stop();
      await capture.stop();
      const { file } = capture;
      // It takes probes and announcements, said twice, for lost and repeated.
      const bad = (await tshark(file,
        '_ws.malformed || _ws.expert.severity >= "Warning"',
        'frame.number', '_ws.expert.message')).filter(([, text]) =>
        !/^DNS (query|response) retransmission[^,]*$/.test(text));
      assert.deepEqual(bad, []);
      const all = await tshark(file, 'udp.port == 5353', 'frame.protocols',
        'udp.srcport', 'ip.ttl', 'ipv6.hlim', 'dns.id');
      assert.ok(all.length > 10, `only ${all.length} packets`);
      for (const [protocols, port, ttl, hops, id] of all) {
        assert.match(protocols, /:mdns$/);
        assert.equal(port, '5353');
        assert.equal(ttl || hops, '255');
        assert.equal(Number(id), 0);
      }
      t.diagnostic(`${all.length} packets of mDNS`);
      // Goodbyes of all three hosts, probes and announcements.
      const goodbyes = await tshark(file, 'dns.flags.response == 1 && '
        + 'dns.resp.ttl == 0', 'eth.src');
      assert.equal(new Set(goodbyes.flat()).size, 3);
      const probes = await tshark(file, 'dns.flags.response == 0 && '
        + 'dns.count.auth_rr > 0', 'eth.src');
      assert.equal(new Set(probes.flat()).size, 3);
      // The names are random, and nothing else is told.
      const host = os.hostname().toLowerCase();
      const told = (await tshark(file, 'udp.port == 5353', 'dns.qry.name',
        'dns.resp.name', 'dns.ptr.domain_name', 'dns.srv.target')).flat()
        .flatMap((s) => s.split(',')).flatMap((s) => s.split('.'));
      const known = ['_nws', '_tcp', 'local', '_services', '_dns-sd', '_udp'];
      assert.deepEqual(told.filter((s) => s !== '' && !known.includes(s)
        && !/^[a-z2-7]{16}$/.test(s)), []);
      assert.ok(!told.includes(host), 'the name of this machine');
      assert.equal(capture.bytes.indexOf('telling-name'), -1);
      const texts = new Set((await tshark(file, 'dns.txt', 'dns.txt'))
        .flatMap(([s]) => s.split(',')));
      t.diagnostic(`TXT: ${[...texts].join(' | ')}`);
      assert.ok(texts.has('v=2'));
      for (const s of texts)
        assert.match(s, /^[a-z]{1,4}=[0-9a-f]{1,16}$/);
      t.diagnostic(`a is ${JSON.stringify(own)}`);
    });
  });

  const names = ['chat', 'lobby', 'general', 'a.very_odd-name*with+all=0',
    'support.home', 'x'.repeat(255),
    crypto.randomBytes(12).toString('hex')];

  test('a whole conversation gives nothing away', async (t) => {
    await Network.of(['a', 'b'], {}, async (a, b, n) => {
      const capture = await Capture.start(n.bridges[0]);
      await Promise.all([a, b].map((h) =>
        h.start('channel "behind" { secret "rosebud-rosebud" }')));
      const secrets = new Map();
      const note = (map) => map.forEach((v, k) => secrets.set(k, v));
      for (const name of [...names, 'behind']) {
        const clients = [await a.join(name), await b.join(name),
          await b.join(name, '?presence=off')];
        const [one, two, silent] = clients;
        await meet([one, two]);
        const word = `payload-${crypto.randomBytes(9).toString('hex')}`;
        one.broadcast({ [word]: word });
        await two.gets((o) => o.data?.[word]);
        await silent.gets((o) => o.data?.[word]);
        two.direct(one, word);
        await one.gets((o) => o.data === word);
        note(needles(name));
        note(needles(word, { hashed: false }));
        for (const c of clients)
          note(idNeedles(c.id));
        await Promise.all(clients.map((c) => c.close()));
      }
      note(needles('rosebud-rosebud'));
      // One that only one of them has.
      const only = await a.join('only-here-and-nowhere-else');
      note(needles('only-here-and-nowhere-else'));
      note(idNeedles(only.id));
      await a.stop();
      await b.stop();
      const bytes = await capture.stop();
      const flows = streams(packets(bytes));
      assert.ok(flows.length >= 2 && flows.every((f) => f.late === 0));
      assert.ok(flows.every((f) => [f.sport, f.dport].includes(9010)));
      t.diagnostic(`${secrets.size} things looked for in ${bytes.length} `
        + 'bytes');
      assertUnseen(bytes, flows, secrets);
      // The search works: what is there is found.
      assert.notEqual(bytes.indexOf('_nws'), -1);
    });
  });

  /** Waits until a link is quiet, and has so many channels. */
  async function quiet(host, channels) {
    let bytes, since;
    await waitUntil(async () => {
      const [l] = await host.links();
      const now = `${l.bytes_in} ${l.bytes_out}`;
      if (now !== bytes) {
        bytes = now;
        since = Date.now();
      }
      return Date.now() - since > 100 && l.channels === channels;
    }, 'a quiet link');
    return Date.now() / 1000;
  }

  /** What is done on one channel, step by step: the times between them. */
  async function steps(a, b, name) {
    const times = [await quiet(a, 0)];
    const one = await a.join(name);
    times.push(await quiet(a, 0));
    const two = await b.join(name);
    await meet([one, two]);
    times.push(await quiet(a, 1));
    one.broadcast('some words');
    await two.gets((o) => o.data === 'some words');
    times.push(await quiet(a, 1));
    two.direct(one, 'an answer');
    await one.gets((o) => o.data === 'an answer');
    times.push(await quiet(a, 1));
    await one.close();
    await two.sees([]);
    times.push(await quiet(a, 0));
    await two.close();
    return times;
  }

  /** Lengths of the records that each side sent between these times. */
  const lengths = (all, times) => JSON.stringify(times.slice(1).map((end, i) =>
    streams(all.filter((p) => p.time > times[i] && p.time <= end),
      { whole: false }).map((f) => [f.sport === 9010 ? 'a' : 'b',
      ...records(f.bytes).map((r) => r.length)].join(' ')).sort()));

  test('lengths do not depend on the length of a name', async (t) => {
    await Network.of(['a', 'b'], {}, async (a, b, n) => {
      await a.start('discovery off');
      await b.start(`discovery off\npeer ${a.ports.eth0.v4}`);
      await a.linked(1);
      await b.linked(1);
      const capture = await Capture.start(n.bridges[0], { filter: 'tcp' });
      const runs = [];
      // Twice each, since two messages may share a record on a slow machine.
      for (const name of ['n', 'n'.repeat(255), 'support.home', 'n', 'm',
        'm'.repeat(255), 'another-name'])
        runs.push([name, await steps(a, b, name)]);
      const all = packets(await capture.stop());
      const seen = new Map([['short', new Set()], ['long', new Set()]]);
      for (const [name, times] of runs)
        seen.get(name.length < 255 ? 'short' : 'long').add(lengths(all, times));
      t.diagnostic([...seen.get('long')].join(' or '));
      assert.ok([...seen.get('long')].some((s) => seen.get('short').has(s)),
        JSON.stringify([...seen].map(([k, v]) => [k, [...v]])));
      assert.match([...seen.get('long')][0], /a \d+ \d+/, 'nothing was seen');
    });
  });
});
