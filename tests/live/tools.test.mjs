// nws(1), nwsctl(8), the options of nwsd(8), and the sandbox: the programs as
// scripts use them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, Program, alive, build, freePort, isRoot, isSanitized, run,
  skipUnless, tempDir, useDaemon, waitUntil }
  from './lib.mjs';
import { Member, closeAll, listeners, openMembers, request, upgradeRequest }
  from './wire.mjs';

const tool = (name) => path.join(build, name);
const local = (d) => listeners(d)['127.0.0.1'];

describe('nws', () => {
  const h = useDaemon();
  const at = () => ['-H', `127.0.0.1:${h.d.port}`];
  const nws = (args, options) => run(tool('nws'), args, options);
  const here = (p) => p.err.until((l) => / as \d+$/.test(l), 'nws to have joined')
    .then((l) => / as (\d+)$/.exec(l)[1]);

  test('two talk, text', async () => {
    const a = h.d.nws(['chat']);
    const ida = await here(a);
    const b = h.d.nws(['chat']);
    const idb = await here(b);
    await a.err.until((l) => l.includes(idb), 'a to see b');
    a.write('hello\n');
    assert.equal(await b.out.next(), `<${ida}> hello`);
    b.write('häl"lo\\\t\n\n');
    assert.equal(await a.out.next(), `<${idb}> häl"lo\\\t`);
    assert.equal(await a.out.next(), `<${idb}> `);
    b.child.stdin.end();
    await b.stop('SIGINT');
    await a.err.until((l) => l.includes(idb), 'a to see b leave');
    await a.stop('SIGINT');
  });

  test('-j: JSON lines in and out', async () => {
    const m = await Member.open(local(h.d), '/json');
    const a = h.d.nws(['-j', '-q', 'json']);
    await m.action('connect');
    a.write('{"x": [1, 2]}\n"s"\n17\n');
    assert.deepEqual((await m.json()).data, { x: [1, 2] });
    assert.equal((await m.json()).data, 's');
    assert.equal((await m.json()).data, 17);
    m.send('{"action":"broadcast","data":{"b" : 1}}');
    const line = await a.out.until((l) => l.includes('broadcast'), 'a line');
    assert.deepEqual(JSON.parse(line).data, { b: 1 });
    await a.stop();
    await m.close();
  });

  test('nobody can do anything to a terminal', async () => {
    const m = await Member.open(local(h.d), '/terminal?presence=off');
    // script(1) runs it on a terminal.
    for (const [flags, shown] of [['', '\\\\302\\\\233'],
      ['-j', '\\\\u009b']]) {
      const a = new Program('script', ['-qec', `${tool('nws')}
        ${at().join(' ')} ${flags} -n 1 terminal`.replace(/\s+/g, ' '),
      '/dev/null']);
      await a.out.until((l) => /on terminal as|"status"/.test(l), 'nws');
      m.send('{"action":"broadcast","data":"\u009b31m\u007f"}');
      const line = await a.out.until((l) => l.includes('31m'), 'the message');
      assert.match(line, new RegExp(shown));
      assert.doesNotMatch(line, /[\x7f-\x9f]/);
      await a.exited;
    }
    await m.close();
  });

  test('-p publishes each line, and exits 0 once it is delivered', async () => {
    const m = await Member.open(local(h.d), '/pub?presence=off');
    const lines = Array.from({ length: 3000 }, (_, i) => `line ${i}`);
    const r = await nws([...at(), '-p', 'pub'], { input: lines.join('\n') });
    assert.deepEqual([r.code, r.out, r.err], [0, '', '']);
    for (const l of lines)
      assert.equal((await m.json()).data, l);
    await m.close();
  });

  test('-p -b publishes one binary message', async () => {
    const m = await Member.open(local(h.d), '/pub?presence=off',
      { 'Sec-WebSocket-Protocol': 'nws.binary.v1' });
    const input = Buffer.from(Array.from({ length: 100000 }, (_, i) => i & 255));
    const r = await nws([...at(), '-p', '-b', 'pub'], { input });
    assert.equal(r.code, 0, r.err);
    const got = await m.messages.next();
    assert.equal(got[0], 1);
    assert.ok(got.subarray(9).equals(input));
    await m.close();
  });

  test('-t: direct; exit 5 when there is no such peer', async () => {
    const [m, other] = await openMembers(2, () =>
      Member.open(local(h.d), '/direct?presence=off'));
    const id = await m.id();
    const r = await nws([...at(), '-p', '-t', id, 'direct'], { input: 'you\n' });
    assert.equal(r.code, 0, r.err);
    const o = await m.json();
    assert.equal(o.action, 'message');
    assert.equal(o.data, 'you');
    assert.deepEqual(await other.sync(), []);
    const bad = await nws([...at(), '-p', '-t', '42', 'direct'], { input: 'x' });
    assert.equal(bad.code, 5);
    assert.match(bad.err, /42/);
    await closeAll([m, other]);
  });

  test('-U: the Unix socket', async () => {
    const m = await Member.open(local(h.d), '/u?presence=off');
    const r = await nws(['-U', h.d.unix, '-p', 'u'], { input: 'x\n' });
    assert.equal(r.code, 0, r.err);
    assert.equal((await m.json()).data, 'x');
    await m.close();
  });

  test('-n: exits after so many messages', async () => {
    const a = h.d.nws(['-n', '2', 'count']);
    await here(a);
    const m = await Member.open(local(h.d), '/count?presence=off');
    m.send({ action: 'broadcast', data: 'one' });
    m.send({ action: 'broadcast', data: 'two' });
    assert.deepEqual(await a.exited, { code: 0, signal: null });
    assert.match(await a.out.next(), /one$/);
    assert.match(await a.out.next(), /two$/);
    await m.close();
  });

  test('-w: exits 4 when nothing comes', async () => {
    const r = await nws([...at(), '-w', '1', 'quiet'], { input: '' });
    assert.equal(r.code, 4, r.err);
  });

  test('exit codes and errors that say what is wrong', async () => {
    const none = await Daemon.start('', { listen:
      'listen on unix "@DIR@/client.sock" mode 0600\n' });
    await none.stop();
    for (const [args, code, text] of [
      [[], 1, /which channel/],
      [['a', 'b'], 1, /one channel/],
      [['bad/name'], 1, /not a channel name/],
      [['libp2p'], 1, /not a channel name/],
      [['-x', 'a'], 1, /usage/],
      [['-t', 'x', 'a'], 1, /-t takes/],
      [['-H', '127.0.0.1:1', 'a'], 2, /127\.0\.0\.1.*refused/i],
      [['-H', 'host.invalid', 'a'], 2, /host\.invalid/],
      [['-U', '/nonexistent/sock', 'a'], 2, /\/nonexistent\/sock/],
      [['-U', none.unix, 'a'], 2, /client\.sock/],
      [['-U', h.d.control, 'a'], 2, new RegExp(`^nws: ${h.d.control}: .*nwsd`)],
    ]) {
      const r = await nws(args, { input: '' });
      assert.equal(r.code, code, `${args}: ${r.err}`);
      assert.match(r.err, text);
      assert.equal(r.out, '');
    }
  });

  test('closed standard input and output are not the socket', async () => {
    const m = await Member.open(local(h.d), '/closed');
    const sh = (redirect, ...args) => new Program('/bin/sh', ['-c',
      `exec "$0" "$@" ${redirect}`, tool('nws'), ...at(), ...args, 'closed']);
    // Without input it listens on.
    const a = sh('<&-', '-n', '1');
    const id = await here(a);
    await m.json((o) => o.target === id);
    m.send({ action: 'broadcast', data: 'for a' });
    assert.match(await a.out.next(), /for a$/);
    assert.equal((await a.exited).code, 0);
    // Without output it ends when there is some.
    const b = sh('>&-', '-n', '1');
    const idb = await here(b);
    await m.json((o) => o.action === 'connect' && o.target === idb);
    m.send({ action: 'broadcast', data: 'for b' });
    assert.equal((await b.exited).code, 1);
    assert.match(b.stderr, /standard output: Bad file descriptor/);
    await m.json((o) => o.action === 'disconnect' && o.target === idb);
    assert.ok(!(await m.sync()).some((o) => o.action === 'broadcast'));
    await m.close();
  });

  test('a server that ends is noticed: exit 4', async () => {
    const d = await Daemon.start();
    const a = d.nws(['chat']);
    await here(a);
    await d.stop();
    assert.equal((await a.exited).code, 4);
  });

  test('help and version', async () => {
    for (const name of ['nws', 'nwsctl']) {
      const help = await run(tool(name), ['-h']);
      assert.equal(help.code, 0);
      assert.match(help.out, /usage: /);
      assert.doesNotMatch(help.out, / $/m);
      const version = await run(tool(name), ['-V']);
      assert.equal(version.code, 0);
      assert.match(version.out, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\n$`));
    }
  });
});

describe('nws with a token', () => {
  const h = useDaemon('native token "correct-horse-battery"');
  test('-k: with it, without it, with another', async () => {
    const dir = tempDir();
    fs.writeFileSync(`${dir}/right`, 'correct-horse-battery\n', { mode: 0o600 });
    fs.writeFileSync(`${dir}/wrong`, 'incorrect-horse\n', { mode: 0o600 });
    const go = (...args) => run(tool('nws'),
      ['-H', `127.0.0.1:${h.d.port}`, ...args, '-p', 'x'], { input: 'x' });
    assert.equal((await go('-k', `${dir}/right`)).code, 0);
    assert.equal((await go('-k', `${dir}/wrong`)).code, 3);
    assert.equal((await go()).code, 3);
    assert.equal((await go('-k', `${dir}/none`)).code, 1);
  });
});

describe('nwsctl', () => {
  const h = useDaemon('', { prefork: 2 });

  test('show, as text and as JSON', async () => {
    const m = await Member.open(local(h.d), '/shown',
      { Origin: 'http://localhost:5000' });
    const id = await m.id();
    for (const what of ['summary', 'channels', 'clients', 'processes', 'limits',
      'origins', 'metrics']) {
      const r = await h.d.ctl('show', what);
      assert.equal(r.code, 0, `${what}: ${r.err}`);
      assert.equal(r.err, '');
      if (what !== 'origins')
        assert.notEqual(r.out, '');
      if (what !== 'metrics')
        await h.d.show(what);
    }
    assert.match((await h.d.ctl('show')).out, /, 1 client, 1 channel, 0 links$/m);
    const [client] = await h.d.show('clients');
    assert.equal(client.client, id);
    assert.equal(client.channel, 'shown');
    assert.equal(client.origin, 'http://localhost:5000');
    assert.match((await h.d.ctl('show', 'clients')).out, new RegExp(id));
    const [channel] = await h.d.show('channels');
    assert.deepEqual([channel.channel, channel.members, channel.presence],
      ['shown', 1, true]);
    const processes = await h.d.show('processes');
    assert.deepEqual(processes.map((p) => p.pid).sort(),
      [h.d.pid, ...h.d.children().map((c) => c.pid)].sort());
    for (const p of processes)
      assert.ok(p.rss_kib > 500, JSON.stringify(p));
    await m.close();
  });

  test('counters count', async () => {
    const before = await h.d.show('summary');
    const [a, b] = await openMembers(2, () =>
      Member.open(local(h.d), '/counted?presence=off'));
    for (let i = 0; i < 100; i++)
      a.send({ action: 'broadcast', data: i });
    for (let i = 0; i < 100; i++)
      await b.json();
    const after = await h.d.show('summary');
    const grown = (n) => after[n] - before[n];
    assert.equal(grown('frontend_clients_total'), 2);
    assert.equal(grown('frontend_messages_in_total'), 100);
    assert.ok(grown('frontend_messages_out_total') >= 100);
    assert.equal(after.router_members, before.router_members + 2);
    await closeAll([a, b]);
  });

  test('metrics are what Prometheus reads', async () => {
    const { out } = await h.d.ctl('show', 'metrics');
    const types = new Map();
    for (const line of out.trim().split('\n')) {
      const type = /^# TYPE (\w+) (counter|gauge)$/.exec(line);
      if (type) {
        assert.ok(!types.has(type[1]), `${type[1]} twice`);
        types.set(type[1], type[2]);
        continue;
      }
      if (/^# HELP /.test(line))
        continue;
      const sample = /^(nwsd_\w+)(\{[^{}]*\})? (\d+(\.\d+)?)$/.exec(line);
      assert.ok(sample, line);
      assert.ok(types.has(sample[1]), `${line}: no TYPE before it`);
      if (types.get(sample[1]) === 'counter')
        assert.match(sample[1], /_total$/);
    }
  });

  test('monitor: events as they happen', async () => {
    const monitor = new Program(tool('nwsctl'), ['-s', h.d.control, '-j',
      'monitor']);
    // Events before it was there are not told, so make some until one comes.
    const timer = setInterval(() => request(local(h.d), upgradeRequest('/warm',
      local(h.d).name)).catch(() => {}), 50);
    await monitor.out.next('an event');
    clearInterval(timer);
    const m = await Member.open(local(h.d), '/watched');
    const id = await m.id();
    const event = (name, fn = () => true) => monitor.out.until((l) => {
      const e = JSON.parse(l);
      return e.event === name && fn(e);
    }, name);
    await event('client_open', (e) => e.client === id);
    await m.close();
    // The frontend tells the one and the router the other, in any order.
    const left = [(e) => e.event === 'client_close' && e.client === id,
      (e) => e.event === 'channel_gone' && e.data.channel === 'watched'];
    while (left.length > 0) {
      const e = JSON.parse(await monitor.out.next('two events'));
      const i = left.findIndex((is) => is(e));
      if (i !== -1)
        left.splice(i, 1);
    }
    await request(local(h.d), upgradeRequest('/x', local(h.d).name,
      { Origin: 'https://seen.example' }));
    await event('origin_pending');
    await h.d.ctl('reload');
    await event('reload');
    await monitor.stop();
  });

  test('close: the client is told and gone', async () => {
    const m = await Member.open(local(h.d), '/closed');
    const id = await m.id();
    assert.equal((await h.d.ctl('close', id)).code, 0);
    assert.equal(await m.done, 1008);
    const again = await h.d.ctl('close', id);
    assert.equal(again.code, 1);
    assert.match(again.err, /no such client/);
  });

  test('log verbose and brief', async () => {
    assert.equal((await h.d.ctl('log', 'verbose')).code, 0);
    assert.equal((await h.d.ctl('log', 'brief')).code, 0);
    assert.equal((await h.d.ctl('log', 'loud')).code, 1);
  });

  test('wrong use: exit 1, and what would be right', async () => {
    for (const args of [['bogus'], ['show', 'bogus'], ['close'], ['close', 'x'],
      ['origin'], ['origin', 'bogus'], ['origin', 'allow'], ['reload', 'now'],
      ['sandbox-test', 'parent', 'open'], ['sandbox-test', 'router', 'bogus'],
      ['sandbox-test', 'frontend', '9', 'open']]) {
      const r = await h.d.ctl(...args);
      assert.equal(r.code, 1, `${args}: ${r.out}${r.err}`);
      assert.notEqual(r.err, '');
      assert.doesNotMatch(r.err, / $/m);
    }
  });

  test('the daemon is not running: exit 2, and it says so', async () => {
    const d = await Daemon.start();
    await d.stop();
    for (const args of [['show'], ['reload'], ['monitor'], ['-j', 'show']]) {
      const r = await d.ctl(...args);
      assert.equal(r.code, 2, `${args}`);
      assert.match(r.err + r.out, /running/);
    }
    const json = await d.ctl('-j', 'show');
    assert.equal(JSON.parse(json.out).ok, false);
    const plain = await run(tool('nwsctl'), ['-s', '/etc/passwd', 'show']);
    assert.equal(plain.code, 2);
    assert.match(plain.err, /no socket/);
  });

  test('closed standard output: exit 1', async () => {
    const r = await run('/bin/sh', ['-c', 'exec "$0" "$@" >&-',
      tool('nwsctl'), '-s', h.d.control, 'show']);
    assert.equal(r.code, 1);
    assert.match(r.err, /standard output: Bad file descriptor/);
  });

  test('many at once, and some that vanish', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () =>
      h.d.ctl('show', 'clients', '-j')));
    assert.ok(all.every((r) => r.code === 0), all.map((r) => r.err).join());
    for (let i = 0; i < 5; i++) {
      const p = new Program(tool('nwsctl'), ['-s', h.d.control, 'monitor']);
      await p.stop('SIGKILL');
    }
  });
});

describe('nwsd', () => {
  const nwsd = (...args) => run(tool('nwsd'), args);
  function file(text) {
    const name = path.join(tempDir(), 'nwsd.conf');
    fs.writeFileSync(name, text);
    return name;
  }

  test('-n: fine, or file:line and what was expected', async () => {
    assert.equal((await nwsd('-n', '-f', file('max-message 1M\n'))).code, 0);
    const bad = file('echo on\nmax-message lots\nfrobnicate 3\n');
    const r = await nwsd('-n', '-f', bad);
    assert.equal(r.code, 1);
    assert.match(r.err, new RegExp(`${bad}:2: .*expected`));
    assert.match(r.err, new RegExp(`${bad}:3: `));
  });

  test('-f with a file that is not there', async () => {
    const r = await nwsd('-n', '-f', '/nonexistent/nwsd.conf');
    assert.equal(r.code, 1);
    assert.match(r.err, /\/nonexistent\/nwsd\.conf/);
  });

  test('-nv prints what parses again to the same', async () => {
    const text = `p = "19009"
listen on 127.0.0.1 port $p
listen on ::1 port 19009
listen on unix "/tmp/x.sock" mode 0660
control "/tmp/x.ctl"
prefork 2
echo on
max-message 16M
deflate on
allow origin "https://example.org"
allow origin "https://*.example.org"
allow origin any
host "name"
max-clients 20000
queue-limit 1M
rate messages 1000 burst 2000
channel "name" { presence off }
`;
    const one = await nwsd('-nv', '-f', file(text));
    assert.equal(one.code, 0, one.err);
    const two = await nwsd('-nv', '-f', file(one.out));
    assert.equal(two.code, 0, two.err);
    assert.equal(two.out, one.out);
    assert.match(one.out, /max-message 16M/);
  });

  test('-D macro=value', async () => {
    const r = await nwsd('-nv', '-D', 'size=2M', '-f',
      file('size = "1M"\nmax-message $size\n'));
    assert.equal(r.code, 0, r.err);
    assert.match(r.out, /max-message 2M/);
  });

  test('-V and wrong use', async () => {
    const r = await nwsd('-V');
    assert.equal(r.code, 0);
    assert.match(r.out, /^nwsd \d+\.\d+\.\d+/);
    assert.notEqual((await nwsd('-x')).code, 0);
    assert.notEqual((await nwsd('surplus')).code, 0);
  });

  test('without -d: in the background, and back when it serves', async () => {
    const dir = tempDir(), port = await freePort();
    const control = path.join(dir, 'control.sock');
    const conf = file(`listen on 127.0.0.1 port ${port}
listen on unix "${dir}/client.sock"
control "${control}"
link off\n`);
    const env = { STATE_DIRECTORY: dir, ASAN_OPTIONS: 'detect_leaks=0' };
    const start = (...args) => run(tool('nwsd'), args, { env });
    assert.equal((await start('-f', conf)).code, 0);
    const r = await run(tool('nwsctl'),
      ['-s', control, '-j', 'show', 'processes']);
    const pids = JSON.parse(r.out).processes.map((p) => p.pid);
    try {
      assert.equal(pids.length, 3);
      const where = { host: '127.0.0.1', port, name: `localhost:${port}` };
      await (await Member.open(where, '/chat')).close();
      // Others are told which process it is.
      const held = new RegExp(`already \\(pid ${pids[0]}\\)`);
      const second = await start('-f', conf);
      assert.equal(second.code, 1);
      assert.match(second.err, held);
      const third = await start('-d', '-f', file(
        `listen on unix "${dir}/client.sock"\ncontrol "${dir}/other.sock"\n`));
      assert.equal(third.code, 1);
      assert.match(third.err, held);
    } finally {
      process.kill(pids[0], 'SIGTERM');
      await waitUntil(() => !pids.some(alive), 'all processes to end');
    }
    assert.deepEqual(fs.readdirSync(dir).filter((n) => /sock/.test(n)), []);
  });

  test('the default control socket of root: its mode says who may connect',
    { skip: skipUnless(isRoot, 'as root') }, async () => {
      const dir = tempDir();
      const conf = file(`listen on unix "${dir}/client.sock"
control default mode 0666
link off\n`);
      // With a /run of its own.
      const r = await run('unshare', ['-m', '/bin/sh', '-ec', `
        mount -t tmpfs -o mode=0755 tmpfs /run
        "${tool('nwsd')}" -f "${conf}"
        trap "kill $("${tool('nwsctl')}" show processes |
          awk '$1 == "parent" { print $2 }')" EXIT
        nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
        nobody "${tool('nwsctl')}" -s /run/nwsd/nwsd.ctl -j show processes
        nobody "${tool('nwsctl')}" -s /run/nwsd/nwsd.ctl reload || echo refused`],
      { env: { STATE_DIRECTORY: dir } });
      assert.equal(r.code, 0, r.err);
      assert.match(r.out, /"ok":true.*\nrefused\n$/);
      const pids = JSON.parse(r.out.split('\n')[0]).processes.map((p) => p.pid);
      await waitUntil(() => !pids.some(alive), 'all processes to end');
    });

  test('a port that is taken is named', async () => {
    const d = await Daemon.start();
    const r = await nwsd('-d', '-f', file(`listen on 127.0.0.1 port ${d.port}
control "${d.dir}/other.sock"\n`));
    assert.notEqual(r.code, 0);
    assert.match(r.err, new RegExp(`127\\.0\\.0\\.1 port ${d.port}.*in use`));
    await d.check();
    await d.stop();
  });
});

describe('the sandbox', { skip: isSanitized(build)
  && 'the sanitizer build has none' }, () => {
  // Discovery is the one that dials.
  const calls = { frontend: ['open', 'socket', 'connect', 'exec'],
    router: ['open', 'socket', 'connect', 'exec'],
    crypto: ['open', 'socket', 'connect', 'exec'],
    discovery: ['open', 'exec'] };
  for (const name in calls)
    for (const call of calls[name])
      test(`${name}: ${call} is its end, and it is started again`, async () => {
        const d = await Daemon.start(/frontend|router/.test(name) ? ''
          : `link { listen on localhost port ${await freePort()} }`);
        d.allow(/killed by SIGSYS/);
        try {
          const pid = d.child_pid(name);
          const r = await d.ctl('sandbox-test', name, call);
          assert.equal(r.code, 0, r.err);
          await d.logged(new RegExp(`${name}.*killed by SIGSYS`));
          await waitUntil(() => {
            const now = d.child_pid(name);
            return now && now !== pid;
          }, 'another one');
          const [a, b] = await openMembers(2, () => Member.open(
            listeners(d)['127.0.0.1'], '/after?presence=off'));
          a.send({ action: 'broadcast', data: 'alive' });
          assert.equal((await b.json()).data, 'alive');
          await closeAll([a, b]);
          await d.check();
        } finally {
          await d.stop();
        }
      });

  test('what a process holds: no new privileges, a filter, few descriptors',
    async () => {
      const d = await Daemon.start();
      try {
        for (const { pid, name } of d.children()) {
          const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
          const field = (f) => new RegExp(`^${f}:[ \\t]*(.*)$`, 'm').exec(status)[1];
          assert.equal(field('NoNewPrivs'), '1', name);
          assert.equal(field('Seccomp'), '2', name);
          if (process.getuid() === 0) {
            assert.ok(!/\b0\b/.test(field('Uid')), `${name} runs as root`);
            assert.equal(field('CapEff'), '0000000000000000', name);
            assert.match(field('Groups').trim(), /^\d*$/, name);
            assert.notEqual(fs.readlinkSync(`/proc/${pid}/root`), '/', name);
          }
        }
        await d.check();
      } finally {
        await d.stop();
      }
    });
});
