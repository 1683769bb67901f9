// Networks of pretended machines: each host is a network namespace with an
// nwsd of its own, joined by bridges that are namespaces too, so that nothing
// reaches the network of the machine that runs the tests.  Needs root and
// ip(8).  What was made is removed at the end of each test and, after a crash,
// when the process ends; nothing else is touched.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Daemon, Program, alive, isRoot, run, skipUnless, tempDir, waitUntil }
  from '../live/lib.mjs';
import { Client } from './clients.mjs';

/* --------------------------------------------------------- what it needs */

/** Why there can be no networks here, or undefined. */
function namespacesFail() {
  const ns = `nws${process.pid}-try`;
  if (spawnSync('ip', ['netns', 'add', ns]).status !== 0)
    return 'needs ip(8) and network namespaces';
  const made = spawnSync('ip', ['-n', ns, 'link', 'add', 'br0', 'type',
    'bridge']);
  spawnSync('ip', ['netns', 'del', ns]);
  // It remounts / and so cannot in a chroot, whose root is no mount point.
  if (made.status !== 0)
    return `needs bridges in network namespaces: ${made.stderr} (in a chroot: `
      + 'mount --bind its directory on itself before)';
}

/** A reason to skip all of these tests, or false. */
const why = isRoot ? namespacesFail() : 'needs root';
export const noNetworks = skipUnless(!why, why);

/** The same, for those that need other programs too. */
export const unlessPrograms = (...names) => noNetworks || names.map((n) =>
  skipUnless(spawnSync('sh', ['-c', `command -v ${n}`], { env: { ...process.env,
    PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).status === 0,
  `needs ${n}`)).find(Boolean) || false;

/* ------------------------------------------------------------- namespaces */

const names = new Set();
let serial = 0;

function removeNow(ns) {
  const pids = spawnSync('ip', ['netns', 'pids', ns]).stdout?.toString() ?? '';
  for (const pid of pids.split('\n').filter(Boolean).map(Number))
    if (pid !== process.pid)
      try {
        process.kill(pid, 'SIGKILL');
      } catch { /* gone meanwhile */ }
  spawnSync('ip', ['netns', 'del', ns]);
  fs.rmSync(`/etc/netns/${ns}`, { recursive: true, force: true });
  try {
    fs.rmdirSync('/etc/netns');
  } catch { /* others use it, or it was never there */ }
  names.delete(ns);
}

process.on('exit', () => names.forEach(removeNow));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => process.exit(1));

function newNamespace(name) {
  const ns = `nws${process.pid}-${++serial}${name}`;
  names.add(ns);
  execFileSync('ip', ['netns', 'add', ns], { stdio: 'pipe' });
  return ns;
}

/** Runs lines of ip(8), in a namespace or, with null, in that of the test. */
async function ip(ns, ...lines) {
  const r = await run('ip', [...ns ? ['-n', ns] : [], '-batch', '-'],
    { input: lines.flat().filter(Boolean).join('\n') + '\n' });
  assert.equal(r.code, 0, `ip: ${lines.flat().join('; ')}: ${r.err}`);
  return r.out;
}

async function sysctl(ns, values) {
  const lines = Object.entries(values)
    .map(([k, v]) => `echo ${v} > /proc/sys/net/${k}`).join('\n');
  const r = await run('ip', ['netns', 'exec', ns, 'sh', '-ec', lines]);
  assert.equal(r.code, 0, r.err);
}

/* ---------------------------------------------------------------- daemons */

/** nwsd on a host. */
class HostDaemon extends Daemon {
  off = [];

  baseline() {}

  /** All processes there are, by name. */
  pids() {
    return Object.fromEntries([['parent', this.pid], ...this.children()
      .map((c) => [c.name, c.pid])]);
  }

  /** Waits until a process of this name runs that is not the one of old. */
  replaced(name, old) {
    return waitUntil(() => {
      const pid = this.pids()[name];
      return pid && pid !== old;
    }, `a new ${name}`);
  }

  healthy() {
    assert.equal(this.exit, null, `nwsd ended: ${this.log}`);
    this.checkLog();
    assert.deepEqual(Object.keys(this.pids()).sort(),
      ['parent', ...Object.keys(this.processes())].sort());
  }
}

/* ------------------------------------------------------------------ hosts */

export class Host {
  clients = new Set();
  programs = new Set();
  ports = {};
  restarts = 0;

  constructor(network, name, options) {
    this.network = network;
    this.name = name;
    this.options = options;
    this.number = network.hosts.length + 1;
  }

  /** Puts an interface of the host on a bridge. */
  async plugInto(bridge, dev = 'eth0', { v4 = this.options.v4 ?? true,
    v6 = this.options.v6 ?? true } = {}) {
    const port = `${this.name}-${dev}`;
    const n = this.number + (dev === 'eth0' ? 0 : 100);
    this.ports[dev] = { bridge, port,
      v4: v4 ? `10.77.${bridge.number}.${n}` : null,
      v6: v6 ? `fd77:${bridge.number}::${n}` : null };
    await ip(null, `link add ${dev} netns ${this.ns} type veth `
      + `peer name ${port} netns ${bridge.ns}`);
    await ip(bridge.ns, `link set ${port} master br0 up`);
    await ip(this.ns, `link set ${dev} up`,
      v4 && `addr add ${this.ports[dev].v4}/24 dev ${dev}`,
      v6 && `addr add ${this.ports[dev].v6}/64 dev ${dev} nodad`);
  }

  ip(...lines) {
    return ip(this.ns, ...lines);
  }

  /** The cable is pulled: no carrier; and put back. */
  unplug(dev = 'eth0') {
    const { bridge, port } = this.ports[dev];
    return ip(bridge.ns, `link set ${port} down`);
  }

  plug(dev = 'eth0') {
    const { bridge, port } = this.ports[dev];
    return ip(bridge.ns, `link set ${port} up`);
  }

  /** Nothing passes any more, and nobody is told. */
  silence(dev = 'eth0') {
    const { bridge, port } = this.ports[dev];
    return ip(bridge.ns, `link set ${port} nomaster`);
  }

  unsilence(dev = 'eth0') {
    const { bridge, port } = this.ports[dev];
    return ip(bridge.ns, `link set ${port} master br0`);
  }

  exec(file, args = [], options) {
    const p = new Program('ip', ['netns', 'exec', this.ns, file, ...args],
      options);
    this.programs.add(p);
    p.exited.then(() => this.programs.delete(p));
    return p;
  }

  run(file, args = [], options) {
    return run('ip', ['netns', 'exec', this.ns, file, ...args], options);
  }

  /** Files of /etc that only this host sees; before what is to see them. */
  etc(files) {
    const dir = `/etc/netns/${this.ns}`;
    fs.mkdirSync(dir, { recursive: true });
    for (const [name, text] of Object.entries(files))
      fs.writeFileSync(path.join(dir, name), text);
  }

  /** Starts nwsd; conf is nwsd.conf beside its listeners. */
  async start(conf = '', options = {}) {
    this.dir ??= tempDir();
    this.d = await HostDaemon.start(conf, { port: 9009, dir: this.dir,
      prefix: ['ip', 'netns', 'exec', this.ns],
      listen: 'listen on 127.0.0.1 port @PORT@\n'
        + 'listen on unix "@DIR@/client.sock" mode 0666\n', ...options });
    return this.d;
  }

  join(channel, query) {
    return Client.join(this, channel, query);
  }

  async pids() {
    const r = await run('ip', ['netns', 'pids', this.ns]);
    return r.out.split('\n').filter(Boolean).map(Number);
  }

  /** All processes at once, by SIGKILL. */
  async kill() {
    const pids = await this.pids();
    for (const pid of pids)
      try {
        process.kill(pid, 'SIGKILL');
      } catch { /* it died with its parent */ }
    this.killed = true;
    this.clients.clear();
    await waitUntil(() => !pids.some(alive), `the end of ${this.name}`);
  }

  async stop() {
    for (const c of this.clients)
      c.member.destroy();
    this.clients.clear();
    if (this.d && !this.killed)
      assert.deepEqual(await this.d.stop(), { code: 0, signal: null },
        this.d.log);
    this.d = undefined;
  }

  /** What nwsctl shows of links that carry channels. */
  async links() {
    return (await this.d.show('links')).filter((l) => l.phase === 'active');
  }

  /** Waits until its names are established, on all that it uses. */
  named() {
    return waitUntil(async () => {
      const used = (await this.d.show('interfaces')).filter((i) => i.used);
      assert.ok(used.length > 0);
      for (const i of used)
        assert.deepEqual([i.ready_ipv4, i.ready_ipv6],
          [this.options.v4 ?? true, this.options.v6 ?? true], i.interface);
      return true;
    }, `the names of ${this.name}`);
  }

  /** Waits until there are links to so many hosts, one each. */
  linked(n, ms = 30000) {
    return waitUntil(async () => {
      const links = await this.links();
      assert.equal(links.length, n, `${this.name}: ${JSON.stringify(links)}`);
      assert.equal(new Set(links.map((l) => l.peer)).size, n);
      return true;
    }, `${n} links`, ms);
  }
}

/* ---------------------------------------------------------------- network */

export class Network {
  hosts = [];
  bridges = [];

  /** A network for one test. */
  static async use(fn) {
    const n = new Network();
    let failed = true;
    try {
      await fn(n);
      failed = false;
    } catch (e) {
      n.explain(e);
      throw e;
    } finally {
      await n.remove(failed);
    }
  }

  /** Adds what became of the daemons to a failure: that may be its cause. */
  explain(e) {
    for (const { name, d } of this.hosts)
      if (d && d.exit === null)
        e.stack += `\n--- ${name}: nwsd runs`;
      else if (d)
        e.stack += `\n--- ${name}: nwsd ended, ${JSON.stringify(d.exit)}: `
          + d.log.split('\n').slice(-8).join('\n');
  }

  /** One host for each name, on one bridge; options as of host(). */
  static async of(hostNames, options, fn) {
    await Network.use(async (n) => {
      const bridge = await n.bridge();
      const hosts = [];
      for (const name of hostNames)
        hosts.push(await n.host(name, bridge, options));
      await fn(...hosts, n);
    });
  }

  async bridge() {
    const b = { ns: newNamespace('br'), number: this.bridges.length + 1 };
    this.bridges.push(b);
    await sysctl(b.ns, { 'ipv6/conf/all/disable_ipv6': 1,
      'ipv6/conf/default/disable_ipv6': 1 });
    await ip(b.ns, 'link set lo up',
      'link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
      'link set br0 up');
    return b;
  }

  /**
   * A host.  v4, v6: whether it has those; dad: with duplicate address
   * detection, which takes its second.
   */
  async host(name, bridge, options = {}) {
    const h = new Host(this, name, options);
    h.ns = newNamespace(name);
    this.hosts.push(h);
    await sysctl(h.ns, options.v6 === false
      ? { 'ipv6/conf/all/disable_ipv6': 1, 'ipv6/conf/default/disable_ipv6': 1 }
      : options.dad ? {}
        : { 'ipv6/conf/all/accept_dad': 0, 'ipv6/conf/default/accept_dad': 0,
          'ipv6/conf/default/dad_transmits': 0 });
    await ip(h.ns, 'link set lo up');
    if (bridge)
      await h.plugInto(bridge);
    return h;
  }

  /** A host that passes packets on between its interfaces. */
  async router(name, ...bridges) {
    const r = await this.host(name, null);
    await sysctl(r.ns, { 'ipv4/ip_forward': 1, 'ipv6/conf/all/forwarding': 1 });
    for (const [i, b] of bridges.entries())
      await r.plugInto(b, `eth${i}`);
    return r;
  }

  /** Ends and removes everything; unless the test failed, checks it too. */
  async remove(failed) {
    let wrong;
    try {
      if (!failed) {
        for (const h of this.hosts) {
          if (h.d && !h.killed)
            h.d.healthy();
          for (const c of h.clients)
            assert.deepEqual(c.wrong, [], `a client on ${h.name}`);
        }
        for (const h of this.hosts)
          await h.stop();
      }
    } catch (e) {
      wrong = e;
    }
    if ((failed || wrong) && process.env.NWSD_TEST_LOGS)
      for (const h of this.hosts)
        process.stderr.write(`--- ${h.name}\n${h.d?.log ?? ''}\n`);
    for (const h of this.hosts)
      for (const p of h.programs)
        p.child.kill('SIGKILL');
    for (const ns of [...this.hosts, ...this.bridges].map((x) => x.ns))
      removeNow(ns);
    if (wrong)
      throw wrong;
  }
}

/* ---------------------------------------------------------------- measure */

/** Times a promise, and prints that: it must take less than so many ms. */
export async function timed(t, what, promise, limit) {
  const at = performance.now();
  await promise;
  const took = performance.now() - at;
  t.diagnostic(`${what}: ${took.toFixed(0)} ms`);
  if (limit !== undefined)
    assert.ok(took < limit, `${what} took ${took.toFixed(0)} ms`);
  return took;
}

/** Processor time of a process so far, in ms. */
export function cpuMs(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const f = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(f[11]) + Number(f[12])) * 10;
}

/* -------------------------------------------------------------- captures */

/** What passes a bridge, into a file of libpcap's format. */
export class Capture {
  static async start(bridge, { filter } = {}) {
    const c = new Capture();
    c.file = path.join(tempDir(), 'capture.pcap');
    c.program = new Program('ip', ['netns', 'exec', bridge.ns, 'dumpcap', '-q',
      '-P', '-i', 'br0', '-w', c.file, '-B', '32',
      ...filter ? ['-f', filter] : []]);
    await c.program.err.until((l) => /^File: /.test(l), 'dumpcap');
    await waitUntil(() => fs.statSync(c.file).size >= 24);
    return c;
  }

  /** Ends it; returns the bytes of the file. */
  async stop() {
    await settled(this.file);
    await this.program.stop('SIGINT');
    assert.match(this.program.stderr, /dropped on interface.*: \d+\/0 /,
      this.program.stderr);
    this.bytes = fs.readFileSync(this.file);
    return this.bytes;
  }
}

/** Waits until a file has not grown for a while: the capture has caught up. */
async function settled(file) {
  let size = -1, since = Date.now();
  await waitUntil(() => {
    const now = fs.statSync(file).size;
    if (now !== size) {
      size = now;
      since = Date.now();
    }
    return Date.now() - since > 500;
  }, 'the capture to catch up', 20000).catch(() => {});
}
