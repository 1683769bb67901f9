// The console: its page, what that may ask and change, who else may not, and
// what happens when the parent or a process is busy.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Daemon, patience, useDaemon, waitUntil } from './lib.mjs';
import { Member, Raw, closeAll, listeners, openMembers, openRaw, request,
  upgradeRequest } from './wire.mjs';

const WHATS = ['summary', 'channels', 'clients', 'processes', 'limits',
  'origins', 'links', 'peers', 'interfaces', 'discovery', 'check'];
const POSTS = ['origin?verb=allow&origin=https%3A%2F%2Fa.example',
  'close?client=1'];
const WAITING_MAX = 16, CHANGES_PER_MINUTE = 60;
const FOREIGN = 'https://app.example';

const head = (method, target, host, fields) => `${method} ${target} HTTP/1.1\r\n`
  + `Host: ${host}\r\n` + Object.entries(fields).flatMap(([k, v]) =>
    v === undefined ? [] : [v].flat().map((x) => `${k}: ${x}\r\n`)).join('')
  + '\r\n';

/** The console as its page has it: at this listener, with this token. */
class Console {
  static async open(d, where = listeners(d)['127.0.0.1']) {
    const c = new Console();
    Object.assign(c, { d, where, origin: `http://${where.name}` });
    const page = await request(where, head('GET', '/', where.name, {}));
    assert.equal(page.status, 200);
    c.page = page;
    c.token = /<meta name="nws-token" content="([0-9a-f]{32})">/
      .exec(page.content)?.[1];
    assert.ok(c.token, page.content.slice(0, 500));
    return c;
  }

  /** A request as text; fields that are undefined are left out. */
  text(what, fields = {}, method = POSTS.some((p) => what.split('?')[0]
    === p.split('?')[0]) ? 'POST' : 'GET') {
    return head(method, `/console/api/${what}`, this.where.name, {
      'X-NWS-Token': this.token,
      Origin: method === 'POST' ? this.origin : undefined,
      'Sec-Fetch-Site': 'same-origin', ...fields });
  }

  async ask(...args) {
    const r = await request(this.where, this.text(...args));
    r.json = /^application\/json$/.test(r.headers['content-type'])
      ? JSON.parse(r.content || '{}') : undefined;
    return r;
  }

  async ok(...args) {
    const r = await this.ask(...args);
    assert.equal(r.status, 200, r.content);
    return r.json;
  }

  async refused(status, ...args) {
    const r = await this.ask(...args);
    assert.equal(r.status, status, `${args[0]}: ${r.content}`);
    assert.equal(typeof r.json?.error, 'string', r.content);
    assert.deepEqual(Object.keys(r.json), ['error']);
    assert.equal(r.headers['cache-control'], 'no-store');
    assert.equal(r.headers['access-control-allow-origin'], undefined);
    return r.json.error;
  }

  decide(verb, origin, more = '') {
    return `origin?verb=${verb}&origin=${encodeURIComponent(origin)}${more}`;
  }
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

const connects = async (d, origin) => {
  const where = listeners(d)['127.0.0.1'];
  const r = await request(where, upgradeRequest('/room', where.name,
    { Origin: origin }));
  return r.status === 101;
};

describe('console', () => {
  const h = useDaemon('echo on');

  test('the page, at every listener', async () => {
    for (const where of Object.values(listeners(h.d))) {
      const { page, token } = await Console.open(h.d, where);
      assert.match(page.headers['content-type'], /^text\/html/);
      assert.equal(page.headers['cache-control'], 'no-store');
      assert.equal(page.headers['access-control-allow-origin'], undefined);
      assert.equal(page.headers.etag, undefined);
      assert.match(page.headers['content-security-policy'],
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/);
      assert.doesNotMatch(page.content, /\{\{/);
      const other = await request(where, head('GET', '/console', where.name,
        { 'If-None-Match': '*' }));
      assert.equal(other.status, 200);
      assert.equal(other.content, page.content);
      assert.ok(other.content.includes(token));
      const r = await Raw.open(where);
      r.write(head('HEAD', '/', where.name, { Connection: 'close' }));
      const only = await r.head();
      assert.equal(only.headers['content-length'],
        page.headers['content-length']);
      await r.finished();
      assert.equal(r.buffer.length, 0);
      r.destroy();
    }
  });

  test('all that the page loads is there', async () => {
    const { page, where } = await Console.open(h.d);
    const files = new Set([...page.content.matchAll(
      /(?:src|href)="(\/[^"#]+\.(?:js|css|mjs|svg))"/g)].map((m) => m[1]));
    assert.ok(files.has('/console.js') && files.has('/console.css'));
    for (const file of files) {
      const r = await request(where, head('GET', file, where.name, {}));
      assert.equal(r.status, 200, file);
      for (const [, more] of r.content.matchAll(
        /from '(\/console[^']+|\/nws\.mjs)'/g))
        files.add(more);
    }
  });

  test('the token is the same for all, and another after a restart', () =>
    withDaemon('', { prefork: 2 }, async (d) => {
      const tokens = new Set();
      for (let i = 0; i < 8; i++)
        tokens.add((await Console.open(d)).token);
      assert.equal(tokens.size, 1);
      d.allow(/frontend\[\d\]: killed by SIGKILL/);
      process.kill(d.child_pid('frontend'), 'SIGKILL');
      await d.recovered();
      for (let i = 0; i < 8; i++)
        tokens.add((await waitUntil(() => Console.open(d))).token);
      assert.equal(tokens.size, 1);
      await d.restart();
      tokens.add((await Console.open(d)).token);
      assert.equal(tokens.size, 2);
    }));

  test('every answer is that of nwsctl, byte for byte', async () => {
    const c = await Console.open(h.d);
    const members = await openMembers(3, (i) => Member.open(c.where,
      `/${i === 2 ? 'other' : 'room'}`, { Origin: 'http://localhost:1' }));
    const binary = await openRaw(c.where, '/room?presence=off',
      { 'Sec-WebSocket-Protocol': 'nws.binary.v1' });
    const still = (text) => text
      .replace(/"(age_s|idle_s|rss_kib|\w+_seconds)":\d+/g, '"$1":0')
      .replace(/"frontend_\w+":\d+/g, '')
      .replace(/"limit":"(control-connections|queue-total|handshakes)".*?\}/g,
        '');
    for (const what of WHATS) {
      const ctl = await h.d.ctl('-j', ...what === 'check' ? [what]
        : ['show', what]);
      const { content, headers } = await c.ask(what);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(still(content), still(ctl.out), what);
      const o = JSON.parse(content);
      assert.equal(o.schema, 1);
      assert.ok(o[what], what);
      assert.equal((await c.ask(what, {}, 'HEAD')).status, 200);
    }
    assert.equal((await c.ok('clients')).clients.length, 4);
    assert.equal((await c.ok('channels')).channels.length, 2);
    binary.destroy();
    await closeAll(members);
  });

  test('many questions on one connection', async () => {
    const c = await Console.open(h.d);
    const r = await Raw.open(c.where);
    const all = Array.from({ length: 5 }, () => [...WHATS, 'nothing',
      POSTS[1]]).flat();
    r.write(all.map((what) => c.text(what)).join(''));
    for (const what of all) {
      const answer = await r.head();
      assert.equal(answer.status, what === 'nothing' ? 404
        : what === POSTS[1] ? 409 : 200);
      const body = JSON.parse(await r.body(answer));
      assert.ok(answer.status !== 200 || body[what], what);
    }
    r.write(upgradeRequest('/console', c.where.name));
    assert.equal((await r.head()).status, 101); // a channel of that name
    r.destroy();
  });

  test('nothing without the token', async () => {
    const c = await Console.open(h.d);
    const wrong = c.token.replace(/^./, (x) => x === '0' ? '1' : '0');
    for (const what of [...WHATS, ...POSTS])
      for (const token of [undefined, '', wrong, c.token.toUpperCase() + '0',
        c.token.slice(1), `${c.token}0`, [c.token, c.token]])
        assert.match(await c.refused(403, what, { 'X-NWS-Token': token }),
          /X-NWS-Token/);
    // Nor in another place.
    await c.refused(403, `summary?token=${c.token}`,
      { 'X-NWS-Token': undefined });
    assert.deepEqual((await c.ok('origins')).origins, []);
  });

  test('nothing for other origins, whatever they may do else', async () => {
    const c = await Console.open(h.d);
    const others = [FOREIGN, 'null', 'http://localhost:1', 'http://localhost',
      `https://${c.where.name}`, `http://localhost:${h.d.port}`,
      `http://[::1]:${h.d.port}`, `http://127.0.0.1:${h.d.port}.example`,
      `http://127.0.0.1.example:${h.d.port}`, 'garbage', '',
      `http://127.0.0.2:${h.d.port}`, `ws://${c.where.name}`];
    await h.d.ctl('origin', 'allow', FOREIGN);
    for (const origin of others) {
      for (const what of [...WHATS, ...POSTS])
        await c.refused(403, what, { Origin: origin,
          'Sec-Fetch-Site': undefined });
      for (const target of ['/', '/console']) {
        const r = await request(c.where, head('GET', target, c.where.name,
          { Origin: origin }));
        assert.equal(r.status, 403, `${target} for ${origin}`);
        assert.ok(!r.content.includes(c.token));
        assert.equal(r.headers['access-control-allow-origin'], undefined);
      }
    }
    for (const what of [...WHATS, ...POSTS])
      assert.equal((await c.ask(what, { Origin: [c.origin, FOREIGN] })).status,
        400);
    // A browser asks first, and hears nothing good.
    const r = await c.ask('summary', { Origin: FOREIGN,
      'Access-Control-Request-Headers': 'x-nws-token' }, 'OPTIONS');
    assert.equal(r.status, 403);
    assert.equal(r.headers['access-control-allow-origin'], undefined);
    await h.d.ctl('origin', 'revoke', FOREIGN);
    // A grant would not help, so none is asked for.
    assert.deepEqual((await c.ok('origins')).origins, []);
  });

  test('nothing for requests that a browser says are of others', async () => {
    const c = await Console.open(h.d);
    for (const site of ['cross-site', 'same-site', 'none', 'what', '',
      ['same-origin', 'same-origin']])
      for (const what of [...WHATS, ...POSTS])
        await c.refused(403, what, { 'Sec-Fetch-Site': site });
    await c.ok('summary', { 'Sec-Fetch-Site': undefined });
    const page = async (fields) => (await request(c.where, head('GET', '/',
      c.where.name, fields))).status;
    assert.equal(await page({ 'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' }), 403);
    assert.equal(await page({ 'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }), 403);
    assert.equal(await page({ 'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }), 200);
    assert.equal(await page({ 'Sec-Fetch-Site': 'none' }), 200);
  });

  test('nothing for names that are not ours (rebinding)', async () => {
    const c = await Console.open(h.d);
    for (const host of ['evil.example', `evil.example:${h.d.port}`,
      `localhost.evil.example:${h.d.port}`, `127.0.0.1:${h.d.port + 1}`])
      for (const what of ['../../', ...WHATS, ...POSTS]) {
        const method = POSTS.includes(what) ? 'POST' : 'GET';
        const target = what === '../../' ? '/' : `/console/api/${what}`;
        const r = await request(c.where, head(method, target, host,
          { 'X-NWS-Token': c.token, Origin: `http://${host}` }));
        assert.equal(r.status, 421, `${target} for ${host}`);
        assert.ok(!r.content.includes(c.token));
      }
  });

  test('a change needs POST, an Origin, and no body', async () => {
    const c = await Console.open(h.d);
    for (const what of POSTS) {
      await c.refused(403, what, { Origin: undefined });
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'post']) {
        const r = await c.ask(what, { Origin: c.origin }, method);
        assert.equal(r.status, 405);
        assert.equal(r.headers.allow, 'POST');
      }
      for (const fields of [{ 'Content-Length': '2' },
        { 'Transfer-Encoding': 'chunked' }])
        assert.equal((await c.ask(what, fields)).status, 413);
    }
    await c.refused(409, POSTS[1], { 'Content-Length': '0' });
    for (const what of WHATS)
      assert.equal((await c.ask(what, { Origin: c.origin }, 'POST'))
        .headers.allow, 'GET, HEAD');
    assert.deepEqual((await c.ok('origins')).origins, []);
  });

  test('what is malformed', async () => {
    const c = await Console.open(h.d);
    for (const what of ['', 'metrics', 'summary/', 'x'.repeat(500)])
      await c.refused(404, what);
    for (const what of ['origin', 'origin?verb=allow', 'origin?verb=x&origin=a',
      c.decide('allow', 'example.org'), c.decide('allow', '*'),
      c.decide('allow', `https://${'a'.repeat(64)}.example`),
      c.decide('allow', FOREIGN, '&scope=x'),
      c.decide('allow', FOREIGN, '&for=x'),
      c.decide('deny', FOREIGN, '&for=1'), 'close', 'close?client=x',
      'close?client=9223372036854775808'])
      await c.refused(400, what);
    assert.match(await c.refused(409, c.decide('revoke', FOREIGN)),
      /nothing was granted/);
    assert.match(await c.refused(409, 'close?client=4'), /no such client/);
  });

  test('an origin asks, is granted, connects, is revoked, is denied',
    async () => {
      const c = await Console.open(h.d);
      const refusal = await request(c.where, upgradeRequest('/room',
        c.where.name, { Origin: FOREIGN }));
      assert.equal(refusal.status, 403);
      assert.ok(refusal.content.includes(
        `http://localhost:${h.d.port}/#origins`), refusal.content);
      const state = async () => (await c.ok('origins')).origins
        .filter((o) => o.origin === FOREIGN).map((o) => [o.state, o.scopes]);
      assert.deepEqual(await state(), [['pending', ['channels']]]);
      assert.deepEqual(await c.ok(c.decide('allow', FOREIGN, '&scope=channels')),
        { ok: true });
      assert.equal(await connects(h.d, FOREIGN), true);
      assert.deepEqual(await state(), [['allowed', ['channels']]]);
      assert.deepEqual(await c.ok(c.decide('revoke', FOREIGN)), { ok: true });
      assert.equal(await connects(h.d, FOREIGN), false);
      assert.deepEqual((await state())[0][0], 'pending');
      assert.deepEqual(await c.ok(c.decide('deny', FOREIGN)), { ok: true });
      assert.equal(await connects(h.d, FOREIGN), false);
      assert.deepEqual((await state()).map(([s]) => s), ['denied']);
      assert.match((await request(c.where, upgradeRequest('/room',
        c.where.name, { Origin: FOREIGN }))).content, /denied/);
      const at = performance.now();
      await c.ok(c.decide('allow', FOREIGN, '&for=1&scope='));
      assert.equal(await connects(h.d, FOREIGN), true);
      await waitUntil(async () => !await connects(h.d, FOREIGN),
        'the grant to expire');
      assert.ok(performance.now() - at >= 1000, 'it expired early');
      await h.d.logged(/origin https:\/\/app\.example: denied by the console/);
      h.d.allow(/./);
      await c.ask(c.decide('revoke', FOREIGN));
    });

  test('closes a client', async () => {
    const c = await Console.open(h.d);
    const [a, b] = await openMembers(2, () => Member.open(c.where, '/room'));
    const id = await a.id();
    assert.deepEqual(await c.ok(`close?client=${id}`), { ok: true });
    assert.equal(await a.done, 1008);
    assert.equal((await c.ok('clients')).clients.length, 1);
    await c.refused(409, `close?client=${id}`);
    await b.close();
  });

  test('nwsctl console', async () => {
    assert.deepEqual(await h.d.ctl('console'), { code: 0, signal: null,
      out: `http://localhost:${h.d.port}/\n`, err: '' });
  });
});

describe('console, and what else may be', () => {
  test('read-only, off, and on again by reload', () =>
    withDaemon('console read-only', {}, async (d) => {
      let c = await Console.open(d);
      assert.match(c.page.content, /"nws-console" content="read-only"/);
      await c.ok('summary');
      for (const what of POSTS)
        assert.match(await c.refused(403, what), /read-only/);
      // It is of no use to go there.
      assert.doesNotMatch((await request(c.where, upgradeRequest('/room',
        c.where.name, { Origin: FOREIGN }))).content, /#origins/);
      d.write('console off');
      await d.reload();
      for (const what of [...WHATS, ...POSTS])
        assert.notEqual((await c.ask(what)).status, 200);
      assert.equal((await c.ask('summary')).status, 404);
      const page = await request(c.where, head('GET', '/', c.where.name, {}));
      assert.equal(page.status, 200);
      assert.doesNotMatch(page.content, /nws-token/);
      assert.notEqual((await request(c.where, head('GET', '/console',
        c.where.name, {}))).status, 200);
      const ctl = await d.ctl('console');
      assert.equal(ctl.code, 1);
      assert.match(ctl.err, /console off/);
      d.write('');
      await d.reload();
      c = await Console.open(d);
      assert.match(c.page.content, /"nws-console" content="on"/);
      await c.ok(POSTS[0]);
    }));

  test('two frontends: all is told by both, and decided for both', () =>
    withDaemon('', { prefork: 2 }, async (d) => {
      const c = await Console.open(d);
      const members = [], seen = new Set();
      while (seen.size < 2 && members.length < 200) {
        members.push(await Member.open(c.where, '/room'));
        const { clients } = await c.ok('clients');
        assert.equal(clients.length, members.length);
        clients.forEach((o) => seen.add(o.frontend));
      }
      assert.equal(seen.size, 2);
      assert.deepEqual((await c.ok('channels')).channels.map((o) => o.members),
        [members.length]);
      for (let i = 0; i < 4; i++) {
        await c.ok(c.decide('allow', `https://a${i}.example`));
        await waitUntil(async () => (await Promise.all(Array.from({ length: 8 },
          () => connects(d, `https://a${i}.example`)))).every(Boolean),
        'both to know');
      }
      const ids = await Promise.all(members.map((m) => m.id()));
      for (const id of ids)
        await c.ok(`close?client=${id}`);
      await Promise.all(members.map((m) => m.done));
    }));

  test('clients of the network have no console', () =>
    withDaemon('', { listen: 'listen on 0.0.0.0 port @PORT@\n' },
      async (d) => {
        const c = await Console.open(d);
        await c.ok('summary');
        const { networkInterfaces } = await import('node:os');
        const address = Object.values(networkInterfaces()).flat()
          .find((a) => a.family === 'IPv4' && !a.internal)?.address;
        if (!address)
          return;
        d.write(`host "${address}"`);
        await d.reload();
        const where = { host: address, port: d.port,
          name: `${address}:${d.port}` };
        const page = await request(where, head('GET', '/', where.name, {}));
        assert.equal(page.status, 200);
        assert.doesNotMatch(page.content, /nws-token/);
        c.where = where;
        assert.equal((await c.ask('summary')).status, 404);
        assert.equal((await c.ask(POSTS[0], { Origin:
          `http://${where.name}` })).status, 405);
      }));

  test('changes are bounded', () =>
    withDaemon('', {}, async (d) => {
      const c = await Console.open(d);
      for (let i = 0; i < CHANGES_PER_MINUTE; i++)
        await c.ok(c.decide('deny', `https://a${i}.example`));
      assert.match(await c.refused(409, c.decide('allow', FOREIGN)),
        /a minute/);
      assert.equal(await connects(d, FOREIGN), false);
      assert.equal((await d.ctl('origin', 'allow', FOREIGN)).code, 0);
    }));

  test('a process that does not answer: what needs it is 503, in time', () =>
    withDaemon('', {}, async (d) => {
      const c = await Console.open(d);
      const router = d.child_pid('router');
      process.kill(router, 'SIGSTOP');
      const at = performance.now();
      const raws = [];
      for (let i = 0; i < WAITING_MAX; i++)
        raws.push((await Raw.open(c.where)).write(c.text('summary')));
      await c.ok('origins'); // does not need it
      assert.match(await c.refused(503, 'summary'), /Too many/);
      for (const r of raws) {
        const answer = await r.head(9000 * patience);
        assert.equal(answer.status, 503);
        assert.ok(Number(answer.headers['retry-after']) > 0);
        assert.match(JSON.parse(await r.body(answer)).error, /in time/);
        r.destroy();
      }
      assert.ok(performance.now() - at > 4000, 'too early');
      process.kill(router, 'SIGCONT');
      await c.ok('summary');
    }));

  test('a process that dies meanwhile: 503, and then it works again', () =>
    withDaemon('', {}, async (d) => {
      const c = await Console.open(d);
      const router = d.child_pid('router');
      d.allow(/router\[0\]: killed by SIGKILL/);
      process.kill(router, 'SIGSTOP');
      const r = (await Raw.open(c.where)).write(c.text('channels'));
      await c.ok('origins');
      process.kill(router, 'SIGKILL');
      const answer = await r.head();
      assert.equal(answer.status, 503);
      assert.match(JSON.parse(await r.body(answer)).error, /restarted/);
      r.destroy();
      await d.recovered();
      await waitUntil(() => c.ok('channels'));
    }));

  test('a parent that is busy: messages flow, questions wait or end', () =>
    withDaemon('', {}, async (d) => {
      const c = await Console.open(d);
      const [a, b] = await openMembers(2, () => Member.open(c.where,
        '/room?presence=off'));
      process.kill(d.pid, 'SIGSTOP');
      try {
        const raws = [];
        for (const what of ['summary', 'clients', ...POSTS])
          raws.push((await Raw.open(c.where)).write(c.text(what)));
        for (let i = 0; i < 100; i++) {
          a.send({ action: 'broadcast', data: i });
          assert.equal((await b.json()).data, i);
        }
        const gone = (await Raw.open(c.where)).write(c.text('limits'));
        gone.destroy();
        for (const r of raws) {
          const answer = await r.head(9000 * patience);
          assert.equal(answer.status, 503);
          r.destroy();
        }
      } finally {
        process.kill(d.pid, 'SIGCONT');
      }
      await waitUntil(() => c.ok('summary'));
      await closeAll([a, b]);
    }));

  test('asked without pause by many, it does not stop messages', () =>
    withDaemon('max-clients 2000', {}, async (d) => {
      const c = await Console.open(d);
      const many = await openMembers(500, (i) => Member.open(c.where,
        `/c${i % 50}?presence=off`));
      const [a, b] = await openMembers(2, () => Member.open(c.where,
        '/room?presence=off'));
      let asked = 0, stop = false;
      const askers = Array.from({ length: 8 }, async (_, i) => {
        const r = await Raw.open(c.where);
        const what = WHATS[i % 6];
        while (!stop) {
          r.write(c.text(what));
          const answer = await r.head();
          assert.equal(answer.status, 200);
          await r.body(answer);
          asked++;
        }
        r.destroy();
      });
      let longest = 0;
      for (let i = 0; i < 300; i++) {
        const at = performance.now();
        a.send({ action: 'broadcast', data: i });
        assert.equal((await b.json()).data, i);
        longest = Math.max(longest, performance.now() - at);
      }
      stop = true;
      await Promise.all(askers);
      assert.ok(asked > 20, `asked only ${asked} times`);
      assert.ok(longest < 1000 * patience, `a message took ${longest} ms`);
      await closeAll([...many, a, b]);
    }));
});
