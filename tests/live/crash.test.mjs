// Death of children under load, and reload under load: what clients of the
// others notice, which is nothing.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, alive, freePort, isRoot, patience, run, skipUnless, tempDir,
  top, waitUntil } from './lib.mjs';
import { Member, closeAll, listeners, openMembers } from './wire.mjs';

/** A daemon for one test, checked at its end. */
async function withDaemon(text, options, fn) {
  const d = await Daemon.start(text, options);
  try {
    await fn(d);
    await d.check();
  } finally {
    await d.stop();
  }
}

/** Which frontend serves whom: id of client to pid, as nwsctl(8) shows it. */
async function frontendsOf(d) {
  const pids = new Map((await d.show('processes'))
    .filter((p) => p.process === 'frontend').map((p) => [p.instance, p.pid]));
  const of = new Map((await d.show('clients'))
    .map((c) => [c.client, pids.get(c.frontend)]));
  return of;
}

/**
 * Members who send sequence numbers without pause and check those of all
 * others: no gap and nothing twice, except where a gap is allowed (from, to).
 */
class Load {
  static async start(d, n, name = 'load') {
    const l = new Load();
    l.d = d;
    l.received = 0;
    l.wrong = [];
    l.presence = [];
    l.stopped = false;
    l.lastAt = 0;
    l.gapAllowed = false;
    const where = listeners(d)['127.0.0.1'];
    // One after the other, so that the frontends share them evenly.
    l.members = [];
    for (let i = 0; i < n; i++)
      l.members.push(await Member.open(where, `/${name}`));
    l.ids = [];
    for (const m of l.members)
      l.ids.push(m.name = await m.id());
    for (const m of l.members) {
      await waitUntil(async () => (await m.sync(), true));
      m.last = new Map();
      m.sent = 0;
      m.onmessage = (text) => l.#message(m, JSON.parse(text));
    }
    // What had come before the handler was there.
    for (const m of l.members)
      m.messages.items.length = 0;
    l.timer = setInterval(() => l.#tick(), 5).unref();
    return l;
  }

  #tick() {
    for (const m of this.members)
      if (!m.ended && m.socket.writableLength < 65536)
        m.send(`{"action":"broadcast","data":${m.sent++}}`);
  }

  #message(m, o) {
    if (o.action === 'broadcast') {
      const last = m.last.get(o.source) ?? -1;
      if (o.data <= last)
        this.wrong.push(`${m.name}: ${o.data} of ${o.source} after ${last}`);
      else if (o.data !== last + 1 && last !== -1 && !this.gapAllowed)
        this.wrong.push(`${m.name}: a gap from ${last} to ${o.data}`);
      m.last.set(o.source, o.data);
      this.received++;
      this.lastAt = performance.now();
    } else if (o.action === 'connect' || o.action === 'disconnect') {
      this.presence.push([o.action, o.source, o.target]);
    } else if (o.action === 'status') {
      m.status = o.source;
    } else {
      this.wrong.push(JSON.stringify(o));
    }
  }

  /** Waits until m hears something new of each of these. */
  async flows(members = this.members) {
    const before = members.map((m) => new Map(m.last));
    await waitUntil(() => members.every((m, i) => members.every((o) => o === m
      || (m.last.get(o.name) ?? -1) > (before[i].get(o.name) ?? -1))),
    'messages to flow', 15000);
  }

  async stop() {
    clearInterval(this.timer);
    const live = this.members.filter((m) => !m.ended);
    // All that was sent arrives: then nothing new comes.
    await waitUntil(() => live.every((m) => live.every((o) => o === m
      || m.last.get(o.name) === o.sent - 1)), 'the last messages', 15000)
      .catch((e) => {
        if (!this.gapAllowed)
          throw e;
      });
    await closeAll(live);
  }
}

describe('the router is killed under load', () => {
  for (const prefork of [1, 2]) {
    test(`with ${prefork} frontend(s)`, async (t) => {
      await withDaemon('', { prefork }, async (d) => {
        d.allow(/router.*killed by SIGKILL/);
        const l = await Load.start(d, 10);
        await l.flows();
        for (let round = 0; round < 3; round++) {
          l.gapAllowed = true;
          const old = d.child_pid('router');
          const at = performance.now();
          process.kill(old, 'SIGKILL');
          await waitUntil(() => !alive(old));
          await waitUntil(() => d.child_pid('router'), 'a new router');
          await l.flows();
          const took = performance.now() - at;
          t.diagnostic(`messages flow after ${took.toFixed(0)} ms`);
          assert.ok(took < 1000 * patience, `took ${took} ms`);
          await d.recovered();
          l.gapAllowed = false;
        }
        for (const m of l.members) {
          assert.ok(!m.ended, 'a client lost its connection');
          m.send({ action: 'status' });
          await waitUntil(() => m.status, `the status of ${m.name}`);
          assert.equal(m.status, m.name, 'another id');
        }
        assert.deepEqual(l.presence.map((p) => p.join(' ')), [],
          'presence spoke of members who stayed');
        l.gapAllowed = true;
        await l.stop();
        assert.deepEqual(l.wrong, []);
        await d.recovered();
      });
    });
  }

  test('who left or came meanwhile is known after it', async () => {
    await withDaemon('', { prefork: 2 }, async (d) => {
      d.allow(/router.*killed by SIGKILL/);
      const where = listeners(d)['127.0.0.1'];
      const all = await openMembers(8, () => Member.open(where, '/room'));
      for (const m of all)
        m.peers = new Set();
      const note = (m) => (text) => {
        const o = JSON.parse(text);
        if (o.action === 'connect') {
          assert.ok(!m.peers.has(o.target), 'connect twice');
          m.peers.add(o.target);
        } else if (o.action === 'disconnect') {
          assert.ok(m.peers.delete(o.target), 'disconnect of a stranger');
        }
      };
      for (const m of all) {
        m.name = await m.id();
        m.onmessage = note(m);
      }
      // Those that came before the handler: everybody knows everybody.
      for (const m of all)
        m.peers = new Set(all.filter((o) => o !== m).map((o) => o.name));
      process.kill(d.child_pid('router'), 'SIGKILL');
      all.splice(0, 3).forEach((m) => m.destroy());
      const late = await openMembers(3, () => Member.open(where, '/room'));
      await d.recovered();
      await waitUntil(() => all.every((m) => m.peers.size === 7),
        'presence to be right', 10000);
      await closeAll([...all, ...late]);
    });
  });

  test('a direct message to who stayed arrives', async () => {
    await withDaemon('', { prefork: 2 }, async (d) => {
      d.allow(/router.*killed by SIGKILL/);
      const where = listeners(d)['127.0.0.1'];
      const [a, b] = await openMembers(2, () =>
        Member.open(where, '/room?presence=off'));
      const idb = await b.id();
      process.kill(d.child_pid('router'), 'SIGKILL');
      // What the router had in hand is lost; what comes after is not.
      const timer = setInterval(() => a.send({ action: 'message', target: idb,
        data: 'still here?' }), 20);
      assert.equal((await b.json()).data, 'still here?');
      clearInterval(timer);
      assert.deepEqual((await a.sync()).filter((o) => o.action === 'error'), []);
      await d.recovered();
      await closeAll([a, b]);
    });
  });
});

describe('a frontend is killed under load', () => {
  test('clients of the other keep connection, id and messages', async (t) => {
    await withDaemon('', { prefork: 2 }, async (d) => {
      d.allow(/frontend.*killed by SIGKILL/);
      const l = await Load.start(d, 24);
      await l.flows();
      const of = await frontendsOf(d);
      const victim = d.child_pid('frontend');
      const lost = l.members.filter((m) => of.get(m.name) === victim);
      const kept = l.members.filter((m) => of.get(m.name) !== victim);
      t.diagnostic(`${lost.length} lost, ${kept.length} kept`);
      assert.ok(lost.length > 0 && kept.length > 0, 'all on one frontend');
      l.presence.length = 0;
      const at = performance.now();
      process.kill(victim, 'SIGKILL');
      await Promise.all(lost.map((m) => m.done));
      await l.flows(kept);
      const took = performance.now() - at;
      t.diagnostic(`messages flow after ${took.toFixed(0)} ms`);
      assert.ok(took < 1000 * patience, `took ${took} ms`);
      // Everyone who stayed is told of everyone who went, once.
      await waitUntil(() => l.presence.length >= kept.length * lost.length,
        'disconnects');
      const want = kept.flatMap((k) => lost.map((m) =>
        ['disconnect', k.name, m.name].join(' '))).sort();
      assert.deepEqual(l.presence.map((p) => p.join(' ')).sort(), want);
      assert.ok(kept.every((m) => !m.ended), 'a client lost its connection');
      await d.recovered();
      // The new one serves, and is in touch with the rest.
      const where = listeners(d)['127.0.0.1'];
      const more = await openMembers(16, () => Member.open(where, '/load'));
      for (const m of more) {
        const seen = new Set();
        await m.json((o) => o.action === 'connect'
          && seen.add(o.target).size >= kept.length, 'all who are there');
      }
      await l.flows(kept);
      await closeAll(more);
      await l.stop();
      assert.deepEqual(l.wrong, []);
    });
  });

  test('the only one: it comes back and serves', async () => {
    await withDaemon('', {}, async (d) => {
      d.allow(/frontend.*killed by SIGKILL/);
      const where = listeners(d)['127.0.0.1'];
      const a = await Member.open(where, '/room');
      const victim = d.child_pid('frontend');
      process.kill(victim, 'SIGKILL');
      await a.done;
      await waitUntil(() => !alive(victim) && d.child_pid('frontend'));
      const b = await Member.open(where, '/room');
      const c = await Member.open(where, '/room');
      await b.action('connect');
      assert.equal((await d.show('channels')).length, 1);
      await closeAll([b, c]);
      await d.recovered();
    });
  });
});

describe('a process that keeps dying', () => {
  for (const name of ['router', 'frontend', 'discovery', 'crypto']) {
    test(`five deaths of the ${name} in a minute end the daemon`, async () => {
      const d = await Daemon.start(
        `link { listen on localhost port ${await freePort()} }`);
      d.allow(/killed by SIGKILL|giving up/);
      let last = 0;
      for (let i = 0; i < 5; i++) {
        const pid = await waitUntil(() => {
          const p = d.child_pid(name);
          return p && p !== last ? p : 0;
        }, `${name} number ${i + 1}`);
        last = pid;
        assert.equal(d.exit, null);
        process.kill(pid, 'SIGKILL');
        await waitUntil(() => !alive(pid));
      }
      const exit = await d.ended;
      assert.notEqual(exit.code, 0);
      assert.match(d.log, new RegExp(`${name}.*died 5 times.*giving up`));
      d.checkLog();
      assert.ok(!fs.existsSync(d.control), 'the control socket is left behind');
    });
  }

  test('one that cannot be started for now is tried again',
    { skip: skipUnless(isRoot, 'as root') }, async () => {
      // Root may have as many processes as it likes.
      const nobody = ['setpriv', '--reuid=65534', '--regid=65534',
        '--clear-groups'];
      const dir = tempDir();
      fs.chownSync(dir, 65534, 65534);
      await withDaemon('', { dir, prefix: ['/bin/sh', '-c',
        `chown 65534 "${dir}/nwsd.conf"; exec ${nobody.join(' ')} "$@"`,
        'sh'] }, async (d) => {
        d.allow(/router.*killed by SIGKILL/);
        const [a, b] = await openMembers(2, () =>
          Member.open(listeners(d)['127.0.0.1'], '/room?presence=off'));
        const limit = async (n) => assert.equal((await run(nobody[0],
          [...nobody.slice(1), 'prlimit', '--pid', d.pid, `--nproc=${n}:`]))
          .code, 0);
        await limit(1);
        process.kill(d.child_pid('router'), 'SIGKILL');
        await d.logged(/router\[0\]: cannot be started now: Resource temporar/);
        const r = await d.ctl('show');
        assert.match(r.err, /a process is being restarted/);
        await limit(4096);
        await d.recovered();
        a.send({ action: 'broadcast', data: 'still here' });
        assert.equal((await b.json()).data, 'still here');
        await closeAll([a, b]);
      });
    });

  test('the parent is killed: the children end by themselves', async () => {
    const d = await Daemon.start('', { prefork: 2 });
    const pids = d.children().map((c) => c.pid);
    const m = await Member.open(listeners(d)['127.0.0.1'], '/room');
    process.kill(d.pid, 'SIGKILL');
    await waitUntil(() => !pids.some(alive), 'the children to end');
    await m.done;
  });

  for (const signal of ['SIGTERM', 'SIGINT'])
    test(`${signal} ends it and all its children; clients get 1001`, async () => {
      const d = await Daemon.start('', { prefork: 2 });
      const pids = d.children().map((c) => c.pid);
      const all = await openMembers(10, () =>
        Member.open(listeners(d)['127.0.0.1'], '/room'));
      process.kill(d.pid, signal);
      assert.deepEqual(await Promise.all(all.map((m) => m.done)),
        Array(10).fill(1001));
      const exit = await d.ended;
      assert.deepEqual(exit, { code: 0, signal: null });
      assert.ok(!pids.some(alive));
      d.checkLog();
    });
});

describe('a process that breaks a rule', {
  skip: skipUnless(isRoot, 'needs root') }, () => {
  for (const [from, to] of [['discovery', 'crypto'], ['crypto', 'discovery'],
    ['router', 'crypto'], ['crypto', 'router']])
    test(`${from}, of its pipe to ${to}, ends, and ${to} does not`, async () => {
      await withDaemon(`link { listen on localhost port ${await freePort()} }`,
        {}, async (d) => {
          d.allow(/unknown type|given up/);
          d.allow(new RegExp(`${from}.*(killed by SIGKILL|does not read)`));
          const [bad, good] = [from, to].map((name) => d.child_pid(name));
          const r = await run('python3', [path.join(top,
            'tests/live/intrude.py'), String(bad), String(good)]);
          assert.equal(r.code, 0, r.err);
          await waitUntil(() => !alive(bad) && d.child_pid(from),
            `another ${from}`);
          await d.recovered();
          assert.equal(d.child_pid(to), good);
        });
    });
});

describe('reload under load', () => {
  test('no client is dropped, nothing is lost, new limits apply', async () => {
    await withDaemon('max-clients 100', { prefork: 2 }, async (d) => {
      const l = await Load.start(d, 8);
      await l.flows();
      for (let i = 0; i < 5; i++) {
        d.write(`max-clients ${100 + i}\nmax-message ${64 + i}K`);
        await d.reload();
        await l.flows();
      }
      const where = listeners(d)['127.0.0.1'];
      assert.equal((await d.limit('max-clients')).max, 104);
      const big = await Member.open(where, '/big');
      big.send({ action: 'broadcast', data: 'x'.repeat(70000) });
      assert.equal(await big.done, 1009);
      d.write('max-clients 8');
      await d.reload();
      await assert.rejects(Member.open(where, '/more'), /503/);
      assert.ok(l.members.every((m) => !m.ended));
      await l.flows();
      assert.deepEqual(l.presence, []);
      await l.stop();
      assert.deepEqual(l.wrong, []);
    });
  });

  test('a broken configuration keeps the old one and says where', async () => {
    await withDaemon('echo on', {}, async (d) => {
      const where = listeners(d)['127.0.0.1'];
      const m = await Member.open(where, '/room');
      d.write('echo on\n\nmax-message lots\nmax-clients 1');
      const r = await d.ctl('reload');
      assert.notEqual(r.code, 0);
      const line = fs.readFileSync(d.conf, 'utf8').split('\n')
        .indexOf('max-message lots') + 1;
      const place = new RegExp(`nwsd\\.conf:${line}: `);
      assert.match(r.err, place);
      await d.logged(place);
      const from = d.log.length;
      process.kill(d.pid, 'SIGHUP');
      await d.logged(/configuration not reloaded/, from);
      const e = await Member.open(where, '/debug/echo');
      e.send('x');
      assert.equal(await e.messages.next(), 'x');
      m.send({ action: 'status' });
      await m.action('status');
      fs.unlinkSync(d.conf);
      assert.notEqual((await d.ctl('reload')).code, 0);
      d.write('');
      assert.equal((await d.ctl('reload')).code, 0);
      await assert.rejects(Member.open(where, '/debug/echo'), / 404 /);
      await closeAll([m, e]);
    });
  });

  test('a SIGHUP during a reload is not lost', async () => {
    await withDaemon('', {}, async (d) => {
      const router = d.child_pid('router');
      process.kill(router, 'SIGSTOP');
      await waitUntil(() => {
        process.kill(d.pid, 'SIGHUP');
        return /a reload is under way/.test(d.log);
      }, 'the first reload to wait for the router');
      d.write('echo on');
      process.kill(d.pid, 'SIGHUP');
      process.kill(router, 'SIGCONT');
      const where = listeners(d)['127.0.0.1'];
      const e = await waitUntil(() => Member.open(where, '/debug/echo'),
        'the second reload');
      await e.close();
    });
  });

  test('what needs a restart is refused with the reason', async () => {
    await withDaemon('', {}, async (d) => {
      d.write('prefork 3');
      const r = await d.ctl('reload');
      assert.notEqual(r.code, 0);
      assert.match(r.err, /prefork/);
      assert.match(r.err, /restart/);
      d.write('');
      assert.equal((await d.ctl('reload')).code, 0);
    });
  });

  test('listeners come and go; their clients stay', async () => {
    await withDaemon('', { prefork: 2 }, async (d) => {
      const at = listeners(d);
      const a = await Member.open(at['127.0.0.1'], '/room');
      const b = await Member.open(at.unix, '/room');
      d.write('', `listen on ::1 port @PORT@
listen on unix "@DIR@/other.sock"
`);
      await d.reload();
      await assert.rejects(Member.open(at['127.0.0.1'], '/room'));
      await assert.rejects(Member.open(at.unix, '/room'));
      const c = await Member.open(at['::1'], '/room');
      const e = await Member.open({ path: `${d.dir}/other.sock`,
        name: 'localhost' }, '/room');
      await a.json((o) => o.action === 'connect');
      a.send({ action: 'broadcast', data: 'all of you' });
      for (const m of [b, c, e])
        await m.json((o) => o.data === 'all of you');
      d.write('');
      await d.reload();
      const f = await Member.open(at['127.0.0.1'], '/room');
      await closeAll([a, b, c, e, f]);
    });
  });

  test('Unix sockets that stay get another mode and group, or keep theirs',
    { skip: skipUnless(isRoot, 'as root') }, async () => {
      const link = (port) => `link { listen on 127.0.0.1 port ${port} }`;
      const text = link(await freePort());
      await withDaemon(text, {}, async (d) => {
        const unix = (rest, links = text) => d.write(links,
          `listen on localhost port @PORT@
listen on unix "@DIR@/client.sock" mode ${rest}
`);
        const is = () => {
          const { mode, gid } = fs.statSync(d.unix);
          return [(mode & 0o777).toString(8), gid];
        };
        const daemon = Number(/^daemon:[^:]*:(\d+)/m.exec(
          fs.readFileSync('/etc/group', 'utf8'))[1]);
        unix('0660 group daemon');
        await d.reload();
        assert.deepEqual(is(), ['660', daemon]);
        // What is refused changes nothing, wherever the reason stands.
        for (const [rest, links, why] of [
          ['0666 group no-such-group', text, /there is no group no-such-group/],
          ['0666', link(d.port), /in use/]]) {
          unix(rest, links);
          const r = await d.ctl('reload');
          assert.equal(r.code, 1, rest);
          assert.match(r.err, why);
          assert.deepEqual(is(), ['660', daemon], rest);
        }
        // Without a group, it is that of nwsd.
        unix('0600');
        await d.reload();
        assert.deepEqual(is(), ['600', process.getgid()]);
      });
    });

  test('what was put in the place of a Unix socket is left alone', async () => {
    await withDaemon('', {}, async (d) => {
      const file = `${d.dir}/file`;
      fs.writeFileSync(file, '', { mode: 0o600 });
      for (const put of [fs.symlinkSync, fs.linkSync]) {
        fs.unlinkSync(d.unix);
        put(file, d.unix);
        const from = d.log.length;
        await d.reload();
        assert.equal(fs.statSync(file).mode & 0o777, 0o600);
        assert.match(d.log.slice(from),
          /client\.sock: is not a socket any more/);
      }
    });
  });

  test('an address that is taken keeps the old configuration', async () => {
    const other = await Daemon.start();
    try {
      await withDaemon('', {}, async (d) => {
        d.write('', `listen on 127.0.0.1 port @PORT@
listen on 127.0.0.1 port ${other.port}
`);
        const r = await d.ctl('reload');
        assert.notEqual(r.code, 0);
        assert.match(r.err, new RegExp(`${other.port}`));
        const m = await Member.open(listeners(d).unix, '/room');
        await m.close();
        d.write('');
      });
    } finally {
      await other.stop();
    }
  });
});
