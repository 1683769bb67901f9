// Who is beyond the network: neither heard nor answered (RFC 6762, 11).
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { top, waitUntil } from '../live/lib.mjs';
import { Network, noNetworks } from './hosts.mjs';

const test = (name, fn) => it(name, { skip: noNetworks }, fn);

const mdns = path.join(top, 'tests/net/mdns.py');

async function ask(host, own, to) {
  const p = host.exec('python3', [mdns, 'ask', own, to]);
  assert.equal(await p.out.next('the questions'), 'ready', p.stderr);
  return p;
}

/** Both its questions are answered, to it alone. */
async function answered(p) {
  const got = [await p.out.next('an answer'), await p.out.next('another one')];
  assert.deepEqual(got.sort(), ['answer 0', 'answer 5353']);
}

const knows = async (host) => (await host.d.show('discovery'))
  .some((s) => s.instance.startsWith('nobody.'));

describe('beyond the network', { concurrency: 2 }, () => {
  test('packets that a router passed on', async () => {
    await Network.use(async (n) => {
      const left = await n.bridge(), right = await n.bridge();
      const gate = await n.router('gate', left, right);
      const a = await n.host('a', left, { v6: false });
      const near = await n.host('near', left, { v6: false });
      const far = await n.host('far', right, { v6: false });
      for (const h of [a, far])
        await h.ip(`route add default via ${Object.values(gate.ports)
          .find((p) => p.bridge === h.ports.eth0.bridge).v4}`);
      await a.start();
      await a.named();
      const { v4 } = a.ports.eth0;
      const unheard = await ask(far, far.ports.eth0.v4, v4);
      await waitUntil(async () => (await a.d.show('summary'))
        .discovery_foreign_total === 3, 'its three packets');
      assert.ok(!await knows(a));
      await answered(await ask(near, near.ports.eth0.v4, v4));
      await waitUntil(() => knows(a), 'what the near one said');
      assert.deepEqual(unheard.out.items, []);
    });
  });

  test('a foreign address on the link gets no answer of its own', async () => {
    await Network.of(['a', 'b'], { v6: false }, async (a, b) => {
      await a.ip('route add 192.0.2.0/24 dev eth0');
      await b.ip('addr add 192.0.2.1/24 dev eth0');
      await a.start();
      await a.named();
      const group = '224.0.0.251';
      await b.ip('route add 224.0.0.0/4 dev eth0');
      const unheard = await ask(b, '192.0.2.1', group);
      await answered(await ask(b, b.ports.eth0.v4, group));
      assert.deepEqual(unheard.out.items, []);
    });
  });
});
