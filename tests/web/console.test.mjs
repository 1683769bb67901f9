// The console in Chromium, against a real nwsd: channels, origins, nodes,
// plots, by mouse and by keyboard, at both widths and in both schemes.  No test
// leaves an error or a violation of the page's policy behind.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Daemon, inCI, run, skipUnless, tempDir, top, useDaemon, waitUntil }
  from '../live/lib.mjs';
import { startLinked } from '../live/linkd.mjs';
import { Member, closeAll, listeners } from '../live/wire.mjs';

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const missing = skipUnless(fs.existsSync(executablePath),
  `no ${executablePath}`);
const axe = `${top}/tests/node_modules/axe-core/axe.min.js`;
const args = ['--no-sandbox', '--disable-gpu', '--no-first-run',
  '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--host-resolver-rules=MAP *.example 127.0.0.1'];
const desktop = { width: 1280, height: 800 };
const phone = { width: 360, height: 740 };

let browser, context;
const launch = async () => {
  browser = await chromium.launch({ executablePath, headless: true,
    args: [...args, `--crash-dumps-dir=${tempDir()}`] });
};

/** The console in a browser without history. */
async function visit(d, hash = '', options = {}) {
  await context?.close();
  context = await browser.newContext({ viewport: desktop, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (e) => page.problems.push(e.stack));
  page.on('console', (m) => m.type() === 'error'
    && page.problems.push(m.text()));
  await page.addInitScript(() => addEventListener('securitypolicyviolation',
    (e) => console.error(`violation: ${e.violatedDirective} ${e.blockedURI}`)));
  await page.goto(`http://localhost:${d.port}/${hash}`);
  return page;
}

const fine = (page) => assert.deepEqual(page.problems, []);
const text = (page, selector) => page.locator(selector).first().innerText();
const says = (page, selector, pattern, ms) => waitUntil(async () =>
  pattern.test(await text(page, selector)), `${pattern} in ${selector}`, ms)
  .catch(async (e) => {
    throw new Error(`${e.message}: ${await text(page, selector)}`);
  });
const hasFocus = (page, id) => waitUntil(() => page.evaluate((x) =>
  document.activeElement.id === x, id), `the focus at ${id}`);
const fits = (page, selector) => page.$eval(selector, (e) =>
  e.scrollWidth <= e.clientWidth);
const channel = '.channel:not([hidden])';
const member = (d, name, fields) =>
  Member.open(listeners(d)['127.0.0.1'], `/${name}`, fields);
const running = (page) => says(page, '#status-text', /^running$/);

async function joined(d, name, options) {
  const page = await visit(d, `#channel=${name}`, options);
  await says(page, `${channel} .state`, /^Connected as \d+/);
  return page;
}

/** Chooses how the next message is made. */
const form = (page, kind) => page.locator(
  `${channel} .composer input[value=${kind}]`).check({ force: true });

async function send(page, message, kind = 'text') {
  await form(page, kind);
  await page.fill(`${channel} textarea`, message);
  await page.click(`${channel} .primary`);
}

/** Reads axe's findings; the page's policy does not bind what is injected. */
async function clean(page, what) {
  await page.evaluate(fs.readFileSync(axe, 'utf8'));
  const found = await page.evaluate(() => globalThis.axe.run({ runOnly:
    ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
      'best-practice'] }));
  assert.deepEqual(found.violations.map((v) => `${what}: ${v.id}: `
    + v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('; ')), []);
}

const broadcast = (data) => (o) => o.action === 'broadcast' && o.data === data;

describe('the console', { skip: missing }, () => {
  // Before the daemon is looked at, which counts connections.
  afterEach(async () => {
    await context?.close();
    context = null;
  });
  const h = useDaemon('handshake-timeout 2s');

  before(launch);
  after(() => browser?.close());

  test('joins, sends and receives text and JSON', async () => {
    const m = await member(h.d, 'talk');
    const page = await visit(h.d);
    await running(page);
    await page.fill('#join-name', 'talk');
    await page.click('#join button');
    await says(page, `${channel} .state`, /^Connected as \d+/);
    assert.equal(new URL(page.url()).hash, '#channel=talk');
    await m.action('connect');
    await send(page, 'to all <b>&</b> "é"');
    await m.json(broadcast('to all <b>&</b> "é"'));
    await send(page, ' {"n": 12345678901234567890, "a": [1.0]} ', 'json');
    const t = await m.messages.next('JSON');
    assert.match(t, /"data":\{"n":12345678901234567890,"a":\[1\.0\]\}/);
    await send(page, '{"n": ', 'json');
    await says(page, `${channel} .composer .problem`, /^That is not JSON: /);
    m.send({ action: 'broadcast', data: '<img src=x onerror=alert(1)>' });
    await says(page, `${channel} .log li.in`,
      /<img src=x onerror=alert\(1\)>/);
    assert.equal(await page.locator('.log img').count(), 0);
    await closeAll([m]);
    fine(page);
  });

  test('several channels, unread messages, presence, leaving', async () => {
    const m = await member(h.d, 'one');
    const page = await joined(h.d, 'one');
    const id = await m.id();
    await says(page, `${channel} .members ul`, new RegExp(id));
    await page.fill('#join-name', 'two');
    await page.press('#join-name', 'Enter');
    await says(page, `${channel} h1`, /^two$/);
    await says(page, `${channel} .state`, /^Connected as \d+/);
    m.send({ action: 'broadcast', data: 'meanwhile' });
    await says(page, '#joined li:first-child', /^one\s*1\s*unread/);
    await page.click('#joined a');
    await says(page, `${channel} .log`, /meanwhile/);
    assert.doesNotMatch(await text(page, '#joined'), /unread/);
    await m.close();
    await says(page, `${channel} .log`, new RegExp(`…${id.slice(-6)} left`));
    await says(page, `${channel} .members`, /Nobody else yet/);
    await page.reload();
    await says(page, '#joined', /one\s+two/);
    await page.click(`${channel} .leave`);
    await says(page, '#joined', /^two$/);
    assert.equal(new URL(page.url()).hash, '#overview');
    await waitUntil(async () => !(await h.d.show('channels'))
      .some((c) => c.channel === 'one'), 'the channel to be gone');
    // Not some time later: who types on does not lose the focus.
    assert.equal(await page.evaluate(() => {
      document.getElementById('join-name').value = 'at-once';
      document.getElementById('join').requestSubmit();
      return document.activeElement.closest('.channel:not([hidden])')
        ?.querySelector('h1').textContent;
    }), 'at-once');
    // So many as there can be leave room on a phone.
    await page.setViewportSize(phone);
    for (let i = 3; i <= 33; i++) {
      await page.fill('#join-name', `a-channel-${i}`);
      await page.press('#join-name', 'Enter');
    }
    await says(page, '#join-problem', /on 32 channels already/);
    assert.ok((await page.locator('.side').boundingBox()).height
      < phone.height / 2, 'the side');
    fine(page);
  });

  test('direct messages both ways; to who left goes nothing', async () => {
    const [m, n] = [await member(h.d, 'direct'), await member(h.d, 'direct')];
    const id = await m.id();
    const page = await joined(h.d, 'direct');
    const own = /\d+/.exec(await text(page, `${channel} .state`))[0];
    await page.click(`${channel} .members button[title*="${id}"]`);
    assert.equal(await page.inputValue(`${channel} .to`), id);
    await send(page, 'only you');
    const o = await m.action('message');
    assert.deepEqual([o.source, o.data], [own, 'only you']);
    await says(page, `${channel} .log li.out`, /alone\s+only you/);
    m.send({ action: 'message', target: own, data: 'only me' });
    await says(page, `${channel} .log li.in`, /to you alone\s+only me/);
    await m.close();
    await says(page, `${channel} .members`, /^1 other here/);
    assert.equal(await page.inputValue(`${channel} .to`), id);
    await send(page, 'too late');
    await says(page, `${channel} .log li.failure`, /./);
    await n.sync();
    await closeAll([n]);
    fine(page);
  });

  test('binary both ways, from hex and from a file', async () => {
    const m = await member(h.d, 'bytes');
    const page = await joined(h.d, 'bytes');
    await send(page, '00 ff:0x10', 'hex');
    const o = await m.json((x) => x.action === 'broadcast');
    assert.deepEqual([o.encoding, o.data], ['base64', 'AP8Q']);
    await send(page, '0g', 'hex');
    await says(page, `${channel} .composer .problem`, /^Hex is pairs/);
    await form(page, 'file');
    await page.setInputFiles(`${channel} [type=file]`, { name: 'x.bin',
      mimeType: 'application/octet-stream', buffer: Buffer.alloc(3000, 7) });
    await says(page, `${channel} .hint`, /^2\.93 KiB\.$/);
    await page.click(`${channel} .primary`);
    const file = await m.json((x) => x.action === 'broadcast');
    assert.deepEqual(Buffer.from(file.data, 'base64'), Buffer.alloc(3000, 7));
    await page.setInputFiles(`${channel} [type=file]`, { name: 'y.bin',
      mimeType: 'application/octet-stream', buffer: Buffer.alloc(262145) });
    await says(page, `${channel} .hint`, /too much.* above 256 KiB/);
    const sent = Buffer.from(Array.from({ length: 100 }, (_, i) => i));
    const file1 = `${tempDir()}/bytes`;
    fs.writeFileSync(file1, sent);
    await run('/bin/sh', ['-c', '"$0" -b -p -H "$1" bytes <"$2"',
      `${h.d.build}/nws`, `127.0.0.1:${h.d.port}`, file1]);
    await says(page, `${channel} .log li.in`,
      /binary 100 B\s+Download\s+00 01 02 .* 3e 3f …/);
    const download = page.waitForEvent('download');
    await page.click(`${channel} .log li.in button`);
    assert.deepEqual(fs.readFileSync(await (await download).path()), sent);
    await closeAll([m]);
    fine(page);
  });

  test('the log is bounded, and long texts are shown on demand', async () => {
    const m = await member(h.d, 'long');
    const page = await joined(h.d, 'long');
    await m.action('connect');
    m.send({ action: 'broadcast', data: 'x'.repeat(2001) });
    await says(page, `${channel} .log`, /Show all 2,001 characters/);
    await page.click(`${channel} .log li.in button`);
    await says(page, `${channel} .log`, /x{2001}/);
    for (let i = 1; i <= 600; i++)
      m.send({ action: 'broadcast', data: `line ${i}` });
    await says(page, `${channel} .log li:last-child`, /line 600$/);
    assert.equal(await page.locator(`${channel} .log li`).count(), 500);
    await says(page, `${channel} .log li:first-child`, /line 101$/);
    // 18 million characters: the first of them are not kept.
    for (let i = 1; i <= 72; i++) {
      m.send({ action: 'broadcast', data: `${i} ${'x'.repeat(250000)}` });
      await says(page, `${channel} .log li:last-child .body`,
        new RegExp(`^${i} x`));
    }
    const long = page.locator(`${channel} .log li button`);
    assert.equal(await long.first().innerText(), 'No longer kept');
    assert.equal(await long.first().isDisabled(), true);
    await long.last().click();
    await says(page, `${channel} .log li:last-child .body`, /x{250000}$/);
    await closeAll([m]);
    fine(page);
  });

  test('an origin waits, is granted and connects; another is denied',
    async () => {
      const site = http.createServer((_, res) => {
        res.setHeader('Content-Type', 'text/html');
        res.end('<!doctype html><title>site</title>');
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => site.once('listening', resolve));
      const { port } = site.address();
      const at = (n) => `http://${n}.example:${port}`;
      const page = await visit(h.d, '#origins');
      const other = await context.newPage();
      const connect = async (n) => {
        await other.goto(at(n));
        return other.evaluate((url) => new Promise((resolve) => {
          const ws = new WebSocket(url);
          ws.onopen = () => resolve('open');
          ws.onclose = () => resolve('close');
        }), `ws://127.0.0.1:${h.d.port}/granted`);
      };
      const button = (name) => page.getByRole('button', { name, exact: true });
      try {
        await says(page, '#view-origins', /No origin is waiting/);
        assert.equal(await connect('good'), 'close');
        await says(page, '#pending', /good\.example/);
        await says(page, '#origins-badge', /^1/);
        await waitUntil(async () => (await page.title())
          === '(1) Origins · nwsd', 'the title');
        await button(`Allow: ${at('good')}`).click();
        await says(page, '#decided', /good\.example:\d+\s+Allowed · channels/);
        await hasFocus(page, 'pending-title');
        assert.equal(await connect('good'), 'open');
        assert.equal(await connect('brief'), 'close');
        await button(`Allow for an hour: ${at('brief')}`).click();
        await says(page, '#decided',
          /brief\.example:\d+\s+Allowed · channels · for another (59 min|1 h)/);
        assert.equal(await connect('brief'), 'open');
        assert.equal(await connect('bad'), 'close');
        await page.getByRole('checkbox', { name: 'channels' }).uncheck();
        await button(`Allow: ${at('bad')}`).click();
        await says(page, '#pending', /Choose at least one/);
        await button(`Deny: ${at('bad')}`).click();
        await says(page, '#decided', /bad\.example:\d+\s+Denied/);
        assert.equal(await connect('bad'), 'close');
        await button(`Revoke: ${at('good')}`).click();
        await waitUntil(async () => !/good/.test(await text(page, '#decided')),
          'good to be forgotten');
        assert.equal(await connect('good'), 'close');
        await says(page, '#pending', /good\.example/);
        fine(page);
      } finally {
        await other.close();
        site.close();
        site.closeAllConnections();
        for (const n of ['good', 'brief', 'bad'])
          await h.d.ctl('origin', 'revoke', at(n));
      }
    });

  test('it does not ask while nobody looks, and again when somebody does',
    async () => {
      const page = await visit(h.d, '#overview');
      await running(page);
      let underWay = 0, asked = 0;
      page.on('request', () => {
        underWay++;
        asked++;
      });
      for (const event of ['requestfinished', 'requestfailed'])
        page.on(event, () => underWay--);
      const look = (hidden) => page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, value });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
      await waitUntil(() => asked > 0, 'the next round');
      await look(true);
      await waitUntil(() => underWay === 0, 'the end of the last round');
      await look(true);
      asked = 0;
      await member(h.d, 'unseen').then((m) => closeAll([m]));
      const m = await member(h.d, 'seen-again');
      assert.equal(asked, 0);
      await look(false);
      await says(page, '#channels', /seen-again/);
      await closeAll([m]);
      fine(page);
    });

  test('clients are listed, found and closed', async () => {
    const m = await member(h.d, 'listed'), n = await member(h.d, 'other');
    const id = await m.id();
    const page = await joined(h.d, 'mine');
    await page.click('a[href="#clients"]');
    await says(page, '#clients', /listed[^]*native program/);
    await says(page, '#clients', /mine[^]*this page/);
    await page.fill('#clients-filter', 'LISTED');
    await says(page, '#clients-lead', /^1 of 3 connections/);
    await page.getByRole('button', { name: `Close client ${id} of listed` })
      .click();
    await m.done;
    assert.equal(m.closeCode, 1008);
    await says(page, '#clients-lead', /^0 of 2 connections/);
    await hasFocus(page, 'clients-title');
    await closeAll([n]);
    fine(page);
  });

  test('long names are within their place', async () => {
    const name = 'x'.repeat(255);
    for (const viewport of [desktop, phone]) {
      const page = await joined(h.d, name, { viewport });
      assert.ok(await fits(page, '.side'), 'the side');
      for (const view of ['overview', 'clients']) {
        await page.evaluate((s) => {
          location.hash = s;
        }, view);
        const table = view === 'clients' ? '#view-clients .scroll'
          : '#channels-table';
        await says(page, table, /xxx/);
        assert.ok(await fits(page, 'html'), view);
        assert.ok(viewport === phone || await fits(page, table), table);
        assert.ok((await page.locator(`${table} tbody th`).first()
          .boundingBox()).width < 2 * viewport.width / 3, 'the name');
      }
      fine(page);
    }
  });

  test('plots and channels move', async () => {
    const m = await member(h.d, 'busy'), n = await member(h.d, 'busy');
    const page = await visit(h.d);
    const path = () => page.getAttribute('.plot .line-0', 'd');
    await says(page, '#channels', /busy\s+2\s+0/);
    const timer = setInterval(() => m.send(
      { action: 'broadcast', data: 'x' }), 50);
    try {
      await says(page, '.plot .values', /[1-9]\d*\/sin/);
      const before = await path();
      await waitUntil(async () => await path() !== before, 'another path');
      assert.match(await page.getAttribute('.plot .spark', 'aria-label'),
        /^Messages, the last 30 s: now [\d.]+\/s in, [\d.]+\/s out; at most /);
      await says(page, '#channels', /busy\s+2\s+0\s+\d+\s+\d+ B\s+[1-9]/);
    } finally {
      clearInterval(timer);
    }
    await page.check('#limits-all');
    // What the console itself is told does not count.
    await says(page, '.plot:nth-child(2) .values', /0 B\/sin\s+0 B\/sout/);
    await says(page, '#limits', /max-clients\s+router\s+2\s+[\d,]+/);
    await says(page, '#processes', /frontend 0/);
    await closeAll([m, n]);
    fine(page);
  });

  test('a clock that is set back stops nothing', async () => {
    const page = await visit(h.d);
    await running(page);
    await page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() - 3600000;
    });
    const moves = async () => {
      const path = () => page.getAttribute('.plot .line-0', 'd');
      const before = await path();
      await waitUntil(async () => await path() !== before, 'another path');
    };
    await moves();
    await page.route('**/console/api/*', (route) => route.abort());
    await says(page, '#trouble', /trying again in [1-5] s$/);
    await page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() - 3600000;
    });
    await page.unroute('**/console/api/*');
    await running(page);
    await moves();
    page.problems = page.problems.filter((p) => !/ERR_FAILED/.test(p));
    fine(page);
  });

  test('rates of as many channels as there can be; those gone are forgotten',
    async () => {
      const page = await visit(h.d);
      assert.deepEqual(await page.evaluate(async () => {
        const { Rates } = await import('/console-views.js');
        const rates = new Rates();
        const ask = (n, time) => Array.from({ length: n }, (_, i) =>
          rates.of(`channel ${i}`, i * time / 1000, time))
          .filter((r, i) => r === i).length;
        return [ask(32768, 1000), ask(32768, 2000), ask(10, 15000),
          rates.before.size];
      }), [0, 32768, 0, 10]);
      fine(page);
    });

  test('snippets copy, and do what they say', async () => {
    const page = await joined(h.d, 'code');
    const copy = async (language) => {
      await page.locator(`${channel} .snippets [value=${language}]`)
        .check({ force: true });
      await page.click(`${channel} .copy`);
      await says(page, `${channel} .copy`, /^Copied$/);
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const browsers = await copy('browser');
    assert.match(browsers, /src="http:\/\/localhost:\d+\/nws\.js"/);
    const site = http.createServer((_, res) => {
      res.setHeader('Content-Type', 'text/html');
      res.end(`<!doctype html><title>site</title>${browsers}`);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => site.once('listening', resolve));
    try {
      const other = await context.newPage();
      await other.goto(`http://localhost:${site.address().port}`);
      await says(page, `${channel} .log`, /hello, everyone/);
      await says(page, `${channel} .log`, /to you alone\s+hello, you/);
      await other.close();
    } finally {
      site.close();
      site.closeAllConnections();
    }
    assert.match(await copy('python'),
      /connect\("ws:\/\/localhost:\d+\/code"\)/);
    const shell = await copy('shell');
    assert.match(shell, /websocat ws:\/\/localhost:\d+\/code$/);
    const heard = async (what, command) => {
      const lines = page.locator(`${channel} .log li.in`);
      const before = await lines.count(), child = command();
      await waitUntil(async () => await lines.count() > before,
        `the snippet for ${what} to be heard`);
      await child;
    };
    await heard('the shell', () => run('/bin/sh', ['-c', shell.split('\n')
      .find((l) => /^echo.*nws -p/.test(l))],
    { env: { PATH: `${h.d.build}:${process.env.PATH}` } }));
    const file = `${top}/tests/node_modules/.snippet-${process.pid}.mjs`;
    fs.writeFileSync(file, await copy('node'));
    try {
      await heard('Node', () => run(process.execPath, [file],
        { timeout: 3000 }));
    } finally {
      fs.rmSync(file);
    }
    fine(page);
  });

  test('by keyboard alone', async () => {
    const m = await member(h.d, 'keys');
    const page = await visit(h.d);
    await running(page);
    const key = (k) => page.keyboard.press(k);
    const focused = () => page.evaluate(() => {
      const e = document.activeElement, style = getComputedStyle(e);
      return { text: e.textContent.trim(), id: e.id, tag: e.tagName,
        seen: style.outlineStyle !== 'none'
          && style.outlineWidth !== '0px' };
    });
    await key('Tab');
    assert.deepEqual(await focused(), { text: 'Skip to content', id: '',
      tag: 'A', seen: true });
    await key('Enter');
    assert.equal((await focused()).id, 'main');
    await key('Shift+Tab');
    // Backwards from the content: the last of the side.
    assert.equal((await focused()).text, 'Join');
    await key('Shift+Tab');
    assert.deepEqual([(await focused()).id, (await focused()).seen],
      ['join-name', true]);
    await page.keyboard.type('keys');
    await key('Enter');
    await says(page, `${channel} .state`, /^Connected as \d+/);
    assert.equal((await focused()).tag, 'TEXTAREA');
    await page.keyboard.type('one');
    await key('Shift+Enter');
    await page.keyboard.type('two');
    await key('Enter');
    await m.json(broadcast('one\ntwo'));
    // Backwards: the form of the message, whom to, the log.
    await key('Shift+Tab');
    await key('ArrowRight');
    assert.equal(await page.locator(`${channel} [value=json]`).isChecked(),
      true);
    await key('Shift+Tab');
    assert.equal((await focused()).tag, 'SELECT');
    await key('Shift+Tab');
    assert.equal(await page.evaluate(() =>
      document.activeElement.getAttribute('role')), 'log');
    await page.focus('a[href="#network"]');
    await key('Enter');
    assert.equal((await focused()).text, 'Network');
    await page.goBack();
    assert.equal((await focused()).text, 'keys');
    // Every stop of a round shows that it has the focus.
    for (const hash of ['#overview', '#network', '#clients', '#origins',
      '#channel=keys']) {
      await page.evaluate((s) => {
        location.hash = s;
      }, hash);
      for (let i = 0; i < 40; i++) {
        await key('Tab');
        const f = await page.evaluate(() => {
          const e = document.activeElement;
          const shown = e.matches('.choice input') ? e.nextElementSibling : e;
          // A heading that the page itself went to is no stop of the key.
          return e === document.body || e.tabIndex < 0 || getComputedStyle(shown)
            .outlineStyle !== 'none' ? null : e.outerHTML;
        });
        assert.equal(f, null);
      }
    }
    await closeAll([m]);
    fine(page);
  });

  for (const colorScheme of ['light', 'dark'])
    for (const viewport of [desktop, phone])
      test(`accessible: ${colorScheme}, ${viewport.width} px`, async () => {
        const m = await member(h.d, 'seen'), n = await member(h.d, 'seen');
        const origin = 'https://waits.example';
        await assert.rejects(member(h.d, 'seen', { Origin: origin }));
        await h.d.ctl('origin', 'deny', 'https://denied.example');
        const page = await joined(h.d, 'seen', { viewport, colorScheme,
          reducedMotion: 'reduce' });
        m.send({ action: 'broadcast', data: 'text '.repeat(100) });
        n.send({ action: 'broadcast', data: 'y'.repeat(300) });
        await send(page, '00112233445566778899', 'hex');
        await says(page, `${channel} .log`, /binary/);
        for (const view of ['channel=seen', 'overview', 'network', 'clients',
          'origins']) {
          await page.evaluate((s) => {
            location.hash = s;
          }, view);
          await page.waitForFunction(() => document.querySelectorAll(
            '.view:not([hidden])').length === 1);
          if (view === 'overview')
            await page.check('#limits-all');
          await says(page, '#status-text', /^running$/);
          await waitUntil(async () => view !== 'clients'
            || /seen/.test(await text(page, '#clients')), 'the clients');
          await clean(page, view);
          assert.ok(await page.evaluate(() => document.documentElement
            .scrollWidth <= innerWidth), `${view} is wider than the screen`);
        }
        await h.d.ctl('origin', 'revoke', 'https://denied.example');
        await closeAll([m, n]);
        fine(page);
      });
});

describe('the console and other machines', { skip: missing }, () => {
  const started = [];
  const use = (d) => {
    started.push(d);
    return d;
  };

  afterEach(async () => {
    await context?.close();
    context = null;
    // Where the test failed: what runs would keep this process from its end.
    for (const d of started.splice(0))
      if (d.exit === null)
        d.child.kill('SIGKILL');
  });
  before(launch);
  after(() => browser?.close());

  async function stop(...all) {
    for (const d of all)
      assert.deepEqual(await d.stop(), { code: 0, signal: null }, d.log);
  }

  test('links, members elsewhere, and why there is no link', async () => {
    const b = use(await startLinked());
    const a = use(await startLinked('', { peers: [b.link, 1] }));
    const there = await member(b, 'far');
    const page = await joined(a, 'far');
    await there.action('connect', 20000);
    await send(page, 'over there');
    await there.json(broadcast('over there'));
    there.send({ action: 'broadcast', data: 'and back' });
    await says(page, `${channel} .log`, /and back/);
    await says(page, `${channel} .state`, /1 on this machine, 1 elsewhere/);
    await page.click('a[href="#network"]');
    await says(page, '#nodes', new RegExp(`This machine\\s+accepts links at `
      + `127\\.0\\.0\\.1 port ${a.link}`));
    await says(page, '#nodes', new RegExp(`127\\.0\\.0\\.1:${b.link}\\s+linked`
      + ' · (tls|noise) · for [^·]* · configured\\s+12D3Koo'));
    await says(page, '#nodes',
      /127\.0\.0\.1:1\s[^]*port 1 refused[^]*Trying again in/);
    await says(page, '#links', new RegExp(`port ${b.link}\\s+active`));
    await says(page, '#check', /peer 127\.0\.0\.1:1: no link: .*refused/);
    await page.click('a[href="#overview"]');
    await says(page, '#overview-lead', /1 link to other machines/);
    await clean(page, 'overview');
    fine(page);
    await closeAll([there]);
    await page.close();
    await stop(a, b);
  });

  test('nwsd ends and comes again', async () => {
    const d = use(await Daemon.start('handshake-timeout 2s'));
    const page = await joined(d, 'again');
    await page.click('a[href="#origins"]');
    await running(page);
    await d.stop();
    await says(page, '#trouble',
      /^nwsd does not answer; trying again in \d+ s$/);
    assert.ok((await page.locator('.brand .name').boundingBox()).height < 40);
    await page.click('#joined a');
    await says(page, `${channel} .state`,
      /^Not connected; trying again in \d+ s$/);
    // However often it tries, the log says so once.
    await waitUntil(() => page.problems.filter((p) => /WebSocket connection/
      .test(p)).length >= 4, 'some attempts');
    const notes = await page.locator(`${channel} .log .failure`)
      .allInnerTexts();
    assert.match(notes.join(), /lost[^]*does not answer/);
    assert.equal(notes.length, 2, notes.join());
    await page.evaluate(() => {
      const trouble = document.getElementById('trouble');
      window.said = [];
      new MutationObserver(() => window.said.push(trouble.textContent)).observe(
        trouble, { childList: true, characterData: true, subtree: true });
    });
    await d.restart();
    await running(page);
    // All that is asked at once is refused at once: nobody is told of it.
    assert.deepEqual(await page.evaluate(() => window.said.filter((s) =>
      /X-NWS-Token/.test(s))), []);
    await says(page, `${channel} .state`, /^Connected as \d+/);
    assert.equal(await page.isVisible('#trouble'), false);
    // The new daemon has another token.
    page.problems = page.problems.filter((p) =>
      !/ERR_CONNECTION_|403 \(Forbidden\)|503 \(|WebSocket connection/.test(p));
    fine(page);
    await page.close();
    await stop(d);
  });

  test('a process that does not answer: the rest is shown, and changed',
    async () => {
      const d = use(await Daemon.start('handshake-timeout 2s'));
      const page = await visit(d, '#origins');
      await running(page);
      const router = d.child_pid('router');
      process.kill(router, 'SIGSTOP');
      try {
        const origin = 'https://waits.example';
        await assert.rejects(member(d, 'x', { Origin: origin }));
        // It has 5 s each time.
        await says(page, '#pending', /waits\.example/, 20000);
        await says(page, '#trouble', /in time; trying again in \d+ s$/, 20000);
        await page.getByRole('button', { name: `Deny: ${origin}` }).click();
        await says(page, '#decided', /waits\.example\s+Denied/, 20000);
      } finally {
        process.kill(router, 'SIGCONT');
      }
      await running(page);
      assert.equal(await page.isVisible('#trouble'), false);
      page.problems = page.problems.filter((p) => !/503 \(/.test(p));
      fine(page);
      await page.close();
      await stop(d);
    });

  test('what nwsd.conf decides is not revoked here', async () => {
    const d = use(await Daemon.start('allow origin "https://in.example"\n'
      + 'deny origin "https://out.example"\nhandshake-timeout 2s'));
    assert.equal((await d.ctl('origin', 'deny', 'https://mine.example')).code,
      0);
    const page = await visit(d, '#origins');
    await says(page, '#decided', /in\.example\s+Allowed in nwsd\.conf · e/);
    await says(page, '#decided', /out\.example\s+Denied in nwsd\.conf\s*$/m);
    await says(page, '#decided', /mine\.example\s+Denied\s+Revoke/);
    assert.equal(await page.locator('#decided button').count(), 1);
    fine(page);
    await page.close();
    await stop(d);
  });

  test('console read-only has no buttons, console off no console', async () => {
    const d = use(await Daemon.start(
      'console read-only\nhandshake-timeout 2s'));
    await assert.rejects(member(d, 'x', { Origin: 'https://waits.example' }));
    const page = await visit(d, '#origins');
    await says(page, '#pending', /waits\.example/);
    await says(page, '#read-only', /nwsctl origin/);
    assert.ok((await page.locator('#read-only').boundingBox()).y
      > await page.$eval('#view-origins .lead', (e) =>
        e.getBoundingClientRect().bottom));
    assert.equal(await page.locator('#view-origins button').count(), 0);
    fine(page);
    d.write('console off\nhandshake-timeout 2s');
    await d.reload();
    await says(page, '#trouble', /switched off in nwsd\.conf/);
    await page.goto(`http://localhost:${d.port}/`);
    await says(page, 'h1', /nwsd is running/);
    await page.close();
    await stop(d);
  });
});
