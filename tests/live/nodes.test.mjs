// What belongs to links beside the links: their listeners, identity and peers,
// what nwsctl(8) shows of them, and the processes that have them.  Two daemons
// on loopback addresses, without multicast.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, build, freePort, run, tempDir, waitUntil } from './lib.mjs';
import { Member, closeAll, listeners } from './wire.mjs';

const listen = (port) => `link { listen on localhost port ${port} }`;
const member = (d, name = '/room') => Member.open(listeners(d)['127.0.0.1'], name);

/** A daemon with links; port is theirs. */
async function start(text = '', options = {}) {
  const port = options.linkPort ?? await freePort();
  const d = await Daemon.start(`${listen(port)}\n${text}`,
    { args: ['-v'], ...options });
  d.linkPort = port;
  d.peer = `127.0.0.1:${port}`;
  return d;
}

async function stop(...all) {
  for (const d of all)
    assert.deepEqual(await d.stop(), { code: 0, signal: null }, d.log);
}

const linked = (d, n = 1) => waitUntil(async () =>
  (await d.show('links')).filter((l) => l.phase === 'active').length === n,
`${n} links`, 15000);

const peerId = async (d) => {
  const m = await waitUntil(() => /this node is (\w+)/.exec(d.log),
    'the id of a node');
  return m[1];
};

async function ctl(d, ...args) {
  const r = await d.ctl(...args);
  assert.equal(r.code, 0, r.err);
  return r.out;
}

async function refused(d, pattern, ...args) {
  const r = await d.ctl(...args);
  assert.equal(r.code, 1, r.out);
  assert.match(r.err, pattern);
}

describe('two nodes by peer lines', () => {
  test('nwsctl peer add, show, peer del', async () => {
    const a = await start();
    const b = await start();
    try {
      assert.equal(await ctl(a, 'peer', 'add', b.peer),
        `${b.peer} is dialled now\n`);
      await Promise.all([linked(a), linked(b)]);
      const [link] = await a.show('links');
      assert.equal(link.peer, await peerId(b));
      assert.equal(link.dialled, true);
      assert.match(link.security, /tls|noise/);
      const [peer] = await a.show('peers');
      assert.equal(peer.name, b.peer);
      assert.equal(peer.from, 'added');
      assert.equal(peer.state, 'linked');
      assert.match(await ctl(a, 'show', 'links'), /active (tls|noise) out/);
      assert.match(await ctl(b, 'show', 'links'), /active (tls|noise) in/);
      assert.match(await ctl(a, 'show', 'peers'), /added +linked/);
      assert.match(await ctl(a, 'show'), /5 processes.* 1 link$/m);
      const [m, n] = [await member(a), await member(b)];
      await m.json((o) => o.action === 'connect');
      m.send({ action: 'broadcast', data: 'over there' });
      await n.json((o) => o.data === 'over there');
      await closeAll([m, n]);
      await refused(a, /was added before/, 'peer', 'add', b.peer);
      assert.equal(await ctl(a, 'peer', 'del', b.peer),
        `${b.peer} is forgotten\n`);
      assert.deepEqual(await a.show('peers'), []);
      await refused(a, /not a peer that was added/, 'peer', 'del', b.peer);
      await refused(a, /expected/, 'peer', 'add', '::1');
      await refused(a, /one machine/, 'peer', 'add', '0.0.0.0');
    } finally {
      await stop(a, b);
    }
  });

  test('each process dies, and there is a link again', async () => {
    const b = await start();
    const a = await start(`peer "${b.peer}"`);
    a.allow(/killed by SIGKILL/);
    try {
      await Promise.all([linked(a), linked(b)]);
      for (const name of ['crypto', 'discovery', 'router']) {
        const pid = a.child_pid(name);
        process.kill(pid, 'SIGKILL');
        await waitUntil(() => (a.child_pid(name) ?? pid) !== pid, name);
        await a.recovered();
        await Promise.all([linked(a), linked(b)]);
        const [m, n] = [await member(a), await member(b)];
        await m.json((o) => o.action === 'connect');
        n.send({ action: 'broadcast', data: name });
        await m.json((o) => o.data === name);
        await closeAll([m, n]);
      }
      await refused(a, /by the configuration/, 'peer', 'del', b.peer);
    } finally {
      await stop(a, b);
    }
  });

  test('a clean stop is a goodbye', async () => {
    const b = await start();
    const a = await start(`peer "${b.peer}"`);
    try {
      await Promise.all([linked(a), linked(b)]);
      const [m, n] = [await member(a), await member(b)];
      await n.json((o) => o.action === 'connect');
      await stop(a);
      await n.json((o) => o.action === 'disconnect');
      await m.done;
      await n.close();
      assert.deepEqual(await b.show('links'), []);
    } finally {
      await stop(b);
    }
  });

  test('256 peers can be added', async () => {
    const a = await start();
    try {
      for (let i = 0; i < 256; i += 16)
        await Promise.all(Array.from({ length: 16 }, (_, k) =>
          ctl(a, 'peer', 'add', `127.9.${i}.${k}:1`)));
      await refused(a, /too many/, 'peer', 'add', '127.9.9.9:2');
      assert.equal((await a.show('peers')).length, 256);
      await ctl(a, 'peer', 'del', '127.9.0.3:1');
      await ctl(a, 'peer', 'add', '127.9.9.9:2');
    } finally {
      await stop(a);
    }
  });
});

describe('the listeners of links', () => {
  const accepts = (port, host = '127.0.0.1') => new Promise((resolve) => {
    const s = net.connect(port, host);
    s.once('connect', () => resolve(true));
    s.once('error', () => resolve(false));
    s.once('connect', () => s.destroy());
  });

  test('where 9010 is taken another port is used, and said', async () => {
    const holder = net.createServer().listen(9010, '0.0.0.0');
    // Another test may have it; that is as good.
    const mine = await new Promise((resolve) => {
      holder.once('listening', () => resolve(true));
      holder.once('error', () => resolve(false));
    });
    const d = await Daemon.start('link on');
    try {
      assert.match(d.log, /port 9010: Address already in use/);
      const m = /links have port (\d+) instead/.exec(d.log);
      assert.notEqual(m[1], '9010');
      assert.ok(await accepts(Number(m[1])));
      const r = await d.ctl('check', '-j');
      assert.ok(JSON.parse(r.out).check.some((c) => c.level === 'warning'
        && c.text.includes(m[1])), r.out);
      // A reload keeps it.
      await d.reload();
      assert.ok(await accepts(Number(m[1])));
      await d.check();
    } finally {
      await stop(d);
      if (mine)
        holder.close();
    }
  });

  test('a reload opens and closes them', async () => {
    const d = await start();
    try {
      assert.ok(await accepts(d.linkPort));
      const other = await freePort();
      d.write(listen(other));
      await d.reload();
      await waitUntil(async () => await accepts(other)
        && !await accepts(d.linkPort), 'the other port');
      for (const [text, word] of [['link off', 'link'],
        [`${listen(other)}\nidentity persistent`, 'identity']]) {
        d.write(text);
        await refused(d, new RegExp(`"${word}" has changed.*restart`), 'reload');
      }
      d.write(listen(d.port));
      await refused(d, /in use/, 'reload');
      d.write(listen(other));
      await d.reload();
      assert.ok(await accepts(other));
    } finally {
      await stop(d);
    }
  });

  test('link off: two processes less, and nothing to show', async () => {
    const d = await Daemon.start('link off');
    try {
      assert.deepEqual(d.children().map((c) => c.name).sort(),
        ['frontend', 'router']);
      for (const what of ['links', 'peers', 'interfaces', 'discovery'])
        assert.deepEqual(await d.show(what), []);
      const r = await d.ctl('check');
      assert.equal(r.code, 0);
      assert.match(r.out, /note +links are off/);
      await refused(d, /link off/, 'peer', 'add', 'nas');
    } finally {
      await stop(d);
    }
  });
});

describe('identity', () => {
  const file = (d) => path.join(d.dir, 'state', 'identity');

  test('persistent: the same after a restart, and of a file like this', async () => {
    const d = await start('identity persistent');
    try {
      const id = await peerId(d);
      const st = fs.statSync(file(d));
      assert.equal(st.size, 32);
      assert.equal(st.mode & 0o777, 0o600);
      await d.restart();
      assert.equal(await peerId(d), id);
      fs.unlinkSync(file(d));
      await d.restart();
      assert.notEqual(await peerId(d), id);
    } finally {
      await stop(d);
    }
  });

  test('ephemeral: another at each start, and no file', async () => {
    const d = await start();
    try {
      const id = await peerId(d);
      await d.restart();
      assert.notEqual(await peerId(d), id);
      assert.ok(!fs.existsSync(file(d)));
    } finally {
      await stop(d);
    }
  });

  for (const [what, spoil, pattern] of [
    ['short', (f) => fs.writeFileSync(f, Buffer.alloc(31), { mode: 0o600 }),
      /not a key, expected 32 bytes/],
    ['long', (f) => fs.writeFileSync(f, Buffer.alloc(33), { mode: 0o600 }),
      /not a key, expected 32 bytes/],
    ['readable', (f) => fs.writeFileSync(f, Buffer.alloc(32), { mode: 0o644 }),
      /mode 0600/],
    ['a directory', (f) => fs.mkdirSync(f), /not a file/],
    ['a link', (f) => fs.symlinkSync('/dev/zero', f), /identity/],
  ])
    test(`persistent, but the file is ${what}: nwsd does not start`, async () => {
      const dir = tempDir();
      fs.mkdirSync(`${dir}/state`);
      spoil(`${dir}/state/identity`);
      const d = await Daemon.start(`${listen(await freePort())}
identity persistent`, { dir, ready: false });
      assert.deepEqual(await d.ended, { code: 1, signal: null });
      assert.match(d.log, pattern);
      assert.ok(!fs.existsSync(d.control));
    });
});

test('a secret in a file that everybody may read is refused', async () => {
  const name = path.join(tempDir(), 'nwsd.conf');
  fs.writeFileSync(name, 'channel a { secret "hush" }\n');
  const nwsd = () => run(path.join(build, 'nwsd'), ['-n', '-f', name]);
  fs.chmodSync(name, 0o644);
  const r = await nwsd();
  assert.equal(r.code, 1);
  assert.match(r.err, /secret of a channel.*0600/);
  assert.doesNotMatch(r.err, /hush/);
  fs.chmodSync(name, 0o640);
  assert.equal((await nwsd()).code, 0);
  // Of what is included, too, since a macro may have it; it is not said to.
  const site = path.join(path.dirname(name), 'site.conf');
  fs.appendFileSync(name, 'include "site.conf"\n');
  fs.writeFileSync(site, 'port = 9009\n');
  fs.chmodSync(site, 0o644);
  assert.match((await nwsd()).err,
    /site\.conf: everybody may read it, but the .* holds the secret/);
  fs.chmodSync(site, 0o640);
  assert.equal((await nwsd()).code, 0);
});
