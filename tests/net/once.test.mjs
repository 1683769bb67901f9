// No message comes twice, ever: where two hosts hear each other by more than
// one way, and where links break and come back under load.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Load, meet, talk, talkAgain } from './clients.mjs';
import { Network, noNetworks, timed } from './hosts.mjs';
import { top, waitUntil } from '../live/lib.mjs';

const test = (name, fn) => it(name, { skip: noNetworks }, fn);

const mdns = path.join(top, 'tests/net/mdns.py');

/** Load for so many ms: every number comes, once, in order. */
async function steady(clients, ms) {
  const load = Load.start(clients);
  await load.flows();
  const end = Date.now() + ms;
  await waitUntil(() => Date.now() > end, 'the time', ms + 10000);
  await load.stop();
  return load.received;
}

async function reflect(host, ...args) {
  const p = host.exec('python3', [mdns, 'reflect', ...args]);
  assert.equal(await p.out.next('the reflector'), 'ready', p.stderr);
  return p;
}

describe('heard twice', { concurrency: 4 }, () => {
  test('through a reflector on the same link', async (t) => {
    await Network.of(['a', 'b', 'mirror'], {}, async (a, b, mirror) => {
      await reflect(mirror, '-s', 'eth0');
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('room'), await b.join('room')];
      await meet(clients);
      await talk(clients);
      const n = await steady(clients, 4000);
      t.diagnostic(`${n} messages beside a reflector on the link`);
      await a.linked(1);
      await b.linked(1);
      // It takes its own names, repeated by another, for no conflict.
      assert.equal((await a.d.show('summary')).discovery_conflicts ?? 0, 0);
    });
  });

  test('through a reflector between two networks', async (t) => {
    await Network.use(async (n) => {
      const left = await n.bridge(), right = await n.bridge();
      const gate = await n.router('gate', left, right);
      const a = await n.host('a', left), b = await n.host('b', right);
      for (const h of [a, b]) {
        const { v4, v6 } = Object.values(gate.ports)
          .find((p) => p.bridge === h.ports.eth0.bridge);
        await h.ip(`route add default via ${v4}`, `route add ::/0 via ${v6}`);
      }
      await reflect(gate, 'eth0', 'eth1');
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('room'), await b.join('room')];
      await timed(t, 'met across a router', meet(clients));
      await talk(clients);
      await steady(clients, 3000);
      await a.linked(1);
      await b.linked(1);
    });
  });

  test('two networks that share both hosts, and a reflector', async () => {
    await Network.use(async (n) => {
      const left = await n.bridge(), right = await n.bridge();
      const gate = await n.router('gate', left, right);
      const hosts = [];
      for (const name of ['a', 'b']) {
        const h = await n.host(name, left);
        await h.plugInto(right, 'eth1');
        hosts.push(h);
      }
      await reflect(gate, '-s', 'eth0', 'eth1');
      await Promise.all(hosts.map((h) => h.start()));
      const clients = [];
      for (const h of hosts)
        clients.push(await h.join('room'));
      await meet(clients);
      await talk(clients);
      await steady(clients, 3000);
      for (const h of hosts)
        await h.linked(1);
    });
  });

  test('two interfaces on the same link', async (t) => {
    await Network.of(['a', 'b', 'c'], {}, async (a, b, c, n) => {
      await b.plugInto(n.bridges[0], 'eth1');
      await c.plugInto(n.bridges[0], 'eth1');
      const hosts = [a, b, c];
      await Promise.all(hosts.map((h) => h.start()));
      const clients = await Promise.all(hosts.map((h) => h.join('room')));
      await meet(clients);
      await talk(clients);
      await steady(clients, 3000);
      for (const h of hosts)
        await h.linked(2);
      // One of the two is enough.
      await b.unplug('eth1');
      await timed(t, 'talking with one of two interfaces',
        talkAgain(clients, 60000), 20000);
      await b.plug('eth1');
      await b.unplug('eth0');
      await timed(t, 'talking with the other one',
        talkAgain(clients, 60000), 20000);
      await b.plug('eth0');
      for (const h of hosts)
        await h.linked(2);
      await steady(clients, 2000);
    });
  });
});

describe('under load', () => {
  test('while links break and come back', async (t) => {
    await Network.of(['a', 'b', 'c'], {}, async (...hosts) => {
      hosts.pop();
      await Promise.all(hosts.map((h) => h.start()));
      for (const h of hosts)
        h.d.allow(/killed by SIGKILL/);
      const clients = await Promise.all(hosts.map((h) => h.join('room')));
      await meet(clients);
      const load = Load.start(clients, 4);
      await load.flows();
      load.gapsAllowed = true;
      const kill = (name) => async (h) => {
        const old = h.d.pids()[name];
        process.kill(old, 'SIGKILL');
        await h.d.replaced(name, old);
      };
      const pause = (ms) => {
        const end = Date.now() + ms;
        return waitUntil(() => Date.now() > end, 'the time', ms + 10000);
      };
      const cut = (ms) => async (h) => {
        await h.unplug();
        await pause(ms);
        await h.plug();
      };
      const turns = [cut(100), kill('crypto'), cut(700), kill('discovery'),
        async (h) => {
          await h.silence();
          await pause(1500);
          await h.unsilence();
        }, kill('router'), cut(2500), async (h) => {
          const { v4 } = h.ports.eth0;
          await h.ip(`addr del ${v4}/24 dev eth0`);
          await pause(300);
          await h.ip(`addr add ${v4}/24 dev eth0`);
        }, kill('crypto'), cut(300)];
      const end = Date.now() + 25000;
      let n = 0;
      for (; Date.now() < end && n < 30; n++) {
        await turns[n % turns.length](hosts[n % 3]);
        await pause(200 + n * 53 % 900);
      }
      await load.flows();
      await meet(clients, 60000);
      load.gapsAllowed = false;
      await load.flows();
      await load.stop();
      t.diagnostic(`${load.received} messages, ${load.gaps} gaps by ${n} `
        + 'disturbances');
      await talk(clients);
      for (const h of hosts)
        await h.linked(2);
    });
  });
});
