// Every limit at it and one past it, and everything that a client can do wrong
// slowly: heads that do not end, readers that do not read, peers that are gone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import { Daemon, useDaemon, waitUntil } from './lib.mjs';
import { CLOSE, Member, PING, Raw, TEXT, closeAll, frame, listeners, openMembers,
  openRaw, parseFrame, request, upgradeRequest } from './wire.mjs';

const local = (d) => listeners(d)['127.0.0.1'];
const get = (d, fields = '', target = '/') =>
  `GET ${target} HTTP/1.1\r\nHost: ${local(d).name}\r\n${fields}\r\n`;

/** Connections live for ms, whatever part of a second they begin in. */
async function notBefore(ms, open) {
  const lived = [];
  for (let i = 0; i < 16; i++) {
    const at = performance.now();
    const r = await open();
    lived.push(r.wait((x) => x.eof, 'the end').then(() => {
      r.destroy();
      return performance.now() - at;
    }));
    await new Promise((resolve) => setTimeout(resolve, 70));
  }
  const least = Math.min(...await Promise.all(lived));
  // What the daemon calls now is when its turn began.
  assert.ok(least > ms - 50, `dropped after ${least} ms`);
}

describe('slow handshakes', () => {
  const h = useDaemon('handshake-timeout 2s\nmax-handshakes 20');

  for (const [what, text] of [['nothing', ''], ['half a request line', 'GET /'],
    ['half a head', 'GET / HTTP/1.1\r\nHost: localhost\r\n']]) {
    test(`${what}: dropped after handshake-timeout`, async () => {
      const r = await Raw.open(local(h.d));
      r.write(text);
      const head = await r.head(8000);
      assert.ok(head === undefined || head.status === 408, head?.text);
      await r.wait((x) => x.eof, 'the end');
      r.destroy();
    });
  }

  test('nor before', async () =>
    notBefore(2000, () => Raw.open(local(h.d))));

  test('a byte now and then does not buy time', async () => {
    const r = await Raw.open(local(h.d));
    r.write('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => r.write('x'), 100);
    await r.wait((x) => x.eof, 'the end', 8000);
    clearInterval(drip);
    r.destroy();
  });

  test('max-handshakes: newcomers wait until the oldest goes', async () => {
    const all = [];
    for (let i = 0; i < 40; i++)
      all.push(await Raw.open(local(h.d)));
    const a = await request(local(h.d), get(h.d));
    assert.equal(a.status, 200);
    await all[0].wait((r) => r.eof, 'the oldest to be dropped');
    all.forEach((r) => r.destroy());
  });
});

describe('HTTP heads', () => {
  const h = useDaemon('max-head 4K');
  const field = (n) => `X: ${'x'.repeat(n - 5)}\r\n`;

  test('max-head: at it and one past it', async () => {
    const base = get(h.d).length;
    assert.equal((await request(local(h.d), get(h.d, field(4096 - base))))
      .status, 200);
    assert.equal((await request(local(h.d), get(h.d, field(4097 - base))))
      .status, 431);
  });

  test('a head without end is refused before its end', async () => {
    const r = await Raw.open(local(h.d));
    r.write(`GET / HTTP/1.1\r\nX: ${'x'.repeat(10000)}`);
    assert.equal((await r.head()).status, 431);
    r.destroy();
  });

  test('64 fields, and 65', async () => {
    const fields = (n) => Array.from({ length: n }, (_, i) => `X${i}: y\r\n`)
      .join('');
    assert.equal((await request(local(h.d), get(h.d, fields(63)))).status, 200);
    assert.equal((await request(local(h.d), get(h.d, fields(64)))).status, 431);
  });

  /** [what, bytes, status] */
  const malformed = [
    ['a bare LF', 'GET / HTTP/1.1\nHost: localhost\n\n', 400],
    ['a bare CR', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n', 400],
    ['a NUL', 'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n', 400],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: localhost\r\n x\r\n\r\n', 400],
    ['space before a colon', 'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n', 400],
    ['no colon', 'GET / HTTP/1.1\r\nHost\r\n\r\n', 400],
    ['no target', 'GET HTTP/1.1\r\n\r\n', 400],
    ['two spaces', 'GET  / HTTP/1.1\r\n\r\n', 400],
    ['a target that is no path', 'GET x HTTP/1.1\r\n\r\n', 400],
    ['HTTP/0.9', 'GET /\r\n\r\n', 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['garbage', '\xff\xfe\xfd', 400],
  ];
  for (const [what, bytes, status] of malformed)
    test(`${what} is refused as soon as it shows`, async () => {
      const r = await Raw.open(local(h.d));
      r.write(Buffer.from(bytes, 'latin1'));
      const head = await r.head();
      assert.ok([status].flat().includes(head?.status), head?.text);
      r.destroy();
    });

  test('requests with a body are refused or the connection ends', async () => {
    for (const fields of ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n',
      'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n']) {
      const r = await Raw.open(local(h.d));
      r.write(get(h.d, fields) + 'GET /health HTTP/1.1\r\n');
      const head = await r.head();
      assert.ok(head.status >= 200);
      await r.body(head);
      await r.finished();
      r.destroy();
    }
  });
});

describe('the request line', () => {
  const h = useDaemon('max-head 64K');
  test('8 KiB, and one more: 414', async () => {
    const line = (n) => `/?${'x'.repeat(n - 'GET /? HTTP/1.1'.length)}`;
    assert.equal((await request(local(h.d), get(h.d, '', line(8192)))).status,
      200);
    assert.equal((await request(local(h.d), get(h.d, '', line(8193)))).status,
      414);
  });
});

describe('how many', () => {
  for (const prefork of [1, 2])
    test(`max-clients with ${prefork} frontend(s): at it and one past it`,
      async () => {
        const d = await Daemon.start('max-clients 50\necho on', { prefork });
        try {
          const all = await openMembers(50, (i) => Member.open(local(d),
            i % 2 ? `/c${i}` : '/debug/echo'));
          await assert.rejects(Member.open(local(d), '/x'), / 503 /);
          await assert.rejects(Member.open(local(d), '/debug/echo'), / 503 /);
          await all.pop().close();
          await waitUntil(async () => {
            const m = await Member.open(local(d), '/x').catch(() => null);
            if (m)
              all.push(m);
            return m;
          }, 'the place that became free');
          await assert.rejects(Member.open(local(d), '/y'), / 503 /);
          const { used, max, hits } = await d.limit('max-clients');
          assert.deepEqual([used, max], [50, 50]);
          assert.ok(hits >= 3, `${hits} hits`);
          await closeAll(all);
          await waitUntil(async () =>
            (await d.limit('max-clients')).used === 0);
          await d.check();
        } finally {
          await d.stop();
        }
      });

  const h = useDaemon(`max-clients-per-origin 3
max-clients-per-address 5
max-channels 4`, { prefork: 2 });

  test('max-clients-per-origin: 429, others are served', async () => {
    const origin = (n) => ({ Origin: `http://localhost:${n}` });
    const all = await openMembers(3, () =>
      Member.open(local(h.d), '/a', origin(1)));
    await assert.rejects(Member.open(local(h.d), '/a', origin(1)), / 429 /);
    all.push(await Member.open(local(h.d), '/a', origin(2)));
    await closeAll(all);
  });

  test('max-clients-per-address: 429, others are served', async () => {
    const all = await openMembers(5, () => Member.open(local(h.d), '/a'));
    await assert.rejects(Member.open(local(h.d), '/a'), / 429 /);
    all.push(await Member.open(listeners(h.d)['::1'], '/a'));
    all.push(await Member.open({ ...local(h.d), localAddress: '127.0.0.9' },
      '/a'));
    await closeAll(all);
  });

  test('max-channels: 503, existing ones may be joined', async () => {
    const all = [];
    for (const name of ['a', 'b', 'c', 'd'])
      all.push(await Member.open(local(h.d), `/${name}`));
    const at = listeners(h.d)['::1'];
    await assert.rejects(Member.open(at, '/e'), / 503 /);
    all.push(await Member.open(at, '/d'));
    await all.shift().close();
    await waitUntil(async () => {
      const m = await Member.open(at, '/e').catch(() => null);
      if (m)
        all.push(m);
      return m;
    }, 'the place of the channel that went');
    await closeAll(all);
  });
});

describe('rate', () => {
  const h = useDaemon('rate messages 200 burst 100');
  test('a fast sender is slowed down, told once, and loses nothing', async () => {
    const [a, b] = await openMembers(2, () =>
      Member.open(local(h.d), '/rate?presence=off'));
    const at = performance.now();
    for (let i = 0; i < 500; i++)
      a.send({ action: 'broadcast', data: i });
    for (let i = 0; i < 500; i++)
      assert.equal((await b.json()).data, i);
    const took = performance.now() - at;
    assert.ok(took > 1500, `500 messages at 200/s with 100 at once: ${took} ms`);
    const told = await a.sync();
    assert.ok(told.length <= 1, JSON.stringify(told));
    for (const o of told)
      assert.equal(o.code, 'too-fast');
    assert.ok(await h.d.counter('frontend_rate_paused_total') > 0);
    await closeAll([a, b]);
  });

  test('others are not slowed down', async () => {
    const [a, b, c] = await openMembers(3, () =>
      Member.open(local(h.d), '/rate?presence=off'));
    for (let i = 0; i < 800; i++)
      a.send({ action: 'broadcast', data: 'flood' });
    const at = performance.now();
    for (let i = 0; i < 50; i++)
      c.send({ action: 'broadcast', data: i });
    for (let i = 0; i < 50; i++)
      await b.json((o) => o.data === i);
    assert.ok(performance.now() - at < 1500);
    a.destroy();
    await closeAll([b, c]);
  });
});

describe('rate of an origin and of an address', () => {
  const h = useDaemon(`rate origin messages 200 burst 100
rate address messages 400 burst 100`);
  for (const [what, fields] of [['origin', { Origin: 'http://localhost' }],
    ['address', {}]])
    test(`${what}: many clients share it`, async () => {
      const all = await openMembers(5, () =>
        Member.open(local(h.d), '/rate?presence=off', fields));
      const hearer = await Member.open(listeners(h.d)['::1'],
        '/rate?presence=off');
      const at = performance.now();
      for (let i = 0; i < 200; i++)
        all.forEach((m, j) => m.send({ action: 'broadcast', data: [j, i] }));
      const last = Array(5).fill(-1);
      for (let n = 0; n < 1000; n++) {
        const { data: [j, i] } = await hearer.json(undefined, 'a message', 20000);
        assert.equal(i, ++last[j]);
      }
      const took = performance.now() - at;
      assert.ok(took > (what === 'origin' ? 3500 : 1800), `${took} ms`);
      await closeAll([...all, hearer]);
    });
});

/** A member who stops reading at once. */
async function frozen(d, target) {
  const m = await Member.open(local(d), target);
  m.socket.pause();
  return m;
}

const chunk = JSON.stringify({ action: 'broadcast', data: 'x'.repeat(8000) });

/** Sends n chunks as fast as the socket takes them. */
async function pour(m, n, text = chunk) {
  for (let i = 0; i < n; i++)
    if (!m.send(text))
      await new Promise((resolve) => {
        m.socket.once('drain', resolve);
        m.socket.once('close', resolve);
      });
}

describe('a frozen reader', () => {
  const h = useDaemon('queue-limit 1M');
  test('is cut off with 1013; memory is bounded, others hear all', async (t) => {
    const ice = await frozen(h.d, '/cold?presence=off');
    const [a, b] = await openMembers(2, () =>
      Member.open(local(h.d), '/cold?presence=off'));
    let heard = 0;
    b.onmessage = () => heard++;
    const before = h.d.rss();
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, h.d.rss());
    }, 20);
    for (let i = 1; i <= 250; i++) {
      await pour(a, 20);
      await waitUntil(() => heard === i * 20, 'the other to hear all');
    }
    clearInterval(watch);
    t.diagnostic(`memory: ${before} KiB, at most ${peak} KiB`);
    assert.ok(peak - before < 40000, `${peak - before} KiB more`);
    assert.ok(await h.d.counter('frontend_slow_closed_total') === 1);
    ice.socket.resume();
    assert.equal(await ice.done, 1013);
    assert.deepEqual(await a.sync(), []);
    await closeAll([a, b]);
  });

  test('its echo is not read ahead of it', async () => {
    const d = await Daemon.start('echo on');
    try {
      const ice = await frozen(d, '/debug/echo');
      const before = d.rss();
      let n = 0;
      // Writes until the daemon stops reading.
      while (ice.send('x'.repeat(60000)) || ice.socket.writableLength < 4 << 20)
        if (++n > 3000)
          break;
      await waitUntil(() => ice.socket.writableLength > 0);
      assert.ok(d.rss() - before < 30000, `${d.rss() - before} KiB more`);
      ice.socket.resume();
      await waitUntil(() => ice.socket.writableLength === 0, 'it to go on',
        20000);
      await ice.close();
      await d.check();
    } finally {
      await d.stop();
    }
  });
});

describe('a frozen reader that never comes back', () => {
  const h = useDaemon('keepalive ping 2s timeout 4s');
  test('is dropped in the end', async () => {
    const ice = await frozen(h.d, '/cold?presence=off');
    const a = await Member.open(local(h.d), '/cold');
    await pour(a, 2000);
    await waitUntil(async () => (await h.d.show('clients')).length === 1,
      'the frozen one to be gone', 30000);
    ice.destroy();
    await a.close();
  });
});

describe('slow-reader drop', () => {
  const h = useDaemon('queue-limit 256K\nslow-reader drop');
  test('misses the oldest, is told how many, and the rest is in order',
    async () => {
      const slow = await frozen(h.d, '/cold?presence=off');
      const a = await Member.open(local(h.d), '/cold?presence=off');
      const n = 3000, tail = 'x'.repeat(8000);
      for (let i = 0; i < n; i++)
        await pour(a, 1, `{"action":"broadcast","data":[${i},"${tail}"]}`);
      await a.sync();
      slow.socket.resume();
      let expected = 0, missed = 0;
      while (expected < n) {
        const o = await slow.json(undefined, 'a message', 20000);
        if (o.action === 'error') {
          assert.equal(o.code, 'missed');
          assert.ok(o.count > 0);
          missed += o.count;
          expected += o.count;
        } else {
          assert.equal(o.data[0], expected, 'a gap that was not told');
          expected++;
        }
      }
      assert.ok(missed > 0, 'nothing was missed: the test is too small');
      assert.equal(await h.d.counter('frontend_slow_missed_total'), missed);
      await closeAll([a, slow]);
    });
});

describe('slow-reader drop, for long', () => {
  const h = useDaemon('queue-limit 64K\nslow-reader drop');
  test('what waits to be told does not cut it off', async () => {
    const slow = await frozen(h.d, '/ice?presence=off');
    const a = await Member.open(local(h.d), '/ice?presence=off');
    const n = 1000, tail = 'x'.repeat(30000);
    for (let i = 0; i < n; i++)
      await pour(a, 1, `{"action":"broadcast","data":[${i},"${tail}"]}`);
    await a.sync();
    slow.socket.resume();
    let expected = 0, notices = 0;
    while (expected < n) {
      const o = await slow.json(undefined, 'a message', 20000);
      if (o.action === 'error') {
        notices++;
        expected += o.count;
      } else {
        assert.equal(o.data[0], expected++, 'a gap that was not told');
      }
    }
    assert.ok(notices > 0, 'nothing was missed: the test is too small');
    await closeAll([a, slow]);
  });
});

describe('queue-total', () => {
  const h = useDaemon('queue-limit 64M\nqueue-total 4M\nmax-message 1M');
  test('many slow readers together are bounded', async (t) => {
    const ice = await openMembers(20, (i) => frozen(h.d, `/t${i}?presence=off`));
    const talkers = await openMembers(20, (i) =>
      Member.open(local(h.d), `/t${i}?presence=off`));
    const before = h.d.rss();
    for (let round = 0; round < 200; round++)
      for (const m of talkers)
        await pour(m, 5);
    await waitUntil(async () => await h.d.counter('frontend_slow_closed_total') > 0,
      'somebody to be cut off');
    const more = h.d.rss() - before;
    t.diagnostic(`${more} KiB more`);
    assert.ok(more < 60000, `${more} KiB more`);
    for (const m of talkers)
      assert.deepEqual(await m.sync(), []);
    ice.forEach((m) => m.destroy());
    await closeAll(talkers);
  });
});

describe('keepalive', () => {
  const h = useDaemon('keepalive ping 1s timeout 2s\necho on');

  test('a peer that answers pings stays', async () => {
    for (const target of ['/room', '/debug/echo']) {
      const r = await openRaw(local(h.d), target);
      for (let i = 0; i < 3; i++) {
        const f = await r.frame();
        assert.equal(f.op, PING);
        r.write(frame(10, f.payload));
      }
      r.destroy();
    }
  });

  test('a peer that does not is gone', async () => {
    const other = await Member.open(local(h.d), '/room');
    const r = await openRaw(local(h.d), '/room');
    const { target } = await other.action('connect');
    assert.equal((await other.action('disconnect')).target, target);
    await r.wait((x) => x.eof, 'the end');
    assert.ok(await h.d.counter('frontend_silent_closed_total') > 0);
    r.destroy();
    await other.close();
  });

  test('it is not gone early', async () =>
    notBefore(2000, () => openRaw(local(h.d), '/room')));

  test('a peer that does not even read its close is gone', async () => {
    const m = await frozen(h.d, '/room');
    await waitUntil(async () => (await h.d.show('clients')).length === 0,
      'it to be gone', 20000);
    m.destroy();
  });

  test('a peer has 5 seconds to answer our close', async () => {
    const d = await Daemon.start();
    try {
      await notBefore(5000, async () => {
        const r = await openRaw(local(d), '/room');
        const [{ client }] = await d.show('clients');
        assert.equal((await d.ctl('close', client)).code, 0);
        return r;
      });
    } finally {
      await d.stop();
    }
  });

  test('a peer that never answers our close is gone', async () => {
    const d = await Daemon.start('max-message 1K');
    try {
      const r = await openRaw(local(d), '/room');
      r.write(frame(TEXT, 'x'.repeat(2000)));
      await r.wait((x) => x.eof, 'the end', 15000);
      assert.equal(parseFrame(r.buffer).op, CLOSE);
      // We keep our end open; the daemon must not.
      await d.check();
      r.destroy();
    } finally {
      await d.stop();
    }
  });
});

describe('out of descriptors', () => {
  test('nothing is said when there are enough', async () => {
    const d = await Daemon.start('max-clients 100',
      { ulimit: 150, prefork: 2 });
    await d.stop();
    assert.doesNotMatch(d.log, /descriptors/);
  });

  test('accept pauses and recovers; those who are in go on', async () => {
    // The hard limit, so that it cannot be raised.
    const d = await Daemon.start('max-handshakes 1000\nhandshake-timeout 600s',
      { ulimit: 60 });
    try {
      assert.match(d.log, /max-clients 10000: .*60 descriptors/);
      const [a, b] = await openMembers(2, () =>
        Member.open(local(d), '/room?presence=off'));
      const crowd = [];
      for (let i = 0; i < 100; i++) {
        const s = net.connect(local(d));
        s.on('error', () => {});
        crowd.push(s);
      }
      await waitUntil(async () => await d.counter('frontend_accept_paused_total') > 0,
        'accept to pause');
      const cpu = () => {
        const f = fs.readFileSync(`/proc/${d.child_pid('frontend')}/stat`, 'utf8')
          .replace(/.*\) /s, '').split(' ');
        return Number(f[11]) + Number(f[12]);
      };
      const before = cpu();
      for (let i = 0; i < 100; i++) {
        a.send({ action: 'broadcast', data: i });
        assert.equal((await b.json()).data, i);
      }
      assert.ok(cpu() - before < 50, 'a busy accept loop');
      crowd.forEach((s) => s.destroy());
      const c = await Member.open(local(d), '/room?presence=off');
      c.send({ action: 'broadcast', data: 'in' });
      assert.equal((await a.json()).data, 'in');
      await closeAll([a, b, c]);
      await d.check();
    } finally {
      await d.stop();
    }
  });

  test('a reload with as many listeners as may be drops nobody', async () => {
    const d = await Daemon.start('max-handshakes 1000\nhandshake-timeout 600s',
      { ulimit: 250, listen: `listen on 127.0.0.1 port @PORT@
listen on unix "@DIR@/client.sock"
${Array.from({ length: 62 }, (_, i) => `listen on unix "@DIR@/${i}.sock"\n`)
    .join('')}` });
    try {
      const m = await Member.open(local(d), '/room');
      const crowd = Array.from({ length: 250 }, () =>
        net.connect(local(d)).on('error', () => {}));
      await waitUntil(async () =>
        await d.counter('frontend_accept_paused_total') > 0, 'accept to pause');
      await d.reload();
      await m.sync();
      crowd.forEach((s) => s.destroy());
      await m.close();
      await d.check();
    } finally {
      await d.stop();
    }
  });
});

describe('HTTP', () => {
  const h = useDaemon();
  test('GET /, HEAD /, /health', async () => {
    const page = await request(local(h.d), get(h.d));
    assert.equal(page.status, 200);
    assert.match(page.headers['content-type'], /^text\/html/);
    assert.match(page.headers['content-security-policy'], /default-src/);
    const head = await request(local(h.d), get(h.d).replace('GET', 'HEAD'));
    assert.equal(head.headers['content-length'],
      page.headers['content-length']);
    const health = await request(local(h.d), get(h.d, '', '/health'));
    assert.equal(health.content.trim(), '{"ok":true}');
  });

  test('other methods are refused', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'X'])
      assert.ok([400, 403, 405, 501].includes((await request(local(h.d),
        get(h.d).replace('GET', method))).status), method);
  });

  test('a connection may carry several requests', async () => {
    const r = await Raw.open(local(h.d));
    r.write(get(h.d, '', '/health').repeat(3)
      + upgradeRequest('/room', local(h.d).name));
    for (let i = 0; i < 3; i++) {
      const head = await r.head();
      assert.equal(head.status, 200);
      await r.body(head);
    }
    assert.equal((await r.head()).status, 101);
    r.destroy();
  });
});
