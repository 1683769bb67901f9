// Who may connect: Host and Origin on every listener and every kind of request,
// with and without a grant, and the way from pending to allowed and back.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, build, run, useDaemon, waitUntil } from './lib.mjs';
import { Raw, listeners, request, upgradeRequest } from './wire.mjs';

const plain = (method, target) => (host, fields) => `${method} ${target} HTTP/1.1\r\n`
  + Object.entries({ Host: host, ...fields }).flatMap(([k, v]) =>
    v === undefined ? [] : [v].flat().map((x) => `${k}: ${x}\r\n`)).join('')
  + '\r\n';
const upgrade = (target) => (host, fields) =>
  upgradeRequest(target, host, fields);

/** Every kind of request, and what it gives where access is granted. */
const kinds = {
  'upgrade to a channel': { text: upgrade('/access'), ok: 101 },
  'upgrade to the echo': { text: upgrade('/debug/echo'), ok: 101 },
  'GET a page': { text: plain('GET', '/index.css'), ok: 200 },
  'HEAD a page': { text: plain('HEAD', '/index.css'), ok: 200 },
  'GET /health': { text: plain('GET', '/health'), ok: 200, open: true },
  'GET of an unknown path': { text: plain('GET', '/no/such/path'), ok: 404 },
};
const LISTENERS = ['127.0.0.1', '::1', 'unix'];

/** Host values by what they get: [value with @ for the port, refused with]. */
const hosts = [
  ['localhost:@', 0],
  ['LOCALHOST:@', 0],
  ['LocalHost:@', 0],
  ['app.localhost:@', 0],
  ['a.b.localhost:@', 0],
  ['127.0.0.1:@', 0],
  ['127.9.8.7:@', 0],
  ['[::1]:@', 0],
  ['[0:0:0:0:0:0:0:1]:@', 0],
  ['granted.example:@', 0],
  ['GRANTED.example:@', 0],
  ['localhost:90000', 421],
  ['localhost:0', 421],
  ['localhost:', 421],
  ['localhost', 421, 'port'],
  ['localhost:1', 421, 'port'],
  ['127.0.0.1', 421, 'port'],
  ['[::1]:80', 421, 'port'],
  ['localhost:@x', 421],
  ['localhost:-1', 421],
  ['evil-localhost:@', 421],
  ['localhost.evil.example:@', 421],
  ['localhost.:@', 421],
  ['.localhost:@', 421],
  ['localhostx:@', 421],
  ['notlocalhost:@', 421],
  ['example.org:@', 421],
  ['sub.granted.example:@', 421],
  ['127.0.0.1.evil.example:@', 421],
  ['127.1:@', 421],
  ['0x7f000001:@', 421],
  ['2130706433:@', 421],
  ['0.0.0.0:@', 421],
  ['128.0.0.1:@', 421],
  ['[::]:@', 421],
  ['[::2]:@', 421],
  ['[::ffff:127.0.0.1]:@', 421],
  ['::1:@', 421],
  ['user@localhost:@', 421],
  ['localhost:@/', 421],
  ['localhost,localhost:@', 421],
  ['', 421],
  [undefined, 400],
  [['localhost:@', 'localhost:@'], 400],
  [['localhost:@', 'evil.example:@'], 400],
];

/** Origin values; `granted`: only because nwsd.conf has it. */
const origins = [
  [undefined, true],
  ['http://localhost', true],
  ['http://localhost:@', true],
  ['http://localhost:1', true],
  ['https://localhost:8443', true],
  ['HTTP://LOCALHOST', true],
  ['http://app.localhost:3000', true],
  ['http://127.0.0.1:5173', true],
  ['http://[::1]:5173', true],
  ['http://granted.example:@', 'host'],
  ['https://example.org', 'grant'],
  ['https://example.org:443', 'grant'],
  ['HTTPS://Example.ORG', 'grant'],
  ['https://a.wild.example', 'grant'],
  ['https://a.b.wild.example', 'grant'],
  ['http://port.example:8080', 'grant'],
  ['https://wild.example', false],
  ['https://evilwild.example', false],
  ['https://a.wild.example.evil.example', false],
  ['https://a.wild.example:8443', false],
  ['http://port.example', false],
  ['http://port.example:80801', false],
  ['http://example.org', false],
  ['https://example.org:444', false],
  ['https://example.org.evil.example', false],
  ['https://evil-example.org', false],
  ['https://sub.example.org', false],
  ['null', false],
  ['NULL', false],
  ['', false],
  ['http://localhost:90000', false],
  ['http://localhost:0', false],
  ['http://evil-localhost', false],
  ['http://localhost.evil.example', false],
  ['http://localhost.', false],
  ['https://example.org.', false],
  ['https://example.org/', false],
  ['https://user@example.org', false],
  ['https://example.org https://localhost', false],
  ['ftp://localhost', false],
  ['file://', false],
  ['http://128.0.0.1', false],
  ['http://127.0.0.1.evil.example', false],
  ['http://[::2]', false],
  ['http://192.168.1.1', false],
  ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', false],
  [['http://localhost', 'http://localhost'], 400],
  [['http://localhost', 'https://evil.example'], 400],
];

const fill = (v, d) => Array.isArray(v) ? v.map((x) => fill(x, d))
  : v?.replaceAll('@', d.port).replace(`user${d.port}`, 'user@');

function matrix(holder, granted) {
  for (const at of LISTENERS) {
    for (const [kind, { text, ok, open }] of Object.entries(kinds)) {
      test(`Host: ${kind} on ${at}`, async () => {
        const where = listeners(holder.d)[at];
        for (const [value, status, only] of hosts) {
          const host = fill(value, holder.d);
          const h = await request(where, text(host, {}));
          let want = status || ok;
          if (/granted/i.test(`${value}`) && !granted)
            want = 421;
          if (only === 'port' && at === 'unix')
            want = ok;
          // What is no Host at all may also be called malformed.
          assert.ok(h.status === want || (want === 421 && h.status === 400),
            `Host "${host}": ${h.status} instead of ${want}`);
        }
      });

      test(`Origin: ${kind} on ${at}`, async () => {
        const where = listeners(holder.d)[at];
        for (const [value, allowed] of origins) {
          const origin = fill(value, holder.d);
          const h = await request(where, text(`localhost:${holder.d.port}`,
            { Origin: origin }));
          const yes = allowed === true || (granted && (allowed === 'grant'
            || (allowed === 'host' && at !== 'unix')));
          const want = allowed === 400 ? 400 : yes || open ? ok : 403;
          assert.ok(h.status === want,
            `Origin "${origin}": ${h.status} instead of ${want}`);
          if (open && want === ok) {
            assert.ok(['*', origin].includes(
              h.headers['access-control-allow-origin']) || origin === undefined
              || !yes, 'CORS');
            assert.deepEqual(JSON.parse(h.content), { ok: true });
          }
          if (want === 403)
            assert.ok(!('access-control-allow-origin' in h.headers));
        }
      });
    }
  }
}

describe('without a grant', () => {
  const h = useDaemon('echo on');
  matrix(h, false);

  test('GET /health answers every web origin by CORS', async () => {
    for (const origin of ['https://unknown.example', 'null',
      'http://localhost:5173']) {
      const a = await request(listeners(h.d)['127.0.0.1'],
        kinds['GET /health'].text(`localhost:${h.d.port}`, { Origin: origin }));
      assert.ok(['*', origin].includes(
        a.headers['access-control-allow-origin']), a.text);
    }
  });

  test('a refusal says what to do', async () => {
    const a = await request(listeners(h.d)['127.0.0.1'],
      kinds['upgrade to a channel'].text(`localhost:${h.d.port}`,
        { Origin: 'https://help.example' }));
    assert.equal(a.status, 403);
    assert.match(a.content, /nwsctl origin allow/);
    assert.match(a.content, /https:\/\/help\.example/);
  });

  /** [what is wrong, fields beside Host, Host, status, what to do] */
  const advice = [
    ['another name', {}, 'nas.example', 421, /localhost.*host "/s],
    ['Origin without a scheme', { Origin: 'localhost' }, 'localhost', 403,
      /such as http:\/\/localhost/],
    ['Origin with a path', { Origin: 'http://localhost/' }, 'localhost', 403,
      /such as http:\/\/localhost/],
  ];
  for (const [what, fields, host, status, says] of advice) {
    test(`a refusal says what to do: ${what}`, async () => {
      const a = await request(listeners(h.d)['127.0.0.1'],
        kinds['upgrade to a channel'].text(`${host}:${h.d.port}`, fields));
      assert.equal(a.status, status);
      assert.match(a.content, says);
    });
  }

  test('a denial says how to undo it', async () => {
    const origin = 'https://denied.example';
    await h.d.ctl('origin', 'deny', origin);
    const a = await request(listeners(h.d)['127.0.0.1'],
      kinds['upgrade to a channel'].text(`localhost:${h.d.port}`,
        { Origin: origin }));
    assert.equal(a.status, 403);
    assert.match(a.content, /nwsctl origin revoke https:\/\/denied\.example/);
  });

  /** [what, Sec-Fetch fields, GET a page, upgrade] */
  const fetchRows = [
    ['none', { 'Sec-Fetch-Site': 'none' }, 200, 101],
    ['same-origin', { 'Sec-Fetch-Site': 'same-origin' }, 200, 403],
    ['same-site', { 'Sec-Fetch-Site': 'same-site' }, 403, 403],
    ['cross-site', { 'Sec-Fetch-Site': 'cross-site' }, 403, 403],
    ['a script of another site', { 'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' }, 403, 403],
    ['a frame of another site', { 'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }, 403, 403],
    ['a link that a person follows', { 'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }, 200, 403],
    ['an unknown value', { 'Sec-Fetch-Site': 'x' }, 403, 403],
  ];
  for (const [what, fields, get, up] of fetchRows) {
    test(`Sec-Fetch-Site without Origin: ${what}`, async () => {
      const where = listeners(h.d)['127.0.0.1'];
      const a = await request(where, kinds['GET a page'].text(where.name, fields));
      assert.equal(a.status, get);
      const b = await request(where, upgrade('/access')(where.name, fields));
      assert.equal(b.status, up);
    });
  }
});

describe('with a grant in nwsd.conf', () => {
  matrix(useDaemon(`echo on
host "granted.example"
allow origin { "https://example.org", "https://*.wild.example" }
allow origin "http://port.example:8080"`), true);
});

describe('allow origin any', () => {
  const h = useDaemon('allow origin any');
  test('lets everybody in and says so', async () => {
    for (const origin of ['https://unknown.example', 'null']) {
      const a = await request(listeners(h.d)['127.0.0.1'],
        upgrade('/access')(`localhost:${h.d.port}`, { Origin: origin }));
      assert.equal(a.status, 101);
    }
    assert.match(h.d.log, /allow origin any/);
    assert.ok(await h.d.counter('frontend_origin_any') >= 1);
    const a = await request(listeners(h.d)['127.0.0.1'],
      upgrade('/access')(`evil.example:${h.d.port}`, {}));
    assert.equal(a.status, 421, 'Host still counts');
  });
});

const page = 'https://page.example';

async function asks(d, origin, at = '127.0.0.1') {
  const where = listeners(d)[at];
  const r = await Raw.open(where);
  r.write(upgradeRequest('/access', `localhost:${d.port}`, { Origin: origin }));
  const h = await r.head();
  if (h.status !== 101)
    r.destroy();
  return { status: h.status, r };
}

const states = async (d, origin) => (await d.show('origins'))
  .filter((o) => o.origin === origin);

describe('grants at run time', () => {
  const h = useDaemon('', { prefork: 2 });

  async function ctl(...args) {
    const r = await h.d.ctl(...args);
    assert.equal(r.code, 0, `${args}: ${r.err}`);
    return r.out;
  }

  test('pending, allow, works, revoke, refused', async () => {
    assert.equal((await asks(h.d, page)).status, 403);
    await waitUntil(async () => (await ctl('origin', 'pending'))
      .includes(page), 'the origin to be pending');
    await ctl('origin', 'allow', page);
    assert.ok(!(await ctl('origin', 'pending')).includes(page));
    const a = await asks(h.d, page);
    assert.equal(a.status, 101);
    for (const at of LISTENERS) {
      const b = await asks(h.d, page, at);
      assert.equal(b.status, 101, at);
      b.r.destroy();
    }
    await ctl('origin', 'revoke', page);
    assert.equal((await asks(h.d, page)).status, 403);
    a.r.destroy();
  });

  test('deny: refused and no longer pending', async () => {
    const nasty = 'https://nasty.example';
    assert.equal((await asks(h.d, nasty)).status, 403);
    await ctl('origin', 'deny', nasty);
    assert.equal((await asks(h.d, nasty)).status, 403);
    assert.ok(!(await ctl('origin', 'pending')).includes(nasty));
    await ctl('origin', 'revoke', nasty);
  });

  test('what a wildcard or nwsd.conf decides is not pending', async () => {
    const pending = async () => (await h.d.show('origins'))
      .filter((o) => o.state === 'pending' && four.includes(o.origin))
      .map((o) => o.origin).sort();
    const four = ['a.grant', 'b.deny', 'c.allow', 'd.none']
      .map((name) => `https://${name}.example`);
    for (const origin of four)
      for (const at of LISTENERS)
        assert.equal((await asks(h.d, origin, at)).status, 403);
    assert.deepEqual(await pending(), four);
    await ctl('origin', 'allow', 'https://*.grant.example');
    await ctl('origin', 'deny', 'https://*.deny.example');
    assert.deepEqual((await pending()).sort(), four.slice(2));
    h.d.write('allow origin "https://*.allow.example"');
    await ctl('reload');
    assert.deepEqual(await pending(), four.slice(3));
    h.d.write('');
    await ctl('reload');
    for (const name of ['grant', 'deny'])
      await ctl('origin', 'revoke', `https://*.${name}.example`);
  });

  test('null can be granted, and only by name', async () => {
    assert.equal((await asks(h.d, 'null')).status, 403);
    await ctl('origin', 'allow', 'null');
    const a = await asks(h.d, 'null');
    assert.equal(a.status, 101);
    a.r.destroy();
    await ctl('origin', 'revoke', 'null');
    assert.equal((await asks(h.d, 'null')).status, 403);
  });

  test('a wildcard is one whole leading label', async () => {
    await ctl('origin', 'allow', 'https://*.team.example');
    const a = await asks(h.d, 'https://x.team.example');
    assert.equal(a.status, 101);
    a.r.destroy();
    for (const no of ['https://team.example', 'https://xteam.example'])
      assert.equal((await asks(h.d, no)).status, 403, no);
    await ctl('origin', 'revoke', 'https://*.team.example');
    for (const bad of ['*', 'https://*', 'https://a*.example',
      'https://a.*.example', 'example.org', 'https://x/y', '']) {
      const r = await h.d.ctl('origin', 'allow', bad);
      assert.notEqual(r.code, 0, `"${bad}" was accepted`);
      assert.notEqual(r.err, '');
    }
  });

  test('revoke of what was never granted is an error', async () => {
    const r = await h.d.ctl('origin', 'revoke', 'https://never.example');
    assert.notEqual(r.code, 0);
  });

  test('the pending list is bounded', async () => {
    for (let i = 0; i < 400; i++)
      assert.equal((await asks(h.d, `https://p${i}.flood.example`)).status, 403);
    const n = (await ctl('origin', 'pending')).split('\n')
      .filter((l) => l.includes('flood.example')).length;
    assert.ok(n > 0 && n < 400, `${n} pending`);
  });
});

test('a grant survives a restart, and a denial', async () => {
  const d = await Daemon.start();
  try {
    assert.equal((await d.ctl('origin', 'allow', page)).code, 0);
    assert.equal((await d.ctl('origin', 'deny', 'http://localhost:666')).code, 0);
    await d.restart();
    const a = await asks(d, page);
    assert.equal(a.status, 101);
    a.r.destroy();
    assert.equal((await asks(d, 'http://localhost:666')).status, 403);
    assert.equal((await asks(d, 'http://localhost:667')).status, 101);
    assert.equal((await states(d, page)).length, 1);
  } finally {
    await d.stop();
  }
});

describe('native token', () => {
  const token = 'correct-horse-battery';
  const h = useDaemon(`native token "${token}"`);
  /** [what, Authorization, status on TCP] */
  const rows = [
    ['absent', undefined, 401],
    ['right', `Bearer ${token}`, 101],
    ['scheme in another case', `bearer ${token}`, 101],
    ['too short', `Bearer ${token.slice(1)}`, 401],
    ['too long', `Bearer ${token}x`, 401],
    ['another case', `Bearer ${token.toUpperCase()}`, 401],
    ['another scheme', `Basic ${token}`, 401],
    ['twice', [`Bearer ${token}`, `Bearer ${token}`], 401],
  ];
  for (const [what, value, status] of rows) {
    test(`a token that is ${what}`, async () => {
      for (const at of LISTENERS) {
        const where = listeners(h.d)[at];
        const a = await request(where, upgrade('/access')(where.name,
          { Authorization: value }));
        assert.equal(a.status, at === 'unix' ? 101 : status, at);
      }
    });
  }

  test('a page needs its origin, not the token', async () => {
    const a = await asks(h.d, 'http://localhost:3000');
    assert.equal(a.status, 101);
    a.r.destroy();
  });
});

test('the socket has the mode of nwsd.conf', async () => {
  const d = await Daemon.start('', { listen:
    'listen on unix "@DIR@/client.sock" mode 0620\n' });
  try {
    assert.equal(fs.statSync(d.unix).mode & 0o777, 0o620);
    assert.equal(fs.statSync(d.control).mode & 0o777, 0o600);
  } finally {
    await d.stop();
  }
  assert.ok(!fs.existsSync(d.unix), 'the socket is left behind');
  assert.ok(!fs.existsSync(d.control), 'the control socket is left behind');
});

test('a socket left by a dead daemon is replaced, a live one is not', async () => {
  const d = await Daemon.start();
  try {
    const other = await run(path.join(build, 'nwsd'), ['-d', '-f', d.conf],
      { env: { STATE_DIRECTORY: d.dir } });
    assert.notEqual(other.code, 0);
    assert.match(other.err, /in use|already/i);
    await d.check();
    process.kill(d.pid, 'SIGKILL');
    await d.ended;
    await waitUntil(() => !fs.existsSync(`/proc/${d.pid}`));
    await d.restart();
    await d.check();
  } finally {
    await d.stop();
  }
});
