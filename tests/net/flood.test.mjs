// Thousands of packets of mDNS each second from nodes that do not exist.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { build, isSanitized, patience, top } from '../live/lib.mjs';
import { meet, talk } from './clients.mjs';
import { Network, cpuMs, noNetworks, timed } from './hosts.mjs';

const test = (name, fn) => it(name, { skip: noNetworks }, fn);

// AddressSanitizer keeps what was freed for some time, up to 256 MiB.
const mostKiB = isSanitized(build) ? 400 << 10 : 16 << 10;
const mdns = path.join(top, 'tests/net/mdns.py');

describe('a flood of mDNS', () => {
  for (const [kind, seconds] of [['legal', 8], ['garbage', 4]])
    test(`that is ${kind}`, async (t) => {
      await Network.of(['a', 'b', 'c', 'mad'], { v6: false },
        async (a, b, c, mad) => {
          await Promise.all([a.start(), b.start()]);
          const clients = [await a.join('room'), await b.join('room')];
          await meet(clients);
          const pid = a.d.pids().discovery;
          const before = { rss: a.d.rss(pid), cpu: cpuMs(pid) };
          const began = Date.now();
          const flood = mad.exec('python3', [mdns, 'flood', kind,
            String(seconds)]);
          assert.equal(await flood.out.next('the flood'), 'ready');
          await talk(clients);
          await c.start();
          clients.push(await c.join('room'));
          // Who is hidden by spoofed sources is found when those that nobody
          // answers for have been tried, at the latest.
          await timed(t, `${kind}: met a newcomer`, meet(clients, 90000));
          await talk(clients);
          const sent = await flood.out.next('the end of the flood', 60000);
          assert.match(sent, /^sent \d+ packets/, flood.stderr);
          // Whatever was in hand has been dealt with by an answer.
          const stats = await a.d.show('summary');
          const grown = a.d.rss(pid) - before.rss;
          const took = cpuMs(pid) - before.cpu;
          t.diagnostic(`${kind}: ${sent}; discovery took ${took} ms and `
            + `${grown} KiB more`);
          const most = (Date.now() - began) / 2 * patience;
          assert.ok(took < most, `took ${took} ms of ${most}`);
          if (/\d+/.exec(sent)[0] > 2000 * seconds)
            assert.ok(stats.discovery_flooded_total > 0, 'all was looked at');
          assert.equal(a.d.pids().discovery, pid, 'it was restarted');
          assert.ok(grown < mostKiB, `grew by ${grown} KiB`);
          assert.ok((await a.d.show('peers')).length <= 300);
          assert.ok((await a.d.show('discovery')).length <= 300);
          assert.ok(a.d.fds().discovery[0] < 200, JSON.stringify(a.d.fds()));
          await talk(clients);
        });
    });
});
