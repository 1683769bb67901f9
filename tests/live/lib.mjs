// What all live tests share: a daemon of their own, and ways to wait for what
// it does.  Nothing here sleeps: everything waits for an event or polls a
// condition up to a deadline.
import assert from 'node:assert/strict';
import { spawn, execFile } from 'node:child_process';
import { after, afterEach, before } from 'node:test';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('../..', import.meta.url));
export const build = path.resolve(top, process.env.NWSD_BUILD || 'build');
export const inCI = process.env.CI === 'true';
export const isRoot = process.getuid() === 0;
/** Whether a build has the sanitizers in (and so no sandbox). */
export const isSanitized = (dir) => /asan/.test(dir);
/** Sanitizers and a loaded machine: how much longer than usual to wait. */
export const patience = isSanitized(build) ? 3 : 1;

/** A reason to skip, or false; in CI nothing is skipped. */
export function skipUnless(condition, reason) {
  return condition || inCI ? false : reason;
}

/* ------------------------------------------------------------- waiting */

/** Polls until fn returns (or resolves to) something true, and returns that. */
export async function waitUntil(fn, what, ms = 10000) {
  const end = Date.now() + ms * patience;
  let failed;
  for (;;) {
    try {
      failed = undefined;
      const value = await fn();
      if (value)
        return value;
    } catch (e) {
      failed = e;
    }
    if (Date.now() > end)
      throw failed ?? new Error(`waited in vain for ${what ?? fn}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Rejects if the promise takes longer than ms. */
export function within(promise, what, ms = 10000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)),
      ms * patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Items that arrive and are taken in order, with an end. */
export class Queue {
  items = [];
  ended = false;
  #waiting = [];

  push(item) {
    const w = this.#waiting.shift();
    if (w)
      w(item);
    else
      this.items.push(item);
  }

  end() {
    this.ended = true;
    for (const w of this.#waiting.splice(0))
      w(undefined);
  }

  /** The next item, undefined at the end. */
  next(what = 'the next item', ms = 10000) {
    if (this.items.length > 0)
      return Promise.resolve(this.items.shift());
    if (this.ended)
      return Promise.resolve(undefined);
    let resolver;
    const p = new Promise((resolve) => {
      resolver = resolve;
      this.#waiting.push(resolve);
    });
    return within(p, what, ms).catch((e) => {
      this.#waiting = this.#waiting.filter((w) => w !== resolver);
      throw e;
    });
  }

  /** Takes items until one satisfies fn; returns that. */
  async until(fn, what, ms) {
    for (;;) {
      const item = await this.next(what, ms);
      assert.notEqual(item, undefined, `ended while waiting for ${what}`);
      if (fn(item))
        return item;
    }
  }
}

/* ----------------------------------------------------------- processes */

const temporary = [];
process.on('exit', () => {
  for (const dir of temporary)
    fs.rmSync(dir, { recursive: true, force: true });
});

export function tempDir() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'nwsd-test-'));
  fs.chmodSync(dir, 0o755);
  temporary.push(dir);
  return dir;
}

/** A port that is free on both loopback addresses. */
export async function freePort() {
  for (;;) {
    const four = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => four.once('listening', resolve));
    const { port } = four.address();
    const six = net.createServer().listen(port, '::1');
    const ok = await new Promise((resolve) => {
      six.once('listening', () => resolve(true));
      six.once('error', () => resolve(false));
    });
    four.close();
    if (ok)
      six.close();
    if (ok)
      return port;
  }
}

/** Runs a program to its end. */
export function run(file, args, { input, env, timeout = 30000 } = {}) {
  return new Promise((resolve) => {
    const child = execFile(file, args, { env: { ...process.env, ...env },
      maxBuffer: 64 << 20, timeout: timeout * patience },
    (e, out, err) => resolve({ code: e ? e.code ?? null : 0,
      signal: e?.signal ?? null, out, err }));
    if (input !== undefined) {
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    }
  });
}

// What a failed test may leave running.
const programs = new Set();
const killLeft = () => programs.forEach((child) => child.kill('SIGKILL'));
process.on('exit', killLeft);

/** A program that runs beside the test; its lines go into queues. */
export class Program {
  constructor(file, args, options = {}) {
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'],
      ...options });
    programs.add(this.child);
    this.child.once('exit', () => programs.delete(this.child));
    this.out = new Queue();
    this.err = new Queue();
    this.stderr = '';
    for (const [stream, queue] of [[this.child.stdout, this.out],
      [this.child.stderr, this.err]]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (s) => {
        if (queue === this.err)
          this.stderr += s;
        const lines = (rest + s).split('\n');
        rest = lines.pop();
        lines.forEach((l) => queue.push(l));
      });
      stream.on('end', () => {
        if (rest !== '')
          queue.push(rest);
        queue.end();
      });
    }
    this.child.stdin.on('error', () => {});
    this.exited = new Promise((resolve) => this.child.once('close',
      (code, signal) => resolve({ code, signal })));
  }

  write(text) {
    this.child.stdin.write(text);
  }

  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    return within(this.exited, 'the end of a program');
  }
}

export function alive(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\d+ \(.*\) [ZX]/s.test(stat);
  } catch {
    return false;
  }
}

const trouble = /AddressSanitizer|LeakSanitizer|runtime error:|killed by|violation|assert|fatal/i;

export class Daemon {
  log = '';
  lines = new Queue();
  exit = null;
  allowed = [];

  /**
   * text: nwsd.conf without listeners and control, in which @PORT@ and @DIR@
   * stand for this daemon's.  options: listen (text instead of the usual two
   * loopback listeners and the Unix socket), prefork, env, args, build, ulimit,
   * prefix (a command that runs the command behind it).
   */
  static async start(text = '', options = {}) {
    const d = new this();
    d.dir = options.dir ?? tempDir();
    d.port = options.port ?? await freePort();
    d.unix = path.join(d.dir, 'client.sock');
    d.control = path.join(d.dir, 'control.sock');
    d.conf = path.join(d.dir, 'nwsd.conf');
    d.build = options.build ?? build;
    d.prefork = options.prefork ?? 1;
    d.options = options;
    d.write(text);
    await d.#spawn();
    return d;
  }

  /** What is off unless nwsd.conf says otherwise. */
  off = ['link', 'discovery'];

  /**
   * Replaces the text of nwsd.conf.  Unless it says otherwise there are no
   * links: the daemons of all tests are on one machine, and are not to meet.
   */
  write(text, listen = this.options.listen) {
    this.text = text;
    for (const word of this.off)
      if (!new RegExp(`^\\s*${word}\\b`, 'm').test(text))
        text += `\n${word} off`;
    this.links = !/^\s*link\s+off\b/m.test(text);
    this.files = /^\s*files\b/m.test(text);
    const all = (listen ?? `listen on 127.0.0.1 port @PORT@
listen on ::1 port @PORT@
listen on unix "@DIR@/client.sock" mode 0666
`) + `control "@DIR@/control.sock"\n`
      + (this.prefork > 1 ? `prefork ${this.prefork}\n` : '') + text + '\n';
    fs.writeFileSync(this.conf, all.replaceAll('@PORT@', this.port)
      .replaceAll('@DIR@', this.dir), { mode: 0o600 });
  }

  async #spawn() {
    const { options } = this;
    let file = path.join(this.build, 'nwsd');
    let args = ['-d', '-f', this.conf, ...options.args ?? []];
    if (options.ulimit) {
      args = ['-c', `ulimit -n ${options.ulimit}; exec "$0" "$@"`, file, ...args];
      file = '/bin/sh';
    }
    if (options.prefix)
      [file, ...args] = [...options.prefix, file, ...args];
    this.exit = null;
    this.child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, STATE_DIRECTORY: `${this.dir}/state`,
        // The children are not dumpable, so LeakSanitizer cannot look at
        // them; the unit tests look for leaks, and soak.test.mjs for growth.
        ASAN_OPTIONS: 'detect_leaks=0:exitcode=99',
        UBSAN_OPTIONS: 'print_stacktrace=1', ...options.env } });
    this.pid = this.child.pid;
    let rest = '';
    this.child.stderr.setEncoding('utf8');
    this.child.stderr.on('data', (s) => {
      this.log += s;
      const lines = (rest + s).split('\n');
      rest = lines.pop();
      lines.forEach((l) => this.lines.push(l));
    });
    this.ended = new Promise((resolve) => this.child.once('close',
      (code, signal) => {
        this.exit = { code, signal };
        this.lines.end();
        resolve(this.exit);
      }));
    if (options.ready === false)
      return;
    await this.logged(/\bready\b/, 0);
    await this.baseline();
  }

  /** Ends it and starts it again in the same directory and on the same port. */
  async restart() {
    await this.stop();
    this.log = '';
    this.lines = new Queue();
    await this.#spawn();
  }

  /** Waits for a line of the log, from an offset into it. */
  async logged(pattern, from = 0, ms = 15000) {
    const found = () => pattern.test(this.log.slice(from));
    await waitUntil(() => found() || this.exit !== null,
      `${pattern} in the log of nwsd`, ms).catch((e) => {
      throw new Error(`${e.message}: ${this.log.slice(from)}`);
    });
    assert.ok(found(), `nwsd ended (${JSON.stringify(this.exit)}): ${this.log}`);
  }

  /** [{ pid, name }] of the children that live. */
  children() {
    let pids;
    try {
      pids = fs.readFileSync(`/proc/${this.pid}/task/${this.pid}/children`,
        'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
    } catch {
      return [];
    }
    return pids.filter(alive).map((pid) => {
      let title = '';
      try {
        title = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
          .replaceAll('\0', ' ').trim();
      } catch { /* gone meanwhile */ }
      return { pid, title, name: /frontend|router|discovery|crypto|files/.exec(title)?.[0] ?? title };
    });
  }

  child_pid(name, nth = 0) {
    return this.children().filter((c) => c.name === name)
      .sort((a, b) => a.pid - b.pid)[nth]?.pid;
  }

  static fds(pid) {
    return fs.readdirSync(`/proc/${pid}/fd`).length;
  }

  /** How many descriptors are open: { parent: [n], frontend: [n, n], ... }. */
  fds() {
    const all = { parent: [Daemon.fds(this.pid)] };
    for (const { pid, name } of this.children())
      (all[name] ??= []).push(Daemon.fds(pid));
    Object.values(all).forEach((list) => list.sort());
    return all;
  }

  /** Resident memory in KiB, of one process or of all. */
  rss(pid) {
    const pids = pid ? [pid] : [this.pid, ...this.children().map((c) => c.pid)];
    return pids.reduce((sum, p) => sum + Number(/VmRSS:\s+(\d+)/.exec(
      fs.readFileSync(`/proc/${p}/status`, 'utf8'))?.[1] ?? 0), 0);
  }

  /**
   * Connections to the control socket that the parent has not closed.  The
   * kernel lists them where nwsctl runs, which may be another network
   * namespace than the daemon's.
   */
  controlled() {
    return fs.readFileSync('/proc/self/net/unix', 'utf8').split('\n')
      .map((l) => l.trim().split(' '))
      .filter((l) => l.at(-1) === this.control && l[5] !== '01').length;
  }

  /**
   * Waits until what is over is closed as well: who answers twice has finished
   * the turn in which it did so first, and with it all that came before.
   */
  async settled() {
    for (let i = 0; i < 2; i++)
      await waitUntil(async () => (await this.ctl('show')).code === 0,
        'all processes to answer');
    await waitUntil(() => this.controlled() === 0, 'nwsctl to be forgotten');
  }

  /** What every later check() compares with. */
  async baseline() {
    await this.settled();
    this.base = this.fds();
    assert.deepEqual(Object.fromEntries(Object.entries(this.base)
      .map(([k, v]) => [k, v.length])), { parent: 1, ...this.processes() });
  }

  /** How many children of each kind there should be. */
  processes() {
    return { router: 1, frontend: this.prefork,
      ...this.links ? { discovery: 1, crypto: 1 } : {},
      ...this.files ? { files: 1 } : {} };
  }

  /** Waits until everything runs again after a child's death. */
  async recovered() {
    await waitUntil(() => {
      const names = this.children().map((c) => c.name).sort();
      const wanted = Object.entries(this.processes())
        .flatMap(([kind, n]) => Array(n).fill(kind)).sort();
      return names.join() === wanted.join();
    }, 'all processes to run');
    await this.settled();
  }

  /** Lines of the log that check() is to accept. */
  allow(pattern) {
    this.allowed.push(pattern);
  }

  checkLog() {
    const bad = this.log.split('\n').filter((l) => trouble.test(l)
      && !this.allowed.some((a) => a.test(l)));
    assert.deepEqual(bad, [], `log: ${this.log}`);
  }

  /** All processes live, none complained, no descriptor is left open. */
  async check() {
    assert.equal(this.exit, null, `nwsd ended: ${this.log}`);
    this.checkLog();
    await waitUntil(() => {
      assert.deepEqual(this.fds(), this.base);
      return true;
    }, 'the descriptors to be given back', 8000);
    this.checkLog();
  }

  async reload() {
    const from = this.log.length;
    process.kill(this.pid, 'SIGHUP');
    await this.logged(/configuration reloaded/, from);
  }

  ctl(...args) {
    return run(path.join(this.build, 'nwsctl'), ['-s', this.control, ...args]);
  }

  /** What `nwsctl show WHAT -j` has of WHAT. */
  async show(what = 'summary') {
    const r = await this.ctl('show', what, '-j');
    assert.equal(r.code, 0, r.err);
    const o = JSON.parse(r.out);
    assert.equal(o.ok, true);
    return o[what];
  }

  /** One counter, such as frontend_clients, over all processes of a kind. */
  async counter(name) {
    const value = (await this.show('summary'))[name];
    assert.equal(typeof value, 'number', `no counter ${name}`);
    return value;
  }

  /** { used, max, hits } of one limit. */
  async limit(name) {
    return (await this.show('limits')).find((l) => l.limit === name);
  }

  nws(args, options) {
    return new Program(path.join(this.build, 'nws'),
      ['-H', `127.0.0.1:${this.port}`, ...args], options);
  }

  async stop() {
    if (this.exit !== null)
      return this.exit;
    const pids = this.children().map((c) => c.pid);
    this.child.kill('SIGTERM');
    const exit = await within(this.ended, 'nwsd to end', 15000).catch((e) => {
      this.child.kill('SIGKILL');
      throw new Error(`${e.message}: ${this.log}`);
    });
    await waitUntil(() => !pids.some(alive), 'the children to end', 5000);
    this.checkLog();
    return exit;
  }
}

/** Called after each test, before the daemon is checked. */
export const hooks = [killLeft];

/**
 * A daemon for all tests of a describe(), checked after each of them.  Returns
 * an object whose `d` is the daemon while tests run.
 */
export function useDaemon(text, options) {
  const holder = {};
  before(async () => {
    holder.d = await Daemon.start(text, options);
  });
  afterEach(() => {
    hooks.forEach((f) => f());
    return holder.d?.check();
  });
  after(async () => {
    const exit = await holder.d?.stop();
    if (exit)
      assert.deepEqual(exit, { code: 0, signal: null }, holder.d.log);
  });
  return holder;
}
