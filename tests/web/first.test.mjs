// The first conversation of README: a page in Chromium with plain WebSocket and
// two nws(1), all on one channel.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { inCI, tempDir, useDaemon, waitUntil, within } from '../live/lib.mjs';

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const missing = !fs.existsSync(executablePath) && !inCI
  ? `no ${executablePath}` : false;

describe('in Chromium', { skip: missing }, () => {
  // Chromium keeps connections open for later; not for long here.
  const h = useDaemon('handshake-timeout 2s');
  let browser, page, site;

  before(async () => {
    browser = await chromium.launch({ executablePath, headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
        '--no-first-run', '--disable-sync', '--disable-component-update',
        `--crash-dumps-dir=${tempDir()}`] });
    page = await browser.newPage();
    // A page of some other local server, as programs serve them.
    site = http.createServer((_, res) => {
      res.setHeader('Content-Type', 'text/html');
      res.end('<!doctype html><title>page</title>');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => site.once('listening', resolve));
  });
  after(async () => {
    await browser?.close();
    site?.close();
    site?.closeAllConnections();
  });

  /** Opens a WebSocket in the page; what comes is in window.got. */
  const join = (url) => within(page.evaluate((u) => new Promise((resolve) => {
    window.got = [];
    window.ws = new WebSocket(u);
    window.ws.onmessage = (e) => window.got.push(e.data);
    window.ws.onopen = () => resolve('open');
    window.ws.onclose = () => resolve('close');
  }), url), 'a WebSocket to open or close');
  const got = () => page.evaluate(() => window.got.map((t) => JSON.parse(t)));
  const leave = () => page.evaluate(() => new Promise((resolve) => {
    window.ws.onclose = (e) => resolve([e.code, e.wasClean]);
    window.ws.close();
  }));

  async function converse() {
    const programs = [h.d.nws(['chat']), h.d.nws(['chat'])];
    const [a, b] = programs;
    const heard = (p, data) => p.out.until((l) => l.endsWith(`> ${data}`),
      `${data} in nws: ${p.stderr}`);
    assert.equal(await join(`ws://localhost:${h.d.port}/chat`), 'open');
    await waitUntil(async () => (await got()).filter((o) =>
      o.action === 'connect').length === 2, 'both nws to be there');
    await page.evaluate(() => window.ws.send(
      '{"action":"broadcast","data":"from the page"}'));
    await heard(a, 'from the page');
    await heard(b, 'from the page');
    a.write('from a terminal\n');
    await heard(b, 'from a terminal');
    await waitUntil(async () => (await got()).some((o) =>
      o.data === 'from a terminal'), 'the page to hear a');
    assert.deepEqual(await leave(), [1005, true]);
    for (const p of programs)
      await p.stop();
  }

  test('a page of another local server, two nws, one channel', async () => {
    await page.goto(`http://localhost:${site.address().port}/`);
    await converse();
  });

  test('the first page of nwsd itself', async () => {
    const errors = [];
    page.on('pageerror', (e) => errors.push(e.message));
    page.on('console', (m) => m.type() === 'error' && errors.push(m.text()));
    await page.goto(`http://localhost:${h.d.port}/`);
    assert.match(await page.textContent('body'), /nwsd/);
    // What it shows can be tried in the browser's own console on that page.
    await converse();
    assert.deepEqual(errors, []);
    // The console asks again and again: no page, no connection.
    await page.goto('about:blank');
  });

  test('large messages both ways', async () => {
    await page.goto(`http://localhost:${site.address().port}/`);
    assert.equal(await join(`ws://localhost:${h.d.port}/big`), 'open');
    const size = await page.evaluate((u) => new Promise((resolve) => {
      const other = new WebSocket(u);
      other.onmessage = (e) => {
        const o = JSON.parse(e.data);
        if (o.action === 'broadcast') {
          other.close();
          resolve(o.data.length);
        }
      };
      other.onopen = () => window.ws.send(JSON.stringify(
        { action: 'broadcast', data: 'x'.repeat(250000) }));
    }), `ws://localhost:${h.d.port}/big`);
    assert.equal(size, 250000);
    await leave();
  });

  test('the origin of a foreign page is refused and then granted', async () => {
    await page.route('http://foreign.example/*', (route) => route.fulfill(
      { contentType: 'text/html', body: '<!doctype html><title>x</title>' }));
    await page.goto('http://foreign.example/');
    const url = `ws://127.0.0.1:${h.d.port}/chat`;
    await page.context().grantPermissions(['local-network-access']).catch(
      () => {});
    assert.equal(await join(url), 'close');
    if ((await h.d.ctl('origin', 'pending')).out.includes('foreign.example')) {
      assert.equal((await h.d.ctl('origin', 'allow', 'http://foreign.example'))
        .code, 0);
      assert.equal(await join(url), 'open');
      await leave();
    }
    await page.goto('about:blank');
  });
});
