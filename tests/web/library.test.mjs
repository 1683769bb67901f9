// The library in Chromium: from pages of nwsd itself, of another local server,
// and of sites elsewhere, granted or not, with and without the browser's leave
// to reach this machine.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { inCI, tempDir, useDaemon, waitUntil, within } from '../live/lib.mjs';

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const missing = !fs.existsSync(executablePath) && !inCI
  ? `no ${executablePath}` : false;

/** Pages by path; @NWSD@ is the daemon. */
const pages = {
  '/blank': '<!doctype html><title>blank</title>',
  '/classic': `<!doctype html><title>classic</title>
<script src="@NWSD@/nws.js"></script>`,
  '/module': `<!doctype html><title>module</title>
<script type="module">
import * as library from '@NWSD@/nws.mjs';
Object.assign(globalThis, library);
</script>`,
  // As the documentation of the first library had it, but for where it is.
  '/first': `<!DOCTYPE html>
<html><head><title>first</title>
<script src="@NWSD@/nws.js"></script>
<script>
var log = [];
var ws = new NetworkWebSocket("firstPages");
ws.onopen = function() {
  log.push("open");
};
ws.onmessage = function(event) {
  log.push("broadcast " + event.data);
};
ws.onconnect = function(evt) {
  var peerWS = evt.detail.target;
  peerWS.onopen = function() {
    peerWS.onmessage = function(event) {
      log.push("direct " + (event.senderId == peerWS.id) + " " + event.data);
    };
    peerWS.onclose = function() {
      log.push("closed " + peerWS.readyState);
    };
    peerWS.send("only you");
  };
};
ws.ondisconnect = function(evt) {
  log.push("gone " + (evt.detail.target.id == wasThere));
};
var wasThere;
function sendAll(text) {
  if (ws.readyState != 1) return;
  wasThere = ws.peers[0].id;
  ws.send(text);
}
</script></head><body></body></html>`,
};

/** Says how it goes with a channel, to the page or to one of the pages. */
const joins = `
async function join(port, server) {
  NetworkWebSocket.server = server;
  const ws = new NetworkWebSocket('workers');
  ws.onmessage = (e) => port.postMessage(e.data);
  port.postMessage(await ws.ready.then(() => 'open',
    (e) => e.code + ': ' + e.message));
}`;
const scripts = {
  '/worker.js': `importScripts('@NWSD@/nws.js');${joins}
join(globalThis, '@NWSD@');`,
  '/shared.js': `importScripts('@NWSD@/nws.js');${joins}
onconnect = (e) => join(e.ports[0], '@NWSD@');`,
  '/worker.mjs': `import { NetworkWebSocket } from '@NWSD@/nws.mjs';${joins}
join(globalThis, NetworkWebSocket.server);`,
};

/** Runs in a page: a conversation of two members, as [what, value] pairs. */
async function contract(channel) {
  const said = [];
  const [a, b] = [new NetworkWebSocket(channel, 'proto'),
    new NetworkWebSocket(channel)];
  const once = (target, type) => new Promise((resolve) => {
    target.addEventListener(type, resolve, { once: true });
  });
  const peers = [once(a, 'connect'), once(b, 'connect')];
  await Promise.all([a.ready, b.ready]);
  const [toB, toA] = (await Promise.all(peers)).map((e) => e.detail.target);
  said.push(['state', a.readyState, a.OPEN, NetworkWebSocket.OPEN, a.protocol,
    b.protocol]);
  said.push(['ids', toB.id === b.id, toA.id === a.id, a.peers[0] === toB]);
  let got = once(b, 'message');
  a.send('é');
  let e = await got;
  said.push(['text', e.data, e.senderId === a.id, e instanceof MessageEvent]);
  for (const data of [new Blob(['blob']), new Uint8Array([1, 2]).buffer]) {
    got = once(b, 'message');
    a.send(data);
    e = await got;
    said.push(['bytes', e.data instanceof Blob, e.data.size]);
  }
  b.binaryType = toB.binaryType = 'arraybuffer';
  got = once(toB, 'message');
  toA.send(new Uint8Array([0, 255]));
  e = await got;
  said.push(['direct', [...new Uint8Array(e.data)], e.senderId === b.id,
    e.direct]);
  const closed = once(b, 'close'), gone = once(a, 'disconnect'),
    peerClosed = once(toB, 'close');
  b.close(4321, 'done');
  e = await closed;
  said.push(['close', e.code, e.wasClean, e instanceof CloseEvent,
    b.readyState]);
  said.push(['gone', (await gone).detail.target === toB,
    (await peerClosed).code, a.peers.length]);
  a.close();
  return said;
}

const agreed = [
  ['state', 1, 1, 1, 'proto', ''],
  ['ids', true, true, true],
  ['text', 'é', true, true],
  ['bytes', true, 4],
  ['bytes', true, 2],
  ['direct', [0, 255], true, true],
  ['close', 4321, true, true, 3],
  ['gone', true, 3000, 0],
];

describe('the library in Chromium', { skip: missing }, () => {
  let browser, cdpSession, site, web, context, page, daemon;
  // Before the daemon is looked at, which counts connections.
  afterEach(async () => {
    await context?.close();
    context = null;
  });
  const h = useDaemon('handshake-timeout 2s');

  async function serve() {
    const server = http.createServer((req, res) => {
      const script = scripts[req.url];
      res.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
      res.end((script ?? pages[req.url] ?? '').replaceAll('@NWSD@', daemon));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return server;
  }
  const at = (host, server) => `http://${host}:${server.address().port}`;

  before(async () => {
    daemon = `http://localhost:${h.d.port}`;
    // What `web` serves, the browser takes to come from the internet.
    site = await serve();
    web = await serve();
    const { port } = web.address();
    browser = await chromium.launch({ executablePath, headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
        '--no-first-run', '--disable-sync', '--disable-component-update',
        `--crash-dumps-dir=${tempDir()}`,
        '--host-resolver-rules=MAP *.example 127.0.0.1',
        `--ip-address-space-overrides=127.0.0.1:${port}=public`,
        '--unsafely-treat-insecure-origin-as-secure='
          + ['a', 'b', 'c', 'd', 'e'].map((n) => at(`${n}.example`, web))
            .join(',')] });
  });
  after(async () => {
    await browser?.close();
    for (const server of [site, web]) {
      server?.close();
      server?.closeAllConnections();
    }
  });

  /** A page in a browser without history. */
  async function visit(url) {
    await context?.close();
    context = await browser.newContext();
    page = await context.newPage();
    page.problems = [];
    page.on('pageerror', (e) => page.problems.push(e.message));
    page.on('console', (m) => m.type() === 'error'
      && page.problems.push(m.text()));
    if (url)
      await page.goto(url);
    return page;
  }

  const converse = async () => {
    await page.waitForFunction(() => globalThis.NetworkWebSocket);
    assert.deepEqual(await within(page.evaluate(contract,
      `c${Math.random()}`), 'a conversation'), agreed);
  };

  /** Joins in the page; what happens is in window.events. */
  const join = () => page.evaluate(() => {
    window.events = [];
    window.ws = new NetworkWebSocket('joined', [], {
      reconnect: { min: 50, max: 100 } });
    for (const type of ['open', 'error', 'reconnecting', 'close'])
      window.ws.addEventListener(type, (e) => window.events.push({ type,
        code: e.error?.code, message: e.message, page: e.error?.page,
        delay: e.detail && `${e.detail.delay}` }));
  });
  const happened = async (fn, what) => {
    let found;
    await waitUntil(async () => {
      found = (await page.evaluate(() => window.events)).find(fn);
      return found;
    }, what);
    return found;
  };
  const opened = () => happened((e) => e.type === 'open', 'open');
  const failed = () => happened((e) => e.type === 'error', 'an error');

  async function permit(host, setting) {
    const cdp = await context.newCDPSession(page);
    const { targetInfo } = await cdp.send('Target.getTargetInfo');
    // What it sets lasts as long as this session.
    cdpSession ??= await browser.newBrowserCDPSession();
    for (const name of ['loopback-network', 'local-network-access'])
      await cdpSession.send('Browser.setPermission', { permission: { name },
        setting, origin: at(host, web),
        browserContextId: targetInfo.browserContextId });
  }

  /** Pages may be back before the daemon is looked at for the first time. */
  async function restart() {
    const { base } = h.d;
    await h.d.restart();
    h.d.base = base;
  }

  const allow = async (origin) => assert.equal(
    (await h.d.ctl('origin', 'allow', origin)).code, 0);

  test('a page of nwsd: module, and classic script', async () => {
    await visit(`${daemon}/`);
    await page.evaluate(async () => Object.assign(globalThis,
      await import('/nws.mjs')));
    await converse();
    await visit(`${daemon}/`);
    await page.addScriptTag({ url: '/nws.js' });
    await converse();
    assert.deepEqual(page.problems, []);
  });

  test('bytes that a frame made', async () => {
    await visit(`${at('localhost', site)}/classic`);
    const sizes = await within(page.evaluate(async () => {
      const [a, b] = [0, 1].map(() => new NetworkWebSocket('frame'));
      await Promise.all([a.ready, b.ready]);
      const { contentWindow } = document.body.appendChild(
        document.createElement('iframe'));
      const got = new Promise((resolve) => {
        const all = [];
        b.onmessage = (e) => all.push(e.data.size) === 3 && resolve(all);
      });
      a.send(new contentWindow.ArrayBuffer(1));
      a.send(new contentWindow.Blob(['22']));
      a.send(new contentWindow.File(['333'], 'name'));
      return got;
    }), 'the messages');
    assert.deepEqual(sizes, [1, 2, 3]);
  });

  for (const path of ['/classic', '/module'])
    test(`a page of another local server: ${path}`, async () => {
      await visit(at('localhost', site) + path);
      await converse();
      await visit(at('127.0.0.1', site) + path);
      await converse();
      assert.deepEqual(page.problems, []);
    });

  test('workers', async () => {
    await visit(`${at('localhost', site)}/classic`);
    await page.evaluate(() => {
      window.said = ['/worker.js', '/worker.mjs', '/shared.js'].map((url) => {
        const all = [];
        const port = /shared/.test(url) ? new SharedWorker(url).port
          : new Worker(url, { type: /mjs/.test(url) ? 'module' : 'classic' });
        port.onmessage = (e) => all.push(e.data);
        return all;
      });
    });
    const all = (...what) => page.waitForFunction((want) => window.said.every(
      (s) => `${s}` === want), `${what}`);
    await all('open');
    await page.evaluate(async () => {
      window.ws = new NetworkWebSocket('workers');
      (await window.ws.ready).send('hello, workers');
    });
    await all('open', 'hello, workers');
    assert.deepEqual(page.problems, []);
  });

  test('pages for the first library run as they are', async () => {
    await visit(`${at('localhost', site)}/first`);
    const other = await context.newPage();
    await other.goto(`${at('localhost', site)}/first`);
    const log = (p) => p.evaluate(() => log);
    await waitUntil(async () => (await log(page)).includes(
      'direct true only you') && (await log(other)).includes(
      'direct true only you'), 'direct messages');
    await page.evaluate(() => sendAll('to everyone'));
    await waitUntil(async () => (await log(other)).includes(
      'broadcast to everyone'), 'a broadcast');
    await other.close();
    await waitUntil(async () => (await log(page)).length === 4, 'the end');
    assert.deepEqual(await log(page), ['open', 'direct true only you',
      'closed 3', 'gone true']);
    assert.deepEqual(page.problems, []);
  });

  for (const path of ['/classic', '/module'])
    test(`a site that is granted: ${path}`, async () => {
      const origin = at('granted.example', site);
      await allow(origin);
      await visit(origin + path);
      await converse();
      assert.deepEqual(page.problems, []);
    });

  test('a site that is not granted: told so, and in once it is', async () => {
    const origin = at('other.example', site);
    await visit(`${origin}/classic`);
    await join();
    const e = await failed();
    assert.deepEqual([e.code, e.page], ['not-granted', `${daemon}/`]);
    assert.ok(e.message.includes(`nwsctl origin allow ${origin}`));
    assert.match((await h.d.ctl('origin', 'pending')).out, /other\.example/);
    await allow(origin);
    await opened();
    await converse();
  });

  test('a site that is not granted cannot load the module', async () => {
    await visit(`${at('third.example', site)}/module`);
    await waitUntil(() => page.problems.length > 0, 'the refusal');
    assert.equal(await page.evaluate(() => typeof NetworkWebSocket),
      'undefined');
    assert.equal(await page.evaluate((url) => fetch(url).then((r) => r.status,
      () => 'no'), `${daemon}/nws.mjs`), 'no');
  });

  test('nwsd is not running; then it is, at once on online', async () => {
    await visit(`${at('localhost', site)}/classic`);
    await h.d.stop();
    await join();
    assert.equal((await failed()).code, 'not-running');
    await page.evaluate(() => {
      window.events = [];
      Math.random = () => 1;
      window.far = new NetworkWebSocket('far', [], { reconnect: {
        min: 3600000, max: 3600000 } });
      window.far.onreconnecting = (e) => window.events.push(
        { type: 'waits', delay: e.detail.delay });
    });
    assert.equal((await happened((e) => e.type === 'waits', 'a pause')).delay,
      3600000);
    await restart();
    await opened();
    assert.equal(await page.evaluate(() => window.far.readyState), 0);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await page.waitForFunction(() => window.far.readyState === 1);
    await page.evaluate(() => [window.ws, window.far].forEach((w) =>
      w.close()));
  });

  test('at once when the page is seen again, never after close()', async () => {
    await visit(`${at('localhost', site)}/classic`);
    await page.evaluate(() => {
      Math.random = () => 1;
      window.far = ['one', 'two'].map((name) => new NetworkWebSocket(name, [],
        { reconnect: { min: 3600000, max: 3600000 } }));
      return Promise.all(window.far.map((w) => w.ready));
    });
    await restart();
    await page.waitForFunction(() => window.far.every((w) =>
      w.readyState === 0));
    await page.evaluate(() => {
      window.far[1].close();
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForFunction(() => window.far[0].readyState === 1);
    assert.equal(await page.evaluate(() => window.far[1].readyState), 3);
  });

  test('a daemon that restarts: new ids, all peers again', async () => {
    await visit(`${at('localhost', site)}/classic`);
    const ids = () => page.evaluate(() => window.both.map((w) => w.id));
    await page.evaluate(() => {
      window.both = [0, 1].map(() => new NetworkWebSocket('again', [],
        { reconnect: { min: 20, max: 100 } }));
      return Promise.all(window.both.map((w) => w.ready));
    });
    const old = await ids();
    await restart();
    await page.waitForFunction((before) => window.both.every((w) => w.id !== ''
      && !before.includes(w.id) && w.peers.length === 1), old);
    const now = await ids();
    assert.deepEqual(await page.evaluate(() => window.both.map((w) =>
      w.peers[0].id)), now.toReversed());
  });

  describe('local network access', () => {
    test('granted', async () => {
      const origin = at('a.example', web);
      await allow(origin);
      await visit();
      await permit('a.example', 'granted');
      await page.goto(`${origin}/classic`);
      await converse();
      assert.deepEqual(page.problems, []);
    });

    test('granted by the browser, not by nwsd', async () => {
      await visit();
      await permit('b.example', 'granted');
      await page.goto(`${at('b.example', web)}/classic`);
      await join();
      assert.equal((await failed()).code, 'not-granted');
    });

    test('what is closed is forgotten', async () => {
      const origin = at('a.example', web);
      await allow(origin);
      await visit();
      await permit('a.example', 'granted');
      await page.goto(`${origin}/classic`);
      await converse();
      const cdp = await context.newCDPSession(page);
      const evaluate = async (expression) => (await cdp.send(
        'Runtime.evaluate', { expression })).result.objectId;
      await waitUntil(async () => {
        await cdp.send('HeapProfiler.collectGarbage');
        const { objects } = await cdp.send('Runtime.queryObjects', {
          prototypeObjectId: await evaluate('NetworkWebSocket.prototype') });
        const { result } = await cdp.send('Runtime.callFunctionOn', {
          objectId: objects.objectId,
          functionDeclaration: 'function () { return this.length; }' });
        await cdp.send('Runtime.releaseObject', objects);
        return result.value === 0;
      }, 'closed channels to be forgotten');
    });

    test('denied; then changed in the settings of the site', async () => {
      const origin = at('c.example', web);
      await allow(origin);
      await visit();
      await permit('c.example', 'granted');
      await page.goto(`${origin}/classic`);
      await page.waitForFunction(() => globalThis.NetworkWebSocket);
      await permit('c.example', 'denied');
      await join();
      const e = await failed();
      assert.equal(e.code, 'browser-denied');
      const text = await (await fetch(`${daemon}/nws.js`)).text();
      const inWorker = await within(page.evaluate((source) => new Promise(
        (resolve) => {
          const worker = new Worker(URL.createObjectURL(new Blob([source])));
          worker.onmessage = (m) => resolve(m.data);
        }), `${text}${joins}join(globalThis, '${daemon}');`), 'the worker');
      assert.match(inWorker, /^browser-denied/);
      for (const advice of [e.message, inWorker])
        assert.ok(advice.includes(origin) && !/https|frame/.test(advice));
      // It does not ask again and again.
      assert.equal((await happened((x) => x.type === 'reconnecting', 'a pause'))
        .delay, 'Infinity');
      await permit('c.example', 'granted');
      await opened();
      await converse();
    });

    /** Like `converse`, but what the person does with the prompt is ours. */
    const asked = async (host, decide) => {
      await allow(at(host, web));
      await visit();
      await permit(host, 'granted');
      await page.goto(`${at(host, web)}/classic`);
      await page.waitForFunction(() => globalThis.NetworkWebSocket);
      await permit(host, 'prompt');
      let prompts = 0;
      await page.route(`${daemon}/health`, async (route) => {
        prompts++;
        await new Promise((resolve) => setTimeout(resolve, 400));
        await decide(route);
      });
      await join();
      return () => prompts;
    };

    test('asked for and given: no attempt before', async () => {
      let before;
      const prompts = await asked('d.example', async (route) => {
        before = await h.d.counter('frontend_requests_total');
        await permit('d.example', 'granted');
        await route.fulfill({ json: { ok: true }, headers: {
          'Access-Control-Allow-Origin': '*' } });
      });
      await opened();
      assert.equal(prompts(), 1);
      assert.ok(before <= await h.d.counter('frontend_requests_total') - 1);
      assert.deepEqual((await page.evaluate(() => window.events))
        .map((e) => e.type), ['open']);
    });

    test('asked for and dismissed: not asked again by itself', async () => {
      const prompts = await asked('e.example', (route) => route.abort());
      assert.equal((await failed()).code, 'browser-denied');
      assert.equal((await happened((e) => e.type === 'reconnecting', 'a pause'))
        .delay, 'Infinity');
      assert.equal(prompts(), 1);
      await permit('e.example', 'granted');
      await opened();
    });

    test('a page without https is told to have it', async () => {
      await visit(`${at('plain.example', web)}/blank`);
      const text = await (await fetch(`${daemon}/nws.js`)).text();
      await page.addScriptTag({ content: `${text};NetworkWebSocket.server = '${
        daemon}'` });
      await join();
      const e = await failed();
      // Older ones do not say that the page would need https.
      const says = await page.evaluate(async () => {
        for (const name of ['loopback-network', 'local-network-access'])
          try {
            return (await navigator.permissions.query({ name })).state;
          } catch { /* another name */ }
        return null;
      });
      assert.equal(e.code, says === 'denied' ? 'browser-denied'
        : 'not-running');
      assert.match(e.message, says === 'denied' ? /https/ : /Start it/);
    });
  });
});
