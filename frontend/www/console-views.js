/**
 * The views of the daemon: overview, network, clients.  Each draw function
 * takes what console-api.js had and changes what is shown.
 */
import { mayChange } from '/console-api.js';
import { $, age, bounded, bytes, element, number, plural, rate, roundTrip, rows,
  setText, sync } from '/console-dom.js';
import { Plot, Spark } from '/console-plot.js';

const ROWS = 100;

const FORGET_MS = 10000;

/** Per second, from counters that only grow; null where that is not known. */
export class Rates {
  before = new Map();           // who was asked for last is last

  /** name: of the counter; time in milliseconds. */
  of(name, value, time) {
    const b = this.before.get(name);
    if (b && time - b.time < 500)
      return b.rate;
    const known = b && value >= b.value && time - b.time < FORGET_MS;
    const r = known ? (value - b.value) * 1000 / (time - b.time) : null;
    this.before.delete(name);
    this.before.set(name, { value, time, rate: r });
    for (const [other, o] of this.before) {
      if (time - o.time < FORGET_MS)
        break;
      this.before.delete(other);
    }
    return r;
  }
}

const rates = new Rates();

/** Shows a table, or the text instead of it. */
function either(name, any) {
  $(`${name}-table`).hidden = !any;
  $(`${name}-empty`).hidden = any;
}

/* ---------------------------------------------------------------- overview */

const perSecond = (v) => `${rate(v)}/s`;
const bytesPerSecond = (v) => `${bytes(v)}/s`;
const plots = [
  { plot: new Plot('Messages', ['in', 'out'], perSecond),
    counters: ['frontend_messages_in_total', 'frontend_messages_out_total'] },
  { plot: new Plot('Bytes', ['in', 'out'], bytesPerSecond, true),
    counters: ['frontend_bytes_in_total', 'frontend_bytes_out_total'] },
  { plot: new Plot('Bytes over links', ['in', 'out'], bytesPerSecond, true),
    counters: ['crypto_bytes_in_total', 'crypto_bytes_out_total'] },
];
const trip = new Plot('Round trip over links', ['fastest', 'slowest'],
  roundTrip);

export function startPlots() {
  $('plots').append(...plots.map((p) => p.plot.element), trip.element);
}

export function drawSummary(s, time) {
  for (const { plot, counters } of plots)
    plot.add(time, counters.map((name) => rates.of(name, s[name] ?? 0, time)));
  const { parent_uptime_seconds: up, frontend_clients: clients,
    router_channels: channels, crypto_links_active: links } = s;
  setText($('overview-lead'), `Running for ${age(up ?? 0)}, with `
    + `${plural(clients ?? 0, 'client')}, ${plural(channels ?? 0, 'channel')}, `
    + `${plural(links ?? 0, 'link')} to other machines.`);
}

/** Messages per second of each channel, for its own view, too. */
export function channelRates(list, time) {
  return new Map(list.map((c) => [c.channel,
    rates.of(`channel ${c.channel}`, c.messages, time)]));
}

export function drawChannels(list, perChannel) {
  either('channels', list.length > 0);
  const busy = [...list].sort((a, b) => a.channel < b.channel ? -1 : 1);
  rows($('channels'), bounded(busy, ROWS, $('channels-more')),
    (c) => c.channel, [1, 2, 3, 4, 5], (c) => [
      channelLink(c.channel), number(c.members), number(c.elsewhere),
      number(c.messages), bytes(c.bytes), rate(perChannel.get(c.channel) ?? 0),
      c.presence ? 'on' : 'off']);
  sync($('join-names'), list.slice(0, 50), (c) => c.channel, (c) =>
    element('option', { value: c.channel }), () => {});
}

const links = new Map();

/** A link is made once for each channel, so that it keeps the focus. */
function channelLink(name) {
  if (links.size > 2000)
    links.clear();
  if (!links.has(name))
    links.set(name, element('a',
      { href: `#channel=${encodeURIComponent(name)}` }, name));
  return links.get(name);
}

const process = ({ process: name, instance }) =>
  name === 'frontend' ? `${name} ${instance}` : name;

export function drawLimits(list) {
  const all = $('limits-all').checked;
  const reached = list.filter((l) => l.hits > 0);
  setText($('limits-lead'), reached.length === 0 ? 'No limit was reached.'
    : `${plural(reached.length, 'limit was', 'limits were')} reached.`);
  const near = (l) => l.max !== null && l.used >= l.max * 0.8;
  const shown = all ? list : list.filter((l) => l.hits > 0 || near(l));
  $('limits-table').hidden = shown.length === 0;
  rows($('limits'), shown, (l) => `${l.limit} ${l.process} ${l.instance}`,
    [1, 2, 4], (l) => [[l.limit, process(l)], number(l.used),
      l.max === null ? 'none' : number(l.max), share(l), number(l.hits)]);
}

const meters = new Map();

function share(l) {
  if (l.max === null)
    return '';
  const key = `${l.limit} ${l.process} ${l.instance}`;
  const meter = meters.get(key) ?? element('meter', { min: 0, max: 1,
    high: 0.8, optimum: 0, low: 0.8, 'aria-label': `Share of ${l.limit}` });
  meters.set(key, meter);
  meter.value = l.used / l.max;
  return meter;
}

export function drawProcesses(list) {
  rows($('processes'), list, (p) => `${p.process} ${p.instance}`, [1, 2, 3, 4],
    (p) => [process(p), p.pid, age(p.age_s),
      p.starts === 1 ? 'once' : `${number(p.starts)} times`,
      bytes(p.rss_kib * 1024)]);
}

/* ----------------------------------------------------------------- network */

const sparks = new Map();       // by peer id: round trips

/** Round trips are kept always, so that there is something to see at once. */
export function addLinks(list, time) {
  const known = list.filter((l) => l.rtt_us !== null).map((l) => l.rtt_us);
  trip.add(time, known.length > 0
    ? [Math.min(...known), Math.max(...known)] : [null, null]);
  trip.element.hidden = trip.spark.series.max() === 0;
  for (const l of list.slice(0, ROWS)) {
    const id = l.peer ?? l.address;
    if (!sparks.has(id))
      sparks.set(id, new Spark(['round trip']));
    sparks.get(id).series.add(time, [l.rtt_us]);
    sparks.get(id).draw(time, 'Round trip over the last two minutes: '
      + (l.rtt_us === null ? 'not known yet' : `now ${roundTrip(l.rtt_us)}`));
  }
  const live = new Set(list.map((l) => l.peer ?? l.address));
  for (const id of sparks.keys())
    if (!live.has(id))
      sparks.delete(id);
}

const words = {
  'no-address': 'no address is known', dialling: 'dialling',
  handshake: 'handshake', linked: 'linked', self: 'this machine itself',
  waiting: 'no link', secured: 'linked, no channel in common',
  active: 'linked',
};

/** Peers with their links, and links that nobody here asked for. */
function nodesOf(peers, linkList) {
  const left = new Map(linkList.map((l) => [l.peer ?? l.address, l]));
  const nodes = peers.map((p) => {
    const link = p.peer && left.get(p.peer);
    if (link)
      left.delete(p.peer);
    return { key: `peer ${p.name}`, name: p.name, peer: p.peer, how: p.from,
      link, state: link ? link.phase : p.state, reason: p.reason,
      retry: p.retry_s };
  });
  for (const link of left.values())
    nodes.push({ key: `link ${link.link}`, name: link.address, peer: link.peer,
      how: 'dialled us', link, state: link.phase });
  // What works first, as it was otherwise.
  return [...nodes.filter((n) => n.link), ...nodes.filter((n) => !n.link)];
}

const level = (n) => ['active', 'secured', 'linked'].includes(n.state) ? 'ok'
  : ['handshake', 'dialling', 'self'].includes(n.state) ? 'note' : 'warning';

function nodeCard() {
  return element('li', { class: 'node' },
    element('p', { class: 'name' }), element('p', { class: 'is' }),
    element('p', { class: 'id' }), element('p', { class: 'why' }),
    element('div', { class: 'trip' }));
}

function drawNode(card, n) {
  const [name, is, id, why, trips] = card.children;
  card.dataset.level = level(n);
  setText(name, n.name);
  setText(is, [words[n.state] ?? n.state, n.link?.security,
    n.link ? `for ${age(n.link.age_s)}` : null, n.how]
    .filter(Boolean).join(' · '));
  setText(id, n.peer ?? '');
  id.hidden = !n.peer;
  setText(why, (n.reason ?? '') + (n.retry === null || n.retry === undefined
    ? '' : `${n.reason ? '. ' : ''}Trying again in ${age(n.retry)}.`));
  why.hidden = why.textContent === '';
  trips.hidden = !n.link;
  const spark = n.link && sparks.get(n.link.peer ?? n.link.address);
  if (!spark)
    return;
  if (trips.firstChild !== spark.element)
    trips.replaceChildren(spark.element, element('span', { class: 'value' }));
  setText(trips.lastChild, n.link.rtt_us === null ? 'not measured yet'
    : roundTrip(n.link.rtt_us));
}

function thisNode(findings, services) {
  const at = findings.filter((f) => f.text.startsWith('links are accepted at '))
    .map((f) => f.text.replace('links are accepted at ', ''));
  const own = services.find((s) => s.own);
  return { key: 'self', name: 'This machine', how: own ? `seen as `
    + `${own.instance}` : null, state: at.length > 0
    ? `accepts links at ${at.join(', ')}` : 'accepts no links' };
}

export function drawNodes({ peers, links: linkList, check, discovery }) {
  const nodes = [thisNode(check, discovery), ...nodesOf(peers, linkList)];
  sync($('nodes'), bounded(nodes, ROWS, $('nodes-more')), (n) => n.key,
    nodeCard, drawNode);
  $('nodes').firstElementChild.dataset.level = 'self';
  const linked = linkList.filter((l) => l.peer).length;
  setText($('network-lead'), `${plural(linked, 'link')} to other machines. `
    + 'Links are encrypted, and carry the channels that both machines are on.');
}

export function drawLinks(list, time) {
  either('links', list.length > 0);
  rows($('links'), bounded(list, ROWS, $('links-more')), (l) => l.link,
    [2, 3, 4, 5, 6, 7, 8, 9], (l) => [
      l.address, `${l.phase}, ${l.security}, ${l.dialled ? 'out' : 'in'}`,
      l.rtt_us === null ? '–' : roundTrip(l.rtt_us),
      bytes(rates.of(`link ${l.link} in`, l.bytes_in, time) ?? 0),
      bytes(rates.of(`link ${l.link} out`, l.bytes_out, time) ?? 0),
      number(l.channels), number(l.members), bytes(l.queued_bytes),
      number(l.dropped), age(l.age_s, true)]);
}

export function drawCheck(list) {
  sync($('check'), bounded(list, ROWS, $('check-more')),
    (f) => `${f.level} ${f.process} ${f.text.replace(/\d+/g, '')}`, () =>
      element('li', {}, element('span', { class: 'tag' }), ' ',
        element('span')), (li, f) => {
      li.dataset.level = f.level;
      setText(li.firstChild, f.level);
      setText(li.lastChild, f.text);
    });
}

export function drawDiscovery(list) {
  either('discovery', list.length > 0);
  rows($('discovery'), list.slice(0, ROWS), (s) => s.instance, [], (s) =>
    [s.instance, s.own ? 'this machine’s' : 'another’s', s.host ?? 'not known',
      s.addresses.join(', ')]);
}

export function drawInterfaces(list) {
  rows($('interfaces'), list.slice(0, ROWS), (i) => i.index, [2, 3, 4], (i) => [
    i.interface, i.used ? ['runs', i.ready_ipv4 && 'IPv4', i.ready_ipv6
      && 'IPv6'].filter(Boolean).join(', ') : `no: ${i.reason ?? 'not used'}`,
    number(i.packets_out), number(i.packets_in), number(i.others_in),
    i.addresses.join(', ')]);
}

/* ----------------------------------------------------------------- clients */

const closers = new Map();

/** own: ids of this page's connections; close(id) is called for a button. */
export function drawClients(list, own, close) {
  const filter = $('clients-filter').value.trim().toLowerCase();
  const found = filter === '' ? list : list.filter((c) => [c.channel, c.client,
    c.origin ?? 'native program', c.address].some((s) => s.toLowerCase()
    .includes(filter)));
  setText($('clients-lead'), filter === '' ? `${plural(list.length,
    'connection')} to this machine’s channels.`
    : `${number(found.length)} of ${plural(list.length, 'connection')}.`);
  const shown = bounded(found, ROWS, $('clients-more'));
  const button = ({ client, channel }) => {
    const b = element('button', { type: 'button',
      'aria-label': `Close client ${client} of ${channel}` }, 'Close');
    b.addEventListener('click', () => close(client, channel));
    return b;
  };
  for (const c of mayChange ? shown : [])
    if (!closers.has(c.client))
      closers.set(c.client, button(c));
  const ids = new Set(shown.map((c) => c.client));
  for (const id of closers.keys())
    if (!ids.has(id))
      closers.delete(id);
  rows($('clients'), shown, (c) => c.client, [2, 3, 4, 5], (c) => [
    [c.channel, c.client], [own.has(c.client) ? 'this page'
      : c.origin ?? 'native program', c.address], age(c.age_s, true),
    age(c.idle_s, true), number(c.messages_in), bytes(c.bytes_in),
    [c.binary ? 'binary' : 'JSON', c.deflate && 'deflate',
      c.queued_bytes > 0 && `${bytes(c.queued_bytes)} waiting`,
      ...c.paused.map((p) => `paused: ${p}`)].filter(Boolean).join(', '),
    closers.get(c.client) ?? '']);
}
