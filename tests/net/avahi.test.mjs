// Beside avahi, on other hosts and on the same one: it shows our nodes, and
// both keep working.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitUntil } from '../live/lib.mjs';
import { Avahi } from './avahi.mjs';
import { meet, talk } from './clients.mjs';
import { Network, unlessPrograms } from './hosts.mjs';

const skip = unlessPrograms('avahi-daemon', 'avahi-browse', 'dbus-daemon');
const test = (name, fn) => it(name, { skip }, fn);

/** The node of a host, as an avahi shows it, resolved for both families. */
async function shows(avahi, host) {
  const { v4, v6 } = host.ports.eth0;
  const own = (await host.d.show('discovery')).find((s) => s.own);
  return waitUntil(async () => {
    const all = (await avahi.browse('_nws._tcp')).filter((s) =>
      own.instance.startsWith(s.name));
    assert.deepEqual(new Set(all.map((s) => s.family)),
      new Set(['IPv4', 'IPv6']), JSON.stringify(all));
    for (const s of all) {
      assert.equal(s.port, 9010);
      assert.match(s.txt, /"v=2"/);
      assert.equal(s.domain, 'local');
      assert.match(s.target, /^[0-9a-z]+\.local$/);
      assert.ok(s.address === v4 || s.address === v6
        || s.address.startsWith('fe80:'), s.address);
    }
    return all;
  }, `${host.name} in avahi-browse`, 20000);
}

/** How many nodes an avahi knows. */
const count = async (avahi) => new Set((await avahi.browse('_nws._tcp'))
  .map((s) => s.name)).size;

/** A service of one avahi is seen by the other, there and gone. */
async function publishes(from, to, name) {
  const p = await from.publish(name, '_http._tcp', 8080);
  const there = async () => (await to.browse('_http._tcp'))
    .some((s) => s.name === name && s.port === 8080);
  await waitUntil(there, `${name} to be seen`, 20000);
  await p.stop();
  await waitUntil(async () => !await there(), `${name} to be gone`, 20000);
}

describe('avahi', { concurrency: 2 }, () => {
  test('on neighbouring hosts', async () => {
    await Network.of(['a', 'b', 'v', 'w'], {}, async (a, b, v, w) => {
      const [one, two] = await Promise.all([Avahi.start(v), Avahi.start(w)]);
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('room'), await b.join('room')];
      await meet(clients);
      await shows(one, a);
      await shows(one, b);
      await shows(two, a);
      await publishes(one, two, 'beside');
      await b.stop();
      await waitUntil(async () => await count(one) === 1, 'the goodbye');
      await waitUntil(async () => await count(two) === 1, 'the goodbye');
      await shows(two, a);
      one.check();
      two.check();
    });
  });

  for (const first of ['avahi', 'nwsd']) {
    test(`on the same host, ${first} first`, async () => {
      await Network.of(['a', 'b'], {}, async (a, b) => {
        const start = { avahi: () => Promise.all([Avahi.start(a),
          Avahi.start(b)]), nwsd: () => Promise.all([a.start(), b.start()]) };
        let avahis;
        for (const what of first === 'avahi' ? ['avahi', 'nwsd']
          : ['nwsd', 'avahi']) {
          const r = await start[what]();
          if (what === 'avahi')
            avahis = r;
        }
        const [one, two] = avahis;
        const clients = [await a.join('room'), await b.join('room')];
        await meet(clients);
        await talk(clients);
        await shows(one, b);
        await shows(two, a);
        await publishes(one, two, 'from-a');
        await publishes(two, one, 'from-b');
        // A node that comes now is found by all of them.
        await b.stop();
        await clients[0].sees([]);
        await waitUntil(async () => !(await one.browse('_nws._tcp'))
          .some((s) => s.address === b.ports.eth0.v4), 'the goodbye');
        await b.start();
        const again = await b.join('room');
        await meet([clients[0], again]);
        await talk([clients[0], again]);
        await shows(one, b);
        one.check();
        two.check();
      });
    });
  }
});
