// The pages of /examples/ in Chromium, each with two or three people: what one
// does arrives at the others, calls have a picture, files arrive as they were;
// and all pages at both widths and in both schemes, with axe.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { inCI, tempDir, useDaemon, waitUntil, within } from '../live/lib.mjs';

/** Of an answer, by a connection of its own: none is kept that may end. */
const statusOf = (url) => new Promise((resolve, reject) =>
  http.get(url, { agent: false }, (r) => {
    r.resume();
    resolve(r.statusCode);
  }).on('error', reject));

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const missing = !fs.existsSync(executablePath) && !inCI
  ? `no ${executablePath}` : false;
const axe = fs.readFileSync(createRequire(import.meta.url).resolve(
  'axe-core/axe.min.js'), 'utf8');
const names = ['', 'chat.html', 'pubsub.html', 'video.html', 'draw.html',
  'files.html'];
/** A directory for pictures of all pages, for people to look at. */
const shots = process.env.EXAMPLE_SHOTS;

describe('the examples in Chromium', { skip: missing }, () => {
  let browser, context, problems;
  // Before the daemon is looked at, which counts connections.
  afterEach(async () => {
    await context?.close();
    context = null;
  });
  const h = useDaemon('handshake-timeout 2s');

  async function launch(...args) {
    return chromium.launch({ executablePath, headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
        '--no-first-run', '--disable-sync', '--disable-component-update',
        `--crash-dumps-dir=${tempDir()}`, '--use-fake-ui-for-media-stream',
        // Names of multicast DNS in place of addresses need a network.
        '--disable-features=WebRtcHideLocalIpsWithMdns', ...args] });
  }
  before(async () => {
    browser = await launch('--use-fake-device-for-media-stream');
  });
  after(() => browser?.close());

  async function people(b = browser, options = {}) {
    await context?.close();
    problems = [];
    context = await b.newContext({ viewport: { width: 1280, height: 1100 },
      ...options });
    context.on('page', (page) => {
      page.on('pageerror', (e) => problems.push(e.message));
      page.on('console', (m) => ['error', 'warning'].includes(m.type())
        // That is about what these tests do.
        && !/willReadFrequently/.test(m.text()) && problems.push(m.text()));
    });
    // Violations of the policy, also those that the console does not tell.
    await context.addInitScript(() => addEventListener(
      'securitypolicyviolation', (e) => console.error(
        `policy: ${e.violatedDirective} ${e.blockedURI}`)));
    return context;
  }
  const base = () => `http://localhost:${h.d.port}/examples/`;
  async function open(name) {
    const page = await context.newPage();
    page.setDefaultTimeout(15000);
    await page.goto(base() + name);
    return page;
  }
  /** n pages of one example that have all met. */
  async function meet(name, n) {
    const pages = [];
    for (let i = 0; i < n; i++) {
      const page = await open(name);
      if (await page.locator('#name').count() > 0)
        await rename(page, ['Ada', 'Ben', 'Cleo'][i]);
      pages.push(page);
    }
    await Promise.all(pages.map((p) => together(p, n - 1)));
    return pages;
  }
  const rename = async (page, name) => {
    await page.fill('#name', name);
    await page.locator('#name').blur();
  };
  const together = (page, others) => page.locator('#status', {
    hasText: `with ${others} other` }).waitFor();
  const logs = (page, text) => page.locator('#log', { hasText: text })
    .waitFor();
  /** Nobody complained; but what the browser says when nwsd is not there. */
  const restarted = /ERR_CONNECTION_REFUSED|WebSocket connection to/;
  const clean = (but) => assert.deepEqual(problems.filter((p) =>
    !but?.test(p)), []);

  async function restart() {
    const { base: before } = h.d;
    await h.d.restart();
    h.d.base = before;
  }

  test('every page: types, policy, names', async () => {
    for (const name of ['', ...fs.readdirSync(new URL(
      '../../contrib/examples', import.meta.url)).filter((n) =>
      /\.(html|js|css)$/.test(n) && n !== 'index.html')]) {
      const r = await fetch(base() + name);
      assert.equal(r.status, 200, name);
      const policy = r.headers.get('content-security-policy');
      const isPage = name === '' || name.endsWith('.html');
      assert.equal(policy !== null, isPage, name);
      assert.ok(!/unsafe|\*/.test(policy), name);
      const text = await r.text();
      if (isPage) {
        assert.match(text, /<html lang="en">/);
        assert.match(text, /class="lead"/);
      }
    }
    await people();
    const page = await open('');
    const links = await page.locator('a[href]').evaluateAll((all) =>
      all.map((a) => a.href));
    for (const link of links)
      assert.equal(await statusOf(link), 200, link);
    clean();
  });

  test('chat: all, one, names, programs, a restart', async () => {
    await people();
    const [ada, ben, cleo] = await meet('chat.html', 3);
    const say = async (page, text, to = 'everyone') => {
      await page.getByLabel('To').selectOption({ label: to });
      await page.getByLabel('Message', { exact: true }).fill(text);
      await page.keyboard.press('Enter');
    };
    await ada.locator('option', { hasText: 'Ben' }).waitFor(
      { state: 'attached' });
    await say(ada, 'hello <b>all</b>');
    await logs(ada, 'You');
    await logs(ben, 'Adahello <b>all</b>');
    await logs(cleo, 'Adahello <b>all</b>');
    await say(ada, 'a secret', 'Ben');
    await logs(ben, 'Ada, to you alonea secret');
    await say(ada, '{"name":"Eve"}');
    await logs(cleo, 'Ada{"name":"Eve"}');
    assert.ok(!(await cleo.textContent('#log')).includes('secret'));
    await rename(ben, 'Benjamin');
    await logs(ada, 'Ben is now Benjamin');
    const nws = h.d.nws(['-q', 'chat']);
    await together(ada, 3);
    nws.write('from a terminal\n');
    await logs(ada, 'from a terminal');
    await say(ben, 'to the terminal');
    await nws.out.until((l) => l.endsWith('> to the terminal'), 'nws');
    await nws.stop();
    await cleo.close();
    await logs(ada, 'Cleo left');
    await h.d.stop();
    await ada.locator('#status', { hasText: 'Start it on this machine' })
      .waitFor();
    // It waits, and goes to whoever is there first.
    await say(ada, 'while nobody was there');
    await restart();
    await Promise.all([together(ada, 1), together(ben, 1)]);
    await say(ben, 'again');
    await logs(ada, 'Benjaminagain');
    clean(restarted);
  });

  test('chat: what programs send, bytes and in private', async () => {
    await people();
    const page = await open('chat.html');
    const nws = h.d.nws(['chat']);
    const [id] = /\d+/.exec(await nws.err.until((l) => l.includes('is here'),
      'the page'));
    await together(page, 1);
    for (const [said, ...options] of [['to you alone(3 bytes)', '-b'],
      ['to you alonexyz', '-P'], ['to you alone(3 bytes)', '-bP']]) {
      const one = h.d.nws(['-p', '-t', id, ...options, 'chat']);
      one.child.stdin.end('xyz');
      assert.equal((await one.exited).code, 0);
      await page.locator('#log p', { hasText: said }).waitFor();
      await page.evaluate(() => document.querySelectorAll('#log p').forEach(
        (p) => p.remove()));
    }
    await nws.stop();
    clean();
  });

  test('chat: its end stays in sight, but for who reads further up',
    async () => {
      await people();
      const [ada, ben] = await meet('chat.html', 2);
      const say = async (text) => {
        await ben.getByLabel('Message', { exact: true }).fill(text);
        await ben.keyboard.press('Enter');
        await logs(ada, text);
      };
      /** Pixels below what is seen. */
      const below = () => ada.locator('#log').evaluate((log) =>
        log.scrollHeight - log.clientHeight - log.scrollTop);
      await ada.bringToFront();
      for (let i = 0; i < 40; i++)
        await say(`line ${i}.`);
      await waitUntil(async () => await below() < 2, 'the end');
      await ada.setViewportSize({ width: 390, height: 700 });
      await waitUntil(async () => await below() < 2, 'the end, on a phone');
      await ada.locator('#log').hover();
      await ada.mouse.wheel(0, -300);
      await waitUntil(async () => await below() > 200, 'lines further up');
      const before = await below();
      await say('one more');
      assert.ok(await below() > before);
      clean();
    });

  test('another channel is another conversation', async () => {
    await people();
    const [ada] = await meet('chat.html', 2);
    const cleo = await open('chat.html#kitchen');
    await cleo.locator('#status', { hasText: 'nobody else' }).waitFor();
    await cleo.fill('[name=channel]', 'chat');
    await cleo.keyboard.press('Enter');
    await together(ada, 2);
    await together(cleo, 2);
    clean();
  });

  test('what is no name of a channel is said to be none', async () => {
    await people();
    const no = (page) => page.evaluate(() =>
      document.activeElement.matches('input:invalid'));
    for (const name of ['libp2p', '..', 'a%20b']) {
      const page = await open(`chat.html#${name}`);
      assert.ok(await no(page), name);
      await page.close();
    }
    problems = [];              // of the library, which cannot but refuse
    const page = await open('chat.html#libp2p.');
    assert.ok(!await no(page));
    await page.fill('[name=channel]', 'libp2p');
    await page.keyboard.press('Enter');
    assert.ok(await no(page));
    assert.match(page.url(), /#libp2p\.$/);
    const other = await open('pubsub.html');
    for (const form of ['#subscribe', '#publish']) {
      await other.locator(`${form} [name=topic]`).fill('..');
      await other.keyboard.press('Enter');
      assert.ok(await no(other), form);
    }
    clean();
  });

  test('publish and subscribe: pages, and the shell', async () => {
    await people();
    const [a, b] = [await open('pubsub.html'), await open('pubsub.html')];
    const card = (page, topic) => page.locator('.topic', { hasText: topic });
    const latest = (page, topic, value) => card(page, topic).locator('output',
      { hasText: value }).waitFor();
    for (const page of [a, b])
      await card(page, 'kitchen').locator('[data-state=open]').waitFor();
    const publish = a.locator('#publish');
    await a.bringToFront();
    for (const value of ['21.5', '22', 'warm']) {
      await publish.getByLabel('Value').fill(value);
      await publish.getByRole('button').click();
      await latest(a, 'kitchen', value);
      await latest(b, 'kitchen', value);
    }
    assert.equal((await card(b, 'kitchen').locator('polyline')
      .getAttribute('points')).split(' ').length, 2);
    await b.locator('#subscribe').getByLabel('Topic').fill('attic');
    await b.keyboard.press('Enter');
    await card(b, 'attic').locator('[data-state=open]').waitFor();
    const nws = h.d.nws(['-p', 'attic']);
    nws.child.stdin.end('-3.5\n');
    await latest(b, 'attic', '-3.5');
    await b.getByRole('button', { name: 'Unsubscribe from attic' }).click();
    await waitUntil(async () => !(await h.d.show('channels')).some((c) =>
      c.channel === 'attic'), 'the topic to be left');
    assert.equal(await card(b, 'attic').count(), 0);
    clean();
  });

  /** A picture that moves, of its right size. */
  const plays = (page, who) => within(page.getByLabel(`Video of ${who}`)
    .evaluate(async (video) => {
      const frames = (n) => new Promise((resolve) => {
        const next = () => n-- > 0
          ? video.requestVideoFrameCallback(next) : resolve();
        next();
      });
      await frames(3);
      const start = video.currentTime;
      await frames(5);
      return video.videoWidth > 0 && video.currentTime > start
        && !video.paused;
    }), `frames of ${who}`);

  test('a call of three, one without a camera; notes; leaving', async () => {
    await people();
    const pages = [];
    for (const [name, button] of [['Ada', 'Join with camera'],
      ['Ben', 'Join with camera'], ['Cleo', 'Join without']]) {
      const page = await open('video.html');
      await rename(page, name);
      await page.getByRole('button', { name: button }).click();
      pages.push(page);
    }
    const [ada, ben, cleo] = pages;
    await Promise.all(pages.map((p) => together(p, 2)));
    // Names go over the data channels.
    for (const [page, ...others] of [[ada, 'Ben', 'Cleo'], [ben, 'Ada', 'Cleo'],
      [cleo, 'Ada', 'Ben']])
      for (const name of others)
        await page.locator('figcaption', { hasText: new RegExp(`^${name}$`) })
          .waitFor();
    for (const [page, who] of [[ada, 'Ben'], [ben, 'Ada'], [cleo, 'Ada'],
      [cleo, 'Ben'], [ada, 'You']]) {
      await page.bringToFront();
      assert.ok(await plays(page, who), who);
    }
    assert.ok(await cleo.locator('#mute').isDisabled());
    await cleo.getByLabel('Note to all').fill('I see you');
    await cleo.keyboard.press('Enter');
    await logs(ada, 'CleoI see you');
    await logs(ben, 'CleoI see you');
    await ada.getByRole('button', { name: 'Mute' }).click();
    assert.equal(await ada.locator('#mute').getAttribute('aria-pressed'),
      'true');
    await ben.getByRole('button', { name: 'Leave' }).click();
    await together(ada, 1);
    assert.equal(await ada.locator('figure').count(), 2);
    // Back again, with what it was called.
    await ben.locator('#join').click();
    await together(ada, 2);
    await ada.bringToFront();
    await ada.locator('figcaption', { hasText: /^Ben$/ }).waitFor();
    assert.ok(await plays(ada, 'Ben'));
    clean();
  });

  test('a call is joined once, however often the button is pressed',
    async () => {
      await people();
      const ada = await open('video.html');
      await ada.evaluate(() => {
        const { mediaDevices } = navigator, tracks = window.tracks = [];
        const ask = mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = async (wish) => {
          const stream = await ask(wish);
          tracks.push(...stream.getTracks());
          return stream;
        };
        document.getElementById('join').click();
        document.getElementById('join').click();
      });
      await ada.waitForFunction(() => window.tracks.length === 4
        && window.tracks.filter((t) => t.readyState === 'live').length === 2);
      const ben = await open('video.html');
      await ben.locator('#watch').click();
      await together(ben, 1);
      assert.equal(await ada.locator('.me').count(), 1);
      clean();
    });

  test('a call goes on after a restart of nwsd', async () => {
    await people();
    const pages = [await open('video.html'), await open('video.html')];
    for (const page of pages)
      await page.locator('#join').click();
    await Promise.all(pages.map((p) => together(p, 1)));
    await restart();
    await pages[0].bringToFront();
    const other = pages[0].locator('figcaption', {
      hasText: /^[A-Z][a-z]+ [A-Z]/ });
    await other.waitFor();
    await together(pages[0], 1);
    assert.ok(await plays(pages[0], await other.textContent()));
    clean(restarted);
  });

  /** What is on a board, and how many of its pixels have ink. */
  const picture = (page) => page.locator('#board').evaluate(async (board) => {
    const { data } = board.getContext('2d').getImageData(0, 0, board.width,
      board.height);
    const digest = await crypto.subtle.digest('SHA-256', data);
    let inked = 0;
    for (let i = 3; i < data.length; i += 4)
      inked += data[i] !== 0;
    return { inked, digest: [...new Uint8Array(digest)].join() };
  });
  async function scribble(page, ...points) {
    await page.bringToFront();
    const box = await page.locator('#board').boundingBox();
    const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(points[0]));
    await page.mouse.down();
    for (const point of points.slice(1))
      await page.mouse.move(...at(point), { steps: 8 });
    await page.mouse.up();
  }
  const same = async (pages, at) => {
    let all;
    await waitUntil(async () => {
      all = [];
      for (const page of pages) {
        await page.bringToFront();      // others are not painted
        all.push(await picture(page));
      }
      return all.every((p) => p.digest === all[0].digest)
        && (at ? at(all[0].inked) : all[0].inked > 0);
    }, 'the same picture on all boards').catch((e) => {
      throw new Error(`${e.message}: ${JSON.stringify(all)}`);
    });
    return all[0];
  };

  test('a drawing: on all boards, a newcomer\'s too; wiped; kept', async () => {
    await people();
    const [ada, ben] = await meet('draw.html', 2);
    await scribble(ada, [0.1, 0.1], [0.4, 0.5], [0.2, 0.8]);
    const one = await same([ada, ben]);
    await ben.getByLabel('Red').check();
    await scribble(ben, [0.9, 0.1], [0.1, 0.9]);
    const two = await same([ada, ben], (inked) => inked > one.inked);
    // The keyboard draws, too; leaving the board takes its cursor away.
    await ada.bringToFront();
    await ada.locator('#board').focus();
    for (const key of [' ', 'Shift+ArrowRight', 'ArrowDown', ' '])
      await ada.keyboard.press(key);
    await ada.locator('#board').blur();
    await same([ada, ben], (inked) => inked > two.inked);
    await ben.close();
    const cleo = await open('draw.html');
    await together(cleo, 1);
    const three = await same([ada, cleo], (inked) => inked > two.inked);
    // What is drawn without a connection comes with the next one.
    await h.d.stop();
    await cleo.locator('#status[data-state=trouble]').waitFor();
    await scribble(cleo, [0.5, 0.9], [0.95, 0.9]);
    await restart();
    await ada.bringToFront();
    await together(ada, 1);
    await same([ada, cleo], (inked) => inked > three.inked);
    await cleo.getByRole('button', { name: 'Clear for all' }).click();
    await same([ada, cleo], (inked) => inked === 0);
    await scribble(ada, [0.3, 0.3], [0.5, 0.5]);
    await same([ada, cleo]);
    const download = ada.waitForEvent('download');
    await ada.getByRole('button', { name: 'Save picture' }).click();
    assert.equal((await download).suggestedFilename(), 'board.png');
    clean(restarted);
  });

  test('a drawing: what is none does not spoil it', async () => {
    await people();
    const [ada, ben] = await meet('draw.html', 2);
    const nws = h.d.nws(['-j', 'board']);
    await together(ada, 2);
    const none = { toString: 1 };
    for (const [author, ...entries] of [['a', [none, 1, 1, 1, 1]],
      ['b', [1, 1, none, 1, 1]], ['c', [1, 1, 1, none, 1]], ['d', 'e'],
      [none, [1, 1, 1, 1, 1]]])
      nws.write(`${JSON.stringify({ author, at: 0, entries })}\n`);
    nws.write(`${JSON.stringify({ author: 'f', at: 0, entries: [
      [100, 100, 1, 1, 40]] })}\n`);
    const one = await same([ada, ben]);
    await scribble(ada, [0.1, 0.1], [0.4, 0.5]);
    await same([ada, ben], (inked) => inked > one.inked);
    const cleo = await open('draw.html');
    await together(cleo, 3);
    await same([ada, ben, cleo], (inked) => inked > one.inked);
    await nws.stop();
    clean();
  });

  test('a long drawing comes to a newcomer in pieces', async () => {
    await people();
    const ada = await open('draw.html');
    await ada.locator('#board').evaluate((board) => {
      const at = (type, i) => board.dispatchEvent(new PointerEvent(type, {
        pointerId: 1, isPrimary: true,
        button: type === 'pointerdown' ? 0 : -1,
        clientX: 100 + i % 300, clientY: 400 + i % 170 }));
      board.setPointerCapture = () => {};
      board.hasPointerCapture = () => true;
      at('pointerdown', 0);
      for (let i = 0; i < 30000; i++)
        at('pointermove', i);
      at('pointerup', 0);
    });
    const ben = await open('draw.html');
    await together(ben, 1);
    await same([ada, ben]);
    clean();
  });

  const bytesOf = async (page, name) => {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: `Save ${name}` }).click();
    const d = await download;
    return { name: d.suggestedFilename(),
      bytes: fs.readFileSync(await d.path()) };
  };
  const give = (page, to, ...files) => page.locator('.person', { hasText: to })
    .locator('input').setInputFiles(files);

  async function drop(page, to, ...files) {
    await page.bringToFront();
    const box = await page.locator('.person', { hasText: to }).boundingBox();
    const cdp = await context.newCDPSession(page);
    for (const type of ['dragEnter', 'dragOver', 'drop'])
      await cdp.send('Input.dispatchDragEvent', { type, x: box.x + 5,
        y: box.y + 5, data: { items: [], files, dragOperationsMask: 1 } });
  }

  test('files: both ways, declined, empty, two at once, lost', async () => {
    await people();
    const [ada, ben] = await meet('files.html', 2);
    // Not a multiple of anything, and more than may wait in the browser.
    const big = path.join(tempDir(), 'big picture.bin');
    const content = crypto.randomBytes(20 * 1024 * 1024 + 12345);
    fs.writeFileSync(big, content);
    await give(ada, 'Ben', big);
    await ben.getByRole('button', { name: /^Accept big picture.bin from Ada/ })
      .click();
    await ada.locator('.transfer', { hasText: 'Ben has it' }).waitFor(
      { timeout: 60000 });
    const got = await bytesOf(ben, 'big picture.bin');
    assert.equal(got.name, 'big picture.bin');
    assert.ok(got.bytes.equals(content));

    const small = ['a.txt', 'empty'].map((name) => path.join(tempDir(), name));
    fs.writeFileSync(small[0], 'just text');
    fs.writeFileSync(small[1], '');
    await give(ben, 'Ada', ...small);
    for (const name of ['a.txt', 'empty'])
      await ada.getByRole('button', { name: `Accept ${name} from Ben` })
        .click();
    assert.equal(`${(await bytesOf(ada, 'a.txt')).bytes}`, 'just text');
    assert.equal((await bytesOf(ada, 'empty')).bytes.length, 0);

    await drop(ada, 'Ben', small[0]);
    await ben.getByRole('button', { name: 'Decline' }).click();
    for (const page of [ada, ben])
      await page.locator('.transfer', { hasText: 'declined or cancelled' })
        .waitFor();

    await give(ada, 'Ben', small[1]);
    await ben.getByRole('button', { name: 'Decline' }).waitFor();
    await ben.close();
    await ada.locator('.transfer', { hasText: /empty.*connection was lost/ })
      .waitFor();
    await ada.locator('#nobody').waitFor();
    clean();
  });

  test('what is changed on the way is not taken for whole', async () => {
    await people();
    await context.addInitScript(() => {
      const { send } = RTCDataChannel.prototype;
      RTCDataChannel.prototype.send = function (data) {
        if (data instanceof ArrayBuffer && data.byteLength > 0)
          new Uint8Array(data = data.slice())[0] ^= 1;
        return send.call(this, data);
      };
    });
    const [ada, ben] = await meet('files.html', 2);
    const file = path.join(tempDir(), 'x');
    fs.writeFileSync(file, 'x'.repeat(100000));
    await give(ada, 'Ben', file);
    await ben.getByRole('button', { name: 'Accept x' }).click();
    await ada.locator('.transfer', { hasText: 'arrived damaged' }).waitFor();
    await ben.locator('.transfer', { hasText: 'arrived damaged' }).waitFor();
    assert.equal(await ben.getByRole('link', { name: 'Save' }).count(), 0);
    clean();
  });

  test('no camera: said so, and not in the call', async () => {
    const bare = await launch();
    try {
      await people(bare);
      const page = await open('video.html');
      await page.locator('#join').click();
      await page.locator('#problem', { hasText: 'You can join without' })
        .waitFor();
      await page.locator('#watch').click();
      await page.locator('#status', { hasText: 'nobody else' }).waitFor();
      clean();
    } finally {
      await context.close();
      await bare.close();
      context = null;
    }
  });

  /** A page where there is something to be seen. */
  const scene = {
    'chat.html': async (page, other) => {
      for (const [p, text] of [[other, 'Is anybody at home?'],
        [page, 'Yes: in the kitchen, on the old laptop.']]) {
        await p.getByLabel('Message', { exact: true }).fill(text);
        await p.keyboard.press('Enter');
      }
      await logs(page, 'Is anybody');
    },
    'pubsub.html': async (page, other) => {
      await page.locator('[data-state=open]').first().waitFor();
      await other.bringToFront();
      for (const value of ['20', '21.5', '21', '22.5', '22']) {
        await other.locator('#publish').getByLabel('Value').fill(value);
        await other.locator('#publish').getByRole('button').click();
        await page.locator('output', { hasText: value }).waitFor();
      }
    },
    'video.html': async (page, other) => {
      for (const p of [other, page])
        await p.locator('#join').click();
      await page.bringToFront();
      await page.locator('figcaption', { hasText: /^[A-Z][a-z]+ [A-Z]/ })
        .waitFor();
      await plays(page, 'You');
    },
    'draw.html': async (page, other) => {
      for (const [p, ink, points] of [[other, 'Red', [[0.1, 0.2], [0.4, 0.7]]],
        [page, 'Ink', [[0.2, 0.8], [0.6, 0.3], [0.9, 0.6]]]]) {
        await p.getByLabel(ink).check();
        await scribble(p, ...points);
      }
      await same([other, page]);
    },
    'files.html': async (page, other) => {
      const file = path.join(tempDir(), 'holiday.jpg');
      fs.writeFileSync(file, crypto.randomBytes(2345678));
      await page.locator('.person').waitFor();
      for (let i = 0; i < 2; i++)
        await other.locator('.person input').setInputFiles(file);
      await page.getByRole('button', { name: 'Accept' }).first().click();
      await page.getByRole('link', { name: 'Save' }).waitFor();
    },
  };

  for (const name of names)
    for (const colorScheme of ['light', 'dark'])
      test(`/examples/${name}, ${colorScheme}: axe, and the widths`,
        async () => {
          await people(browser, { colorScheme,
            viewport: { width: 1280, height: 800 } });
          const page = await open(name), other = await open(name);
          const check = async (when) => {
            for (const [kind, width] of [['desktop', 1280], ['phone', 390],
              ['narrow', 320]]) {
              await page.setViewportSize({ width, height: 800 });
              assert.ok(await page.evaluate(() => document.documentElement
                .scrollWidth <= innerWidth), `${kind}: nothing sticks out`);
              if (shots)
                await page.screenshot({ fullPage: true, path: path.join(shots,
                  `${name || 'index'}-${when}-${kind}-${colorScheme}.png`) });
              await page.evaluate(axe);
              const { violations } = await page.evaluate(() => axe.run());
              assert.deepEqual(violations.map((v) => [v.id,
                v.nodes.map((n) => n.target.join())]), [], `${when} ${kind}`);
            }
            await page.setViewportSize({ width: 1280, height: 800 });
          };
          await page.bringToFront();
          await check('first');
          if (scene[name]) {
            await scene[name](page, other);
            await page.bringToFront();
            await check('used');
          }
          clean();
        });
});
