/**
 * The console: which view is shown, which channels this page is on, and asking
 * the daemon once a second while somebody looks.
 */
import { closeClient, show } from '/console-api.js';
import { Channel } from '/console-channel.js';
import { $, element, plural, say, setText, sync } from '/console-dom.js';
import { drawOrigins, isPending } from '/console-origins.js';
import * as views from '/console-views.js';

const EVERY_MS = 1000, RETRY_MAX_S = 5, CHANNELS_MAX = 32;
const STORE = 'nws-console-channels';
const VIEWS = ['overview', 'network', 'clients', 'origins'];

const channels = new Map();     // by name, in the order of joining
let view = 'overview';          // one of VIEWS, or channel=NAME
let focusNext = null;           // where the focus goes with the next view

/* ----------------------------------------------------------------- joining */

const isName = (s) => /^[A-Za-z0-9+=*._-]{1,255}$/.test(s)
  && !/^(\.\.?|libp2p)$/.test(s);
const hashOf = (name) => `#channel=${encodeURIComponent(name)}`;

function current(a, is) {
  if (is)
    a.setAttribute('aria-current', 'page');
  else
    a.removeAttribute('aria-current');
}

function drawJoined() {
  sync($('joined'), [...channels.values()], (c) => c.name, (c) =>
    element('li', {}, element('a', { href: hashOf(c.name) },
      element('span', { class: 'dot' }),
      element('span', { class: 'label', title: c.name }, c.name),
      element('span', { class: 'badge' }))), (li, c) => {
    const a = li.firstElementChild;
    li.dataset.level = c.level;
    current(a, view === `channel=${c.name}`);
    const badge = a.querySelector('.badge');
    badge.hidden = c.unread === 0;
    const text = c.unread > 99 ? '99+' : `${c.unread}`;
    if (badge.firstChild?.data !== text)
      badge.replaceChildren(text, element('span', { class: 'unseen' },
        ' unread'));
  });
}

let drawing;

/** Counts of unread messages may change very often. */
function changed() {
  drawing ??= setTimeout(() => {
    drawing = undefined;
    drawJoined();
  }, 50);
}

function remember() {
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...channels.keys()]));
  } catch { /* not allowed to: then not */ }
}

/** The channel of that name, joined if it was not; null if that cannot be. */
function join(name) {
  setText($('join-problem'), '');
  if (channels.has(name))
    return channels.get(name);
  if (!isName(name)) {
    setText($('join-problem'), 'A name is 1 to 255 of A-Z a-z 0-9 + = * . _ - '
      + 'and not libp2p.');
    return null;
  }
  if (channels.size >= CHANNELS_MAX) {
    setText($('join-problem'), `This page is on ${CHANNELS_MAX} channels `
      + 'already; leave one first.');
    return null;
  }
  const channel = new Channel(name, changed);
  channel.onleave = () => leave(name);
  channel.hide();
  channels.set(name, channel);
  $('main').append(channel.element);
  remember();
  drawJoined();
  return channel;
}

function leave(name) {
  channels.get(name).leave();
  channels.delete(name);
  remember();
  say(`Left ${name}`);
  visit('#overview');
}

/* ------------------------------------------------------------------- views */

function titles() {
  const pending = Number.parseInt($('origins-badge').textContent, 10);
  const what = view.startsWith('channel=') ? view.slice(8)
    : view[0].toUpperCase() + view.slice(1);
  const waits = $('origins-badge').hidden ? '' : `(${pending}) `;
  const title = `${waits}${what} · nwsd`;
  if (document.title !== title)
    document.title = title;
}

function wanted() {
  const hash = location.hash.slice(1);
  const name = /^channel=(.*)$/s.exec(hash)?.[1];
  if (name === undefined)
    return VIEWS.includes(hash) ? hash : 'overview';
  try {
    const channel = join(decodeURIComponent(name));
    return channel ? `channel=${channel.name}` : 'overview';
  } catch {     // a bad percent-escape
    return 'overview';
  }
}

/** Shows what the address asks for; a person's focus goes there, too. */
function go(isPerson) {
  view = wanted();
  for (const name of VIEWS) {
    $(`view-${name}`).hidden = view !== name;
    current(document.querySelector(`.side a[href="#${name}"]`), view === name);
  }
  for (const c of channels.values())
    if (view === `channel=${c.name}`)
      c.show();
    else
      c.hide();
  drawJoined();
  titles();
  if (isPerson)
    (focusNext ?? channels.get(view.slice(8))?.title ?? $(`${view}-title`))
      .focus({ preventScroll: true });
  focusNext = null;
  scrollTo(0, 0);
  poll();
}

/** At once: a hashchange would come, and take the focus, some time later. */
function visit(hash) {
  if (location.hash !== hash)
    history.pushState(null, '', hash);
  go(true);
}

/* -------------------------------------------------------------- the daemon */

/** What each view asks for beside what is asked for always. */
const asks = { overview: ['limits', 'processes'], clients: ['clients'],
  network: ['peers', 'check', 'discovery', 'interfaces'] };
const always = ['summary', 'channels', 'links', 'origins'];

let timer, polling = null, again = false, failures = 0;

function status(level, text, wait = '') {
  $('status').dataset.level = level;
  setText($('status-text'), text);
  setText($('status-wait'), wait);
  const bad = level === 'failure' || level === 'warning';
  $('trouble').hidden = !bad;
  $('trouble').dataset.level = level;
  setText($('trouble'), bad ? text + wait : '');
  if (bad && status.said !== text)
    say(text);
  if (!bad && status.said)
    say('nwsd answers again');
  status.said = bad ? text : undefined;
}

function notices(got) {
  const pending = got.origins.filter(isPending).length;
  const list = [];
  if (pending > 0)
    list.push({ href: '#origins', text: `${plural(pending, 'origin waits',
      'origins wait')} for your decision` });
  const refused = got.summary.frontend_refused_limit_total ?? 0;
  if (refused > 0)
    list.push({ href: '#overview', text: `${plural(refused, 'connection was',
      'connections were')} refused since a limit was reached` });
  sync($('notices'), list, (n) => n.href, (n) => element('li', {},
    element('a', { href: n.href })), (li, n) =>
    setText(li.firstChild, n.text));
}

function drawKnown(known, time) {
  const perChannel = views.channelRates(known, time);
  views.drawChannels(known, perChannel);
  for (const c of channels.values())
    if (c.open)
      c.update(known.find((k) => k.channel === c.name), perChannel.get(c.name));
}

/** Draws what was answered; the rest stays as it is. */
async function draw(got, time) {
  const each = { summary: (x) => views.drawSummary(x, time),
    origins: (x) => drawOrigins(x, poll), channels: (x) => drawKnown(x, time),
    links: (x) => views.addLinks(x, time), limits: views.drawLimits,
    processes: views.drawProcesses, check: views.drawCheck,
    discovery: views.drawDiscovery, interfaces: views.drawInterfaces,
    clients: (x) => views.drawClients(x, new Set([...channels.values()]
      .map((c) => c.ws.id)), close) };
  for (const what of Object.keys(each))
    if (got[what])
      each[what](got[what]);
  if (view === 'network' && got.links)
    views.drawLinks(got.links, time);
  if (got.peers && got.links && got.check && got.discovery)
    views.drawNodes(got);
  if (got.origins && got.summary)
    notices(got);
  titles();
}

async function close(id, channel) {
  try {
    setText($('clients-problem'), '');
    await closeClient(id);
    say(`A client of ${channel} was closed`);
    await poll();
    if (document.activeElement === document.body)
      $('clients-title').focus();
  } catch (e) {
    setText($('clients-problem'), e.message);
  }
}

/** Counts down to the next attempt; not by the clock, which may be set back. */
function retry(level, text) {
  const end = performance.now() + 1000 * Math.min(RETRY_MAX_S, ++failures + 1);
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      poll();
      return;
    }
    status(level, text, `; trying again in ${left} s`);
    timer = setTimeout(tick, 250);
  };
  tick();
}

/** What was answered, and what the first that was not said instead. */
async function ask() {
  const names = [...always, ...asks[view] ?? []], got = {};
  let problem;
  await Promise.all(names.map(async (name) => {
    try {
      got[name] = await show(name);
    } catch (e) {
      problem ??= e;
    }
  }));
  return { got, problem };
}

/** One round; whoever awaits it sees what is true after it was called. */
function poll() {
  clearTimeout(timer);
  again = true;
  polling ??= rounds();
  return polling;
}

async function rounds() {
  await null;   // so that polling is set before this ends
  try {
    while (again && !document.hidden) {
      again = false;
      await round();
    }
  } finally {
    polling = null;
  }
}

async function round() {
  clearTimeout(timer);
  const begun = performance.now(), { got, problem } = await ask();
  draw(got, performance.now());
  if (problem) {
    if (!problem.code)
      throw problem;
    retry(problem.code === 'busy' ? 'warning' : 'failure', problem.message);
    return;
  }
  failures = 0;
  status('ok', 'running');
  // What takes long is not asked for without a pause.
  const took = performance.now() - begun;
  timer = setTimeout(poll, Math.max(took, EVERY_MS - took));
}

/* ------------------------------------------------------------------- start */

$('join').addEventListener('submit', (e) => {
  e.preventDefault();
  const input = $('join-name'), channel = join(input.value.trim());
  if (channel === null)
    return;
  input.value = '';
  focusNext = channel.input;
  visit(hashOf(channel.name));
});
document.querySelector('.skip').addEventListener('click', (e) => {
  e.preventDefault();   // the address says which view it is
  $('main').focus();
});
addEventListener('hashchange', () => go(true));
document.addEventListener('visibilitychange', poll);
$('limits-all').addEventListener('change', poll);
$('clients-filter').addEventListener('input', poll);

views.startPlots();
try {
  JSON.parse(sessionStorage.getItem(STORE) ?? '[]').forEach(join);
} catch { /* nothing of use was kept */ }
go(false);
