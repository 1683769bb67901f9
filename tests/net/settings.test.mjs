// What nwsd.conf(5) and nwsctl(8) say about other machines, and what then
// happens between them.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { top, waitUntil } from '../live/lib.mjs';
import { meet, talk } from './clients.mjs';
import { Capture, Network, noNetworks, timed, unlessPrograms }
  from './hosts.mjs';

const test = (name, fn) => it(name, { skip: noNetworks }, fn);

const mdns = path.join(top, 'tests/net/mdns.py');
const noCapture = unlessPrograms('dumpcap');
const testCapture = (name, fn) => it(name, { skip: noCapture }, fn);

/** A channel that both have, joined last: what was before it has been said. */
async function after(...hosts) {
  const clients = await Promise.all(hosts.map((h) => h.join('afterwards')));
  await meet(clients);
  await talk(clients);
  await Promise.all(clients.map((c) => c.close()));
}

describe('channels', { concurrency: 4 }, () => {
  test('a local one stays on its machine', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await a.start('channel "mine" { local }');
      await b.start();
      const one = await a.join('mine'), two = await b.join('mine');
      const three = await a.join('mine');
      await meet([one, three]);
      await after(a, b);
      three.broadcast('not for b');
      two.broadcast('not for a');
      two.direct(one, 'nor this');
      await two.gets((o) => o.action === 'error');
      await one.gets((o) => o.data === 'not for b');
      await after(a, b);
      assert.deepEqual([...two.peers], []);
      assert.deepEqual(two.got.filter((o) => o.action !== 'error'), []);
      assert.deepEqual([...one.peers], [three.id]);
      assert.deepEqual(one.got.map((o) => o.data), ['not for b']);
    });
  });

  test('a reload makes one local, and gives it back', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('mine'), await b.join('mine')];
      await meet(clients);
      a.d.write('channel "mine" { local }');
      await a.d.reload();
      clients[0].broadcast('not for b');
      await Promise.all(clients.map((c) => c.sees([])));
      a.d.write('');
      await a.d.reload();
      await meet(clients);
      assert.deepEqual(clients[1].got, []);
      await talk(clients);
    });
  });

  test('a secret is needed to meet', async () => {
    await Network.of(['a', 'b', 'c', 'd'], {}, async (...hosts) => {
      hosts.pop();
      const conf = (s) => s && `channel "vault" { secret "${s}" }`;
      const secrets = ['open sesame', 'open sesame', 'open sesame!', ''];
      await Promise.all(hosts.map((h, i) => h.start(conf(secrets[i]))));
      const all = await Promise.all(hosts.map((h) => h.join('vault')));
      const [one, two, three, four] = all;
      await meet([one, two]);
      await after(...hosts);
      await talk([one, two]);
      assert.deepEqual(all.map((c) => c.peers.size), [1, 1, 0, 0]);
      assert.deepEqual([three.got, four.got], [[], []]);
      // The third learns it, the second forgets it.
      hosts[2].d.write(conf('open sesame'));
      await hosts[2].d.reload();
      await meet([one, two, three]);
      hosts[1].d.write(conf(''));
      await hosts[1].d.reload();
      await meet([one, three]);
      await meet([two, four]);
      await talk([one, three]);
      await talk([two, four]);
      for (const h of hosts)
        assert.doesNotMatch(h.d.log, /sesame/);
    });
  });
});

describe('peers', { concurrency: 4 }, () => {
  const off = 'discovery off\n';

  testCapture('are dialled where discovery is off, which says nothing',
    async (t) => {
      await Network.of(['a', 'b'], {}, async (a, b, n) => {
        const capture = await Capture.start(n.bridges[0],
          { filter: 'udp port 5353' });
        await a.start(off);
        await b.start(off + `peer ${a.ports.eth0.v4}`);
        const clients = [await a.join('room'), await b.join('room')];
        await timed(t, 'met by a peer line', meet(clients));
        await talk(clients);
        await a.linked(1);
        assert.equal((await capture.stop()).length, 24, 'mDNS was sent');
      });
    });

  for (const [what, peer, conf] of [
    ['an IPv6 address', (p) => `[${p.v6}]:9010`, ''],
    ['an address and a port', (p) => `${p.v4}:7777`,
      'link { listen on 0.0.0.0 port 7777 }'],
    ['a name in hosts', () => 'anna.example:9010', ''],
    ['a name that a server knows', () => 'dns.example', '']]) {
    test(`by ${what}`, async () => {
      await Network.of(['a', 'b', 'c'], {}, async (a, b, c) => {
        b.etc({ hosts: '127.0.0.1 localhost\n'
          + `${a.ports.eth0.v4} anna.example anna\n`,
        'resolv.conf': `nameserver ${c.ports.eth0.v4}\n` });
        const dns = c.exec('python3', [mdns, 'dns', 'dns.example',
          a.ports.eth0.v4]);
        assert.equal(await dns.out.next('the name server'), 'ready');
        await a.start(off + conf);
        await b.start(off + `peer "${peer(a.ports.eth0)}"`);
        const clients = [await a.join('room'), await b.join('room')];
        await meet(clients);
        await talk(clients);
        const [p] = await b.d.show('peers');
        assert.equal(p.state, 'linked');
        assert.equal(p.from, 'configured');
      });
    });
  }

  test('by a link-local address and its interface', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      const { out } = await a.run('ip', ['-6', 'addr', 'show', 'dev', 'eth0',
        'scope', 'link']);
      const address = /inet6 (fe80:[0-9a-f:]+)/.exec(out)[1];
      await a.start(off);
      await b.start(off + `peer "[${address}%eth0]"`);
      const clients = [await a.join('room'), await b.join('room')];
      await meet(clients);
      await talk(clients);
      const [p] = await b.d.show('peers');
      assert.equal(p.state, 'linked');
      assert.equal(p.name, `[${address}%eth0]:9010`);
    });
  });

  test('by a name that a server with a link-local address knows', async () => {
    await Network.of(['a', 'b', 'c'], {}, async (a, b, c) => {
      const { out } = await c.run('ip', ['-6', 'addr', 'show', 'dev', 'eth0',
        'scope', 'link']);
      const address = /inet6 (fe80:[0-9a-f:]+)/.exec(out)[1];
      b.etc({ hosts: '127.0.0.1 localhost\n',
        'resolv.conf': `nameserver ${address}%eth0\n` });
      const dns = c.exec('python3', [mdns, 'dns', 'dns.example',
        a.ports.eth0.v4]);
      assert.equal(await dns.out.next('the name server'), 'ready');
      await a.start(off);
      await b.start(off + 'peer dns.example');
      const clients = [await a.join('room'), await b.join('room')];
      await meet(clients);
      await talk(clients);
    });
  });

  test('that come later are dialled until they are there', async (t) => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await b.start(off + `peer ${a.ports.eth0.v4}`);
      await waitUntil(async () => (await b.d.show('peers'))[0].failures > 0);
      await a.start(off);
      const clients = [await a.join('room'), await b.join('room')];
      await timed(t, 'met a peer that was not there at first', meet(clients));
      await talk(clients);
    });
  });

  test('added and forgotten with nwsctl', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await a.start(off);
      await b.start(off);
      const name = `${a.ports.eth0.v4}:9010`;
      const clients = [await a.join('room'), await b.join('room')];
      assert.equal((await b.d.ctl('peer', 'add', a.ports.eth0.v4)).code, 0);
      await meet(clients);
      await talk(clients);
      const again = await b.d.ctl('peer', 'add', name);
      assert.equal(again.code, 1);
      assert.match(again.err, /added before/);
      assert.equal((await b.d.show('peers')).find((p) => p.name === name)
        .from, 'added');
      // A new discovery knows it, too.
      b.d.allow(/discovery.*killed by SIGKILL/);
      const old = b.d.pids().discovery;
      process.kill(old, 'SIGKILL');
      await b.d.replaced('discovery', old);
      await waitUntil(async () => (await b.d.show('peers'))
        .some((p) => p.name === name && p.state === 'linked'),
      'the peer again', 60000);
      assert.equal((await b.d.ctl('peer', 'del', name)).code, 0);
      assert.deepEqual(await b.d.show('peers'), []);
      assert.equal((await b.d.ctl('peer', 'del', name)).code, 1);
      assert.equal((await b.d.ctl('peer', 'add', 'not a name')).code, 1);
      assert.equal((await b.d.ctl('peer', 'add', '10.0.0.1:99999')).code, 1);
      // Nobody dials any more.
      await a.stop();
      await clients[1].sees([]);
      await a.start(off);
      const late = await a.join('room');
      await late.status();
      assert.equal((await b.links()).length, 0);
      assert.equal(late.peers.size, 0);
    });
  });

  test('that is oneself is no peer', async () => {
    await Network.of(['a'], {}, async (a) => {
      await a.start(off + `peer ${a.ports.eth0.v4}`);
      await waitUntil(async () => (await a.d.show('peers'))
        .some((p) => p.state === 'self'), 'itself');
      assert.equal((await a.links()).length, 0);
    });
  });
});

describe('interfaces', { concurrency: 4 }, () => {
  testCapture('that are denied are not used', async () => {
    await Network.use(async (n) => {
      const left = await n.bridge(), right = await n.bridge();
      const a = await n.host('a', left), b = await n.host('b', left);
      const c = await n.host('c', right);
      await b.plugInto(right, 'eth1');
      await Promise.all([a.start(), c.start()]);
      const capture = await Capture.start(right, { filter:
        `udp port 5353 and src host ${b.ports.eth1.v4}` });
      await b.start('interface deny "eth1"');
      const [one, two, three] = await Promise.all([a, b, c].map((h) =>
        h.join('room')));
      await meet([one, two]);
      await talk([one, two]);
      const rows = await b.d.show('interfaces');
      assert.ok(rows.find((i) => i.interface === 'eth0').used);
      const eth1 = rows.find((i) => i.interface === 'eth1');
      assert.ok(!eth1?.used);
      assert.equal((await capture.stop()).length, 24, 'it was used');
      assert.equal(three.peers.size, 0);
      // Allowed after all.
      b.d.write('');
      await b.d.reload();
      await two.sees([one, three]);
      await three.sees([two]);
      assert.deepEqual([...one.peers], [two.id], 'a second hop');
      two.broadcast('to both');
      await one.gets((o) => o.data === 'to both');
      await three.gets((o) => o.data === 'to both');
      three.broadcast('to the middle');
      await two.gets((o) => o.data === 'to the middle');
      one.direct(three, 'too far');
      await one.gets((o) => o.action === 'error');
      await talk([two, three]);
      assert.deepEqual(one.got.filter((o) => o.data === 'to the middle'), []);
    });
  });

  test('that a reload denies are taken leave of', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('room'), await b.join('room')];
      await meet(clients);
      await Promise.all([a.named(), b.named()]);
      const services = async () => JSON.parse((await a.d.ctl('-j', 'show',
        'summary')).out).summary.discovery_instances;
      assert.equal(await services(), 1);
      b.d.write('interface deny "eth0"');
      await b.d.reload();
      // Without a word it would take more than an hour.
      await waitUntil(async () => await services() === 0, 'the goodbye',
        10000);
      // A link needs no mDNS.
      await talk(clients);
      await a.linked(1);
      b.d.write('');
      await b.d.reload();
      await waitUntil(async () => await services() === 1, 'it is back');
      await talk(clients);
    });
  });

  test('of containers are not used unless allowed', async () => {
    await Network.use(async (n) => {
      const bridge = await n.bridge();
      const a = await n.host('a', bridge), b = await n.host('b', null);
      await b.plugInto(bridge, 'docker7');
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('room'), await b.join('room')];
      await waitUntil(async () => (await b.d.show('interfaces'))
        .some((i) => i.interface === 'docker7' && !i.used));
      b.d.write('interface allow "docker*"');
      await b.d.reload();
      await meet(clients);
      await talk(clients);
    });
  });
});

describe('nwsctl', { concurrency: 4 }, () => {
  /** Lines of "nwsctl check". */
  const check = async (h) => (await h.d.ctl('check')).out;

  test('check is content where all is well', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await Promise.all([a.start(), b.start()]);
      await meet([await a.join('room'), await b.join('room')]);
      await waitUntil(async () => {
        const r = await a.d.ctl('check');
        assert.equal(r.code, 0, r.out + r.err);
        assert.doesNotMatch(r.out, /refused|cannot|no other/i);
        for (const v of ['4', '6'])
          assert.match(r.out, new RegExp(`^ok +eth0, IPv${v}: multicast `
            + 'passes, \\d+ packets from other machines, the last one \\d+ s '
            + 'ago$', 'm'));
        assert.match(r.out, /9010/);
        return true;
      }, 'a good check');
      const j = JSON.parse((await a.d.ctl('check', '-j')).out);
      assert.equal(j.ok, true);
    });
  });

  test('check tells of a closed port', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await a.start();
      const { v4 } = b.ports.eth0;
      const fake = b.exec('python3', [mdns, 'fake', v4, '7777']);
      assert.equal(await fake.out.next('the announcer'), 'ready');
      await waitUntil(async () => {
        assert.match(await check(a), new RegExp(
          `saw a node at ${v4}.*port 7777.*refused`));
        return true;
      }, 'the finding', 30000);
      const [p] = (await a.d.show('peers')).filter((x) => x.state !== 'self');
      assert.equal(p.from, 'found');
      assert.match(JSON.stringify(p), /refused/);
    });
  });

  test('check tells of an address where nobody is', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await a.start();
      const fake = b.exec('python3', [mdns, 'fake', '10.77.1.99', '9010']);
      assert.equal(await fake.out.next('the announcer'), 'ready');
      await waitUntil(async () => {
        assert.match(await check(a), new RegExp('^warning +saw a node at '
          + '10[.]77[.]1[.]99: no link: 10[.]77[.]1[.]99: no machine there, '
          + 'or its firewall refuses port 9010.*; failed \\d+ times; ', 'm'));
        return true;
      }, 'the finding', 30000);
    });
  });

  test('check tells of a node that speaks another version', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await a.start();
      const fake = b.exec('python3', [mdns, 'fake', b.ports.eth0.v4, '9010',
        'v=3']);
      assert.equal(await fake.out.next('the announcer'), 'ready');
      await waitUntil(async () => {
        assert.match(await check(a), new RegExp('^warning +saw a node at .*: '
          + 'does not speak version 2: not dialled$', 'm'));
        return true;
      }, 'the finding', 30000);
    });
  });

  test('check tells of a program that keeps port 5353 for itself', async () => {
    await Network.of(['a'], {}, async (a) => {
      const held = a.exec('python3', ['-c', 'import socket, time\n'
        + 's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n'
        + 's.bind(("0.0.0.0", 5353))\nprint("ready", flush=True)\n'
        + 'time.sleep(600)']);
      assert.equal(await held.out.next('the port'), 'ready');
      await a.start();
      const r = await a.d.ctl('check');
      assert.equal(r.code, 1);
      assert.match(r.out,
        /^failure +UDP port 5353 cannot be used, IPv4: .*ss -lunp/m);
    });
  });

  test('check says when nobody answers, and when discovery is off',
    async () => {
      await Network.of(['a', 'b'], {}, async (a, b) => {
        await a.start();
        await b.start('discovery off');
        await waitUntil(async () => {
          assert.match(await check(a), /no other|nobody|none/i);
          assert.match(await check(b), /discovery.*off|off.*discovery/i);
          return true;
        }, 'the findings');
        await b.stop();
        await b.start('link off');
        assert.match((await b.d.ctl('check')).out
          + (await b.d.ctl('check')).err, /link/i);
        await b.stop();
      });
    });

  test('shows links, peers, interfaces and discovery', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await Promise.all([a.start(), b.start()]);
      const clients = [await a.join('room'), await b.join('room')];
      await meet(clients);
      await talk(clients);
      // Of two that were dialled at once, one is left.
      await a.linked(1);
      await b.linked(1);
      const [link] = await a.links(), [other] = await b.links();
      assert.match(link.peer, /^12D3KooW/);
      assert.notEqual(link.peer, other.peer);
      assert.equal(link.security, 'tls');
      assert.equal(link.channels, 1);
      assert.equal(link.members, 1);
      assert.notEqual(link.dialled, other.dialled);
      assert.ok(link.messages_in >= 2 && link.messages_out >= 2);
      assert.ok(link.bytes_in > 500 && link.bytes_out > 500);
      // The other side may have been the first to find.
      await waitUntil(async () => {
        const peers = await a.d.show('peers');
        assert.deepEqual(peers.map((p) => [p.from, p.state]),
          [['found', 'linked']]);
        return true;
      }, 'the peer');
      await waitUntil(async () => (await a.d.show('links')).length === 1,
        'one link');
      const interfaces = await a.d.show('interfaces');
      const eth0 = interfaces.find((i) => i.interface === 'eth0');
      assert.ok(eth0.used && eth0.packets_in > 0 && eth0.packets_out > 0);
      const services = await a.d.show('discovery');
      assert.equal(services.filter((s) => s.own).length, 1);
      assert.equal(services.filter((s) => !s.own).length, 1);
      assert.match(JSON.stringify(services), /"?v=2/);
      for (const what of ['links', 'peers', 'interfaces', 'discovery',
        'summary', 'processes', 'limits']) {
        const r = await a.d.ctl('show', what);
        assert.equal(r.code, 0, r.err);
        assert.ok(r.out.length > 0, what);
      }
    });
  });

  test('monitor tells of links and peers', async () => {
    await Network.of(['a', 'b'], {}, async (a, b) => {
      await a.start();
      const m = a.exec(path.join(a.d.build, 'nwsctl'),
        ['-s', a.d.control, 'monitor', '-j']);
      const seen = new Set();
      // The other side may be the first to find and to dial.
      const events = (...names) => waitUntil(async () => {
        while (m.out.items.length > 0)
          seen.add(JSON.parse(await m.out.next()).event);
        assert.deepEqual(names.filter((x) => !seen.has(x)), []);
        return true;
      }, names.join(), 30000);
      await a.d.show('links');
      await b.start();
      await events('peer_found', 'link_up');
      await b.stop();
      await events('peer_gone', 'link_down');
      await m.stop();
    });
  });
});

describe('identity', { concurrency: 2 }, () => {
  for (const [kind, same] of [['persistent', true], ['ephemeral', false]]) {
    test(`${kind}: the peer id ${same ? 'stays' : 'changes'}`, async () => {
      await Network.of(['a', 'b'], {}, async (a, b) => {
        await a.start();
        const ids = [];
        for (let i = 0; i < 2; i++) {
          await b.start(`identity ${kind}`);
          await a.linked(1);
          ids.push((await a.links())[0].peer);
          await b.stop();
        }
        assert.equal(ids[0] === ids[1], same);
      });
    });
  }
});
