// Files of one's own, served from localhost (files in nwsd.conf(5)): what is
// there and what never is, ranges and conditions, slow and many readers, and
// what becomes of them at a reload and when the process that reads dies.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, isRoot, isSanitized, build, run, skipUnless, tempDir,
  useDaemon, waitUntil } from './lib.mjs';
import { Raw, listeners, openRaw, request } from './wire.mjs';

const MB = 1 << 20;
/** The sanitizer build has no sandbox: what is tested of that is left out. */
const confined = isSanitized(build) ? () => {} : test;
const local = (d) => listeners(d)['127.0.0.1'];

/** A request as text. */
const get = (target, fields = {}, method = 'GET', host = 'localhost:@') =>
  `${method} ${target} HTTP/1.1\r\n` + Object.entries({ Host: host, ...fields })
    .map(([k, v]) => `${k}: ${v}\r\n`).join('') + '\r\n';
const ask = (d, target, fields, method) => request(local(d),
  get(target, fields, method).replaceAll('@', d.port));

/** A directory with what the tests ask for; beside it, what they must not get. */
function makeTree() {
  const top = tempDir();
  const www = path.join(top, 'www');
  const write = (name, text, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(www, name)), { recursive: true });
    fs.writeFileSync(path.join(www, name), text);
    fs.chmodSync(path.join(www, name), mode);
  };
  fs.mkdirSync(www);
  fs.writeFileSync(path.join(top, 'secret.txt'), 'SECRET');
  write('index.html', '<title>top</title>\n');
  write('a.txt', '0123456789');
  // Not in this second, in which a date says nothing of a file.
  fs.utimesSync(path.join(www, 'a.txt'), 1e9, 1e9);
  write('empty.txt', '');
  write('sub/index.html', '<title>sub</title>\n');
  write('sub/page.mjs', 'export default 1;\n');
  write('sub/deep/er/x.json', '{}');
  write('none/at-all.txt', 'x');
  write('with space.txt', 'space');
  write('äöü.txt', 'umlaut');
  write('100%.txt', 'percent');
  write('a..b.txt', 'dots');
  write('noext', 'plain');
  write('unreadable.txt', 'x', 0);
  write('.hidden', 'HIDDEN');
  write('.git/config', 'HIDDEN');
  write('sub/.env', 'HIDDEN');
  fs.symlinkSync('a.txt', path.join(www, 'link-in'));
  fs.symlinkSync('../a.txt', path.join(www, 'sub/link-up'));
  fs.symlinkSync('sub', path.join(www, 'link-dir'));
  fs.symlinkSync('../secret.txt', path.join(www, 'link-out'));
  fs.symlinkSync('..', path.join(www, 'link-above'));
  fs.symlinkSync(path.join(www, 'a.txt'), path.join(www, 'link-absolute'));
  fs.symlinkSync('/etc/passwd', path.join(www, 'link-etc'));
  fs.symlinkSync('/proc/self/environ', path.join(www, 'link-proc'));
  fs.symlinkSync('link-loop', path.join(www, 'link-loop'));
  return { top, www, write };
}

/** Nothing of these may ever be seen. */
const leaks = /SECRET|HIDDEN|root:/;

const tree = makeTree();
const conf = `files "${tree.www}" at "/apps"\nfiles "${tree.www}/sub" at "/apps2/in"\n`;

describe('what is served', () => {
  const h = useDaemon(conf);

  const types = [
    ['/apps/', 'text/html; charset=utf-8', '<title>top</title>\n'],
    ['/apps/index.html', 'text/html; charset=utf-8', '<title>top</title>\n'],
    ['/apps/a.txt', 'text/plain; charset=utf-8', '0123456789'],
    ['/apps/a.txt?v=1', 'text/plain; charset=utf-8', '0123456789'],
    ['/apps/%61.t%78t', 'text/plain; charset=utf-8', '0123456789'],
    ['/apps/empty.txt', 'text/plain; charset=utf-8', ''],
    ['/apps/sub/', 'text/html; charset=utf-8', '<title>sub</title>\n'],
    ['/apps/sub/page.mjs', 'text/javascript; charset=utf-8', 'export default 1;\n'],
    ['/apps/sub/deep/er/x.json', 'application/json', '{}'],
    ['/apps/with%20space.txt', 'text/plain; charset=utf-8', 'space'],
    ['/apps/%C3%A4%C3%B6%C3%BC.txt', 'text/plain; charset=utf-8', 'umlaut'],
    ['/apps/100%25.txt', 'text/plain; charset=utf-8', 'percent'],
    ['/apps/a..b.txt', 'text/plain; charset=utf-8', 'dots'],
    ['/apps/noext', 'application/octet-stream', 'plain'],
    ['/apps/link-in', 'application/octet-stream', '0123456789'],
    ['/apps/sub/link-up', 'application/octet-stream', '0123456789'],
    ['/apps/link-dir/', 'text/html; charset=utf-8', '<title>sub</title>\n'],
    ['/apps/link-dir/page.mjs', 'text/javascript; charset=utf-8', 'export default 1;\n'],
    ['/apps2/in/', 'text/html; charset=utf-8', '<title>sub</title>\n'],
  ];
  for (const [target, type, content] of types)
    test(`GET ${target}`, async () => {
      for (const where of Object.values(listeners(h.d))) {
        const r = await request(where, get(target, {}, 'GET', where.name));
        assert.equal(r.status, 200, r.text);
        assert.equal(r.headers['content-type'], type);
        assert.equal(r.content, content);
        assert.equal(r.headers['content-length'],
          String(Buffer.byteLength(content)));
        assert.equal(r.headers['x-content-type-options'], 'nosniff');
        assert.equal(r.headers['cache-control'], 'no-cache');
        assert.equal(r.headers['cross-origin-resource-policy'], 'same-origin');
        assert.equal(r.headers['accept-ranges'], 'bytes');
        assert.match(r.headers.etag, /^"[^"]+"$/);
        assert.ok(Date.parse(r.headers['last-modified']) > 0);
        assert.equal(r.headers['access-control-allow-origin'], undefined);
      }
    });

  test('directories: a slash is put behind, with the query', async () => {
    for (const [target, to] of [['/apps', '/apps/'], ['/apps?x=1', '/apps/?x=1'],
      ['/apps/sub', '/apps/sub/'], ['/apps/sub?q=/', '/apps/sub/?q=/'],
      ['/apps/%73ub', '/apps/%73ub/'], ['/apps/link-dir', '/apps/link-dir/'],
      ['/apps2/in', '/apps2/in/']]) {
      const r = await ask(h.d, target);
      assert.equal(r.status, 301, target);
      assert.equal(r.headers.location, to);
    }
    for (const target of ['/apps/sub', '/apps'])
      assert.equal((await ask(h.d, `${target}?${'x'.repeat(5000)}`)).status, 404);
  });

  test('no listing', async () => {
    assert.equal((await ask(h.d, '/apps/none')).status, 301);
    const r = await ask(h.d, '/apps/none/');
    assert.equal(r.status, 404);
    assert.doesNotMatch(r.content, /at-all/);
  });

  test('what is not there, and what never is', async (t) => {
    const fifo = path.join(tree.www, 'fifo');
    assert.equal((await run('mkfifo', [fifo])).code, 0);
    const socket = net.createServer().listen(path.join(tree.www, 'socket'));
    t.after(() => {
      socket.close();
      fs.rmSync(fifo);
      fs.rmSync(path.join(tree.www, 'null'), { force: true });
    });
    await run('mknod', [path.join(tree.www, 'null'), 'c', '1', '3']);
    const names = ['nothing', 'a.txt/', 'a.txt/b', 'nothing/', 'sub/nothing',
      '.hidden', '.git/config', '.git/', '.git', 'sub/.env', '%2ehidden',
      '..', '../', '../secret.txt', '../www/a.txt', './a.txt', 'sub/../a.txt',
      'sub/../../secret.txt', 'sub/..', '..%2fsecret.txt', '%2e%2e/secret.txt',
      '%2e%2e%2fsecret.txt', '.%2e/secret.txt', 'sub%2f..%2f..%2fsecret.txt',
      '..%5csecret.txt', '..\\secret.txt', 'sub%5cpage.mjs', '%252e%252e/secret.txt',
      '..%252fsecret.txt', '%c0%ae%c0%ae/secret.txt', '%uff0e%uff0e/secret.txt',
      '/a.txt', '/etc/passwd', '//etc/passwd', '%2fetc%2fpasswd', '%2f%2fa.txt',
      'sub//page.mjs', 'sub//', 'a.txt%0a', '%0a', '%7f', '%01a.txt',
      'link-out', 'link-above/secret.txt', 'link-above/', 'link-absolute',
      'link-etc', 'link-proc', 'link-loop', 'fifo', 'socket', 'null',
      'x'.repeat(256), 'x/'.repeat(400), 'x'.repeat(1015), '~root/', 'A.TXT'];
    for (const name of names) {
      const r = await ask(h.d, `/apps/${name}`);
      assert.ok([400, 404].includes(r.status)
        || (name === '..%5c' && r.status === 404), `${name}: ${r.status}`);
      assert.doesNotMatch(r.content, leaks, name);
    }
    // These leave the tree before anybody looks, or are not understood at all.
    for (const target of ['/apps/..', '/../apps/a.txt', '//apps/a.txt',
      '/apps%2fa.txt', '/Apps/a.txt', '/appsx/a.txt', '/apps/%', '/apps/%zz',
      '/apps/%00', '/apps/a.txt%00.html', `/apps/${'x'.repeat(1100)}`,
      '/apps2', '/apps2/', '/apps2/index.html']) {
      const r = await ask(h.d, target);
      assert.ok([200, 400, 404, 426].includes(r.status), `${target}: ${r.status}`);
      assert.doesNotMatch(r.content, leaks, target);
      // Decoded, it is just another spelling.
      assert.equal(r.status === 200, target === '/apps%2fa.txt', target);
    }
  });

  test('an unreadable file', { skip: skipUnless(isRoot, 'as root') },
    async () => {
      const r = await ask(h.d, '/apps/unreadable.txt');
      assert.equal(r.status, 403);
      assert.match(r.content, /not allowed to read/);
    });

  test('HEAD has the head of GET', async () => {
    for (const [target, fields = {}] of [['/apps/'], ['/apps/a.txt'],
      ['/apps/sub'], ['/apps/nothing'], ['/apps/empty.txt'],
      ['/apps'], ['/apps/.hidden'], ['/apps/a.txt', { 'If-Match': '"x"' }],
      ['/apps/a.txt', { 'If-None-Match': '*' }]]) {
      const r = await Raw.open(local(h.d));
      const both = [];
      for (const method of ['GET', 'HEAD', 'HEAD', 'GET']) {
        r.write(get(target, fields, method).replaceAll('@', h.d.port));
        const head = await r.head();
        if (method === 'GET')
          await r.body(head);
        delete head.headers.date;
        both.push([head.status, head.headers]);
      }
      r.destroy();
      both.forEach((b) => assert.deepEqual(b, both[0]));
    }
  });

  test('other methods and bodies are refused', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])
      assert.equal((await ask(h.d, '/apps/a.txt', {}, method)).status, 405);
    assert.equal((await ask(h.d, '/apps/a.txt', { 'Content-Length': 5 }))
      .status, 413);
  });

  test('the path of a files line is still a channel', async () => {
    const r = await openRaw(local(h.d), '/apps');
    r.destroy();
    const upgrade = await request(local(h.d), get('/apps/a.txt', {
      Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }).replaceAll('@', h.d.port));
    assert.equal(upgrade.status, 404);
  });

  test('who may have them: pages of this daemon, and links to them',
    async () => {
      const cases = [
        [{}, 200],
        [{ 'Sec-Fetch-Site': 'same-origin' }, 200],
        [{ 'Sec-Fetch-Site': 'none' }, 200],
        [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }, 200],
        [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }, 403],
        [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' }, 403],
        [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }, 403],
        [{ 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, 403],
        [{ Origin: 'https://evil.example' }, 403],
        [{ Origin: 'null' }, 403],
        [{ Host: 'evil.example:@' }, 421],
        [{ Host: 'localhost:1' }, 421],
      ];
      for (const [fields, status] of cases) {
        const r = await ask(h.d, '/apps/a.txt', fields);
        assert.equal(r.status, status, JSON.stringify(fields));
        assert.equal(r.headers['access-control-allow-origin'], undefined);
        assert.equal(/0123456789/.test(r.content), status === 200);
      }
    });

  const ranges = [
    // [range, status, content, Content-Range]
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=2-5', 206, '2345', 'bytes 2-5/10'],
    ['bytes=0-9', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=0-999', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-1', 206, '9', 'bytes 9-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=10-', 416, undefined, 'bytes */10'],
    ['bytes=99999999999999999999-', 416, undefined, 'bytes */10'],
    ['bytes=-0', 416, undefined, 'bytes */10'],
    ['bytes=0-1,4-5', 200, '0123456789'],
    ['bytes=5-2', 200, '0123456789'],
    ['bytes=x', 200, '0123456789'],
    ['lines=0-1', 200, '0123456789'],
  ];
  for (const [range, status, content, said] of ranges)
    test(`Range: ${range}`, async () => {
      const r = await ask(h.d, '/apps/a.txt', { Range: range });
      assert.equal(r.status, status);
      if (content !== undefined)
        assert.equal(r.content, content);
      assert.equal(r.headers['content-range'], said);
    });

  test('ETag, Last-Modified, and the conditions that use them', async () => {
    const { headers } = await ask(h.d, '/apps/a.txt');
    const { etag, 'last-modified': date } = headers;
    const before = new Date(Date.parse(date) - 1000).toUTCString();
    const cases = [
      [{ 'If-None-Match': etag }, 304],
      [{ 'If-None-Match': `W/${etag}` }, 304],
      [{ 'If-None-Match': `"x", ${etag}` }, 304],
      [{ 'If-None-Match': '*' }, 304],
      [{ 'If-None-Match': '"x"' }, 200],
      [{ 'If-Modified-Since': date }, 304],
      [{ 'If-Modified-Since': before }, 200],
      [{ 'If-None-Match': '"x"', 'If-Modified-Since': date }, 200],
      [{ 'If-Match': '"x"' }, 412],
      [{ 'If-Match': etag }, 200],
      [{ 'If-Unmodified-Since': before }, 412],
      [{ 'If-None-Match': etag, 'If-Modified-Since': before }, 304],
      [{ 'If-Match': `W/${etag}` }, 412],
      [{ 'If-Match': etag, 'If-Unmodified-Since': before }, 200],
      [{ 'If-Match': '"x"', 'If-None-Match': etag }, 412],
      [{ Range: 'bytes=0-1', 'If-Match': '"x"' }, 412],
      [{ Range: 'bytes=0-1', 'If-Range': etag }, 206],
      [{ Range: 'bytes=0-1', 'If-Range': `W/${etag}` }, 200],
      [{ Range: 'bytes=0-1', 'If-Range': `${etag}, ${etag}` }, 200],
      [{ Range: 'bytes=0-1', 'If-Range': date }, 206],
      [{ Range: 'bytes=99-', 'If-Range': '"x"' }, 200],
      [{ Range: 'bytes=0-1', 'If-Range': '"x"' }, 200],
      [{ Range: 'bytes=0-1', 'If-Range': before }, 200],
      [{ Range: 'bytes=99-', 'If-None-Match': etag }, 304],
    ];
    for (const [fields, status] of cases) {
      const r = await ask(h.d, '/apps/a.txt', fields);
      assert.equal(r.status, status, JSON.stringify(fields));
      if (status === 304) {
        assert.equal(r.headers.etag, etag);
        assert.equal(r.headers['content-length'], undefined);
        assert.equal(r.headers['content-type'], undefined);
      }
    }
    // A change makes another tag.
    const changing = path.join(tree.www, 'changing.txt');
    fs.writeFileSync(changing, 'one');
    const one = (await ask(h.d, '/apps/changing.txt')).headers.etag;
    fs.writeFileSync(changing, 'two');
    fs.utimesSync(changing, 5, 5);
    const two = await ask(h.d, '/apps/changing.txt', { 'If-None-Match': one });
    assert.equal(two.status, 200);
    assert.equal(two.content, 'two');
    assert.equal(two.headers['last-modified'], 'Thu, 01 Jan 1970 00:00:05 GMT');
    fs.rmSync(changing);
  });

  test('one connection, many requests, also in one piece', async () => {
    const targets = ['/apps/a.txt', '/apps/nothing', '/health', '/apps/sub',
      '/apps/empty.txt', '/apps/sub/', '/nws.js', '/apps/../x', '/apps/'];
    const apart = [];
    for (const target of targets)
      apart.push(await ask(h.d, target));
    const r = await Raw.open(local(h.d));
    const rounds = 20;
    const all = targets.map((x) => get(x).replaceAll('@', h.d.port)).join('');
    r.write(all.repeat(rounds));
    for (let i = 0; i < rounds * targets.length; i++) {
      const head = await r.head();
      assert.equal(head.status, apart[i % targets.length].status);
      assert.equal(await r.body(head), apart[i % targets.length].content);
    }
    r.write(get('/apps/a.txt', { Connection: 'close' }).replaceAll('@', h.d.port));
    assert.equal(await r.body(await r.head()), '0123456789');
    await r.finished();
    r.destroy();
    const old = await Raw.open(local(h.d));
    old.write(`GET /apps/a.txt HTTP/1.0\r\nHost: localhost:${h.d.port}\r\n\r\n`);
    assert.equal(await old.body(await old.head()), '0123456789');
    await old.finished();
    old.destroy();
  });

  test('nwsctl knows the process, its files and its limits', async () => {
    const p = (await h.d.show('processes')).find((x) => x.process === 'files');
    assert.equal(p.pid, h.d.child_pid('files'));
    assert.ok(await h.d.counter('files_opened_total') > 0);
    assert.equal(await h.d.counter('files_open'), 0);
    assert.equal(await h.d.counter('files_violations_total'), 0);
    assert.equal((await h.d.limit('open-files')).used, 0);
    assert.equal((await h.d.limit('file-requests')).used, 0);
  });

  confined('what the process holds: directories, no files, nobody\'s rights',
    async () => {
      const pid = h.d.child_pid('files');
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(status, /^Seccomp:\t2$/m);
      if (isRoot) {
        assert.doesNotMatch(status, /^Uid:\t0/m);
        assert.equal(fs.readlinkSync(`/proc/${pid}/root`), '/var/empty/nwsd');
        const fds = fs.readdirSync(`/proc/${pid}/fd`).map((fd) =>
          fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
        assert.equal(fds.filter((x) => x === tree.www).length, 1);
        assert.equal(fds.filter((x) => x === `${tree.www}/sub`).length, 1);
      }
    });
});

/* --------------------------------------------------------- large files */

/** A large file of which every part is known by its place. */
function makeLarge(name, size) {
  const block = Buffer.alloc(MB);
  const fd = fs.openSync(path.join(tree.www, name), 'w');
  for (let at = 0; at < size; at += MB) {
    for (let i = 0; i < MB; i += 8)
      block.writeBigUInt64LE(BigInt(at + i), i);
    fs.writeSync(fd, block, 0, Math.min(MB, size - at));
  }
  fs.closeSync(fd);
  fs.chmodSync(path.join(tree.www, name), 0o644);
}

/** Whether a piece of it is right, where it begins at a multiple of 8. */
function isRight(b, from) {
  for (let i = 0; i + 8 <= b.length; i += 4096)
    if (b.readBigUInt64LE(i) !== BigInt(from + i))
      return false;
  return true;
}

const hash = (b) => crypto.createHash('sha256').update(b).digest('hex');
const LARGE = 100 * MB;
makeLarge('large.bin', LARGE);

/** Asks with Node's own client; resolves to { status, bytes, sha, error }. */
function fetchFile(d, target, options = {}) {
  return new Promise((resolve) => {
    const sha = crypto.createHash('sha256');
    let bytes = 0;
    const req = http.get({ host: '127.0.0.1', port: d.port, path: target,
      headers: { Host: `localhost:${d.port}`, ...options.headers },
      agent: options.agent }, (res) => {
      const done = (error) => resolve({ status: res.statusCode, bytes, error,
        headers: res.headers, sha: sha.digest('hex') });
      res.on('data', (b) => {
        bytes += b.length;
        sha.update(b);
      });
      res.once('end', () => done(res.complete ? undefined : 'cut'));
      res.once('error', (e) => done(e.code));
    });
    req.once('error', (e) => resolve({ error: e.code, bytes }));
  });
}

describe('large files', () => {
  const h = useDaemon(`${conf}keepalive ping 2s timeout 3s\n`);
  const whole = hash(fs.readFileSync(path.join(tree.www, 'large.bin')));

  test('100 MB arrive as they are', async () => {
    const r = await fetchFile(h.d, '/apps/large.bin');
    assert.deepEqual([r.status, r.bytes, r.sha], [200, LARGE, whole]);
  });

  test('a range from the middle, and the last bytes', async () => {
    const r = await Raw.open(local(h.d));
    for (const [range, from, n] of [[`bytes=${50 * MB}-${52 * MB - 1}`, 50 * MB, 2 * MB],
      ['bytes=-4096', LARGE - 4096, 4096]]) {
      r.write(get('/apps/large.bin', { Range: range }).replaceAll('@', h.d.port));
      const head = await r.head();
      assert.equal(head.status, 206);
      assert.equal(head.headers['content-length'], String(n));
      await r.wait((x) => x.buffer.length >= n, 'the range');
      assert.ok(isRight(r.buffer.subarray(0, n), from));
      r.buffer = r.buffer.subarray(n);
    }
    r.destroy();
  });

  test('slow readers: memory is bounded, and all of it arrives', async () => {
    const before = h.d.rss();
    const slow = [];
    for (let i = 0; i < 20; i++) {
      const socket = net.connect({ host: '127.0.0.1', port: h.d.port,
        highWaterMark: 65536 });
      socket.on('error', () => {});
      socket.write(get('/apps/large.bin').replaceAll('@', h.d.port));
      slow.push(socket);
    }
    await waitUntil(async () => await h.d.counter('files_open') === 20,
      'all files to be open');
    // Nobody reads: what is on the way stays within the windows.
    let last = -1;
    await waitUntil(async () => {
      const now = await h.d.counter('frontend_file_bytes_total');
      const still = now === last;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return still;
    }, 'the bytes to stop');
    assert.ok(await h.d.counter('frontend_queued_bytes') < 20 * 600 * 1024);
    if (!isSanitized(build))
      assert.ok(h.d.rss() - before < 40 * 1024, `${h.d.rss() - before} KiB`);
    // One of them reads on, in small pieces, and gets all of it.
    slow.slice(1).forEach((s) => s.destroy());
    let n = 0;
    const sha = crypto.createHash('sha256');
    let head = Buffer.alloc(0);
    for await (const b of slow[0]) {
      let piece = b;
      if (head !== undefined) {
        head = Buffer.concat([head, b]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1)
          continue;
        piece = head.subarray(end + 4);
        head = undefined;
      }
      n += piece.length;
      sha.update(piece);
      if (n >= LARGE)
        break;
    }
    assert.equal(n, LARGE);
    assert.equal(sha.digest('hex'), whole);
    slow[0].destroy();
    await waitUntil(async () => await h.d.counter('files_open') === 0,
      'all files to be closed');
  });

  test('who reads nothing at all is given up', async () => {
    const socket = net.connect({ host: '127.0.0.1', port: h.d.port });
    let closed = false;
    socket.on('error', () => {});
    socket.pause();
    socket.write(get('/apps/large.bin').replaceAll('@', h.d.port));
    await waitUntil(async () => await h.d.counter('files_open') === 1, 'it to begin');
    await waitUntil(async () => await h.d.counter('files_open') === 0,
      'the file to be closed', 15000);
    socket.on('close', () => {
      closed = true;
    });
    socket.resume();
    await waitUntil(() => closed, 'the connection to end');
  });

  test('who goes while a file is sent', async () => {
    for (let i = 0; i < 50; i++) {
      const r = await Raw.open(local(h.d));
      r.write(get('/apps/large.bin').replaceAll('@', h.d.port).repeat(1 + i % 3));
      if (i % 2)
        await r.wait((x) => x.buffer.length > 1000 * i, 'some of it');
      r.destroy();
    }
    await waitUntil(async () => await h.d.counter('files_open') === 0
      && await h.d.counter('frontend_file_requests') === 0,
    'all files to be closed');
  });

  test('many clients at once', async () => {
    const n = 400;
    const sub = hash('<title>sub</title>\n');
    const all = await Promise.all(Array.from({ length: n }, (_, i) => fetchFile(h.d,
      i % 20 ? '/apps/sub/' : '/apps/large.bin',
      { headers: i % 20 ? {} : { Range: `bytes=${i * 8}-${i * 8 + 5 * MB - 1}` } })));
    all.forEach((r, i) => {
      assert.equal(r.error, undefined);
      assert.equal(r.status, i % 20 ? 200 : 206);
      assert.equal(r.bytes, i % 20 ? 19 : 5 * MB);
      if (i % 20)
        assert.equal(r.sha, sub);
    });
  });

  test('a file that shrinks while it is sent: the connection ends', async () => {
    makeLarge('shrinking.bin', 20 * MB);
    const r = await Raw.open(local(h.d));
    r.socket.pause();
    r.write(get('/apps/shrinking.bin').replaceAll('@', h.d.port));
    await waitUntil(async () => await h.d.counter('files_open') === 1, 'it to begin');
    fs.truncateSync(path.join(tree.www, 'shrinking.bin'), MB);
    r.socket.resume();
    const head = await r.head();
    assert.equal(head.headers['content-length'], String(20 * MB));
    await r.wait((x) => x.eof, 'the end');
    assert.ok(r.buffer.length < 20 * MB);
    assert.ok(isRight(r.buffer.subarray(0, Math.min(r.buffer.length, MB)), 0));
    r.destroy();
    fs.rmSync(path.join(tree.www, 'shrinking.bin'));
  });

  test('one that grows: as much as was said', async () => {
    makeLarge('growing.bin', 8 * MB);
    const r = await Raw.open(local(h.d));
    r.socket.pause();
    r.write(get('/apps/growing.bin').replaceAll('@', h.d.port)
      + get('/apps/a.txt').replaceAll('@', h.d.port));
    await waitUntil(async () => await h.d.counter('files_open') === 1, 'it to begin');
    fs.appendFileSync(path.join(tree.www, 'growing.bin'), Buffer.alloc(MB, 'x'));
    r.socket.resume();
    const head = await r.head();
    assert.equal(head.headers['content-length'], String(8 * MB));
    await r.wait((x) => x.buffer.length >= 8 * MB, 'the file');
    assert.ok(isRight(r.buffer.subarray(0, 8 * MB), 0));
    r.buffer = r.buffer.subarray(8 * MB);
    assert.equal(await r.body(await r.head()), '0123456789');
    r.destroy();
    fs.rmSync(path.join(tree.www, 'growing.bin'));
  });

  test('one that is replaced: the old one, whole', async () => {
    makeLarge('replaced.bin', 8 * MB);
    const name = path.join(tree.www, 'replaced.bin');
    const r = await Raw.open(local(h.d));
    r.socket.pause();
    r.write(get('/apps/replaced.bin').replaceAll('@', h.d.port));
    await waitUntil(async () => await h.d.counter('files_open') === 1, 'it to begin');
    fs.writeFileSync(`${name}.new`, 'new');
    fs.renameSync(`${name}.new`, name);
    r.socket.resume();
    await r.head();
    await r.wait((x) => x.buffer.length >= 8 * MB, 'the file');
    assert.ok(isRight(r.buffer.subarray(0, 8 * MB), 0));
    r.destroy();
    assert.equal((await ask(h.d, '/apps/replaced.bin')).content, 'new');
    fs.rmSync(name);
  });
});

/* ------------------------------------------------------ life and death */

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

describe('processes', () => {
  test('no files line, no process', async () => {
    await withDaemon('', {}, async (d) => {
      assert.equal(d.child_pid('files'), undefined);
      assert.equal((await ask(d, '/apps/a.txt')).status, 404);
      assert.notEqual((await d.ctl('sandbox-test', 'files', 'open')).code, 0);
    });
  });

  test('a reload adds, changes and removes them', async () => {
    await withDaemon('', { prefork: 2 }, async (d) => {
      const member = await openRaw(local(d), '/stays');
      d.write(conf);
      await d.reload();
      await d.recovered();
      await d.baseline();
      assert.equal((await ask(d, '/apps/a.txt')).content, '0123456789');
      const first = d.child_pid('files');
      // Nothing changed: nothing is ended.
      const r = await Raw.open(local(d));
      r.socket.pause();
      r.write(get('/apps/large.bin', { Range: `bytes=0-${20 * MB - 1}` })
        .replaceAll('@', d.port));
      await waitUntil(async () => await d.counter('files_open') === 1, 'it to begin');
      d.write(`${conf}echo on\n`);
      await d.reload();
      assert.equal(d.child_pid('files'), first);
      r.socket.resume();
      await r.head();
      await r.wait((x) => x.buffer.length >= 20 * MB, 'all of it', 30000);
      r.destroy();
      // Others in their place, at other paths.
      d.write(`files "${tree.www}/sub" at "/apps"\nfiles "${tree.www}" at "/b"\n`);
      await d.reload();
      await d.recovered();
      assert.notEqual(d.child_pid('files'), first);
      for (let i = 0; i < 10; i++) {
        assert.equal((await ask(d, '/apps/')).content, '<title>sub</title>\n');
        assert.equal((await ask(d, '/apps/a.txt')).status, 404);
        assert.equal((await ask(d, '/b/a.txt')).content, '0123456789');
        assert.equal((await ask(d, '/apps2/in/')).status, 404);
      }
      // One that cannot be: all stays as it is.
      d.write(`files "${tree.www}/gone" at "/apps"\n`);
      assert.notEqual((await d.ctl('reload')).code, 0);
      assert.match((await d.ctl('reload')).err, /gone.*No such file/);
      assert.equal((await ask(d, '/b/a.txt')).content, '0123456789');
      d.write('');
      await d.reload();
      await d.recovered();
      await waitUntil(() => d.child_pid('files') === undefined, 'its end');
      assert.equal((await ask(d, '/b/a.txt')).status, 404);
      assert.equal(member.eof, false);
      member.destroy();
      await waitUntil(async () => await d.counter('frontend_connections') === 0,
        'all connections to end');
      await d.baseline();
      assert.equal((await d.show('processes')).some((p) => p.process === 'files'),
        false);
      assert.doesNotMatch(d.log, /files\[0\]: killed/);
    });
  });

  test('many reloads that change them are no deaths', async () => {
    await withDaemon(conf, {}, async (d) => {
      for (let i = 0; i < 8; i++) {
        d.write(`files "${tree.www}${i % 2 ? '' : '/sub'}" at "/apps"\n`);
        await d.reload();
        assert.equal((await ask(d, '/apps/a.txt')).status, i % 2 ? 200 : 404);
      }
      await d.recovered();
      await d.baseline();
    });
  });

  test('a directory that was put in the place of another', async () => {
    const top = tempDir();
    const www = path.join(top, 'www');
    fs.mkdirSync(www);
    fs.writeFileSync(path.join(www, 'x.txt'), 'old');
    await withDaemon(`files "${www}" at "/apps"\n`, {}, async (d) => {
      assert.equal((await ask(d, '/apps/x.txt')).content, 'old');
      fs.renameSync(www, `${www}.old`);
      fs.mkdirSync(www);
      fs.writeFileSync(path.join(www, 'x.txt'), 'new');
      assert.equal((await ask(d, '/apps/x.txt')).content, 'old');
      await d.reload();
      assert.equal((await ask(d, '/apps/x.txt')).content, 'new');
    });
  });

  test('a directory that is not there, or is none: the start says so', async () => {
    fs.symlinkSync('www', path.join(tree.top, 'link'));
    for (const [dir, why] of [['gone', /files ".*gone": No such file/],
      ['secret.txt', /files ".*secret.txt": Not a directory/],
      ['link', /files ".*link": is a symbolic link/]]) {
      const d = await Daemon.start(`files "${tree.top}/${dir}" at "/apps"\n`,
        { ready: false });
      const exit = await d.ended;
      assert.equal(exit.code, 1);
      assert.match(d.log, why);
    }
  });

  for (const prefork of [1, 2])
    test(`it is killed while files are sent, with ${prefork} frontend(s)`, async () => {
      await withDaemon(conf, { prefork }, async (d) => {
        d.allow(/files.*killed by SIGKILL/);
        const member = await openRaw(local(d), '/stays');
        for (let round = 0; round < 3; round++) {
          const pid = d.child_pid('files');
          const all = [];
          for (let i = 0; i < 6; i++) {
            const r = await Raw.open(local(d));
            r.socket.pause();
            all.push(r.write(get('/apps/large.bin').replaceAll('@', d.port)));
          }
          await waitUntil(async () => await d.counter('files_open') === 6,
            'the files to be open');
          process.kill(pid, 'SIGKILL');
          // The next requests wait for another one, or are told to.
          const next = await Promise.all(Array.from({ length: 20 }, () =>
            ask(d, '/apps/a.txt')));
          next.forEach((r) => assert.ok([200, 503].includes(r.status), r.text));
          for (const r of all) {
            r.socket.resume();
            await r.wait((x) => x.eof, 'its end');
            assert.ok(r.buffer.length < LARGE);
            r.destroy();
          }
          await d.recovered();
          assert.notEqual(d.child_pid('files'), pid);
          assert.equal((await ask(d, '/apps/a.txt')).content, '0123456789');
        }
        assert.equal(member.eof, false);
        member.destroy();
      });
    });

  test('it does not answer: 503 in time, and all is well after that', async () => {
    await withDaemon(conf, {}, async (d) => {
      const pid = d.child_pid('files');
      process.kill(pid, 'SIGSTOP');
      try {
        const waiting = await Raw.open(local(d));
        waiting.write(get('/apps/a.txt').replaceAll('@', d.port));
        // Nobody else waits for it.
        assert.equal((await ask(d, '/health')).status, 200);
        assert.equal((await ask(d, '/apps')).status, 301);
        const r = await waiting.head(30000);
        assert.equal(r.status, 503);
        assert.ok(r.headers['retry-after']);
        waiting.destroy();
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      assert.equal((await ask(d, '/apps/a.txt')).content, '0123456789');
    });
  });

  test('a frontend is killed while files are sent', async () => {
    await withDaemon(conf, {}, async (d) => {
      d.allow(/frontend.*killed by SIGKILL/);
      const all = [];
      for (let i = 0; i < 8; i++) {
        const r = await Raw.open(local(d));
        r.socket.pause();
        all.push(r.write(get('/apps/large.bin').replaceAll('@', d.port)));
      }
      await waitUntil(async () => await d.counter('files_open') === 8, 'all to be open');
      process.kill(d.child_pid('frontend'), 'SIGKILL');
      await d.recovered();
      await waitUntil(async () => await d.counter('files_open') === 0,
        'the files of its clients to be closed');
      all.forEach((r) => r.destroy());
      for (let i = 0; i < 10; i++)
        assert.equal((await ask(d, '/apps/a.txt')).content, '0123456789');
    });
  });

  test('the daemon ends while files are sent', async () => {
    const d = await Daemon.start(conf);
    const r = await Raw.open(local(d));
    r.socket.pause();
    r.write(get('/apps/large.bin').replaceAll('@', d.port));
    await waitUntil(async () => await d.counter('files_open') === 1, 'it to begin');
    const ended = d.stop();
    assert.deepEqual(await ended, { code: 0, signal: null });
    r.destroy();
  });

  test('more readers than there may be open files', async () => {
    await withDaemon(conf, {}, async (d) => {
      const slow = [];
      for (let i = 0; i < 300; i++) {
        const socket = net.connect({ host: '127.0.0.1', port: d.port });
        socket.on('error', () => {});
        socket.pause();
        socket.write(get('/apps/large.bin').replaceAll('@', d.port));
        slow.push(socket);
      }
      await waitUntil(async () => (await d.limit('file-requests')).used === 300,
        'all to be there');
      await waitUntil(async () => await d.counter('files_open') === 256,
        'as many files as there may be');
      const late = ask(d, '/apps/a.txt');
      slow.forEach((s) => s.destroy());
      assert.equal((await late).content, '0123456789');
    });
  });

  for (const call of ['open', 'socket', 'connect', 'exec'])
    confined(`sandbox: ${call}`, async () => {
      await withDaemon(conf, {}, async (d) => {
        d.allow(/killed by SIGSYS/);
        const pid = d.child_pid('files');
        const r = await d.ctl('sandbox-test', 'files', call);
        assert.equal(r.code, 0, r.err);
        await d.logged(/files.*killed by SIGSYS/);
        await waitUntil(() => (d.child_pid('files') ?? pid) !== pid,
          'another one');
        assert.equal((await ask(d, '/apps/a.txt')).content, '0123456789');
      });
    });

  test('without root', { skip: skipUnless(isRoot, 'as root') }, async () => {
    const own = tempDir();
    const www = path.join(own, 'www');
    fs.mkdirSync(www, { mode: 0o700 });
    fs.writeFileSync(path.join(www, 'mine.txt'), 'mine', { mode: 0o600 });
    for (const name of [own, www, path.join(www, 'mine.txt')])
      fs.chownSync(name, 65534, 65534);
    const dir = tempDir();
    fs.chownSync(dir, 65534, 65534);
    await withDaemon(`files "${www}" at "/apps"\n`, { dir,
      prefix: ['/bin/sh', '-c', `chown 65534 "${dir}/nwsd.conf"; exec setpriv `
        + '--reuid=65534 --regid=65534 --clear-groups "$@"', 'sh'],
    }, async (d) => {
      assert.equal((await ask(d, '/apps/mine.txt')).content, 'mine');
      assert.equal((await ask(d, '/apps/../x')).status, 404);
    });
  });
});
