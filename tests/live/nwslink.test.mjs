// The reference client of nws-link(7) by itself: the draft's vectors, and the
// protocol against itself in memory.  No daemon here.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { Cpace, Intersection, ProtocolError, channelPassword, cpaceGenerator,
  lv, multiply, scalarFrom, sessionOf } from './nwscrypto.mjs';
import { Reader, SILENT, encode, rawFrame } from './nwsframe.mjs';
import { Session, wirePair } from './nwslink.mjs';
import { waitUntil } from './lib.mjs';

const hex = (s) => Buffer.from(s, 'hex');

describe('CPace, vectors of CPACE-RISTR255-SHA512', () => {
  const input = { prs: 'Password', sid: hex('7e4b4791d6a8ef019b936c79fb7f2c57'),
    ci: Buffer.from('\x0bA_initiator\x0bB_responder') };
  const pair = () => [
    new Cpace({ ...input, ad: 'ADa', remoteAd: 'ADb', scalar: scalarFrom(hex(
      'da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08')) }),
    new Cpace({ ...input, ad: 'ADb', remoteAd: 'ADa', scalar: scalarFrom(hex(
      'd2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d')) }),
  ];

  test('generator, shares, ISK', () => {
    assert.equal(cpaceGenerator(input).toString('hex'),
      '222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56');
    const [a, b] = pair();
    assert.equal(a.share.toString('hex'),
      'd6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157');
    assert.equal(b.share.toString('hex'),
      '3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258');
    a.take(b.share);
    b.take(a.share);
    const isk = '544199d71f62f8d9a1fee55727e24fe4a45844593c2b6013c4fa3969d0e5d'
      + 'ebb2244675c0b43397cbb68d342b01fc0f98fc961469a25134de9f0f813c1a57476';
    assert.equal(a.isk.toString('hex'), isk);
    assert.equal(b.isk.toString('hex'), isk);
    a.confirm(b.tag);
    b.confirm(a.tag);
    assert.throws(() => a.confirm(a.tag), ProtocolError);
  });

  test('scalar_mult_vfy', () => {
    const s = scalarFrom(hex(
      '7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05'));
    assert.equal(multiply(s, hex('2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427'
      + 'c41bd47d93d654b4a51c')).toString('hex'),
    '7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e');
    for (const bad of [
      '2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c',
      '00'.repeat(32), `00${'ff'.repeat(31)}`, `${'ff'.repeat(31)}7f`,
      `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`])
      assert.throws(() => multiply(s, hex(bad)), ProtocolError);
  });

  test('LEB128', () => {
    assert.equal(lv('').toString('hex'), '00');
    assert.equal(lv(Buffer.alloc(127)).subarray(0, 2).toString('hex'), '7f00');
    assert.equal(lv(Buffer.alloc(128)).subarray(0, 3).toString('hex'),
      '800100');
  });
});

describe('set intersection', () => {
  const session = sessionOf(Buffer.alloc(64), 1);
  const channels = (...names) => names.map((name) => ({ name,
    password: channelPassword(name) }));

  test('finds what both have, and where', () => {
    const a = new Intersection('L', session, channels('x', 'y', 'z'));
    const b = new Intersection('F', session,
      channels('y', 'q', ...Array.from({ length: 10 }, (_, i) => `n${i}`)));
    assert.equal(a.elements.length, 8);
    assert.equal(b.elements.length, 16);
    a.takeElements(b.elements);
    b.takeElements(a.elements);
    const ma = a.takeTags(b.tags), mb = b.takeTags(a.tags);
    assert.deepEqual(ma.map((m) => m.channel.name), ['y']);
    assert.deepEqual(mb.map((m) => m.channel.name), ['y']);
    assert.equal(ma[0].position, mb[0].position);
    assert.equal(a.owners[ma[0].position].name, 'y');
    // Tags that come back find nothing: they have a role.
    assert.deepEqual(new Intersection('L', session, []).owners.length, 8);
    assert.throws(() => a.takeElements(a.elements), ProtocolError);
    assert.throws(() => a.takeElements([...b.elements.slice(1),
      b.elements[1]]), ProtocolError);
  });

  test('another session, nothing in common', () => {
    const a = new Intersection('L', session, channels('x'));
    const b = new Intersection('F', sessionOf(Buffer.alloc(64), 2),
      channels('x'));
    a.takeElements(b.elements);
    b.takeElements(a.elements);
    assert.deepEqual(a.takeTags(b.tags), []);
    assert.deepEqual(b.takeTags(a.tags), []);
  });
});

describe('frames', () => {
  test('there and back', () => {
    for (const m of [
      { type: 'HELLO', version: 0x200, flags: 0, maxData: 1024 },
      { type: 'OFFER', run: 1, scope: 1, flags: 1, page: 15, n: 8,
        elements: Array.from({ length: 8 }, () => crypto.randomBytes(32)) },
      { type: 'ROSTER', handle: 1, flags: 3, ids: [1n, SILENT | 2n] },
      { type: 'CONNECT', handle: 1, id: SILENT | (SILENT - 1n) },
      { type: 'BROADCAST', handle: 1, source: 7n, kind: 1,
        payload: Buffer.from('abc') }]) {
      const r = new Reader();
      for (const octet of encode(m))
        r.push(Buffer.from([octet]));
      assert.deepEqual(r.next(), m);
      assert.equal(r.next(), undefined);
    }
  });

  test('what is refused', () => {
    for (const b of [rawFrame(0), rawFrame(255), rawFrame(2, Buffer.alloc(7)),
      rawFrame(2, Buffer.alloc(9)), rawFrame(1, hex('01ff0000000000100000')),
      rawFrame(1, hex('020000000001000fffff')),
      rawFrame(33, Buffer.alloc(12)),
      rawFrame(17, Buffer.alloc(9 + 32 * 8)),
      rawFrame(1, hex('0200000000000000003ff')),
      rawFrame(35, Buffer.alloc(13), 0xffffffff)]) {
      const r = new Reader();
      r.push(b);
      assert.throws(() => r.next(), ProtocolError, b.toString('hex'));
    }
  });
});

/** A lead and a follower on one link. */
function sessions(options = {}) {
  const [x, y] = wirePair();
  const binding = crypto.randomBytes(32);
  const self = Buffer.from('lead'), peer = Buffer.from('follower');
  return [
    new Session(x, { lead: true, self, peer, binding, ...options }),
    new Session(y, { lead: false, self: peer, peer: self,
      binding: options.otherBinding ?? binding, later: options.later }),
  ];
}

describe('two sessions', () => {
  test('share, see each other, talk, part', async (t) => {
    const [l, f] = sessions();
    t.after(() => [l, f].forEach((s) => s.end()));
    const a = l.join('room', { ids: [1, 2] });
    const other = l.join('only-lead');
    const b = f.join('room', { ids: [3] });
    f.join('only-follower');
    l.start();
    f.start();
    await a.next('shared');
    await b.next('shared');
    await waitUntil(() => a.there.size === 1 && b.there.size === 2, 'rosters');
    assert.equal(other.shared, false);
    a.broadcast(1, { x: 'hallo' });
    assert.deepEqual((await b.next('broadcast')).data, { x: 'hallo' });
    b.direct(3, 2, Buffer.from([1, 2]));
    assert.deepEqual((await a.next('direct')).payload, Buffer.from([1, 2]));
    b.direct(3, 99, 1);
    assert.equal((await b.next('undelivered')).target, 99n);
    b.broadcast(4, 'not announced');
    b.connect(4, true);
    assert.equal((await a.next('connect')).silent, true);
    assert.equal(l.dropped, 1);
    // The follower leaves and comes back: CHANGED, and a sweep of new ones.
    f.leave(b);
    await a.next('unshared');
    assert.equal(a.there.size, 0);
    const again = f.join('room', { ids: [5] });
    await again.next('shared');
    await a.next('roster');
    // What both take up later is found, too, whoever is first.
    const late = [l.join('late'), f.join('late')];
    await late[0].next('shared');
    await late[1].next('shared');
    assert.equal(l.reason, null);
    assert.equal(f.reason, null);
  });

  test('pages: 150 channels against 70', async (t) => {
    const [l, f] = sessions();
    t.after(() => [l, f].forEach((s) => s.end()));
    for (let i = 0; i < 150; i++)
      l.join(`c${i}`);
    const mine = Array.from({ length: 70 }, (_, i) => f.join(`c${i * 2}`));
    l.start();
    f.start();
    await waitUntil(() => mine.every((c) => c.shared), 'all to be shared',
      30000);
    assert.equal(l.match.stats.runs, 6);
    assert.equal(l.reason, null);
  });

  test('another secret, another binding: nothing', async (t) => {
    const [l, f] = sessions();
    const [k, g] = sessions({ otherBinding: crypto.randomBytes(32) });
    t.after(() => [l, f, k, g].forEach((s) => s.end()));
    l.join('room', { secret: 'a' });
    f.join('room', { secret: 'b' });
    k.join('room');
    g.join('room');
    [l, f, k, g].forEach((s) => s.start());
    await waitUntil(() => l.match.sweptOnce && k.match.sweptOnce, 'sweeps');
    assert.equal(l.match.stats.matches + k.match.stats.matches, 0);
    assert.equal(f.match.stats.matches + g.match.stats.matches, 0);
  });

  test('LATER is heeded', async (t) => {
    let put = 2;
    const [l, f] = sessions({ later: () => put-- > 0 ? 100 : 0 });
    t.after(() => [l, f].forEach((s) => s.end()));
    const a = l.join('room');
    f.join('room');
    l.start();
    f.start();
    await a.next('shared');
    assert.equal(l.match.stats.later, 2);
    assert.equal(l.match.runNumber, 3);
  });

  test('a wrong CONFIRM ends it', async () => {
    const [l, f] = sessions();
    l.tamper = (m) => m.type === 'CONFIRM'
      ? { ...m, tag: crypto.randomBytes(64) } : m;
    l.join('room');
    f.join('room');
    l.start();
    f.start();
    await Promise.all([l.ended, f.ended]);
    assert.equal(f.violation, 'a wrong CONFIRM');
  });
});
