// What happens to a network while it is used: cables, addresses, processes and
// whole machines that come and go.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { meet, talk, talkAgain } from './clients.mjs';
import { Network, noNetworks, timed } from './hosts.mjs';
import { waitUntil } from '../live/lib.mjs';

const test = (name, fn) => it(name, { skip: noNetworks }, fn);

/** So many hosts that have met, with one client each on "room". */
const met = (names, options, fn) => Network.of(names, options,
  async (...all) => {
    const network = all.pop();
    await Promise.all(all.map((h) => h.start()));
    const clients = await Promise.all(all.map((h) => h.join('room')));
    await meet(clients);
    await fn(all, clients, network);
  });

// Nothing is heard of a dead machine: 30 s until a link is given up, and some
// more where the tests are slow.
const silence = 60000;

describe('changes', { concurrency: 6 }, () => {
  test('a cable is pulled and put back at once', async (t) => {
    await met(['a', 'b', 'c'], {}, async ([, b], clients) => {
      await b.unplug();
      clients[0].broadcast('while it is out');
      await clients[2].gets((o) => o.data === 'while it is out');
      await b.plug();
      await timed(t, 'met again after a short cut', meet(clients, silence));
      await talkAgain(clients, silence);
    });
  });

  test('a cable is out until everybody has noticed', async (t) => {
    await met(['a', 'b', 'c'], {}, async ([, b], clients) => {
      const [one, two, three] = clients;
      await b.unplug();
      await timed(t, 'missed after a long cut', Promise.all([
        two.sees([], silence), meet([one, three], silence)]));
      await talk([one, three]);
      await b.plug();
      await timed(t, 'met again after a long cut', meet(clients, silence));
      await talk(clients);
      await b.linked(2);
    });
  });

  test('an interface is taken down and up', async (t) => {
    await met(['a', 'b'], { v6: false }, async ([, b], clients) => {
      await b.ip('link set eth0 down');
      await clients[1].sees([], silence);
      await b.ip('link set eth0 up');
      await timed(t, 'met again after down and up', meet(clients, silence));
      await talk(clients);
    });
  });

  for (const [family, options] of [['IPv4', { v6: false }],
    ['IPv6', { v4: false }]]) {
    test(`${family} addresses change`, async (t) => {
      await met(['a', 'b'], options, async ([a, b], clients) => {
        const { v4, v6 } = b.ports.eth0;
        if (v4)
          await b.ip(`addr del ${v4}/24 dev eth0`,
            'addr add 10.77.1.222/24 dev eth0');
        else
          await b.ip('addr flush dev eth0 scope link',
            'addr flush dev eth0 scope global',
            'addr add fe80::77:2/64 dev eth0 nodad',
            'addr add fd77:1::222/64 dev eth0 nodad');
        assert.doesNotMatch(await b.ip('addr show dev eth0'),
          new RegExp(`${v4 ?? v6}/`));
        await timed(t, `talking again after a change of ${family}`,
          talkAgain(clients, silence), 20000);
        await a.linked(1, silence);
      });
    });
  }

  test('a host gets its first address late, and IPv6 on top', async (t) => {
    await Network.of(['a'], {}, async (a, n) => {
      const b = await n.host('b', null);
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('room'), await b.join('room')];
      await b.plugInto(n.bridges[0], 'eth0', { v6: false });
      await timed(t, 'met after the first address', meet(clients, silence));
      await talk(clients);
      await b.ip('addr add fd77:1::77/64 dev eth0 nodad');
      await waitUntil(async () => (await a.d.show('discovery')).some((s) =>
        !s.own && JSON.stringify(s).includes('fd77:1::77')),
      'the new address');
      await talk(clients);
    });
  });

  test('duplicate address detection is waited for', async (t) => {
    await met(['a', 'b'], { dad: true }, async ([a, b], clients) => {
      await talk(clients);
      await a.linked(1);
      await b.ip('addr add fd77:1::88/64 dev eth0');
      await waitUntil(async () => (await a.d.show('discovery')).some((s) =>
        !s.own && JSON.stringify(s).includes('fd77:1::88')),
      'the new address');
    });
  });

  test('all processes of a host are killed', async (t) => {
    await met(['a', 'b', 'c'], {}, async ([, b], clients) => {
      await timed(t, 'missed after kill -9', Promise.all([b.kill(),
        meet([clients[0], clients[2]])]), 10000);
      await talk([clients[0], clients[2]]);
    });
  });

  test('a host loses its power', async (t) => {
    await met(['a', 'b', 'c'], {}, async ([, b], clients) => {
      await b.silence();
      await b.kill();
      await timed(t, 'missed after a loss of power',
        meet([clients[0], clients[2]], silence), 45000);
      await talk([clients[0], clients[2]]);
      await b.unsilence();
      b.killed = false;
      await b.start();
      const two = await b.join('room');
      await timed(t, 'met after power came back',
        meet([clients[0], two, clients[2]], silence));
      await talk([clients[0], two, clients[2]]);
    });
  });

  for (const name of ['router', 'crypto', 'discovery']) {
    test(`the ${name} is killed, again and again`, async (t) => {
      await met(['a', 'b'], {}, async ([a, b], clients) => {
        a.d.allow(new RegExp(`${name}.*killed by SIGKILL`));
        for (let round = 0; round < 3; round++) {
          const old = a.d.pids()[name];
          process.kill(old, 'SIGKILL');
          await a.d.replaced(name, old);
          await timed(t, `${name} killed: talking again`,
            talkAgain(clients, silence),
            name === 'discovery' ? 10000 : undefined);
          await a.linked(1);
          await b.linked(1);
        }
        // Whoever comes now is found too.
        for (const c of clients)
          await c.status();
        const late = await b.join('late'), later = await a.join('late');
        await meet([late, later]);
        await talk([late, later]);
        assert.deepEqual(clients.map((c) => c.ended), [undefined, undefined]);
      });
    });
  }

  test('crypto is killed while nothing passes', async (t) => {
    await met(['a', 'b'], {}, async ([a, b], clients) => {
      // The other side has a link that is dead and does not know it, while the
      // same members come by a new one, of what seems to be another node.
      a.d.allow(/crypto.*killed by SIGKILL/);
      await a.silence();
      const old = a.d.pids().crypto;
      process.kill(old, 'SIGKILL');
      await a.d.replaced('crypto', old);
      await a.unsilence();
      await timed(t, 'talking again', talkAgain(clients, silence));
      await a.linked(1);
      await b.linked(1);
      await talk(clients);
    });
  });

  test('a frontend is killed: its clients are gone elsewhere', async () => {
    await met(['a', 'b'], {}, async ([a], clients) => {
      a.d.allow(/frontend.*killed by SIGKILL/);
      const old = a.d.pids().frontend;
      process.kill(old, 'SIGKILL');
      a.clients.clear();
      await clients[1].sees([]);
      await a.d.replaced('frontend', old);
      const again = await waitUntil(() => a.join('room'), 'a frontend');
      await meet([again, clients[1]]);
      await talk([again, clients[1]]);
    });
  });

  test('the parent is killed: the host is gone, and comes back', async () => {
    await met(['a', 'b'], {}, async ([a], clients) => {
      process.kill(a.d.pid, 'SIGKILL');
      a.killed = true;
      a.clients.clear();
      await clients[1].sees([]);
      await waitUntil(async () => (await a.pids()).length === 0,
        'the children to end');
      a.killed = false;
      await a.start();
      const again = await a.join('room');
      await meet([again, clients[1]]);
      await talk([again, clients[1]]);
    });
  });

  test('a link is lost and found without leaking a descriptor', async () => {
    await met(['a', 'b'], {}, async ([a, b], [one]) => {
      const settle = async () => {
        const two = await b.join('room');
        await meet([one, two]);
        await a.linked(1);
        return two;
      };
      await b.stop();
      await b.start();
      await settle();
      await a.d.settled();
      const before = a.d.fds();
      for (let i = 0; i < 3; i++) {
        await b.stop();
        await one.sees([]);
        await b.start();
        await settle();
      }
      await waitUntil(() => {
        assert.deepEqual(a.d.fds(), before);
        return true;
      }, 'descriptors to be given back', 15000);
    });
  });
});
