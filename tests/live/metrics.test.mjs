// GET /metrics: the numbers of all processes as text for Prometheus, who gets
// them, and what happens to those who wait when a process does not answer.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, freePort, patience, top, useDaemon } from './lib.mjs';
import { Member, Raw, closeAll, listeners, openMembers, request,
  upgradeRequest } from './wire.mjs';

const WAITING_MAX = 16;

const get = (where, fields = '', method = 'GET', target = '/metrics') =>
  `${method} ${target} HTTP/1.1\r\nHost: ${where.name}\r\n${fields}\r\n`;
const local = (d) => listeners(d)['127.0.0.1'];
const ask = (d, ...rest) => request(local(d), get(local(d), ...rest));

/** Checks the text as strictly as Prometheus reads it: { series: value }. */
function parse(text) {
  assert.match(text, /\n$/);
  const values = {}, types = {};
  let last;
  for (const line of text.slice(0, -1).split('\n')) {
    let m = /^# TYPE ([a-zA-Z_]\w*) (counter|gauge)$/.exec(line);
    if (m) {
      assert.equal(types[m[1]], undefined, `typed twice: ${m[1]}`);
      assert.equal(/_total$/.test(m[1]), m[2] === 'counter', line);
      types[last = m[1]] = m[2];
      continue;
    }
    m = /^(([a-zA-Z_]\w*)(?:\{\w+="(?:[^"\\]|\\[\\"n])*"(?:,\w+="(?:[^"\\]|\\[\\"n])*")*\})?) (\d+)$/
      .exec(line);
    assert.ok(m, `not a line of the format: ${line}`);
    assert.equal(m[2], last, `apart from its type: ${line}`);
    assert.equal(values[m[1]], undefined, `there twice: ${line}`);
    values[m[1]] = Number(m[3]);
  }
  return values;
}

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

/** Connections that wait for an answer, because the router is stopped. */
async function waitFor(d, n) {
  const all = [];
  for (let i = 0; i < n; i++)
    all.push((await Raw.open(local(d))).write(get(local(d))));
  // A connection is served in the order of its requests; this one comes last.
  assert.equal((await request(local(d), get(local(d), '', 'GET', '/health')))
    .status, 200);
  return all;
}

describe('metrics', () => {
  const h = useDaemon('metrics on');

  test('GET /metrics, as nwsctl show metrics', async () => {
    for (const where of Object.values(listeners(h.d))) {
      const r = await request(where, get(where));
      assert.equal(r.status, 200);
      assert.equal(r.headers['content-type'],
        'text/plain; version=0.0.4; charset=utf-8');
      const page = parse(r.content);
      assert.equal(page.nwsd_frontend_connections, 1);
      assert.equal(page['nwsd_process_starts_total'
        + '{process="router",instance="0"}'], 1);
      const ctl = await h.d.ctl('show', 'metrics');
      assert.equal(ctl.code, 0, ctl.err);
      const names = (text) => text.replace(/ \d+$/gm, '');
      parse(ctl.out);
      assert.equal(names(r.content), names(ctl.out));
    }
  });

  test('HEAD /metrics', async () => {
    const r = await Raw.open(local(h.d));
    r.write(get(local(h.d), 'Connection: close\r\n', 'HEAD'));
    const head = await r.head();
    assert.equal(head.status, 200);
    assert.ok(Number(head.headers['content-length']) > 1000);
    await r.finished();
    r.destroy();
  });

  test('several requests in one write, each with its own numbers', async () => {
    const r = await Raw.open(local(h.d));
    r.write(get(local(h.d)).repeat(20)
      + upgradeRequest('/metrics', local(h.d).name));
    let before = 0;
    for (let i = 0; i < 20; i++) {
      const head = await r.head();
      assert.equal(head.status, 200);
      const n = parse(await r.body(head)).nwsd_frontend_requests_total;
      assert.ok(n > before, `request ${i}: ${n} after ${before}`);
      before = n;
    }
    assert.equal((await r.head()).status, 101); // a channel of that name
    r.destroy();
  });

  test('who may not have a page may not have it', async () => {
    const refused = async (status, fields) =>
      assert.equal((await ask(h.d, fields)).status, status, fields);
    await refused(403, 'Origin: https://example.com\r\n');
    await refused(403, 'Origin: null\r\n');
    await refused(403, 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n'
      + 'Sec-Fetch-Dest: script\r\n');
    assert.equal((await request(local(h.d), 'GET /metrics HTTP/1.1\r\n'
      + `Host: example.com:${h.d.port}\r\n\r\n`)).status, 421);
    assert.equal((await ask(h.d, '', 'POST')).status, 405);
    const r = await ask(h.d, 'Origin: http://localhost:1\r\n');
    assert.equal(r.status, 200);
    assert.equal(r.headers['access-control-allow-origin'], undefined);
  });

  test('what members do is counted', async () => {
    const before = parse((await ask(h.d)).content);
    const [a, b] = await openMembers(2, () =>
      Member.open(local(h.d), '/room?presence=off'));
    for (let i = 0; i < 10; i++) {
      a.send({ action: 'broadcast', data: i });
      assert.equal((await b.json()).data, i);
    }
    const after = parse((await ask(h.d)).content);
    assert.equal(after.nwsd_frontend_clients, before.nwsd_frontend_clients + 2);
    assert.equal(after.nwsd_frontend_messages_in_total
      - before.nwsd_frontend_messages_in_total, 10);
    await closeAll([a, b]);
  });
});

describe('metrics, and what else may be', () => {
  test('every counter and limit is in nwsctl(8), and none else', async () =>
    withDaemon(`link { listen on 127.0.0.1 port ${await freePort()} }
files "@DIR@" at "/dir"`, {}, async (d) => {
      const { out } = await d.ctl('show', 'metrics');
      const limits = [...out.matchAll(/^nwsd_limit_used\{.*limit="(.*?)"/gm)]
        .map((m) => m[1]).filter((l) => !l.startsWith('discovery-'));
      const counters = [...out.matchAll(/^# TYPE nwsd_(\w+)/gm)]
        .map((m) => m[1]).filter((c) => !/^(limit|process|build)_/.test(c));
      assert.ok(counters.length > 100 && limits.length > 10);
      const man = fs.readFileSync(path.join(top, 'man/nwsctl.8'), 'utf8')
        .split('.Ss Counters')[1].split('.Ss JSON')[0];
      const said = man.split('\n').filter((l) => /^\.(It )?Li /.test(l))
        .flatMap((l) => [...l.matchAll(/Li ([\w-]+)/g)].map((m) => m[1]))
        .filter((n) => !/^(_|nwsd_|discovery-)/.test(n));
      const there = [...counters, ...limits];
      assert.deepEqual(there.filter((n) => !said.includes(n)), [], 'not said');
      assert.deepEqual(said.filter((n) => !there.includes(n)), [], 'not there');
    }));

  test('off unless asked for; reload turns it on and off', () =>
    withDaemon('', {}, async (d) => {
      assert.equal((await ask(d)).status, 404);
      d.write('metrics on');
      await d.reload();
      assert.equal((await ask(d)).status, 200);
      d.write('metrics off');
      await d.reload();
      assert.equal((await ask(d)).status, 404);
    }));

  test('every frontend tells of all', () =>
    withDaemon('metrics on', { prefork: 3 }, async (d) => {
      const all = await Promise.all(Array.from({ length: 12 }, () => ask(d)));
      for (const r of all) {
        assert.equal(r.status, 200);
        const page = parse(r.content);
        for (let i = 0; i < 3; i++)
          assert.equal(page[`nwsd_process_starts_total{process="frontend",`
            + `instance="${i}"}`], 1);
      }
      assert.equal(parse((await ask(d)).content).nwsd_frontend_requests_total,
        13);
    }));

  test(`${WAITING_MAX} may wait, one more may not; who goes is forgotten`, () =>
    withDaemon('metrics on', {}, async (d) => {
      const router = d.child_pid('router');
      process.kill(router, 'SIGSTOP');
      const all = await waitFor(d, WAITING_MAX);
      const late = await ask(d);
      assert.equal(late.status, 503);
      assert.ok(Number(late.headers['retry-after']) > 0);
      all.splice(3, 3).forEach((r) => r.destroy());
      process.kill(router, 'SIGCONT');
      for (const r of all) {
        const head = await r.head();
        assert.equal(head.status, 200);
        parse(await r.body(head));
        r.destroy();
      }
      assert.equal((await ask(d)).status, 200);
    }));

  test('a process that does not answer: 503 within a while', () =>
    withDaemon('metrics on', {}, async (d) => {
      const router = d.child_pid('router');
      process.kill(router, 'SIGSTOP');
      const at = performance.now();
      const all = await waitFor(d, 2);
      for (const r of all) {
        const head = await r.head(8000 * patience);
        assert.equal(head.status, 503);
        await r.body(head);
        r.destroy();
      }
      assert.ok(performance.now() - at > 4000, 'too early');
      process.kill(router, 'SIGCONT');
      assert.equal((await ask(d)).status, 200);
    }));

  test('a process that dies meanwhile: 503, and then it works again', () =>
    withDaemon('metrics on', {}, async (d) => {
      const router = d.child_pid('router');
      d.allow(/router\[0\]: killed by SIGKILL/);
      process.kill(router, 'SIGSTOP');
      const [r] = await waitFor(d, 1);
      process.kill(router, 'SIGKILL');
      assert.equal((await r.head()).status, 503);
      r.destroy();
      await d.recovered();
      const page = parse((await ask(d)).content);
      assert.equal(page['nwsd_process_starts_total'
        + '{process="router",instance="0"}'], 2);
    }));

  test('nwsd ends while one waits', async () => {
    const d = await Daemon.start('metrics on');
    process.kill(d.child_pid('router'), 'SIGSTOP');
    const [r] = await waitFor(d, 1);
    const router = d.child_pid('router');
    const end = d.stop();
    assert.equal((await r.head()).status, 503);
    r.destroy();
    process.kill(router, 'SIGCONT');
    assert.deepEqual(await end, { code: 0, signal: null }, d.log);
  });
});
