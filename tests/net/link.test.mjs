// Machines that find each other and are linked: two, three and eight of them,
// with IPv4, IPv6 and both; what clients then see of each other.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitUntil } from '../live/lib.mjs';
import { meet, talk } from './clients.mjs';
import { Network, noNetworks, timed } from './hosts.mjs';

const test = (name, fn) => it(name, { skip: noNetworks }, fn);

const families = { 'IPv4 only': { v6: false }, 'IPv6 only': { v4: false },
  'IPv4 and IPv6': {} };
const letters = (n) => [...'abcdefgh'].slice(0, n);

for (const [family, options] of Object.entries(families)) {
  describe(family, () => {
    test('two hosts, the second one later', async (t) => {
      await Network.of(['a', 'b'], options, async (a, b) => {
        await a.start();
        const one = await a.join('room');
        // Long enough to have its names and to ask more rarely.
        await a.named();
        await timed(t, `${family}: linked after the second start`,
          (async () => {
            await b.start();
            await meet([one, await b.join('room')]);
          })(), 10000);
        const [two] = b.clients;
        await talk([one, two]);
        await a.linked(1);
        await b.linked(1);
        // Who comes later, on both sides, and who goes.
        const three = await b.join('room');
        const four = await a.join('room');
        await meet([one, two, three, four]);
        await talk([one, two, three, four]);
        await three.close();
        await meet([one, two, four]);
        await four.close();
        await meet([one, two]);
        await talk([one, two]);
      });
    });

    for (const n of [2, 3, 8]) {
      test(`${n} hosts at once, then one stops`, async (t) => {
        await Network.of(letters(n), options, async (...hosts) => {
          hosts.pop();
          await Promise.all(hosts.map((h) => h.start()));
          const clients = await Promise.all(hosts.map((h) => h.join('room')));
          await timed(t, `${family}: ${n} hosts have met`, meet(clients),
            n === 8 ? undefined : 10000);
          await talk(clients);
          await Promise.all(hosts.map((h) => h.linked(n - 1)));
          await talk(clients);
          const last = hosts.at(-1);
          const rest = clients.filter((c) => c.host !== last);
          await timed(t, `${family}: gone after a clean stop of 1 of ${n}`,
            Promise.all([last.stop(), meet(rest)]), 10000);
          await talk(rest);
          await Promise.all(hosts.filter((h) => h !== last)
            .map((h) => h.linked(n - 2)));
          // The instance is gone too, not only the link.
          await waitUntil(async () => (await hosts[0].d.show('peers'))
            .filter((p) => p.from === 'found' && p.state !== 'self').length
              === n - 2, 'the goodbye');
          await last.start();
          await meet([...rest, await last.join('room')]);
          await talk([...rest, ...last.clients]);
        });
      });
    }
  });
}

describe('two linked hosts', { concurrency: 3 }, () => {
  const pair = (fn) => Network.of(['a', 'b'], {}, async (a, b) => {
    await Promise.all([a.start(), b.start()]);
    const clients = [await a.join('first'), await b.join('first')];
    await meet(clients);
    await fn(a, b, ...clients);
  });

  test('100 channels in common, and 50 that are not', async (t) => {
    await pair(async (a, b) => {
      const join = (h, prefix, n) => Promise.all(Array.from({ length: n },
        (_, i) => h.join(`${prefix}-${i}`)));
      const [ones, twos, only] = [await join(a, 'c', 100),
        await join(b, 'c', 100), await join(a, 'only-a', 50)];
      const more = await join(b, 'only-b', 50);
      await timed(t, '100 channels matched', Promise.all(ones.map((c, i) =>
        meet([c, twos[i]], 60000))));
      await Promise.all(ones.map((c, i) => talk([c, twos[i]])));
      for (const c of [...only, ...more])
        assert.equal(c.peers.size, 0);
      // One by one they go, and come back.
      await Promise.all(twos.slice(0, 50).map((c) => c.close()));
      await Promise.all(ones.slice(0, 50).map((c) => c.sees([])));
      await Promise.all(ones.slice(50).map((c, i) => c.sees([twos[50 + i]])));
      const again = await join(b, 'c', 50);
      await Promise.all(again.map((c, i) => meet([c, ones[i]], 60000)));
      await Promise.all(again.map((c, i) => talk([c, ones[i]])));
    });
  });

  test('bytes of messages are the same, up to the largest', async () => {
    await pair(async (a, b, one, two) => {
      const texts = ['{ "x" : [1,  2.50, "\\u00e9é"] }', '""', 'null', '-0.0e1',
        JSON.stringify('x'.repeat(250000))];
      const raw = [];
      two.member.onmessage = (text) => raw.push(text);
      for (const d of texts)
        one.send(`{"action":"broadcast","data":${d}}`);
      await waitUntil(() => raw.length === texts.length, 'all texts');
      for (const [i, d] of texts.entries())
        assert.equal(raw[i],
          `{"action":"broadcast","source":"${one.id}","data":${d}}`);
    });
  });

  test('a direct message reaches one, and says when it cannot', async () => {
    await pair(async (a, b, one, two) => {
      const three = await b.join('first');
      await meet([one, two, three]);
      one.direct(two, 'for two');
      await two.gets((o) => o.data === 'for two');
      await three.status();
      assert.deepEqual(three.got, []);
      await three.close();
      await meet([one, two]);
      one.direct(three, 'too late');
      const e = await one.gets((o) => o.action === 'error');
      assert.equal(e.target, three.id);
    });
  });

  test('who is silent is not shown, and gets messages', async () => {
    await pair(async (a, b, one, two) => {
      const silent = await b.join('first', '?presence=off');
      // A round trip of the link, by somebody who is shown.
      const other = await b.join('first');
      await meet([one, two, other]);
      assert.equal(silent.peers.size, 0);
      one.broadcast('all');
      await silent.gets((o) => o.data === 'all');
      one.direct(silent, 'you');
      await silent.gets((o) => o.data === 'you');
      silent.broadcast('me');
      await one.gets((o) => o.data === 'me' && o.source === silent.id);
    });
  });

  test('100 members on each side', async (t) => {
    await pair(async (a, b) => {
      const clients = [];
      for (const h of [a, b])
        clients.push(...await Promise.all(Array.from({ length: 100 }, () =>
          h.join('crowd'))));
      await timed(t, '200 members met', meet(clients));
      await b.stop();
      await meet(clients.slice(0, 100));
      await b.start();
    });
  });
});
